/* Sources: who tells us of money. One file per bank service, wallet, terminal or portal behind one small interface.
 *
 * A source only verifies and translates: it turns a call-back into a notice or refuses it, and writes the reply in its
 * own words. It books nothing and knows no request; the ledger does that, the same way for all of them. */
#ifndef LEPHI_PAYMENTS_SOURCES_H
#define LEPHI_PAYMENTS_SOURCES_H

#include "core/core.h"
#include "core/http/client.h"
#include "payments/sources/terminal.h"

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
    struct text proof_echo; /* what the reply must repeat of the call; usually empty */
    struct text order;      /* our order id at the source; empty for bank transfers */
    struct text dossier;    /* code the source names, when money came without an order of ours; else empty */
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

/* The receiving account its money is booked on, as notices name it. */
struct text source_account_number(const struct source_account *account, struct arena *arena);

enum source_outcome {
    SOURCE_ACCEPTED,  /* booked, or nothing to book */
    SOURCE_REPLAYED,  /* known already */
    SOURCE_CONFLICT,  /* known with other content */
    SOURCE_REFUSED,   /* not ours */
    SOURCE_TRY_AGAIN, /* nothing was written */
    SOURCE_FORGED,    /* its proof is wrong or stale */
    SOURCE_BAD,       /* genuine, and not to be understood */
    SOURCE_OUTCOME_COUNT
};
struct source_answer {
    enum source_outcome outcome;
    const struct source_account *account; /* NULL when the source's words need none */
    const struct notice *notice;          /* what was said; NULL when nothing could be read */
    instant_us at;
};

/* An order to pay through a source: ours from its making to its end. Texts live as long as the call. */
struct source_order {
    struct text id; /* ours at the source, unique for ever; holds the payment reference */
    struct text dossier;
    int64_t amount;            /* đồng */
    struct text words;         /* ASCII, what the payer reads */
    struct text return_url;    /* where the payer comes back to */
    struct text notify_url;    /* our call-back address */
    struct text payer_address; /* IP */
    instant_us made_at, expires_at;
    instant_us at;           /* of this call */
    struct text call_id;     /* of this call, unique for ever */
    struct text transaction; /* the source's own number, for refunds; may be empty */
    int64_t refund;          /* đồng to give back; refunds only */
    struct text refund_words, actor;
};

/* What to send. `url` at NULL: nothing, `told` of the asking says all there is. */
enum { SOURCE_HEADERS_MAX = 4 };
struct source_call {
    const char *method, *url;
    struct http_pair headers[SOURCE_HEADERS_MAX];
    size_t header_count;
    struct text body;
};

/* What a source says of an order, or did with one. */
enum source_state {
    TOLD_PENDING, /* not decided: ask again */
    TOLD_DONE,    /* made (create), paid (query; the notice is sealed), given back (refund) */
    TOLD_FAILED,  /* never will be */
    TOLD_ABSENT,  /* the source has no such order */
};
struct source_told {
    enum source_state state;
    struct text redirect_url, qr, deeplink; /* of create; at NULL when there is none */
    struct text code;                       /* the source's own result code, for people */
    struct notice notice;                   /* of query, when TOLD_DONE */
};

/* One thing that can be asked: what to send, and what the answer means. Pure: no I/O, no clock. Either may be NULL.
 * ERR_CONFIG: a setting is missing; ERR_FIELD_RANGE: the amount is outside the source's limits. `read` gives
 * ERR_SIGNATURE for an answer that is not the source's own, ERR_INVALID or ERR_JSON_SYNTAX for one that cannot be
 * understood: what is unknown stays unknown. */
struct source_act {
    enum err (*ask)(const struct source_account *account, const struct source_order *order, struct arena *arena,
                    struct source_call *ret_call, struct source_told *ret_told);
    enum err (*read)(const struct source_account *account, const struct source_order *order, struct text body,
                     struct arena *arena, struct faults *faults, struct source_told *ret_told);
};

/* How much a call-back alone proves. */
enum source_proof {
    PROOF_SIGNATURE, /* confirms */
    PROOF_CLAIM,     /* plain hash, 3DES, or fields outside the sum: stored as claimed, only the answer to a question
                        confirms */
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
    bool answers_refusals; /* reply also says FORGED and BAD in the source's words; else an HTTP problem does */
    enum source_proof proof;
    const char *title;              /* "Thanh toán bằng …"; NULL: nobody chooses it */
    enum method method;             /* of the money it tells of */
    int64_t amount_min, amount_max; /* đồng; 0: no limit known */
    bool dated_orders;              /* order ids begin with yyMMdd_ (Vietnamese day) */
    int life_s;                     /* how long an order can be paid */
    struct source_act create, query, refund;
};

/* The answers of the source's platform to a bill or receipt of a paid order (national portal only): what to send. */
MUST_CHECK enum err dvcqg_bill_ask(const struct source_account *account, const struct source_order *order,
                                   struct arena *arena, struct source_call *ret_call);

const struct source *source_by_name(struct text name); /* NULL */
size_t source_count(void);
const struct source *source_at(size_t index);

/* The account of that name (TEXT_NONE: the default one); NULL while its secret is not set. Safe from any thread, and
 * valid as long as the program runs. */
const struct source_account *source_account_find(const struct source *source, struct text name);

/* `lephi notification check SOURCE …`: says what a stored call-back says. Configuration must be loaded. */
int notification_command(int argc, char **argv);

#endif
