/* Any body against the shipped catalogue: it is refused with a fault, or priced within bounds, explained, and its id
 * leads back to the same quote. The bytes are tried as an id too. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "payments/fees/fees.h"

static struct catalogue *catalogue;

static void priced(const struct quote *quote, struct arena *arena, struct faults *faults)
{
    char id[QUOTE_ID_SIZE], again[QUOTE_ID_SIZE], version[CATALOGUE_VERSION_SIZE];
    struct buf first = {0}, second = {0};
    struct json json = json_to(&first), other = json_to(&second);
    struct quote_request request;
    struct quote same;
    for (size_t i = 0; i < quote->line_count; i++)
        assert(quote->lines[i].net >= 0 && quote->lines[i].net <= quote->lines[i].gross);
    quote_write(&json, quote);
    quote_id_write(quote, id);
    enum err err = quote_id_read(text_of(id), arena, &request, version);
    assert(!err);
    err = quote_compute(catalogue, &request, request.quoted_on, arena, faults, &same);
    assert(!err);
    quote_id_write(&same, again);
    quote_write(&other, &same);
    assert(!strcmp(id, again));
    assert(first.length == second.length && !memcmp(first.at, second.at, first.length));
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    static struct faults faults;
    struct json_fields in;
    struct quote_request request;
    struct quote quote;
    char version[CATALOGUE_VERSION_SIZE];
    const struct text body = {(const char *)data, size};
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (!catalogue && catalogue_load("payments/catalogue", &faults, &catalogue))
        abort();
    date_days today = date_from(2026, 11, 23);
    if (!json_parse(body, &in, &faults) && !quote_request_read(&in, &request)) {
        if (quote_compute(catalogue, &request, today, &arena, &faults, &quote))
            assert(faults.count > 0);
        else
            priced(&quote, &arena, &faults);
    }
    if (!quote_id_read(body, &arena, &request, version))
        (void)!quote_compute(catalogue, &request, request.quoted_on, &arena, &faults, &quote);
    arena_done(&arena);
    return 0;
}
