/* What several sources share. */
#include "payments/sources/source_table.h"

#include <stdio.h>
#include "payments/requests/requests.h"

enum { WINDOW_S = 300, ID_MAX = 64 };

static bool digest_matches(const uint8_t *mac, size_t size, struct text hex)
{
    uint8_t given[SHA512_SIZE];
    return hex_decode(hex, given, size) &&
           text_equal_secret((struct text){(const char *)mac, size}, (struct text){(const char *)given, size});
}

bool hmac_sha256_matches(const char *secret, struct text message, struct text hex)
{
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_sha256(text_of(secret), message, mac);
    return digest_matches(mac, sizeof mac, hex);
}

bool hmac_sha512_matches(const char *secret, struct text message, struct text hex)
{
    uint8_t mac[SHA512_SIZE];
    crypto_hmac_sha512(text_of(secret), message, mac);
    return digest_matches(mac, sizeof mac, hex);
}

enum err stamped_signature_check(const char *secret, const struct call_back *call, const char *stamp_header,
                                 const char *signature_header)
{
    struct text stamp = call->header(call->from, stamp_header), signature = call->header(call->from, signature_header);
    int64_t seconds;
    if (!secret || !text_to_int64(stamp, &seconds) || !text_starts(signature, "sha256="))
        return ERR_SIGNATURE;
    struct buf message = {0};
    buf_text(&message, stamp);
    buf_char(&message, '.');
    buf_text(&message, call->body);
    bool genuine = hmac_sha256_matches(secret, buf_view(&message), text_slice(signature, 7, signature.length));
    buf_done(&message);
    if (!genuine)
        return ERR_SIGNATURE;
    int64_t now_s = call->at / SECOND_US;
    return seconds < now_s - WINDOW_S || seconds > now_s + WINDOW_S ? ERR_STALE : OK;
}

bool local_time_parse(struct text text, instant_us *ret_at)
{
    char rfc3339[40];
    if (text.length != 19 || (text.at[10] != ' ' && text.at[10] != 'T'))
        return false;
    snprintf(rfc3339, sizeof rfc3339, "%.10sT%.8s+07:00", text.at, text.at + 11);
    return instant_parse(text_of(rfc3339), ret_at);
}

void local_time_read(struct json_fields *in, const char *key, instant_us *ret_at)
{
    struct text text = TEXT_NONE;
    json_read_text(in, key, REQUIRED, 1, 40, &text);
    if (text.length && !local_time_parse(text, ret_at))
        json_fault(in, key, ERR_FIELD_FORMAT, "Phải là YYYY-MM-DD hh:mm:ss");
}

void words_read(struct json_fields *in, const char *key, size_t max_bytes, struct text *ret)
{
    if (!json_has(in, key))
        return;
    const json_t *value = json_object_get(in->object, key);
    if (!json_is_string(value))
        return;
    size_t length = json_string_length(value);
    const char *from = json_string_value(value);
    if (length > max_bytes)
        for (length = max_bytes; length && ((unsigned char)from[length] & 0xC0) == 0x80;)
            length--;
    char *words = arena_copy(in->faults->arena, (struct text){from, length});
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)words[i] < ' ' || words[i] == 0x7F)
            words[i] = ' ';
    *ret = (struct text){words, length};
}

void id_read(struct json_fields *in, const char *key, int64_t min, struct text *ret)
{
    int64_t number = 0;
    if (json_has(in, key) && json_is_string(json_object_get(in->object, key))) {
        json_read_text(in, key, REQUIRED, 1, ID_MAX, ret);
        return;
    }
    json_read_int(in, key, REQUIRED, min, MONEY_MAX, &number);
    *ret = arena_textf(in->faults->arena, "%lld", (long long)number);
}

struct text memo_choose(const struct text *memos, size_t count)
{
    size_t best = 0;
    int best_edits = -1;
    for (size_t i = 0; i < count; i++) {
        struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
        if (reference_candidates(memos[i], found) && (best_edits < 0 || found[0].edits < best_edits)) {
            best = i;
            best_edits = found[0].edits;
        }
    }
    return memos[best];
}

enum err fields_end(const struct json_fields *in)
{
    return in->faults->count + in->faults->dropped > in->faults_before ? ERR_INVALID : OK;
}

int reply_success(const struct source_answer *answer, struct buf *out)
{
    static const struct {
        int status;
        const char *body;
    } replies[] = {[SOURCE_ACCEPTED] = {200, "{\"success\":true}"},
                   [SOURCE_REPLAYED] = {200, "{\"success\":true}"},
                   [SOURCE_CONFLICT] = {409, "{\"success\":false,\"message\":\"known with other content\"}"},
                   [SOURCE_REFUSED] = {422, "{\"success\":false,\"message\":\"not an account of ours\"}"},
                   [SOURCE_TRY_AGAIN] = {503, "{\"success\":false,\"message\":\"try again\"}"},
                   [SOURCE_FORGED] = {401, "{\"success\":false,\"message\":\"signature\"}"},
                   [SOURCE_BAD] = {422, "{\"success\":false,\"message\":\"not understood\"}"}};
    buf_string(out, replies[answer->outcome].body);
    return replies[answer->outcome].status;
}
