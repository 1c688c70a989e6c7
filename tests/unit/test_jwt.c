/*
 * A token's claims are read when it is well formed to the last bit, and not at all otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"
#include "token_text.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define HEADER        "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"
#define TIMES         "\"iat\":1666648250,\"exp\":1666648310"

/* Reads a token of this header and these claims; what it points to is checked by `check`. */
static bool reads(const char *header, const char *claims,
                  void (*check)(const struct token *token, const char *text))
{
    char *text = freshet_token_text(header, claims);
    struct token token;
    void *memory = NULL;
    bool good = freshet_jwt_read(text, strlen(text), &token, &memory);

    if (good) {
        assert_ptr_equal(token.text, text);
        assert_int_equal(token.length, strlen(text));
        assert_true(token.fingerprint == freshet_fingerprint(text, strlen(text)));
        if (check != NULL) {
            check(&token, text);
        }
    } else {
        assert_null(memory);
        assert_null(token.text);
        assert_string_equal(token.sid, "");
        assert_string_equal(token.organization, "");
    }
    freshet_jwt_free(memory);
    free(text);
    return good;
}

static bool text_reads(const char *text, size_t length)
{
    struct token token;
    void *memory = NULL;
    bool good = freshet_jwt_read(text, length, &token, &memory);

    assert_true(good == (memory != NULL));
    freshet_jwt_free(memory);
    return good;
}

static void check_version_1(const struct token *token, const char *text)
{
    (void)text;
    assert_int_equal(token->iat_s, 1666648250);
    assert_int_equal(token->exp_s, 1666648310);
    assert_true(token->has_oiat);
    assert_int_equal(token->oiat_s, 1666648200);
    assert_string_equal(token->sid, "sess_1");
    assert_string_equal(token->organization, "org_1");
}

static void check_version_2(const struct token *token, const char *text)
{
    (void)text;
    assert_false(token->has_oiat);
    assert_string_equal(token->organization, "org_2");
}

static void check_bare(const struct token *token, const char *text)
{
    (void)text;
    assert_false(token->has_oiat);
    assert_int_equal(token->oiat_s, 0);
    assert_string_equal(token->sid, "");
    assert_string_equal(token->organization, "");
}

static void claims_of_both_versions_are_read(void **state)
{
    (void)state;
    assert_true(reads("{\"alg\":\"RS256\",\"oiat\":1666648200}",
                      "{" TIMES ",\"sid\":\"sess_1\",\"org_id\":\"org_1\"}", check_version_1));
    assert_true(reads(HEADER,
                      "{" TIMES ",\"sid\":\"sess_1\",\"v\":2,"
                      "\"o\":{\"id\":\"org_2\",\"rol\":\"admin\",\"fpm\":\"3\"}}",
                      check_version_2));
    assert_true(
        reads(HEADER, "{" TIMES ",\"org_id\":\"\",\"o\":{\"id\":\"org_2\"}}", check_version_2));
    assert_true(reads(HEADER, "{" TIMES ",\"org_id\":\"org_2\",\"o\":{\"id\":\"org_9\"}}",
                      check_version_2));
}

static void missing_names_are_empty(void **state)
{
    (void)state;
    assert_true(reads(HEADER, "{" TIMES "}", check_bare));
    assert_true(reads(HEADER, "{" TIMES ",\"sid\":null,\"org_id\":null,\"o\":null}", check_bare));
    assert_true(reads(HEADER, "{" TIMES ",\"o\":{\"id\":null}}", check_bare));
}

static void unusable_oiat_counts_as_none(void **state)
{
    static const char *const headers[] = {
        "{}",
        "{\"oiat\":null}",
        "{\"oiat\":\"1666648200\"}",
        "{\"oiat\":0.5}",
        "{\"oiat\":0}",
        "{\"oiat\":-5}",
        "{\"oiat\":253402300800}",
        "{\"oiat\":9223372036854775807}",
        "{\"oiat\":99999999999999999999}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(headers); i++) {
        assert_true(reads(headers[i], "{" TIMES "}", check_bare));
    }
}

static void check_times(const struct token *token, const char *text)
{
    (void)text;
    assert_int_equal(token->iat_s, 1666648250);
    assert_int_equal(token->exp_s, 1666648310);
}

static void a_fraction_of_a_second_is_cut_off(void **state)
{
    (void)state;
    assert_true(reads(HEADER, "{\"iat\":1666648250.9,\"exp\":1666648310.5}", check_times));
    assert_true(reads(HEADER, "{\"iat\":1.66664825e9,\"exp\":1666648310.0}", check_times));
}

static void a_permission_mask_of_any_length_is_let_through(void **state)
{
    (void)state;
    assert_true(reads(HEADER,
                      "{" TIMES ",\"sid\":\"sess_1\",\"v\":2,\"o\":{\"id\":\"org_2\","
                      "\"fpm\":\"340282366920938463463374607431768211455\"}}",
                      check_times));
    assert_true(
        reads(HEADER, "{" TIMES ",\"fpm\":340282366920938463463374607431768211455}", check_times));
}

static void times_must_be_numbers_one_can_reckon_with(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"iat\":1666648250}",
        "{\"exp\":1666648310}",
        "{\"iat\":\"1666648250\",\"exp\":1666648310}",
        "{\"iat\":1666648250,\"exp\":true}",
        "{\"iat\":1666648250,\"exp\":null}",
        "{\"iat\":[1666648250],\"exp\":1666648310}",
        "{\"iat\":0,\"exp\":1666648310}",
        "{\"iat\":-1,\"exp\":1666648310}",
        "{\"iat\":1666648250,\"exp\":1666648249}",
        "{\"iat\":1666648250,\"exp\":253402300800}",
        "{\"iat\":1666648250,\"exp\":9223372036854775807}",
        "{\"iat\":1666648250,\"exp\":99999999999999999999}",
        "{\"iat\":-1e9,\"exp\":1666648310}",
        "{\"iat\":1666648250,\"exp\":1e18}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (reads(HEADER, bad[i], NULL)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_true(reads(HEADER, "{\"iat\":1,\"exp\":253402300799}", NULL));
    assert_true(reads(HEADER, "{\"iat\":5,\"exp\":5}", NULL));
}

static void names_of_another_kind_are_malformed(void **state)
{
    static const char *const bad[] = {
        "{" TIMES ",\"sid\":7}",
        "{" TIMES ",\"sid\":[\"sess_1\"]}",
        "{" TIMES ",\"sid\":\"sess 1\"}",
        "{" TIMES ",\"sid\":\"sess\\n1\"}",
        "{" TIMES ",\"sid\":\"sess\\u00e9\"}",
        "{" TIMES ",\"org_id\":{}}",
        "{" TIMES ",\"o\":{\"id\":7}}",
    };
    char claims[600];
    char name[300];

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (reads(HEADER, bad[i], NULL)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    memset(name, 'a', sizeof(name));
    snprintf(claims, sizeof(claims), "{" TIMES ",\"sid\":\"%.255s\"}", name);
    assert_true(reads(HEADER, claims, NULL));
    snprintf(claims, sizeof(claims), "{" TIMES ",\"sid\":\"%.256s\"}", name);
    assert_false(reads(HEADER, claims, NULL));
}

static void parts_must_be_strict_json_objects(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "\"text\"",
        "{" TIMES,
        "{" TIMES "}x",
        "{" TIMES ",}",
        "{" TIMES ",\"iat\":1666648250}",
        "{" TIMES ",\"a\":\"\xff\"}",
        "{" TIMES ",\"a\":\"\\u0000\"}",
        "{" TIMES ",\"a\":NaN}",
        "\xef\xbb\xbf{" TIMES "}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (reads(HEADER, bad[i], NULL)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_false(reads("[]", "{" TIMES "}", NULL));
    assert_false(reads("", "{" TIMES "}", NULL));
}

static void text_must_be_three_parts_of_strict_base64url(void **state)
{
    char *good = freshet_token_text("{}", "{" TIMES "}");
    size_t length = strlen(good);
    char *changed = malloc(length + 8);
    static const char *const endings[] = {".c2ln", "=", "+", "/", " ", "\n", "a"};

    (void)state;
    assert_non_null(changed);
    assert_true(text_reads(good, length));
    assert_false(text_reads(NULL, 0));
    assert_false(text_reads("", 0));
    assert_false(text_reads("..", 2));
    assert_false(text_reads("e30.e30.", 8));
    assert_false(text_reads("e30..e30", 8));
    assert_false(text_reads(".e30.e30", 8));
    assert_false(text_reads("e30.e30", 7));
    assert_false(text_reads(good, length - 4));
    for (size_t i = 0; i < LENGTH(endings); i++) {
        snprintf(changed, length + 8, "%s%s", good, endings[i]);
        if (text_reads(changed, strlen(changed))) {
            fail_msg("accepted with \"%s\" at its end", endings[i]);
        }
    }
    memcpy(changed, good, length);
    changed[length] = '\0';
    assert_false(text_reads(changed, length + 1));
    changed[length - 1] = 'o'; /* "c2lo" decodes, and is another text */
    assert_true(text_reads(changed, length));
    changed[length - 4] = '\0';
    assert_false(text_reads(changed, length));
    /* "Y2E" ends in unused bits that are zero, "Y2F" in some that are not. */
    snprintf(changed, length + 8, "%.*sY2E", (int)length - 4, good);
    assert_true(text_reads(changed, strlen(changed)));
    snprintf(changed, length + 8, "%.*sY2F", (int)length - 4, good);
    assert_false(text_reads(changed, strlen(changed)));
    free(changed);
    free(good);
}

static void length_and_depth_are_bounded(void **state)
{
    char *good = freshet_token_text("{}", "{" TIMES "}");
    size_t length = strlen(good);
    char *padded = malloc(FRESHET_TOKEN_MAX + 4);
    char claims[256];

    (void)state;
    assert_non_null(padded);
    memset(padded, 'A', FRESHET_TOKEN_MAX + 4);
    memcpy(padded, good, length);
    assert_true(text_reads(padded, FRESHET_TOKEN_MAX));
    assert_false(text_reads(padded, FRESHET_TOKEN_MAX + 4));
    snprintf(claims, sizeof(claims), "{" TIMES ",\"a\":%.31s1%.31s}",
             "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    assert_true(reads(HEADER, claims, NULL));
    snprintf(claims, sizeof(claims), "{" TIMES ",\"a\":%.32s1%.32s}",
             "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    assert_false(reads(HEADER, claims, NULL));
    free(padded);
    free(good);
}

static void fingerprints_tell_texts_apart(void **state)
{
    (void)state;
    assert_true(freshet_fingerprint("abc", 3) == freshet_fingerprint("abcd", 3));
    assert_true(freshet_fingerprint("abc", 3) != freshet_fingerprint("abd", 3));
    assert_true(freshet_fingerprint("", 0) != 0);
    /* The first eight bytes of BLAKE2b-128 of "abc", as others compute it. */
    assert_true(freshet_fingerprint("abc", 3) == UINT64_C(0xcf4ab791c62b8d2b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_of_both_versions_are_read),
        cmocka_unit_test(missing_names_are_empty),
        cmocka_unit_test(unusable_oiat_counts_as_none),
        cmocka_unit_test(a_fraction_of_a_second_is_cut_off),
        cmocka_unit_test(a_permission_mask_of_any_length_is_let_through),
        cmocka_unit_test(times_must_be_numbers_one_can_reckon_with),
        cmocka_unit_test(names_of_another_kind_are_malformed),
        cmocka_unit_test(parts_must_be_strict_json_objects),
        cmocka_unit_test(text_must_be_three_parts_of_strict_base64url),
        cmocka_unit_test(length_and_depth_are_bounded),
        cmocka_unit_test(fingerprints_tell_texts_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
