/* Phiếu gửi hồ sơ (QĐ 45/2016/QĐ-TTg, Điều 6): what lies in the envelope, agreed and printed for both sides to sign. */
#include <stdio.h>
#include <string.h>
#include "postal/paper.h"
#include "postal/room.h"

enum { PAPERS_MAX = 30, COPIES_MAX = 999 };

static const char *const kind_names[] = {"original", "certified_copy", "copy", "form", NULL};
static const char *const kind_words[] = {"Bản chính", "Bản sao chứng thực", "Bản sao", "Tờ khai, đơn"};

static const struct db_statement make_sql = {"postal_slip_make", "SELECT postal_slip_make($1, $2, $3, $4)"};
static const struct db_statement print_sql = {
    "postal_slip_print",
    "SELECT s.contents, s.made_at, d.procedure, d.applicant_name, d.applicant_phone, d.applicant_id_number, a.name_vi,"
    " a.address, a.phone, coalesce(p.wish->'sender'->>'address', d.applicant_address), p.wish->'receiver'->>'name',"
    " p.wish->'receiver'->>'address', p.wish->'receiver'->>'phone'"
    " FROM postal_slip s JOIN parcel p ON p.id = s.parcel_id JOIN dossier d ON d.code = p.dossier"
    " JOIN agency a ON a.code = d.agency WHERE s.parcel_id = $1"};

static int64_t path_id(struct request *rq)
{
    int64_t id = 0;
    return text_to_int64(request_capture(rq, "id"), &id) ? id : 0;
}

/* ---- POST /v1/postal/bookings/{id}/slip ---- */

struct slip {
    struct parcel parcel;
    struct buf contents; /* JSON, canonical: as we write it */
};

static void slip_clean(void *with)
{
    struct slip *slip = with;
    buf_done(&slip->contents);
}

static enum err slip_read(struct request *rq, struct slip *slip)
{
    struct json_fields in, paper;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    struct json json = json_to(&slip->contents);
    json_put_array(&json, NULL);
    size_t count = json_read_array(&in, "papers", REQUIRED, 1, PAPERS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct text name = TEXT_NONE;
        int64_t copies = 1;
        int kind = 0;
        json_item_object(&in, "papers", i, &paper);
        json_read_text(&paper, "name", REQUIRED, 1, 200, &name);
        json_read_enum(&paper, "kind", OPTIONAL, kind_names, &kind);
        json_read_int(&paper, "copies", OPTIONAL, 1, COPIES_MAX, &copies);
        if (paper.object && json_close(&paper))
            continue; /* its faults stand in the list */
        json_put_object(&json, NULL);
        json_put_text(&json, "name", name);
        json_put_string(&json, "kind", kind_names[kind]);
        json_put_int(&json, "copies", copies);
        json_put_end(&json);
    }
    json_put_end(&json);
    return json_close(&in);
}

static enum err make(struct request *rq, void *with, struct act_reply *reply)
{
    struct slip *slip = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, slip->parcel.id);
    db_arg_text(&args, buf_view(&slip->contents));
    enum err err = db_query(rq->db, &make_sql, &args, &rows);
    if (err)
        return err;
    if (text_is(db_text(&rows, 0, 0), "other"))
        return ERR_CONFLICT;
    reply->status = text_is(db_text(&rows, 0, 0), "made") ? 201 : 200;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "booking", slip->parcel.id);
    json_put_text(&json, "dossier", slip->parcel.dossier);
    json_put_text(&json, "code", slip->parcel.code);
    json_put_text_or_null(&json, "item_code", slip->parcel.item);
    json_put_raw(&json, "papers", buf_view(&slip->contents));
    json_put_textf(&json, "pdf_url", "/v1/postal/bookings/%lld/slip.pdf", (long long)slip->parcel.id);
    json_put_end(&json);
    return OK;
}

enum err postal_slip_handle(struct request *rq)
{
    struct slip *slip = ARENA_NEW(&rq->arena, struct slip);
    arena_on_done(&rq->arena, slip_clean, slip);
    enum err err = parcel_find(rq->db, &rq->arena, path_id(rq), &slip->parcel);
    if (err)
        return reply_error(rq, err);
    err = slip_read(rq, slip);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, make, slip);
    return err ? reply_error(rq, err) : OK;
}

/* ---- GET /v1/postal/bookings/{id}/slip.pdf ---- */

static struct text procedure_words(struct arena *arena, struct text code)
{
    struct catalogue *catalogue = catalogue_in_force_hold();
    const struct procedure *procedure = catalogue ? catalogue_procedure(catalogue, code) : NULL;
    struct text words =
        procedure ? arena_textf(arena, "%.*s (mã %.*s)", TEXT_ARGS(procedure->name_vi), TEXT_ARGS(code)) : code;
    catalogue_drop(catalogue);
    return words;
}

static void papers_put(struct paper *paper, struct arena *arena, struct text contents)
{
    static const struct paper_table table = {
        .columns = 4,
        .list = {{"STT", 0.08, CENTRE}, {"Tên giấy tờ", 0.56, LEFT}, {"Loại", 0.24, LEFT}, {"Số bản", 0.12, CENTRE}}};
    json_t *list = json_loadb(contents.at, contents.length, 0, NULL);
    paper_table_head(paper, &table);
    for (size_t i = 0; i < json_array_size(list) && i < PAPERS_MAX; i++) {
        json_t *one = json_array_get(list, i);
        const char *kind = json_string_value(json_object_get(one, "kind"));
        size_t k = 0;
        while (kind && kind_names[k + 1] && strcmp(kind, kind_names[k]) != 0)
            k++;
        const struct text cells[] = {
            arena_textf(arena, "%zu", i + 1), text_of(json_string_value(json_object_get(one, "name"))),
            text_of(kind_words[k]),
            arena_textf(arena, "%lld", (long long)json_integer_value(json_object_get(one, "copies")))};
        paper_table_row(paper, &table, cells, -1);
    }
    json_decref(list);
    paper->page.y += 6;
}

static struct text money_words(struct arena *arena, int64_t amount, const char *none)
{
    char money[MONEY_TEXT_SIZE];
    if (amount <= 0)
        return text_of(none);
    money_format(amount, money);
    return arena_textf(arena, "%s đồng", money);
}

static void slip_draw(struct paper *paper, struct arena *arena, const struct parcel *parcel, const struct db_rows *rows)
{
    bool send = text_is(parcel->direction, "send");
    char made[INSTANT_TEXT_SIZE];
    instant_format_vi(db_instant(rows, 0, 1), made);
    paper_head(paper, "CƠ QUAN TIẾP NHẬN", db_text(rows, 0, 6));
    paper_line(paper, 15, BOLD, CENTRE, send ? TEXT("PHIẾU GỬI HỒ SƠ") : TEXT("PHIẾU GỬI KẾT QUẢ"));
    paper_line(paper, 10.5, ITALIC, CENTRE,
               TEXT("(Dịch vụ bưu chính công ích, Quyết định số 45/2016/QĐ-TTg ngày 19/10/2016)"));
    paper->page.y += 4;
    paper->page.y += paper_barcode(paper, PAPER_LEFT + PAPER_INNER / 2 - 120, 240, 44,
                                   parcel->item.length ? parcel->item : parcel->code) +
                     10;
    paper_field(paper, "1. Mã hồ sơ", parcel->dossier);
    paper_field(paper, "2. Thủ tục hành chính", procedure_words(arena, db_text(rows, 0, 2)));
    paper_field(paper, "3. Người nộp hồ sơ", db_text(rows, 0, 3));
    paper_field(paper, "    Điện thoại", db_text(rows, 0, 4));
    paper_field(paper, "    Số định danh cá nhân", db_text(rows, 0, 5));
    paper_field(paper, "    Địa chỉ", send ? db_text(rows, 0, 9) : db_text(rows, 0, 11));
    paper_field(paper, "4. Cơ quan giải quyết", db_text(rows, 0, 6));
    paper_field(paper, "    Địa chỉ", db_text(rows, 0, 7));
    paper_field(paper, "5. Khối lượng", arena_textf(arena, "%lld gam", (long long)parcel->weight_g));
    paper_field(paper, "6. Phí, lệ phí thu hộ", money_words(arena, parcel->collect, "không thu tại chỗ"));
    paper_field(paper, "7. Cước dịch vụ bưu chính",
                parcel->fee >= 0 ? money_words(arena, parcel->fee, "0 đồng")
                                 : money_words(arena, parcel->quoted, "theo bảng giá của bưu điện"));
    paper_field(paper, "8. Lập phiếu lúc", text_of(made));
    paper_line(paper, 11.5, REGULAR, LEFT, TEXT("9. Giấy tờ trong phong bì:"));
    papers_put(paper, arena, db_text(rows, 0, 0));
    paper_line(
        paper, 10, ITALIC, LEFT,
        TEXT("Phong bì được niêm phong trước mặt người gửi. Thời điểm nộp hồ sơ là khi bưu điện và cơ quan tiếp nhận "
             "cùng ký biên bản giao nhận. Cước bưu chính không phải là phí, lệ phí của Nhà nước."));
    paper->page.y += 8;
    const struct paper_signer signers[2] = {{.role = send ? "NGƯỜI GỬI" : "NGƯỜI NHẬN"},
                                            {.role = "NHÂN VIÊN BƯU ĐIỆN"}};
    paper_signers(paper, signers);
}

enum err postal_slip_pdf_handle(struct request *rq)
{
    struct parcel parcel;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = parcel_find(rq->db, &rq->arena, path_id(rq), &parcel);
    if (err)
        return reply_error(rq, err);
    db_arg_int(&args, parcel.id);
    err = db_query(rq->db, &print_sql, &args, &rows);
    if (err || !rows.count) /* there is a parcel, but nobody has said what lies in it */
        return reply_error(rq, err ? err : ERR_NOT_FOUND);
    struct paper paper;
    struct buf pdf = {0};
    paper_open(&paper, arena_printf(&rq->arena, "Phiếu gửi hồ sơ %.*s", TEXT_ARGS(parcel.dossier)),
               db_instant(&rows, 0, 1), "Phiếu gửi hồ sơ qua dịch vụ bưu chính công ích");
    slip_draw(&paper, &rq->arena, &parcel, &rows);
    err = paper_close(&paper, &pdf);
    err = err ? reply_error(rq, err) : reply_body(rq, 200, "application/pdf", buf_view(&pdf));
    buf_done(&pdf);
    return err;
}
