/* What is said to a service under test, and what its database must say afterwards. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

static _Noreturn void end(const char *what, struct text why)
{
    fprintf(stderr, "service under test: %s: %.*s\n", what, TEXT_ARGS(why));
    exit(1);
}

uint64_t test_seed(void)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed;
    crypto_random(&seed, sizeof seed);
    seed = given && *given ? strtoull(given, NULL, 10) : seed >> 1;
    printf("TEST_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

int test_count(const char *variable, int otherwise)
{
    const char *given = getenv(variable);
    int count = given ? atoi(given) : otherwise;
    if (count <= 0)
        end(variable, TEXT("must be a positive number"));
    return count;
}

int64_t json_int_at(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *json_string_at(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* Callers -----------------------------------------------------------------------------------------------------------
 */

const char *service_key(struct db *db, struct arena *arena, const char *name, const char *scopes)
{
    char *key = arena_alloc(arena, AUTH_KEY_SIZE);
    if (auth_key_add(db, arena, name, scopes, clock_now(), key))
        end("API key", text_of(db_error(db)));
    return key;
}

const char *service_staff_cookie(struct db *db, struct arena *arena, const char *login, const char *role)
{
    char token[TOKEN_TEXT_SIZE];
    struct text password = TEXT("mật khẩu thử nghiệm");
    if (auth_staff_add(db, arena, login, "Nhân viên thử nghiệm", role, password, clock_now()) ||
        auth_login(db, arena, text_of(login), password, clock_now(), token))
        end("staff", text_of(db_error(db)));
    return arena_printf(arena, AUTH_COOKIE "=%s", token);
}

/* The bank ----------------------------------------------------------------------------------------------------------
 */

struct text bank_body(struct arena *arena, const struct bank_notice *n)
{
    char at[INSTANT_TEXT_SIZE];
    instant_us fixed = INT64_C(1795140000) * SECOND_US - n->id % 3600 * SECOND_US;
    instant_format(n->booked_at ? n->booked_at : fixed, at);
    const char *reference = n->bank_reference ? n->bank_reference : arena_printf(arena, "FT%lld", (long long)n->id);
    return arena_textf(arena,
                       "{\"id\":%lld,\"account_number\":\"%s\",\"amount\":%lld,\"currency\":\"VND\",\"direction\":"
                       "\"in\",\"memo\":\"%s\",\"bank_reference\":\"%s\",\"booked_at\":\"%s\",\"counterparty_name\":"
                       "\"NGUYEN THI ANH\",\"counterparty_account\":\"19036\",\"balance\":1000000}",
                       (long long)n->id, n->account ? n->account : TEST_ACCOUNT, (long long)n->amount,
                       n->memo ? n->memo : "", reference, at);
}

static struct text signature(struct service_under_test *s, struct arena *arena, struct text body, int64_t stamp_s)
{
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    struct text message = arena_textf(arena, "%lld.%.*s", (long long)stamp_s, TEXT_ARGS(body));
    crypto_hmac_sha256(text_of(s->bank_secret), message, mac);
    hex_encode(mac, sizeof mac, hex);
    return arena_textf(arena, "sha256=%s", hex);
}

struct text bank_headers(struct service_under_test *s, struct arena *arena, struct text body, int64_t stamp_s)
{
    return arena_textf(arena, "X-Sandbox-Timestamp: %lld\r\nX-Sandbox-Signature: %.*s\r\n", (long long)stamp_s,
                       TEXT_ARGS(signature(s, arena, body, stamp_s)));
}

struct service_answer bank_posts(struct service_under_test *s, struct arena *arena, struct text body)
{
    int64_t stamp_s = clock_now() / SECOND_US;
    const struct http_pair headers[] = {{"X-Sandbox-Timestamp", arena_textf(arena, "%lld", (long long)stamp_s)},
                                        {"X-Sandbox-Signature", signature(s, arena, body, stamp_s)}};
    const struct service_call call = {.method = "POST",
                                      .path = "/v1/notifications/sandbox-bank",
                                      .body = body,
                                      .key = "",
                                      .more = headers,
                                      .more_count = 2};
    return service_call(s, arena, &call);
}

struct service_answer bank_tells(struct service_under_test *s, struct arena *arena, const struct bank_notice *notice)
{
    return bank_posts(s, arena, bank_body(arena, notice));
}

bool bank_accepted(const struct service_answer *answer)
{
    return answer->status == 200 && text_is(answer->body, "{\"success\":true}");
}

/* Dossiers and requests ---------------------------------------------------------------------------------------------
 */

struct service_answer service_dossier(struct service_under_test *s, struct arena *arena, const char *code)
{
    char at[INSTANT_TEXT_SIZE];
    instant_format(clock_now() - 60 * SECOND_US, at);
    return service_ask(s, arena, "PUT", arena_printf(arena, "/v1/dossiers/%s", code),
                       "{\"procedure\":\"2.000635\",\"agency\":\"" TEST_AGENCY "\",\"channel\":\"online\",\"submitted_"
                       "at\":\"%s\",\"applicant\":{\"name\":\"Nguyễn Thị Ánh Tuyết\",\"phone\":\"0912000111\"}}",
                       at);
}

struct text request_body(struct arena *arena, const char *dossier, int copies)
{
    return arena_textf(arena,
                       "{\"dossier\":\"%s\",\"stage\":\"filing\",\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"online\","
                       "\"quantities\":{\"copies\":%d}}",
                       dossier, copies);
}

struct payment_asked service_request(struct service_under_test *s, struct arena *arena, const char *code, int copies)
{
    struct service_answer dossier = service_dossier(s, arena, code);
    if (dossier.status != 201 && dossier.status != 200)
        end("dossier", dossier.body);
    const struct service_call call = {
        .method = "POST", .path = "/v1/payment-requests", .body = request_body(arena, code, copies)};
    struct service_answer made = service_call(s, arena, &call);
    if (made.status != 201)
        end("payment request", made.body);
    return (struct payment_asked){.id = json_int_at(made.json, "id"),
                                  .amount = json_int_at(made.json, "amount"),
                                  .reference = json_string_at(made.json, "reference"),
                                  .pay_url = json_string_at(made.json, "pay_url"),
                                  .payload = json_string_at(json_object_get(made.json, "vietqr"), "payload")};
}

/* The books ---------------------------------------------------------------------------------------------------------
 */

bool service_drained(struct db *db, int seconds)
{
    for (int i = 0; i < seconds * 10; i++) {
        if (!test_int(db, "SELECT (SELECT count(*) FROM job WHERE state = 'waiting' AND kind NOT IN "
                          "('receipt.summary', 'tax.send', 'receipt.deliver')) + (SELECT count(*) FROM event_fresh)"
                          " + (SELECT count(*) FROM audit_fresh)"))
            return true;
        test_sleep_ms(100);
    }
    return false;
}

/* Each counts what must not be there. */
static const struct check {
    const char *what, *sql;
} checks[] = {
    {"journals that do not add up",
     "SELECT count(*) FROM (SELECT 1 FROM entry GROUP BY booked_month, journal_id HAVING sum(amount) <> 0) x"},
    {"journals without entries", "SELECT count(*) FROM journal j WHERE NOT EXISTS (SELECT FROM entry e WHERE"
                                 " (e.booked_month, e.journal_id) = (j.booked_month, j.id))"},
    {"đồng over in the whole ledger", "SELECT coalesce(abs(sum(amount)), 0)::bigint FROM entry"},
    {"payments without exactly one journal",
     "SELECT count(*) FROM payment p WHERE (SELECT count(*) FROM journal j WHERE j.payment_id = p.id AND j.kind ="
     " 'payment') <> 1"},
    {"payments whose journal is not for their amount",
     "SELECT count(*) FROM payment p JOIN journal j ON j.payment_id = p.id AND j.kind = 'payment' WHERE p.amount <>"
     " (SELECT sum(amount) FROM entry e WHERE (e.booked_month, e.journal_id) = (j.booked_month, j.id) AND amount > 0)"},
    {"bank transactions booked twice",
     "SELECT count(*) FROM (SELECT 1 FROM payment WHERE bank_reference IS NOT NULL GROUP BY account_id,"
     " bank_reference HAVING count(*) > 1) x"},
    {"requests whose sums are not those of their payments",
     "SELECT count(*) FROM payment_request r, LATERAL (SELECT coalesce(sum(allocated), 0) AS a, coalesce(sum(surplus),"
     " 0) AS s FROM payment p WHERE p.request_id = r.id) p WHERE (r.allocated, r.surplus) <> (p.a, p.s)"},
    {"surplus without its refund case",
     "SELECT count(*) FROM payment p WHERE surplus <> (SELECT coalesce(sum(f.amount), 0) FROM refund f WHERE"
     " f.payment_id = p.id AND f.state NOT IN ('refused', 'failed') AND f.reason NOT IN ('fee_rule', 'correction', "
     "'unallocated'))"},
    {"đồng that collectors are owed beside the settled requests",
     "SELECT coalesce(sum(abs(owed - settled)), 0)::bigint FROM (SELECT collector, sum(amount - given_back) AS settled "
     "FROM"
     " payment_request q, LATERAL (SELECT coalesce(sum(f.amount), 0) AS given_back FROM refund f WHERE f.request_id = "
     "q.id"
     " AND f.reason IN ('fee_rule', 'correction') AND f.state IN ('approved', 'sent', 'paid')) f"
     " WHERE settled_at IS NOT NULL GROUP BY 1) r FULL JOIN (SELECT substr(a.code, 9) AS collector,"
     " -sum(e.amount) AS owed FROM entry e JOIN account a ON a.id = e.account_id WHERE a.code LIKE 'payable:%' GROUP"
     " BY 1) l USING (collector)"},
    {"holes in the feed", "SELECT coalesce(max(position), 0) - count(*) FROM feed"},
    /* A clock's job may have written one a moment ago: then it stands in the queue for the feed. */
    {"events neither in the feed nor waiting for it",
     "SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT FROM feed f WHERE f.event_id = e.id) AND NOT EXISTS (SELECT"
     " FROM event_fresh w WHERE w.event_id = e.id)"},
    {"holes in the audit chain", "SELECT coalesce(max(position), 0) - count(*) FROM audit_chain"},
    {"acts neither in the audit chain nor waiting for it",
     "SELECT count(*) FROM audit a WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id) AND NOT EXISTS"
     " (SELECT FROM audit_fresh w WHERE w.audit_id = a.id)"},
    {"broken links in the audit chain",
     "SELECT count(*) FROM audit_chain c JOIN audit a ON (a.booked_month, a.id) = (c.booked_month, c.audit_id)"
     " LEFT JOIN audit_chain b ON b.position = c.position - 1 WHERE c.hash <> audit_hash(coalesce(b.hash, '\\x'), a)"},
    {"settled requests without request.paid, or with more than one",
     "SELECT count(*) FROM payment_request r WHERE (SELECT count(*) FROM event e WHERE e.request_id = r.id AND e.kind ="
     " 'request.paid') <> (r.settled_at IS NOT NULL)::integer"},
    {"payments without their event, or with more than one",
     "SELECT abs((SELECT count(*) FROM payment) - (SELECT count(*) FROM event WHERE kind IN ('payment.settled',"
     " 'payment.unallocated', 'payment.basket')))"},
    {"settled requests without exactly one signed receipt",
     "SELECT count(*) FROM payment_request r WHERE (SELECT count(*) FROM receipt x WHERE x.request_id = r.id AND"
     " x.signed_xml IS NOT NULL) <> (r.settled_at IS NOT NULL)::integer"},
    {"receipts that wait for their signature", "SELECT count(*) FROM receipt WHERE signed_xml IS NULL"},
    {"receipts without their event, or with more than one",
     "SELECT abs((SELECT count(*) FROM receipt) - (SELECT count(*) FROM event WHERE kind = 'receipt.issued'))"},
    {"exceptions the receipts' own audit lists", "SELECT count(*) FROM receipt_audit()"},
    {"jobs left for a person", "SELECT count(*) FROM job WHERE state = 'dead'"},
    /* Some come by the clock: the log wakes by itself, summaries and letters wait for their hour. */
    {"jobs left",
     "SELECT count(*) FROM job WHERE kind NOT IN ('receipt.log', 'receipt.head', 'receipt.summary', 'tax.send', "
     "'receipt.deliver')"},
};

int service_audit(struct db *db)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int64_t count = test_int(db, checks[i].sql);
        if (count)
            printf("WRONG: %lld %s\n", (long long)count, checks[i].what);
        wrong += count != 0;
    }
    fflush(stdout);
    return wrong;
}
