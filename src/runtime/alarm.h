/*
 * One alarm in boot time: every deadline of a client goes through it. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_ALARM_H
#define FRESHET_RUNTIME_ALARM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef void alarm_callback(void *context);

struct alarm {
    uv_poll_t poll;
    int descriptor;
    bool open;
    alarm_callback *callback;
    void *context;
};

/* 0, or a negative libuv error. */
int freshet_alarm_init(struct alarm *alarm, uv_loop_t *loop, alarm_callback *callback,
                       void *context);

/* Rings once at that boot time, at once if it is past; FRESHET_NEVER: not at all. */
void freshet_alarm_set(struct alarm *alarm, int64_t boot_ms);

void freshet_alarm_close(struct alarm *alarm);

#endif
