/*
 * Counts. Nothing here judges; the trace's reader does.
 */
#include "simulate/summary.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS 60000

/* The window is half open: of two requests exactly a minute apart only one is inside. */
static bool summary_minute(struct summary *summary, int64_t t_ms)
{
    while (summary->minute_count > 0 &&
           summary->minute[summary->minute_first] <= t_ms - MINUTE_MS) {
        summary->minute_first = (summary->minute_first + 1) % summary->minute_capacity;
        summary->minute_count--;
    }
    if (summary->minute_count == summary->minute_capacity) {
        size_t capacity = summary->minute_capacity == 0 ? 64 : summary->minute_capacity * 2;
        int64_t *grown = calloc(capacity, sizeof *grown);

        if (grown == NULL)
            return false;
        for (size_t i = 0; i < summary->minute_count; i++)
            grown[i] = summary->minute[(summary->minute_first + i) % summary->minute_capacity];
        free(summary->minute);
        summary->minute = grown;
        summary->minute_first = 0;
        summary->minute_capacity = capacity;
    }
    summary->minute[(summary->minute_first + summary->minute_count) % summary->minute_capacity] =
        t_ms;
    summary->minute_count++;
    if (summary->minute_count > summary->per_minute_max)
        summary->per_minute_max = summary->minute_count;
    return true;
}

bool freshet_sim_summary_request(struct summary *summary, enum endpoint on, int64_t t_ms)
{
    summary->requests[on]++;
    return on != ON_TOKENS || summary_minute(summary, t_ms);
}

void freshet_sim_summary_get(struct summary *summary)
{
    summary->gets++;
}

void freshet_sim_summary_got(struct summary *summary, const struct ending *ending)
{
    summary->answered++;
    summary->waited += ending->waited_ms > 0;
    summary->errors += ending->error;
    summary->served_expired += ending->expired;
    summary->max_wait_ms = freshet_max(summary->max_wait_ms, ending->waited_ms);
    freshet_sim_summary_left(summary, ending);
}

void freshet_sim_summary_left(struct summary *summary, const struct ending *ending)
{
    summary->waited_while_usable += ending->usable && ending->waited_ms > 0;
}

uint64_t freshet_sim_summary_open(const struct summary *summary)
{
    return summary->gets - summary->answered;
}

size_t freshet_sim_summary_json(const struct summary *summary, int64_t t_ms, char *buffer,
                                size_t size)
{
    size_t used = (size_t)snprintf(
        buffer, size, "{\"t_ms\":%lld,\"process\":0,\"event\":\"summary\",\"requests\":{",
        (long long)t_ms);

    for (int on = 0; on < ON_COUNT && used < size; on++)
        used += (size_t)snprintf(buffer + used, size - used, "%s\"%s\":%llu", on == 0 ? "" : ",",
                                 freshet_endpoint_name((enum endpoint)on),
                                 (unsigned long long)summary->requests[on]);
    if (used < size)
        used += (size_t)snprintf(
            buffer + used, size - used,
            "},\"gets\":%llu,\"waited\":%llu,\"waited_while_usable\":%llu,\"errors\":%llu,"
            "\"open\":%llu,\"served_expired\":%llu,\"max_wait_ms\":%lld,"
            "\"requests_per_minute_max\":%llu}",
            (unsigned long long)summary->gets, (unsigned long long)summary->waited,
            (unsigned long long)summary->waited_while_usable, (unsigned long long)summary->errors,
            (unsigned long long)freshet_sim_summary_open(summary),
            (unsigned long long)summary->served_expired, (long long)summary->max_wait_ms,
            (unsigned long long)summary->per_minute_max);
    return used < size ? used : 0;
}

void freshet_sim_summary_free(struct summary *summary)
{
    free(summary->minute);
    *summary = (struct summary){.minute = NULL};
}
