/* Evaluation of formulas: exact fractions in 128 bits, rounded once at the end. */
#include "payments/fees/formula.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "payments/fees/catalogue.h"

const char *const quantity_names[QUANTITY_COUNT + 1] = {
    "copies", "pages", "value", "persons", "sequence", "area_m2", "hectares", "relief_used", "relief_times", NULL};
const char *const quantity_words_vi[QUANTITY_COUNT] = {"số bản",
                                                       "số trang của bản chính",
                                                       "giá trị (đồng)",
                                                       "số người",
                                                       "lần thứ mấy",
                                                       "diện tích (m²)",
                                                       "diện tích (ha)",
                                                       "số tiền đã được giảm trong năm",
                                                       "số lần đã được giảm trong năm"};
const char *const quantity_words_en[QUANTITY_COUNT] = {"number of copies",
                                                       "pages of the original",
                                                       "value in đồng",
                                                       "number of persons",
                                                       "which time",
                                                       "area in m²",
                                                       "area in hectares",
                                                       "relief already used this year",
                                                       "times relieved this year"};
const char *const channel_names[CHANNEL_COUNT + 1] = {"counter", "online", "online_part", "post", NULL};

enum { PERCENT_OF_DEPTH_MAX = 3 };
static const __int128 WIDE_MAX = ~((__int128)1 << 127);

/* Both not negative. */
static bool wide_multiply(__int128 a, __int128 b, __int128 *ret)
{
    if (b && a > WIDE_MAX / b)
        return false;
    *ret = a * b;
    return true;
}

enum err rounding_divide(__int128 numerator, __int128 denominator, enum rounding rounding, int64_t *ret_part)
{
    assert(numerator >= 0 && denominator > 0);
    int64_t step = rounding >= ROUND_THOUSAND_HALF_UP ? 1000 : 1;
    denominator *= step;
    __int128 whole = numerator / denominator, rest = numerator % denominator;
    if (rounding == ROUND_DONG_UP)
        whole += rest > 0;
    else if (rounding == ROUND_DONG_HALF_UP || rounding == ROUND_THOUSAND_HALF_UP)
        whole += rest >= denominator - rest;
    if (whole > MONEY_MAX / step)
        return ERR_MONEY_OVERFLOW;
    *ret_part = (int64_t)whole * step;
    return OK;
}

static int64_t clamped(const struct formula *f, int64_t amount)
{
    return amount < f->min ? f->min : amount > f->max ? f->max : amount;
}

static enum err missing(const struct formula_input *in, struct faults *faults, enum quantity quantity)
{
    char where[64];
    snprintf(where, sizeof where, "/quantities/%s", quantity_names[quantity]);
    bool from_zero = quantity == QUANTITY_VALUE || quantity == QUANTITY_AREA_M2 || quantity == QUANTITY_HECTARES;
    return faults_add(faults, where, ERR_QUANTITY_MISSING, "Khoản %.*s cần %s: %s (số nguyên từ %d)",
                      TEXT_ARGS(in->fee), quantity_names[quantity], quantity_words_vi[quantity], !from_zero);
}

static enum err overflow(const struct formula_input *in, struct faults *faults, enum quantity quantity)
{
    char where[64] = "/quantities";
    if (quantity < QUANTITY_COUNT)
        snprintf(where, sizeof where, "/quantities/%s", quantity_names[quantity]);
    return faults_add(faults, where, ERR_MONEY_OVERFLOW, "Khoản %.*s vượt quá %lld đồng", TEXT_ARGS(in->fee),
                      (long long)MONEY_MAX);
}

/* fixed + share of base, rounded, clamped. */
static enum err price_of(const struct formula *f, struct price price, int64_t base, int64_t *ret)
{
    int64_t share = 0, sum;
    if (price.share_ppb && rounding_divide((__int128)base * price.share_ppb, PPB, f->rounding, &share))
        return ERR_MONEY_OVERFLOW;
    if (money_add(price.fixed, share, &sum))
        return ERR_MONEY_OVERFLOW;
    *ret = clamped(f, sum);
    return OK;
}

/* How many units: the request's count, or the formula's own default. */
static enum err count_of(const struct formula *f, const struct formula_input *in, struct faults *faults, int64_t *ret)
{
    if (f->per == QUANTITY_COUNT) {
        *ret = 1;
        return OK;
    }
    int64_t count = in->request->quantities[f->per];
    if (count == QUANTITY_NONE)
        count = f->per_default;
    if (count == QUANTITY_NONE)
        return missing(in, faults, f->per);
    *ret = count;
    return OK;
}

static enum err times_count(const struct formula *f, const struct formula_input *in, struct faults *faults,
                            struct formula_result *ret)
{
    enum err err = count_of(f, in, faults, &ret->quantity);
    if (err)
        return err;
    if (!f->has_next || ret->quantity == 0)
        return money_multiply(ret->each, ret->quantity, &ret->gross) ? overflow(in, faults, f->per) : OK;
    if (money_multiply(f->next.fixed, ret->quantity - 1, &ret->gross) || money_add(ret->gross, ret->each, &ret->gross))
        return overflow(in, faults, f->per);
    return OK;
}

/* TT 226/2016/TT-BTC Điều 4.1: bands over the pages of the original, the cap holds for each copy. */
static enum err page_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                              struct formula_result *ret)
{
    int64_t pages = in->request->quantities[QUANTITY_PAGES], copies = in->request->quantities[QUANTITY_COPIES];
    if (pages == QUANTITY_NONE)
        return missing(in, faults, QUANTITY_PAGES);
    ret->quantity = copies == QUANTITY_NONE ? 1 : copies;
    for (size_t i = 0; i < f->case_count && pages >= f->cases[i].from; i++) {
        const struct formula_case *band = &f->cases[i];
        int64_t last = pages < band->bound ? pages : band->bound, part;
        if (money_multiply(band->price.fixed, last - band->from + 1, &part) || money_add(ret->each, part, &ret->each))
            return overflow(in, faults, QUANTITY_PAGES);
    }
    ret->each = clamped(f, ret->each);
    return money_multiply(ret->each, ret->quantity, &ret->gross) ? overflow(in, faults, QUANTITY_COPIES) : OK;
}

static enum err extra_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                               struct formula_result *ret)
{
    int64_t count = in->request->quantities[f->per];
    ret->quantity = count == QUANTITY_NONE ? 1 : count;
    int64_t beyond = ret->quantity > f->included ? ret->quantity - f->included : 0;
    if (money_multiply(f->next.fixed, beyond, &ret->gross) || money_add(ret->gross, f->price.fixed, &ret->gross))
        return overflow(in, faults, f->per);
    ret->each = f->price.fixed;
    return OK;
}

static enum err bracket_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                                 struct formula_result *ret)
{
    int64_t value = in->request->quantities[f->by];
    if (value == QUANTITY_NONE)
        return missing(in, faults, f->by);
    size_t at = 0;
    while (at < f->case_count && !formula_order_holds(value, f->cases[at].order, f->cases[at].bound))
        at++;
    if (at == f->case_count && f->gap == GAP_REFUSE) {
        char where[64];
        snprintf(where, sizeof where, "/quantities/%s", quantity_names[f->by]);
        return faults_add(faults, where, ERR_FIELD_RANGE, "Biểu mức thu của %.*s không quy định giá trị này",
                          TEXT_ARGS(in->fee));
    }
    if (at == f->case_count)
        at = f->case_count - (f->gap == GAP_LOWER ? 2 : 1);
    struct price price = f->cases[at].price;
    int64_t base = price.fixed && price.share_ppb ? value - f->cases[at].from : value;
    ret->case_index = (int)at;
    if (price_of(f, price, base < 0 ? 0 : base, &ret->gross))
        return overflow(in, faults, f->by);
    return OK;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static enum err multiplier_find(const struct formula *f, const struct formula_input *in, struct faults *faults,
                                int64_t *ret_ppb)
{
    struct text role = in->request->role;
    char list[300] = "";
    *ret_ppb = PPB;
    if (!role.length || f->multiplier_count == 0)
        return OK;
    for (size_t i = 0; i < f->multiplier_count; i++) {
        if (text_equal(f->multipliers[i].name, role)) {
            *ret_ppb = f->multipliers[i].price.share_ppb;
            return OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.*s", i ? ", " : "", TEXT_ARGS(f->multipliers[i].name));
    }
    return faults_add(faults, "/quantities/role", ERR_FIELD_VALUE, "Khoản %.*s biết các trường hợp: %s",
                      TEXT_ARGS(in->fee), list);
}

/* N = Nb − (Nb − Na)·(G − Gb)/(Ga − Gb) between points b < a, the first and last rate outside (TT 28/2023/TT-BTC
 * Điều 4). The fraction is kept exact; the multiplier acts on the rate, so before the clamp (Điều 4.3–6). */
bool formula_interpolate(const struct formula *f, int64_t value, int64_t times_ppb, struct interpolation *ret)
{
    struct interpolation found = {.span = 1};
    size_t above = 0;
    while (above < f->case_count && f->cases[above].bound < value)
        above++;
    const struct formula_case *a = &f->cases[above < f->case_count ? above : above - 1], *b = above ? a - 1 : a;
    found.above = above;
    found.rate = a->price.share_ppb;
    if (above > 0 && above < f->case_count) {
        found.span = a->bound - b->bound;
        found.rate = (__int128)b->price.share_ppb * found.span -
                     (__int128)(b->price.share_ppb - a->price.share_ppb) * (value - b->bound);
    }
    int64_t divisor = common_divisor(times_ppb, PPB);
    __int128 numerator;
    if (!wide_multiply(found.rate, value, &numerator) || !wide_multiply(numerator, times_ppb / divisor, &numerator) ||
        rounding_divide(numerator, (__int128)found.span * PPB * (PPB / divisor), f->rounding, &found.amount))
        return false;
    *ret = found;
    return true;
}

static enum err interp_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                                struct formula_result *ret)
{
    int64_t value = in->request->quantities[f->by], times;
    struct interpolation found;
    if (value == QUANTITY_NONE)
        return missing(in, faults, f->by);
    enum err err = multiplier_find(f, in, faults, &times);
    if (err)
        return err;
    if (!formula_interpolate(f, value, times, &found))
        return overflow(in, faults, f->by);
    ret->case_index = (int)found.above;
    ret->gross = clamped(f, found.amount);
    return OK;
}

static enum err percent_of_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                                    struct formula_result *ret)
{
    const struct fee *other = catalogue_fee_on(in->catalogue, f->other, in->day);
    if (!other || in->depth >= PERCENT_OF_DEPTH_MAX)
        return faults_add(faults, in->where, ERR_FEE_NOT_IN_FORCE, "Khoản gốc %.*s không có hiệu lực vào ngày này",
                          TEXT_ARGS(f->other));
    struct formula_input again = *in;
    struct formula_result of;
    again.fee = other->code;
    again.depth++;
    enum err err = formula_evaluate(other->formula, &again, faults, &of);
    if (err)
        return err;
    ret->other = other;
    ret->each = of.gross;
    ret->quantity = of.quantity;
    ret->ends = of.ends;
    if (other->valid_to != DATE_NONE && (of.ends == DATE_NONE || other->valid_to < of.ends))
        ret->ends = other->valid_to;
    return rounding_divide((__int128)of.gross * f->price.share_ppb, PPB, f->rounding, &ret->gross);
}

/* Every word the matrix knows for a subject, for the fault. */
static void words_list(const struct formula *f, const char *name, char *list, size_t size)
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < f->case_count; i++)
        for (size_t c = 0; c < f->cases[i].when.count; c++) {
            const struct condition *one = &f->cases[i].when.list[c];
            bool mine = one->subject == SUBJECT_ROLE     ? !strcmp(name, "role")
                        : one->subject == SUBJECT_LEGACY ? !strcmp(name, "legacy_area")
                        : one->subject == SUBJECT_AREA   ? !strcmp(name, "area_class")
                                                         : false;
            for (size_t w = 0; mine && w < one->word_count; w++) {
                char word[QUOTE_WORD_MAX + 4];
                snprintf(word, sizeof word, "%.*s", TEXT_ARGS(one->words[w]));
                if (!strstr(list, word) && used + strlen(word) + 3 < size)
                    used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "", word);
            }
        }
}

static enum err matrix_refuse(const struct formula *f, const struct formula_input *in, struct faults *faults,
                              const char *name)
{
    char list[300], where[64];
    bool absent = name != NULL;
    for (size_t i = 0; !name && i < f->case_count; i++)
        for (size_t c = 0; !name && c < f->cases[i].when.count; c++) {
            const struct condition *one = &f->cases[i].when.list[c];
            name = one->subject == SUBJECT_ROLE     ? "role"
                   : one->subject == SUBJECT_LEGACY ? "legacy_area"
                   : one->subject == SUBJECT_AREA   ? "area_class"
                   : one->subject == SUBJECT_NUMBER ? quantity_names[one->number]
                                                    : NULL;
        }
    snprintf(where, sizeof where, "/quantities/%s", name ? name : "");
    words_list(f, name ? name : "", list, sizeof list);
    return faults_add(faults, where, absent ? ERR_QUANTITY_MISSING : ERR_FIELD_VALUE, "Khoản %.*s %s %s%s%s",
                      TEXT_ARGS(in->fee), absent ? "cần" : "không có mức thu cho giá trị này của", name ? name : "",
                      list[0] ? "; chấp nhận: " : "", list);
}

static enum err matrix_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                                struct formula_result *ret)
{
    const char *absent = NULL;
    int64_t base = 0;
    for (size_t i = 0; i < f->case_count; i++) {
        const struct formula_case *cell = &f->cases[i];
        const char *name = NULL;
        enum holds holds = conditions_hold(&cell->when, f, in->request, &name);
        if (holds == HOLDS_NOT_GIVEN && !absent)
            absent = name;
        if (holds != HOLDS_YES)
            continue;
        if (cell->price.share_ppb && (base = in->request->quantities[f->by]) == QUANTITY_NONE)
            return missing(in, faults, f->by);
        for (size_t c = 0; c < cell->when.count; c++)
            ret->printed |= cell->when.list[c].subject == SUBJECT_CHANNEL;
        ret->case_index = (int)i;
        if (price_of(f, cell->price, base, &ret->each))
            return overflow(in, faults, f->by);
        return times_count(f, in, faults, ret);
    }
    return matrix_refuse(f, in, faults, absent);
}

bool exchange_rate_find(const struct formula *f, const struct formula_input *in, int64_t *ret_rate, date_days *ret_ends)
{
    if (in->request->exchange_rate != QUANTITY_NONE) {
        *ret_rate = in->request->exchange_rate;
        *ret_ends = DATE_NONE;
        return true;
    }
    char name[16];
    struct text value;
    snprintf(name, sizeof name, "rate.%.*s", TEXT_ARGS(f->currency));
    return in->catalogue && catalogue_value_text(in->catalogue, text_of(name), in->day, &value, ret_ends) &&
           exchange_rate_read(value, ret_rate);
}

/* Convertible at the published transfer buying rate of the day of payment (TT 25/2021/TT-BTC Điều 4.2): dated data of
 * the catalogue, or brought by the caller; never guessed, never yesterday's. */
static enum err foreign_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                                 struct formula_result *ret)
{
    int64_t rate;
    char day[DATE_TEXT_SIZE];
    if (!exchange_rate_find(f, in, &rate, &ret->ends)) {
        date_format_vi(in->day, day);
        return faults_add(faults, "/quantities/exchange_rate", ERR_QUANTITY_MISSING,
                          "Khoản %.*s thu bằng %.*s: cần tỷ giá mua chuyển khoản công bố ngày %s, dạng \"26085.5\", "
                          "hoặc dòng rate.%.*s của ngày ấy trong values.csv",
                          TEXT_ARGS(in->fee), TEXT_ARGS(f->currency), day, TEXT_ARGS(f->currency));
    }
    /* cents × (đồng × 10 000) = đồng × 1 000 000 */
    if (rounding_divide((__int128)f->foreign_cents * rate, 1000000, f->rounding, &ret->each))
        return overflow(in, faults, QUANTITY_COUNT);
    return times_count(f, in, faults, ret);
}

/* By which law and since when. */
static enum err abolished(const struct formula_input *in, struct faults *faults)
{
    const struct fee *fee = in->catalogue ? catalogue_fee_on(in->catalogue, in->fee, in->day) : NULL;
    char day[DATE_TEXT_SIZE];
    if (!fee || fee->valid_from == DATE_NONE)
        return faults_add(faults, in->where, ERR_FEE_NOT_IN_FORCE, "Khoản %.*s đã được bãi bỏ", TEXT_ARGS(in->fee));
    date_format_vi(fee->valid_from, day);
    return faults_add(faults, in->where, ERR_FEE_NOT_IN_FORCE, "Khoản %.*s đã được bãi bỏ từ ngày %s (%.*s)",
                      TEXT_ARGS(in->fee), day, TEXT_ARGS(fee->legal_basis));
}

static enum err not_priced(const struct formula *f, const struct formula_input *in, struct faults *faults)
{
    char seen[MONEY_TEXT_SIZE];
    if (f->kind == FORMULA_ABOLISHED)
        return abolished(in, faults);
    if (f->kind == FORMULA_UNSET)
        return faults_add(faults, in->where, ERR_FEE_UNSET, "Mức thu của %.*s chưa được xác nhận và nhập vào danh mục",
                          TEXT_ARGS(in->fee));
    if (f->reference == QUANTITY_NONE)
        return faults_add(faults, in->where, ERR_FEE_SET_LOCALLY, NULL);
    money_format(f->reference, seen);
    return faults_add(
        faults, in->where, ERR_FEE_SET_LOCALLY,
        "Mức thu của %.*s do Hội đồng nhân dân tỉnh quy định, chưa được nhập (mức hay gặp nơi khác: %s đ)",
        TEXT_ARGS(in->fee), seen);
}

enum err formula_evaluate(const struct formula *f, const struct formula_input *in, struct faults *faults,
                          struct formula_result *ret)
{
    struct formula_result result = {.quantity = 1, .case_index = -1, .each = f->price.fixed, .ends = DATE_NONE};
    enum err err = OK;
    switch (f->kind) {
    case FORMULA_FIXED: result.gross = f->price.fixed; break;
    case FORMULA_UNIT: err = times_count(f, in, faults, &result); break;
    case FORMULA_PAGE:
        result.each = 0;
        err = page_evaluate(f, in, faults, &result);
        break;
    case FORMULA_EXTRA: err = extra_evaluate(f, in, faults, &result); break;
    case FORMULA_CHANNEL:
        result.printed =
            f->channel_prices[in->request->channel] != QUANTITY_NONE && in->request->channel != CHANNEL_COUNTER;
        result.each = f->channel_prices[result.printed ? in->request->channel : CHANNEL_COUNTER];
        err = times_count(f, in, faults, &result);
        break;
    case FORMULA_BRACKET: err = bracket_evaluate(f, in, faults, &result); break;
    case FORMULA_PERCENT:
        if (in->request->quantities[f->by] == QUANTITY_NONE)
            err = missing(in, faults, f->by);
        else if (price_of(f, f->price, in->request->quantities[f->by], &result.gross))
            err = overflow(in, faults, f->by);
        break;
    case FORMULA_INTERP: err = interp_evaluate(f, in, faults, &result); break;
    case FORMULA_PERCENT_OF: err = percent_of_evaluate(f, in, faults, &result); break;
    case FORMULA_MATRIX: err = matrix_evaluate(f, in, faults, &result); break;
    case FORMULA_FOREIGN: err = foreign_evaluate(f, in, faults, &result); break;
    default: err = not_priced(f, in, faults);
    }
    if (!err)
        *ret = result;
    return err;
}
