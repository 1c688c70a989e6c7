/*
 * What the agent counts, and how Prometheus reads it. Private to agent/.
 */
#ifndef FRESHET_AGENT_METRICS_H
#define FRESHET_AGENT_METRICS_H

#include <freshet/freshet.h>
#include <stdint.h>

#include "agent/route.h"

#define FRESHET_METRICS_STATUSES 32

/* Why the agent closed a connection that its client would have kept. */
enum drop_reason { DROP_OTHER_USER, DROP_SILENT, DROP_SLOW, DROP_COUNT };

struct metrics {
    uint64_t requests[ROUTE_COUNT];
    uint64_t errors[FRESHET_METRICS_STATUSES]; /* of token requests, by status */
    uint64_t dropped[DROP_COUNT];
    uint64_t waits;   /* token requests that could not be answered at once */
    uint64_t waiting; /* of these, now */
    uint64_t clients; /* connections, now */
    uint64_t clients_max;
    uint64_t events;
    uint64_t readers; /* of events, now */
};

/* The text format, version 0.0.4. `status` is what freshet_status_json() gave. The caller frees;
 * NULL without memory. */
char *freshet_metrics_text(const struct metrics *metrics, const char *status);

#endif
