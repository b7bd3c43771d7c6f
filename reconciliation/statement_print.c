/* Events as JSON. */
#include "reconciliation/statement_print.h"

enum {
    OUTPUT_FLUSH = 64 * 1024,
    WARNINGS_MAX = 10000, /* kept in memory until the end; further ones are counted */
};

void statement_printer_flush(struct printer *p)
{
    fwrite(p->out.at, 1, p->out.length, p->to);
    buf_clear(&p->out);
}

static void print_begin(void *with, const struct statement_head *head)
{
    struct printer *p = with;
    struct json *json = &p->json;
    json_put_object(json, NULL);
    json_put_text(json, "account", head->account);
    json_put_text_or_null(json, "currency", head->currency);
    json_put_text(json, "number", head->number);
    if (head->profile.length)
        json_put_text(json, "profile", head->profile);
    p->has_opening = head->has_opening;
    if (head->has_opening)
        json_put_int(json, "opening", head->opening);
    json_put_array(json, "lines");
}

static void print_date(struct printer *p, const char *key, int slot, date_days date)
{
    if (date == DATE_NONE) {
        json_put_null(&p->json, key);
        return;
    }
    if (p->date[slot] != date || !p->date_text[slot][0])
        date_format(date, p->date_text[slot]);
    p->date[slot] = date;
    json_put_string(&p->json, key, p->date_text[slot]);
}

static void print_line(void *with, const struct statement_line *line)
{
    struct printer *p = with;
    struct json *json = &p->json;
    json_put_object(json, NULL);
    print_date(p, "booked_on", 0, line->booked_on);
    print_date(p, "value_on", 1, line->value_on);
    json_put_int(json, "amount", line->amount);
    json_put_bool(json, "reversal", line->reversal);
    json_put_text(json, "bank_reference", line->bank_reference);
    json_put_text(json, "customer_reference", line->customer_reference);
    json_put_text(json, "counterparty", line->counterparty);
    json_put_text(json, "counterparty_account", line->counterparty_account);
    json_put_text(json, "memo", line->memo);
    if (line->supplementary.length)
        json_put_text(json, "supplementary", line->supplementary);
    json_put_end(json);
    if (p->out.length > OUTPUT_FLUSH)
        statement_printer_flush(p);
}

static void print_end(void *with, const struct statement_tail *tail)
{
    struct printer *p = with;
    struct json *json = &p->json;
    json_put_end(json);
    if (!p->has_opening && tail->has_opening) /* it stood behind the lines */
        json_put_int(json, "opening", tail->opening);
    else if (!p->has_opening)
        json_put_null(json, "opening");
    if (tail->has_closing)
        json_put_int(json, "closing", tail->closing);
    else
        json_put_null(json, "closing");
    json_put_bool(json, "complete", tail->complete);
    json_put_end(json);
}

static void print_warning(void *with, const struct statement_warning *warning)
{
    struct printer *p = with;
    snprintf(p->last, sizeof p->last, "line %d: %s: %s", warning->line, warning->code, warning->detail);
    if (p->warning_count++ >= WARNINGS_MAX)
        return;
    if (p->warnings.length)
        buf_char(&p->warnings, ',');
    struct json json = json_to(&p->warnings);
    json_put_object(&json, NULL);
    json_put_int(&json, "line", warning->line);
    json_put_string(&json, "code", warning->code);
    json_put_string(&json, "detail", warning->detail);
    json_put_end(&json);
}

/* ---- settlements ------------------------------------------------------------------------------------------------- */

static void put_date(struct json *json, const char *key, date_days date)
{
    if (date == DATE_NONE)
        json_put_null(json, key);
    else
        json_put_date(json, key, date);
}

static void print_settlement_begin(void *with, const struct settlement_head *head)
{
    struct printer *p = with;
    if (p->settlements.length)
        buf_char(&p->settlements, ',');
    p->settlement = json_to(&p->settlements);
    struct json *json = &p->settlement;
    json_put_object(json, NULL);
    json_put_string(json, "kind", settlement_kind_name(head->kind));
    json_put_text(json, "issuer", head->issuer);
    json_put_text(json, "profile", head->profile);
    json_put_text(json, "number", head->number);
    json_put_text(json, "account", head->account);
    json_put_text(json, "currency", head->currency);
    put_date(json, "from", head->from);
    put_date(json, "to", head->to);
    json_put_array(json, "lines");
}

static void put_if_said(struct json *json, const char *key, struct text text)
{
    if (text.length)
        json_put_text(json, key, text);
}

static void print_settlement_line(void *with, const struct settlement_line *line)
{
    static const char *const status[] = {"paid", "failed", "unsaid"}, *const operation[] = {"payment", "void", "other"};
    struct printer *p = with;
    struct json *json = &p->settlement;
    json_put_object(json, NULL);
    json_put_text(json, "external_id", line->external_id);
    json_put_text(json, "order", line->order);
    json_put_string(json, "status", status[line->status]);
    json_put_string(json, "operation", operation[line->operation]);
    put_date(json, "paid_on", line->paid_on);
    if (line->paid_at_s >= 0)
        json_put_textf(json, "paid_at", "%02d:%02d:%02d", line->paid_at_s / 3600, line->paid_at_s / 60 % 60,
                       line->paid_at_s % 60);
    put_date(json, "settled_on", line->settled_on);
    json_put_int(json, "table", line->table);
    json_put_int(json, "gross", line->gross);
    json_put_int(json, "discount", line->discount);
    json_put_int(json, "fee", line->fee);
    json_put_int(json, "net", line->net);
    put_if_said(json, "batch", line->batch);
    put_if_said(json, "trace", line->trace);
    put_if_said(json, "approval", line->approval);
    put_if_said(json, "terminal", line->terminal);
    put_if_said(json, "store", line->store);
    put_if_said(json, "account", line->account);
    put_if_said(json, "method", line->method);
    put_if_said(json, "memo", line->memo);
    json_put_end(json);
}

static void print_settlement_end(void *with, const struct settlement_tail *tail)
{
    struct printer *p = with;
    struct json *json = &p->settlement;
    json_put_end(json);
    json_put_int(json, "gross", tail->gross);
    json_put_int(json, "discount", tail->discount);
    json_put_int(json, "fee", tail->fee);
    json_put_int(json, "net", tail->net);
    if (tail->has_credit)
        json_put_int(json, "credit", tail->credit);
    else
        json_put_null(json, "credit");
    json_put_int(json, "failed", tail->failed);
    json_put_int(json, "unsaid", tail->unsaid);
    json_put_bool(json, "complete", tail->complete);
    json_put_end(json);
}

struct statement_sink statement_printer_sink(struct printer *printer)
{
    return (struct statement_sink){printer,
                                   print_begin,
                                   print_line,
                                   print_end,
                                   print_warning,
                                   print_settlement_begin,
                                   print_settlement_line,
                                   print_settlement_end};
}

void statement_printer_end(struct printer *p)
{
    json_put_end(&p->json);
    if (p->settlements.length) {
        json_put_array(&p->json, "settlements");
        json_put_raw(&p->json, NULL, buf_view(&p->settlements));
        json_put_end(&p->json);
    }
    json_put_array(&p->json, "warnings");
    if (p->warnings.length)
        json_put_raw(&p->json, NULL, buf_view(&p->warnings));
    json_put_end(&p->json);
    if (p->warning_count > WARNINGS_MAX)
        json_put_int(&p->json, "warnings_dropped", p->warning_count - WARNINGS_MAX);
    json_put_end(&p->json);
}

void statement_printer_done(struct printer *p)
{
    buf_done(&p->out);
    buf_done(&p->warnings);
    buf_done(&p->settlements);
}
