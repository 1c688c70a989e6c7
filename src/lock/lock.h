/*
 * Locks that die with their holder: one byte of a file, locked through an open file description.
 *
 * Every lock has a descriptor of its own, so two holders in one process keep each other out as two
 * processes do. A lock file is never unlinked: whoever waits must find the same file. Nothing here
 * waits; who wants a lock that is taken tries again later. share uses it for leases and the store for
 * credentials. Any thread.
 */
#ifndef FRESHET_LOCK_LOCK_H
#define FRESHET_LOCK_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };

/*
 * Tries to lock one byte (0 to FRESHET_LOCK_BYTES - 1) of the file `name` in the folder, which is
 * made (0600) if it is missing. The descriptor of the lock, for freshet_lock_release(), or a negative
 * errno: -EAGAIN somebody else holds it, -ELOOP the name is a symbolic link, -EPERM the file is not
 * a plain file of ours that only we can open, -EINVAL no such byte, or what the system said.
 *
 * A child of fork() does not hold it: the descriptor is closed there, and across exec.
 */
int freshet_lock_try(int folder_fd, const char *name, off_t byte, enum lock_mode mode);

/* Unlocks and closes. Harmless in a child of the holder, where the descriptor is closed already. */
void freshet_lock_release(int descriptor, off_t byte);

#define FRESHET_LOCK_BYTES 8

/* Writes who holds the byte into the file, for freshet_lock_holder(). Only a help to people who look
 * at a status: nothing depends on it, and a full disk is not an error. */
void freshet_lock_sign(int descriptor, off_t byte, int64_t boot_ms);

struct lock_holder {
    pid_t pid;       /* in the holder's own pid namespace; 0: it did not sign */
    int64_t boot_ms; /* when it signed */
};

/* True while somebody, this process included, holds the byte. */
bool freshet_lock_holder(int folder_fd, const char *name, off_t byte, struct lock_holder *holder);

#endif
