/*
 * Sessions as the engine keeps them: several handles of one client, a sign-out told from elsewhere,
 * standing wants, and places that are given back.
 */
#include "cmocka_all.h"

#include <string.h>

#include "engine_drive.h"

static const struct drive_result *session_result(struct drive *drive, ticket_id ticket)
{
    const struct drive_result *result = freshet_drive_result(drive, ticket);

    assert_non_null(result);
    return result;
}

static struct drive_token session_token(int number, const char *sid)
{
    struct drive_token token = freshet_drive_token(number, 0, 60);

    token.sid = sid;
    return token;
}

static void session_open(struct drive *drive, const char *sid, int number)
{
    struct drive_token token = session_token(number, sid);

    freshet_drive_open(drive, sid);
    freshet_drive_answer_client(drive, freshet_drive_waiting(drive, ON_CLIENT), &token);
}

/* Behaviour row section 5.7: a client speaks of each of its sessions. */
static void an_answer_to_one_handle_brings_the_token_of_another(void **state)
{
    struct drive drive;
    session_id first = 0;
    char text[DRIVE_TEXT];
    struct drive_token newer = session_token(3, "sess_2");
    struct client_session sessions[1] = {
        {.id = "sess_2", .signed_in = true, .organization = "", .has_token = true}};
    struct outcome outcome = {
        .kind = OUTCOME_REFUSED,
        .http_status = 404,
        .code = "",
        .has_client = true,
        .client = {.last_active_session = "sess_2", .sessions = sessions, .session_count = 1}};
    struct get_options options = freshet_drive_options();
    const struct drive_note *note = NULL;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, "sess_1", 1);
    first = drive.session;
    session_open(&drive, "sess_2", 2);
    note = freshet_drive_last_note(&drive, EFFECT_COMMIT);
    assert_non_null(note);
    assert_int_equal(note->token, 2);

    /* An error answer to the first handle carries the client, with a newer token of the second. */
    drive.session = first;
    options.template_name = "missing";
    (void)freshet_drive_get(&drive, &options);
    newer.iat_s = 5;
    sessions[0].token = freshet_drive_token_in(&newer, text);
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_TOKENS), &outcome);
    note = freshet_drive_last_note(&drive, EFFECT_COMMIT);
    assert_int_equal(note->token, 3);
    assert_string_equal(note->key.sid, "sess_2");
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

static void a_sign_out_elsewhere_ends_the_session_without_a_request(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    ticket_id waiting = 0;
    int emitted = 0;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, DRIVE_SID, 1);
    options.skip_cache = true;
    waiting = freshet_drive_get(&drive, &options);
    freshet_drive_event(&drive, EVENT_SIGNED_OUT);
    assert_int_equal(session_result(&drive, waiting)->status, FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_drive_count(&drive, ON_SESSIONS), 0);
    assert_int_equal(freshet_drive_count(&drive, ON_REMOVE), 0);
    emitted = freshet_drive_notes(&drive, EFFECT_EMIT);
    freshet_drive_event(&drive, EVENT_SIGNED_OUT);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_EMIT), emitted);

    /* What was under way before it revives nothing. */
    {
        struct drive_token late = freshet_drive_token(2, 1, 60);

        freshet_drive_answer(&drive, &drive.requests[drive.request_count - 1], &late);
    }
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_end(&drive);
}

/* Whoever waits at the start gets nothing of a session that the user has signed out. */
static void a_sign_out_that_was_not_told_is_told_at_the_next_start(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token token = session_token(1, DRIVE_SID);
    ticket_id waiting = 0;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    freshet_drive_open_after(&drive, "", DRIVE_SID);
    waiting = freshet_drive_get(&drive, &options);
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &token);
    assert_int_equal(session_result(&drive, waiting)->status, FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_COMMIT), 0);
    assert_int_equal(freshet_drive_count(&drive, ON_SESSIONS) +
                         freshet_drive_count(&drive, ON_REMOVE) +
                         freshet_drive_count(&drive, ON_END),
                     1);
    freshet_drive_end(&drive);
}

static void another_session_than_the_one_signed_out_is_served(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token token = session_token(1, DRIVE_SID);
    ticket_id waiting = 0;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    freshet_drive_open_after(&drive, "", "sess_before");
    waiting = freshet_drive_get(&drive, &options);
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &token);
    assert_int_equal(session_result(&drive, waiting)->status, FRESHET_OK);
    freshet_drive_end(&drive);
}

/* A start that has to wait for others serves what they have, and is ready once it had its turn. */
static void a_start_behind_others_serves_their_token(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token theirs = session_token(1, DRIVE_SID);
    struct drive_token own = session_token(2, DRIVE_SID);
    char text[DRIVE_TEXT];
    ticket_id waiting = 0;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    freshet_drive_open(&drive, "");
    waiting = freshet_drive_get(&drive, &options);
    freshet_drive_join(&drive, freshet_drive_token_in(&theirs, text));
    assert_int_equal(session_result(&drive, waiting)->status, FRESHET_OK);
    assert_int_equal(freshet_drive_read(&drive), 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    own.iat_s = 1;
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &own);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

static void a_standing_want_starts_again_after_a_schedule_is_exhausted(void **state)
{
    struct drive drive;
    int sent = 0;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, DRIVE_SID, 1);
    freshet_drive_want_active(&drive, 1);
    for (int64_t t = 43000; t <= 400000 && freshet_drive_count(&drive, ON_TOKENS) < 9; t += 50) {
        freshet_drive_at(&drive, t);
        while (freshet_drive_waiting(&drive, ON_TOKENS) != NULL) {
            freshet_drive_fail_next(&drive, 500);
        }
    }
    sent = freshet_drive_count(&drive, ON_TOKENS);
    assert_int_equal(sent, 9);
    freshet_drive_at(&drive, drive.t_ms + 49900);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), sent);
    freshet_drive_at(&drive, drive.t_ms + 200);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), sent + 1);
    freshet_drive_end(&drive);
}

static void a_standing_want_follows_the_active_organization(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, DRIVE_SID, 1);
    freshet_drive_want_active(&drive, 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_organization(&drive, "org_2");
    freshet_drive_at(&drive, 10);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_string_equal(freshet_drive_waiting(&drive, ON_TOKENS)->key.organization, "org_2");
    freshet_drive_end(&drive);
}

static void a_closed_session_leaves_its_place_to_another(void **state)
{
    struct drive drive;
    session_id first = 0;
    ticket_id late = 0;
    struct get_options options = freshet_drive_options();

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, "sess_0", 1);
    first = drive.session;
    for (int i = 1; i < 200; i++) {
        struct drive_request *asked = NULL;

        options.skip_cache = true;
        (void)freshet_drive_get(&drive, &options);
        asked = freshet_drive_waiting(&drive, ON_TOKENS);
        assert_non_null(asked);
        freshet_drive_event(&drive, EVENT_CLOSE);
        drive.request_count = 0;
        drive.result_count = 0;
        drive.note_count = 0;
        session_open(&drive, i % 2 != 0 ? "sess_1" : "sess_0", 1);
        assert_int_equal(drive.session, first);
        assert_int_equal(freshet_drive_entry_count(&drive), 1);
        assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    }
    freshet_drive_event(&drive, EVENT_CLOSE);
    late = freshet_drive_get(&drive, &options);
    assert_int_equal(session_result(&drive, late)->status, FRESHET_CLOSED);
    freshet_drive_end(&drive);
}

/* A network that failed may be well in a moment; a store that does not open will not. */
static void a_store_that_does_not_open_is_told_at_once(void **state)
{
    struct drive drive;
    const struct outcome closed = {
        .kind = OUTCOME_NO_ANSWER, .no_answer = NO_ANSWER_STORE, .code = ""};
    struct get_options options = freshet_drive_options();
    ticket_id call = 0;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    freshet_drive_open(&drive, DRIVE_SID);
    call = freshet_drive_get(&drive, &options);
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &closed);
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_TOKENS), &closed);
    assert_int_equal(session_result(&drive, call)->status, FRESHET_STORE);
    freshet_drive_at(&drive, 1900);
    assert_int_equal(freshet_drive_count(&drive, ON_CLIENT), 1);
    call = freshet_drive_get(&drive, &options);
    freshet_drive_at(&drive, 3000);
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_TOKENS), &closed);
    assert_int_equal(session_result(&drive, call)->status, FRESHET_STORE);
    freshet_drive_end(&drive);
}

/* A handle may be closed while the issuer is still to be told: nothing of it rings later. */
static void closing_takes_away_what_is_due(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, DRIVE_SID, 1);
    freshet_drive_event(&drive, EVENT_SIGN_OUT);
    freshet_drive_event(&drive, EVENT_CLOSE);
    freshet_drive_at(&drive, 60000);
    assert_int_equal(freshet_drive_count(&drive, ON_SESSIONS), 1);
    freshet_drive_end(&drive);
}

/* What others were told before this session was opened does not keep it from asking. */
static void an_old_refusal_blocks_no_standing_want(void **state)
{
    struct drive drive;
    struct drive_token token = session_token(1, DRIVE_SID);
    struct failure refusal = {
        .attempt = 1, .failed_ms = 1, .status = FRESHET_REFUSED, .http_status = 404};

    (void)state;
    freshet_drive_begin(&drive, NULL);
    freshet_drive_at(&drive, 100000);
    freshet_drive_open(&drive, DRIVE_SID);
    token.iat_s = 100;
    freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_CLIENT), &token);
    drive.denied = true;
    freshet_drive_want_active(&drive, 1);
    freshet_drive_at(&drive, 143000);
    freshet_drive_adopt_failure(&drive, &refusal);
    drive.denied = false;
    freshet_drive_at(&drive, 143200);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

/* A call that leaves a schedule which another process began leaves its next attempt where it was. */
static void leaving_anothers_schedule_moves_nothing(void **state)
{
    struct drive drive;
    const struct failure refusal = {
        .attempt = 1, .failed_ms = 42950, .status = FRESHET_REFUSED, .http_status = 404};
    const struct failure failure = {.attempt = 4,
                                    .waited = true,
                                    .failed_ms = 45000,
                                    .first_ms = 3000,
                                    .not_before_ms = 54000,
                                    .status = FRESHET_UPSTREAM,
                                    .http_status = 503};

    (void)state;
    freshet_drive_begin(&drive, NULL);
    session_open(&drive, DRIVE_SID, 1);
    freshet_drive_at(&drive, 42950);
    freshet_drive_adopt_failure(&drive, &refusal);
    freshet_drive_at(&drive, 45000);
    freshet_drive_adopt_failure(&drive, &failure);
    freshet_drive_cancel(&drive, freshet_drive_skip_cache(&drive));
    freshet_drive_at(&drive, 53900);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, 54000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_to_one_handle_brings_the_token_of_another),
        cmocka_unit_test(a_sign_out_elsewhere_ends_the_session_without_a_request),
        cmocka_unit_test(a_sign_out_that_was_not_told_is_told_at_the_next_start),
        cmocka_unit_test(another_session_than_the_one_signed_out_is_served),
        cmocka_unit_test(a_start_behind_others_serves_their_token),
        cmocka_unit_test(a_store_that_does_not_open_is_told_at_once),
        cmocka_unit_test(closing_takes_away_what_is_due),
        cmocka_unit_test(an_old_refusal_blocks_no_standing_want),
        cmocka_unit_test(leaving_anothers_schedule_moves_nothing),
        cmocka_unit_test(a_standing_want_starts_again_after_a_schedule_is_exhausted),
        cmocka_unit_test(a_standing_want_follows_the_active_organization),
        cmocka_unit_test(a_closed_session_leaves_its_place_to_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
