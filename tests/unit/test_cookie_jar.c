/*
 * Our cookies are found in a jar and replaced in it; every other line stays as it is.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/cookie_jar.h"

static const struct cookie_names names = {
    .domain = "api.example.com", .suffix = "QvfNY2dr", .secure = true};
static const struct cookie_values values = {
    .context = "sess_a:org_1", .token = "a.b.c", .client_uat_s = 17, .expires_s = 99};

static char *replaced(const char *text, const struct cookie_values *with)
{
    size_t length = 0;
    char *jar = freshet_cookie_jar_replace(text, strlen(text), &names, with, &length);

    assert_non_null(jar);
    assert_int_equal(strlen(jar), length);
    return jar;
}

static void an_empty_jar_gets_all_cookies(void **state)
{
    char *jar = replaced("", &values);

    (void)state;
    assert_string_equal(jar,
                        "# Netscape HTTP Cookie File\n"
                        "api.example.com\tFALSE\t/\tTRUE\t99\tclerk_active_context\tsess_a:org_1\n"
                        "api.example.com\tFALSE\t/\tTRUE\t99\t__client_uat_QvfNY2dr\t17\n"
                        "api.example.com\tFALSE\t/\tTRUE\t99\t__client_uat\t17\n"
                        "api.example.com\tFALSE\t/\tTRUE\t99\t__session_QvfNY2dr\ta.b.c\n"
                        "api.example.com\tFALSE\t/\tTRUE\t99\t__session\ta.b.c\n");
    free(jar);
}

static void replacing_twice_changes_nothing(void **state)
{
    char *once = replaced("", &values);
    char *twice = replaced(once, &values);

    (void)state;
    assert_string_equal(once, twice);
    free(once);
    free(twice);
}

static void foreign_lines_stay_as_they_are(void **state)
{
    static const char foreign[] = "# a comment\n\n"
                                  "other.example.com\tFALSE\t/\tTRUE\t9\t__session\tx.y.z\n"
                                  "api.example.com\tFALSE\t/\tTRUE\t9\t__sessions\tx\r\n"
                                  "api.example.com\tFALSE\t/\tTRUE\t9\t__session_1Z8AzTQD\tx\n"
                                  "#HttpOnly_api.example.com\tFALSE\t/\tTRUE\t9\ttheirs\tx\n"
                                  "not a cookie\t__session";
    char *jar = replaced(foreign, &values);

    (void)state;
    assert_memory_equal(jar, foreign, sizeof(foreign) - 1);
    assert_int_equal(jar[sizeof(foreign) - 1], '\n');
    free(jar);
}

static void every_variant_of_ours_is_removed(void **state)
{
    static const char variants[] =
        ".api.example.com\tTRUE\t/\tFALSE\t9\t__session\told\n"
        "API.example.com\tFALSE\t/v1\tTRUE\t9\t__session_QvfNY2dr\told\n"
        "#HttpOnly_api.example.com\tFALSE\t/\tTRUE\t9\t__session\told\r\n"
        "api.example.com\tFALSE\t/\tTRUE\t0\t__client_uat\told\n"
        "api.example.com\tFALSE\t/\tTRUE\t0\tclerk_active_context\told\n"
        "api.example.com\tFALSE\t/\tTRUE\t0\t__client_uat_QvfNY2dr\told";
    char *jar = replaced(variants, &values);

    (void)state;
    assert_null(strstr(jar, "old"));
    free(jar);
}

static void a_sign_out_leaves_no_token_and_no_context(void **state)
{
    const struct cookie_values none = {.context = "", .expires_s = 99};
    char *full = replaced("", &values);
    char *jar = replaced(full, &none);

    (void)state;
    assert_string_equal(jar, "# Netscape HTTP Cookie File\n"
                             "api.example.com\tFALSE\t/\tTRUE\t99\t__client_uat_QvfNY2dr\t0\n"
                             "api.example.com\tFALSE\t/\tTRUE\t99\t__client_uat\t0\n");
    free(full);
    free(jar);
}

static void find(const char *text, struct cookie_found *found)
{
    freshet_cookie_jar_find(text, strlen(text), &names, found);
}

static void what_was_written_is_found(void **state)
{
    char *jar = replaced("", &values);
    struct cookie_found found;

    (void)state;
    find(jar, &found);
    assert_string_equal(found.context, "sess_a:org_1");
    assert_int_equal(found.length, 5);
    assert_memory_equal(found.token, "a.b.c", 5);
    find("", &found);
    assert_string_equal(found.context, "");
    assert_null(found.token);
    free(jar);
}

static void the_suffixed_cookie_is_read_first(void **state)
{
    static const char plain[] = "api.example.com\tFALSE\t/\tTRUE\t9\t__session\tp\n";
    static const char both[] = "api.example.com\tFALSE\t/\tTRUE\t9\t__session_QvfNY2dr\tsuffixed\n"
                               "api.example.com\tFALSE\t/\tTRUE\t9\t__session\tp\n";
    struct cookie_found found;

    (void)state;
    find(plain, &found);
    assert_int_equal(found.length, 1);
    find(both, &found);
    assert_int_equal(found.length, 8);
}

static void a_context_that_is_too_long_is_none(void **state)
{
    char text[1024];
    struct cookie_found found;

    (void)state;
    snprintf(text, sizeof(text), "api.example.com\tFALSE\t/\tTRUE\t9\tclerk_active_context\t%0600d",
             7);
    find(text, &found);
    assert_string_equal(found.context, "");
}

static void only_a_plain_host_is_a_domain(void **state)
{
    (void)state;
    assert_true(freshet_cookie_domain_valid("api.example.com"));
    assert_true(freshet_cookie_domain_valid("::1"));
    assert_false(freshet_cookie_domain_valid(""));
    assert_false(freshet_cookie_domain_valid(".example.com"));
    assert_false(freshet_cookie_domain_valid("a\tb"));
    assert_false(freshet_cookie_domain_valid("a/b"));
    assert_true(freshet_cookie_domain_loopback("127.0.0.1"));
    assert_true(freshet_cookie_domain_loopback("localhost"));
    assert_false(freshet_cookie_domain_loopback("127.0.0.1.example.com"));
    assert_false(freshet_cookie_domain_loopback("localhost.example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_jar_gets_all_cookies),
        cmocka_unit_test(replacing_twice_changes_nothing),
        cmocka_unit_test(foreign_lines_stay_as_they_are),
        cmocka_unit_test(every_variant_of_ours_is_removed),
        cmocka_unit_test(a_sign_out_leaves_no_token_and_no_context),
        cmocka_unit_test(what_was_written_is_found),
        cmocka_unit_test(the_suffixed_cookie_is_read_first),
        cmocka_unit_test(a_context_that_is_too_long_is_none),
        cmocka_unit_test(only_a_plain_host_is_a_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
