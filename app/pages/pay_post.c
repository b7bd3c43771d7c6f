/* Where the letters of the dossier are, as the post office told it: each step, and the day by which the next one is
 * due. */
#include "app/pages/pay_parts.h"

enum { WORDS = 3 };

static const struct db_statement parcels_sql = {
    "pages_parcels", "SELECT p.id, p.direction = 'send', coalesce(p.item, ''), p.status, to_char(d.due, 'DD/MM/YYYY'),"
                     " to_char(d.second_attempt_on, 'DD/MM/YYYY'), to_char(d.return_by, 'DD/MM/YYYY')"
                     " FROM payment_request r JOIN parcel p ON p.dossier = r.dossier, LATERAL parcel_deadlines(p.id) d"
                     " WHERE r.id = $1 AND p.state IN ('booked', 'cancelling') ORDER BY p.id LIMIT 10"};
static const struct db_statement steps_sql = {
    "pages_parcel_steps",
    "SELECT e.parcel_id, e.status, e.at, e.place FROM payment_request r JOIN parcel p ON p.dossier = r.dossier"
    " JOIN parcel_event e ON e.parcel_id = p.id WHERE r.id = $1 AND p.state IN ('booked', 'cancelling')"
    " ORDER BY e.parcel_id, e.at, e.learned LIMIT 200"};

enum err pay_post_read(struct request *rq, int64_t request, struct pay_view *view)
{
    struct db_args args = db_args(&rq->arena), again = db_args(&rq->arena);
    db_arg_int(&args, request);
    db_arg_int(&again, request);
    enum err err = db_query(rq->db, &parcels_sql, &args, &view->parcels);
    if (!err && view->parcels.count)
        err = db_query(rq->db, &steps_sql, &again, &view->parcel_steps);
    return err;
}

static const char *step_words(const struct page *page, struct text status)
{
    static const char *const words[][WORDS] = {
        {"created", "Đã tạo đơn gửi", "Order made"},
        {"accepted", "Bưu điện đã nhận", "Taken by the post office"},
        {"in_transit", "Đang vận chuyển", "On its way"},
        {"out_for_delivery", "Đang đi phát", "Out for delivery"},
        {"delivered", "Đã phát", "Delivered"},
        {"failed_attempt", "Chưa phát được", "Could not be delivered"},
        {"returning", "Đang chuyển hoàn", "Going back"},
        {"returned", "Đã chuyển hoàn", "Returned"},
        {"lost", "Bưu điện báo bị mất", "Reported lost"},
        {"damaged", "Bưu điện báo bị hư hỏng", "Reported damaged"},
        {"cancelled", "Đã hủy", "Cancelled"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(status, words[i][0]))
            return say(page, words[i][1], words[i][2]);
    return say(page, "Bưu điện báo một bước chưa rõ nghĩa, đang được kiểm tra",
               "A step we do not know yet; being checked");
}

static void put_step(struct page *page, const char *tone, const char *what, const char *when, struct text place)
{
    html(page->out, "<li class=\"%s\"><b>%s</b><span>%s%s%.*s</span></li>\n", tone, what, when,
         place.length ? ", " : "", TEXT_ARGS(place));
}

static bool is_trouble(struct text status)
{
    return text_is(status, "failed_attempt") || text_is(status, "lost") || text_is(status, "damaged") ||
           text_is(status, "unknown");
}

/* What is awaited next, and what to do when it does not come. */
static void put_next_step(struct pay_view *view, int i)
{
    struct page *page = &view->page;
    const struct db_rows *parcels = &view->parcels;
    struct text status = db_text(parcels, i, 3), due = TEXT("");
    const char *what = NULL;
    if (text_is(status, "delivered") || text_is(status, "returned") || text_is(status, "cancelled"))
        return;
    if (text_is(status, "lost") || text_is(status, "damaged")) {
        what = say(
            page,
            "Trung tâm làm việc với bưu điện. Giấy tờ được làm lại, bạn không phải trả thêm tiền nếu lỗi do bưu điện",
            "The centre is dealing with the post office. It makes papers anew at its cost when it is at fault");
    } else if (!db_null(parcels, i, 5)) {
        what = say(page, "Bưu điện phát lại lần hai vào ngày", "Second delivery on");
        due = db_text(parcels, i, 5);
    } else if (!db_null(parcels, i, 6)) {
        what = say(page, "Đã phát hai lần không được. Bưu điện chuyển hoàn chậm nhất ngày",
                   "Two deliveries failed. It goes back by");
        due = db_text(parcels, i, 6);
    } else if (!db_null(parcels, i, 4) && !text_is(status, "returning")) {
        what = say(page, "Dự kiến đến chậm nhất ngày", "Expected by");
        due = db_text(parcels, i, 4);
    }
    if (what)
        html(page->out, "<li class=\"wait\"><b>%s %.*s</b></li>\n", what, TEXT_ARGS(due));
}

void pay_put_post(struct pay_view *view)
{
    struct page *page = &view->page;
    if (!view->parcels.count)
        return;
    html(page->out, "<section aria-labelledby=\"post\">\n<h2 id=\"post\">%s</h2>\n",
         say(page, "Hồ sơ của tôi ở bưu điện", "My papers at the post office"));
    for (int i = 0; i < view->parcels.count; i++) {
        struct text item = db_text(&view->parcels, i, 2);
        html(page->out, "<p>%s%s<b>%.*s</b></p>\n<ol class=\"timeline\">\n",
             db_bool(&view->parcels, i, 1) ? say(page, "Gửi hồ sơ đến cơ quan", "Papers to the agency")
                                           : say(page, "Gửi kết quả đến bạn", "Result to you"),
             item.length ? ": " : "", TEXT_ARGS(item));
        for (int k = 0; k < view->parcel_steps.count; k++) {
            if (db_int(&view->parcel_steps, k, 0) != db_int(&view->parcels, i, 0))
                continue;
            struct text status = db_text(&view->parcel_steps, k, 1);
            put_step(page, is_trouble(status) ? "wait" : "done", step_words(page, status),
                     say_instant(page, db_instant(&view->parcel_steps, k, 2)), db_text(&view->parcel_steps, k, 3));
        }
        put_next_step(view, i);
        html(page->out, "</ol>\n");
    }
    html(page->out, "</section>\n");
}
