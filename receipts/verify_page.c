/* Is this receipt genuine, and does it still stand? For anybody: by file, by pasted text, by the code behind the QR.
 * The signature answers the first question, the database the second. Works without scripts. */
#include <stdio.h>
#include "receipts/handlers.h"
#include "receipts/html.h"
#include "receipts/office.h"

static const struct db_statement standing_sql = {
    "receipt_standing",
    "SELECT r.id, r.signed_xml IS NOT NULL AND sha256(r.signed_xml) = $2, "
    "(SELECT x.id FROM receipt x WHERE x.replaces = r.id), "
    "(SELECT count(*) FROM receipt_notice n WHERE n.receipt_id = r.id), "
    "(SELECT coalesce(sum(f.amount), 0) FROM refund f WHERE f.request_id = r.request_id AND f.state = 'paid' "
    "AND f.reason IN ('fee_rule', 'correction')), "
    "(SELECT min(l.leaf_index) FROM receipt_log_leaf l WHERE l.receipt_id = r.id), "
    "(SELECT t.at FROM receipt_timestamp t WHERE t.receipt_id = r.id) FROM receipt r WHERE r.token_hash = $1"};

static const struct db_statement notices_sql = {
    "receipt_notices", "SELECT wrong, right_text FROM receipt_notice WHERE receipt_id = $1 ORDER BY ordinal LIMIT 20"};

/* What became of a receipt after it was signed. */
enum standing { UNKNOWN_HERE, OTHER_BYTES, VALID, NOTIFIED, REPLACED, REFUNDED };
static const char *const standing_codes[] = {NULL, "other_file", "valid", "notified", "replaced", "refunded"};

struct stands {
    enum standing standing;
    int64_t id, replaced_by, notices, refunded, leaf; /* leaf -1: not in the log yet */
    instant_us stamped_at;                            /* INSTANT_NONE: no time stamp */
};

static enum err load_standing(struct request *rq, const struct receipt_verdict *verdict, struct text xml,
                              struct stands *ret)
{
    uint8_t hash[SHA256_SIZE], digest[SHA256_SIZE];
    *ret = (struct stands){.standing = UNKNOWN_HERE, .leaf = -1, .stamped_at = INSTANT_NONE};
    if (!rq->db || !token_hash(verdict->document.lookup_code, hash))
        return OK;
    crypto_sha256(xml, digest);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_bytes(&args, hash, sizeof hash);
    db_arg_bytes(&args, digest, sizeof digest);
    enum err err = db_query(rq->db, &standing_sql, &args, &rows);
    if (err || !rows.count)
        return err;
    *ret = (struct stands){.id = db_int(&rows, 0, 0),
                           .replaced_by = db_int(&rows, 0, 2),
                           .notices = db_int(&rows, 0, 3),
                           .refunded = db_int(&rows, 0, 4),
                           .leaf = db_null(&rows, 0, 5) ? -1 : db_int(&rows, 0, 5),
                           .stamped_at = db_null(&rows, 0, 6) ? INSTANT_NONE : db_instant(&rows, 0, 6)};
    ret->standing = !db_bool(&rows, 0, 1) ? OTHER_BYTES
                    : ret->replaced_by    ? REPLACED
                    : ret->refunded       ? REFUNDED
                    : ret->notices        ? NOTIFIED
                                          : VALID;
    return OK;
}

static void panel(struct buf *out, const char *kind, const char *title, const char *words)
{
    buf_printf(out, "<div class=\"panel %s\" role=\"status\"><h2>%s</h2><p>%s</p></div>\n", kind, title, words);
}

static void put_replaced(struct request *rq, const struct stands *stands, struct buf *html)
{
    const char *newer;
    panel(html, "bad", "Biên lai này đã được thay thế",
          "Chỉ biên lai thay thế có giá trị. <span lang=\"en\">(Replaced: only the newer receipt is valid.)</span>");
    if (receipt_link(rq->db, &rq->arena, stands->replaced_by, &newer))
        return;
    buf_string(html, "<p><a href=\"");
    html_text(html, text_of(newer));
    buf_string(html, "\">Xem biên lai thay thế</a></p>\n");
}

/* What was wrong, and what is right: the words of the notices (04/SS-CTĐT). */
static void put_notices(struct request *rq, const struct stands *stands, struct buf *html)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, stands->id);
    if (db_query(rq->db, &notices_sql, &args, &rows))
        return;
    buf_string(html, "<ul class=\"notices\">\n");
    for (int i = 0; i < rows.count; i++) {
        buf_string(html, "<li>Ghi sai: ");
        html_text(html, db_text(&rows, i, 0));
        buf_string(html, ". Đúng là: ");
        html_text(html, db_text(&rows, i, 1));
        buf_string(html, ".</li>\n");
    }
    buf_string(html, "</ul>\n");
}

static void put_evidence(const struct stands *stands, struct buf *html)
{
    char at[INSTANT_TEXT_SIZE];
    if (stands->leaf >= 0)
        buf_printf(html, "<p>Được ghi tại mục %lld của <a href=\"/receipt-log\">nhật ký minh bạch biên lai</a>.</p>\n",
                   (long long)stands->leaf);
    if (stands->stamped_at != INSTANT_NONE) {
        instant_format_vi(stands->stamped_at, at);
        buf_printf(html, "<p>Có dấu thời gian độc lập (RFC 3161): %s.</p>\n", at);
    }
}

/* What a citizen must know first, in one sentence. */
static void put_standing(struct request *rq, const struct stands *stands, struct buf *html)
{
    char amount[MONEY_TEXT_SIZE], words[300];
    switch (stands->standing) {
    case VALID:
        panel(html, "good", "Biên lai hợp lệ",
              "Biên lai có trong hệ thống, chữ ký số khớp với nội dung. "
              "<span lang=\"en\">(This receipt is genuine and valid.)</span>");
        break;
    case NOTIFIED:
        panel(html, "good", "Biên lai còn giá trị, có thông báo sai sót",
              "Cơ quan thu đã thông báo một sai sót không liên quan đến mã số thuế và số tiền (mẫu 04/SS-CTĐT); không "
              "lập biên lai mới. <span lang=\"en\">(Valid; an error notice was given.)</span>");
        put_notices(rq, stands, html);
        break;
    case REPLACED: put_replaced(rq, stands, html); break;
    case REFUNDED:
        money_format(stands->refunded, amount);
        snprintf(words, sizeof words,
                 "Cơ quan thu đã hoàn trả %s đồng của khoản thu này. <span lang=\"en\">(Genuine; %s đồng was "
                 "refunded.)</span>",
                 amount, amount);
        panel(html, "bad", "Biên lai thật, tiền đã được hoàn trả", words);
        break;
    case OTHER_BYTES:
        panel(html, "bad", "Tệp này không phải tệp đã phát hành",
              "Hệ thống có biên lai mang mã này nhưng nội dung tệp khác tệp đã ký và lưu. "
              "<span lang=\"en\">(Not the file that was issued.)</span>");
        break;
    case UNKNOWN_HERE:
        panel(html, "", "Chữ ký số khớp với nội dung",
              "Biên lai không có trong hệ thống này nên không rõ còn giá trị hay không; hãy hỏi đơn vị ký. "
              "<span lang=\"en\">(The signature holds; this system does not know the receipt.)</span>");
    }
    put_evidence(stands, html);
}

/* /r/{token}: what the citizen sees behind the code on the receipt. */
enum err receipt_page_handle(struct request *rq)
{
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    struct stands stands;
    struct buf html = {0};
    enum err err = handle_find_signed(rq, &stored, &verdict);
    if (!err)
        err = load_standing(rq, &verdict, stored.xml, &stands);
    html_head(&html, "Biên lai thu phí, lệ phí");
    if (err == ERR_NOT_FOUND) {
        panel(&html, "bad", "Không tìm thấy biên lai",
              "Vui lòng kiểm tra lại liên kết hoặc mã QR. <span lang=\"en\">(Receipt not found.)</span>");
    } else if (err == ERR_RETRY) {
        panel(&html, "", "Biên lai đang được ký số", "Vui lòng mở lại liên kết này sau ít phút.");
    } else if (err) {
        panel(&html, "bad", "Chưa hiển thị được biên lai", err_info(err)->vi);
    } else {
        put_standing(rq, &stands, &html);
        struct text token = request_capture(rq, "token");
        static const char *const actions[][2] = {{".pdf", "Tải bản in (PDF)"},
                                                 {".pdf?paper=roll", "Bản in khổ 80 mm"},
                                                 {".xml", "Tải tệp gốc (XML)"},
                                                 {"/proof", "Bằng chứng trong nhật ký"}};
        buf_string(&html, "<p class=\"actions\">");
        for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
            buf_string(&html, "<a class=\"button\" href=\"/r/");
            html_text(&html, token);
            buf_printf(&html, "%s\">%s</a> ", actions[i][0], actions[i][1]);
        }
        buf_string(&html, "</p>\n");
        html_receipt(&verdict, NULL, &html);
    }
    html_foot(&html);
    return handle_reply_page(rq, err == ERR_RETRY ? 200 : err_info(err)->http_status, &html);
}

enum { PARTS_MAX = 8 };

/* The part of that name in a form of several parts (RFC 7578); at NULL when it is not there. */
static struct text part_named(struct text body, const char *name)
{
    struct text head = text_slice(body, 0, text_find(body, TEXT("\r\n"))), rest = body;
    char wanted[40];
    snprintf(wanted, sizeof wanted, " name=\"%s\"", name);
    if (!text_starts(body, "--"))
        return TEXT_NONE;
    for (int i = 0; i < PARTS_MAX && rest.length > head.length; i++) {
        rest = text_slice(rest, head.length, rest.length);
        size_t content = text_find(rest, TEXT("\r\n\r\n"));
        struct text about = text_slice(rest, 0, content), value = text_slice(rest, content + 4, rest.length);
        size_t end = text_find(value, head);
        if (text_find(about, text_of(wanted)) < about.length)
            return end >= 2 ? text_slice(value, 0, end - 2) : TEXT_NONE;
        rest = text_slice(value, end, value.length);
    }
    return TEXT_NONE;
}

/* What was sent: the body, or the file or pasted text of a form. */
static struct text sent_in(struct text body)
{
    if (!text_starts(body, "--"))
        return body;
    struct text file = part_named(body, "file"), pasted = part_named(body, "xml");
    return file.length ? file : text_trim(pasted);
}

static bool is_pdf(struct text sent)
{
    return text_starts(sent, "%PDF-");
}

/* The document in what was sent: the XML itself, or a PDF of ours with the XML attached. The last root element counts:
 * an update of a PDF comes after what it updates. */
static struct text document_in(struct text sent)
{
    static const char start[] = "<BienLai>", end[] = "</BienLai>";
    if (!is_pdf(sent))
        return sent;
    struct text found = TEXT_NONE, rest = sent;
    for (;;) {
        size_t at = text_find(rest, text_of(start));
        if (at == rest.length)
            return found;
        rest = text_slice(rest, at, rest.length);
        size_t to = text_find(rest, text_of(end));
        if (to == rest.length)
            return found;
        found = text_slice(rest, 0, to + sizeof end - 1);
        rest = text_slice(rest, to, rest.length);
    }
}

static const struct receipt_trust *trust_in_use(void)
{
    const struct receipt_office *office = office_in_use();
    return office ? office->trust : NULL;
}

enum err receipt_verify_handle(struct request *rq)
{
    struct receipt_verdict verdict;
    struct stands stands;
    struct text xml = document_in(sent_in(rq->body));
    enum err err = receipt_verify(xml, trust_in_use(), &verdict, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    err = load_standing(rq, &verdict, xml, &stands);
    if (err)
        return reply_error(rq, err);
    verdict.status = standing_codes[stands.standing];
    return reply_json(rq, 200, receipt_verdict_write, &verdict);
}

static void put_forms(struct buf *html)
{
    buf_string(
        html,
        "<h1>Kiểm tra biên lai <small lang=\"en\">(Verify a receipt)</small></h1>\n"
        "<form class=\"panel\" method=\"post\" action=\"/verify\" enctype=\"multipart/form-data\">\n"
        "<h2>Bằng mã trên biên lai</h2>\n"
        "<p>Dùng máy ảnh của điện thoại quét mã QR trên biên lai, hoặc nhập số biên lai và mã ở cuối đường dẫn dưới mã "
        "QR.</p>\n"
        "<p><label for=\"number\">Số biên lai</label> <input id=\"number\" name=\"number\" inputmode=\"numeric\" "
        "maxlength=\"8\" required autocomplete=\"off\"></p>\n"
        "<p><label for=\"code\">Mã hoặc đường dẫn</label> <input id=\"code\" name=\"code\" maxlength=\"300\" required "
        "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\"></p>\n<p><button>Kiểm tra mã</button></p>\n"
        "</form>\n"
        "<form class=\"panel\" method=\"post\" action=\"/verify\" enctype=\"multipart/form-data\">\n"
        "<h2>Bằng tệp</h2>\n"
        "<p><label for=\"file\">Chọn tệp biên lai (XML hoặc PDF) do cơ quan thu phí gửi cho bạn.</label></p>\n"
        "<p><input id=\"file\" name=\"file\" type=\"file\" required accept=\".xml,.pdf,application/xml,text/xml,"
        "application/pdf\"></p>\n<p><button>Kiểm tra</button></p>\n</form>\n"
        "<form class=\"panel\" method=\"post\" action=\"/verify\" enctype=\"multipart/form-data\">\n"
        "<h2>Bằng nội dung</h2>\n"
        "<p><label for=\"xml\">Dán toàn bộ nội dung tệp XML vào đây.</label></p>\n"
        "<p><textarea id=\"xml\" name=\"xml\" required spellcheck=\"false\"></textarea></p>\n"
        "<p><button>Kiểm tra nội dung</button></p>\n</form>\n");
}

/* The code as typed: 22 characters, or the whole link with them behind /r/. */
static struct text code_of(struct text typed)
{
    struct text code = text_trim(typed);
    size_t at = text_find(code, TEXT("/r/"));
    return at < code.length ? text_slice(code, at + 3, TOKEN_TEXT_SIZE - 1) : code;
}

/* By number and code: the same answer for a wrong number as for a wrong code. */
static enum err find_by_code(struct request *rq, struct text code, struct receipt_verdict *ret_verdict,
                             struct text *ret_xml)
{
    struct receipt_stored stored;
    int64_t number = 0;
    if (!text_to_int64(text_trim(part_named(rq->body, "number")), &number))
        return ERR_NOT_FOUND;
    enum err err = receipt_find(rq->db, &rq->arena, code_of(code), &stored);
    if (!err && stored.signed_at == INSTANT_NONE)
        err = ERR_RETRY;
    if (!err)
        err = receipt_verify(stored.xml, trust_in_use(), ret_verdict, &rq->faults);
    if (!err && ret_verdict->document.number != number)
        err = ERR_NOT_FOUND;
    *ret_xml = stored.xml;
    return err;
}

static void put_refusal(struct request *rq, enum err err, struct buf *html)
{
    buf_printf(html, "<div class=\"panel bad\" role=\"alert\"><h2>Không hợp lệ: %s</h2><ul>\n", err_info(err)->vi);
    for (size_t i = 0; i < rq->faults.count; i++) {
        buf_string(html, "<li>");
        html_text(html, text_of(rq->faults.list[i].where));
        buf_string(html, ": ");
        html_text(html, text_of(rq->faults.list[i].detail));
        buf_string(html, "</li>\n");
    }
    buf_string(html, "</ul></div>\n");
}

/* A receipt of before July 2026: read out, and not judged. False when it is none; a file of our own kind that was
 * tampered with stays refused, whatever else it mentions. */
static bool put_old(struct request *rq, struct text xml, struct buf *html)
{
    struct faults quiet;
    struct receipt_old old;
    faults_init(&quiet, &rq->arena);
    if (text_find(xml, TEXT("<BienLai")) < xml.length || receipt_old_read(xml, &old, &quiet))
        return false;
    const struct {
        const char *label;
        struct text value;
    } items[] = {{"Mẫu số", old.form},        {"Ký hiệu", old.symbol},       {"Số", old.number},
                 {"Ngày lập", old.issued_on}, {"Đơn vị thu", old.collector}, {"Mã số thuế", old.collector_tax_code},
                 {"Số tiền", old.total}};
    panel(html, "", "Biên lai theo mẫu cũ, trước ngày 01/7/2026",
          "Đọc được nội dung dưới đây nhưng hệ thống không kiểm tra chữ ký của biên lai mẫu cũ; hãy hỏi đơn vị đã lập. "
          "<span lang=\"en\">(An old form: read, not judged.)</span>");
    buf_string(html, "<article class=\"receipt\"><dl>\n");
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        html_item(html, items[i].label, items[i].value);
    buf_string(html, "</dl></article>\n");
    return true;
}

static void put_answer(struct request *rq, struct buf *html)
{
    struct receipt_verdict verdict;
    struct stands stands;
    struct text code = part_named(rq->body, "code"), sent = sent_in(rq->body), xml = TEXT_NONE;
    enum err err;
    if (code.at) {
        err = find_by_code(rq, code, &verdict, &xml);
    } else {
        xml = document_in(sent);
        err = receipt_verify(xml, trust_in_use(), &verdict, &rq->faults);
        if (err && put_old(rq, xml, html))
            return;
    }
    if (!err)
        err = load_standing(rq, &verdict, xml, &stands);
    if (err) {
        put_refusal(rq, err, html);
        return;
    }
    put_standing(rq, &stands, html);
    if (!code.at && is_pdf(sent)) /* a page can be redrawn around a genuine attachment */
        panel(html, "", "Hãy so với bản in",
              "Đã kiểm tra tệp XML gốc đính kèm trong PDF, không kiểm tra hình vẽ của trang PDF. Chỉ nội dung dưới đây "
              "có giá trị. <span lang=\"en\">(Compare: only what stands below was signed.)</span>");
    if (date_of(verdict.signed_at) != verdict.document.issued_on)
        panel(html, "", "Ngày ký khác ngày lập",
              "Biên lai lập ngày nào thì ký ngày đó; hãy hỏi đơn vị ký nếu hai ngày dưới đây cách xa nhau. "
              "<span lang=\"en\">(Dated and signed on different days.)</span>");
    panel(html, verdict.chain == RECEIPT_CHAIN_TRUSTED ? "good" : "", "Chữ ký số khớp với nội dung",
          verdict.chain == RECEIPT_CHAIN_TRUSTED
              ? "Chứng thư số của đơn vị ký được tin cậy."
              : "Chưa kiểm tra được đơn vị cấp chứng thư số; hãy đối chiếu tên đơn vị ký dưới đây.");
    html_receipt(&verdict, NULL, html);
}

/* GET /verify shows the forms; POST /verify answers above them on the same page, without script. */
enum err receipt_verify_page_handle(struct request *rq)
{
    struct buf html = {0};
    html_head(&html, "Kiểm tra biên lai");
    if (text_is(text_of(rq->method), "POST"))
        put_answer(rq, &html);
    put_forms(&html);
    html_foot(&html);
    return handle_reply_page(rq, 200, &html);
}
