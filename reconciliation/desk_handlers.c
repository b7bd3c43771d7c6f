/* HTTP: the exception desk. What moves or identifies money is proposed by one person and done by another; the rules are
 * in the database (exception_decide), so that no other way round them exists. */
#include "reconciliation/desk.h"

#include <assert.h>
#include <string.h>
#include "core/auth/auth.h"
#include "core/auth/idempotency.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 500 };

static const struct db_statement exceptions_list = {
    "exceptions_list",
    "SELECT e.id, exception_brief(e, $4) FROM exception_case e JOIN receiving_account a ON a.id = e.account_id"
    " WHERE e.id > $1 AND ($2 = 'all' OR CASE WHEN $2 = 'suspense' THEN e.resolution IS NOT DISTINCT FROM 'suspense'"
    "   WHEN $2 = 'resolved' THEN e.state = 'resolved' WHEN $2 = 'proposed' THEN e.state = 'proposed'"
    "   ELSE e.state <> 'resolved' END)"
    " AND ($5::text IS NULL OR e.reason = $5) AND ($6::text IS NULL OR a.account_number = $6)"
    " AND ($7::text IS NULL OR CASE WHEN $7 = 'none' THEN e.owner IS NULL ELSE e.owner = $7 END)"
    " AND ($8::bigint IS NULL OR abs(e.amount) >= $8) AND ($9::bigint IS NULL OR abs(e.amount) <= $9)"
    " AND ($10::bigint IS NULL OR business_day($4) - e.booked_on >= $10)"
    " AND ($11::date IS NULL OR e.booked_on >= $11) AND ($12::date IS NULL OR e.booked_on <= $12)"
    " ORDER BY e.id LIMIT $3"};
static const struct db_statement evidence = {"exception_evidence", "SELECT exception_evidence($1, $2)"};
static const struct db_statement parts = {"exception_parts", "SELECT kind, key, amount FROM exception_parts($1)"};
static const struct db_statement decide = {"exception_decide", "SELECT exception_decide($1, $2, $3, $4, $5, $6)"};
static const struct db_statement own = {"exception_own", "SELECT exception_own($1, $2, $3, $4)"};
static const struct db_statement unmatch = {"line_unmatch_decide", "SELECT line_unmatch_decide($1, $2, $3, $4)"};
static const struct db_statement links_list = {
    "payer_links_list",
    "SELECT k.id, jsonb_build_object('id', k.id, 'payer_account', k.payer_account, 'payer_name', k.payer_name, "
    "'applicant_name', k.applicant_name, 'state', CASE WHEN k.ended_at IS NOT NULL THEN 'ended' WHEN k.approved_at IS "
    "NULL THEN 'proposed' ELSE 'approved' END, 'learned', k.learned_from IS NOT NULL, 'proposed_by', k.proposed_by, "
    "'proposed_at', k.proposed_at, 'approved_by', k.approved_by, 'approved_at', k.approved_at, 'ended_by', k.ended_by)"
    " FROM payer_link k WHERE k.id > $1 ORDER BY k.id LIMIT $2"};
static const struct db_statement link_propose = {"payer_link_propose",
                                                 "SELECT payer_link_propose($1, $2, $3, $4, $5, $6)"};
static const struct db_statement link_decide = {"payer_link_decide", "SELECT payer_link_decide($1, $2, $3, $4)"};

/* ---- lists ------------------------------------------------------------------------------------------------------ */

struct page {
    struct db_rows rows; /* number, JSON */
    int64_t limit, after;
};

static void write_page(struct json *json, const void *what)
{
    const struct page *page = what;
    bool more = page->rows.count > page->limit;
    int count = more ? (int)page->limit : page->rows.count;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < count; i++)
        json_put_raw(json, NULL, db_text(&page->rows, i, 1));
    json_put_end(json);
    if (more)
        json_put_textf(json, "next_cursor", "%lld", (long long)db_int(&page->rows, count - 1, 0));
    else
        json_put_null(json, "next_cursor");
    json_put_end(json);
}

static void page_read(struct request *rq, struct page *page)
{
    struct text limit = request_query(rq, "limit"), cursor = request_query(rq, "cursor");
    page->limit = LIST_DEFAULT;
    if (limit.at && (!text_to_int64(limit, &page->limit) || page->limit < 1 || page->limit > LIST_MAX))
        faults_add(&rq->faults, "/limit", ERR_FIELD_RANGE, NULL);
    if (cursor.at && (!text_to_int64(cursor, &page->after) || page->after < 0))
        faults_add(&rq->faults, "/cursor", ERR_FIELD_FORMAT, NULL);
}

static void filter_text(struct request *rq, struct db_args *args, const char *name)
{
    struct text value = request_query(rq, name);
    if (value.at)
        db_arg_text(args, value);
    else
        db_arg_null(args);
}

static void filter_number(struct request *rq, struct db_args *args, const char *name, const char *pointer)
{
    struct text value = request_query(rq, name);
    int64_t number = 0;
    if (!value.at) {
        db_arg_null(args);
        return;
    }
    if (!text_to_int64(value, &number) || number < 0)
        faults_add(&rq->faults, pointer, ERR_FIELD_FORMAT, NULL);
    db_arg_int(args, number);
}

static void filter_date(struct request *rq, struct db_args *args, const char *name, const char *pointer)
{
    struct text value = request_query(rq, name);
    date_days day = DATE_NONE;
    if (value.at && !date_parse(value, &day))
        faults_add(&rq->faults, pointer, ERR_FIELD_FORMAT, NULL);
    db_arg_date(args, day);
}

enum err exceptions_list_handle(struct request *rq)
{
    static const char *const states[] = {"open", "proposed", "suspense", "resolved", "all"};
    struct text state = request_query(rq, "state");
    struct page page = {0};
    bool known = !state.at;
    page_read(rq, &page);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known = known || text_is(state, states[i]);
    if (!known)
        faults_add(&rq->faults, "/state", ERR_FIELD_VALUE, NULL);
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, page.after);
    db_arg_text(&args, state.at ? state : TEXT("open"));
    db_arg_int(&args, page.limit + 1);
    db_arg_instant(&args, rq->at);
    filter_text(rq, &args, "reason");
    filter_text(rq, &args, "account");
    filter_text(rq, &args, "owner");
    filter_number(rq, &args, "min_amount", "/min_amount");
    filter_number(rq, &args, "max_amount", "/max_amount");
    filter_number(rq, &args, "min_age_days", "/min_age_days");
    filter_date(rq, &args, "from", "/from");
    filter_date(rq, &args, "to", "/to");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    enum err err = db_query(rq->db, &exceptions_list, &args, &page.rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, write_page, &page);
}

/* ---- one case --------------------------------------------------------------------------------------------------- */

struct case_reply {
    struct text body; /* JSON object without its closing brace */
    struct db_rows parts;
    uint32_t sets[SUBSET_SOLUTIONS_MAX];
    size_t set_count;
    bool tried;
};

static void write_case(struct json *json, const void *what)
{
    const struct case_reply *one = what;
    json_put_object(json, NULL);
    json_put_raw(json, "exception", one->body);
    json_put_object(json, "sums");
    json_put_string(json, "state",
                    !one->tried           ? "too_many"
                    : !one->set_count     ? "none"
                    : one->set_count == 1 ? "suggested"
                                          : "ambiguous");
    json_put_array(json, "payments");
    for (int i = 0; i < one->parts.count && one->set_count == 1; i++)
        if (one->sets[0] >> i & 1) {
            int64_t id;
            json_put_object(json, NULL);
            if (text_to_int64(db_text(&one->parts, i, 1), &id))
                json_put_int(json, "payment", id);
            json_put_int(json, "amount", db_int(&one->parts, i, 2));
            json_put_end(json);
        }
    json_put_end(json);
    json_put_end(json);
    json_put_end(json);
}

enum err exception_get_handle(struct request *rq)
{
    int64_t id;
    if (!text_to_int64(request_capture(rq, "id"), &id))
        return reply_error(rq, ERR_NOT_FOUND);
    struct db_args args = db_args(&rq->arena), one = db_args(&rq->arena);
    db_arg_int(&args, id);
    db_arg_instant(&args, rq->at);
    db_arg_int(&one, id);
    struct db_rows rows;
    struct case_reply reply = {0};
    enum err err = db_query(rq->db, &evidence, &args, &rows);
    if (!err && (!rows.count || db_null(&rows, 0, 0)))
        err = ERR_NOT_FOUND;
    if (!err)
        err = db_query(rq->db, &parts, &one, &reply.parts);
    if (err)
        return reply_error(rq, err);
    int64_t amounts[SUBSET_CANDIDATES_MAX], total = 0;
    reply.body = db_text(&rows, 0, 0);
    reply.tried = reply.parts.count <= SUBSET_CANDIDATES_MAX;
    for (int i = 0; i < reply.parts.count && reply.tried; i++)
        amounts[i] = db_int(&reply.parts, i, 2);
    static const struct db_statement amount_of = {"exception_amount",
                                                  "SELECT amount FROM exception_case WHERE id = $1"};
    struct db_rows sum;
    err = db_query(rq->db, &amount_of, &one, &sum);
    if (err || !sum.count)
        return reply_error(rq, err ? err : ERR_NOT_FOUND);
    total = db_int(&sum, 0, 0);
    if (reply.tried)
        reply.set_count = subset_sum(amounts, (size_t)reply.parts.count, total, reply.sets);
    return reply_json(rq, 200, write_case, &reply);
}

/* What the database said of an act: {state, …}. */
enum err desk_reply_of(struct request *rq, struct text json, struct act_reply *reply)
{
    static const struct {
        const char *state;
        enum err err;
    } refusals[] = {{"not_found", ERR_NOT_FOUND}, {"second_person", ERR_SECOND_PERSON}, {"conflict", ERR_CONFLICT}};
    json_t *said = NULL;
    enum err err = json_parse_value(json, &said, &rq->faults);
    if (err)
        return err;
    const char *state = json_string_value(json_object_get(said, "state"));
    assert(state);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (!strcmp(state, refusals[i].state))
            return refusals[i].err;
    if (!strcmp(state, "fault"))
        return faults_add(&rq->faults, json_string_value(json_object_get(said, "pointer")), ERR_INVALID, "%s",
                          json_string_value(json_object_get(said, "detail")));
    reply->status = strcmp(state, "proposed") ? 200 : 202;
    buf_text(&reply->body, json);
    return OK;
}

enum err desk_reply_once(struct request *rq, request_act act, void *with)
{
    enum err err = request_once(rq, act, with);
    return !err ? OK : rq->faults.count ? reply_faults(rq, ERR_INVALID) : reply_error(rq, err);
}

static enum err resolve_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct desk_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->id);
    db_arg_string(&args, auth_actor(rq));
    db_arg_string(&args, in->action);
    db_arg_text(&args, in->note);
    db_arg_text(&args, in->told);
    struct db_rows rows;
    enum err err = db_query(rq->db, &decide, &args, &rows);
    return err ? err : desk_reply_of(rq, db_text(&rows, 0, 0), reply);
}

enum err exception_resolve_handle(struct request *rq)
{
    struct desk_order order = {0};
    if (!text_to_int64(request_capture(rq, "id"), &order.id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = desk_order_read(rq, &order);
    return err ? reply_faults(rq, err) : desk_reply_once(rq, resolve_act, &order);
}

struct one_order {
    int64_t id;
    struct text text;
};

static enum err own_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct one_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->id);
    db_arg_text(&args, in->text);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    enum err err = db_query(rq->db, &own, &args, &rows);
    if (err)
        return err;
    if (text_is(db_text(&rows, 0, 0), "not_found"))
        return ERR_NOT_FOUND;
    if (text_is(db_text(&rows, 0, 0), "unknown"))
        return faults_add(&rq->faults, "/owner", ERR_FIELD_VALUE, "Không có cán bộ này.");
    reply->status = 200;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", in->id);
    if (in->text.at)
        json_put_text(&json, "owner", in->text);
    else
        json_put_null(&json, "owner");
    json_put_end(&json);
    return OK;
}

/* {"owner": "login"}, or null for nobody. */
enum err exception_owner_handle(struct request *rq)
{
    struct json_fields in;
    struct one_order order = {.text = TEXT_NONE};
    if (!text_to_int64(request_capture(rq, "id"), &order.id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        if (!json_object_get(in.object, "owner"))
            json_fault(&in, "owner", ERR_FIELD_MISSING, NULL);
        else if (json_has(&in, "owner"))
            json_read_text(&in, "owner", REQUIRED, 2, 40, &order.text);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : desk_reply_once(rq, own_act, &order);
}

static enum err unmatch_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct one_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->id);
    db_arg_string(&args, auth_actor(rq));
    db_arg_text(&args, in->text);
    struct db_rows rows;
    enum err err = db_query(rq->db, &unmatch, &args, &rows);
    return err ? err : desk_reply_of(rq, db_text(&rows, 0, 0), reply);
}

enum err line_unmatch_handle(struct request *rq)
{
    struct json_fields in;
    struct one_order order = {0};
    if (!text_to_int64(request_capture(rq, "id"), &order.id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "note", REQUIRED, 3, 500, &order.text);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : desk_reply_once(rq, unmatch_act, &order);
}

/* ---- payers known from before -------------------------------------------------------------------------------------
 */

enum err payer_links_list_handle(struct request *rq)
{
    struct page page = {0};
    page_read(rq, &page);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, page.after);
    db_arg_int(&args, page.limit + 1);
    enum err err = db_query(rq->db, &links_list, &args, &page.rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, write_page, &page);
}

struct link_order {
    struct text account, name, applicant, id_number;
};

static void link_reply(struct act_reply *reply, int status, int64_t id, const char *state)
{
    reply->status = status;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", id);
    json_put_string(&json, "state", state);
    json_put_end(&json);
}

static enum err link_propose_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct link_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, in->account);
    db_arg_text(&args, in->name);
    db_arg_text(&args, in->applicant);
    db_arg_text(&args, in->id_number);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    enum err err = db_query(rq->db, &link_propose, &args, &rows);
    if (err || db_null(&rows, 0, 0))
        return err ? err : ERR_CONFLICT;
    link_reply(reply, 201, db_int(&rows, 0, 0), "proposed");
    return OK;
}

enum err payer_link_propose_handle(struct request *rq)
{
    struct json_fields in;
    struct link_order order = {TEXT_NONE, TEXT_NONE, TEXT_NONE, TEXT_NONE};
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "payer_account", REQUIRED, 4, 34, &order.account);
        json_read_text(&in, "payer_name", OPTIONAL, 1, 200, &order.name);
        json_read_text(&in, "applicant_name", REQUIRED, 1, 200, &order.applicant);
        json_read_text(&in, "applicant_id_number", OPTIONAL, 1, 40, &order.id_number);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : desk_reply_once(rq, link_propose_act, &order);
}

static enum err link_decide_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct one_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->id);
    db_arg_text(&args, in->text);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    enum err err = db_query(rq->db, &link_decide, &args, &rows);
    if (err)
        return err;
    struct text said = db_text(&rows, 0, 0);
    if (text_is(said, "not_found"))
        return ERR_NOT_FOUND;
    if (text_is(said, "conflict"))
        return ERR_CONFLICT;
    if (text_is(said, "second_person"))
        return ERR_SECOND_PERSON;
    link_reply(reply, 200, in->id, arena_copy(&rq->arena, said));
    return OK;
}

static enum err link_decide_as(struct request *rq, struct text decision)
{
    struct one_order order = {.text = decision};
    if (!text_to_int64(request_capture(rq, "id"), &order.id))
        return reply_error(rq, ERR_NOT_FOUND);
    return desk_reply_once(rq, link_decide_act, &order);
}

enum err payer_link_approve_handle(struct request *rq)
{
    return link_decide_as(rq, TEXT("approve"));
}

enum err payer_link_end_handle(struct request *rq)
{
    return link_decide_as(rq, TEXT("end"));
}
