/* Parts of the cashier's page. */
#ifndef LEPHI_APP_PAGES_COUNTER_PARTS_H
#define LEPHI_APP_PAGES_COUNTER_PARTS_H

#include "app/pages/layout.h"
#include "payments/counter/counter.h"
#include "payments/fees/fees.h"
#include "payments/requests/requests.h"

/* The benefits of a request, with what the desk may do about each. Writes nothing when there are none. */
MUST_CHECK enum err counter_put_benefits(struct page *page, struct text code, int64_t request);
/* How the dossier was filed, a change that waits, and the form to ask for one. */
MUST_CHECK enum err counter_put_channel(struct page *page, const struct dossier *dossier);

/* What stands at the desk of whoever looks: the own shift (id 0: none), terminals, printed codes, shifts to release. */
struct counter_desk {
    struct shift shift;
    struct terminal *terminals;
    struct static_code *codes;
    struct shift *waiting;
    size_t terminal_count, code_count, waiting_count;
    struct db_rows agencies; /* code, name */
};
MUST_CHECK enum err counter_desk_read(struct request *rq, struct counter_desk *ret_desk);
void counter_put_shift(struct page *page, const struct counter_desk *desk);
/* What was taken for a request, what is under way, and the ways that may begin. */
MUST_CHECK enum err counter_put_ways(struct page *page, const struct payment_request *request,
                                     const struct counter_desk *desk);

/* đồng as people type them: 150000, 150.000, 150 000. */
bool counter_money_typed(struct request *rq, const char *name, int64_t *ret);

/* The page again with what went wrong on top; `code` may be empty. */
enum err counter_again(struct request *rq, struct text code, const char *problem);

#endif
