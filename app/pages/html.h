/* Writing HTML so that nothing of a person's or a bank's can become markup.
 *
 *   html(out, "<a href=\"/p/%s\">%.*s</a>", token, TEXT_ARGS(name));
 *
 * The format is ours and is markup; every %s and %.*s is escaped, safe between tags and inside quoted attributes. The
 * compiler checks formats as it does printf's. Never put a value where HTML expects a name, a script or a style. */
#ifndef LEPHI_APP_PAGES_HTML_H
#define LEPHI_APP_PAGES_HTML_H

#include "core/core.h"

void html(struct buf *out, const char *format, ...) PRINTF(2, 3); /* %s, %.*s, %d, %lld, %% and nothing else */
void html_put_text(struct buf *out, struct text text);

/* "150.000 đồng"; in English "150,000 VND". In the arena. */
enum page_language { PAGE_VI, PAGE_EN };
const char *money_words(struct arena *arena, enum page_language language, int64_t amount);
/* "09:14 ngày 22/11/2026"; in English "09:14 on 22 Nov 2026". */
const char *instant_words(struct arena *arena, enum page_language language, instant_us at);
const char *date_words(struct arena *arena, enum page_language language, date_days date);

/* A field of an application/x-www-form-urlencoded text, decoded; at NULL when absent, badly encoded or not UTF-8. */
struct text form_field(struct arena *arena, struct text form, const char *name);

/* A word percent-encoded for the value of a query. */
const char *url_word(struct arena *arena, struct text word);

#endif
