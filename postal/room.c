#include "postal/room.h"

#include <string.h>

enum { FILE_MAX = 4 << 20, STATUS_MAX = 512, TOKEN_LIFE_S = 3300, ASK_AGAIN_S = 120 };

static struct postal_room room;
static bool opened;

const struct postal_room *postal_room(void)
{
    return opened ? &room : NULL;
}

struct text postal_status(const struct postal_room *of, struct text carrier_status)
{
    for (size_t i = 0; i < of->status_count; i++)
        if (text_equal(of->statuses[i].carrier_status, carrier_status))
            return of->statuses[i].status;
    return TEXT("unknown");
}

static enum err read_file(const char *path, struct faults *faults, struct text *ret_bytes)
{
    enum err err = path ? file_read(path, FILE_MAX, &room.arena, ret_bytes) : ERR_CONFIG;
    return err ? faults_add(faults, path ? path : "postal", err, NULL) : OK;
}

static enum err tariff_open(struct faults *faults)
{
    struct text tariff = TEXT_NONE, zones = TEXT_NONE, communes = TEXT_NONE, origins = TEXT_NONE;
    if (read_file(room.config.tariff_file, faults, &tariff) || read_file(room.config.zones_file, faults, &zones) ||
        read_file(room.config.communes_file, faults, &communes) ||
        (room.config.origins_file && read_file(room.config.origins_file, faults, &origins)))
        return ERR_CONFIG;
    enum err err = postal_tariff_read(tariff, zones, communes, room.config.home, &room.arena, faults, &room.tariff);
    if (!err)
        err = postal_book_read(room.tariff, origins, &room.arena, faults, &room.book);
    if (!err && !postal_commune_find(room.tariff, text_of(room.config.office_commune)))
        err = faults_add(faults, "postal.office_commune", ERR_COMMUNE_UNKNOWN, NULL);
    return err;
}

static enum err statuses_open(struct faults *faults)
{
    static const char *const known[] = {"created",   "accepted", "in_transit", "out_for_delivery",
                                        "delivered", "lost",     "damaged",    "failed_attempt",
                                        "returning", "returned", "cancelled",  NULL};
    struct text bytes = TEXT_NONE;
    struct csv csv;
    struct csv_row row;
    enum err err = read_file(room.config.status_file, faults, &bytes);
    if (err)
        return ERR_CONFIG;
    room.statuses = ARENA_ARRAY(&room.arena, struct status_rule, STATUS_MAX);
    csv_open(&csv, bytes, ',', &room.arena);
    for (bool header = true; !(err = csv_next(&csv, &row)); header = false) {
        bool good = header;
        for (int i = 0; !header && row.count >= 2 && room.status_count < STATUS_MAX && known[i]; i++)
            good |= text_is(row.fields[1], known[i]);
        if (!good)
            return faults_add(faults, arena_printf(faults->arena, "%s:%d", room.config.status_file, row.line),
                              ERR_FIELD_VALUE, NULL);
        if (!header)
            room.statuses[room.status_count++] = (struct status_rule){row.fields[0], row.fields[1]};
    }
    return err == ERR_NOT_FOUND ? OK : faults_add(faults, room.config.status_file, err, NULL);
}

static bool given(const char *text)
{
    return text && *text;
}

static enum err carrier_open(struct faults *faults)
{
    const struct postal_config *config = &room.config;
    if (given(config->public_key_file)) {
        struct text pem = TEXT_NONE;
        if (read_file(config->public_key_file, faults, &pem))
            return ERR_CONFIG;
        enum err err = vnpost_key_read(pem, &room.notice);
        if (err)
            return faults_add(faults, config->public_key_file, ERR_CONFIG, "Không phải khóa công khai RSA từ 2048 bit");
    }
    if (!config->client || !given(config->base_url) || !given(config->username) || !given(config->password))
        return OK;
    enum err err = vnpost_new(config, &room.vnpost);
    if (!err)
        room.carrier = vnpost_carrier(room.vnpost);
    return err;
}

enum err postal_open(const struct postal_config *config, struct faults *faults)
{
    memset(&room, 0, sizeof room);
    arena_init(&room.arena);
    room.config = *config;
    if (room.config.token_life_s <= 0)
        room.config.token_life_s = TOKEN_LIFE_S;
    if (room.config.ask_again_s <= 0)
        room.config.ask_again_s = ASK_AGAIN_S;
    if (!given(room.config.find_type))
        room.config.find_type = "2";
    if (!given(room.config.service_code))
        room.config.service_code = "ETN011";
    if (!room.config.customer_code)
        room.config.customer_code = "";
    if (!room.config.contract_code)
        room.config.contract_code = "";
    room.price_line = price_line_new(&room.arena);
    enum err err = tariff_open(faults);
    if (!err)
        err = statuses_open(faults);
    if (!err)
        err = carrier_open(faults);
    opened = true;
    if (err)
        postal_close();
    return err ? ERR_CONFIG : OK;
}

void postal_close(void)
{
    if (!opened)
        return;
    opened = false;
    vnpost_free(room.vnpost);
    vnpost_key_free(room.notice);
    arena_done(&room.arena);
}
