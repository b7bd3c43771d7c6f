/* The carrier's own price of a letter. Where it is configured it goes before the tariff; a carrier that is slow or down
 * costs a few citizens a wait, never all of them: few questions at a time, and a pause after one that failed. */
#include <stdatomic.h>
#include "postal/room.h"

enum { ASKING_MAX = 2, PAUSE_US = 30 * 1000 * 1000 };

struct price_line {
    atomic_int asking;
    _Atomic int64_t quiet_until_us; /* monotonic */
};

struct price_line *price_line_new(struct arena *arena)
{
    return ARENA_NEW(arena, struct price_line);
}

/* Names and streets do not change the price and are not given away for it. */
static struct party party_at(struct text province, struct text commune)
{
    return (struct party){
        .name = TEXT(""), .phone = TEXT(""), .address = TEXT(""), .province = province, .commune = commune};
}

/* One leg; money is collected where the result is handed over, or where the dossier is picked up. */
static enum err leg_ask(const struct postal_room *room, const struct postal_ask *ask, const char *leg,
                        struct arena *arena, int64_t *ret_fee)
{
    struct text home = text_of(room->config.home);
    struct party office = party_at(home, ask->office);
    struct party person = party_at(ask->province.length ? ask->province : home, ask->commune);
    bool send = text_is(text_of(leg), "send");
    const struct carrier_order order = {.code = TEXT(""),
                                        .sender = send ? person : office,
                                        .receiver = send ? office : person,
                                        .weight_g = ask->weight_g,
                                        .length_cm = ask->length_cm,
                                        .width_cm = ask->width_cm,
                                        .height_cm = ask->height_cm,
                                        .collect = send && ask->service == POSTAL_BOTH ? 0 : ask->collect,
                                        .note = TEXT(""),
                                        .pick_up = send};
    return room->carrier.quote(room->carrier.self, &order, arena, ret_fee);
}

/* The tariff's legs with the carrier's prices; what it takes for collecting is in them. */
static enum err legs_ask(const struct postal_room *room, const struct postal_ask *ask, struct arena *arena,
                         struct postal_price *price)
{
    size_t kept = 0;
    price->total = 0;
    for (size_t i = 0; i < price->line_count; i++) {
        struct postal_price_line line = price->lines[i];
        if (text_is(text_of(line.leg), "collect"))
            continue;
        enum err err = leg_ask(room, ask, line.leg, arena, &line.amount);
        if (err)
            return err;
        line.legal_basis = TEXT("Giá do đơn vị bưu chính báo");
        price->lines[kept++] = line;
        price->total += line.amount;
    }
    price->line_count = kept;
    price->illustrative = false;
    return OK;
}

enum price_source carrier_price(const struct postal_room *room, const struct postal_ask *ask, struct arena *arena,
                                struct postal_price *price)
{
    if (!room->config.ask_price)
        return PRICE_TARIFF;
    if (!room->vnpost || !ask->commune.length || clock_monotonic_us() < atomic_load(&room->price_line->quiet_until_us))
        return PRICE_CARRIER_SILENT;
    struct postal_price asked = *price;
    enum err err = ERR_UNAVAILABLE;
    if (atomic_fetch_add(&room->price_line->asking, 1) < ASKING_MAX) {
        err = legs_ask(room, ask, arena, &asked);
        if (err)
            atomic_store(&room->price_line->quiet_until_us, clock_monotonic_us() + PAUSE_US);
    }
    atomic_fetch_sub(&room->price_line->asking, 1);
    if (err)
        return PRICE_CARRIER_SILENT;
    *price = asked;
    return PRICE_CARRIER;
}
