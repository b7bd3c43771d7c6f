#include "receipts/office.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(const struct receipt_office *) in_use;

struct receipt_office *receipt_office_new(const char *public_url)
{
    struct receipt_office *office = memory_new(sizeof *office);
    office->public_url = memory_copy(public_url, strlen(public_url));
    return office;
}

const struct signer *office_signer(const struct receipt_office *office, struct text tax_code)
{
    for (size_t i = 0; i < office->count; i++)
        if (tax_code.length && text_equal(office->signers[i]->tax_code, tax_code))
            return office->signers[i];
    return NULL;
}

enum err receipt_office_add(struct receipt_office *office, struct signer *signer)
{
    if (!signer->tax_code.length || office->count == OFFICE_SIGNERS_MAX || office_signer(office, signer->tax_code))
        return ERR_CERTIFICATE;
    office->signers[office->count++] = signer;
    return OK;
}

void receipt_office_trust(struct receipt_office *office, struct receipt_trust *trust)
{
    receipt_trust_free(office->trust);
    office->trust = trust;
}

void receipt_office_free(struct receipt_office *office)
{
    if (!office)
        return;
    const struct receipt_office *mine = office;
    atomic_compare_exchange_strong(&in_use, &mine, NULL);
    for (size_t i = 0; i < office->count; i++)
        signer_close(office->signers[i]);
    receipt_trust_free(office->trust);
    free(office->public_url);
    free(office);
}

void receipt_office_use(const struct receipt_office *office)
{
    atomic_store(&in_use, office);
}

static enum err open_signer(struct receipt_office *office, const char *account, struct faults *faults)
{
    const char *key = config_source("receipts", account, "key_file");
    const char *certificate = config_source("receipts", account, "cert_file");
    if (!key || !certificate || !*key || !*certificate)
        return OK;
    struct signer *signer = NULL;
    enum err err = signer_open(key, config_source("receipts", account, "pin"), certificate, &signer, faults);
    if (!err && receipt_office_add(office, signer)) {
        signer_close(signer);
        err = faults_add(faults, certificate, ERR_CERTIFICATE,
                         "Chứng thư không có mã số thuế (UID=MST:…) hoặc mã đó đã có khóa ký.");
    }
    if (!err && account && !text_equal(office->signers[office->count - 1]->tax_code, text_of(account)))
        err = faults_add(faults, certificate, ERR_CERTIFICATE, "Mã số thuế của chứng thư khác tên mục [receipts.%s].",
                         account);
    return err;
}

enum err receipt_office_open(struct receipt_office **ret_office, struct faults *faults)
{
    const char *accounts[OFFICE_SIGNERS_MAX];
    size_t count = config_accounts("receipts", accounts, OFFICE_SIGNERS_MAX);
    struct receipt_office *office = receipt_office_new(config_text(CONFIG_HTTP_PUBLIC_URL));
    const char *trust_path = config_text(CONFIG_RECEIPTS_TRUST);
    struct receipt_trust *trust = NULL;
    enum err err = *trust_path ? receipt_trust_open(trust_path, &trust) : OK;
    if (err)
        err = faults_add(faults, trust_path, err, NULL);
    else
        receipt_office_trust(office, trust);
    if (!err)
        err = open_signer(office, NULL, faults);
    for (size_t i = 0; i < count && !err; i++)
        err = open_signer(office, accounts[i], faults);
    if (err) {
        receipt_office_free(office);
        return err;
    }
    *ret_office = office;
    return OK;
}

const struct receipt_office *office_in_use(void)
{
    return atomic_load(&in_use);
}

const char *office_link(const struct receipt_office *office, struct text lookup_code, struct arena *arena)
{
    return arena_printf(arena, "%s/r/%.*s", office ? office->public_url : "", TEXT_ARGS(lookup_code));
}
