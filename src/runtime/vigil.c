/*
 * Clock steps cancel a wall-clock timer that never expires; suspends widen the gap between boot time
 * and the time that was spent awake.
 */
#include "runtime/vigil.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"

#define VIGIL_SUSPEND_MS   500
#define VIGIL_FAR_FUTURE_S 4102444800 /* the year 2100 */

static int64_t vigil_asleep_ms(void)
{
    return freshet_clock_sample().boot_ms - freshet_clock_awake_ms();
}

bool freshet_vigil_has_slept(struct vigil *vigil)
{
    int64_t asleep_ms = vigil_asleep_ms();
    bool slept = asleep_ms - vigil->asleep_ms > VIGIL_SUSPEND_MS;

    vigil->asleep_ms = asleep_ms;
    return slept;
}

/* The timer stays armed after a cancellation; the read only takes the news. */
static void vigil_ready(uv_poll_t *poll, int status, int events)
{
    struct vigil *vigil = poll->data;
    uint64_t count = 0;

    (void)events;
    if (status == 0 && read(vigil->descriptor, &count, sizeof(count)) < 0 && errno == ECANCELED) {
        vigil->callback(vigil->context);
    }
}

int freshet_vigil_init(struct vigil *vigil, uv_loop_t *loop, vigil_callback *callback,
                       void *context)
{
    const struct itimerspec never = {.it_value = {.tv_sec = VIGIL_FAR_FUTURE_S}};
    int status = 0;

    vigil->callback = callback;
    vigil->context = context;
    vigil->asleep_ms = vigil_asleep_ms();
    vigil->descriptor = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (vigil->descriptor < 0) {
        return -errno;
    }
    status = timerfd_settime(vigil->descriptor, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                             NULL) == 0
                 ? uv_poll_init(loop, &vigil->poll, vigil->descriptor)
                 : -errno;
    if (status != 0) {
        close(vigil->descriptor);
        return status;
    }
    vigil->open = true;
    vigil->poll.data = vigil;
    return uv_poll_start(&vigil->poll, UV_READABLE, vigil_ready);
}

void freshet_vigil_close(struct vigil *vigil)
{
    if (vigil->open) {
        vigil->open = false;
        uv_poll_stop(&vigil->poll);
        uv_close((uv_handle_t *)&vigil->poll, NULL);
        close(vigil->descriptor);
    }
}
