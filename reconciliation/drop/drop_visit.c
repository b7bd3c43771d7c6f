/* One visit of a drop: what is listed, what of it is new and at rest, what the import says of it; all of it recorded.
 */
#include "reconciliation/drop/drop.h"
#include "reconciliation/statement_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const struct db_statement file_get = {
    "statement_drop_file_get", "SELECT size, modified_s FROM statement_drop_file WHERE drop_name = $1 AND name = $2"
                               " AND outcome IN ('imported', 'known')"};
static const struct db_statement file_told = {"statement_drop_told",
                                              "SELECT statement_drop_told($1, $2, $3, $4, $5::bytea, $6, $7, $8)"};
static const struct db_statement visit_add = {
    "statement_drop_visit_add",
    "INSERT INTO statement_drop_visit (drop_name, account, visited_at, visited_by, outcome, detail, listed, taken)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};

struct taken {
    struct text name;
    FILE *bytes; /* has no name of its own; NULL when it was not taken */
    struct drop_file file;
    const char *outcome, *detail; /* NULL: nothing to say yet */
};

struct visit {
    struct db *db;
    struct arena *arena;
    const struct drop *drop;
    const char *actor;
    instant_us at;
    struct drop_wire *wire;
    struct drop_listing listing;
    struct taken *taken;
    int64_t bytes_left;
    int64_t imported, troubles; /* files that brought something; files that could not be taken now */
    struct buf told;
};

/* Asked for before and unchanged since: not asked for again. */
static enum err is_known(struct visit *visit, struct text name, bool *ret_known)
{
    struct db_args args = db_args(visit->arena);
    db_arg_string(&args, visit->drop->name);
    db_arg_text(&args, name);
    struct db_rows rows;
    enum err err = db_query(visit->db, &file_get, &args, &rows);
    *ret_known = false;
    if (err || !rows.count)
        return err;
    const struct drop_file was = {.size = db_int(&rows, 0, 0), .modified_s = db_int(&rows, 0, 1)};
    if (drop_wire_same(visit->wire, name, &was, ret_known))
        *ret_known = false; /* then the download says what is wrong */
    return OK;
}

static void say(struct visit *visit, struct taken *taken, const char *outcome, const char *detail)
{
    taken->outcome = outcome;
    taken->detail = arena_copy(visit->arena, text_of(detail));
}

static void download(struct visit *visit, struct taken *taken)
{
    taken->bytes = tmpfile();
    if (!taken->bytes) {
        say(visit, taken, "unreadable", "no room for it here");
        return;
    }
    int64_t max = visit->drop->size_max < visit->bytes_left ? visit->drop->size_max : visit->bytes_left;
    enum err err = drop_wire_get(visit->wire, taken->name, max, fileno(taken->bytes), &taken->file);
    if (err)
        say(visit, taken, err == ERR_BODY_TOO_LARGE ? "refused" : "unreadable", drop_wire_detail(visit->wire));
    else
        visit->bytes_left -= taken->file.size;
}

static enum err download_all(struct visit *visit)
{
    enum err err = OK;
    for (size_t i = 0; i < visit->listing.count && !err; i++) {
        struct taken *taken = &visit->taken[i];
        bool known;
        taken->name = visit->listing.names[i];
        err = is_known(visit, taken->name, &known);
        if (!err && !known)
            download(visit, taken);
    }
    return err;
}

/* A statement that another program is still writing is left where it is: the next visit finds it whole. */
static void settle(struct visit *visit)
{
    bool any = false;
    for (size_t i = 0; i < visit->listing.count; i++)
        any = any || (visit->taken[i].bytes && !visit->taken[i].outcome);
    if (!any)
        return;
    nanosleep(&(struct timespec){.tv_sec = visit->drop->settle_s}, NULL);
    for (size_t i = 0; i < visit->listing.count; i++) {
        struct taken *taken = &visit->taken[i];
        bool same = false;
        if (!taken->bytes || taken->outcome)
            continue;
        if (drop_wire_same(visit->wire, taken->name, &taken->file, &same))
            say(visit, taken, "unreadable", drop_wire_detail(visit->wire));
        else if (!same)
            say(visit, taken, "growing", "it changes while it is read: the next visit takes it");
    }
}

static const char *first_fault(struct visit *visit, struct text bytes)
{
    struct faults faults;
    faults_init(&faults, visit->arena);
    statement_why(bytes, &faults);
    return faults.count ? arena_printf(visit->arena, "%s: %s", faults.list[0].where, faults.list[0].detail) : "";
}

static enum err import(struct visit *visit, struct taken *taken, struct text bytes, struct text *ret_report)
{
    const char *name = arena_copy(visit->arena, taken->name);
    const struct statement_import_order order = {bytes, name, visit->actor, visit->at};
    enum err err = bytes.length ? statement_import(visit->db, visit->arena, &order, ret_report) : ERR_STATEMENT_FORMAT;
    if (err == ERR_STATEMENT_FORMAT || err == ERR_STATEMENT_SYNTAX) {
        say(visit, taken, "refused", bytes.length ? first_fault(visit, bytes) : "the file is empty");
        return OK;
    }
    if (err)
        return err;
    bool known = text_find(*ret_report, TEXT("\"already_known\":true")) < ret_report->length;
    bool held = text_find(*ret_report, TEXT("\"state\": \"quarantined\"")) < ret_report->length;
    say(visit, taken, held ? "quarantined" : known ? "known" : "imported", "");
    bool accepted = text_find(*ret_report, TEXT("\"state\": \"accepted\"")) < ret_report->length;
    visit->imported += !known && (accepted || !held);
    return OK;
}

static enum err take_one(struct visit *visit, struct taken *taken, struct json *json)
{
    uint8_t digest[SHA256_SIZE];
    struct text report = TEXT_NONE;
    size_t size = (size_t)taken->file.size;
    bool hashed = taken->bytes && !taken->outcome;
    enum err err = OK;
    if (hashed) {
        void *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(taken->bytes), 0) : NULL;
        if (at == MAP_FAILED)
            return ERR_IO;
        crypto_sha256((struct text){at, size}, digest);
        err = import(visit, taken, (struct text){at, size}, &report);
        if (size)
            munmap(at, size);
    }
    if (err)
        return err;
    visit->troubles += !strcmp(taken->outcome, "growing") || !strcmp(taken->outcome, "unreadable");
    struct db_args args = db_args(visit->arena);
    db_arg_string(&args, visit->drop->name);
    db_arg_text(&args, taken->name);
    db_arg_int(&args, taken->file.size);
    db_arg_int(&args, taken->file.modified_s);
    if (hashed)
        db_arg_bytes(&args, digest, sizeof digest);
    else
        db_arg_null(&args);
    db_arg_string(&args, taken->outcome);
    db_arg_string(&args, taken->detail);
    db_arg_instant(&args, visit->at);
    json_put_object(json, NULL);
    json_put_text(json, "name", taken->name);
    json_put_string(json, "outcome", taken->outcome);
    if (*taken->detail)
        json_put_string(json, "detail", taken->detail);
    if (report.length)
        json_put_raw(json, "import", report);
    json_put_end(json);
    return db_run(visit->db, &file_told, &args);
}

static enum err take_all(struct visit *visit, struct json *json)
{
    enum err err = OK;
    for (size_t i = 0; i < visit->listing.count; i++) {
        struct taken *taken = &visit->taken[i];
        if (!err && (taken->bytes || taken->outcome))
            err = take_one(visit, taken, json);
        if (taken->bytes)
            fclose(taken->bytes);
        taken->bytes = NULL;
    }
    return err;
}

static enum err visit_record(struct visit *visit, const char *outcome, const char *detail)
{
    struct db_args args = db_args(visit->arena);
    db_arg_string(&args, visit->drop->name);
    db_arg_string(&args, visit->drop->account ? visit->drop->account : "");
    db_arg_instant(&args, visit->at);
    db_arg_string(&args, visit->actor);
    db_arg_string(&args, outcome);
    db_arg_string(&args, detail);
    db_arg_int(&args, (int64_t)visit->listing.count);
    db_arg_int(&args, visit->imported);
    return db_run(visit->db, &visit_add, &args);
}

/* What the listing itself has to say, beside its files. */
static const char *listing_words(struct visit *visit)
{
    const struct drop_listing *l = &visit->listing;
    if (l->unfit)
        return arena_printf(visit->arena, "%zu names refused: %.*s", l->unfit, TEXT_ARGS(l->sample));
    return l->cut ? arena_printf(visit->arena, "more than %d files: empty the folder", DROP_FILES_MAX) : "";
}

static enum err visit_files(struct visit *visit, struct json *json)
{
    visit->taken = arena_alloc(visit->arena, (visit->listing.count + 1) * sizeof *visit->taken);
    memset(visit->taken, 0, (visit->listing.count + 1) * sizeof *visit->taken);
    enum err err = download_all(visit);
    if (!err)
        settle(visit);
    enum err taken = take_all(visit, json); /* closes what was opened, whatever happened */
    return err ? err : taken;
}

enum err drop_visit(struct db *db, struct arena *arena, const struct drop *drop, const char *actor, int64_t *ret_taken,
                    struct text *ret_json)
{
    struct visit visit = {.db = db,
                          .arena = arena,
                          .drop = drop,
                          .actor = actor,
                          .at = clock_now(),
                          .bytes_left = (int64_t)DROP_VISIT_MAX_MIB << 20};
    struct json json = json_to(&visit.told);
    json_put_object(&json, NULL);
    json_put_string(&json, "drop", drop->name);
    json_put_array(&json, "files");
    enum err wired = drop_wire_open(drop, &visit.wire), err = OK;
    if (!wired)
        wired = drop_wire_list(visit.wire, arena, &visit.listing);
    if (!wired)
        err = visit_files(&visit, &json);
    bool unfit = visit.listing.unfit || visit.listing.cut;
    const char *outcome = wired ? "failed" : visit.troubles || unfit ? "partial" : "done";
    const char *detail = wired ? drop_wire_detail(visit.wire) : listing_words(&visit);
    json_put_end(&json);
    json_put_int(&json, "listed", (int64_t)visit.listing.count);
    json_put_string(&json, "outcome", outcome);
    if (*detail)
        json_put_string(&json, "detail", detail);
    json_put_end(&json);
    if (!err)
        err = visit_record(&visit, outcome, detail);
    drop_wire_close(visit.wire);
    *ret_json = arena_text(arena, buf_view(&visit.told));
    *ret_taken = visit.imported;
    buf_done(&visit.told);
    return err ? err : wired ? ERR_NETWORK : visit.troubles ? ERR_UNAVAILABLE : OK;
}
