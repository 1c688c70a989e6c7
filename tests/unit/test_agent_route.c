/*
 * Which request is about what.
 */
#include "cmocka_all.h"

#include "agent/route.h"

#include <string.h>

static void paths_lead_to_their_routes(void **state)
{
    static const struct {
        const char *path;
        enum agent_route kind;
        const char *name;
    } paths[] = {
        {"/v1/token/work", ROUTE_TOKEN, "work"},
        {"/v1/token/a/b c", ROUTE_TOKEN, "a/b c"},
        {"/v1/reject/work", ROUTE_REJECT, "work"},
        {"/v1/sign-out/work", ROUTE_SIGN_OUT, "work"},
        {"/v1/status", ROUTE_STATUS, NULL},
        {"/v1/events", ROUTE_EVENTS, NULL},
        {"/metrics", ROUTE_METRICS, NULL},
        {"/healthz", ROUTE_HEALTH, NULL},
        {"/v1/token/", ROUTE_UNKNOWN, NULL},
        {"/v1/token", ROUTE_TOKEN, NULL},
        {"/v1/tokens", ROUTE_UNKNOWN, NULL},
        {"/v1/status/", ROUTE_UNKNOWN, NULL},
        {"/v1/statuses", ROUTE_UNKNOWN, NULL},
        {"/", ROUTE_UNKNOWN, NULL},
        {"", ROUTE_UNKNOWN, NULL},
        {"*", ROUTE_UNKNOWN, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct route route = freshet_agent_route("GET", paths[i].path);

        assert_int_equal(route.kind, paths[i].kind);
        assert_int_equal(route.name != NULL, paths[i].name != NULL);
        if (route.name != NULL) {
            assert_string_equal(route.name, paths[i].name);
        }
    }
}

static void each_route_has_one_method(void **state)
{
    (void)state;
    assert_true(freshet_agent_route("GET", "/v1/token/work").allowed);
    assert_false(freshet_agent_route("POST", "/v1/token/work").allowed);
    assert_false(freshet_agent_route("get", "/v1/token/work").allowed);
    assert_true(freshet_agent_route("POST", "/v1/reject/work").allowed);
    assert_false(freshet_agent_route("GET", "/v1/sign-out/work").allowed);
    assert_string_equal(freshet_agent_route_method(ROUTE_SIGN_OUT), "POST");
}

static void every_route_has_a_name_for_metrics(void **state)
{
    (void)state;
    for (enum agent_route i = ROUTE_UNKNOWN; i < ROUTE_COUNT; i++) {
        assert_true(strlen(freshet_agent_route_name(i)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_their_routes),
        cmocka_unit_test(each_route_has_one_method),
        cmocka_unit_test(every_route_has_a_name_for_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
