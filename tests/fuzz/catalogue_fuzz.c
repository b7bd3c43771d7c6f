/* Any bytes as each of the officer's files, alone and together with the shipped ones; and as a formula that is then
 * evaluated. Nothing but faults may come of it. */
#include <assert.h>
#include <stdlib.h>
#include "payments/fees/catalogue.h"

static struct catalogue_files shipped;
static struct arena kept;

static void read_as(size_t part, struct text bytes, struct faults *faults, date_days today)
{
    struct catalogue_files files = shipped;
    struct text *const parts[] = {&files.fees, &files.reductions, &files.categories, &files.procedures, &files.values};
    struct catalogue *catalogue = NULL;
    *parts[part] = bytes;
    faults_init(faults, faults->arena);
    if (catalogue_read(&files, faults, &catalogue))
        assert(faults->count > 0 && !catalogue);
    else
        (void)catalogue_check(catalogue, &files, today, faults);
    catalogue_drop(catalogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    static struct faults faults;
    struct formula formula;
    const char *why = NULL;
    if (size < 1)
        return 0;
    if (!shipped.fees.at) {
        arena_init(&kept);
        faults_init(&faults, &kept);
        if (catalogue_files_read("payments/catalogue", &kept, &faults, &shipped))
            abort();
    }
    arena_init(&arena);
    faults_init(&faults, &arena);
    struct text bytes = arena_text(&arena, (struct text){(const char *)data + 1, size - 1});
    date_days today = date_from(2026, 11, 23);
    if (data[0] % 8 < 5) {
        read_as(data[0] % 8, bytes, &faults, today);
    } else if (!formula_read(bytes, ROUND_DONG_HALF_UP, &arena, &why, &formula)) {
        struct quote_request request;
        quote_request_init(&request);
        request.area_class = TEXT("KV1");
        for (int64_t value = 1; value < MONEY_MAX / 7; value *= 7) {
            struct formula_result result;
            const struct formula_input input = {.request = &request, .fee = TEXT("X"), .where = "", .day = today};
            for (int i = 0; i < QUANTITY_COUNT; i++)
                request.quantities[i] = value;
            request.exchange_rate = value;
            faults_init(&faults, &arena);
            if (formula.kind != FORMULA_PERCENT_OF && !formula_evaluate(&formula, &input, &faults, &result))
                assert(result.gross >= 0 && result.gross <= MONEY_MAX);
        }
    } else {
        assert(why && *why);
    }
    arena_done(&arena);
    return 0;
}
