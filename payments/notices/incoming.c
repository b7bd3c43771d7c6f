/* Reads what a gateway hands over: a short message, or an event of Zalo's official account. */
#include <string.h>
#include "payments/notices/notices.h"

enum { FROM_MAX = 64, TEXT_MAX = 1000, ID_MAX = 100 };

/* The first of these members that is a text or a whole number; at NULL when none is. */
static struct text member(const json_t *object, const char *const *names, struct arena *arena)
{
    for (; *names; names++) {
        const json_t *value = json_object_get(object, *names);
        if (json_is_string(value))
            return text_trim((struct text){json_string_value(value), json_string_length(value)});
        if (json_is_integer(value))
            return arena_textf(arena, "%lld", (long long)json_integer_value(value));
    }
    return TEXT_NONE;
}

static enum err read_sms(const json_t *body, struct incoming *m, struct arena *arena)
{
    static const char *const from[] = {"from", "phone", "sender", "msisdn", NULL},
                             *const text[] = {"text", "content", "message", NULL},
                             *const id[] = {"id", "message_id", "sms_id", NULL};
    m->from = member(body, from, arena);
    m->text = member(body, text, arena);
    m->id = member(body, id, arena);
    return OK;
}

static enum err read_zalo(const json_t *body, struct incoming *m, struct arena *arena)
{
    static const char *const from[] = {"id", NULL}, *const text[] = {"text", NULL}, *const id[] = {"msg_id", NULL},
                             *const event[] = {"event_name", NULL};
    if (!text_is(member(body, event, arena), "user_send_text"))
        return ERR_NOT_FOUND;
    m->from = member(json_object_get(body, "sender"), from, arena);
    m->text = member(json_object_get(body, "message"), text, arena);
    m->id = member(json_object_get(body, "message"), id, arena);
    return OK;
}

enum err incoming_read(enum post_channel channel, struct text body, struct incoming *ret_message, struct faults *faults)
{
    json_t *value;
    struct incoming m = {0};
    enum err err = json_parse_value(body, &value, faults);
    if (!err && !json_is_object(value))
        err = faults_add(faults, "", ERR_FIELD_TYPE, NULL);
    if (!err)
        err = channel == POST_ZALO ? read_zalo(value, &m, faults->arena) : read_sms(value, &m, faults->arena);
    if (err)
        return err;
    if (!m.from.length || m.from.length > FROM_MAX)
        faults_add(faults, "/from", m.from.length ? ERR_FIELD_LENGTH : ERR_FIELD_MISSING, NULL);
    if (!m.text.at)
        faults_add(faults, "/text", ERR_FIELD_MISSING, NULL);
    if (m.id.length > ID_MAX)
        faults_add(faults, "/id", ERR_FIELD_LENGTH, NULL);
    if (faults->count)
        return ERR_INVALID;
    m.text = text_head(m.text, TEXT_MAX);
    *ret_message = m;
    return OK;
}
