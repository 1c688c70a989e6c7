/*
 * The folder in which one user's processes meet: found, made if need be, judged, held open.
 *
 * It must be ours, mode 0700, no link, in memory (tmpfs or ramfs), and writable. Anything else is
 * refused with a reason, and sharing is then off: tokens never go to a place that others may read or
 * that outlives the boot. One thread at a time.
 */
#ifndef FRESHET_SHARE_PLACE_H
#define FRESHET_SHARE_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "share/fault.h"

/*
 * Where to look. The caller reads the environment (with secure_getenv); NULL and "" mean not set.
 * The first two are the user's word: if they do not work, nothing else is tried. The others are
 * tried in order until one works. All strings are borrowed for the call.
 */
struct place_choice {
    const char *chosen;              /* an option */
    const char *freshet_runtime_dir; /* $FRESHET_RUNTIME_DIR */
    const char *xdg_runtime_dir;     /* $XDG_RUNTIME_DIR; the place is "freshet" below it */
    const char *run_user;            /* NULL: "/run/user"; the place is "UID/freshet" below it */
    const char *shared_memory;       /* NULL: "/dev/shm"; the place is "freshet-UID" below it */
    bool only_look;                  /* make nothing: a folder that is missing is a fault */
};

struct place {
    int folder_fd; /* -1: there is no place, and fault says why */
    char path[PATH_MAX];
    dev_t device;
    ino_t inode;
    struct fault fault;
};

/* False, with place->fault, if there is no place. */
bool freshet_place_open(struct place *place, const struct place_choice *choice);
void freshet_place_close(struct place *place);

/* False once the folder is not at its path any more (logging out may remove it), or has been opened to
 * others. */
bool freshet_place_stands(const struct place *place);

#endif
