/*
 * One alarm in boot time: every deadline of a client goes through it, libcurl's through another.
 * Loop thread only.
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
    alarm_callback *closed;
    void *context;
};

/* 0, or a negative libuv error. The alarm is still to be closed then, which may have no effect. */
int freshet_alarm_init(struct alarm *alarm, uv_loop_t *loop, alarm_callback *callback,
                       void *context);

/* Rings once at that boot time, in the next turn if it is past; FRESHET_NEVER: not at all. */
void freshet_alarm_set(struct alarm *alarm, int64_t boot_ms);

/* The alarm's memory must stay until the loop has closed it. */
void freshet_alarm_close(struct alarm *alarm);

/* The same; `closed` is called, with the alarm's context, once its memory may go. */
void freshet_alarm_close_then(struct alarm *alarm, alarm_callback *closed);

#endif
