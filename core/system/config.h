/* Configuration: one file, every key also in the environment, one registry of keys (keys.def).
 *
 * A file has [section] lines, `key = value` lines and comments (# or ; at the start of a line). Values run to the end
 * of the line, without the white space around them. Environment variables win over the file and are matched against
 * the registry, never split by guess: LEPHI_HTTP_PORT, LEPHI_VIETTEL_MONEY_HASH_KEY ('-' of a section is '_'),
 * LEPHI_VNPAY__CENTRE2_HASH_SECRET (`__` is the dot of [vnpay.centre2]). An empty variable counts as not set.
 * A path in the file is relative to the file, one in the environment to the working folder.
 *
 * Loaded once at the start, before any thread; read-only afterwards and safe from any thread. Every value of a secret
 * is handed to the log as a text it must never print. */
#ifndef LEPHI_CORE_CONFIG_H
#define LEPHI_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fault.h"

enum config_key {
#define KEY(name, section, key, type, value, allowed, secrecy, vi, en) CONFIG_##name,
#include "core/system/keys.def"
#undef KEY
    CONFIG_COUNT
};

/* Reads the file and the environment. `file` NULL: the one LEPHI_CONFIG names, else lephi.conf in the working folder,
 * else /etc/lephi/lephi.conf, else no file. Each fault names "file:line" or the variable, and the key. A second call
 * replaces everything. Returns OK or ERR_CONFIG (then every getter gives defaults). */
MUST_CHECK enum err config_load(const char *file, struct faults *faults);

/* NUL-terminated and never NULL; "" when not set. Valid until the next load. */
const char *config_text(enum config_key key);
int64_t config_int(enum config_key key); /* INT keys only (asserted) */
bool config_flag(enum config_key key);   /* FLAG keys only (asserted) */
bool config_set(enum config_key key);    /* given by file or environment, not by default */

/* A key of a section that has accounts: config_source("vnpay", "centre2", "hash_secret"). `account` NULL or "" is the
 * default account. A named account takes what is no secret from the default account when it has none of its own; a
 * secret it never takes. NULL when not set. Account names: case does not count, '_' is '-'. */
const char *config_source(const char *section, const char *account, const char *key);

/* Whether an account of a section has any secret set: a source is off until then. */
bool config_source_on(const char *section, const char *account);

/* The named accounts of a section, in order of appearance; at most `max`. Returns how many. */
size_t config_accounts(const char *section, const char **ret_names, size_t max);

/* What `lephi check` says of the configuration: contradictions between keys (the sandbox's bank on beside a real
 * source, half-configured receipts). OK or ERR_CONFIG with faults. */
MUST_CHECK enum err config_check(struct faults *faults);

/* The whole registry as a commented file, for packaging. */
void config_sample(struct buf *out);

#endif
