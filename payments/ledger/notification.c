/* Call-backs: POST (or GET) /v1/notifications/{source}.
 *
 * Verified on the loop (a digest over a few hundred bytes), confirmed by the batcher, answered in the source's own
 * words after the commit. What cannot be verified is refused and nothing is written. */
#include "payments/ledger/ledger.h"

static struct confirmer *confirmer;

void ledger_confirmer_set(struct confirmer *wanted)
{
    confirmer = wanted;
}

struct notification {
    struct request *rq;
    const struct source *source;
    const struct source_account *account;
    struct notice notice;
    struct confirm_ticket ticket;
};

static struct text header_of(void *from, const char *name)
{
    return request_header(from, name);
}

static struct source_answer answer_of(const struct confirmation *c)
{
    if (c->err)
        return (struct source_answer){.outcome = SOURCE_TRY_AGAIN};
    switch (c->outcome) {
    case CONFIRM_BOOKED:
    case CONFIRM_UNALLOCATED: return (struct source_answer){.outcome = SOURCE_ACCEPTED};
    case CONFIRM_REPLAYED: return (struct source_answer){.outcome = SOURCE_REPLAYED};
    case CONFIRM_CONFLICT: return (struct source_answer){.outcome = SOURCE_CONFLICT};
    case CONFIRM_REFUSED: return (struct source_answer){.outcome = SOURCE_REFUSED};
    }
    return (struct source_answer){.outcome = SOURCE_TRY_AGAIN};
}

static void reply_as(const struct notification *n, struct source_answer answer)
{
    struct buf body = {0};
    answer.account = n->account;
    answer.notice = &n->notice;
    answer.at = n->rq->at;
    int status = n->source->reply(&answer, &body);
    reply_body(n->rq, status, body.length ? n->source->reply_type : NULL, buf_view(&body));
    buf_done(&body);
}

static void confirmed(struct confirm_ticket *ticket)
{
    struct notification *n = ticket->with;
    struct request *rq = n->rq;
    reply_as(n, answer_of(&ticket->confirmation));
    request_finish(rq);
}

enum err ledger_notification_handle(struct request *rq)
{
    struct text name = request_capture(rq, "source");
    const struct source *source = source_by_name(name);
    const struct source_account *account = source ? source_account_find(source, request_query(rq, "account")) : NULL;
    if (!account)
        return reply_error(rq, ERR_SOURCE_OFF);

    struct notification *n = ARENA_NEW(&rq->arena, struct notification);
    *n = (struct notification){.rq = rq, .source = source, .account = account};
    const struct call_back call = {.method = text_of(rq->method),
                                   .path = rq->path,
                                   .query = request_query_string(rq),
                                   .body = rq->body,
                                   .header = header_of,
                                   .from = rq,
                                   .at = rq->at};
    enum err err = source->verify(account, &call, &rq->arena, &rq->faults, &n->notice);
    if (err == ERR_NOT_FOUND) { /* true, and nothing to book: a test ping, money going out */
        reply_as(n, (struct source_answer){.outcome = SOURCE_ACCEPTED});
        return OK;
    }
    if (err && source->answers_refusals) {
        bool genuine = err != ERR_SIGNATURE && err != ERR_STALE && err != ERR_JSON_SYNTAX;
        n->notice = (struct notice){0};
        reply_as(n, (struct source_answer){.outcome = genuine ? SOURCE_BAD : SOURCE_FORGED});
        return OK;
    }
    if (err)
        return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);

    n->ticket = (struct confirm_ticket){.notice = &n->notice,
                                        .raw = rq->body.length ? rq->body : request_query_string(rq),
                                        .proof = source->proof,
                                        .account = request_query(rq, "account"),
                                        .done = confirmed,
                                        .with = n};
    request_defer(rq);
    if (confirmer_submit(confirmer, &n->ticket)) {
        reply_as(n, (struct source_answer){.outcome = SOURCE_TRY_AGAIN});
        request_finish(rq);
    }
    return OK;
}
