/* Papers of the post: the slip, the hand-over record, who signed it and when the dossiers were filed by that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "postal/postal.h"
#include "tests/support/database.h"

static struct http_client *client;
static struct http_server *server;
static struct db *db;
static struct arena arena;
static char own[64], folder[] = "/tmp/lephi-papers-XXXXXX";

static const struct route routes[] = {
    {"POST", "/v1/postal/bookings/{id}/slip", postal_slip_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/v1/postal/bookings/{id}/slip.pdf", postal_slip_pdf_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/handovers", postal_handover_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/v1/postal/handovers/{id}", postal_handover_show_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/v1/postal/handovers/{id}/record.pdf", postal_handover_pdf_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/handovers/{id}/signatures", postal_sign_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/handovers/{id}/void", postal_handover_void_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
};

static enum err worker_open(void *context, struct db **ret_db)
{
    *ret_db = test_db();
    return OK;
}

static void worker_close(void *context, struct db *worker)
{
    db_close(worker);
}

static struct http_answer call(const char *method, const char *path, const char *body)
{
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = method,
                                   .url = arena_printf(&arena, "%s%s", own, path),
                                   .headers = &json,
                                   .header_count = 1,
                                   .body = body ? text_of(body) : TEXT_NONE};
    struct http_answer answer;
    assert_int_equal(http_client_call(client, &call, &arena, &answer), OK);
    return answer;
}

static const char *expect(const char *method, const char *path, const char *body, int status, const char *has)
{
    struct http_answer answer = call(method, path, body);
    const char *said = arena_copy(&arena, answer.body);
    if (answer.status != status || !strstr(said, has))
        fail_msg("%s %s: %d %s (expected %d %s)", method, path, answer.status, said, status, has);
    return said;
}

static int64_t id_in(const char *json)
{
    const char *at = strstr(json, "\"id\":");
    assert_non_null(at);
    return strtoll(at + strlen("\"id\":"), NULL, 10);
}

struct parcel_made {
    int64_t id;
    const char *item, *dossier;
};

static struct parcel_made parcel_for(const char *dossier, const char *direction, const char *state)
{
    static int number = 20000000;
    char digits[9];
    snprintf(digits, sizeof digits, "%08d", number++);
    struct parcel_made made = {.item = arena_printf(&arena, "EP%s%cVN", digits, postal_s10_check(digits)),
                               .dossier = dossier};
    made.id = test_int(
        db, arena_printf(&arena,
                         "INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, collect, fee,"
                         " carrier_id, item, created_at, created_by, changed_at)"
                         " VALUES ('LP-%s', 'vnpost', '%s', '%s', '%s', '{\"receiver\":{\"address\":\"Số 1\"}}', 150,"
                         " 200000, 26000, 'c', '%s', '2026-11-20 01:00Z', 'system:test', '2026-11-20 01:00Z')"
                         " RETURNING id",
                         digits, made.dossier, direction, state, made.item));
    return made;
}

/* With a dossier of its own. */
static struct parcel_made parcel_new(const char *direction, const char *state)
{
    static int number;
    const char *dossier = arena_printf(&arena, "000.21.25.H49-%04d", ++number);
    test_sql(db, arena_printf(&arena,
                              "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, applicant_phone,"
                              " applicant_id_number, applicant_address, applicant_commune, submitted_at, registered_at,"
                              " changed_at) VALUES ('%s', '1.004194', 'A1', 'post', 'Nguyễn Thị Ánh Tuyết',"
                              " '0912345678', '022190001234', 'Tổ 5, khu 2, phường Hà Lầm', '06676',"
                              " '2026-11-18 01:00Z', '2026-11-18 01:00Z', '2026-11-18 01:00Z')",
                              dossier));
    return parcel_for(dossier, direction, state);
}

static const char *path_of(const char *what, int64_t id, const char *rest)
{
    return arena_printf(&arena, "/v1/postal/%s/%lld%s", what, (long long)id, rest);
}

#define PAPERS                                                                                                         \
    "{\"papers\":[{\"name\":\"Đơn đề nghị xác nhận tạm trú\",\"kind\":\"form\"},"                         \
    "{\"name\":\"Bản sao giấy chứng nhận quyền sử dụng đất\",\"kind\":\"certified_copy\",\"copies\":2}]}"

static struct parcel_made slip_new(void)
{
    struct parcel_made made = parcel_new("send", "booked");
    expect("POST", path_of("bookings", made.id, "/slip"), PAPERS, 201, "pdf_url");
    return made;
}

static int64_t record_new(const struct parcel_made *list, size_t count)
{
    char *ids = arena_printf(&arena, "%lld", (long long)list[0].id);
    for (size_t i = 1; i < count; i++)
        ids = arena_printf(&arena, "%s,%lld", ids, (long long)list[i].id);
    return id_in(
        expect("POST", "/v1/postal/handovers",
               arena_printf(&arena, "{\"place\":\"Trung tâm Phục vụ hành chính công\",\"bookings\":[%s]}", ids), 201,
               "\"state\":\"open\""));
}

static const char *signed_by(int64_t record, const char *side, const char *name, int status, const char *has)
{
    return expect("POST", path_of("handovers", record, "/signatures"),
                  arena_printf(&arena, "{\"side\":\"%s\",\"name\":\"%s\",\"title\":\"Nhân viên\"}", side, name), status,
                  has);
}

/* Prints a paper, reads its bars with zbarimg and its words with pdftotext. */
static void paper_holds(const char *path, const char *const *codes, const char *const *words)
{
    struct http_answer pdf = call("GET", path, NULL);
    assert_int_equal(pdf.status, 200);
    assert_true(text_starts(pdf.body, "%PDF-"));
    FILE *file = fopen(arena_printf(&arena, "%s/paper.pdf", folder), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(pdf.body.at, 1, pdf.body.length, file), pdf.body.length);
    assert_int_equal(fclose(file), 0);
    const char *const read = "cd %s && rm -f page*.png && pdftoppm -r 200 -png paper.pdf page && zbarimg -q --nodbus "
                             "--raw page*.png > codes && pdftotext -layout paper.pdf words";
    assert_int_equal(system(arena_printf(&arena, read, folder)), 0); /* NOLINT: a fixed command of the test */
    struct text bars, text;
    assert_int_equal(file_read(arena_printf(&arena, "%s/codes", folder), 1 << 20, &arena, &bars), OK);
    assert_int_equal(file_read(arena_printf(&arena, "%s/words", folder), 1 << 20, &arena, &text), OK);
    for (; *codes; codes++)
        if (text_find(bars, text_of(*codes)) == bars.length)
            fail_msg("%s: %s is not among the bars: %.*s", path, *codes, TEXT_ARGS(bars));
    for (; *words; words++)
        if (text_find(text, text_of(*words)) == text.length)
            fail_msg("%s: \"%s\" does not stand on it: %.*s", path, *words, TEXT_ARGS(text));
}

static void a_slip_is_printed_with_its_papers_and_its_bars_are_read_back(void **state)
{
    struct parcel_made made = slip_new();
    const char *const codes[] = {made.item, NULL};
    const char *const words[] = {"PHIẾU GỬI HỒ SƠ",
                                 "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
                                 "Độc lập - Tự do - Hạnh phúc",
                                 "Nguyễn Thị Ánh Tuyết",
                                 "Đơn đề nghị xác nhận tạm trú",
                                 "Bản sao chứng thực",
                                 "200.000 đồng",
                                 "NHÂN VIÊN BƯU ĐIỆN",
                                 made.dossier,
                                 NULL};
    paper_holds(path_of("bookings", made.id, "/slip.pdf"), codes, words);
}

static void a_slip_is_written_once(void **state)
{
    struct parcel_made made = parcel_new("send", "booked");
    const char *path = path_of("bookings", made.id, "/slip");
    expect("GET", path_of("bookings", made.id, "/slip.pdf"), NULL, 404, "");
    expect("POST", path, PAPERS, 201, made.item);
    expect("POST", path, PAPERS, 200, made.item);
    expect("POST", path, "{\"papers\":[{\"name\":\"Giấy khác\"}]}", 409, "");
    test_sql_refused(db, "DELETE FROM postal_slip", "23001");
}

static void a_record_lists_its_slips_and_every_bar_is_read_back(void **state)
{
    const struct parcel_made list[] = {slip_new(), slip_new(), slip_new()};
    int64_t record = record_new(list, 3);
    const char *const codes[] = {arena_printf(&arena, "BG-%08lld", (long long)record), list[0].item, list[1].item,
                                 list[2].item, NULL};
    const char *const open[] = {"BIÊN BẢN GIAO NHẬN",
                                "BÊN GIAO (BƯU ĐIỆN)",
                                "BÊN NHẬN (CƠ QUAN)",
                                "Cộng: 3 phiếu gửi, 9 bản giấy tờ, thu hộ 600.000 đồng",
                                "Biên bản có hiệu lực khi cả hai bên đã ký",
                                NULL};
    paper_holds(path_of("handovers", record, "/record.pdf"), codes, open);
    signed_by(record, "post", "Phạm Văn Bưu", 201, "\"state\":\"open\"");
    signed_by(record, "agency", "Lê Thị Tiếp Nhận", 201, "\"state\":\"signed\"");
    const char *const complete[] = {"Thời điểm nộp các hồ sơ trên", "Phạm Văn Bưu", "Lê Thị Tiếp Nhận", "Đã ký lúc",
                                    NULL};
    paper_holds(path_of("handovers", record, "/record.pdf"), codes, complete);
}

static void the_second_signature_files_the_dossiers_at_that_moment(void **state)
{
    const struct parcel_made list[] = {slip_new(), slip_new()};
    int64_t record = record_new(list, 2);
    const char *filed = arena_printf(&arena,
                                     "SELECT count(*) FROM dossier d JOIN postal_handover h ON h.id = %lld AND"
                                     " d.submitted_at = h.signed_at WHERE d.code IN ('%s', '%s')",
                                     (long long)record, list[0].dossier, list[1].dossier);
    const char *told =
        arena_printf(&arena, "SELECT count(*) FROM event WHERE kind = 'dossier.changed' AND body->>'handover' = '%lld'",
                     (long long)record);
    signed_by(record, "agency", "Lê Thị Tiếp Nhận", 201, "\"signed_at\":null");
    assert_int_equal(test_int(db, filed), 0);
    assert_int_equal(test_int(db, told), 0);
    signed_by(record, "post", "Phạm Văn Bưu", 201, "\"state\":\"signed\"");
    assert_int_equal(test_int(db, filed), 2);
    assert_int_equal(test_int(db, told), 2);
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM audit WHERE act = 'postal.sign' AND subject = '%lld'",
                                  (long long)record)),
        2);
    signed_by(record, "post", "Phạm Văn Bưu", 200, "\"state\":\"signed\""); /* told again: nothing moves */
    signed_by(record, "post", "Người Khác", 409, "");
    assert_int_equal(test_int(db, told), 2);
    expect("POST", path_of("handovers", record, "/void"), "", 409, "");
    test_sql_refused(db, "UPDATE postal_signature SET name = 'x'", "23001");

    /* Papers that follow in a second envelope move nothing. */
    test_sql(db, arena_printf(&arena, "UPDATE parcel SET status = 'delivered' WHERE id = %lld", (long long)list[0].id));
    struct parcel_made more = parcel_for(list[0].dossier, "send", "booked");
    expect("POST", path_of("bookings", more.id, "/slip"), PAPERS, 201, "pdf_url");
    int64_t second = record_new(&more, 1);
    signed_by(second, "agency", "Lê Thị Tiếp Nhận", 201, "\"signed_at\":null");
    signed_by(second, "post", "Phạm Văn Bưu", 201, "\"state\":\"signed\"");
    assert_int_equal(test_int(db, filed), 2);
}

static void one_person_never_signs_for_both_sides(void **state)
{
    const struct parcel_made list[] = {slip_new()};
    int64_t record = record_new(list, 1);
    signed_by(record, "post", "Phạm Văn Bưu", 201, "open");
    signed_by(record, "agency", "phạm văn bưu", 422, "/name");
    signed_by(record, "agency", "Phạm Văn Bưu", 422, "/name");
}

static void a_record_made_by_mistake_is_taken_back_and_frees_its_slips(void **state)
{
    const struct parcel_made list[] = {slip_new()};
    int64_t record = record_new(list, 1);
    const char *body = arena_printf(&arena, "{\"place\":\"Quầy 1\",\"bookings\":[%lld]}", (long long)list[0].id);
    expect("POST", "/v1/postal/handovers", body, 422, "/bookings/0");
    expect("POST", path_of("handovers", record, "/void"), "", 200, "\"state\":\"void\"");
    signed_by(record, "post", "Phạm Văn Bưu", 409, "");
    expect("POST", "/v1/postal/handovers", body, 201, "\"state\":\"open\"");
}

static void every_fault_of_a_record_is_named_by_its_place(void **state)
{
    struct parcel_made good = slip_new(), bare = parcel_new("send", "booked"), back = parcel_new("receive", "booked");
    const char *said =
        expect("POST", "/v1/postal/handovers",
               arena_printf(&arena, "{\"place\":\"Quầy 1\",\"bookings\":[%lld,%lld,%lld,999999,%lld]}",
                            (long long)good.id, (long long)bare.id, (long long)back.id, (long long)bare.id),
               422, "/bookings/1");
    assert_non_null(strstr(said, "/bookings/2"));
    assert_non_null(strstr(said, "/bookings/3"));
    assert_non_null(strstr(said, "/bookings/4"));
    assert_null(strstr(said, "/bookings/0"));
    expect("POST", "/v1/postal/handovers", "{\"place\":\"\",\"bookings\":[]}", 422, "/bookings");
    expect("POST", "/v1/postal/handovers", "{\"bookings\":[0]}", 422, "/place");
    expect("POST", path_of("bookings", good.id, "/slip"), "{\"papers\":[{\"name\":\"a\\u0007b\",\"copies\":0}]}", 422,
           "/papers/0/copies");
    expect("POST", path_of("bookings", good.id, "/slip"), "{\"papers\":[{\"name\":\"a\\u0007b\"}]}", 422,
           "/papers/0/name");
    expect("POST", "/v1/postal/bookings/999999/slip", PAPERS, 404, "");
    expect("GET", "/v1/postal/handovers/999999/record.pdf", NULL, 404, "");
    expect("GET", "/v1/postal/handovers/x", NULL, 404, "");
    expect("POST", "/v1/postal/handovers/999999/signatures", "{\"side\":\"post\",\"name\":\"Ai Đó\"}", 404, "");
}

static int start(void **state)
{
    arena_init(&arena);
    db = test_db();
    test_province(db);
    const struct http_client_config client_config = {0};
    if (!mkdtemp(folder) || http_client_start(&client_config, &client))
        return -1;
    const struct http_config http = {.routes = routes,
                                     .route_count = sizeof routes / sizeof *routes,
                                     .workers = 2,
                                     .worker_open = worker_open,
                                     .worker_close = worker_close};
    if (http_server_start(&http, &server))
        return -1;
    snprintf(own, sizeof own, "http://127.0.0.1:%d", http_server_port(server));
    return 0;
}

static int stop(void **state)
{
    http_server_stop(server, 1000);
    http_client_stop(client);
    db_close(db);
    const char *const keep = getenv("LEPHI_TEST_KEEP");
    if (!keep && system(arena_printf(&arena, "rm -r %s", folder))) /* NOLINT: our own folder */
        return -1;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_is_printed_with_its_papers_and_its_bars_are_read_back),
        cmocka_unit_test(a_slip_is_written_once),
        cmocka_unit_test(a_record_lists_its_slips_and_every_bar_is_read_back),
        cmocka_unit_test(the_second_signature_files_the_dossiers_at_that_moment),
        cmocka_unit_test(one_person_never_signs_for_both_sides),
        cmocka_unit_test(a_record_made_by_mistake_is_taken_back_and_frees_its_slips),
        cmocka_unit_test(every_fault_of_a_record_is_named_by_its_place),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
