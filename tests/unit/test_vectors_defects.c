/*
 * Defects that the reference still has, and Freshet has not: behaviour rows D1 to D5, D17 to D20,
 * D22, D24, D29, each by the smallest history that would show it.
 */
#include "cmocka_all.h"

#include "engine_drive.h"

#define DAY_S 86400

static void defect_begin(struct drive *drive, int64_t ttl_s)
{
    struct drive_token token = freshet_drive_token(1, 0, ttl_s);

    freshet_drive_ready(drive, &token);
}

/* ---- what may not be taken, and when ---- */

static void d1_an_organizations_key_never_holds_another_organizations_token(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token wrong = freshet_drive_token(2, 0, 60);
    struct drive_token right = freshet_drive_token(3, 0, 60);
    ticket_id ticket = 0;

    (void)state;
    wrong.organization = "org_b";
    right.organization = "org_a";
    options.organization = "org_a";
    defect_begin(&drive, 60);
    ticket = freshet_drive_get(&drive, &options);
    freshet_drive_organization(&drive, "org_b");
    freshet_drive_answer_next(&drive, &wrong);
    freshet_drive_ignored(&drive, 2, IGNORED_WRONG_KEY);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_at(&drive, 3000);
    assert_string_equal(freshet_drive_waiting(&drive, ON_TOKENS)->key.organization, "org_a");
    freshet_drive_answer_next(&drive, &right);
    assert_int_equal(freshet_drive_result(&drive, ticket)->token, 3);
    freshet_drive_end(&drive);
}

static void d2_nothing_that_began_before_a_sign_out_writes_after_it(void **state)
{
    struct drive drive;
    struct drive_token late = freshet_drive_token(2, 43, 60);
    struct drive_request *request = NULL;
    int emitted = 0;

    (void)state;
    defect_begin(&drive, 60);
    freshet_drive_at(&drive, 43000);
    request = freshet_drive_waiting(&drive, ON_TOKENS);
    freshet_drive_event(&drive, EVENT_SIGN_OUT);
    emitted = freshet_drive_notes(&drive, EFFECT_EMIT);
    freshet_drive_answer(&drive, request, &late);
    freshet_drive_ignored(&drive, 2, IGNORED_OLD_EPOCH);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_EMIT), emitted);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_end(&drive);
}

static void d3_a_token_is_announced_by_what_is_active_when_it_comes(void **state)
{
    struct drive drive;
    struct drive_token old = freshet_drive_token(2, 43, 60);
    int emitted = 0;
    int saved = 0;

    (void)state;
    defect_begin(&drive, 60);
    freshet_drive_at(&drive, 43000);
    freshet_drive_organization(&drive, "org_b");
    emitted = freshet_drive_notes(&drive, EFFECT_EMIT);
    saved = freshet_drive_notes(&drive, EFFECT_SAVE);
    freshet_drive_answer_next(&drive, &old);
    assert_int_equal(freshet_drive_peek(&drive, NULL, ""), 2);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_EMIT), emitted);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_SAVE), saved);
    freshet_drive_end(&drive);
}

static void d4_an_expired_token_ranks_below_every_live_one(void **state)
{
    struct drive drive;
    struct drive_token high = freshet_drive_token_oiat(1, 0, 0, 60);
    struct drive_token lower = freshet_drive_token_oiat(2, 61, -100, 60);
    struct drive_token none = freshet_drive_token(3, 125, 60);

    (void)state;
    freshet_drive_ready(&drive, &high);
    freshet_drive_at(&drive, 61000);
    freshet_drive_adopt(&drive, NULL, NULL, &lower);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_at(&drive, 125000);
    freshet_drive_adopt(&drive, NULL, NULL, &none);
    assert_int_equal(freshet_drive_read(&drive), 3);
    freshet_drive_end(&drive);
}

/* Answers every refresh of a template at once, for half an hour; how many there were. */
static int defect_template_refreshes(bool reads)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    int count = 0;

    freshet_drive_ready(&drive, NULL);
    options.template_name = "hasura";
    (void)freshet_drive_get(&drive, &options);
    for (int64_t t_s = 0; t_s < 1800; t_s++) {
        freshet_drive_at(&drive, t_s * 1000);
        if (freshet_drive_waiting(&drive, ON_TOKENS) != NULL) {
            struct drive_token token = freshet_drive_token(++count, t_s, 60);

            freshet_drive_answer_next(&drive, &token);
        }
        if (reads && t_s % 100 == 0) {
            assert_int_equal(freshet_drive_read_with(&drive, &options), count);
        }
    }
    freshet_drive_end(&drive);
    return count - 1;
}

static void d5_a_key_that_nobody_reads_sleeps_after_five_refreshes(void **state)
{
    (void)state;
    assert_int_equal(defect_template_refreshes(false), 5);
    assert_int_equal(defect_template_refreshes(true), 41);
}

/* ---- lives ---- */

static void d17_a_token_that_is_there_from_the_start_has_its_life(void **state)
{
    struct drive drive;

    (void)state;
    defect_begin(&drive, 60);
    freshet_drive_at(&drive, 43000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_at(&drive, 3600000);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

static void d18_a_token_of_thirty_days_is_held_and_refreshed_at_its_end(void **state)
{
    struct drive drive;
    int64_t ttl_ms = INT64_C(30) * DAY_S * 1000;

    (void)state;
    defect_begin(&drive, 30 * DAY_S);
    freshet_drive_at(&drive, 1000);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, INT64_C(2147483648));
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, ttl_ms - 17001);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, ttl_ms - 17000);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), ttl_ms - 17000);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void d19_template_x_is_not_organization_x(void **state)
{
    struct drive drive;
    struct get_options template_x = freshet_drive_options();
    struct get_options organization_x = freshet_drive_options();
    struct drive_token made = freshet_drive_token(1, 0, 60);
    struct drive_token plain = freshet_drive_token(2, 0, 60);

    (void)state;
    template_x.template_name = "X";
    organization_x.organization = "X";
    made.sid = "";
    plain.organization = "X";
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_get(&drive, &template_x);
    freshet_drive_answer_next(&drive, &made);
    assert_int_equal(freshet_drive_read_with(&drive, &organization_x), 0);
    freshet_drive_answer_next(&drive, &plain);
    assert_int_equal(freshet_drive_entry_count(&drive), 2);
    assert_int_equal(freshet_drive_read_with(&drive, &template_x), 1);
    assert_int_equal(freshet_drive_read_with(&drive, &organization_x), 2);
    freshet_drive_end(&drive);
}

static void d20_without_oiat_an_older_shared_token_replaces_nothing(void **state)
{
    struct drive drive;
    struct drive_token older = freshet_drive_token(2, -5, 60);

    (void)state;
    defect_begin(&drive, 60);
    freshet_drive_adopt(&drive, NULL, NULL, &older);
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, 43000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

static void d22_from_the_due_zone_on_a_staler_token_that_lives_longer_is_taken(void **state)
{
    struct drive drive;
    struct drive_token high = freshet_drive_token_oiat(1, 0, 0, 60);
    struct drive_token lower = freshet_drive_token_oiat(2, 43, -100, 60);

    (void)state;
    freshet_drive_ready(&drive, &high);
    freshet_drive_at(&drive, 43000);
    freshet_drive_answer_next(&drive, &lower);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_at(&drive, 86000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 2), 86000);
    freshet_drive_end(&drive);
}

static void d22_while_the_held_token_is_fresh_a_staler_one_is_refused(void **state)
{
    struct drive drive;
    struct drive_token high = freshet_drive_token_oiat(1, 0, 0, 60);
    struct drive_token lower = freshet_drive_token_oiat(2, 42, -100, 60);
    struct drive_token shorter = freshet_drive_token_oiat(3, -5, -100, 60);

    (void)state;
    freshet_drive_ready(&drive, &high);
    freshet_drive_at(&drive, 42999);
    freshet_drive_adopt(&drive, NULL, NULL, &lower);
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    freshet_drive_at(&drive, 43000);
    freshet_drive_adopt(&drive, NULL, NULL, &shorter);
    freshet_drive_ignored(&drive, 3, IGNORED_STALER);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* A staler answer ends the flight, and spacing counts from it: no loop in the due zone either. */
static void d22_a_staler_answer_in_the_due_zone_makes_no_loop(void **state)
{
    struct drive drive;
    struct drive_token high = freshet_drive_token_oiat(1, 0, 0, 60);
    struct drive_token worse = freshet_drive_token_oiat(2, -1, -100, 60);

    (void)state;
    freshet_drive_ready(&drive, &high);
    freshet_drive_at(&drive, 43000);
    freshet_drive_answer_next(&drive, &worse);
    freshet_drive_at(&drive, 47999);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_at(&drive, 48000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

static void d24_a_shared_token_is_taken_while_a_request_hangs(void **state)
{
    struct drive drive;
    struct drive_token shared = freshet_drive_token(2, 43, 60);

    (void)state;
    defect_begin(&drive, 60);
    freshet_drive_at(&drive, 44000);
    assert_non_null(freshet_drive_waiting(&drive, ON_TOKENS));
    freshet_drive_adopt(&drive, NULL, NULL, &shared);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

static void d29_the_same_token_again_is_neither_taken_nor_published(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 60);
    int published = 0;

    (void)state;
    freshet_drive_ready(&drive, &token);
    published = freshet_drive_notes(&drive, EFFECT_PUBLISH);
    freshet_drive_event(&drive, EVENT_FOCUS);
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_TOUCH), &token);
    freshet_drive_adopt(&drive, NULL, NULL, &token);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_COMMIT), 1);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_PUBLISH), published);
    freshet_drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d1_an_organizations_key_never_holds_another_organizations_token),
        cmocka_unit_test(d2_nothing_that_began_before_a_sign_out_writes_after_it),
        cmocka_unit_test(d3_a_token_is_announced_by_what_is_active_when_it_comes),
        cmocka_unit_test(d4_an_expired_token_ranks_below_every_live_one),
        cmocka_unit_test(d5_a_key_that_nobody_reads_sleeps_after_five_refreshes),
        cmocka_unit_test(d17_a_token_that_is_there_from_the_start_has_its_life),
        cmocka_unit_test(d18_a_token_of_thirty_days_is_held_and_refreshed_at_its_end),
        cmocka_unit_test(d19_template_x_is_not_organization_x),
        cmocka_unit_test(d20_without_oiat_an_older_shared_token_replaces_nothing),
        cmocka_unit_test(d22_from_the_due_zone_on_a_staler_token_that_lives_longer_is_taken),
        cmocka_unit_test(d22_while_the_held_token_is_fresh_a_staler_one_is_refused),
        cmocka_unit_test(d22_a_staler_answer_in_the_due_zone_makes_no_loop),
        cmocka_unit_test(d24_a_shared_token_is_taken_while_a_request_hangs),
        cmocka_unit_test(d29_the_same_token_again_is_neither_taken_nor_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
