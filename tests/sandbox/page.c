/* The page for a person: read a VietQR, pay it (well or badly), see transfers and parcels. Plain HTML, no scripts. */
#include "tests/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>
#include "core/base/money.h"

void html_text(struct buf *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            buf_printf(out, "&#%d;", c);
        else
            buf_char(out, c);
    }
}

static const char head[] =
    "<!doctype html><html lang=vi><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>Ngân hàng và bưu điện giả lập</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;"
    "margin:0 auto;padding:1rem}table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.25rem "
    ".5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}textarea,"
    "input[type=text],select{width:100%;font:inherit;box-sizing:border-box}button{font:inherit;padding:.3rem .8rem}"
    "fieldset{margin:1rem 0}.warn{background:#fff3c4;padding:.5rem}label{display:block;margin:.3rem 0}</style>"
    "<p class=warn><b>Giả lập để tập huấn và thử nghiệm.</b> Không có tiền thật, không có bưu gửi thật.";

void page_open(struct visit *visit)
{
    visit->content_type = "text/html; charset=utf-8";
    buf_string(&visit->reply, head);
}

static void accounts_list(struct visit *visit)
{
    struct buf *out = &visit->reply;
    const struct account *accounts;
    size_t count = bank_accounts(visit->sandbox->bank, &accounts);
    buf_string(out,
               "<h2>Tài khoản và sao kê hôm nay</h2><table><tr><th>Tài khoản<th>Tên<th class=n>Số dư (đ)<th>Sao kê");
    for (size_t i = 0; i < count; i++) {
        char money[MONEY_TEXT_SIZE];
        money_format(accounts[i].balance, money);
        buf_printf(out, "<tr><td>%s · %s<td>", accounts[i].bin, accounts[i].number);
        html_text(out, text_of(accounts[i].name));
        buf_printf(out, "<td class=n>%s<td>", money);
        static const char *const formats[] = {"mt940", "camt053", "csv"};
        for (int f = 0; f < 3; f++)
            buf_printf(out, "<a href='/bank/statement?account=%s&amp;format=%s'>%s</a> ", accounts[i].number,
                       formats[f], formats[f]);
    }
    buf_string(out, "</table>");
}

static void transfers_list(struct visit *visit)
{
    struct buf *out = &visit->reply;
    const struct account *accounts;
    size_t count = bank_accounts(visit->sandbox->bank, &accounts);
    buf_string(out,
               "<h2>Giao dịch mới nhất</h2><table><tr><th>Lúc<th>Tài khoản<th class=n>Số tiền (đ)<th>Nội dung ngân "
               "hàng báo<th>Mã giao dịch");
    for (size_t i = 0; i < count; i++) {
        const struct transfer **list;
        int64_t opening;
        size_t found = bank_day(visit->sandbox->bank, &accounts[i], DATE_NONE, &visit->arena, &list, &opening);
        for (size_t t = found; t > 0 && found - t < 20; t--) {
            char at[INSTANT_TEXT_SIZE], money[MONEY_TEXT_SIZE];
            instant_format_vi(list[t - 1]->booked_at, at);
            money_format(list[t - 1]->amount, money);
            buf_printf(out, "<tr><td>%s<td>%s<td class=n>%s<td>", at, accounts[i].number, money);
            html_text(out, text_of(list[t - 1]->memo));
            buf_printf(out, "<td>%s", list[t - 1]->reference);
        }
    }
    buf_string(out, "</table><p><a href='/bank/webhooks'>Sổ gửi thông báo biến động số dư</a>");
}

static void front(struct visit *visit)
{
    struct buf *out = &visit->reply;
    page_open(visit);
    buf_string(out, "<h1>Ngân hàng, bưu điện giả lập</h1><h2>Chuyển tiền</h2><form method=post action=/page/read>"
                    "<label>Dán nội dung mã VietQR<textarea name=payload rows=3 required></textarea></label>"
                    "<button>Đọc mã</button></form>");
    transfers_list(visit);
    accounts_list(visit);
    buf_string(out, "<h2>Bưu gửi</h2><table><tr><th>Số hiệu<th>Mã đơn<th>Người nhận<th>Trạng thái<th>");
    post_parcels_html(visit->sandbox->post, out);
    buf_string(out, "</table><h2>Tin nhắn gửi cho người dân</h2><table><tr><th>Lúc<th>Kênh<th>Nội dung");
    sink_messages_html(visit->sandbox->sink, out);
    buf_string(out, "</table>");
}

static void row(struct buf *out, const char *name, struct text value)
{
    buf_printf(out, "<tr><th>%s<td>", name);
    html_text(out, value);
}

static void mischief_fields(struct buf *out)
{
    static const char *const boxes[][2] = {{"lose_webhook", "Không gửi thông báo (mất call-back)"},
                                           {"pay_twice", "Trả hai lần"},
                                           {"wrong_signature", "Ký sai thông báo"},
                                           {"repeat", "Gửi thông báo ba lần"},
                                           {"delay", "Gửi thông báo chậm 10 giây"}};
    buf_string(out, "<fieldset><legend>Làm sai (để thử)</legend>");
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        buf_printf(out, "<label><input type=checkbox name=%s value=1> %s</label>", boxes[i][0], boxes[i][1]);
    buf_string(out, "<label>Nội dung chuyển khoản bị thay đổi <select name=mangle><option value=''>như ngân hàng nhận "
                    "thường làm</option>");
    for (const char *const *word = memo_words; *word; word++)
        buf_printf(out, "<option>%s</option>", *word);
    buf_string(out, "</select></label></fieldset>");
}

static void page_read(struct visit *visit)
{
    struct buf *out = &visit->reply;
    struct text payload = visit_form(visit, "payload");
    struct vietqr_read qr;
    const char *why;
    page_open(visit);
    if (!vietqr_read(payload, &qr, &why)) {
        visit->status = 422;
        buf_printf(out, "<h1>Không đọc được mã</h1><p>%s.<p><a href=/>Quay lại</a>", why);
        return;
    }
    const struct account *account = bank_account(visit->sandbox->bank, text_of(qr.account));
    char money[MONEY_TEXT_SIZE];
    money_format(qr.amount, money);
    buf_string(out, "<h1>Mã VietQR nói gì</h1><table>");
    row(out, "Ngân hàng", text_of(qr.bank_bin));
    row(out, "Tài khoản", text_of(qr.account));
    row(out, "Tên tài khoản", account ? text_of(account->name) : TEXT("không có tại ngân hàng này"));
    row(out, "Số tiền", qr.amount ? text_of(money) : TEXT("người trả tự nhập"));
    row(out, "Nội dung", text_of(qr.memo));
    buf_string(out, "</table>");
    if (account) {
        buf_string(out, "<form method=post action=/page/pay><input type=hidden name=payload value=\"");
        html_text(out, payload);
        buf_printf(out,
                   "\"><label>Số tiền trả (đồng)<input type=text name=amount inputmode=numeric value='%lld'></label>"
                   "<label>Tên người trả<input type=text name=from value='NGUYEN VAN DAN'></label>",
                   (long long)qr.amount);
        mischief_fields(out);
        buf_string(out, "<button>Trả tiền</button></form>");
    }
    buf_string(out, "<p><a href=/>Quay lại</a>");
}

static void page_pay(struct visit *visit)
{
    struct vietqr_read qr;
    struct pay_order order = {.at = INSTANT_NONE};
    const struct transfer *made[2];
    const char *why = "Không có tài khoản này, hoặc số tiền không đúng";
    size_t count = 0;
    bool good = vietqr_read(visit_form(visit, "payload"), &qr, &why);
    if (good) {
        order.account = bank_account(visit->sandbox->bank, text_of(qr.account));
        order.memo = text_of(qr.memo);
        order.from_name = visit_form(visit, "from");
        order.mischief = (struct pay_mischief){.lose_webhook = visit_form(visit, "lose_webhook").length,
                                               .pay_twice = visit_form(visit, "pay_twice").length,
                                               .wrong_signature = visit_form(visit, "wrong_signature").length,
                                               .repeat = visit_form(visit, "repeat").length ? 2 : 0,
                                               .delay_ms = visit_form(visit, "delay").length ? 10000 : 0,
                                               .mangle_memo = visit_form(visit, "mangle")};
        good = text_to_int64(visit_form(visit, "amount"), &order.amount) && order.account && order.amount > 0 &&
               order.amount <= MONEY_MAX;
        why = "Không có tài khoản này, hoặc số tiền không đúng";
    }
    if (good && !bank_pay(visit->sandbox, &order, made, &count)) {
        visit->status = 303;
        visit->location = "/";
        return;
    }
    page_open(visit);
    visit->status = 422;
    buf_printf(&visit->reply, "<h1>Chưa trả được</h1><p>%s.<p><a href=/>Quay lại</a>", why);
}

static void page_advance(struct visit *visit)
{
    if (post_advance(visit->sandbox, visit_form(visit, "item"), visit_form(visit, "status"))) {
        page_open(visit);
        visit->status = 404;
        buf_string(&visit->reply, "<h1>Không có bưu gửi này</h1><p><a href=/>Quay lại</a>");
        return;
    }
    visit->status = 303;
    visit->location = "/";
}

static void health(struct visit *visit)
{
    buf_string(&visit->reply, "{\"status\":\"ok\"}");
}

const struct road page_roads[] = {{"GET", "/", front},
                                  {"POST", "/page/read", page_read},
                                  {"POST", "/page/pay", page_pay},
                                  {"POST", "/page/advance", page_advance},
                                  {"GET", "/healthz", health},
                                  {0}};
