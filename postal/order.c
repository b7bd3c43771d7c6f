/* The order as it is kept between wanting and booking. */
#include "postal/carrier.h"

static void party_write(struct json *json, const char *key, const struct party *party)
{
    json_put_object(json, key);
    json_put_text(json, "name", party->name);
    json_put_text(json, "phone", party->phone);
    json_put_text(json, "address", party->address);
    json_put_text(json, "province", party->province);
    json_put_text(json, "commune", party->commune);
    json_put_end(json);
}

void order_write(struct json *json, const struct carrier_order *order)
{
    json_put_object(json, NULL);
    party_write(json, "sender", &order->sender);
    party_write(json, "receiver", &order->receiver);
    json_put_int(json, "weight_g", order->weight_g);
    json_put_int(json, "length_cm", order->length_cm);
    json_put_int(json, "width_cm", order->width_cm);
    json_put_int(json, "height_cm", order->height_cm);
    json_put_int(json, "collect", order->collect);
    json_put_text(json, "note", order->note);
    json_put_bool(json, "pick_up", order->pick_up);
    json_put_end(json);
}

static void party_read(struct json_fields *in, const char *key, struct party *ret)
{
    struct json_fields party;
    json_read_object(in, key, REQUIRED, &party);
    json_read_text(&party, "name", REQUIRED, 0, 1000, &ret->name);
    json_read_text(&party, "phone", REQUIRED, 0, 1000, &ret->phone);
    json_read_text(&party, "address", REQUIRED, 0, 1000, &ret->address);
    json_read_text(&party, "province", REQUIRED, 0, 10, &ret->province);
    json_read_text(&party, "commune", REQUIRED, 0, 10, &ret->commune);
    (void)!json_close(&party);
}

enum err order_read(struct text wish, struct text code, struct arena *arena, struct carrier_order *ret_order)
{
    struct faults *faults = ARENA_NEW(arena, struct faults);
    struct json_fields in;
    struct carrier_order order = {.code = code};
    faults_init(faults, arena);
    if (json_parse(wish, &in, faults))
        return ERR_INTERNAL;
    party_read(&in, "sender", &order.sender);
    party_read(&in, "receiver", &order.receiver);
    json_read_int(&in, "weight_g", REQUIRED, 1, 1000000, &order.weight_g);
    json_read_int(&in, "length_cm", REQUIRED, 0, 1000, &order.length_cm);
    json_read_int(&in, "width_cm", REQUIRED, 0, 1000, &order.width_cm);
    json_read_int(&in, "height_cm", REQUIRED, 0, 1000, &order.height_cm);
    json_read_int(&in, "collect", REQUIRED, 0, MONEY_MAX, &order.collect);
    json_read_text(&in, "note", REQUIRED, 0, 1000, &order.note);
    json_read_bool(&in, "pick_up", REQUIRED, &order.pick_up);
    if (json_close(&in))
        return ERR_INTERNAL;
    *ret_order = order;
    return OK;
}
