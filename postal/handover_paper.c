/* The record printed: GET /v1/postal/handovers/{id}/record.pdf. */
#include "postal/handover.h"
#include "postal/paper.h"

static struct text money(struct arena *arena, int64_t amount)
{
    char text[MONEY_TEXT_SIZE];
    money_format(amount, text);
    return arena_textf(arena, "%s", text);
}

static void lines_put(struct paper *paper, struct arena *arena, const struct handover *h)
{
    static const struct paper_table table = {.columns = 6,
                                             .list = {{"STT", 0.07, CENTRE},
                                                      {"Số hiệu bưu gửi", 0.29, CENTRE},
                                                      {"Mã hồ sơ", 0.21, LEFT},
                                                      {"Người nộp hồ sơ", 0.21, LEFT},
                                                      {"Giấy tờ (bản)", 0.1, CENTRE},
                                                      {"Thu hộ (đồng)", 0.12, RIGHT}}};
    int64_t copies = 0, collect = 0;
    paper_table_head(paper, &table);
    for (int i = 0; i < h->lines.count; i++) {
        const struct text cells[] = {
            arena_textf(arena, "%d", i + 1),
            db_text(&h->lines, i, 1),
            db_text(&h->lines, i, 2),
            db_text(&h->lines, i, 3),
            arena_textf(arena, "%lld (%lld)", (long long)db_int(&h->lines, i, 8), (long long)db_int(&h->lines, i, 7)),
            money(arena, db_int(&h->lines, i, 6))};
        paper_table_row(paper, &table, cells, 1);
        copies += db_int(&h->lines, i, 7);
        collect += db_int(&h->lines, i, 6);
    }
    paper->page.y += 6;
    paper_line(paper, 11.5, BOLD, LEFT,
               arena_textf(arena, "Cộng: %d phiếu gửi, %lld bản giấy tờ, thu hộ %.*s đồng.", h->lines.count,
                           (long long)copies, TEXT_ARGS(money(arena, collect))));
}

static void signers_put(struct paper *paper, const struct handover *h)
{
    bool send = text_is(h->direction, "send");
    struct paper_signer signers[2] = {{.role = send ? "BÊN GIAO (BƯU ĐIỆN)" : "BÊN GIAO (CƠ QUAN)"},
                                      {.role = send ? "BÊN NHẬN (CƠ QUAN)" : "BÊN NHẬN (BƯU ĐIỆN)"}};
    for (int i = 0; i < h->signatures.count; i++) {
        bool post = text_is(db_text(&h->signatures, i, 0), "post");
        struct paper_signer *signer = &signers[post == send ? 0 : 1];
        signer->name = db_text(&h->signatures, i, 1);
        signer->title = db_text(&h->signatures, i, 2);
        signer->at = db_instant(&h->signatures, i, 3);
    }
    paper->page.y += 10;
    paper_signers(paper, signers);
}

static void standing_put(struct paper *paper, struct arena *arena, const struct handover *h)
{
    char at[INSTANT_TEXT_SIZE];
    if (h->void_at != INSTANT_NONE) {
        paper_line(paper, 12, BOLD, CENTRE, TEXT("BIÊN BẢN ĐÃ HỦY, KHÔNG CÓ GIÁ TRỊ"));
    } else if (h->signed_at == INSTANT_NONE) {
        paper_line(paper, 10.5, ITALIC, LEFT, TEXT("Biên bản có hiệu lực khi cả hai bên đã ký."));
    } else if (text_is(h->direction, "send")) {
        instant_format_vi(h->signed_at, at);
        paper_line(paper, 11.5, BOLD, LEFT,
                   arena_textf(arena, "Thời điểm nộp các hồ sơ trên: %s (Quyết định số 45/2016/QĐ-TTg, Điều 7).", at));
    }
}

static void record_draw(struct paper *paper, struct arena *arena, const struct handover *h)
{
    bool send = text_is(h->direction, "send");
    char made[INSTANT_TEXT_SIZE];
    struct text number = handover_number(h, arena);
    instant_format_vi(h->made_at, made);
    paper_head(paper, "CƠ QUAN TIẾP NHẬN", h->agency_name);
    paper_line(paper, 15, BOLD, CENTRE, TEXT("BIÊN BẢN GIAO NHẬN"));
    paper_line(paper, 12, BOLD, CENTRE,
               send ? TEXT("Hồ sơ gửi qua dịch vụ bưu chính công ích")
                    : TEXT("Kết quả giải quyết gửi qua dịch vụ bưu chính công ích"));
    paper->page.y += 4;
    paper->page.y += paper_barcode(paper, PAPER_LEFT + PAPER_INNER / 2 - 100, 200, 36, number) + 8;
    paper_field(paper, "Lập lúc", text_of(made));
    paper_field(paper, "Tại", h->place);
    struct text post = arena_textf(arena, "Bưu điện (%.*s)", TEXT_ARGS(h->carrier));
    struct text agency = h->agency_address.length
                             ? arena_textf(arena, "%.*s, %.*s", TEXT_ARGS(h->agency_name), TEXT_ARGS(h->agency_address))
                             : h->agency_name;
    paper_field(paper, "Bên giao", send ? post : agency);
    paper_field(paper, "Bên nhận", send ? agency : post);
    paper_line(paper, 11.5, REGULAR, LEFT,
               TEXT("Hai bên đã kiểm đếm, phong bì còn nguyên niêm phong, và giao nhận các phiếu gửi sau:"));
    paper->page.y += 2;
    lines_put(paper, arena, h);
    standing_put(paper, arena, h);
    signers_put(paper, h);
}

enum err postal_handover_pdf_handle(struct request *rq)
{
    struct handover handover;
    struct paper paper;
    struct buf pdf = {0};
    enum err err = handover_find(rq, &handover);
    if (err)
        return reply_error(rq, err);
    struct text number = handover_number(&handover, &rq->arena);
    paper_open(&paper, arena_printf(&rq->arena, "Biên bản giao nhận %.*s", TEXT_ARGS(number)), handover.made_at,
               arena_printf(&rq->arena, "Biên bản giao nhận số %.*s", TEXT_ARGS(number)));
    record_draw(&paper, &rq->arena, &handover);
    err = paper_close(&paper, &pdf);
    err = err ? reply_error(rq, err) : reply_body(rq, 200, "application/pdf", buf_view(&pdf));
    buf_done(&pdf);
    return err;
}
