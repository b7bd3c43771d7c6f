#include "app/pages/layout.h"

#include <string.h>
#include "app/pages/pages.h"

void page_init(struct page *page, struct request *rq, struct buf *out)
{
    *page = (struct page){.rq = rq,
                          .arena = &rq->arena,
                          .out = out,
                          .language = text_is(request_query(rq, "lang"), "en") ? PAGE_EN : PAGE_VI};
}

const char *say(const struct page *page, const char *vi, const char *en)
{
    return page->language == PAGE_EN ? en : vi;
}

const char *say_money(const struct page *page, int64_t amount)
{
    return money_words(page->arena, page->language, amount);
}

const char *say_instant(const struct page *page, instant_us at)
{
    return instant_words(page->arena, page->language, at);
}

static void put_navigation(struct page *page, const struct page_head *head)
{
    struct buf *out = page->out;
    html(out, "<header class=\"top\"><div class=\"wrap\"><a class=\"brand\" href=\"/%s\">%s</a>",
         say(page, "", "?lang=en"), say(page, "Phí, lệ phí", "Fees and charges"));
    html(out, "<span class=\"place\">%s</span>", config_text(CONFIG_PROVINCE_NAME));
    if (head->other_language)
        html(out, "<a class=\"lang\" href=\"%s\" hreflang=\"%s\" lang=\"%s\">%s</a>", say(page, "?lang=en", "?lang=vi"),
             say(page, "en", "vi"), say(page, "en", "vi"), say(page, "English", "Tiếng Việt"));
    html(out, "</div></header>");
}

void page_begin(struct page *page, const struct page_head *head)
{
    struct buf *out = page->out;
    html(out, "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n", say(page, "vi", "en"));
    html(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html(out, "<title>%s – %s</title>\n", head->title, say(page, "Phí, lệ phí", "Fees and charges"));
    html(out, "<link rel=\"icon\" href=\"%s\" type=\"image/svg+xml\">\n", asset_path("icon.svg"));
    html(out, "<link rel=\"stylesheet\" href=\"%s\">\n", asset_path("style.css"));
    if (head->script)
        html(out, "<script type=\"module\" src=\"%s\"></script>\n", asset_path(head->script));
    html(out, "</head>\n<body class=\"%s\">\n<a class=\"skip\" href=\"#main\">%s</a>\n",
         head->nav == NAV_STAFF ? "staff" : "citizen", say(page, "Đến nội dung chính", "Skip to main content"));
    put_navigation(page, head);
    html(out, "<main id=\"main\" class=\"wrap\">\n");
}

void page_end(struct page *page)
{
    html(page->out, "</main>\n<footer class=\"wrap\"><p>%s</p></footer>\n</body>\n</html>\n",
         say(page,
             "Cần giúp: gọi bộ phận một cửa nơi nộp hồ sơ hoặc Tổng đài dịch vụ công quốc gia 1800 1096 "
             "(miễn phí).",
             "Help: call the one-stop desk where you filed, or the national public service line 1800 1096 (free)."));
}

enum err page_reply(struct page *page, int status)
{
    reply_header(page->rq, "Cache-Control", TEXT("no-store"));
    enum err err = reply_body(page->rq, status, "text/html; charset=utf-8", buf_view(page->out));
    buf_done(page->out);
    return err;
}

enum err page_go(struct request *rq, const char *path)
{
    reply_header(rq, "Cache-Control", TEXT("no-store"));
    return reply_redirect(rq, 303, path);
}

enum err page_error(struct request *rq, enum err err)
{
    struct buf out = {0};
    struct page page;
    page_init(&page, rq, &out);
    const struct err_info *info = err_info(err);
    bool missing = info->http_status == 404;
    const char *title = missing                   ? say(&page, "Không tìm thấy trang", "Page not found")
                        : info->http_status < 500 ? say(&page, info->vi, info->en)
                                                  : say(&page, "Trang đang gặp sự cố", "This page is not working now");
    page_begin(&page, &(struct page_head){.title = title});
    html(&out, "<h1>%s</h1>\n", title);
    if (missing)
        html(&out, "<p>%s</p>\n",
             say(&page, "Kiểm tra lại đường dẫn, hoặc quét lại mã QR trên giấy báo nộp tiền.",
                 "Check the address, or scan the QR code on your payment notice again."));
    html(
        &out, "<p>%s</p>\n",
        say(&page, "Nếu đã chuyển tiền, đừng chuyển lại.", "If you have already transferred money, do not pay again."));
    html(&out, "<p><a href=\"/%s\">%s</a></p>\n", say(&page, "", "?lang=en"), say(&page, "Về trang đầu", "Front page"));
    page_end(&page);
    if (info->http_status == 503)
        reply_header(rq, "Retry-After", TEXT("5"));
    return page_reply(&page, info->http_status);
}

void pages_before_reply(struct request *rq, int status, const char *content_type)
{
    (void)status;
    if (!content_type || strncmp(content_type, "text/html", 9) != 0)
        return;
    reply_header(rq, "Content-Security-Policy",
                 TEXT("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                      "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"));
    reply_header(rq, "X-Frame-Options", TEXT("DENY"));
    reply_header(rq, "Cross-Origin-Opener-Policy", TEXT("same-origin"));
    reply_header(rq, "Permissions-Policy",
                 TEXT("camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-write=(self)"));
}
