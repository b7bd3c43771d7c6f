/* Job receipt.deliver: a signed receipt to the address its applicant gave, with its link, the signed XML and the PDF.
 * Job receipt.code: a one-time code to the contact on file. */
#include "receipts/concern.h"
#include "receipts/office.h"

/* To whom agreed to letters, where they want them, with the files unless they said otherwise. */
static const struct db_statement load_sql = {
    "receipt_deliver",
    "SELECT convert_from(r.signed_xml, 'UTF8'), CASE WHEN 'email' = ANY (coalesce(k.channels, '{email}')) THEN "
    "coalesce(k.email, d.applicant_email) END, b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number, "
    "coalesce(k.receipt_files, true), r.request_id FROM receipt r JOIN receipt_book b ON b.id = r.book_id JOIN "
    "payment_request q ON q.id = r.request_id JOIN dossier d ON d.code = q.dossier LEFT JOIN contact_choice k ON "
    "k.dossier = d.code WHERE r.id = $1 AND r.signed_xml IS NOT NULL AND NOT EXISTS (SELECT FROM receipt_delivery x "
    "WHERE x.receipt_id = r.id AND x.state = 'sent')"};
static const struct db_statement done_sql = {
    "receipt_delivered",
    "WITH put AS (INSERT INTO receipt_delivery (receipt_id, channel, state, contact, at, problem) "
    "VALUES ($2, 'email', $3, $4, $1, $5) ON CONFLICT (receipt_id, channel) DO UPDATE SET state = "
    "excluded.state, at = excluded.at, problem = excluded.problem) SELECT notice_note($1, 'receipt "
    "' || $2::bigint, 'email', 'paid', $6, $4, CASE $3 WHEN 'sent' THEN 'sent' WHEN 'failed' THEN "
    "'refused' ELSE 'failed' END, $5)"};

static json_t *body_of(const struct job *job, struct arena *arena)
{
    struct faults faults;
    json_t *body;
    faults_init(&faults, arena);
    return json_parse_value(job->body, &body, &faults) ? NULL : body;
}

static enum err letter(struct db *db, struct arena *arena, instant_us at, int64_t id, struct text xml, struct text to,
                       size_t file_count)
{
    struct faults faults;
    struct receipt_verdict verdict;
    const char *link;
    struct buf pdf = {0}, words = {0};
    char amount[MONEY_TEXT_SIZE];
    faults_init(&faults, arena);
    enum err err = receipt_verify(xml, NULL, &verdict, &faults);
    if (!err)
        err = receipt_link(db, arena, id, &link);
    if (!err)
        err = receipt_pdf(&verdict, xml, link, RECEIPT_A4, &pdf);
    if (!err) {
        const struct receipt_document *d = &verdict.document;
        const char *base = arena_printf(arena, "bien-lai-%.*s-%lld", TEXT_ARGS(d->symbol), (long long)d->number);
        const struct attachment files[] = {
            {arena_printf(arena, "%s.xml", base), "application/xml", xml},
            {arena_printf(arena, "%s.pdf", base), "application/pdf", buf_view(&pdf)},
        };
        money_format(d->total, amount);
        buf_printf(&words,
                   "%.*s đã lập biên lai thu phí, lệ phí số %lld, ký hiệu %.*s, số tiền %s đồng, hồ sơ %.*s.\r\n\r\n"
                   "Xem và tải biên lai: %s\r\n\r\n%s",
                   TEXT_ARGS(d->collector.name), (long long)d->number, TEXT_ARGS(d->symbol), amount,
                   TEXT_ARGS(d->dossier), link,
                   file_count ? "Tệp XML kèm theo là bản gốc có chữ ký số; kiểm tra tại trang “Kiểm tra biên lai”."
                                "\r\n\r\nThe attached XML is your signed receipt; the link shows it.\r\n"
                              : "Your signed receipt is at the link.\r\n");
        err = post_mail(arena, at, to, "Biên lai thu phí, lệ phí", buf_view(&words), files, file_count);
    }
    buf_done(&pdf);
    buf_done(&words);
    return err;
}

static void deliver(struct db *db, struct job *job, struct arena *arena, instant_us at)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    int64_t id = json_integer_value(json_object_get(body_of(job, arena), "receipt"));
    db_arg_int(&args, id);
    job->outcome = db_query(db, &load_sql, &args, &rows);
    if (job->outcome || !rows.count || !db_text(&rows, 0, 1).length || !post_has(POST_EMAIL))
        return; /* no address, no server, or sent already */
    struct text to = db_text(&rows, 0, 1);
    enum err err = letter(db, arena, at, id, db_text(&rows, 0, 0), to, db_bool(&rows, 0, 3) ? 2 : 0);
    /* Two letters are better than none: an unknown outcome is tried again. A refused address is not. */
    args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_string(&args, !err ? "sent" : err == ERR_FIELD_VALUE ? "failed" : "queued");
    db_arg_text(&args, post_mask(arena, to));
    db_arg_string(&args, err ? err_info(err)->en : NULL);
    db_arg_int(&args, db_int(&rows, 0, 4));
    enum err kept = db_run(db, &done_sql, &args);
    if (err == ERR_FIELD_VALUE) /* nobody reads a refused letter: somebody must reach the payer in another way */
        concern_open(db, arena, at, "mail_refused", db_text(&rows, 0, 2),
                     "Máy chủ thư từ chối địa chỉ của người nộp; biên lai chưa đến tay. Cần báo bằng điện thoại hoặc "
                     "sửa địa chỉ thư.");
    job->outcome = kept ? kept : err == ERR_FIELD_VALUE ? OK : err;
}

void receipt_deliver_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++)
        deliver(db, &jobs[i], arena, at);
}

void receipt_code_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        struct buf sealed = {0}, plain = {0};
        uint8_t key[SHA256_SIZE];
        const char *text = json_string_value(json_object_get(body_of(&jobs[i], arena), "sealed"));
        server_secret_derive("receipt code", TEXT("job"), key);
        jobs[i].outcome = OK;
        if (text && base64_decode(text_of(text), &sealed) && crypto_open(key, buf_view(&sealed), &plain)) {
            /* "123456 contact" */
            struct text contact, code = text_until(buf_view(&plain), ' ', &contact);
            const char *words = arena_printf(
                arena, "Ma tra cuu bien lai: %.*s (hieu luc 10 phut). Khong dua ma nay cho ai.", TEXT_ARGS(code));
            jobs[i].outcome =
                post_address_good(contact)
                    ? post_mail(arena, at, contact, "Mã tra cứu biên lai",
                                arena_textf(
                                    arena,
                                    "Mã tra cứu biên lai: %.*s\r\nMã có hiệu lực 10 phút. Không đưa mã này cho ai.\r\n",
                                    TEXT_ARGS(code)),
                                NULL, 0)
                    : post_sms(arena, contact, words);
        }
        buf_done(&sealed);
        buf_done(&plain);
    }
}
