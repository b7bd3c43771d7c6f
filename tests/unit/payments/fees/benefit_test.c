/* Benefits: which of several counts and why the others lose, in the words the citizen reads; which day decides each
 * shipped rule; and no price outlives a rule it rests on. */
#include "tests/unit/payments/fees/made.h"

static const char *written(void)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    quote_write(&json, &quote);
    const char *copy = arena_copy(&arena, buf_view(&out));
    buf_done(&out);
    return copy;
}

static void assert_reason(const char *json, int64_t total, const char *words)
{
    assert_int_equal(price(json), total);
    if (!strstr(written(), words))
        fail_msg("%s does not say %s: %s", json, words, written());
}

/* ---- why a benefit lost --------------------------------------------------------------------------------------------
 */

static void a_lower_benefit_says_that_a_higher_one_counts(void **state)
{
    assert_reason("{'fees':['CC-DOI'],'channel':'online','beneficiary_categories':['digital_citizen']}", 0,
                  "{\"reason\":\"Giảm mức thu theo TT 64/2025/TT-BTC (đã áp dụng mức giảm cao hơn; không cộng dồn)\","
                  "\"rate\":\"0.50\",\"amount\":25000,\"legal_basis\":\"TT 64/2025/TT-BTC\",\"applied\":false}");
}

static void an_equal_benefit_says_that_one_of_the_same_height_counts(void **state)
{
    assert_reason("{'fees':['CT-THUONGTRU'],'channel':'online','beneficiary_categories':['digital_citizen','child']}",
                  0,
                  "Miễn lệ phí đăng ký cư trú (đã áp dụng một mức giảm ngang bằng; không cộng dồn)\",\"rate\":\"1.00\","
                  "\"amount\":10000,");
}

static void a_benefit_for_online_filing_says_so_at_the_counter(void **state)
{
    assert_reason("{'fees':['HT-TRICHLUC'],'channel':'counter','quantities':{'copies':1},'beneficiary_categories':"
                  "['digital_citizen']}",
                  8000, "Miễn cho công dân số khi nộp trực tuyến (không áp dụng cho hình thức nộp này)");
}

static void a_benefit_for_other_procedures_says_so(void **state)
{
    assert_reason("{'fees':['GPLX'],'channel':'online','beneficiary_categories':['digital_citizen']}", 135000,
                  "(chỉ áp dụng cho thủ tục khác, hoặc chưa nêu thủ tục)");
}

static void a_benefit_whose_rate_nobody_confirmed_says_so_and_takes_nothing_off(void **state)
{
    assert_reason("{'fees':['DD-TRUOCBA-NHA'],'channel':'online','quantities':{'value':2000000000,'relief_used':0,"
                  "'relief_times':0},'beneficiary_categories':['digital_citizen']}",
                  10000000,
                  "(mức giảm chưa được xác nhận trong danh mục)\",\"rate\":\"0.00\",\"amount\":0,\"legal_basis\":\"NQ "
                  "66.22/2026/NQ-CP, Phụ lục III\",\"applied\":false}");
}

static void a_benefit_used_up_this_year_says_so(void **state)
{
    assert_int_equal(make(FEE_HEADER FEE("A", "percent(10%)", "2025-01-01", "", "TT 1"),
                          REDUCTION_HEADER REDUCTION("R", "A", "50%", "2025-01-01", "", "1000000", "1"),
                          PROCEDURE_HEADER, VALUES),
                     OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'online','quantities':{'value':30000000,'relief_used':0,"
                                      "'relief_times':1},'beneficiary_categories':['digital_citizen']}"),
                     3000000);
    assert_non_null(strstr(written(), "Giảm (đã dùng hết mức giảm trong năm)"));
}

static void a_computed_share_of_a_channel_says_that_the_tariff_prints_its_price(void **state)
{
    static const char rules[] =
        REDUCTION_HEADER "R,Trực tuyến,Online,channel_share,A,,,online,,50%,all,,,2025-01-01,,payment,NQ 1,,,,,\n";
    assert_int_equal(make(FEE_HEADER FEE("A", "channel(counter: 15000; online: 7000)", "2025-01-01", "", "TT 1"), rules,
                          PROCEDURE_HEADER, VALUES),
                     OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'online'}"), 7000);
    assert_non_null(strstr(written(), "Trực tuyến (biểu mức thu đã in giá cho hình thức nộp này)"));
}

/* TT 64/2025 halves, Annex II frees; 50 % + 100 % is not 150 %, and 20 % + 50 % is not 70 %. */
static void benefits_are_never_added_up(void **state)
{
    static const char rules[] = REDUCTION_HEADER REDUCTION("R", "A", "20%", "2025-01-01", "", "", "")
        REDUCTION("S", "A", "50%", "2025-01-01", "", "", "") REDUCTION("T", "A", "30%", "2025-01-01", "", "", "");
    assert_int_equal(
        make(FEE_HEADER FEE("A", "fixed(1000)", "2025-01-01", "", "TT 1"), rules, PROCEDURE_HEADER, VALUES), OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'online','beneficiary_categories':['digital_citizen']}"),
                     500);
    assert_int_equal(quote.lines[0].reduction_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(quote.lines[0].reductions[i].state, i ? REDUCTION_LOWER : REDUCTION_APPLIED);
}

/* ---- which day decides
 * ----------------------------------------------------------------------------------------------- */

static const struct {
    const char *code;
    enum fee_day day;
} decided[] = {
    {"TT64-2025", DAY_OF_PAYMENT},           {"NQ6622-PL2", DAY_OF_PAYMENT},   {"NQ6622-PL2-GPLX", DAY_OF_PAYMENT},
    {"NQ6622-PL2-GPLX-LAI", DAY_OF_PAYMENT}, {"NQ6622-PL3", DAY_OF_PAYMENT},   {"NQ6622-TB-NHA", DAY_OF_PAYMENT},
    {"NQ6622-TB-OTO", DAY_OF_PAYMENT},       {"NQ6622-TB-XM", DAY_OF_PAYMENT}, {"TT63-2023-HC", DAY_OF_FILING},
    {"TT63-2023-XD", DAY_OF_FILING},         {"CT-VAYNN", DAY_OF_PAYMENT},     {"QT-MIEN", DAY_OF_PAYMENT},
    {"QT-MIEN-KIEUBAO", DAY_OF_PAYMENT},     {"NCN-MIEN", DAY_OF_PAYMENT},     {"NCN-THANTHICH", DAY_OF_PAYMENT},
    {"NCN-ANHCHIEM", DAY_OF_PAYMENT},        {"LLTP-MIEN", DAY_OF_PAYMENT},    {"CT-MIEN", DAY_OF_PAYMENT},
    {"CT-MIEN-DACKHU", DAY_OF_PAYMENT},      {"XD-LOI", DAY_OF_PAYMENT},       {"TB-PIN-51", DAY_OF_PAYMENT},
    {"TB-PIN-202", DAY_OF_PAYMENT}};

static void every_shipped_rule_is_decided_by_the_day_its_law_says(void **state)
{
    assert_int_equal(shipped->reduction_count, sizeof decided / sizeof *decided);
    for (size_t i = 0; i < shipped->reduction_count; i++) {
        assert_true(text_is(shipped->reductions[i].code, decided[i].code));
        assert_int_equal(shipped->reductions[i].decided_by, decided[i].day);
    }
}

/* A request the rule was made for: its channel, its category, its procedure, its case. */
static const char *request_for(const struct reduction *rule, struct text fee, date_days filed, date_days paid)
{
    struct buf body = {0};
    char day[DATE_TEXT_SIZE];
    int channel = __builtin_ctz(rule->channels);
    buf_printf(&body, "{'fees':['%.*s'],'channel':'%s',", TEXT_ARGS(fee), channel_names[channel]);
    if (rule->procedures.count)
        buf_printf(&body, "'procedure':'%.*s',", TEXT_ARGS(rule->procedures.list[0]));
    if (rule->category_words.count)
        buf_printf(&body, "'beneficiary_categories':['%.*s'],", TEXT_ARGS(rule->category_words.list[0]));
    date_format(filed, day);
    buf_printf(&body, "'filed_on':'%s',", day);
    date_format(paid, day);
    bool role = rule->when.count && rule->when.list[0].subject == SUBJECT_ROLE;
    buf_printf(&body,
               "'paid_on':'%s','quantities':{'copies':2,'pages':3,'value':500000000,'persons':2,'sequence':1,"
               "'relief_used':0,'relief_times':0%s}}",
               day, role ? ",'role':'reissue'" : "");
    const char *copy = arena_copy(&arena, buf_view(&body));
    buf_done(&body);
    return copy;
}

static bool lists(const struct reduction *rule)
{
    for (size_t i = 0; i < quote.lines[0].reduction_count; i++)
        if (quote.lines[0].reductions[i].rule == rule)
            return true;
    return false;
}

/* On both ends of the rule: the deciding day inside and the other outside finds it, the reverse does not. */
static size_t decided_at(const struct reduction *rule, struct text fee, date_days inside, date_days outside)
{
    bool filing = rule->decided_by == DAY_OF_FILING;
    size_t tried = 0;
    const char *found = request_for(rule, fee, filing ? inside : outside, filing ? outside : inside);
    if (!quote_with(shipped, found) && ++tried && !lists(rule))
        fail_msg("%.*s is not found by %s", TEXT_ARGS(rule->code), found);
    const char *lost = request_for(rule, fee, filing ? outside : inside, filing ? inside : outside);
    if (!quote_with(shipped, lost) && ++tried && lists(rule))
        fail_msg("%.*s is found by %s", TEXT_ARGS(rule->code), lost);
    return tried;
}

static void the_deciding_day_alone_finds_a_rule_at_its_beginning_and_its_end(void **state)
{
    size_t tried = 0, rules = 0;
    for (size_t i = 0; i < shipped->reduction_count; i++) {
        const struct reduction *rule = &shipped->reductions[i];
        size_t before = tried;
        for (size_t f = 0; f < rule->fees.count; f++) {
            tried += decided_at(rule, rule->fees.list[f], rule->valid_from, rule->valid_from - 1);
            if (rule->valid_to != DATE_NONE)
                tried += decided_at(rule, rule->fees.list[f], rule->valid_to, rule->valid_to + 1);
        }
        rules += tried > before;
        arena_reset(&arena);
    }
    print_message("%zu of %zu rules, %zu quotes\n", rules, shipped->reduction_count, tried);
    assert_int_equal(rules, 22);
    assert_true(tried >= 90);
}

/* ---- no price outlives its rule
 * --------------------------------------------------------------------------------------- */

static void no_price_outlives_the_rule_it_rests_on(void **state)
{
    size_t tried = 0;
    date_days kept = today;
    for (size_t i = 0; i < shipped->reduction_count; i++) {
        const struct reduction *rule = &shipped->reductions[i];
        if (rule->valid_to == DATE_NONE)
            continue;
        for (int left = QUOTE_VALID_DAYS + 1; left >= 0; left--)
            for (size_t f = 0; f < rule->fees.count; f++) {
                char *body = arena_copy(&arena, text_of(request_for(rule, rule->fees.list[f], today, today)));
                char *from = strstr(body, "'filed_on'"), *to = strstr(body, "'quantities'");
                memmove(from, to, strlen(to) + 1); /* paid today, filed today: nobody states a day */
                today = rule->valid_to - left;
                if (quote_with(shipped, body) || !quote.lines[0].reduction_count ||
                    quote.lines[0].reductions[0].rule != rule ||
                    quote.lines[0].reductions[0].state != REDUCTION_APPLIED)
                    continue;
                date_days most = today + QUOTE_VALID_DAYS - 1;
                assert_int_equal(quote.valid_until, most < rule->valid_to ? most : rule->valid_to);
                tried++;
            }
        arena_reset(&arena);
    }
    today = kept;
    print_message("%zu quotes near the end of their rule\n", tried);
    assert_true(tried >= 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lower_benefit_says_that_a_higher_one_counts),
        cmocka_unit_test(an_equal_benefit_says_that_one_of_the_same_height_counts),
        cmocka_unit_test(a_benefit_for_online_filing_says_so_at_the_counter),
        cmocka_unit_test(a_benefit_for_other_procedures_says_so),
        cmocka_unit_test(a_benefit_whose_rate_nobody_confirmed_says_so_and_takes_nothing_off),
        cmocka_unit_test_teardown(a_benefit_used_up_this_year_says_so, drop_made),
        cmocka_unit_test_teardown(a_computed_share_of_a_channel_says_that_the_tariff_prints_its_price, drop_made),
        cmocka_unit_test_teardown(benefits_are_never_added_up, drop_made),
        cmocka_unit_test(every_shipped_rule_is_decided_by_the_day_its_law_says),
        cmocka_unit_test(the_deciding_day_alone_finds_a_rule_at_its_beginning_and_its_end),
        cmocka_unit_test(no_price_outlives_the_rule_it_rests_on),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
