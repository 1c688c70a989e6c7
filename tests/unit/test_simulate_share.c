/*
 * The shared place: leases and news.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/share.h"

static const struct key_view key = {.issuer = "https://i",
                                    .sid = "sess_1",
                                    .template_name = "",
                                    .organization = "org",
                                    .audience = ""};

static void a_lease_has_one_holder_and_dies_with_it(void **state)
{
    struct share share = {.processes = 2};
    struct shared *shared = freshet_sim_share_at(&share, &key);

    (void)state;
    assert_non_null(shared);
    assert_ptr_equal(freshet_sim_share_at(&share, &key), shared);
    assert_true(freshet_sim_share_lease(shared, 0, 0));
    assert_true(freshet_sim_share_lease(shared, 0, 0));
    assert_false(freshet_sim_share_lease(shared, 0, 1));
    assert_true(freshet_sim_share_lease(shared, 1, 1));
    freshet_sim_share_release(shared, 0, 1);
    assert_false(freshet_sim_share_lease(shared, 0, 1));
    freshet_sim_share_forget(&share, 0);
    assert_true(freshet_sim_share_lease(shared, 0, 1));
    freshet_sim_share_free(&share);
}

static void news_is_told_once_and_never_to_its_writer(void **state)
{
    struct share share = {.processes = 3};
    struct shared *shared = freshet_sim_share_at(&share, &key);

    (void)state;
    assert_false(freshet_sim_share_news(shared, 1));
    freshet_sim_share_put(shared, strdup("x"), 1, 0);
    assert_false(freshet_sim_share_news(shared, 0));
    assert_true(freshet_sim_share_news(shared, 1));
    assert_false(freshet_sim_share_news(shared, 1));
    freshet_sim_share_put(shared, strdup("y"), 1, -1);
    assert_true(freshet_sim_share_news(shared, 0));
    freshet_sim_share_remove(shared);
    assert_false(freshet_sim_share_news(shared, 2));
    freshet_sim_share_free(&share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_has_one_holder_and_dies_with_it),
        cmocka_unit_test(news_is_told_once_and_never_to_its_writer),
    };

    return cmocka_run_group_tests_name("simulate_share", tests, NULL, NULL);
}
