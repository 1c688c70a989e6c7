/*
 * The processes of stopped_child.h.
 */
#include "stopped_child.h"

#include <signal.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int freshet_child_wait_stopped(pid_t child)
{
    int status = 0;

    return waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) ? 0 : -1;
}

int freshet_child_wait_until(int64_t boot_ms)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = boot_ms / 1000, .tv_nsec = boot_ms % 1000 * 1000000}};
    int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    uint64_t rings = 0;
    int result = -1;

    if (timer >= 0 && timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) == 0 &&
        read(timer, &rings, sizeof(rings)) == (ssize_t)sizeof(rings)) {
        result = 0;
    }
    close(timer);
    return result;
}

int freshet_child_continue(pid_t child)
{
    int status = 0;

    return kill(child, SIGCONT) == 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : -1;
}
