/*
 * HTTP dates (RFC 9110 section 5.6.7) and Retry-After (section 10.2.3), without a locale.
 */
#include <string.h>

#include "source/source.h"

#define HTTP_DATE_MAX 64
#define RETRY_AFTER_SECONDS_MAX 86400

/* A cursor over a bounded text; anything unexpected makes it bad. */
struct scan {
    const char *at;
    bool good;
};

static bool scan_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t scan_number(struct scan *scan, int digits_min, int digits_max)
{
    int64_t number = 0;
    int digits = 0;

    while (digits < digits_max && scan_is_digit(*scan->at)) {
        number = number * 10 + (*scan->at++ - '0');
        digits++;
    }
    scan->good = scan->good && digits >= digits_min;
    return number;
}

static void scan_literal(struct scan *scan, const char *text)
{
    size_t length = strlen(text);

    if (scan->good && strncmp(scan->at, text, length) == 0) {
        scan->at += length;
    } else {
        scan->good = false;
    }
}

static int64_t scan_month(struct scan *scan)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int64_t month = 0; month < 12; month++) {
        if (strncmp(scan->at, months + 3 * month, 3) == 0) {
            scan->at += 3;
            return month + 1;
        }
    }
    scan->good = false;
    return 1;
}

struct civil {
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t hour;
    int64_t minute;
    int64_t second;
};

static void scan_time(struct scan *scan, struct civil *civil)
{
    civil->hour = scan_number(scan, 2, 2);
    scan_literal(scan, ":");
    civil->minute = scan_number(scan, 2, 2);
    scan_literal(scan, ":");
    civil->second = scan_number(scan, 2, 2);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static void scan_fixed_date(struct scan *scan, struct civil *civil)
{
    civil->day = scan_number(scan, 2, 2);
    scan_literal(scan, " ");
    civil->month = scan_month(scan);
    scan_literal(scan, " ");
    civil->year = scan_number(scan, 4, 4);
    scan_literal(scan, " ");
    scan_time(scan, civil);
    scan_literal(scan, " GMT");
}

/* "Sunday, 06-Nov-94 08:49:37 GMT"; two digits of a year mean 1970 to 2069 */
static void scan_rfc850_date(struct scan *scan, struct civil *civil)
{
    civil->day = scan_number(scan, 2, 2);
    scan_literal(scan, "-");
    civil->month = scan_month(scan);
    scan_literal(scan, "-");
    civil->year = scan_number(scan, 2, 2);
    civil->year += civil->year < 70 ? 2000 : 1900;
    scan_literal(scan, " ");
    scan_time(scan, civil);
    scan_literal(scan, " GMT");
}

/* "Sun Nov  6 08:49:37 1994" */
static void scan_asctime_date(struct scan *scan, struct civil *civil)
{
    civil->month = scan_month(scan);
    scan_literal(scan, " ");
    scan->at += *scan->at == ' ' ? 1 : 0;
    civil->day = scan_number(scan, 1, 2);
    scan_literal(scan, " ");
    scan_time(scan, civil);
    scan_literal(scan, " ");
    civil->year = scan_number(scan, 4, 4);
}

static bool civil_valid(const struct civil *c)
{
    return c->year >= 1970 && c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= 31 &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

/* Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March. */
static int64_t civil_days(const struct civil *c)
{
    int64_t year = c->month <= 2 ? c->year - 1 : c->year;
    int64_t month = c->month <= 2 ? c->month + 9 : c->month - 3;
    int64_t days_of_year = (153 * month + 2) / 5 + c->day - 1;

    return 365 * year + year / 4 - year / 100 + year / 400 + days_of_year - 719468;
}

bool freshet_http_date(const char *value, int64_t *seconds)
{
    struct scan scan = {.at = value, .good = true};
    struct civil civil = {0};
    const char *comma = NULL;

    if (value == NULL || strnlen(value, HTTP_DATE_MAX) == HTTP_DATE_MAX) {
        return false;
    }
    comma = strchr(value, ',');
    if (comma != NULL) {
        scan.at = comma + 1;
        scan_literal(&scan, " ");
        if (comma - value == 3) {
            scan_fixed_date(&scan, &civil);
        } else {
            scan_rfc850_date(&scan, &civil);
        }
    } else if (strlen(value) > 4) {
        scan.at = value + 3;
        scan_literal(&scan, " ");
        scan_asctime_date(&scan, &civil);
    } else {
        return false;
    }
    if (!scan.good || *scan.at != '\0' || !civil_valid(&civil)) {
        return false;
    }
    *seconds =
        civil_days(&civil) * 86400 + civil.hour * 3600 + civil.minute * 60 + civil.second;
    return true;
}

bool freshet_retry_after(const char *value, int64_t wall_ms, int64_t *delay_ms)
{
    struct scan scan = {.at = value, .good = true};
    int64_t seconds = 0;

    if (value == NULL) {
        return false;
    }
    if (!scan_is_digit(*value)) {
        if (!freshet_http_date(value, &seconds)) {
            return false;
        }
        *delay_ms = freshet_max(0, seconds * 1000 - wall_ms);
        return true;
    }
    seconds = scan_number(&scan, 1, 9);
    while (*scan.at == ' ') {
        scan.at++;
    }
    if (*scan.at != '\0' && *scan.at != ',') {
        return false;
    }
    *delay_ms = freshet_min(seconds, RETRY_AFTER_SECONDS_MAX) * 1000;
    return true;
}
