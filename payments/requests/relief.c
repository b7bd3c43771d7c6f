/* Reliefs with a limit per person and year: what a quote was told the person already got must not be less than what our
 * own requests show. Whoever got more elsewhere says so; nobody gets the same year twice here. */
#include <inttypes.h>
#include "payments/requests/request_parts.h"

static const struct db_statement relief_sql = {"relief_of_person",
                                               "SELECT amount, times FROM relief_of_person($1, $2, $3, $4)"};

static enum err line_check(struct db *db, struct arena *arena, const struct payment_request_order *order,
                           struct text rule, instant_us at)
{
    const int64_t *said = order->quote->request->quantities;
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_text(&args, order->dossier->applicant_id_number);
    db_arg_text(&args, rule);
    db_arg_text(&args, order->dossier->code);
    enum err err = db_query(db, &relief_sql, &args, &rows);
    if (err)
        return err;
    int64_t used = db_int(&rows, 0, 0), times = db_int(&rows, 0, 1);
    bool less = said[QUANTITY_RELIEF_USED] != QUANTITY_NONE && said[QUANTITY_RELIEF_USED] < used;
    bool fewer = said[QUANTITY_RELIEF_TIMES] != QUANTITY_NONE && said[QUANTITY_RELIEF_TIMES] < times;
    if (order->faults && less)
        faults_add(order->faults, "/quantities/relief_used", ERR_RELIEF_USED,
                   "Trong năm người này đã được giảm %" PRId64 " đồng: nêu ít nhất số ấy", used);
    if (order->faults && fewer)
        faults_add(order->faults, "/quantities/relief_times", ERR_RELIEF_USED,
                   "Trong năm người này đã được giảm %" PRId64 " lần: nêu ít nhất số ấy", times);
    if (less || fewer)
        return order->faults ? ERR_INVALID : ERR_RELIEF_USED;
    return OK;
}

enum err relief_check(struct db *db, struct arena *arena, const struct payment_request_order *order, instant_us at)
{
    for (size_t i = 0; i < order->quote->line_count; i++) {
        struct quote_benefit benefit;
        if (!quote_line_benefit(order->quote, i, &benefit) || !benefit.yearly)
            continue;
        if (!order->dossier->applicant_id_number.length) {
            if (order->faults)
                faults_add(order->faults, "/dossier", ERR_RELIEF_USED,
                           "Mức giảm có giới hạn mỗi người mỗi năm: hồ sơ cần số định danh của người nộp "
                           "(applicant.id_number)");
            return order->faults ? ERR_INVALID : ERR_RELIEF_USED;
        }
        enum err err = line_check(db, arena, order, benefit.rule, at);
        if (err)
            return err;
    }
    return OK;
}
