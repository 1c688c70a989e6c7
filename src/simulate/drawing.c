/*
 * Draws the marks: lanes from top to bottom, time from left to right, a legend and an axis below.
 * Coordinates are tenths of a pixel, so no locale can spoil a decimal point.
 */
#include "simulate/drawing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH      1280
#define LEFT       120
#define RIGHT      20
#define TOP        44
#define LANE_GAP   18
#define TOKEN_ROW  18
#define SMALL_ROW  12
#define AXIS       34
#define LEGEND     30
#define TICKS_MOST 14

struct drawing {
    const struct svg *svg;
    FILE *out;
    int *tops; /* of the lanes */
    int bottom;
};

static const char drawing_style[] =
    "<style>text{font:11px sans-serif;fill:#333}.h{font-size:14px;font-weight:bold}"
    ".s{font-size:9px;fill:#fff}.fresh{fill:#3b9c5a}.due{fill:#e0a92e}.danger{fill:#d1495b}"
    ".good{fill:#2f6fb3}.bad{fill:#b3261e}.none{fill:#8a8a8a}.call{fill:#6a9fd4}"
    ".stale{fill:#e0a92e}.error{fill:#b3261e}.open{fill:#c9c9c9}.faults{fill:#f7d9d6}"
    ".offline{fill:#dcdcdc}.sleep{fill:#d9d4ee}.stopped{fill:#f3e6c8}"
    ".grid{stroke:#ddd}.lane{stroke:#bbb}</style>\n";

static void drawing_text(FILE *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '<')
            fputs("&lt;", out);
        else if (*at == '>')
            fputs("&gt;", out);
        else if (*at == '&')
            fputs("&amp;", out);
        else if (*at == '"')
            fputs("&quot;", out);
        else if (*at < ' ' || (*at == 0xef && at[1] == 0xbf && at[2] >= 0xbe))
            fputc('?', out), at += *at == 0xef ? 2 : 0;
        else
            fputc(*at, out);
    }
}

/* Tenths of a pixel from the left. */
static int64_t drawing_x(const struct drawing *drawing, int64_t t_ms)
{
    int64_t until_ms = drawing->svg->until_ms < 1 ? 1 : drawing->svg->until_ms;
    int64_t t = t_ms < 0 ? 0 : t_ms > until_ms ? until_ms : t_ms;

    return LEFT * 10 + t * ((WIDTH - LEFT - RIGHT) * 10) / until_ms;
}

static void drawing_seconds(FILE *out, int64_t ms)
{
    fprintf(out, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

/* A box from one time to another, at least `least` tenths wide. The caller closes it. */
static void drawing_box(const struct drawing *drawing, const char *class, int64_t from_ms,
                        int64_t to_ms, int y, int height, int least)
{
    int64_t x = drawing_x(drawing, from_ms);
    int64_t width = drawing_x(drawing, to_ms) - x;

    width = width < least ? least : width;
    fprintf(drawing->out,
            "<rect class=\"%s\" x=\"%" PRId64 ".%" PRId64 "\" y=\"%d\" width=\"%" PRId64 ".%" PRId64
            "\" height=\"%d\">",
            class, x / 10, x % 10, y, width / 10, width % 10, height);
}

static void drawing_close_box(const struct drawing *drawing)
{
    fputs("</rect>\n", drawing->out);
}

static void drawing_zone(const struct drawing *drawing, const struct mark *mark, const char *class,
                         int64_t from_ms, int64_t to_ms, int y)
{
    from_ms = from_ms < mark->from_ms ? mark->from_ms : from_ms;
    to_ms = to_ms > mark->to_ms ? mark->to_ms : to_ms;
    if (to_ms <= from_ms)
        return;
    drawing_box(drawing, class, from_ms, to_ms, y, TOKEN_ROW - 4, 0);
    fprintf(drawing->out, "<title>token #%" PRIu64 ": %s from ", mark->number, class);
    drawing_seconds(drawing->out, from_ms);
    fputs(" to ", drawing->out);
    drawing_seconds(drawing->out, to_ms);
    fputs(" s</title>", drawing->out);
    drawing_close_box(drawing);
}

static void drawing_token(const struct drawing *drawing, const struct mark *mark)
{
    int y = drawing->tops[mark->process] + mark->row * TOKEN_ROW;
    int64_t x = drawing_x(drawing, mark->from_ms);

    drawing_zone(drawing, mark, "fresh", mark->from_ms, mark->due_ms, y);
    drawing_zone(drawing, mark, "due", mark->due_ms, mark->danger_ms, y);
    drawing_zone(drawing, mark, "danger", mark->danger_ms, INT64_MAX, y);
    if (drawing_x(drawing, mark->to_ms) - x > 300)
        fprintf(drawing->out, "<text class=\"s\" x=\"%" PRId64 "\" y=\"%d\">#%" PRIu64 "</text>\n",
                x / 10 + 3, y + 10, mark->number);
}

static void drawing_request(const struct drawing *drawing, const struct mark *mark)
{
    int y = drawing->tops[mark->process] + drawing->svg->rows[mark->process] * TOKEN_ROW;
    bool good = mark->status >= 200 && mark->status < 300;

    drawing_box(drawing,
                good                              ? "good"
                : mark->status == 0 && mark->open ? "none"
                                                  : "bad",
                mark->from_ms, mark->to_ms, y, SMALL_ROW - 3, 15);
    fprintf(drawing->out, "<title>request %" PRIu64 " on %s at ", mark->number, mark->on);
    drawing_seconds(drawing->out, mark->from_ms);
    if (mark->status != 0)
        fprintf(drawing->out, " s: %d</title>", mark->status);
    else
        fprintf(drawing->out, " s: no answer</title>");
    drawing_close_box(drawing);
}

static void drawing_call(const struct drawing *drawing, const struct mark *mark)
{
    static const char *const classes[] = {[MARK_CALL] = "call",
                                          [MARK_CALL_STALE] = "stale",
                                          [MARK_CALL_ERROR] = "error",
                                          [MARK_CALL_OPEN] = "open"};
    int y =
        drawing->tops[mark->process] + drawing->svg->rows[mark->process] * TOKEN_ROW + SMALL_ROW;

    drawing_box(drawing, classes[mark->kind], mark->from_ms, mark->to_ms, y, SMALL_ROW - 3, 10);
    fputs("<title>call at ", drawing->out);
    drawing_seconds(drawing->out, mark->from_ms);
    fputs(" s, waited ", drawing->out);
    drawing_seconds(drawing->out, mark->to_ms - mark->from_ms);
    fputs(" s</title>", drawing->out);
    drawing_close_box(drawing);
}

static int drawing_lane_height(const struct svg *svg, int process)
{
    return svg->rows[process] * TOKEN_ROW + 2 * SMALL_ROW;
}

static void drawing_shade(const struct drawing *drawing, const struct mark *mark)
{
    static const char *const classes[] = {"faults", "offline", "sleep", "stopped"};
    const char *class = classes[mark->kind - MARK_FAULTS];
    int y = mark->process < 0 ? TOP - 4 : drawing->tops[mark->process] - 4;
    int height = mark->process < 0 ? drawing->bottom - TOP + 4
                                   : drawing_lane_height(drawing->svg, mark->process) + 4;

    drawing_box(drawing, class, mark->from_ms, mark->to_ms, y, height, 5);
    fprintf(drawing->out, "<title>%s from ", class);
    drawing_seconds(drawing->out, mark->from_ms);
    fputs(" to ", drawing->out);
    drawing_seconds(drawing->out, mark->to_ms);
    fputs(" s</title>", drawing->out);
    drawing_close_box(drawing);
}

/* The distance between two ticks: 1, 2 or 5 times a power of ten, in ms. */
static int64_t drawing_tick_ms(int64_t until_ms)
{
    static const int64_t factors[] = {1, 2, 5};

    for (int64_t power = 1;; power *= 10) {
        for (int i = 0; i < 3; i++) {
            if (until_ms / (factors[i] * power) <= TICKS_MOST)
                return factors[i] * power;
        }
    }
}

static void drawing_axis(const struct drawing *drawing)
{
    int64_t step_ms = drawing_tick_ms(drawing->svg->until_ms);

    for (int64_t t_ms = 0; t_ms <= drawing->svg->until_ms; t_ms += step_ms) {
        int64_t x = drawing_x(drawing, t_ms) / 10;

        fprintf(drawing->out,
                "<line class=\"grid\" x1=\"%" PRId64 "\" y1=\"%d\" x2=\"%" PRId64
                "\" y2=\"%d\"/>\n<text x=\"%" PRId64 "\" y=\"%d\" text-anchor=\"middle\">",
                x, TOP - 4, x, drawing->bottom + 4, x, drawing->bottom + 18);
        if (step_ms % 1000 == 0)
            fprintf(drawing->out, "%" PRId64, t_ms / 1000);
        else
            drawing_seconds(drawing->out, t_ms);
        fputs(" s</text>\n", drawing->out);
    }
}

static void drawing_lanes(const struct drawing *drawing)
{
    const struct svg *svg = drawing->svg;

    for (int i = 0; i < svg->processes; i++) {
        int small = drawing->tops[i] + svg->rows[i] * TOKEN_ROW;

        fprintf(drawing->out,
                "<line class=\"lane\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n"
                "<text x=\"6\" y=\"%d\">p%d</text>\n<text x=\"30\" y=\"%d\">requests</text>\n"
                "<text x=\"30\" y=\"%d\">calls</text>\n",
                drawing->tops[i] - 6, WIDTH, drawing->tops[i] - 6, drawing->tops[i] + 10, i,
                small + 9, small + 9 + SMALL_ROW);
    }
    for (size_t i = 0; i < svg->key_count; i++) {
        const struct drawn_key *key = &svg->keys[i];

        fprintf(drawing->out, "<text x=\"30\" y=\"%d\">",
                drawing->tops[key->process] + key->row * TOKEN_ROW + 11);
        drawing_text(drawing->out, key->name);
        fputs("</text>\n", drawing->out);
    }
}

static void drawing_legend(const struct drawing *drawing)
{
    static const struct {
        const char *class;
        const char *text;
    } entries[] = {{"fresh", "fresh"},
                   {"due", "due"},
                   {"danger", "danger"},
                   {"good", "request answered"},
                   {"bad", "request failed"},
                   {"call", "call"},
                   {"stale", "got stale"},
                   {"error", "got an error"},
                   {"open", "still open"},
                   {"faults", "issuer fails"},
                   {"offline", "offline"},
                   {"sleep", "asleep"},
                   {"stopped", "process stopped"}};
    int x = 6;
    int y = drawing->bottom + AXIS;

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        fprintf(drawing->out,
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"10\" height=\"10\"/>\n"
                "<text x=\"%d\" y=\"%d\">%s</text>\n",
                entries[i].class, x, y, x + 14, y + 9, entries[i].text);
        x += 28 + 6 * (int)strlen(entries[i].text);
    }
}

static bool drawing_is_shade(const struct mark *mark)
{
    return mark->kind >= MARK_FAULTS;
}

/* Calls that were answered at once hide each other: one a pixel is enough. */
static bool drawing_is_hidden(const struct drawing *drawing, const struct mark *mark,
                              int64_t *last_x)
{
    int64_t x = drawing_x(drawing, mark->from_ms) / 10;
    bool hidden;

    if (mark->kind != MARK_CALL || mark->to_ms > mark->from_ms)
        return false;
    hidden = last_x[mark->process] == x + 1;
    last_x[mark->process] = x + 1;
    return hidden;
}

static void drawing_marks(const struct drawing *drawing, int64_t *last_x)
{
    const struct svg *svg = drawing->svg;

    for (size_t i = 0; i < svg->count; i++) {
        const struct mark *mark = &svg->marks[i];

        if (drawing_is_shade(mark) || drawing_is_hidden(drawing, mark, last_x))
            continue;
        if (mark->kind == MARK_TOKEN)
            drawing_token(drawing, mark);
        else if (mark->kind == MARK_REQUEST)
            drawing_request(drawing, mark);
        else
            drawing_call(drawing, mark);
    }
}

static void drawing_all(const struct drawing *drawing, const char *about, int64_t *last_x)
{
    fprintf(drawing->out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n<title>",
            WIDTH, drawing->bottom + AXIS + LEGEND, WIDTH, drawing->bottom + AXIS + LEGEND);
    drawing_text(drawing->out, about[0] == '\0' ? "A simulation" : about);
    fputs("</title>\n", drawing->out);
    fputs(drawing_style, drawing->out);
    fputs(
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text class=\"h\" x=\"6\" y=\"20\">",
        drawing->out);
    drawing_text(drawing->out, about);
    fputs("</text>\n", drawing->out);
    for (size_t i = 0; i < drawing->svg->count; i++) {
        if (drawing_is_shade(&drawing->svg->marks[i]))
            drawing_shade(drawing, &drawing->svg->marks[i]);
    }
    drawing_axis(drawing);
    drawing_lanes(drawing);
    drawing_marks(drawing, last_x);
    drawing_legend(drawing);
    fputs("</svg>\n", drawing->out);
}

bool freshet_sim_svg_write(const struct svg *svg, const char *about, FILE *out)
{
    size_t processes = (size_t)svg->processes;
    struct drawing drawing = {.svg = svg, .out = out, .bottom = TOP};
    int64_t *last_x = calloc(processes, sizeof *last_x);
    bool good = false;

    drawing.tops = calloc(processes, sizeof *drawing.tops);
    if (drawing.tops == NULL || last_x == NULL || svg->failed)
        goto out;
    for (int i = 0; i < svg->processes; i++) {
        drawing.tops[i] = drawing.bottom;
        drawing.bottom += drawing_lane_height(svg, i) + LANE_GAP;
    }
    drawing_all(&drawing, about, last_x);
    good = !ferror(out);
out:
    free(drawing.tops);
    free(last_x);
    return good;
}
