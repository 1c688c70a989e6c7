/*
 * The readable output: one aligned line an event, then a table of what it came to.
 */
#ifndef FRESHET_SIMULATE_TIMELINE_H
#define FRESHET_SIMULATE_TIMELINE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/trace.h"
#include "simulate/summary.h"

struct timeline {
    FILE *out;
    bool colour;    /* the output is a terminal */
    bool processes; /* there is more than one: say which */
};

void freshet_sim_timeline_line(const struct timeline *timeline, const struct trace_line *line);
void freshet_sim_timeline_summary(const struct timeline *timeline, const struct summary *summary,
                                  int64_t until_ms);

#endif
