/*
 * Under which boot, and in which time namespace, boot times mean anything.
 *
 * Boot times of two processes can be compared only if both are the same: a container may have its
 * own boot clock. Never written to anything but records.
 */
#ifndef FRESHET_SHARE_ORIGIN_H
#define FRESHET_SHARE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct origin {
    char boot_id[37];       /* "": unknown; equal to nothing */
    int64_t time_namespace; /* 0: unknown; equal to nothing */
};

/* Asks the kernel (/proc); what cannot be read stays unknown. */
struct origin freshet_origin_here(void);

bool freshet_origin_same(const struct origin *a, const struct origin *b);

#endif
