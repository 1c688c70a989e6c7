/*
 * Behaviour rows TF-1 to TF-25: which of two tokens is the fresher, by the comparison itself and by
 * what the engine holds afterwards; and where a token says so. Without any oiat Freshet ranks by
 * iat, then exp (D20), where the reference takes whatever came last (TF-9).
 */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "core/token.h"
#include "engine_drive.h"
#include "source/source.h"
#include "token_text.h"

#define NONE          DRIVE_NO_OIAT
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct freshness_row {
    const char *row;
    int64_t held_oiat_s;
    int64_t held_iat_s;
    int64_t oiat_s;
    int64_t iat_s;
    enum freshness expected;
};

static enum freshness freshness_compare(const struct freshness_row *row)
{
    const struct held held = {.fingerprint = 1,
                              .has_oiat = row->held_oiat_s != NONE,
                              .oiat_s = row->held_oiat_s,
                              .iat_s = row->held_iat_s,
                              .exp_s = 10000};
    const struct token incoming = {.fingerprint = 2,
                                   .has_oiat = row->oiat_s != NONE,
                                   .oiat_s = row->oiat_s,
                                   .iat_s = row->iat_s,
                                   .exp_s = 10000};

    return freshet_token_compare(&held, &incoming);
}

/* The same pair through the engine: both expire together, so that nothing but freshness decides.
 * A tie is decided by where the token comes from: the issuer's is taken. */
static void freshness_commit(const struct freshness_row *row)
{
    struct drive drive;
    struct drive_token held = freshet_drive_token_oiat(1, row->held_iat_s - 10000, row->held_oiat_s,
                                                       11000 - row->held_iat_s);
    struct drive_token incoming =
        freshet_drive_token_oiat(2, row->iat_s - 10000, row->oiat_s, 11000 - row->iat_s);

    freshet_drive_ready(&drive, &held);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_answer_next(&drive, &incoming);
    assert_int_equal(freshet_drive_read(&drive), row->expected == FRESHNESS_STALER ? 1 : 2);
    freshet_drive_end(&drive);
}

static void freshness_check(const struct freshness_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (freshness_compare(&rows[i]) != rows[i].expected) {
            fail_msg("%s: not the fresher one", rows[i].row);
        }
        freshness_commit(&rows[i]);
    }
}

static void tf_1_2_the_later_oiat_is_fresher(void **state)
{
    static const struct freshness_row rows[] = {
        {"TF-1", 100, 150, 90, 150, FRESHNESS_STALER},
        {"TF-2", 90, 150, 100, 150, FRESHNESS_FRESHER},
        {"TF-1, whatever iat says", 100, 150, 90, 9999, FRESHNESS_STALER},
        {"TF-2, whatever iat says", 90, 9999, 100, 150, FRESHNESS_FRESHER},
    };

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

static void tf_3_4_the_later_iat_is_fresher_under_equal_oiat(void **state)
{
    static const struct freshness_row rows[] = {
        {"TF-3", 100, 200, 100, 150, FRESHNESS_STALER},
        {"TF-4", 100, 150, 100, 200, FRESHNESS_FRESHER},
    };

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

/* A source takes no token without iat, so the row's missing one is the smallest there is. */
static void tf_6_any_iat_is_fresher_than_the_smallest(void **state)
{
    static const struct freshness_row rows[] = {{"TF-6", 100, 150, 100, 1, FRESHNESS_STALER}};

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

static void tf_7_with_oiat_is_fresher_than_without(void **state)
{
    static const struct freshness_row rows[] = {
        {"TF-7", 100, 150, NONE, 9999, FRESHNESS_STALER},
        {"TF-7, the other way", NONE, 9999, 100, 150, FRESHNESS_FRESHER},
    };

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

/* Freshet's rule (D20), against the row. */
static void tf_9_without_any_oiat_the_later_iat_is_fresher(void **state)
{
    static const struct freshness_row rows[] = {
        {"TF-9", NONE, 200, NONE, 100, FRESHNESS_STALER},
        {"TF-9, the other way", NONE, 100, NONE, 200, FRESHNESS_FRESHER},
    };

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

static void tf_10_a_full_tie_is_a_tie(void **state)
{
    static const struct freshness_row rows[] = {
        {"TF-10", 100, 150, 100, 150, FRESHNESS_TIE},
        {"TF-10, without oiat", NONE, 150, NONE, 150, FRESHNESS_TIE},
    };

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

static void tf_10_of_a_full_tie_the_issuers_is_taken_and_the_shared_one_is_not(void **state)
{
    struct drive drive;
    struct drive_token held = freshet_drive_token_oiat(1, 0, 0, 60);
    struct drive_token same = freshet_drive_token_oiat(2, 0, 0, 60);
    struct drive_token again = freshet_drive_token_oiat(3, 0, 0, 60);

    (void)state;
    freshet_drive_ready(&drive, &held);
    freshet_drive_adopt(&drive, NULL, NULL, &same);
    assert_int_equal(freshet_drive_read(&drive), 1);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_answer_next(&drive, &again);
    assert_int_equal(freshet_drive_read(&drive), 3);
    freshet_drive_end(&drive);
}

static void tf_13_14_any_token_is_fresher_than_none(void **state)
{
    static const struct held nothing = {0};
    const struct token incoming = {.fingerprint = 2, .iat_s = 1, .exp_s = 2};
    struct drive drive;
    struct drive_token token = freshet_drive_token(2, 0, 60);

    (void)state;
    assert_int_equal(freshet_token_compare(&nothing, &incoming), FRESHNESS_FRESHER);
    freshet_drive_ready(&drive, &token);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

static void tf_15_16_only_the_direction_decides(void **state)
{
    static const struct freshness_row rows[] = {
        {"TF-15", 90, 90, 100, 100, FRESHNESS_FRESHER},
        {"TF-16", 100, 100, 90, 90, FRESHNESS_STALER},
    };

    (void)state;
    freshness_check(rows, LENGTH(rows));
}

static void d20_of_equal_iat_the_later_expiry_is_fresher(void **state)
{
    const struct held held = {.fingerprint = 1, .iat_s = 100, .exp_s = 160};
    const struct token longer = {.fingerprint = 2, .iat_s = 100, .exp_s = 161};
    const struct token shorter = {.fingerprint = 2, .iat_s = 100, .exp_s = 159};

    (void)state;
    assert_int_equal(freshet_token_compare(&held, &longer), FRESHNESS_FRESHER);
    assert_int_equal(freshet_token_compare(&held, &shorter), FRESHNESS_STALER);
}

/* ---- where a token says it ---- */

static void freshness_organization(const char *claims, const char *expected)
{
    char *text = freshet_token_text("{\"alg\":\"RS256\"}", claims);
    struct token token;
    void *memory = NULL;

    assert_true(freshet_jwt_read(text, strlen(text), &token, &memory));
    assert_string_equal(token.organization, expected);
    freshet_jwt_free(memory);
    free(text);
}

static void tf_21_22_23_the_organization_is_org_id_else_o_id_else_none(void **state)
{
    (void)state;
    freshness_organization("{\"iat\":1,\"exp\":2,\"org_id\":\"org_1\",\"o\":{\"id\":\"org_2\"}}",
                           "org_1");
    freshness_organization("{\"iat\":1,\"exp\":2,\"o\":{\"id\":\"org_2\"}}", "org_2");
    freshness_organization("{\"iat\":1,\"exp\":2}", "");
}

static void freshness_oiat(const char *header, bool expected, int64_t expected_s)
{
    char *text = freshet_token_text(header, "{\"iat\":1,\"exp\":2}");
    struct token token;
    void *memory = NULL;

    assert_true(freshet_jwt_read(text, strlen(text), &token, &memory));
    assert_true(token.has_oiat == expected);
    assert_int_equal(token.oiat_s, expected_s);
    freshet_jwt_free(memory);
    free(text);
}

static void tf_24_25_oiat_is_read_from_the_header_or_is_not_there(void **state)
{
    (void)state;
    freshness_oiat("{\"alg\":\"RS256\",\"oiat\":100}", true, 100);
    freshness_oiat("{\"alg\":\"RS256\"}", false, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tf_1_2_the_later_oiat_is_fresher),
        cmocka_unit_test(tf_3_4_the_later_iat_is_fresher_under_equal_oiat),
        cmocka_unit_test(tf_6_any_iat_is_fresher_than_the_smallest),
        cmocka_unit_test(tf_7_with_oiat_is_fresher_than_without),
        cmocka_unit_test(tf_9_without_any_oiat_the_later_iat_is_fresher),
        cmocka_unit_test(tf_10_a_full_tie_is_a_tie),
        cmocka_unit_test(tf_10_of_a_full_tie_the_issuers_is_taken_and_the_shared_one_is_not),
        cmocka_unit_test(tf_13_14_any_token_is_fresher_than_none),
        cmocka_unit_test(tf_15_16_only_the_direction_decides),
        cmocka_unit_test(d20_of_equal_iat_the_later_expiry_is_fresher),
        cmocka_unit_test(tf_21_22_23_the_organization_is_org_id_else_o_id_else_none),
        cmocka_unit_test(tf_24_25_oiat_is_read_from_the_header_or_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
