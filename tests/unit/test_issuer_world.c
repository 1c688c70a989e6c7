/*
 * Claims, rotation and sessions at chosen times: the world and the API over it, without sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "issuer/api.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALL_MS INT64_C(1700000000700)

struct stage {
    struct world world;
    struct mint *mint;
};

static int stage_open(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct settings settings;

    stage->mint = freshet_mint_open(ALGORITHM_ES256);
    freshet_settings_default(&settings);
    memcpy(stage->world.organizations.name[0], "org_acme", 9);
    stage->world.organizations.count = 1;
    memcpy(stage->world.issuer, "http://127.0.0.1:1", 19);
    freshet_world_open(&stage->world, stage->mint, &settings, 2, WALL_MS);
    *state = stage;
    return 0;
}

static int stage_close(void **state)
{
    struct stage *stage = *state;

    freshet_mint_close(stage->mint);
    free(stage);
    return 0;
}

static int64_t number(const json_t *claims, const char *name)
{
    assert_true(json_is_integer(json_object_get(claims, name)));
    return json_integer_value(json_object_get(claims, name));
}

static json_t *claims_of(struct stage *stage, const char *organization, const char *template_name)
{
    struct world *world = &stage->world;
    int64_t now_ms = freshet_world_now(world, WALL_MS);
    char *token =
        template_name == NULL
            ? freshet_world_session_token(world, &world->sessions[0], organization, "http://app",
                                          now_ms)
            : freshet_world_template_token(world, &world->sessions[0], template_name, NULL, now_ms);
    json_t *claims = freshet_mint_verify(stage->mint, token);

    assert_non_null(claims);
    free(token);
    return claims;
}

static void session_tokens_carry_the_documented_claims(void **state)
{
    struct stage *stage = *state;
    json_t *claims = claims_of(stage, "org_acme", NULL);
    const json_t *organization = json_object_get(claims, "o");

    assert_int_equal(number(claims, "iat"), 1700000000);
    assert_int_equal(number(claims, "exp"), 1700000060);
    assert_int_equal(number(claims, "nbf"), 1699999990);
    assert_int_equal(number(claims, "v"), 2);
    assert_string_equal(json_string_value(json_object_get(claims, "iss")), "http://127.0.0.1:1");
    assert_string_equal(json_string_value(json_object_get(claims, "azp")), "http://app");
    assert_string_equal(json_string_value(json_object_get(claims, "sid")),
                        stage->world.sessions[0].id);
    assert_string_equal(json_string_value(json_object_get(organization, "id")), "org_acme");
    assert_string_equal(json_string_value(json_object_get(organization, "slg")), "acme");
    json_decref(claims);
    claims = claims_of(stage, "", NULL);
    assert_null(json_object_get(claims, "o"));
    json_decref(claims);
}

static void template_tokens_carry_no_session(void **state)
{
    json_t *claims = claims_of(*state, "", "api");

    assert_null(json_object_get(claims, "sid"));
    assert_null(json_object_get(claims, "v"));
    assert_non_null(json_object_get(claims, "sub"));
    json_decref(claims);
}

static void times_follow_the_issuers_clock_and_age(void **state)
{
    struct stage *stage = *state;
    json_t *claims;

    stage->world.settings.clock_ahead_ms = 20000;
    stage->world.settings.issue_age_ms = 5800;
    stage->world.settings.ttl_s = 10;
    claims = claims_of(stage, "", NULL);
    assert_int_equal(number(claims, "iat"), 1700000014);
    assert_int_equal(number(claims, "exp"), 1700000024);
    json_decref(claims);
}

static char *issued(struct stage *stage)
{
    return freshet_world_client_token(&stage->world, WALL_MS);
}

static char *rotated(struct stage *stage)
{
    return freshet_world_rotate(&stage->world, WALL_MS);
}

static void grace_ends_when_a_successor_is_presented(void **state)
{
    struct stage *stage = *state;
    struct world *world = &stage->world;
    char *first = issued(stage), *second = rotated(stage), *third;

    assert_int_equal(freshet_world_present(world, first), BEARER_OWNER);
    third = rotated(stage);
    assert_int_equal(freshet_world_present(world, first), BEARER_OWNER);
    assert_int_equal(freshet_world_present(world, second), BEARER_OWNER);
    assert_int_equal(freshet_world_present(world, first), BEARER_BAD);
    assert_int_equal(freshet_world_present(world, second), BEARER_OWNER);
    assert_int_equal(freshet_world_present(world, third), BEARER_OWNER);
    assert_int_equal(freshet_world_present(world, second), BEARER_BAD);
    free(third);
    free(second);
    free(first);
}

static void strict_refuses_a_predecessor_at_once(void **state)
{
    struct stage *stage = *state;
    char *first = issued(stage), *second;

    stage->world.settings.rotation = ROTATION_STRICT;
    assert_int_equal(freshet_world_present(&stage->world, first), BEARER_OWNER);
    second = rotated(stage);
    assert_int_equal(freshet_world_present(&stage->world, first), BEARER_BAD);
    assert_int_equal(freshet_world_present(&stage->world, second), BEARER_OWNER);
    free(second);
    free(first);
}

static void keep_never_rotates(void **state)
{
    struct stage *stage = *state;
    char *first = issued(stage), *second = issued(stage);

    stage->world.settings.rotation = ROTATION_KEEP;
    assert_null(rotated(stage));
    assert_int_equal(freshet_world_present(&stage->world, second), BEARER_OWNER);
    assert_int_equal(freshet_world_present(&stage->world, first), BEARER_OWNER);
    free(second);
    free(first);
}

static void a_session_token_is_no_client_token(void **state)
{
    struct stage *stage = *state;
    struct world *world = &stage->world;
    char *token = freshet_world_session_token(world, &world->sessions[0], "", NULL, WALL_MS);

    assert_int_equal(freshet_world_present(world, token), BEARER_BAD);
    assert_int_equal(freshet_world_present(world, "junk"), BEARER_BAD);
    assert_int_equal(freshet_world_present(world, ""), BEARER_NONE);
    free(token);
}

static const char *session_path(char *path, size_t size, const char *id, const char *verb)
{
    (void)snprintf(path, size, "/v1/client/sessions/%s%s", id, verb);
    return path;
}

/* One call; the caller clears the answer. */
static struct answer ask(struct stage *stage, const char *method, const char *override,
                         const char *path, const char *client_token, const char *body)
{
    struct answer answer = {0};
    struct call call = {
        .route = freshet_route(method, override, path),
        .native = true,
        .authorization = client_token,
        .session_query = "",
        .cookie = "",
        .host = "",
        .body = body,
        .body_bytes = strlen(body),
    };

    freshet_api_answer(&stage->world, &call, WALL_MS, &answer);
    return answer;
}

static int status(struct stage *stage, const char *method, const char *override, const char *path,
                  const char *client_token, const char *body)
{
    struct answer answer = ask(stage, method, override, path, client_token, body);
    int result = answer.status;

    freshet_answer_clear(&answer);
    return result;
}

static void tokens_are_refused_with_the_documented_codes(void **state)
{
    struct stage *stage = *state;
    char *client_token = issued(stage);
    char path[128];
    const char *const tokens =
        session_path(path, sizeof path, stage->world.sessions[0].id, "/tokens");

    stage->world.settings.rotation = ROTATION_KEEP;
    assert_int_equal(status(stage, "POST", NULL, tokens, client_token, "organization_id="), 200);
    assert_int_equal(status(stage, "POST", NULL, tokens, client_token, "organization_id=org_acme"),
                     200);
    assert_int_equal(status(stage, "POST", NULL, tokens, client_token, "organization_id=org_x"),
                     404);
    assert_int_equal(status(stage, "POST", NULL, tokens, "", ""), 401);
    assert_int_equal(status(stage, "POST", NULL, tokens, "junk", ""), 401);
    assert_int_equal(status(stage, "GET", NULL, tokens, client_token, ""), 405);
    assert_int_equal(
        status(stage, "POST", NULL, "/v1/client/sessions/sess_x/tokens", client_token, ""), 404);
    assert_int_equal(status(stage, "POST", "DELETE", "/v1/client/sessions", client_token, ""), 200);
    assert_int_equal(status(stage, "POST", NULL, tokens, client_token, "organization_id="), 401);
    free(client_token);
}

static const json_t *first_session(const json_t *client)
{
    return json_array_get(json_object_get(client, "sessions"), 0);
}

static void touch_changes_the_organization_and_brings_the_client(void **state)
{
    struct stage *stage = *state;
    char *client_token = issued(stage);
    char path[128];
    const char *const touch =
        session_path(path, sizeof path, stage->world.sessions[0].id, "/touch");
    struct answer answer =
        ask(stage, "POST", NULL, touch, client_token, "active_organization_id=org_acme");
    json_t *body = json_loads(answer.body, 0, NULL);
    const json_t *session = first_session(json_object_get(body, "client"));
    const json_t *token = json_object_get(session, "last_active_token");
    json_t *claims =
        freshet_mint_verify(stage->mint, json_string_value(json_object_get(token, "jwt")));

    assert_int_equal(answer.status, 200);
    assert_non_null(answer.authorization);
    assert_string_equal(json_string_value(json_object_get(session, "last_active_organization_id")),
                        "org_acme");
    assert_non_null(json_object_get(claims, "o"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(body, "response"), "object")), "session");
    json_decref(claims);
    json_decref(body);
    freshet_answer_clear(&answer);
    free(client_token);
}

static size_t session_count(struct stage *stage, const char *client_token)
{
    struct answer answer = ask(stage, "GET", NULL, "/v1/client", client_token, "");
    json_t *body = json_loads(answer.body, 0, NULL);
    size_t count = json_array_size(json_object_get(json_object_get(body, "response"), "sessions"));

    json_decref(body);
    freshet_answer_clear(&answer);
    return count;
}

static void ended_sessions_stay_listed_and_removed_ones_do_not(void **state)
{
    struct stage *stage = *state;
    char *client_token = issued(stage);
    char path[128], other[128];
    const char *const end = session_path(path, sizeof path, stage->world.sessions[0].id, "/end");
    const char *const gone =
        session_path(other, sizeof other, stage->world.sessions[1].id, "/remove");

    stage->world.settings.rotation = ROTATION_KEEP;
    assert_int_equal(session_count(stage, client_token), 2);
    assert_int_equal(status(stage, "POST", NULL, end, client_token, ""), 200);
    assert_int_equal(session_count(stage, client_token), 2);
    assert_int_equal(status(stage, "POST", NULL, gone, client_token, ""), 200);
    assert_int_equal(session_count(stage, client_token), 1);
    assert_int_equal(status(stage, "POST", NULL, gone, client_token, ""), 404);
    free(client_token);
}

static void a_destroyed_client_is_refused_and_a_guest_has_no_session(void **state)
{
    struct stage *stage = *state;
    char *client_token = issued(stage);
    struct answer answer = ask(stage, "POST", "PUT", "/v1/client", "", "");

    assert_int_equal(answer.status, 200);
    assert_non_null(answer.authorization);
    assert_int_equal(session_count(stage, answer.authorization), 0);
    assert_int_equal(status(stage, "GET", NULL, "/v1/me", answer.authorization, ""), 401);
    freshet_answer_clear(&answer);
    assert_int_equal(status(stage, "POST", "DELETE", "/v1/client", client_token, ""), 200);
    assert_int_equal(status(stage, "GET", NULL, "/v1/client", client_token, ""), 401);
    free(client_token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(session_tokens_carry_the_documented_claims, stage_open,
                                        stage_close),
        cmocka_unit_test_setup_teardown(template_tokens_carry_no_session, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(times_follow_the_issuers_clock_and_age, stage_open,
                                        stage_close),
        cmocka_unit_test_setup_teardown(grace_ends_when_a_successor_is_presented, stage_open,
                                        stage_close),
        cmocka_unit_test_setup_teardown(strict_refuses_a_predecessor_at_once, stage_open,
                                        stage_close),
        cmocka_unit_test_setup_teardown(keep_never_rotates, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(a_session_token_is_no_client_token, stage_open,
                                        stage_close),
        cmocka_unit_test_setup_teardown(tokens_are_refused_with_the_documented_codes, stage_open,
                                        stage_close),
        cmocka_unit_test_setup_teardown(touch_changes_the_organization_and_brings_the_client,
                                        stage_open, stage_close),
        cmocka_unit_test_setup_teardown(ended_sessions_stay_listed_and_removed_ones_do_not,
                                        stage_open, stage_close),
        cmocka_unit_test_setup_teardown(a_destroyed_client_is_refused_and_a_guest_has_no_session,
                                        stage_open, stage_close),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
