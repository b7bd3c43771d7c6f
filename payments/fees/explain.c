/* The sentence behind a price, as a citizen would say it: what was counted, what came off, which text of law. */
#include <stdio.h>
#include <string.h>
#include "payments/fees/catalogue.h"
#include "payments/fees/words.h"

struct saying {
    const struct quote *quote;
    const struct quote_line *line;
    const struct formula *formula;
    enum fee_language language;
    struct buf *out;
};

/* 1.234.567, in English 1,234,567; by hand, because a quote is mostly such numbers. */
static void number(struct saying *say, int64_t value)
{
    char digits[MONEY_TEXT_SIZE], *to = digits + sizeof digits;
    for (int i = 0; i == 0 || value > 0; i++, value /= 10) {
        if (i && i % 3 == 0)
            *--to = say->language == LANGUAGE_VI ? '.' : ',';
        *--to = (char)('0' + value % 10);
    }
    buf_put(say->out, to, (size_t)(digits + sizeof digits - to));
}

static void amount(struct saying *say, int64_t value)
{
    number(say, value);
    buf_text(say->out, TEXT(" đ"));
}

static void words(struct saying *say, const char *vi, const char *en)
{
    buf_string(say->out, say->language == LANGUAGE_VI ? vi : en);
}

/* 190000 ppb → "0,019 %" (Vietnamese comma), "0.019%" in English */
static void share(struct saying *say, int64_t ppb)
{
    char digits[8];
    int64_t rest = ppb % 10000000;
    int length = 7;
    for (int i = 6; i >= 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    while (length > 0 && digits[length - 1] == '0')
        length--;
    number(say, ppb / 10000000);
    if (length > 0) {
        words(say, ",", ".");
        buf_put(say->out, digits, (size_t)length);
    }
    words(say, " %", "%");
}

static struct text unit(const struct saying *say)
{
    struct text word = say->language == LANGUAGE_VI ? say->line->fee->unit_vi : say->line->fee->unit_en;
    return word.length ? word : say->language == LANGUAGE_VI ? TEXT("lần") : TEXT("time");
}

static void equals_gross(struct saying *say)
{
    buf_string(say->out, " = ");
    amount(say, say->line->gross);
}

/* "3 bản × 8.000 đ = 24.000 đ", "3 × 8.000 đ per copy = 24.000 đ": English plurals are spared. */
static void counted(struct saying *say, int64_t each)
{
    number(say, say->line->quantity);
    if (say->language == LANGUAGE_VI) {
        buf_char(say->out, ' ');
        buf_text(say->out, unit(say));
    }
    buf_text(say->out, TEXT(" × "));
    amount(say, each);
    if (say->language == LANGUAGE_EN) {
        buf_string(say->out, " per ");
        buf_text(say->out, unit(say));
    }
    equals_gross(say);
}

static void explain_page(struct saying *say)
{
    const struct formula *f = say->formula;
    int64_t pages = say->quote->request->quantities[QUANTITY_PAGES], each = 0;
    for (size_t i = 0; i < f->case_count && pages >= f->cases[i].from; i++) {
        const struct formula_case *band = &f->cases[i];
        int64_t count = (pages < band->bound ? pages : band->bound) - band->from + 1;
        if (i)
            buf_string(say->out, " + ");
        number(say, count);
        words(say, " trang × ", count == 1 ? " page × " : " pages × ");
        amount(say, band->price.fixed);
        each += count * band->price.fixed;
    }
    buf_string(say->out, " = ");
    amount(say, each);
    if (each > f->max) {
        words(say, ", tối đa ", ", at most ");
        amount(say, f->max);
        words(say, " mỗi bản", " a copy");
    }
    if (say->line->quantity == 1)
        return;
    buf_string(say->out, "; ");
    number(say, say->line->quantity);
    words(say, " bản", " copies");
    equals_gross(say);
}

static void explain_extra(struct saying *say)
{
    const struct formula *f = say->formula;
    int64_t beyond = say->line->quantity - f->included;
    amount(say, f->price.fixed);
    words(say, " (gồm ", " (");
    number(say, f->included);
    if (say->language == LANGUAGE_VI) {
        buf_char(say->out, ' ');
        buf_text(say->out, unit(say));
    }
    words(say, ")", " included)");
    if (beyond <= 0)
        return;
    buf_string(say->out, " + ");
    number(say, beyond);
    if (say->language == LANGUAGE_VI) {
        buf_char(say->out, ' ');
        buf_text(say->out, unit(say));
    }
    words(say, " thêm × ", " more × ");
    amount(say, f->next.fixed);
    equals_gross(say);
}

static void explain_count(struct saying *say, int64_t each)
{
    const struct formula *f = say->formula;
    if (f->has_next && say->line->quantity > 1) {
        amount(say, each);
        buf_string(say->out, " + ");
        number(say, say->line->quantity - 1);
        buf_string(say->out, " × ");
        amount(say, f->next.fixed);
        equals_gross(say);
    } else if (f->per == QUANTITY_COUNT) {
        amount(say, say->line->gross);
    } else {
        counted(say, each);
    }
}

static void explain_channel(struct saying *say)
{
    const struct formula *f = say->formula;
    enum fee_channel channel = say->quote->request->channel;
    int64_t price = f->channel_prices[channel];
    buf_string(say->out, words_of_channel(channel, say->language));
    buf_string(say->out, ": ");
    explain_count(say, price == QUANTITY_NONE ? f->channel_prices[CHANNEL_COUNTER] : price);
}

static void clamp_said(struct saying *say, int64_t raw)
{
    const struct formula *f = say->formula;
    if (raw > f->max) {
        words(say, ", tối đa ", ", at most ");
        amount(say, f->max);
    } else if (raw < f->min) {
        words(say, ", tối thiểu ", ", at least ");
        amount(say, f->min);
    }
}

/* A lump, a share of the whole, or a lump and a share of the part above. */
static void explain_share(struct saying *say, struct price price, int64_t base)
{
    int64_t part = 0;
    if (!price.share_ppb) {
        amount(say, price.fixed);
        clamp_said(say, price.fixed);
        return;
    }
    if (price.fixed) {
        amount(say, price.fixed);
        buf_string(say->out, " + ");
    }
    share(say, price.share_ppb);
    buf_string(say->out, " × ");
    amount(say, base);
    buf_string(say->out, " = ");
    if (rounding_divide((__int128)base * price.share_ppb, PPB, say->formula->rounding, &part) ||
        money_add(part, price.fixed, &part))
        part = say->line->gross;
    amount(say, part);
    clamp_said(say, part);
}

/* "giá trị 3.000.000 đ", "diện tích 2 ha", "lần thứ 2". */
static void measured(struct saying *say, enum quantity quantity, int64_t value)
{
    static const struct {
        const char *vi, *en, *unit_vi, *unit_en;
    } names[QUANTITY_COUNT] = {
        [QUANTITY_COPIES] = {"", "", " bản", " copies"},
        [QUANTITY_PAGES] = {"", "", " trang", " pages"},
        [QUANTITY_VALUE] = {"giá trị ", "value ", " đ", " đ"},
        [QUANTITY_PERSONS] = {"", "", " người", " persons"},
        [QUANTITY_SEQUENCE] = {"lần thứ ", "time no. ", "", ""},
        [QUANTITY_AREA_M2] = {"diện tích ", "area ", " m²", " m²"},
        [QUANTITY_HECTARES] = {"diện tích ", "area ", " ha", " ha"},
        [QUANTITY_RELIEF_USED] = {"đã giảm trong năm ", "relief this year ", " đ", " đ"},
        [QUANTITY_RELIEF_TIMES] = {"số lần đã giảm trong năm ", "times relieved this year ", "", ""},
    };
    words(say, names[quantity].vi, names[quantity].en);
    number(say, value);
    words(say, names[quantity].unit_vi, names[quantity].unit_en);
}

static void explain_bracket(struct saying *say)
{
    const struct formula *f = say->formula;
    int64_t value = say->quote->request->quantities[f->by];
    size_t at = 0;
    bool in_gap = false;
    for (; at + 1 < f->case_count; at++)
        if (f->cases[at].order == ORDER_LESS ? value < f->cases[at].bound : value <= f->cases[at].bound)
            break;
    const struct formula_case *last = &f->cases[f->case_count - 1];
    if (at + 1 == f->case_count && at > 0)
        in_gap = last->order == ORDER_GREATER ? value <= last->bound : value < last->bound;
    if (in_gap && f->gap == GAP_LOWER)
        at--;
    const struct formula_case *one = &f->cases[at];
    bool above = one->price.fixed && one->price.share_ppb;
    measured(say, f->by, value);
    buf_string(say->out, ": ");
    int64_t base = above ? value - one->from : value;
    explain_share(say, one->price, base < 0 ? 0 : base);
    if (in_gap)
        words(say, " (văn bản không quy định đúng mốc này; áp dụng theo chính sách ghi trong danh mục)",
              " (the text is silent on exactly this value; the catalogue's stated policy applies)");
}

/* The rate itself, to seven decimals of a per cent; "≈" where it has more. */
static void interpolated_said(struct saying *say, const struct interpolation *found)
{
    const struct formula *f = say->formula;
    const struct formula_case *above = &f->cases[found->above], *below = above - 1;
    words(say, "tỷ lệ nội suy ", "interpolated rate ");
    if (found->rate % found->span)
        buf_text(say->out, TEXT("≈ "));
    share(say, (int64_t)((found->rate + found->span / 2) / found->span));
    words(say, " (giữa ", " (between ");
    share(say, below->price.share_ppb);
    words(say, " ở mốc ", " at ");
    amount(say, below->bound);
    words(say, " và ", " and ");
    share(say, above->price.share_ppb);
    words(say, " ở mốc ", " at ");
    amount(say, above->bound);
    buf_char(say->out, ')');
}

static void explain_interp(struct saying *say)
{
    const struct formula *f = say->formula;
    const struct quote_request *request = say->quote->request;
    int64_t value = request->quantities[f->by], times = PPB;
    struct interpolation found;
    for (size_t i = 0; i < f->multiplier_count; i++)
        if (text_equal(f->multipliers[i].name, request->role))
            times = f->multipliers[i].price.share_ppb;
    if (!formula_interpolate(f, value, times, &found)) {
        amount(say, say->line->gross);
        return;
    }
    bool at_point = found.above < f->case_count && f->cases[found.above].bound == value;
    if (at_point)
        share(say, f->cases[found.above].price.share_ppb);
    else if (found.above == 0 || found.above == f->case_count)
        share(say, f->cases[found.above ? found.above - 1 : 0].price.share_ppb);
    else
        interpolated_said(say, &found);
    if (times != PPB) {
        words(say, " × hệ số ", " × factor ");
        share(say, times);
    }
    buf_text(say->out, TEXT(" × "));
    amount(say, value);
    buf_text(say->out, TEXT(" = "));
    amount(say, found.amount);
    clamp_said(say, found.amount);
}

/* Which case of the tariff it is: area, former area or role, in words. */
static void case_said(struct saying *say, const struct condition *one)
{
    const struct quote_request *request = say->quote->request;
    struct text code = one->subject == SUBJECT_ROLE                                    ? request->role
                       : one->subject == SUBJECT_LEGACY && request->legacy_area.length ? request->legacy_area
                                                                                       : request->area_class;
    buf_text(say->out, words_of_code(code.length ? code : one->words[0], say->language));
}

static void explain_matrix(struct saying *say)
{
    const struct formula *f = say->formula;
    const struct quote_request *request = say->quote->request;
    for (size_t i = 0; i < f->case_count; i++) {
        const struct formula_case *cell = &f->cases[i];
        if (conditions_hold(&cell->when, f, request, NULL) != HOLDS_YES)
            continue;
        for (size_t c = 0; c < cell->when.count; c++) {
            const struct condition *one = &cell->when.list[c];
            if (one->subject == SUBJECT_NUMBER)
                measured(say, one->number, request->quantities[one->number]);
            else if (one->subject == SUBJECT_CHANNEL)
                buf_string(say->out, words_of_channel(request->channel, say->language));
            else
                case_said(say, one);
            buf_string(say->out, c + 1 < cell->when.count ? ", " : ": ");
        }
        if (!cell->price.share_ppb) {
            explain_count(say, cell->price.fixed < f->max ? cell->price.fixed : f->max);
            return;
        }
        explain_share(say, cell->price, request->quantities[f->by]);
        if (say->line->quantity != 1) {
            buf_text(say->out, TEXT("; × "));
            number(say, say->line->quantity);
            equals_gross(say);
        }
        return;
    }
}

static date_days day_of_line(const struct saying *say)
{
    return say->line->fee->decided_by == DAY_OF_FILING ? say->quote->filed_on : say->quote->paid_on;
}

/* "50 % × 1.000.000 đ (Lệ phí cấp chứng chỉ …) = 500.000 đ" */
static void explain_percent_of(struct saying *say)
{
    const struct formula *f = say->formula;
    const struct fee *other = catalogue_fee_on(say->quote->catalogue, f->other, day_of_line(say));
    struct formula_result of = {.gross = QUANTITY_NONE};
    struct arena arena;
    struct faults ignored;
    arena_init(&arena);
    faults_init(&ignored, &arena);
    const struct formula_input in = {.catalogue = say->quote->catalogue,
                                     .request = say->quote->request,
                                     .fee = f->other,
                                     .where = "",
                                     .day = day_of_line(say),
                                     .depth = 1};
    share(say, f->price.share_ppb);
    if (other && !formula_evaluate(other->formula, &in, &ignored, &of)) {
        buf_text(say->out, TEXT(" × "));
        amount(say, of.gross);
        buf_text(say->out, TEXT(" ("));
        buf_text(say->out, say->language == LANGUAGE_VI ? other->name_vi : other->name_en);
        buf_char(say->out, ')');
    }
    equals_gross(say);
    arena_done(&arena);
}

/* "25 USD × 26.085,5 đ = 652.138 đ" */
static void decimal(struct saying *say, int64_t value, int64_t one)
{
    int64_t rest = value % one;
    number(say, value / one);
    if (rest)
        words(say, ",", ".");
    for (; rest; rest = rest % one) {
        one /= 10;
        buf_char(say->out, (char)('0' + rest / one));
    }
}

static void explain_foreign(struct saying *say)
{
    const struct formula *f = say->formula;
    const struct formula_input in = {
        .catalogue = say->quote->catalogue, .request = say->quote->request, .day = day_of_line(say)};
    int64_t rate = 0;
    date_days ends;
    exchange_rate_find(f, &in, &rate, &ends);
    decimal(say, f->foreign_cents, 100);
    buf_char(say->out, ' ');
    buf_text(say->out, f->currency);
    buf_text(say->out, TEXT(" × "));
    decimal(say, rate, 10000);
    words(say, " đ (tỷ giá công bố trong ngày)", " đ (the rate published for the day)");
    if (say->line->quantity > 1) {
        buf_text(say->out, TEXT(" × "));
        number(say, say->line->quantity);
    }
    equals_gross(say);
}

static void explain_gross(struct saying *say)
{
    switch (say->formula->kind) {
    case FORMULA_PAGE: explain_page(say); break;
    case FORMULA_EXTRA: explain_extra(say); break;
    case FORMULA_UNIT: explain_count(say, say->formula->price.fixed); break;
    case FORMULA_CHANNEL: explain_channel(say); break;
    case FORMULA_BRACKET: explain_bracket(say); break;
    case FORMULA_PERCENT:
        explain_share(say, say->formula->price, say->quote->request->quantities[say->formula->by]);
        break;
    case FORMULA_INTERP: explain_interp(say); break;
    case FORMULA_MATRIX: explain_matrix(say); break;
    case FORMULA_PERCENT_OF: explain_percent_of(say); break;
    case FORMULA_FOREIGN: explain_foreign(say); break;
    default: counted(say, say->line->gross);
    }
    if (say->line->gross == 0)
        words(say, " (mức thu bằng 0, không phải được miễn)", " (the price is zero; this is not an exemption)");
    buf_string(say->out, " (");
    buf_text(say->out, say->line->legal_basis);
    buf_char(say->out, ')');
}

static void explain_reduction(struct saying *say)
{
    const struct quote_reduction *best = say->line->reduction_count ? &say->line->reductions[0] : NULL;
    if (!best || best->state != REDUCTION_APPLIED)
        return;
    if (say->line->net == 0) {
        words(say, "; được miễn: ", "; exempt: ");
    } else {
        words(say, "; giảm ", "; less ");
        share(say, best->rate * (PPB / RATE_ONE));
        buf_string(say->out, ": ");
    }
    struct text reason = say->language == LANGUAGE_VI ? best->reason_vi : best->reason_en;
    buf_text(say->out, reason);
    if (text_find(reason, best->legal_basis) == reason.length) { /* many reasons are the text of law itself */
        buf_string(say->out, " (");
        buf_text(say->out, best->legal_basis);
        buf_char(say->out, ')');
    }
    words(say, ", bớt ", ", −");
    amount(say, say->line->reduced);
    words(say, ", còn ", ", leaves ");
    amount(say, say->line->net);
}

void quote_explain(const struct quote *quote, size_t index, enum fee_language language, struct buf *out)
{
    const struct quote_line *line = &quote->lines[index];
    if (!line->fee) {
        buf_text(out, language == LANGUAGE_VI ? line->postal_explanation_vi : line->postal_explanation_en);
        return;
    }
    struct saying say = {quote, line, line->fee->formula, language, out};
    explain_gross(&say);
    explain_reduction(&say);
}
