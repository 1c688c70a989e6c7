/*
 * Leases on lock files.
 */
#include "share/lease.h"

#include <errno.h>
#include <stdio.h>

#include "lock/lock.h"
#include "share/file.h"

enum lease_result freshet_lease_take(struct lease *lease, int folder_fd,
                                     const struct share_name *name, enum lease_byte byte,
                                     int64_t boot_ms, struct fault *fault)
{
    const int result = freshet_lock_try(folder_fd, name->text, (off_t)byte, LOCK_EXCLUSIVE);

    *lease = (struct lease){.descriptor = -1, .byte = byte};
    if (result == -EAGAIN) {
        return LEASE_ELSEWHERE;
    }
    if (result < 0) {
        snprintf(fault->text, sizeof(fault->text), "the lock file %s cannot be used: %s",
                 name->text, freshet_share_file_error(result));
        return LEASE_ALONE;
    }
    lease->descriptor = result;
    freshet_lock_sign(result, (off_t)byte, boot_ms);
    return LEASE_TAKEN;
}

void freshet_lease_release(struct lease *lease)
{
    if (lease->descriptor >= 0) {
        freshet_lock_release(lease->descriptor, (off_t)lease->byte);
    }
    lease->descriptor = -1;
}
