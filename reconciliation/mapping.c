/* A column mapping for a layout nobody knew: shown to a person as headers and as what would be read, kept when the
 * person confirms. POST and GET /v1/statement-mappings, lephi statement mapping. */
#include "reconciliation/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/auth/auth.h"
#include "reconciliation/statement_print.h"

static const struct db_statement add = {"statement_mapping_add",
                                        "SELECT statement_mapping_add($1, $2, $3, $4, $5, $6)"};
static const struct db_statement list = {
    "statement_mappings_list",
    "SELECT jsonb_build_object('fingerprint', encode(fingerprint, 'hex'), 'version', version, 'name', name, 'kind', "
    "kind, 'columns', columns, 'confirmed_by', confirmed_by, 'confirmed_at', confirmed_at) FROM statement_mapping"
    " ORDER BY confirmed_at, fingerprint, version LIMIT 500"};

struct preview {
    int64_t statements, lines;
    struct statement_sink to;
};

static void count_begin(void *with, const struct statement_head *head)
{
    struct preview *p = with;
    p->statements++;
    p->to.begin(p->to.with, head);
}

static void count_line(void *with, const struct statement_line *line)
{
    struct preview *p = with;
    p->lines++;
    p->to.line(p->to.with, line);
}

static void count_end(void *with, const struct statement_tail *tail)
{
    struct preview *p = with;
    p->to.end(p->to.with, tail);
}

static void count_warning(void *with, const struct statement_warning *warning)
{
    struct preview *p = with;
    p->to.warning(p->to.with, warning);
}

static void count_settlement(void *with, const struct settlement_head *head)
{
    struct preview *p = with;
    p->statements++;
    p->to.settlement_begin(p->to.with, head);
}

static void count_settlement_line(void *with, const struct settlement_line *line)
{
    struct preview *p = with;
    p->lines++;
    p->to.settlement_line(p->to.with, line);
}

static void count_settlement_end(void *with, const struct settlement_tail *tail)
{
    struct preview *p = with;
    p->to.settlement_end(p->to.with, tail);
}

/* What `lephi statement parse` would print with this mapping; how many lines it tells. */
static enum err preview_put(enum statement_format format, const struct mapping_order *order, struct json *json,
                            int64_t *ret_lines)
{
    char *bytes = NULL;
    size_t size = 0;
    struct printer printer = {.to = open_memstream(&bytes, &size)};
    if (!printer.to)
        return ERR_IO;
    printer.json = json_to(&printer.out);
    json_put_object(&printer.json, NULL);
    json_put_string(&printer.json, "format", statement_format_name(format));
    json_put_array(&printer.json, "statements");
    struct preview preview = {.to = statement_printer_sink(&printer)};
    const struct statement_sink sink = {
        &preview,         count_begin,           count_line,          count_end, count_warning,
        count_settlement, count_settlement_line, count_settlement_end};
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = statement_reader_map(reader, &order->mapping, 1);
    bool understood = !err;
    if (!err)
        err = statement_reader_feed(reader, order->file);
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    statement_printer_end(&printer);
    statement_printer_flush(&printer);
    if (fclose(printer.to))
        err = err ? err : ERR_IO;
    if (understood)
        json_put_raw(json, "preview", (struct text){bytes, size});
    statement_printer_done(&printer);
    free(bytes);
    *ret_lines = preview.lines;
    return err ? err : ended;
}

enum err mapping_show(const struct mapping_order *order, struct json *json, int64_t *ret_lines)
{
    enum statement_format format = statement_detect(order->file);
    *ret_lines = 0;
    enum err err = statement_headers_put(format, order->file, json);
    if (err || !order->mapping.columns.length)
        return err;
    return preview_put(format, order, json, ret_lines);
}

/* ---- HTTP -----------------------------------------------------------------------------------------------------------
 */

static const char *const kinds[] = {"statement", "gateway", "wallet", "terminal", "collection", "orders"};

bool mapping_fingerprint_read(struct text hex, uint8_t ret_fingerprint[STATEMENT_FINGERPRINT_SIZE])
{
    return hex.length == 2 * STATEMENT_FINGERPRINT_SIZE && hex_decode(hex, ret_fingerprint, STATEMENT_FINGERPRINT_SIZE);
}

bool mapping_kind_known(struct text kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text_is(kind, kinds[i]))
            return true;
    return false;
}

static void order_read(struct request *rq, struct mapping_order *ret)
{
    struct text hex = request_query(rq, "fingerprint"), kind = request_query(rq, "kind");
    *ret = (struct mapping_order){.file = rq->body};
    ret->mapping.columns = request_query(rq, "columns");
    ret->mapping.kind = kind.at ? kind : TEXT("statement");
    ret->mapping.name = request_query(rq, "name");
    if (!ret->mapping.name.at)
        ret->mapping.name = TEXT("preview");
    ret->confirmed = text_is(request_query(rq, "confirm"), "true");
    if (!mapping_kind_known(ret->mapping.kind))
        faults_add(&rq->faults, "/kind", ERR_FIELD_VALUE, NULL);
    if (ret->mapping.name.length > 60)
        faults_add(&rq->faults, "/name", ERR_FIELD_LENGTH, NULL);
    if (ret->mapping.columns.length && !mapping_fingerprint_read(hex, ret->mapping.fingerprint))
        faults_add(&rq->faults, "/fingerprint", ERR_FIELD_FORMAT, "Chọn một dòng tiêu đề trong headers.");
    if (ret->confirmed && !ret->mapping.columns.length)
        faults_add(&rq->faults, "/columns", ERR_FIELD_MISSING, NULL);
    if (ret->confirmed && !request_query(rq, "name").length)
        faults_add(&rq->faults, "/name", ERR_FIELD_MISSING, NULL);
}

enum err mapping_keep(struct db *db, struct arena *arena, const struct mapping_order *order, const char *actor,
                      instant_us at, int64_t *ret_version)
{
    struct db_args args = db_args(arena);
    db_arg_bytes(&args, order->mapping.fingerprint, sizeof order->mapping.fingerprint);
    db_arg_text(&args, order->mapping.name);
    db_arg_text(&args, order->mapping.kind);
    db_arg_text(&args, order->mapping.columns);
    db_arg_string(&args, actor);
    db_arg_instant(&args, at);
    struct db_rows rows;
    enum err err = db_query(db, &add, &args, &rows);
    if (err)
        return err;
    *ret_version = db_int(&rows, 0, 0);
    return audit_record(db, arena, at, actor, "statement_mapping.confirm", order->mapping.name,
                        arena_textf(arena, "{\"version\":%lld}", (long long)*ret_version));
}

static enum err confirm_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct mapping_order *order = with;
    struct json json = json_to(&reply->body);
    int64_t lines = 0, version = 0;
    json_put_object(&json, NULL);
    enum err err = mapping_show(order, &json, &lines);
    bool has_columns = order->mapping.columns.length > 0;
    if (err == ERR_INVALID)
        return faults_add(&rq->faults, "/columns", ERR_FIELD_VALUE,
                          "Cần ngày và số tiền: \"booked=1 debit=4 credit=5 memo=6\", cột đếm từ 1.");
    if (err && !(has_columns && err == ERR_STATEMENT_SYNTAX))
        return err;
    if (has_columns && !lines)
        return faults_add(&rq->faults, "/columns", ERR_FIELD_VALUE, "Không đọc được dòng nào với cách hiểu này.");
    if (order->confirmed)
        err = mapping_keep(rq->db, &rq->arena, order, auth_actor(rq), rq->at, &version);
    else
        err = OK;
    if (err)
        return err;
    json_put_int(&json, "lines", lines);
    json_put_bool(&json, "confirmed", order->confirmed);
    if (order->confirmed)
        json_put_int(&json, "version", version);
    json_put_end(&json);
    reply->status = order->confirmed ? 201 : 200;
    return OK;
}

enum err statement_mapping_handle(struct request *rq)
{
    struct mapping_order order;
    order_read(rq, &order);
    return rq->faults.count ? reply_faults(rq, ERR_INVALID) : desk_reply_once(rq, confirm_act, &order);
}

static void write_list(struct json *json, const void *what)
{
    const struct db_rows *rows = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows->count; i++)
        json_put_raw(json, NULL, db_text(rows, i, 0));
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err statement_mappings_list_handle(struct request *rq)
{
    struct db_args none = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = db_query(rq->db, &list, &none, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, write_list, &rows);
}
