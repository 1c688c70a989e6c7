/*
 * Metrics as Prometheus reads them.
 */
#include "cmocka_all.h"

#include "agent/metrics.h"

#include <stdlib.h>
#include <string.h>

static void says(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    assert_non_null(at);
    assert_true(at == text || at[-1] == '\n');
}

static void counters_and_gauges_have_their_values(void **state)
{
    struct metrics metrics = {.waits = 7, .waiting = 2, .clients = 3, .clients_max = 1024};
    char *text = NULL;

    (void)state;
    metrics.requests[ROUTE_TOKEN] = 11;
    metrics.errors[FRESHET_OFFLINE] = 4;
    metrics.dropped[DROP_OTHER_USER] = 1;
    text = freshet_metrics_text(&metrics, "{\"sessions\": []}");
    assert_non_null(text);
    says(text, "freshet_agent_requests_total{route=\"token\"} 11\n");
    says(text, "freshet_agent_errors_total{error=\"offline\"} 4\n");
    says(text, "freshet_agent_dropped_total{reason=\"other_user\"} 1\n");
    says(text, "freshet_agent_waits_total 7\n");
    says(text, "freshet_agent_waiting 2\n");
    says(text, "freshet_agent_clients 3\n");
    says(text, "# TYPE freshet_agent_waiting gauge\n");
    assert_null(strstr(text, "error=\"timeout\""));
    free(text);
}

static void sessions_show_status_and_life(void **state)
{
    static const char status[] =
        "{\"sessions\": [{\"name\": \"a\\\"b\\\\c\\nd\", \"status\": \"degraded\", \"tokens\": ["
        "{\"template\": \"\", \"organization\": \"org_1\", \"remaining_ms\": 42500},"
        "{\"template\": \"x\", \"organization\": \"\", \"remaining_ms\": -3},"
        "{\"template\": \"y\", \"organization\": \"\", \"remaining_ms\": null}]}]}";
    struct metrics metrics = {.waits = 0};
    char *text = freshet_metrics_text(&metrics, status);

    (void)state;
    assert_non_null(text);
    says(text, "freshet_session_status{session=\"a\\\"b\\\\c\\nd\",status=\"degraded\"} 1\n");
    says(text, "freshet_session_status{session=\"a\\\"b\\\\c\\nd\",status=\"ready\"} 0\n");
    says(text, "freshet_token_remaining_seconds{session=\"a\\\"b\\\\c\\nd\",template=\"\","
               "organization=\"org_1\"} 42.500\n");
    assert_non_null(strstr(text, "template=\"x\",organization=\"\"} 0.000\n"));
    assert_non_null(strstr(text, "template=\"y\",organization=\"\"} 0.000\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges_have_their_values),
        cmocka_unit_test(sessions_show_status_and_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
