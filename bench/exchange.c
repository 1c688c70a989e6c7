/*
 * The floor for whatever goes through the kernel to another process and back: a kilobyte over a
 * Unix socket, to a process that does nothing else.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define EXCHANGES 5000
#define BYTES     1024

static bool exchange_once(int socket)
{
    char bytes[BYTES];
    ssize_t got = 0;

    memset(bytes, 'x', sizeof(bytes));
    if (write(socket, bytes, sizeof(bytes)) != BYTES) {
        return false;
    }
    for (size_t all = 0; all < BYTES; all += (size_t)got) {
        got = read(socket, bytes, sizeof(bytes));
        if (got <= 0) {
            return false;
        }
    }
    return true;
}

void freshet_bench_exchange(struct bench_report *report)
{
    char *argv[] = {BENCH_PEER, "echo", NULL};
    double samples[EXCHANGES];
    size_t count = 0;
    int ends[2] = {-1, -1};
    pid_t pid = 0;

    freshet_bench_report_floor(report);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
        pid = freshet_bench_spawn(argv, ends[1], -1);
        close(ends[1]);
    }
    while (pid > 0 && count < EXCHANGES) {
        double start_ns = freshet_bench_now_ns();

        if (!exchange_once(ends[0])) {
            break;
        }
        samples[count++] = freshet_bench_now_ns() - start_ns;
    }
    if (count > 0) {
        freshet_bench_report_row(report, "exchange",
                                 "the floor: a kilobyte to another process and back", samples,
                                 count);
    } else {
        freshet_bench_report_skip(report, "exchange", "the other process did not answer");
    }
    close(ends[0]);
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
}
