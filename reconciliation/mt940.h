/* Pieces of MT940 and MT942 (SWIFT User Handbook, Category 9): one function per field, pure. Private. */
#ifndef LEPHI_RECONCILIATION_MT940_H
#define LEPHI_RECONCILIATION_MT940_H

#include "reconciliation/statement.h"

/* :61: 6!n[4!n]2a[1!a]15d1!a3!c16x[//16x] as banks really write it. */
struct mt940_entry {
    date_days value_on, entry_on; /* DATE_NONE: not given or impossible */
    enum date_quality value_quality, entry_quality;
    bool has_entry_date, reversal, money_in;
    char funds; /* the letter after the mark, 0 when there is none */
    struct text amount;
    struct text type, customer_reference, bank_reference;
};
/* False when there is no date, mark or amount where they belong. Texts point into `text`. */
bool mt940_entry_parse(struct text text, struct mt940_entry *ret_entry);

/* :60a: :62a: :64: :65: 1!a6!n3!a15d */
struct mt940_balance {
    bool debit;
    date_days on;
    struct text currency, amount;
};
bool mt940_balance_parse(struct text text, struct mt940_balance *ret_balance);

/* :86: lines are glued while they arrive; what the glue is depends on the first of them. */
struct mt940_memo {
    struct buf text; /* raw bytes, lines joined */
    bool structured, cut;
    size_t last_length; /* of the line glued last */
};
void mt940_memo_clear(struct mt940_memo *memo);
void mt940_memo_field(struct mt940_memo *memo, struct text first_line);
void mt940_memo_more(struct mt940_memo *memo, struct text line);

/* What the memo says, clean UTF-8 in `out`: texts point into it. */
struct mt940_memo_parts {
    struct text memo, counterparty, counterparty_account;
};
void mt940_memo_read(const struct mt940_memo *memo, struct buf *out, struct mt940_memo_parts *ret_parts);

/* Bytes cut anywhere → lines. A line whose meaning depends on what comes behind it waits until enough is at hand, so
 * that the cut never changes the story. */
enum { MT940_LINE_MAX = 4096 }; /* a line that is longer is cut: SWIFT allows 65 characters, exports a few hundred */
struct mt940_lines {
    void *with;
    bool (*waits)(void *with, struct text line);
    void (*arrived)(void *with, struct text line); /* one byte longer than MT940_LINE_MAX: it was longer still */
    struct buf carry;                              /* the beginning of a line whose end has not come */
    struct buf waiting;                            /* a line that waits, and all behind it */
    size_t wait_until;
    bool skip_newline, over;
    struct text ahead; /* what is at hand behind the current line */
};
void mt940_lines_feed(struct mt940_lines *lines, struct text bytes);
void mt940_lines_end(struct mt940_lines *lines);
void mt940_lines_done(struct mt940_lines *lines);

/* The currency that a closing balance of this message names further on. */
enum mt940_ahead { MT940_AHEAD_NONE, MT940_AHEAD_FOUND, MT940_AHEAD_WAIT };
enum mt940_ahead mt940_currency_ahead(const struct mt940_lines *lines, struct text *ret_currency);

/* Tags of MT940 and MT942. */
bool mt940_tag_known(struct text tag);
/* A line that begins a field: ":61:…". `ret_tag` "61", "60F", "NS"; `ret_rest` what follows. */
bool mt940_tag(struct text line, struct text *ret_tag, struct text *ret_rest);

#endif
