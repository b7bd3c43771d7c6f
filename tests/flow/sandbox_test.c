/* The sandbox as a caller sees it: the program is started, spoken to over HTTP and its call-backs are received. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "tests/support/sandbox.h"

#define ACCOUNT "0021000000001"
#define QR                                                                                                             \
    "00020101021238570010A00000072701270006970436011300210000000010208QRIBFTTA53037045405160005802VN62180814"          \
    "QN7K2M9QXW4TZB63048F60"

enum { CALLS_MAX = 64, WAIT_MS = 8000 };

/* The receiver of call-backs: keeps what came, answers as told. */
static struct {
    pthread_mutex_t lock;
    struct call {
        char url[64], stamp[32], signature[128], *body;
    } calls[CALLS_MAX];
    size_t count;
    int refuse; /* answer 500 to so many */
    struct MHD_Daemon *daemon;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct test_sandbox sandbox;
static CURL *curl;

static void keep(char *to, size_t size, struct MHD_Connection *connection, const char *header)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header);
    snprintf(to, size, "%s", value ? value : "");
}

static enum MHD_Result receive(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *data, size_t *size, void **context)
{
    struct buf *body = *context;
    if (!body) {
        *context = calloc(1, sizeof(struct buf));
        return MHD_YES;
    }
    if (*size) {
        buf_put(body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&world.lock);
    struct call *call = &world.calls[world.count++ % CALLS_MAX];
    snprintf(call->url, sizeof call->url, "%s", url);
    keep(call->stamp, sizeof call->stamp, connection, "X-Sandbox-Timestamp");
    keep(call->signature, sizeof call->signature, connection, "X-Sandbox-Signature");
    free(call->body);
    call->body = strdup(buf_cstr(body));
    unsigned status = world.refuse-- > 0 ? 500 : 200;
    pthread_mutex_unlock(&world.lock);
    buf_done(body);
    free(body);
    *context = NULL;
    static char good[] = "{\"success\":true}";
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(good), good, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

static void sandbox_start(void)
{
    char webhook[96], post_webhook[96];
    int port = MHD_get_daemon_info(world.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(webhook, sizeof webhook, "http://127.0.0.1:%d/bank", port);
    snprintf(post_webhook, sizeof post_webhook, "http://127.0.0.1:%d/post", port);
    const char *const options[] = {"--account",
                                   ACCOUNT ":TT PVHCC:970436:1000000",
                                   "--webhook",
                                   webhook,
                                   "--vnpost-webhook",
                                   post_webhook,
                                   "--retry-base-ms",
                                   "50",
                                   "--vnpost-token-s",
                                   "2",
                                   NULL};
    test_sandbox_start(&sandbox, options);
}

static size_t take(char *data, size_t one, size_t count, void *with)
{
    buf_put(with, data, count);
    return count;
}

/* One call; returns the status. `token` and `body` may be NULL. */
static long call(const char *method, const char *path, const char *token, const char *body, struct buf *ret_answer)
{
    char url[600], header[80];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    snprintf(url, sizeof url, "%s%s", sandbox.base, path);
    if (token) {
        snprintf(header, sizeof header, "token: %s", token);
        headers = curl_slist_append(headers, header);
    }
    buf_clear(ret_answer);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_answer);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    buf_cstr(ret_answer);
    return status;
}

static json_t *call_json(const char *method, const char *path, const char *token, const char *body, long expect)
{
    struct buf answer = {0};
    long status = call(method, path, token, body, &answer);
    if (status != expect)
        print_message("%s %s: %ld %s\n", method, path, status, answer.at);
    assert_int_equal(status, expect);
    json_t *json = json_loadb(answer.at, answer.length, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    buf_done(&answer);
    return json;
}

static json_t *pay(const char *extra)
{
    char body[600];
    snprintf(body, sizeof body, "{\"payload\":\"" QR "\"%s}", extra);
    return call_json("POST", "/bank/pay", NULL, body, 200);
}

static const char *first_text(json_t *paid, const char *name)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(paid, "transactions"), 0), name));
}

static void wait_calls(size_t count)
{
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        pthread_mutex_lock(&world.lock);
        bool enough = world.count >= count;
        pthread_mutex_unlock(&world.lock);
        if (enough)
            return;
        usleep(10000);
    }
    fail_msg("only %zu call-backs came", world.count);
}

static void calls_forget(void)
{
    pthread_mutex_lock(&world.lock);
    world.count = 0;
    pthread_mutex_unlock(&world.lock);
}

static bool signature_good(const struct call *got)
{
    struct buf what = {0};
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE], want[128];
    buf_printf(&what, "%s.%s", got->stamp, got->body);
    crypto_hmac_sha256(TEXT("sandbox"), buf_view(&what), mac);
    hex_encode(mac, sizeof mac, hex);
    buf_done(&what);
    snprintf(want, sizeof want, "sha256=%s", hex);
    return !strcmp(want, got->signature);
}

static void a_paid_code_is_booked_and_announced_with_a_signature(void **state)
{
    calls_forget();
    json_t *paid = pay("");
    wait_calls(1);
    json_t *told = json_loads(world.calls[0].body, 0, NULL);
    assert_string_equal(world.calls[0].url, "/bank");
    assert_true(signature_good(&world.calls[0]));
    assert_string_equal(json_string_value(json_object_get(told, "bank_reference")), first_text(paid, "bank_reference"));
    assert_int_equal(json_integer_value(json_object_get(told, "amount")), 16000);
    assert_string_equal(json_string_value(json_object_get(told, "account_number")), ACCOUNT);
    assert_non_null(strstr(json_string_value(json_object_get(told, "memo")), "QN7K2M9QXW4TZB"));
    json_decref(told);
    json_decref(paid);
}

static void a_refused_call_back_is_tried_again_with_a_fresh_signature(void **state)
{
    calls_forget();
    world.refuse = 2;
    json_decref(pay(""));
    wait_calls(3);
    for (int i = 0; i < 3; i++)
        assert_true(signature_good(&world.calls[i]));
    assert_string_equal(world.calls[0].body, world.calls[2].body);
}

static void mischief_is_done_as_told(void **state)
{
    calls_forget();
    json_t *twice = pay(",\"mischief\":{\"pay_twice\":true,\"wrong_signature\":true}");
    assert_int_equal(json_array_size(json_object_get(twice, "transactions")), 2);
    wait_calls(2);
    assert_false(signature_good(&world.calls[0]));
    json_decref(twice);

    calls_forget();
    json_decref(pay(",\"mischief\":{\"lose_webhook\":true}"));
    json_t *marked = pay(",\"amount\":15000,\"mischief\":{\"repeat\":2,\"mangle_memo\":\"lower+split+none\"}");
    assert_string_equal(first_text(marked, "memo"), "qn7k 2m9q xw4t zb");
    wait_calls(3);
    usleep(200000);
    assert_int_equal(world.count, 3);
    for (int i = 0; i < 3; i++)
        assert_non_null(strstr(world.calls[i].body, first_text(marked, "bank_reference")));
    json_decref(marked);

    struct buf answer = {0};
    assert_int_equal(call("POST", "/bank/pay", NULL,
                          "{\"payload\":\"" QR "\",\"mischief\":{\"answer_500\":true,\"lose_webhook\":true}}", &answer),
                     500);
    assert_int_equal(
        call("POST", "/bank/pay", NULL, "{\"payload\":\"" QR "\",\"mischief\":{\"mangle_memo\":\"upside\"}}", &answer),
        422);
    buf_done(&answer);
}

static void a_bad_code_is_not_paid(void **state)
{
    static const char *const bad[] = {
        /* wrong CRC; something after it; the malformed account length of the NAPAS sample, whose CRC is right */
        "00020101021238570010A00000072701270006970436011300210000000010208QRIBFTTA53037045405160005802VN62180814"
        "QN7K2M9QXW4TZB63048F61",
        QR "00", "0002010102113857", ""};
    struct buf answer = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[400];
        snprintf(body, sizeof body, "{\"payload\":\"%s\"}", bad[i]);
        assert_int_equal(call("POST", "/bank/pay", NULL, body, &answer), 422);
    }
    buf_done(&answer);
}

static void balances_continue_from_day_to_day_and_over_a_kill(void **state)
{
    json_decref(pay(",\"paid_at\":\"2026-03-01T10:00:00+07:00\",\"mischief\":{\"lose_webhook\":true}"));
    json_decref(pay(",\"paid_at\":\"2026-03-02T23:59:59+07:00\",\"mischief\":{\"lose_webhook\":true}"));
    json_decref(call_json("POST", "/bank/debit", NULL,
                          "{\"account\":\"" ACCOUNT "\",\"amount\":6000,\"memo\":\"hoan\",\"paid_at\":"
                          "\"2026-03-02T08:00:00+07:00\",\"mischief\":{\"lose_webhook\":true}}",
                          200));
    test_sandbox_stop(&sandbox, SIGKILL);
    sandbox_start();
    static const struct {
        const char *path;
        int64_t opening, closing;
        size_t count;
    } days[] = {{"/bank/transactions?account=" ACCOUNT "&date=2026-02-28", 1000000, 1000000, 0},
                {"/bank/transactions?account=" ACCOUNT "&date=2026-03-01", 1000000, 1016000, 1},
                {"/bank/transactions?account=" ACCOUNT "&date=2026-03-02", 1016000, 1026000, 2},
                {"/bank/transactions?account=" ACCOUNT "&date=2026-03-03", 1026000, 1026000, 0}};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        json_t *day = call_json("GET", days[i].path, NULL, NULL, 200);
        assert_int_equal(json_integer_value(json_object_get(day, "opening")), days[i].opening);
        assert_int_equal(json_integer_value(json_object_get(day, "closing")), days[i].closing);
        assert_int_equal(json_array_size(json_object_get(day, "items")), days[i].count);
        json_decref(day);
    }
}

static void a_statement_is_given_in_three_formats(void **state)
{
    static const struct {
        const char *format, *has[3];
    } formats[] = {
        {"mt940", {":60F:C260301VND1016000,", ":62F:C260302VND1026000,", ":61:2603020302D6000,NTRFNONREF//FT"}},
        {"camt053", {"camt.053.001.08", "<Cd>CLBD</Cd>", "<Amt Ccy=\"VND\">1026000</Amt>"}},
        {"csv", {"\"1,016,000\",\"6,000\",\"16,000\",\"1,026,000\"", "Số GD", "02/03/2026 23:59:59"}}};
    struct buf answer = {0};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "/bank/statement?account=" ACCOUNT "&date=2026-03-02&format=%s", formats[i].format);
        assert_int_equal(call("GET", path, NULL, NULL, &answer), 200);
        for (int h = 0; h < 3; h++)
            if (!strstr(answer.at, formats[i].has[h]))
                fail_msg("%s lacks %s:\n%s", formats[i].format, formats[i].has[h], answer.at);
    }
    buf_done(&answer);
}

#define ORDER                                                                                                          \
    "{\"orderCreationStatus\":1,\"type\":\"GUI\",\"customerCode\":\"C000000001\",\"informationOrder\":{"               \
    "\"senderName\":\"TT PVHCC\",\"senderPhone\":\"0203\",\"senderAddress\":\"Ha "                                     \
    "Long\",\"senderProvinceCode\":\"22\","                                                                            \
    "\"senderDistrictCode\":\"VNPOST\",\"senderCommuneCode\":\"06688\",\"receiverName\":\"Nguyễn Văn Dân\","       \
    "\"receiverPhone\":\"0912345678\",\"receiverAddress\":\"Số 1\",\"receiverProvinceCode\":\"22\","                 \
    "\"receiverDistrictCode\":\"VNPOST\",\"receiverCommuneCode\":\"06652\",\"serviceCode\":\"ETN011\","                \
    "\"saleOrderCode\":\"SALE-1\",\"weight\":\"150\"}}"

static void token_get(char ret_token[64])
{
    json_t *answer =
        call_json("POST", "/vnpost/customer-partner/GetAccessToken", NULL,
                  "{\"username\":\"sandbox\",\"password\":\"sandbox\",\"customerCode\":\"C000000001\"}", 200);
    snprintf(ret_token, 64, "%s", json_string_value(json_object_get(answer, "token")));
    json_decref(answer);
}

static bool rsa_good(const char *what, const char *signature)
{
    char path[100];
    snprintf(path, sizeof path, "%s/vnpost-public.pem", sandbox.folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(key);
    struct buf raw = {0};
    assert_true(base64_decode(text_of(signature), &raw));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)raw.at, raw.length, (const unsigned char *)what,
                                 strlen(what)) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    buf_done(&raw);
    return good;
}

static void a_parcel_is_booked_found_again_and_followed(void **state)
{
    char token[64], what[200];
    struct buf answer = {0};
    assert_int_equal(call("POST", "/vnpost/customer-partner/CreateOrder", "none", ORDER, &answer), 401);
    token_get(token);
    json_t *made = call_json("POST", "/vnpost/customer-partner/CreateOrder", token, ORDER, 200);
    const char *item = json_string_value(json_object_get(made, "itemCode"));
    assert_int_equal(strlen(item), 13);
    assert_string_equal(item + 11, "VN");
    assert_int_equal(json_integer_value(json_object_get(made, "totalFee")), 27500);
    assert_int_equal(call("GET", "/vnpost/customer-partner/getOrder?type=2&code=SALE-1", token, NULL, &answer), 200);
    assert_non_null(strstr(answer.at, item));

    calls_forget();
    snprintf(what, sizeof what, "{\"itemCode\":\"%s\",\"status\":\"TGTN\"}", item);
    json_decref(call_json("POST", "/vnpost/advance", NULL, what, 200));
    wait_calls(1);
    json_t *told = json_loads(world.calls[0].body, 0, NULL);
    snprintf(what, sizeof what, "MYVNP%s%sTGTN", json_string_value(json_object_get(told, "sendDate")), item);
    assert_true(rsa_good(what, json_string_value(json_object_get(told, "signature"))));
    what[5] ^= 1;
    assert_false(rsa_good(what, json_string_value(json_object_get(told, "signature"))));
    json_decref(told);

    snprintf(what, sizeof what, "{\"OriginalId\":\"%s\"}", json_string_value(json_object_get(made, "originalID")));
    json_t *cancel = call_json("POST", "/vnpost/customer-partner/orderCancel", token, what, 200);
    assert_string_not_equal(json_string_value(json_object_get(cancel, "Type")), "00"); /* it was picked up */
    json_decref(cancel);
    snprintf(what, sizeof what, "{\"listItemCode\":[\"%s\"]}", item);
    json_t *label = call_json("POST", "/vnpost/customer-partner/exportListReport", token, what, 200);
    struct buf pdf = {0};
    assert_true(base64_decode(text_of(json_string_value(json_object_get(label, "data"))), &pdf));
    assert_memory_equal(pdf.at, "%PDF-", 5);
    buf_done(&pdf);
    json_decref(label);
    json_decref(made);
    sleep(2); /* the token's life in this test */
    assert_int_equal(call("GET", "/vnpost/customer-partner/getOrder?code=SALE-1", token, NULL, &answer), 401);
    buf_done(&answer);
}

static void a_call_can_be_made_to_fail_after_it_has_acted(void **state)
{
    char token[64];
    struct buf answer = {0};
    token_get(token);
    json_decref(call_json("POST", "/mischief", NULL,
                          "{\"path\":\"/vnpost/customer-partner/CreateOrder\",\"kind\":\"answer_500\"}", 200));
    assert_int_equal(call("POST", "/vnpost/customer-partner/CreateOrder", token, ORDER, &answer), 500);
    json_t *kept = call_json("GET", "/vnpost/parcels?saleOrderCode=SALE-1", NULL, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(kept, "items")), 2);
    json_decref(kept);
    buf_done(&answer);
}

static void messages_to_people_are_kept_and_the_page_reads(void **state)
{
    struct buf answer = {0};
    assert_int_equal(call("POST", "/sink/sms", NULL, "{\"Phone\":\"0912\",\"Content\":\"Da nhan <16.000>\"}", &answer),
                     200);
    assert_non_null(strstr(answer.at, "\"100\""));
    json_t *list = call_json("GET", "/sink/messages", NULL, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_decref(list);
    assert_int_equal(call("GET", "/", NULL, NULL, &answer), 200);
    assert_non_null(strstr(answer.at, "Dán nội dung mã VietQR"));
    assert_non_null(strstr(answer.at, "&#60;16.000&#62;"));
    assert_int_equal(call("POST", "/page/read", NULL, "payload=" QR, &answer), 200);
    assert_non_null(strstr(answer.at, "QN7K2M9QXW4TZB"));
    assert_non_null(strstr(answer.at, "16.000"));
    buf_done(&answer);
}

static int start(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, receive, NULL, MHD_OPTION_SOCK_ADDR,
                                    &address, MHD_OPTION_END);
    if (!world.daemon)
        return -1;
    curl_global_init(CURL_GLOBAL_ALL);
    curl = curl_easy_init();
    sandbox_start();
    return 0;
}

static int stop(void **state)
{
    assert_true(test_sandbox_stop(&sandbox, SIGTERM));
    test_sandbox_remove(&sandbox);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    MHD_stop_daemon(world.daemon);
    for (size_t i = 0; i < CALLS_MAX; i++)
        free(world.calls[i].body);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paid_code_is_booked_and_announced_with_a_signature),
        cmocka_unit_test(a_refused_call_back_is_tried_again_with_a_fresh_signature),
        cmocka_unit_test(mischief_is_done_as_told),
        cmocka_unit_test(a_bad_code_is_not_paid),
        cmocka_unit_test(balances_continue_from_day_to_day_and_over_a_kill),
        cmocka_unit_test(a_statement_is_given_in_three_formats),
        cmocka_unit_test(a_parcel_is_booked_found_again_and_followed),
        cmocka_unit_test(a_call_can_be_made_to_fail_after_it_has_acted),
        cmocka_unit_test(messages_to_people_are_kept_and_the_page_reads),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
