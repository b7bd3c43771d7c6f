/* How a dossier was filed is its own fact; at the desk two people change it, with a reason. */
#include "payments/requests/requests.h"

static const struct db_statement ask_sql = {"channel_change_ask", "SELECT channel_change_ask($1, $2, $3, $4, $5)"};
static const struct db_statement approve_sql = {"channel_change_approve",
                                                "SELECT channel_change_approve($1, $2, $3, $4)"};
static const struct db_statement open_sql = {
    "channel_change_open",
    "SELECT id, before, after, reason, asked_by FROM channel_change WHERE dossier = $1 AND approved_by IS NULL"};

enum err channel_change_ask(struct db *db, struct arena *arena, struct text dossier, enum fee_channel channel,
                            struct text reason, const char *actor, instant_us at, int64_t *ret_id)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, dossier);
    db_arg_string(&args, channel_names[channel]);
    db_arg_text(&args, reason);
    enum err err = db_query(db, &ask_sql, &args, &rows);
    if (!err && db_null(&rows, 0, 0))
        err = ERR_CONFLICT;
    if (!err)
        *ret_id = db_int(&rows, 0, 0);
    return err;
}

enum err channel_change_approve(struct db *db, struct arena *arena, struct text dossier, int64_t change,
                                const char *actor, instant_us at)
{
    static const struct {
        const char *state;
        enum err err;
    } outcomes[] = {{"changed", OK},
                    {"not_found", ERR_NOT_FOUND},
                    {"second_person", ERR_SECOND_PERSON},
                    {"paid", ERR_REQUEST_SETTLED}};
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, dossier);
    db_arg_int(&args, change);
    enum err err = db_query(db, &approve_sql, &args, &rows);
    for (size_t i = 0; !err && i < sizeof outcomes / sizeof *outcomes; i++)
        if (text_is(db_text(&rows, 0, 0), outcomes[i].state))
            return outcomes[i].err;
    return err ? err : ERR_CONFLICT;
}

enum err channel_change_open(struct db *db, struct arena *arena, struct text dossier, struct channel_change *ret_change)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, dossier);
    enum err err = db_query(db, &open_sql, &args, &rows);
    if (err)
        return err;
    *ret_change = (struct channel_change){.id = 0};
    if (rows.count)
        *ret_change = (struct channel_change){.id = db_int(&rows, 0, 0),
                                              .before = db_text(&rows, 0, 1),
                                              .after = db_text(&rows, 0, 2),
                                              .reason = db_text(&rows, 0, 3),
                                              .asked_by = db_text(&rows, 0, 4)};
    return OK;
}
