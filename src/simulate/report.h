/*
 * Where everything that happens is told: the trace, the timeline, the drawing, the summary.
 */
#ifndef FRESHET_SIMULATE_REPORT_H
#define FRESHET_SIMULATE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/trace.h"
#include "simulate/summary.h"
#include "simulate/svg.h"
#include "simulate/timeline.h"

struct report {
    FILE *out;
    bool json; /* else the timeline */
    struct timeline timeline;
    struct summary summary;
    struct svg *svg; /* NULL: no drawing is wanted */
};

/* One line, complete. `held` is the token of a commit, else NULL. */
void freshet_sim_report_line(struct report *report, const struct trace_line *line,
                             const struct held *held);

/* The end: open calls are counted, the summary is written. */
void freshet_sim_report_end(struct report *report, int64_t until_ms);

#endif
