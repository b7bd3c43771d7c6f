/* Formulas of fees: the text an officer writes, parsed once at load, evaluated without allocation.
 *
 *   kind(parameter=value; case: price; …)        grammar and every kind: payments/catalogue/README.md
 *
 * Private to this room. */
#ifndef LEPHI_PAYMENTS_FEES_FORMULA_H
#define LEPHI_PAYMENTS_FEES_FORMULA_H

#include "payments/fees/fees.h"

enum formula_kind {
    FORMULA_FIXED,
    FORMULA_UNIT,    /* price × count; a second price for the next ones */
    FORMULA_PAGE,    /* pages of the original by band, cap per copy, × copies */
    FORMULA_EXTRA,   /* base with N copies included, then so much each */
    FORMULA_CHANNEL, /* a price printed per channel */
    FORMULA_BRACKET, /* lump or lump + share of the part above, by value */
    FORMULA_PERCENT,
    FORMULA_INTERP,     /* rate interpolated linearly between points, multiplier, clamp */
    FORMULA_PERCENT_OF, /* share of another fee */
    FORMULA_MATRIX,     /* first cell whose conditions hold: area, role, channel, legacy area, numbers */
    FORMULA_FOREIGN,    /* foreign amount × published rate */
    FORMULA_LOCAL,      /* set by the People's Council, not entered */
    FORMULA_UNSET,      /* exists, amount not confirmed */
    FORMULA_ABOLISHED,
    FORMULA_KIND_COUNT
};

enum { FORMULA_CASES_MAX = 24, CONDITIONS_MAX = 4, WORDS_MAX = 6, PPB = 1000000000 };

enum rounding {
    ROUND_DONG_HALF_UP,
    ROUND_DONG_DOWN,
    ROUND_DONG_UP,
    ROUND_THOUSAND_HALF_UP,
    ROUND_THOUSAND_DOWN,
    ROUNDING_COUNT
};
extern const char *const rounding_names[ROUNDING_COUNT + 1];

enum order { ORDER_LESS, ORDER_LESS_EQUAL, ORDER_EQUAL, ORDER_GREATER_EQUAL, ORDER_GREATER };
enum subject { SUBJECT_AREA, SUBJECT_ROLE, SUBJECT_LEGACY, SUBJECT_CHANNEL, SUBJECT_NUMBER };

/* area=KV1|KV2, sequence>=2 */
struct condition {
    enum subject subject;
    size_t word_count;
    struct text words[WORDS_MAX];
    unsigned channels; /* bits */
    enum quantity number;
    enum order order;
    int64_t bound;
};

struct conditions {
    size_t count;
    const struct condition *list; /* at most CONDITIONS_MAX */
};

/* 1000000 + 0.06%: đồng and a share in 1/1 000 000 000 */
struct price {
    int64_t fixed, share_ppb;
};

struct formula_case {
    struct conditions when; /* matrix */
    enum order order;       /* bracket: value < or <= bound; ORDER_GREATER: everything above */
    int64_t bound;          /* bracket, interp: đồng; page: last page (INT64_MAX open) */
    int64_t from;           /* page: first page; bracket: where the part above begins */
    struct price price;     /* interp: share only */
    struct text name;       /* multiplier: role */
};

enum gap { GAP_NONE, GAP_LOWER, GAP_UPPER, GAP_REFUSE };

struct formula {
    enum formula_kind kind;
    enum rounding rounding;
    enum quantity by, per; /* what a share is taken of; what is counted (QUANTITY_COUNT: nothing) */
    int64_t per_default;   /* when the count is not given; QUANTITY_NONE: it must be */
    struct price price, next;
    bool has_next;
    int64_t included, min, max;            /* max: cap too; INT64_MAX none */
    int64_t channel_prices[CHANNEL_COUNT]; /* QUANTITY_NONE: as at the counter */
    enum gap gap;                          /* bracket: what a value no bracket names gets */
    size_t case_count, multiplier_count;
    struct formula_case *cases, *multipliers; /* in the arena: most formulas have none or few */
    struct text other;                        /* percent_of: the fee */
    struct text area_default, role_default;
    struct text currency;
    int64_t foreign_cents;
    int64_t reference; /* local: the price often seen, for information; QUANTITY_NONE none */
};

/* Parses; words live in the arena. On a fault says what is wrong and where (character from 1) and what would be right.
 */
MUST_CHECK enum err formula_read(struct text text, enum rounding rounding, struct arena *arena, const char **ret_wrong,
                                 struct formula *ret_formula);
/* Conditions alone, as reductions use them. Empty text: none. */
MUST_CHECK enum err conditions_read(struct text text, struct arena *arena, const char **ret_wrong,
                                    struct conditions *ret_conditions);
/* "<", "<=", "=", ">=", ">" at the start of a text, which is then the rest. */
bool formula_order_read(struct text *text, enum order *ret);
bool formula_order_holds(int64_t value, enum order order, int64_t bound);
int formula_name_in(struct text word, const char *const *names); /* NULL-terminated; -1 */
/* "12%", "0.0190%" to ppb. */
bool share_read(struct text text, int64_t *ret_ppb);
/* "5000000000", "5e9" */
bool number_read(struct text text, int64_t *ret_number);

/* A decimal with at most `places` digits behind the point, as a whole number of 10^-places. */
bool decimal_read(struct text text, int places, int64_t *ret_number);
/* "26085.5" to đồng × 10 000; positive, at most four decimals. */
bool exchange_rate_read(struct text text, int64_t *ret_rate);

/* What the request says, with the fee's own defaults. */
struct formula_input {
    const struct catalogue *catalogue;
    const struct quote_request *request;
    struct text fee;   /* code, for faults */
    const char *where; /* pointer of the fee in the request, for faults of the fee itself */
    date_days day;
    int depth; /* percent_of */
};

struct formula_result {
    int64_t gross, quantity;
    bool printed;            /* the tariff itself prints the price of this channel */
    int case_index;          /* bracket, matrix, interp: which; -1 none */
    int64_t each;            /* price of one unit, before × quantity */
    const struct fee *other; /* percent_of */
    date_days ends;          /* last day of a published rate or another fee it rests on; DATE_NONE: none */
};

/* A rate between two points of its table: rate ÷ span in 1/1 000 000 000. */
struct interpolation {
    size_t above; /* the point at or above the value; 0 below the table, case_count above it */
    __int128 rate;
    int64_t span;
    int64_t amount; /* rounded, before the least and the most */
};
/* False beyond MONEY_MAX. */
bool formula_interpolate(const struct formula *formula, int64_t value, int64_t times_ppb, struct interpolation *ret);

extern const char *const quantity_words_vi[QUANTITY_COUNT], *const quantity_words_en[QUANTITY_COUNT];

/* Evaluates; every missing or impossible quantity is a fault, `ret` is then untouched. */
MUST_CHECK enum err formula_evaluate(const struct formula *formula, const struct formula_input *in,
                                     struct faults *faults, struct formula_result *ret);

enum holds { HOLDS_NO, HOLDS_YES, HOLDS_NOT_GIVEN };
/* ret_missing (may be NULL): "area_class", when the answer is HOLDS_NOT_GIVEN. */
enum holds conditions_hold(const struct conditions *conditions, const struct formula *defaults,
                           const struct quote_request *request, const char **ret_missing);

/* The rate a foreign fee is converted at, đồng × 10 000: the caller's own, else the one published for the day in
 * values.csv as `rate.USD`. False when there is none. `catalogue` may be NULL. */
bool exchange_rate_find(const struct formula *formula, const struct formula_input *in, int64_t *ret_rate,
                        date_days *ret_ends);

/* numerator ÷ denominator by the policy; both not negative. ERR_MONEY_OVERFLOW beyond MONEY_MAX. */
MUST_CHECK enum err rounding_divide(__int128 numerator, __int128 denominator, enum rounding rounding,
                                    int64_t *ret_part);

#endif
