/*
 * The last events, as lines of a server-sent stream. Private to agent/.
 *
 * One backlog serves any number of readers, each with a cursor of its own, so a slow reader costs
 * no memory: it falls behind, and is told so.
 */
#ifndef FRESHET_AGENT_BACKLOG_H
#define FRESHET_AGENT_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRESHET_BACKLOG_LINES 256

struct backlog {
    char *lines[FRESHET_BACKLOG_LINES];
    uint64_t next; /* the number of the next event */
};

struct backlog_cursor {
    uint64_t event;
    size_t offset; /* sent of it already */
};

/* Appends "id, event, data"; `data` is one line of JSON. False without memory: the event is lost. */
bool freshet_backlog_put(struct backlog *backlog, const char *event, const char *data);

/* A cursor behind the last event. */
struct backlog_cursor freshet_backlog_end(const struct backlog *backlog);

/* True once events that the reader has not got are gone. */
bool freshet_backlog_missed(const struct backlog *backlog, struct backlog_cursor cursor);

/* Copies what comes next: the bytes copied, 0 when there is nothing, -1 when events were missed. */
ssize_t freshet_backlog_read(const struct backlog *backlog, struct backlog_cursor *cursor,
                             char *buffer, size_t size);

void freshet_backlog_clear(struct backlog *backlog);

#endif
