/*
 * What the headers of an answer tell, whatever its status: when to ask again, the issuer's time, and
 * the next credential.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define WALL_MS       INT64_C(1445412470000)

static struct reading headers_read(int status, const char *retry_after, const char *date,
                                   const char *authorization)
{
    struct http_response response = {
        .status = status, .retry_after = retry_after, .date = date, .authorization = authorization};
    struct reading reading;

    freshet_clerk_read(ON_TOKENS, &response, WALL_MS, &reading);
    return reading;
}

static void retry_after_counts_for_429_and_503(void **state)
{
    static const struct {
        int status;
        const char *value;
        const char *date;
        bool has;
        int64_t delay_ms;
    } rows[] = {
        {429, "30", NULL, true, 30000},
        {503, "60, 120", NULL, true, 60000},
        {429, "Wed, 21 Oct 2015 07:28:00 GMT", NULL, true, 10000},
        {429, "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:27:00 GMT", true, 60000},
        {503, "Wed, 21 Oct 2015 07:27:00 GMT", NULL, true, 0},
        {503, "0", NULL, true, 0},
        {429, "-1", NULL, false, 0},
        {429, NULL, NULL, false, 0},
        {500, "30", NULL, false, 0},
        {200, "30", NULL, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct reading reading = headers_read(rows[i].status, rows[i].value, rows[i].date, NULL);

        assert_int_equal(reading.outcome.has_retry_after, rows[i].has);
        if (rows[i].has) {
            assert_int_equal(reading.outcome.retry_after_ms, rows[i].delay_ms);
        }
        freshet_reading_free(&reading);
    }
}

static void date_is_read_or_zero(void **state)
{
    struct reading reading = headers_read(500, NULL, "Sun, 06 Nov 1994 08:49:37 GMT", NULL);

    (void)state;
    assert_int_equal(reading.outcome.date_s, 784111777);
    freshet_reading_free(&reading);
    reading = headers_read(500, NULL, "yesterday", NULL);
    assert_int_equal(reading.outcome.date_s, 0);
    freshet_reading_free(&reading);
}

static void credential_is_kept_bare_whatever_the_status(void **state)
{
    static const struct {
        int status;
        const char *header;
        const char *credential;
    } rows[] = {
        {200, "a.b.c", "a.b.c"},
        {401, "Bearer a.b.c", "a.b.c"},
        {500, "bEARER   a.b.c", "a.b.c"},
        {200, " a.b.c\r\n", "a.b.c"},
        {200, "Bearera.b.c", "Bearera.b.c"},
        {200, "", NULL},
        {200, "Bearer", NULL},
        {200, "Bearer ", NULL},
        {200, "a b", NULL},
        {200, "a\nb", NULL},
        {200, "a\xc3\xa9", NULL},
        {200, NULL, NULL},
    };
    static char endless[16386];
    struct reading reading;

    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    reading = headers_read(200, NULL, NULL, endless);
    assert_null(reading.credential);
    freshet_reading_free(&reading);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        reading = headers_read(rows[i].status, NULL, NULL, rows[i].header);
        if (rows[i].credential == NULL) {
            assert_null(reading.credential);
        } else {
            assert_non_null(reading.credential);
            assert_string_equal(reading.credential, rows[i].credential);
        }
        freshet_reading_free(&reading);
        assert_null(reading.credential);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_counts_for_429_and_503),
        cmocka_unit_test(date_is_read_or_zero),
        cmocka_unit_test(credential_is_kept_bare_whatever_the_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
