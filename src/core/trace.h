/*
 * One line of a trace: what a simulation prints, a log keeps and `freshet watch` shows.
 *
 * The pump fills in what only it knows (time, process, how tokens are named, the issuer's truth);
 * freshet_trace_effect() fills in the rest from an effect. Formatting writes JSON and nothing else.
 */
#ifndef FRESHET_CORE_TRACE_H
#define FRESHET_CORE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"

enum trace_kind {
    TRACE_REQUEST,
    TRACE_RESPONSE,
    TRACE_GET,
    TRACE_GOT,
    TRACE_COMMIT,
    TRACE_IGNORED,
    TRACE_SESSION,
    TRACE_EMIT,
    TRACE_SINK
};

/* Members that do not belong to the kind stay zero. Strings are borrowed. */
struct trace_line {
    enum trace_kind kind;
    int64_t t_ms;
    int process;
    request_id request;
    const char *on;
    const char *session;
    const char *template_name;
    const char *organization;
    const char *cause;
    int attempt;
    int http_status;
    const char *error;
    const char *label;
    int64_t waited_ms;
    uint64_t fingerprint; /* of the token the line speaks of, 0: none */
    uint64_t serial;      /* its number, where the pump has one; else the fingerprint is printed */
    int64_t remaining_ms;
    bool stale;
    const char *from;
    int64_t expires_ms;
    const char *reason;
    const char *status;
    const char *name;
    const char *skipped;
};

/* Fills in a line from an effect; false if the effect has no line of its own. */
bool freshet_trace_effect(const struct effect *effect, struct trace_line *line);

/* Writes one JSON object without a line end; the length, or 0 if it does not fit. */
size_t freshet_trace_json(const struct trace_line *line, char *buffer, size_t size);

#endif
