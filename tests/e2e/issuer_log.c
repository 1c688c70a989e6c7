/*
 * Reading and judging the log of tests/e2e/issuer_log.h.
 */
#include "cmocka_all.h"

#include "issuer_log.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void log_take_text(const json_t *line, const char *name, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(line, name));

    snprintf(text, size, "%s", value != NULL ? value : "");
}

static void log_take(struct request_log *log, const json_t *line)
{
    struct log_request *request = NULL;

    log->requests = realloc(log->requests, (log->count + 1) * sizeof(*log->requests));
    assert_non_null(log->requests);
    request = &log->requests[log->count++];
    *request = (struct log_request){
        .seq = (long)json_integer_value(json_object_get(line, "seq")),
        .from_ms = (double)json_integer_value(json_object_get(line, "t_ms")),
        .status = (int)json_integer_value(json_object_get(line, "status")),
    };
    request->to_ms = request->from_ms + json_real_value(json_object_get(line, "duration_ms"));
    log_take_text(line, "on", request->on, sizeof(request->on));
    log_take_text(line, "presented", request->presented, sizeof(request->presented));
    log_take_text(line, "returned", request->returned, sizeof(request->returned));
}

static int log_compare(const void *a, const void *b)
{
    const struct log_request *first = a;
    const struct log_request *second = b;

    return (first->seq > second->seq) - (first->seq < second->seq);
}

void freshet_request_log_read(struct request_log *log, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    *log = (struct request_log){0};
    assert_non_null(file);
    while (getline(&text, &size, file) > 0) {
        json_t *line = json_loads(text, 0, NULL);

        if (line != NULL) {
            log_take(log, line);
        }
        json_decref(line);
    }
    free(text);
    fclose(file);
    if (log->count > 0) {
        qsort(log->requests, log->count, sizeof(*log->requests), log_compare);
    }
}

void freshet_request_log_free(struct request_log *log)
{
    free(log->requests);
    *log = (struct request_log){0};
}

size_t freshet_request_log_count(const struct request_log *log, const char *on, int from, int to)
{
    size_t count = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct log_request *request = &log->requests[i];

        count += (on[0] == '\0' || strcmp(request->on, on) == 0) && request->status >= from &&
                         request->status <= to
                     ? 1
                     : 0;
    }
    return count;
}

/* ---- the chain of client tokens ---- */

static bool log_rotates(const struct log_request *request)
{
    return request->presented[0] != '\0' && request->returned[0] != '\0' &&
           strcmp(request->presented, request->returned) != 0;
}

size_t freshet_request_log_rotations(const struct request_log *log)
{
    size_t rotations = 0;

    for (size_t i = 0; i < log->count; i++) {
        rotations += log_rotates(&log->requests[i]) ? 1 : 0;
    }
    return rotations;
}

/* The first presentation of a token at or after a place; count if there is none. */
static size_t log_presentation(const struct request_log *log, size_t from, const char *token)
{
    while (from < log->count && strcmp(log->requests[from].presented, token) != 0) {
        from++;
    }
    return from;
}

static void log_fail(const struct log_request *rotating, const struct log_request *later)
{
    fail_msg("request %ld (%s) presented %s again, which request %ld (%s, %.0f to %.0f ms) had "
             "replaced by %s",
             later->seq, later->on, later->presented, rotating->seq, rotating->on,
             rotating->from_ms, rotating->to_ms, rotating->returned);
}

void freshet_request_log_assert_no_return(const struct request_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        const struct log_request *rotating = &log->requests[i];

        if (log_rotates(rotating)) {
            size_t used = log_presentation(log, i, rotating->returned);
            size_t again = log_presentation(log, used, rotating->presented);

            if (again < log->count) {
                log_fail(rotating, &log->requests[again]);
            }
        }
    }
}

static void log_assert_alone(const struct request_log *log, size_t rotating)
{
    const struct log_request *alone = &log->requests[rotating];

    for (size_t i = 0; i < log->count; i++) {
        const struct log_request *other = &log->requests[i];

        if (i != rotating && other->presented[0] != '\0' && other->from_ms + 1 < alone->to_ms &&
            other->to_ms > alone->from_ms + 1) {
            fail_msg("request %ld (%s) overlaps request %ld (%s), which rotates", other->seq,
                     other->on, alone->seq, alone->on);
        }
    }
}

void freshet_request_log_assert_strict_chain(const struct request_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        if (log_rotates(&log->requests[i])) {
            size_t again = log_presentation(log, i + 1, log->requests[i].presented);

            if (again < log->count) {
                log_fail(&log->requests[i], &log->requests[again]);
            }
            log_assert_alone(log, i);
        }
    }
}

size_t freshet_request_log_lost(const struct request_log *log)
{
    size_t lost = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct log_request *rotating = &log->requests[i];

        lost +=
            log_rotates(rotating) && log_presentation(log, i + 1, rotating->presented) < log->count
                ? 1
                : 0;
    }
    return lost;
}
