/* What a letter costs. Integers only; weights in grams, money in đồng. */
#include "postal/tariff.h"

#include <stdlib.h>
#include <string.h>

const char *const postal_service_names[] = {"send", "receive", "both", NULL};
const char *const postal_zone_names[] = {"same_district", "province", "city", "other", NULL};

static int commune_compare(const void *key, const void *commune)
{
    return text_compare(*(const struct text *)key, ((const struct postal_commune *)commune)->code);
}

const struct postal_commune *postal_commune_find(const struct postal_tariff *tariff, struct text code)
{
    return tariff->commune_count
               ? bsearch(&code, tariff->communes, tariff->commune_count, sizeof *tariff->communes, commune_compare)
               : NULL;
}

static bool in_force(date_days from, date_days to, date_days day)
{
    return from <= day && (to == DATE_NONE || day <= to);
}

static enum postal_zone zone_of(const struct postal_tariff *tariff, const struct postal_ask *ask, date_days day)
{
    const struct postal_commune *office = postal_commune_find(tariff, ask->office);
    const struct postal_commune *there = postal_commune_find(tariff, ask->commune);
    if (there)
        return office && text_equal(office->old_district, there->old_district) ? ZONE_SAME_DISTRICT : ZONE_PROVINCE;
    for (size_t i = 0; i < tariff->zone_count; i++)
        if (text_equal(tariff->zones[i].province, ask->province) &&
            in_force(tariff->zones[i].valid_from, tariff->zones[i].valid_to, day))
            return tariff->zones[i].zone;
    return ZONE_OTHER;
}

/* The price of one service: walks its brackets up to the weight. False when none holds it. */
static bool price_one(const struct postal_tariff *tariff, enum tariff_service service, int zone, int64_t weight_g,
                      date_days day, struct postal_price_line *ret_line, bool *ret_illustrative)
{
    int64_t price = 0;
    for (size_t i = 0; i < tariff->bracket_count; i++) {
        const struct bracket *b = &tariff->brackets[i];
        if (b->service != service || (b->zone != ZONE_COUNT && b->zone != zone) ||
            !in_force(b->valid_from, b->valid_to, day))
            continue;
        int64_t reached = weight_g < b->to_g ? weight_g : b->to_g, sum = b->price;
        if (b->step_g) { /* bounds are checked by the reader: this cannot overflow */
            int64_t steps = (reached - b->from_g + b->step_g - 1) / b->step_g;
            sum = price + steps * b->price;
        }
        price = sum;
        if (weight_g <= b->to_g) {
            *ret_line = (struct postal_price_line){.leg = tariff_service_names[service],
                                                   .amount = price,
                                                   .legal_basis = b->legal_basis,
                                                   .transit_days = b->transit_days,
                                                   .transit_slip_days = b->transit_slip_days};
            *ret_illustrative |= b->illustrative;
            return true;
        }
    }
    return false;
}

/* OK or what is wrong with the field named. */
static void check(struct faults *faults, const char *at, const char *field, enum err code, const char *words)
{
    faults_add(faults, arena_printf(faults->arena, "%s/%s", at, field), code, "%s", words);
}

static bool sides_given(const struct postal_ask *ask)
{
    return ask->length_cm > 0 && ask->width_cm > 0 && ask->height_cm > 0;
}

static void ask_check(const struct postal_tariff *tariff, const struct postal_ask *ask, const char *at,
                      struct faults *faults)
{
    const int64_t sides[] = {ask->length_cm, ask->width_cm, ask->height_cm};
    bool any = false;
    for (int i = 0; i < 3; i++) {
        any |= sides[i] != 0;
        if (sides[i] < 0 || sides[i] > POSTAL_SIDE_MAX_CM)
            check(faults, at,
                  i == 0   ? "length_cm"
                  : i == 1 ? "width_cm"
                           : "height_cm",
                  ERR_FIELD_RANGE, "Kích thước từ 1 đến 150 cm");
    }
    if (any && !sides_given(ask))
        check(faults, at, "length_cm", ERR_FIELD_MISSING, "Phải có đủ dài, rộng và cao");
    if (ask->weight_g < 1)
        check(faults, at, "weight_g", ERR_WEIGHT, "Khối lượng phải lớn hơn 0 gam");
    if (ask->collect < 0 || ask->collect > MONEY_MAX)
        check(faults, at, "collect", ERR_FIELD_RANGE, "Số tiền thu hộ không hợp lệ");
    bool home = !ask->province.length || text_is(ask->province, tariff->home);
    if (home && !postal_commune_find(tariff, ask->commune))
        check(faults, at, "commune", ERR_COMMUNE_UNKNOWN, "Không có xã, phường này trong tỉnh");
    if (!postal_commune_find(tariff, ask->office))
        check(faults, at, "office_commune", ERR_COMMUNE_UNKNOWN, "Không có xã, phường này trong tỉnh");
}

enum err postal_tariff_quote(const struct postal_tariff *tariff, const struct postal_ask *ask, date_days day,
                             const char *at, struct faults *faults, struct postal_price *ret_price)
{
    size_t before = faults->count + faults->dropped;
    ask_check(tariff, ask, at, faults);
    if (faults->count + faults->dropped > before)
        return ERR_INVALID;
    struct postal_price price = {.zone = zone_of(tariff, ask, day), .charged_weight_g = ask->weight_g};
    if (sides_given(ask))
        price.volumetric_weight_g = (ask->length_cm * ask->width_cm * ask->height_cm + 5) / 6;
    if (price.volumetric_weight_g > price.charged_weight_g)
        price.charged_weight_g = price.volumetric_weight_g;
    const bool wanted[TARIFF_SERVICE_COUNT] = {ask->service != POSTAL_RECEIVE, ask->service != POSTAL_SEND,
                                               ask->collect > 0};
    for (int service = 0; service < TARIFF_SERVICE_COUNT; service++) {
        if (!wanted[service])
            continue;
        struct postal_price_line *line = &price.lines[price.line_count++];
        if (!price_one(tariff, (enum tariff_service)service, (int)price.zone, price.charged_weight_g, day, line,
                       &price.illustrative)) {
            check(faults, at, "weight_g", ERR_WEIGHT, "Bảng cước không có mức cho khối lượng, vùng hoặc ngày này");
            return ERR_INVALID;
        }
        price.total += line->amount;
    }
    *ret_price = price;
    return OK;
}
