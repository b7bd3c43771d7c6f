/* What holds for every price, tried on random requests over the whole shipped catalogue: never negative, never over the
 * cap, never falling where the law lets it rise, never raised by a benefit, never outliving a rule, and always the same
 * bytes. TEST_SEED repeats a run, TEST_REQUESTS lengthens it. */
#include <inttypes.h>
#include "tests/unit/payments/fees/random_request.h"

enum { REQUESTS = 3000 };

static int64_t requests;

static int start(void **state)
{
    seed = (uint64_t)of_environment("TEST_SEED", 20261123);
    requests = of_environment("TEST_REQUESTS", REQUESTS);
    print_message("TEST_SEED=%" PRIu64 " TEST_REQUESTS=%" PRId64 "\n", seed, requests);
    return shipped_load(state);
}

/* Another random request that has a price, or NULL; `today` is set with it. */
static const char *some_priced(void)
{
    struct buf body = {0};
    arena_reset(&arena);
    put_request(&body);
    const char *copy = arena_copy(&arena, buf_view(&body));
    buf_done(&body);
    return quote_with(shipped, copy) ? NULL : copy;
}

static const char *written(const struct quote *of)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    quote_write(&json, of);
    const char *copy = arena_copy(&arena, buf_view(&out));
    buf_done(&out);
    return copy;
}

static void no_price_is_negative_or_over_the_cap_of_its_formula(void **state)
{
    int64_t lines = 0;
    for (int64_t i = 0; i < requests; i++) {
        const char *asked = some_priced();
        for (size_t l = 0; asked && l < quote.line_count; l++, lines++) {
            const struct quote_line *line = &quote.lines[l];
            int64_t most = line->fee->formula->max, all;
            bool good = line->gross >= 0 && line->gross <= MONEY_MAX && line->net >= 0 &&
                        line->net == line->gross - line->reduced && line->reduced >= 0;
            if (most != INT64_MAX)
                good = good && (money_multiply(most, line->quantity, &all) || line->gross <= all);
            if (!good)
                fail_msg("%.*s: gross %" PRId64 ", net %" PRId64 " for %s", TEXT_ARGS(line->code), line->gross,
                         line->net, asked);
        }
    }
    assert_true(lines > requests / 3);
}

static void the_total_is_the_sum_of_its_lines(void **state)
{
    for (int64_t i = 0; i < requests; i++) {
        int64_t sum = 0;
        const char *asked = some_priced();
        for (size_t l = 0; asked && l < quote.line_count; l++)
            sum += quote.lines[l].net;
        if (asked)
            assert_int_equal(sum, quote.total);
    }
}

/* Every fee whose law lets the price rise with a number: more of it never costs less. Interpolated rates are left to
 * their points: between two of them a rate may fall faster than the value rises (XD-TDDA near 1.000 tỷ), by the text of
 * the law; `catalogue check` compares the points. "Which time" is left out: the second is cheaper by NĐ 10/2022. */
static void more_never_costs_less_where_the_law_is_rising(void **state)
{
    int64_t compared = 0;
    for (int64_t i = 0; i < requests; i++) {
        static const enum quantity rising[] = {QUANTITY_COPIES,  QUANTITY_PAGES,   QUANTITY_VALUE,
                                               QUANTITY_PERSONS, QUANTITY_AREA_M2, QUANTITY_HECTARES};
        if (!some_priced())
            continue;
        struct quote first = quote;
        struct quote_request asked = request;
        enum quantity which = rising[below(6)];
        bool interpolated = false;
        for (size_t l = 0; l < first.line_count; l++)
            interpolated |= first.lines[l].fee->formula->kind == FORMULA_INTERP;
        if (interpolated || asked.quantities[which] == QUANTITY_NONE)
            continue;
        asked.quantities[which] += below(3) ? 1 + below(40) : below(INT64_C(1) << below(31));
        if (asked.quantities[which] > MONEY_MAX || quote_compute(shipped, &asked, today, &arena, &faults, &quote))
            continue;
        for (size_t l = 0; l < first.line_count; l++, compared++)
            if (quote.lines[l].gross < first.lines[l].gross)
                fail_msg("%.*s falls from %" PRId64 " to %" PRId64 " as %s rises to %" PRId64,
                         TEXT_ARGS(first.lines[l].code), first.lines[l].gross, quote.lines[l].gross,
                         quantity_names[which], asked.quantities[which]);
    }
    print_message("%" PRId64 " lines compared\n", compared);
    assert_true(compared > requests / 5);
}

static void an_interpolated_price_never_falls_from_point_to_point(void **state)
{
    size_t fees = 0;
    for (size_t i = 0; i < shipped->fee_count; i++) {
        const struct formula *f = shipped->fees[i].formula;
        int64_t before = -1;
        if (f->kind != FORMULA_INTERP)
            continue;
        fees++;
        for (size_t c = 0; c < f->case_count; c++) {
            struct interpolation at;
            assert_true(formula_interpolate(f, f->cases[c].bound, PPB, &at));
            assert_true(at.amount >= before);
            before = at.amount;
        }
    }
    assert_int_equal(fees, 2);
}

static void one_more_benefit_never_raises_a_price(void **state)
{
    int64_t compared = 0;
    for (int64_t i = 0; i < requests; i++) {
        if (!some_priced() || request.category_count == QUOTE_CATEGORIES_MAX)
            continue;
        struct quote_request more = request;
        int64_t total = quote.total;
        more.categories[more.category_count++] = shipped->categories[below((int64_t)shipped->category_count)].code;
        if (quote_compute(shipped, &more, today, &arena, &faults, &quote))
            continue; /* it may ask for what the person got this year */
        if (quote.total > total)
            fail_msg("%.*s raises %" PRId64 " to %" PRId64, TEXT_ARGS(more.categories[more.category_count - 1]), total,
                     quote.total);
        compared++;
    }
    assert_true(compared > requests / 4);
}

static void no_quote_outlives_a_version_or_rule_it_rests_on(void **state)
{
    for (int64_t i = 0; i < requests; i++) {
        const char *asked = some_priced();
        for (size_t l = 0; asked && l < quote.line_count; l++) {
            const struct quote_line *line = &quote.lines[l];
            bool kept = line->fee->decided_by == DAY_OF_FILING && request.filed_on != DATE_NONE;
            if (!kept && line->fee->valid_to != DATE_NONE && quote.valid_until > line->fee->valid_to)
                fail_msg("%.*s outlives its row: %s", TEXT_ARGS(line->code), asked);
            if (!line->reduction_count || line->reductions[0].state != REDUCTION_APPLIED)
                continue;
            const struct reduction *rule = line->reductions[0].rule;
            kept = rule->decided_by == DAY_OF_FILING && request.filed_on != DATE_NONE;
            if (!kept && rule->valid_to != DATE_NONE && quote.valid_until > rule->valid_to)
                fail_msg("%.*s outlives %.*s: %s", TEXT_ARGS(line->code), TEXT_ARGS(rule->code), asked);
        }
        assert_true(!asked || quote.valid_until < today + QUOTE_VALID_DAYS);
    }
}

static void the_same_input_gives_the_same_bytes_on_any_host(void **state)
{
    struct catalogue *other_host;
    struct arena kept;
    arena_init(&kept);
    faults_init(&faults, &kept);
    assert_int_equal(catalogue_load("payments/catalogue", &faults, &other_host), OK);
    for (int64_t i = 0; i < requests / 4; i++) {
        const char *asked = some_priced();
        if (!asked)
            continue;
        const char *here = written(&quote);
        assert_int_equal(quote_with(shipped, asked), OK);
        assert_string_equal(written(&quote), here);
        assert_int_equal(quote_with(other_host, asked), OK);
        assert_string_equal(written(&quote), here);
        struct quote_request from_id;
        char id[QUOTE_ID_SIZE], version[CATALOGUE_VERSION_SIZE];
        quote_id_write(&quote, id);
        assert_int_equal(quote_id_read(text_of(id), &arena, &from_id, version), OK);
        assert_int_equal(quote_compute(other_host, &from_id, from_id.quoted_on, &arena, &faults, &quote), OK);
        assert_string_equal(written(&quote), here);
    }
    catalogue_drop(other_host);
    arena_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_price_is_negative_or_over_the_cap_of_its_formula),
        cmocka_unit_test(the_total_is_the_sum_of_its_lines),
        cmocka_unit_test(more_never_costs_less_where_the_law_is_rising),
        cmocka_unit_test(an_interpolated_price_never_falls_from_point_to_point),
        cmocka_unit_test(one_more_benefit_never_raises_a_price),
        cmocka_unit_test(no_quote_outlives_a_version_or_rule_it_rests_on),
        cmocka_unit_test(the_same_input_gives_the_same_bytes_on_any_host),
    };
    return cmocka_run_group_tests(tests, start, shipped_drop);
}
