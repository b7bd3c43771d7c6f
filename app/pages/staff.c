/* Signing in and out, and who may see a page of staff. */
#include "app/pages/pages.h"

#include <string.h>
#include "app/pages/layout.h"

enum { LOGIN_MAX = 40, PASSWORD_MAX = 200 };

/* Only pages of staff: a form must not be able to send anybody elsewhere. */
static const char *next_page(struct text wanted)
{
    return text_is(wanted, "/finance") ? "/finance" : "/counter";
}

bool page_act_is_ours(const struct request *rq)
{
    struct text site = request_header(rq, "Sec-Fetch-Site");
    if (site.length)
        return text_is(site, "same-origin");
    /* Over plain HTTP, and from browsers of before 2023, only the origin is told; our own pages send "null" because
     * they send no referrer. The session's cookie is SameSite=Strict all the same. */
    struct text origin = request_header(rq, "Origin"), host = request_header(rq, "Host");
    size_t scheme = text_starts(origin, "https://") ? 8 : text_starts(origin, "http://") ? 7 : 0;
    return !origin.length || text_is(origin, "null") ||
           (scheme && text_equal(text_slice(origin, scheme, origin.length), host));
}

static enum err show_form(struct request *rq, const char *next, const char *problem)
{
    struct buf out = {0};
    struct page page;
    page_init(&page, rq, &out);
    page_begin(&page, &(struct page_head){.title = problem ? "Lỗi: Đăng nhập" : "Đăng nhập", .nav = NAV_STAFF});
    html(&out, "<h1>Đăng nhập</h1>\n<p>Trang này dành cho cán bộ.</p>\n");
    if (problem)
        html(&out,
             "<div class=\"errors\" role=\"alert\" tabindex=\"-1\"><h2>Chưa đăng nhập được</h2>"
             "<p><a href=\"#login\">%s</a></p></div>\n",
             problem);
    html(&out,
         "<form method=\"post\" action=\"/login\" class=\"stack\">\n<input type=\"hidden\" name=\"next\" "
         "value=\"%s\">\n",
         next);
    html(&out,
         "<label for=\"login\">Tên đăng nhập</label>\n<input id=\"login\" name=\"login\" required maxlength=\"40\" "
         "autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\">\n");
    html(&out, "<label for=\"password\">Mật khẩu</label>\n<input id=\"password\" name=\"password\" type=\"password\" "
               "required maxlength=\"200\" autocomplete=\"current-password\">\n");
    html(&out, "<button class=\"main\">Đăng nhập</button>\n</form>\n");
    page_end(&page);
    return page_reply(&page, problem ? 422 : 200);
}

enum err page_needs_staff(struct request *rq, unsigned roles, const char *next)
{
    if (rq->caller.kind != CALLER_STAFF) {
        (void)show_form(rq, next, NULL);
        return ERR_UNAUTHENTICATED;
    }
    if (rq->caller.roles & roles)
        return OK;
    struct buf out = {0};
    struct page page;
    page_init(&page, rq, &out);
    page_begin(&page, &(struct page_head){.title = "Không có quyền", .nav = NAV_STAFF});
    page_staff_bar(&page);
    html(&out,
         "<h1>Tài khoản này không có quyền xem trang</h1>\n<p>Đăng xuất rồi đăng nhập bằng tài khoản khác, hoặc hỏi "
         "người quản trị.</p>\n");
    page_end(&page);
    (void)page_reply(&page, 403);
    return ERR_FORBIDDEN;
}

static const char *role_words(unsigned role)
{
    static const char *const words[][2] = {{"cashier", "thu ngân"},
                                           {"supervisor", "phụ trách ca"},
                                           {"finance", "kế toán"},
                                           {"auditor", "kiểm toán"},
                                           {"admin", "quản trị"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i][0], auth_role_name(role)))
            return words[i][1];
    return "";
}

void page_staff_bar(struct page *page)
{
    const struct caller *caller = &page->rq->caller;
    html(page->out,
         "<nav class=\"bar\" aria-label=\"Cán bộ\"><a href=\"/counter\">Quầy thu</a><a href=\"/finance\">Đối "
         "soát</a><a href=\"/finance/catalogue\">Danh mục phí</a><span>%s (%s)</span>",
         caller->name, role_words(caller->roles));
    html(page->out, "<form method=\"post\" action=\"/logout\"><button>Đăng xuất</button></form></nav>\n");
}

static void set_cookie(struct request *rq, const char *token, int seconds)
{
    bool secure = text_starts(text_of(config_text(CONFIG_HTTP_PUBLIC_URL)), "https://");
    reply_header(rq, "Set-Cookie",
                 arena_textf(&rq->arena, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", AUTH_COOKIE, token,
                             seconds, secure ? "; Secure" : ""));
}

enum err pages_login_handle(struct request *rq)
{
    struct text login = text_trim(form_field(&rq->arena, rq->body, "login"));
    struct text password = form_field(&rq->arena, rq->body, "password");
    const char *next = next_page(form_field(&rq->arena, rq->body, "next"));
    if (!page_act_is_ours(rq))
        return page_error(rq, ERR_FORBIDDEN);
    char token[TOKEN_TEXT_SIZE];
    enum err err = ERR_UNAUTHENTICATED;
    if (login.length && login.length <= LOGIN_MAX && password.length && password.length <= PASSWORD_MAX)
        err = auth_login(rq->db, &rq->arena, login, password, rq->at, token);
    if (err == ERR_UNAUTHENTICATED)
        return show_form(rq, next, "Tên đăng nhập hoặc mật khẩu chưa đúng.");
    if (!err)
        err = audit_record(rq->db, &rq->arena, rq->at, arena_printf(&rq->arena, "staff:%.*s", TEXT_ARGS(login)),
                           "staff.login", login, TEXT_NONE);
    if (err)
        return page_error(rq, err);
    set_cookie(rq, token, AUTH_SESSION_S);
    return page_go(rq, next);
}

enum err pages_logout_handle(struct request *rq)
{
    struct text token = request_cookie(rq, AUTH_COOKIE);
    if (!page_act_is_ours(rq))
        return page_error(rq, ERR_FORBIDDEN);
    enum err err = token.length ? auth_logout(rq->db, &rq->arena, token, rq->at) : OK;
    if (err)
        return page_error(rq, err);
    set_cookie(rq, "", 0);
    return page_go(rq, "/counter");
}
