/*
 * A timerfd under the loop: on time after suspend, one ring however long a process was stopped.
 */
#include "runtime/alarm.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/time.h"

static void alarm_ready(uv_poll_t *poll, int status, int events)
{
    struct alarm *alarm = poll->data;
    uint64_t count = 0;

    (void)events;
    if (status == 0 && read(alarm->descriptor, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
        alarm->callback(alarm->context);
    }
}

int freshet_alarm_init(struct alarm *alarm, uv_loop_t *loop, alarm_callback *callback,
                       void *context)
{
    int status = 0;

    *alarm = (struct alarm){.callback = callback, .context = context};
    alarm->descriptor = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (alarm->descriptor < 0) {
        return -errno;
    }
    status = uv_poll_init(loop, &alarm->poll, alarm->descriptor);
    if (status != 0) {
        close(alarm->descriptor);
        return status;
    }
    alarm->poll.data = alarm;
    alarm->open = true;
    return uv_poll_start(&alarm->poll, UV_READABLE, alarm_ready);
}

void freshet_alarm_set(struct alarm *alarm, int64_t boot_ms)
{
    struct itimerspec at = {0};

    if (!alarm->open) {
        return;
    }
    if (boot_ms != FRESHET_NEVER) {
        boot_ms = freshet_max(boot_ms, 1); /* zero would disarm */
        at.it_value.tv_sec = (time_t)(boot_ms / 1000);
        at.it_value.tv_nsec = (long)(boot_ms % 1000) * 1000000;
    }
    (void)timerfd_settime(alarm->descriptor, TFD_TIMER_ABSTIME, &at, NULL);
}

static void alarm_closed(uv_handle_t *handle)
{
    struct alarm *alarm = handle->data;

    if (alarm->closed != NULL) {
        alarm->closed(alarm->context);
    }
}

void freshet_alarm_close_then(struct alarm *alarm, alarm_callback *closed)
{
    if (alarm->open) {
        alarm->open = false;
        alarm->closed = closed;
        uv_poll_stop(&alarm->poll);
        uv_close((uv_handle_t *)&alarm->poll, alarm_closed);
        close(alarm->descriptor);
    }
}

void freshet_alarm_close(struct alarm *alarm)
{
    freshet_alarm_close_then(alarm, NULL);
}
