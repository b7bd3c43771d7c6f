/* What the desk decides of a dossier: whether a claimed benefit is proven, and, by two people, how it was filed. */
#include "app/pages/pages.h"

#include "app/pages/counter_parts.h"

enum { DESK = ROLE_CASHIER | ROLE_SUPERVISOR | ROLE_ADMIN, CODE_MAX = 60, REASON_MIN = 3, TEXT_MAX = 500 };

static const char *benefit_state_words(struct text state)
{
    return text_is(state, "claimed") ? "Chờ xem giấy tờ" : text_is(state, "verified") ? "Đã xác nhận" : "Đã bác";
}

static void put_hidden(struct page *page, struct text code, int64_t request, int64_t benefit, const char *act)
{
    html(page->out,
         "<input type=\"hidden\" name=\"code\" value=\"%.*s\"><input type=\"hidden\" name=\"request\" value=\"%lld\">"
         "<input type=\"hidden\" name=\"benefit\" value=\"%lld\"><input type=\"hidden\" name=\"act\" value=\"%s\">",
         TEXT_ARGS(code), (long long)request, (long long)benefit, act);
}

static void put_input(struct page *page, int64_t benefit, const char *name, const char *label, const char *type,
                      struct text value)
{
    html(page->out,
         "<label for=\"%s-%lld\">%s</label><input id=\"%s-%lld\" name=\"%s\" type=\"%s\" maxlength=\"200\" "
         "autocomplete=\"off\" value=\"%.*s\">",
         name, (long long)benefit, label, name, (long long)benefit, name, type, TEXT_ARGS(value));
}

static void put_forms(struct page *page, struct text code, int64_t request, const struct benefit *b)
{
    struct buf *out = page->out;
    char day[DATE_TEXT_SIZE] = "";
    if (b->issued_on != DATE_NONE)
        date_format(b->issued_on, day);
    html(out, "<details><summary>Xác nhận hoặc bác</summary>\n<form method=\"post\" action=\"/counter/benefits\" "
              "class=\"stack\">");
    put_hidden(page, code, request, b->id, "verify");
    html(out,
         "<label for=\"source-%lld\">Đã xem ở</label><select id=\"source-%lld\" name=\"source\"><option "
         "value=\"paper\">Giấy tờ</option><option value=\"database\">Cơ sở dữ liệu</option></select>",
         (long long)b->id, (long long)b->id);
    put_input(page, b->id, "document", "Tên giấy tờ hoặc cơ sở dữ liệu", "text", b->document);
    put_input(page, b->id, "number", "Số", "text", b->number);
    put_input(page, b->id, "issued_on", "Ngày cấp", "date", text_of(day));
    html(out, "<button class=\"main\">Xác nhận</button></form>\n<form method=\"post\" action=\"/counter/benefits\" "
              "class=\"stack\">");
    put_hidden(page, code, request, b->id, "reject");
    put_input(page, b->id, "reason", "Lý do bác (người nộp sẽ được yêu cầu nộp phần chênh lệch)", "text", TEXT_NONE);
    html(out, "<button>Bác</button></form></details>\n");
}

enum err counter_put_benefits(struct page *page, struct text code, int64_t request)
{
    struct benefit *list;
    size_t count;
    enum err err = benefits_of(page->rq->db, page->arena, request, &list, &count);
    if (err || !count)
        return err;
    html(page->out, "<ul class=\"bare\">\n");
    for (size_t i = 0; i < count; i++) {
        const struct benefit *b = &list[i];
        html(page->out, "<li>Giảm %s, khoản %.*s: <b>%s</b>", say_money(page, b->amount), TEXT_ARGS(b->fee),
             benefit_state_words(b->state));
        if (b->evidence_needed.length)
            html(page->out, "<br>Cần: %.*s", TEXT_ARGS(b->evidence_needed));
        if (b->number.length)
            html(page->out, "<br>%.*s số %.*s", TEXT_ARGS(b->document), TEXT_ARGS(b->number));
        if (text_is(b->state, "rejected"))
            html(page->out, "<br>Lý do: %.*s", TEXT_ARGS(b->reason));
        if (text_is(b->state, "claimed") || (text_is(b->state, "verified") && b->category.length))
            put_forms(page, code, request, b);
        html(page->out, "</li>\n");
    }
    html(page->out, "</ul>\n");
    return OK;
}

static const char *channel_words(struct text channel)
{
    static const char *const words[] = {"Tại quầy", "Trực tuyến toàn trình", "Trực tuyến một phần", "Qua bưu chính"};
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (text_is(channel, channel_names[i]))
            return words[i];
    return "";
}

enum err counter_put_channel(struct page *page, const struct dossier *dossier)
{
    struct buf *out = page->out;
    struct channel_change change;
    enum err err = channel_change_open(page->rq->db, page->arena, dossier->code, &change);
    if (err)
        return err;
    html(out, "<details><summary>Hình thức nộp hồ sơ: %s</summary>\n", channel_words(dossier->channel));
    if (change.id) {
        html(out, "<p>%.*s đề nghị đổi thành %s: %.*s.</p>\n", TEXT_ARGS(change.asked_by), channel_words(change.after),
             TEXT_ARGS(change.reason));
        html(out,
             "<form method=\"post\" action=\"/counter/channel\" class=\"stack\"><input type=\"hidden\" "
             "name=\"code\" value=\"%.*s\"><input type=\"hidden\" name=\"change\" value=\"%lld\"><button>Duyệt đổi "
             "(người khác người đề nghị)</button></form>\n",
             TEXT_ARGS(dossier->code), (long long)change.id);
    }
    html(
        out,
        "<form method=\"post\" action=\"/counter/channel\" class=\"stack\"><input type=\"hidden\" "
        "name=\"code\" value=\"%.*s\"><label for=\"channel\">Đổi thành</label><select id=\"channel\" name=\"channel\">",
        TEXT_ARGS(dossier->code));
    for (int i = 0; i < CHANNEL_COUNT; i++)
        html(out, "<option value=\"%s\">%s</option>", channel_names[i], channel_words(text_of(channel_names[i])));
    html(out,
         "</select><label for=\"channel-reason\">Lý do</label><input id=\"channel-reason\" name=\"reason\" required "
         "minlength=\"3\" maxlength=\"500\"><button>Đề nghị đổi</button></form></details>\n");
    return OK;
}

/* ---- acts -------------------------------------------------------------------------------------------------------- */

struct decision {
    struct request *rq;
    int64_t request, benefit;
    struct text act, reason;
    struct evidence evidence;
};

static enum err decide(struct db *db, void *with)
{
    struct decision *d = with;
    int64_t additional;
    if (text_is(d->act, "verify"))
        return benefit_verify(db, &d->rq->arena, d->request, d->benefit, &d->evidence, auth_actor(d->rq), d->rq->at);
    return benefit_reject(db, &d->rq->arena, d->request, d->benefit, d->reason, auth_actor(d->rq), d->rq->at,
                          &additional);
}

static struct text typed(struct request *rq, const char *name)
{
    return text_head(text_trim(form_field(&rq->arena, rq->body, name)), TEXT_MAX);
}

static enum err back(struct request *rq, enum err err)
{
    struct text code = text_slice(typed(rq, "code"), 0, CODE_MAX);
    return err ? page_error(rq, err)
               : page_go(rq, arena_printf(&rq->arena, "/counter?code=%s", url_word(&rq->arena, code)));
}

enum err pages_counter_benefit_handle(struct request *rq)
{
    if (page_needs_staff(rq, DESK, "/counter"))
        return OK;
    struct decision d = {.rq = rq, .act = typed(rq, "act"), .reason = typed(rq, "reason")};
    d.evidence = (struct evidence){typed(rq, "source"), typed(rq, "document"), typed(rq, "number"), DATE_NONE};
    struct text issued_on = typed(rq, "issued_on");
    bool verify = text_is(d.act, "verify");
    bool good = page_act_is_ours(rq) && text_to_int64(typed(rq, "request"), &d.request) &&
                text_to_int64(typed(rq, "benefit"), &d.benefit) &&
                (!issued_on.length || date_parse(issued_on, &d.evidence.issued_on)) &&
                (verify ? text_is(d.evidence.source, "paper") || text_is(d.evidence.source, "database")
                        : d.reason.length >= REASON_MIN);
    return back(rq, good ? db_transact(rq->db, rq->deadline_us, decide, &d) : ERR_INVALID);
}

enum err pages_counter_channel_handle(struct request *rq)
{
    if (page_needs_staff(rq, DESK, "/counter"))
        return OK;
    struct text code = text_slice(typed(rq, "code"), 0, CODE_MAX), reason = typed(rq, "reason");
    struct text wanted = typed(rq, "channel");
    int64_t change, made;
    struct dossier dossier;
    int channel = -1;
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (text_is(wanted, channel_names[i]))
            channel = i;
    enum err err = page_act_is_ours(rq) ? dossier_find(rq->db, &rq->arena, code, &dossier) : ERR_FORBIDDEN;
    if (!err && text_to_int64(typed(rq, "change"), &change))
        err = channel_change_approve(rq->db, &rq->arena, code, change, auth_actor(rq), rq->at);
    else if (!err)
        err = channel < 0 || reason.length < REASON_MIN
                  ? ERR_INVALID
                  : channel_change_ask(rq->db, &rq->arena, code, (enum fee_channel)channel, reason, auth_actor(rq),
                                       rq->at, &made);
    return back(rq, err);
}
