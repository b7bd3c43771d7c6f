/* HTTP: the reports, each in four formats. */
#include "reconciliation/desk.h"
#include "reconciliation/report_table.h"

#include <string.h>

static bool format_named(struct text name, enum report_format *ret_format)
{
    static const char *const names[] = {"json", "csv", "xlsx", "pdf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, names[i])) {
            *ret_format = (enum report_format)i;
            return true;
        }
    return false;
}

/* ?format= wins, else what Accept asks for first, else JSON. */
static enum report_format format_wanted(struct request *rq)
{
    struct text name = request_query(rq, "format"), accept = request_header(rq, "Accept");
    enum report_format format = REPORT_JSON;
    if (name.length) {
        if (!format_named(name, &format))
            faults_add(&rq->faults, "/format", ERR_FIELD_VALUE, NULL);
        return format;
    }
    return text_starts(accept, "text/csv")                                                            ? REPORT_CSV
           : text_starts(accept, "application/pdf")                                                   ? REPORT_PDF
           : text_starts(accept, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") ? REPORT_XLSX
                                                                                                      : REPORT_JSON;
}

static date_days date_wanted(struct request *rq, const char *name, const char *pointer)
{
    date_days day = DATE_NONE;
    struct text text = request_query(rq, name);
    if (!date_parse(text, &day))
        faults_add(&rq->faults, pointer, text.at ? ERR_FIELD_FORMAT : ERR_FIELD_MISSING, NULL);
    return day;
}

static enum err report_reply(struct request *rq, enum err err, enum report_format format, struct text bytes)
{
    return err ? reply_error(rq, err) : reply_body(rq, 200, report_media(format), bytes);
}

enum err report_daily_handle(struct request *rq)
{
    enum report_format format = format_wanted(rq);
    date_days day = date_wanted(rq, "date", "/date");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct text bytes = TEXT_NONE;
    enum err err = request_query(rq, "lines").length
                       ? report_daily_lines(rq->db, &rq->arena, day, request_query(rq, "section"),
                                            request_query(rq, "key"), format, &bytes)
                       : report_daily(rq->db, &rq->arena, day, format, &bytes);
    return report_reply(rq, err, format, bytes);
}

static enum err up_to(struct request *rq,
                      enum err (*report)(struct db *, struct arena *, date_days, enum report_format, struct text *))
{
    enum report_format format = format_wanted(rq);
    date_days day = date_wanted(rq, "date", "/date");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct text bytes = TEXT_NONE;
    enum err err = report(rq->db, &rq->arena, day, format, &bytes);
    return report_reply(rq, err, format, bytes);
}

enum err report_treasury_handle(struct request *rq)
{
    return up_to(rq, report_treasury);
}

enum err report_suspense_handle(struct request *rq)
{
    return up_to(rq, report_suspense);
}

typedef enum err (*report_between)(struct db *, struct arena *, date_days, date_days, enum report_format,
                                   struct text *);

/* ?period=2026-11, 2026-Q4 or 2026, else ?from= and ?to=. */
static void days_wanted(struct request *rq, date_days *ret_from, date_days *ret_to)
{
    struct text period = request_query(rq, "period");
    if (period.at) {
        if (!period_parse(period, ret_from, ret_to))
            faults_add(&rq->faults, "/period", ERR_FIELD_FORMAT, NULL);
        return;
    }
    *ret_from = date_wanted(rq, "from", "/from");
    *ret_to = date_wanted(rq, "to", "/to");
    if (!rq->faults.count && *ret_to < *ret_from)
        faults_add(&rq->faults, "/to", ERR_FIELD_RANGE, NULL);
}

/* With lines=1 what stands behind the figures, where a report has such. */
static enum err between(struct request *rq, report_between report, report_between lines)
{
    enum report_format format = format_wanted(rq);
    date_days from = DATE_NONE, to = DATE_NONE;
    days_wanted(rq, &from, &to);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct text bytes = TEXT_NONE;
    report_between wanted = lines && request_query(rq, "lines").length ? lines : report;
    enum err err = wanted(rq->db, &rq->arena, from, to, format, &bytes);
    return report_reply(rq, err, format, bytes);
}

enum err report_collections_handle(struct request *rq)
{
    return between(rq, report_collections, report_period_lines);
}

enum err report_charges_handle(struct request *rq)
{
    return between(rq, report_charges, NULL);
}

enum err report_exemptions_handle(struct request *rq)
{
    return between(rq, report_exemptions, NULL);
}

enum err report_indicators_handle(struct request *rq)
{
    return between(rq, report_indicators, report_indicator_lines);
}

enum err report_postal_handle(struct request *rq)
{
    return between(rq, report_postal, NULL);
}

enum err report_postal_ageing_handle(struct request *rq)
{
    return up_to(rq, report_postal_ageing);
}

enum err report_postal_concerns_handle(struct request *rq)
{
    return up_to(rq, report_postal_concerns);
}

enum err report_breaks_handle(struct request *rq)
{
    enum report_format format = format_wanted(rq);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct text bytes = TEXT_NONE;
    enum err err = report_breaks(rq->db, &rq->arena, format, &bytes);
    return report_reply(rq, err, format, bytes);
}
