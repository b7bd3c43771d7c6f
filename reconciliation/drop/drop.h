/* Drops: places a bank puts statement files at, reached by SFTP or HTTPS. Private to the room. */
#ifndef LEPHI_RECONCILIATION_DROP_H
#define LEPHI_RECONCILIATION_DROP_H

#include "reconciliation/reconciliation.h"

enum {
    DROPS_MAX = 64,
    DROP_FILES_MAX = 1000,      /* names of one listing; what comes behind them in order of name waits, and is told */
    DROP_NAME_MAX = 200,        /* bytes of a file's name */
    DROP_LISTING_MAX = 1 << 20, /* bytes */
    DROP_VISIT_MAX_MIB = 4096,  /* bytes taken in one visit, over all files */
    DROP_FILE_MAX_MIB = 2048,
};

/* ---- names and listings: pure --------------------------------------------------------------------------------------
 */

/* Why a file of this name is never asked for (English), or NULL: empty, too long, hidden, with a slash, "..", control
 * characters or broken UTF-8 in it. */
const char *drop_name_fault(struct text name);

struct drop_listing {
    struct arena *arena;
    struct text *names; /* sorted by bytes, each once */
    size_t count;
    size_t unfit;       /* names that are never asked for */
    struct text sample; /* one of them, made printable */
    bool cut;           /* there were more than DROP_FILES_MAX */
};

/* Names that match one of the patterns (words separated by spaces, as in a shell). `names`: one a line, as SFTP gives
 * them; folders stand in `long_lines` as `ls -l` writes them and are left out. */
void drop_listing_read_lines(struct text names, struct text long_lines, const char *patterns,
                             struct drop_listing *ret_listing);
/* The same from the page of links a web server makes of a folder. Links that leave the folder are no files of it. */
void drop_listing_read_html(struct text page, const char *patterns, struct drop_listing *ret_listing);

/* ---- configuration --------------------------------------------------------------------------------------------------
 */

enum drop_kind { DROP_SFTP, DROP_HTTPS };

/* [drop.NAME]; texts live as long as the configuration, NULL when not set. */
struct drop {
    enum drop_kind kind;
    const char *name, *url, *user, *password_file, *key_file, *known_hosts, *host_key, *ca_file, *patterns, *account;
    int64_t size_max; /* bytes of one file */
    int64_t settle_s; /* seconds a file must stay as it is before it is taken */
};

/* False with a fault when something is missing or unsafe: a drop is used whole or not at all. */
bool drop_read(const char *name, struct faults *faults, struct drop *ret_drop);

/* ---- the wire -------------------------------------------------------------------------------------------------------
 */

struct drop_wire;

/* Nothing is sent yet. ERR_IO: the password file cannot be read. */
MUST_CHECK enum err drop_wire_open(const struct drop *drop, struct drop_wire **ret_wire);
void drop_wire_close(struct drop_wire *wire);               /* NULL is fine */
const char *drop_wire_detail(const struct drop_wire *wire); /* what went wrong last, without any secret */

MUST_CHECK enum err drop_wire_list(struct drop_wire *wire, struct arena *arena, struct drop_listing *ret_listing);

struct drop_file {
    int64_t size, modified_s; /* -1: the drop does not say when */
};
/* Writes a file of the drop into `to`. ERR_BODY_TOO_LARGE beyond `max` bytes; ERR_NETWORK when it did not come whole.
 */
MUST_CHECK enum err drop_wire_get(struct drop_wire *wire, struct text name, int64_t max, int to,
                                  struct drop_file *ret_file);
/* Whether it is still as it was: same size, same time. */
MUST_CHECK enum err drop_wire_same(struct drop_wire *wire, struct text name, const struct drop_file *was,
                                   bool *ret_same);

/* ---- a visit
 * --------------------------------------------------------------------------------------------------------- */

/* One visit: lists, takes what is new, imports it, records what came of it. `ret_json` (in the arena) tells each file.
 * `ret_taken`: files that brought something. ERR_NETWORK: the drop could not be used (recorded as failed: what it
 * should have given is not received); ERR_UNAVAILABLE: some file could not be taken now (partial). */
MUST_CHECK enum err drop_visit(struct db *db, struct arena *arena, const struct drop *drop, const char *actor,
                               int64_t *ret_taken, struct text *ret_json);

#endif
