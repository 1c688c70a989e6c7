/*
 * The virtual issuer, read by the real reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/issuer.h"

struct fixture {
    struct scenario scenario;
    struct issuer issuer;
    struct answer answer;
    struct reading reading;
};

static void open_with(struct fixture *fixture, const char *text)
{
    struct document document = {.name = "a.json", .text = text, .length = strlen(text)};

    memset(fixture, 0, sizeof *fixture);
    if (!freshet_scenario_read(&fixture->scenario, &document))
        fail_msg("%s", document.error);
    freshet_sim_issuer_open(&fixture->issuer, &fixture->scenario, 1);
}

static const struct outcome *ask(struct fixture *fixture, enum endpoint on,
                                 const char *template_name, int64_t t_ms)
{
    struct order order = {
        .on = on,
        .sid = (char *)FRESHET_SIM_SESSION,
        .template_name = (char *)template_name,
        .organization = (char *)"org_a",
        .credential = fixture->issuer.generation,
    };
    struct http_response response;

    freshet_reading_free(&fixture->reading);
    freshet_sim_answer_free(&fixture->answer);
    freshet_sim_issuer_take(&fixture->issuer, &order);
    assert_true(freshet_sim_issuer_answer(&fixture->issuer, &order, t_ms, &fixture->answer));
    response = freshet_sim_answer_response(&fixture->answer);
    freshet_clerk_read(on, &response, fixture->issuer.epoch_ms + t_ms, &fixture->reading);
    return &fixture->reading.outcome;
}

static void shut(struct fixture *fixture)
{
    freshet_reading_free(&fixture->reading);
    freshet_sim_answer_free(&fixture->answer);
    freshet_sim_issuer_free(&fixture->issuer);
    freshet_scenario_free(&fixture->scenario);
}

static void a_client_carries_the_session_and_its_first_token(void **state)
{
    struct fixture fixture;
    const struct outcome *out;

    (void)state;
    open_with(&fixture, "{\"issuer\":{\"ttl_s\":25,\"issue_age_ms\":4000},\"steps\":[]}");
    out = ask(&fixture, ON_CLIENT, "", 10);
    assert_int_equal(out->kind, OUTCOME_GOOD);
    assert_true(out->has_client);
    assert_string_equal(out->client.last_active_session, FRESHET_SIM_SESSION);
    assert_int_equal(out->client.session_count, 1);
    assert_true(out->client.sessions[0].has_token);
    assert_int_equal(out->client.sessions[0].token.iat_s, 1699999996);
    assert_int_equal(out->client.sessions[0].token.exp_s, 1700000021);
    assert_int_equal(out->date_s, 1700000000);
    assert_int_equal(
        freshet_sim_mint_serial(&fixture.issuer.mint, out->client.sessions[0].token.fingerprint),
        1);
    shut(&fixture);
}

static void tokens_carry_what_their_kind_carries(void **state)
{
    struct fixture fixture;
    const struct outcome *out;

    (void)state;
    open_with(&fixture, "{\"issuer\":{\"oiat\":77,\"clock_ahead_ms\":2500},\"steps\":[]}");
    out = ask(&fixture, ON_TOKENS, "", 1000);
    assert_true(out->has_token);
    assert_string_equal(out->token.sid, FRESHET_SIM_SESSION);
    assert_string_equal(out->token.organization, "org_a");
    assert_int_equal(out->token.oiat_s, 77);
    assert_int_equal(out->token.iat_s, 1700000003);
    out = ask(&fixture, ON_TOKENS, "web", 1000);
    assert_true(out->has_token);
    assert_string_equal(out->token.sid, "");
    assert_string_equal(out->token.organization, "");
    assert_int_equal(freshet_sim_mint_serial(&fixture.issuer.mint, out->token.fingerprint), 2);
    shut(&fixture);
}

static void leaving_ends_the_session_for_all(void **state)
{
    struct fixture fixture;

    (void)state;
    open_with(&fixture, "{\"steps\":[]}");
    assert_int_equal(ask(&fixture, ON_REMOVE, "", 0)->http_status, 200);
    assert_int_equal(ask(&fixture, ON_TOKENS, "", 0)->kind, OUTCOME_UNAUTHENTICATED);
    assert_int_equal(ask(&fixture, ON_REMOVE, "", 0)->http_status, 404);
    assert_int_equal(ask(&fixture, ON_CLIENT, "", 0)->client.session_count, 0);
    shut(&fixture);
}

static void a_touch_moves_the_organization_and_brings_its_token(void **state)
{
    struct fixture fixture;
    const struct outcome *out;

    (void)state;
    open_with(&fixture, "{\"steps\":[]}");
    out = ask(&fixture, ON_TOUCH, "", 0);
    assert_int_equal(out->kind, OUTCOME_GOOD);
    assert_true(out->has_client);
    assert_string_equal(out->client.sessions[0].token.organization, "org_a");
    assert_int_equal(fixture.issuer.mint.serial, 1);
    shut(&fixture);
}

static void client_tokens_rotate_as_they_are_told(void **state)
{
    struct fixture fixture;
    struct order old = {.on = ON_CLIENT,
                        .sid = (char *)"",
                        .template_name = (char *)"",
                        .organization = (char *)"",
                        .credential = 1};
    struct answer answer;

    (void)state;
    open_with(&fixture, "{\"issuer\":{\"rotation\":\"strict\"},\"steps\":[]}");
    (void)ask(&fixture, ON_CLIENT, "", 0);
    assert_non_null(fixture.reading.credential);
    assert_int_equal(freshet_sim_credential_read(fixture.reading.credential), 2);
    assert_true(freshet_sim_issuer_answer(&fixture.issuer, &old, 0, &answer));
    assert_int_equal(answer.status, 401);
    freshet_sim_answer_free(&answer);
    shut(&fixture);

    open_with(&fixture, "{\"issuer\":{\"rotation\":\"keep\"},\"steps\":[]}");
    (void)ask(&fixture, ON_CLIENT, "", 0);
    assert_null(fixture.reading.credential);
    shut(&fixture);
}

static void rules_are_used_up_most_exact_first(void **state)
{
    struct fixture fixture;

    (void)state;
    open_with(
        &fixture,
        "{\"steps\":["
        "{\"at_ms\":0,\"do\":\"faults\",\"on\":\"*\",\"rules\":[{\"status\":502,\"count\":-1}]},"
        "{\"at_ms\":0,\"do\":\"faults\",\"on\":\"tokens\",\"rules\":["
        "{\"status\":429,\"retry_after\":7,\"count\":2},{\"empty\":true}]},"
        "{\"at_ms\":0,\"do\":\"faults\",\"on\":\"tokens/web\",\"rules\":["
        "{\"status\":422,\"code\":\"odd\"}]},"
        "{\"at_ms\":0,\"do\":\"faults\",\"on\":\"*\",\"rules\":[]}]}");
    for (int i = 0; i < 3; i++)
        assert_true(freshet_sim_issuer_faults(&fixture.issuer, &fixture.scenario.steps[i]));
    assert_string_equal(ask(&fixture, ON_TOKENS, "web", 0)->code, "odd");
    assert_int_equal(ask(&fixture, ON_TOKENS, "web", 0)->retry_after_ms, 7000);
    assert_int_equal(ask(&fixture, ON_TOKENS, "", 0)->http_status, 429);
    assert_int_equal(ask(&fixture, ON_TOKENS, "", 0)->unreadable, READ_EMPTY);
    assert_int_equal(ask(&fixture, ON_TOKENS, "", 0)->http_status, 502);
    assert_int_equal(ask(&fixture, ON_CLIENT, "", 0)->http_status, 502);
    assert_true(freshet_sim_issuer_faulty(&fixture.issuer));
    assert_true(freshet_sim_issuer_faults(&fixture.issuer, &fixture.scenario.steps[3]));
    assert_false(freshet_sim_issuer_faulty(&fixture.issuer));
    assert_int_equal(ask(&fixture, ON_CLIENT, "", 0)->http_status, 200);
    assert_int_equal(fixture.issuer.mint.serial, 1);
    shut(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_carries_the_session_and_its_first_token),
        cmocka_unit_test(tokens_carry_what_their_kind_carries),
        cmocka_unit_test(leaving_ends_the_session_for_all),
        cmocka_unit_test(a_touch_moves_the_organization_and_brings_its_token),
        cmocka_unit_test(client_tokens_rotate_as_they_are_told),
        cmocka_unit_test(rules_are_used_up_most_exact_first),
    };

    return cmocka_run_group_tests_name("simulate_issuer", tests, NULL, NULL);
}
