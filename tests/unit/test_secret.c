/*
 * Secrets: guarded memory that can be had by whoever comes first.
 */
#include "cmocka_all.h"

#include <string.h>

#include "store/secret.h"

/* Nothing has been opened and nothing initialised in this process. */
static void a_secret_can_be_had_before_any_store_is_open(void **state)
{
    struct secret secret = {0};

    (void)state;
    assert_int_equal(freshet_secret_copy(&secret, "text", 4), FRESHET_OK);
    assert_int_equal(secret.length, 4);
    assert_string_equal(secret.text, "text");
    freshet_secret_free(&secret);
    assert_null(secret.text);
    freshet_secret_free(&secret);
}

static void equal_is_equal_in_length_and_bytes(void **state)
{
    struct secret one = {0};
    struct secret other = {0};

    (void)state;
    assert_int_equal(freshet_secret_copy(&one, "text", 4), FRESHET_OK);
    assert_int_equal(freshet_secret_copy(&other, "test", 4), FRESHET_OK);
    assert_true(freshet_secret_equal(&one, &one));
    assert_false(freshet_secret_equal(&one, &other));
    freshet_secret_free(&other);
    assert_int_equal(freshet_secret_copy(&other, "tex", 3), FRESHET_OK);
    assert_false(freshet_secret_equal(&one, &other));
    freshet_secret_free(&one);
    freshet_secret_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_can_be_had_before_any_store_is_open),
        cmocka_unit_test(equal_is_equal_in_length_and_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
