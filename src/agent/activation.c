/*
 * Socket activation and readiness without libsystemd: two variables, one descriptor, one datagram.
 */
#include "agent/activation.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ACTIVATION_FIRST 3

static bool activation_is_number(const char *text, long number)
{
    char expected[24];

    (void)snprintf(expected, sizeof(expected), "%ld", number);
    return text != NULL && strcmp(text, expected) == 0;
}

static bool activation_has(int descriptor, int option, int expected)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 && value == expected;
}

static bool activation_is_listener(int descriptor)
{
    return activation_has(descriptor, SO_DOMAIN, AF_UNIX) &&
           activation_has(descriptor, SO_TYPE, SOCK_STREAM) &&
           activation_has(descriptor, SO_ACCEPTCONN, 1);
}

static int activation_take(int *listener, char *path, size_t size, struct agent_problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof(address) - 1;
    int flags = fcntl(ACTIVATION_FIRST, F_GETFL);

    if (!activation_is_listener(ACTIVATION_FIRST) || flags < 0 ||
        fcntl(ACTIVATION_FIRST, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(ACTIVATION_FIRST, F_SETFD, FD_CLOEXEC) != 0 ||
        getsockname(ACTIVATION_FIRST, (struct sockaddr *)&address, &length) != 0) {
        return freshet_agent_problem(problem, "the descriptor that the service manager passed is "
                                              "no listening Unix stream socket; see ListenStream "
                                              "in the socket unit");
    }
    *listener = ACTIVATION_FIRST;
    (void)snprintf(path, size, "%s", address.sun_path);
    return 0;
}

int freshet_activation_listener(int *listener, char *path, size_t size,
                                struct agent_problem *problem)
{
    const char *count = getenv("LISTEN_FDS");
    bool ours = activation_is_number(getenv("LISTEN_PID"), (long)getpid()) && count != NULL;
    int result = 0;

    *listener = -1;
    if (ours && !activation_is_number(count, 1)) {
        result = freshet_agent_problem(problem, "the service manager passed more than one socket; "
                                                "the agent serves exactly one");
    } else if (ours) {
        result = activation_take(listener, path, size, problem);
    }
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDNAMES");
    return result;
}

void freshet_activation_notify(const char *state)
{
    const char *place = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = place != NULL ? strlen(place) : 0;
    int descriptor = -1;

    if (length < 2 || length >= sizeof(address.sun_path) || (place[0] != '/' && place[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, place, length);
    if (place[0] == '@') {
        address.sun_path[0] = '\0';
    }
    descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0) {
        (void)sendto(descriptor, state, strlen(state), MSG_NOSIGNAL,
                     (const struct sockaddr *)&address,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
        (void)close(descriptor);
    }
}
