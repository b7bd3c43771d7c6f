/* Retention (NĐ 254/2026 art. 5, accounting law): kept whole for as long as the law asks, then what names a person is
 * taken out. Number, day, amount, fees, collector, the digest of the signed bytes, log and books stay; the file a
 * citizen kept still verifies, and its digest shows that it was ours. */
#include "receipts/receipts.h"

static const struct db_statement due_sql = {"receipt_erase_due", "SELECT id, xml FROM receipt_erase_due($1, $2)"};
static const struct db_statement erase_sql = {"receipt_erase",
                                              "SELECT receipt_erase($1, $2, $3::bigint[], $4::text[])"};
static const struct db_statement delegated_sql = {"receipt_delegated_erase",
                                                  "SELECT receipt_delegated_erase($1, $2, $3)"};

enum { BATCH = 200, ROUNDS_MAX = 100000 };

/* The same document without a person. */
static enum err without_name(struct text xml, struct arena *arena, struct text *ret_xml)
{
    struct receipt_document document;
    struct faults faults;
    struct buf out = {0};
    faults_init(&faults, arena);
    enum err err = receipt_document_read(xml, &document, &faults);
    if (!err) {
        document.payer = (struct receipt_party){.name = TEXT("(đã xóa)")};
        document.applicant = TEXT_NONE;
        if (document.replaces.issued_on != DATE_NONE)
            document.replaces.reason = TEXT("(đã xóa)"); /* free words, which may hold a name */
        err = receipt_document_write(&document, &out, &faults);
    }
    if (!err)
        *ret_xml = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return err;
}

static enum err erase_batch(struct db *db, struct arena *arena, instant_us at, const char *actor, date_days before,
                            int64_t *ret_count)
{
    int64_t ids[BATCH];
    struct text xmls[BATCH];
    size_t count = 0;
    struct db_rows rows;
    struct db_args args = db_args(arena);
    db_arg_date(&args, before);
    db_arg_int(&args, BATCH);
    enum err err = db_query(db, &due_sql, &args, &rows);
    for (int i = 0; !err && i < rows.count; i++) {
        ids[count] = db_int(&rows, i, 0);
        err = without_name(db_text(&rows, i, 1), arena, &xmls[count++]);
    }
    *ret_count = 0;
    if (err || !count)
        return err;
    args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_int_array(&args, ids, count);
    db_arg_text_array(&args, xmls, count);
    err = db_query(db, &erase_sql, &args, &rows);
    if (!err)
        *ret_count = db_int(&rows, 0, 0);
    return err;
}

enum err receipt_erase_before(struct db *db, instant_us at, const char *actor, date_days before, int64_t *ret_count)
{
    struct arena arena;
    struct db_rows rows;
    int64_t count = 1, all = 0;
    enum err err = OK;
    arena_init(&arena);
    for (int i = 0; i < ROUNDS_MAX && !err && count; i++) {
        err = erase_batch(db, &arena, at, actor, before, &count);
        all += err ? 0 : count;
        arena_reset(&arena);
    }
    struct db_args args = db_args(&arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_date(&args, before);
    if (!err)
        err = db_query(db, &delegated_sql, &args, &rows);
    if (!err)
        *ret_count = all + db_int(&rows, 0, 0);
    arena_done(&arena);
    return err;
}
