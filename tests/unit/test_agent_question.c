/*
 * What clients say: escapes, parameters, the body of a rejection.
 */
#include "cmocka_all.h"

#include "agent/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void unescapes_to(const char *text, const char *expected)
{
    char buffer[64];

    (void)snprintf(buffer, sizeof(buffer), "%s", text);
    assert_int_equal(freshet_agent_unescape(buffer), strlen(expected));
    assert_string_equal(buffer, expected);
}

static void escapes_become_text(void **state)
{
    (void)state;
    unescapes_to("work", "work");
    unescapes_to("my%20session%2f%C3%A4", "my session/\xc3\xa4");
    unescapes_to("%25", "%");
    unescapes_to("", "");
}

static void bad_escapes_stay_as_they_are(void **state)
{
    (void)state;
    unescapes_to("a%", "a%");
    unescapes_to("a%2", "a%2");
    unescapes_to("a%zz%20", "a%zz%20");
    unescapes_to("a%00b", "a%00b");
}

static bool take(struct freshet_request *request, const char *name, const char *value)
{
    char reason[FRESHET_AGENT_REASON_BYTES] = "";
    bool taken = freshet_agent_parameter(request, name, value, reason);

    assert_int_equal(taken, reason[0] == '\0');
    return taken;
}

static void parameters_fill_the_request(void **state)
{
    struct freshet_request request = {.size = sizeof(request)};

    (void)state;
    assert_true(take(&request, "template", "backend"));
    assert_true(take(&request, "organization", ""));
    assert_true(take(&request, "skip_cache", "1"));
    assert_true(take(&request, "timeout_ms", "2500"));
    assert_true(take(&request, "min_remaining_ms", "30000"));
    assert_true(take(&request, "refresh_threshold_ms", "9000"));
    assert_true(take(&request, "refresh_if_stale", "1"));
    assert_true(take(&request, "allow_stale", "never"));
    assert_int_equal(request.allow_stale, FRESHET_STALE_NEVER);
    assert_true(take(&request, "allow_stale", "expired"));
    assert_int_equal(request.allow_stale, FRESHET_STALE_EXPIRED);
    assert_int_equal(request.refresh_threshold_ms, 9000);
    assert_int_equal(request.refresh_if_stale, 1);
    assert_string_equal(request.template_name, "backend");
    assert_string_equal(request.organization, "");
    assert_int_equal(request.skip_cache, 1);
    assert_int_equal(request.timeout_ms, 2500);
    assert_int_equal(request.min_remaining_ms, 30000);
}

static void no_life_at_all_is_not_the_default_life(void **state)
{
    struct freshet_request request = {.size = sizeof(request)};

    (void)state;
    assert_true(take(&request, "min_remaining_ms", "0"));
    assert_true(request.min_remaining_ms < 0);
}

static void wrong_parameters_are_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"timeout_ms", "0"},        {"timeout_ms", "-1"},
        {"timeout_ms", "1s"},       {"timeout_ms", ""},
        {"timeout_ms", " 1"},       {"timeout_ms", "99999999999999999999"},
        {"min_remaining_ms", "+1"}, {"min_remaining_ms", "86400001"},
        {"skip_cache", "yes"},      {"skip_cache", ""},
        {"tempalte", "x"},          {"", ""},
        {"template", NULL},         {"Template", "x"},
        {"allow_stale", "1"},       {"allow_stale", ""},
        {"refresh_if_stale", "2"},  {"refresh_threshold_ms", "5s"},
    };
    struct freshet_request request = {.size = sizeof(request)};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(take(&request, wrong[i][0], wrong[i][1]));
    }
}

static void a_reason_shows_no_control_bytes(void **state)
{
    struct freshet_request request = {.size = sizeof(request)};
    char reason[FRESHET_AGENT_REASON_BYTES] = "";
    char name[300];

    (void)state;
    memset(name, 27, sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(freshet_agent_parameter(&request, name, "x", reason));
    assert_null(strchr(reason, 27));
    assert_true(strlen(reason) < sizeof(reason));
}

static void events_are_traced_only_when_asked(void **state)
{
    char reason[FRESHET_AGENT_REASON_BYTES] = "";
    bool trace = false;

    (void)state;
    assert_true(freshet_agent_events_parameter(&trace, "trace", "1", reason));
    assert_true(trace);
    assert_true(freshet_agent_events_parameter(&trace, "trace", "0", reason));
    assert_false(trace);
    assert_false(freshet_agent_events_parameter(&trace, "trace", "yes", reason));
    assert_string_equal(reason, "'trace' is 1 or 0");
    assert_false(freshet_agent_events_parameter(&trace, "trace", NULL, reason));
    assert_false(freshet_agent_events_parameter(&trace, "since", "1", reason));
    assert_string_equal(reason, "'since' is no parameter; there is trace");
}

static void a_sign_out_has_a_scope(void **state)
{
    char reason[FRESHET_AGENT_REASON_BYTES] = "";
    enum freshet_sign_out_scope scope = FRESHET_SIGN_OUT_FITTING;

    (void)state;
    assert_true(freshet_agent_sign_out_parameter(&scope, "scope", "all", reason));
    assert_int_equal(scope, FRESHET_SIGN_OUT_ALL);
    assert_true(freshet_agent_sign_out_parameter(&scope, "scope", "session", reason));
    assert_int_equal(scope, FRESHET_SIGN_OUT_SESSION);
    assert_true(freshet_agent_sign_out_parameter(&scope, "scope", "fitting", reason));
    assert_int_equal(scope, FRESHET_SIGN_OUT_FITTING);
    assert_false(freshet_agent_sign_out_parameter(&scope, "scope", "", reason));
    assert_false(freshet_agent_sign_out_parameter(&scope, "scope", NULL, reason));
    assert_false(freshet_agent_sign_out_parameter(&scope, "who", "all", reason));
    assert_string_equal(reason, "'who' is no parameter; there is scope");
}

static void a_rejection_names_its_token(void **state)
{
    static const char body[] = "{\"token\": \"abc.def\", \"why\": \"401\"}";
    char *token = freshet_agent_rejected(body, strlen(body));

    (void)state;
    assert_non_null(token);
    assert_string_equal(token, "abc.def");
    free(token);
}

static void other_bodies_are_no_rejection(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "\"token\"",
        "{\"token\": 1}",
        "{\"token\": \"\"}",
        "{\"token\": \"a\"",
        "{\"token\": \"a\"} x",
        "{\"token\": \"a\", \"token\": \"b\"}",
        "{\"token\": \"a\", \"x\": [[[[[]]]]]}",
        "{\"token\": \"\\ud800\"}",
    };

    (void)state;
    assert_null(freshet_agent_rejected(NULL, 0));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_null(freshet_agent_rejected(bodies[i], strlen(bodies[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_become_text),
        cmocka_unit_test(bad_escapes_stay_as_they_are),
        cmocka_unit_test(parameters_fill_the_request),
        cmocka_unit_test(no_life_at_all_is_not_the_default_life),
        cmocka_unit_test(wrong_parameters_are_refused),
        cmocka_unit_test(a_reason_shows_no_control_bytes),
        cmocka_unit_test(events_are_traced_only_when_asked),
        cmocka_unit_test(a_sign_out_has_a_scope),
        cmocka_unit_test(a_rejection_names_its_token),
        cmocka_unit_test(other_bodies_are_no_rejection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
