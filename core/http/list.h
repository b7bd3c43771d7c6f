/* Lists as every caller sees them: ?limit= (1 to 500, 50 when absent), an opaque ?cursor=, and {items, next_cursor};
 * next_cursor is null on the last page.
 *
 *   struct list list;
 *   list_ask(rq, &list);                       // and other parameters of the query
 *   if (rq->faults.count) return reply_faults(rq, ERR_INVALID);
 *   struct db_args args = db_args(&rq->arena);
 *   list_args(&args, &list);                   // $1 and $2: WHERE id > $1 … ORDER BY id LIMIT $2, id in the first
 * column err = db_query(rq->db, &list_sql, &args, &rows); return err ? reply_error(rq, err) : list_reply(rq, &list,
 * &rows, item_write); */
#ifndef LEPHI_CORE_HTTP_LIST_H
#define LEPHI_CORE_HTTP_LIST_H

#include "core/db/db.h"
#include "core/http/http.h"

struct list {
    int64_t after, limit;
};

/* Faults are added to the request's. */
void list_ask(struct request *rq, struct list *ret_list);
/* Asks for one row more than the page holds, to know whether it is the last. */
void list_args(struct db_args *args, const struct list *list);
enum err list_reply(struct request *rq, const struct list *list, const struct db_rows *rows,
                    void (*item_write)(struct json *json, const struct db_rows *rows, int row));

#endif
