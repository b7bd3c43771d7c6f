#include "core/system/config.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/file.h"
#include "core/system/keys.h"
#include "core/system/log.h"
#include "core/system/places.h"

enum { FILE_MAX = 1 << 20, SECRET_FILE_MAX = 1 << 16, VALUES_MAX = 1024 };

/* Who wins when a key is given twice; the same rank twice is a fault. */
enum rank { RANK_FILE, RANK_DATABASE_URL, RANK_ENVIRONMENT };

/* One value that was given. Account "" is the default account. */
struct value {
    enum config_key key;
    const char *account, *text;
    enum rank rank;
};

/* What one load gathered; replaced as a whole. */
static struct {
    struct arena arena;
    size_t count;
    struct value values[VALUES_MAX];
    const char *defaults[CONFIG_COUNT];
} config;

extern char **environ;

static const char file_variable[] = "LEPHI_CONFIG"; /* names the file: no key of it */

static struct value *find(enum config_key key, const char *account)
{
    for (size_t i = 0; i < config.count; i++)
        if (config.values[i].key == key && !strcmp(config.values[i].account, account))
            return &config.values[i];
    return NULL;
}

static const char *account_name(struct text text)
{
    char *name = arena_copy(&config.arena, text);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    return name;
}

/* One `name = value` on its way in. */
struct entry {
    struct keys_match match;
    const char *account;
    struct text text;
    const char *where;  /* "lephi.conf:12" or the variable */
    const char *folder; /* what relative paths start from; NULL the working folder */
    enum rank rank;
};

static const char *resolve(const struct entry *entry, struct text path)
{
    bool absolute = text_starts(path, "/") || text_starts(path, "pkcs11:") || !path.length;
    if (absolute || !entry->folder)
        return arena_copy(&config.arena, path);
    return arena_printf(&config.arena, "%s/%.*s", entry->folder, TEXT_ARGS(path));
}

/* The value itself, out of its file when it was given as key_file. */
static enum err read_value(const struct entry *entry, struct faults *faults, const char **ret_text)
{
    const struct key *key = entry->match.key;
    if (!entry->match.by_file) {
        bool path = key->type == KEY_PATH || key->type == KEY_FILE;
        *ret_text = path ? resolve(entry, entry->text) : arena_copy(&config.arena, entry->text);
        return OK;
    }
    struct text bytes;
    const char *path = resolve(entry, entry->text);
    if (file_read(path, SECRET_FILE_MAX, &config.arena, &bytes))
        return faults_add(faults, entry->where, ERR_IO, "%s.%s_file: không đọc được tệp %s / cannot read it",
                          key->section, key->key, path);
    *ret_text = arena_copy(&config.arena, text_trim(bytes));
    return OK;
}

static void take(const struct entry *entry, struct faults *faults)
{
    const struct key *key = entry->match.key;
    enum config_key number = (enum config_key)(key - keys);
    struct value *old = find(number, entry->account);
    if (old && old->rank > entry->rank)
        return;
    if (old && old->rank == entry->rank) {
        faults_add(faults, entry->where, ERR_FIELD_VALUE, "%s.%s: đã được đặt ở trên / set twice", key->section,
                   key->key);
        return;
    }
    const char *text = NULL;
    if (read_value(entry, faults, &text))
        return;
    const char *wrong = keys_check(key, text_of(text), faults->arena);
    if (wrong) {
        faults_add(faults, entry->where, ERR_FIELD_VALUE, "%s.%s: %s", key->section, key->key, wrong);
        return;
    }
    if (!old && config.count == VALUES_MAX) {
        faults_add(faults, entry->where, ERR_FIELD_RANGE, "quá nhiều giá trị / more than %d values", VALUES_MAX);
        return;
    }
    if (key->secret)
        log_hide(text_of(text));
    struct value *value = old ? old : &config.values[config.count++];
    *value = (struct value){number, entry->account, text, entry->rank};
}

/* [section] or [section.account] */
static bool read_section(struct text name, const char *where, struct faults *faults, const char **ret_section,
                         const char **ret_account)
{
    struct text account;
    struct text head = text_until(name, '.', &account);
    const char *section = arena_copy(&config.arena, head);
    if (!keys_section_known(section)) {
        faults_add(faults, where, ERR_FIELD_UNKNOWN, "không có mục [%s] / unknown section", section);
        return false;
    }
    if (account.at && !(keys_section_has_accounts(section) && keys_account_valid(account))) {
        faults_add(faults, where, ERR_FIELD_UNKNOWN, "[%.*s]: mục không có tài khoản này / no such account here",
                   TEXT_ARGS(name));
        return false;
    }
    *ret_section = section;
    *ret_account = account_name(account);
    return true;
}

static void read_pair(struct text line, const char *section, struct entry *entry, struct faults *faults)
{
    struct text value;
    struct text name = text_trim(text_until(line, '=', &value));
    if (!value.at) {
        faults_add(faults, entry->where, ERR_FIELD_FORMAT, "thiếu dấu = / expected key = value");
        return;
    }
    if (!section || !keys_find(section, name, &entry->match)) {
        faults_add(faults, entry->where, ERR_FIELD_UNKNOWN, "%s%s%.*s: không có khóa này / unknown key",
                   section ? section : "", section ? "." : "", TEXT_ARGS(name));
        return;
    }
    entry->text = text_trim(value);
    take(entry, faults);
}

static void read_lines(const char *file, struct text bytes, struct faults *faults)
{
    const char *slash = strrchr(file, '/');
    struct entry entry = {
        .folder = slash ? arena_copy(&config.arena, (struct text){file, (size_t)(slash - file)}) : NULL, .account = ""};
    const char *section = NULL;
    bool skipping = false; /* inside an unknown section: one fault is enough */
    if (text_starts(bytes, "\xef\xbb\xbf"))
        bytes = text_slice(bytes, 3, bytes.length);
    for (int number = 1; bytes.length; number++) {
        struct text line = text_trim(text_until(bytes, '\n', &bytes));
        entry.where = arena_printf(faults->arena, "%s:%d", file, number);
        if (!line.length || line.at[0] == '#' || line.at[0] == ';')
            continue;
        if (!text_is_utf8(line)) {
            faults_add(faults, entry.where, ERR_UTF8, NULL);
        } else if (line.at[0] == '[' && text_ends(line, "]")) {
            struct text name = text_trim(text_slice(line, 1, line.length - 2));
            skipping = !read_section(name, entry.where, faults, &section, &entry.account);
        } else if (!skipping) {
            read_pair(line, section, &entry, faults);
        }
    }
}

static void read_file(const char *file, struct faults *faults)
{
    struct text bytes;
    enum err err = file_read(file, FILE_MAX, faults->arena, &bytes);
    if (err)
        faults_add(faults, file, err, "không đọc được tệp cấu hình / the configuration file cannot be read");
    else
        read_lines(file, bytes, faults);
}

static void read_variable(const char *variable, struct faults *faults)
{
    struct text value;
    struct text name = text_until(text_of(variable), '=', &value);
    if (!text_starts(name, "LEPHI_") && !text_is(name, "DATABASE_URL"))
        return;
    struct entry entry = {.where = arena_copy(faults->arena, name), .text = text_trim(value), .rank = RANK_ENVIRONMENT};
    struct text account = TEXT_NONE;
    if (text_is(name, file_variable))
        return;
    if (text_is(name, "DATABASE_URL")) {
        name = TEXT("LEPHI_DATABASE_URL");
        entry.rank = RANK_DATABASE_URL;
    }
    if (!keys_find_variable(name, &entry.match, &account)) {
        faults_add(faults, entry.where, ERR_FIELD_UNKNOWN, "không có khóa này / unknown key");
        return;
    }
    entry.account = account_name(account);
    if (entry.text.length)
        take(&entry, faults);
}

static void read_environment(struct faults *faults)
{
    for (char **variable = environ; *variable; variable++)
        read_variable(*variable, faults);
}

static void forget(void)
{
    arena_done(&config.arena);
    config.count = 0;
    memset(config.defaults, 0, sizeof config.defaults);
}

/* Where data files are depends on where the program is, so these defaults are found rather than written down. */
static void default_places(void)
{
    config.defaults[CONFIG_PATHS_CATALOGUE] = place_find(&config.arena, "payments/catalogue", "catalogue");
    config.defaults[CONFIG_PATHS_BANKS] = place_find(&config.arena, "payments/requests/banks.csv", "banks.csv");
    config.defaults[CONFIG_PATHS_POSTAL] = place_find(&config.arena, "postal", "postal");
    config.defaults[CONFIG_PATHS_PROVINCE] = place_find(&config.arena, "core/province", "province");
    config.defaults[CONFIG_PATHS_SQL] = place_find(&config.arena, "sql", "sql");
    config.defaults[CONFIG_PATHS_PAGES] = place_find(&config.arena, "app/pages", "pages");
    config.defaults[CONFIG_PATHS_DATA] = place_of_data(&config.arena);
}

enum err config_load(const char *file, struct faults *faults)
{
    static const char system_file[] = "/etc/lephi/lephi.conf";
    forget();
    default_places();
    size_t before = faults->count;
    if (!file)
        file = getenv(file_variable);
    if (!file || !*file)
        file = !access("lephi.conf", F_OK) ? "lephi.conf" : !access(system_file, F_OK) ? system_file : NULL;
    if (file)
        read_file(file, faults);
    read_environment(faults);
    if (faults->count == before)
        return OK;
    forget();
    return ERR_CONFIG;
}

const char *config_text(enum config_key key)
{
    const struct value *value = find(key, "");
    if (value)
        return value->text;
    return config.defaults[key] ? config.defaults[key] : keys[key].value;
}

bool config_set(enum config_key key)
{
    return find(key, "") != NULL;
}

int64_t config_int(enum config_key key)
{
    int64_t number = 0;
    assert(keys[key].type == KEY_INT);
    bool good = text_to_int64(text_of(config_text(key)), &number);
    assert(good);
    (void)good;
    return number;
}

bool config_flag(enum config_key key)
{
    assert(keys[key].type == KEY_FLAG);
    return keys_flag(text_of(config_text(key))) == 1;
}

const char *config_source(const char *section, const char *account, const char *key)
{
    struct keys_match match;
    if (!keys_find(section, text_of(key), &match) || match.by_file)
        return NULL;
    enum config_key number = (enum config_key)(match.key - keys);
    char name[128] = "";
    for (size_t i = 0; account && account[i] && i < sizeof name - 1; i++)
        name[i] = account[i] == '_' ? '-' : (char)tolower((unsigned char)account[i]);
    const struct value *value = find(number, name);
    if (!value && *name && !match.key->secret)
        value = find(number, "");
    if (value)
        return *value->text ? value->text : NULL;
    return *match.key->value ? match.key->value : NULL;
}

bool config_source_on(const char *section, const char *account)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        if (keys[i].secret && !strcmp(keys[i].section, section) && config_source(section, account, keys[i].key))
            return true;
    return false;
}

size_t config_accounts(const char *section, const char **ret_names, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < config.count && count < max; i++) {
        const struct value *value = &config.values[i];
        bool known = strcmp(keys[value->key].section, section) || !*value->account;
        for (size_t j = 0; j < count && !known; j++)
            known = !strcmp(ret_names[j], value->account);
        if (!known)
            ret_names[count++] = value->account;
    }
    return count;
}

static bool any_account_on(const char *section)
{
    const char *names[64];
    size_t count = config_accounts(section, names, sizeof names / sizeof *names);
    bool on = config_source_on(section, NULL);
    for (size_t i = 0; i < count && !on; i++)
        on = config_source_on(section, names[i]);
    return on;
}

/* A counterpart that is asked at an address of this machine is the sandbox too: the post office, wallets, the portal.
 */
static bool plays_along(const char *source)
{
    const char *url = config_source(source, NULL, "base_url");
    return url && !strncmp(url, "http://127.0.0.1:", 17);
}

static void check_receipts(const char *account, struct faults *faults)
{
    const char *key = config_source("receipts", account, "key_file");
    const char *cert = config_source("receipts", account, "cert_file");
    const char *where = arena_printf(faults->arena, "receipts%s%s", account ? "." : "", account ? account : "");
    if (!key != !cert)
        faults_add(faults, where, ERR_CONFIG, "cần cả key_file và cert_file / key_file and cert_file go together");
    if (key && strncmp(key, "pkcs11:", 7) && access(key, R_OK))
        faults_add(faults, where, ERR_IO, "key_file: không đọc được %s / cannot be read", key);
}

enum err config_check(struct faults *faults)
{
    size_t before = faults->count;
    if (any_account_on("sandbox-bank"))
        for (const char *const *source = keys_sections_with_accounts; *source; source++)
            if (strcmp(*source, "sandbox-bank") && strcmp(*source, "receipts") && strcmp(*source, "webhook") &&
                !plays_along(*source) && any_account_on(*source))
                faults_add(faults, "sandbox-bank", ERR_CONFIG,
                           "ngân hàng thử đang bật cạnh nguồn thật %s / the sandbox's bank is on beside a real source",
                           *source);
    const char *collectors[256];
    size_t count = config_accounts("receipts", collectors, sizeof collectors / sizeof *collectors);
    check_receipts(NULL, faults);
    for (size_t i = 0; i < count; i++)
        check_receipts(collectors[i], faults);
    if (!config_set(CONFIG_SERVER_SECRET))
        faults_add(faults, "server.secret", ERR_FIELD_MISSING, "chưa có bí mật hệ thống / not set");
    return faults->count == before ? OK : ERR_CONFIG;
}
