#include "core/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t shift_us;

instant_us clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND_US + now.tv_nsec / 1000 + atomic_load_explicit(&shift_us, memory_order_relaxed);
}

void clock_shift(int64_t shift_s)
{
    atomic_store(&shift_us, shift_s * SECOND_US);
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Days and civil dates by Howard Hinnant's public-domain algorithms ("chrono-compatible low-level date algorithms"). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_divide(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil civil_of_date(date_days date)
{
    int64_t z = (int64_t)date + 719468;
    int64_t era = floor_divide(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (struct civil){.year = (int)(year_of_era + era * 400 + (month <= 2)),
                          .month = month,
                          .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

date_days date_from(int year, int month, int day)
{
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return DATE_NONE;
    date_days date = (date_days)days_from_civil(year, month, day);
    struct civil back = civil_of_date(date);
    return back.month == month && back.day == day ? date : DATE_NONE;
}

date_days date_of(instant_us at)
{
    return (date_days)floor_divide(at + VIETNAM_SHIFT_US, DAY_US);
}

struct civil civil_of(instant_us at)
{
    int64_t local_s = floor_divide(at + VIETNAM_SHIFT_US, SECOND_US);
    int64_t days = floor_divide(local_s, 86400);
    int second_of_day = (int)(local_s - days * 86400);
    struct civil civil = civil_of_date((date_days)days);
    civil.hour = second_of_day / 3600;
    civil.minute = second_of_day / 60 % 60;
    civil.second = second_of_day % 60;
    return civil;
}

instant_us instant_from(struct civil local)
{
    date_days date = date_from(local.year, local.month, local.day);
    bool time_ok = local.hour >= 0 && local.hour < 24 && local.minute >= 0 && local.minute < 60 && local.second >= 0 &&
                   local.second < 60;
    if (date == DATE_NONE || !time_ok)
        return INSTANT_NONE;
    return (date * INT64_C(86400) + local.hour * 3600 + local.minute * 60 + local.second) * SECOND_US -
           VIETNAM_SHIFT_US;
}

int date_weekday(date_days date)
{
    return (int)(((int64_t)date % 7 + 11) % 7);
}

/* Reads exactly `count` digits at `from`; -1 when they are not there. */
static int digits(struct text text, size_t from, size_t count)
{
    if (from + count > text.length)
        return -1;
    int value = 0;
    for (size_t i = from; i < from + count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        value = value * 10 + (text.at[i] - '0');
    }
    return value;
}

bool date_parse(struct text text, date_days *ret_date)
{
    if (text.length != 10 || text.at[4] != '-' || text.at[7] != '-')
        return false;
    int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    if (year < 1900 || year > 2999 || month < 0 || day < 0)
        return false;
    date_days date = date_from(year, month, day);
    if (date == DATE_NONE)
        return false;
    *ret_date = date;
    return true;
}

/* "Z", "+07:00"; writes minutes east of UTC. */
static bool offset_parse(struct text text, int *ret_minutes)
{
    if (text.length == 1 && (text.at[0] == 'Z' || text.at[0] == 'z')) {
        *ret_minutes = 0;
        return true;
    }
    if (text.length != 6 || (text.at[0] != '+' && text.at[0] != '-') || text.at[3] != ':')
        return false;
    int hours = digits(text, 1, 2), minutes = digits(text, 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_minutes = (text.at[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

bool instant_parse(struct text text, instant_us *ret_at)
{
    date_days date;
    if (text.length < 20 || !date_parse(text_slice(text, 0, 10), &date))
        return false;
    if ((text.at[10] != 'T' && text.at[10] != 't' && text.at[10] != ' ') || text.at[13] != ':' || text.at[16] != ':')
        return false;
    int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    size_t next = 19;
    int64_t fraction_us = 0;
    if (text.at[next] == '.') {
        int64_t unit = 100000;
        size_t start = ++next;
        for (; next < text.length && text.at[next] >= '0' && text.at[next] <= '9'; next++, unit /= 10)
            fraction_us += (text.at[next] - '0') * unit;
        if (next == start || next - start > 9)
            return false;
    }
    int offset_minutes;
    if (!offset_parse(text_slice(text, next, text.length), &offset_minutes))
        return false;
    int64_t seconds = date * INT64_C(86400) + hour * 3600 + minute * 60 + second - offset_minutes * 60;
    *ret_at = seconds * SECOND_US + fraction_us;
    return true;
}

/* Numbers of fixed width, by hand: every reply carries instants, and printf costs more than all else in them. */
static char *put_digits(char *to, int number, int width)
{
    for (int i = width - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + width;
}

static char *put_date(char *to, struct civil c)
{
    to = put_digits(to, c.year % 10000, 4);
    *to++ = '-';
    to = put_digits(to, c.month, 2);
    *to++ = '-';
    return put_digits(to, c.day, 2);
}

void date_format(date_days date, char ret_text[DATE_TEXT_SIZE])
{
    *put_date(ret_text, civil_of_date(date)) = '\0';
}

void date_format_vi(date_days date, char ret_text[DATE_TEXT_SIZE])
{
    struct civil c = civil_of_date(date);
    snprintf(ret_text, DATE_TEXT_SIZE, "%02d/%02d/%04d", c.day % 100, c.month % 100, c.year % 10000);
}

void instant_format(instant_us at, char ret_text[INSTANT_TEXT_SIZE])
{
    struct civil c = civil_of(at);
    int64_t fraction = at - floor_divide(at, SECOND_US) * SECOND_US;
    char *to = put_date(ret_text, c);
    *to++ = 'T';
    to = put_digits(to, c.hour, 2);
    *to++ = ':';
    to = put_digits(to, c.minute, 2);
    *to++ = ':';
    to = put_digits(to, c.second, 2);
    if (fraction) {
        *to++ = '.';
        to = put_digits(to, (int)fraction, 6);
    }
    memcpy(to, "+07:00", 7);
}

void instant_format_vi(instant_us at, char ret_text[INSTANT_TEXT_SIZE])
{
    struct civil c = civil_of(at);
    snprintf(ret_text, INSTANT_TEXT_SIZE, "%02d:%02d ngày %02d/%02d/%04d", c.hour % 100, c.minute % 100, c.day % 100,
             c.month % 100, c.year % 10000);
}
