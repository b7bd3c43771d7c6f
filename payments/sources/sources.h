/* Sources: who tells us of money. One file per bank service, wallet, terminal or portal behind one small interface.
 *
 * A source only verifies and translates: it turns a call-back into a notice or refuses it, and writes the reply in its
 * own words. It books nothing and knows no request; the ledger does that, the same way for all of them. */
#ifndef LEPHI_PAYMENTS_SOURCES_H
#define LEPHI_PAYMENTS_SOURCES_H

#include "core/core.h"

enum method { METHOD_VIETQR, METHOD_POS, METHOD_WALLET, METHOD_POST, METHOD_PORTAL, METHOD_CASH, METHOD_COUNT };
const char *method_name(enum method method); /* "vietqr" … */

/* What became of the money a call-back speaks of. Only what is paid is booked. */
enum notice_status {
    NOTICE_PAID,
    NOTICE_OUT,     /* money that left our account */
    NOTICE_PENDING, /* the source will call again, or must be asked */
    NOTICE_FAILED,
    NOTICE_TEST, /* the source tries whether we listen */
    NOTICE_STATUS_COUNT
};
const char *notice_status_name(enum notice_status status); /* "paid" … */

/* Money that reached us, as a source tells it. Texts live in the arena of the call. */
struct notice {
    struct text source;      /* "sandbox-bank" */
    struct text external_id; /* the source's own, unique for ever */
    int64_t amount;          /* đồng, positive */
    struct text account;     /* our account that received it */
    struct text memo;
    struct text bank_reference; /* the bank's own id, as on its statement; empty when the source gives none */
    instant_us paid_at;         /* the bank's time of the transfer */
    struct text payer_name, payer_account;
    enum method method;
    enum notice_status status;
    uint8_t content_hash[SHA256_SIZE]; /* over what must not change between repeats: notice_seal */
};

/* Fills content_hash from amount, account, method and external id. */
void notice_seal(struct notice *notice);

/* The last act of every verify: seals the notice. OK when it is paid, else ERR_NOT_FOUND. */
MUST_CHECK enum err notice_finish(struct notice *notice);

/* A call-back as it came. */
struct call_back {
    struct text method, path, query, body;
    struct text (*header)(void *from, const char *name); /* at NULL when absent */
    void *from;
    instant_us at;
};

/* One configured account of a source: its secrets are looked up by key and never copied. */
struct source_account {
    const char *source, *name; /* name "" is the default account */
};
/* A value of its configuration section; NULL when not set. */
const char *source_setting(const struct source_account *account, const char *key);

enum source_outcome {
    SOURCE_ACCEPTED,  /* booked, or nothing to book */
    SOURCE_REPLAYED,  /* known already */
    SOURCE_CONFLICT,  /* known with other content */
    SOURCE_REFUSED,   /* not ours */
    SOURCE_TRY_AGAIN, /* nothing was written */
};
struct source_answer {
    enum source_outcome outcome;
};

struct source {
    const char *name;
    /* Verifies and translates. OK: genuine, and paid. ERR_NOT_FOUND: genuine, but no money for us in it; ret_notice
     * then says what it is by its status and whatever else was told. ERR_SIGNATURE, ERR_STALE, ERR_JSON_SYNTAX;
     * ERR_INVALID with faults: genuine, but not to be understood. Fields that nobody asked for are the source's own
     * business. Pure: no I/O, no clock. */
    enum err (*verify)(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice);
    /* The HTTP status and body the source expects. */
    int (*reply)(const struct source_answer *answer, struct buf *out);
    const char *reply_type;
};

const struct source *source_by_name(struct text name); /* NULL */
size_t source_count(void);
const struct source *source_at(size_t index);

/* The account of that name (TEXT_NONE: the default one); NULL while its secret is not set. Safe from any thread, and
 * valid as long as the program runs. */
const struct source_account *source_account_find(const struct source *source, struct text name);

/* `lephi notification check SOURCE …`: says what a stored call-back says. Configuration must be loaded. */
int notification_command(int argc, char **argv);

#endif
