/*
 * Notices that time has jumped: a step of the wall clock, or a suspend. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_VIGIL_H
#define FRESHET_RUNTIME_VIGIL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef void vigil_callback(void *context);

struct vigil {
    uv_poll_t poll;
    int descriptor;
    bool open;
    int64_t asleep_ms; /* boot time - awake time, as last seen */
    vigil_callback *callback;
    void *context;
};

/* 0, or a negative libuv error. */
int freshet_vigil_init(struct vigil *vigil, uv_loop_t *loop, vigil_callback *callback,
                       void *context);

/* Has the machine slept since this was asked last? */
bool freshet_vigil_has_slept(struct vigil *vigil);

void freshet_vigil_close(struct vigil *vigil);

#endif
