/* The frame every page stands in: head, skip link, header, main, footer; and how a page is sent. */
#ifndef LEPHI_APP_PAGES_LAYOUT_H
#define LEPHI_APP_PAGES_LAYOUT_H

#include "app/pages/html.h"

struct page {
    struct request *rq;
    struct arena *arena;
    struct buf *out;
    enum page_language language;
};

enum page_nav { NAV_CITIZEN, NAV_STAFF };

struct page_head {
    const char *title;  /* unique; the service's name is added */
    const char *script; /* "pay.js" or NULL */
    enum page_nav nav;
    bool other_language; /* this page speaks English too: offer the switch */
};

/* Language of ?lang=, Vietnamese unless "en". */
void page_init(struct page *page, struct request *rq, struct buf *out);
void page_begin(struct page *page, const struct page_head *head);
void page_end(struct page *page);

/* Chooses by the page's language; both may be formats, and are checked as such. */
const char *say(const struct page *page, const char *vi, const char *en) __attribute__((format_arg(2), format_arg(3)));
const char *say_money(const struct page *page, int64_t amount);
const char *say_instant(const struct page *page, instant_us at);

/* Sends what was written and frees it. Never stored by caches: pages hold a person's affairs. */
enum err page_reply(struct page *page, int status);
/* A whole page for what went wrong: what happened, what about the money, what next. */
enum err page_error(struct request *rq, enum err err);

/* 303 to a path of our own. */
enum err page_go(struct request *rq, const char *path);

/* Where a static file stands, its content's hash in the path. Never NULL. */
const char *asset_path(const char *name);

/* Bank name of a NAPAS BIN, or the BIN itself. */
const char *bank_name(struct arena *arena, struct text bin);

/* The staff member behind the session, when the role fits. Otherwise the answer (sign in, or not yours) is already
 * given and ERR_FORBIDDEN comes back. */
MUST_CHECK enum err page_needs_staff(struct request *rq, unsigned roles, const char *next);
/* Whether an act may have come from a page of ours: the browser's own word on where it came from. */
bool page_act_is_ours(const struct request *rq);
void page_staff_bar(struct page *page);

#endif
