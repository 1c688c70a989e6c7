/*
 * Writes trace lines for people: time, process, what happened, in columns.
 */
#include "simulate/timeline.h"

#include <inttypes.h>
#include <string.h>

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define BLUE   "\033[34m"
#define FAINT  "\033[2m"
#define PLAIN  "\033[0m"

/* Seconds with three decimals, written without floating point. */
static void timeline_seconds(int64_t ms, char *text, size_t size)
{
    uint64_t size_ms = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

    (void)snprintf(text, size, "%s%" PRIu64 ".%03" PRIu64, ms < 0 ? "-" : "", size_ms / 1000,
                   size_ms % 1000);
}

static bool timeline_has(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* "#3", or the fingerprint of a token that this issuer did not make. */
static void timeline_token(const struct trace_line *line, char *text, size_t size)
{
    if (line->serial != 0)
        (void)snprintf(text, size, "#%" PRIu64, line->serial);
    else if (line->fingerprint != 0)
        (void)snprintf(text, size, "%016" PRIx64, line->fingerprint);
    else
        (void)snprintf(text, size, "none");
}

static const char *timeline_colour(const struct trace_line *line)
{
    switch (line->kind) {
    case TRACE_REQUEST:
        return BLUE;
    case TRACE_RESPONSE:
        return line->http_status >= 200 && line->http_status < 300 ? FAINT : RED;
    case TRACE_GET:
    case TRACE_EMIT:
    case TRACE_SINK:
        return FAINT;
    case TRACE_GOT:
        return timeline_has(line->error) ? RED : line->stale ? YELLOW : "";
    case TRACE_COMMIT:
        return GREEN;
    case TRACE_IGNORED:
    case TRACE_SESSION:
        return YELLOW;
    }
    return "";
}

static const char *timeline_name(enum trace_kind kind)
{
    static const char *const names[] = {
        [TRACE_REQUEST] = "request", [TRACE_RESPONSE] = "response", [TRACE_GET] = "get",
        [TRACE_GOT] = "got",         [TRACE_COMMIT] = "commit",     [TRACE_IGNORED] = "ignored",
        [TRACE_SESSION] = "session", [TRACE_EMIT] = "emit",         [TRACE_SINK] = "sink",
    };

    return names[kind];
}

/* Text from the scenario, which must not steer a terminal; UTF-8 passes. */
static void timeline_text(FILE *out, const char *before, const char *text)
{
    if (!timeline_has(text))
        return;
    fputs(before, out);
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void timeline_key(FILE *out, const struct trace_line *line)
{
    timeline_text(out, "  template ", line->template_name);
    timeline_text(out, "  organization ", line->organization);
}

static void timeline_got(FILE *out, const struct trace_line *line)
{
    char token[24];
    char seconds[32];

    timeline_text(out, "", line->label);
    fputs(timeline_has(line->label) ? ": " : "", out);
    if (timeline_has(line->error)) {
        fprintf(out, "error %s", line->error);
        if (line->http_status != 0)
            fprintf(out, " (%d)", line->http_status);
    } else {
        timeline_token(line, token, sizeof token);
        timeline_seconds(line->remaining_ms, seconds, sizeof seconds);
        fprintf(out, "token %s, %s s left%s", token, seconds, line->stale ? ", stale" : "");
    }
    if (line->waited_ms > 0) {
        timeline_seconds(line->waited_ms, seconds, sizeof seconds);
        fprintf(out, ", after %s s", seconds);
    }
}

static void timeline_details(FILE *out, const struct trace_line *line)
{
    char token[24];
    char seconds[32];

    timeline_token(line, token, sizeof token);
    timeline_seconds(line->expires_ms, seconds, sizeof seconds);
    switch (line->kind) {
    case TRACE_REQUEST:
        fprintf(out, "%-4" PRIu64 " %-11s %s, attempt %d", line->request, line->on, line->cause,
                line->attempt);
        timeline_key(out, line);
        break;
    case TRACE_RESPONSE:
        fprintf(out, "%-4" PRIu64 " ", line->request);
        if (timeline_has(line->error))
            fprintf(out, "%s", line->error);
        else
            fprintf(out, "%d", line->http_status);
        break;
    case TRACE_GET:
        timeline_text(out, "", line->label);
        break;
    case TRACE_GOT:
        timeline_got(out, line);
        break;
    case TRACE_COMMIT:
        fprintf(out, "token %s from %s, expires at %s", token, line->from, seconds);
        timeline_key(out, line);
        break;
    case TRACE_IGNORED:
        fprintf(out, "token %s: %s", token, line->reason);
        break;
    case TRACE_SESSION:
        fprintf(out, "%s", line->status);
        break;
    case TRACE_EMIT:
        fprintf(out, "%s%s%s", line->name, line->fingerprint == 0 ? "" : " token ",
                line->fingerprint == 0 ? "" : token);
        break;
    case TRACE_SINK:
        fprintf(out, "%s token %s%s%s", line->name, token,
                timeline_has(line->skipped) ? ", skipped: " : "",
                timeline_has(line->skipped) ? line->skipped : "");
        break;
    }
}

void freshet_sim_timeline_line(const struct timeline *timeline, const struct trace_line *line)
{
    FILE *out = timeline->out;
    char seconds[32];

    timeline_seconds(line->t_ms, seconds, sizeof seconds);
    fprintf(out, "%11s  ", seconds);
    if (timeline->processes)
        fprintf(out, "p%-3d ", line->process);
    fprintf(out, "%s%-8s  ", timeline->colour ? timeline_colour(line) : "",
            timeline_name(line->kind));
    timeline_details(out, line);
    fprintf(out, "%s\n", timeline->colour ? PLAIN : "");
}

static void timeline_row(FILE *out, const char *name, uint64_t number)
{
    fprintf(out, "  %-34s %8" PRIu64 "\n", name, number);
}

void freshet_sim_timeline_summary(const struct timeline *timeline, const struct summary *summary,
                                  int64_t until_ms)
{
    FILE *out = timeline->out;
    char seconds[32];

    timeline_seconds(until_ms, seconds, sizeof seconds);
    fprintf(out, "\nafter %s s\n", seconds);
    for (int on = 0; on < ON_COUNT; on++) {
        char name[64];

        (void)snprintf(name, sizeof name, "requests on %s",
                       freshet_endpoint_name((enum endpoint)on));
        if (summary->requests[on] > 0)
            timeline_row(out, name, summary->requests[on]);
    }
    timeline_row(out, "token requests in the busiest 60 s", summary->per_minute_max);
    timeline_row(out, "calls", summary->gets);
    timeline_row(out, "  that waited", summary->waited);
    timeline_row(out, "  that waited beside a usable token", summary->waited_while_usable);
    timeline_row(out, "  that ended in an error", summary->errors);
    timeline_row(out, "  still open", freshet_sim_summary_open(summary));
    timeline_row(out, "expired tokens handed out", summary->served_expired);
    timeline_seconds(summary->max_wait_ms, seconds, sizeof seconds);
    fprintf(out, "  %-34s %8s s\n", "longest wait", seconds);
}
