/* What differs between two catalogues beside prices: procedures, and the cells of a row. */
#include <string.h>
#include "payments/fees/difference.h"

static void add(struct catalogue_difference *out, enum catalogue_change_kind kind, struct arena *arena,
                struct text code, struct text name, const char *column, struct text was, struct text is)
{
    if (out->count == CATALOGUE_CHANGES_MAX) {
        out->dropped++;
        return;
    }
    out->list[out->count++] = (struct catalogue_change){.kind = kind,
                                                        .code = arena_text(arena, code),
                                                        .name = arena_text(arena, name),
                                                        .column = text_of(column),
                                                        .was = arena_text(arena, was),
                                                        .is = arena_text(arena, is)};
}

static struct text date_text(struct arena *arena, date_days day)
{
    char text[DATE_TEXT_SIZE];
    if (day == DATE_NONE)
        return TEXT_NONE;
    date_format_vi(day, text);
    return arena_text(arena, text_of(text));
}

/* ---- rows of fees and reductions ------------------------------------------------------------------------------ */

enum { CELLS_MAX = 20 };
struct cell {
    const char *column;
    struct text value;
};

static size_t fee_cells(struct arena *arena, const struct fee *fee, struct cell cells[CELLS_MAX])
{
    static const char *const documents[] = {"state_receipt", "invoice_elsewhere", "none", "unset"};
    const struct cell all[] = {{"formula", fee->formula_text},
                               {"name_vi", fee->name_vi},
                               {"name_en", fee->name_en},
                               {"kind", fee->kind == FEE_LE_PHI ? TEXT("le_phi") : TEXT("phi")},
                               {"unit_vi", fee->unit_vi},
                               {"issued_by", fee->issued_by},
                               {"legal_basis", fee->legal_basis},
                               {"valid_from", date_text(arena, fee->valid_from)},
                               {"valid_to", date_text(arena, fee->valid_to)},
                               {"collector", fee->collector},
                               {"beneficiary", fee->beneficiary},
                               {"budget_item", fee->budget_item},
                               {"budget_level", fee->budget_level},
                               {"retention", fee->retention},
                               {"refund_rule", fee->refund_rule},
                               {"document", text_of(documents[fee->document])},
                               {"rounding", fee->rounding},
                               {"decided_by", fee->decided_by == DAY_OF_FILING ? TEXT("filing") : TEXT("payment")}};
    memcpy(cells, all, sizeof all);
    return sizeof all / sizeof *all;
}

static struct text words_text(struct arena *arena, const struct words *words)
{
    struct buf all = {0};
    for (size_t i = 0; i < words->count; i++)
        buf_printf(&all, "%s%.*s", i ? " " : "", TEXT_ARGS(words->list[i]));
    struct text text = arena_text(arena, buf_view(&all));
    buf_done(&all);
    return text;
}

static struct text channels_text(struct arena *arena, unsigned channels)
{
    struct buf all = {0};
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (channels & 1u << i)
            buf_printf(&all, "%s%s", all.length ? " " : "", channel_names[i]);
    struct text text = arena_text(arena, buf_view(&all));
    buf_done(&all);
    return text;
}

static size_t reduction_cells(struct arena *arena, const struct reduction *rule, struct cell cells[CELLS_MAX])
{
    const struct cell all[] = {
        {"name_vi", rule->name_vi},
        {"kind", rule->kind == REDUCTION_CHANNEL_SHARE ? TEXT("channel_share") : TEXT("relief")},
        {"rate", rule->rate == RATE_UNSET
                     ? TEXT_NONE
                     : arena_textf(arena, "%d,%02d %%", (int)(rule->rate / 100), (int)(rule->rate % 100))},
        {"fees", words_text(arena, &rule->fees)},
        {"procedures", words_text(arena, &rule->procedures)},
        {"categories", words_text(arena, &rule->category_words)},
        {"channels", channels_text(arena, rule->channels)},
        {"valid_from", date_text(arena, rule->valid_from)},
        {"valid_to", date_text(arena, rule->valid_to)},
        {"yearly_cap", rule->has_yearly_cap
                           ? arena_textf(arena, "%lld * %.*s", (long long)rule->cap_times, TEXT_ARGS(rule->cap_value))
                           : TEXT_NONE},
        {"times_per_year", arena_textf(arena, "%lld", (long long)rule->times_per_year)},
        {"scope", rule->scope == SCOPE_FROM_SECOND ? TEXT("from_second") : TEXT("all")},
        {"decided_by", rule->decided_by == DAY_OF_FILING ? TEXT("filing") : TEXT("payment")},
        {"legal_basis", rule->legal_basis},
        {"evidence_vi", rule->evidence_vi}};
    memcpy(cells, all, sizeof all);
    return sizeof all / sizeof *all;
}

static bool conditions_same(const struct conditions *a, const struct conditions *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct condition *x = &a->list[i], *y = &b->list[i];
        same =
            x->subject == y->subject && x->word_count == y->word_count && x->channels == y->channels &&
            (x->subject != SUBJECT_NUMBER || (x->number == y->number && x->order == y->order && x->bound == y->bound));
        for (size_t w = 0; same && w < x->word_count; w++)
            same = text_equal(x->words[w], y->words[w]);
    }
    return same;
}

static bool cells_same(const struct cell *a, const struct cell *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!text_equal(a[i].value, b[i].value))
            return false;
    return true;
}

bool fee_entries_same(const struct catalogue *const sides[2], struct text code)
{
    const struct fee_entry *a = catalogue_entry(sides[0], code), *b = catalogue_entry(sides[1], code);
    struct cell left[CELLS_MAX], right[CELLS_MAX];
    struct arena arena;
    if (!a || !b || a->version_count != b->version_count || a->reduction_count != b->reduction_count)
        return false;
    arena_init(&arena);
    bool same = true;
    for (size_t i = 0; same && i < a->version_count; i++) {
        size_t count = fee_cells(&arena, &a->versions[i], left);
        fee_cells(&arena, &b->versions[i], right);
        /* a share of another fee moves with that one */
        same = cells_same(left, right, count) && a->versions[i].formula->kind != FORMULA_PERCENT_OF;
    }
    for (size_t i = 0; same && i < a->reduction_count; i++) {
        size_t count = reduction_cells(&arena, a->reductions[i], left);
        reduction_cells(&arena, b->reductions[i], right);
        same = text_equal(a->reductions[i]->code, b->reductions[i]->code) && cells_same(left, right, count) &&
               conditions_same(&a->reductions[i]->when, &b->reductions[i]->when) && !a->reductions[i]->has_yearly_cap;
    }
    arena_done(&arena);
    return same;
}

static void cells_compare(struct catalogue_difference *out, struct arena *arena, struct text code, struct text name,
                          const struct cell *left, const struct cell *right, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!text_equal(left[i].value, right[i].value))
            add(out, CHANGE_FACT, arena, code, name, left[i].column, left[i].value, right[i].value);
}

static void fees_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                         struct catalogue_difference *out)
{
    struct cell left[CELLS_MAX], right[CELLS_MAX];
    for (size_t i = 0; i < after->fee_count; i++) {
        const struct fee *fee = &after->fees[i], *old = NULL;
        const struct fee_entry *entry = catalogue_entry(before, fee->code);
        for (size_t v = 0; entry && v < entry->version_count; v++)
            if (entry->versions[v].valid_from == fee->valid_from)
                old = &entry->versions[v];
        if (!old) {
            add(out, CHANGE_FACT, arena, fee->code, fee->name_vi, "dòng mới", TEXT_NONE, fee->formula_text);
            continue;
        }
        size_t count = fee_cells(arena, old, left);
        fee_cells(arena, fee, right);
        cells_compare(out, arena, fee->code, fee->name_vi, left, right, count);
    }
    for (size_t i = 0; i < before->fee_count; i++) {
        const struct fee *fee = &before->fees[i];
        const struct fee_entry *entry = catalogue_entry(after, fee->code);
        bool kept = false;
        for (size_t v = 0; entry && v < entry->version_count; v++)
            kept |= entry->versions[v].valid_from == fee->valid_from;
        if (!kept)
            add(out, CHANGE_FACT, arena, fee->code, fee->name_vi, "dòng bị bỏ", fee->formula_text, TEXT_NONE);
    }
}

static const struct reduction *reduction_find(const struct catalogue *catalogue, struct text code)
{
    for (size_t i = 0; i < catalogue->reduction_count; i++)
        if (text_equal(catalogue->reductions[i].code, code))
            return &catalogue->reductions[i];
    return NULL;
}

static void reductions_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                               struct catalogue_difference *out)
{
    struct cell left[CELLS_MAX], right[CELLS_MAX];
    for (size_t i = 0; i < after->reduction_count; i++) {
        const struct reduction *rule = &after->reductions[i], *old = reduction_find(before, rule->code);
        if (!old) {
            add(out, CHANGE_FACT, arena, rule->code, rule->name_vi, "mức giảm mới", TEXT_NONE, rule->legal_basis);
            continue;
        }
        size_t count = reduction_cells(arena, old, left);
        reduction_cells(arena, rule, right);
        cells_compare(out, arena, rule->code, rule->name_vi, left, right, count);
        if (!conditions_same(&old->when, &rule->when))
            add(out, CHANGE_FACT, arena, rule->code, rule->name_vi, "condition", TEXT("cũ"), TEXT("mới"));
    }
    for (size_t i = 0; i < before->reduction_count; i++)
        if (!reduction_find(after, before->reductions[i].code))
            add(out, CHANGE_FACT, arena, before->reductions[i].code, before->reductions[i].name_vi, "mức giảm bị bỏ",
                before->reductions[i].legal_basis, TEXT_NONE);
}

/* ---- procedures ------------------------------------------------------------------------------------------------ */

static struct text fees_text(struct arena *arena, const struct procedure *procedure)
{
    struct buf all = {0};
    for (size_t i = 0; i < procedure->fee_count; i++)
        buf_printf(&all, "%s%.*s%s", i ? ", " : "", TEXT_ARGS(procedure->fees[i]),
                   i < procedure->usual_count ? "" : " (tùy chọn)");
    if (!procedure->fee_count)
        buf_string(&all, "không thu");
    struct text text = arena_text(arena, buf_view(&all));
    buf_done(&all);
    return text;
}

static void procedures_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                               struct catalogue_difference *out)
{
    for (size_t i = 0; i < after->procedure_count; i++) {
        const struct procedure *now = &after->procedures[i], *old = catalogue_procedure(before, now->code);
        struct text was = old ? fees_text(arena, old) : TEXT("chưa có"), is = fees_text(arena, now);
        if (!text_equal(was, is))
            add(out, CHANGE_PROCEDURE, arena, now->code, now->name_vi, old ? "khoản thu" : "thủ tục mới", was, is);
        if (!old)
            continue;
        const struct cell left[] = {{"name_vi", old->name_vi},
                                    {"agency_level", old->agency_level},
                                    {"postal", old->postal}},
                          right[] = {
                              {"name_vi", now->name_vi}, {"agency_level", now->agency_level}, {"postal", now->postal}};
        cells_compare(out, arena, now->code, now->name_vi, left, right, sizeof left / sizeof *left);
    }
    for (size_t i = 0; i < before->procedure_count; i++)
        if (!catalogue_procedure(after, before->procedures[i].code))
            add(out, CHANGE_PROCEDURE, arena, before->procedures[i].code, before->procedures[i].name_vi,
                "thủ tục bị bỏ", fees_text(arena, &before->procedures[i]), TEXT("không còn"));
}

/* ---- categories and named values ------------------------------------------------------------------------------- */

static void categories_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                               struct catalogue_difference *out)
{
    for (size_t i = 0; i < after->category_count; i++) {
        const struct category *now = &after->categories[i];
        int bit = catalogue_category(before, now->code);
        if (bit < 0) {
            add(out, CHANGE_FACT, arena, now->code, now->name_vi, "diện mới", TEXT_NONE, now->legal_basis);
            continue;
        }
        const struct category *old = &before->categories[bit];
        const struct cell left[] = {{"name_vi", old->name_vi},
                                    {"legal_basis", old->legal_basis},
                                    {"evidence_vi", old->evidence_vi}},
                          right[] = {{"name_vi", now->name_vi},
                                     {"legal_basis", now->legal_basis},
                                     {"evidence_vi", now->evidence_vi}};
        cells_compare(out, arena, now->code, now->name_vi, left, right, sizeof left / sizeof *left);
    }
    for (size_t i = 0; i < before->category_count; i++)
        if (catalogue_category(after, before->categories[i].code) < 0)
            add(out, CHANGE_FACT, arena, before->categories[i].code, before->categories[i].name_vi, "diện bị bỏ",
                before->categories[i].legal_basis, TEXT_NONE);
}

static const struct value_row *value_find(const struct catalogue *catalogue, const struct value_row *like)
{
    for (size_t i = 0; i < catalogue->value_count; i++)
        if (catalogue->values[i].valid_from == like->valid_from && text_equal(catalogue->values[i].name, like->name))
            return &catalogue->values[i];
    return NULL;
}

/* What a base salary is, what a collector is, what a dollar was worth: prices and remittances hang on them. */
static void values_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                           struct catalogue_difference *out)
{
    for (size_t i = 0; i < after->value_count; i++) {
        const struct value_row *now = &after->values[i], *old = value_find(before, now);
        if (text_is(now->name, "edition"))
            continue;
        if (!old) {
            add(out, CHANGE_FACT, arena, now->name, now->name, "giá trị mới", TEXT_NONE, now->value);
            continue;
        }
        const struct cell left[] = {{"value", old->value},
                                    {"valid_to", date_text(arena, old->valid_to)},
                                    {"legal_basis", old->legal_basis}},
                          right[] = {{"value", now->value},
                                     {"valid_to", date_text(arena, now->valid_to)},
                                     {"legal_basis", now->legal_basis}};
        cells_compare(out, arena, now->name, now->name, left, right, sizeof left / sizeof *left);
    }
    for (size_t i = 0; i < before->value_count; i++)
        if (!value_find(after, &before->values[i]))
            add(out, CHANGE_FACT, arena, before->values[i].name, before->values[i].name, "giá trị bị bỏ",
                before->values[i].value, TEXT_NONE);
}

void facts_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                   struct catalogue_difference *out)
{
    procedures_compare(before, after, arena, out);
    fees_compare(before, after, arena, out);
    reductions_compare(before, after, arena, out);
    categories_compare(before, after, arena, out);
    values_compare(before, after, arena, out);
}
