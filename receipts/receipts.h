/* Electronic fee receipts: document, number, signature, verification, PDF and page.
 *
 * Law: NĐ 254/2026/NĐ-CP art. 23–29 and TT 91/2026/TT-BTC art. 17–20, appendix II (symbols) and V (form 01/PLPĐT), in
 * force since 1 July 2026. The tax authority's XML schema for receipts is not public: element names are our own and
 * stand in one table (profile.h); structure and signature follow the invoice profile of QĐ 1450/QĐ-TCT.
 *
 * A receipt's unsigned bytes are written once, already in canonical form (Canonical XML 1.0), and frozen with its
 * number; signing adds to them and never changes them. Every view (page, PDF, JSON) is made from the signed bytes. */
#ifndef LEPHI_RECEIPTS_H
#define LEPHI_RECEIPTS_H

#include "core/core.h"

/* Document ----------------------------------------------------------------------------------------------------------
 */

enum {
    RECEIPT_NUMBER_MAX = 99999999, /* NĐ 254/2026 art. 23.2 c: at most 8 digits, from 1 on 1 January */
    RECEIPT_LINES_MAX = 200,
    RECEIPT_XML_MAX = 512 * 1024,         /* bytes; a receipt of 200 lines stays below a fifth of it */
    RECEIPT_UPLOAD_MAX = 2 * 1024 * 1024, /* bytes sent to be verified: a PDF with a receipt in it */
    RECEIPT_WORDS_SIZE = 512,
};

enum receipt_kind { RECEIPT_PHI, RECEIPT_LE_PHI };
enum receipt_method {
    RECEIPT_METHOD_VIETQR,
    RECEIPT_METHOD_POS,
    RECEIPT_METHOD_WALLET,
    RECEIPT_METHOD_POST,
    RECEIPT_METHOD_PORTAL,
    RECEIPT_METHOD_CASH,
    RECEIPT_METHOD_MIXED, /* several payments by different ways settled one request */
    RECEIPT_METHODS
};

/* Collector, delegate or payer. What is not known is empty and is left out of the document. */
struct receipt_party {
    struct text name, tax_code, address, phone, account, id_number, passport;
};

struct receipt_line {
    struct text fee, name;
    enum receipt_kind kind;
    struct text quantity; /* as the citizen reads it: "3 bản" */
    int64_t amount;       /* đồng */
};

/* The receipt that this one replaces (TT 91/2026 art. 20.2). Widths hold symbols of before July 2026 too. */
struct receipt_related {
    struct text form, symbol, number, reason;
    date_days issued_on; /* DATE_NONE: this receipt replaces none */
};

struct receipt_document {
    struct text form;   /* EBL01 without face value, EBL02 with */
    struct text symbol; /* two digits of the year, T, two of twenty letters: 26TAA */
    int64_t number;
    date_days issued_on;
    struct receipt_party collector;
    struct receipt_party delegate; /* name empty: the collector issues itself (NĐ 254/2026 art. 25) */
    struct receipt_party payer;
    struct text dossier, reference; /* of the one-stop shop; of the payment request */
    struct text applicant;          /* whose dossier it is, when somebody else pays; else empty */
    const struct receipt_line *lines;
    size_t line_count;
    int64_t total; /* đồng */
    enum receipt_method method;
    date_days collected_on;
    struct text lookup_code; /* the unguessable part of the verification link */
    struct receipt_related replaces;
    instant_us signed_at; /* read from signed documents; INSTANT_NONE otherwise */
};

/* What every reading and writing of a document asks: mandatory content, symbols, sums, lengths, plain text.
 * Returns OK or ERR_INVALID with every fault. */
MUST_CHECK enum err receipt_document_check(const struct receipt_document *document, struct faults *faults);

/* Appends the unsigned document in canonical form. Texts are brought to NFC, runs of white space become one space.
 * ERR_INVALID as receipt_document_check; then nothing is appended. */
MUST_CHECK enum err receipt_document_write(const struct receipt_document *document, struct buf *out,
                                           struct faults *faults);

/* Reads a signed or unsigned document, without judging its signature; texts live in the arena of `faults`.
 * ERR_XML_SYNTAX, ERR_INVALID. */
MUST_CHECK enum err receipt_document_read(struct text xml, struct receipt_document *ret_document,
                                          struct faults *faults);

/* Rewrites an unsigned document of any layout in our canonical form. ERR_XML_SYNTAX, ERR_INVALID,
 * ERR_SIGNATURE_PROFILE when it is signed already. */
MUST_CHECK enum err receipt_document_normalize(struct text xml, struct buf *out, struct faults *faults);

/* "Một trăm năm mươi nghìn đồng" (NĐ 254/2026 art. 23.2 đ: amount in figures and words). Northern school reading:
 * linh, mốt, tư, lăm. `amount` is not negative (asserted). */
void receipt_amount_in_words(int64_t amount, char ret_words[RECEIPT_WORDS_SIZE]);

const char *receipt_kind_vi(enum receipt_kind kind);         /* "Phí", "Lệ phí" */
const char *receipt_method_code(enum receipt_method method); /* "vietqr" */
const char *receipt_method_vi(enum receipt_method method);   /* "Chuyển khoản VietQR" */
bool receipt_method_find(struct text code, enum receipt_method *ret_method);
bool receipt_symbol_valid(struct text symbol); /* TT 91/2026 appendix II */

/* Signing -----------------------------------------------------------------------------------------------------------
 */

enum signer_key { SIGNER_RSA_SHA256, SIGNER_ECDSA_P256_SHA256 };
enum { SIGNATURE_SIZE_MAX = 512 };

/* One key with its certificate. `sign` makes the raw signature of `bytes` (RSA: PKCS #1 v1.5; ECDSA: r‖s) and may be
 * called from several threads. Key files and tokens stand behind the same interface. */
struct signer {
    enum signer_key key;
    struct text certificate; /* base64 of DER, one line */
    struct text subject;     /* RFC 4514 text, UTF-8 */
    struct text tax_code;    /* of the certificate's "UID=MST:…"; empty when it has none */
    instant_us valid_from, valid_until;
    MUST_CHECK enum err (*sign)(const struct signer *signer, struct text bytes,
                                uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_length);
    void (*close)(struct signer *signer);
    void *state;
    void *public_key; /* of the certificate: what is signed is checked with it before it is kept */
};

/* PEM private key (RSA of at least 2,048 bits, or P-256) and PEM certificate of the same key. ERR_KEY, ERR_IO,
 * ERR_CERTIFICATE with the reason in `faults`. The caller closes it. */
MUST_CHECK enum err signer_open_files(const char *key_path, const char *certificate_path, struct signer **ret_signer,
                                      struct faults *faults);
/* A key on a token, by RFC 7512 URI: token, object or id, module-path, pin-value (or `pin`; NULL: none). Signs by
 * C_Sign on sessions of its own, several at once. The pair with the certificate is tried before it is believed. */
MUST_CHECK enum err signer_open_token(const char *uri, const char *pin, const char *certificate_path,
                                      struct signer **ret_signer, struct faults *faults);
/* One or the other, by what `key` is. */
MUST_CHECK enum err signer_open(const char *key, const char *pin, const char *certificate_path,
                                struct signer **ret_signer, struct faults *faults);
void signer_close(struct signer *signer); /* NULL is fine */

/* May this signer sign receipts of `tax_code` at `at`? The preflight before anything is numbered. OK, ERR_CERTIFICATE.
 */
MUST_CHECK enum err signer_check(const struct signer *signer, struct text tax_code, instant_us at);

/* Appends the signed document: `unsigned_xml` (as receipt_document_write made it) with the signature block. XMLDSig:
 * inclusive C14N, SHA-256, one reference to the data, one to the signing time, the certificate in KeyInfo.
 * ERR_SIGNATURE_PROFILE when the bytes are not such a document, ERR_KEY. */
MUST_CHECK enum err receipt_sign(const struct signer *signer, struct text unsigned_xml, instant_us signing_time,
                                 struct buf *out);

/* A pair assertion on bytes that receipt_sign has just made: the same data, the digests computed again, the signature
 * good for the certificate's key. A twentieth of what receipt_verify costs. ERR_SIGNATURE_BROKEN. */
MUST_CHECK enum err receipt_sign_check(const struct signer *signer, struct text unsigned_xml, instant_us signing_time,
                                       struct text signed_xml);

/* Verification ------------------------------------------------------------------------------------------------------
 */

struct receipt_trust; /* certificates that receipts may go back to */

/* Every certificate of the PEM text; self-signed ones are anchors, others are links. ERR_CERTIFICATE when none. */
MUST_CHECK enum err receipt_trust_new(struct text pem, struct receipt_trust **ret_trust);
MUST_CHECK enum err receipt_trust_open(const char *pem_path, struct receipt_trust **ret_trust);
void receipt_trust_free(struct receipt_trust *trust); /* NULL is fine */

enum receipt_chain { RECEIPT_CHAIN_UNCHECKED, RECEIPT_CHAIN_TRUSTED };

/* What was signed, by whom, when. Texts live in the arena of the faults given to receipt_verify. */
struct receipt_verdict {
    struct receipt_document document;
    instant_us signed_at;
    const char *algorithm; /* "rsa-sha256", "ecdsa-sha256" */
    struct text signer_subject, signer_name, signer_tax_code, issuer, serial;
    instant_us valid_from, valid_until; /* of the certificate */
    enum receipt_chain chain;
    instant_us stamped_at; /* by an RFC 3161 authority, when stamped_by is not empty (receipt_stamp_check) */
    struct text stamped_by;
    enum receipt_chain stamp_chain;
    const char *status; /* "valid", "notified", "replaced", "refunded", "other_file"; NULL: only the issuer knows */
};

/* Verifies a signed receipt. `trust` NULL: everything but the chain is checked and the verdict says so.
 * ERR_XML_SYNTAX (not XML, DTD, comments, too deep or large), ERR_SIGNATURE_MISSING, ERR_SIGNATURE_PROFILE (other
 * nodes, names, Ids or algorithms than the profile's: wrapping, a second signature, doubled Ids), ERR_SIGNATURE_BROKEN,
 * ERR_CERTIFICATE (chain, validity at signing time, tax code), ERR_INVALID (content). The reason stands in `faults`. */
MUST_CHECK enum err receipt_verify(struct text xml, const struct receipt_trust *trust,
                                   struct receipt_verdict *ret_verdict, struct faults *faults);
void receipt_verdict_write(struct json *json, const void *verdict); /* struct receipt_verdict as one JSON object */
/* What, by whom, when: a few sentences of Vietnamese for a citizen, each with its English line below. */
void receipt_verdict_words(const struct receipt_verdict *verdict, struct buf *out);
void receipt_document_json(struct json *json, const char *key, const struct receipt_document *document);

/* Views -------------------------------------------------------------------------------------------------------------
 */

/* One page like form 01/PLPĐT, A4 or a strip of 80 mm, with a QR of `link` (NULL: none), the signed XML attached.
 * ERR_INTERNAL when Cairo fails. */
enum receipt_paper { RECEIPT_A4, RECEIPT_ROLL };
MUST_CHECK enum err receipt_pdf(const struct receipt_verdict *verdict, struct text signed_xml, const char *link,
                                enum receipt_paper paper, struct buf *out);
/* The same as a page of HTML without script; style sheet at /assets/receipt.css. */
void receipt_html(const struct receipt_verdict *verdict, const char *link, struct buf *out);

/* Receipts of before July 2026 (01BLP, 02BLP): what stands in them, whoever wrote them. ERR_NOT_FOUND: no such form in
 * the file; ERR_XML_SYNTAX, ERR_INVALID. Texts live in the arena of `faults`. */
struct receipt_old {
    struct text form, symbol, number, issued_on, collector, collector_tax_code, total;
    bool has_signature; /* never judged here */
};
MUST_CHECK enum err receipt_old_read(struct text xml, struct receipt_old *ret_old, struct faults *faults);
void receipt_old_write(struct json *json, const struct receipt_old *old);
bool receipt_old_form(struct text form); /* 01BLP, 02BLP0, 01BLP0-001 */

/* Issue -------------------------------------------------------------------------------------------------------------
 * request.paid makes a job receipt.issue; it numbers and freezes, and leaves jobs receipt.sign. Three steps, never one
 * transaction: preflight (key, certificate, document; else nothing is numbered), numbering, signing. */

struct receipt_office; /* who signs for which collector; safe from any thread once filled */

/* `public_url` is the address citizens see, without the last slash (copied). */
struct receipt_office *receipt_office_new(const char *public_url);
/* The office owns the signer from here on; it signs for the tax code of its certificate. ERR_CERTIFICATE: it has none,
 * or that tax code has a signer already (then the caller still owns it). */
MUST_CHECK enum err receipt_office_add(struct receipt_office *office, struct signer *signer);
void receipt_office_trust(struct receipt_office *office, struct receipt_trust *trust); /* owned from here on */
void receipt_office_free(struct receipt_office *office);                               /* NULL is fine */
/* The office that jobs and handlers work for; set once before they start, like the configuration. Without one nothing
 * is numbered. */
void receipt_office_use(const struct receipt_office *office);
/* Makes an office as the configuration says: [receipts] and [receipts.TAX_CODE] key_file and cert_file, trust_file,
 * http.public_url. No key configured: an office that signs nothing. An office always comes back; ERR_KEY,
 * ERR_CERTIFICATE, ERR_IO with faults say whose key it could not open: receipts of that collector wait. */
MUST_CHECK enum err receipt_office_open(struct receipt_office **ret_office, struct faults *faults);
/* Rotation without a stop: when a key, certificate or trust file has changed, opens everything anew and uses it from
 * then on; whoever works with the old office finishes with it. When the new files cannot be used (a pair written by
 * halves, another agency's certificate) the old office stays and the reason is returned. One caller at a time. */
MUST_CHECK enum err receipt_office_refresh(struct receipt_office **office, struct faults *faults, bool *ret_changed);
/* For `lephi check`: every key may sign now. Appends "2 keys, the first certificate ends 2027-11-23"; what is wrong
 * comes as faults and ERR_CERTIFICATE. */
MUST_CHECK enum err receipt_office_check(const struct receipt_office *office, instant_us at, struct arena *arena,
                                         struct faults *faults, struct buf *ret_words);
/* Tells staff of keys that could not be opened, or that it is over (no faults). */
void receipt_office_tell(struct db *db, struct arena *arena, instant_us at, const struct faults *faults);

/* What jobs receipt.issue and receipt.sign run. They work for the office in use, whatever the runner's context is. */
void receipt_issue_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void receipt_sign_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
/* What is due to the tax authority: the day's summary (01/TH-BLĐT), and the handing over of whatever was made. */
void receipt_summary_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void receipt_tax_send_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at,
                          void *with);
/* Threads that run RECEIPT_JOB_KINDS: while one signs, the database numbers for the other. */
enum { RECEIPT_JOB_THREADS = 2 };
/* Rows of a table of job kinds. A receipt that cannot be issued now (no key, no numbers) is tried for days; a person
 * sees the reason meanwhile. */
// clang-format off
#define RECEIPT_JOB_KINDS                                                                                              \
    {.name = "receipt.issue", .run = receipt_issue_run, .batch_max = JOB_BATCH_MAX, .tries_max = 200, .lease_s = 60},  \
    {.name = "receipt.sign", .run = receipt_sign_run, .batch_max = 16, .tries_max = 200, .lease_s = 120}
/* What talks to the world outside, slower and on a thread of its own. */
#define RECEIPT_OUTSIDE_JOB_KINDS                                                                                      \
    {.name = "receipt.summary", .run = receipt_summary_run, .batch_max = 4, .tries_max = 1000, .lease_s = 300},        \
    {.name = "tax.send", .run = receipt_tax_send_run, .batch_max = 4, .tries_max = 1000, .lease_s = 300},              \
    {.name = "receipt.code", .run = receipt_code_run, .batch_max = 4, .tries_max = 3, .lease_s = 120},                 \
    {.name = "receipt.deliver", .run = receipt_deliver_run, .batch_max = 4, .tries_max = 12, .lease_s = 120}
// clang-format on

void receipt_deliver_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void receipt_code_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);

/* Found again: exactly one of these. */
struct receipt_question {
    struct text number; /* "26TAA/15" or "EBL01/26TAA/15" */
    struct text dossier, phone;
};
enum { RECEIPT_LINKS_MAX = 32 };
/* "issued", "notified", "replaced", "unknown"; a phone number gets "unknown" always. */
MUST_CHECK enum err receipt_lookup_status(struct db *db, struct arena *arena, const struct receipt_question *question,
                                          const char **ret_status);
const char *receipt_lookup_words(const char *status); /* for a citizen */
/* Sends a one-time code to the contact on file, if there is one; the answer is the same when there is none. At most
 * three an hour to one contact: ERR_RATE_LIMIT. */
MUST_CHECK enum err receipt_lookup_send(struct db *db, struct arena *arena, instant_us at,
                                        const struct receipt_question *question, struct text *ret_challenge);
/* Links of what was asked for, once, within ten minutes and five tries. ERR_LOOKUP_CODE. */
MUST_CHECK enum err receipt_lookup_open(struct db *db, struct arena *arena, instant_us at, struct text challenge,
                                        struct text code, const char **ret_links, size_t max, size_t *ret_count);

/* Handing over ------------------------------------------------------------------------------------------------------
 * Messages wait in their table; an adapter carries them. Without one they wait and say so. */
struct tax_letter {
    struct text code; /* the same at every try */
    struct text kind, form, collector, xml;
};
enum tax_verdict { TAX_PENDING, TAX_ACCEPTED, TAX_REFUSED };
struct tax_answer {
    enum tax_verdict verdict;
    struct text words, raw;
};
struct tax_adapter {
    /* OK: the authority answered. ERR_NETWORK, ERR_UNAVAILABLE, ERR_CONFIG: certainly not there. Anything else: nobody
     * knows, it will be asked. */
    enum err (*send)(void *with, const struct tax_letter *letter, struct arena *arena, struct tax_answer *ret_answer);
    /* The same; ERR_NOT_FOUND: the authority does not have it. */
    enum err (*ask)(void *with, struct text code, struct arena *arena, struct tax_answer *ret_answer);
    void *with;
};
void receipt_tax_use(const struct tax_adapter *adapter); /* NULL: none; it outlives its use */
/* Queues what waits without a job (an adapter was configured later). */
MUST_CHECK enum err receipt_tax_queue(struct db *db, struct arena *arena, instant_us at);
/* HTTPS to {url}/messages; texts must outlive it, empty ones are none. */
const struct tax_adapter *tax_https_new(struct http_client *client, const char *url, const char *token,
                                        const char *ca_file);
void tax_https_free(const struct tax_adapter *adapter); /* NULL is fine */

/* Opens numbers first to last for a collector's desk. ERR_CONFLICT: overlap, or a symbol that is none. */
MUST_CHECK enum err receipt_range_open(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                       struct text collector, struct text form, struct text symbol, int64_t first,
                                       int64_t last);

/* A delegate's range (NĐ 254/2026 art. 25): in writing, both tax offices told at least three days before `from`. */
enum receipt_numbered_by { RECEIPT_NUMBERED_BY_US, RECEIPT_NUMBERED_BY_DELEGATE };
struct receipt_delegation {
    struct text collector, form, symbol, outlet;
    struct receipt_party delegate; /* name, tax code, address */
    int64_t first, last;
    enum receipt_numbered_by numbered_by; /* our jobs, or software of its own that hands in lists */
    struct text agreement, purpose;
    date_days from, to, notified_on;
};
/* ERR_CONFLICT: overlap, a symbol that is none, told too late. */
MUST_CHECK enum err receipt_range_delegate(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                           const struct receipt_delegation *delegation, int64_t *ret_range);
/* Closes a range after its last used number: the unused end is given up by record. ERR_NOT_FOUND: unknown or closed. */
MUST_CHECK enum err receipt_range_close(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                        int64_t range, struct text reason, int64_t *ret_after);
/* Requests of `collector` made by an actor ("staff:…", "system:…"), paid to an account, or paid by a method are
 * receipted at `outlet`. ERR_CONFLICT: another kind. */
MUST_CHECK enum err receipt_outlet_set(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                       struct text collector, struct text kind, struct text value, struct text outlet);
MUST_CHECK enum err receipt_ranges_write(struct db *db, struct arena *arena, struct json *json);
/* A delegate's list (CSV, README.md), line by line, in one transaction; a file comes once. Says what was new, known or
 * refused. ERR_INVALID with every fault: then nothing was taken. */
MUST_CHECK enum err receipt_list_import(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                        const char *name, struct text bytes, struct faults *faults, struct json *json);

/* Reads one receipt: by id, or by the hash of its link's token. ERR_NOT_FOUND. Texts live in the arena. */
struct receipt_stored {
    int64_t id;
    struct text xml;                 /* signed, or unsigned while it waits for its signature */
    instant_us frozen_at, signed_at; /* signed_at INSTANT_NONE: waiting */
    int64_t replaced_by;             /* id of the replacement, 0: none */
    int64_t notices;                 /* of errors, 04/SS-CTĐT */
};
MUST_CHECK enum err receipt_load(struct db *db, struct arena *arena, int64_t id, struct receipt_stored *ret_receipt);
MUST_CHECK enum err receipt_find(struct db *db, struct arena *arena, struct text token,
                                 struct receipt_stored *ret_receipt);

/* Takes what names a person out of everything signed before `before`: receipts, notices, lists, requests, dossiers.
 * Numbers, sums, log and books stay. May be repeated; a batch is a transaction. How many receipts. */
MUST_CHECK enum err receipt_erase_before(struct db *db, instant_us at, const char *actor, date_days before,
                                         int64_t *ret_count);
/* The link citizens open, in the arena. ERR_NOT_FOUND. */
MUST_CHECK enum err receipt_link(struct db *db, struct arena *arena, int64_t id, const char **ret_link);
/* The same for "collector/form/symbol/number". */
const char *receipt_link_named(struct arena *arena, struct text key);

/* HTTP. Captures {id} (systems and staff) or {token} (whoever has the link); all but the style on a worker. */
enum err receipt_get_handle(struct request *rq);         /* GET /v1/receipts/{id} */
enum err receipt_xml_handle(struct request *rq);         /* … .xml, /r/{token}.xml */
enum err receipt_pdf_handle(struct request *rq);         /* … .pdf, /r/{token}.pdf */
enum err receipt_html_handle(struct request *rq);        /* … .html */
enum err receipt_notice_handle(struct request *rq);      /* POST … /error-notice {wrong, right} */
enum err receipt_replace_handle(struct request *rq);     /* POST … /replace {reason, payer: {…}} */
enum err receipt_page_handle(struct request *rq);        /* GET /r/{token} */
enum err receipt_verify_handle(struct request *rq);      /* POST /v1/receipts/verify, any media type */
enum err receipt_verify_page_handle(struct request *rq); /* GET and POST /verify, any media type */
enum err receipt_style_handle(struct request *rq);       /* GET /assets/receipt.css, inline */

/* Whose name the receipt bears when it is not the applicant's; an empty name: the applicant's again. ERR_NOT_FOUND,
 * ERR_CONFLICT (the receipt is numbered: from here on an error notice or a replacement). */
MUST_CHECK enum err receipt_payer_set(struct db *db, struct arena *arena, int64_t request,
                                      const struct receipt_party *payer, const char *actor, instant_us at);
enum err receipt_payer_handle(struct request *rq);           /* PUT /v1/payment-requests/{id}/payer */
enum err receipt_acknowledgement_handle(struct request *rq); /* GET /p/{token}/acknowledgement */
enum err receipt_lookup_handle(struct request *rq);          /* POST /v1/receipts/lookup {number | dossier | phone} */
enum err receipt_lookup_code_handle(struct request *rq);     /* POST /v1/receipts/lookup/code, the same */
enum err receipt_lookup_open_handle(struct request *rq);     /* POST /v1/receipts/lookup/open {challenge, code} */
enum err receipt_ranges_handle(struct request *rq);          /* GET /v1/receipts/ranges, public */
enum err receipt_list_import_handle(struct request *rq);     /* POST /v1/receipts/lists?name=, text/csv */
/* The same for a page, as the caller of `rq`. ERR_SECOND_PERSON, ERR_CONFLICT, ERR_NOT_FOUND, ERR_INVALID. */
enum receipt_decision { RECEIPT_APPROVE, RECEIPT_REFUSE };
MUST_CHECK enum err receipt_correction_decide(struct request *rq, int64_t id, enum receipt_decision decision);
enum err receipt_corrections_handle(struct request *rq);        /* GET /v1/receipts/corrections */
enum err receipt_correction_approve_handle(struct request *rq); /* POST /v1/receipts/corrections/{id}/approve {note?} */
enum err receipt_correction_refuse_handle(struct request *rq);  /* POST … /refuse {note?} */
enum err receipt_book_handle(struct request *rq);      /* GET /v1/reports/receipts?date= or ?from=&to=, &format= */
enum err receipt_tax_list_handle(struct request *rq);  /* GET /v1/tax-messages?date=&state=&limit=&cursor= */
enum err receipt_tax_get_handle(struct request *rq);   /* GET /v1/tax-messages/{id} */
enum err receipt_tax_xml_handle(struct request *rq);   /* GET /v1/tax-messages/{id}.xml */
enum err receipt_tax_send_handle(struct request *rq);  /* POST /v1/tax-messages/{id}/send */
enum err receipt_summaries_handle(struct request *rq); /* POST /v1/receipts/summaries {date} */
/* The summaries of a day, made now: {date, summaries: [{collector, new, message}]}. */
MUST_CHECK enum err receipt_summaries_make(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                           date_days day, struct json *json);
enum err receipt_concerns_handle(struct request *rq);        /* GET /v1/receipts/concerns?state=&limit=&cursor= */
enum err receipt_concern_explain_handle(struct request *rq); /* POST /v1/receipts/concerns/{id}/explain {note} */

/* GET /v1/receipts?payment_request=&dossier=&date=&limit=&cursor= */
struct request;
enum err receipt_list_handle(struct request *rq);

/* Time stamps (RFC 3161) --------------------------------------------------------------------------------------------
 * When receipts.tsa_url is set, signing leaves a job receipt.stamp for each receipt; the answer is kept beside it. */

/* Stamps are asked for through this client; NULL: no more. ERR_CERTIFICATE, ERR_IO: receipts.tsa_trust_file. */
MUST_CHECK enum err receipt_stamps_use(struct http_client *client, struct faults *faults);
void receipt_stamp_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
// clang-format off
#define RECEIPT_STAMP_JOB_KINDS                                                                                        \
    {.name = "receipt.stamp", .run = receipt_stamp_run, .batch_max = 8, .tries_max = 400, .lease_s = 120}
// clang-format on
/* Checks a stamp of this file and adds it to the verdict. As receipt_verify. */
MUST_CHECK enum err receipt_stamp_check(struct text xml, struct text reply, const struct receipt_trust *trust,
                                        struct receipt_verdict *verdict, struct faults *faults);
enum err receipt_stamp_handle(struct request *rq);       /* GET /v1/receipts/{id}.tsr, /r/{token}.tsr */
enum err receipt_stamp_state_handle(struct request *rq); /* GET /v1/receipts/{id}/timestamp */

/* Transparency log --------------------------------------------------------------------------------------------------
 * An append-only Merkle tree (RFC 9162) over every receipt and every change of its status; sql/0011-receipt-log.sql
 * says what a leaf is. Read on from the feed by the job receipt.log, signed once a day by the job receipt.head. */

void receipt_log_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void receipt_head_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
// clang-format off
#define RECEIPT_LOG_JOB_KINDS                                                                                          \
    {.name = "receipt.log", .run = receipt_log_run, .batch_max = 16, .tries_max = 200, .lease_s = 120},                \
    {.name = "receipt.head", .run = receipt_head_run, .batch_max = 4, .tries_max = 200, .lease_s = 120}
// clang-format on
/* Makes the jobs that the feed or the end of a day has made due; how many are new. To be called every few seconds. */
MUST_CHECK enum err receipt_log_tick(struct db *db, struct arena *arena, instant_us at, int64_t *ret_made);
/* Appends the proof of one receipt, named by id or as COLLECTOR/FORM/SYMBOL/NUMBER, as JSON: its entries, where they
 * stand, the way up to the root of `size` (0: the newest head that covers them). ERR_NOT_FOUND, ERR_FIELD_RANGE. */
MUST_CHECK enum err receipt_prove(struct db *db, struct arena *arena, struct text name, int64_t size, struct buf *out);

enum err receipt_log_handle(struct request *rq);             /* GET /v1/receipt-log: size, root, newest head */
enum err receipt_log_heads_handle(struct request *rq);       /* GET /v1/receipt-log/heads?cursor=&limit= */
enum err receipt_log_head_handle(struct request *rq);        /* GET /v1/receipt-log/heads/{day} */
enum err receipt_log_head_text_handle(struct request *rq);   /* GET /v1/receipt-log/heads/{day}.txt, to print */
enum err receipt_log_leaves_handle(struct request *rq);      /* GET /v1/receipt-log/leaves?cursor=&limit= */
enum err receipt_log_consistency_handle(struct request *rq); /* GET /v1/receipt-log/consistency?first=&second= */
enum err receipt_proof_handle(struct request *rq);           /* GET /v1/receipts/{id}/proof, /r/{token}/proof ?size= */
enum err receipt_log_page_handle(struct request *rq);        /* GET /receipt-log */

/* `lephi receipt verify|sign|check-proof|check-log …`; argv[0] is "receipt". Returns the exit status. */
int receipt_command(int argc, char **argv);

#endif
