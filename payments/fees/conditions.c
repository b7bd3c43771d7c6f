/* Conditions of a table's cell or of a reduction: area=KV1|KV2 & sequence>=2. Read once, held against a request. */
#include <string.h>
#include "payments/fees/sheet.h"

/* "<", "<=", "=", ">=", ">" at the start; what follows is the rest. */
bool formula_order_read(struct text *text, enum order *ret)
{
    static const struct {
        const char *sign;
        enum order order;
    } signs[] = {{"<=", ORDER_LESS_EQUAL},
                 {">=", ORDER_GREATER_EQUAL},
                 {"<", ORDER_LESS},
                 {">", ORDER_GREATER},
                 {"=", ORDER_EQUAL}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (text_starts(*text, signs[i].sign)) {
            *ret = signs[i].order;
            *text = text_trim(text_slice(*text, strlen(signs[i].sign), text->length));
            return true;
        }
    return false;
}

static bool words_read(struct text text, struct condition *condition)
{
    while (text.at) {
        struct text rest, word = text_trim(text_until(text, '|', &rest));
        if (!sheet_code_ok(word) || condition->word_count == WORDS_MAX)
            return false;
        condition->words[condition->word_count++] = word;
        int channel = condition->subject == SUBJECT_CHANNEL ? formula_name_in(word, channel_names) : 0;
        if (channel < 0)
            return false;
        condition->channels |= 1u << channel;
        text = rest;
    }
    return condition->word_count > 0;
}

static bool condition_read(struct text text, struct condition *ret)
{
    static const char *const subjects[] = {"area", "role", "legacy", "channel", NULL};
    struct condition condition = {0};
    size_t name = 0;
    while (name < text.length && !strchr("<>=", text.at[name]))
        name++;
    struct text subject = text_trim(text_slice(text, 0, name)), rest = text_slice(text, name, text.length);
    if (!formula_order_read(&rest, &condition.order))
        return false;
    int at = formula_name_in(subject, subjects), number = formula_name_in(subject, quantity_names);
    if (at >= 0) {
        condition.subject = (enum subject)at;
        if (condition.order != ORDER_EQUAL || !words_read(rest, &condition))
            return false;
    } else if (number >= 0) {
        condition.subject = SUBJECT_NUMBER;
        condition.number = (enum quantity)number;
        if (!number_read(rest, &condition.bound))
            return false;
    } else {
        return false;
    }
    *ret = condition;
    return true;
}

enum err conditions_read(struct text text, struct arena *arena, const char **ret_wrong, struct conditions *ret)
{
    struct condition list[CONDITIONS_MAX];
    size_t count = 0;
    text = text_trim(text);
    while (text.length) {
        struct text rest, one = text_trim(text_until(text, '&', &rest));
        if (count == CONDITIONS_MAX || !condition_read(one, &list[count])) {
            *ret_wrong = arena_printf(arena,
                                      "“%.*s”: điều kiện phải có dạng area=…, role=…, legacy=…, channel=… hoặc "
                                      "value<=…, tối đa %d điều kiện nối bằng &",
                                      TEXT_ARGS(text_head(one, 80)), CONDITIONS_MAX);
            return ERR_CATALOGUE;
        }
        count++;
        text = rest;
    }
    struct condition *kept = count ? ARENA_ARRAY(arena, struct condition, count) : NULL;
    if (count)
        memcpy(kept, list, count * sizeof *list);
    *ret = (struct conditions){count, kept};
    return OK;
}

bool formula_order_holds(int64_t value, enum order order, int64_t bound)
{
    switch (order) {
    case ORDER_LESS: return value < bound;
    case ORDER_LESS_EQUAL: return value <= bound;
    case ORDER_EQUAL: return value == bound;
    case ORDER_GREATER_EQUAL: return value >= bound;
    default: return value > bound;
    }
}

enum holds conditions_hold(const struct conditions *conditions, const struct formula *defaults,
                           const struct quote_request *request, const char **ret_missing)
{
    enum holds holds = HOLDS_YES;
    for (size_t i = 0; i < conditions->count; i++) {
        const struct condition *one = &conditions->list[i];
        struct text word = TEXT_NONE;
        const char *name = "area_class";
        if (one->subject == SUBJECT_CHANNEL) {
            if (!(one->channels & 1u << request->channel))
                return HOLDS_NO;
            continue;
        }
        if (one->subject == SUBJECT_NUMBER) {
            int64_t number = request->quantities[one->number];
            name = quantity_names[one->number];
            if (number != QUANTITY_NONE) {
                if (!formula_order_holds(number, one->order, one->bound))
                    return HOLDS_NO;
                continue;
            }
        } else if (one->subject == SUBJECT_ROLE) {
            name = "role";
            word = request->role.length || !defaults ? request->role : defaults->role_default;
        } else if (one->subject == SUBJECT_LEGACY) {
            name = "legacy_area";
            word = request->legacy_area.length ? request->legacy_area : request->area_class;
        } else {
            word = request->area_class.length || !defaults ? request->area_class : defaults->area_default;
        }
        bool any = false;
        for (size_t w = 0; w < one->word_count && word.length; w++)
            any |= text_equal(word, one->words[w]);
        if (word.length && !any)
            return HOLDS_NO;
        if (!word.length) {
            if (ret_missing && holds == HOLDS_YES)
                *ret_missing = name;
            holds = HOLDS_NOT_GIVEN;
        }
    }
    return holds;
}
