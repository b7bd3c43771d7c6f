/* Postage as a caller asks for it: POST /v1/postal/quotes, and as a line of a fee quote. */
#include <string.h>
#include "postal/room.h"
#include "postal/wish.h"

enum { WEIGHT_DEFAULT_G = 100 }; /* some papers in an envelope */

void postal_ask_read(struct json_fields *in, const struct postal_room *room, struct postal_ask *ret_ask)
{
    int service = POSTAL_RECEIVE;
    struct postal_ask ask = {.office = text_of(room->config.office_commune), .weight_g = WEIGHT_DEFAULT_G};
    json_read_enum(in, "service", OPTIONAL, postal_service_names, &service);
    json_read_text(in, "commune", OPTIONAL, 5, 5, &ask.commune);
    json_read_text(in, "province", OPTIONAL, 2, 2, &ask.province);
    json_read_text(in, "office_commune", OPTIONAL, 5, 5, &ask.office);
    json_read_int(in, "weight_g", OPTIONAL, 1, 1000000, &ask.weight_g);
    json_read_int(in, "length_cm", OPTIONAL, 1, POSTAL_SIDE_MAX_CM, &ask.length_cm);
    json_read_int(in, "width_cm", OPTIONAL, 1, POSTAL_SIDE_MAX_CM, &ask.width_cm);
    json_read_int(in, "height_cm", OPTIONAL, 1, POSTAL_SIDE_MAX_CM, &ask.height_cm);
    json_read_int(in, "collect", OPTIONAL, 1, MONEY_MAX, &ask.collect);
    ask.service = (enum postal_service)service;
    *ret_ask = ask;
}

struct priced {
    const struct postal_ask *ask;
    const struct postal_price *price;
    date_days day;
    enum price_source source;
};

static const char illustrative_vi[] = "Mức cước minh họa: tỉnh chưa nạp bảng giá đã ký với đơn vị bưu chính.";
static const char illustrative_en[] = "Illustrative price: the province has not loaded the carrier's signed list yet.";

static const char silent_vi[] = "Bưu điện chưa báo được giá: đây là giá theo bảng cước, giá thật có thể khác.";
static const char silent_en[] = "The carrier has not given its price: this is the tariff's, the real one may differ.";

static void priced_write(struct json *json, const void *what)
{
    const struct priced *priced = what;
    const struct postal_price *price = priced->price;
    json_put_object(json, NULL);
    json_put_string(json, "service", postal_service_names[priced->ask->service]);
    json_put_string(json, "zone", postal_zone_names[price->zone]);
    json_put_int(json, "charged_weight_g", price->charged_weight_g);
    json_put_int(json, "volumetric_weight_g", price->volumetric_weight_g);
    json_put_array(json, "lines");
    for (size_t i = 0; i < price->line_count; i++) {
        const struct postal_price_line *line = &price->lines[i];
        json_put_object(json, NULL);
        json_put_string(json, "leg", line->leg);
        json_put_int(json, "amount", line->amount);
        if (line->transit_days)
            json_put_int(json, "transit_working_days", line->transit_days);
        if (line->transit_slip_days)
            json_put_int(json, "transit_with_appointment_slip_working_days", line->transit_slip_days);
        json_put_text(json, "legal_basis", line->legal_basis);
        json_put_end(json);
    }
    json_put_end(json);
    json_put_int(json, "total", price->total);
    json_put_string(json, "currency", "VND");
    json_put_date(json, "priced_on", priced->day);
    json_put_bool(json, "illustrative", price->illustrative);
    if (price->illustrative) {
        json_put_string(json, "notice", illustrative_vi);
        json_put_string(json, "notice_en", illustrative_en);
    }
    json_put_string(json, "price_source", priced->source == PRICE_CARRIER ? "carrier" : "tariff");
    if (priced->source == PRICE_CARRIER_SILENT) {
        json_put_string(json, "carrier_notice", silent_vi);
        json_put_string(json, "carrier_notice_en", silent_en);
    }
    json_put_end(json);
}

enum err postal_quote_handle(struct request *rq)
{
    const struct postal_room *room = postal_room();
    struct json_fields in;
    struct postal_ask ask;
    struct postal_price price;
    date_days day = date_of(rq->at);
    if (!room)
        return reply_error(rq, ERR_UNAVAILABLE);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    postal_ask_read(&in, room, &ask);
    json_read_date(&in, "on", OPTIONAL, &day);
    err = json_close(&in);
    if (!err)
        err = postal_tariff_quote(room->tariff, &ask, day, "", &rq->faults, &price);
    if (err)
        return reply_faults(rq, ERR_INVALID);
    /* A carrier prices today only. */
    const enum price_source source =
        day == date_of(rq->at) ? carrier_price(room, &ask, &rq->arena, &price) : PRICE_TARIFF;
    const struct priced priced = {&ask, &price, day, source};
    return reply_json(rq, 200, priced_write, &priced);
}

/* Postage never enters a state receipt: the carrier issues its own invoice. */
enum err postal_quote_line(struct text postal, date_days day, struct arena *arena, struct faults *faults,
                           struct quote_line *ret_line)
{
    const struct postal_room *room = postal_room();
    struct faults *inner = ARENA_NEW(arena, struct faults);
    struct json_fields in;
    struct postal_ask ask;
    struct postal_price price;
    if (!room)
        return faults_add(faults, "/postal", ERR_UNAVAILABLE, NULL);
    faults_init(inner, arena);
    enum err err = json_parse(postal, &in, inner);
    if (!err) {
        postal_ask_read(&in, room, &ask);
        err = json_close(&in);
    }
    if (!err)
        err = postal_tariff_quote(room->tariff, &ask, day, "", inner, &price);
    for (size_t i = 0; i < inner->count; i++)
        faults_add(faults, arena_printf(arena, "/postal%s", inner->list[i].where), inner->list[i].code, "%s",
                   inner->list[i].detail);
    if (err)
        return ERR_INVALID;
    char money[MONEY_TEXT_SIZE];
    money_format(price.total, money);
    *ret_line = (struct quote_line){
        .code = TEXT("POSTAGE"),
        .name_vi = TEXT("Cước bưu chính công ích"),
        .name_en = TEXT("Postage"),
        .legal_basis = price.lines[0].legal_basis,
        .formula = TEXT("postal_tariff"),
        .collector = TEXT(""),
        .kind = FEE_POSTAL,
        .document = DOCUMENT_INVOICE_ELSEWHERE,
        .quantity = 1,
        .gross = price.total,
        .net = price.total,
        .postal_explanation_vi = arena_textf(arena, "%lld g: %s đ.%s%s", (long long)price.charged_weight_g, money,
                                             price.illustrative ? " " : "", price.illustrative ? illustrative_vi : ""),
        .postal_explanation_en = arena_textf(arena, "%lld g: %s VND.%s%s", (long long)price.charged_weight_g, money,
                                             price.illustrative ? " " : "", price.illustrative ? illustrative_en : "")};
    return OK;
}
