/* Fees: the catalogue of what a province collects, and the quote.
 *
 * The catalogue is data an officer edits (payments/catalogue/README.md); loaded, it is one immutable snapshot. A quote
 * is a pure function of snapshot, request and day: no I/O, no clock, no allocation outside the caller's arena, so that
 * any host computes the same bytes again from the quote's own id. Amounts are whole đồng (core/base/money.h).
 *
 * Legal frame: Law on fees and charges 97/2015/QH13; the basis of each amount is in its row. */
#ifndef LEPHI_PAYMENTS_FEES_H
#define LEPHI_PAYMENTS_FEES_H

#include <stdbool.h>
#include "core/core.h"

enum {
    QUOTE_FEES_MAX = 20,
    QUOTE_CATEGORIES_MAX = 16,
    QUOTE_REDUCTIONS_MAX = 24, /* candidates of one line */
    QUOTE_ID_MAX = 700,        /* characters */
    QUOTE_ID_SIZE = QUOTE_ID_MAX + 1,
    QUOTE_POSTAL_MAX = 240,      /* bytes of the canonical JSON of `postal` */
    QUOTE_WORD_MAX = 40,         /* characters of a code, area class or role */
    CATALOGUE_VERSION_SIZE = 24, /* "2026-11-22.1a2b3c4d" */
    /* A price is held this many days, the day of the quote included, unless a rule it used ends sooner. Fifteen days
     * is the longest a citizen usually needs to pay at a post office; longer would let prices outlive many rules. */
    QUOTE_VALID_DAYS = 15,
};

/* ---- the catalogue ------------------------------------------------------------------------------------------ */

enum fee_kind { FEE_PHI, FEE_LE_PHI, FEE_POSTAL };
enum fee_document { DOCUMENT_STATE_RECEIPT, DOCUMENT_INVOICE_ELSEWHERE, DOCUMENT_NONE, DOCUMENT_UNSET };
enum fee_channel { CHANNEL_COUNTER, CHANNEL_ONLINE, CHANNEL_ONLINE_PART, CHANNEL_POST, CHANNEL_COUNT };
enum fee_day { DAY_OF_FILING, DAY_OF_PAYMENT };

struct formula; /* formula.h, private */

/* One version of one fee. Texts live as long as the snapshot; "unset" is the empty text. */
struct fee {
    struct text code, name_vi, name_en;
    enum fee_kind kind;
    struct text formula_text;
    const struct formula *formula;
    struct text unit_vi, unit_en; /* "bản", "copy" */
    date_days valid_from;         /* DATE_NONE: unset, taken as always */
    date_days valid_to;           /* last day included; DATE_NONE: open */
    struct text legal_basis;      /* "TT 226/2016/TT-BTC, Điều 4.1" */
    struct text issued_by;        /* quoc_hoi, chinh_phu, bo_tai_chinh, hdnd */
    struct text collector;        /* kind of agency that collects; the dossier's agency decides which one */
    struct text beneficiary;      /* kind of agency the money belongs to */
    struct text budget_item;      /* tiểu mục, "2716" */
    struct text budget_level;     /* central, local */
    struct text retention;        /* as written: "35%", "85% public_unit" */
    int64_t retention_rate;       /* the same in 1/10 000; -1: unset */
    struct text retention_only;   /* kind of collector that may keep it, "public_unit"; empty: any */
    struct text refund_rule;      /* refused_yes, never, … */
    enum fee_document document;   /* which paper the payer gets */
    enum fee_day decided_by;      /* which day finds the version and the reductions */
    struct text rounding;         /* dong_half_up unless the rule says otherwise */
    struct text confidence, note;
    int line; /* of its file, for faults */
};

struct catalogue; /* immutable, counted */

/* Loads the folder's fees.csv, reductions.csv, categories.csv, procedures.csv, values.csv and checks what a quote
 * relies on (see fees_catalogue_check_command for the rest). Every fault is named "fees.csv:12:5" (line:field). Returns
 * ERR_IO or ERR_CATALOGUE with faults; on OK the caller holds one count. */
MUST_CHECK enum err catalogue_load(const char *folder, struct faults *faults, struct catalogue **ret_catalogue);
struct catalogue *catalogue_hold(struct catalogue *catalogue); /* returns it */
void catalogue_drop(struct catalogue *catalogue);              /* NULL is fine; the last one frees */
/* "<edition>.<first 8 hex digits of the content's SHA-256>": same files, same version, on any host. */
const char *catalogue_version(const struct catalogue *catalogue);

/* The catalogue quotes are made from. Set takes over the caller's count; hold gives a counted one, NULL before the
 * first set. Safe from any thread; a running quote keeps the snapshot it began with. */
void catalogue_in_force_set(struct catalogue *catalogue);
struct catalogue *catalogue_in_force_hold(void);

/* The version of a fee on a day: NULL when the code is unknown or has no version then. */
const struct fee *catalogue_fee_on(const struct catalogue *catalogue, struct text code, date_days day);

enum { PROCEDURE_FEES_MAX = 12 };

struct procedure {
    struct text code, name_vi, name_en;
    struct text agency_level; /* "XA", "TINH", "XA|TINH", with the agency's kind behind a colon where it is known */
    size_t fee_count;         /* the first `usual_count` are due unless the request chooses; the rest can be chosen */
    size_t usual_count;
    struct text fees[PROCEDURE_FEES_MAX];
    struct text postal; /* both, send, receive, none, unset */
    struct text confidence, note;
    char key[200]; /* search key: name and code without marks */
    int line;
};

const struct procedure *catalogue_procedure(const struct catalogue *catalogue, struct text code);
size_t catalogue_procedure_count(const struct catalogue *catalogue);
const struct procedure *catalogue_procedure_at(const struct catalogue *catalogue, size_t index); /* by code */

/* ---- the request -------------------------------------------------------------------------------------------- */

/* Whole numbers a formula may ask for; the names in JSON are those of quantity_names. */
enum quantity {
    QUANTITY_COPIES,
    QUANTITY_PAGES,    /* of the original */
    QUANTITY_VALUE,    /* đồng: contract, project, asset */
    QUANTITY_PERSONS,  /* also children, in adoption */
    QUANTITY_SEQUENCE, /* first, second … time */
    QUANTITY_AREA_M2,
    QUANTITY_HECTARES,
    QUANTITY_RELIEF_USED,  /* đồng this person already got from a yearly capped relief this year */
    QUANTITY_RELIEF_TIMES, /* how many times this year */
    QUANTITY_COUNT
};
enum { QUANTITY_NONE = -1 };

extern const char *const quantity_names[QUANTITY_COUNT + 1]; /* NULL-terminated */
extern const char *const channel_names[CHANNEL_COUNT + 1];

struct quote_request {
    struct text procedure; /* empty when fees are named */
    size_t fee_count;
    struct text fees[QUOTE_FEES_MAX];
    enum fee_channel channel;
    date_days filed_on, paid_on; /* DATE_NONE: not given; the one given stands for both, else the day of the quote */
    int64_t quantities[QUANTITY_COUNT]; /* QUANTITY_NONE: not given */
    struct text area_class;             /* KV1…, phuong, xa, urban, other … */
    struct text legacy_area;            /* unit before the merger of 1 July 2025, where a tariff still follows it */
    struct text role;                   /* which case of the rule: names are the formula's */
    int64_t exchange_rate;              /* đồng × 10 000 per unit of foreign money; QUANTITY_NONE: not given */
    size_t category_count;
    struct text categories[QUOTE_CATEGORIES_MAX];
    struct text postal;  /* canonical JSON of the postal wish, for the registered pricer; empty: none */
    date_days quoted_on; /* set by quote_id_read: the day the quote was made; DATE_NONE otherwise */
};

void quote_request_init(struct quote_request *request); /* nothing given */

/* Reads the body of POST /v1/quotes. Faults name every wrong field by pointer; closes `in`. Texts live as long as the
 * arena of the faults. Returns ERR_INVALID. What only the catalogue knows (codes, categories) quote_compute checks. */
MUST_CHECK enum err quote_request_read(struct json_fields *in, struct quote_request *ret_request);

/* The same, for rooms whose own body carries the quote's fields beside others and that know the dossier: does not close
 * `in`, and takes a body without procedure and fees, or without channel (then CHANNEL_COUNT). */
void quote_request_read_fields(struct json_fields *in, struct quote_request *ret_request);

/* ---- the quote ---------------------------------------------------------------------------------------------- */

/* Why a reduction does or does not count. */
enum reduction_state {
    REDUCTION_APPLIED,
    REDUCTION_LOWER,         /* another one gives more; benefits are never added up */
    REDUCTION_PRINTED,       /* the tariff prints a price for this channel, which beats a computed one */
    REDUCTION_CHANNEL,       /* holds for another channel */
    REDUCTION_PROCEDURE,     /* holds for other procedures, or the request names none */
    REDUCTION_USED_UP,       /* yearly cap or times used */
    REDUCTION_NOT_QUANTIFIED /* the source leaves the rate or the cap open */
};

struct reduction; /* catalogue.h, private */

struct quote_reduction {
    const struct reduction *rule;
    enum reduction_state state;
    int64_t amount; /* đồng it takes off when applied, or would have */
    int64_t rate;   /* of the gross, in 1/10 000 */
    struct text reason_vi, reason_en, legal_basis;
};

struct quote_line {
    const struct fee *fee; /* NULL for a postal line; lives as long as the catalogue */
    struct text code, name_vi, name_en, legal_basis, formula, collector;
    enum fee_kind kind;
    enum fee_document document;
    int64_t quantity;            /* how many units were charged */
    int64_t gross, reduced, net; /* net = gross - reduced; a zero gross is a zero price, not an exemption */
    size_t reduction_count;
    const struct quote_reduction *reductions; /* the applied one first, if any */
    struct text postal_explanation_vi, postal_explanation_en;
};

/* Texts and pointers live as long as the arena, the request and the catalogue given to quote_compute. */
struct quote {
    const struct catalogue *catalogue;
    const struct quote_request *request;
    date_days quoted_on, filed_on, paid_on; /* as decided */
    size_t line_count;
    struct quote_line *lines;
    int64_t total;
    date_days valid_until; /* last day, whole; before quoted_on when the price belongs to the past */
};

/* Prices a request on a day. Returns ERR_INVALID with a fault for everything that is wrong ("/quantities/pages"), each
 * saying what would be valid; `ret_quote` is then untouched. */
MUST_CHECK enum err quote_compute(const struct catalogue *catalogue, const struct quote_request *request,
                                  date_days today, struct arena *arena, struct faults *faults, struct quote *ret_quote);

/* The instant after which the price no longer holds: 23:59:59 of quote.valid_until in Vietnam. */
instant_us quote_valid_until(const struct quote *quote);

enum fee_language { LANGUAGE_VI, LANGUAGE_EN };
/* The sentence a citizen reads, e.g. "2 trang × 2.000 đ + 3 trang × 1.000 đ = 7.000 đ; 2 bản = 14.000 đ (TT 226/2016/
 * TT-BTC, Điều 4.1)". Made when asked, so that pricing alone stays cheap. */
void quote_explain(const struct quote *quote, size_t line, enum fee_language language, struct buf *out);

/* The JSON object of the contract. */
void quote_write(struct json *json, const struct quote *quote);

/* ---- the quote's id: the quote in small --------------------------------------------------------------------- */

/* "q_" and base64url of day, catalogue version and everything asked, with a check sum. */
void quote_id_write(const struct quote *quote, char ret_id[QUOTE_ID_SIZE]);

/* What an id asked for. ERR_FIELD_FORMAT when it is not one or was mistyped. It proves nothing about who made it; it
 * needs no proof, because the price is always computed again. */
MUST_CHECK enum err quote_id_read(struct text id, struct arena *arena, struct quote_request *ret_request,
                                  char ret_version[CATALOGUE_VERSION_SIZE]);

/* ---- postage inside a quote --------------------------------------------------------------------------------- */

/* Postage is the postal room's to price and stands above this one: the program registers its pricer here. It gets the
 * canonical JSON of `postal` and fills code, names, legal_basis, formula, collector, document, quantity, gross and the
 * two explanations; faults are named from "/postal". Must be pure as quote_compute is. */
typedef enum err (*postal_pricer)(struct text postal, date_days day, struct arena *arena, struct faults *faults,
                                  struct quote_line *ret_line);
void fees_postal_pricer_set(postal_pricer pricer); /* at start, before the first quote */

/* ---- commands and routes ------------------------------------------------------------------------------------ */

/* `lephi quote FILE|- [--catalogue PATH]`; argv[0] is the command's word. Exit codes of the contract: 0, 1, 2. */
int fees_quote_command(int argc, char **argv);
/* `lephi catalogue check FILE…|FOLDER`: every fault as file:line:field on stderr, a JSON summary on stdout. */
int fees_catalogue_check_command(int argc, char **argv);

struct request;
enum err fees_quote_handle(struct request *rq);      /* POST /v1/quotes; inline */
enum err fees_procedures_handle(struct request *rq); /* GET /v1/procedures?query=&limit=&cursor=; inline */
enum err fees_procedure_handle(struct request *rq);  /* GET /v1/procedures/{code}; inline */

#endif
