/* A quote as people read it: from the JSON that was stored with a request, or computed from a form. */
#ifndef LEPHI_APP_PAGES_QUOTE_VIEW_H
#define LEPHI_APP_PAGES_QUOTE_VIEW_H

#include "app/pages/layout.h"
#include "payments/fees/fees.h"

/* The fee lines with explanation, legal basis and reductions, and the total. Says so when the JSON cannot be read. */
void quote_view(struct page *page, struct text quote_json);
/* Whether a reduction took something off: then nothing to pay means exempt. */
bool quote_view_reduced(struct page *page, struct text quote_json);

/* What a form asks to be priced. Fields: procedure, channel, copies, pages, value, persons, sequence, area_m2,
 * hectares, area_class, legacy_area, role, and one box per beneficiary category. */
enum { QUOTE_OPTIONS_MAX = 12 };
struct quote_options {
    size_t count;
    struct text words[QUOTE_OPTIONS_MAX];
};
struct quote_form {
    struct quote_request wanted;
    bool asked; /* a procedure is given */
    struct quote quote;
    struct text json;                                /* as quote_write; at NULL while there is no quote */
    bool asks[QUANTITY_COUNT];                       /* numbers that the procedure's fees depend on */
    struct text typed[QUANTITY_COUNT];               /* as the person wrote them, right or wrong */
    struct quote_options areas, legacy_areas, roles; /* cases the fees know */
};
/* Reads fields from `form` (a query or a body) and, when asked, computes with the catalogue in force. Faults go to
 * rq->faults. `filed_on` may be DATE_NONE; `catalogue` is the caller's. */
void quote_form_read(struct page *page, struct text form, date_days filed_on, const struct catalogue *catalogue,
                     struct quote_form *ret);
/* What a failed quote lacks, as a list with links to the fields. */
void quote_form_faults(struct page *page, const struct quote_form *form);
/* The fields the procedure's fees ask for, and the beneficiary categories. */
void quote_form_fields(struct page *page, const struct quote_form *form);

#endif
