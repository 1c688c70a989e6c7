/*
 * Collects what is to be drawn as marks with a beginning and an end. How it looks is drawing.c's.
 */
#include "simulate/svg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/drawing.h"

static struct mark *svg_add(struct svg *svg, enum mark_kind kind, int process, int64_t from_ms,
                            int64_t to_ms)
{
    struct mark *mark;

    if (svg->count == svg->capacity) {
        size_t capacity = svg->capacity == 0 ? 256 : svg->capacity * 2;
        struct mark *marks = reallocarray(svg->marks, capacity, sizeof *marks);

        if (marks == NULL) {
            svg->failed = true;
            return NULL;
        }
        svg->marks = marks;
        svg->capacity = capacity;
    }
    mark = &svg->marks[svg->count++];
    *mark = (struct mark){.kind = kind, .process = process, .from_ms = from_ms, .to_ms = to_ms};
    return mark;
}

struct svg *freshet_sim_svg_open(int processes, const struct policy *policy)
{
    struct svg *svg = calloc(1, sizeof *svg);

    if (svg == NULL)
        return NULL;
    svg->processes = processes;
    svg->policy = policy;
    svg->rows = calloc((size_t)processes, sizeof *svg->rows);
    if (svg->rows == NULL) {
        free(svg);
        return NULL;
    }
    return svg;
}

void freshet_sim_svg_free(struct svg *svg)
{
    if (svg == NULL)
        return;
    for (size_t i = 0; i < svg->key_count; i++)
        free(svg->keys[i].name);
    free(svg->keys);
    free(svg->marks);
    free(svg->rows);
    free(svg);
}

/* ---- tokens ---- */

/* The row of a key in its lane, a new one when it is first seen; -1 without memory. */
static int svg_row(struct svg *svg, int process, const struct trace_line *line)
{
    const char *template_name = line->template_name == NULL ? "" : line->template_name;
    const char *organization = line->organization == NULL ? "" : line->organization;
    char *name = NULL;
    struct drawn_key *keys;

    if (asprintf(&name, "%s%s%s", template_name[0] == '\0' ? "token" : template_name,
                 organization[0] == '\0' ? "" : " / ", organization) < 0)
        return -1;
    for (size_t i = 0; i < svg->key_count; i++) {
        if (svg->keys[i].process == process && strcmp(svg->keys[i].name, name) == 0) {
            free(name);
            return svg->keys[i].row;
        }
    }
    keys = reallocarray(svg->keys, svg->key_count + 1, sizeof *keys);
    if (keys == NULL) {
        free(name);
        return -1;
    }
    svg->keys = keys;
    keys[svg->key_count++] = (struct drawn_key){name, process, svg->rows[process]};
    return svg->rows[process]++;
}

/* Ends what is open: marks of a kind in one lane (row -1: any row). */
static void svg_close(struct svg *svg, enum mark_kind kind, int process, int row, int64_t t_ms)
{
    for (size_t i = svg->count; i > 0; i--) {
        struct mark *mark = &svg->marks[i - 1];

        if (mark->kind == kind && mark->process == process && mark->open &&
            (row < 0 || mark->row == row)) {
            mark->open = false;
            mark->to_ms = mark->to_ms < t_ms ? mark->to_ms : t_ms;
        }
    }
}

static void svg_commit(struct svg *svg, const struct trace_line *line, const struct held *held)
{
    int row = svg_row(svg, line->process, line);
    struct mark *mark;

    if (row < 0) {
        svg->failed = true;
        return;
    }
    svg_close(svg, MARK_TOKEN, line->process, row, line->t_ms);
    mark = svg_add(svg, MARK_TOKEN, line->process, line->t_ms, line->expires_ms);
    if (mark == NULL)
        return;
    mark->row = row;
    mark->open = true;
    mark->number = line->serial;
    mark->due_ms = line->expires_ms - freshet_policy_due(svg->policy, held->life_ms, 0);
    mark->danger_ms = line->expires_ms - freshet_policy_min_remaining(svg->policy, held->life_ms);
}

/* ---- requests and calls ---- */

static void svg_response(struct svg *svg, const struct trace_line *line)
{
    for (size_t i = svg->count; i > 0; i--) {
        struct mark *mark = &svg->marks[i - 1];

        if (mark->kind == MARK_REQUEST && mark->open && mark->process == line->process &&
            mark->number == line->request) {
            mark->open = false;
            mark->to_ms = line->t_ms;
            mark->status = line->http_status;
            return;
        }
    }
}

static void svg_got(struct svg *svg, const struct trace_line *line)
{
    enum mark_kind kind = line->error != NULL ? MARK_CALL_ERROR
                          : line->stale       ? MARK_CALL_STALE
                                              : MARK_CALL;

    (void)svg_add(svg, kind, line->process, line->t_ms - line->waited_ms, line->t_ms);
}

void freshet_sim_svg_line(struct svg *svg, const struct trace_line *line, const struct held *held)
{
    struct mark *mark;

    switch (line->kind) {
    case TRACE_REQUEST:
        mark = svg_add(svg, MARK_REQUEST, line->process, line->t_ms, line->t_ms);
        if (mark != NULL) {
            mark->open = true;
            mark->number = line->request;
            mark->on = line->on;
        }
        break;
    case TRACE_RESPONSE:
        svg_response(svg, line);
        break;
    case TRACE_GOT:
        svg_got(svg, line);
        break;
    case TRACE_COMMIT:
        svg_commit(svg, line, held);
        break;
    case TRACE_SESSION:
        if (line->status != NULL && strcmp(line->status, "signed_out") == 0)
            freshet_sim_svg_drop(svg, line->process, line->t_ms, false);
        break;
    case TRACE_GET:
    case TRACE_IGNORED:
    case TRACE_EMIT:
    case TRACE_SINK:
        break;
    }
}

void freshet_sim_svg_open_call(struct svg *svg, int process, int64_t made_ms, int64_t t_ms)
{
    (void)svg_add(svg, MARK_CALL_OPEN, process, made_ms, t_ms);
}

void freshet_sim_svg_drop(struct svg *svg, int process, int64_t t_ms, bool dies)
{
    svg_close(svg, MARK_TOKEN, process, -1, t_ms);
    if (!dies)
        return;
    for (size_t i = 0; i < svg->count; i++) {
        struct mark *mark = &svg->marks[i];

        if (mark->kind == MARK_REQUEST && mark->process == process && mark->open) {
            mark->open = false;
            mark->to_ms = t_ms;
        }
    }
}

/* ---- the background ---- */

void freshet_sim_svg_shade(struct svg *svg, enum shade shade, int process, int64_t t_ms, bool on)
{
    enum mark_kind kind = (enum mark_kind)(MARK_FAULTS + (int)shade);
    struct mark *mark;

    for (size_t i = svg->count; i > 0 && !on; i--) {
        mark = &svg->marks[i - 1];
        if (mark->kind == kind && mark->process == process && mark->open) {
            mark->open = false;
            mark->to_ms = t_ms;
            return;
        }
    }
    mark = on ? svg_add(svg, kind, process, t_ms, t_ms) : NULL;
    if (mark != NULL)
        mark->open = true;
}

void freshet_sim_svg_end(struct svg *svg, int64_t t_ms)
{
    svg->until_ms = t_ms;
    for (size_t i = 0; i < svg->count; i++) {
        struct mark *mark = &svg->marks[i];

        if (mark->open && mark->kind == MARK_TOKEN)
            mark->to_ms = mark->to_ms < t_ms ? mark->to_ms : t_ms;
        else if (mark->open)
            mark->to_ms = t_ms;
        if (mark->to_ms > t_ms)
            mark->to_ms = t_ms;
    }
}
