/*
 * The reference's table of states and events, row by row in its order (ST-1 to ST-24), as Freshet
 * means it: token and flight are two facts, so that PENDING says that a request is under way and
 * nothing is held, and READY that a token is held, whatever the flight does (D15).
 */
#include "cmocka_all.h"

#include "engine_drive.h"

/* ABSENT: a session whose key holds nothing and does nothing. */
static void state_absent(struct drive *drive)
{
    freshet_drive_ready(drive, NULL);
}

/* PENDING: one call waits for one request. */
static ticket_id state_pending(struct drive *drive)
{
    const struct get_options options = freshet_drive_options();

    freshet_drive_ready(drive, NULL);
    return freshet_drive_get(drive, &options);
}

/* READY: token 1 of a minute, oiat and iat at t = 0. */
static void state_ready(struct drive *drive)
{
    struct drive_token token = freshet_drive_token_oiat(1, 0, 0, 60);

    freshet_drive_ready(drive, &token);
}

static struct drive_token state_token(int number, int64_t iat_s, int64_t oiat_s)
{
    return freshet_drive_token_oiat(number, iat_s, oiat_s, 60);
}

static int state_got(const struct drive *drive, ticket_id ticket)
{
    const struct drive_result *result = freshet_drive_result(drive, ticket);

    return result != NULL ? result->token : 0;
}

/* ---- ABSENT ---- */

static void st_1_absent_read_waits(void **state)
{
    struct drive drive;

    (void)state;
    state_absent(&drive);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

static void st_2_absent_a_read_starts_the_one_request(void **state)
{
    struct drive drive;

    (void)state;
    state_absent(&drive);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    (void)freshet_drive_read(&drive);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_waiting(&drive, ON_TOKENS)->cause, CAUSE_GET);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_end(&drive);
}

/* Only a key that this process knows adopts. Here a key that a failed call has left without a token;
 * unlike the reference's, the adopted token has its refresh point. */
static void st_3_absent_a_shared_token_is_taken_not_published_and_refreshed(void **state)
{
    struct drive drive;
    struct drive_token token = state_token(1, 0, 0);
    int published = 0;

    (void)state;
    state_absent(&drive);
    freshet_drive_adopt(&drive, NULL, NULL, &token);
    assert_int_equal(freshet_drive_entry_count(&drive), 0);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_fail_next(&drive, 404);
    published = freshet_drive_notes(&drive, EFFECT_PUBLISH);
    freshet_drive_adopt(&drive, NULL, NULL, &token);
    assert_int_equal(freshet_drive_read(&drive), 1);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_PUBLISH), published);
    freshet_drive_at(&drive, 44000);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 2), 43000);
    freshet_drive_end(&drive);
}

static void st_4_absent_a_late_answer_is_ignored(void **state)
{
    struct drive drive;
    struct drive_token late = state_token(2, 43, 43);
    struct drive_request *request = NULL;

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 43000);
    request = freshet_drive_waiting(&drive, ON_TOKENS);
    freshet_drive_event(&drive, EVENT_CLEAR);
    freshet_drive_answer(&drive, request, &late);
    freshet_drive_ignored(&drive, 2, IGNORED_OLD_EPOCH);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_end(&drive);
}

/* ---- PENDING ---- */

static void st_5_pending_reads_share_one_request(void **state)
{
    struct drive drive;
    const struct get_options options = freshet_drive_options();
    struct drive_token token = state_token(1, 0, 0);
    ticket_id tickets[10] = {0};

    (void)state;
    tickets[0] = state_pending(&drive);
    for (int i = 1; i < 10; i++) {
        tickets[i] = freshet_drive_get(&drive, &options);
    }
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_answer_next(&drive, &token);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(state_got(&drive, tickets[i]), 1);
    }
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

/* Freshet's rule: no second request beside the first; exactly one more follows for who came later. */
static void st_6_pending_later_skip_cache_calls_share_one_more_request(void **state)
{
    struct drive drive;
    struct drive_token first = state_token(1, 0, 0);
    struct drive_token second = state_token(2, 1, 1);
    ticket_id early = state_pending(&drive);
    ticket_id later[2] = {0};

    (void)state;
    freshet_drive_at(&drive, 1000);
    later[0] = freshet_drive_skip_cache(&drive);
    later[1] = freshet_drive_skip_cache(&drive);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_answer_next(&drive, &first);
    assert_int_equal(state_got(&drive, early), 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_answer_next(&drive, &second);
    assert_int_equal(state_got(&drive, later[0]), 2);
    assert_int_equal(state_got(&drive, later[1]), 2);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

static void st_7_pending_a_good_answer_is_taken_published_and_announced(void **state)
{
    struct drive drive;
    struct drive_token token = state_token(1, 0, 0);
    ticket_id ticket = state_pending(&drive);

    (void)state;
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(state_got(&drive, ticket), 1);
    assert_int_equal(freshet_drive_last_note(&drive, EFFECT_PUBLISH)->token, 1);
    assert_int_equal(freshet_drive_last_note(&drive, EFFECT_EMIT)->name, EMIT_TOKEN_RESOLVED);
    freshet_drive_at(&drive, 43000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

/* Freshet's rule: an answer that is of no use is tried again, and the caller waits on. */
static void st_7_pending_an_expired_answer_is_tried_again(void **state)
{
    struct drive drive;
    struct drive_token expired = state_token(1, -60, -60);
    ticket_id ticket = state_pending(&drive);

    (void)state;
    freshet_drive_answer_next(&drive, &expired);
    freshet_drive_ignored(&drive, 1, IGNORED_EXPIRED);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_at(&drive, 3000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

/* Freshet's rule: a broken endpoint shows in the status, not by taking a good token away. */
static void st_8_pending_an_unreadable_answer_is_tried_again_and_drops_nothing(void **state)
{
    static const struct outcome empty = {
        .kind = OUTCOME_TRY_LATER, .unreadable = READ_EMPTY, .http_status = 200, .code = ""};
    struct drive drive;
    ticket_id ticket = state_pending(&drive);

    (void)state;
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_TOKENS), &empty);
    freshet_drive_ignored(&drive, 0, IGNORED_EMPTY);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_end(&drive);

    state_ready(&drive);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_TOKENS), &empty);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void st_9_pending_a_failure_is_tried_again_and_drops_nothing(void **state)
{
    struct drive drive;
    ticket_id ticket = state_pending(&drive);

    (void)state;
    freshet_drive_fail_next(&drive, 0);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_at(&drive, 3000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);

    state_ready(&drive);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_fail_next(&drive, 0);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* Freshet's rule: a good token is taken when it comes, and answers who waits for the other one. */
static void st_10_pending_a_token_from_elsewhere_is_taken_at_once(void **state)
{
    struct drive drive;
    ticket_id ticket = state_pending(&drive);

    (void)state;
    freshet_drive_touch(&drive, state_token(1, 0, 0));
    assert_int_equal(state_got(&drive, ticket), 1);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    assert_non_null(freshet_drive_waiting(&drive, ON_TOKENS));
    freshet_drive_end(&drive);
}

static void st_11_pending_a_late_failure_is_ignored(void **state)
{
    struct drive drive;
    struct drive_request *old = NULL;
    ticket_id ticket = state_pending(&drive);

    (void)state;
    old = freshet_drive_waiting(&drive, ON_TOKENS);
    freshet_drive_event(&drive, EVENT_CLEAR);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_fail(&drive, old, 404);
    assert_null(freshet_drive_result(&drive, ticket));
    assert_non_null(freshet_drive_waiting(&drive, ON_TOKENS));
    freshet_drive_end(&drive);
}

/* Freshet's rule (D24): a shared token does not wait for the request. */
static void st_12_pending_a_shared_token_is_taken_at_once(void **state)
{
    struct drive drive;
    struct drive_token shared = state_token(1, 0, 0);
    struct drive_token staler = state_token(2, -5, -5);
    ticket_id ticket = state_pending(&drive);

    (void)state;
    freshet_drive_adopt(&drive, NULL, NULL, &shared);
    assert_int_equal(state_got(&drive, ticket), 1);
    freshet_drive_adopt(&drive, NULL, NULL, &staler);
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    freshet_drive_answer_next(&drive, &staler);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void st_13_pending_clear_asks_anew_for_who_waits_and_ignores_the_old_answer(void **state)
{
    struct drive drive;
    struct drive_token old = state_token(1, 0, 0);
    struct drive_token fresh = state_token(2, 0, 0);
    struct drive_request *request = NULL;
    ticket_id ticket = state_pending(&drive);

    (void)state;
    request = freshet_drive_waiting(&drive, ON_TOKENS);
    freshet_drive_event(&drive, EVENT_CLEAR);
    freshet_drive_answer(&drive, request, &old);
    freshet_drive_ignored(&drive, 1, IGNORED_OLD_EPOCH);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_answer_next(&drive, &fresh);
    assert_int_equal(state_got(&drive, ticket), 2);
    freshet_drive_end(&drive);
}

/* ---- READY ---- */

static void st_14_ready_a_read_above_five_seconds_gets_the_token(void **state)
{
    struct drive drive;

    (void)state;
    state_ready(&drive);
    assert_int_equal(freshet_drive_read(&drive), 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, 54999);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* Freshet's rule: the read waits, and gets the held token when half of the five seconds are left. */
static void st_15_ready_a_read_at_five_seconds_waits_and_deletes_nothing(void **state)
{
    struct drive drive;
    const struct get_options options = freshet_drive_options();
    ticket_id ticket = 0;

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 55000);
    ticket = freshet_drive_get(&drive, &options);
    assert_null(freshet_drive_result(&drive, ticket));
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    freshet_drive_at(&drive, 57499);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_at(&drive, 57500);
    assert_int_equal(state_got(&drive, ticket), 1);
    assert_true(freshet_drive_result(&drive, ticket)->stale);
    freshet_drive_end(&drive);
}

static void st_16_ready_a_request_leaves_the_token_readable(void **state)
{
    struct drive drive;

    (void)state;
    state_ready(&drive);
    (void)freshet_drive_skip_cache(&drive);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void st_17_ready_a_token_from_elsewhere_that_is_not_staler_replaces(void **state)
{
    struct drive drive;

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 10000);
    freshet_drive_touch(&drive, state_token(2, 10, 10));
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_at(&drive, 54000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 53000);
    freshet_drive_end(&drive);
}

static void st_18_ready_a_staler_token_from_elsewhere_changes_nothing(void **state)
{
    struct drive drive;

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 10000);
    freshet_drive_touch(&drive, state_token(2, 10, -1));
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, 43000);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 43000);
    freshet_drive_end(&drive);
}

static void st_19_ready_the_refresh_point_makes_one_request_and_hides_nothing(void **state)
{
    struct drive drive;
    struct drive_token next = state_token(2, 43, 43);

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 44000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_waiting(&drive, ON_TOKENS)->cause, CAUSE_REFRESH);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_answer_next(&drive, &next);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

static void st_20_ready_an_expired_token_is_handed_to_nobody(void **state)
{
    struct drive drive;

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 59999);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    freshet_drive_at(&drive, 60000);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

static void st_21_ready_a_shared_staler_token_is_ignored(void **state)
{
    struct drive drive;
    struct drive_token staler = state_token(2, 20, -1);

    (void)state;
    state_ready(&drive);
    freshet_drive_at(&drive, 20000);
    freshet_drive_adopt(&drive, NULL, NULL, &staler);
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* Freshet's rule: a shared tie changes nothing, and an adopted token is refreshed by this process. */
static void st_22_ready_a_shared_fresher_token_replaces_and_is_refreshed(void **state)
{
    struct drive drive;
    struct drive_token tie = state_token(2, 0, 0);
    struct drive_token fresher = state_token(3, 20, 20);

    (void)state;
    state_ready(&drive);
    freshet_drive_adopt(&drive, NULL, NULL, &tie);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, 20000);
    freshet_drive_adopt(&drive, NULL, NULL, &fresher);
    assert_int_equal(freshet_drive_read(&drive), 3);
    freshet_drive_at(&drive, 64000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 63000);
    freshet_drive_end(&drive);
}

/* ---- any ---- */

/* Freshet's rule: one session's clear is its own; it drops every key of that session. */
static void st_23_any_clear_drops_every_key_of_its_session_and_of_no_other(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token made = state_token(2, 0, 0);
    struct drive_token other = state_token(3, 0, 0);
    session_id first = 0;

    (void)state;
    state_ready(&drive);
    first = drive.session;
    options.template_name = "X";
    (void)freshet_drive_get(&drive, &options);
    freshet_drive_answer_next(&drive, &made);
    assert_int_equal(freshet_drive_peek(&drive, "X", NULL), 2);
    freshet_drive_open(&drive, "sess_2");
    other.sid = "sess_2";
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &other);
    drive.session = first;
    freshet_drive_event(&drive, EVENT_CLEAR);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_peek(&drive, "X", NULL), 0);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_RETRACT), 2);
    drive.session++;
    assert_int_equal(freshet_drive_read(&drive), 3);
    freshet_drive_end(&drive);
}

static void st_24_any_close_ends_who_waits_and_sends_nothing_more(void **state)
{
    struct drive drive;
    struct drive_token late = state_token(1, 0, 0);
    struct drive_request *request = NULL;
    ticket_id ticket = state_pending(&drive);

    (void)state;
    request = freshet_drive_waiting(&drive, ON_TOKENS);
    freshet_drive_event(&drive, EVENT_CLOSE);
    assert_int_equal(freshet_drive_result(&drive, ticket)->status, FRESHET_CLOSED);
    freshet_drive_answer(&drive, request, &late);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_COMMIT), 0);
    freshet_drive_at(&drive, 600000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(st_1_absent_read_waits),
        cmocka_unit_test(st_2_absent_a_read_starts_the_one_request),
        cmocka_unit_test(st_3_absent_a_shared_token_is_taken_not_published_and_refreshed),
        cmocka_unit_test(st_4_absent_a_late_answer_is_ignored),
        cmocka_unit_test(st_5_pending_reads_share_one_request),
        cmocka_unit_test(st_6_pending_later_skip_cache_calls_share_one_more_request),
        cmocka_unit_test(st_7_pending_a_good_answer_is_taken_published_and_announced),
        cmocka_unit_test(st_7_pending_an_expired_answer_is_tried_again),
        cmocka_unit_test(st_8_pending_an_unreadable_answer_is_tried_again_and_drops_nothing),
        cmocka_unit_test(st_9_pending_a_failure_is_tried_again_and_drops_nothing),
        cmocka_unit_test(st_10_pending_a_token_from_elsewhere_is_taken_at_once),
        cmocka_unit_test(st_11_pending_a_late_failure_is_ignored),
        cmocka_unit_test(st_12_pending_a_shared_token_is_taken_at_once),
        cmocka_unit_test(st_13_pending_clear_asks_anew_for_who_waits_and_ignores_the_old_answer),
        cmocka_unit_test(st_14_ready_a_read_above_five_seconds_gets_the_token),
        cmocka_unit_test(st_15_ready_a_read_at_five_seconds_waits_and_deletes_nothing),
        cmocka_unit_test(st_16_ready_a_request_leaves_the_token_readable),
        cmocka_unit_test(st_17_ready_a_token_from_elsewhere_that_is_not_staler_replaces),
        cmocka_unit_test(st_18_ready_a_staler_token_from_elsewhere_changes_nothing),
        cmocka_unit_test(st_19_ready_the_refresh_point_makes_one_request_and_hides_nothing),
        cmocka_unit_test(st_20_ready_an_expired_token_is_handed_to_nobody),
        cmocka_unit_test(st_21_ready_a_shared_staler_token_is_ignored),
        cmocka_unit_test(st_22_ready_a_shared_fresher_token_replaces_and_is_refreshed),
        cmocka_unit_test(st_23_any_clear_drops_every_key_of_its_session_and_of_no_other),
        cmocka_unit_test(st_24_any_close_ends_who_waits_and_sends_nothing_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
