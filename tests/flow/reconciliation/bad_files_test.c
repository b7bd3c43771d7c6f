/* Files that are wrong, sent as a person or a system would: each is refused or quarantined by name and line, and not a
 * row of it is taken. Then a layout nobody knew, which a person explains once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *person, *cashier;

#define HEAD(number, opening, currency)                                                                                \
    ":20:S" number "\n:25:" TEST_ACCOUNT "\n:28C:" number "/1\n:60F:C260914" currency opening "\n"
#define CAMT(body)                                                                                                     \
    "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>"        \
    "<Stmt><Id>1</Id><Acct><Id><Othr><Id>" TEST_ACCOUNT "</Id></Othr></Id><Ccy>VND</Ccy></Acct>" body

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    person = service_staff_cookie(db, &arena, "lan", "finance");
    cashier = service_staff_cookie(db, &arena, "hoa", "cashier");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer post(const char *path, struct text file)
{
    const struct service_call call = {
        .method = "POST", .path = path, .body = file, .content_type = "application/octet-stream", .cookie = person};
    return service_call(&service, &arena, &call);
}

static bool has(struct service_answer answer, const char *words)
{
    return text_find(answer.body, text_of(words)) < answer.body.length;
}

static const char *taken(void)
{
    return arena_copy(&arena, test_value(db, &arena,
                                         "SELECT concat_ws(' ', (SELECT count(*) FROM statement_line), (SELECT "
                                         "count(*) FROM statement_file_piece), (SELECT count(*) FROM line_pending), "
                                         "(SELECT count(*) FROM settlement_line))"));
}

/* A workbook whose only sheet inflates to `size` blanks. */
static struct text zip_bomb(size_t size)
{
    zip_error_t error;
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *zip = zip_open_from_source(out, ZIP_TRUNCATE, &error);
    assert_non_null(zip);
    zip_source_keep(out);
    char *blanks = malloc(size);
    assert_non_null(blanks);
    memset(blanks, ' ', size);
    static const char book[] = "<workbook><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
    static const char rels[] = "<Relationships><Relationship Id=\"rId1\" Type=\"worksheet\" "
                               "Target=\"worksheets/sheet1.xml\"/></Relationships>";
    assert_true(zip_file_add(zip, "xl/_rels/workbook.xml.rels", zip_source_buffer(zip, rels, sizeof rels - 1, 0), 0) >=
                0);
    assert_true(zip_file_add(zip, "xl/workbook.xml", zip_source_buffer(zip, book, sizeof book - 1, 0), 0) >= 0);
    assert_true(zip_file_add(zip, "xl/worksheets/sheet1.xml", zip_source_buffer(zip, blanks, size, 1), 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(zip_source_open(out), 0);
    zip_stat_t stat;
    assert_int_equal(zip_source_stat(out, &stat), 0);
    char *bytes = arena_alloc(&arena, stat.size);
    assert_int_equal(zip_source_read(out, bytes, stat.size), (zip_int64_t)stat.size);
    zip_source_free(out);
    return (struct text){bytes, stat.size};
}

static void files_nobody_can_read_are_refused_by_name_and_line(void **state)
{
    const struct {
        const char *what;
        struct text file;
        const char *code, *named, *line;
    } cases[] = {
        {"empty", TEXT(""), "statement_format_unknown", "empty:", "line 1"},
        {"printed", TEXT("%PDF-1.7 ..."), "statement_format_unknown", "pdf:", "line 1"},
        {"a picture", TEXT("\x89PNG\r\n\x1a\n...."), "statement_format_unknown", "unknown:", "line 1"},
        {"a page to sign in at", TEXT("<html><body><form>Đăng nhập</form></body></html>"), "statement_syntax",
         "no_header:", "line 1"},
        {"a zip that is none", TEXT("PK\x03\x04 cut short"), "statement_syntax", "bad_zip:", "line 0"},
        {"a workbook that is none", TEXT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 cut"), "statement_syntax",
         "bad_xls:", "line 0"},
        {"a zip bomb", zip_bomb(64 << 20), "statement_syntax", "too_large:", "line "},
        {"camt cut short", TEXT(CAMT("<Ntry>\n<Amt Ccy=\"VND\">5")), "statement_syntax", "bad_xml:", "line 2"},
        {"entities that grow",
         TEXT("<?xml version=\"1.0\"?>\n<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>"
              "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">&b;</Document>"),
         "statement_syntax", "bad_xml:", "line 2"},
        {"entities from outside",
         TEXT("<?xml version=\"1.0\"?>\n<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Document "
              "xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">&x;</Document>"),
         "statement_syntax", "bad_xml:", "line 2"},
        {"JSON cut short", TEXT("{\"reconcileDate\": \"20/11/2026\", \"transactions\": [{"), "statement_syntax",
         "bad_json:", "line 1"},
        {"columns nobody knows", TEXT("mot;hai;ba;bon\n21/11/2026;1;2;3\n"), "statement_syntax",
         "no_header:", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *before = taken();
        int64_t files = test_int(db, "SELECT count(*) FROM statement_file");
        struct service_answer answer = post("/v1/statements", cases[i].file);
        if (answer.status != 422 || strcmp(json_string_at(answer.json, "code"), cases[i].code) != 0 ||
            !has(answer, cases[i].named) || !has(answer, cases[i].line))
            fail_msg("%s: %d %.*s", cases[i].what, answer.status, TEXT_ARGS(answer.body));
        assert_string_equal(taken(), before);
        assert_int_equal(test_int(db, "SELECT count(*) FROM statement_file"), files);
    }
}

static void statements_that_do_not_prove_themselves_wait_with_the_difference_and_line(void **state)
{
    static const struct {
        const char *what, *file, *reason, *named;
    } cases[] = {
        {"cut short", HEAD("1", "1000,", "VND") ":61:2609150915C500,NTRF\n:86:a\n:61:26091509", "balance", "line 7"},
        {"does not close", HEAD("2", "0,", "VND") ":61:2609150915C5,NTRF\n:62F:C260915VND9,\n-\n", "balance",
         "difference 4"},
        {"an amount nobody can read", HEAD("3", "0,", "VND") ":61:2609150915C5,5,5NTRF\n:62F:C260915VND5,\n-\n",
         "no_lines", "line 5"},
        {"another currency", HEAD("4", "0,", "EUR") ":61:2609150915C5,NTRF\n:62F:C260915EUR5,\n-\n", "currency", ""},
        {"two currencies", HEAD("5", "0,", "VND") ":61:2609150915C5,NTRF\n:62F:C260915USD5,\n-\n", "balance",
         "currency_mismatch"},
        {"not our account", ":20:S6\n:25:99990000\n:28C:6/1\n:60F:C260914VND0,\n:62F:C260914VND0,\n-\n",
         "account_unknown", ""},
        {"a day there is not", HEAD("7", "0,", "VND") ":61:269950C5,NTRF\n:62F:C260915VND5,\n-\n", "bad_date",
         "line 5"},
        {"balance moves without a line", HEAD("8", "0,", "VND") ":62F:C260915VND5,\n-\n", "no_lines", "difference 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t lines = test_int(db, "SELECT count(*) FROM statement_line");
        struct service_answer answer = post("/v1/statements", text_of(cases[i].file));
        bool named =
            has(answer, cases[i].named) || (text_starts(text_of(cases[i].named), "line ") &&
                                            has(answer, arena_printf(&arena, "\"line\":%s", cases[i].named + 5)));
        if (answer.status != 201 || !has(answer, arena_printf(&arena, "\"reason\": \"%s\"", cases[i].reason)) || !named)
            fail_msg("%s: %d %.*s", cases[i].what, answer.status, TEXT_ARGS(answer.body));
        assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line"), lines);
    }
}

static void a_number_used_again_with_other_content_is_refused_and_the_first_stays(void **state)
{
    struct service_answer answer = post(
        "/v1/statements", TEXT(HEAD("20", "0,", "VND") ":61:2609150915C500,NTRF//Z1\n:86:a\n:62F:C260915VND500,\n-\n"));
    assert_true(answer.status == 201 && has(answer, "\"state\": \"accepted\""));
    answer = post("/v1/statements", TEXT(HEAD("20", "0,", "VND") ":61:2609150915C700,NTRF//Z2\n:86:b\n"
                                                                 ":62F:C260915VND700,\n-\n"));
    if (!has(answer, "number_reused") || !has(answer, "difference 200"))
        fail_msg("%.*s", TEXT_ARGS(answer.body));
    assert_int_equal(test_int(db, "SELECT sum(amount) FROM statement_line"), 500);
}

static void bare_carriage_returns_and_mixed_alphabets_are_read(void **state)
{
    struct service_answer answer =
        post("/v1/statements", TEXT(":20:S30\r:25:" TEST_ACCOUNT "\r:28C:30/1\r:60F:C260915VND500,\r"
                                    ":61:2609160916C600,NTRF//Y1\r:86:Nguy\xE1\xBB\x85n \xC1 caf\xE9\r"
                                    ":62F:C260916VND1100,\r-\r"));
    if (!has(answer, "\"state\": \"accepted\""))
        fail_msg("%.*s", TEXT_ARGS(answer.body));
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line_text WHERE memo LIKE '%caf%'"), 1);
}

static const char unknown[] =
    "Số tài khoản;" TEST_ACCOUNT ";;;\nSố dư đầu kỳ;1100;;;\n"
    "Ngay ghi;Tien ra xyz;Tien vao xyz;Con lai;Loi nhan\n"
    "17/09/2026;;16000;17100;nop le phi\n17/09/2026;2000;;15100;phi\nSố dư cuối kỳ;15100;;;\n";

static void a_layout_nobody_knew_is_explained_once_by_a_person_who_saw_a_preview(void **state)
{
    assert_int_equal(post("/v1/statements", text_of(unknown)).status, 422);
    struct service_answer answer = post("/v1/statement-mappings", text_of(unknown));
    assert_int_equal(answer.status, 200);
    json_t *header = json_array_get(json_object_get(answer.json, "headers"), 0);
    assert_int_equal(json_int_at(header, "row"), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(header, "cells"), 4)), "Loi nhan");
    const char *print = json_string_at(header, "fingerprint");
    const char *wrong =
        arena_printf(&arena, "/v1/statement-mappings?fingerprint=%s&columns=booked%%3D1%%20memo%%3D5", print);
    assert_int_equal(post(wrong, text_of(unknown)).status, 422);
    const char *right = arena_printf(&arena,
                                     "/v1/"
                                     "statement-mappings?fingerprint=%s&columns=booked%%3D1%%20debit%%3D2%%20credit%%"
                                     "3D3%%20balance%%3D4%%20memo%%3D5",
                                     print);
    answer = post(right, text_of(unknown));
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_int_at(answer.json, "lines"), 2);
    assert_true(has(answer, "\"complete\":true"));
    assert_true(json_is_false(json_object_get(answer.json, "confirmed")));
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_mapping"), 0);
    assert_int_equal(post("/v1/statements", text_of(unknown)).status, 422); /* a preview keeps nothing */
    const char *confirm = arena_printf(&arena, "%s&confirm=true", right);
    assert_int_equal(post(confirm, text_of(unknown)).status, 422); /* without a name */
    confirm = arena_printf(&arena, "%s&confirm=true&name=Ngan%%20hang%%20X", right);
    assert_int_equal(post(confirm, text_of(unknown)).status, 201);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_mapping WHERE confirmed_by = 'staff:lan'"), 1);
    answer = post("/v1/statements", text_of(unknown));
    if (!has(answer, "\"state\": \"accepted\"") || !has(answer, "\"new\": 2"))
        fail_msg("%.*s", TEXT_ARGS(answer.body));
    const struct service_call list = {.method = "GET", .path = "/v1/statement-mappings", .cookie = person};
    assert_true(has(service_call(&service, &arena, &list), "Ngan hang X"));
    const struct service_call other = {.method = "POST",
                                       .path = "/v1/statement-mappings",
                                       .body = text_of(unknown),
                                       .content_type = "text/csv",
                                       .cookie = cashier};
    assert_int_equal(service_call(&service, &arena, &other).status, 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_nobody_can_read_are_refused_by_name_and_line),
        cmocka_unit_test(statements_that_do_not_prove_themselves_wait_with_the_difference_and_line),
        cmocka_unit_test(a_number_used_again_with_other_content_is_refused_and_the_first_stays),
        cmocka_unit_test(bare_carriage_returns_and_mixed_alphabets_are_read),
        cmocka_unit_test(a_layout_nobody_knew_is_explained_once_by_a_person_who_saw_a_preview),
    };
    return cmocka_run_group_tests_name("files that are wrong", tests, set_up, tear_down);
}
