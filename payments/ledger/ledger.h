/* The ledger: the one path by which money is confirmed, whatever source told of it, and the books it is written in.
 *
 * Sources translate what banks, wallets and posts say into notices; confirmation books each external transaction at
 * most once, allocates it to its request, journals it and records the events, in one commit for up to 256 notices. */
#ifndef LEPHI_PAYMENTS_LEDGER_H
#define LEPHI_PAYMENTS_LEDGER_H

#include "core/core.h"
#include "payments/sources/sources.h"

enum confirm_outcome {
    CONFIRM_BOOKED,      /* allocated to its request, wholly or in part; the surplus has its refund case */
    CONFIRM_UNALLOCATED, /* booked in suspense: no request could be told from the memo */
    CONFIRM_REPLAYED,    /* booked before; the ids are those of then */
    CONFIRM_CONFLICT,    /* the same identity with other content: nothing booked, a person must look */
    CONFIRM_REFUSED,     /* not an account of ours: nothing booked */
};

struct confirmation {
    enum err err; /* OK, or why nothing is known of this notice (it may be sent again) */
    enum confirm_outcome outcome;
    int64_t payment, request; /* 0: none */
};

enum { CONFIRM_BATCH_MAX = 256 };

/* Books a batch in one commit on the caller's connection. `raws` are the bytes as they came (at NULL: not kept).
 * An error is of the whole batch: nothing of it was written. */
MUST_CHECK enum err ledger_confirm(struct db *db, struct arena *arena, const struct notice *notices,
                                   const struct text *raws, size_t count, instant_us at,
                                   struct confirmation *ret_confirmations);

/* The same, never failing as a whole for one bad row: halves the batch until the bad notice stands alone. Connection
 * errors come back in each confirmation. */
void ledger_confirm_all(struct db *db, struct arena *arena, const struct notice *notices, const struct text *raws,
                        size_t count, instant_us at, struct confirmation *ret_confirmations);

/* Micro-batches for call-backs: writers take what has gathered, at most 256 notices, 3 ms after the first or at once
 * when nobody is writing, and answer each caller after its commit. */
struct confirmer;

struct confirm_ticket {
    const struct notice *notice; /* lives until `done` */
    struct text raw;
    enum source_proof proof; /* PROOF_CLAIM: stored and asked for, not booked */
    struct text account;     /* the source's account; empty the default */
    struct confirmation confirmation;
    void (*done)(struct confirm_ticket *ticket); /* on a writer's thread */
    void *with;
    struct confirm_ticket *next; /* the queue's own */
};

struct confirmer_config {
    const char *database_url;
    int writers;                   /* 1 or 2 [2] */
    int wait_ms;                   /* [3] */
    size_t batch_max;              /* 1 to CONFIRM_BATCH_MAX [CONFIRM_BATCH_MAX] */
    size_t queue_max;              /* [4096] */
    void (*committed)(void *with); /* after a commit that wrote jobs; may be NULL */
    void *with;
};

MUST_CHECK enum err confirmer_start(const struct confirmer_config *config, struct confirmer **ret_confirmer);
/* ERR_UNAVAILABLE when the queue is full: `done` will not be called. */
MUST_CHECK enum err confirmer_submit(struct confirmer *confirmer, struct confirm_ticket *ticket);
void confirmer_stop(struct confirmer *confirmer); /* answers what is queued first; NULL is fine */

/* Routes: POST (or GET) /v1/notifications/{source}, GET /v1/payments. */
enum err ledger_notification_handle(struct request *rq);
enum err ledger_payments_handle(struct request *rq);
/* Refunds: POST /v1/payments/{id}/refunds {amount, reason, note?, refundable?, to?}, by the first person; POST
 * /v1/refunds/{id}/approve and /refuse {why}, by another; POST /v1/refund-lists {account} and GET …/{id}.csv, the
 * transfers for the bank; POST /v1/refunds/{id}/paid {bank_reference, paid_on} and /failed {why}; GET /v1/refunds and
 * one. */
enum err ledger_refund_ask_handle(struct request *rq);
enum err ledger_refund_approve_handle(struct request *rq);
enum err ledger_refund_refuse_handle(struct request *rq);
enum err ledger_refund_list_make_handle(struct request *rq);
enum err ledger_refund_list_csv_handle(struct request *rq);
enum err ledger_refund_paid_handle(struct request *rq);
enum err ledger_refund_failed_handle(struct request *rq);
enum err ledger_refunds_handle(struct request *rq);
enum err ledger_refund_handle(struct request *rq);
/* The confirmer the notification handler hands its notices to; set once before the server starts. */
void ledger_confirmer_set(struct confirmer *confirmer);

/* Balance of every account as of the end of a day (inclusive), as JSON: [{account, balance}]. `lephi report ledger`. */
MUST_CHECK enum err ledger_balances_write(struct db *db, struct arena *arena, date_days day, struct json *json);

/* Whom asking goes through and where call-backs come to. NULL: attempts and questions wait. */
struct http_client;
void ledger_asking_use(struct http_client *client, const char *public_url);

/* Job kind "source.ask": what a source knows of a claim or an attempt. */
struct job;
void ledger_ask_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
/* Job kind "dossier.life": a dossier's state changed; unpaid requests of one that is refused or withdrawn are
 * cancelled, and the rule of each fee that was paid opens its refund case or says why not (refund_answer). */
void ledger_life_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
/* Job kind "request.day": a request was paid on a later day than it was priced on; where the day of payment decides,
 * the bank's day has the last word, and the difference is an adjustment. */
void ledger_day_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
/* Job kind "refund.source": an approved refund that the wallet or gateway itself carries out (sql/0053). */
void ledger_refund_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
// clang-format off
#define LEDGER_JOB_KINDS                                                                                               \
    {.name = "source.ask", .run = ledger_ask_run, .batch_max = 1, .tries_max = 40, .lease_s = 60},                     \
    {.name = "refund.source", .run = ledger_refund_run, .batch_max = 1, .tries_max = 40, .lease_s = 60},               \
    {.name = "request.day", .run = ledger_day_run, .batch_max = 8, .tries_max = 200, .lease_s = 60},                   \
    {.name = "dossier.life", .run = ledger_life_run, .batch_max = 8, .tries_max = 200, .lease_s = 60}
// clang-format on

/* A way to pay that a request may choose now. */
struct way {
    const struct source *source;
    struct text account; /* of the source; empty the default */
};
enum { WAYS_MAX = 16 };
/* Configured sources that can take this amount for this receiving account. */
size_t ways_of(int64_t amount, struct text account_number, struct arena *arena, struct way ret_ways[WAYS_MAX]);

struct attempt {
    int64_t id, number, amount;
    struct text source, order, state, redirect_url;
    instant_us made_at, expires_at;
};
/* The open attempt of a request; `source` "post" while a postman is to collect it at the door. ERR_NOT_FOUND. */
MUST_CHECK enum err attempt_of(struct db *db, struct arena *arena, int64_t request, struct attempt *ret_attempt);

/* Starts a way, or gives back the attempt of the same source that is open. ERR_ATTEMPT_OPEN: another one is.
 * ERR_REQUEST_SETTLED: nothing to pay. ERR_FIELD_VALUE: not offered. ERR_UNKNOWN_OUTCOME, ERR_NETWORK: the attempt
 * stays and is asked for. */
struct payment_request;
MUST_CHECK enum err attempt_start(struct db *db, struct arena *arena, const struct payment_request *request,
                                  struct text source, struct text return_url, struct text peer, const char *actor,
                                  instant_us at, struct source_told *ret_told);

enum err ledger_wallet_handle(struct request *rq); /* POST /v1/payment-requests/{id}/wallet-payments */

/* A payment on the wrong dossier: POST /v1/payments/{id}/moves {to: reference, reason} by one person; POST
 * /v1/payment-moves/{id}/approve and /refuse {why} by another; GET /v1/payment-moves?state=. */
enum err ledger_move_ask_handle(struct request *rq);
enum err ledger_move_approve_handle(struct request *rq);
enum err ledger_move_refuse_handle(struct request *rq);
enum err ledger_moves_handle(struct request *rq);
/* POST and GET /v1/payment-requests/{id}/adjustments: other quantities than were asked for, {quantities, reason}. */
enum err ledger_adjust_handle(struct request *rq);
enum err ledger_adjustments_handle(struct request *rq);

#endif
