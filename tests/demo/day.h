/* The day, hour by hour. Each part continues from what the one before left in `day`. */
#ifndef LEPHI_DEMO_DAY_H
#define LEPHI_DEMO_DAY_H

#include "tests/demo/cases.h"
#include "tests/demo/world.h"

enum { DOSSIERS_MAX = 400, ACCOUNTS_MAX = 32 };

/* How a citizen's transfer goes. */
enum fate {
    FATE_PLAIN,
    FATE_LOST,     /* the bank's call-back never comes; the statement heals it */
    FATE_REPEATED, /* the call-back comes three times */
    FATE_LOWER,    /* the memo arrives in small letters, split by spaces */
    FATE_BANK,     /* the memo arrives inside the sender bank's own text */
    FATE_MANGLED,  /* one symbol of the reference is wrong */
    FATE_SHORT,    /* 5.000 đ too little */
    FATE_DOUBLE,   /* paid twice */
    FATE_NAMELESS, /* no reference at all */
};

struct errand {
    const struct demo_case *kind;
    char code[40]; /* dossier */
    int64_t request, total;
    char reference[20], payload[200], pay_url[200], svg_url[240], png_url[240], account[24];
    enum fate fate;
    int64_t paid;    /* đồng that reached the bank for it */
    char status[20]; /* expected at the end of the day */
    bool by_post;
};

struct day {
    struct errand errands[DOSSIERS_MAX];
    int count;
    char date[DATE_TEXT_SIZE];
    char accounts[ACCOUNTS_MAX][24];
    int account_count;
    int64_t banked; /* đồng that reached our accounts today */
    int64_t adrift; /* of it: parts of requests not settled, and money without a name */
};

void day_file_dossiers(struct world *world, struct day *day); /* registered, quoted, requested, QR read back */
void day_pay(struct world *world, struct day *day);           /* the sandbox bank pays and calls back */
void day_confirm(struct world *world, struct day *day);       /* statuses, events, ledger */
void day_receipts(struct world *world, struct day *day);      /* issued, verified by two judges */
void day_post(struct world *world, struct day *day);          /* results handed to the post office */
void day_reconcile(struct world *world, struct day *day);     /* statements, matching, exceptions */
void day_balance(struct world *world, struct day *day);       /* the book of the day, added up again from outside */

void day_tax(struct world *world, struct day *day); /* the day's summary at the tax authority */

void day_counter(struct world *world,
                 struct day *day); /* a shift with a card terminal, after the day's sums are drawn */

void day_told(struct world *world, struct day *day); /* what systems and people were told of the day */

/* Expected total per agency and over all, from the errands alone. */
int64_t day_settled(const struct day *day, const char *agency);

#endif
