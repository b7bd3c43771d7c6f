/* Quotes: which day and which benefit decide, what the citizen reads, what an id carries, what is refused and where. */
#include "tests/unit/payments/fees/priced.h"

static const char *explained(size_t line, enum fee_language language)
{
    struct buf words = {0};
    quote_explain(&quote, line, language, &words);
    const char *copy = arena_copy(&arena, buf_view(&words));
    buf_done(&words);
    return copy;
}

static struct text written(void)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    quote_write(&json, &quote);
    struct text copy = arena_text(&arena, buf_view(&out));
    buf_done(&out);
    return copy;
}

/* ---- dates and benefits --------------------------------------------------------------------------------------- */

static void half_price_ends_with_the_year_2026(void **state)
{
    assert_int_equal(price("{'fees':['CC-DOI'],'channel':'counter','paid_on':'2025-06-30'}"), 50000);
    assert_int_equal(price("{'fees':['CC-DOI'],'channel':'counter','paid_on':'2025-07-01'}"), 25000);
    assert_int_equal(price("{'fees':['CC-DOI'],'channel':'counter','paid_on':'2026-12-31'}"), 25000);
    assert_int_equal(price("{'fees':['CC-DOI'],'channel':'counter','paid_on':'2027-01-01'}"), 50000);
    assert_int_equal(price("{'fees':['HC-MOI'],'channel':'online','filed_on':'2026-12-31'}"), 100000);
    assert_int_equal(price("{'fees':['HC-MOI'],'channel':'online','filed_on':'2027-01-01'}"), 200000);
}

static void the_day_of_payment_decides_where_the_law_does_not_say_filing(void **state)
{
    assert_int_equal(price("{'fees':['CC-DOI'],'channel':'counter','filed_on':'2026-12-31','paid_on':'2027-01-02'}"),
                     50000);
}

static void the_benefit_of_digital_citizens_begins_and_ends_on_its_days_and_online_only(void **state)
{
    static const char *const form = "{'fees':['HT-TRICHLUC'],'channel':'%s','filed_on':'%s','quantities':{'copies':2},"
                                    "'beneficiary_categories':['digital_citizen']}";
    static const struct {
        const char *channel, *day;
        int64_t due;
    } cases[] = {{"online", "2026-08-14", 16000},     {"online", "2026-08-15", 0},      {"online", "2027-02-28", 0},
                 {"online", "2027-03-01", 16000},     {"counter", "2026-08-15", 16000}, {"post", "2026-11-23", 16000},
                 {"online_part", "2026-11-23", 16000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[400];
        snprintf(body, sizeof body, form, cases[i].channel, cases[i].day);
        assert_int_equal(price(body), cases[i].due);
    }
    assert_int_equal(price("{'fees':['HT-TRICHLUC'],'channel':'online','quantities':{'copies':2}}"), 16000);
}

static void the_highest_benefit_counts_and_the_losing_one_is_listed(void **state)
{
    assert_int_equal(price("{'fees':['CC-CAPLAI'],'channel':'online','beneficiary_categories':['digital_citizen']}"),
                     0);
    assert_int_equal(quote.lines[0].gross, 70000);
    assert_int_equal(quote.lines[0].reduction_count, 2);
    assert_int_equal(quote.lines[0].reductions[0].state, REDUCTION_APPLIED);
    assert_int_equal(quote.lines[0].reductions[0].amount, 70000);
    assert_int_equal(quote.lines[0].reductions[1].state, REDUCTION_LOWER);
    assert_int_equal(quote.lines[0].reductions[1].amount, 35000);
}

static void half_price_for_security_interests_is_annex_three(void **state)
{
    assert_int_equal(price("{'fees':['GDBD-LANDAU','GDBD-BANSAO'],'channel':'online','beneficiary_categories':"
                           "['digital_citizen']}"),
                     52500);
}

static void a_benefit_for_certain_procedures_needs_the_procedure(void **state)
{
    assert_int_equal(price("{'procedure':'3.000347','channel':'online','beneficiary_categories':['digital_citizen']}"),
                     0);
    assert_int_equal(price("{'fees':['GPLX'],'channel':'online','beneficiary_categories':['digital_citizen']}"),
                     135000);
    assert_int_equal(quote.lines[0].reductions[0].state, REDUCTION_PROCEDURE);
    assert_int_equal(price("{'fees':['GPLX'],'channel':'online','quantities':{'role':'reissue'},"
                           "'beneficiary_categories':['digital_citizen']}"),
                     0);
    assert_int_equal(
        price("{'procedure':'QN.GPLX-MOI','channel':'online','beneficiary_categories':['digital_citizen']}"), 265000);
}

static void history_keeps_its_prices(void **state)
{
    assert_int_equal(price("{'fees':['GPLX'],'channel':'online','filed_on':'2023-11-30'}"), 135000);
    assert_int_equal(price("{'fees':['GPLX'],'channel':'online','filed_on':'2023-12-01'}"), 115000);
    assert_int_equal(price("{'fees':['GPLX'],'channel':'counter','filed_on':'2025-12-31'}"), 135000);
    assert_int_equal(price("{'fees':['GPLX'],'channel':'online','filed_on':'2026-01-01'}"), 135000);
    assert_int_equal(price("{'fees':['HC-MOI'],'channel':'online','filed_on':'2024-01-01'}"), 180000);
    assert_int_equal(price("{'fees':['XD-CCNL'],'channel':'online','filed_on':'2025-12-31'}"), 800000);
    assert_int_equal(price("{'fees':['XD-CCNL'],'channel':'online','filed_on':'2026-01-01'}"), 1000000);
    assert_int_equal(price("{'fees':['XE-MOTO40-2023'],'channel':'counter','filed_on':'2025-12-31','quantities':"
                           "{'area_class':'KV2'}}"),
                     400000);
}

static void a_zero_price_is_not_an_exemption(void **state)
{
    assert_int_equal(price("{'fees':['DN-DKDN'],'channel':'online'}"), 0);
    assert_int_equal(quote.lines[0].gross, 0);
    assert_int_equal(quote.lines[0].reduction_count, 0);
    assert_non_null(strstr(explained(0, LANGUAGE_VI), "không phải được miễn"));
    assert_int_equal(price("{'fees':['DN-DKDN'],'channel':'counter'}"), 25000);
    assert_int_equal(
        price("{'fees':['CT-THUONGTRU'],'channel':'counter','beneficiary_categories':['special_zone_resident']}"), 0);
    assert_int_equal(quote.lines[0].gross, 20000);
    assert_non_null(strstr(explained(0, LANGUAGE_VI), "được miễn"));
}

static void of_two_reductions_in_adoption_one_is_chosen(void **state)
{
    static const char *const form = "{'fees':['NCN-NN-THUONGTRU-NN'],'channel':'counter','quantities':{'persons':%d},'"
                                    "beneficiary_categories':[%s]}";
    static const struct {
        int children;
        const char *categories;
        int64_t due;
    } cases[] = {{1, "", 9000000},
                 {1, "'sibling_children'", 9000000},
                 {2, "'sibling_children'", 13500000},
                 {3, "'sibling_children'", 18000000},
                 {2, "'close_relative_adoption'", 9000000},
                 {2, "'sibling_children','close_relative_adoption'", 9000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[400];
        snprintf(body, sizeof body, form, cases[i].children, cases[i].categories);
        assert_int_equal(price(body), cases[i].due);
    }
}

static void a_procedure_has_its_usual_fees_and_lets_one_choose_others(void **state)
{
    assert_int_equal(price("{'procedure':'2.000635','channel':'counter','quantities':{'copies':2}}"), 16000);
    assert_int_equal(price("{'procedure':'3.000333','channel':'counter','fees':['LLTP-UUTIEN']}"), 100000);
    assert_int_equal(price("{'procedure':'1.001193','channel':'counter'}"), 0);
    assert_int_equal(quote.line_count, 0);
    assert_refused("{'procedure':'3.000333','channel':'counter','fees':['CC-DOI']}", "/fees/0", ERR_FEE_UNKNOWN);
    assert_refused("{'procedure':'QN.NCN-NN','channel':'counter'}", "/fees", ERR_FIELD_MISSING);
}

/* ---- how long it holds ---------------------------------------------------------------------------------------- */

static void a_quote_never_outlives_a_rule_it_used_nor_the_day_before_a_cheaper_one(void **state)
{
    assert_int_equal(price("{'fees':['CT-CHUKY'],'channel':'counter'}"), 10000);
    assert_int_equal(quote.valid_until, date_from(2026, 12, 7));
    today = date_from(2026, 12, 28);
    assert_int_equal(price("{'fees':['CC-DOI'],'channel':'counter'}"), 25000);
    assert_int_equal(quote.valid_until, date_from(2026, 12, 31));
    char until[INSTANT_TEXT_SIZE];
    instant_format(quote_valid_until(&quote), until);
    assert_string_equal(until, "2026-12-31T23:59:59+07:00");
    today = date_from(2026, 8, 10);
    assert_int_equal(price("{'fees':['HT-TRICHLUC'],'channel':'online','quantities':{'copies':1},"
                           "'beneficiary_categories':['digital_citizen']}"),
                     8000);
    assert_int_equal(quote.valid_until, date_from(2026, 8, 14));
    today = date_from(2026, 11, 23);
    assert_int_equal(price("{'fees':['XE-OTO-2023'],'channel':'counter','paid_on':'2025-12-31','quantities':"
                           "{'area_class':'KV1'}}"),
                     500000);
    assert_true(quote.valid_until < today);
}

static void what_was_filed_in_time_keeps_a_price_that_the_filing_day_decides(void **state)
{
    assert_int_equal(price("{'fees':['XD-CCNL'],'channel':'online','filed_on':'2025-12-31','paid_on':'2026-11-23'}"),
                     800000);
    assert_int_equal(quote.valid_until, date_from(2026, 12, 7));
}

/* ---- what the citizen reads ----------------------------------------------------------------------------------- */

static void every_priced_fee_can_be_explained_in_both_languages(void **state)
{
    size_t priced = 0;
    for (size_t i = 0; i < shipped->entry_count; i++) {
        const struct fee *fee = fee_entry_on(&shipped->entries[i], today);
        if (!fee || fee->formula->kind >= FORMULA_LOCAL)
            continue;
        bool kv = strstr(arena_copy(&arena, fee->formula_text), "KV1") != NULL;
        bool urban = strstr(arena_copy(&arena, fee->formula_text), "urban") != NULL;
        const char *body = arena_printf(
            &arena,
            "{'fees':['%.*s'],'channel':'counter','quantities':{'copies':3,'pages':7,'value':123456789,'persons':2,"
            "'sequence':1,'hectares':120,'area_class':'%s','legacy_area':'DakLak_cu'}}",
            TEXT_ARGS(fee->code),
            kv      ? "KV1"
            : urban ? "urban"
                    : "phuong");
        assert_true(price(body) >= 0);
        assert_non_null(strstr(explained(0, LANGUAGE_VI), arena_copy(&arena, fee->legal_basis)));
        assert_true(strlen(explained(0, LANGUAGE_EN)) > fee->legal_basis.length + 4);
        assert_true(quote.lines[0].net >= 0 && quote.lines[0].net <= quote.lines[0].gross);
        priced++;
    }
    assert_true(priced >= 70);
}

/* ---- the id --------------------------------------------------------------------------------------------------- */

static void an_id_carries_the_whole_quote_to_another_host(void **state)
{
    char id[QUOTE_ID_SIZE], again[QUOTE_ID_SIZE], version[CATALOGUE_VERSION_SIZE];
    assert_int_equal(quote_with(shipped, "{'procedure':'2.000635','channel':'online','filed_on':'2026-11-20','paid_on':"
                                         "'2026-11-23','quantities':{'copies':2,'area_class':'phuong','exchange_rate':"
                                         "'26085.5'},'beneficiary_categories':['digital_citizen','child']}"),
                     OK);
    struct text first = written();
    quote_id_write(&quote, id);
    assert_true(!strncmp(id, "q_", 2) && strlen(id) <= QUOTE_ID_MAX);
    struct quote_request read;
    assert_int_equal(quote_id_read(text_of(id), &arena, &read, version), OK);
    assert_string_equal(version, catalogue_version(shipped));
    assert_int_equal(read.quoted_on, today);
    assert_int_equal(read.quantities[QUANTITY_COPIES], 2);
    assert_int_equal(quote_compute(shipped, &read, read.quoted_on, &arena, &faults, &quote), OK);
    quote_id_write(&quote, again);
    assert_string_equal(id, again);
    assert_true(text_equal(first, written()));
}

static void an_id_with_any_character_changed_is_refused(void **state)
{
    char id[QUOTE_ID_SIZE], version[CATALOGUE_VERSION_SIZE];
    struct quote_request read;
    assert_int_equal(price_of("CT-BANSAO", "'pages':5,'copies':2"), 14000);
    quote_id_write(&quote, id);
    for (size_t i = 0; id[i]; i++) {
        char was = id[i];
        for (const char *other = "Aa9_ "; *other; other++) {
            id[i] = *other;
            if (*other != was)
                assert_int_equal(quote_id_read(text_of(id), &arena, &read, version), ERR_FIELD_FORMAT);
        }
        id[i] = was;
    }
    for (size_t length = 0; id[length]; length++)
        assert_int_equal(quote_id_read((struct text){id, length}, &arena, &read, version), ERR_FIELD_FORMAT);
}

static void a_request_too_large_for_an_id_is_refused(void **state)
{
    struct buf body = {0};
    buf_string(&body, "{'channel':'counter','fees':[");
    for (int i = 0; i < QUOTE_FEES_MAX; i++)
        buf_printf(&body, "%s'FEE-%034d'", i ? "," : "", i);
    buf_string(&body, "]}");
    assert_refused(buf_cstr(&body), "/fees", ERR_FIELD_LENGTH);
    buf_done(&body);
}

/* ---- bad input ------------------------------------------------------------------------------------------------ */

static void every_fault_is_named_by_its_pointer(void **state)
{
    assert_refused("{'channel':'counter'}", "/procedure", ERR_FIELD_MISSING);
    assert_refused("{'fees':[],'channel':'counter'}", "/fees", ERR_FIELD_LENGTH);
    assert_refused("{'fees':['CT-CHUKY']}", "/channel", ERR_FIELD_MISSING);
    assert_refused("{'fees':['CT-CHUKY'],'channel':'fax'}", "/channel", ERR_FIELD_VALUE);
    assert_refused("{'fees':['CT-CHUKY'],'channel':'counter','color':1}", "/color", ERR_FIELD_UNKNOWN);
    assert_refused("{'fees':['CT-CHUKY'],'channel':'counter','quantities':{'color':1}}", "/quantities/color",
                   ERR_FIELD_UNKNOWN);
    assert_refused("{'fees':['CT-CHUKY'],'channel':'counter','filed_on':'2026-02-30'}", "/filed_on", ERR_FIELD_FORMAT);
    assert_refused("{'fees':['CT-BANSAO'],'channel':'counter'}", "/quantities/pages", ERR_QUANTITY_MISSING);
    assert_refused("{'fees':['CT-BANSAO'],'channel':'counter','quantities':{'pages':-1}}", "/quantities/pages",
                   ERR_FIELD_RANGE);
    assert_refused("{'fees':['CT-BANSAO'],'channel':'counter','quantities':{'pages':0}}", "/quantities/pages",
                   ERR_FIELD_RANGE);
    assert_refused("{'fees':['CC-HDGD'],'channel':'counter','quantities':{'value':9007199254740992}}",
                   "/quantities/value", ERR_FIELD_RANGE);
    assert_refused("{'fees':['CC-HDGD'],'channel':'counter','quantities':{'value':1.0}}", "/quantities/value",
                   ERR_FIELD_TYPE);
    assert_refused("{'fees':['HT-TRICHLUC'],'channel':'counter','quantities':{'copies':9007199254740991}}",
                   "/quantities/copies", ERR_MONEY_OVERFLOW);
    assert_refused("{'fees':['NOPE'],'channel':'counter'}", "/fees/0", ERR_FEE_UNKNOWN);
    assert_refused("{'fees':['CT-CHUKY','CT-CHUKY'],'channel':'counter'}", "/fees/1", ERR_FIELD_VALUE);
    assert_refused("{'procedure':'9.999999','channel':'counter'}", "/procedure", ERR_PROCEDURE_UNKNOWN);
    assert_refused("{'fees':['CT-CHUKY'],'channel':'counter','beneficiary_categories':['child','king']}",
                   "/beneficiary_categories/1", ERR_CATEGORY_UNKNOWN);
    assert_refused("{'fees':['HT-LEPHI'],'channel':'counter'}", "/fees/0", ERR_FEE_SET_LOCALLY);
    assert_refused("{'fees':['HKD'],'channel':'counter'}", "/fees/0", ERR_FEE_SET_LOCALLY);
    assert_refused("{'fees':['XE-DOI'],'channel':'counter'}", "/fees/0", ERR_FEE_UNSET);
    assert_refused("{'fees':['MONBAI'],'channel':'counter'}", "/fees/0", ERR_FEE_NOT_IN_FORCE);
    assert_refused("{'fees':['XE-OTO-2023'],'channel':'counter'}", "/fees/0", ERR_FEE_NOT_IN_FORCE);
    assert_refused("{'fees':['CT-BANSAO'],'channel':'counter','filed_on':'2016-12-31','quantities':{'pages':1}}",
                   "/fees/0", ERR_FEE_NOT_IN_FORCE);
    assert_refused("{'fees':['CT-KDDK-DN'],'channel':'counter'}", "/quantities/area_class", ERR_QUANTITY_MISSING);
    assert_refused("{'fees':['CT-KDDK-DN'],'channel':'counter','quantities':{'area_class':'KV9'}}",
                   "/quantities/area_class", ERR_FIELD_VALUE);
    assert_refused("{'fees':['XD-TDDA'],'channel':'counter','quantities':{'value':1,'role':'king'}}",
                   "/quantities/role", ERR_FIELD_VALUE);
    assert_refused("{'fees':['DD-TRUOCBA-OTO'],'channel':'counter','quantities':{'value':1}}", "/quantities/sequence",
                   ERR_QUANTITY_MISSING);
}

static void all_faults_are_named_at_once(void **state)
{
    assert_int_equal(quote_with(shipped, "{'fees':['CT-BANSAO','NOPE','HT-LEPHI'],'channel':'counter',"
                                         "'beneficiary_categories':['king']}"),
                     ERR_INVALID);
    assert_int_equal(faults.count, 4);
}

static enum err flat_postage(struct text postal, date_days day, struct arena *in, struct faults *wrong,
                             struct quote_line *ret_line)
{
    if (text_find(postal, TEXT("\"weight_g\":200")) == postal.length)
        return faults_add(wrong, "/postal/weight_g", ERR_WEIGHT, NULL);
    ret_line->code = TEXT("POST");
    ret_line->name_vi = TEXT("Cước bưu chính");
    ret_line->gross = 26000;
    ret_line->postal_explanation_vi = TEXT("1 bưu gửi = 26.000 đ");
    return OK;
}

static void postage_without_a_pricer_is_refused_and_with_one_is_a_line_of_its_own(void **state)
{
    static const char *const body = "{'fees':['CT-CHUKY'],'channel':'post','postal':{'weight_g':200,'leg':'result'}}";
    assert_refused(body, "/postal", ERR_UNAVAILABLE);
    fees_postal_pricer_set(flat_postage);
    assert_int_equal(price(body), 36000);
    assert_int_equal(quote.lines[1].kind, FEE_POSTAL);
    assert_string_equal(explained(1, LANGUAGE_VI), "1 bưu gửi = 26.000 đ");
    assert_refused("{'fees':['CT-CHUKY'],'channel':'post','postal':{'weight_g':1}}", "/postal/weight_g", ERR_WEIGHT);
    fees_postal_pricer_set(NULL);
}

/* ---- determinism and properties ------------------------------------------------------------------------------- */

static void the_same_request_gives_the_same_bytes(void **state)
{
    static const char *const body = "{'fees':['CC-DOI','HC-MOI','CT-TAMTRU'],'channel':'online',"
                                    "'beneficiary_categories':['digital_citizen']}";
    assert_int_equal(quote_with(shipped, body), OK);
    struct text first = written();
    assert_int_equal(quote_with(shipped, body), OK);
    assert_true(text_equal(first, written()));
    assert_true(text_find(first, TEXT("\"rate\":\"0.50\",\"amount\":25000,\"legal_basis\":\"TT 64/2025/TT-BTC\","
                                      "\"applied\":false")) < first.length);
}

static void no_benefit_ever_raises_a_price(void **state)
{
    static const char *const channels[] = {"counter", "online", "online_part", "post"};
    for (size_t e = 0; e < shipped->entry_count; e++)
        for (size_t ch = 0; ch < 4; ch++) {
            static const char form[] =
                "{'fees':['%.*s'],'channel':'%s','quantities':{'copies':3,'pages':7,'value':777777777,"
                "'persons':3,'sequence':1,'hectares':120,'area_class':'KV1','relief_used':0,"
                "'relief_times':0}%s}";
            struct text code = shipped->entries[e].code;
            char plain[500], with[700];
            snprintf(plain, sizeof plain, form, TEXT_ARGS(code), channels[ch], "");
            if (quote_with(shipped, plain))
                continue;
            int64_t before = quote.total;
            for (size_t c = 0; c < shipped->category_count; c++) {
                char extra[120];
                snprintf(extra, sizeof extra, ",'beneficiary_categories':['%.*s']",
                         TEXT_ARGS(shipped->categories[c].code));
                snprintf(with, sizeof with, form, TEXT_ARGS(code), channels[ch], extra);
                int64_t after = price(with);
                if (after < 0 || after > before)
                    fail_msg("%s: %lld, without %lld", with, (long long)after, (long long)before);
            }
            arena_reset(&arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_price_ends_with_the_year_2026),
        cmocka_unit_test(the_day_of_payment_decides_where_the_law_does_not_say_filing),
        cmocka_unit_test(the_benefit_of_digital_citizens_begins_and_ends_on_its_days_and_online_only),
        cmocka_unit_test(the_highest_benefit_counts_and_the_losing_one_is_listed),
        cmocka_unit_test(half_price_for_security_interests_is_annex_three),
        cmocka_unit_test(a_benefit_for_certain_procedures_needs_the_procedure),
        cmocka_unit_test(history_keeps_its_prices),
        cmocka_unit_test(a_zero_price_is_not_an_exemption),
        cmocka_unit_test(of_two_reductions_in_adoption_one_is_chosen),
        cmocka_unit_test(a_procedure_has_its_usual_fees_and_lets_one_choose_others),
        cmocka_unit_test(a_quote_never_outlives_a_rule_it_used_nor_the_day_before_a_cheaper_one),
        cmocka_unit_test(what_was_filed_in_time_keeps_a_price_that_the_filing_day_decides),
        cmocka_unit_test(every_priced_fee_can_be_explained_in_both_languages),
        cmocka_unit_test(an_id_carries_the_whole_quote_to_another_host),
        cmocka_unit_test(an_id_with_any_character_changed_is_refused),
        cmocka_unit_test(a_request_too_large_for_an_id_is_refused),
        cmocka_unit_test(every_fault_is_named_by_its_pointer),
        cmocka_unit_test(all_faults_are_named_at_once),
        cmocka_unit_test(postage_without_a_pricer_is_refused_and_with_one_is_a_line_of_its_own),
        cmocka_unit_test(the_same_request_gives_the_same_bytes),
        cmocka_unit_test(no_benefit_ever_raises_a_price),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
