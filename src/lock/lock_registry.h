/*
 * The descriptors of all lock files this process has open. Only lock.c calls it.
 *
 * An OFD lock lives until its last descriptor is closed, in whichever process: a child that was
 * forked, and outlives its parent, would keep every lock of the parent. So the child closes them.
 */
#ifndef FRESHET_LOCK_LOCK_REGISTRY_H
#define FRESHET_LOCK_LOCK_REGISTRY_H

#include <fcntl.h>

/* Opens (or makes, 0600) a lock file and remembers its descriptor, as one step beside fork(); for
 * reading alone where nothing can be written. A descriptor, or a negative errno. */
int freshet_lock_registry_open(int folder_fd, const char *name);

/* Unlocks the range, closes and forgets; nothing if the descriptor is not known here. */
void freshet_lock_registry_close(int descriptor, const struct flock *range);

#endif
