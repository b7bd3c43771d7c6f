/* Quiet hours by the clock of Vietnam. */
#include "payments/notices/notices.h"

enum { DAY_MIN = 24 * 60 };

/* "21:00" to minutes, -1 when it is none. */
static int minutes_of(struct text text)
{
    int64_t hours, minutes;
    struct text rest, head = text_until(text, ':', &rest);
    if (head.length != 2 || rest.length != 2 || !text_to_int64(head, &hours) || !text_to_int64(rest, &minutes) ||
        hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -1;
    return (int)(hours * 60 + minutes);
}

bool quiet_hours_read(struct text text, struct quiet_hours *ret_quiet)
{
    struct text to, from = text_until(text, '-', &to);
    if (!text.length) {
        *ret_quiet = (struct quiet_hours){0};
        return true;
    }
    struct quiet_hours quiet = {minutes_of(text_trim(from)), minutes_of(text_trim(to))};
    if (quiet.from < 0 || quiet.to < 0)
        return false;
    *ret_quiet = quiet;
    return true;
}

instant_us quiet_hours_after(const struct quiet_hours *quiet, instant_us at)
{
    struct civil local = civil_of(at);
    int now = local.hour * 60 + local.minute;
    int length = (quiet->to - quiet->from + DAY_MIN) % DAY_MIN, into = (now - quiet->from + DAY_MIN) % DAY_MIN;
    if (into >= length)
        return at;
    int64_t left_s = (int64_t)(length - into) * 60 - local.second;
    return at - at % SECOND_US + left_s * SECOND_US;
}
