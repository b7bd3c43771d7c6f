#include "payments/sources/source_table.h"

#include <pthread.h>
#include <string.h>

static const char *const method_names[] = {
    [METHOD_VIETQR] = "vietqr", [METHOD_POS] = "pos",       [METHOD_WALLET] = "wallet",
    [METHOD_POST] = "post",     [METHOD_PORTAL] = "portal", [METHOD_CASH] = "cash"};

/* Every source there is; one that is not configured is off. */
static const struct source *const sources[] = {&source_sandbox_bank,   &source_sepay,         &source_casso,
                                               &source_payos,          &source_vnpay,         &source_momo,
                                               &source_zalopay,        &source_viettel_money, &source_vnpt_money,
                                               &source_mobifone_money, &source_dvcqg,         &source_keypay};
enum { SOURCE_COUNT = sizeof sources / sizeof *sources, ACCOUNTS_MAX = 16, ACCOUNT_NAME_SIZE = 64 };

static const char *const status_names[] = {[NOTICE_PAID] = "paid",
                                           [NOTICE_OUT] = "out",
                                           [NOTICE_PENDING] = "pending",
                                           [NOTICE_FAILED] = "failed",
                                           [NOTICE_TEST] = "test"};

const char *method_name(enum method method)
{
    return method_names[method];
}

const char *notice_status_name(enum notice_status status)
{
    return status_names[status];
}

void notice_seal(struct notice *n)
{
    struct buf content = {0};
    buf_printf(&content, "%s\x1f%lld\x1f", method_name(n->method), (long long)n->amount);
    buf_text(&content, n->account);
    buf_char(&content, '\x1f');
    buf_text(&content, n->external_id);
    crypto_sha256(buf_view(&content), n->content_hash);
    buf_done(&content);
}

enum err notice_finish(struct notice *n)
{
    notice_seal(n);
    return n->status == NOTICE_PAID ? OK : ERR_NOT_FOUND;
}

const struct source *source_by_name(struct text name)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        if (text_is(name, sources[i]->name))
            return sources[i];
    return NULL;
}

size_t source_count(void)
{
    return SOURCE_COUNT;
}

const struct source *source_at(size_t index)
{
    return sources[index];
}

const char *source_setting(const struct source_account *account, const char *key)
{
    return config_source(account->source, account->name, key);
}

/* Accounts met so far. Entries are only ever added, so that a pointer to one stays good. */
static struct {
    pthread_mutex_t lock;
    size_t count;
    struct known_account {
        struct source_account account;
        char name[ACCOUNT_NAME_SIZE];
    } list[SOURCE_COUNT * (ACCOUNTS_MAX + 1)];
} accounts = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* NULL when there are more accounts than anybody has. */
static const struct source_account *remember(const struct source *source, const char *name)
{
    const struct source_account *found = NULL;
    pthread_mutex_lock(&accounts.lock);
    for (size_t i = 0; i < accounts.count && !found; i++)
        if (accounts.list[i].account.source == source->name && !strcmp(accounts.list[i].name, name))
            found = &accounts.list[i].account;
    if (!found && accounts.count < sizeof accounts.list / sizeof *accounts.list && strlen(name) < ACCOUNT_NAME_SIZE) {
        struct known_account *added = &accounts.list[accounts.count++];
        memcpy(added->name, name, strlen(name) + 1);
        added->account = (struct source_account){source->name, added->name};
        found = &added->account;
    }
    pthread_mutex_unlock(&accounts.lock);
    return found;
}

const struct source_account *source_account_find(const struct source *source, struct text name)
{
    const char *names[ACCOUNTS_MAX];
    if (!name.length)
        return config_source_on(source->name, "") ? remember(source, "") : NULL;
    size_t count = config_accounts(source->name, names, ACCOUNTS_MAX);
    for (size_t i = 0; i < count; i++)
        if (text_is(name, names[i]) && config_source_on(source->name, names[i]))
            return remember(source, names[i]);
    return NULL;
}
