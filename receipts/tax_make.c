/* Making the day's summary: every signed receipt of the day, from its own bytes, and what delegates told. A summary
 * that says what the newest one says already is not made; another content is the next amendment and restates the whole
 * day, so that the newest one alone is the truth. */
#include "receipts/tax.h"

#include "receipts/tax_profile.h"

static const struct db_statement rows_sql = {
    "tax_summary_rows", "SELECT form, symbol, number, issued_on, collected_on, xml, fee_names, amount, replaces_form, "
                        "replaces_symbol, replaces_number, delegate FROM tax_summary_rows($1, $2)"};
static const struct db_statement next_sql = {"tax_message_next",
                                             "SELECT ordinal, content FROM tax_message_next($1, $2, $3)"};
static const struct db_statement make_sql = {"tax_message_make",
                                             "SELECT tax_message_make($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
static const struct db_statement name_sql = {"tax_collector_name",
                                             "SELECT name_vi FROM agency WHERE tax_code = $1 ORDER BY code LIMIT 1"};

enum { MAKE_DEADLINE_US = 60 * 1000 * 1000 };

struct making {
    struct arena *arena;
    instant_us at;
    const char *actor;
    struct tax_summary summary;
    struct tax_row *rows;
    int64_t message;
};

static struct text remark_of(struct making *m, const struct db_rows *rows, int i)
{
    date_days collected = db_date(rows, i, 4);
    struct buf words = {0};
    if (collected != DATE_NONE && collected != db_date(rows, i, 3)) {
        char day[DATE_TEXT_SIZE];
        date_format_vi(collected, day);
        buf_printf(&words, "Ngày thu %s", day);
    }
    if (!db_null(rows, i, 11))
        buf_printf(&words, "%sĐơn vị được ủy nhiệm: %.*s", words.length ? "; " : "", TEXT_ARGS(db_text(rows, i, 11)));
    struct text remark = arena_text(m->arena, buf_view(&words));
    buf_done(&words);
    return remark;
}

static enum err add_receipt(struct making *m, const struct db_rows *rows, int i)
{
    struct tax_row row = {.form = db_text(rows, i, 0),
                          .symbol = db_text(rows, i, 1),
                          .number = db_int(rows, i, 2),
                          .issued_on = db_date(rows, i, 3),
                          .fee_name = db_text(rows, i, 6),
                          .amount = db_int(rows, i, 7),
                          .replaces_form = db_text(rows, i, 8),
                          .replaces_symbol = db_text(rows, i, 9),
                          .replaces_number = db_int(rows, i, 10),
                          .remark = remark_of(m, rows, i)};
    struct receipt_document document = {.line_count = 0};
    if (!db_null(rows, i, 5)) {
        struct faults faults;
        faults_init(&faults, m->arena);
        enum err err = receipt_document_read(db_text(rows, i, 5), &document, &faults);
        if (err)
            return ERR_INVALID;
        row.explanation = document.replaces.issued_on == DATE_NONE ? TEXT_NONE : document.replaces.reason;
    }
    size_t fees = document.line_count ? document.line_count : 1;
    if (m->summary.count + fees > TAX_ROWS_MAX)
        return ERR_BODY_TOO_LARGE;
    for (size_t k = 0; k < fees; k++) {
        struct tax_row *next = &m->rows[m->summary.count++];
        *next = row;
        if (document.line_count) {
            next->fee_name = document.lines[k].name;
            next->amount = document.lines[k].amount;
        }
    }
    return OK;
}

static enum err message_make(struct db *db, const struct making *m, const char *kind, const char *form,
                             struct text collector, date_days day, int64_t ordinal, const uint8_t digest[SHA256_SIZE],
                             int64_t lines, int64_t amount, struct text xml, int64_t *ret_message)
{
    struct db_args args = db_args(m->arena);
    struct db_rows rows;
    db_arg_instant(&args, m->at);
    db_arg_string(&args, m->actor);
    db_arg_string(&args, kind);
    db_arg_string(&args, form);
    db_arg_text(&args, collector);
    db_arg_date(&args, day);
    db_arg_int(&args, ordinal);
    db_arg_bytes(&args, digest, SHA256_SIZE);
    db_arg_int(&args, lines);
    db_arg_int(&args, amount);
    db_arg_text(&args, xml);
    enum err err = db_query(db, &make_sql, &args, &rows);
    if (!err)
        *ret_message = db_int(&rows, 0, 0);
    return err;
}

static enum err next_of(struct db *db, const struct making *m, const char *kind, struct text collector, date_days day,
                        struct db_rows *ret_rows)
{
    struct db_args args = db_args(m->arena);
    db_arg_string(&args, kind);
    db_arg_text(&args, collector);
    db_arg_date(&args, day);
    return db_query(db, &next_sql, &args, ret_rows);
}

static struct text name_of(struct db *db, struct arena *arena, struct text collector)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, collector);
    return db_query(db, &name_sql, &args, &rows) || !rows.count ? TEXT_NONE : db_text(&rows, 0, 0);
}

static enum err make_summary(struct db *db, void *with)
{
    struct making *m = with;
    struct db_rows next, rows;
    struct db_args args = db_args(m->arena);
    m->summary.count = 0;
    m->message = 0;
    enum err err = next_of(db, m, "summary", m->summary.collector, m->summary.day, &next);
    db_arg_text(&args, m->summary.collector);
    db_arg_date(&args, m->summary.day);
    if (!err)
        err = db_query(db, &rows_sql, &args, &rows);
    for (int i = 0; !err && i < rows.count; i++)
        err = add_receipt(m, &rows, i);
    if (err || !m->summary.count)
        return err;
    uint8_t digest[SHA256_SIZE];
    tax_summary_digest(&m->summary, digest);
    struct text before = db_null(&next, 0, 1) ? TEXT_NONE : db_bytes(&next, 0, 1, m->arena);
    if (text_equal(before, (struct text){(const char *)digest, SHA256_SIZE}))
        return OK;
    m->summary.ordinal = db_int(&next, 0, 0);
    m->summary.collector_name = name_of(db, m->arena, m->summary.collector);
    struct buf xml = {0};
    int64_t amount = 0;
    for (size_t i = 0; i < m->summary.count; i++)
        amount += m->summary.rows[i].amount;
    tax_summary_write(&m->summary, m->arena, &xml);
    err = message_make(db, m, "summary", TAX_FORM_SUMMARY, m->summary.collector, m->summary.day, m->summary.ordinal,
                       digest, (int64_t)m->summary.count, amount, arena_text(m->arena, buf_view(&xml)), &m->message);
    buf_done(&xml);
    return err;
}

enum err tax_summary_make(struct db *db, struct arena *arena, instant_us at, const char *actor, struct text collector,
                          date_days day, int64_t *ret_message)
{
    struct making m = {.arena = arena, .at = at, .actor = actor};
    m.rows = ARENA_ARRAY(arena, struct tax_row, TAX_ROWS_MAX);
    m.summary = (struct tax_summary){.collector = collector, .day = day, .made_on = date_of(at), .rows = m.rows};
    enum err err = db_transact(db, clock_monotonic_us() + MAKE_DEADLINE_US, make_summary, &m);
    if (!err)
        *ret_message = m.message;
    return err;
}

enum err tax_notice_make(struct db *db, struct arena *arena, instant_us at, const char *actor,
                         struct tax_notice *notice, int64_t *ret_message)
{
    struct making m = {.arena = arena, .at = at, .actor = actor};
    struct db_rows next;
    notice->made_on = date_of(at);
    enum err err = next_of(db, &m, "error_notice", notice->collector, notice->made_on, &next);
    if (err)
        return err;
    notice->ordinal = db_int(&next, 0, 0);
    struct buf xml = {0};
    uint8_t digest[SHA256_SIZE];
    tax_notice_write(notice, arena, &xml);
    crypto_sha256(buf_view(&xml), digest);
    err = message_make(db, &m, "error_notice", TAX_FORM_NOTICE, notice->collector, notice->made_on, notice->ordinal,
                       digest, 1, 0, arena_text(arena, buf_view(&xml)), ret_message);
    buf_done(&xml);
    return err;
}
