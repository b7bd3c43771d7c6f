/* The link of a receipt: its code follows from collector, form, symbol and number by the server's secret, so that the
 * database need not keep it in clear. */
#include "receipts/office.h"

static const struct db_statement key_sql = {
    "receipt_link_key", "SELECT b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number FROM receipt r JOIN "
                        "receipt_book b ON b.id = r.book_id WHERE r.id = $1"};

const char *receipt_link_named(struct arena *arena, struct text key)
{
    char token[TOKEN_TEXT_SIZE];
    uint8_t hash[SHA256_SIZE];
    token_derive("receipt", key, token, hash);
    return office_link(office_in_use(), text_of(token), arena);
}

enum err receipt_link(struct db *db, struct arena *arena, int64_t id, const char **ret_link)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(db, &key_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret_link = receipt_link_named(arena, db_text(&rows, 0, 0));
    return OK;
}
