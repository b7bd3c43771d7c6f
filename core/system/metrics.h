/* Numbers about the running process, for Prometheus: one fixed table (metrics.def), relaxed atomics, no locks. */
#ifndef LEPHI_CORE_METRICS_H
#define LEPHI_CORE_METRICS_H

#include <stdint.h>
#include "core/base/buf.h"

enum metric {
#define METRIC(name, kind, text, label, values, help) METRIC_##name,
#include "core/system/metrics.def"
#undef METRIC
    METRIC_COUNT
};

enum { METRIC_LABELS_MAX = 16 };

/* The position of a label's value, for metrics_count_at on hot paths; the position of "other" when unknown. */
int metrics_label(enum metric metric, const char *value);

void metrics_count(enum metric metric, const char *label, int64_t more); /* counters; label NULL when there is none */
void metrics_count_at(enum metric metric, int label, int64_t more);
void metrics_set(enum metric metric, int64_t value); /* gauges */
/* Histograms: a duration in microseconds, or a count. */
void metrics_observe(enum metric metric, const char *label, int64_t value);
void metrics_observe_at(enum metric metric, int label, int64_t value);

int64_t metrics_value(enum metric metric, const char *label); /* histograms: how many observations */

/* Text exposition format 0.0.4, with lephi_build_info and lephi_start_time_seconds in front. */
void metrics_write(struct buf *out);
/* Sets the start time; the first metrics_write does it otherwise. */
void metrics_start(void);

#endif
