/* The pages people see: citizens, cashiers, finance, and whoever connects a system. Server-rendered, Vietnamese first,
 * whole without scripts; a script only saves waiting and typing.
 *
 * A page shows success only from our own database, never from its address. Every page escapes what it did not write
 * itself (html.h) and is sent under a policy that lets nothing run or load but our own files. */
#ifndef LEPHI_APP_PAGES_H
#define LEPHI_APP_PAGES_H

#include "core/core.h"

/* Reads the style sheet, the scripts and the API description below `folder` (paths.pages) into memory. Called once
 * before the server starts. ERR_NOT_FOUND, ERR_IO with a fault that names the file. */
MUST_CHECK enum err pages_open(const char *folder, struct faults *faults);
void pages_close(void);

/* For everybody; no session is needed, one is greeted. */
enum err pages_front_handle(struct request *rq);         /* GET  / */
enum err pages_quote_handle(struct request *rq);         /* GET  /quote: the calculator */
enum err pages_pay_handle(struct request *rq);           /* GET  /p/{token} */
enum err pages_pay_with_handle(struct request *rq);      /* POST /p/{token}/ways/{source} */
enum err pages_basket_choose_handle(struct request *rq); /* POST /p/{token}/choose: what a basket's money is for */
enum err pages_payer_handle(struct request *rq);         /* GET  /p/{token}/payer: whose name the receipt bears */
enum err pages_payer_save_handle(struct request *rq);    /* POST /p/{token}/payer */
enum err pages_renew_handle(struct request *rq);         /* POST /p/{token}/renew, a form without fields */
enum err pages_find_receipt_handle(struct request *rq);  /* GET, POST /receipts */
enum err pages_docs_handle(struct request *rq);          /* GET  /docs */
enum err pages_openapi_handle(struct request *rq);       /* GET  /openapi.json; from memory */
enum err pages_static_handle(struct request *rq);        /* GET  /static/{path*}; from memory */

/* For staff. A stranger is shown the form to sign in, another role is told so; acts of another site are refused. */
enum err pages_login_handle(struct request *rq);           /* POST /login */
enum err pages_logout_handle(struct request *rq);          /* POST /logout */
enum err pages_counter_handle(struct request *rq);         /* GET  /counter?code= */
enum err pages_counter_request_handle(struct request *rq); /* POST /counter/requests */
enum err pages_finance_handle(struct request *rq);         /* GET  /finance?date= */
enum err pages_correction_handle(struct request *rq);      /* POST /finance/corrections */
enum err pages_catalogue_handle(struct request *rq);       /* GET  /finance/catalogue?version=&from=&to=&as_of= */
enum err pages_catalogue_act_handle(struct request *rq);   /* POST /finance/catalogue: propose, approve, withdraw */
enum err pages_counter_benefit_handle(struct request *rq); /* POST /counter/benefits: verify, reject */
enum err pages_counter_channel_handle(struct request *rq); /* POST /counter/channel: ask, approve */
enum err pages_counter_take_handle(struct request *rq);    /* POST /counter/take: card, cash, printed code */
enum err pages_counter_shift_handle(struct request *rq);   /* POST /counter/shift: open, count, close … */
enum err pages_shift_report_handle(struct request *rq);    /* GET  /counter/shift/{id} */

/* The server's before_reply hook: Content-Security-Policy and its companions for HTML. */
void pages_before_reply(struct request *rq, int status, const char *content_type);

#endif
