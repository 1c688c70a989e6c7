/* The order of freshness: behaviour rows TF-1 to TF-16, and D20 where they rank nothing. */
#include "cmocka_all.h"

#include "core/token.h"

#define NO_OIAT (-1)

static enum freshness compare(int64_t held_oiat, int64_t held_iat, int64_t oiat, int64_t iat)
{
    const struct held held = {.fingerprint = 1,
                              .has_oiat = held_oiat != NO_OIAT,
                              .oiat_s = held_oiat,
                              .iat_s = held_iat,
                              .exp_s = held_iat + 60};
    const struct token incoming = {
        .has_oiat = oiat != NO_OIAT, .oiat_s = oiat, .iat_s = iat, .exp_s = iat + 60};

    return freshet_token_compare(&held, &incoming);
}

static void oiat_decides_first(void **state)
{
    (void)state;
    assert_int_equal(compare(100, 200, 90, 300), FRESHNESS_STALER);
    assert_int_equal(compare(90, 300, 100, 200), FRESHNESS_FRESHER);
}

static void iat_decides_between_equal_oiats(void **state)
{
    (void)state;
    assert_int_equal(compare(100, 200, 100, 150), FRESHNESS_STALER);
    assert_int_equal(compare(100, 150, 100, 200), FRESHNESS_FRESHER);
    assert_int_equal(compare(100, 150, 100, 150), FRESHNESS_TIE);
}

static void with_oiat_beats_without(void **state)
{
    (void)state;
    assert_int_equal(compare(100, 1, NO_OIAT, 9999), FRESHNESS_STALER);
    assert_int_equal(compare(NO_OIAT, 9999, 100, 1), FRESHNESS_FRESHER);
}

static void without_any_oiat_iat_decides(void **state)
{
    (void)state;
    assert_int_equal(compare(NO_OIAT, 200, NO_OIAT, 100), FRESHNESS_STALER);
    assert_int_equal(compare(NO_OIAT, 100, NO_OIAT, 200), FRESHNESS_FRESHER);
}

static void anything_beats_nothing(void **state)
{
    const struct held nothing = {0};
    const struct token incoming = {.iat_s = 1, .exp_s = 2};

    (void)state;
    assert_int_equal(freshet_token_compare(&nothing, &incoming), FRESHNESS_FRESHER);
}

static void a_longer_life_decides_last(void **state)
{
    const struct held held = {.fingerprint = 1, .iat_s = 100, .exp_s = 160};
    const struct token longer = {.iat_s = 100, .exp_s = 400};

    (void)state;
    assert_int_equal(freshet_token_compare(&held, &longer), FRESHNESS_FRESHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oiat_decides_first),
        cmocka_unit_test(iat_decides_between_equal_oiats),
        cmocka_unit_test(with_oiat_beats_without),
        cmocka_unit_test(without_any_oiat_iat_decides),
        cmocka_unit_test(anything_beats_nothing),
        cmocka_unit_test(a_longer_life_decides_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
