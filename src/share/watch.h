/*
 * Hears of changes in the shared place: one inotify descriptor that the caller polls.
 *
 * A kernel grants a user few inotify instances, desktop programs included. Without one the watch is
 * deaf: nothing is heard, and the caller looks at a record before each request instead. Loop thread
 * only.
 */
#ifndef FRESHET_SHARE_WATCH_H
#define FRESHET_SHARE_WATCH_H

#include <limits.h>
#include <stdbool.h>

#include "share/place.h"

enum watch_news {
    WATCH_CHANGED,    /* the file of this name was written */
    WATCH_EVERYTHING, /* news was lost: look at everything */
    WATCH_GONE        /* the folder was removed or moved: find a place again */
};

struct watch {
    int descriptor; /* -1: deaf, and fault says why */
    int folder;     /* what inotify calls it; -1: none is watched */
    struct fault fault;
};

/* Gets a descriptor, non-blocking and close-on-exec; it stays the same until the close. */
void freshet_watch_open(struct watch *watch);

/* Watches the folder of this place, and no other any more. False, with a fault, if it cannot. */
bool freshet_watch_place(struct watch *watch, const struct place *place);

void freshet_watch_close(struct watch *watch);

/* Tells all news there is, without waiting. `name` is "" but with WATCH_CHANGED. The callback may
 * call freshet_watch_place(), not freshet_watch_close(). */
typedef void watch_callback(enum watch_news news, const char *name, void *context);
void freshet_watch_drain(struct watch *watch, watch_callback *callback, void *context);

#endif
