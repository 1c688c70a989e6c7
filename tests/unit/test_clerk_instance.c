/*
 * Publishable keys and URLs become instances: the vectors of behaviour row 3.1, and what must not
 * pass for a loopback address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct clerk_instance made(const char *key, const char *url)
{
    struct clerk_instance instance;
    struct source_error error = {.text = ""};

    if (freshet_clerk_instance_init(&instance, key, url, &error) != FRESHET_OK) {
        fail_msg("%s, %s: %s", key != NULL ? key : "no key", url != NULL ? url : "no URL",
                 error.text);
    }
    assert_string_equal(error.text, "");
    return instance;
}

static void refused(const char *key, const char *url, const char *reason)
{
    struct clerk_instance instance;
    struct source_error error = {.text = ""};

    if (freshet_clerk_instance_init(&instance, key, url, &error) != FRESHET_INVALID) {
        fail_msg("accepted: %s, %s", key != NULL ? key : "no key", url != NULL ? url : "no URL");
    }
    if (strstr(error.text, reason) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.text, reason);
    }
    assert_int_equal(freshet_clerk_instance_init(&instance, key, url, NULL), FRESHET_INVALID);
}

static void key_names_host_and_stage(void **state)
{
    struct clerk_instance instance = made("pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk", NULL);

    (void)state;
    assert_string_equal(instance.base_url, "https://foo-bar-13.clerk.accounts.dev/v1");
    assert_true(instance.development);
    assert_false(instance.loopback);
    instance = made("pk_live_ZmFrZS1jbGVyay10ZXN0LmNsZXJrLmFjY291bnRzLmRldiQ", NULL);
    assert_string_equal(instance.base_url, "https://fake-clerk-test.clerk.accounts.dev/v1");
    assert_false(instance.development);
}

static void key_is_trimmed_and_padding_is_optional(void **state)
{
    struct clerk_instance bare = made("pk_test_Y2xlcmsuY2xlcmsuZGV2JA", NULL);
    struct clerk_instance padded = made("pk_test_Y2xlcmsuY2xlcmsuZGV2JA==", NULL);
    struct clerk_instance spaced = made(" \tpk_test_Y2xlcmsuY2xlcmsuZGV2JA\r\n", NULL);

    (void)state;
    assert_string_equal(bare.base_url, "https://clerk.clerk.dev/v1");
    assert_string_equal(padded.base_url, bare.base_url);
    assert_string_equal(spaced.base_url, bare.base_url);
    assert_string_equal(spaced.suffix, bare.suffix);
}

static void suffix_is_the_reference_one(void **state)
{
    static const struct {
        const char *key;
        const char *suffix;
    } rows[] = {
        {"pk_live_Y2xlcmsuY2xlcmsuZGV2JA", "1Z8AzTQD"},
        {"pk_test_Y2xlcmsuY2xlcmsuZGV2JA", "QvfNY2dr"},
        {"pk_test_ZW5vdWdoLWFscGFjYS04Mi5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k", "jtYvyt_H"},
        {"pk_test_eHh4eHh4LXhhYWFhYS1hYS5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k", "tZJdb-5s"},
        {"pk_live_ZmFrZS1jbGVyay10ZXN0LmNsZXJrLmFjY291bnRzLmRldiQ=", "qReyu04C"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_string_equal(made(rows[i].key, NULL).suffix, rows[i].suffix);
    }
}

static void bad_keys_are_refused_with_a_reason(void **state)
{
    char endless[2000];

    (void)state;
    memset(endless, 'A', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    memcpy(endless, "pk_live_", 8);
    refused("", NULL, "does not begin with");
    refused("pk_live", NULL, "does not begin with");
    refused("pk_prod_Y2xlcmsuY2xlcmsuZGV2JA", NULL, "does not begin with");
    refused("pk_live_", NULL, "does not name a host");
    refused("pk_live_%%%%", NULL, "does not name a host");
    refused("pk_live_Y2xlcmsuY2xlcmsuZGV2JA_x", NULL, "does not name a host");
    refused("pk_live_Y2xlcmsuY2xlcmsuZGV2JA=", NULL, "does not name a host");
    refused("pk_live_Y2xlcmsuY2xlcmsuZGV2", NULL, "does not name a host");    /* no $ */
    refused("pk_live_Y2xlcmsuY2xlcmsuZGV2JHg", NULL, "does not name a host"); /* text after */
    refused("pk_live_Y2xlcmsuY2xlcmsuZGV2JCQ", NULL, "does not name a host"); /* two $ */
    refused("pk_live_aW52YWxpZGtleSQ", NULL, "does not name a host");         /* no dot */
    refused("pk_live_dXNlckBldmlsLmNvbSQ", NULL, "does not name a host");     /* user@ */
    refused("pk_live_ZXZpbC5jb20vcGF0aCQ", NULL, "does not name a host");     /* a path */
    refused("pk_live_Y2xlcmsuAGNsZXJrLmRldiQ", NULL, "does not name a host"); /* a NUL */
    refused(endless, NULL, "too long");
    refused(NULL, NULL, "neither");
}

static void reasons_never_quote_a_secret_key(void **state)
{
    struct clerk_instance instance;
    struct source_error error;

    (void)state;
    assert_int_equal(freshet_clerk_instance_init(&instance, "sk_live_topsecret", NULL, &error),
                     FRESHET_INVALID);
    assert_non_null(strstr(error.text, "secret key"));
    assert_null(strstr(error.text, "topsecret"));
}

static void url_replaces_host_of_key(void **state)
{
    const char *key = "pk_live_Y2xlcmsuY2xlcmsuZGV2JA";
    struct clerk_instance instance = made(key, "https://example.com/__clerk/");

    (void)state;
    assert_string_equal(instance.base_url, "https://example.com/__clerk/v1");
    assert_false(instance.development);
    assert_string_equal(instance.suffix, "1Z8AzTQD");
}

static void url_takes_version_and_slashes(void **state)
{
    static const char *const rows[][2] = {
        {"https://example.com", "https://example.com/v1"},
        {"https://example.com//", "https://example.com/v1"},
        {"https://example.com/v1", "https://example.com/v1"},
        {"https://example.com/v1/", "https://example.com/v1"},
        {"https://example.com:8443/a/v1", "https://example.com:8443/a/v1"},
        {"https://v1", "https://v1/v1"},
        {"https://example.com/av1", "https://example.com/av1/v1"},
        {" https://example.com\n", "https://example.com/v1"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_string_equal(made(NULL, rows[i][0]).base_url, rows[i][1]);
    }
}

static void url_alone_names_its_instance(void **state)
{
    struct clerk_instance one = made(NULL, "https://one.example.com");
    struct clerk_instance same = made(NULL, "https://one.example.com/v1/");
    struct clerk_instance other = made(NULL, "https://two.example.com");

    (void)state;
    assert_int_equal(strlen(one.suffix), 8);
    assert_string_equal(one.suffix, same.suffix);
    assert_string_not_equal(one.suffix, other.suffix);
}

static void loopback_may_speak_plain_http(void **state)
{
    static const char *const rows[] = {"http://127.0.0.1:4747", "http://127.1.2.3",
                                       "http://localhost:80", "http://[::1]:9",
                                       "https://127.0.0.1:4747"};
    struct clerk_instance instance = made("pk_test_MTI3LjAuMC4xOjQwMDAk", NULL);

    (void)state;
    assert_true(instance.loopback);
    assert_string_equal(instance.base_url, "http://127.0.0.1:4000/v1");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_true(made(NULL, rows[i]).loopback);
    }
}

static void what_only_looks_like_loopback_is_not(void **state)
{
    static const char *const hosts[] = {
        "127.evil.com", "127.0.0.1.evil.com", "127.0.0.256", "127.0.0",
        "128.0.0.1",    "localhost.evil.com", "1127.0.0.1",  "[::1:2]",
        "127.0.0.1.",   "[::ffff:127.0.0.1]"};
    char url[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        snprintf(url, sizeof(url), "http://%s/", hosts[i]);
        refused(NULL, url, "plain http");
        snprintf(url, sizeof(url), "https://%s/", hosts[i]);
        assert_false(made(NULL, url).loopback);
    }
    /* "127.evil.com$" */
    assert_string_equal(made("pk_test_MTI3LmV2aWwuY29tJA", NULL).base_url,
                        "https://127.evil.com/v1");
}

static void bad_urls_are_refused_with_a_reason(void **state)
{
    static const char *const rows[][2] = {
        {"", "does not begin with https"},
        {"ftp://example.com", "does not begin with https"},
        {"example.com", "does not begin with https"},
        {"http://example.com", "plain http"},
        {"https://", "does not name a host"},
        {"https:///v1", "does not name a host"},
        {"https://user:pass@example.com", "does not name a host"},
        {"https://example.com:0", "does not name a host"},
        {"https://example.com:65536", "does not name a host"},
        {"https://example.com:80x", "does not name a host"},
        {"https://example.com:", "does not name a host"},
        {"https://[::1", "does not name a host"},
        {"https://exa mple.com", "does not name a host"},
        {"https://example.com\\@evil.com", "does not name a host"},
        {"https://example.com/?a=b", "more than a host"},
        {"https://example.com/#a", "more than a host"},
        {"https://example.com/a/../b", "more than a host"},
        {"https://example.com/a b", "more than a host"},
    };
    char endless[1000];

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        refused(NULL, rows[i][0], rows[i][1]);
    }
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    memcpy(endless, "https://", 8);
    refused(NULL, endless, "too long");
    endless[450] = '\0';
    refused(NULL, endless, "does not name a host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_names_host_and_stage),
        cmocka_unit_test(key_is_trimmed_and_padding_is_optional),
        cmocka_unit_test(suffix_is_the_reference_one),
        cmocka_unit_test(bad_keys_are_refused_with_a_reason),
        cmocka_unit_test(reasons_never_quote_a_secret_key),
        cmocka_unit_test(url_replaces_host_of_key),
        cmocka_unit_test(url_takes_version_and_slashes),
        cmocka_unit_test(url_alone_names_its_instance),
        cmocka_unit_test(loopback_may_speak_plain_http),
        cmocka_unit_test(what_only_looks_like_loopback_is_not),
        cmocka_unit_test(bad_urls_are_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
