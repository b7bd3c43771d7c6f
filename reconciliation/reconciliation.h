/* Reconciliation: bank files in, explained matches and exceptions out, and the day's books.
 *
 * This half reads statements and needs no database: bytes in pieces of any size go in, events come out, memory stays
 * the same for a file of any length (CSV excepted, which is bounded). Readers are tolerant about shape and strict
 * about money: nothing is dropped silently, and the balance equation judges every statement. */
#ifndef LEPHI_RECONCILIATION_H
#define LEPHI_RECONCILIATION_H

#include <stdbool.h>
#include <stdint.h>
#include "core/core.h"

enum statement_format {
    STATEMENT_UNKNOWN,
    STATEMENT_MT940, /* SWIFT customer statement and its dialects */
    STATEMENT_MT942, /* SWIFT interim report: no balances, control totals instead */
    STATEMENT_CAMT,  /* ISO 20022 camt.052, .053, .054 in any version */
    STATEMENT_CSV,   /* exports of banks, gateways and carriers with a header row: text with separators */
    STATEMENT_XLSX,  /* the same as a workbook, or a ZIP of workbooks */
    STATEMENT_XLS,   /* the same as a BIFF workbook */
    STATEMENT_HTML,  /* the same as an HTML table, as a rule named .xls */
    STATEMENT_JSON,  /* the State Treasury's list of a day */
    STATEMENT_DAT,   /* NAPAS: transactions of the interbank switch */
};

/* "mt940" …; STATEMENT_UNKNOWN for a name nobody knows. */
enum statement_format statement_format_named(struct text name);
const char *statement_format_name(enum statement_format format);
/* Judges by the first bytes of a file (4 KiB are plenty). */
enum statement_format statement_detect(struct text first_bytes);

/* Texts in events are UTF-8 without control characters and live until the event function returns. */
struct statement_head {
    int line;             /* in the file, from 1 */
    struct text account;  /* as the bank writes it */
    struct text currency; /* ISO 4217; empty when the file does not say */
    struct text number;   /* statement number, without the page */
    struct text profile;  /* exports: whose layout it is ("mb", "vnpay-fees"); empty otherwise */
    bool has_opening;     /* false: it may still be told at the end */
    int64_t opening;      /* minor units of the currency (đồng for VND, cents for EUR), credit positive */
};

struct statement_line {
    int line, page;                /* page: message within a statement that the bank cut up, from 1 */
    int64_t ordinal;               /* within its page, from 1 */
    date_days booked_on, value_on; /* DATE_NONE when the file gives no usable one */
    int64_t amount;                /* minor units, money in positive */
    bool reversal;    /* takes an earlier line back; the sign of amount already says which way the money went */
    struct text type; /* MT940 N/S/F + 3 characters, camt domain code; may be empty */
    struct text bank_reference, customer_reference, counterparty, counterparty_account;
    struct text memo;
    struct text supplementary; /* MT940 second line of :61:, camt structured references */
};

struct statement_tail {
    int line;
    struct text currency;
    bool has_opening, has_closing;
    int64_t opening, closing;
    date_days closing_on;    /* the closing balance's own date; DATE_NONE when it has none */
    int64_t sum_in, sum_out; /* both positive, never netted */
    int64_t lines;
    bool complete;      /* opening + lines = closing, every page joins the next, every line was understood */
    int64_t difference; /* closing − (opening + lines) when both balances are known, else 0 */
};

struct statement_warning {
    int line;
    const char *code;   /* stable: balance_mismatch, bad_date, bad_line, unknown_tag, … (README.md of this room) */
    const char *detail; /* English, with the bytes or sums it speaks of */
};

/* ---- settlement files: what a gateway, wallet, terminal or carrier says it collected and pays out -----------------
 */

enum settlement_kind {
    SETTLEMENT_GATEWAY,
    SETTLEMENT_WALLET,
    SETTLEMENT_TERMINAL,
    SETTLEMENT_COLLECTION, /* a carrier's collect-on-delivery list: state fees are gross, postage is the fee */
    SETTLEMENT_ORDERS,     /* what was delivered; no proof of money */
    SETTLEMENT_TREASURY,   /* the State Treasury's list of what it was paid */
};
const char *settlement_kind_name(enum settlement_kind kind);

struct settlement_head {
    int line;
    enum settlement_kind kind;
    struct text issuer, profile, number, account, currency;
    date_days from, to; /* period; DATE_NONE when the file does not say */
};

enum settlement_status { SETTLEMENT_PAID, SETTLEMENT_FAILED, SETTLEMENT_UNSAID };
enum settlement_operation { SETTLEMENT_PAYMENT, SETTLEMENT_VOID, SETTLEMENT_OTHER };

/* Amounts in đồng as they count: a void is negative. gross - discount - fee = net. Failed and other lines count for
 * nothing in the sums. A parcel may have two lines, one for what was collected and one for what it cost. */
struct settlement_line {
    int line, table; /* table: 1, or 2 for the second table of a file */
    int64_t ordinal;
    enum settlement_status status;
    enum settlement_operation operation;
    date_days paid_on, settled_on; /* DATE_NONE: not said */
    int paid_at_s;                 /* second of that day, local time; -1 not said */
    int64_t gross, discount, fee, net;
    struct text external_id, order, batch, trace, approval, terminal, store, account, method, status_text, memo;
};

struct settlement_tail {
    int line;
    int64_t lines, failed, unsaid, others;
    int64_t gross, discount, fee, net; /* of the lines that count */
    bool has_credit;
    int64_t credit;     /* what the file says is paid out */
    bool complete;      /* every row was understood, adds up, and the totals of the file agree */
    int64_t difference; /* credit - net */
};

enum { STATEMENT_FINGERPRINT_SIZE = 16 };

/* A column mapping that a person confirmed for a header nobody knew (README.md, "Unknown layouts"). */
struct statement_mapping {
    uint8_t fingerprint[STATEMENT_FINGERPRINT_SIZE];
    struct text name, kind; /* kind: "statement" or a kind of settlement */
    struct text columns;    /* "booked=1 debit=4 credit=5 memo=6", columns from 1 */
};

/* What a reader tells. Functions may be NULL. `with` is handed through. */
struct statement_sink {
    void *with;
    void (*begin)(void *with, const struct statement_head *head);
    void (*line)(void *with, const struct statement_line *line);
    void (*end)(void *with, const struct statement_tail *tail);
    void (*warning)(void *with, const struct statement_warning *warning);
    void (*settlement_begin)(void *with, const struct settlement_head *head);
    void (*settlement_line)(void *with, const struct settlement_line *line);
    void (*settlement_end)(void *with, const struct settlement_tail *tail);
};

struct statement_reader;

/* `sink` is copied. Never NULL. */
struct statement_reader *statement_reader_new(enum statement_format format, const struct statement_sink *sink);
/* Takes the next bytes. ERR_STATEMENT_SYNTAX when nothing more can be read (XML that is not well-formed, CSV without a
 * header row, a file over the bound); what was told before stays told, and an open statement ends incomplete. */
MUST_CHECK enum err statement_reader_feed(struct statement_reader *reader, struct text bytes);
/* The file is over: ends what is open. ERR_STATEMENT_SYNTAX when there was no statement in it. */
MUST_CHECK enum err statement_reader_end(struct statement_reader *reader);
void statement_reader_free(struct statement_reader *reader); /* accepts NULL */

/* Before the first byte: mappings that come before the built-in profiles. What is wrong in one (unknown role, missing
 * date or amount) is ERR_INVALID and none is taken. Formats without columns take and ignore them. */
MUST_CHECK enum err statement_reader_map(struct statement_reader *reader, const struct statement_mapping *mappings,
                                         size_t count);

/* ---- with a database ------------------------------------------------------------------------------------------- */

enum { STATEMENT_UPLOAD_MAX = 64 * 1024 * 1024 }; /* bytes by HTTP; `lephi statement import` takes files of any size */

/* Imports a bank file in one commit: every statement that proves itself gives its lines (each once, however often files
 * overlap), the others are quarantined with the difference named. The same file again changes nothing, except that its
 * quarantined statements are tried anew. `ret_json` (in the arena): {file, format, already_known, statements:
 * [{account, number, state, reason, detail, lines, new, known}], warnings}. Errors: ERR_STATEMENT_FORMAT,
 * ERR_STATEMENT_SYNTAX (nothing written), those of the database. */
struct statement_import_order {
    struct text bytes;
    const char *name, *actor;
    instant_us at;
};
MUST_CHECK enum err statement_import(struct db *db, struct arena *arena, const struct statement_import_order *order,
                                     struct text *ret_json);

/* The nightly run for a business day: gives every pending line up to that day a fate and every payment the bank should
 * have shown an exception when it did not. One run at a time in a schema (ERR_RUN_BUSY); killed at any moment, the next
 * run goes on; again with nothing new it changes nothing. `ret_json` (in the arena): totals of both sides, matches by
 * rule, healed, exceptions by reason, invariants. */
MUST_CHECK enum err reconcile(struct db *db, struct arena *arena, date_days day, const char *actor, instant_us at,
                              int64_t *ret_run, struct text *ret_json);

/* The books of a day as JSON or CSV (in the arena): made of natural keys only, so the same facts in any order give the
 * same bytes. */
enum report_format { REPORT_JSON, REPORT_CSV, REPORT_XLSX, REPORT_PDF };
MUST_CHECK enum err report_daily(struct db *db, struct arena *arena, date_days day, enum report_format format,
                                 struct text *ret_bytes);

/* What stands behind each figure of a day, by natural key; section and key narrow it, empty means all. */
MUST_CHECK enum err report_daily_lines(struct db *db, struct arena *arena, date_days day, struct text section,
                                       struct text key, enum report_format format, struct text *ret_bytes);
/* What stands behind each figure of a period, by collector, fee and figure; and behind each indicator. */
MUST_CHECK enum err report_period_lines(struct db *db, struct arena *arena, date_days from, date_days to,
                                        enum report_format format, struct text *ret_bytes);
MUST_CHECK enum err report_indicator_lines(struct db *db, struct arena *arena, date_days from, date_days to,
                                           enum report_format format, struct text *ret_bytes);
/* Per collector and fee: opening + collected − refunded − remitted − retained = closing, both days included. */
MUST_CHECK enum err report_collections(struct db *db, struct arena *arena, date_days from, date_days to,
                                       enum report_format format, struct text *ret_bytes);
/* The month up to a day, to be remitted by sub-item; rows whose fee lacks a fact name it and carry no split. */
MUST_CHECK enum err report_treasury(struct db *db, struct arena *arena, date_days day, enum report_format format,
                                    struct text *ret_bytes);
/* Cash-free share and online payment (QĐ 766/QĐ-TTg), each with the methods it counts. */
MUST_CHECK enum err report_indicators(struct db *db, struct arena *arena, date_days from, date_days to,
                                      enum report_format format, struct text *ret_bytes);

/* Paid dossier ⇔ receipt ⇔ money: every break of the whole database, one row each; nothing is repaired. */
MUST_CHECK enum err report_breaks(struct db *db, struct arena *arena, enum report_format format,
                                  struct text *ret_bytes);
enum err report_breaks_handle(struct request *rq);

/* What stands in suspense up to a day, each sum with reason, owner, age and the day a decision may take it out. */
MUST_CHECK enum err report_suspense(struct db *db, struct arena *arena, date_days day, enum report_format format,
                                    struct text *ret_bytes);
/* Letters: money still at the post office by outlet and day, what a person must look at, and the report of a quarter,
 * half-year or year (TT 17/2017/TT-BTTTT). GET /v1/reports/postal-ageing, /postal-concerns, /postal. */
MUST_CHECK enum err report_postal_ageing(struct db *db, struct arena *arena, date_days day, enum report_format format,
                                         struct text *ret_bytes);
MUST_CHECK enum err report_postal_concerns(struct db *db, struct arena *arena, date_days day, enum report_format format,
                                           struct text *ret_bytes);
MUST_CHECK enum err report_postal(struct db *db, struct arena *arena, date_days from, date_days to,
                                  enum report_format format, struct text *ret_bytes);
enum err report_postal_handle(struct request *rq);
enum err report_postal_ageing_handle(struct request *rq);
enum err report_postal_concerns_handle(struct request *rq);

/* Bank charges and gateway fees: a claim on each collector's operating budget, never less of a fee; interest beside
 * them, which follows its fund. */
MUST_CHECK enum err report_charges(struct db *db, struct arena *arena, date_days from, date_days to,
                                   enum report_format format, struct text *ret_bytes);
enum err report_suspense_handle(struct request *rq);
/* The register of exemptions and reductions that took effect, between two days: dossier, fee, article, proof, who
 * looked. */
MUST_CHECK enum err report_exemptions(struct db *db, struct arena *arena, date_days from, date_days to,
                                      enum report_format format, struct text *ret_bytes);
enum err report_exemptions_handle(struct request *rq);
enum err report_charges_handle(struct request *rq);

/* GET /v1/reports/daily (?date, or with lines=1 what stands behind its figures), /collections (?from&to or
 * ?period=2026-11|2026-Q4|2026), /treasury (?date), /indicators (?from&to or ?period), with lines=1 what stands behind
 * each figure; ?format=json|csv|xlsx|pdf. */
enum err report_collections_handle(struct request *rq);
enum err report_treasury_handle(struct request *rq);
enum err report_indicators_handle(struct request *rq);

/* Routes: POST /v1/statements, GET /v1/statements/{id}, POST /v1/reconciliation-runs, GET /v1/reconciliation-runs/{id},
 * GET /v1/reports/daily. */
enum err statements_create_handle(struct request *rq);
enum err statement_get_handle(struct request *rq);
/* POST /v1/statement-mappings with an example file: the rows that may be headers; with ?fingerprint and ?columns also
 * what would be read; with ?confirm=true and ?name it is kept. GET lists what is kept. */
enum err statement_mapping_handle(struct request *rq);
enum err statement_mappings_list_handle(struct request *rq);
enum err reconciliation_run_create_handle(struct request *rq);
enum err reconciliation_run_get_handle(struct request *rq);

/* The exception desk. GET /v1/exceptions (?state=open|proposed|suspense|resolved|all, reason, account, owner (login or
 * "none"), min_amount, max_amount, min_age_days, from, to), GET /v1/exceptions/{id} (both sides' evidence, sums that
 * may fit), POST …/owner, POST …/resolve (match, explain, assign, split, refund, suspense, write_off, reimburse, and
 * approve or refuse what another person proposed), POST /v1/statement-lines/{id}/unmatch. GET and POST /v1/payer-links,
 * POST /v1/payer-links/{id}/approve and …/end. */
enum err exceptions_list_handle(struct request *rq);
enum err exception_get_handle(struct request *rq);
enum err exception_owner_handle(struct request *rq);
enum err exception_resolve_handle(struct request *rq);
enum err line_unmatch_handle(struct request *rq);
enum err payer_links_list_handle(struct request *rq);
enum err payer_link_propose_handle(struct request *rq);
enum err payer_link_approve_handle(struct request *rq);
enum err payer_link_end_handle(struct request *rq);

/* GET /v1/days/{date} (what was open when it was closed and what became of it, lines that came late), POST …/close; GET
 * and POST /v1/periods (months, quarters, years: lock and reopen by two people); GET and POST /v1/remittances, POST
 * /v1/remittances/{id}/approve; PUT /v1/collectors/{tax_code}/chapter. */
enum err day_get_handle(struct request *rq);
enum err day_close_handle(struct request *rq);
enum err periods_list_handle(struct request *rq);
enum err period_act_handle(struct request *rq);
enum err remittances_list_handle(struct request *rq);
enum err remittance_propose_handle(struct request *rq);
enum err remittance_approve_handle(struct request *rq);
enum err collector_chapter_handle(struct request *rq);
enum err report_daily_handle(struct request *rq);

/* lephi statement parse FILE [--format F]: argv[0] is "statement"; returns the exit code. Needs no database. */
int statement_command(int argc, char **argv);
/* The same for statement import FILE, reconcile [--date D], report NAME and day, with the database they work on. They
 * print to standard output; messages go to standard error. */
int statement_import_command(struct db *db, int argc, char **argv);
int statement_mapping_command(struct db *db, int argc, char **argv);
/* lephi statement fetch [NAME]: takes what is new from the drops of the configuration ([drop.NAME]; SFTP, HTTPS). One
 * JSON object a drop. Exit 1: a drop could not be used, a file not taken, or something is quarantined or refused. */
int statement_fetch_command(struct db *db, int argc, char **argv);
int reconcile_command(struct db *db, int argc, char **argv);
int report_command(struct db *db, int argc, char **argv); /* argv[1]: daily, collections, treasury, … */
int day_command(struct db *db, int argc, char **argv);    /* lephi day show|close DATE */

/* Goes back to a drop that could not give what it should (job key: its name), imports and reconciles what came late.
 * The lease outlives a slow drop. */
void statement_fetch_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
// clang-format off
#define RECONCILIATION_JOB_KINDS                                                                                       \
    {.name = "statement_fetch", .run = statement_fetch_run, .batch_max = 1, .tries_max = 40, .lease_s = 7200}
// clang-format on

#endif
