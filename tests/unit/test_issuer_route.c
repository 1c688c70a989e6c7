/*
 * Paths, verbs and form fields, in the shapes that the reference client sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "issuer/form.h"
#include "issuer/route.h"

#include <string.h>

static void paths_lead_to_their_endpoints(void **state)
{
    static const struct {
        const char *path;
        enum endpoint endpoint;
    } paths[] = {
        {"/v1/environment", ENDPOINT_ENVIRONMENT},
        {"/v1/client", ENDPOINT_CLIENT},
        {"/v1/client/sessions", ENDPOINT_SESSIONS},
        {"/v1/client/sessions/sess_1/tokens", ENDPOINT_TOKENS},
        {"/v1/client/sessions/sess_1/tokens/api", ENDPOINT_TOKENS},
        {"/v1/client/sessions/sess_1/touch", ENDPOINT_TOUCH},
        {"/v1/client/sessions/sess_1/end", ENDPOINT_END},
        {"/v1/client/sessions/sess_1/remove", ENDPOINT_REMOVE},
        {"/v1/me", ENDPOINT_ME},
        {"/health", ENDPOINT_HEALTH},
        {"/.well-known/jwks.json", ENDPOINT_JWKS},
        {"/v1/.well-known/jwks.json", ENDPOINT_JWKS},
        {"/api/whoami", ENDPOINT_WHOAMI},
        {"/__freshet/state", ENDPOINT_STATE},
        {"/__freshet/faults", ENDPOINT_FAULTS},
        {"/__freshet/settings", ENDPOINT_SETTINGS},
        {"/__freshet/session", ENDPOINT_SESSION},
        {"/", ENDPOINT_UNKNOWN},
        {"", ENDPOINT_UNKNOWN},
        {"*", ENDPOINT_UNKNOWN},
        {"/v1", ENDPOINT_UNKNOWN},
        {"/v1/clients", ENDPOINT_UNKNOWN},
        {"/v1/client/", ENDPOINT_UNKNOWN},
        {"//v1/client", ENDPOINT_UNKNOWN},
        {"/v1/client/sessions//tokens", ENDPOINT_UNKNOWN},
        {"/v1/client/sessions/a/b/tokens", ENDPOINT_UNKNOWN},
        {"/v1/client/sessions/a%/tokens", ENDPOINT_UNKNOWN},
        {"/v1/client/sessions/a%00/tokens", ENDPOINT_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_int_equal(freshet_route("GET", NULL, paths[i].path).endpoint, paths[i].endpoint);
}

static void segments_are_decoded_apart(void **state)
{
    struct route route =
        freshet_route("POST", NULL, "/v1/client/sessions/sess_1/tokens/my%20tpl%2Fa+b");

    (void)state;
    assert_int_equal(route.endpoint, ENDPOINT_TOKENS);
    assert_true(route.allowed);
    assert_string_equal(route.session, "sess_1");
    assert_string_equal(route.template_name, "my tpl/a+b");
}

static void an_overlong_segment_is_no_route(void **state)
{
    char path[512] = "/v1/client/sessions/";
    size_t length = strlen(path);

    (void)state;
    memset(path + length, 'a', 128);
    memcpy(path + length + 128, "/tokens", 8);
    assert_int_equal(freshet_route("POST", NULL, path).endpoint, ENDPOINT_UNKNOWN);
    memcpy(path + length + 127, "/tokens", 8);
    assert_int_equal(freshet_route("POST", NULL, path).endpoint, ENDPOINT_TOKENS);
}

static void other_verbs_travel_as_post(void **state)
{
    struct route route = freshet_route("POST", "DELETE", "/v1/client/sessions");

    (void)state;
    assert_int_equal(route.verb, VERB_DELETE);
    assert_true(route.allowed);
    assert_int_equal(freshet_route("POST", "PUT", "/v1/client").verb, VERB_PUT);
    assert_int_equal(freshet_route("PUT", NULL, "/v1/client").verb, VERB_PUT);
    assert_int_equal(freshet_route("GET", "DELETE", "/v1/client").verb, VERB_GET);
    assert_false(freshet_route("GET", NULL, "/v1/client/sessions").allowed);
    assert_false(freshet_route("POST", "EAT", "/v1/client").allowed);
    assert_false(freshet_route("GET", NULL, "/v1/client/sessions/s/tokens").allowed);
}

static enum form field(const char *body, const char *name, char *text, size_t size)
{
    return freshet_form_field(body, strlen(body), name, text, size);
}

static void form_fields_are_found_and_decoded(void **state)
{
    char text[16];

    (void)state;
    assert_int_equal(field("organization_id=", "organization_id", text, 16), FORM_PRESENT);
    assert_string_equal(text, "");
    assert_int_equal(field("organization_id", "organization_id", text, 16), FORM_PRESENT);
    assert_int_equal(field("", "organization_id", text, 16), FORM_ABSENT);
    assert_int_equal(field("xorganization_id=a&b", "organization_id", text, 16), FORM_ABSENT);
    assert_int_equal(field("a=1&b=x+y%26%c3%A9&b=2", "b", text, 16), FORM_PRESENT);
    assert_string_equal(text, "x y&\xc3\xa9");
    assert_int_equal(field("&&=&a=b=c", "a", text, 16), FORM_PRESENT);
    assert_string_equal(text, "b=c");
}

static void broken_fields_are_broken(void **state)
{
    static const char *const broken[] = {"a=%",   "a=%4",      "a=%4g",
                                         "a=%00", "a=%g4&b=1", "a=1234567890123456"};
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(field(broken[i], "a", text, sizeof text), FORM_BROKEN);
    assert_int_equal(field("a=%41", "a", text, sizeof text), FORM_PRESENT);
    assert_string_equal(text, "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_their_endpoints),
        cmocka_unit_test(segments_are_decoded_apart),
        cmocka_unit_test(an_overlong_segment_is_no_route),
        cmocka_unit_test(other_verbs_travel_as_post),
        cmocka_unit_test(form_fields_are_found_and_decoded),
        cmocka_unit_test(broken_fields_are_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
