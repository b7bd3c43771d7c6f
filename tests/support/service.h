/* `lephi serve` for a test program: the binary of the program's own flavour on a free port of loopback, with the test's
 * database, the demo province, signing keys for its collectors and a secret of its own. It can be killed and started
 * again on the same port. Call-backs of the training bank are made and signed here, so that no sandbox is needed.
 *
 * Everything ends the test program with a message when the ground it stands on is missing; what is under test comes
 * back as an answer. */
#ifndef LEPHI_TESTS_SERVICE_H
#define LEPHI_TESTS_SERVICE_H

#include <jansson.h>
#include <sys/types.h>
#include "core/core.h"
#include "tests/support/dice.h"

/* Where the test's dossiers are filed: one agency of the demo province and its account. */
#define TEST_AGENCY         "QN-HALONG"
#define TEST_ACCOUNT        "0914000000021"
#define TEST_COLLECTOR_LIKE "57990000__"

enum { TEST_COPY_PRICE = 8000 }; /* đồng for one extract of civil status, TT 281/2016 art. 4.4 */

struct service_under_test {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char url[64];
    char key[AUTH_KEY_SIZE]; /* with every scope */
    char *folder;            /* configuration, secrets, log; ca.pem and TAX_CODE.key, .pem of each collector */
    char *binary;
    struct http_client *client;
    char bank_secret[65];
    int clock_offset_s; /* of the next start */
};

/* Fills the database with the demo province, opens receipt numbers for its collectors, writes configuration (with
 * `more_config` behind it, may be NULL) and starts the service. `db` must be the test's own, migrated and empty. */
void service_set_up(struct service_under_test *service, struct db *db, const char *more_config);
/* Stops it, removes the folder. A service that does not stop in good order ends the program. */
void service_tear_down(struct service_under_test *service);

void service_start(struct service_under_test *service); /* on the same port as before; returns when it is ready */
void service_kill(struct service_under_test *service);  /* kill -9, and waits for the end */
void service_stop(struct service_under_test *service);  /* SIGTERM; its exit status must be 0 */

/* A further API key with these scopes (words separated by spaces); in the arena. */
const char *service_key(struct db *db, struct arena *arena, const char *name, const char *scopes);
/* Signs a new member of staff in; the value of a Cookie header. */
const char *service_staff_cookie(struct db *db, struct arena *arena, const char *login, const char *role);

/* One call. Zero or NULL means the default in brackets. */
struct service_call {
    const char *method, *path;
    struct text body;
    const char *content_type;    /* [application/json when there is a body] */
    const char *key;             /* [service->key]; "": none */
    const char *idempotency_key; /* [none] */
    const char *cookie;          /* [none]; then no API key is sent */
    const struct http_pair *more;
    size_t more_count;
};
struct service_answer {
    enum err err; /* OK, or ERR_NETWORK, ERR_UNKNOWN_OUTCOME: nobody answered */
    int status;   /* 0: no answer */
    struct text body;
    json_t *json; /* NULL when the body is none; owned by the arena */
    struct text headers;
};
struct service_answer service_call(struct service_under_test *service, struct arena *arena,
                                   const struct service_call *call);
/* The same with a body written by printf; "" sends none. */
struct service_answer service_ask(struct service_under_test *service, struct arena *arena, const char *method,
                                  const char *path, const char *format, ...) PRINTF(5, 6);

/* Sends these bytes on a connection of their own and reads until the other side closes it, 20 s at most. */
struct text service_raw(struct service_under_test *service, struct arena *arena, struct text bytes);
int service_connect(struct service_under_test *service); /* a connected socket; the caller closes it */

/* What the training bank tells. Zero or NULL means the default in brackets. */
struct bank_notice {
    int64_t id;
    const char *account; /* [TEST_ACCOUNT] */
    int64_t amount;
    const char *memo;
    const char *bank_reference; /* ["FT" and the id] */
    instant_us booked_at;       /* [before 2026-11-20T09:00+07:00 by id seconds: the same in every repeat] */
};
struct text bank_body(struct arena *arena, const struct bank_notice *notice);
/* Posts a body signed as of now; accepted when the status is 200 and the body {"success":true}. */
struct service_answer bank_posts(struct service_under_test *service, struct arena *arena, struct text body);
struct service_answer bank_tells(struct service_under_test *service, struct arena *arena,
                                 const struct bank_notice *notice);
bool bank_accepted(const struct service_answer *answer);
/* The two headers of a signed body, as they stand on the wire. */
struct text bank_headers(struct service_under_test *service, struct arena *arena, struct text body, int64_t stamp_s);

/* Registers dossier `code` with TEST_AGENCY and asks for `copies` extracts of civil status online. */
struct service_answer service_dossier(struct service_under_test *service, struct arena *arena, const char *code);
struct text request_body(struct arena *arena, const char *dossier, int copies);
struct payment_asked {
    int64_t id, amount;
    const char *reference, *pay_url, *payload; /* in the arena; payload "" when there is no QR */
};
/* Both in one, expected to work. */
struct payment_asked service_request(struct service_under_test *service, struct arena *arena, const char *code,
                                     int copies);

int64_t json_int_at(json_t *object, const char *key);        /* 0 when absent */
const char *json_string_at(json_t *object, const char *key); /* "" when absent */

/* Waits until no job is due or under way and every event and act has its place; false after `seconds`. */
bool service_drained(struct db *db, int seconds);

/* The books of a whole database in one look; prints what is wrong. Returns how many faults there are:
 * journals that do not add up, payments booked twice or split wrongly, requests whose sums differ from their payments,
 * a feed with holes, a broken audit chain, settled requests without exactly one signed receipt, jobs left. */
int service_audit(struct db *db);

/* TEST_SEED, or a fresh one; printed, so that it can be given again. */
uint64_t test_seed(void);
int test_count(const char *variable, int otherwise); /* a positive number from the environment */
void test_sleep_ms(int ms);

#endif
