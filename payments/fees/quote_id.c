/* The quote's id: everything asked, in small, so that any host can compute the same quote again without storing it.
 *
 *   "q_" base64url( format byte, day quoted, { tag, length, bytes }…, 4 bytes of SHA-256 over all before )
 *
 * Numbers are varints (7 bits a byte, low first); what was not given has no tag. */
#include <string.h>
#include "payments/fees/catalogue.h"

enum { ID_FORMAT = 1, ID_CHECK_SIZE = 4, ID_BYTES_MAX = (QUOTE_ID_MAX - 2) / 4 * 3, VARINT_MAX = 10 };

enum tag {
    TAG_VERSION = 1,
    TAG_PROCEDURE,
    TAG_FEE,
    TAG_CHANNEL,
    TAG_FILED,
    TAG_PAID,
    TAG_AREA,
    TAG_LEGACY,
    TAG_ROLE,
    TAG_RATE,
    TAG_CATEGORY,
    TAG_POSTAL,
    TAG_QUANTITY = 32
};

/* Writes, or only counts once the room is used up. */
struct packer {
    uint8_t bytes[ID_BYTES_MAX];
    size_t length;
};

static void put_byte(struct packer *to, unsigned byte)
{
    if (to->length < sizeof to->bytes)
        to->bytes[to->length] = (uint8_t)byte;
    to->length++;
}

static size_t varint(uint64_t number, uint8_t ret[VARINT_MAX])
{
    size_t length = 0;
    do
        ret[length++] = (uint8_t)((number & 127) | (number > 127 ? 128 : 0));
    while (number >>= 7);
    return length;
}

static void put_bytes(struct packer *to, unsigned tag, const void *at, size_t length)
{
    const uint8_t *from = at;
    put_byte(to, tag);
    put_byte(to, (unsigned)length);
    for (size_t i = 0; i < length; i++)
        put_byte(to, from[i]);
}

static void put_text(struct packer *to, unsigned tag, struct text text)
{
    if (text.length)
        put_bytes(to, tag, text.at, text.length);
}

static void put_number(struct packer *to, unsigned tag, int64_t number)
{
    uint8_t bytes[VARINT_MAX];
    put_bytes(to, tag, bytes, varint((uint64_t)number, bytes));
}

/* Days are shifted by 100 000, so that dates before 1970 are small numbers too. */
enum { DAY_SHIFT = 100000 };

static void put_day(struct packer *to, unsigned tag, date_days day)
{
    if (day != DATE_NONE)
        put_number(to, tag, (int64_t)day + DAY_SHIFT);
}

static void pack(struct packer *to, const struct quote_request *request, const char *version, date_days today)
{
    uint8_t bytes[VARINT_MAX];
    put_byte(to, ID_FORMAT);
    size_t length = varint((uint64_t)((int64_t)today + DAY_SHIFT), bytes);
    for (size_t i = 0; i < length; i++)
        put_byte(to, bytes[i]);
    put_text(to, TAG_VERSION, text_of(version));
    put_text(to, TAG_PROCEDURE, request->procedure);
    for (size_t i = 0; i < request->fee_count; i++)
        put_text(to, TAG_FEE, request->fees[i]);
    put_number(to, TAG_CHANNEL, request->channel);
    put_day(to, TAG_FILED, request->filed_on);
    put_day(to, TAG_PAID, request->paid_on);
    put_text(to, TAG_AREA, request->area_class);
    put_text(to, TAG_LEGACY, request->legacy_area);
    put_text(to, TAG_ROLE, request->role);
    if (request->exchange_rate != QUANTITY_NONE)
        put_number(to, TAG_RATE, request->exchange_rate);
    for (size_t i = 0; i < request->category_count; i++)
        put_text(to, TAG_CATEGORY, request->categories[i]);
    put_text(to, TAG_POSTAL, request->postal);
    for (int i = 0; i < QUANTITY_COUNT; i++)
        if (request->quantities[i] != QUANTITY_NONE)
            put_number(to, TAG_QUANTITY + (unsigned)i, request->quantities[i]);
}

bool quote_id_fits(const struct quote_request *request, const char *version, date_days today)
{
    struct packer packer = {.length = 0};
    pack(&packer, request, version, today);
    return packer.length + ID_CHECK_SIZE <= ID_BYTES_MAX;
}

void quote_id_write(const struct quote *quote, char ret_id[QUOTE_ID_SIZE])
{
    struct packer packer = {.length = 0};
    uint8_t digest[SHA256_SIZE];
    struct buf out = {0};
    pack(&packer, quote->request, catalogue_version(quote->catalogue), quote->quoted_on);
    crypto_sha256((struct text){(const char *)packer.bytes, packer.length}, digest);
    memcpy(packer.bytes + packer.length, digest, ID_CHECK_SIZE); /* quote_compute saw to it that this fits */
    base64url_encode(packer.bytes, packer.length + ID_CHECK_SIZE, &out);
    memcpy(ret_id, "q_", 2);
    memcpy(ret_id + 2, out.at, out.length);
    ret_id[2 + out.length] = '\0';
    buf_done(&out);
}

struct unpacker {
    const uint8_t *at, *end;
    struct arena *arena;
};

static bool take_varint(struct unpacker *from, uint64_t *ret)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 63 && from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *ret = number;
            return true;
        }
    }
    return false;
}

static bool take_day(struct unpacker *from, date_days *ret)
{
    uint64_t number;
    if (!take_varint(from, &number) || number > 1000000)
        return false;
    *ret = (date_days)((int64_t)number - DAY_SHIFT);
    return true;
}

static bool take_number(struct unpacker *from, int64_t max, int64_t *ret)
{
    uint64_t number;
    if (!take_varint(from, &number) || number > (uint64_t)max)
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool take_text(struct unpacker *from, size_t max, struct text *ret)
{
    struct text text = {(const char *)from->at, (size_t)(from->end - from->at)};
    if (!text.length || text.length > max || !text_is_utf8(text))
        return false;
    from->at = from->end;
    *ret = arena_text(from->arena, text);
    return true;
}

static bool take_field(struct unpacker *from, unsigned tag, struct quote_request *request,
                       char version[CATALOGUE_VERSION_SIZE])
{
    const size_t word = QUOTE_WORD_MAX * 4; /* characters may have four bytes */
    struct text text;
    int64_t channel;
    switch (tag) {
    case TAG_VERSION:
        if (!take_text(from, CATALOGUE_VERSION_SIZE - 1, &text))
            return false;
        memcpy(version, text.at, text.length);
        version[text.length] = '\0';
        return true;
    case TAG_PROCEDURE: return take_text(from, word, &request->procedure);
    case TAG_FEE:
        return request->fee_count < QUOTE_FEES_MAX && take_text(from, word, &request->fees[request->fee_count++]);
    case TAG_CHANNEL:
        if (!take_number(from, CHANNEL_COUNT - 1, &channel))
            return false;
        request->channel = (enum fee_channel)channel;
        return true;
    case TAG_FILED: return take_day(from, &request->filed_on);
    case TAG_PAID: return take_day(from, &request->paid_on);
    case TAG_AREA: return take_text(from, word, &request->area_class);
    case TAG_LEGACY: return take_text(from, word, &request->legacy_area);
    case TAG_ROLE: return take_text(from, word, &request->role);
    case TAG_RATE: return take_number(from, MONEY_MAX, &request->exchange_rate);
    case TAG_CATEGORY:
        return request->category_count < QUOTE_CATEGORIES_MAX &&
               take_text(from, word, &request->categories[request->category_count++]);
    case TAG_POSTAL: return take_text(from, QUOTE_POSTAL_MAX, &request->postal);
    default:
        return tag >= TAG_QUANTITY && tag < TAG_QUANTITY + QUANTITY_COUNT &&
               take_number(from, MONEY_MAX, &request->quantities[tag - TAG_QUANTITY]);
    }
}

static bool unpack(struct unpacker *from, struct quote_request *request, char version[CATALOGUE_VERSION_SIZE])
{
    if (from->at == from->end || *from->at++ != ID_FORMAT || !take_day(from, &request->quoted_on))
        return false;
    while (from->at < from->end) {
        if (from->end - from->at < 2 || from->at[1] > from->end - from->at - 2)
            return false;
        struct unpacker field = {from->at + 2, from->at + 2 + from->at[1], from->arena};
        if (!take_field(&field, from->at[0], request, version) || field.at != field.end)
            return false;
        from->at = field.end;
    }
    return true;
}

enum err quote_id_read(struct text id, struct arena *arena, struct quote_request *ret_request,
                       char ret_version[CATALOGUE_VERSION_SIZE])
{
    struct quote_request request;
    char version[CATALOGUE_VERSION_SIZE] = "", canonical[QUOTE_ID_SIZE];
    uint8_t digest[SHA256_SIZE];
    struct buf bytes = {0}, again = {0};
    bool good = text_starts(id, "q_") && id.length <= QUOTE_ID_MAX &&
                base64_decode(text_slice(id, 2, id.length), &bytes) && bytes.length > ID_CHECK_SIZE;
    if (good) {
        size_t length = bytes.length - ID_CHECK_SIZE;
        crypto_sha256((struct text){bytes.at, length}, digest);
        /* one spelling only: what base64 leaves open (white space, padding, other alphabet) is refused */
        base64url_encode(bytes.at, bytes.length, &again);
        canonical[0] = 'q';
        canonical[1] = '_';
        good = again.length + 2 <= QUOTE_ID_MAX && !memcmp(bytes.at + length, digest, ID_CHECK_SIZE);
        if (good)
            memcpy(canonical + 2, again.at, again.length);
        good = good && text_equal(id, (struct text){canonical, again.length + 2});
        quote_request_init(&request);
        struct unpacker from = {(const uint8_t *)bytes.at, (const uint8_t *)bytes.at + length, arena};
        good = good && unpack(&from, &request, version);
    }
    buf_done(&bytes);
    buf_done(&again);
    if (!good)
        return ERR_FIELD_FORMAT;
    *ret_request = request;
    memcpy(ret_version, version, sizeof version);
    return OK;
}
