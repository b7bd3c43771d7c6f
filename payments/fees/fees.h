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
    QUOTE_POSTAL_MAX = 240,                  /* bytes of the canonical JSON of `postal` */
    QUOTE_WORD_MAX = 40,                     /* characters of a code, area class or role */
    CATALOGUE_UPLOAD_MAX = 24 * 1024 * 1024, /* bytes of a proposal's body */
    CATALOGUE_VERSION_SIZE = 24,             /* "2026-11-22.1a2b3c4d" */
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

/* Whether a fee is given back when its dossier is `refused` or `withdrawn`, by its refund_rule: "always", "never",
 * or both halves, "refused_yes_abandoned_no" (as TT 25/2021/TT-BTC, Điều 6.3, has it). */
enum fee_refund { FEE_REFUND_UNSET, FEE_REFUND_NO, FEE_REFUND_YES };
enum fee_refund fee_refund(const struct fee *fee, struct text state);

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

/* Vietnamese name of a beneficiary category and the evidence it needs; empty texts when it is unknown. */
void catalogue_category_say(const struct catalogue *catalogue, struct text code, struct text *ret_name,
                            struct text *ret_evidence);

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

/* Only the member "quantities": what is named replaces what stands in `request`, the rest stays. */
void quote_request_read_quantities(struct json_fields *in, struct quote_request *request);

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

/* What the reduction that counts in a line rests on: false when none counts. */
struct quote_benefit {
    struct text rule;     /* code in reductions.csv */
    struct text category; /* of the request; empty: everybody gets it */
    struct text evidence; /* that is needed, Vietnamese; the rule's own, else the category's */
    bool yearly;          /* limited per person and year, by amount or by times */
};
bool quote_line_benefit(const struct quote *quote, size_t line, struct quote_benefit *ret_benefit);

/* The JSON object of the contract. */
void quote_write(struct json *json, const struct quote *quote);

/* ---- the quote's id: the quote in small --------------------------------------------------------------------- */

/* "q_" and base64url of day, catalogue version and everything asked, with a check sum. */
void quote_id_write(const struct quote *quote, char ret_id[QUOTE_ID_SIZE]);

/* What an id asked for. ERR_FIELD_FORMAT when it is not one or was mistyped. It proves nothing about who made it; it
 * needs no proof, because the price is always computed again. */
MUST_CHECK enum err quote_id_read(struct text id, struct arena *arena, struct quote_request *ret_request,
                                  char ret_version[CATALOGUE_VERSION_SIZE]);

/* Computes the quote of an id again under the version that made it, to the đồng and to the byte; the caller drops the
 * catalogue when it is done with the quote. ERR_NOT_FOUND: no such id or version. ERR_INVALID with faults. */
MUST_CHECK enum err quote_again(struct db *db, struct text id, struct arena *arena, struct faults *faults,
                                struct quote *ret_quote, struct catalogue **ret_catalogue);

/* ---- postage inside a quote --------------------------------------------------------------------------------- */

/* Postage is the postal room's to price and stands above this one: the program registers its pricer here. It gets the
 * canonical JSON of `postal` and fills code, names, legal_basis, formula, collector, document, quantity, gross and the
 * two explanations; faults are named from "/postal". Must be pure as quote_compute is. */
typedef enum err (*postal_pricer)(struct text postal, date_days day, struct arena *arena, struct faults *faults,
                                  struct quote_line *ret_line);
void fees_postal_pricer_set(postal_pricer pricer); /* at start, before the first quote */

/* ---- versions: the catalogue as published data (tables in sql/0007-catalogue.sql) ---------------------------- */

/* The five sheets from memory; at NULL: not given. `names`: what faults call them, in this order. */
struct catalogue_files {
    struct text fees, reductions, categories, procedures, values;
    const char *names[5];
};
extern const char *const catalogue_file_names[6]; /* "fees.csv" …, NULL-terminated */

/* Opens the folder's five sheets; the bytes live in the arena. ERR_IO with a fault. */
MUST_CHECK enum err catalogue_files_read(const char *folder, struct arena *arena, struct faults *faults,
                                         struct catalogue_files *ret_files);
/* Puts files in the place of those sheets that their header says they are; the names are the files' own. ERR_IO, or
 * ERR_CATALOGUE when two files are the same sheet. */
MUST_CHECK enum err catalogue_files_replace(char *const *paths, size_t count, struct faults *faults,
                                            struct catalogue_files *ret_files);
/* Reads from memory; the bytes are copied. Sheets not given are left empty and what would need them is not checked.
 * ERR_CATALOGUE with faults. */
MUST_CHECK enum err catalogue_read(const struct catalogue_files *files, struct faults *faults,
                                   struct catalogue **ret_catalogue);
/* Everything an officer should hear of before publishing; `today` finds expired rules. Adds faults, returns OK or
 * ERR_CATALOGUE. */
enum err catalogue_check(const struct catalogue *catalogue, const struct catalogue_files *files, date_days today,
                         struct faults *faults);

/* At start: stores the shipped folder as the first version, or, while no person has published one, as the next; then
 * puts what the database says is in force into memory. ERR_IO, ERR_CATALOGUE with faults, or the database's errors. */
MUST_CHECK enum err catalogue_start(struct db *db, const char *folder, instant_us at, struct faults *faults);
/* Looks whether another version was published and puts it in force here; running quotes keep theirs. One short query
 * when nothing changed. */
MUST_CHECK enum err catalogue_refresh(struct db *db, struct arena *arena);
/* Any stored version, counted: the one in force, one of the last few asked for, or read again from the database.
 * ERR_NOT_FOUND. The caller drops it. */
MUST_CHECK enum err catalogue_version_hold(struct db *db, struct arena *arena, struct text version,
                                           struct catalogue **ret_catalogue);
void catalogue_versions_forget(void); /* gives back the last few; at the end of the program */
/* The sheets of a stored version, in the arena. ERR_NOT_FOUND. */
MUST_CHECK enum err catalogue_version_files(struct db *db, struct arena *arena, struct text version,
                                            struct catalogue_files *ret_files);

enum catalogue_step { CATALOGUE_PROPOSED, CATALOGUE_OPEN, CATALOGUE_IN_FORCE, CATALOGUE_APPROVED, CATALOGUE_PUBLISHED };
extern const char *const catalogue_step_names[]; /* proposed, open, in_force, approved, published */

/* Stores sheets that passed catalogue_check as a draft. OPEN: this version is waiting already; IN_FORCE: nothing would
 * change. ERR_CONFLICT: other sheets bear this version's name. */
MUST_CHECK enum err catalogue_propose(struct db *db, struct arena *arena, const struct catalogue *catalogue,
                                      const struct catalogue_files *files, const char *actor, struct text note,
                                      instant_us at, enum catalogue_step *ret_step);
/* One of the two people ("staff:login") agrees; when both have, the version is published, recorded as event
 * catalogue.published, and in force wherever catalogue_refresh is called after the commit. APPROVED: one more is
 * needed, because nobody of the staff proposed it. ERR_SECOND_PERSON, ERR_NOT_FOUND (no open draft), ERR_CONFLICT
 * (another version was published since it was proposed: propose again, so that the difference is looked at again). */
MUST_CHECK enum err catalogue_approve(struct db *db, struct arena *arena, struct text version, const char *actor,
                                      instant_us at, enum catalogue_step *ret_step);
MUST_CHECK enum err catalogue_withdraw(struct db *db, struct arena *arena, struct text version, const char *actor,
                                       struct text reason, instant_us at);

/* One proposal of one version, newest first. */
struct catalogue_entry_of_list {
    struct text version, base_version, note, proposed_by, decided_by, approvals, reason;
    struct text state; /* draft, in_force, published (was in force), withdrawn */
    instant_us proposed_at, decided_at;
};
MUST_CHECK enum err catalogue_versions(struct db *db, struct arena *arena, struct catalogue_entry_of_list **ret_list,
                                       size_t *ret_count); /* at most 500 */

/* ---- the difference between two catalogues, as a finance officer reads it -------------------------------------- */

enum catalogue_change_kind { CHANGE_PRICE, CHANGE_FACT, CHANGE_PROCEDURE };

struct catalogue_change {
    enum catalogue_change_kind kind;
    struct text code, name;      /* of the fee, the reduction or the procedure */
    struct text who;             /* price: "mọi người", or a category's name */
    struct text sample;          /* price: "3 trang", for whom the amounts are computed */
    struct text procedures;      /* price: which procedures ask for it */
    unsigned channels;           /* price: bits of enum fee_channel */
    date_days from;              /* price: the day from which the two differ */
    int64_t before, after;       /* price: đồng, QUANTITY_NONE when it cannot be quoted */
    struct text was, is, column; /* what stood there and stands there; for a price the amounts in words */
};

enum { CATALOGUE_CHANGES_MAX = 2000 };
struct catalogue_difference {
    const char *before, *after; /* versions */
    size_t count, dropped;
    struct catalogue_change *list; /* prices first, then procedures, then facts */
};

/* Prices are compared by quoting typical requests under both, on `today` and every later day on which a rule of either
 * begins or ends: what nobody pays differently is no change of price. Everything lives in the arena. */
void catalogue_compare(const struct catalogue *before, const struct catalogue *after, date_days today,
                       struct arena *arena, struct catalogue_difference *ret);
void catalogue_difference_write_as(struct json *json, const char *key, const struct catalogue_difference *difference);
/* One change as a sentence in Vietnamese. */
void catalogue_change_say(const struct catalogue_change *change, struct buf *out);

/* ---- what stays unset blocks the remittance of that fee -------------------------------------------------------- */

enum fee_fact {
    FACT_COLLECTOR = 1,
    FACT_BENEFICIARY = 2,
    FACT_BUDGET_ITEM = 4,
    FACT_BUDGET_LEVEL = 8,
    FACT_RETENTION = 16,
    FACT_DOCUMENT = 32,
    FACT_COLLECTOR_KIND = 64 /* the share is kept by public units only, and nobody said whether the collector is one */
};
/* Who collects: by its tax code where it is known, else by the kind the row names. */
struct fee_collector {
    struct text tax_code; /* empty: any of the kind */
    date_days day;        /* what holds on it */
};

/* Which facts a remittance list needs and this row leaves unset: bits of enum fee_fact, 0 when it may be remitted.
 * What is invoiced elsewhere or abolished enters no list. */
unsigned fee_remittance_unset(const struct catalogue *catalogue, const struct fee *fee, struct fee_collector collector);
/* What the collector keeps of this fee, in 1/10 000: the row's rate, nothing when the law lets only another kind of
 * collector keep it ("85% public_unit" and a state agency), -1 while a fact it needs is unset. */
int64_t fee_retention_of(const struct catalogue *catalogue, const struct fee *fee, struct fee_collector collector);
/* Whether a fee's money belongs in a list for the treasury at all: not what another body invoices. */
bool fee_remitted(const struct fee *fee);
/* "tiểu mục, tỷ lệ để lại" */
void fee_facts_say(unsigned facts, struct buf *out);
/* The fees in force on a day whose remittance is blocked, by code; at most `max`. Returns how many there are. */
size_t catalogue_remittance_blocked(const struct catalogue *catalogue, date_days day, const struct fee **ret_fees,
                                    size_t max);

/* ---- commands and routes ------------------------------------------------------------------------------------ */

/* `lephi quote FILE|- [--catalogue PATH]`; argv[0] is the command's word. Exit codes of the contract: 0, 1, 2. */
int fees_quote_command(int argc, char **argv);
/* `lephi catalogue check FILE…|FOLDER`: every fault as file:line:field on stderr, a JSON summary on stdout. */
int fees_catalogue_check_command(int argc, char **argv);

struct request;
enum err fees_quote_handle(struct request *rq);      /* POST /v1/quotes; inline */
enum err fees_procedures_handle(struct request *rq); /* GET /v1/procedures?query=&limit=&cursor=; inline */
enum err fees_procedure_handle(struct request *rq);  /* GET /v1/procedures/{code}; inline */

enum err fees_quote_again_handle(struct request *rq);   /* GET  /v1/quotes/{id}: under the version that made it */
enum err catalogue_versions_handle(struct request *rq); /* GET  /v1/catalogue/versions */
enum err catalogue_propose_handle(struct request *rq);  /* POST /v1/catalogue/versions */
enum err catalogue_version_handle(struct request *rq);  /* GET  /v1/catalogue/versions/{version} */
enum err catalogue_sheet_handle(struct request *rq);    /* GET  /v1/catalogue/versions/{version}/{sheet}.csv */
enum err catalogue_approve_handle(struct request *rq);  /* POST /v1/catalogue/versions/{version}/approve */
enum err catalogue_withdraw_handle(struct request *rq); /* POST /v1/catalogue/versions/{version}/withdraw */

#endif
