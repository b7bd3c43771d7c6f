/* Parcels in the database. */
#include <string.h>
#include "postal/room.h"

enum { CODE_SIZE = 20 };

#define PARCEL_COLUMNS                                                                                                 \
    "id, code, carrier, dossier, direction, state, status, item, carrier_id, problem, settlement, wish, weight_g, "    \
    "collect, quoted, fee, collected_paid, status_at, created_at, changed_at"

static const struct db_statement find_sql = {"parcel_find", "SELECT " PARCEL_COLUMNS " FROM parcel WHERE id = $1"};
static const struct db_statement item_sql = {"parcel_by_item", "SELECT " PARCEL_COLUMNS " FROM parcel WHERE item = $1"};
static const struct db_statement want_sql = {"parcel_want",
                                             "SELECT parcel_want($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
static const struct db_statement learn_sql = {"parcel_learn", "SELECT parcel_learn($1, $2, $3, $4, $5, $6, $7, $8)"};

static int64_t int_or_none(const struct db_rows *rows, int column)
{
    return db_null(rows, 0, column) ? -1 : db_int(rows, 0, column);
}

static enum err parcel_read(struct db *db, const struct db_statement *statement, const struct db_args *args,
                            struct parcel *ret)
{
    struct db_rows rows;
    enum err err = db_query(db, statement, args, &rows);
    if (err)
        return err;
    if (!rows.count)
        return ERR_NOT_FOUND;
    *ret = (struct parcel){.id = db_int(&rows, 0, 0),
                           .code = db_text(&rows, 0, 1),
                           .carrier = db_text(&rows, 0, 2),
                           .dossier = db_text(&rows, 0, 3),
                           .direction = db_text(&rows, 0, 4),
                           .state = db_text(&rows, 0, 5),
                           .status = db_text(&rows, 0, 6),
                           .item = db_text(&rows, 0, 7),
                           .carrier_id = db_text(&rows, 0, 8),
                           .problem = db_text(&rows, 0, 9),
                           .settlement = db_text(&rows, 0, 10),
                           .wish = db_text(&rows, 0, 11),
                           .weight_g = db_int(&rows, 0, 12),
                           .collect = db_int(&rows, 0, 13),
                           .quoted = int_or_none(&rows, 14),
                           .fee = int_or_none(&rows, 15),
                           .collected_paid = int_or_none(&rows, 16),
                           .status_at = db_instant(&rows, 0, 17),
                           .created_at = db_instant(&rows, 0, 18),
                           .changed_at = db_instant(&rows, 0, 19)};
    return OK;
}

enum err parcel_find(struct db *db, struct arena *arena, int64_t id, struct parcel *ret_parcel)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, id);
    return parcel_read(db, &find_sql, &args, ret_parcel);
}

enum err parcel_by_item(struct db *db, struct arena *arena, struct text item, struct parcel *ret_parcel)
{
    struct db_args args = db_args(arena);
    db_arg_text(&args, item);
    return parcel_read(db, &item_sql, &args, ret_parcel);
}

/* Our code at the carrier: 80 random bits, so that "do you have it?" can only mean this attempt. */
static struct text code_make(struct arena *arena)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t random[16];
    char code[CODE_SIZE + 1] = "LP";
    crypto_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        code[2 + i] = alphabet[random[i] & 31];
    code[2 + sizeof random] = '\0';
    return arena_text(arena, text_of(code));
}

enum err parcel_want(struct db *db, struct arena *arena, instant_us at, const char *actor,
                     const struct carrier_order *order, const char *carrier, struct text dossier, const char *direction,
                     int64_t quoted, int64_t *ret_id)
{
    struct buf wish = {0};
    struct json json = json_to(&wish);
    order_write(&json, order);
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, code_make(arena));
    db_arg_string(&args, carrier);
    db_arg_text(&args, dossier);
    db_arg_string(&args, direction);
    db_arg_text(&args, arena_text(arena, buf_view(&wish)));
    db_arg_int(&args, order->weight_g);
    db_arg_int(&args, order->collect);
    db_arg_int(&args, quoted);
    buf_done(&wish);
    struct db_rows rows;
    enum err err = db_query(db, &want_sql, &args, &rows);
    if (err == ERR_CONFLICT && !strcmp(db_sqlstate(db), "23503"))
        return ERR_DOSSIER_UNKNOWN;
    if (!err && db_null(&rows, 0, 0))
        err = ERR_CONFLICT;
    else if (!err && db_int(&rows, 0, 0) < 0)
        err = ERR_ATTEMPT_OPEN;
    if (!err)
        *ret_id = db_int(&rows, 0, 0);
    return err;
}

enum err parcel_learn(struct db *db, struct arena *arena, instant_us at, int64_t id, const char *how,
                      const struct carrier_step *steps, size_t count, int64_t *ret_new)
{
    instant_us times[CARRIER_STEPS_MAX];
    struct text words[CARRIER_STEPS_MAX], ours[CARRIER_STEPS_MAX], names[CARRIER_STEPS_MAX], places[CARRIER_STEPS_MAX];
    for (size_t i = 0; i < count && i < CARRIER_STEPS_MAX; i++) {
        times[i] = steps[i].at;
        words[i] = text_slice(steps[i].carrier_status, 0, 40);
        ours[i] = postal_status(postal_room(), steps[i].carrier_status);
        names[i] = steps[i].name.at ? steps[i].name : TEXT("");
        places[i] = steps[i].place.at ? steps[i].place : TEXT("");
    }
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_string(&args, how);
    db_arg_instant_array(&args, times, count);
    db_arg_text_array(&args, words, count);
    db_arg_text_array(&args, ours, count);
    db_arg_text_array(&args, names, count);
    db_arg_text_array(&args, places, count);
    struct db_rows rows;
    enum err err = db_query(db, &learn_sql, &args, &rows);
    if (!err && ret_new)
        *ret_new = db_int(&rows, 0, 0);
    return err;
}
