/* Versions of the catalogue over HTTP: what is in force, what is proposed, who agrees; and an old quote again. */
#include <string.h>
#include "core/http/http.h"
#include "payments/fees/catalogue.h"

enum { NOTE_MAX = 500, REASON_MAX = 500 };

static void drop_later(void *catalogue)
{
    catalogue_drop(catalogue);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

struct versions_view {
    struct catalogue_entry_of_list *list;
    size_t count;
};

static void entry_write(struct json *json, const struct catalogue_entry_of_list *entry)
{
    json_put_object(json, NULL);
    json_put_text(json, "version", entry->version);
    json_put_text(json, "state", entry->state);
    json_put_text_or_null(json, "base_version", entry->base_version);
    json_put_text_or_null(json, "note", entry->note);
    json_put_text(json, "proposed_by", entry->proposed_by);
    json_put_instant(json, "proposed_at", entry->proposed_at);
    json_put_text_or_null(json, "approved_by", entry->approvals);
    json_put_text_or_null(json, "decided_by", entry->decided_by);
    json_put_instant(json, "decided_at", entry->decided_at);
    json_put_text_or_null(json, "reason", entry->reason);
    json_put_end(json);
}

static void versions_write(struct json *json, const void *what)
{
    const struct versions_view *view = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (size_t i = 0; i < view->count; i++)
        entry_write(json, &view->list[i]);
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err catalogue_versions_handle(struct request *rq)
{
    struct versions_view view;
    enum err err = catalogue_versions(rq->db, &rq->arena, &view.list, &view.count);
    return err ? reply_error(rq, err) : reply_json(rq, 200, versions_write, &view);
}

static void blocked_write(struct json *json, const struct catalogue *catalogue, date_days today)
{
    enum { SHOWN = 500 };
    const struct fee *fees[SHOWN];
    size_t count = catalogue_remittance_blocked(catalogue, today, fees, SHOWN);
    struct buf words = {0};
    json_put_array(json, "remittance_blocked");
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        buf_clear(&words);
        fee_facts_say(fee_remittance_unset(catalogue, fees[i], (struct fee_collector){.day = today}), &words);
        json_put_object(json, NULL);
        json_put_text(json, "fee", fees[i]->code);
        json_put_text(json, "name", fees[i]->name_vi);
        json_put_text(json, "unset", buf_view(&words));
        json_put_end(json);
    }
    json_put_end(json);
    buf_done(&words);
}

/* A version beside the one in force. */
struct beside {
    const struct catalogue *catalogue;
    struct catalogue_difference difference;
    const char *step;
    date_days today;
};

static void beside_write(struct json *json, const void *what)
{
    const struct beside *beside = what;
    json_put_object(json, NULL);
    json_put_string(json, "version", catalogue_version(beside->catalogue));
    json_put_string(json, "state", beside->step);
    catalogue_difference_write_as(json, "difference", &beside->difference);
    blocked_write(json, beside->catalogue, beside->today);
    json_put_end(json);
}

static enum err beside_make(struct request *rq, const struct catalogue *catalogue, struct beside *ret)
{
    struct catalogue *now = catalogue_in_force_hold();
    if (!now)
        return ERR_UNAVAILABLE;
    arena_on_done(&rq->arena, drop_later, now);
    ret->catalogue = catalogue;
    ret->today = date_of(rq->at);
    catalogue_compare(now, catalogue, ret->today, &rq->arena, &ret->difference);
    return OK;
}

enum err catalogue_version_handle(struct request *rq)
{
    struct catalogue *catalogue;
    struct versions_view view;
    struct beside beside = {.step = "published"};
    struct text version = request_capture(rq, "version");
    enum err err = catalogue_version_hold(rq->db, &rq->arena, version, &catalogue);
    if (err)
        return reply_error(rq, err);
    arena_on_done(&rq->arena, drop_later, catalogue);
    err = catalogue_versions(rq->db, &rq->arena, &view.list, &view.count);
    if (!err)
        err = beside_make(rq, catalogue, &beside);
    for (size_t i = 0; !err && i < view.count; i++)
        if (text_equal(view.list[i].version, version)) {
            beside.step = arena_copy(&rq->arena, view.list[i].state);
            break;
        }
    return err ? reply_error(rq, err) : reply_json(rq, 200, beside_write, &beside);
}

enum err catalogue_sheet_handle(struct request *rq)
{
    struct catalogue_files files;
    struct text sheet = request_capture(rq, "sheet");
    const struct text *const sheets[] = {&files.fees, &files.reductions, &files.categories, &files.procedures,
                                         &files.values};
    enum err err = catalogue_version_files(rq->db, &rq->arena, request_capture(rq, "version"), &files);
    for (int i = 0; !err && i < 5; i++) {
        struct text name = text_of(catalogue_file_names[i]);
        if (text_equal(sheet, text_slice(name, 0, name.length - 4)))
            return reply_body(rq, 200, "text/csv; charset=utf-8", *sheets[i]);
    }
    return reply_error(rq, err ? err : ERR_NOT_FOUND);
}

/* ---- proposing and agreeing ------------------------------------------------------------------------------------ */

struct proposal {
    struct catalogue_files files;
    struct text note;
    bool dry_run;
    struct catalogue *catalogue;
    struct beside beside;
};

/* Sheets that were not sent stay as they are in force. */
static enum err files_complete(struct request *rq, struct catalogue_files *files)
{
    struct catalogue_files now;
    struct catalogue *in_force = catalogue_in_force_hold();
    if (!in_force)
        return ERR_UNAVAILABLE;
    struct text version = arena_text(&rq->arena, text_of(catalogue_version(in_force)));
    catalogue_drop(in_force);
    enum err err = catalogue_version_files(rq->db, &rq->arena, version, &now);
    if (err)
        return err;
    struct text *const sent[] = {&files->fees, &files->reductions, &files->categories, &files->procedures,
                                 &files->values};
    const struct text kept[] = {now.fees, now.reductions, now.categories, now.procedures, now.values};
    for (int i = 0; i < 5; i++) {
        if (!sent[i]->at)
            *sent[i] = kept[i];
        files->names[i] = catalogue_file_names[i];
    }
    return OK;
}

static enum err proposal_read(struct request *rq, struct proposal *ret)
{
    struct json_fields in, sheets;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    json_read_object(&in, "sheets", REQUIRED, &sheets);
    if (sheets.object) {
        json_read_sheet(&sheets, "fees", OPTIONAL, CATALOGUE_FILE_MAX, &ret->files.fees);
        json_read_sheet(&sheets, "reductions", OPTIONAL, CATALOGUE_FILE_MAX, &ret->files.reductions);
        json_read_sheet(&sheets, "categories", OPTIONAL, CATALOGUE_FILE_MAX, &ret->files.categories);
        json_read_sheet(&sheets, "procedures", OPTIONAL, CATALOGUE_FILE_MAX, &ret->files.procedures);
        json_read_sheet(&sheets, "values", OPTIONAL, CATALOGUE_FILE_MAX, &ret->files.values);
        (void)!json_close(&sheets); /* its faults are counted by the outer close */
    }
    json_read_text(&in, "note", OPTIONAL, 1, NOTE_MAX, &ret->note);
    json_read_bool(&in, "dry_run", OPTIONAL, &ret->dry_run);
    return json_close(&in);
}

static enum err propose(struct request *rq, void *with, struct act_reply *reply)
{
    struct proposal *proposal = with;
    enum catalogue_step step;
    enum err err = catalogue_propose(rq->db, &rq->arena, proposal->catalogue, &proposal->files, auth_actor(rq),
                                     proposal->note, rq->at, &step);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    proposal->beside.step = step == CATALOGUE_IN_FORCE ? "in_force" : "draft";
    beside_write(&json, &proposal->beside);
    reply->status = step == CATALOGUE_PROPOSED ? 201 : 200;
    return OK;
}

enum err catalogue_propose_handle(struct request *rq)
{
    struct proposal proposal = {.dry_run = false};
    enum err err = proposal_read(rq, &proposal);
    if (!err)
        err = files_complete(rq, &proposal.files);
    if (!err)
        err = catalogue_read(&proposal.files, &rq->faults, &proposal.catalogue);
    if (err)
        return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
    arena_on_done(&rq->arena, drop_later, proposal.catalogue);
    err = catalogue_check(proposal.catalogue, &proposal.files, date_of(rq->at), &rq->faults);
    if (err)
        return reply_faults(rq, err);
    err = beside_make(rq, proposal.catalogue, &proposal.beside);
    proposal.beside.step = "dry_run";
    if (!err && proposal.dry_run)
        return reply_json(rq, 200, beside_write, &proposal.beside);
    if (!err)
        err = request_once(rq, propose, &proposal);
    return err ? reply_error(rq, err) : OK;
}

static void step_write(struct json *json, struct text version, const char *state)
{
    json_put_object(json, NULL);
    json_put_text(json, "version", version);
    json_put_string(json, "state", state);
    json_put_end(json);
}

static enum err approve(struct request *rq, void *with, struct act_reply *reply)
{
    enum catalogue_step *step = with;
    struct text version = request_capture(rq, "version");
    enum err err = catalogue_approve(rq->db, &rq->arena, version, auth_actor(rq), rq->at, step);
    struct json json = json_to(&reply->body);
    if (!err)
        step_write(&json, version, *step == CATALOGUE_PUBLISHED ? "in_force" : "draft");
    reply->status = 200;
    return err;
}

/* Waits for the commit before this host follows; the others look by themselves. */
enum err catalogue_approve_handle(struct request *rq)
{
    enum catalogue_step step = CATALOGUE_OPEN;
    enum err err = request_once(rq, approve, &step);
    if (!err && step == CATALOGUE_PUBLISHED && catalogue_refresh(rq->db, &rq->arena))
        return OK; /* published all the same; the next look brings it here */
    return err ? reply_error(rq, err) : OK;
}

static enum err withdraw(struct request *rq, void *with, struct act_reply *reply)
{
    const struct text *reason = with;
    struct text version = request_capture(rq, "version");
    enum err err = catalogue_withdraw(rq->db, &rq->arena, version, auth_actor(rq), *reason, rq->at);
    struct json json = json_to(&reply->body);
    if (!err)
        step_write(&json, version, "withdrawn");
    reply->status = 200;
    return err;
}

enum err catalogue_withdraw_handle(struct request *rq)
{
    struct json_fields in;
    struct text reason = TEXT_NONE;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_text(&in, "reason", REQUIRED, 3, REASON_MAX, &reason);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, withdraw, &reason);
    return err ? reply_error(rq, err) : OK;
}

/* ---- an old quote again ---------------------------------------------------------------------------------------- */

static void write_quote(struct json *json, const void *quote)
{
    quote_write(json, quote);
}

enum err quote_again(struct db *db, struct text id, struct arena *arena, struct faults *faults, struct quote *ret_quote,
                     struct catalogue **ret_catalogue)
{
    char version[CATALOGUE_VERSION_SIZE];
    struct catalogue *catalogue;
    struct quote_request *wanted = ARENA_NEW(arena, struct quote_request);
    if (quote_id_read(id, arena, wanted, version))
        return ERR_NOT_FOUND;
    enum err err = catalogue_version_hold(db, arena, text_of(version), &catalogue);
    if (err)
        return err;
    err = quote_compute(catalogue, wanted, wanted->quoted_on, arena, faults, ret_quote);
    if (err)
        catalogue_drop(catalogue);
    else
        *ret_catalogue = catalogue;
    return err;
}

enum err fees_quote_again_handle(struct request *rq)
{
    struct quote quote;
    struct catalogue *catalogue;
    enum err err = quote_again(rq->db, request_capture(rq, "id"), &rq->arena, &rq->faults, &quote, &catalogue);
    if (err)
        return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
    arena_on_done(&rq->arena, drop_later, catalogue);
    return reply_json(rq, 200, write_quote, &quote);
}
