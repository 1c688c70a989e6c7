/*
 * Behaviour rows TC-34 to TC-68 against the engine: when a refresh is made, how long a token is
 * handed out, what an overwritten token leaves behind, audiences, sessions. Where Freshet has
 * another rule the test holds Freshet's, and says so.
 */
#include "cmocka_all.h"

#include "engine_drive.h"

/* A session that holds token 1, issued at t = 0, with so long to live. */
static void cycle_begin(struct drive *drive, int64_t ttl_s)
{
    struct drive_token token = freshet_drive_token(1, 0, ttl_s);

    freshet_drive_ready(drive, &token);
}

/* The n-th token request is made at this very moment, and brings this token. */
static void cycle_refresh(struct drive *drive, int n, int64_t t_ms, struct drive_token token)
{
    freshet_drive_at(drive, t_ms - 1);
    assert_int_equal(freshet_drive_count(drive, ON_TOKENS), n - 1);
    freshet_drive_at(drive, t_ms);
    assert_int_equal(freshet_drive_count(drive, ON_TOKENS), n);
    freshet_drive_answer_next(drive, &token);
    assert_int_equal(freshet_drive_read(drive), token.number);
}

static void cycle_reads(struct drive *drive, int64_t t_ms, int token)
{
    freshet_drive_at(drive, t_ms);
    assert_int_equal(freshet_drive_read(drive), token);
}

/* ---- the refresh point ---- */

static void tc_34_a_minute_is_refreshed_once_after_43_seconds(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    freshet_drive_at(&drive, 42000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, 44000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 43000);
    freshet_drive_end(&drive);
}

/* Freshet's word for "no callback" is a policy that is not proactive. */
static void tc_35_without_refresh_by_time_a_token_is_handed_out_to_its_end(void **state)
{
    struct drive drive;
    struct policy policy = freshet_policy_default();
    struct drive_token token = freshet_drive_token(1, 0, 60);

    (void)state;
    policy.proactive = false;
    freshet_drive_ready_with(&drive, &policy, &token);
    cycle_reads(&drive, 0, 1);
    freshet_drive_at(&drive, 49999);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    cycle_reads(&drive, 50000, 1);
    freshet_drive_end(&drive);
}

/* Freshet's rule: every limit is capped in proportion, so ten seconds are refreshed too, once. */
static void tc_37_a_life_of_ten_seconds_is_refreshed_in_time(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 10);
    cycle_refresh(&drive, 1, 7167, freshet_drive_token(2, 7, 60));
    freshet_drive_at(&drive, 15000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

static void tc_38_a_token_is_handed_out_while_its_refresh_is_under_way(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    cycle_reads(&drive, 50000, 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_non_null(freshet_drive_waiting(&drive, ON_TOKENS));
    freshet_drive_end(&drive);
}

static void tc_40_a_replacement_sets_its_own_refresh_point(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 200);
    cycle_refresh(&drive, 1, 183000, freshet_drive_token(2, 183, 60));
    cycle_refresh(&drive, 2, 226000, freshet_drive_token(3, 226, 60));
    freshet_drive_end(&drive);
}

static void tc_41_a_chain_of_lives_is_refreshed_by_each_of_them(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    cycle_refresh(&drive, 1, 43000, freshet_drive_token(2, 43, 200));
    cycle_refresh(&drive, 2, 226000, freshet_drive_token(3, 226, 60));
    cycle_refresh(&drive, 3, 269000, freshet_drive_token(4, 269, 60));
    freshet_drive_end(&drive);
}

static void tc_43_a_longer_life_after_a_refresh_is_used(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    cycle_refresh(&drive, 1, 43000, freshet_drive_token(2, 43, 300));
    cycle_reads(&drive, 293000, 2);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

/* ---- how long a token is handed out ---- */

/* Freshet's rule: nothing is deleted at five seconds; a call that begins then waits. */
static void tc_44_a_minute_is_handed_out_until_five_seconds_are_left(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    cycle_reads(&drive, 0, 1);
    cycle_reads(&drive, 50000, 1);
    cycle_reads(&drive, 54999, 1);
    cycle_reads(&drive, 55000, 0);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    freshet_drive_end(&drive);
}

static void tc_46_half_a_minute_is_gone_after_half_a_minute(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 30);
    cycle_reads(&drive, 0, 1);
    freshet_drive_at(&drive, 29999);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    cycle_reads(&drive, 30000, 0);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_end(&drive);
}

static void tc_47_two_minutes_are_used_and_gone_after_two_minutes(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 120);
    cycle_reads(&drive, 0, 1);
    cycle_reads(&drive, 90000, 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    cycle_reads(&drive, 120000, 0);
    freshet_drive_end(&drive);
}

/* ---- audiences ---- */

/* Fetches a token for an audience (NULL: none) and reads it again. */
static void cycle_audience(struct drive *drive, const char *audience, int number)
{
    struct get_options options = freshet_drive_options();
    struct drive_token token = freshet_drive_token(number, 0, 60);

    options.audience = audience;
    assert_int_equal(freshet_drive_read_with(drive, &options), 0);
    freshet_drive_answer_next(drive, &token);
    assert_int_equal(freshet_drive_read_with(drive, &options), number);
}

static int cycle_read_audience(struct drive *drive, const char *audience)
{
    struct get_options options = freshet_drive_options();

    options.audience = audience;
    return freshet_drive_read_with(drive, &options);
}

static void tc_49_a_token_is_found_under_its_audience(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    cycle_audience(&drive, "https://api.example.com", 1);
    assert_string_equal(drive.requests[drive.request_count - 1].key.audience,
                        "https://api.example.com");
    freshet_drive_end(&drive);
}

static void tc_50_two_audiences_have_two_tokens(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    cycle_audience(&drive, "https://one.example.com", 1);
    cycle_audience(&drive, "https://two.example.com", 2);
    assert_int_equal(freshet_drive_entry_count(&drive), 2);
    assert_int_equal(cycle_read_audience(&drive, "https://one.example.com"), 1);
    assert_int_equal(cycle_read_audience(&drive, "https://two.example.com"), 2);
    freshet_drive_end(&drive);
}

static void tc_68_no_audience_is_a_key_of_its_own_and_the_empty_one_is_none(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    cycle_audience(&drive, NULL, 1);
    cycle_audience(&drive, "https://api.example.com", 2);
    assert_int_equal(freshet_drive_entry_count(&drive), 2);
    assert_int_equal(cycle_read_audience(&drive, ""), 1);
    assert_int_equal(freshet_drive_entry_count(&drive), 2);
    freshet_drive_end(&drive);
}

/* ---- failures, and what is readable when ---- */

/* Freshet's rule (D15): a failure leaves what is held; where nothing is held it brings nothing. */
static void tc_51_a_failed_request_brings_nothing_and_takes_nothing(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_fail_next(&drive, 500);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);

    cycle_begin(&drive, 60);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_fail_next(&drive, 500);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_53_a_token_is_readable_from_its_commit_on(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 60);

    (void)state;
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_skip_cache(&drive);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    freshet_drive_end(&drive);
}

static void tc_54_a_token_that_came_inside_a_client_is_readable_at_once_and_refreshed(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    assert_int_equal(freshet_drive_last_note(&drive, EFFECT_COMMIT)->from, FROM_CLIENT);
    cycle_refresh(&drive, 1, 43000, freshet_drive_token(2, 43, 60));
    freshet_drive_end(&drive);
}

/* ---- what an overwritten token leaves behind: nothing ---- */

static void tc_56_a_shorter_life_that_was_replaced_ends_nothing(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 30);
    assert_int_equal(freshet_drive_fetch(&drive, freshet_drive_token(2, 0, 120)), 2);
    cycle_reads(&drive, 31000, 2);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

/* A touch brings a second token for the same key: the cycle's other set. */
static void cycle_touch(struct drive *drive, struct drive_token token)
{
    freshet_drive_touch(drive, token);
    assert_int_equal(freshet_drive_peek(drive, NULL, NULL), token.number);
}

static void tc_57_five_cycles_of_two_tokens_each_make_one_refresh_each(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    cycle_touch(&drive, freshet_drive_token(2, 0, 60));
    for (int cycle = 1; cycle <= 5; cycle++) {
        int64_t start_s = 43 * (cycle - 1);

        freshet_drive_at(&drive, (start_s + 42) * 1000);
        assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), cycle - 1);
        cycle_refresh(&drive, cycle, (start_s + 43) * 1000,
                      freshet_drive_token(2 * cycle + 1, start_s + 43, 60));
        cycle_touch(&drive, freshet_drive_token(2 * cycle + 2, start_s + 43, 60));
        freshet_drive_at(&drive, (start_s + 44) * 1000);
        assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), cycle);
    }
    freshet_drive_end(&drive);
}

static void tc_59_after_clear_only_the_new_token_is_refreshed(void **state)
{
    struct drive drive;

    (void)state;
    cycle_begin(&drive, 60);
    freshet_drive_at(&drive, 1000);
    freshet_drive_event(&drive, EVENT_CLEAR);
    assert_int_equal(freshet_drive_fetch(&drive, freshet_drive_token(2, 1, 60)), 2);
    cycle_refresh(&drive, 2, 44000, freshet_drive_token(3, 44, 60));
    freshet_drive_end(&drive);
}

static void tc_60_a_token_that_arrives_beside_a_request_is_refreshed_once(void **state)
{
    struct drive drive;
    struct drive_token stale = freshet_drive_token(2, -10, 60);
    struct drive_request *pending = NULL;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_skip_cache(&drive);
    pending = freshet_drive_waiting(&drive, ON_TOKENS);
    cycle_touch(&drive, freshet_drive_token(1, 0, 60));
    freshet_drive_answer(&drive, pending, &stale);
    assert_int_equal(freshet_drive_last_note(&drive, EFFECT_IGNORED)->token, 2);
    cycle_refresh(&drive, 2, 43000, freshet_drive_token(3, 43, 60));
    freshet_drive_at(&drive, 44000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

/* ---- sessions and the shared place ---- */

static void tc_62_two_sessions_keep_their_own_tokens(void **state)
{
    struct drive drive;
    struct drive_token other = freshet_drive_token(2, 0, 60);
    struct drive_token shared = freshet_drive_token(3, 0, 300);
    session_id first = 0;

    (void)state;
    other.sid = "sess_2";
    shared.sid = "sess_2";
    cycle_begin(&drive, 60);
    first = drive.session;
    freshet_drive_open(&drive, "sess_2");
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &other);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_adopt(&drive, NULL, NULL, &shared);
    assert_int_equal(freshet_drive_read(&drive), 3);
    drive.session = first;
    assert_int_equal(freshet_drive_read(&drive), 1);
    assert_int_equal(freshet_drive_entry_count(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_63_a_shared_token_issued_later_replaces_the_held_one(void **state)
{
    struct drive drive;
    struct drive_token held = freshet_drive_token(1, -10, 60);
    struct drive_token shared = freshet_drive_token(2, 0, 60);

    (void)state;
    freshet_drive_ready(&drive, &held);
    freshet_drive_adopt(&drive, NULL, NULL, &shared);
    assert_int_equal(freshet_drive_read(&drive), 2);
    assert_int_equal(freshet_drive_entry_count(&drive), 1);
    freshet_drive_end(&drive);
}

/* Freshet's rule: a closed session stays closed; another one of the same engine works as ever. */
static void tc_65_after_a_close_a_new_session_works_and_the_old_one_says_closed(void **state)
{
    struct drive drive;
    const struct get_options options = freshet_drive_options();
    struct drive_token token = freshet_drive_token(2, 0, 60);
    ticket_id ticket = 0;

    (void)state;
    cycle_begin(&drive, 60);
    freshet_drive_event(&drive, EVENT_CLOSE);
    ticket = freshet_drive_get(&drive, &options);
    assert_int_equal(freshet_drive_result(&drive, ticket)->status, FRESHET_CLOSED);
    freshet_drive_open(&drive, DRIVE_SID);
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &token);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

/* The pump of these tests shares nothing with anybody. */
static void tc_66_without_a_shared_place_tokens_are_fetched_and_held(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    assert_int_equal(freshet_drive_fetch(&drive, freshet_drive_token(1, 0, 60)), 1);
    assert_int_equal(freshet_drive_fetch(&drive, freshet_drive_token(2, 0, 60)), 2);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tc_34_a_minute_is_refreshed_once_after_43_seconds),
        cmocka_unit_test(tc_35_without_refresh_by_time_a_token_is_handed_out_to_its_end),
        cmocka_unit_test(tc_37_a_life_of_ten_seconds_is_refreshed_in_time),
        cmocka_unit_test(tc_38_a_token_is_handed_out_while_its_refresh_is_under_way),
        cmocka_unit_test(tc_40_a_replacement_sets_its_own_refresh_point),
        cmocka_unit_test(tc_41_a_chain_of_lives_is_refreshed_by_each_of_them),
        cmocka_unit_test(tc_43_a_longer_life_after_a_refresh_is_used),
        cmocka_unit_test(tc_44_a_minute_is_handed_out_until_five_seconds_are_left),
        cmocka_unit_test(tc_46_half_a_minute_is_gone_after_half_a_minute),
        cmocka_unit_test(tc_47_two_minutes_are_used_and_gone_after_two_minutes),
        cmocka_unit_test(tc_49_a_token_is_found_under_its_audience),
        cmocka_unit_test(tc_50_two_audiences_have_two_tokens),
        cmocka_unit_test(tc_68_no_audience_is_a_key_of_its_own_and_the_empty_one_is_none),
        cmocka_unit_test(tc_51_a_failed_request_brings_nothing_and_takes_nothing),
        cmocka_unit_test(tc_53_a_token_is_readable_from_its_commit_on),
        cmocka_unit_test(tc_54_a_token_that_came_inside_a_client_is_readable_at_once_and_refreshed),
        cmocka_unit_test(tc_56_a_shorter_life_that_was_replaced_ends_nothing),
        cmocka_unit_test(tc_57_five_cycles_of_two_tokens_each_make_one_refresh_each),
        cmocka_unit_test(tc_59_after_clear_only_the_new_token_is_refreshed),
        cmocka_unit_test(tc_60_a_token_that_arrives_beside_a_request_is_refreshed_once),
        cmocka_unit_test(tc_62_two_sessions_keep_their_own_tokens),
        cmocka_unit_test(tc_63_a_shared_token_issued_later_replaces_the_held_one),
        cmocka_unit_test(tc_65_after_a_close_a_new_session_works_and_the_old_one_says_closed),
        cmocka_unit_test(tc_66_without_a_shared_place_tokens_are_fetched_and_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
