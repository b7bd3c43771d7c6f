/* What the MT940 reader knows between two lines. Private to it: mt940.c reads fields, mt940_message.c tells what they
 * make: messages, pages, statements, entries. */
#ifndef LEPHI_RECONCILIATION_MT940_STATE_H
#define LEPHI_RECONCILIATION_MT940_STATE_H

#include "reconciliation/mt940.h"

enum { MT940_EXTRA_MAX = 1024 }; /* bytes of supplementary details of one entry */

enum context { OUTSIDE, IN_MESSAGE, IN_ENTRY, IN_MEMO, IN_STATEMENT_MEMO };

/* One message, ":20:" to "-": a whole statement, or one page of it. */
struct message {
    struct short_text account, number;
    bool there, has_account, has_number, has_opening, begun, has_closing, closing_is_page;
};

struct mt940 {
    struct statement_gate *gate;
    struct mt940_lines lines;
    int line;
    /* messages */
    enum context context;
    struct message message;
    struct short_text last_account, currency;
    bool currency_known, currency_guessed;
    bool held; /* a page ended with :62M:; the statement waits for the next one */
    int page;
    int64_t ordinal;
    int64_t total_in, total_out; /* :90C: and :90D: of this message, -1 unknown */
    int64_t message_in, message_out;
    /* the entry that waits for its :86: */
    bool pending;
    int entry_line;
    char entry_text[MT940_LINE_MAX];
    struct mt940_entry entry;
    struct buf extra, clean, memo_clean;
    struct mt940_memo memo;
};

struct text mt940_currency(const struct mt940 *m);
/* A line names a currency: the first counts, another one breaks the statement. */
void mt940_currency_says(struct mt940 *m, struct text currency);
/* The first entry of a message that names no currency waits: it may stand in the closing balance. */
bool mt940_line_waits(void *with, struct text line);

void mt940_message_need(struct mt940 *m);
void mt940_message_end(struct mt940 *m);
void mt940_statement_need(struct mt940 *m);
void mt940_statement_begin(struct mt940 *m, bool has_opening, int64_t opening);
void mt940_statement_close(struct mt940 *m);
/* The same statement cut into pages: same account, same number, same currency, opening marked intermediate. */
bool mt940_continues(const struct mt940 *m);

void mt940_entry_begin(struct mt940 *m, struct text rest);
void mt940_entry_flush(struct mt940 *m);

#endif
