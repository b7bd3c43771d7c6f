#include "receipts/office.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "receipts/certificate.h"

static _Atomic(const struct receipt_office *) in_use;

struct receipt_office *receipt_office_new(const char *public_url)
{
    struct receipt_office *office = memory_new(sizeof *office);
    office->public_url = memory_copy(public_url, strlen(public_url));
    return office;
}

const struct signer *office_signer(const struct receipt_office *office, struct text tax_code)
{
    for (size_t i = 0; office && i < office->count; i++)
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
    receipt_office_free(office->before);
    receipt_trust_free(office->trust);
    free(office->public_url);
    free(office);
}

void receipt_office_use(const struct receipt_office *office)
{
    atomic_store(&in_use, office);
}

static void remember(struct receipt_office *office, const char *path)
{
    struct stat now;
    if (!path || !*path || text_starts(text_of(path), "pkcs11:") || office->file_count == OFFICE_FILES_MAX)
        return;
    struct office_file *file = &office->files[office->file_count++];
    *file = (struct office_file){.path = path};
    if (!stat(path, &now))
        *file = (struct office_file){path, now.st_mtim.tv_sec * INT64_C(1000000000) + now.st_mtim.tv_nsec, now.st_size,
                                     (int64_t)now.st_ino};
}

static bool files_changed(const struct receipt_office *office)
{
    struct stat now;
    for (size_t i = 0; i < office->file_count; i++) {
        const struct office_file *file = &office->files[i];
        bool there = !stat(file->path, &now);
        int64_t changed_ns = there ? now.st_mtim.tv_sec * INT64_C(1000000000) + now.st_mtim.tv_nsec : 0;
        if (there &&
            (changed_ns != file->changed_ns || now.st_size != file->size || (int64_t)now.st_ino != file->inode))
            return true; /* a file that is gone for a moment is on its way to be replaced */
    }
    return false;
}

static enum err open_signer(struct receipt_office *office, const char *account, struct faults *faults)
{
    const char *key = config_source("receipts", account, "key_file");
    const char *certificate = config_source("receipts", account, "cert_file");
    if (!key || !certificate || !*key || !*certificate)
        return OK;
    remember(office, key);
    remember(office, certificate);
    struct signer *signer = NULL;
    enum err err = signer_open(key, config_source("receipts", account, "pin"), certificate, &signer, faults);
    if (!err && account && !text_equal(signer->tax_code, text_of(account)))
        err = faults_add(faults, certificate, ERR_CERTIFICATE, "Mã số thuế của chứng thư khác tên mục [receipts.%s].",
                         account);
    if (!err && receipt_office_add(office, signer))
        err = faults_add(faults, certificate, ERR_CERTIFICATE,
                         "Chứng thư không có mã số thuế (UID=MST:…) hoặc mã đó đã có khóa ký.");
    if (err)
        signer_close(signer);
    return err;
}

enum err receipt_office_open(struct receipt_office **ret_office, struct faults *faults)
{
    const char *accounts[OFFICE_SIGNERS_MAX];
    size_t count = config_accounts("receipts", accounts, OFFICE_SIGNERS_MAX);
    struct receipt_office *office = receipt_office_new(config_text(CONFIG_HTTP_PUBLIC_URL));
    const char *trust_path = config_text(CONFIG_RECEIPTS_TRUST);
    struct receipt_trust *trust = NULL;
    remember(office, trust_path);
    enum err err = *trust_path ? receipt_trust_open(trust_path, &trust) : OK;
    if (err)
        faults_add(faults, trust_path, err, NULL);
    receipt_office_trust(office, trust);
    /* A key that cannot be used stops the receipts of its collector, never the others or the service. */
    enum err first = open_signer(office, NULL, faults);
    err = err ? err : first;
    for (size_t i = 0; i < count; i++) {
        enum err other = open_signer(office, accounts[i], faults);
        err = err ? err : other;
    }
    *ret_office = office;
    return err;
}

/* Whether nobody who could sign before would be left without a key, nor the trust file without its roots. */
static bool covers(const struct receipt_office *fresh, const struct receipt_office *old)
{
    for (size_t i = 0; i < old->count; i++)
        if (!office_signer(fresh, old->signers[i]->tax_code))
            return false;
    return fresh->trust || !old->trust;
}

enum err receipt_office_refresh(struct receipt_office **office, struct faults *faults, bool *ret_changed)
{
    enum { KEEP_US = 10 * 60 * 1000000 }; /* far longer than any request or job looks at an office */
    struct receipt_office *old = *office, *fresh;
    *ret_changed = false;
    if (old->before && clock_monotonic_us() - old->replaced_us > KEEP_US) {
        receipt_office_free(old->before);
        old->before = NULL;
    }
    if (!files_changed(old))
        return OK;
    enum err err = receipt_office_open(&fresh, faults);
    if (err && !covers(fresh, old)) {
        receipt_office_free(fresh); /* half a rotation: the old keys serve on, the next look tries again */
        return err;
    }
    fresh->before = old;
    fresh->replaced_us = clock_monotonic_us();
    receipt_office_use(fresh);
    *office = fresh;
    *ret_changed = true;
    return err;
}

const struct receipt_office *office_in_use(void)
{
    return atomic_load(&in_use);
}

const char *office_link(const struct receipt_office *office, struct text lookup_code, struct arena *arena)
{
    return arena_printf(arena, "%s/r/%.*s", office ? office->public_url : "", TEXT_ARGS(lookup_code));
}

/* The chain and the lists, when the installation has a trust file. */
static enum err check_chain(const struct receipt_office *office, const struct signer *signer, instant_us at,
                            struct arena *arena, const char **ret_problem)
{
    struct buf der = {0};
    struct faults faults;
    faults_init(&faults, arena);
    enum err err = base64_decode(signer->certificate, &der) ? OK : ERR_CERTIFICATE;
    const unsigned char *bytes = (const unsigned char *)der.at;
    X509 *certificate = err ? NULL : d2i_X509(NULL, &bytes, (long)der.length);
    if (certificate)
        err = certificate_chain(office->trust, certificate, at, &faults);
    else
        err = ERR_CERTIFICATE;
    X509_free(certificate);
    buf_done(&der);
    if (err)
        *ret_problem = faults.count ? arena_printf(arena, "Chứng thư ký không dùng được: %s", faults.list[0].detail)
                                    : "Không đọc được chứng thư ký.";
    return err;
}

enum err office_ready(const struct receipt_office *office, struct text tax_code, instant_us at, struct arena *arena,
                      const char **ret_problem)
{
    const struct signer *signer = office_signer(office, tax_code);
    char day[INSTANT_TEXT_SIZE];
    if (!signer) {
        *ret_problem = "Chưa có khóa ký (no signing key) cho mã số thuế này; biên lai đang chờ, chưa đánh số.";
        return ERR_KEY;
    }
    if (at > signer->valid_until) {
        instant_format_vi(signer->valid_until, day);
        *ret_problem = arena_printf(arena, "Chứng thư ký đã hết hạn lúc %s; biên lai đang chờ, chưa đánh số.", day);
        return ERR_CERTIFICATE;
    }
    if (at < signer->valid_from) {
        instant_format_vi(signer->valid_from, day);
        *ret_problem = arena_printf(arena, "Chứng thư ký chỉ có hiệu lực từ %s; biên lai đang chờ, chưa đánh số.", day);
        return ERR_CERTIFICATE;
    }
    if (signer_check(signer, tax_code, at)) {
        *ret_problem = "Chứng thư ký là của đơn vị khác.";
        return ERR_CERTIFICATE;
    }
    return office->trust ? check_chain(office, signer, at, arena, ret_problem) : OK;
}

enum err receipt_office_check(const struct receipt_office *office, instant_us at, struct arena *arena,
                              struct faults *faults, struct buf *ret_words)
{
    instant_us first_end = INSTANT_NONE;
    const char *problem;
    for (size_t i = 0; i < office->count; i++) {
        const struct signer *signer = office->signers[i];
        if (first_end == INSTANT_NONE || signer->valid_until < first_end)
            first_end = signer->valid_until;
        if (office_ready(office, signer->tax_code, at, arena, &problem))
            faults_add(faults, arena_copy(arena, signer->tax_code), ERR_CERTIFICATE, "%s", problem);
    }
    buf_printf(ret_words, "%zu key(s)", office->count);
    if (first_end != INSTANT_NONE) {
        char day[DATE_TEXT_SIZE];
        date_format(date_of(first_end), day);
        buf_printf(ret_words, ", the first certificate ends %s", day);
    }
    return faults->count ? ERR_CERTIFICATE : OK;
}
