/*
 * inotify on the folder, never on files: a rename replaces the file that was watched. Nor on the folder
 * above: it is busy with what is not ours, and each event there would wake every process. That the
 * folder was removed is found by who looks for it.
 */
#include "share/watch.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define WATCH_BUFFER 8192
#define WATCH_READS  64 /* of one drain, so that a busy folder does not keep the caller */
#define WATCH_MASK   (IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW)

static void watch_complain(struct watch *watch, int error)
{
    const char *why = strerror(error);

    if (error == EMFILE || error == ENFILE) {
        why = "this user has too many inotify instances or open files (see "
              "/proc/sys/fs/inotify/max_user_instances)";
    } else if (error == ENOSPC) {
        why = "this user has too many inotify watches (see /proc/sys/fs/inotify/max_user_watches)";
    }
    snprintf(watch->fault.text, sizeof(watch->fault.text),
             "changes are not heard of at once, records are read before each request: %s", why);
}

void freshet_watch_open(struct watch *watch)
{
    *watch = (struct watch){.folder = -1};
    watch->descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->descriptor < 0) {
        watch_complain(watch, errno);
    }
}

bool freshet_watch_place(struct watch *watch, const struct place *place)
{
    if (watch->descriptor < 0) {
        return false;
    }
    if (watch->folder >= 0) {
        inotify_rm_watch(watch->descriptor, watch->folder);
    }
    watch->folder = inotify_add_watch(watch->descriptor, place->path, WATCH_MASK);
    if (watch->folder < 0) {
        watch_complain(watch, errno);
        return false;
    }
    /* The path may lead elsewhere by now; what is watched must be what is used. */
    if (!freshet_place_stands(place)) {
        watch_complain(watch, ENOENT);
        return false;
    }
    watch->fault.text[0] = '\0';
    return true;
}

void freshet_watch_close(struct watch *watch)
{
    if (watch->descriptor >= 0) {
        close(watch->descriptor);
    }
    watch->descriptor = -1;
    watch->folder = -1;
}

static void watch_tell(struct watch *watch, const struct inotify_event *event, const char *name,
                       watch_callback *callback, void *context)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        callback(WATCH_EVERYTHING, "", context);
    } else if (event->wd != watch->folder) {
        return; /* a folder that is watched no more */
    } else if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) {
        if ((event->mask & IN_IGNORED) != 0) {
            watch->folder = -1;
        }
        callback(WATCH_GONE, "", context);
    } else if (event->len > 0) {
        callback(WATCH_CHANGED, name, context);
    }
}

void freshet_watch_drain(struct watch *watch, watch_callback *callback, void *context)
{
    alignas(struct inotify_event) char buffer[WATCH_BUFFER];

    for (int i = 0; i < WATCH_READS && watch->descriptor >= 0; i++) {
        const ssize_t count = read(watch->descriptor, buffer, sizeof(buffer));
        struct inotify_event event = {0};

        if (count <= 0) {
            return;
        }
        for (size_t at = 0; at < (size_t)count; at += sizeof(event) + event.len) {
            memcpy(&event, buffer + at, sizeof(event));
            watch_tell(watch, &event, buffer + at + sizeof(event), callback, context);
        }
    }
}
