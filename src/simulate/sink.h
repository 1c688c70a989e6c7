/*
 * Sinks of the virtual world: one cookie jar that all processes share, one token file for each. They
 * watch, by the same rules as the library's (source/delivery.h), and never make an engine do anything.
 */
#ifndef FRESHET_SIMULATE_SINK_H
#define FRESHET_SIMULATE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "source/delivery.h"

struct process;
struct world;

/* A file in memory. */
struct sink_place {
    char context[FRESHET_CONTEXT_MAX]; /* of a jar */
    char *text;                        /* NULL: no token */
};

/* What a process knows of its own deliveries; ends with it. */
struct sink_memory {
    char written[FRESHET_CONTEXT_MAX]; /* to the jar */
    bool due;                          /* something has changed */
    int64_t again_ms;                  /* when to look again, scenario time; FRESHET_NEVER */
};

/* Delivers what is due: after the events of an answer, before its calls. */
void freshet_sim_sink_flush(struct process *process);

/* Delivers what was skipped, if it still is to be. */
void freshet_sim_sink_again(struct process *process);

#endif
