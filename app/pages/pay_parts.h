/* The parts of the citizen's page, each a block of its own. Private to the pages. */
#ifndef LEPHI_APP_PAGES_PAY_PARTS_H
#define LEPHI_APP_PAGES_PAY_PARTS_H

#include "app/pages/layout.h"
#include "app/pages/quote_view.h"
#include "payments/requests/requests.h"
#include "receipts/receipts.h"

struct pay_receipt {
    struct text symbol, code; /* code: of the receipt's link */
    int64_t number;
    instant_us signed_at;
};

struct pay_view {
    struct page page;
    struct payment_request request;
    char token[TOKEN_TEXT_SIZE];
    struct agency collector; /* code at NULL when unknown */
    bool exempt;             /* nothing due because of a reduction */
    int64_t price_today;     /* of an expired request, else 0 */
    struct repricing repricing;
    bool more_to_pay; /* an adjustment asks for more, in a request of its own */
    struct db_rows payments, refunds, answers, adjustments, moves, parcels, parcel_steps;
    int receipt_count; /* signed and not replaced */
    struct pay_receipt *receipts;
};

/* Reads everything one page needs. ERR_NOT_FOUND for a token nobody was given. */
MUST_CHECK enum err pay_view_read(struct request *rq, struct pay_view *ret_view);
/* The same for a request already at hand: the cashier's view. */
MUST_CHECK enum err pay_view_of(struct request *rq, const struct payment_request *request, struct pay_view *ret_view);

void pay_put_receipt_link(struct pay_view *view);
void pay_put_prices(struct pay_view *view);   /* an expired code's way on, and both prices where they differ */
void pay_put_transfer(struct pay_view *view); /* QR, account, amount, memo; nothing when no money is awaited */
void pay_put_ways(struct pay_view *view);     /* wallets and the portal, and the attempt that is open */
void pay_put_qr(struct pay_view *view);
void pay_put_fees(struct pay_view *view);
void pay_put_timeline(struct pay_view *view);
/* Where the dossier's letters are; nothing when none was booked. */
MUST_CHECK enum err pay_post_read(struct request *rq, int64_t request, struct pay_view *view);
void pay_put_post(struct pay_view *view);
void pay_put_next(struct pay_view *view);

/* The page of a basket, whose token is of the same kind. ERR_NOT_FOUND. */
enum err basket_page(struct request *rq);

const char *request_status_words(const struct page *page, enum request_status status);

#endif
