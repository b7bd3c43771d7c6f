/* MobiFone Money (one product's source alone: field names and paths are configuration).
 *
 * A call-back is {"data": Base64(3DES-ECB(JSON))}; the key is the first 24 hex characters of the MD5 of the shared key.
 * Blocks can be exchanged without the key, so it is a claim: only the answer to our own question confirms. */
#include "payments/sources/source_table.h"

#include <openssl/evp.h>
#include <string.h>

enum { KEY_SIZE = 24, MD5_SIZE = 16, PLAIN_MAX = 16384 };

static bool key_make(const struct source_account *account, char ret_key[2 * MD5_SIZE + 1])
{
    const char *secret = source_setting(account, "key");
    uint8_t digest[MD5_SIZE];
    unsigned size = 0;
    if (!secret || EVP_Digest(secret, strlen(secret), digest, &size, EVP_md5(), NULL) != 1)
        return false;
    hex_encode(digest, sizeof digest, ret_key);
    return true;
}

static enum err data_open(const struct source_account *account, struct text base64, struct arena *arena,
                          struct text *ret)
{
    char key[2 * MD5_SIZE + 1];
    struct buf sealed = {0};
    int length = 0, last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *plain = arena_alloc(arena, PLAIN_MAX + EVP_MAX_BLOCK_LENGTH);
    bool good = context && base64.length && key_make(account, key) && base64_decode(base64, &sealed) && sealed.length &&
                sealed.length <= PLAIN_MAX &&
                EVP_DecryptInit_ex(context, EVP_des_ede3_ecb(), NULL, (const uint8_t *)key, NULL) == 1 &&
                EVP_DecryptUpdate(context, plain, &length, (const uint8_t *)sealed.at, (int)sealed.length) == 1 &&
                EVP_DecryptFinal_ex(context, plain + length, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    buf_done(&sealed);
    *ret = (struct text){(char *)plain, good ? (size_t)(length + last) : 0};
    return good ? OK : ERR_SIGNATURE;
}

static enum err notice_of(const struct source_account *account, const json_t *object, instant_us at,
                          struct arena *arena, struct faults *faults, struct notice *ret)
{
    struct text status = source_value_of(object, source_field_name(account, "status", arena), arena);
    struct notice n = {.source = TEXT("mobifone-money"),
                       .external_id = source_value_of(object, source_field_name(account, "transaction", arena), arena),
                       .account = source_account_number(account, arena),
                       .order = source_value_of(object, source_field_name(account, "order", arena), arena),
                       .method = METHOD_WALLET,
                       .paid_at = at};
    n.memo = n.order;
    n.status = text_is(status, source_field_name(account, "paid", arena)) ? NOTICE_PAID : NOTICE_PENDING;
    if (!n.external_id.length || n.external_id.length > 64)
        return not_understood(faults, "transactionId");
    if (!dong_parse(source_value_of(object, source_field_name(account, "amount", arena), arena), &n.amount))
        return not_understood(faults, "amount");
    if (n.order.length > 64)
        return not_understood(faults, "order");
    *ret = n;
    return OK;
}

static enum err body_read(const struct source_account *account, struct text body, instant_us at, struct arena *arena,
                          struct faults *faults, struct notice *ret)
{
    struct json_fields in, inner;
    struct text plain;
    enum err err = json_parse(body, &in, faults);
    if (!err)
        err = data_open(account, source_value_of(in.object, "data", arena), arena, &plain);
    if (!err && json_parse(plain, &inner, faults))
        err = ERR_SIGNATURE; /* the wrong key gives noise, now and then with right padding */
    return err ? err : notice_of(account, inner.object, at, arena, faults, ret);
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct notice n;
    enum err err = body_read(account, call->body, call->at, arena, faults, &n);
    if (err)
        return err;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    bool good = answer->outcome == SOURCE_ACCEPTED || answer->outcome == SOURCE_REPLAYED;
    buf_printf(out, "{\"code\":\"%s\",\"message\":\"%s\"}", good ? "00" : "01", good ? "success" : "failed");
    return answer->outcome == SOURCE_TRY_AGAIN ? 503 : 200;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    const char *path = source_setting(account, "query_path");
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_text(&json, source_field_name(account, "order", arena), o->id);
    json_put_text(&json, source_field_name(account, "transaction", arena), o->transaction);
    json_put_end(&json);
    enum err err = source_post_json(account, path ? path : "", &body, arena, ret_call);
    buf_done(&body);
    return err;
}

static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct notice n = {0};
    enum err err = body_read(account, body, o->at, arena, faults, &n);
    if (err)
        return err;
    struct source_told told = {.state = n.status == NOTICE_PAID ? TOLD_DONE : TOLD_PENDING};
    bool asked = o->id.length ? text_equal(n.order, o->id) : text_equal(n.external_id, o->transaction);
    if (!asked)
        return not_understood(faults, "order");
    told_notice(&told, &n);
    *ret_told = told;
    return OK;
}

const struct source source_mobifone_money = {.name = "mobifone-money",
                                             .verify = verify,
                                             .reply = reply,
                                             .reply_type = "application/json",
                                             .answers_refusals = true,
                                             .proof = PROOF_CLAIM,
                                             .method = METHOD_WALLET,
                                             .life_s = 900,
                                             .query = {query_ask, query_read}};
