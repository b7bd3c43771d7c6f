#include "app/pages/quote_view.h"

#include <string.h>

enum { LINES_SHOWN_MAX = 60 };

static struct text string_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT_NONE;
}

static json_t *parse(struct page *page, struct text quote_json)
{
    json_t *quote = NULL;
    struct faults *faults = ARENA_NEW(page->arena, struct faults);
    faults_init(faults, page->arena);
    return json_parse_value(quote_json, &quote, faults) ? NULL : quote;
}

/* Reductions that count, unless the explanation told of them already. */
static void put_reductions(struct page *page, const json_t *line, struct text explanation)
{
    size_t index;
    json_t *reduction;
    json_array_foreach(json_object_get(line, "reductions"), index, reduction)
    {
        struct text reason = string_of(reduction, "reason"), basis = string_of(reduction, "legal_basis");
        if (!json_is_true(json_object_get(reduction, "applied")) || text_find(explanation, reason) < explanation.length)
            continue;
        html(page->out, "<p class=\"less\">%s %s: %.*s <span class=\"basis\">(%.*s)</span></p>\n",
             say(page, "Được giảm", "Reduced by"),
             say_money(page, json_integer_value(json_object_get(reduction, "amount"))), TEXT_ARGS(reason),
             TEXT_ARGS(basis));
    }
}

static const char *kind_words(const struct page *page, struct text kind)
{
    if (text_is(kind, "le_phi"))
        return say(page, "Lệ phí", "Charge");
    return text_is(kind, "postal") ? say(page, "Cước bưu chính", "Postage") : say(page, "Phí", "Fee");
}

static void put_line(struct page *page, const json_t *line)
{
    struct text explanation = string_of(
        line, page->language == PAGE_EN && json_object_get(line, "explanation_en") ? "explanation_en" : "explanation");
    struct text basis = string_of(line, "legal_basis"), name = string_of(line, "name");
    const char *kind = kind_words(page, string_of(line, "kind"));
    html(page->out, "<li><div class=\"fee\"><span>");
    if (!text_starts(name, kind))
        html(page->out, "<span class=\"kind\">%s:</span> ", kind);
    html(page->out, "%.*s</span>", TEXT_ARGS(name));
    html(page->out, "<b class=\"sum\">%s</b></div>\n",
         say_money(page, json_integer_value(json_object_get(line, "net"))));
    html(page->out, "<p class=\"why\">%.*s</p>\n", TEXT_ARGS(explanation));
    if (basis.length && text_find(explanation, basis) == explanation.length)
        html(page->out, "<p class=\"basis\">%s: %.*s</p>\n", say(page, "Căn cứ", "Legal basis"), TEXT_ARGS(basis));
    put_reductions(page, line, explanation);
    html(page->out, "</li>\n");
}

void quote_view(struct page *page, struct text quote_json)
{
    json_t *quote = parse(page, quote_json), *line;
    size_t index;
    if (!quote) {
        html(page->out, "<p>%s</p>\n", say(page, "Chưa đọc được các khoản thu.", "The fee lines cannot be shown now."));
        return;
    }
    html(page->out, "<ul class=\"fees\">\n");
    json_array_foreach(json_object_get(quote, "lines"), index, line)
    {
        if (index < LINES_SHOWN_MAX)
            put_line(page, line);
    }
    html(page->out, "</ul>\n<p class=\"fee total\"><span>%s</span><b class=\"sum\">%s</b></p>\n",
         say(page, "Tổng cộng", "Total"), say_money(page, json_integer_value(json_object_get(quote, "total"))));
}

bool quote_view_reduced(struct page *page, struct text quote_json)
{
    json_t *quote = parse(page, quote_json), *line;
    size_t index, inner;
    json_t *reduction;
    json_array_foreach(json_object_get(quote, "lines"), index, line)
    {
        json_array_foreach(json_object_get(line, "reductions"), inner, reduction)
        {
            if (json_is_true(json_object_get(reduction, "applied")))
                return true;
        }
    }
    return false;
}
