/* The one-stop-shop system: takes the webhooks of lephi at /receiver/one, /receiver/two and /receiver/three, checks
 * each signature (the secret is the sandbox's own) and keeps what came, repeats included. POST /mischief with such a
 * path makes it refuse, hang or answer 500. */
#include "tests/sandbox/sandbox.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum { KEEP_MAX = 20000 };

struct arrival {
    char place[16], kind[64], delivery[80], dossier[64];
    int64_t position;
    bool valid;
};

static struct {
    pthread_mutex_t lock;
    struct arrival *list;
    size_t count;
} arrivals = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep_text(char *at, size_t size, struct text text)
{
    size_t length = text.length < size ? text.length : size - 1;
    memcpy(at, text.length ? text.at : "", length);
    at[length] = '\0';
}

static bool signed_well(struct visit *visit)
{
    struct text stamp = visit_header(visit, "X-Lephi-Timestamp"), said = visit_header(visit, "X-Lephi-Signature");
    struct text secret = visit->sandbox->secret;
    struct buf text = {0};
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char wanted[80] = "sha256=";
    int64_t at_s;
    buf_printf(&text, "%.*s.%.*s", TEXT_ARGS(stamp), TEXT_ARGS(buf_view(&visit->body)));
    HMAC(EVP_sha256(), secret.at, (int)secret.length, (const unsigned char *)text.at, text.length, mac, &size);
    buf_done(&text);
    for (unsigned int i = 0; i < size; i++)
        sprintf(wanted + 7 + 2 * i, "%02x", mac[i]);
    return text_to_int64(stamp, &at_s) && llabs(clock_now() / SECOND_US - at_s) <= 300 &&
           said.length == strlen(wanted) && !CRYPTO_memcmp(said.at, wanted, said.length);
}

static void take(struct visit *visit)
{
    json_t *event = json_loadb(visit->body.at ? visit->body.at : "", visit->body.length, JSON_REJECT_DUPLICATES, NULL);
    bool valid = signed_well(visit) && json_is_object(event);
    pthread_mutex_lock(&arrivals.lock);
    if (!arrivals.list)
        arrivals.list = memory_new(KEEP_MAX * sizeof *arrivals.list);
    if (arrivals.count < KEEP_MAX) {
        struct arrival *a = &arrivals.list[arrivals.count++];
        keep_text(a->place, sizeof a->place, text_of(strrchr(visit->path, '/') + 1));
        keep_text(a->kind, sizeof a->kind, text_of(json_string_value(json_object_get(event, "kind"))));
        keep_text(a->dossier, sizeof a->dossier, text_of(json_string_value(json_object_get(event, "dossier"))));
        keep_text(a->delivery, sizeof a->delivery, visit_header(visit, "X-Lephi-Delivery"));
        a->position = json_integer_value(json_object_get(event, "position"));
        a->valid = valid;
    }
    pthread_mutex_unlock(&arrivals.lock);
    json_decref(event);
    if (valid)
        buf_string(&visit->reply, "{\"received\":true}");
    else
        visit_refuse(visit, 401, "signature_invalid", "X-Lephi-Signature");
}

/* GET /receiver/events?place=one: what came, in the order it came. */
static void events(struct visit *visit)
{
    struct text place = visit_query(visit, "place");
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&arrivals.lock);
    for (size_t i = 0; i < arrivals.count; i++) {
        const struct arrival *a = &arrivals.list[i];
        if (place.length && !text_is(place, a->place))
            continue;
        json_put_object(&json, NULL);
        json_put_string(&json, "place", a->place);
        json_put_int(&json, "position", a->position);
        json_put_string(&json, "kind", a->kind);
        json_put_string(&json, "dossier", a->dossier);
        json_put_string(&json, "delivery", a->delivery);
        json_put_bool(&json, "valid", a->valid);
        json_put_end(&json);
    }
    pthread_mutex_unlock(&arrivals.lock);
    json_put_end(&json);
    json_put_end(&json);
}

const struct road receiver_roads[] = {{"POST", "/receiver/one", take},
                                      {"POST", "/receiver/two", take},
                                      {"POST", "/receiver/three", take},
                                      {"GET", "/receiver/events", events},
                                      {0}};
