#include "core/jobs/feed.h"

#include "core/jobs/rounds.h"

static const struct db_statement advance_sql = {"feed_advance", "SELECT feed_advance(1000) + audit_advance(1000)"};

enum err feed_round(struct db *db, struct arena *arena, int64_t *ret_placed)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &advance_sql, &none, &rows);
    if (!err)
        *ret_placed = db_int(&rows, 0, 0);
    return err;
}

static int64_t round_of_feed(struct db *db, struct arena *arena, void *with)
{
    int64_t placed;
    return feed_round(db, arena, &placed) ? 0 : placed;
}

enum err feed_start(const char *database_url, int pause_ms, struct rounds **ret_feed)
{
    const struct rounds_config config = {
        .database_url = database_url, .name = "lephi sequencer", .pause_ms = pause_ms, .round = round_of_feed};
    return rounds_start(&config, ret_feed);
}

void feed_event_write(struct json *json, const struct db_rows *rows, int row, int first)
{
    json_put_object(json, NULL);
    json_put_int(json, "position", db_int(rows, row, first));
    json_put_text_or_null(json, "dossier", db_text(rows, row, first + 3));
    if (db_null(rows, row, first + 4))
        json_put_null(json, "payment_request");
    else
        json_put_int(json, "payment_request", db_int(rows, row, first + 4));
    json_put_text(json, "kind", db_text(rows, row, first + 1));
    json_put_instant(json, "at", db_instant(rows, row, first + 2));
    json_put_raw(json, "body", db_text(rows, row, first + 5));
    json_put_end(json);
}
