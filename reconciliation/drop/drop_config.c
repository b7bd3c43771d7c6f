/* [drop.NAME]: what is not safe is refused before anything is sent. */
#include "core/system/config.h"
#include "reconciliation/drop/drop.h"

#include <string.h>

static const char *value(const char *name, const char *key)
{
    return config_source("drop", name, key);
}

static int64_t number(const char *name, const char *key)
{
    int64_t read = 0;
    const char *text = value(name, key);
    return text && text_to_int64(text_of(text), &read) ? read : 0; /* the registry has checked it */
}

static bool refuse(struct faults *faults, const char *name, const char *why)
{
    faults_add(faults, arena_printf(faults->arena, "[drop.%s]", name), ERR_CONFIG, "%s", why);
    return false;
}

bool drop_read(const char *name, struct faults *faults, struct drop *ret_drop)
{
    struct drop drop = {.name = name,
                        .url = value(name, "url"),
                        .user = value(name, "user"),
                        .password_file = value(name, "password_file"),
                        .key_file = value(name, "key_file"),
                        .known_hosts = value(name, "known_hosts"),
                        .host_key = value(name, "host_key"),
                        .ca_file = value(name, "ca_file"),
                        .patterns = value(name, "pattern"),
                        .account = value(name, "account"),
                        .size_max = number(name, "size_max_mib") << 20,
                        .settle_s = number(name, "settle_s")};
    struct text url = text_of(drop.url);
    if (text_starts(url, "sftp://"))
        drop.kind = DROP_SFTP;
    else if (text_starts(url, "https://"))
        drop.kind = DROP_HTTPS;
    else
        return refuse(faults, name, "url: sftp://…/ hoặc https://…/ / expected sftp:// or https://");
    if (!text_ends(url, "/") || text_find(url, TEXT("@")) < url.length || text_find(url, TEXT("?")) < url.length)
        return refuse(
            faults, name,
            "url: phải kết thúc bằng / và không chứa tên, mật khẩu / must end with / and hold no user or password");
    if (drop.kind == DROP_SFTP && !drop.known_hosts && !drop.host_key)
        return refuse(faults, name,
                      "thiếu known_hosts hoặc host_key / the server's key must be known: known_hosts or host_key");
    if (drop.kind == DROP_SFTP && (!drop.user || (!drop.key_file && !drop.password_file)))
        return refuse(faults, name,
                      "thiếu user và key_file hoặc password_file / user and key_file or password_file are missing");
    *ret_drop = drop;
    return true;
}
