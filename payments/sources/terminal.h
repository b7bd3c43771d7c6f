/* Card terminals: one driver per protocol, each only writing what is asked and reading what is answered.
 *
 * A driver books nothing, keeps nothing and does no I/O. The reference driver is nexo (nexo.c); a bank's own ECR
 * protocol is another file with the same two functions. */
#ifndef LEPHI_PAYMENTS_TERMINAL_H
#define LEPHI_PAYMENTS_TERMINAL_H

#include "core/core.h"

enum terminal_act {
    TERMINAL_PAY,
    TERMINAL_ABORT,     /* no promise: the payment's own answer decides */
    TERMINAL_STATUS,    /* what became of an earlier payment or reversal */
    TERMINAL_REVERSE,   /* the whole amount back to the card, before the acquirer settles */
    TERMINAL_RECONCILE, /* totals since the last time; begins a new period */
    TERMINAL_TOTALS,    /* the totals of the last reconciliation again */
    TERMINAL_ACT_COUNT
};

/* What is asked. Texts live as long as the call. */
struct terminal_order {
    struct text sale, terminal;              /* who asks, which terminal (SaleID, POIID) */
    struct text service;                     /* number of this message, never used twice: 1 to 10 characters */
    struct text about;                       /* number of the message this one is about; STATUS and ABORT */
    enum terminal_act about_act;             /* TERMINAL_PAY or TERMINAL_REVERSE */
    struct text order;                       /* ours, for people and slips */
    int64_t amount;                          /* đồng; PAY and REVERSE */
    struct text transaction, transaction_at; /* the terminal's own name of the payment; REVERSE */
    instant_us at;
};

enum terminal_state {
    TERMINAL_DONE,     /* money moved, or totals told */
    TERMINAL_DECLINED, /* no money moved */
    TERMINAL_ABORTED,  /* given up at the terminal; no money moved */
    TERMINAL_PENDING,  /* under way: ask again */
    TERMINAL_ABSENT,   /* the terminal never got the message that was asked about */
    TERMINAL_UNTOLD,   /* it cannot say now */
};
struct terminal_totals {
    int64_t count, amount, reversed_count, reversed_amount; /* đồng */
};
struct terminal_told {
    enum terminal_state state;
    struct text code;                        /* the terminal's own word for it, for people */
    int64_t amount;                          /* đồng that really moved; PAY */
    struct text transaction, transaction_at; /* the terminal's own name of it */
    struct text card, approval;              /* masked number, approval code; may be empty */
    struct text reference;                   /* RECONCILE: its number at the terminal */
    struct terminal_totals totals;
};

struct terminal_driver {
    const char *name; /* also the source of its payments */
    const char *content_type;
    void (*write)(enum terminal_act act, const struct terminal_order *order, struct buf *out);
    /* OK: an answer to this very message. ERR_JSON_SYNTAX and its kin, ERR_INVALID: not to be understood, or the answer
     * to another message; nothing is known then. */
    enum err (*read)(enum terminal_act act, const struct terminal_order *order, struct text body, struct arena *arena,
                     struct faults *faults, struct terminal_told *ret_told);
};

/* NULL when there is none of that name. */
const struct terminal_driver *terminal_driver_find(struct text name);

#endif
