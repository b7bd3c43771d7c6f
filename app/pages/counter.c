/* The cashier's page: find a dossier, see what it costs and what was asked, ask for money, show the QR.
 *
 * It never shows more of the applicant than the desk needs, and asks for money through the same function as the API. */
#include "app/pages/pages.h"

#include "app/pages/counter_parts.h"
#include "app/pages/pay_parts.h"

enum { DESK = ROLE_CASHIER | ROLE_SUPERVISOR | ROLE_ADMIN, CODE_MAX = 60, REQUESTS_SHOWN = 20 };

struct counter {
    struct page page;
    struct dossier dossier;
    struct agency agency;
    struct payment_request *requests;
    size_t count;
    struct quote_form form;
    struct catalogue *catalogue;
    struct counter_desk desk;
};

static const char *const stages[][2] = {
    {"filing", "Nộp khi nộp hồ sơ"}, {"additional", "Nộp bổ sung"}, {"result", "Nộp khi nhận kết quả"}};
enum { STAGE_COUNT = sizeof stages / sizeof *stages };

static const char *stage_words(struct text stage)
{
    for (int i = 0; i < STAGE_COUNT; i++)
        if (text_is(stage, stages[i][0]))
            return stages[i][1];
    return "";
}

static void put_search(struct page *page, struct text code)
{
    html(page->out,
         "<form method=\"get\" action=\"/counter\" class=\"stack row\" role=\"search\">\n<label for=\"code\">Mã hồ "
         "sơ hoặc mã nộp tiền</label>\n<input id=\"code\" name=\"code\" required maxlength=\"60\" autocomplete=\"off\" "
         "autocapitalize=\"characters\" spellcheck=\"false\" value=\"%.*s\"><button class=\"main\">Tìm "
         "hồ sơ</button>\n</form>\n",
         TEXT_ARGS(code));
}

static const char *state_words(struct text state)
{
    static const char *const words[][2] = {{"filed", "Đã tiếp nhận"},
                                           {"supplement", "Chờ bổ sung"},
                                           {"refused", "Bị từ chối"},
                                           {"withdrawn", "Đã rút"},
                                           {"done", "Đã có kết quả"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(state, words[i][0]))
            return words[i][1];
    return "";
}

static void put_dossier(struct counter *c)
{
    struct page *page = &c->page;
    const struct dossier *d = &c->dossier;
    const struct procedure *procedure = catalogue_procedure(c->catalogue, d->procedure);
    html(page->out, "<section aria-labelledby=\"dossier\"><h2 id=\"dossier\">Hồ sơ %.*s</h2>\n<dl class=\"facts\">\n",
         TEXT_ARGS(d->code));
    html(page->out, "<div><dt>Thủ tục</dt><dd>%.*s <span class=\"basis\">%.*s</span></dd></div>\n",
         TEXT_ARGS(procedure ? procedure->name_vi : TEXT("")), TEXT_ARGS(d->procedure));
    html(page->out, "<div><dt>Người nộp hồ sơ</dt><dd>%.*s</dd></div>\n", TEXT_ARGS(d->applicant_name));
    html(page->out,
         "<div><dt>Nơi nhận</dt><dd>%.*s</dd></div>\n<div><dt>Trạng thái</dt><dd>%s, nộp lúc %s</dd></div>\n"
         "</dl></section>\n",
         TEXT_ARGS(c->agency.name_vi), state_words(d->state), say_instant(page, d->submitted_at));
}

static enum err put_request(struct counter *c, const struct payment_request *r)
{
    struct pay_view view = {.page = c->page};
    struct page *page = &c->page;
    enum err err = pay_view_of(page->rq, r, &view);
    if (err)
        return err;
    html(page->out, "<article class=\"request\" data-token=\"%s\" data-status=\"%s\" data-received=\"%lld\">\n",
         view.token, request_status_names[r->status], (long long)r->allocated + r->surplus);
    html(page->out, "<h3>%s · %s <span class=\"tag\">%s</span></h3>\n", say_money(page, r->amount),
         stage_words(r->stage), request_status_words(page, r->status));
    if (r->status == REQUEST_PARTLY_PAID)
        html(page->out, "<p>Đã nhận %s, còn thiếu %s.</p>\n", say_money(page, r->allocated),
             say_money(page, r->amount - r->allocated));
    if (r->surplus)
        html(page->out, "<p>Thừa %s, đã lập hồ sơ hoàn tiền.</p>\n", say_money(page, r->surplus));
    if (r->status == REQUEST_PENDING || r->status == REQUEST_PARTLY_PAID)
        pay_put_qr(&view);
    html(page->out, "<p class=\"exact\">%.*s</p>\n", TEXT_ARGS(r->reference));
    err = counter_put_ways(page, r, &c->desk);
    if (err)
        return err;
    pay_put_receipt_link(&view);
    html(page->out, "<p><a class=\"button\" href=\"/p/%s\">Mở trang cho người nộp</a></p>\n", view.token);
    html(page->out, "<details><summary>Các khoản thu</summary>\n");
    quote_view(page, r->quote);
    html(page->out, "</details>\n");
    err = counter_put_benefits(page, r->dossier, r->id);
    html(page->out, "</article>\n");
    return err;
}

static enum err put_requests(struct counter *c)
{
    struct page *page = &c->page;
    enum err err = OK;
    html(page->out,
         "<section aria-labelledby=\"requests\"><h2 id=\"requests\">Yêu cầu nộp tiền</h2>\n<p role=\"status\" "
         "aria-atomic=\"true\" id=\"live\"></p>\n");
    if (!c->count)
        html(page->out, "<p>Chưa có yêu cầu nào.</p>\n");
    for (size_t i = c->count; !err && i-- > 0 && c->count - i <= REQUESTS_SHOWN;)
        err = put_request(c, &c->requests[i]);
    html(page->out, "</section>\n");
    return err;
}

static bool one_is_open(const struct counter *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->requests[i].status == REQUEST_PENDING || c->requests[i].status == REQUEST_PARTLY_PAID)
            return true;
    return false;
}

/* What the form was priced with travels along, so that the button asks for what is seen. */
static void put_new_request(struct counter *c)
{
    struct page *page = &c->page;
    struct buf *out = page->out;
    html(out, "<section aria-labelledby=\"new\"><h2 id=\"new\">Lập yêu cầu nộp tiền</h2>\n");
    if (one_is_open(c))
        html(out, "<p class=\"warn\">Hồ sơ đang có yêu cầu chờ nộp. Chỉ lập thêm khi có khoản thu khác.</p>\n");
    quote_form_faults(page, &c->form);
    if (c->form.json.at)
        quote_view(page, c->form.json);
    html(out,
         "<form method=\"post\" action=\"/counter/requests\" class=\"stack wide\" data-once>\n<input type=\"hidden\" "
         "name=\"code\" value=\"%.*s\">\n<input type=\"hidden\" name=\"seen\" value=\"%lld\">\n",
         TEXT_ARGS(c->dossier.code), (long long)c->count);
    html(out, "<input type=\"hidden\" name=\"expected\" value=\"%lld\">\n",
         c->form.json.at ? (long long)c->form.quote.total : -1LL);
    html(out, "<label for=\"stage\">Lần nộp</label><select id=\"stage\" name=\"stage\">");
    for (int i = 0; i < STAGE_COUNT; i++)
        html(out, c->count && i == 1 ? "<option value=\"%s\" selected>%s</option>" : "<option value=\"%s\">%s</option>",
             stages[i][0], stages[i][1]);
    html(out, "</select>\n");
    quote_form_fields(page, &c->form);
    html(out, "<p class=\"buttons\">");
    if (c->form.json.at)
        html(out, "<button class=\"main\">Lập yêu cầu nộp tiền</button> ");
    html(out, "<button formmethod=\"get\" formaction=\"/counter\">Tính lại</button></p>\n</form></section>\n");
}

static const struct db_statement by_reference_sql = {"pages_dossier_by_reference",
                                                     "SELECT dossier FROM payment_request WHERE reference ="
                                                     " upper(regexp_replace($1, '[^A-Za-z0-9]', '', 'g'))"};

/* What was typed is a dossier's code, or the code of a request as it stands on notices and QR codes. */
static enum err dossier_meant(struct request *rq, struct text code, struct dossier *ret)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = dossier_find(rq->db, &rq->arena, code, ret);
    if (err != ERR_DOSSIER_UNKNOWN)
        return err;
    db_arg_text(&args, code);
    err = db_query(rq->db, &by_reference_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_DOSSIER_UNKNOWN;
    return dossier_find(rq->db, &rq->arena, db_text(&rows, 0, 0), ret);
}

static enum err load(struct counter *c, struct text code)
{
    struct request *rq = c->page.rq;
    enum err err = dossier_meant(rq, code, &c->dossier);
    if (!err)
        err = agency_find(rq->db, &rq->arena, c->dossier.agency, &c->agency);
    return err ? err : payment_requests_of(rq->db, &rq->arena, c->dossier.code, &c->requests, &c->count);
}

/* The dossier says procedure and channel, whatever the form holds. */
static void price(struct counter *c, struct text form)
{
    struct page *page = &c->page;
    struct text fixed = arena_textf(page->arena, "procedure=%.*s&channel=%.*s&%.*s", TEXT_ARGS(c->dossier.procedure),
                                    TEXT_ARGS(c->dossier.channel), TEXT_ARGS(form));
    quote_form_read(page, fixed, date_of(c->dossier.submitted_at), c->catalogue, &c->form);
}

static enum err show(struct counter *c, struct text code, const char *problem)
{
    struct page *page = &c->page;
    enum err err = OK;
    const char *title =
        code.length ? arena_printf(page->arena, "%sQuầy thu, hồ sơ %.*s", problem ? "Lỗi: " : "", TEXT_ARGS(code))
                    : "Quầy thu";
    page_begin(page, &(struct page_head){.title = title, .script = "counter.js", .nav = NAV_STAFF});
    page_staff_bar(page);
    html(page->out, "<h1>Quầy thu</h1>\n");
    if (problem)
        html(page->out, "<div class=\"errors\" role=\"alert\"><h2>%s</h2></div>\n", problem);
    err = counter_desk_read(page->rq, &c->desk);
    if (!err)
        counter_put_shift(page, &c->desk);
    put_search(page, code);
    if (!err && c->dossier.code.length) {
        put_dossier(c);
        err = counter_put_channel(page, &c->dossier);
        html(page->out, "<div class=\"columns\">\n");
        if (!err)
            err = put_requests(c);
        put_new_request(c);
        html(page->out, "</div>\n");
    }
    page_end(page);
    if (!err)
        return page_reply(page, problem ? 422 : 200);
    buf_done(page->out);
    return page_error(page->rq, err);
}

/* The page with a dossier or without one, and what went wrong before, if anything. */
static enum err visit(struct request *rq, struct text code, struct text form, const char *problem)
{
    struct buf out = {0};
    struct counter c = {0};
    page_init(&c.page, rq, &out);
    c.page.language = PAGE_VI;
    c.catalogue = catalogue_in_force_hold();
    enum err err = !c.catalogue ? ERR_UNAVAILABLE : code.length ? load(&c, code) : OK;
    if (!err && code.length)
        price(&c, form);
    if (err == ERR_DOSSIER_UNKNOWN)
        err = show(&c, code, problem ? problem : "Không tìm thấy hồ sơ này. Kiểm tra lại mã trên giấy tiếp nhận.");
    else
        err = err ? page_error(rq, err) : show(&c, code, problem);
    catalogue_drop(c.catalogue);
    return err;
}

enum err pages_counter_handle(struct request *rq)
{
    if (page_needs_staff(rq, DESK, "/counter"))
        return OK;
    struct text code = text_trim(text_slice(request_query(rq, "code"), 0, CODE_MAX));
    return visit(rq, code, request_query_string(rq), NULL);
}

enum err counter_again(struct request *rq, struct text code, const char *problem)
{
    return visit(rq, code, TEXT(""), problem);
}

/* Making a request: under one lock per dossier, and only when nobody made one since the form was shown. So a second
 * press of the button, or a colleague at the next desk, changes nothing. */
struct making {
    struct counter *counter;
    struct text stage;
    int64_t seen;
    bool made;
};

static const struct db_statement lock_sql = {"pages_dossier_lock",
                                             "SELECT 1 FROM dossier WHERE code = $1 FOR NO KEY UPDATE"};

static enum err make(struct db *db, void *with)
{
    struct making *making = with;
    struct counter *c = making->counter;
    struct request *rq = c->page.rq;
    struct db_args args = db_args(&rq->arena);
    db_arg_text(&args, c->dossier.code);
    enum err err = db_run(db, &lock_sql, &args);
    if (!err)
        err = payment_requests_of(db, &rq->arena, c->dossier.code, &c->requests, &c->count);
    making->made = !err && (int64_t)c->count == making->seen;
    if (err || !making->made)
        return err;
    int64_t id;
    const struct payment_request_order order = {.dossier = &c->dossier,
                                                .quote = &c->form.quote,
                                                .stage = making->stage,
                                                .payer = TEXT_NONE,
                                                .actor = auth_actor(rq)};
    return payment_request_make(db, &rq->arena, &order, rq->at, &id);
}

static enum err act(struct counter *c, struct text code, struct text body)
{
    struct request *rq = c->page.rq;
    int64_t expected;
    struct making making = {.counter = c, .stage = form_field(&rq->arena, body, "stage")};
    if (!*stage_words(making.stage) || !text_to_int64(form_field(&rq->arena, body, "seen"), &making.seen) ||
        !text_to_int64(form_field(&rq->arena, body, "expected"), &expected))
        return page_error(rq, ERR_INVALID);
    price(c, body);
    if (!c->form.json.at)
        return show(c, code, "Cần thêm thông tin để tính phí.");
    if (c->form.quote.total != expected)
        return show(c, code, "Số tiền đã thay đổi. Xem lại rồi bấm lần nữa.");
    enum err err = db_transact(rq->db, rq->deadline_us, make, &making);
    if (err == ERR_ACCOUNT_MISSING || err == ERR_SPLIT_BY_AGENCY)
        return show(c, code, err_info(err)->vi);
    if (err)
        return page_error(rq, err);
    return page_go(rq, arena_printf(&rq->arena, "/counter?code=%s", url_word(&rq->arena, c->dossier.code)));
}

enum err pages_counter_request_handle(struct request *rq)
{
    if (page_needs_staff(rq, DESK, "/counter"))
        return OK;
    if (!page_act_is_ours(rq))
        return page_error(rq, ERR_FORBIDDEN);
    struct buf out = {0};
    struct counter c = {0};
    page_init(&c.page, rq, &out);
    c.page.language = PAGE_VI;
    struct text code = text_trim(text_slice(form_field(&rq->arena, rq->body, "code"), 0, CODE_MAX));
    c.catalogue = catalogue_in_force_hold();
    enum err err = c.catalogue ? load(&c, code) : ERR_UNAVAILABLE;
    err = err ? page_error(rq, err) : act(&c, code, rq->body);
    catalogue_drop(c.catalogue);
    return err;
}
