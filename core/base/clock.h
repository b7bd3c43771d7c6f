/* Time: one replaceable clock, instants in microseconds since 1970 UTC, business days at fixed +07:00.
 *
 * Vietnam has no summer time, so the business day in Asia/Ho_Chi_Minh is a fixed shift (house rule, no tz database). */
#ifndef LEPHI_CORE_CLOCK_H
#define LEPHI_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/text.h"

typedef int64_t instant_us; /* microseconds since 1970-01-01T00:00:00Z */
typedef int32_t date_days;  /* days since 1970-01-01; DATE_NONE is "not given" */

#define INSTANT_NONE     INT64_MIN
#define DATE_NONE        INT32_MIN
#define SECOND_US        INT64_C(1000000)
#define DAY_US           (86400 * SECOND_US)
#define VIETNAM_SHIFT_US (7 * 3600 * SECOND_US)

struct civil {
    int year, month, day, hour, minute, second;
};

instant_us clock_now(void);        /* wall time plus the configured shift */
void clock_shift(int64_t shift_s); /* for training systems and demos: the whole installation lives that far away */
int64_t clock_monotonic_us(void);  /* for measuring and deadlines; never shifted */

date_days date_of(instant_us at);                  /* the business day an instant falls on */
date_days date_from(int year, int month, int day); /* DATE_NONE when there is no such day */
struct civil civil_of(instant_us at);              /* local time of Vietnam */
struct civil civil_of_date(date_days date);
instant_us instant_from(struct civil local); /* INSTANT_NONE when impossible */
int date_weekday(date_days date);            /* 0 Sunday … 6 Saturday */

/* "YYYY-MM-DD", years 1900 to 2999. */
bool date_parse(struct text text, date_days *ret_date);
/* RFC 3339 with offset (or Z), fractions up to nine digits. */
bool instant_parse(struct text text, instant_us *ret_at);

enum { DATE_TEXT_SIZE = 16, INSTANT_TEXT_SIZE = 40 };
void date_format(date_days date, char ret_text[DATE_TEXT_SIZE]);    /* 2026-11-22 */
void date_format_vi(date_days date, char ret_text[DATE_TEXT_SIZE]); /* 22/11/2026 */
void instant_format(instant_us at,
                    char ret_text[INSTANT_TEXT_SIZE]); /* 2026-11-22T09:14:00+07:00, fractions only if any */
void instant_format_vi(instant_us at, char ret_text[INSTANT_TEXT_SIZE]); /* 09:14 ngày 22/11/2026 */

#endif
