/* The officer's text of a formula, parsed once when the catalogue is loaded. */
#include <stdio.h>
#include <string.h>
#include "payments/fees/sheet.h"

const char *const rounding_names[ROUNDING_COUNT + 1] = {"dong_half_up",     "dong_down",     "dong_up",
                                                        "thousand_half_up", "thousand_down", NULL};

/* Which parameters a kind knows. */
enum parameter {
    P_PER = 1,
    P_PER_DEFAULT = 2,
    P_CAP = 4,
    P_MIN = 8,
    P_BASE = 16,
    P_INCLUDED = 32,
    P_EACH = 64,
    P_BY = 128,
    P_GAP = 256,
    P_NEXT = 512,
    P_DEFAULTS = 1024,
    P_REFERENCE = 2048,
    P_TIMES = 4096
};

static const struct shape {
    const char *word;
    enum formula_kind kind;
    unsigned parameters;
    int places;    /* values without a name */
    int cases_min; /* "case: price" items */
    int cases_max;
} shapes[] = {
    {"fixed", FORMULA_FIXED, 0, 1, 0, 0},
    {"unit", FORMULA_UNIT, P_PER | P_PER_DEFAULT | P_NEXT, 1, 0, 0},
    {"page", FORMULA_PAGE, P_CAP, 0, 1, FORMULA_CASES_MAX},
    {"extra", FORMULA_EXTRA, P_BASE | P_INCLUDED | P_EACH | P_PER, 0, 0, 0},
    {"channel", FORMULA_CHANNEL, P_PER | P_PER_DEFAULT, 0, 1, CHANNEL_COUNT},
    {"bracket", FORMULA_BRACKET, P_BY | P_GAP | P_CAP, 0, 1, FORMULA_CASES_MAX},
    {"marginal", FORMULA_BRACKET, P_BY | P_GAP | P_CAP, 0, 1, FORMULA_CASES_MAX},
    {"percent", FORMULA_PERCENT, P_BY | P_MIN | P_CAP, 1, 0, 0},
    {"interp", FORMULA_INTERP, P_BY | P_MIN | P_CAP | P_TIMES, 0, 2, FORMULA_CASES_MAX},
    {"percent_of", FORMULA_PERCENT_OF, 0, 2, 0, 0},
    {"matrix", FORMULA_MATRIX, P_BY | P_DEFAULTS | P_CAP | P_PER | P_PER_DEFAULT, 0, 1, FORMULA_CASES_MAX},
    {"foreign", FORMULA_FOREIGN, P_PER | P_PER_DEFAULT, 2, 0, 0},
    {"local", FORMULA_LOCAL, P_REFERENCE, 0, 0, 0},
    {"unset", FORMULA_UNSET, 0, 0, 0, 0},
    {"abolished", FORMULA_ABOLISHED, 0, 0, 0, 0},
};

struct reading {
    struct arena *arena;
    struct formula *formula;
    const struct shape *shape;
    int places;
    unsigned seen;
    const char *wrong;
};

static bool wrong(struct reading *in, struct text at, const char *hint)
{
    if (!in->wrong)
        in->wrong = arena_printf(in->arena, "“%.*s”: %s", TEXT_ARGS(text_head(at, 80)), hint);
    return false;
}

bool number_read(struct text text, int64_t *ret_number)
{
    struct text exponent, digits = text_until(text_trim(text), 'e', &exponent);
    int64_t number, zeros = 0;
    if (!digits.length || digits.at[0] == '-' || !text_to_int64(digits, &number) || number > MONEY_MAX)
        return false;
    if (exponent.at && (!text_to_int64(exponent, &zeros) || zeros < 0 || zeros > 15))
        return false;
    for (; zeros > 0; zeros--)
        if (money_multiply(number, 10, &number))
            return false;
    *ret_number = number;
    return true;
}

bool decimal_read(struct text text, int places, int64_t *ret_number)
{
    struct text fraction, whole = text_until(text, '.', &fraction);
    int64_t number;
    if (!whole.length || whole.length > 12 || !whole.at || whole.at[0] == '-' || !text_to_int64(whole, &number))
        return false;
    if (fraction.at && (!fraction.length || fraction.length > (size_t)places))
        return false;
    for (int i = 0; i < places; i++) {
        char c = fraction.at && (size_t)i < fraction.length ? fraction.at[i] : '0';
        if (c < '0' || c > '9' || money_multiply(number, 10, &number) || money_add(number, c - '0', &number))
            return false;
    }
    *ret_number = number;
    return true;
}

bool share_read(struct text text, int64_t *ret_ppb)
{
    text = text_trim(text);
    /* one per cent is 10 000 000 parts of 10^9: seven decimals of a per cent */
    return text_ends(text, "%") && text.length <= 16 && decimal_read(text_slice(text, 0, text.length - 1), 7, ret_ppb);
}

/* "1000000", "0.1%", "1000000 + 0.06%" */
static bool price_read(struct text text, struct price *ret)
{
    struct price price = {0};
    struct text second, first = text_trim(text_until(text, '+', &second));
    second = text_trim(second);
    if (text_ends(first, "%")) {
        if (second.at || !share_read(first, &price.share_ppb))
            return false;
    } else if (!number_read(first, &price.fixed) || (second.at && !share_read(second, &price.share_ppb))) {
        return false;
    }
    *ret = price;
    return true;
}

int formula_name_in(struct text word, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (text_is(word, names[i]))
            return i;
    return -1;
}

static bool page_case(struct reading *in, struct text left, struct formula_case *one)
{
    struct text last, first = text_trim(text_until(left, '-', &last));
    last = text_trim(last);
    int64_t expected = in->formula->case_count ? in->formula->cases[in->formula->case_count - 1].bound : 0;
    one->bound = INT64_MAX;
    if (!number_read(first, &one->from) || (last.length && !number_read(last, &one->bound)) || one->bound < one->from)
        return wrong(in, left, "khoảng trang phải có dạng 1-2 hoặc 3-");
    if (expected == INT64_MAX || one->from != expected + 1)
        return wrong(in, left, "các khoảng trang phải nối tiếp nhau từ trang 1");
    return true;
}

static bool bracket_case(struct reading *in, struct text left, struct formula_case *one)
{
    struct formula *formula = in->formula;
    const struct formula_case *before = formula->case_count ? &formula->cases[formula->case_count - 1] : NULL;
    if (!formula_order_read(&left, &one->order) || one->order == ORDER_EQUAL || !number_read(left, &one->bound))
        return wrong(in, left, "phải có dạng <5e9, <=5e9, hoặc >5e9 ở khoảng cuối");
    if (before && before->order >= ORDER_GREATER_EQUAL)
        return wrong(in, left, "khoảng dạng > phải đứng cuối");
    bool above = one->order >= ORDER_GREATER_EQUAL;
    if (before && (above ? one->bound < before->bound : one->bound <= before->bound))
        return wrong(in, left, "các mốc phải tăng dần");
    one->from = above ? one->bound : before ? before->bound : 0;
    return true;
}

static bool case_read(struct reading *in, struct text left, struct text right)
{
    struct formula *formula = in->formula;
    if (in->shape->cases_max == 0 || formula->case_count == FORMULA_CASES_MAX)
        return wrong(in, left, "không có ở dạng công thức này hoặc quá nhiều khoảng");
    struct formula_case *one = &formula->cases[formula->case_count];
    *one = (struct formula_case){0};
    if (!price_read(right, &one->price))
        return wrong(in, right, "giá phải là số đồng viết liền như 75000, tỷ lệ như 0.5%, hoặc 1000000 + 0.06%");
    bool takes_share = formula->kind == FORMULA_BRACKET || formula->kind == FORMULA_MATRIX;
    if (formula->kind == FORMULA_INTERP ? one->price.fixed || one->price.share_ppb > PPB
                                        : !takes_share && one->price.share_ppb)
        return wrong(in, right, formula->kind == FORMULA_INTERP ? "phải là tỷ lệ, không quá 100%" : "phải là số đồng");
    if (one->price.share_ppb > PPB)
        return wrong(in, right, "tỷ lệ không quá 100%");
    switch (formula->kind) {
    case FORMULA_CHANNEL: {
        int channel = formula_name_in(left, channel_names);
        if (channel < 0 || formula->channel_prices[channel] != QUANTITY_NONE)
            return wrong(in, left, "phải là counter, online, online_part hoặc post, mỗi loại một lần");
        formula->channel_prices[channel] = one->price.fixed;
        return true;
    }
    case FORMULA_PAGE:
        if (!page_case(in, left, one))
            return false;
        break;
    case FORMULA_BRACKET:
        if (!bracket_case(in, left, one))
            return false;
        break;
    case FORMULA_INTERP:
        if (!number_read(left, &one->bound))
            return wrong(in, left, "phải là số đồng");
        if (formula->case_count && one->bound <= formula->cases[formula->case_count - 1].bound)
            return wrong(in, left, "các mốc phải tăng dần");
        break;
    default:
        if (!text_is(left, "else") && conditions_read(left, in->arena, &in->wrong, &one->when))
            return false;
    }
    formula->case_count++;
    return true;
}

static bool times_read(struct reading *in, struct text role, struct text value)
{
    struct formula *formula = in->formula;
    if (formula->multiplier_count == WORDS_MAX)
        return wrong(in, role, "quá nhiều hệ số");
    struct formula_case *one = &formula->multipliers[formula->multiplier_count];
    *one = (struct formula_case){0};
    if (!sheet_code_ok(role) || !share_read(value, &one->price.share_ppb) || one->price.share_ppb > (int64_t)10 * PPB)
        return wrong(in, role, "hệ số phải có dạng times.vai_trò=150%");
    one->name = role;
    formula->multiplier_count++;
    return true;
}

static bool quantity_read(struct reading *in, struct text value, enum quantity *ret)
{
    int at = formula_name_in(value, quantity_names);
    if (at < 0)
        return wrong(in, value, "không phải tên số lượng (copies, pages, value, persons, …)");
    *ret = (enum quantity)at;
    return true;
}

static bool gap_read(struct reading *in, struct text value)
{
    static const char *const gaps[] = {"none", "lower", "upper", "refuse", NULL};
    int at = formula_name_in(value, gaps);
    if (at < 0)
        return wrong(in, value, "gap phải là lower, upper hoặc refuse");
    in->formula->gap = (enum gap)at;
    return true;
}

static bool parameter_read(struct reading *in, struct text name, struct text value)
{
    struct formula *f = in->formula;
    static const struct {
        const char *name;
        enum parameter bit;
    } known[] = {{"per", P_PER},
                 {"per_default", P_PER_DEFAULT},
                 {"cap", P_CAP},
                 {"max", P_CAP},
                 {"min", P_MIN},
                 {"base", P_BASE},
                 {"each", P_EACH},
                 {"included", P_INCLUDED},
                 {"by", P_BY},
                 {"gap", P_GAP},
                 {"next", P_NEXT},
                 {"area_default", P_DEFAULTS},
                 {"role_default", P_DEFAULTS},
                 {"reference", P_REFERENCE}};
    if (text_starts(name, "times.") && (in->shape->parameters & P_TIMES))
        return times_read(in, text_slice(name, 6, name.length), value);
    unsigned bit = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(name, known[i].name))
            bit = known[i].bit;
    if (!(bit & in->shape->parameters) || ((in->seen & bit) && bit != P_DEFAULTS))
        return wrong(in, name, "tham số không có ở dạng công thức này, hoặc lặp lại");
    in->seen |= bit;
    switch (bit) {
    case P_PER: return quantity_read(in, value, &f->per);
    case P_BY: return quantity_read(in, value, &f->by);
    case P_GAP: return gap_read(in, value);
    case P_DEFAULTS:
        if (!sheet_code_ok(value))
            return wrong(in, value, "phải là một từ không dấu");
        *(text_is(name, "area_default") ? &f->area_default : &f->role_default) = value;
        return true;
    default: break;
    }
    int64_t number;
    if (!number_read(value, &number))
        return wrong(in, value, "phải là số nguyên không âm (5000000000 hoặc 5e9)");
    switch (bit) {
    case P_PER_DEFAULT: f->per_default = number; break;
    case P_CAP: f->max = number; break;
    case P_MIN: f->min = number; break;
    case P_BASE: f->price.fixed = number; break;
    case P_EACH: f->next.fixed = number; break;
    case P_INCLUDED: f->included = number; break;
    case P_REFERENCE: f->reference = number; break;
    default: f->next.fixed = number; f->has_next = true;
    }
    return true;
}

static bool place_read(struct reading *in, struct text value)
{
    struct formula *f = in->formula;
    int place = in->places++;
    if (place >= in->shape->places)
        return wrong(in, value, "thừa, hoặc thiếu dấu : hay =");
    if (f->kind == FORMULA_PERCENT_OF && place == 0) {
        f->other = value;
        return sheet_code_ok(value) || wrong(in, value, "phải là mã khoản thu");
    }
    if (f->kind == FORMULA_FOREIGN) {
        if (place == 0) {
            f->currency = value;
            return (value.length == 3 && sheet_code_ok(value)) || wrong(in, value, "phải là mã tiền tệ như USD");
        }
        return decimal_read(value, 2, &f->foreign_cents) || wrong(in, value, "phải là số tiền như 25.00");
    }
    if (f->kind == FORMULA_PERCENT || f->kind == FORMULA_PERCENT_OF)
        return (share_read(value, &f->price.share_ppb) && f->price.share_ppb <= PPB) ||
               wrong(in, value, "phải là tỷ lệ như 0.5%, không quá 100%");
    return number_read(value, &f->price.fixed) || wrong(in, value, "phải là số đồng viết liền, như 75000");
}

static bool item_read(struct reading *in, struct text item)
{
    struct text right, left = text_trim(text_until(item, ':', &right));
    if (right.at)
        return case_read(in, left, text_trim(right));
    left = text_trim(text_until(item, '=', &right));
    if (right.at)
        return parameter_read(in, left, text_trim(right));
    return place_read(in, item);
}

/* What only the whole formula shows. */
static bool whole_read(struct reading *in, struct text text)
{
    struct formula *f = in->formula;
    int cases = (int)f->case_count;
    for (int i = 0; f->kind == FORMULA_CHANNEL && i < CHANNEL_COUNT; i++)
        cases += f->channel_prices[i] != QUANTITY_NONE;
    if (in->places < in->shape->places || cases < in->shape->cases_min)
        return wrong(in, text, "thiếu tham số");
    if (f->kind == FORMULA_CHANNEL && f->channel_prices[CHANNEL_COUNTER] == QUANTITY_NONE)
        return wrong(in, text, "thiếu giá counter");
    if (f->kind == FORMULA_EXTRA && (in->seen & (P_BASE | P_INCLUDED | P_EACH)) != (P_BASE | P_INCLUDED | P_EACH))
        return wrong(in, text, "cần base, included và each");
    if (f->min > f->max)
        return wrong(in, text, "min lớn hơn max");
    if (f->kind == FORMULA_PAGE && f->cases[f->case_count - 1].bound != INT64_MAX)
        return wrong(in, text, "khoảng trang cuối phải để mở, dạng 3-");
    if (f->kind != FORMULA_BRACKET)
        return true;
    const struct formula_case *last = &f->cases[f->case_count - 1];
    if (last->order < ORDER_GREATER_EQUAL)
        return wrong(in, text, "khoảng cuối phải có dạng > hoặc >=");
    if (f->case_count == 1)
        return last->bound == 0 || f->gap == GAP_REFUSE || wrong(in, text, "khoảng đầu phải bắt đầu từ 0");
    const struct formula_case *before = last - 1;
    bool meets =
        before->bound == last->bound && (before->order == ORDER_LESS_EQUAL) != (last->order == ORDER_GREATER_EQUAL);
    bool overlaps =
        before->bound == last->bound && before->order == ORDER_LESS_EQUAL && last->order == ORDER_GREATER_EQUAL;
    if (overlaps)
        return wrong(in, text, "hai khoảng cuối chồng lên nhau");
    if (!meets && f->gap == GAP_NONE)
        return wrong(in, text, "có khoảng trống giữa hai khoảng cuối: thêm gap=lower, gap=upper hoặc gap=refuse");
    return true;
}

enum err formula_read(struct text text, enum rounding rounding, struct arena *arena, const char **ret_wrong,
                      struct formula *ret_formula)
{
    struct formula_case cases[FORMULA_CASES_MAX], multipliers[WORDS_MAX];
    struct formula formula = {.rounding = rounding,
                              .cases = cases,
                              .multipliers = multipliers,
                              .by = QUANTITY_VALUE,
                              .per = QUANTITY_COPIES,
                              .per_default = QUANTITY_NONE,
                              .max = INT64_MAX,
                              .reference = QUANTITY_NONE};
    for (int i = 0; i < CHANNEL_COUNT; i++)
        formula.channel_prices[i] = QUANTITY_NONE;
    struct reading in = {.arena = arena, .formula = &formula};
    struct text inside, word = text_trim(text_until(text_trim(text), '(', &inside));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (text_is(word, shapes[i].word))
            in.shape = &shapes[i];
    if (!in.shape)
        wrong(&in, word,
              "không phải dạng công thức (fixed, unit, page, extra, channel, bracket, marginal, percent, "
              "interp, percent_of, matrix, foreign, local, unset, abolished)");
    else if (!text_ends(inside, ")"))
        wrong(&in, text, "thiếu dấu ) ở cuối");
    if (in.wrong) {
        *ret_wrong = in.wrong;
        return ERR_CATALOGUE;
    }
    formula.kind = in.shape->kind;
    if (formula.kind == FORMULA_CHANNEL || formula.kind == FORMULA_MATRIX || formula.kind == FORMULA_FOREIGN)
        formula.per = QUANTITY_COUNT;
    inside = text_trim(text_slice(inside, 0, inside.length - 1));
    while (inside.length && !in.wrong) {
        struct text rest, item = text_trim(text_until(inside, ';', &rest));
        if (!item_read(&in, item))
            wrong(&in, item, "không đọc được");
        inside = rest;
    }
    if (!in.wrong)
        whole_read(&in, text);
    if (in.wrong) {
        *ret_wrong = in.wrong;
        return ERR_CATALOGUE;
    }
    formula.cases = ARENA_ARRAY(arena, struct formula_case, formula.case_count + 1);
    formula.multipliers = ARENA_ARRAY(arena, struct formula_case, formula.multiplier_count + 1);
    memcpy(formula.cases, cases, formula.case_count * sizeof *cases);
    memcpy(formula.multipliers, multipliers, formula.multiplier_count * sizeof *multipliers);
    *ret_formula = formula;
    return OK;
}
