/* Requests: dossiers as the one-stop shop tells them, what is asked for them, and how the citizen is shown it:
 * the reference, the VietQR payload and its image. */
#ifndef LEPHI_PAYMENTS_REQUESTS_H
#define LEPHI_PAYMENTS_REQUESTS_H

#include "core/core.h"
#include "payments/requests/bank.h"
#include "payments/requests/qr_image.h"
#include "payments/requests/reference.h"
#include "payments/requests/simulation.h"
#include "payments/requests/vietqr.h"

/* What a province decides once; set before the first request is made. Strings must outlive the program's work. */
struct requests_settings {
    const char *public_url; /* "https://…", no slash at the end */
    const char *prefix;     /* two letters in front of every reference */
    int expiry_days;        /* a request stays open so long, or as long as its price holds, whichever is shorter */
};
void requests_configure(const struct requests_settings *settings);

struct dossier {
    struct text code, procedure, agency, channel, state;
    struct text applicant_name, applicant_phone, applicant_email, applicant_id_number, applicant_address,
        applicant_commune;
    struct text state_reason; /* in the words of the one-stop shop; may be empty */
    instant_us state_at;      /* since when, as it says; INSTANT_NONE: it does not */
    instant_us submitted_at;
};

enum request_status {
    REQUEST_NOTHING_DUE,
    REQUEST_PENDING,
    REQUEST_PARTLY_PAID,
    REQUEST_PAID,
    REQUEST_OVERPAID,
    REQUEST_EXPIRED,
    REQUEST_CANCELLED,
    REQUEST_REFUNDED,
    REQUEST_PARTLY_REFUNDED,
    REQUEST_STATUS_COUNT
};
extern const char *const request_status_names[REQUEST_STATUS_COUNT + 1]; /* NULL-terminated */

/* Texts live in the arena they were read into. */
struct payment_request {
    int64_t id;
    struct text reference, dossier, stage;
    struct text reason; /* why it is asked for; may be empty */
    enum request_status status;
    int64_t amount, allocated, surplus;                 /* đồng; what is missing is amount - allocated */
    struct text collector;                              /* tax code */
    struct text bank_bin, account_number, account_name; /* at NULL when nothing is due */
    struct text vietqr_payload;                         /* at NULL when there is none */
    struct text quote;                                  /* JSON, as it was shown */
    struct text payer;                                  /* JSON or at NULL */
    instant_us created_at, expires_at, settled_at;
    date_days paid_on;
};

/* ERR_DOSSIER_UNKNOWN, ERR_NOT_FOUND. */
MUST_CHECK enum err dossier_find(struct db *db, struct arena *arena, struct text code, struct dossier *ret_dossier);
/* The same, and it stays as it is until the caller's transaction ends. */
MUST_CHECK enum err dossier_hold(struct db *db, struct arena *arena, struct text code, struct dossier *ret_dossier);
MUST_CHECK enum err payment_request_find(struct db *db, struct arena *arena, int64_t id,
                                         struct payment_request *ret_request);
MUST_CHECK enum err payment_request_by_token(struct db *db, struct arena *arena, struct text token,
                                             struct payment_request *ret_request);
/* All requests of a dossier, oldest first. */
MUST_CHECK enum err payment_requests_of(struct db *db, struct arena *arena, struct text dossier,
                                        struct payment_request **ret_requests, size_t *ret_count);

/* The citizen's page of a request: public_url and "/p/TOKEN"; and the token alone. */
const char *payment_request_url(struct arena *arena, const struct payment_request *request);
void payment_request_token(const struct payment_request *request, char ret_token[TOKEN_TEXT_SIZE]);

/* What the QR of a request asks for now: the whole, or what is missing after a part came. False when there is none to
 * show: paid, cancelled, or over NAPAS's limit. */
bool payment_request_vietqr(const struct payment_request *request, struct buf *ret_payload);

/* The contract's JSON object; `what` is a struct payment_request. */
void payment_request_write(struct json *json, const void *what);

/* Makes a request for a dossier from a computed quote, in the caller's transaction or alone. ERR_ACCOUNT_MISSING,
 * ERR_SPLIT_BY_AGENCY. */
struct quote;
struct payment_request_order {
    const struct dossier *dossier;
    const struct quote *quote;
    struct text stage;
    struct text payer;    /* JSON or at NULL */
    struct text evidence; /* JSON array [{category, source, document, number, issued_on}] or at NULL */
    struct text reason;   /* why it is asked for; may be empty */
    const char *actor;
    struct faults *faults; /* names what contradicts the person's year; NULL: the error alone, ERR_RELIEF_USED */
};
MUST_CHECK enum err payment_request_make(struct db *db, struct arena *arena, const struct payment_request_order *order,
                                         instant_us at, int64_t *ret_id);

/* Asks for what is missing of fees that were asked for before: an additional request with a line for each. */
struct quote_line;
struct addition_line {
    const struct quote_line *line; /* as it should have been; its net is more than what was asked */
    int64_t asked;                 /* đồng, so far */
};
struct request_addition {
    struct text dossier, agency, payer; /* payer: JSON or at NULL */
    struct text reference;              /* of the request that asked too little */
    struct text id;                     /* "d_…": what asks, in place of a quote's id */
    struct text reason;                 /* for the citizen's page */
    struct text why;                    /* ends the sentence "… = 8.000 đ, vì" */
    const char *why_en;
    const struct quote *quote;
    const struct addition_line *lines;
    size_t count;
    const char *actor;
};
MUST_CHECK enum err payment_request_ask_more(struct db *db, struct arena *arena,
                                             const struct request_addition *addition, instant_us at, int64_t *ret_id);

/* ---- baskets: 1 to 500 requests under one reference and QR (sql/0030-baskets.sql) -------------------------------- */

enum { BASKET_REQUESTS_MAX = 500 };

struct basket {
    struct arena *arena;
    int64_t id;
    struct text reference;
    struct text status; /* pending, partly_paid (money is held), paid, expired, cancelled */
    int64_t total;      /* of its requests */
    int64_t due, held;  /* đồng; what its open requests lack, and what came and is not shared out yet */
    instant_us created_at, expires_at;
    struct db_rows items; /* id, reference, dossier, amount, lacking, status, procedure */
    /* What its QR asks for, told as a request: reference, account, what is missing. Its other fields mean nothing. */
    struct payment_request as_request;
};
/* ERR_NOT_FOUND. */
MUST_CHECK enum err basket_find(struct db *db, struct arena *arena, int64_t id, instant_us at,
                                struct basket *ret_basket);
MUST_CHECK enum err basket_by_token(struct db *db, struct arena *arena, struct text token, instant_us at,
                                    struct basket *ret_basket);
/* The JSON object of the contract; `what` is a struct basket. */
void basket_write(struct json *json, const void *what);
/* The payer says which requests the money held is for. ERR_NOT_FOUND, ERR_REQUEST_UNKNOWN (not of this basket, or
 * paid), ERR_BASKET_NO_MONEY, ERR_BASKET_TOO_MUCH. */
MUST_CHECK enum err basket_choose(struct db *db, struct arena *arena, int64_t id, const int64_t *requests, size_t count,
                                  const char *actor, instant_us at);

/* What an expired request would cost if it were asked today; đồng. ERR_UNAVAILABLE without a catalogue. */
MUST_CHECK enum err payment_request_price_today(struct arena *arena, const struct payment_request *request,
                                                instant_us at, int64_t *ret_amount);

/* Opens an expired request again under the rules of the day, inside a transaction. The same sum keeps the reference;
 * another sum needs `accepted` (-1: none named) to be just that, and then a new request replaces the old one. `request`
 * is the one to pay. ERR_QUOTE_CHANGED with both sums filled in, ERR_REQUEST_…, ERR_NOT_FOUND. */
struct reopening {
    int64_t request, asked, today;
};
MUST_CHECK enum err payment_request_reopen(struct db *db, struct arena *arena, int64_t id, int64_t accepted,
                                           const char *actor, instant_us at, struct reopening *ret_reopening);
/* The change of price a request was part of, as the old one or the new; all 0 when there was none. */
struct repricing {
    int64_t before, after, old_request, new_request;
};
MUST_CHECK enum err payment_request_repricing(struct db *db, struct arena *arena, int64_t id,
                                              struct repricing *ret_repricing);

/* Marks what ran out of time, a bounded number at a time; how many. */
MUST_CHECK enum err payment_requests_expire(struct db *db, struct arena *arena, instant_us at, int64_t *ret_count);

/* A reduction that counted in a request, and what proves it. */
struct benefit {
    int64_t id, amount, additional_request; /* 0: none */
    struct text fee, rule, category, evidence_needed, state, source, document, number, checked_by, reason;
    date_days issued_on;
    instant_us checked_at;
};
MUST_CHECK enum err benefits_of(struct db *db, struct arena *arena, int64_t request, struct benefit **ret_benefits,
                                size_t *ret_count);

/* What was looked at; empty texts and DATE_NONE keep what was claimed. */
struct evidence {
    struct text source, document, number; /* source: paper, database */
    date_days issued_on;
};
/* ERR_NOT_FOUND, ERR_CONFLICT (decided before), ERR_FIELD_MISSING (nobody said what proves it). */
MUST_CHECK enum err benefit_verify(struct db *db, struct arena *arena, int64_t request, int64_t benefit,
                                   const struct evidence *evidence, const char *actor, instant_us at);
/* Prices the fee again without the category, under the catalogue and on the day of the request, and asks for what is
 * missing in an additional request; to be called in a transaction. `ret_additional`: 0 when nothing is missing.
 * ERR_NOT_FOUND, ERR_CONFLICT (decided before, or a benefit of everybody). */
MUST_CHECK enum err benefit_reject(struct db *db, struct arena *arena, int64_t request, int64_t benefit,
                                   struct text reason, const char *actor, instant_us at, int64_t *ret_additional);

/* Two people change how a dossier was filed. ERR_CONFLICT: it is so already. */
MUST_CHECK enum err channel_change_ask(struct db *db, struct arena *arena, struct text dossier,
                                       enum fee_channel channel, struct text reason, const char *actor, instant_us at,
                                       int64_t *ret_id);
/* Cancels what was asked and not paid under the old channel. ERR_NOT_FOUND, ERR_SECOND_PERSON, ERR_REQUEST_SETTLED
 * (money came: the channel stays), ERR_CONFLICT. */
MUST_CHECK enum err channel_change_approve(struct db *db, struct arena *arena, struct text dossier, int64_t change,
                                           const char *actor, instant_us at);
struct channel_change {
    int64_t id; /* 0: none waits */
    struct text before, after, reason, asked_by;
};
MUST_CHECK enum err channel_change_open(struct db *db, struct arena *arena, struct text dossier,
                                        struct channel_change *ret_change);

/* Routes. */
enum err benefits_handle(struct request *rq);           /* GET  /v1/payment-requests/{id}/benefits */
enum err benefit_verify_handle(struct request *rq);     /* POST /v1/payment-requests/{id}/benefits/{benefit}/verify */
enum err benefit_reject_handle(struct request *rq);     /* POST /v1/payment-requests/{id}/benefits/{benefit}/reject */
enum err channel_change_ask_handle(struct request *rq); /* POST /v1/dossiers/{code}/channel-changes */
enum err channel_change_approve_handle(struct request *rq); /* POST /v1/dossiers/{code}/channel-changes/{id}/approve */
enum err dossier_put_handle(struct request *rq);            /* PUT  /v1/dossiers/{code} */
enum err dossier_get_handle(struct request *rq);            /* GET  /v1/dossiers/{code} */
enum err dossier_provisional_handle(struct request *rq);    /* POST /v1/provisional-dossiers: as PUT, without a code */
enum err dossiers_provisional_handle(struct request *rq);   /* GET  /v1/provisional-dossiers: not tied yet */
enum err dossier_tie_handle(struct request *rq);            /* POST /v1/provisional-dossiers/{code}/tie {code} */
enum err payment_request_create_handle(struct request *rq); /* POST /v1/payment-requests */
enum err payment_request_get_handle(struct request *rq);    /* GET  /v1/payment-requests/{id} */
enum err payment_request_events_handle(struct request *rq); /* GET  /v1/payment-requests/{id}/events */
enum err payment_request_qr_svg_handle(
    struct request *rq); /* GET  /v1/payment-requests/{id}/qr.svg, /p/{token}/qr.svg */
enum err payment_request_qr_png_handle(
    struct request *rq); /* GET  /v1/payment-requests/{id}/qr.png, /p/{token}/qr.png */
enum err payment_request_cancel_handle(struct request *rq); /* POST /v1/payment-requests/{id}/cancel */
enum err payment_request_reopen_handle(struct request *rq); /* POST /v1/payment-requests/{id}/reopen */
enum err payment_request_status_handle(
    struct request *rq);                           /* GET  /p/{token}/status: the few words a waiting page polls */
enum err events_handle(struct request *rq);        /* GET  /v1/events?after= */
enum err basket_create_handle(struct request *rq); /* POST /v1/payment-baskets */
enum err basket_get_handle(struct request *rq);    /* GET  /v1/payment-baskets/{id} */
enum err basket_qr_svg_handle(struct request *rq); /* GET  /v1/payment-baskets/{id}/qr.svg */
enum err basket_qr_png_handle(struct request *rq); /* GET  /v1/payment-baskets/{id}/qr.png */
enum err basket_settle_handle(struct request *rq); /* POST /v1/payment-baskets/{id}/settle */
enum err basket_cancel_handle(struct request *rq); /* POST /v1/payment-baskets/{id}/cancel */

#endif
