/* Receipts over a real server and a real database: the files, the citizen's page, verification without script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <curl/curl.h>
#include "core/jobs/feed.h"
#include "core/jobs/jobs.h"
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"

#define COLLECTOR "5700100001"

static struct db *db;
static struct arena arena;
static struct faults faults;
static char *folder;
static struct receipt_office *office;
static struct http_server *server;
static struct receipt_verdict verdict;
static struct receipt_stored stored;
static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS, RECEIPT_OUTSIDE_JOB_KINDS};

static enum err open_worker(void *context, struct db **ret_db)
{
    return db_open(&(struct db_options){.url = test_database_url(), .name = "test server"}, ret_db);
}

static void close_worker(void *context, struct db *mine)
{
    db_close(mine);
}

static const char *who = "an"; /* the member of staff who calls */

static enum err authorize(struct request *rq)
{
    rq->caller.kind = CALLER_STAFF;
    snprintf(rq->caller.name, sizeof rq->caller.name, "%s", who);
    return OK;
}

#define AT_WORKER(verb, path, function)                                                                                \
    {                                                                                                                  \
        .method = verb, .pattern = path, .handle = function, .place = HTTP_WORKER, .access = ACCESS_PUBLIC,            \
        .media = "*", .body_max = RECEIPT_UPLOAD_MAX                                                                   \
    }

static const struct route routes[] = {
    AT_WORKER("GET", "/v1/receipts/{id}", receipt_get_handle),
    AT_WORKER("GET", "/v1/receipts/{id}.xml", receipt_xml_handle),
    AT_WORKER("GET", "/v1/receipts/{id}.pdf", receipt_pdf_handle),
    AT_WORKER("GET", "/v1/receipts/{id}.html", receipt_html_handle),
    AT_WORKER("POST", "/v1/receipts/{id}/error-notice", receipt_notice_handle),
    AT_WORKER("POST", "/v1/receipts/{id}/replace", receipt_replace_handle),
    AT_WORKER("GET", "/v1/receipts/corrections", receipt_corrections_handle),
    AT_WORKER("POST", "/v1/receipts/corrections/{id}/approve", receipt_correction_approve_handle),
    AT_WORKER("POST", "/v1/receipts/corrections/{id}/refuse", receipt_correction_refuse_handle),
    AT_WORKER("POST", "/v1/receipts/verify", receipt_verify_handle),
    AT_WORKER("GET", "/r/{token}", receipt_page_handle),
    AT_WORKER("GET", "/r/{token}.xml", receipt_xml_handle),
    AT_WORKER("GET", "/r/{token}.pdf", receipt_pdf_handle),
    AT_WORKER("GET", "/r/{token}/proof", receipt_proof_handle),
    AT_WORKER("GET", "/v1/receipt-log", receipt_log_handle),
    AT_WORKER("GET", "/v1/receipt-log/heads/{day}", receipt_log_head_handle),
    AT_WORKER("GET", "/v1/receipt-log/leaves", receipt_log_leaves_handle),
    AT_WORKER("GET", "/v1/receipt-log/consistency", receipt_log_consistency_handle),
    AT_WORKER("GET", "/receipt-log", receipt_log_page_handle),
    AT_WORKER("GET", "/verify", receipt_verify_page_handle),
    AT_WORKER("POST", "/verify", receipt_verify_page_handle),
    AT_WORKER("GET", "/assets/receipt.css", receipt_style_handle),
};

static void run_jobs(void)
{
    const struct jobs_config config = {
        .database_url = test_database_url(), .kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    size_t some = 1;
    for (int i = 0; i < 20 && some; i++)
        assert_int_equal(jobs_round(db, &config, &some), OK);
}

static void set_up_office(void)
{
    char key[300], certificate[300], trust[300];
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(certificate, sizeof certificate, "%s/cert", folder);
    snprintf(trust, sizeof trust, "%s/trust", folder);
    struct test_authority *authority = test_authority_new("CA thử nghiệm");
    struct test_certificate wanted = {TEST_KEY_RSA_2048, "Trung tâm thử nghiệm", COLLECTOR, 1577836800, 7300};
    test_certificate_write(authority, &wanted, key, certificate);
    test_authority_write(authority, trust);
    test_authority_free(authority);
    struct signer *signer = NULL;
    struct receipt_trust *anchors = NULL;
    assert_int_equal(signer_open_files(key, certificate, &signer, &faults), OK);
    assert_int_equal(receipt_trust_open(trust, &anchors), OK);
    office = receipt_office_new("https://lephi.example");
    assert_int_equal(receipt_office_add(office, signer), OK);
    receipt_office_trust(office, anchors);
    receipt_office_use(office);
}

static int set_up_all(void **state)
{
    static const uint8_t secret[SERVER_SECRET_SIZE] = {1, 2, 3};
    char symbol[8];
    arena_init(&arena);
    faults_init(&faults, &arena);
    server_secret_set(secret);
    folder = test_folder_new();
    db = test_db();
    test_province(db);
    set_up_office();
    snprintf(symbol, sizeof symbol, "%02dTAA", civil_of(clock_now()).year % 100);
    assert_int_equal(receipt_range_open(db, &arena, clock_now(), "staff:test", TEXT(COLLECTOR), TEXT("EBL01"),
                                        text_of(symbol), 1, 5000),
                     OK);
    test_request(db, "QNAAAAAAAAAA01", 16000);
    test_sql(
        db,
        "SELECT confirm('2026-11-01T05:00Z', ARRAY['sandbox-bank'], ARRAY['T1'], ARRAY[sha256('1')], "
        "ARRAY[16000::bigint], "
        "ARRAY['0021000000001'], ARRAY['vietqr'], ARRAY['B1'], ARRAY['memo'], ARRAY['2026-11-01T05:00Z'::timestamptz], "
        "ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::bytea], ARRAY[1], ARRAY['QNAAAAAAAAAA01'], ARRAY[0])");
    test_sql(db, "UPDATE job SET run_at = '2026-01-01'");
    run_jobs();
    assert_int_equal(receipt_load(db, &arena, test_int(db, "SELECT max(id) FROM receipt"), &stored), OK);
    assert_int_equal(receipt_verify(stored.xml, NULL, &verdict, &faults), OK);
    const struct http_config config = {.routes = routes,
                                       .route_count = sizeof routes / sizeof *routes,
                                       .authorize = authorize,
                                       .worker_open = open_worker,
                                       .worker_close = close_worker};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return http_server_start(&config, &server);
}

static int tear_down_all(void **state)
{
    http_server_stop(server, 1000);
    receipt_office_free(office);
    db_close(db);
    test_folder_remove(folder);
    arena_done(&arena);
    curl_global_cleanup();
    return 0;
}

struct reply {
    long status;
    struct buf head, body;
};

static size_t collect(char *at, size_t size, size_t count, void *with)
{
    buf_put(with, at, size * count);
    return size * count;
}

/* `header` NULL: none; `body` at NULL: a GET. */
static struct reply call(const char *path, const char *header, struct text body)
{
    struct reply reply = {0};
    char url[300];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", http_server_port(server), path);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.head);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
    if (body.at) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    }
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

static bool says(const struct buf *buf, const char *words)
{
    return text_find(buf_view(buf), text_of(words)) < buf->length;
}

static void done(struct reply *reply)
{
    buf_done(&reply->head);
    buf_done(&reply->body);
}

static const char *by_id(const char *suffix)
{
    return arena_printf(&arena, "/v1/receipts/%lld%s", (long long)stored.id, suffix);
}

static const char *by_token(const char *suffix)
{
    return arena_printf(&arena, "/r/%.*s%s", TEXT_ARGS(verdict.document.lookup_code), suffix);
}

static void the_files_come_by_number_and_by_link(void **state)
{
    const char *const paths[] = {by_id(".xml"), by_token(".xml")};
    for (int i = 0; i < 2; i++) {
        struct reply reply = call(paths[i], NULL, TEXT_NONE);
        assert_int_equal(reply.status, 200);
        assert_true(text_equal(buf_view(&reply.body), stored.xml));
        done(&reply);
    }
    struct reply json = call(by_id(""), NULL, TEXT_NONE);
    assert_int_equal(json.status, 200);
    assert_true(says(&json.body, "\"status\":\"issued\"") && says(&json.body, "\"total\":16000"));
    done(&json);
    struct reply pdf = call(by_token(".pdf"), NULL, TEXT_NONE);
    assert_int_equal(pdf.status, 200);
    assert_true(text_starts(buf_view(&pdf.body), "%PDF-"));
    done(&pdf);
    struct reply html = call(by_id(".html"), NULL, TEXT_NONE);
    assert_int_equal(html.status, 200);
    assert_true(says(&html.body, "Mười sáu nghìn đồng"));
    done(&html);
}

static void what_did_not_change_is_not_sent_again(void **state)
{
    struct reply first = call(by_id(".pdf"), NULL, TEXT_NONE);
    size_t at = text_find(buf_view(&first.head), TEXT("ETag: "));
    assert_true(at < first.head.length);
    struct text rest, tag = text_until(text_slice(buf_view(&first.head), at + 6, 100), '\r', &rest);
    const char *header = arena_printf(&arena, "If-None-Match: %.*s", TEXT_ARGS(tag));
    struct reply second = call(by_id(".pdf"), header, TEXT_NONE);
    assert_int_equal(second.status, 304);
    assert_int_equal(second.body.length, 0);
    done(&first);
    done(&second);
}

static void a_wrong_link_shows_nothing(void **state)
{
    static const char *const paths[] = {
        "/r/AAAAAAAAAAAAAAAAAAAAAA", "/r/x",          "/r/AAAAAAAAAAAAAAAAAAAAAA.pdf", "/v1/receipts/999999",
        "/v1/receipts/0.xml",        "/v1/receipts/x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply reply = call(paths[i], NULL, TEXT_NONE);
        assert_int_equal(reply.status, 404);
        assert_false(says(&reply.body, "16.000"));
        done(&reply);
    }
    struct reply page = call(by_token(""), NULL, TEXT_NONE);
    assert_int_equal(page.status, 200);
    assert_true(says(&page.body, "chữ ký số khớp") && says(&page.body, "16.000"));
    done(&page);
}

static struct buf changed(void)
{
    struct buf out = {0};
    size_t at = text_find(stored.xml, TEXT("<TongTien>16000"));
    buf_text(&out, text_slice(stored.xml, 0, at));
    buf_string(&out, "<TongTien>61000");
    buf_text(&out, text_slice(stored.xml, at + strlen("<TongTien>16000"), stored.xml.length));
    return out;
}

static void anybody_may_ask_whether_a_file_holds(void **state)
{
    struct reply good = call("/v1/receipts/verify", "Content-Type: application/xml", stored.xml);
    assert_int_equal(good.status, 200);
    assert_true(says(&good.body, "\"valid\":true") && says(&good.body, "\"status\":\"valid\"") &&
                says(&good.body, "\"chain\":\"trusted\""));
    done(&good);
    struct buf forged = changed();
    struct reply bad = call("/v1/receipts/verify", "Content-Type: application/xml", buf_view(&forged));
    assert_int_equal(bad.status, 422);
    assert_true(says(&bad.body, "signature_broken"));
    done(&bad);
    struct reply pdf = call(by_token(".pdf"), NULL, TEXT_NONE);
    struct reply in_pdf = call("/v1/receipts/verify", "Content-Type: application/pdf", buf_view(&pdf.body));
    assert_int_equal(in_pdf.status, 200);
    done(&pdf);
    done(&in_pdf);
    struct reply junk = call("/v1/receipts/verify", "Content-Type: text/plain", TEXT("--"));
    assert_int_equal(junk.status, 422);
    done(&junk);
    buf_done(&forged);
}

static struct reply ask_form(const char *first, struct text first_value, const char *second, struct text second_value)
{
    struct buf body = {0};
    buf_printf(&body, "------b0undary\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%.*s\r\n", first,
               TEXT_ARGS(first_value));
    if (second)
        buf_printf(&body, "------b0undary\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%.*s\r\n", second,
                   TEXT_ARGS(second_value));
    buf_string(&body, "------b0undary--\r\n");
    struct reply reply = call("/verify", "Content-Type: multipart/form-data; boundary=----b0undary", buf_view(&body));
    buf_done(&body);
    return reply;
}

static void the_code_on_paper_and_pasted_text_are_answered_too(void **state)
{
    struct text number = arena_textf(&arena, "%lld", (long long)verdict.document.number);
    struct text code = verdict.document.lookup_code;
    struct reply good = ask_form("number", number, "code", code);
    assert_true(says(&good.body, "Biên lai hợp lệ") && says(&good.body, "Nguyễn Thị Ánh"));
    done(&good);
    struct text link = arena_textf(&arena, " https://lephi.example/r/%.*s ", TEXT_ARGS(code));
    struct reply by_link = ask_form("number", number, "code", link);
    assert_true(says(&by_link.body, "Biên lai hợp lệ"));
    done(&by_link);
    struct reply other = ask_form("number", TEXT("4711"), "code", code);
    struct reply wrong = ask_form("number", number, "code", TEXT("AAAAAAAAAAAAAAAAAAAAAA"));
    assert_true(says(&other.body, "Không hợp lệ") && !says(&other.body, "Nguyễn"));
    assert_true(text_equal(buf_view(&other.body), buf_view(&wrong.body))); /* which of them was wrong is not told */
    done(&other);
    done(&wrong);
    struct reply pasted = ask_form("xml", stored.xml, NULL, TEXT_NONE);
    assert_true(says(&pasted.body, "Biên lai hợp lệ"));
    done(&pasted);
    struct buf forged = changed();
    struct reply bad = ask_form("xml", buf_view(&forged), NULL, TEXT_NONE);
    assert_true(says(&bad.body, "Không hợp lệ") && !says(&bad.body, "<article"));
    done(&bad);
    buf_done(&forged);
}

static void the_paper_is_asked_for_by_name(void **state)
{
    struct reply roll = call(by_token(".pdf?paper=roll"), NULL, TEXT_NONE);
    struct reply sheet = call(by_token(".pdf?paper=a4"), NULL, TEXT_NONE);
    struct reply other = call(by_token(".pdf?paper=papyrus"), NULL, TEXT_NONE);
    assert_int_equal(roll.status, 200);
    assert_int_equal(sheet.status, 200);
    assert_int_equal(other.status, 422);
    assert_true(roll.body.length != sheet.body.length);
    done(&roll);
    done(&sheet);
    done(&other);
}

static void the_log_is_open_to_everybody_and_the_proof_to_who_has_the_link(void **state)
{
    int64_t placed, made;
    size_t some;
    const struct job_kind log_kinds[] = {RECEIPT_LOG_JOB_KINDS};
    const struct jobs_config config = {.database_url = test_database_url(), .kinds = log_kinds, .kind_count = 2};
    assert_int_equal(feed_round(db, &arena, &placed), OK);
    assert_int_equal(receipt_log_tick(db, &arena, clock_now(), &made), OK);
    assert_int_equal(jobs_round(db, &config, &some), OK);
    struct reply log = call("/v1/receipt-log", NULL, TEXT_NONE);
    assert_int_equal(log.status, 200);
    assert_true(says(&log.body, "\"size\":1,"));
    struct reply proof = call(by_token("/proof"), NULL, TEXT_NONE);
    assert_int_equal(proof.status, 200);
    assert_true(says(&proof.body, "lephi receipt log 1\\nissued\\n"));
    struct reply consistency = call("/v1/receipt-log/consistency?first=0&second=1", NULL, TEXT_NONE);
    assert_int_equal(consistency.status, 200);
    struct reply beyond = call("/v1/receipt-log/consistency?first=0&second=99", NULL, TEXT_NONE);
    assert_int_equal(beyond.status, 422);
    struct reply leaves = call("/v1/receipt-log/leaves", NULL, TEXT_NONE);
    assert_int_equal(leaves.status, 200);
    assert_false(says(&leaves.body, "Nguyễn"));
    struct reply page = call("/receipt-log", NULL, TEXT_NONE);
    assert_int_equal(page.status, 200);
    struct reply head = call("/v1/receipt-log/heads/2020-01-01", NULL, TEXT_NONE);
    assert_int_equal(head.status, 404);
    struct reply *const all[] = {&log, &proof, &consistency, &beyond, &leaves, &page, &head};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        done(all[i]);
}

static void the_form_works_without_script(void **state)
{
    struct reply form = call("/verify", NULL, TEXT_NONE);
    assert_int_equal(form.status, 200);
    assert_true(says(&form.body, "enctype=\"multipart/form-data\"") && !says(&form.body, "<script"));
    done(&form);
    struct buf forged = changed(), body = {0};
    const struct text files[] = {stored.xml, buf_view(&forged)};
    static const char *const answers[] = {"Chữ ký số khớp với nội dung", "Không hợp lệ"};
    for (int i = 0; i < 2; i++) {
        buf_clear(&body);
        buf_string(&body, "------b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.xml\"\r\n"
                          "Content-Type: text/xml\r\n\r\n");
        buf_text(&body, files[i]);
        buf_string(&body, "\r\n------b0undary--\r\n");
        struct reply reply =
            call("/verify", "Content-Type: multipart/form-data; boundary=----b0undary", buf_view(&body));
        assert_int_equal(reply.status, 200);
        assert_true(says(&reply.body, answers[i]));
        done(&reply);
    }
    buf_done(&forged);
    buf_done(&body);
}

static const char json_header[] = "Content-Type: application/json";

static long post(const char *path, const char *body, const char *expected)
{
    struct reply reply = call(path, json_header, text_of(body));
    long status = reply.status;
    if (expected && !says(&reply.body, expected))
        fail_msg("%s: %s", path, buf_cstr(&reply.body));
    done(&reply);
    return status;
}

static const char *correction(const char *act)
{
    static char path[80];
    snprintf(path, sizeof path, "/v1/receipts/corrections/%lld/%s",
             (long long)test_int(db, "SELECT max(id) FROM receipt_correction"), act);
    return path;
}

static void a_wrong_name_is_notified_by_two_people_and_told_to_the_tax_authority(void **state)
{
    who = "an";
    assert_int_equal(post(by_id("/error-notice"), "{\"wrong\": \"Tổ 5\", \"right\": \"Tổ 6\"}", "proposed"), 201);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_notice"), 0);
    assert_int_equal(post(by_id("/error-notice"), "{\"wrong\": \"a\", \"right\": \"b\"}", NULL), 409);
    assert_int_equal(post(correction("approve"), "{}", "second_person_required"), 403);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_notice"), 0);
    who = "binh";
    assert_int_equal(post(correction("approve"), "{}", "04/SS-CTĐT"), 200);
    assert_int_equal(post(correction("approve"), "{}", NULL), 409);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_notice"), 1);
    run_jobs();
    struct text xml =
        test_value(db, &arena, "SELECT convert_from(signed_xml, 'UTF8') FROM tax_message WHERE kind = 'error_notice'");
    assert_true(text_find(xml, TEXT("<NoiDungDung>Tổ 6</NoiDungDung>")) < xml.length);
    assert_true(text_find(xml, TEXT("SignatureValue")) < xml.length);
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit WHERE act IN ('receipt.notice_propose', "
                                  "'receipt.error_notice', 'receipt.correction_approved')"),
                     3);
}

static void what_asks_for_no_replacement_gets_none(void **state)
{
    who = "an";
    assert_int_equal(post(by_id("/replace"), "{\"reason\": \"\"}", NULL), 422);
    assert_int_equal(post(by_id("/replace"), "{\"reason\": \"sai MST\", \"payer\": {\"tax_code\": \"57001x1234\"}}",
                          "/payer/tax_code"),
                     422);
    assert_int_equal(post(by_id("/replace"), "{\"reason\": \"sai tên\", \"payer\": {\"name\": \"Nguyễn Văn Bình\"}}",
                          "error-notice"),
                     422);
    /* an amount that no refund explains */
    assert_int_equal(post(by_id("/replace"),
                          "{\"reason\": \"thu thừa\", \"amounts\": [{\"fee\": \"HT-TRICHLUC\", \"amount\": 8000}]}",
                          "/amounts"),
                     422);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_number"), 1);
}

static void a_wrong_tax_code_is_replaced_by_two_people_with_links_both_ways(void **state)
{
    static const char body[] = "{\"reason\": \"Sai mã số thuế\", \"payer\": {\"tax_code\": \"5700101234\"}}";
    who = "an";
    assert_int_equal(post(by_id("/replace"), body, "proposed"), 201);
    who = "binh";
    assert_int_equal(post(correction("refuse"), "{\"note\": \"chưa có giấy tờ\"}", "refused"), 200);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_number"), 1);
    assert_int_equal(post(by_id("/replace"), body, "proposed"), 201);
    assert_int_equal(post(correction("approve"), "{}", NULL), 403);
    who = "an";
    assert_int_equal(post(correction("approve"), "{}", "replacement"), 200);
    assert_int_equal(post(by_id("/replace"), body, NULL), 409);
    assert_int_equal(post(by_id("/error-notice"), "{\"wrong\": \"a\", \"right\": \"b\"}", NULL), 409);
    test_sql(db, "UPDATE job SET run_at = '2026-01-01'");
    run_jobs();
    struct receipt_stored newer;
    struct receipt_verdict judged;
    const char *link;
    assert_int_equal(receipt_load(db, &arena, test_int(db, "SELECT max(id) FROM receipt"), &newer), OK);
    assert_int_equal(receipt_verify(newer.xml, NULL, &judged, &faults), OK);
    assert_int_equal(judged.document.number, 2);
    assert_true(text_is(judged.document.payer.tax_code, "5700101234"));
    assert_true(text_is(judged.document.replaces.number, "1") &&
                text_is(judged.document.replaces.reason, "Sai mã số thuế"));
    assert_int_equal(receipt_link(db, &arena, newer.id, &link), OK);
    assert_true(text_ends(text_of(link), arena_copy(&arena, judged.document.lookup_code)));
    struct reply page = call(by_token(""), NULL, TEXT_NONE), file = call(by_id(".xml"), NULL, TEXT_NONE);
    assert_true(says(&page.body, "đã được thay thế"));
    assert_true(says(&page.body, link));
    assert_true(text_equal(buf_view(&file.body), stored.xml));
    done(&page);
    done(&file);
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind IN ('receipt.notified', 'receipt.replaced')"),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_come_by_number_and_by_link),
        cmocka_unit_test(what_did_not_change_is_not_sent_again),
        cmocka_unit_test(a_wrong_link_shows_nothing),
        cmocka_unit_test(anybody_may_ask_whether_a_file_holds),
        cmocka_unit_test(the_code_on_paper_and_pasted_text_are_answered_too),
        cmocka_unit_test(the_paper_is_asked_for_by_name),
        cmocka_unit_test(the_log_is_open_to_everybody_and_the_proof_to_who_has_the_link),
        cmocka_unit_test(the_form_works_without_script),
        cmocka_unit_test(a_wrong_name_is_notified_by_two_people_and_told_to_the_tax_authority),
        cmocka_unit_test(what_asks_for_no_replacement_gets_none),
        cmocka_unit_test(a_wrong_tax_code_is_replaced_by_two_people_with_links_both_ways),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
