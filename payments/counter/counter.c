/* What the files of this room share: settings, and the words of its SQL as errors. */
#include "payments/counter/parts.h"

static struct counter_config settings;

void counter_use(const struct counter_config *config)
{
    settings = config ? *config : (struct counter_config){0};
    settings.sale_id = settings.sale_id ? settings.sale_id : "LEPHI";
    settings.answer_timeout_s = settings.answer_timeout_s ? settings.answer_timeout_s : 120;
    settings.ask_after_s = settings.ask_after_s ? settings.ask_after_s : 20;
}

const struct counter_config *counter_settings(void)
{
    return &settings;
}

bool counter_takes_cash(void)
{
    return settings.cash;
}

void counter_wake(void)
{
    if (settings.wake)
        settings.wake(settings.with);
}

/* Why there is nothing to pay. */
static enum err not_due(struct db *db, struct arena *arena, int64_t request)
{
    struct payment_request r;
    enum err err = payment_request_find(db, arena, request, &r);
    if (err)
        return err;
    switch (r.status) {
    case REQUEST_EXPIRED: return ERR_REQUEST_EXPIRED;
    case REQUEST_CANCELLED: return ERR_REQUEST_CANCELLED;
    case REQUEST_NOTHING_DUE: return ERR_REQUEST_NOTHING_DUE;
    default: return ERR_REQUEST_SETTLED;
    }
}

enum err counter_problem(struct db *db, struct arena *arena, int64_t request, struct text problem)
{
    static const struct {
        const char *word;
        enum err err;
    } problems[] = {{"no_shift", ERR_SHIFT_MISSING},
                    {"no_terminal", ERR_FIELD_VALUE},
                    {"no_code", ERR_FIELD_VALUE},
                    {"no_agency", ERR_FIELD_VALUE},
                    {"no_account", ERR_FIELD_VALUE},
                    {"no_cashier", ERR_FIELD_VALUE},
                    {"open sent", ERR_ATTEMPT_OPEN},
                    {"open unknown", ERR_ATTEMPT_UNKNOWN},
                    {"open", ERR_CONFLICT},
                    {"too_much", ERR_FIELD_RANGE},
                    {"not_seen", ERR_TRANSFER_NOT_SEEN},
                    {"claimed", ERR_TRANSFER_CLAIMED},
                    {"known", ERR_TRANSFER_CLAIMED},
                    {"other_code", ERR_TRANSFER_OTHER},
                    {"other_account", ERR_TRANSFER_OTHER},
                    {"refund", ERR_CONFLICT},
                    {"settled", ERR_ATTEMPT_STATE},
                    {"not_approved", ERR_ATTEMPT_STATE},
                    {"same_person", ERR_SECOND_PERSON},
                    {"yours_open", ERR_SHIFT_OPEN},
                    {"desk_open", ERR_SHIFT_OPEN},
                    {"cashier_busy", ERR_SHIFT_OPEN},
                    {"not_found", ERR_NOT_FOUND},
                    {"not_yours", ERR_FORBIDDEN},
                    {"not_counted", ERR_SHIFT_NOT_COUNTED},
                    {"undecided", ERR_SHIFT_UNDECIDED},
                    {"difference", ERR_SHIFT_DIFFERENCE},
                    {"was open", ERR_SHIFT_STATE},
                    {"was counted", ERR_SHIFT_STATE},
                    {"was closed", ERR_SHIFT_STATE}};
    if (!problem.length)
        return OK;
    if (text_is(problem, "nothing_due") || text_is(problem, "not_due"))
        return not_due(db, arena, request);
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        if (text_is(problem, problems[i].word))
            return problems[i].err;
    return ERR_ATTEMPT_STATE; /* "was approved" and its kin */
}

bool capture_number(struct request *rq, const char *name, int64_t *ret)
{
    int64_t number;
    if (!text_to_int64(request_capture(rq, name), &number) || number <= 0)
        return false;
    *ret = number;
    return true;
}

enum err counter_refuse(struct request *rq, enum err err)
{
    return rq->faults.count
               ? reply_faults(rq, err == OK || err == ERR_FIELD_VALUE || err == ERR_FIELD_RANGE ? ERR_INVALID : err)
               : reply_error(rq, err);
}
