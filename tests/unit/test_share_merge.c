/* What becomes of two records of one key. */
#include <string.h>

#include "cmocka_all.h"
#include "share/merge.h"

#define NOW_MS 5000000

static struct record record_of(const char *text, int64_t iat_s, int64_t exp_s)
{
    return (struct record){.has_token = true,
                           .token = {.text = text,
                                     .length = (uint32_t)strlen(text),
                                     .iat_s = iat_s,
                                     .exp_s = exp_s,
                                     .sid = "",
                                     .organization = ""},
                           .committed_ms = NOW_MS,
                           .sent_ms = NOW_MS - 20};
}

static struct record failed_at(int64_t failed_ms)
{
    return (struct record){.failure = {.attempt = 2,
                                       .failed_ms = failed_ms,
                                       .first_ms = 3000,
                                       .not_before_ms = failed_ms + 4650,
                                       .status = FRESHET_UPSTREAM}};
}

static void the_fresher_token_stays(void **state)
{
    const struct record older = record_of("older", 100, 160);
    const struct record newer = record_of("newer", 110, 170);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&older, 50000, &newer, &merged), MERGE_NEWS);
    assert_string_equal(merged.token.text, "newer");
    assert_int_equal(freshet_merge(&newer, 50000, &older, &merged), MERGE_STALER);
    assert_string_equal(merged.token.text, "newer");
}

static void the_same_token_is_no_news(void **state)
{
    const struct record one = record_of("one", 100, 160);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&one, 50000, &one, &merged), MERGE_NO_NEWS);
}

static void a_full_tie_is_news(void **state)
{
    const struct record one = record_of("one", 100, 160);
    const struct record other = record_of("other", 100, 160);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&one, 50000, &other, &merged), MERGE_NEWS);
    assert_string_equal(merged.token.text, "other");
}

static void the_origins_time_decides_before_the_edges(void **state)
{
    struct record minted_again = record_of("minted again", 120, 180);
    struct record assembled_later = record_of("assembled later", 110, 170);
    struct record merged = {0};

    (void)state;
    minted_again.token.has_oiat = assembled_later.token.has_oiat = true;
    minted_again.token.oiat_s = 90;
    assembled_later.token.oiat_s = 110;
    assert_int_equal(freshet_merge(&assembled_later, 50000, &minted_again, &merged), MERGE_STALER);
    assert_string_equal(merged.token.text, "assembled later");
}

static void about_to_run_dry_a_staler_one_that_lives_longer_is_better(void **state)
{
    struct record fresh = record_of("fresh", 100, 160);
    struct record longer = record_of("longer", 130, 190);
    struct record shorter = record_of("shorter", 90, 150);
    struct record merged = {0};

    (void)state;
    fresh.token.has_oiat = longer.token.has_oiat = shorter.token.has_oiat = true;
    fresh.token.oiat_s = 100;
    longer.token.oiat_s = 95;
    shorter.token.oiat_s = 90;
    assert_int_equal(freshet_merge(&fresh, 17001, &longer, &merged), MERGE_STALER);
    assert_int_equal(freshet_merge(&fresh, 17000, &longer, &merged), MERGE_NEWS);
    assert_string_equal(merged.token.text, "longer");
    assert_int_equal(freshet_merge(&fresh, 17000, &shorter, &merged), MERGE_STALER);
}

static void a_failure_takes_no_token_away(void **state)
{
    const struct record token = record_of("token", 100, 160);
    const struct record failed = failed_at(NOW_MS + 1000);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&token, 50000, &failed, &merged), MERGE_NEWS);
    assert_true(merged.has_token);
    assert_string_equal(merged.token.text, "token");
    assert_int_equal(merged.committed_ms, NOW_MS);
    assert_int_equal(merged.failure.attempt, 2);
}

static void a_failure_before_the_token_is_no_news(void **state)
{
    const struct record token = record_of("token", 100, 160);
    const struct record failed = failed_at(NOW_MS - 1000);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&token, 50000, &failed, &merged), MERGE_NO_NEWS);
    assert_int_equal(merged.failure.attempt, 0);
}

static void only_a_newer_failure_counts(void **state)
{
    const struct record first = failed_at(NOW_MS);
    const struct record second = failed_at(NOW_MS + 1);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&first, 0, &second, &merged), MERGE_NEWS);
    assert_int_equal(merged.failure.failed_ms, NOW_MS + 1);
    assert_int_equal(freshet_merge(&second, 0, &first, &merged), MERGE_NO_NEWS);
    assert_int_equal(merged.failure.failed_ms, NOW_MS + 1);
}

static void a_success_ends_the_failures_before_it(void **state)
{
    struct record present = failed_at(NOW_MS - 1);
    const struct record token = record_of("token", 100, 160);
    struct record merged = {0};

    (void)state;
    assert_int_equal(freshet_merge(&present, 0, &token, &merged), MERGE_NEWS);
    assert_int_equal(merged.failure.attempt, 0);
    present = failed_at(NOW_MS + 1);
    assert_int_equal(freshet_merge(&present, 0, &token, &merged), MERGE_NEWS);
    assert_true(merged.has_token);
    assert_int_equal(merged.failure.attempt, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fresher_token_stays),
        cmocka_unit_test(the_same_token_is_no_news),
        cmocka_unit_test(a_full_tie_is_news),
        cmocka_unit_test(the_origins_time_decides_before_the_edges),
        cmocka_unit_test(about_to_run_dry_a_staler_one_that_lives_longer_is_better),
        cmocka_unit_test(a_failure_takes_no_token_away),
        cmocka_unit_test(a_failure_before_the_token_is_no_news),
        cmocka_unit_test(only_a_newer_failure_counts),
        cmocka_unit_test(a_success_ends_the_failures_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
