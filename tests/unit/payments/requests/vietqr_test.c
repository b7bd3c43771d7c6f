/* VietQR payloads: published vectors to the byte, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "core/core.h"
#include "payments/requests/vietqr.h"

static struct arena arena;
static struct faults faults;
static json_t *vectors;

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    vectors = json_load_file("tests/data/vietqr.json", 0, NULL);
    return vectors ? 0 : -1;
}

static int tear_down(void **state)
{
    json_decref(vectors);
    arena_done(&arena);
    return 0;
}

static struct text field(json_t *object, const char *key)
{
    return text_of(json_string_value(json_object_get(object, key)));
}

static struct vietqr order_of(json_t *inputs)
{
    json_t *more = json_object_get(inputs, "additional");
    struct vietqr qr = {.bank_bin = field(inputs, "bin"),
                        .account = field(inputs, "account"),
                        .service = text_is(field(inputs, "service"), "QRIBFTTC") ? VIETQR_TO_CARD : VIETQR_TO_ACCOUNT,
                        .memo = field(more, "08"),
                        .bill = field(more, "01")};
    if (json_object_get(inputs, "amount"))
        assert_true(text_to_int64(field(inputs, "amount"), &qr.amount));
    return qr;
}

static bool only_ours(json_t *inputs)
{
    const char *key;
    json_t *value;
    json_t *more = json_object_get(inputs, "additional");
    json_object_foreach(more, key, value) if (strcmp(key, "01") && strcmp(key, "08")) return false;
    static const char *const ours[] = {"init", "bin", "account", "service", "amount", "additional", "memo_input"};
    json_object_foreach(inputs, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            known = known || !strcmp(key, ours[i]);
        if (!known)
            return false; /* merchant name, city, category: not for transfers to an agency */
    }
    /* Some apps write 11 beside an amount; we never do (a code with an amount is dynamic). */
    return !json_object_get(inputs, "amount") || text_is(field(inputs, "init"), "12");
}

static void published_payloads_are_written_to_the_byte(void **state)
{
    size_t i;
    json_t *vector;
    int compared = 0;
    json_array_foreach(vectors, i, vector)
    {
        json_t *inputs = json_object_get(vector, "inputs");
        if (strcmp(json_string_value(json_object_get(vector, "kind")), "vietqr_encode") || !only_ours(inputs))
            continue;
        struct vietqr qr = order_of(inputs);
        struct buf payload = {0};
        assert_int_equal(vietqr_encode(&qr, &payload), OK);
        assert_string_equal(buf_cstr(&payload), json_string_value(json_object_get(vector, "expected")));
        buf_done(&payload);
        compared++;
    }
    assert_true(compared >= 8);
}

static void published_payloads_are_read(void **state)
{
    size_t i;
    json_t *vector;
    json_array_foreach(vectors, i, vector)
    {
        struct vietqr_read read;
        const char *kind = json_string_value(json_object_get(vector, "kind"));
        json_t *inputs = json_object_get(vector, "inputs");
        if (strncmp(kind, "vietqr", 6))
            continue;
        if (!strcmp(kind, "vietqr_encode")) {
            assert_int_equal(vietqr_decode(field(vector, "expected"), &faults, &read), OK);
            assert_true(text_equal(read.qr.account, field(inputs, "account")));
        } else if (!strcmp(kind, "vietqr_reject")) {
            assert_int_not_equal(vietqr_decode(field(inputs, "payload"), &faults, &read), OK);
        } else {
            json_t *fields = json_object_get(json_object_get(vector, "expected"), "fields");
            assert_int_equal(vietqr_decode(field(inputs, "payload"), &faults, &read), OK);
            assert_true(text_equal(read.qr.bank_bin, field(fields, "bin")));
            assert_true(text_equal(read.qr.account, field(fields, "account")));
            assert_true(text_equal(read.qr.memo, field(json_object_get(fields, "additional"), "08")));
        }
    }
}

static void the_check_value_of_the_crc_is_right(void **state)
{
    size_t i;
    json_t *vector;
    int compared = 0;
    json_array_foreach(vectors, i, vector)
    {
        if (strcmp(json_string_value(json_object_get(vector, "kind")), "crc16_ccitt_false"))
            continue;
        const char *made = arena_printf(&arena, "%04X", vietqr_crc(field(vector, "inputs")));
        assert_string_equal(made, json_string_value(json_object_get(vector, "expected")));
        compared++;
    }
    assert_int_equal(compared, 3);
}

static void vietnamese_becomes_what_bank_apps_can_show(void **state)
{
    size_t i;
    json_t *vector;
    int compared = 0;
    json_array_foreach(vectors, i, vector)
    {
        json_t *inputs = json_object_get(vector, "inputs");
        bool accents = !strcmp(json_string_value(json_object_get(vector, "kind")), "strip_accents");
        struct text typed = accents ? field(vector, "inputs") : field(inputs, "memo_input");
        if (!typed.length || text_find(typed, TEXT("/")) < typed.length)
            continue; /* one library drops the stroke too; it is a character that NAPAS allows */
        char plain[400];
        text_to_ascii(typed, plain, sizeof plain);
        assert_true(text_equal(text_of(plain), accents ? field(vector, "expected")
                                                       : field(json_object_get(inputs, "additional"), "08")));
        compared++;
    }
    assert_int_equal(compared, 6);
}

/* Appends the right CRC to a body, so that only the fault under test is wrong. */
static struct text with_crc(const char *body)
{
    return arena_textf(&arena, "%s6304%04X", body, vietqr_crc(arena_textf(&arena, "%s6304", body)));
}

#define ACCOUNT "38570010A00000072701270006970403011300112345678900208QRIBFTTA"

static void a_right_crc_does_not_excuse_wrong_lengths(void **state)
{
    struct vietqr_read read;
    assert_int_equal(vietqr_decode(with_crc("000201010211" ACCOUNT "53037045802VN"), &faults, &read), OK);
    static const char *const wrong[] = {
        "00020101021138570010A00000072701270006970403011200112345678900208QRIBFTTA53037045802VN", /* account one short
                                                                                                   */
        "00020101021138580010A00000072701270006970403011300112345678900208QRIBFTTA53037045802VN", /* template one long
                                                                                                   */
        "000201010211" ACCOUNT "5303704540003000"
        "5802VN",                                          /* empty amount */
        "000201010212" ACCOUNT "530370454075000.505802VN", /* half a đồng */
        "000201010212" ACCOUNT "5303704540405 05802VN",    /* space in the amount */
        "000201010212" ACCOUNT "53037045401"
        "05802VN",                                                                   /* nothing to pay */
        "000201010211" ACCOUNT "53038405802VN",                                      /* dollars */
        "000201010213" ACCOUNT "53037045802VN",                                      /* no such point of initiation */
        "000201010211" ACCOUNT ACCOUNT "53037045802VN",                              /* two accounts */
        "010211000201" ACCOUNT "53037045802VN",                                      /* 00 is not first */
        "000201010211" ACCOUNT "5303704",                                            /* no country */
        "000201010211" ACCOUNT "5802VN",                                             /* no currency */
        "00020101021153037045802VN",                                                 /* no account */
        "000201010211" ACCOUNT "53037045802VN62050801",                              /* 62 ends inside 62-08 */
        "000201010211" ACCOUNT "53037045802VN62060801ab",                            /* 62 has a byte too many */
        "000201010211" ACCOUNT "53037045802VN6304ABCD",                              /* a CRC in the middle */
        "000201010211" ACCOUNT "53037045802VN5",                                     /* half an object */
        "000201010211" ACCOUNT "53037045802VN8300",                                  /* nothing in it */
        "000201010211" ACCOUNT "53037045802VN59+3abc",                               /* a length that is no number */
        "00020101021138520010A00000072701220006970403010812345678020853037045802VN", /* 38 swallows what follows */
        "000201010211385700100000000000"
        "01270006970403011300112345678900208QRIBFTTA53037045802VN", /* not NAPAS */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(vietqr_decode(with_crc(wrong[i]), &faults, &read), ERR_VIETQR_SYNTAX);
}

static void lower_case_crc_and_a_trailing_point_are_tolerated(void **state)
{
    struct vietqr_read read;
    struct text payload = with_crc("000201010212" ACCOUNT "5303704540616000.5802VN");
    char *copy = arena_copy(&arena, payload);
    for (char *c = copy + payload.length - 4; *c; c++)
        *c = *c >= 'A' && *c <= 'F' ? (char)(*c + 32) : *c;
    assert_int_equal(vietqr_decode(text_of(copy), &faults, &read), OK);
    assert_int_equal(read.qr.amount, 16000);
}

static void objects_may_come_in_any_order_and_unknown_ones_are_ignored(void **state)
{
    struct vietqr_read read;
    struct text payload = with_crc("000201"
                                   "62220104BILL0510label12345"
                                   "5802VN"
                                   "540516000"
                                   "5303704"
                                   "8003abc"
                                   "8003abc"
                                   "26100006999999" ACCOUNT);
    assert_int_equal(vietqr_decode(payload, &faults, &read), OK);
    assert_int_equal(read.qr.amount, 16000);
    assert_true(text_is(read.qr.bill, "BILL"));
    assert_true(text_is(read.additional[VIETQR_REFERENCE], "label12345"));
    assert_null(read.point_of_initiation.at);
    assert_null(read.qr.memo.at);
}

static void a_memo_of_99_characters_is_read(void **state)
{
    char memo[96];
    memset(memo, 'x', sizeof memo - 1);
    memo[95] = '\0';
    struct vietqr_read read;
    struct text payload = with_crc(arena_printf(&arena, "000201010211" ACCOUNT "53037045802VN62990895%s", memo));
    assert_int_equal(vietqr_decode(payload, &faults, &read), OK);
    assert_int_equal(read.qr.memo.length, 95);
}

static void lengths_may_count_bytes_or_characters_of_vietnamese(void **state)
{
    struct vietqr_read read;
    faults_init(&faults, &arena);
    struct text bytes = with_crc("000201010211" ACCOUNT "53037045802VN62120808l\u1ec7 ph\u00ed"); /* 6 characters */
    assert_int_equal(vietqr_decode(bytes, &faults, &read), ERR_VIETQR_SYNTAX);
    bytes = with_crc("000201010211" ACCOUNT "53037045802VN62130809l\u1ec7 ph\u00ed");
    assert_int_equal(vietqr_decode(bytes, &faults, &read), OK);
    assert_true(text_is(read.qr.memo, "l\u1ec7 ph\u00ed"));
    faults_init(&faults, &arena);
    struct text characters = with_crc("000201010211" ACCOUNT "53037045802VN62100806l\u1ec7 ph\u00ed");
    assert_int_equal(vietqr_decode(characters, &faults, &read), OK);
    assert_true(text_is(read.qr.memo, "l\u1ec7 ph\u00ed"));
    assert_int_equal(faults.count, 0);
    assert_int_equal(vietqr_decode(with_crc("000201010211" ACCOUNT "53037045802VN62060802\xff\xfe"), &faults, &read),
                     ERR_VIETQR_SYNTAX);
}

static void what_is_written_is_read_back_the_same(void **state)
{
    for (int i = 0; i < 500; i++) {
        char account[VIETQR_ACCOUNT_MAX + 1] = "", memo[VIETQR_MEMO_MAX + 1] = "";
        for (int k = 0; k <= i % VIETQR_ACCOUNT_MAX; k++)
            account[k] = "0123456789abcXYZ"[(i * 7 + k * 3) % 16];
        for (int k = 0; k < i % (VIETQR_MEMO_MAX + 1); k++)
            memo[k] = (char)(' ' + (i * 13 + k * 5) % 95);
        struct vietqr qr = {.bank_bin = TEXT("970436"),
                            .account = text_of(account),
                            .service = i % 2 ? VIETQR_TO_CARD : VIETQR_TO_ACCOUNT,
                            .amount = i % 3 ? (int64_t)i * i * i * 71 : 0,
                            .memo = text_of(memo),
                            .bill = i % 5 ? TEXT("B1") : TEXT_NONE};
        struct buf payload = {0};
        struct vietqr_read read;
        assert_int_equal(vietqr_encode(&qr, &payload), OK);
        assert_int_equal(vietqr_decode(buf_view(&payload), &faults, &read), OK);
        assert_true(text_equal(read.qr.account, qr.account) && text_equal(read.qr.memo, qr.memo));
        assert_true(text_equal(read.qr.bill, qr.bill) && read.qr.amount == qr.amount);
        assert_int_equal(read.qr.service, qr.service);
        assert_true(text_is(read.point_of_initiation, qr.amount ? "12" : "11"));
        buf_done(&payload);
    }
}

static void every_wrong_field_is_named_not_only_the_first(void **state)
{
    struct vietqr bad = {.bank_bin = TEXT("97"), .account = TEXT("1 2"), .amount = -5, .memo = TEXT("\n")};
    faults_init(&faults, &arena);
    assert_int_equal(vietqr_check(&bad, &faults), ERR_FIELD_FORMAT);
    assert_int_equal(faults.count, 4);
    assert_string_equal(faults.list[3].where, "memo");
}

static void one_changed_character_breaks_the_crc(void **state)
{
    struct vietqr_read read;
    struct text good = with_crc("000201010212" ACCOUNT "530370454051600058"
                                "02VN");
    char *copy = arena_copy(&arena, good);
    copy[good.length / 2] = copy[good.length / 2] == '1' ? '2' : '1';
    assert_int_equal(vietqr_decode(text_of(copy), &faults, &read), ERR_VIETQR_CRC);
}

static void what_napas_does_not_allow_is_not_written(void **state)
{
    struct buf out = {0};
    struct vietqr good = {.bank_bin = TEXT("970436"),
                          .account = TEXT("0021000"),
                          .amount = 1,
                          .memo = TEXT("QN8XPDSV5H4CQJ")},
                  bad;
    assert_int_equal(vietqr_encode(&good, &out), OK);
    buf_clear(&out);
    bad = good, bad.bank_bin = TEXT("97043");
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_FORMAT);
    bad = good, bad.account = TEXT("0021-000");
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_FORMAT);
    bad = good, bad.account = TEXT("01234567890123456789");
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_LENGTH);
    bad = good, bad.memo = TEXT("12345678901234567890123456");
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_LENGTH);
    bad = good, bad.memo = TEXT("lệ phí");
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_FORMAT);
    bad = good, bad.amount = -1;
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_RANGE);
    bad = good, bad.amount = VIETQR_AMOUNT_MAX + 1;
    assert_int_equal(vietqr_encode(&bad, &out), ERR_FIELD_RANGE);
    assert_int_equal(out.length, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_payloads_are_written_to_the_byte),
        cmocka_unit_test(published_payloads_are_read),
        cmocka_unit_test(the_check_value_of_the_crc_is_right),
        cmocka_unit_test(a_right_crc_does_not_excuse_wrong_lengths),
        cmocka_unit_test(lower_case_crc_and_a_trailing_point_are_tolerated),
        cmocka_unit_test(vietnamese_becomes_what_bank_apps_can_show),
        cmocka_unit_test(objects_may_come_in_any_order_and_unknown_ones_are_ignored),
        cmocka_unit_test(a_memo_of_99_characters_is_read),
        cmocka_unit_test(lengths_may_count_bytes_or_characters_of_vietnamese),
        cmocka_unit_test(what_is_written_is_read_back_the_same),
        cmocka_unit_test(every_wrong_field_is_named_not_only_the_first),
        cmocka_unit_test(one_changed_character_breaks_the_crc),
        cmocka_unit_test(what_napas_does_not_allow_is_not_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
