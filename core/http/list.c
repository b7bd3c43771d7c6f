#include "core/http/list.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500 };

void list_ask(struct request *rq, struct list *ret_list)
{
    struct text cursor = request_query(rq, "cursor"), limit = request_query(rq, "limit");
    struct list list = {0, LIMIT_DEFAULT};
    if (cursor.at && (!text_to_int64(cursor, &list.after) || list.after < 0))
        faults_add(&rq->faults, "cursor", ERR_FIELD_FORMAT, NULL);
    if (limit.at && (!text_to_int64(limit, &list.limit) || list.limit < 1 || list.limit > LIMIT_MAX))
        faults_add(&rq->faults, "limit", ERR_FIELD_RANGE, "Phải từ 1 đến %d", LIMIT_MAX);
    *ret_list = list;
}

void list_args(struct db_args *args, const struct list *list)
{
    db_arg_int(args, list->after);
    db_arg_int(args, list->limit + 1);
}

struct page {
    const struct db_rows *rows;
    int count;
    void (*item_write)(struct json *json, const struct db_rows *rows, int row);
};

static void page_write(struct json *json, const void *what)
{
    const struct page *page = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < page->count; i++)
        page->item_write(json, page->rows, i);
    json_put_end(json);
    if (page->count < page->rows->count)
        json_put_textf(json, "next_cursor", "%lld", (long long)db_int(page->rows, page->count - 1, 0));
    else
        json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err list_reply(struct request *rq, const struct list *list, const struct db_rows *rows,
                    void (*item_write)(struct json *json, const struct db_rows *rows, int row))
{
    const struct page page = {rows, rows->count < list->limit ? rows->count : (int)list->limit, item_write};
    return reply_json(rq, 200, page_write, &page);
}
