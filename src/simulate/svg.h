/*
 * The drawing of a run: one lane a process, with the zones of its tokens, its requests, its calls,
 * and behind them what was wrong in the world. Everything is collected first and drawn at the end.
 */
#ifndef FRESHET_SIMULATE_SVG_H
#define FRESHET_SIMULATE_SVG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/policy.h"
#include "core/trace.h"

enum shade { SHADE_FAULTS, SHADE_OFFLINE, SHADE_SLEEP, SHADE_STOPPED, SHADE_COUNT };

struct svg;

/* NULL without memory. The policy is borrowed: it says where zones begin. */
struct svg *freshet_sim_svg_open(int processes, const struct policy *policy);
void freshet_sim_svg_free(struct svg *svg);

void freshet_sim_svg_line(struct svg *svg, const struct trace_line *line, const struct held *held);
/* Something begins (on) or ends in the background of a lane, or of all (-1). */
void freshet_sim_svg_shade(struct svg *svg, enum shade shade, int process, int64_t t_ms, bool on);
/* A call that got nothing before its process died or the scenario ended. */
void freshet_sim_svg_open_call(struct svg *svg, int process, int64_t made_ms, int64_t t_ms);
/* A process holds no token any more; `dies`: nor requests. */
void freshet_sim_svg_drop(struct svg *svg, int process, int64_t t_ms, bool dies);
void freshet_sim_svg_end(struct svg *svg, int64_t t_ms);

/* False if memory ran out on the way, or writing failed. */
bool freshet_sim_svg_write(const struct svg *svg, const char *about, FILE *out);

#endif
