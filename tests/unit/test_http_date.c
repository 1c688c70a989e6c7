/*
 * HTTP dates in their three forms, and Retry-After (behaviour row U4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "source/source.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS        INT64_C(1445412470500) /* 9.5 s before the date of the Retry-After tests */

static void three_forms_are_read(void **state)
{
    static const struct {
        const char *value;
        int64_t seconds;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
        {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
        {"Thu, 31 Dec 2026 23:59:60 GMT", 1798761600},
        {"Monday, 01-Jan-69 00:00:00 GMT", 3124224000},
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t seconds = -1;

        if (!freshet_http_date(rows[i].value, &seconds) || seconds != rows[i].seconds) {
            fail_msg("%s: %lld", rows[i].value, (long long)seconds);
        }
    }
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "Sun",
        "Sun,",
        "Sun, ",
        "Sunday",
        "1994-11-06T08:49:37Z",
        "784111777",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, 29 Feb 1999 08:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 006 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun, 06 Nov 1994 08:49:37 GMTSun, 06 Nov 1994 08:49:37 GMT",
    };
    int64_t seconds = 0;

    (void)state;
    assert_false(freshet_http_date(NULL, &seconds));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (freshet_http_date(rows[i], &seconds)) {
            fail_msg("accepted: \"%s\"", rows[i]);
        }
    }
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    static const struct {
        const char *value;
        int64_t delay_ms;
    } rows[] = {
        {"30", 30000},
        {"0", 0},
        {"1", 1000},
        {" 7 ", 7000},
        {"60, 120", 60000},
        {"60,", 60000},
        {"3600", 3600000},
        {"99999999999999999999999999", 86400000},
        {"Wed, 21 Oct 2015 07:28:00 GMT", 9500},
        {"Wednesday, 21-Oct-15 07:28:00 GMT", 9500},
        {"Wed Oct 21 07:28:00 2015", 9500},
        {"Wed, 21 Oct 2015 07:27:00 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t delay_ms = -1;

        if (!freshet_retry_after(rows[i].value, NOW_MS, &delay_ms) ||
            delay_ms != rows[i].delay_ms) {
            fail_msg("%s: %lld", rows[i].value, (long long)delay_ms);
        }
    }
}

static void unreadable_retry_after_is_ignored(void **state)
{
    static const char *const rows[] = {"",     " ",   "-1",  "+1",   "1.5", "1s",
                                       "0x10", "abc", ",60", "60;x", "NaN", "soon, 5"};
    int64_t delay_ms = 0;

    (void)state;
    assert_false(freshet_retry_after(NULL, NOW_MS, &delay_ms));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (freshet_retry_after(rows[i], NOW_MS, &delay_ms)) {
            fail_msg("accepted: \"%s\"", rows[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms_are_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(unreadable_retry_after_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
