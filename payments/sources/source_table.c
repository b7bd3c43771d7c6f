#include "payments/sources/source_table.h"

#include <string.h>

static const char *const method_names[] = {
    [METHOD_VIETQR] = "vietqr", [METHOD_POS] = "pos",       [METHOD_WALLET] = "wallet",
    [METHOD_POST] = "post",     [METHOD_PORTAL] = "portal", [METHOD_CASH] = "cash"};

/* Every source there is; one that is not configured is off. */
static const struct source *const sources[] = {&source_sandbox_bank, &source_sepay};
enum { SOURCE_COUNT = sizeof sources / sizeof *sources, ACCOUNTS_MAX = 16 };

const char *method_name(enum method method)
{
    return method_names[method];
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

/* Accounts are few and live as long as the configuration: looked up by name each time, kept in a table made once. */
const struct source_account *source_account_find(const struct source *source, struct text name)
{
    static struct source_account defaults[SOURCE_COUNT];
    static struct source_account named[SOURCE_COUNT][ACCOUNTS_MAX];
    const char *names[ACCOUNTS_MAX];
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        if (sources[i] != source)
            continue;
        if (!name.length) {
            defaults[i] = (struct source_account){source->name, ""};
            return config_source_on(source->name, "") ? &defaults[i] : NULL;
        }
        size_t count = config_accounts(source->name, names, ACCOUNTS_MAX);
        for (size_t k = 0; k < count; k++) {
            if (!text_is(name, names[k]) || !config_source_on(source->name, names[k]))
                continue;
            named[i][k] = (struct source_account){source->name, names[k]};
            return &named[i][k];
        }
    }
    return NULL;
}
