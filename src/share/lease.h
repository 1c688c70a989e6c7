/*
 * Leases: the right to fetch the next token of a key, held by one process of the user at a time.
 *
 * A lease has two bytes. Who has waited too long for the holder of the first takes the second, so
 * one more goes on, not all. No lease is waited for, and none is held over a callback. Loop thread
 * only.
 */
#ifndef FRESHET_SHARE_LEASE_H
#define FRESHET_SHARE_LEASE_H

#include <stdint.h>

#include "share/fault.h"
#include "share/name.h"

enum lease_byte { LEASE_FIRST = 0, LEASE_SECOND = 1 };

enum lease_result {
    LEASE_TAKEN,     /* it is ours: look at the record again, then fetch, then release */
    LEASE_ELSEWHERE, /* another holder has it: wait for its record */
    LEASE_ALONE      /* nothing can be locked here: go on as if there were no other process */
};

struct lease {
    int descriptor; /* -1: not held */
    enum lease_byte byte;
};

/* `boot_ms` is told to whoever asks for the holder. With LEASE_ALONE, `fault` says why. */
enum lease_result freshet_lease_take(struct lease *lease, int folder_fd,
                                     const struct share_name *name, enum lease_byte byte,
                                     int64_t boot_ms, struct fault *fault);

/* Harmless when it is not held, or was inherited through fork(). */
void freshet_lease_release(struct lease *lease);

#endif
