/* The difference between two catalogues, found by quoting typical requests under both. Pure. */
#include <stdio.h>
#include <string.h>
#include "payments/fees/difference.h"

enum { VARIANTS_MAX = 2 * CATEGORIES_MAX + 1, DAYS_MAX = 128 };

/* Who asks: nobody in particular, or a category, perhaps of one procedure only. */
struct variant {
    struct text category, name, procedure;
};

/* What one fee's comparison carries along. */
struct comparison {
    const struct catalogue *catalogues[2]; /* before, after */
    struct arena *arena;                   /* of the result */
    struct arena work;                     /* of one fee: its samples */
    struct arena asked;                    /* of one series of quotes */
    struct catalogue_difference *out;
    date_days today;
    struct text code;
    size_t fee_first; /* rows of this fee begin here */
    size_t sample_count, variant_count, day_count;
    struct sample samples[SAMPLES_MAX];
    struct variant variants[VARIANTS_MAX];
    date_days days[DAYS_MAX];
};

/* An amount, or why there is none. */
struct answer {
    int64_t amount;
    enum err why;
};

static struct catalogue_change *change_add(struct catalogue_difference *out)
{
    if (out->count == CATALOGUE_CHANGES_MAX) {
        out->dropped++;
        return NULL;
    }
    return &out->list[out->count++];
}

static void day_add(struct comparison *c, date_days day)
{
    if (day == DATE_NONE || day <= c->today)
        return;
    size_t at = c->day_count;
    for (size_t i = 0; i < c->day_count; i++)
        if (c->days[i] == day)
            return;
    if (c->day_count == DAYS_MAX) {
        c->out->dropped++; /* told as “not shown”, never forgotten */
        return;
    }
    while (at > 1 && c->days[at - 1] > day) {
        c->days[at] = c->days[at - 1];
        at--;
    }
    c->days[at] = day;
    c->day_count++;
}

static void period_add(struct comparison *c, date_days from, date_days to)
{
    day_add(c, from);
    if (to != DATE_NONE)
        day_add(c, to + 1);
}

static void variant_add(struct comparison *c, struct text category, struct text name, struct text procedure)
{
    for (size_t i = 0; i < c->variant_count; i++)
        if (text_equal(c->variants[i].category, category) && text_equal(c->variants[i].procedure, procedure))
            return;
    if (c->variant_count == VARIANTS_MAX)
        c->out->dropped++;
    else
        c->variants[c->variant_count++] = (struct variant){category, name, procedure};
}

static void variants_of(struct comparison *c, const struct catalogue *catalogue, const struct reduction *rule)
{
    struct text procedure = rule->procedures.count ? rule->procedures.list[0] : TEXT_NONE;
    if (procedure.length && !rule->category_words.count)
        variant_add(c, TEXT_NONE, TEXT_NONE, procedure);
    for (size_t i = 0; i < rule->category_words.count; i++) {
        int bit = catalogue_category(catalogue, rule->category_words.list[i]);
        if (bit >= 0)
            variant_add(c, rule->category_words.list[i], catalogue->categories[bit].name_vi, procedure);
    }
}

static void fee_prepare(struct comparison *c)
{
    c->sample_count = c->day_count = c->variant_count = 0;
    c->days[c->day_count++] = c->today;
    variant_add(c, TEXT_NONE, TEXT_NONE, TEXT_NONE);
    for (int side = 0; side < 2; side++) {
        const struct fee_entry *entry = catalogue_entry(c->catalogues[side], c->code);
        for (size_t i = 0; entry && i < entry->version_count; i++) {
            period_add(c, entry->versions[i].valid_from, entry->versions[i].valid_to);
            samples_of(c->catalogues[side], &entry->versions[i], &c->work, c->samples, &c->sample_count);
        }
        for (size_t i = 0; entry && i < entry->reduction_count; i++) {
            period_add(c, entry->reductions[i]->valid_from, entry->reductions[i]->valid_to);
            variants_of(c, c->catalogues[side], entry->reductions[i]);
        }
    }
}

static struct answer ask(struct comparison *c, int side, const struct sample *sample, const struct variant *variant,
                         unsigned channel, date_days day)
{
    struct quote_request request = sample->request;
    struct faults faults;
    struct quote quote;
    faults_init(&faults, &c->asked);
    request.fees[0] = c->code;
    request.fee_count = 1;
    request.channel = (enum fee_channel)channel;
    request.filed_on = request.paid_on = day;
    request.procedure = variant->procedure;
    /* A category that this side does not know is nobody's yet: such a person asks as everybody does. */
    if (variant->category.length && catalogue_category(c->catalogues[side], variant->category) >= 0)
        request.categories[request.category_count++] = variant->category;
    if (quote_compute(c->catalogues[side], &request, day, &c->asked, &faults, &quote))
        return (struct answer){QUANTITY_NONE, faults.count ? faults.list[0].code : ERR_INVALID};
    return (struct answer){quote.total, OK};
}

static bool same(struct answer a, struct answer b)
{
    return a.amount == b.amount && a.why == b.why;
}

static struct text answer_words(struct arena *arena, struct answer answer)
{
    char money[MONEY_TEXT_SIZE];
    if (answer.amount == QUANTITY_NONE)
        return answer.why == ERR_FEE_UNKNOWN || answer.why == ERR_FEE_NOT_IN_FORCE ? TEXT("không có khoản này")
                                                                                   : text_of(err_info(answer.why)->vi);
    money_format(answer.amount, money);
    return arena_textf(arena, "%s đ", money);
}

static struct text procedures_of(struct comparison *c)
{
    struct buf list = {0};
    for (size_t i = 0, shown = 0; i < c->catalogues[1]->procedure_count; i++) {
        const struct procedure *procedure = &c->catalogues[1]->procedures[i];
        for (size_t f = 0; f < procedure->fee_count; f++)
            if (text_equal(procedure->fees[f], c->code)) {
                if (shown < 8)
                    buf_printf(&list, "%s%.*s (%.*s)", shown ? "; " : "", TEXT_ARGS(procedure->name_vi),
                               TEXT_ARGS(procedure->code));
                else if (shown == 8)
                    buf_string(&list, "; …");
                shown++;
            }
    }
    struct text text = arena_text(c->arena, buf_view(&list));
    buf_done(&list);
    return text;
}

static void price_report(struct comparison *c, const struct sample *sample, const struct variant *variant,
                         unsigned channel, date_days day, const struct answer answers[2])
{
    for (size_t i = c->fee_first; i < c->out->count; i++) {
        struct catalogue_change *row = &c->out->list[i];
        if (row->from == day && row->before == answers[0].amount && row->after == answers[1].amount &&
            text_equal(row->sample, sample->words) && text_equal(row->column, variant->category)) {
            row->channels |= 1u << channel;
            return;
        }
    }
    struct catalogue_change *row = change_add(c->out);
    if (!row)
        return;
    const struct fee_entry *entry = catalogue_entry(c->catalogues[1], c->code);
    if (!entry)
        entry = catalogue_entry(c->catalogues[0], c->code);
    *row = (struct catalogue_change){
        .kind = CHANGE_PRICE,
        .code = arena_text(c->arena, c->code),
        .name = arena_text(c->arena, entry->versions[entry->version_count - 1].name_vi),
        .who = variant->name.length ? arena_text(c->arena, variant->name) : TEXT("mọi người"),
        .sample = arena_text(c->arena, sample->words),
        .procedures = c->out->count - 1 > c->fee_first ? c->out->list[c->fee_first].procedures : procedures_of(c),
        .channels = 1u << channel,
        .from = day,
        .before = answers[0].amount,
        .after = answers[1].amount,
        .was = answer_words(c->arena, answers[0]),
        .is = answer_words(c->arena, answers[1]),
        .column = arena_text(c->arena, variant->category)};
}

/* A row for the first day on which the pair of answers is new; what everybody pays differently is not told again for
 * each category. */
static void series_compare(struct comparison *c, const struct sample *sample, size_t variant, unsigned channel)
{
    struct answer told[2] = {{0, OK}, {0, OK}};
    for (size_t d = 0; d < c->day_count; d++) {
        struct answer answers[2], all[2];
        for (int side = 0; side < 2; side++)
            answers[side] = ask(c, side, sample, &c->variants[variant], channel, c->days[d]);
        bool differs = !same(answers[0], answers[1]);
        bool news = differs && !(d > 0 && same(answers[0], told[0]) && same(answers[1], told[1]));
        memcpy(told, answers, sizeof told);
        if (!news)
            continue;
        for (int side = 0; variant > 0 && side < 2; side++)
            all[side] = ask(c, side, sample, &c->variants[0], channel, c->days[d]);
        if (variant > 0 && same(answers[0], all[0]) && same(answers[1], all[1]))
            continue;
        price_report(c, sample, &c->variants[variant], channel, c->days[d], answers);
    }
    arena_reset(&c->asked);
}

static void fee_compare(struct comparison *c, struct text code)
{
    c->code = code;
    c->fee_first = c->out->count;
    if (fee_entries_same(c->catalogues, code))
        return;
    fee_prepare(c);
    for (size_t s = 0; s < c->sample_count; s++)
        for (size_t v = 0; v < c->variant_count; v++)
            for (unsigned channel = 0; channel < CHANNEL_COUNT; channel++)
                if (c->samples[s].channels & 1u << channel)
                    series_compare(c, &c->samples[s], v, channel);
    for (size_t i = c->fee_first; i < c->out->count; i++)
        c->out->list[i].column = TEXT_NONE;
    arena_reset(&c->work);
}

void catalogue_compare(const struct catalogue *before, const struct catalogue *after, date_days today,
                       struct arena *arena, struct catalogue_difference *ret)
{
    struct comparison *c = memory_new(sizeof *c);
    *ret = (struct catalogue_difference){.before = arena_copy(arena, text_of(catalogue_version(before))),
                                         .after = arena_copy(arena, text_of(catalogue_version(after))),
                                         .list = ARENA_ARRAY(arena, struct catalogue_change, CATALOGUE_CHANGES_MAX)};
    *c = (struct comparison){.catalogues = {before, after}, .arena = arena, .out = ret, .today = today};
    arena_init(&c->work);
    arena_init(&c->asked);
    for (size_t i = 0; i < after->entry_count; i++)
        fee_compare(c, after->entries[i].code);
    for (size_t i = 0; i < before->entry_count; i++)
        if (!catalogue_entry(after, before->entries[i].code))
            fee_compare(c, before->entries[i].code);
    arena_done(&c->work);
    arena_done(&c->asked);
    free(c);
    facts_compare(before, after, arena, ret);
}

/* ---- in words --------------------------------------------------------------------------------------------------- */

static void channels_say(unsigned channels, struct buf *out)
{
    static const char *const words[] = {"tại quầy", "trực tuyến toàn trình", "trực tuyến một phần", "qua bưu chính"};
    const char *comma = "";
    if (channels == (1u << CHANNEL_COUNT) - 1) {
        buf_string(out, "mọi hình thức nộp");
        return;
    }
    buf_string(out, "nộp ");
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (channels & 1u << i) {
            buf_printf(out, "%s%s", comma, words[i]);
            comma = ", ";
        }
}

void catalogue_change_say(const struct catalogue_change *change, struct buf *out)
{
    char day[DATE_TEXT_SIZE];
    if (change->kind != CHANGE_PRICE) {
        buf_printf(out, "%.*s (%.*s)", TEXT_ARGS(change->name), TEXT_ARGS(change->code));
        buf_printf(out, ", %.*s: “%.*s” → “%.*s”", TEXT_ARGS(change->column), TEXT_ARGS(change->was),
                   TEXT_ARGS(change->is));
        return;
    }
    date_format_vi(change->from, day);
    buf_printf(out, "%.*s (%.*s): %.*s → %.*s; từ %s; %.*s; ", TEXT_ARGS(change->name), TEXT_ARGS(change->code),
               TEXT_ARGS(change->was), TEXT_ARGS(change->is), day, TEXT_ARGS(change->who));
    channels_say(change->channels, out);
    if (change->sample.length)
        buf_printf(out, "; ví dụ %.*s", TEXT_ARGS(change->sample));
    if (change->procedures.length)
        buf_printf(out, "; thủ tục: %.*s", TEXT_ARGS(change->procedures));
}

static void amount_write(struct json *json, const char *key, int64_t amount)
{
    if (amount == QUANTITY_NONE)
        json_put_null(json, key);
    else
        json_put_int(json, key, amount);
}

static void change_write(struct json *json, const struct catalogue_change *change)
{
    static const char *const kinds[] = {"price", "fact", "procedure"};
    struct buf words = {0};
    json_put_object(json, NULL);
    json_put_string(json, "kind", kinds[change->kind]);
    json_put_text(json, "code", change->code);
    json_put_text(json, "name", change->name);
    if (change->kind == CHANGE_PRICE) {
        json_put_text(json, "who", change->who);
        json_put_array(json, "channels");
        for (int i = 0; i < CHANNEL_COUNT; i++)
            if (change->channels & 1u << i)
                json_put_string(json, NULL, channel_names[i]);
        json_put_end(json);
        json_put_text_or_null(json, "sample", change->sample);
        json_put_text_or_null(json, "procedures", change->procedures);
        json_put_date(json, "from", change->from);
        amount_write(json, "before", change->before);
        amount_write(json, "after", change->after);
    } else {
        json_put_text_or_null(json, "field", change->column);
        json_put_text_or_null(json, "before", change->was);
        json_put_text_or_null(json, "after", change->is);
    }
    catalogue_change_say(change, &words);
    json_put_text(json, "words", buf_view(&words));
    json_put_end(json);
    buf_done(&words);
}

void catalogue_difference_write_as(struct json *json, const char *key, const struct catalogue_difference *difference)
{
    json_put_object(json, key);
    json_put_string(json, "before", difference->before);
    json_put_string(json, "after", difference->after);
    json_put_array(json, "changes");
    for (size_t i = 0; i < difference->count; i++)
        change_write(json, &difference->list[i]);
    json_put_end(json);
    json_put_int(json, "not_shown", (int64_t)difference->dropped);
    json_put_end(json);
}
