/* The quote: which fees, which version, which benefit, how long it holds. Pure. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "payments/fees/catalogue.h"

void quote_request_init(struct quote_request *request)
{
    *request = (struct quote_request){
        .filed_on = DATE_NONE, .paid_on = DATE_NONE, .quoted_on = DATE_NONE, .exchange_rate = QUANTITY_NONE};
    for (int i = 0; i < QUANTITY_COUNT; i++)
        request->quantities[i] = QUANTITY_NONE;
}

/* What one computation carries along. */
struct work {
    const struct catalogue *catalogue;
    const struct quote_request *request;
    const struct procedure *procedure;
    uint64_t categories;
    struct arena *arena;
    struct faults *faults;
    struct quote quote;
};

static date_days day_of(const struct work *work, enum fee_day decided_by)
{
    return decided_by == DAY_OF_FILING ? work->quote.filed_on : work->quote.paid_on;
}

/* A rule that ends takes the quote with it, unless the day that decides is a filing day the caller stated: what was
 * filed in time keeps its price. */
static void holds_until(struct work *work, enum fee_day decided_by, date_days last)
{
    if (last == DATE_NONE || (decided_by == DAY_OF_FILING && work->request->filed_on != DATE_NONE))
        return;
    if (last < work->quote.valid_until)
        work->quote.valid_until = last;
}

static bool in_period(date_days day, date_days from, date_days to)
{
    return (from == DATE_NONE || day >= from) && (to == DATE_NONE || day <= to);
}

static const struct fee *version_of(const struct work *work, const struct fee_entry *entry)
{
    for (size_t i = entry->version_count; i-- > 0;) {
        const struct fee *fee = &entry->versions[i];
        if (in_period(day_of(work, fee->decided_by), fee->valid_from, fee->valid_to))
            return fee;
    }
    return NULL;
}

static enum err not_in_force(const struct work *work, const struct fee_entry *entry, const char *where)
{
    char list[200] = "";
    for (size_t i = 0; i < entry->version_count; i++) {
        char from[DATE_TEXT_SIZE] = "…", to[DATE_TEXT_SIZE] = "…";
        size_t used = strlen(list);
        if (entry->versions[i].valid_from != DATE_NONE)
            date_format_vi(entry->versions[i].valid_from, from);
        if (entry->versions[i].valid_to != DATE_NONE)
            date_format_vi(entry->versions[i].valid_to, to);
        snprintf(list + used, sizeof list - used, "%s%s–%s", i ? ", " : "", from, to);
    }
    return faults_add(work->faults, where, ERR_FEE_NOT_IN_FORCE, "Khoản %.*s chỉ có hiệu lực: %s",
                      TEXT_ARGS(entry->code), list);
}

static bool word_in(const struct words *words, struct text word)
{
    for (size_t i = 0; i < words->count; i++)
        if (text_equal(words->list[i], word))
            return true;
    return false;
}

/* gross × (1 − rate) is what the law prices, so that is what gets rounded; the reduction is the rest. */
static int64_t reduction_amount(const struct reduction *rule, const struct formula *formula,
                                const struct formula_result *result)
{
    int64_t base = result->gross, left;
    if (rule->scope == SCOPE_FROM_SECOND)
        base = result->quantity > 1 ? result->gross - result->each : 0;
    if (base <= 0 || rounding_divide((__int128)base * (RATE_ONE - rule->rate), RATE_ONE, formula->rounding, &left))
        return 0;
    return left < base ? base - left : 0; /* rounding up to thousands never raises */
}

/* A relief with a yearly limit per person needs what the person already got: that is the caller's to know here; a
 * payment request is held to what our own books show (payments/requests/relief.c). */
static enum reduction_state yearly_limit(struct work *work, const struct reduction *rule, int64_t *amount)
{
    const int64_t *given = work->request->quantities;
    int64_t unit = 1, cap = 0;
    date_days value_ends = DATE_NONE;
    if (rule->has_yearly_cap) {
        if (rule->cap_value.length &&
            !catalogue_value(work->catalogue, rule->cap_value, day_of(work, rule->decided_by), &unit, &value_ends))
            return REDUCTION_NOT_QUANTIFIED;
        if (money_multiply(rule->cap_times, unit, &cap))
            return REDUCTION_NOT_QUANTIFIED;
    }
    if (rule->times_per_year && given[QUANTITY_RELIEF_TIMES] == QUANTITY_NONE)
        faults_add(work->faults, "/quantities/relief_times", ERR_QUANTITY_MISSING,
                   "Cần số lần người này đã được giảm trong năm (0 nếu chưa): %.*s", TEXT_ARGS(rule->name_vi));
    else if (rule->times_per_year && given[QUANTITY_RELIEF_TIMES] >= rule->times_per_year)
        return REDUCTION_USED_UP;
    if (!rule->has_yearly_cap)
        return REDUCTION_APPLIED;
    int64_t used = given[QUANTITY_RELIEF_USED];
    if (used == QUANTITY_NONE) {
        faults_add(work->faults, "/quantities/relief_used", ERR_QUANTITY_MISSING,
                   "Cần số tiền người này đã được giảm trong năm (0 nếu chưa): %.*s", TEXT_ARGS(rule->name_vi));
        return REDUCTION_USED_UP;
    }
    holds_until(work, rule->decided_by, value_ends);
    if (used >= cap)
        return REDUCTION_USED_UP;
    if (*amount > cap - used)
        *amount = cap - used;
    return REDUCTION_APPLIED;
}

static enum reduction_state state_of(struct work *work, const struct reduction *rule,
                                     const struct formula_result *result, int64_t *amount)
{
    if (!(rule->channels & 1u << work->request->channel))
        return REDUCTION_CHANNEL;
    if (rule->procedures.count && (!work->procedure || !word_in(&rule->procedures, work->procedure->code)))
        return REDUCTION_PROCEDURE;
    if (rule->rate == RATE_UNSET)
        return REDUCTION_NOT_QUANTIFIED;
    if (rule->kind == REDUCTION_CHANNEL_SHARE && result->printed)
        return REDUCTION_PRINTED;
    return yearly_limit(work, rule, amount);
}

/* Candidates of one line; returns how many, the best first. Benefits are never added up: the highest one counts (NQ
 * 66.22/2026/NQ-CP Điều 5.2, taken as the general rule; a tie goes to the earlier row). */
static size_t reductions_find(struct work *work, const struct fee_entry *entry, const struct fee *fee,
                              const struct formula_result *result, struct quote_reduction *found)
{
    size_t count = 0, best = SIZE_MAX;
    for (size_t i = 0; i < entry->reduction_count && result->gross > 0; i++) {
        const struct reduction *rule = entry->reductions[i];
        if (rule->categories && !(rule->categories & work->categories))
            continue;
        if (rule->when.count && conditions_hold(&rule->when, fee->formula, work->request, NULL) != HOLDS_YES)
            continue;
        date_days day = day_of(work, rule->decided_by);
        if (rule->valid_from != DATE_NONE && day < rule->valid_from && (rule->channels & 1u << work->request->channel))
            holds_until(work, rule->decided_by, rule->valid_from - 1); /* cheaper from then on */
        if (!in_period(day, rule->valid_from, rule->valid_to))
            continue;
        struct quote_reduction one = {.rule = rule,
                                      .rate = rule->rate == RATE_UNSET ? 0 : rule->rate,
                                      .reason_vi = rule->name_vi,
                                      .reason_en = rule->name_en,
                                      .legal_basis = rule->legal_basis};
        if (rule->rate != RATE_UNSET)
            one.amount = reduction_amount(rule, fee->formula, result);
        one.state = state_of(work, rule, result, &one.amount);
        if (one.state == REDUCTION_APPLIED && one.amount == 0)
            continue;
        if (one.state == REDUCTION_APPLIED && (best == SIZE_MAX || one.amount > found[best].amount))
            best = count;
        assert(count < QUOTE_REDUCTIONS_MAX); /* catalogue_read counted those of each day */
        found[count++] = one;
    }
    for (size_t i = 0; i < count; i++)
        if (found[i].state == REDUCTION_APPLIED && i != best)
            found[i].state = REDUCTION_LOWER;
    if (best != SIZE_MAX && best > 0) {
        struct quote_reduction chosen = found[best];
        memmove(found + 1, found, best * sizeof *found);
        found[0] = chosen;
    }
    return count;
}

static void line_reduce(struct work *work, struct quote_line *line, const struct fee_entry *entry,
                        const struct formula_result *result)
{
    struct quote_reduction found[QUOTE_REDUCTIONS_MAX];
    size_t count = reductions_find(work, entry, line->fee, result, found);
    if (!count)
        return;
    struct quote_reduction *kept = ARENA_ARRAY(work->arena, struct quote_reduction, count);
    memcpy(kept, found, count * sizeof *kept);
    line->reductions = kept;
    line->reduction_count = count;
    if (kept[0].state != REDUCTION_APPLIED)
        return;
    line->reduced = kept[0].amount;
    holds_until(work, kept[0].rule->decided_by, kept[0].rule->valid_to);
}

static void line_compute(struct work *work, struct text code, const char *where)
{
    const struct fee_entry *entry = catalogue_entry(work->catalogue, code);
    if (!entry) {
        faults_add(work->faults, where, ERR_FEE_UNKNOWN, "Không có khoản “%.*s” trong danh mục %s", TEXT_ARGS(code),
                   work->catalogue->version);
        return;
    }
    const struct fee *fee = version_of(work, entry);
    if (!fee) {
        not_in_force(work, entry, where);
        return;
    }
    struct formula_input in = {.catalogue = work->catalogue,
                               .request = work->request,
                               .fee = fee->code,
                               .where = where,
                               .day = day_of(work, fee->decided_by)};
    struct formula_result result;
    if (formula_evaluate(fee->formula, &in, work->faults, &result))
        return;
    holds_until(work, fee->decided_by, fee->valid_to);
    holds_until(work, fee->decided_by, result.ends);
    struct quote_line *line = &work->quote.lines[work->quote.line_count++];
    *line = (struct quote_line){.fee = fee,
                                .code = fee->code,
                                .name_vi = fee->name_vi,
                                .name_en = fee->name_en,
                                .legal_basis = fee->legal_basis,
                                .formula = fee->formula_text,
                                .collector = fee->collector,
                                .kind = fee->kind,
                                .document = fee->document,
                                .quantity = result.quantity,
                                .gross = result.gross};
    line_reduce(work, line, entry, &result);
    line->net = line->gross - line->reduced;
}

/* "A, B, C" for a fault. */
static const char *code_list(struct arena *arena, const struct text *codes, size_t count)
{
    struct buf list = {0};
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%.*s", i ? ", " : "", TEXT_ARGS(codes[i]));
    const char *copy = arena_copy(arena, buf_view(&list));
    buf_done(&list);
    return copy;
}

static void categories_find(struct work *work)
{
    const struct quote_request *request = work->request;
    for (size_t i = 0; i < request->category_count; i++) {
        int bit = catalogue_category(work->catalogue, request->categories[i]);
        if (bit >= 0) {
            work->categories |= UINT64_C(1) << bit;
            continue;
        }
        struct text codes[CATEGORIES_MAX];
        for (size_t c = 0; c < work->catalogue->category_count; c++)
            codes[c] = work->catalogue->categories[c].code;
        char where[64];
        snprintf(where, sizeof where, "/beneficiary_categories/%zu", i);
        faults_add(work->faults, where, ERR_CATEGORY_UNKNOWN, "Không có diện “%.*s”; danh mục có: %s",
                   TEXT_ARGS(request->categories[i]), code_list(work->arena, codes, work->catalogue->category_count));
    }
}

static bool procedure_has(const struct procedure *procedure, struct text code)
{
    for (size_t i = 0; i < procedure->fee_count; i++)
        if (text_equal(procedure->fees[i], code))
            return true;
    return false;
}

static void lines_of_fees(struct work *work)
{
    const struct quote_request *request = work->request;
    for (size_t i = 0; i < request->fee_count; i++) {
        char where[32];
        bool twice = false;
        snprintf(where, sizeof where, "/fees/%zu", i);
        for (size_t before = 0; before < i; before++)
            twice |= text_equal(request->fees[before], request->fees[i]);
        if (twice)
            faults_add(work->faults, where, ERR_FIELD_VALUE, "Khoản “%.*s” được nêu hai lần",
                       TEXT_ARGS(request->fees[i]));
        else if (work->procedure && !procedure_has(work->procedure, request->fees[i]))
            faults_add(work->faults, where, ERR_FEE_UNKNOWN, "Thủ tục %.*s chỉ có các khoản: %s",
                       TEXT_ARGS(work->procedure->code),
                       code_list(work->arena, work->procedure->fees, work->procedure->fee_count));
        else
            line_compute(work, request->fees[i], where);
    }
}

static void lines_of_procedure(struct work *work)
{
    const struct procedure *procedure = work->procedure;
    if (procedure->usual_count == 0 && procedure->fee_count > 0) {
        faults_add(work->faults, "/fees", ERR_FIELD_MISSING, "Thủ tục %.*s cần chọn khoản thu: %s",
                   TEXT_ARGS(procedure->code), code_list(work->arena, procedure->fees, procedure->fee_count));
        return;
    }
    for (size_t i = 0; i < procedure->usual_count; i++)
        line_compute(work, procedure->fees[i], "/procedure");
}

static postal_pricer pricer;

void fees_postal_pricer_set(postal_pricer set)
{
    pricer = set;
}

static void line_of_postage(struct work *work)
{
    if (!work->request->postal.length)
        return;
    if (!pricer) {
        faults_add(work->faults, "/postal", ERR_UNAVAILABLE, "Cước bưu chính chưa tính được ở đây");
        return;
    }
    struct quote_line line = {.kind = FEE_POSTAL, .document = DOCUMENT_INVOICE_ELSEWHERE, .quantity = 1};
    if (pricer(work->request->postal, work->quote.paid_on, work->arena, work->faults, &line))
        return;
    line.fee = NULL;
    line.kind = FEE_POSTAL;
    line.net = line.gross;
    work->quote.lines[work->quote.line_count++] = line;
}

enum err quote_compute(const struct catalogue *catalogue, const struct quote_request *request, date_days today,
                       struct arena *arena, struct faults *faults, struct quote *ret_quote)
{
    size_t faults_before = faults->count + faults->dropped;
    struct work work = {.catalogue = catalogue, .request = request, .arena = arena, .faults = faults};
    date_days filed = request->filed_on, paid = request->paid_on;
    work.quote = (struct quote){
        .catalogue = catalogue,
        .request = request,
        .quoted_on = today,
        .filed_on = filed != DATE_NONE  ? filed
                    : paid != DATE_NONE ? paid
                                        : today,
        .paid_on = paid != DATE_NONE    ? paid
                   : filed != DATE_NONE ? filed
                                        : today,
        .valid_until = today + QUOTE_VALID_DAYS - 1,
    };
    if (!quote_id_fits(request, catalogue->version, today)) {
        faults_add(faults, "/fees", ERR_FIELD_LENGTH, "Quá nhiều khoản và diện cho một báo giá; hãy tách ra");
        return ERR_INVALID;
    }
    categories_find(&work);
    if (request->procedure.length && !(work.procedure = catalogue_procedure(catalogue, request->procedure)))
        faults_add(faults, "/procedure", ERR_PROCEDURE_UNKNOWN, "Không có thủ tục “%.*s” trong danh mục %s",
                   TEXT_ARGS(request->procedure), catalogue->version);
    else if (!request->procedure.length && !request->fee_count)
        faults_add(faults, "/procedure", ERR_FIELD_MISSING, "Cần procedure (mã thủ tục) hoặc fees (mã khoản thu)");
    size_t room = request->fee_count + (work.procedure ? work.procedure->usual_count : 0) + 1;
    work.quote.lines = ARENA_ARRAY(arena, struct quote_line, room);
    if (request->fee_count)
        lines_of_fees(&work);
    else if (work.procedure)
        lines_of_procedure(&work);
    line_of_postage(&work);
    for (size_t i = 0; i < work.quote.line_count; i++)
        if (money_add(work.quote.total, work.quote.lines[i].net, &work.quote.total))
            faults_add(faults, "/quantities", ERR_MONEY_OVERFLOW, NULL);
    if (faults->count + faults->dropped != faults_before)
        return ERR_INVALID;
    *ret_quote = work.quote;
    return OK;
}

instant_us quote_valid_until(const struct quote *quote)
{
    struct civil end = civil_of_date(quote->valid_until);
    end.hour = 23;
    end.minute = 59;
    end.second = 59;
    return instant_from(end);
}
