/* The payment platform of the National Public Service Portal: INIT, CONFIRM, QUERY, GET_BILL.
 *
 * No official text is published; two implementations agree on fields, and one gives the hash orders, which therefore
 * are configuration to be confirmed at acceptance. MaXacThuc is an unkeyed SHA-256 with the secret last and '|' between
 * values: values that hold '|' are refused, and a CONFIRM is a claim that QUERY must bear out. Money may come for a
 * payment begun on the portal, without any order of ours: then MaThamChieu is "dvc", the dossier's code without marks
 * and a time stamp. Source of the bug not repeated here: a 12-hour clock in ThoiGianGD. */
#include "payments/sources/source_table.h"

#include <stdlib.h>

enum { VALUES_MAX = 24, REFERENCE_MAX = 255, STAMP_LENGTH = 14 };

static struct text code_of(const struct source_account *account, const char *order_key, const json_t *object,
                           struct arena *arena)
{
    struct text values[VALUES_MAX], message, rest = text_of(source_setting(account, order_key));
    const char *secret = source_setting(account, "secret");
    size_t count = 0;
    while (rest.length && count < VALUES_MAX - 1)
        values[count++] = source_value_of(object, arena_copy(arena, text_until(rest, ' ', &rest)), arena);
    values[count++] = text_of(secret);
    return secret && count > 1 && !values_join(arena, '|', values, count, &message) ? sha256_hex(message, arena)
                                                                                    : TEXT_NONE;
}

/* "dvcH5211261122000120261122090000": what stands between is a dossier's code. Empty for orders of ours. */
static struct text dossier_of(struct text reference)
{
    instant_us at;
    if (!text_starts(reference, "dvc") || reference.length <= 3 + STAMP_LENGTH ||
        !stamp14_parse(text_slice(reference, reference.length - STAMP_LENGTH, STAMP_LENGTH), &at))
        return TEXT_NONE;
    return text_slice(reference, 3, reference.length - 3 - STAMP_LENGTH);
}

static enum err notice_of(const struct source_account *account, const json_t *object, instant_us at,
                          struct arena *arena, struct faults *faults, struct notice *ret)
{
    const char *partner = source_setting(account, "partner_code");
    struct text currency = source_value_of(object, "MaTienTe", arena),
                time = source_value_of(object, "ThoiGianGD", arena);
    struct text reference = source_value_of(object, "MaThamChieu", arena);
    struct notice n = {.source = TEXT("dvcqg"),
                       .external_id = reference, /* QUERY does not repeat MaGiaoDich; a reference is paid once */
                       .account = source_account_number(account, arena),
                       .order = reference,
                       .dossier = dossier_of(reference),
                       .bank_reference = source_value_of(object, "MaGiaoDich", arena),
                       .memo = arena_textf(arena, "%.*s %.*s", TEXT_ARGS(reference),
                                           TEXT_ARGS(source_value_of(object, "ThongTinGiaoDich", arena))),
                       .method = METHOD_PORTAL,
                       .status = NOTICE_PAID,
                       .paid_at = at};
    if (partner && !text_is(source_value_of(object, "MaDoiTac", arena), partner))
        return not_understood(faults, "MaDoiTac");
    if (!reference.length || reference.length > REFERENCE_MAX)
        return not_understood(faults, "MaThamChieu");
    if (!dong_parse(source_value_of(object, "SoTien", arena), &n.amount))
        return not_understood(faults, "SoTien");
    if (currency.length && !text_is(currency, "VND"))
        return not_understood(faults, "MaTienTe");
    if (time.length && !stamp14_parse(time, &n.paid_at))
        return not_understood(faults, "ThoiGianGD");
    *ret = n;
    return OK;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct json_fields in;
    struct notice n;
    enum err err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    if (!digest_equal(code_of(account, "confirm_order", in.object, arena),
                      source_value_of(in.object, "MaXacThuc", arena)))
        return ERR_SIGNATURE;
    if (!text_is(source_value_of(in.object, "LoaiBanTin", arena), "CONFIRM"))
        return not_understood(faults, "LoaiBanTin");
    err = notice_of(account, in.object, call->at, arena, faults, &n);
    if (err)
        return err;
    n.status = text_is(source_value_of(in.object, "MaLoi", arena), "00") ? NOTICE_PAID : NOTICE_FAILED;
    n.proof_echo = source_value_of(in.object, "MaXacThuc", arena);
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    bool good = answer->outcome == SOURCE_ACCEPTED || answer->outcome == SOURCE_REPLAYED;
    struct arena arena;
    arena_init(&arena);
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_string(&json, "MaLoi", good ? "00" : answer->outcome == SOURCE_FORGED ? "97" : "99");
    json_put_string(&json, "MoTaLoi", good ? "Thành công" : "Không ghi nhận");
    if (answer->account)
        json_put_text(&json, "MaDoiTac", text_of(source_setting(answer->account, "partner_code")));
    json_put_text(&json, "ThoiGianGD", stamp14_write(answer->at, &arena));
    json_put_text(&json, "MaXacThuc", answer->notice ? answer->notice->proof_echo : TEXT_NONE);
    json_put_end(&json);
    arena_done(&arena);
    return answer->outcome == SOURCE_TRY_AGAIN ? 503 : 200;
}

/* What we ask ------------------------------------------------------------------------------------------------------ */

static void set(json_t *object, const char *name, struct text value)
{
    json_object_set_new(object, name, json_stringn(value.at ? value.at : "", value.length));
}

static enum err send(const struct source_account *account, const char *path_key, const char *order_key, json_t *object,
                     struct arena *arena, struct source_call *ret_call)
{
    struct text code = code_of(account, order_key, object, arena);
    const char *path = source_setting(account, path_key), *token = source_setting(account, "token");
    struct buf body = {0};
    set(object, "MaXacThuc", code);
    char *written = json_dumps(object, JSON_COMPACT);
    buf_string(&body, written);
    free(written);
    json_decref(object);
    enum err err = code.length && path ? source_post_json(account, path, &body, arena, ret_call) : ERR_CONFIG;
    buf_done(&body);
    if (!err && token && *token)
        ret_call->headers[ret_call->header_count++] =
            (struct http_pair){"Authorization", arena_textf(arena, "Bearer %s", token)};
    return err;
}

static json_t *message(const struct source_account *account, const char *kind, const struct source_order *o,
                       instant_us at, struct arena *arena)
{
    json_t *object = json_object();
    set(object, "LoaiBanTin", text_of(kind));
    set(object, "PhienBan", text_of(source_setting(account, "version")));
    set(object, "MaDoiTac", text_of(source_setting(account, "partner_code")));
    set(object, "MaThamChieu", o->id);
    set(object, "ThoiGianGD", stamp14_write(at, arena));
    return object;
}

static enum err create_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    json_t *object = message(account, "INIT", o, o->made_at, arena), *receipt = json_object();
    set(object, "SoTien", arena_textf(arena, "%lld", (long long)o->amount));
    set(object, "LoaiHinhThanhToan", TEXT("PAY"));
    set(object, "MaKenhThanhToan", TEXT("1"));
    set(object, "MaThietBi", TEXT("1"));
    set(object, "NgonNgu", TEXT("vi-VN"));
    set(object, "MaTienTe", TEXT("VND"));
    set(object, "MaNganHang", TEXT("PAYMENT"));
    set(object, "ThongTinGiaoDich", o->words);
    set(object, "Ip", o->payer_address);
    set(receipt, "MaDichVu", TEXT("2"));
    set(receipt, "MaHoSo", o->dossier);
    set(receipt, "NoiDungThanhToan", o->words);
    json_object_set_new(object, "ThongTinBienLai", receipt);
    return send(account, "init_path", "init_order", object, arena, ret_call);
}

/* {error_code "0", message: JSON text with UrlThanhToan}. */
static enum err create_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in, inner;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct source_told told = {.state = TOLD_FAILED, .code = source_value_of(in.object, "error_code", arena)};
    if (text_is(told.code, "0") && !json_parse(source_value_of(in.object, "message", arena), &inner, faults))
        told.redirect_url = source_value_of(inner.object, "UrlThanhToan", arena);
    told.state = told.redirect_url.length ? TOLD_DONE : TOLD_FAILED;
    *ret_told = told;
    return OK;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    return send(account, "query_path", "query_order", message(account, "QUERY", o, o->at, arena), arena, ret_call);
}

enum err dvcqg_bill_ask(const struct source_account *account, const struct source_order *order, struct arena *arena,
                        struct source_call *ret_call)
{
    return send(account, "bill_path", "query_order", message(account, "GET_BILL", order, order->at, arena), arena,
                ret_call);
}

/* TrangThaiGD: 1 paid, 3 not known yet, 4 failed. The sum may be left out: then what was ordered or claimed stands. */
static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text state = source_value_of(in.object, "TrangThaiGD", arena),
                sum = source_value_of(in.object, "SoTien", arena);
    struct text about = source_value_of(in.object, "MaThamChieu", arena);
    struct source_told told = {.state = TOLD_PENDING, .code = source_value_of(in.object, "MaLoi", arena)};
    if (about.length && !text_equal(about, o->id))
        return not_understood(faults, "MaThamChieu");
    if (!text_is(told.code, "00"))
        state = TEXT_NONE;
    if (text_is(state, "4"))
        told.state = TOLD_FAILED;
    else if (text_is(state, "1")) {
        struct notice n = {.source = TEXT("dvcqg"),
                           .external_id = o->id,
                           .account = source_account_number(account, arena),
                           .order = o->id,
                           .dossier = dossier_of(o->id),
                           .memo = arena_textf(arena, "%.*s %.*s", TEXT_ARGS(o->id), TEXT_ARGS(o->words)),
                           .amount = o->amount,
                           .method = METHOD_PORTAL,
                           .paid_at = o->at};
        if (sum.length && !dong_parse(sum, &n.amount))
            return not_understood(faults, "SoTien");
        told.state = TOLD_DONE;
        told_notice(&told, &n);
    }
    *ret_told = told;
    return OK;
}

const struct source source_dvcqg = {.name = "dvcqg",
                                    .verify = verify,
                                    .reply = reply,
                                    .reply_type = "application/json",
                                    .answers_refusals = true,
                                    .proof = PROOF_CLAIM,
                                    .title = "Cổng Dịch vụ công quốc gia",
                                    .method = METHOD_PORTAL,
                                    .life_s = 1800,
                                    .create = {create_ask, create_read},
                                    .query = {query_ask, query_read}};
