/*
 * Metrics as text. What is known about sessions comes from the library's own status, so that the
 * two can never disagree.
 */
#include "agent/metrics.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void metrics_head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP freshet_%s %s\n# TYPE freshet_%s %s\n", name, help, name, type);
}

static void metrics_single(FILE *out, const char *name, const char *type, const char *help,
                           uint64_t value)
{
    metrics_head(out, name, type, help);
    (void)fprintf(out, "freshet_%s %llu\n", name, (unsigned long long)value);
}

static void metrics_escaped(FILE *out, const char *label, const char *value)
{
    (void)fprintf(out, "%s=\"", label);
    for (; value != NULL && *value != '\0'; value++) {
        if (*value == '\n') {
            (void)fputs("\\n", out);
            continue;
        }
        if (*value == '"' || *value == '\\') {
            (void)putc('\\', out);
        }
        (void)putc(*value, out);
    }
    (void)putc('"', out);
}

static void metrics_counters(FILE *out, const struct metrics *metrics)
{
    static const char *const reasons[] = {
        [DROP_OTHER_USER] = "other_user", [DROP_SILENT] = "silent", [DROP_SLOW] = "slow"};

    metrics_head(out, "agent_requests_total", "counter", "Requests, by route.");
    for (enum agent_route i = ROUTE_UNKNOWN; i < ROUTE_COUNT; i++) {
        (void)fprintf(out, "freshet_agent_requests_total{route=\"%s\"} %llu\n",
                      freshet_agent_route_name(i), (unsigned long long)metrics->requests[i]);
    }
    metrics_head(out, "agent_errors_total", "counter", "Token requests that ended in an error.");
    for (size_t i = 0; i < FRESHET_METRICS_STATUSES; i++) {
        if (metrics->errors[i] > 0) {
            (void)fprintf(out, "freshet_agent_errors_total{error=\"%s\"} %llu\n",
                          freshet_status_name((enum freshet_status)i),
                          (unsigned long long)metrics->errors[i]);
        }
    }
    metrics_head(out, "agent_dropped_total", "counter", "Connections closed by the agent.");
    for (size_t i = 0; i < DROP_COUNT; i++) {
        (void)fprintf(out, "freshet_agent_dropped_total{reason=\"%s\"} %llu\n", reasons[i],
                      (unsigned long long)metrics->dropped[i]);
    }
    metrics_single(out, "agent_waits_total", "counter",
                   "Token requests that were not answered at once.", metrics->waits);
    metrics_single(out, "agent_events_total", "counter", "Events told to readers.",
                   metrics->events);
    metrics_single(out, "agent_waiting", "gauge", "Token requests that wait.", metrics->waiting);
    metrics_single(out, "agent_clients", "gauge", "Open connections.", metrics->clients);
    metrics_single(out, "agent_clients_max", "gauge", "Connections that are possible.",
                   metrics->clients_max);
    metrics_single(out, "agent_event_readers", "gauge", "Open event streams.", metrics->readers);
}

static const char *metrics_string(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void metrics_sessions(FILE *out, const json_t *sessions)
{
    static const char *const states[] = {"loading", "ready", "degraded", "signed_out"};
    const json_t *session = NULL;
    size_t i = 0;

    metrics_head(out, "session_status", "gauge", "1 for the status that the session has.");
    json_array_foreach(sessions, i, session)
    {
        const char *status = metrics_string(session, "status");

        for (size_t j = 0; j < sizeof(states) / sizeof(states[0]); j++) {
            (void)fputs("freshet_session_status{", out);
            metrics_escaped(out, "session", metrics_string(session, "name"));
            (void)fprintf(out, ",status=\"%s\"} %d\n", states[j],
                          status != NULL && strcmp(status, states[j]) == 0 ? 1 : 0);
        }
    }
}

static json_int_t metrics_left_ms(const json_t *token)
{
    json_int_t left_ms = json_integer_value(json_object_get(token, "remaining_ms"));

    return left_ms > 0 ? left_ms : 0;
}

static void metrics_tokens(FILE *out, const json_t *sessions)
{
    const json_t *session = NULL;
    const json_t *token = NULL;
    size_t i = 0;
    size_t j = 0;

    metrics_head(out, "token_remaining_seconds", "gauge", "Life that a token has left.");
    json_array_foreach(sessions, i, session)
    {
        json_array_foreach(json_object_get(session, "tokens"), j, token)
        {
            (void)fputs("freshet_token_remaining_seconds{", out);
            metrics_escaped(out, "session", metrics_string(session, "name"));
            (void)putc(',', out);
            metrics_escaped(out, "template", metrics_string(token, "template"));
            (void)putc(',', out);
            metrics_escaped(out, "organization", metrics_string(token, "organization"));
            (void)fprintf(out, "} %.3f\n", (double)metrics_left_ms(token) / 1000);
        }
    }
}

char *freshet_metrics_text(const struct metrics *metrics, const char *status)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *root = NULL;

    if (out == NULL) {
        return NULL;
    }
    root = json_loads(status, 0, NULL);
    metrics_counters(out, metrics);
    metrics_sessions(out, json_object_get(root, "sessions"));
    metrics_tokens(out, json_object_get(root, "sessions"));
    json_decref(root);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
