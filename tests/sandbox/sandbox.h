/* The outside world in one program: a bank, the post office and a message sink, for training, demos and tests.
 *
 * It speaks the real protocols with real signatures and can be told to misbehave. It shares the JSON, text and clock
 * helpers of core with lephi and nothing else: its HTTP server, its VietQR reader and its signatures are its own, so
 * that a fault of ours is not repeated on the other side and thereby hidden.
 *
 * Threads: one per connection, two that deliver call-backs. Each part guards its own lists with its own lock. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/fault.h"
#include "core/base/text.h"
#include "core/json/json_read.h"
#include "core/json/json_write.h"

struct bank;
struct post;
struct sink;
struct courier;
struct mischief;
struct tax;
struct drop;
struct MHD_Connection;

struct sandbox {
    const char *folder; /* everything that survives a restart */
    struct text secret; /* of the bank's call-backs */
    struct bank *bank;
    struct post *post;
    struct sink *sink;
    struct courier *courier;
    struct mischief *mischief;
    struct tax *tax;
    const char *notifications; /* lephi's URL of call-backs, to which a source's name is added; NULL: none */
    int smtp_fd, smtp_port;    /* a mail server on a port of its own */
    struct drop *drop;         /* an HTTPS server on a port of its own */
};

/* server.c ---------------------------------------------------------------------------------------------------------
 * One request; texts live in `arena` until the reply is out. */
struct visit {
    struct sandbox *sandbox;
    struct arena arena;
    struct faults faults; /* in `arena` */
    struct MHD_Connection *connection;
    const char *method, *path;
    struct buf body;
    int status; /* 200 unless changed */
    const char *content_type;
    const char *location; /* of a redirect */
    bool hang_up;         /* close the connection without an answer */
    struct buf reply;
};

struct road {
    const char *method, *path; /* exact */
    void (*visit)(struct visit *visit);
};

struct server;
MUST_CHECK enum err server_start(struct sandbox *sandbox, int port, struct server **ret_server);
int server_port(const struct server *server);
void server_stop(struct server *server);

struct text visit_query(struct visit *visit, const char *name);  /* decoded; at NULL when absent */
struct text visit_header(struct visit *visit, const char *name); /* at NULL when absent */
struct text visit_form(struct visit *visit, const char *name);   /* field of an HTML form's body */
/* A refusal in plain JSON: {"error": code, "detail": …} with every fault that was found. */
void visit_refuse(struct visit *visit, int status, const char *code, const char *detail);

/* Every part's roads; each list ends with an empty one. */
extern const struct road bank_roads[], statement_roads[], post_roads[], sink_roads[], courier_roads[], mischief_roads[],
    page_roads[], tax_roads[], tsa_roads[], gateway_roads[], smtp_roads[], terminal_roads[], receiver_roads[],
    drop_roads[];

/* tax.c: the tax authority, which takes a message once and can be asked for it */
MUST_CHECK enum err tax_open(struct sandbox *sandbox);

/* smtp.c: a mail server whose letters lie in the sink; GET /sink/smtp tells its port */
MUST_CHECK enum err smtp_open(struct sandbox *sandbox);
/* drop.c: the folder a bank puts statement files at, by HTTPS with a password; GET /drop tells where and how. An SFTP
 * server may offer the same folder (DATA/drop). */
MUST_CHECK enum err drop_open(struct sandbox *sandbox);
void drop_close(struct drop *drop);
/* statement.c: the file of GET /bank/statement with this visit's query; false: the visit was refused */
bool statement_write(struct visit *visit);

/* sink.c: keeps a JSON object as a message; its number, 0 when it is none */
int64_t sink_keep(struct sink *sink, const char *channel, struct text object);

/* journal.c: an append-only file of JSON lines ----------------------------------------------------------------------*/
struct journal;
/* Opens (and makes) the file, gives every whole line to `line`, cuts off a torn last one. */
MUST_CHECK enum err journal_open(const char *folder, const char *name, void (*line)(void *with, json_t *record),
                                 void *with, struct journal **ret_journal);
enum journal_care { JOURNAL_DURABLE, JOURNAL_SOON }; /* on disk before it returns, or whenever the system likes */
MUST_CHECK enum err journal_append(struct journal *journal, struct text record, enum journal_care care);
void journal_close(struct journal *journal);

/* vietqr.c: a bank application's reader (NAPAS VietQR 1.0 of 09/2021)
 * ------------------------------------------------*/
struct vietqr_read {
    char bank_bin[7], account[20], service[11], memo[100], bill[26];
    int64_t amount; /* đồng; 0: the payer types it */
    bool reusable;  /* point of initiation 11 */
};
/* False and why, in Vietnamese, when a bank application would not accept the code. */
bool vietqr_read(struct text payload, struct vietqr_read *ret_read, const char **ret_why);

/* memo.c: what banks and people do to a transfer memo ---------------------------------------------------------------*/
enum { MEMO_MAX = 400 };
struct memo_case {
    const char *payer_name, *payer_account, *account, *account_name, *bank_bin;
    instant_us at;
    uint64_t serial; /* varies the digits; the same serial gives the same memo */
};
/* `how` is words joined by '+': lower, split, wrap, cut2, swap_one, no_reference, none, or the name of a bank's shape.
 * Without a shape and without "none" the receiving bank's own shape is put around it. False: an unknown word. */
bool memo_deliver(struct text memo, struct text how, const struct memo_case *of, char ret_memo[MEMO_MAX]);
extern const char *const memo_words[]; /* every word; ends with NULL */

/* bank.c ------------------------------------------------------------------------------------------------------------*/
struct account {
    char number[20], name[128], bin[7];
    int64_t opening; /* đồng, before the first transfer */
    int64_t balance;
};

struct transfer {
    int64_t id;
    const struct account *account;
    int64_t amount;     /* đồng, positive is money in */
    char reference[20]; /* "FT" and fourteen digits */
    instant_us booked_at;
    const char *memo, *counterparty_name, *counterparty_account;
    int64_t balance; /* of the account, after it was booked */
};

MUST_CHECK enum err bank_open(struct sandbox *sandbox, const char *const *accounts, size_t count);
/* The account of that number; NULL when it is none of ours. Accounts live as long as the program. */
const struct account *bank_account(const struct bank *bank, struct text number);
size_t bank_accounts(const struct bank *bank, const struct account **ret_first);
/* Copies the pointers of an account's transfers of a day (DATE_NONE: any day) in booking order into the arena; opening
 * balance of that day beside it. Transfers are never changed. */
size_t bank_day(struct bank *bank, const struct account *account, date_days day, struct arena *arena,
                const struct transfer ***ret_list, int64_t *ret_opening);
void transfer_write(struct json *json, const char *key, const struct transfer *transfer);

/* What to do wrong with one payment. */
struct pay_mischief {
    bool lose_webhook, pay_twice, answer_500, hang, wrong_signature, reorder;
    int64_t delay_ms, repeat;
    struct text mangle_memo;
};
struct pay_order {
    const struct account *account;
    int64_t amount; /* negative takes money out */
    struct text memo, from_name, from_account;
    instant_us at; /* INSTANT_NONE: now */
    struct pay_mischief mischief;
};
/* Books it on disk and sends the call-backs. Writes up to two transfers. ERR_FIELD_VALUE: unknown word of mangling. */
MUST_CHECK enum err bank_pay(struct sandbox *sandbox, const struct pay_order *order, const struct transfer *ret_made[2],
                             size_t *ret_count);

/* courier.c: call-backs, retried
 * -------------------------------------------------------------------------------------*/
struct letter {
    const char *kind; /* "bank", "vnpost" or "wallet" */
    const char *url;  /* of a wallet's call-back; NULL: where the kind's go. Without a body it is fetched by GET */
    struct text body;
    const char *subject;  /* bank reference or item code */
    instant_us signed_at; /* INSTANT_NONE: no signature header (the body carries it) */
    int64_t delay_ms;
    bool wrong_signature, reorder;
};
MUST_CHECK enum err courier_start(struct sandbox *sandbox, const char *bank_url, const char *post_url,
                                  int64_t retry_base_ms);
void courier_send(struct courier *courier, const struct letter *letter);
void courier_stop(struct courier *courier);

/* post.c ------------------------------------------------------------------------------------------------------------*/
MUST_CHECK enum err post_open(struct sandbox *sandbox, const char *username, const char *password,
                              const char *customer_code, int64_t token_s, const char *communes);
/* Moves a parcel on and sends the call-back. ERR_NOT_FOUND. */
MUST_CHECK enum err post_advance(struct sandbox *sandbox, struct text item, struct text status);
/* Rows of parcels for the page, newest first. */
void post_parcels_html(struct post *post, struct buf *out);
void sink_messages_html(struct sink *sink, struct buf *out);

/* post_key.c: the post office's RSA key (RSASHA256, PKCS #1 v1.5), kept in the folder; public part as
 * vnpost-public.pem.
 */
struct post_key;
MUST_CHECK enum err post_key_open(const char *folder, struct post_key **ret_key);
MUST_CHECK enum err post_key_sign(struct post_key *key, struct text text, struct buf *ret_base64);

/* post_label.c: a page with the addresses and a bar code of the item code (PDF). */
struct label {
    const char *item, *sender, *sender_address, *receiver, *receiver_address, *receiver_phone, *order;
    int64_t weight_g, cod;
};
void post_label_pdf(const struct label *labels, size_t count, struct buf *out);

/* sink.c: keeps what would have gone to people
 * -----------------------------------------------------------------------*/
MUST_CHECK enum err sink_open(struct sandbox *sandbox);

/* mischief.c: the next calls to a path misbehave --------------------------------------------------------------------*/
enum mischief_kind {
    MISCHIEF_NONE,
    MISCHIEF_ANSWER_500,
    MISCHIEF_HANG,
    MISCHIEF_HANG_AFTER,
    MISCHIEF_REFUSE,
    MISCHIEF_EXPIRE
};
struct mischief *mischief_new(void);
/* What the next call to this path shall do; uses it up. */
enum mischief_kind mischief_take(struct mischief *mischief, const char *path);
void mischief_hang(void); /* longer than any client waits, shorter than for ever: 40 s, or until the program stops */
void mischief_stop(void); /* ends every hanging call */

/* gateways.c: what a wallet, gateway or the national portal knows of an order of ours */
enum gateway_state { GATEWAY_PAID, GATEWAY_PENDING, GATEWAY_FAILED, GATEWAY_ABSENT };
struct gateway_order {
    char id[128], transaction[128]; /* ours; theirs, empty before it is paid */
    char source[16];                /* "momo", "zalopay", "vnpay", "dvcqg"; empty for orders only told of */
    char notify[512], back[512];    /* where the call-back goes, and the payer afterwards */
    char words[256];
    int64_t amount;
    int state;
    instant_us paid_at;
};
struct gateway_order gateway_look(struct text id); /* state GATEWAY_ABSENT when there is none */
enum refund_answer { REFUND_DONE, REFUND_KNOWN, REFUND_NEVER };
/* Each number is carried out once; never more than was paid. */
enum refund_answer gateway_refund(struct text number, struct text transaction, int64_t amount);
bool gateway_keep(const struct gateway_order *order); /* false when the book is full or the id empty */

/* wallets.c: a page to pay such an order, and the source's own call-back over it */
extern const struct road wallet_roads[];
/* The address of that page, in the arena; `visit` tells by which name we are known. */
const char *wallet_page(struct visit *visit, const struct gateway_order *order);
/* Keeps the order that a signed address of VNPAY asks for, and shows its page. */
void wallet_show(struct visit *visit, const struct gateway_order *order);

/* wallet_words.c: what each source tells in its call-back: URL or body, signed with this secret. */
struct wallet_call {
    const char *url;
    struct buf body; /* empty: the URL says all */
};
/* VNPAY's signature over values joined by '|'; in the arena. */
const char *vnpay_sign(const char *const *values, size_t count, struct text secret, struct arena *arena);
void wallet_call_write(const struct gateway_order *order, struct text secret, struct arena *arena,
                       struct wallet_call *ret_call);

/* page.c: small pieces of HTML */
void html_text(struct buf *out, struct text text); /* escaped */
void page_open(struct visit *visit);               /* the head every page has */

#endif
