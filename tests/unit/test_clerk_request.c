/*
 * Requests as they go on the wire: the vectors of behaviour row 3.2, for version "t".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"

#define BASE     "https://clerk.example.com/v1"
#define VERSIONS "__clerk_api_version=2025-11-10&_clerk_js_version=t"
#define LAST     "h.p.s"

static const struct clerk_instance instance = {.base_url = BASE};

static struct effect fetch_on(enum endpoint on)
{
    struct effect effect = {.kind = EFFECT_FETCH};

    effect.u.fetch.on = on;
    effect.u.fetch.key = (struct key_view){
        .issuer = BASE, .sid = "sess_1", .template_name = "", .organization = "", .audience = ""};
    return effect;
}

static void is_sent_as(const struct effect *fetch, const char *url, const char *body)
{
    struct http_request request;

    assert_true(freshet_clerk_request(&instance, fetch, NULL, "t", &request));
    assert_string_equal(request.url, url);
    if (body == NULL) {
        assert_false(request.post);
        assert_null(request.body);
        assert_int_equal(request.body_length, 0);
    } else {
        assert_true(request.post);
        assert_string_equal(request.body, body);
        assert_int_equal(request.body_length, strlen(body));
    }
    freshet_http_request_free(&request);
    assert_null(request.url);
}

static void plain_token(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    is_sent_as(&fetch, BASE "/client/sessions/sess_1/tokens?" VERSIONS "&_is_native=1",
               "organization_id=");
    fetch.u.fetch.last_text = LAST;
    fetch.u.fetch.last_length = strlen(LAST);
    fetch.u.fetch.key.organization = "org_1";
    is_sent_as(&fetch, BASE "/client/sessions/sess_1/tokens?" VERSIONS "&_is_native=1",
               "organization_id=org_1");
}

static void skipped_cache_with_minter_forces_the_origin(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.skip_cache = true;
    fetch.u.fetch.session_minter = true;
    fetch.u.fetch.last_text = LAST "beyond";
    fetch.u.fetch.last_length = strlen(LAST);
    fetch.u.fetch.key.organization = "org_1";
    is_sent_as(&fetch,
               BASE "/client/sessions/sess_1/tokens?debug=skip_cache&" VERSIONS "&_is_native=1",
               "organization_id=org_1&token=" LAST "&force_origin=true");
    fetch.u.fetch.last_text = NULL;
    is_sent_as(&fetch,
               BASE "/client/sessions/sess_1/tokens?debug=skip_cache&" VERSIONS "&_is_native=1",
               "organization_id=org_1&force_origin=true");
}

static void minter_gets_the_last_token_without_force(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.session_minter = true;
    fetch.u.fetch.last_text = LAST;
    fetch.u.fetch.last_length = strlen(LAST);
    is_sent_as(&fetch, BASE "/client/sessions/sess_1/tokens?" VERSIONS "&_is_native=1",
               "organization_id=&token=" LAST);
}

static void skipped_cache_without_minter_has_no_force(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.skip_cache = true;
    fetch.u.fetch.last_text = LAST;
    fetch.u.fetch.last_length = strlen(LAST);
    is_sent_as(&fetch,
               BASE "/client/sessions/sess_1/tokens?debug=skip_cache&" VERSIONS "&_is_native=1",
               "organization_id=");
}

static void expired_token_takes_the_place_of_debug(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.with_expired = true;
    fetch.u.fetch.skip_cache = true;
    fetch.u.fetch.last_text = LAST;
    fetch.u.fetch.last_length = strlen(LAST);
    is_sent_as(&fetch,
               BASE "/client/sessions/sess_1/tokens?expired_token=" LAST "&" VERSIONS
                    "&_is_native=1",
               "organization_id=");
}

static void template_goes_into_the_path_and_leaves_the_body_empty(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.session_minter = true;
    fetch.u.fetch.last_text = LAST;
    fetch.u.fetch.last_length = strlen(LAST);
    fetch.u.fetch.key.organization = "org_1";
    fetch.u.fetch.key.template_name = "my tpl";
    is_sent_as(&fetch, BASE "/client/sessions/sess_1/tokens/my%20tpl?" VERSIONS "&_is_native=1",
               "");
}

static void names_stay_one_segment_of_the_path(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.key.template_name = "..";
    is_sent_as(&fetch, BASE "/client/sessions/sess_1/tokens/%2E%2E?" VERSIONS "&_is_native=1", "");
    fetch.u.fetch.key.template_name = "a/b?c#d%e\xc3\xa9~.-_";
    is_sent_as(&fetch,
               BASE "/client/sessions/sess_1/tokens/a%2Fb%3Fc%23d%25e%C3%A9~.-_?" VERSIONS
                    "&_is_native=1",
               "");
    fetch.u.fetch.key.template_name = "";
    fetch.u.fetch.key.sid = "../../evil?x=";
    is_sent_as(&fetch,
               BASE "/client/sessions/..%2F..%2Fevil%3Fx%3D/tokens?" VERSIONS "&_is_native=1",
               "organization_id=");
}

static void forms_are_encoded(void **state)
{
    struct effect fetch = fetch_on(ON_TOKENS);

    (void)state;
    fetch.u.fetch.key.organization = "x y&z=\xc3\xa9+~*-._, ";
    is_sent_as(&fetch, BASE "/client/sessions/sess_1/tokens?" VERSIONS "&_is_native=1",
               "organization_id=x+y%26z%3D%C3%A9%2B%7E*-._%2C+");
}

static void touch_tells_organization_and_intent(void **state)
{
    struct effect fetch = fetch_on(ON_TOUCH);
    const char *url = BASE "/client/sessions/sess_1/touch?" VERSIONS "&_is_native=1";

    (void)state;
    fetch.u.fetch.intent = INTENT_FOCUS;
    is_sent_as(&fetch, url, "active_organization_id=&intent=focus");
    fetch.u.fetch.intent = INTENT_SELECT_SESSION;
    is_sent_as(&fetch, url, "active_organization_id=&intent=select_session");
    fetch.u.fetch.key.organization = "org_1";
    fetch.u.fetch.intent = INTENT_SELECT_ORG;
    is_sent_as(&fetch, url, "active_organization_id=org_1&intent=select_org");
    fetch.u.fetch.intent = INTENT_NONE;
    fetch.u.fetch.skip_cache = true; /* is for tokens only */
    is_sent_as(&fetch, url, "active_organization_id=org_1");
}

static void sign_out(void **state)
{
    struct effect all = fetch_on(ON_SESSIONS);
    struct effect end = fetch_on(ON_END);
    struct effect removed = fetch_on(ON_REMOVE);

    (void)state;
    is_sent_as(&all, BASE "/client/sessions?" VERSIONS "&_method=DELETE&_is_native=1", "");
    is_sent_as(&end, BASE "/client/sessions/sess_1/end?" VERSIONS "&_is_native=1", "");
    is_sent_as(&removed, BASE "/client/sessions/sess_1/remove?" VERSIONS "&_is_native=1", "");
}

static void reading_client_and_environment(void **state)
{
    struct effect client = fetch_on(ON_CLIENT);
    struct effect environment = fetch_on(ON_ENVIRONMENT);

    (void)state;
    is_sent_as(&client, BASE "/client?" VERSIONS "&_is_native=1", NULL);
    is_sent_as(&environment, BASE "/environment?" VERSIONS "&_clerk_session_id=sess_1&_is_native=1",
               NULL);
    environment.u.fetch.key.sid = "";
    is_sent_as(&environment, BASE "/environment?" VERSIONS "&_is_native=1", NULL);
}

static void credential_is_sent_raw_or_not_at_all(void **state)
{
    struct effect fetch = fetch_on(ON_CLIENT);
    struct http_request request;

    (void)state;
    assert_true(freshet_clerk_request(&instance, &fetch, "client.jwt.text", "t", &request));
    assert_string_equal(request.authorization, "client.jwt.text");
    assert_null(strstr(request.url, "client.jwt.text"));
    freshet_http_request_free(&request);
    assert_null(request.authorization);
    assert_true(freshet_clerk_request(&instance, &fetch, "", "t", &request));
    assert_null(request.authorization);
    freshet_http_request_free(&request);
}

static void answers_are_bounded_and_rotations_expected(void **state)
{
    struct effect tokens = fetch_on(ON_TOKENS);
    struct effect client = fetch_on(ON_CLIENT);
    struct http_request request;

    (void)state;
    assert_true(freshet_clerk_request(&instance, &tokens, NULL, "t", &request));
    assert_int_equal(request.answer_max, 65536);
    freshet_http_request_free(&request);
    assert_true(freshet_clerk_request(&instance, &client, NULL, "t", &request));
    assert_int_equal(request.answer_max, 1048576);
    assert_true(request.may_rotate);
    freshet_http_request_free(&request);
}

static void long_tokens_fit(void **state)
{
    static char last[FRESHET_TOKEN_MAX];
    struct effect fetch = fetch_on(ON_TOKENS);
    struct http_request request;

    (void)state;
    memset(last, 'a', sizeof(last));
    fetch.u.fetch.session_minter = true;
    fetch.u.fetch.last_text = last;
    fetch.u.fetch.last_length = sizeof(last);
    assert_true(freshet_clerk_request(&instance, &fetch, NULL, "t", &request));
    assert_int_equal(request.body_length, strlen("organization_id=&token=") + sizeof(last));
    assert_int_equal(strlen(request.body), request.body_length);
    freshet_http_request_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_token),
        cmocka_unit_test(skipped_cache_with_minter_forces_the_origin),
        cmocka_unit_test(minter_gets_the_last_token_without_force),
        cmocka_unit_test(skipped_cache_without_minter_has_no_force),
        cmocka_unit_test(expired_token_takes_the_place_of_debug),
        cmocka_unit_test(template_goes_into_the_path_and_leaves_the_body_empty),
        cmocka_unit_test(names_stay_one_segment_of_the_path),
        cmocka_unit_test(forms_are_encoded),
        cmocka_unit_test(touch_tells_organization_and_intent),
        cmocka_unit_test(sign_out),
        cmocka_unit_test(reading_client_and_environment),
        cmocka_unit_test(credential_is_sent_raw_or_not_at_all),
        cmocka_unit_test(answers_are_bounded_and_rotations_expected),
        cmocka_unit_test(long_tokens_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
