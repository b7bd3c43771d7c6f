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

const struct receipt_office *office_in_use(void)
{
    return atomic_load(&in_use);
}

const char *office_link(const struct receipt_office *office, struct text lookup_code, struct arena *arena)
{
    return arena_printf(arena, "%s/r/%.*s", office ? office->public_url : "", TEXT_ARGS(lookup_code));
}
