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

static void reply_as(struct request *rq, const struct source *source, struct source_answer answer)
{
    struct buf body = {0};
    int status = source->reply(&answer, &body);
    reply_body(rq, status, source->reply_type, buf_view(&body));
    buf_done(&body);
}

static void confirmed(struct confirm_ticket *ticket)
{
    struct notification *n = ticket->with;
    struct request *rq = n->rq;
    reply_as(rq, n->source, answer_of(&ticket->confirmation));
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
    *n = (struct notification){.rq = rq, .source = source};
    const struct call_back call = {.method = text_of(rq->method),
                                   .path = rq->path,
                                   .query = request_query_string(rq),
                                   .body = rq->body,
                                   .header = header_of,
                                   .from = rq,
                                   .at = rq->at};
    enum err err = source->verify(account, &call, &rq->arena, &rq->faults, &n->notice);
    if (err == ERR_NOT_FOUND) { /* true, and nothing to book: a test ping, money going out */
        reply_as(rq, source, (struct source_answer){.outcome = SOURCE_ACCEPTED});
        return OK;
    }
    if (err)
        return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);

    n->ticket = (struct confirm_ticket){.notice = &n->notice, .raw = rq->body, .done = confirmed, .with = n};
    request_defer(rq);
    if (confirmer_submit(confirmer, &n->ticket)) {
        reply_as(rq, source, (struct source_answer){.outcome = SOURCE_TRY_AGAIN});
        request_finish(rq);
    }
    return OK;
}
