/*
 * A ring of event lines: the oldest makes room for the newest.
 */
#include "agent/backlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **backlog_slot(struct backlog *backlog, uint64_t event)
{
    return &backlog->lines[event % FRESHET_BACKLOG_LINES];
}

bool freshet_backlog_put(struct backlog *backlog, const char *event, const char *data)
{
    char **slot = backlog_slot(backlog, backlog->next);
    char *line = NULL;

    if (asprintf(&line, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)backlog->next,
                 event, data) < 0) {
        return false;
    }
    free(*slot);
    *slot = line;
    backlog->next++;
    return true;
}

struct backlog_cursor freshet_backlog_end(const struct backlog *backlog)
{
    return (struct backlog_cursor){.event = backlog->next};
}

bool freshet_backlog_missed(const struct backlog *backlog, struct backlog_cursor cursor)
{
    return backlog->next - cursor.event > FRESHET_BACKLOG_LINES;
}

ssize_t freshet_backlog_read(const struct backlog *backlog, struct backlog_cursor *cursor,
                             char *buffer, size_t size)
{
    size_t copied = 0;

    if (freshet_backlog_missed(backlog, *cursor)) {
        return -1;
    }
    while (cursor->event < backlog->next && copied < size) {
        const char *line = backlog->lines[cursor->event % FRESHET_BACKLOG_LINES] + cursor->offset;
        size_t length = strlen(line);
        size_t part = length < size - copied ? length : size - copied;

        memcpy(buffer + copied, line, part);
        copied += part;
        cursor->offset += part;
        if (part == length) {
            *cursor = (struct backlog_cursor){.event = cursor->event + 1};
        }
    }
    return (ssize_t)copied;
}

void freshet_backlog_clear(struct backlog *backlog)
{
    for (size_t i = 0; i < FRESHET_BACKLOG_LINES; i++) {
        free(backlog->lines[i]);
        backlog->lines[i] = NULL;
    }
}
