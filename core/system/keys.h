/* The registry of keys as data, and the rules of one value. Private to core/system. */
#ifndef LEPHI_CORE_KEYS_H
#define LEPHI_CORE_KEYS_H

#include <stdbool.h>
#include "core/base/arena.h"
#include "core/base/text.h"

enum key_type { KEY_TEXT, KEY_INT, KEY_CHOICE, KEY_FLAG, KEY_PATH, KEY_FILE, KEY_URL, KEY_HEX };

struct key {
    const char *section, *key;
    enum key_type type;
    const char *value, *allowed; /* the default; see keys.def */
    bool secret;
    const char *vi, *en;
};

extern const struct key keys[];
extern const char *const keys_sections_with_accounts[]; /* ends with NULL */

struct keys_match {
    const struct key *key;
    bool by_file; /* key_file: the value stands in that file */
};

bool keys_section_known(const char *section);
bool keys_section_has_accounts(const char *section);
bool keys_account_valid(struct text account); /* letters, digits, '-' and '_', at most 63 */
bool keys_find(const char *section, struct text name, struct keys_match *ret_match);

/* LEPHI_SECTION_KEY or LEPHI_SECTION__ACCOUNT_KEY; with two readings the longer key wins. */
bool keys_find_variable(struct text variable, struct keys_match *ret_match, struct text *ret_account);

/* What is wrong with a value, in words that never repeat it; NULL when it is good. */
const char *keys_check(const struct key *key, struct text value, struct arena *arena);

int keys_flag(struct text value); /* 1, 0, or -1 for neither */

#endif
