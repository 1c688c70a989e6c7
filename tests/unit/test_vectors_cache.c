/*
 * Behaviour rows TC-1 to TC-32 against the engine: records of other processes, what replaces what,
 * expiry, publishing, clearing. Where Freshet has another rule the test holds Freshet's, and says so.
 * t = 0 is ten seconds after the reference's fixture token was issued.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine_drive.h"
#include "source/source.h"
#include "token_text.h"

/* The reference's pair: issued a minute apart, both alive, 110 and 50 seconds to live. */
static struct drive_token cache_high(int number)
{
    return freshet_drive_token_oiat(number, -10, -10, 120);
}

static struct drive_token cache_low(int number)
{
    return freshet_drive_token_oiat(number, -70, -70, 120);
}

static struct drive_token cache_fixture(int number)
{
    return freshet_drive_token(number, -10, 60);
}

/* ---- records of other processes ---- */

static void tc_1_a_record_whose_token_belongs_to_another_key_is_refused(void **state)
{
    struct drive drive;
    struct drive_token mine = cache_fixture(1);
    struct drive_token foreign = freshet_drive_token(2, 0, 60);
    struct drive_token other_organization = freshet_drive_token(3, 0, 60);

    (void)state;
    foreign.sid = "sess_other";
    other_organization.organization = "org_other";
    freshet_drive_ready(&drive, &mine);
    freshet_drive_adopt(&drive, NULL, NULL, &foreign);
    freshet_drive_ignored(&drive, 2, IGNORED_WRONG_KEY);
    freshet_drive_adopt(&drive, NULL, NULL, &other_organization);
    freshet_drive_ignored(&drive, 3, IGNORED_WRONG_KEY);
    freshet_drive_adopt(&drive, "nobody-asked", NULL, &foreign);
    assert_int_equal(freshet_drive_entry_count(&drive), 1);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* A key that nobody here has asked for is left in the shared place until somebody asks. */
static void tc_2_a_record_of_a_template_answers_the_call_for_that_template(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token token = cache_fixture(1);
    ticket_id ticket = 0;

    (void)state;
    token.sid = "";
    options.template_name = "my-template";
    freshet_drive_ready(&drive, NULL);
    freshet_drive_adopt(&drive, "my-template", NULL, &token);
    assert_int_equal(freshet_drive_entry_count(&drive), 0);
    ticket = freshet_drive_get(&drive, &options);
    freshet_drive_adopt(&drive, "my-template", NULL, &token);
    assert_int_equal(freshet_drive_result(&drive, ticket)->token, 1);
    assert_int_equal(freshet_drive_entry_count(&drive), 1);
    freshet_drive_end(&drive);
}

/* Answers the open token request with what a source reads from this body. */
static void cache_answer_body(struct drive *drive, const char *jwt)
{
    char body[1024];
    struct http_response response = {.status = 200, .body = body};
    struct reading reading;
    int length = snprintf(body, sizeof(body), "{\"jwt\":\"%s\"}", jwt);

    assert_in_range(length, 1, sizeof(body) - 1);
    response.body_length = (size_t)length;
    freshet_clerk_read(ON_TOKENS, &response, 0, &reading);
    freshet_drive_answer_outcome(drive, freshet_drive_waiting(drive, ON_TOKENS), &reading.outcome);
    freshet_reading_free(&reading);
}

static void tc_4_a_text_that_is_no_token_is_tried_again(void **state)
{
    struct drive drive;
    ticket_id ticket = 0;
    const struct get_options options = freshet_drive_options();

    (void)state;
    freshet_drive_ready(&drive, NULL);
    freshet_drive_adopt(&drive, NULL, NULL, NULL);
    ticket = freshet_drive_get(&drive, &options);
    cache_answer_body(&drive, "invalid.jwt.token");
    freshet_drive_ignored(&drive, 0, IGNORED_MALFORMED);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_at(&drive, 3000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

static void tc_5_a_token_without_iat_is_no_token(void **state)
{
    struct drive drive;
    const struct get_options options = freshet_drive_options();
    char *text = freshet_token_text("{\"alg\":\"RS256\"}", "{\"sub\":\"user_1\"}");

    (void)state;
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_get(&drive, &options);
    cache_answer_body(&drive, text);
    freshet_drive_ignored(&drive, 0, IGNORED_MALFORMED);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_COMMIT), 0);
    freshet_drive_end(&drive);
    free(text);
}

static void tc_7_a_shared_staler_token_is_ignored(void **state)
{
    struct drive drive;
    struct drive_token high = cache_high(1);
    struct drive_token low = cache_low(2);

    (void)state;
    freshet_drive_ready(&drive, &high);
    freshet_drive_adopt(&drive, NULL, NULL, &low);
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_8_a_shared_fresher_token_replaces_the_held_one(void **state)
{
    struct drive drive;
    struct drive_token low = cache_low(1);
    struct drive_token high = cache_high(2);

    (void)state;
    freshet_drive_ready(&drive, &low);
    freshet_drive_adopt(&drive, NULL, NULL, &high);
    assert_int_equal(freshet_drive_last_note(&drive, EFFECT_COMMIT)->from, FROM_SHARED);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

static void tc_10_a_shared_token_answers_who_waits_at_once(void **state)
{
    struct drive drive;
    const struct get_options options = freshet_drive_options();
    struct drive_token token = cache_fixture(1);
    ticket_id ticket = 0;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    ticket = freshet_drive_get(&drive, &options);
    assert_null(freshet_drive_result(&drive, ticket));
    freshet_drive_adopt(&drive, NULL, NULL, &token);
    assert_int_equal(freshet_drive_result(&drive, ticket)->token, 1);
    assert_false(freshet_drive_result(&drive, ticket)->stale);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_11_a_shared_token_is_not_published_again(void **state)
{
    struct drive drive;
    struct drive_token low = cache_low(1);
    struct drive_token high = cache_high(2);
    int published = 0;

    (void)state;
    freshet_drive_ready(&drive, &low);
    published = freshet_drive_notes(&drive, EFFECT_PUBLISH);
    freshet_drive_adopt(&drive, NULL, NULL, &high);
    assert_int_equal(freshet_drive_read(&drive), 2);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_PUBLISH), published);
    freshet_drive_end(&drive);
}

/* ---- what replaces what, within one process ---- */

static void tc_13_a_staler_answer_does_not_replace_a_fresher_one(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    assert_int_equal(freshet_drive_fetch(&drive, cache_high(1)), 1);
    assert_int_equal(freshet_drive_fetch(&drive, cache_low(2)), 1);
    freshet_drive_ignored(&drive, 2, IGNORED_STALER);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_14_a_fresher_answer_replaces_a_staler_one(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    assert_int_equal(freshet_drive_fetch(&drive, cache_low(1)), 1);
    assert_int_equal(freshet_drive_fetch(&drive, cache_high(2)), 2);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

/* Freshet's rule (D15): a request hides nothing. */
static void tc_16_a_request_under_way_does_not_hide_the_held_token(void **state)
{
    struct drive drive;
    struct drive_token high = cache_high(1);

    (void)state;
    freshet_drive_ready(&drive, &high);
    (void)freshet_drive_skip_cache(&drive);
    assert_non_null(freshet_drive_waiting(&drive, ON_TOKENS));
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_17_an_answer_after_clear_does_not_come_back(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 60);
    struct drive_token late = freshet_drive_token(2, 43, 60);
    struct drive_request *request = NULL;

    (void)state;
    freshet_drive_ready(&drive, &token);
    freshet_drive_at(&drive, 43000);
    request = freshet_drive_waiting(&drive, ON_TOKENS);
    assert_non_null(request);
    freshet_drive_event(&drive, EVENT_CLEAR);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_answer(&drive, request, &late);
    freshet_drive_ignored(&drive, 2, IGNORED_OLD_EPOCH);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

/* Two skip-cache calls a moment apart: a request each, and each leaves the freshest token. The first
 * answer is readable while the second request is under way (D15). */
static void cache_fetch_twice(struct drive *drive, struct drive_token first,
                              struct drive_token second, int expected)
{
    ticket_id early = 0;
    ticket_id late = 0;

    freshet_drive_ready(drive, NULL);
    early = freshet_drive_skip_cache(drive);
    freshet_drive_at(drive, 1);
    late = freshet_drive_skip_cache(drive);
    assert_int_equal(freshet_drive_count(drive, ON_TOKENS), 1);
    freshet_drive_answer_next(drive, &first);
    assert_int_equal(freshet_drive_result(drive, early)->token, first.number);
    assert_null(freshet_drive_result(drive, late));
    assert_int_equal(freshet_drive_count(drive, ON_TOKENS), 2);
    assert_int_equal(freshet_drive_peek(drive, NULL, NULL), first.number);
    freshet_drive_answer_next(drive, &second);
    assert_int_equal(freshet_drive_result(drive, late)->token, expected);
    assert_int_equal(freshet_drive_read(drive), expected);
}

static void tc_19_of_two_requests_the_staler_second_answer_changes_nothing(void **state)
{
    struct drive drive;

    (void)state;
    cache_fetch_twice(&drive, cache_high(1), cache_low(2), 1);
    freshet_drive_at(&drive, 50000);
    assert_int_equal(freshet_drive_read(&drive), 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_end(&drive);
}

static void tc_20_of_two_requests_the_fresher_second_answer_is_held(void **state)
{
    struct drive drive;

    (void)state;
    cache_fetch_twice(&drive, cache_low(1), cache_high(2), 2);
    freshet_drive_end(&drive);
}

static void tc_22_a_held_token_outlives_a_request_that_brings_a_staler_one(void **state)
{
    struct drive drive;
    struct drive_token high = cache_high(1);
    struct drive_token low = cache_low(2);
    ticket_id ticket = 0;

    (void)state;
    freshet_drive_ready(&drive, &high);
    ticket = freshet_drive_skip_cache(&drive);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    freshet_drive_answer_next(&drive, &low);
    assert_int_equal(freshet_drive_result(&drive, ticket)->token, 1);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void tc_23_a_token_that_is_old_at_receipt_is_refreshed_by_its_own_expiry(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, -30, 120);

    (void)state;
    freshet_drive_ready(&drive, &token);
    freshet_drive_at(&drive, 72999);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, 74000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 73000);
    freshet_drive_at(&drive, 91000);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

/* ---- expiry ---- */

static void tc_25_an_expired_token_is_not_taken(void **state)
{
    struct drive drive;
    struct drive_token expired = freshet_drive_token(1, -120, 60);

    (void)state;
    freshet_drive_ready(&drive, &expired);
    freshet_drive_ignored(&drive, 1, IGNORED_EXPIRED);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_COMMIT), 0);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

static void tc_26_a_token_lives_by_its_claims_however_long_the_request_took(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 9, 20);

    (void)state;
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_at(&drive, 9000);
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, 27000);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* ---- publishing ---- */

static void tc_28_a_taken_token_is_published_once_under_its_whole_key(void **state)
{
    struct drive drive;
    const struct drive_note *note = NULL;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    assert_int_equal(freshet_drive_fetch(&drive, freshet_drive_token(1, 0, 3600)), 1);
    note = freshet_drive_last_note(&drive, EFFECT_PUBLISH);
    assert_non_null(note);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_PUBLISH), 1);
    assert_int_equal(note->token, 1);
    assert_string_equal(note->key.sid, DRIVE_SID);
    assert_string_equal(note->key.template_name, "");
    assert_string_equal(note->key.organization, "");
    assert_string_equal(note->key.audience, "");
    freshet_drive_end(&drive);
}

/* Freshet's rule: a plain token must carry its session, so this one is not even taken. */
static void tc_29_a_token_without_a_session_is_not_published(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 3600);

    (void)state;
    token.sid = "";
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_skip_cache(&drive);
    freshet_drive_answer_next(&drive, &token);
    freshet_drive_ignored(&drive, 1, IGNORED_WRONG_KEY);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    assert_int_equal(freshet_drive_last_note(&drive, EFFECT_PUBLISH)->token, 0);
    freshet_drive_end(&drive);
}

/* Nobody answers a PUBLISH: that it failed is not even an event. */
static void tc_31_a_publish_that_fails_does_not_touch_the_token(void **state)
{
    struct drive drive;

    (void)state;
    freshet_drive_ready(&drive, NULL);
    assert_int_equal(freshet_drive_fetch(&drive, freshet_drive_token(1, 0, 3600)), 1);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_PUBLISH), 1);
    freshet_drive_at(&drive, 60000);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_PUBLISH), 1);
    assert_int_equal(freshet_drive_entry_count(&drive), 1);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

/* ---- clear ---- */

static void tc_32_clear_leaves_no_token_and_no_deadline(void **state)
{
    struct drive drive;
    struct get_options options = freshet_drive_options();
    struct drive_token token = freshet_drive_token(1, 0, 3600);

    (void)state;
    options.audience = "https://api.example.com";
    freshet_drive_ready(&drive, NULL);
    (void)freshet_drive_get(&drive, &options);
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(freshet_drive_read_with(&drive, &options), 1);
    freshet_drive_event(&drive, EVENT_CLEAR);
    assert_int_equal(freshet_drive_notes(&drive, EFFECT_RETRACT), 1);
    freshet_drive_at(&drive, 3600000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_read_with(&drive, &options), 0);
    freshet_drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tc_1_a_record_whose_token_belongs_to_another_key_is_refused),
        cmocka_unit_test(tc_2_a_record_of_a_template_answers_the_call_for_that_template),
        cmocka_unit_test(tc_4_a_text_that_is_no_token_is_tried_again),
        cmocka_unit_test(tc_5_a_token_without_iat_is_no_token),
        cmocka_unit_test(tc_7_a_shared_staler_token_is_ignored),
        cmocka_unit_test(tc_8_a_shared_fresher_token_replaces_the_held_one),
        cmocka_unit_test(tc_10_a_shared_token_answers_who_waits_at_once),
        cmocka_unit_test(tc_11_a_shared_token_is_not_published_again),
        cmocka_unit_test(tc_13_a_staler_answer_does_not_replace_a_fresher_one),
        cmocka_unit_test(tc_14_a_fresher_answer_replaces_a_staler_one),
        cmocka_unit_test(tc_16_a_request_under_way_does_not_hide_the_held_token),
        cmocka_unit_test(tc_17_an_answer_after_clear_does_not_come_back),
        cmocka_unit_test(tc_19_of_two_requests_the_staler_second_answer_changes_nothing),
        cmocka_unit_test(tc_20_of_two_requests_the_fresher_second_answer_is_held),
        cmocka_unit_test(tc_22_a_held_token_outlives_a_request_that_brings_a_staler_one),
        cmocka_unit_test(tc_23_a_token_that_is_old_at_receipt_is_refreshed_by_its_own_expiry),
        cmocka_unit_test(tc_25_an_expired_token_is_not_taken),
        cmocka_unit_test(tc_26_a_token_lives_by_its_claims_however_long_the_request_took),
        cmocka_unit_test(tc_28_a_taken_token_is_published_once_under_its_whole_key),
        cmocka_unit_test(tc_29_a_token_without_a_session_is_not_published),
        cmocka_unit_test(tc_31_a_publish_that_fails_does_not_touch_the_token),
        cmocka_unit_test(tc_32_clear_leaves_no_token_and_no_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
