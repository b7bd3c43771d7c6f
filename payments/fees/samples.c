/* Typical requests for a row of the catalogue: enough of them to reach every case of its formula. */
#include <string.h>
#include "payments/fees/difference.h"

enum { ALL_CHANNELS = (1u << CHANNEL_COUNT) - 1, FOREIGN_RATE = 25000 };

/* One of everything: what a formula does not ask for changes nothing. */
static void sample_init(struct sample *sample)
{
    quote_request_init(&sample->request);
    for (int i = 0; i < QUANTITY_COUNT; i++)
        sample->request.quantities[i] = 1;
    sample->request.quantities[QUANTITY_VALUE] = INT64_C(1000000000);
    sample->request.quantities[QUANTITY_AREA_M2] = 100;
    sample->request.quantities[QUANTITY_RELIEF_USED] = 0;
    sample->request.quantities[QUANTITY_RELIEF_TIMES] = 0;
    sample->request.exchange_rate = FOREIGN_RATE * INT64_C(10000);
    sample->channels = ALL_CHANNELS;
    sample->words = TEXT_NONE;
}

struct samples {
    struct arena *arena;
    struct sample *list;
    size_t *count;
};

static void sample_add(struct samples *to, const struct sample *sample)
{
    for (size_t i = 0; i < *to->count; i++)
        if (text_equal(to->list[i].words, sample->words) && to->list[i].channels == sample->channels)
            return;
    if (*to->count < SAMPLES_MAX)
        to->list[(*to->count)++] = *sample;
}

/* "2 trang", "giá trị 1.000.000.000 đ" */
static struct text quantity_say(struct arena *arena, enum quantity quantity, int64_t number)
{
    char text[MONEY_TEXT_SIZE];
    static const char *const units[QUANTITY_COUNT] = {[QUANTITY_COPIES] = "bản",
                                                      [QUANTITY_PAGES] = "trang",
                                                      [QUANTITY_PERSONS] = "người",
                                                      [QUANTITY_AREA_M2] = "m²",
                                                      [QUANTITY_HECTARES] = "ha"};
    money_format(number, text);
    if (units[quantity])
        return arena_textf(arena, "%s %s", text, units[quantity]);
    if (quantity == QUANTITY_SEQUENCE)
        return arena_textf(arena, "lần thứ %s", text);
    return arena_textf(arena, "giá trị %s đ", text);
}

static void quantity_try(struct samples *to, enum quantity quantity, int64_t number)
{
    struct sample sample;
    if (number < 1 || number > MONEY_MAX || quantity >= QUANTITY_COUNT)
        return;
    sample_init(&sample);
    sample.request.quantities[quantity] = number;
    sample.words = quantity_say(to->arena, quantity, number);
    sample_add(to, &sample);
}

static int64_t number_for(const struct condition *one)
{
    switch (one->order) {
    case ORDER_LESS: return one->bound - 1;
    case ORDER_GREATER: return one->bound + 1;
    default: return one->bound;
    }
}

static void cell_try(struct samples *to, const struct formula_case *cell)
{
    struct sample sample;
    struct buf words = {0};
    sample_init(&sample);
    for (size_t i = 0; i < cell->when.count; i++) {
        const struct condition *one = &cell->when.list[i];
        const char *comma = words.length ? ", " : "";
        if (one->subject == SUBJECT_CHANNEL) {
            sample.channels = one->channels;
            continue;
        }
        if (one->subject == SUBJECT_NUMBER) {
            sample.request.quantities[one->number] = number_for(one);
            struct text said = quantity_say(to->arena, one->number, number_for(one));
            buf_printf(&words, "%s%.*s", comma, TEXT_ARGS(said));
            continue;
        }
        struct text word = one->word_count ? one->words[0] : TEXT_NONE;
        *(one->subject == SUBJECT_AREA   ? &sample.request.area_class
          : one->subject == SUBJECT_ROLE ? &sample.request.role
                                         : &sample.request.legacy_area) = word;
        buf_printf(&words, "%s%s %.*s", comma,
                   one->subject == SUBJECT_AREA   ? "địa bàn"
                   : one->subject == SUBJECT_ROLE ? "trường hợp"
                                                  : "địa bàn cũ",
                   TEXT_ARGS(word));
    }
    sample.words = arena_text(to->arena, buf_view(&words));
    buf_done(&words);
    sample_add(to, &sample);
}

/* Both sides of each mark, and beyond the last. */
static void marks_try(struct samples *to, const struct formula *f)
{
    int64_t last = 0;
    for (size_t i = 0; i < f->case_count; i++) {
        if (f->cases[i].bound == INT64_MAX)
            continue;
        quantity_try(to, f->by, f->cases[i].bound);
        last = f->cases[i].bound;
    }
    quantity_try(to, f->by, last <= MONEY_MAX / 2 ? last * 2 : last);
}

void samples_of(const struct catalogue *catalogue, const struct fee *fee, struct arena *arena, struct sample *samples,
                size_t *count)
{
    const struct formula *f = fee->formula;
    struct samples to = {arena, samples, count};
    struct sample plain;
    sample_init(&plain);
    if (f->kind == FORMULA_PERCENT_OF) {
        const struct fee_entry *other = catalogue_entry(catalogue, f->other);
        if (other && other->versions[other->version_count - 1].formula->kind != FORMULA_PERCENT_OF)
            samples_of(catalogue, &other->versions[other->version_count - 1], arena, samples, count);
        return;
    }
    switch (f->kind) {
    case FORMULA_PAGE:
        for (size_t i = 0; i < f->case_count; i++)
            quantity_try(&to, QUANTITY_PAGES, f->cases[i].bound == INT64_MAX ? 10 : f->cases[i].bound);
        quantity_try(&to, QUANTITY_PAGES, 500);
        break;
    case FORMULA_UNIT: quantity_try(&to, f->per, f->has_next ? 3 : 1); break;
    case FORMULA_EXTRA:
        quantity_try(&to, f->per, f->included);
        quantity_try(&to, f->per, f->included + 3);
        break;
    case FORMULA_PERCENT: quantity_try(&to, f->by, 1000000000); break;
    case FORMULA_BRACKET:
    case FORMULA_INTERP: marks_try(&to, f); break;
    case FORMULA_MATRIX:
        for (size_t i = 0; i < f->case_count; i++)
            cell_try(&to, &f->cases[i]);
        break;
    default: break;
    }
    for (size_t i = 0; i < f->multiplier_count; i++) {
        struct sample sample = plain;
        sample.request.role = f->multipliers[i].name;
        sample.words = arena_textf(arena, "trường hợp %.*s", TEXT_ARGS(f->multipliers[i].name));
        sample_add(&to, &sample);
    }
    if (*count == 0)
        sample_add(&to, &plain);
}
