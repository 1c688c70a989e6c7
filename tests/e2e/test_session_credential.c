/*
 * The client token of a session, and what comes with the answers it is spent on: rotation, places,
 * clients inside other answers, the session minter (behaviour rows C9, C10, C22, D16, D27).
 */
#include "cmocka_all.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "issuer_log.h"
#include "scene.h"

static const struct freshet_client_options storeless = {
    .size = sizeof(storeless), .state_dir = "", .runtime_dir = ""};

/* ---- fingerprints, as the issuer's log has them ---- */

static void credential_fingerprint(const char *path, char print[16])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    char text[ISSUER_TEXT_MAX];
    FILE *file = fopen(path, "r");
    size_t length = 0;

    assert_non_null(file);
    length = fread(text, 1, sizeof(text), file);
    fclose(file);
    while (length > 0 && text[length - 1] == '\n') {
        length--;
    }
    crypto_hash_sha256(hash, (const unsigned char *)text, length);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(print, 16, "%.12s", hex);
}

/* The last request of a kind. */
static struct log_request credential_last(const struct issuer_process *issuer, const char *on)
{
    struct log_request last = {.seq = -1};
    struct request_log log;

    freshet_request_log_read(&log, issuer->log_file);
    for (size_t i = 0; i < log.count; i++) {
        if (strcmp(log.requests[i].on, on) == 0) {
            last = log.requests[i];
        }
    }
    freshet_request_log_free(&log);
    assert_true(last.seq >= 0);
    return last;
}

/* ---- rotation ---- */

/* Two sessions touch and ask for tokens at once; the next client presents the newest successor. */
static void credential_rotates(struct scene *scene, const char *rotation, bool changes)
{
    const char *const issuer[] = {"--sessions", "2", "--rotation", rotation, NULL};
    struct freshet_session *sessions[2];
    struct getter getters[2];
    char sids[2][ISSUER_SID_MAX];
    struct log_request last, next;
    struct request_log log;

    freshet_scene_open(scene, NULL, issuer);
    freshet_issuer_sids(&scene->world.issuer, 2, sids);
    sessions[0] = scene->world.session;
    sessions[1] = freshet_world_session(&scene->world, "second", sids[1]);
    freshet_scene_expect(sessions[0], NULL, FRESHET_OK);
    freshet_scene_expect(sessions[1], NULL, FRESHET_OK);
    freshet_wake(scene->world.client);
    for (size_t i = 0; i < 2; i++) {
        freshet_getters_start(&getters[i], 1, sessions[i], REQUEST(.skip_cache = 1));
    }
    for (size_t i = 0; i < 2; i++) {
        freshet_getters_join(&getters[i], 1);
        assert_int_equal(getters[i].status, FRESHET_OK);
    }
    freshet_relay_await(&scene->relay, "/touch", 2);
    freshet_scene_await_open(scene, 0);
    freshet_close(scene->world.client);
    last = credential_last(&scene->world.issuer, "touch");
    freshet_world_enter(&scene->world, NULL);
    freshet_scene_expect(freshet_world_session(&scene->world, "again", NULL), NULL, FRESHET_OK);
    next = credential_last(&scene->world.issuer, "client");
    assert_string_equal(next.presented, changes ? last.returned : last.presented);
    freshet_request_log_read(&log, scene->world.issuer.log_file);
    assert_int_equal(freshet_request_log_count(&log, "", 400, 599), 0);
    assert_true((freshet_request_log_rotations(&log) > 0) == changes);
    freshet_request_log_assert_strict_chain(&log);
    freshet_request_log_free(&log);
}

static void the_newest_client_token_is_kept_when_the_issuer_has_grace(void **state)
{
    credential_rotates(*state, "grace", true);
}

static void the_newest_client_token_is_kept_when_the_issuer_is_strict(void **state)
{
    credential_rotates(*state, "strict", true);
}

static void a_client_token_that_stays_is_kept(void **state)
{
    credential_rotates(*state, "keep", false);
}

/* Without a store requests may overlap: the answer to an older one comes last, and is no news. */
static void an_older_answer_replaces_no_newer_client_token(void **state)
{
    struct scene *scene = *state;
    struct freshet_session *second = NULL;
    char sids[2][ISSUER_SID_MAX];
    char hold[2 * ISSUER_SID_MAX];
    char stored[16];

    freshet_scene_open(scene, &storeless, ISSUER("--sessions", "2", "--organization", "org_a"));
    freshet_issuer_sids(&scene->world.issuer, 2, sids);
    second = freshet_world_session(&scene->world, "second", sids[1]);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_expect(second, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    snprintf(hold, sizeof(hold), "/sessions/%s/touch", sids[0]);
    freshet_relay_hold(&scene->relay, hold);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_relay_await_held(&scene->relay, 1);
    assert_int_equal(freshet_set_organization(second, "org_a"), FRESHET_OK);
    freshet_relay_await(&scene->relay, "/touch", 2);
    freshet_scene_await_open(scene, 1);
    freshet_relay_release(&scene->relay);
    freshet_scene_await_open(scene, 0);
    credential_fingerprint(scene->world.issuer.token_file, stored);
    assert_string_equal(stored, credential_last(&scene->world.issuer, "touch").returned);
}

/* ---- places ---- */

/* Another program has put another client token into the file meanwhile. */
static void the_client_token_is_looked_up_for_each_request(void **state)
{
    struct scene *scene = *state;
    const char *file = scene->world.issuer.token_file;
    struct world other;
    char *beside = other.issuer.token_file;
    char before[16];
    char after[16];

    freshet_scene_open(scene, &storeless, NULL);
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    credential_fingerprint(file, before);
    assert_string_equal(credential_last(&scene->world.issuer, "tokens").presented, before);
    other = scene->world;
    snprintf(beside, sizeof(other.issuer.token_file), "%s/other", scene->world.issuer.folder);
    assert_int_equal(link(file, beside), 0);
    freshet_world_enter(&other, &storeless);
    freshet_scene_expect(freshet_world_session(&other, "other", NULL), NULL, FRESHET_OK);
    freshet_close(other.client);
    assert_int_equal(rename(beside, file), 0);
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    credential_fingerprint(file, after);
    assert_string_not_equal(after, before);
    assert_string_equal(credential_last(&scene->world.issuer, "tokens").presented, after);
}

static void expect_apart(const struct issuer_process *one, const struct issuer_process *other)
{
    struct request_log ours;
    struct request_log theirs;

    freshet_request_log_read(&ours, one->log_file);
    freshet_request_log_read(&theirs, other->log_file);
    assert_int_equal(freshet_request_log_count(&ours, "", 400, 599), 0);
    assert_true(freshet_request_log_rotations(&ours) > 0);
    for (size_t i = 0; i < ours.count; i++) {
        for (size_t j = 0; j < theirs.count; j++) {
            assert_true(ours.requests[i].presented[0] == '\0' ||
                        strcmp(ours.requests[i].presented, theirs.requests[j].presented) != 0);
        }
    }
    freshet_request_log_free(&ours);
    freshet_request_log_free(&theirs);
}

static void credential_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* One store, one account by its file's name, two instances: neither is shown the other's token, nor
 * when the next client comes with only one of them. */
static void two_instances_keep_their_client_tokens_apart(void **state)
{
    struct scene *scene = *state;
    struct freshet_session_options options = {.size = sizeof(options)};
    struct freshet_session *session = NULL;
    struct issuer_process other;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    freshet_issuer_start(&other, NULL);
    credential_put(scene->world.issuer.token_file, other.client_token);
    options.url = other.url;
    options.client_token_file = scene->world.issuer.token_file;
    assert_int_equal(freshet_session_open(scene->world.client, &options, &session, NULL),
                     FRESHET_OK);
    freshet_scene_expect(session, REQUEST(.skip_cache = 1), FRESHET_OK);
    freshet_close(scene->world.client);
    freshet_world_enter(&scene->world, NULL);
    assert_int_equal(freshet_session_open(scene->world.client, &options, &session, NULL),
                     FRESHET_OK);
    freshet_scene_expect(session, REQUEST(.skip_cache = 1), FRESHET_OK);
    credential_put(scene->world.issuer.token_file, scene->world.issuer.client_token);
    freshet_scene_expect(freshet_world_session(&scene->world, "again", NULL),
                         REQUEST(.skip_cache = 1), FRESHET_OK);
    expect_apart(&scene->world.issuer, &other);
    expect_apart(&other, &scene->world.issuer);
    freshet_issuer_stop(&other);
}

/* ---- what answers bring beside themselves ---- */

static void an_error_may_bring_the_client_and_its_token(void **state)
{
    struct scene *scene = *state;
    struct world other;
    struct got brought;
    char rules[ISSUER_TEXT_MAX + 512];

    freshet_scene_open(scene, NULL, ISSUER("--rotation", "keep"));
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    other = scene->world;
    freshet_world_enter(&other, &storeless);
    brought = freshet_scene_expect(freshet_world_session(&other, "other", NULL),
                                   REQUEST(.skip_cache = 1), FRESHET_OK);
    freshet_close(other.client);
    snprintf(rules, sizeof(rules),
             "[{\"status\": 404, \"body\": \"{\\\"errors\\\": [{\\\"code\\\": "
             "\\\"resource_not_found\\\"}], \\\"meta\\\": {\\\"client\\\": {\\\"id\\\": "
             "\\\"client_a\\\", \\\"sessions\\\": [{\\\"id\\\": \\\"%s\\\", \\\"status\\\": "
             "\\\"active\\\", \\\"last_active_token\\\": {\\\"jwt\\\": \\\"%s\\\"}}]}}}\"}]",
             brought.sid, brought.text);
    freshet_issuer_fault(&scene->world.issuer, "tokens/one", rules);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "one"), FRESHET_REFUSED);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                        brought.text);
    assert_int_equal(freshet_scene_heard(scene, COMMITTED("issuer")), 0);
}

/* ---- what the issuer wants to see ---- */

/* How many requests hold a token between two texts. */
static size_t credential_count(struct scene *scene, const char *before, const char *text,
                               const char *after)
{
    char wanted[ISSUER_TEXT_MAX + 64];

    snprintf(wanted, sizeof(wanted), "%s%s%s", before, text, after);
    return freshet_relay_count(&scene->relay, wanted);
}

static void a_session_minter_gets_the_last_token(void **state)
{
    struct scene *scene = *state;
    struct got first, second;

    freshet_scene_open(scene, NULL, ISSUER("--session-minter", "--organization", "org_a"));
    first = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    second = freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_int_equal(
        credential_count(scene, "organization_id=&token=", first.text, "&force_origin=true"), 1);
    freshet_scene_expect(scene->world.session, REQUEST(.organization = "org_a"), FRESHET_OK);
    assert_int_equal(credential_count(scene, "organization_id=org_a&token=", second.text, ""), 1);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "one"), FRESHET_OK);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 3);
    assert_int_equal(freshet_relay_count(&scene->relay, "&token="), 2);
    assert_int_equal(freshet_relay_count(&scene->relay, "force_origin"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "debug=skip_cache"), 1);
}

static void without_a_session_minter_no_token_is_sent(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "debug=skip_cache"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "force_origin"), 0);
    assert_int_equal(freshet_relay_count(&scene->relay, "&token="), 0);
}

static void a_missing_expired_token_is_shown_once(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens",
                         "[{\"status\": 422, \"code\": \"missing_expired_token\"}]");
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 2);
    assert_int_equal(freshet_relay_count(&scene->relay, "/client?"), 1);
}

/* Once in each attempt, and in the query; an issuer that goes on wanting it has refused. */
static void the_expired_token_is_shown_no_more_than_once(void **state)
{
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, NULL, NULL);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "tokens",
                         "[{\"status\": 422, \"code\": \"missing_expired_token\", \"count\": -1}]");
    freshet_issuer_fault(&scene->world.issuer, "client", ALWAYS("429"));
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_UNAUTHORIZED);
    assert_int_equal(credential_count(scene, "expired_token=", held.text, "&__clerk_api_version"),
                     1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 2);
    assert_int_equal(freshet_relay_count(&scene->relay, "debug=skip_cache"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/client?"), 2);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                        held.text);
}

/* A touch hangs and gives way to another: its turn with the credential ends after five seconds. */
static void a_request_that_was_given_up_keeps_its_turn_not_for_ever(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, ISSUER("--organization", "org_a"));
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "touch", "[{\"hang\": true}]");
    freshet_wake(scene->world.client);
    freshet_relay_await(&scene->relay, "/touch", 1);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    freshet_relay_await(&scene->relay, "/touch", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_newest_client_token_is_kept_when_the_issuer_has_grace),
        SCENE_TEST(the_newest_client_token_is_kept_when_the_issuer_is_strict),
        SCENE_TEST(a_client_token_that_stays_is_kept),
        SCENE_TEST(an_older_answer_replaces_no_newer_client_token),
        SCENE_TEST(the_client_token_is_looked_up_for_each_request),
        SCENE_TEST(two_instances_keep_their_client_tokens_apart),
        SCENE_TEST(an_error_may_bring_the_client_and_its_token),
        SCENE_TEST(a_session_minter_gets_the_last_token),
        SCENE_TEST(without_a_session_minter_no_token_is_sent),
        SCENE_TEST(a_missing_expired_token_is_shown_once),
        SCENE_TEST(the_expired_token_is_shown_no_more_than_once),
        SCENE_TEST(a_request_that_was_given_up_keeps_its_turn_not_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
