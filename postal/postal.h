/* Letters with dossiers and results: what they cost, booking them with a carrier, and where they are.
 *
 * Pure: tariff, identifiers, readers of the carrier's words. Everything that calls a carrier is a durable job whose
 * attempt is committed before the call; an outcome that is not known is asked for by our own code and never booked
 * again on a guess. Basis: QĐ 45/2016/QĐ-TTg, TT 17/2017/TT-BTTTT (times), TT 22/2017/TT-BTTTT (maximum prices). */
#ifndef LEPHI_POSTAL_H
#define LEPHI_POSTAL_H

#include "core/core.h"
#include "payments/fees/fees.h"

/* ---- item identifiers (UPU S10) ------------------------------------------------------------------------------- */

enum { S10_LENGTH = 13 };

/* Reads "EP 473 124 829 VN" in any case and spacing: two letters, eight digits, check digit, country. False when it is
 * not one or the check digit is wrong; `ret_item` then is untouched. */
bool postal_s10_read(struct text text, char ret_item[S10_LENGTH + 1]);
/* The check digit of eight digits ('0' to '9'; asserted): weights 8 6 4 2 3 5 9 7, 11 − Σ mod 11, 10 → 0, 11 → 5. */
char postal_s10_check(const char digits[8]);

/* ---- tariff --------------------------------------------------------------------------------------------------- */

/* send: the applicant's dossier to the office; receive: the result to the applicant; both: one after the other. */
enum postal_service { POSTAL_SEND, POSTAL_RECEIVE, POSTAL_BOTH };
extern const char *const postal_service_names[]; /* NULL-terminated */

/* By the districts of before 1 July 2025, which TT 17/2017 still names; a configurable relation (communes.csv). */
enum postal_zone { ZONE_SAME_DISTRICT, ZONE_PROVINCE, ZONE_CITY, ZONE_OTHER, ZONE_COUNT };
extern const char *const postal_zone_names[];

enum { POSTAL_SIDE_MAX_CM = 150, POSTAL_PRICE_LINES = 3 };

struct postal_tariff; /* read-only once read; safe from any thread */

/* Reads tariff.csv, zones.csv and communes.csv. `home` is the province's two-digit code. Faults name file, line and
 * column; brackets of a service, zone and period must join without gap or overlap from 0 on. The result lives in the
 * arena. */
MUST_CHECK enum err postal_tariff_read(struct text tariff_csv, struct text zones_csv, struct text communes_csv,
                                       const char *home, struct arena *arena, struct faults *faults,
                                       const struct postal_tariff **ret_tariff);

struct postal_ask {
    enum postal_service service;
    struct text office;   /* commune code of the office */
    struct text commune;  /* of the applicant; empty: outside, then `province` */
    struct text province; /* two digits; empty: home */
    int64_t weight_g;
    int64_t length_cm, width_cm, height_cm; /* 0: a flat letter, weight alone counts */
    int64_t collect;                        /* đồng to collect at the door; 0 none */
};

struct postal_price_line {
    const char *leg; /* "send", "receive", "collect" */
    int64_t amount;  /* đồng */
    struct text legal_basis;
    int transit_days; /* working days at most; 0 for "collect" */
    int transit_slip_days;
};

struct postal_price {
    enum postal_zone zone;
    int64_t charged_weight_g, volumetric_weight_g;
    size_t line_count;
    struct postal_price_line lines[POSTAL_PRICE_LINES];
    int64_t total;
    bool illustrative; /* at least one price is no signed list's: must be said to whoever reads it */
};

/* Prices a letter on a day. Charged weight: the heavier of real and volumetric (length × width × height ÷ 6 grams, a
 * started gram counting whole). Pure. Faults from "`at`/weight_g" …; ERR_INVALID. */
MUST_CHECK enum err postal_tariff_quote(const struct postal_tariff *tariff, const struct postal_ask *ask, date_days day,
                                        const char *at, struct faults *faults, struct postal_price *ret_price);

/* A commune of the tariff's list, NULL when it is none. */
struct postal_commune {
    struct text code, name, old_district;
};
const struct postal_commune *postal_commune_find(const struct postal_tariff *tariff, struct text code);

/* ---- addresses --------------------------------------------------------------------------------------------------- */

enum { POSTAL_QUERY_MAX = 300, POSTAL_MATCHES_MAX = 60 }; /* bytes; every commune of a province may match */

struct postal_book; /* read-only once read; safe from any thread */

/* Reads commune_origins.csv (code, old_kind, old_name, part: which former communes each one was made of, "whole",
 * "part" or "rest") beside the communes of the tariff. Many-to-many: a divided commune has several rows. An empty text:
 * no former names. ERR_CONFIG with faults by file and line. Lives in the arena. */
MUST_CHECK enum err postal_book_read(const struct postal_tariff *tariff, struct text origins_csv, struct arena *arena,
                                     struct faults *faults, const struct postal_book **ret_book);

enum postal_choice { POSTAL_CHOICE_NONE, POSTAL_CHOICE_ONE, POSTAL_CHOICE_MANY };
extern const char *const postal_choice_names[]; /* NULL-terminated */

struct postal_match {
    const struct postal_commune *commune;
    struct text old_kind, old_name, share; /* the former name it was found by; empty: its own */
};

struct postal_matches {
    size_t count;
    struct postal_match list[POSTAL_MATCHES_MAX]; /* own names first, then by the file of former ones */
};

/* Finds the communes that a name, the beginning of one, a code, or a whole address may mean; marks and case do not
 * matter. A former district in the address narrows; one that contradicts leaves the choice to a person. Pure. */
enum postal_choice postal_address_find(const struct postal_book *book, struct text query,
                                       struct postal_matches *ret_matches);

/* ---- the room ------------------------------------------------------------------------------------------------- */

struct postal_config {
    const char *tariff_file, *zones_file, *communes_file, *status_file;
    const char *origins_file;   /* NULL: former communes are not understood */
    const char *home;           /* province code, "22" */
    const char *office_commune; /* where the office posts and receives: commune code */
    struct http_client *client; /* NULL: no carrier is called (quotes only) */
    /* MyVNPost; off while base_url, username or password is empty. */
    const char *base_url; /* https://connect-my.vnpost.vn, without /customer-partner */
    const char *username, *password, *customer_code, *contract_code;
    const char *service_code;    /* e.g. ETN011: by contract */
    const char *find_type;       /* ["2"] the `type` of /getOrder that searches by our own code */
    const char *public_key_file; /* PEM, for call-backs; NULL or empty: they are refused */
    bool ask_price;              /* the carrier's own price goes before the tariff (POST /v1/postal/quotes) */
    int64_t token_life_s;        /* [3300] clients of others keep a token for about an hour */
    int64_t ask_again_s;         /* [120] how long "not found" is not yet believed after an attempt */
};

/* Once at the start, before requests and jobs; strings must outlive the room. ERR_CONFIG with faults. */
MUST_CHECK enum err postal_open(const struct postal_config *config, struct faults *faults);
void postal_close(void);

/* The pricer of postage inside a quote (fees_postal_pricer_set). The wish: {service?, commune | province, weight_g?,
 * length_cm?, width_cm?, height_cm?, collect?}. */
enum err postal_quote_line(struct text postal, date_days day, struct arena *arena, struct faults *faults,
                           struct quote_line *ret_line);

void postal_job_book(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void postal_job_cancel(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
void postal_job_track(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
/* For the program's table. The lease outlives a sign-in and two calls of eight seconds each. */
#define POSTAL_JOB_KINDS                                                                                               \
    {.name = "postal_book", .run = postal_job_book, .batch_max = 1, .tries_max = 40, .lease_s = 90},                   \
        {.name = "postal_cancel", .run = postal_job_cancel, .batch_max = 1, .tries_max = 40, .lease_s = 90},           \
    {                                                                                                                  \
        .name = "postal_track", .run = postal_job_track, .batch_max = 1, .tries_max = 20, .lease_s = 90                \
    }

/* ---- money at the door ---------------------------------------------------------------------------------------- */

enum { POSTAL_LIST_MAX = 200000, POSTAL_LIST_BYTES_MAX = 32 << 20 };

/* A carrier's list of money it hands over, in step. `amounts` is what was collected at the door; `postages` what the
 * carrier keeps back of the sum it credits, never less of a fee. */
struct postal_list {
    size_t count;
    struct text *items, *outlets; /* S10, or the carrier's own number in capitals */
    int64_t *amounts, *postages;  /* đồng, 0 and more */
};

/* Reads CSV with `,`, `;` or tab and a header that names its columns in Vietnamese or English (list.c). VNPost's own
 * layout is not public: a list with other words is refused by name, never guessed. Rows of totals are left out and
 * must agree. ERR_INVALID with faults "LINE:column". Lives in the arena of the faults. Pure. */
MUST_CHECK enum err postal_list_read(struct text bytes, struct postal_list *ret_list, struct faults *faults);

/* ---- routes --------------------------------------------------------------------------------------------------- */

enum err postal_communes_handle(struct request *rq); /* GET /v1/postal/communes?query=; inline */
enum err postal_quote_handle(struct request *rq);    /* POST /v1/postal/quotes; worker: may ask the carrier */
enum err postal_book_handle(struct request *rq);     /* POST /v1/postal/bookings; worker */
enum err postal_booking_handle(struct request *rq);  /* GET /v1/postal/bookings/{id}; worker */
enum err postal_label_handle(struct request *rq);    /* GET /v1/postal/bookings/{id}/label.pdf; worker */
enum err postal_cancel_handle(struct request *rq);   /* POST /v1/postal/bookings/{id}/cancel; worker */
enum err postal_tracking_handle(struct request *rq); /* GET /v1/postal/bookings/{id}/tracking; worker */
enum err postal_notice_handle(struct request *rq);   /* POST /v1/notifications/vnpost; worker, public */
/* POST /v1/postal/bookings/{id}/slip {papers: [{name, kind?, copies?}]}: phiếu gửi hồ sơ, once; worker. */
enum err postal_slip_handle(struct request *rq);
enum err postal_slip_pdf_handle(struct request *rq); /* GET /v1/postal/bookings/{id}/slip.pdf; worker */
/* POST /v1/postal/handovers {direction?, place, bookings: [id…]}: biên bản giao nhận of one agency and carrier; worker.
 */
enum err postal_handover_handle(struct request *rq);
enum err postal_handover_show_handle(struct request *rq); /* GET /v1/postal/handovers/{id}; worker */
enum err postal_handover_pdf_handle(struct request *rq);  /* GET /v1/postal/handovers/{id}/record.pdf; worker */
/* POST /v1/postal/handovers/{id}/signatures {side: post|agency, name, title?}: at our clock; the second one completes
 * the record, which files its dossiers (dossier.changed); worker. */
enum err postal_sign_handle(struct request *rq);
enum err postal_handover_void_handle(struct request *rq); /* POST /v1/postal/handovers/{id}/void: until then; worker */
/* POST /v1/postal/bookings/{id}/claims {kind: loss|damage, amount, note}: QĐ 45/2016, Điều 14; once a kind; worker. */
enum err postal_claim_handle(struct request *rq);
/* POST /v1/postal/claims/{id}/decision {decision: granted|refused, amount?, why?}: the carrier's answer, recorded by
 * another person than the one who claimed; worker. */
enum err postal_claim_decide_handle(struct request *rq);
/* POST /v1/postal/bookings/{id}/collections {amount, outlet, collected_at?}: a postman took money; worker. */
enum err postal_collect_handle(struct request *rq);
/* POST /v1/postal/remittances?list=&account=&paid_on=&carrier=: the list itself, CSV; worker. */
enum err postal_remit_handle(struct request *rq);

#endif
