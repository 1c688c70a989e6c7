/*
 * HTTP dates (RFC 9110 section 5.6.7) and Retry-After (section 10.2.3), without a locale or a clock.
 *
 * All three forms of a date are read, and a date must be one of the calendar. Whether its day of the
 * week is the right one is not checked.
 */
#include <string.h>

#include "source/source.h"

#define HTTP_DATE_MAX           40
#define RETRY_AFTER_SECONDS_MAX 86400

/* A cursor over a text; anything unexpected makes it bad, and then it stays so. */
struct scan {
    const char *at;
    bool good;
};

struct civil {
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t hour;
    int64_t minute;
    int64_t second;
};

/* ---- parts ---- */

static bool scan_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t scan_number(struct scan *scan, int digits)
{
    int64_t number = 0;

    for (int i = 0; scan->good && i < digits; i++) {
        scan->good = scan_is_digit(*scan->at);
        number = scan->good ? number * 10 + (*scan->at++ - '0') : number;
    }
    return number;
}

static bool scan_try(struct scan *scan, const char *text)
{
    size_t length = strlen(text);

    if (!scan->good || strncmp(scan->at, text, length) != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

static void scan_literal(struct scan *scan, const char *text)
{
    scan->good = scan_try(scan, text);
}

static int64_t scan_month(struct scan *scan)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (scan_try(scan, names[i])) {
            return (int64_t)i + 1;
        }
    }
    scan->good = false;
    return 1;
}

static void scan_time(struct scan *scan, struct civil *civil)
{
    civil->hour = scan_number(scan, 2);
    scan_literal(scan, ":");
    civil->minute = scan_number(scan, 2);
    scan_literal(scan, ":");
    civil->second = scan_number(scan, 2);
}

/* ---- forms ---- */

/* After ", ": "06 Nov 1994 08:49:37 GMT", or with hyphens and two digits of a year (1970-2069). */
static void scan_usual_date(struct scan *scan, bool rfc850, struct civil *civil)
{
    civil->day = scan_number(scan, 2);
    scan_literal(scan, rfc850 ? "-" : " ");
    civil->month = scan_month(scan);
    scan_literal(scan, rfc850 ? "-" : " ");
    civil->year = scan_number(scan, rfc850 ? 2 : 4);
    if (rfc850) {
        civil->year += civil->year < 70 ? 2000 : 1900;
    }
    scan_literal(scan, " ");
    scan_time(scan, civil);
    scan_literal(scan, " GMT");
}

/* After "Sun ": "Nov  6 08:49:37 1994" */
static void scan_asctime_date(struct scan *scan, struct civil *civil)
{
    civil->month = scan_month(scan);
    scan_literal(scan, " ");
    civil->day = scan_number(scan, scan_try(scan, " ") ? 1 : 2);
    scan_literal(scan, " ");
    scan_time(scan, civil);
    scan_literal(scan, " ");
    civil->year = scan_number(scan, 4);
}

static void scan_date(struct scan *scan, struct civil *civil)
{
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        const char brief[] = {days[i][0], days[i][1], days[i][2], '\0'};

        if (scan_try(scan, days[i])) {
            scan_literal(scan, ", ");
            scan_usual_date(scan, true, civil);
            return;
        }
        if (scan_try(scan, brief)) {
            if (scan_try(scan, ", ")) {
                scan_usual_date(scan, false, civil);
            } else {
                scan_literal(scan, " ");
                scan_asctime_date(scan, civil);
            }
            return;
        }
    }
    scan->good = false;
}

/* ---- the calendar ---- */

static int64_t civil_month_length(const struct civil *civil)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = civil->year % 4 == 0 && (civil->year % 100 != 0 || civil->year % 400 == 0);

    return lengths[civil->month - 1] + (civil->month == 2 && leap ? 1 : 0);
}

/* A leap second may be written, and counts as the second after it. */
static bool civil_valid(const struct civil *civil)
{
    return civil->year >= 1970 && civil->day >= 1 && civil->day <= civil_month_length(civil) &&
           civil->hour <= 23 && civil->minute <= 59 && civil->second <= 60;
}

/* Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March. */
static int64_t civil_days(const struct civil *civil)
{
    int64_t year = civil->month <= 2 ? civil->year - 1 : civil->year;
    int64_t month = civil->month <= 2 ? civil->month + 9 : civil->month - 3;
    int64_t day_of_year = (153 * month + 2) / 5 + civil->day - 1;

    return 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

bool freshet_http_date(const char *value, int64_t *seconds)
{
    struct scan scan = {.at = value, .good = true};
    struct civil civil = {0};

    if (value == NULL || strnlen(value, HTTP_DATE_MAX) == HTTP_DATE_MAX) {
        return false;
    }
    scan_date(&scan, &civil);
    if (!scan.good || *scan.at != '\0' || !civil_valid(&civil)) {
        return false;
    }
    *seconds = civil_days(&civil) * 86400 + civil.hour * 3600 + civil.minute * 60 + civil.second;
    return true;
}

/* ---- Retry-After ---- */

/* Of several values that were joined to one list, the first. */
bool freshet_retry_after(const char *value, int64_t wall_ms, int64_t *delay_ms)
{
    int64_t seconds = 0;

    if (value == NULL) {
        return false;
    }
    value += strspn(value, " \t");
    if (!scan_is_digit(*value)) {
        if (!freshet_http_date(value, &seconds)) {
            return false;
        }
        *delay_ms = freshet_max(0, seconds * 1000 - wall_ms);
        return true;
    }
    while (scan_is_digit(*value)) {
        seconds = freshet_min(seconds * 10 + (*value++ - '0'), RETRY_AFTER_SECONDS_MAX);
    }
    value += strspn(value, " \t");
    if (*value != '\0' && *value != ',') {
        return false;
    }
    *delay_ms = seconds * 1000;
    return true;
}
