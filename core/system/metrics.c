#include "core/system/metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"

enum kind { COUNTER, GAUGE, SECONDS, ROWS };
enum { BUCKETS = 14 };

struct definition {
    enum kind kind;
    const char *name, *label, *values, *help;
};

static const struct definition definitions[] = {
#define METRIC(name, kind, text, label, values, help) {kind, text, label, values, help},
#include "core/system/metrics.def"
#undef METRIC
};

/* Upper bounds: microseconds from 100 µs to 10 s, and counts up to a full batch and beyond. */
static const int64_t seconds_bounds[BUCKETS] = {100,   250,   500,    1000,   2500,    5000,    10000,
                                                25000, 50000, 100000, 250000, 1000000, 2500000, 10000000};
static const char *const seconds_names[BUCKETS] = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
                                                   "0.025",  "0.05",    "0.1",    "0.25",  "1",      "2.5",   "10"};
static const int64_t rows_bounds[BUCKETS] = {1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 512, 1024, 2048, 4096};
static const char *const rows_names[BUCKETS] = {"1",   "2",   "4",   "8",   "16",   "32",   "64",
                                                "128", "192", "256", "512", "1024", "2048", "4096"};

/* One line of a metric. Cells lie on cache lines of their own, so that two threads counting two things do not meet. */
struct cell {
    _Alignas(64) _Atomic int64_t value; /* or the sum of a histogram */
    _Atomic int64_t buckets[BUCKETS + 1];
};

static struct cell cells[METRIC_COUNT][METRIC_LABELS_MAX];
static _Atomic int64_t started_us;

/* The n-th word of a list; empty at NULL when there are fewer. */
static struct text word_at(const char *words, int n)
{
    struct text rest = text_of(words), word = TEXT_NONE;
    for (int i = 0; i <= n; i++) {
        if (!rest.length)
            return TEXT_NONE;
        word = text_until(rest, ' ', &rest);
    }
    return word;
}

int metrics_label(enum metric metric, const char *value)
{
    int n = 0;
    for (struct text word; (word = word_at(definitions[metric].values, n)).length && n < METRIC_LABELS_MAX - 1; n++)
        if (value && text_is(word, value))
            return n;
    return n;
}

static struct cell *cell_of(enum metric metric, int label)
{
    assert(metric < METRIC_COUNT && label >= 0 && label < METRIC_LABELS_MAX);
    return &cells[metric][label];
}

void metrics_count_at(enum metric metric, int label, int64_t more)
{
    assert(definitions[metric].kind == COUNTER && more >= 0);
    atomic_fetch_add_explicit(&cell_of(metric, label)->value, more, memory_order_relaxed);
}

void metrics_count(enum metric metric, const char *label, int64_t more)
{
    metrics_count_at(metric, metrics_label(metric, label), more);
}

void metrics_set(enum metric metric, int64_t value)
{
    assert(definitions[metric].kind == GAUGE);
    atomic_store_explicit(&cell_of(metric, 0)->value, value, memory_order_relaxed);
}

void metrics_observe_at(enum metric metric, int label, int64_t value)
{
    enum kind kind = definitions[metric].kind;
    assert(kind == SECONDS || kind == ROWS);
    const int64_t *bounds = kind == SECONDS ? seconds_bounds : rows_bounds;
    struct cell *cell = cell_of(metric, label);
    int bucket = 0;
    while (bucket < BUCKETS && value > bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&cell->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cell->value, value, memory_order_relaxed);
}

void metrics_observe(enum metric metric, const char *label, int64_t value)
{
    metrics_observe_at(metric, metrics_label(metric, label), value);
}

static int64_t observations(struct cell *cell)
{
    int64_t count = 0;
    for (int i = 0; i <= BUCKETS; i++)
        count += atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
    return count;
}

int64_t metrics_value(enum metric metric, const char *label)
{
    struct cell *cell = cell_of(metric, metrics_label(metric, label));
    bool histogram = definitions[metric].kind == SECONDS || definitions[metric].kind == ROWS;
    return histogram ? observations(cell) : atomic_load_explicit(&cell->value, memory_order_relaxed);
}

static void write_histogram(struct buf *out, const struct definition *def, struct cell *cell, const char *label)
{
    const char *const *names = def->kind == SECONDS ? seconds_names : rows_names;
    const char *comma = *label ? "," : "";
    long long count = 0;
    for (int i = 0; i <= BUCKETS; i++) {
        count += atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %lld\n", def->name, label, comma, i < BUCKETS ? names[i] : "+Inf",
                   count);
    }
    const char *open = *label ? "{" : "", *close = *label ? "}" : "";
    long long sum = atomic_load_explicit(&cell->value, memory_order_relaxed);
    if (def->kind == SECONDS)
        buf_printf(out, "%s_sum%s%s%s %lld.%06lld\n", def->name, open, label, close, sum / 1000000, sum % 1000000);
    else
        buf_printf(out, "%s_sum%s%s%s %lld\n", def->name, open, label, close, sum);
    buf_printf(out, "%s_count%s%s%s %lld\n", def->name, open, label, close, count);
}

static void write_cell(struct buf *out, const struct definition *def, struct cell *cell, struct text value)
{
    char label[128] = "";
    if (*def->label)
        snprintf(label, sizeof label, "%s=\"%.*s\"", def->label, TEXT_ARGS(value));
    if (def->kind == SECONDS || def->kind == ROWS) {
        write_histogram(out, def, cell, label);
        return;
    }
    buf_printf(out, "%s%s%s%s %lld\n", def->name, *label ? "{" : "", label, *label ? "}" : "",
               (long long)atomic_load_explicit(&cell->value, memory_order_relaxed));
}

void metrics_start(void)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(&started_us, &never, clock_now());
}

void metrics_write(struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "histogram"};
    metrics_start();
    buf_printf(out,
               "# HELP lephi_build_info The version that runs.\n# TYPE lephi_build_info gauge\n"
               "lephi_build_info{version=\"%s\"} 1\n"
               "# HELP lephi_start_time_seconds When the process started.\n# TYPE lephi_start_time_seconds gauge\n"
               "lephi_start_time_seconds %lld\n",
               LEPHI_VERSION, (long long)(atomic_load(&started_us) / SECOND_US));
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        const struct definition *def = &definitions[metric];
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", def->name, def->help, def->name, types[def->kind]);
        if (!*def->label) {
            write_cell(out, def, &cells[metric][0], TEXT_NONE);
            continue;
        }
        int n = 0;
        for (struct text value; (value = word_at(def->values, n)).length; n++)
            write_cell(out, def, &cells[metric][n], value);
        bool others = atomic_load(&cells[metric][n].value) || observations(&cells[metric][n]);
        if (others)
            write_cell(out, def, &cells[metric][n], TEXT("other"));
    }
}
