/* What several sources share. */
#include "payments/sources/source_table.h"

bool hmac_sha256_matches(const char *secret, struct text message, struct text hex)
{
    uint8_t mac[SHA256_SIZE], given[SHA256_SIZE];
    crypto_hmac_sha256(text_of(secret), message, mac);
    return hex_decode(hex, given, sizeof given) && text_equal_secret((struct text){(const char *)mac, sizeof mac},
                                                                     (struct text){(const char *)given, sizeof given});
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
                   [SOURCE_TRY_AGAIN] = {503, "{\"success\":false,\"message\":\"try again\"}"}};
    buf_string(out, replies[answer->outcome].body);
    return replies[answer->outcome].status;
}
