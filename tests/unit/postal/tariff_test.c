#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "postal/postal.h"

static struct arena arena;
static struct faults faults;
static const struct postal_tariff *tariff;

static struct text file(const char *path)
{
    struct text bytes;
    assert_int_equal(file_read(path, 1 << 20, &arena, &bytes), OK);
    return bytes;
}

static int setup(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    return postal_tariff_read(file("postal/tariff.csv"), file("postal/zones.csv"), file("core/province/communes.csv"),
                              "22", &arena, &faults, &tariff)
               ? -1
               : 0;
}

static int teardown(void **state)
{
    arena_done(&arena);
    return 0;
}

static date_days day(const char *text)
{
    date_days date;
    assert_true(date_parse(text_of(text), &date));
    return date;
}

/* Hạ Long (phường) to Hà Tu: both of the former city of Hạ Long. */
static const struct postal_ask near = {
    .service = POSTAL_RECEIVE, .office = {"06688", 5}, .commune = {"06652", 5}, .weight_g = 100};

static int64_t price_of(int64_t weight_g, const char *commune, const char *province)
{
    struct postal_ask ask = near;
    struct postal_price price;
    ask.weight_g = weight_g;
    ask.commune = text_of(commune);
    ask.province = text_of(province);
    faults_init(&faults, &arena);
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "", &faults, &price), OK);
    return price.total;
}

static void every_step_begins_one_gram_after_the_last(void **state)
{
    static const struct {
        int64_t weight_g, price;
    } steps[] = {{1, 26000},    {100, 26000},  {101, 27500},  {250, 27500},
                 {251, 29000},  {500, 29000},  {501, 31000},  {1000, 31000},
                 {1001, 33000}, {1500, 33000}, {1501, 35000}, {2000, 35000},
                 {2001, 37500}, {2500, 37500}, {2501, 40000}, {30000, 35000 + 56 * 2500}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        assert_int_equal(price_of(steps[i].weight_g, "06652", ""), steps[i].price);
}

static void the_zone_follows_the_former_districts_and_the_destination(void **state)
{
    assert_int_equal(price_of(100, "06652", ""), 26000);   /* same former district */
    assert_int_equal(price_of(100, "06712", ""), 30000);   /* Móng Cái */
    assert_int_equal(price_of(100, "00070", "01"), 33000); /* Hà Nội */
    assert_int_equal(price_of(100, "00070", "08"), 36000); /* Tuyên Quang */
}

static void a_destination_becomes_a_city_on_the_day_it_does(void **state)
{
    struct postal_ask ask = near;
    struct postal_price price;
    ask.commune = TEXT_NONE;
    ask.province = TEXT("75"); /* Đồng Nai, a centrally-run city since 30 April 2026 */
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-04-29"), "", &faults, &price), OK);
    assert_int_equal(price.zone, ZONE_OTHER);
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-04-30"), "", &faults, &price), OK);
    assert_int_equal(price.zone, ZONE_CITY);
}

static void the_heavier_of_weight_and_volume_is_charged(void **state)
{
    struct postal_ask ask = near;
    struct postal_price price;
    ask.length_cm = 20, ask.width_cm = 15, ask.height_cm = 10; /* 3,000 cm³ are exactly 500 g */
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "", &faults, &price), OK);
    assert_int_equal(price.charged_weight_g, 500);
    assert_int_equal(price.total, 29000);
    ask.length_cm = 1, ask.width_cm = 43, ask.height_cm = 70; /* 3,010 cm³: a started gram counts */
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "", &faults, &price), OK);
    assert_int_equal(price.charged_weight_g, 502);
    assert_int_equal(price.total, 31000);
    ask.weight_g = 600;
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "", &faults, &price), OK);
    assert_int_equal(price.charged_weight_g, 600);
}

static void both_ways_are_two_legs_and_collecting_is_a_line_of_its_own(void **state)
{
    struct postal_ask ask = near;
    struct postal_price price;
    ask.service = POSTAL_BOTH;
    ask.collect = 1;
    ask.commune = TEXT("06712");
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "", &faults, &price), OK);
    assert_int_equal(price.line_count, 3);
    assert_string_equal(price.lines[0].leg, "send");
    assert_string_equal(price.lines[2].leg, "collect");
    assert_int_equal(price.total, 30000 + 30000 + 10000);
    /* TT 17/2017, Điều 7: J+2 between districts, J+4 with an appointment slip */
    assert_int_equal(price.lines[0].transit_days, 2);
    assert_int_equal(price.lines[0].transit_slip_days, 4);
    assert_true(price.illustrative);
}

static void every_fault_of_an_ask_is_named(void **state)
{
    struct postal_ask ask = {.office = TEXT("00000"), .commune = TEXT("99999"), .weight_g = 0, .length_cm = 151};
    struct postal_price price;
    static const char *const where[] = {"/x/length_cm", "/x/weight_g", "/x/commune", "/x/office_commune"};
    faults_init(&faults, &arena);
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "/x", &faults, &price), ERR_INVALID);
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        bool named = false;
        for (size_t f = 0; f < faults.count; f++)
            named |= !strcmp(faults.list[f].where, where[i]);
        assert_true(named);
    }
    ask = near;
    ask.weight_g = 30001;
    faults_init(&faults, &arena);
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2026-11-22"), "", &faults, &price), ERR_INVALID);
    assert_int_equal(faults.list[0].code, ERR_WEIGHT);
    faults_init(&faults, &arena);
    ask.weight_g = 100; /* before any tariff */
    assert_int_equal(postal_tariff_quote(tariff, &ask, day("2017-11-14"), "", &faults, &price), ERR_INVALID);
}

#define HEADER                                                                                                         \
    "service,zone,weight_from_g,weight_to_g,step_g,price,transit_days,transit_slip_days,standing,valid_from,valid_to," \
    "legal_basis\n"

static void a_tariff_that_cannot_be_priced_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        HEADER "send,moon,0,100,0,1,1,2,signed,2026-01-01,,x\n",
        HEADER "send,other,10,100,0,1,1,2,signed,2026-01-01,,x\n", /* from 10 */
        HEADER "send,other,0,100,50,1,1,2,signed,2026-01-01,,x\n", /* steps first */
        HEADER
        "send,other,0,100,0,1,1,2,signed,2026-01-01,,x\nsend,other,101,200,0,2,1,2,signed,2026-01-01,,x\n", /* gap */
        HEADER
        "send,other,0,100,0,1,1,2,signed,2026-01-01,,x\nsend,other,0,100,0,2,1,2,signed,2026-06-01,,x\n", /* overlap */
        HEADER "send,other,0,100,0,-1,1,2,signed,2026-01-01,,x\n",
        HEADER "send,other,0,100,0,1,1,2,signed,2026-13-01,,x\n",
        HEADER "send,other,100,100,0,1,1,2,signed,2026-01-01,,x\n",
    };
    const struct postal_tariff *read = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        faults_init(&faults, &arena);
        assert_int_equal(postal_tariff_read(text_of(bad[i]), file("postal/zones.csv"),
                                            file("core/province/communes.csv"), "22", &arena, &faults, &read),
                         ERR_CONFIG);
        assert_null(read);
        assert_int_not_equal(faults.count, 0);
    }
}

static void a_signed_list_replaces_the_illustrative_one_on_its_day(void **state)
{
    static const char two[] = HEADER "receive,same_district,0,500,0,26000,1,,illustrative,2026-01-01,2026-11-30,x\n"
                                     "receive,same_district,0,500,0,24000,1,,signed,2026-12-01,,y\n";
    const struct postal_tariff *read;
    struct postal_price price;
    faults_init(&faults, &arena);
    assert_int_equal(postal_tariff_read(text_of(two), file("postal/zones.csv"), file("core/province/communes.csv"),
                                        "22", &arena, &faults, &read),
                     OK);
    assert_int_equal(postal_tariff_quote(read, &near, day("2026-11-30"), "", &faults, &price), OK);
    assert_int_equal(price.total, 26000);
    assert_true(price.illustrative);
    assert_int_equal(postal_tariff_quote(read, &near, day("2026-12-01"), "", &faults, &price), OK);
    assert_int_equal(price.total, 24000);
    assert_false(price.illustrative);
}

static void the_province_has_its_fifty_four_communes_and_every_origin_belongs_to_one(void **state)
{
    struct csv csv;
    struct csv_row row;
    size_t rows = 0, communes = 0;
    char last[6] = "";
    csv_open(&csv, file("core/province/commune_origins.csv"), ',', &arena);
    assert_int_equal(csv_next(&csv, &row), OK);
    while (!csv_next(&csv, &row)) {
        assert_non_null(postal_commune_find(tariff, row.fields[0]));
        assert_int_not_equal(row.fields[2].length, 0);
        if (!text_is(row.fields[0], last)) { /* the file is in order of code */
            communes++;
            memcpy(last, row.fields[0].at, 5);
        }
        rows++;
    }
    assert_int_equal(communes, 54);
    assert_int_equal(rows, 184);
}

static void postage_is_a_line_of_a_quote_outside_state_receipts(void **state)
{
    const struct postal_config config = {.tariff_file = "postal/tariff.csv",
                                         .zones_file = "postal/zones.csv",
                                         .communes_file = "core/province/communes.csv",
                                         .status_file = "postal/vnpost_status.csv",
                                         .home = "22",
                                         .office_commune = "06688"};
    struct quote_line line;
    faults_init(&faults, &arena);
    assert_int_equal(postal_open(&config, &faults), OK);
    assert_int_equal(
        postal_quote_line(TEXT("{\"commune\":\"06652\",\"weight_g\":101}"), day("2026-11-22"), &arena, &faults, &line),
        OK);
    assert_int_equal(line.gross, 27500);
    assert_int_equal(line.kind, FEE_POSTAL);
    assert_int_equal(line.document, DOCUMENT_INVOICE_ELSEWHERE);
    assert_non_null(strstr(line.postal_explanation_vi.at, "minh họa"));
    assert_int_equal(
        postal_quote_line(TEXT("{\"commune\":\"1\",\"colour\":2}"), day("2026-11-22"), &arena, &faults, &line),
        ERR_INVALID);
    assert_true(text_starts(text_of(faults.list[0].where), "/postal/"));
    postal_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_begins_one_gram_after_the_last),
        cmocka_unit_test(the_zone_follows_the_former_districts_and_the_destination),
        cmocka_unit_test(a_destination_becomes_a_city_on_the_day_it_does),
        cmocka_unit_test(the_heavier_of_weight_and_volume_is_charged),
        cmocka_unit_test(both_ways_are_two_legs_and_collecting_is_a_line_of_its_own),
        cmocka_unit_test(every_fault_of_an_ask_is_named),
        cmocka_unit_test(a_tariff_that_cannot_be_priced_is_refused),
        cmocka_unit_test(a_signed_list_replaces_the_illustrative_one_on_its_day),
        cmocka_unit_test(the_province_has_its_fifty_four_communes_and_every_origin_belongs_to_one),
        cmocka_unit_test(postage_is_a_line_of_a_quote_outside_state_receipts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
