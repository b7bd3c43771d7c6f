/* Notices: what people are told of their payment, by letter, short message and Zalo, and what they ask by them.
 *
 * The feed is followed (nothing is written in a payment's transaction): a request made, its reminder, the receipt, a
 * shortage, a refund paid, a parcel delivered or tried. Each is told once per occasion and channel, to whom agreed to
 * that channel, in their language, short messages and Zalo not in quiet hours. The log is GET /v1/notices. */
#ifndef LEPHI_PAYMENTS_NOTICES_H
#define LEPHI_PAYMENTS_NOTICES_H

#include "core/core.h"

/* Minutes of the local day; from == to: no quiet hours. */
struct quiet_hours {
    int from, to;
};
/* "21:00-07:00"; empty: none. False when it is neither. Pure. */
bool quiet_hours_read(struct text text, struct quiet_hours *ret_quiet);
/* `at`, or the end of the quiet hours it falls into. Pure. */
instant_us quiet_hours_after(const struct quiet_hours *quiet, instant_us at);

/* Texts outlive the program's work. */
struct notices_config {
    const char *database_url;
    const char *channels; /* of people who have not chosen: words of "email sms zalo" */
    int remind_h;         /* before the end of a request; 0: no reminders */
    struct quiet_hours quiet;
    const char *zalo_templates; /* "request_made=123 paid=124" */
    const char *public_url;
    const char *hotline;                                /* printed on notices; "": the agency's own number */
    const char *sms_secret, *zalo_app_id, *zalo_secret; /* of incoming messages; "": none are taken */
    int answers_per_hour;                               /* of one sender */
    bool sms_answers_sent;                              /* the gateway does not send our HTTP answer on: we send it */
    /* The link of a receipt that a room above has issued: "collector/form/symbol/number". */
    const char *(*receipt_link)(struct arena *arena, struct text key);
};

struct notices;

/* For handlers; NULL ends it. */
void notices_use(const struct notices_config *config);
/* A thread per channel that is open (core/post): ERR_UNAVAILABLE without threads. */
MUST_CHECK enum err notices_start(const struct notices_config *config, struct notices **ret_notices);
void notices_stop(struct notices *notices); /* NULL is fine */

/* One round of each, for tests: gives what happened its notices; sends what is due by a channel. How many. */
MUST_CHECK enum err notices_plan(struct db *db, struct arena *arena, const struct notices_config *config, instant_us at,
                                 int64_t *ret_count);
MUST_CHECK enum err notices_send(struct db *db, struct arena *arena, const struct notices_config *config,
                                 enum post_channel channel, instant_us at, int64_t *ret_count);

/* A message from outside: who wrote, what, and how its gateway calls it. */
struct incoming {
    struct text from, text, id;
};
/* Reads {from, text, id?} (short messages; other names that gateways use are known too) or a Zalo event user_send_text.
 * Other fields are let be: they are the gateway's. ERR_JSON_…, ERR_INVALID, ERR_NOT_FOUND (an event that is no text).
 * Pure. */
MUST_CHECK enum err incoming_read(enum post_channel channel, struct text body, struct incoming *ret_message,
                                  struct faults *faults);
/* The answer in plain Vietnamese, without a name, an account or a link: by the code alone anybody may ask. */
MUST_CHECK enum err incoming_answer(struct db *db, struct arena *arena, struct text text, instant_us at,
                                    const char **ret_answer);

/* Answers that are sent, not given in the HTTP reply. */
void notices_answer_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
#define NOTICES_JOB_KINDS                                                                                              \
    {                                                                                                                  \
        .name = "message.answer", .run = notices_answer_run, .batch_max = 4, .tries_max = 6, .lease_s = 120            \
    }

/* Routes. */
enum err notices_list_handle(struct request *rq);     /* GET  /v1/notices */
enum err notice_resend_handle(struct request *rq);    /* POST /v1/notices/{id}/resend */
enum err contact_get_handle(struct request *rq);      /* GET  /v1/dossiers/{code}/contact */
enum err contact_put_handle(struct request *rq);      /* PUT  /v1/dossiers/{code}/contact */
enum err message_incoming_handle(struct request *rq); /* POST /v1/messages/incoming/{channel} */
enum err notice_pdf_handle(struct request *rq);       /* GET  /v1/payment-requests/{id}/notice.pdf, /p/{token}/… */

#endif
