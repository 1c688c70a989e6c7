/*
 * Where the agent listens, and that it is the only one there. Private to agent/.
 */
#ifndef FRESHET_AGENT_PLACE_H
#define FRESHET_AGENT_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/problem.h"

#define FRESHET_PLACE_BYTES 108 /* what a socket's address has room for */

struct place {
    char path[FRESHET_PLACE_BYTES];
    int listener; /* -1: none */
    int lock;     /* -1: none */
    dev_t device;
    ino_t inode;
    char private[FRESHET_PLACE_BYTES]; /* a folder that goes with us; "": none */
};

/*
 * Takes the service manager's socket if there is one, else makes one at `asked`, else at
 * $FRESHET_SOCKET, else in `runtime_dir` (as in struct freshet_client_options), else in
 * $FRESHET_RUNTIME_DIR, else in the first folder of
 * $XDG_RUNTIME_DIR/freshet, /run/user/UID/freshet and /dev/shm/freshet-UID that is ours alone. 0, or
 * -1 with the problem.
 */
int freshet_place_take(struct place *place, const char *asked, const char *runtime_dir,
                       struct agent_problem *problem);

/*
 * Takes a socket in a fresh folder of its own, below the same folders. What is in that folder goes
 * when the place is left, and at the next such call if its owner was killed.
 */
int freshet_place_take_private(struct place *place, const char *runtime_dir,
                               struct agent_problem *problem);

/* Closes the listener and removes our socket, unless somebody has put another there. */
void freshet_place_leave(struct place *place);

#endif
