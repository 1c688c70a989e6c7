/* Interned names and structured keys. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "core/key.h"

static void equal_texts_are_one_name(void **state)
{
    struct names names;
    uint32_t name = 0;

    (void)state;
    assert_true(freshet_names_init(&names, 1000));
    assert_int_equal(freshet_names_intern(&names, ""), 0);
    assert_int_equal(freshet_names_find(&names, "org_1"), FRESHET_NAME_NONE);
    name = freshet_names_intern(&names, "org_1");
    assert_int_equal(freshet_names_intern(&names, "org_1"), name);
    assert_int_equal(freshet_names_find(&names, "org_1"), name);
    assert_string_equal(freshet_names_text(&names, freshet_names_find(&names, "org_1")), "org_1");
    freshet_names_free(&names);
}

static void many_names_keep_their_texts_up_to_the_limit(void **state)
{
    struct names names;
    char text[16];

    (void)state;
    assert_true(freshet_names_init(&names, 500));
    for (uint32_t i = 1; i < 500; i++) {
        snprintf(text, sizeof(text), "name-%u", i);
        assert_int_equal(freshet_names_intern(&names, text), i);
    }
    assert_int_equal(freshet_names_intern(&names, "one too many"), FRESHET_NAME_NONE);
    for (uint32_t i = 1; i < 500; i++) {
        snprintf(text, sizeof(text), "name-%u", i);
        assert_int_equal(freshet_names_find(&names, text), i);
    }
    freshet_names_free(&names);
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    struct names names;
    char text[FRESHET_NAME_MAX + 2];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_true(freshet_names_init(&names, 10));
    assert_int_equal(freshet_names_intern(&names, text), FRESHET_NAME_NONE);
    assert_int_not_equal(freshet_names_intern(&names, text + 1), FRESHET_NAME_NONE);
    freshet_names_free(&names);
}

/* Behaviour row D19: "template X" is not "organization X". */
static void a_template_is_not_an_organization(void **state)
{
    const struct key template_x = {.template_name = 7};
    const struct key organization_x = {.organization = 7};

    (void)state;
    assert_false(freshet_key_equal(&template_x, &organization_x));
    assert_int_not_equal(freshet_key_hash(&template_x), freshet_key_hash(&organization_x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_one_name),
        cmocka_unit_test(many_names_keep_their_texts_up_to_the_limit),
        cmocka_unit_test(a_text_that_is_too_long_is_refused),
        cmocka_unit_test(a_template_is_not_an_organization),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
