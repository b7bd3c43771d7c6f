#include "core/json/json_read.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/base/money.h"

static void release(void *value)
{
    json_decref(value);
}

/* jansson recurses; depth is bounded before it sees the text. */
static bool too_deep(struct text body)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < body.length; i++) {
        char c = body.at[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_PARSE_DEPTH_MAX)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

/* RFC 6901: ~ is ~0 and / is ~1 inside a key. */
static const char *pointer_to(struct json_fields *in, const char *key)
{
    size_t length = strlen(in->pointer);
    char *pointer = arena_alloc(in->faults->arena, length + 2 * strlen(key) + 2), *to = pointer + length;
    memcpy(pointer, in->pointer, length);
    *to++ = '/';
    for (; *key; key++) {
        if (*key == '~' || *key == '/') {
            *to++ = '~';
            *to++ = *key == '~' ? '0' : '1';
        } else {
            *to++ = *key;
        }
    }
    return pointer;
}

/* Which fields of a tree read with whole numbers as doubles lie beyond what a JSON number can say exactly (RFC 8259
 * section 6): jansson names only the place in the text. The doubles are compared and thrown away. */
static void too_large(json_t *value, const char *pointer, struct faults *faults)
{
    struct json_fields at = {.pointer = pointer, .faults = faults};
    if (json_is_real(value) &&
        (json_real_value(value) > (double)MONEY_MAX || json_real_value(value) < -(double)MONEY_MAX))
        faults_add(faults, pointer, ERR_FIELD_RANGE, "Phải là số nguyên từ %lld đến %lld", (long long)-MONEY_MAX,
                   (long long)MONEY_MAX);
    for (void *item = json_object_iter(value); item; item = json_object_iter_next(value, item))
        too_large(json_object_iter_value(item), pointer_to(&at, json_object_iter_key(item)), faults);
    for (size_t i = 0; i < json_array_size(value); i++)
        too_large(json_array_get(value, i), arena_printf(faults->arena, "%s/%zu", pointer, i), faults);
}

static bool too_large_named(struct text body, struct faults *faults)
{
    size_t before = faults->count + faults->dropped;
    json_t *value =
        json_loadb(body.at, body.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    too_large(value, "", faults);
    json_decref(value);
    return faults->count + faults->dropped > before;
}

enum err json_parse_value(struct text body, json_t **ret_value, struct faults *faults)
{
    if (too_deep(body))
        return faults_add(faults, "", ERR_JSON_SYNTAX, "Lồng quá %d tầng", JSON_PARSE_DEPTH_MAX);
    json_error_t error;
    json_t *value = json_loadb(body.at ? body.at : "", body.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value && !text_is_utf8(body)) /* jansson refuses it too, by another name */
        return faults_add(faults, "", ERR_UTF8, NULL);
    if (!value && json_error_code(&error) == json_error_numeric_overflow && too_large_named(body, faults))
        return ERR_INVALID;
    if (!value) {
        enum err err = json_error_code(&error) == json_error_duplicate_key ? ERR_JSON_DUPLICATE_KEY : ERR_JSON_SYNTAX;
        return faults_add(faults, "", err, "Dòng %d, cột %d: %s", error.line, error.column, error.text);
    }
    arena_on_done(faults->arena, release, value);
    *ret_value = value;
    return OK;
}

static void fields_of(const json_t *object, const char *pointer, struct faults *faults, struct json_fields *ret)
{
    *ret = (struct json_fields){
        .object = object, .pointer = pointer, .faults = faults, .faults_before = faults->count + faults->dropped};
    size_t size = object ? json_object_size(object) : 0;
    if (!size)
        return;
    ret->members = ARENA_ARRAY(faults->arena, struct json_member, size);
    json_t *whole = (json_t *)(uintptr_t)object; /* jansson's iterators want it writable and write nothing */
    for (void *at = json_object_iter(whole); at; at = json_object_iter_next(whole, at))
        ret->members[ret->member_count++] =
            (struct json_member){.key = json_object_iter_key(at), .value = json_object_iter_value(at)};
}

enum err json_parse(struct text body, struct json_fields *ret_fields, struct faults *faults)
{
    json_t *value = NULL;
    enum err err = json_parse_value(body, &value, faults);
    if (err)
        return err;
    if (!json_is_object(value))
        return faults_add(faults, "", ERR_FIELD_TYPE, "Phải là một đối tượng JSON");
    fields_of(value, "", faults, ret_fields);
    return OK;
}

static const char *pointer_to_item(struct json_fields *in, const char *key, size_t index)
{
    return arena_printf(in->faults->arena, "%s/%zu", pointer_to(in, key), index);
}

void json_fault(struct json_fields *in, const char *key, enum err code, const char *format, ...)
{
    char words[400] = "";
    if (format) {
        va_list args;
        va_start(args, format);
        vsnprintf(words, sizeof words, format, args);
        va_end(args);
    }
    if (format)
        faults_add(in->faults, pointer_to(in, key), code, "%s", words);
    else
        faults_add(in->faults, pointer_to(in, key), code, NULL);
}

/* The field's value, or NULL (and a fault when it is required). */
static const json_t *field(struct json_fields *in, const char *key, enum json_need need)
{
    if (!in->object)
        return NULL;
    const json_t *value = NULL;
    for (size_t i = 0; i < in->member_count && !value; i++)
        if (!strcmp(in->members[i].key, key)) {
            in->members[i].known = true;
            value = in->members[i].value;
        }
    if (value && !json_is_null(value))
        return value;
    if (need == REQUIRED)
        json_fault(in, key, ERR_FIELD_MISSING, NULL);
    return NULL;
}

bool json_has(struct json_fields *in, const char *key)
{
    return field(in, key, OPTIONAL) != NULL;
}

static void wrong_type(struct json_fields *in, const char *where, const char *expected)
{
    faults_add(in->faults, where, ERR_FIELD_TYPE, "Phải là %s", expected);
}

/* What is wrong with a text, or OK; pointers are made for faults only. */
static enum err text_check(const json_t *value, size_t min, size_t max, struct text *ret)
{
    if (!json_is_string(value))
        return ERR_FIELD_TYPE;
    struct text text = {json_string_value(value), json_string_length(value)};
    size_t characters = text_characters(text);
    if (characters < min || characters > max)
        return ERR_FIELD_LENGTH;
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7F)
            return ERR_FIELD_FORMAT;
    *ret = text;
    return OK;
}

static void text_fault(struct json_fields *in, const char *where, enum err err, size_t min, size_t max)
{
    if (err == ERR_FIELD_TYPE)
        wrong_type(in, where, "chuỗi");
    else if (err == ERR_FIELD_LENGTH)
        faults_add(in->faults, where, err, "Phải có từ %zu đến %zu ký tự", min, max);
    else
        faults_add(in->faults, where, err, "Có ký tự điều khiển");
}

void json_read_text(struct json_fields *in, const char *key, enum json_need need, size_t min, size_t max,
                    struct text *ret)
{
    const json_t *value = field(in, key, need);
    enum err err = value ? text_check(value, min, max, ret) : OK;
    if (err)
        text_fault(in, pointer_to(in, key), err, min, max);
}

void json_read_sheet(struct json_fields *in, const char *key, enum json_need need, size_t max, struct text *ret)
{
    const json_t *value = field(in, key, need);
    if (value && !json_is_string(value))
        wrong_type(in, pointer_to(in, key), "chuỗi");
    else if (value && (!json_string_length(value) || json_string_length(value) > max))
        faults_add(in->faults, pointer_to(in, key), ERR_FIELD_LENGTH, "Phải có từ 1 đến %zu byte", max);
    else if (value)
        *ret = (struct text){json_string_value(value), json_string_length(value)};
}

void json_read_int(struct json_fields *in, const char *key, enum json_need need, int64_t min, int64_t max, int64_t *ret)
{
    const json_t *value = field(in, key, need);
    if (!value)
        return;
    if (!json_is_integer(value)) {
        wrong_type(in, pointer_to(in, key), "số nguyên");
        return;
    }
    int64_t number = json_integer_value(value);
    if (number < min || number > max) {
        json_fault(in, key, ERR_FIELD_RANGE, "Phải từ %lld đến %lld", (long long)min, (long long)max);
        return;
    }
    *ret = number;
}

void json_read_bool(struct json_fields *in, const char *key, enum json_need need, bool *ret)
{
    const json_t *value = field(in, key, need);
    if (!value)
        return;
    if (!json_is_boolean(value))
        wrong_type(in, pointer_to(in, key), "true hoặc false");
    else
        *ret = json_is_true(value);
}

void json_read_date(struct json_fields *in, const char *key, enum json_need need, date_days *ret)
{
    struct text text = TEXT_NONE;
    json_read_text(in, key, need, 1, 40, &text);
    if (text.length && !date_parse(text, ret))
        json_fault(in, key, ERR_FIELD_FORMAT, "Phải là ngày có thật, dạng YYYY-MM-DD");
}

void json_read_instant(struct json_fields *in, const char *key, enum json_need need, instant_us *ret)
{
    struct text text = TEXT_NONE;
    json_read_text(in, key, need, 1, 40, &text);
    if (text.length && !instant_parse(text, ret))
        json_fault(in, key, ERR_FIELD_FORMAT, "Phải là thời điểm RFC 3339 có múi giờ");
}

void json_read_enum(struct json_fields *in, const char *key, enum json_need need, const char *const *names, int *ret)
{
    struct text text = TEXT_NONE;
    json_read_text(in, key, need, 1, 64, &text);
    if (!text.length)
        return;
    for (int i = 0; names[i]; i++)
        if (text_is(text, names[i])) {
            *ret = i;
            return;
        }
    char list[200] = "";
    for (int i = 0; names[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    json_fault(in, key, ERR_FIELD_VALUE, "Phải là một trong: %s", list);
}

void json_read_object(struct json_fields *in, const char *key, enum json_need need, struct json_fields *ret)
{
    const json_t *value = field(in, key, need);
    if (value && !json_is_object(value)) {
        wrong_type(in, pointer_to(in, key), "đối tượng");
        value = NULL;
    }
    fields_of(value, value ? pointer_to(in, key) : "", in->faults, ret);
}

size_t json_read_array(struct json_fields *in, const char *key, enum json_need need, size_t min, size_t max)
{
    const json_t *value = field(in, key, need);
    if (!value)
        return 0;
    if (!json_is_array(value)) {
        wrong_type(in, pointer_to(in, key), "danh sách");
        return 0;
    }
    size_t count = json_array_size(value);
    if (count < min || count > max) {
        json_fault(in, key, ERR_FIELD_LENGTH, "Phải có từ %zu đến %zu phần tử", min, max);
        return 0;
    }
    return count;
}

void json_item_text(struct json_fields *in, const char *key, size_t index, size_t min, size_t max, struct text *ret)
{
    const json_t *item = json_array_get(json_object_get(in->object, key), index);
    enum err err = text_check(item, min, max, ret);
    if (err)
        text_fault(in, pointer_to_item(in, key, index), err, min, max);
}

void json_item_int(struct json_fields *in, const char *key, size_t index, int64_t min, int64_t max, int64_t *ret)
{
    const json_t *item = json_array_get(json_object_get(in->object, key), index);
    const char *where = pointer_to_item(in, key, index);
    if (!json_is_integer(item))
        wrong_type(in, where, "số nguyên");
    else if (json_integer_value(item) < min || json_integer_value(item) > max)
        faults_add(in->faults, where, ERR_FIELD_RANGE, "Phải từ %lld đến %lld", (long long)min, (long long)max);
    else
        *ret = json_integer_value(item);
}

void json_item_object(struct json_fields *in, const char *key, size_t index, struct json_fields *ret)
{
    const json_t *item = json_array_get(json_object_get(in->object, key), index);
    const char *where = pointer_to_item(in, key, index);
    if (!json_is_object(item)) {
        wrong_type(in, where, "đối tượng");
        item = NULL;
    }
    fields_of(item, where, in->faults, ret);
}

enum err json_close(struct json_fields *in)
{
    for (size_t i = 0; i < in->member_count; i++)
        if (!in->members[i].known)
            json_fault(in, in->members[i].key, ERR_FIELD_UNKNOWN, NULL);
    return in->faults->count + in->faults->dropped == in->faults_before ? OK : ERR_INVALID;
}
