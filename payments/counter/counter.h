/* The counter: what a cashier takes money with, and the shift it belongs to.
 *
 * Card terminals, cash, and printed codes whose money a cashier gives to a dossier. Each payment goes the one way of
 * confirmation (ledger) and names its shift. Attempts exclude each other per request; a QR stays payable all the while.
 */
#ifndef LEPHI_PAYMENTS_COUNTER_H
#define LEPHI_PAYMENTS_COUNTER_H

#include "core/core.h"
#include "payments/ledger/ledger.h"

/* Set once before the first act; zero or NULL means the default in brackets. Strings must outlive the program's work.
 */
struct counter_config {
    struct http_client *client; /* NULL: terminals wait */
    const char *sale_id;        /* ["LEPHI"] */
    const char *ca_file;
    int answer_timeout_s;     /* [120] a terminal may take so long with a card */
    int ask_after_s;          /* [20] then it is asked what became of it */
    bool cash;                /* the province's policy */
    void (*wake)(void *with); /* after a commit that wrote jobs of this room; may be NULL */
    void *with;
};
void counter_use(const struct counter_config *config); /* NULL: forgets it */
bool counter_takes_cash(void);

/* Card payments --------------------------------------------------------------------------------------------------- */

struct terminal {
    struct text name, driver, agency, desk, address, clearing;
    bool active;
};
/* All of them, by name; at most TERMINALS_SHOWN. */
enum { TERMINALS_SHOWN = 500 };
MUST_CHECK enum err terminals_list(struct db *db, struct arena *arena, struct terminal **ret_list, size_t *ret_count);

struct pos_payment {
    int64_t attempt, request, number, amount, approved_amount, payment, shift; /* 0: none yet */
    struct text terminal, status, code, card, approval, transaction, order;
    struct text reversal_state, reversal_reason, reversal_by, reversal_approved, reversal_code;
    bool abort_asked;
    instant_us made_at, changed_at;
};
/* Begins a card payment of all that is missing, in the caller's transaction or alone; `shift` 0: the caller's own open
 * one. ERR_ATTEMPT_OPEN, ERR_ATTEMPT_UNKNOWN: another is under way; ERR_SHIFT_MISSING; ERR_FIELD_VALUE: no such
 * terminal; ERR_REQUEST_SETTLED and its kin: nothing to pay. */
MUST_CHECK enum err pos_begin(struct db *db, struct arena *arena, int64_t request, struct text terminal, int64_t shift,
                              const char *actor, instant_us at, int64_t *ret_number);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err pos_find(struct db *db, struct arena *arena, int64_t request, int64_t number,
                             struct pos_payment *ret_payment);
MUST_CHECK enum err pos_list(struct db *db, struct arena *arena, int64_t request, struct pos_payment **ret_list,
                             size_t *ret_count);
/* Asks the terminal to stop; the payment's own answer decides. ERR_NOT_FOUND, ERR_ATTEMPT_STATE. */
MUST_CHECK enum err pos_abort(struct db *db, struct arena *arena, int64_t request, int64_t number, const char *actor,
                              instant_us at);
/* One person asks to give the money back to the card, another approves; the terminal does it. ERR_NOT_FOUND,
 * ERR_ATTEMPT_STATE (not approved, or the terminal's day has ended), ERR_CONFLICT (a refund is under way),
 * ERR_SECOND_PERSON. */
MUST_CHECK enum err pos_reversal_ask(struct db *db, struct arena *arena, int64_t request, int64_t number,
                                     struct text reason, const char *actor, instant_us at);
MUST_CHECK enum err pos_reversal_approve(struct db *db, struct arena *arena, int64_t request, int64_t number,
                                         const char *actor, instant_us at);
/* After a commit that wrote jobs of this room. */
void counter_wake(void);
/* What a status means, for the cashier, in Vietnamese. */
const char *pos_status_words(const struct pos_payment *payment);

/* Jobs of the terminals: those that wait for a card, and those that ask. Runners of their own. */
struct job;
void terminal_pay_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void terminal_ask_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void terminal_abort_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void terminal_reverse_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at,
                          void *with);
void terminal_reconcile_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at,
                            void *with);
enum { TERMINAL_NEVER_DEAD = 1000000 };
#define TERMINAL_LINE_JOB_KINDS                                                                                        \
    {                                                                                                                  \
        .name = "terminal.pay", .run = terminal_pay_run, .batch_max = 1, .tries_max = TERMINAL_NEVER_DEAD,             \
        .lease_s = 700                                                                                                 \
    }
#define TERMINAL_ASK_JOB_KINDS                                                                                         \
    {.name = "terminal.ask",                                                                                           \
     .run = terminal_ask_run,                                                                                          \
     .batch_max = 1,                                                                                                   \
     .tries_max = TERMINAL_NEVER_DEAD,                                                                                 \
     .lease_s = 30},                                                                                                   \
        {.name = "terminal.abort", .run = terminal_abort_run, .batch_max = 1, .tries_max = 3, .lease_s = 30},          \
        {.name = "terminal.reverse",                                                                                   \
         .run = terminal_reverse_run,                                                                                  \
         .batch_max = 1,                                                                                               \
         .tries_max = TERMINAL_NEVER_DEAD,                                                                             \
         .lease_s = 60},                                                                                               \
    {                                                                                                                  \
        .name = "terminal.reconcile", .run = terminal_reconcile_run, .batch_max = 1, .tries_max = TERMINAL_NEVER_DEAD, \
        .lease_s = 60                                                                                                  \
    }

/* Cash ------------------------------------------------------------------------------------------------------------ */

struct cash_taken {
    int64_t payment, amount, tendered, change, shift; /* đồng */
};
/* Takes cash for a request, in the caller's transaction. `amount` 0: all that is missing. ERR_CASH_OFF,
 * ERR_SHIFT_MISSING, ERR_ATTEMPT_OPEN, ERR_ATTEMPT_UNKNOWN, ERR_FIELD_RANGE (more than is missing, or less tendered
 * than that), ERR_REQUEST_SETTLED and its kin. */
MUST_CHECK enum err cash_take(struct db *db, struct arena *arena, int64_t request, int64_t amount, int64_t tendered,
                              int64_t shift, const char *actor, instant_us at, struct cash_taken *ret_taken);

/* Printed codes --------------------------------------------------------------------------------------------------- */

struct static_code {
    struct text code, agency, place, account_number, payload;
    bool active;
};
MUST_CHECK enum err static_codes_list(struct db *db, struct arena *arena, struct static_code **ret_list,
                                      size_t *ret_count);
/* Gives money that came by a printed code to a request, in the caller's transaction. ERR_SHIFT_MISSING,
 * ERR_TRANSFER_NOT_SEEN, ERR_TRANSFER_CLAIMED, ERR_TRANSFER_OTHER, ERR_FIELD_VALUE (no such code), ERR_REQUEST_SETTLED
 * and its kin, ERR_CONFLICT (some of the request's money is being given back). */
MUST_CHECK enum err static_claim(struct db *db, struct arena *arena, int64_t request, struct text code,
                                 struct text bank_reference, int64_t shift, const char *actor, instant_us at,
                                 int64_t *ret_payment);

/* Shifts ---------------------------------------------------------------------------------------------------------- */

struct shift {
    int64_t id, opening_float, handed_by, counted, expected; /* đồng; counted and expected only after the count */
    struct text agency, desk, cashier, state, released_by, release_reason;
    instant_us opened_at, counted_at, closed_at;
};
MUST_CHECK enum err shift_find(struct db *db, struct arena *arena, int64_t id, struct shift *ret_shift);
/* The one a person has not closed. ERR_NOT_FOUND. */
MUST_CHECK enum err shift_of(struct db *db, struct arena *arena, const char *actor, struct shift *ret_shift);
MUST_CHECK enum err shift_open(struct db *db, struct arena *arena, struct text agency, struct text desk,
                               int64_t opening_float, const char *actor, instant_us at, int64_t *ret_id);
MUST_CHECK enum err shift_count(struct db *db, struct arena *arena, int64_t id, int64_t cash, const char *actor,
                                instant_us at);
MUST_CHECK enum err shift_close(struct db *db, struct arena *arena, int64_t id, const char *actor, instant_us at);
MUST_CHECK enum err shift_release(struct db *db, struct arena *arena, int64_t id, struct text reason, const char *actor,
                                  instant_us at);
MUST_CHECK enum err shift_hand_over(struct db *db, struct arena *arena, int64_t id, struct text login,
                                    const char *actor, instant_us at, int64_t *ret_next);
/* Shifts that are counted and wait for a supervisor. */
MUST_CHECK enum err shifts_waiting(struct db *db, struct arena *arena, struct shift **ret_list, size_t *ret_count);

/* One line a payment, and the card payments not decided yet. */
struct shift_line {
    struct text way, dossier, reference, order, card, bank_reference;
    int64_t payment, amount, tendered, change; /* đồng */
    instant_us at;
    bool reversed;
};
struct shift_report {
    struct shift shift;
    struct shift_line *lines;
    size_t line_count;
    struct text *undecided; /* dossiers */
    size_t undecided_count;
    int64_t cash_count, cash, card_count, card, card_back, static_count, transferred; /* đồng */
};
enum { SHIFT_LINES_MAX = 5000 };
MUST_CHECK enum err shift_report_read(struct db *db, struct arena *arena, int64_t id, struct shift_report *ret_report);

/* Routes ---------------------------------------------------------------------------------------------------------- */
enum err terminals_handle(struct request *rq);                /* GET  /v1/terminals */
enum err terminal_put_handle(struct request *rq);             /* PUT  /v1/terminals/{name} */
enum err terminal_reconcile_handle(struct request *rq);       /* POST /v1/terminals/{name}/reconciliations */
enum err terminal_reconciliations_handle(struct request *rq); /* GET  /v1/terminals/{name}/reconciliations */
enum err pos_begin_handle(struct request *rq);                /* POST /v1/payment-requests/{id}/pos-payments */
enum err pos_list_handle(struct request *rq);                 /* GET  /v1/payment-requests/{id}/pos-payments */
enum err pos_get_handle(struct request *rq);                  /* GET  …/pos-payments/{n} */
enum err pos_abort_handle(struct request *rq);                /* POST …/pos-payments/{n}/abort */
enum err pos_reversal_handle(struct request *rq);             /* POST …/pos-payments/{n}/reversal */
enum err pos_reversal_approve_handle(struct request *rq);     /* POST …/pos-payments/{n}/reversal/approve */
enum err counter_attempts_handle(struct request *rq);         /* GET  /v1/payment-requests/{id}/attempts */
enum err cash_take_handle(struct request *rq);                /* POST /v1/payment-requests/{id}/cash-payments */
enum err static_code_put_handle(struct request *rq);          /* PUT  /v1/static-codes/{code} */
enum err static_codes_handle(struct request *rq);             /* GET  /v1/static-codes */
enum err static_code_svg_handle(struct request *rq);          /* GET  /v1/static-codes/{code}.svg */
enum err static_claim_handle(struct request *rq);             /* POST /v1/payment-requests/{id}/static-claims */
enum err shift_open_handle(struct request *rq);               /* POST /v1/shifts */
enum err shifts_handle(struct request *rq);                   /* GET  /v1/shifts */
enum err shift_get_handle(struct request *rq);                /* GET  /v1/shifts/{id} */
enum err shift_count_handle(struct request *rq);              /* POST /v1/shifts/{id}/count */
enum err shift_close_handle(struct request *rq);              /* POST /v1/shifts/{id}/close */
enum err shift_release_handle(struct request *rq);            /* POST /v1/shifts/{id}/release */
enum err shift_hand_over_handle(struct request *rq);          /* POST /v1/shifts/{id}/hand-over */
enum err shift_report_handle(struct request *rq);             /* GET  /v1/shifts/{id}/report?format=json|csv */

#endif
