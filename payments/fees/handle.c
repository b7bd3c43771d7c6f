/* The routes of this room: all answered from memory, inline on the event loop. */
#include <string.h>
#include "core/http/http.h"
#include "payments/fees/catalogue.h"
#include "payments/fees/quote_memo.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 500, QUERY_MAX = 200, CURSOR_MAX = 200 };

static void drop_later(void *catalogue)
{
    catalogue_drop(catalogue);
}

/* The catalogue in force, held until the exchange is over; NULL when none was loaded. */
static const struct catalogue *in_force(struct request *rq)
{
    struct catalogue *catalogue = catalogue_in_force_hold();
    if (catalogue)
        arena_on_done(&rq->arena, drop_later, catalogue);
    return catalogue;
}

static void write_quote(struct json *json, const void *quote)
{
    quote_write(json, quote);
}

/* Writes the reply and remembers it. Postage is left out: its prices come from another room's data. */
static enum err quote_reply(struct request *rq, const struct catalogue *catalogue, const struct quote *quote)
{
    enum err err = reply_json(rq, 200, write_quote, quote);
    if (!quote->request->postal.length)
        quote_memo_keep(catalogue->memo, quote->quoted_on, rq->body, reply_written(rq));
    return err;
}

enum err fees_quote_handle(struct request *rq)
{
    const struct catalogue *catalogue = in_force(rq);
    if (!catalogue)
        return reply_error(rq, ERR_UNAVAILABLE);
    date_days today = date_of(rq->at);
    struct text remembered;
    if (quote_memo_find(catalogue->memo, today, rq->body, &rq->arena, &remembered))
        return reply_body(rq, 200, "application/json", remembered);

    struct json_fields in;
    struct quote quote;
    struct quote_request *request = ARENA_NEW(&rq->arena, struct quote_request);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err)
        err = quote_request_read(&in, request);
    if (!err)
        err = quote_compute(catalogue, request, today, &rq->arena, &rq->faults, &quote);
    return err ? reply_faults(rq, err) : quote_reply(rq, catalogue, &quote);
}

/* ---- procedures --------------------------------------------------------------------------------------------- */

struct procedure_page {
    const struct catalogue *catalogue;
    date_days today;
    size_t count;
    const struct procedure *list[LIST_MAX];
    struct text next; /* cursor; empty at the end */
};

static const char *const kind_words[] = {"phi", "le_phi", "postal"};
static const char *const document_words[] = {"state_receipt", "invoice_elsewhere", "none", "unset"};

static void write_names(struct json *json, const char *key, const struct formula *f, enum subject subject)
{
    struct text seen[FORMULA_CASES_MAX * WORDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < f->case_count && f->kind == FORMULA_MATRIX; i++)
        for (size_t c = 0; c < f->cases[i].when.count; c++) {
            const struct condition *one = &f->cases[i].when.list[c];
            for (size_t w = 0; one->subject == subject && w < one->word_count; w++) {
                bool known = false;
                for (size_t s = 0; s < count && !known; s++)
                    known = text_equal(seen[s], one->words[w]);
                if (!known && count < sizeof seen / sizeof *seen)
                    seen[count++] = one->words[w];
            }
        }
    for (size_t i = 0; i < f->multiplier_count && subject == SUBJECT_ROLE; i++)
        seen[count++] = f->multipliers[i].name;
    if (!count)
        return;
    json_put_array(json, key);
    for (size_t i = 0; i < count; i++)
        json_put_text(json, NULL, seen[i]);
    json_put_end(json);
}

/* Which quantities the formula may ask for, so that a page can show the right boxes. */
static void write_needs(struct json *json, const struct formula *f)
{
    bool needs[QUANTITY_COUNT] = {false};
    bool by_value = f->kind == FORMULA_BRACKET || f->kind == FORMULA_PERCENT || f->kind == FORMULA_INTERP;
    bool by_count = f->kind == FORMULA_UNIT || f->kind == FORMULA_EXTRA || f->kind == FORMULA_CHANNEL ||
                    f->kind == FORMULA_MATRIX || f->kind == FORMULA_FOREIGN;
    needs[QUANTITY_PAGES] = needs[QUANTITY_COPIES] = f->kind == FORMULA_PAGE;
    if (by_value)
        needs[f->by] = true;
    if (by_count && f->per < QUANTITY_COUNT)
        needs[f->per] = true;
    for (size_t i = 0; i < f->case_count && f->kind == FORMULA_MATRIX; i++) {
        if (f->cases[i].price.share_ppb)
            needs[f->by] = true;
        for (size_t c = 0; c < f->cases[i].when.count; c++)
            if (f->cases[i].when.list[c].subject == SUBJECT_NUMBER)
                needs[f->cases[i].when.list[c].number] = true;
    }
    json_put_array(json, "quantities");
    for (int i = 0; i < QUANTITY_COUNT; i++)
        if (needs[i])
            json_put_string(json, NULL, quantity_names[i]);
    json_put_end(json);
    write_names(json, "area_classes", f, SUBJECT_AREA);
    write_names(json, "legacy_areas", f, SUBJECT_LEGACY);
    write_names(json, "roles", f, SUBJECT_ROLE);
}

static const char *price_state(enum formula_kind kind)
{
    switch (kind) {
    case FORMULA_LOCAL: return "set_by_peoples_council";
    case FORMULA_UNSET: return "unset";
    case FORMULA_ABOLISHED: return "abolished";
    default: return "set";
    }
}

static void write_reduction(struct json *json, const struct reduction *rule)
{
    char rate[QUOTE_RATE_SIZE];
    quote_rate_write(rule->rate == RATE_UNSET ? 0 : rule->rate, rate);
    json_put_object(json, NULL);
    json_put_text(json, "name", rule->name_vi);
    json_put_text(json, "name_en", rule->name_en);
    json_put_string(json, "rate", rule->rate == RATE_UNSET ? NULL : rate);
    json_put_array(json, "beneficiary_categories");
    for (size_t i = 0; i < rule->category_words.count; i++)
        json_put_text(json, NULL, rule->category_words.list[i]);
    json_put_end(json);
    json_put_array(json, "channels");
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (rule->channels & 1u << i)
            json_put_string(json, NULL, channel_names[i]);
    json_put_end(json);
    json_put_date(json, "valid_from", rule->valid_from);
    json_put_date(json, "valid_to", rule->valid_to);
    json_put_text(json, "legal_basis", rule->legal_basis);
    json_put_text_or_null(json, "evidence", rule->evidence_vi);
    json_put_text_or_null(json, "evidence_en", rule->evidence_en);
    json_put_end(json);
}

static void write_fee(struct json *json, const struct procedure_page *page, const struct procedure *procedure,
                      size_t index)
{
    const struct fee_entry *entry = catalogue_entry(page->catalogue, procedure->fees[index]);
    const struct fee *fee = fee_entry_on(entry, page->today);
    if (!fee)
        return;
    json_put_object(json, NULL);
    json_put_text(json, "fee", fee->code);
    json_put_text(json, "name", fee->name_vi);
    json_put_text(json, "name_en", fee->name_en);
    json_put_string(json, "kind", kind_words[fee->kind]);
    json_put_bool(json, "usual", index < procedure->usual_count);
    json_put_string(json, "price", price_state(fee->formula->kind));
    json_put_text(json, "formula", fee->formula_text);
    json_put_text_or_null(json, "unit", fee->unit_vi);
    write_needs(json, fee->formula);
    json_put_text(json, "legal_basis", fee->legal_basis);
    json_put_date(json, "valid_from", fee->valid_from);
    json_put_date(json, "valid_to", fee->valid_to);
    json_put_text_or_null(json, "collector", fee->collector);
    json_put_string(json, "document", document_words[fee->document]);
    json_put_array(json, "reductions");
    for (size_t i = 0; i < entry->reduction_count; i++)
        if (entry->reductions[i]->valid_to == DATE_NONE || entry->reductions[i]->valid_to >= page->today)
            write_reduction(json, entry->reductions[i]);
    json_put_end(json);
    json_put_end(json);
}

static void write_procedure(struct json *json, const struct procedure_page *page, const struct procedure *procedure)
{
    json_put_object(json, NULL);
    json_put_text(json, "code", procedure->code);
    json_put_text(json, "name", procedure->name_vi);
    json_put_text(json, "name_en", procedure->name_en);
    json_put_text_or_null(json, "agency_level", procedure->agency_level);
    json_put_text_or_null(json, "postal", procedure->postal);
    json_put_array(json, "fees");
    for (size_t i = 0; i < procedure->fee_count; i++)
        write_fee(json, page, procedure, i);
    json_put_end(json);
    json_put_string(json, "catalogue_version", catalogue_version(page->catalogue));
    json_put_end(json);
}

static void write_page(struct json *json, const void *what)
{
    const struct procedure_page *page = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (size_t i = 0; i < page->count; i++)
        write_procedure(json, page, page->list[i]);
    json_put_end(json);
    json_put_text_or_null(json, "next_cursor", page->next);
    json_put_end(json);
}

static void write_one(struct json *json, const void *what)
{
    const struct procedure_page *page = what;
    write_procedure(json, page, page->list[0]);
}

/* Every word of the query occurs in the procedure's key: order and marks do not matter. */
static bool key_has(const char *key, const char *words)
{
    struct text left = text_of(words), whole = text_of(key);
    while (left.length) {
        struct text rest, word = text_until(left, ' ', &rest);
        if (word.length && text_find(whole, word) == whole.length)
            return false;
        left = rest;
    }
    return true;
}

/* The cursor is the code after which the next page begins; opaque to the caller. */
static bool cursor_read(struct request *rq, struct text *ret_code)
{
    struct text cursor = request_query(rq, "cursor");
    struct buf code = {0};
    if (!cursor.length)
        return true;
    bool good = cursor.length <= CURSOR_MAX && base64_decode(cursor, &code) && code.length > 0;
    if (good)
        *ret_code = arena_text(&rq->arena, buf_view(&code));
    buf_done(&code);
    return good;
}

enum err fees_procedures_handle(struct request *rq)
{
    const struct catalogue *catalogue = in_force(rq);
    if (!catalogue)
        return reply_error(rq, ERR_UNAVAILABLE);
    struct text query = request_query(rq, "query"), limit_text = request_query(rq, "limit"), after = TEXT_NONE;
    int64_t limit = LIST_DEFAULT;
    if (limit_text.at && (!text_to_int64(limit_text, &limit) || limit < 1 || limit > LIST_MAX))
        faults_add(&rq->faults, "limit", ERR_FIELD_RANGE, "Phải từ 1 đến %d", LIST_MAX);
    if (query.length > QUERY_MAX)
        faults_add(&rq->faults, "query", ERR_FIELD_LENGTH, "Tối đa %d byte", QUERY_MAX);
    if (!cursor_read(rq, &after))
        faults_add(&rq->faults, "cursor", ERR_FIELD_FORMAT, NULL);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);

    char words[QUERY_MAX + 1];
    struct procedure_page *page = ARENA_NEW(&rq->arena, struct procedure_page);
    text_to_key(query, words, sizeof words);
    page->catalogue = catalogue;
    page->today = date_of(rq->at);
    for (size_t i = 0; i < catalogue_procedure_count(catalogue); i++) {
        const struct procedure *procedure = catalogue_procedure_at(catalogue, i);
        if ((after.length && text_compare(procedure->code, after) <= 0) || !key_has(procedure->key, words))
            continue;
        if (page->count == (size_t)limit) {
            struct buf cursor = {0};
            struct text last = page->list[page->count - 1]->code;
            base64url_encode(last.at, last.length, &cursor);
            page->next = arena_text(&rq->arena, buf_view(&cursor));
            buf_done(&cursor);
            break;
        }
        page->list[page->count++] = procedure;
    }
    return reply_json(rq, 200, write_page, page);
}

enum err fees_procedure_handle(struct request *rq)
{
    const struct catalogue *catalogue = in_force(rq);
    if (!catalogue)
        return reply_error(rq, ERR_UNAVAILABLE);
    const struct procedure *procedure = catalogue_procedure(catalogue, request_capture(rq, "code"));
    if (!procedure)
        return reply_error(rq, ERR_NOT_FOUND);
    struct procedure_page *page = ARENA_NEW(&rq->arena, struct procedure_page);
    page->catalogue = catalogue;
    page->today = date_of(rq->at);
    page->list[page->count++] = procedure;
    return reply_json(rq, 200, write_one, page);
}
