#include "core/system/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/system/config.h"

#define SECRECY_OPEN   false
#define SECRECY_SECRET true

const struct key keys[] = {
#define KEY(name, section, key, type, value, allowed, secrecy, vi, en)                                                 \
    {section, key, KEY_##type, value, allowed, SECRECY_##secrecy, vi, en},
#include "core/system/keys.def"
#undef KEY
};

const char *const keys_sections_with_accounts[] = {
    "receipts", "sepay",         "casso",      "payos",          "vnpay", "momo",
    "zalopay",  "viettel-money", "vnpt-money", "mobifone-money", "dvcqg", "keypay",
    "vnpost",   "sandbox-bank",  "webhook",    "drop",           NULL};

bool keys_section_known(const char *section)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        if (!strcmp(keys[i].section, section))
            return true;
    return false;
}

bool keys_section_has_accounts(const char *section)
{
    for (const char *const *one = keys_sections_with_accounts; *one; one++)
        if (!strcmp(*one, section))
            return true;
    return false;
}

bool keys_account_valid(struct text account)
{
    for (size_t i = 0; i < account.length; i++)
        if (!isalnum((unsigned char)account.at[i]) && account.at[i] != '-' && account.at[i] != '_')
            return false;
    return account.length > 0 && account.length < 64;
}

/* A key file is a path already, so it has no twin. */
static bool has_file_twin(const struct key *key)
{
    return key->secret && key->type != KEY_FILE;
}

static bool same(struct text name, const struct key *key, bool *ret_by_file)
{
    size_t length = strlen(key->key);
    if (!text_starts(name, key->key))
        return false;
    struct text rest = text_slice(name, length, name.length);
    if (rest.length && !(has_file_twin(key) && text_is(rest, "_file")))
        return false;
    *ret_by_file = rest.length > 0;
    return true;
}

bool keys_find(const char *section, struct text name, struct keys_match *ret_match)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        bool by_file;
        if (strcmp(keys[i].section, section) || !same(name, &keys[i], &by_file))
            continue;
        *ret_match = (struct keys_match){&keys[i], by_file};
        return true;
    }
    return false;
}

/* As an environment variable spells it: upper case, '-' as '_'. */
static size_t spell(char *at, size_t size, const char *prefix, const char *word, const char *suffix)
{
    int length = snprintf(at, size, "%s%s%s", prefix, word, suffix);
    for (char *c = at; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return (size_t)length;
}

/* How many characters of the variable are the key's own, 0 when it is not this key. */
static size_t reads_as(struct text variable, const struct key *key, bool by_file, struct text *ret_account)
{
    char head[96], tail[96];
    size_t head_length = spell(head, sizeof head, "lephi_", key->section, "");
    size_t tail_length = spell(tail, sizeof tail, "_", key->key, by_file ? "_file" : "");
    if (variable.length < head_length + tail_length || !text_starts(variable, head) || !text_ends(variable, tail))
        return 0;
    struct text middle = text_slice(variable, head_length, variable.length - head_length - tail_length);
    struct text account = TEXT_NONE;
    if (middle.length) {
        account = text_slice(middle, 2, middle.length);
        if (!text_starts(middle, "__") || !keys_section_has_accounts(key->section) || !keys_account_valid(account))
            return 0;
    }
    *ret_account = account;
    return head_length + tail_length;
}

bool keys_find_variable(struct text variable, struct keys_match *ret_match, struct text *ret_account)
{
    size_t best = 0;
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        for (int by_file = 0; by_file <= has_file_twin(&keys[i]); by_file++) {
            struct text account;
            size_t own = reads_as(variable, &keys[i], by_file, &account);
            if (own <= best)
                continue;
            best = own;
            *ret_match = (struct keys_match){&keys[i], by_file};
            *ret_account = account;
        }
    }
    return best > 0;
}

int keys_flag(struct text value)
{
    static const char *const yes[] = {"yes", "on", "true", "1"}, *const no[] = {"no", "off", "false", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (text_is_nocase(value, yes[i]))
            return 1;
        if (text_is_nocase(value, no[i]))
            return 0;
    }
    return -1;
}

static bool is_choice(const char *allowed, struct text value)
{
    struct text rest = text_of(allowed);
    while (rest.length) {
        struct text word = text_until(rest, ' ', &rest);
        if (text_equal(word, value))
            return true;
    }
    return false;
}

static bool in_range(const char *allowed, struct text value)
{
    int64_t number, least, most;
    struct text range = text_of(allowed);
    size_t dots = text_find(range, TEXT(".."));
    bool known = text_to_int64(text_slice(range, 0, dots), &least) &&
                 text_to_int64(text_slice(range, dots + 2, range.length), &most);
    return known && text_to_int64(value, &number) && number >= least && number <= most;
}

static bool is_url(struct text value)
{
    for (size_t i = 0; i < value.length; i++)
        if ((unsigned char)value.at[i] <= ' ')
            return false;
    return (text_starts(value, "http://") && value.length > 7) || (text_starts(value, "https://") && value.length > 8);
}

static bool is_hex(const char *allowed, struct text value)
{
    int64_t digits = 0;
    for (size_t i = 0; i < value.length; i++)
        if (!isxdigit((unsigned char)value.at[i]))
            return false;
    return text_to_int64(text_of(allowed), &digits) && value.length == (size_t)digits;
}

static const char *check_printable(struct text value)
{
    for (size_t i = 0; i < value.length; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
            return "có ký tự điều khiển / has control characters";
    return text_is_utf8(value) ? NULL : "không phải UTF-8 / is not UTF-8";
}

const char *keys_check(const struct key *key, struct text value, struct arena *arena)
{
    const char *wrong = check_printable(value);
    if (wrong)
        return wrong;
    bool given = value.length > 0;
    switch (key->type) {
    case KEY_INT:
        return in_range(key->allowed, value)
                   ? NULL
                   : arena_printf(arena, "phải là số từ %s / must be a number in %s", key->allowed, key->allowed);
    case KEY_CHOICE:
        return is_choice(key->allowed, value)
                   ? NULL
                   : arena_printf(arena, "phải là một trong: %s / must be one of these", key->allowed);
    case KEY_FLAG: return keys_flag(value) >= 0 ? NULL : "phải là yes hoặc no / must be yes or no";
    case KEY_URL: return !given || is_url(value) ? NULL : "phải là địa chỉ http(s) / must be an http(s) address";
    case KEY_HEX:
        return is_hex(key->allowed, value)
                   ? NULL
                   : arena_printf(arena, "phải là %s chữ số hex / must be %s hex digits", key->allowed, key->allowed);
    case KEY_FILE:
        return !given || !access(value.at, R_OK)
                   ? NULL
                   : arena_printf(arena, "không đọc được tệp %.*s / the file cannot be read", TEXT_ARGS(value));
    case KEY_TEXT:
    case KEY_PATH: return NULL;
    }
    return NULL;
}

static void sample_key(struct buf *out, const struct key *key)
{
    buf_printf(out, "# %s\n# %s\n", key->vi, key->en);
    if (key->type == KEY_INT || key->type == KEY_CHOICE)
        buf_printf(out, "# (%s)\n", key->allowed);
    buf_printf(out, "#%s%s =%s%s\n\n", key->key, has_file_twin(key) ? "_file" : "", *key->value ? " " : "", key->value);
}

void config_sample(struct buf *out)
{
    buf_string(out,
               "# lephi.conf: mọi khóa, với giá trị mặc định. Every key, with its default.\n"
               "# Mỗi khóa cũng là biến môi trường LEPHI_<MỤC>_<KHÓA>. Each is also LEPHI_<SECTION>_<KEY>.\n"
               "# Khóa bí mật nên đặt trong tệp riêng (…_file). Keep secrets in files of their own (…_file).\n"
               "# Tài khoản thứ hai của một nguồn: [vnpay.centre2]. A source's second account: [vnpay.centre2].\n\n");
    const char *section = "";
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (strcmp(section, keys[i].section))
            buf_printf(out, "[%s]\n", section = keys[i].section);
        sample_key(out, &keys[i]);
    }
}
