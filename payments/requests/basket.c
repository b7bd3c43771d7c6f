/* Baskets: several requests under one reference. What a basket owes is what its requests lack, told by the database. */
#include "payments/requests/request_parts.h"

#define COLUMNS                                                                                                        \
    "SELECT b.id, b.reference, basket_status(b, $2), (SELECT sum(r.amount) FROM basket_item i JOIN payment_request r"  \
    " ON r.id = i.request_id WHERE i.basket_id = b.id)::bigint, basket_due(b.id), basket_held(b.id), b.created_at,"    \
    " b.expires_at, a.bank_bin, a.account_number, a.account_name"                                                      \
    " FROM payment_basket b JOIN receiving_account a ON a.id = b.account_id "
static const struct db_statement find_sql = {"basket_find", COLUMNS "WHERE b.id = $1"};
static const struct db_statement by_token_sql = {"basket_by_token", COLUMNS "WHERE b.token_hash = $1::bytea"};
static const struct db_statement items_sql = {
    "basket_items",
    "SELECT r.id, r.reference, r.dossier, r.amount, request_lacks(r), r.status, d.procedure"
    " FROM basket_item i JOIN payment_request r ON r.id = i.request_id JOIN dossier d ON d.code = r.dossier"
    " WHERE i.basket_id = $1 ORDER BY i.ordinal"};
static const struct db_statement choose_sql = {"basket_choose", "SELECT basket_choose($1, $2, $3::bigint[], $4)"};

static enum err one(struct db *db, struct arena *arena, const struct db_statement *statement,
                    const struct db_args *args, struct basket *ret)
{
    struct db_rows rows;
    enum err err = db_query(db, statement, args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret = (struct basket){.arena = arena,
                           .id = db_int(&rows, 0, 0),
                           .reference = db_text(&rows, 0, 1),
                           .status = db_text(&rows, 0, 2),
                           .total = db_int(&rows, 0, 3),
                           .due = db_int(&rows, 0, 4),
                           .held = db_int(&rows, 0, 5),
                           .created_at = db_instant(&rows, 0, 6),
                           .expires_at = db_instant(&rows, 0, 7)};
    bool open = text_is(ret->status, "pending") || text_is(ret->status, "partly_paid");
    ret->as_request = (struct payment_request){.reference = ret->reference,
                                               .status = !open       ? REQUEST_CANCELLED
                                                         : ret->held ? REQUEST_PARTLY_PAID
                                                                     : REQUEST_PENDING,
                                               .amount = ret->due,
                                               .allocated = ret->held,
                                               .expires_at = ret->expires_at,
                                               .bank_bin = db_text(&rows, 0, 8),
                                               .account_number = db_text(&rows, 0, 9),
                                               .account_name = db_text(&rows, 0, 10)};
    struct db_args of = db_args(arena);
    db_arg_int(&of, ret->id);
    return db_query(db, &items_sql, &of, &ret->items);
}

enum err basket_find(struct db *db, struct arena *arena, int64_t id, instant_us at, struct basket *ret_basket)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, id);
    db_arg_instant(&args, at);
    return one(db, arena, &find_sql, &args, ret_basket);
}

enum err basket_by_token(struct db *db, struct arena *arena, struct text token, instant_us at,
                         struct basket *ret_basket)
{
    uint8_t hash[SHA256_SIZE];
    if (!token_hash(token, hash))
        return ERR_NOT_FOUND;
    struct db_args args = db_args(arena);
    db_arg_bytes(&args, hash, sizeof hash);
    db_arg_instant(&args, at);
    return one(db, arena, &by_token_sql, &args, ret_basket);
}

enum err basket_choose(struct db *db, struct arena *arena, int64_t id, const int64_t *requests, size_t count,
                       const char *actor, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_int_array(&args, requests, count);
    db_arg_string(&args, actor);
    struct db_rows rows;
    enum err err = db_query(db, &choose_sql, &args, &rows);
    if (err)
        return err;
    struct text told = db_text(&rows, 0, 0);
    return text_is(told, "settled")    ? OK
           : text_is(told, "not_here") ? ERR_REQUEST_UNKNOWN
           : text_is(told, "no_money") ? ERR_BASKET_NO_MONEY
           : text_is(told, "too_much") ? ERR_BASKET_TOO_MUCH
                                       : ERR_NOT_FOUND;
}

void basket_write(struct json *json, const void *what)
{
    const struct basket *b = what;
    json_put_object(json, NULL);
    json_put_int(json, "id", b->id);
    json_put_text(json, "reference", b->reference);
    json_put_int(json, "amount", b->total);
    json_put_string(json, "currency", "VND");
    json_put_text(json, "status", b->status);
    json_put_int(json, "due", b->due);
    json_put_int(json, "held", b->held);
    json_put_int(json, "missing", b->due > b->held ? b->due - b->held : 0);
    json_put_instant(json, "created_at", b->created_at);
    json_put_instant(json, "expires_at", b->expires_at);
    char token[TOKEN_TEXT_SIZE];
    payment_request_token(&b->as_request, token);
    json_put_text(json, "pay_url", text_of(payment_request_url(b->arena, &b->as_request)));
    request_vietqr_write(json, &b->as_request, token, b->status);
    json_put_array(json, "requests");
    for (int i = 0; i < b->items.count; i++) {
        json_put_object(json, NULL);
        json_put_int(json, "id", db_int(&b->items, i, 0));
        json_put_text(json, "reference", db_text(&b->items, i, 1));
        json_put_text(json, "dossier", db_text(&b->items, i, 2));
        json_put_int(json, "amount", db_int(&b->items, i, 3));
        json_put_int(json, "missing", db_int(&b->items, i, 4));
        json_put_text(json, "status", db_text(&b->items, i, 5));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_end(json);
}
