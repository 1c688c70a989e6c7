/*
 * What the agent's test needs beside curl: a crowd of clients, vandals, and a service manager.
 *
 * usage: agent_tool crowd SOCKET PATH CLIENTS SILENT    every other client is answered, often
 *        agent_tool vandal SOCKET                       bytes that are no request
 *        agent_tool manage SOCKET PROGRAM [ARGUMENT...] activation and readiness
 *        agent_tool slow SOCKET                         reads no events, until it is dropped
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWERS_EACH = 20, ANSWER_BYTES = 8192, ROUNDS = 200 };

struct client {
    int descriptor;
    bool silent;
    int answers;
    size_t length;
    char answer[ANSWER_BYTES];
};

static int fail(const char *what)
{
    fprintf(stderr, "agent_tool: %s (%s)\n", what, strerror(errno));
    return 1;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (descriptor >= 0 &&
        connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool ask(int descriptor, const char *text, size_t length)
{
    return send(descriptor, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* ---- crowd ---- */

static bool ask_for(int descriptor, const char *path)
{
    char request[512];
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: agent\r\n\r\n", path);

    return ask(descriptor, request, (size_t)length);
}

/* True when a whole 200 answer is there, which is then removed. */
static bool crowd_answered(struct client *client)
{
    const char *end = NULL;
    const char *length = NULL;

    client->answer[client->length] = '\0';
    end = strstr(client->answer, "\r\n\r\n");
    length = strstr(client->answer, "Content-Length: ");
    if (end == NULL || length == NULL ||
        client->length < (size_t)(end + 4 - client->answer) + strtoul(length + 16, NULL, 10)) {
        return false;
    }
    client->length = 0;
    return strncmp(client->answer, "HTTP/1.1 200", 12) == 0;
}

/* One readable client: 1 when it is done with, 0 when it goes on, -1 when something is wrong. */
static int crowd_read(struct client *client, const char *path)
{
    ssize_t got = recv(client->descriptor, client->answer + client->length,
                       sizeof(client->answer) - 1 - client->length, 0);

    if (client->silent) {
        return got <= 0 ? 1 : 0;
    }
    if (got <= 0) {
        return -1;
    }
    client->length += (size_t)got;
    if (!crowd_answered(client)) {
        return 0;
    }
    if (++client->answers == ANSWERS_EACH) {
        return 1;
    }
    return ask_for(client->descriptor, path) ? 0 : -1;
}

static bool crowd_begin(struct client *client, int epoll, const char *socket_path, bool silent,
                        int number)
{
    static const char half[] = "GET /v1/token/wo";
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = client}};

    client->silent = silent;
    client->descriptor = dial(socket_path);
    return client->descriptor >= 0 &&
           epoll_ctl(epoll, EPOLL_CTL_ADD, client->descriptor, &event) == 0 &&
           (silent ? number % 2 == 0 || ask(client->descriptor, half, sizeof(half) - 1) : true);
}

/* Every client is connected before the first one asks. The silent ones are cut in the end. */
static int crowd(const char *socket_path, const char *path, int count, int silent)
{
    struct client *clients = calloc((size_t)count, sizeof(*clients));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int left = count;

    for (int i = 0; i < count; i++) {
        if (!crowd_begin(&clients[i], epoll, socket_path, i < silent, i)) {
            return fail("a client cannot connect");
        }
    }
    for (int i = silent; i < count; i++) {
        if (!ask_for(clients[i].descriptor, path)) {
            return fail("a client cannot ask");
        }
    }
    while (left > 0) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, 60000);

        if (ready <= 0) {
            return fail("a client is neither answered nor cut");
        }
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            int done = crowd_read(client, path);

            if (done < 0) {
                return fail("a client was not answered");
            }
            if (done > 0) {
                /* It stays connected until all are done, unless it was cut. */
                epoll_ctl(epoll, EPOLL_CTL_DEL, client->descriptor, NULL);
                left--;
            }
        }
    }
    free(clients);
    printf("%d clients answered, %d cut\n", count - silent, silent);
    return 0;
}

/* ---- vandals ---- */

/* Sends what it is told and prints the first line that comes back, if any. */
static bool vandal_send(const char *socket_path, const char *bytes, size_t size, bool leave)
{
    char answer[2048];
    ssize_t got = 1;
    size_t total = 0;
    int descriptor = dial(socket_path);

    if (descriptor < 0) {
        return false;
    }
    (void)ask(descriptor, bytes, size);
    while (!leave && got > 0 && total < sizeof(answer) - 1) {
        got = recv(descriptor, answer + total, sizeof(answer) - 1 - total, 0);
        total += got > 0 ? (size_t)got : 0;
    }
    answer[total] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    if (!leave) {
        printf("%s\n", answer);
    }
    close(descriptor);
    return true;
}

static int vandal(const char *socket_path)
{
    static const char long_start[] = "GET /";
    static const char many_headers[] = "GET /healthz HTTP/1.1\r\nx: ";
    static const char half_body[] =
        "POST /v1/reject/work HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{\"token\"";
    static char noise[100000];
    uint32_t seed = 1;

    for (int round = 0; round < ROUNDS; round++) {
        size_t size = (size_t)(round * 37 + 1);

        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            noise[i] = (char)(seed >> 24);
        }
        if (!vandal_send(socket_path, noise, size, true)) {
            return fail("the agent does not accept any more");
        }
    }
    memset(noise, 'a', sizeof(noise));
    memcpy(noise, long_start, sizeof(long_start) - 1);
    if (!vandal_send(socket_path, noise, sizeof(noise), false)) {
        return fail("no answer to a long path");
    }
    memcpy(noise, many_headers, sizeof(many_headers) - 1);
    return vandal_send(socket_path, noise, sizeof(noise), false) &&
                   vandal_send(socket_path, half_body, sizeof(half_body) - 1, true)
               ? 0
               : fail("no answer to long headers");
}

/* ---- a reader that does not read ---- */

static int slow(const char *socket_path)
{
    struct epoll_event event = {.events = EPOLLRDHUP};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int descriptor = dial(socket_path);
    int small = 1;

    if (descriptor < 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) != 0 ||
        !ask_for(descriptor, "/v1/events?trace=1") ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return fail("cannot connect");
    }
    printf("reading nothing\n");
    fflush(stdout);
    return epoll_wait(epoll, &event, 1, 60000) == 1 ? 0 : fail("it was not dropped");
}

/* ---- the service manager ---- */

static int bound(int type, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, type, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0 ? descriptor
                                                                                     : -1;
}

static void manage_start(int listener, const char *notify, char **command)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%ld", (long)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("NOTIFY_SOCKET", notify, 1);
    if (listener != 3) {
        dup2(listener, 3);
        close(listener);
    }
    execv(command[0], command);
    _exit(127);
}

/* The next state that the program tells; "" once it has ended without another. */
static void manage_hear(int news, int program, char state[64])
{
    struct pollfd waits[2] = {{.fd = news, .events = POLLIN}, {.fd = program, .events = POLLIN}};
    ssize_t got = 0;

    (void)poll(waits, 2, -1);
    got = recv(news, state, 63, MSG_DONTWAIT);
    state[got > 0 ? got : 0] = '\0';
}

/* Prints the program's process id, then each state that it tells; ends as the program does. */
static int manage(const char *socket_path, char **command)
{
    char notify[200];
    char state[64];
    int status = 0;
    int listener = bound(SOCK_STREAM, socket_path);
    int news = -1;
    int program = -1;
    pid_t child = -1;

    (void)snprintf(notify, sizeof(notify), "%s.notify", socket_path);
    news = bound(SOCK_DGRAM, notify);
    if (listener < 0 || news < 0 || listen(listener, 128) != 0) {
        return fail("cannot make the sockets");
    }
    child = fork();
    if (child == 0) {
        manage_start(listener, notify, command);
    }
    printf("pid %ld\n", (long)child);
    fflush(stdout);
    program = pidfd_open(child, 0);
    do {
        manage_hear(news, program, state);
        printf("%s\n", state);
        fflush(stdout);
    } while (state[0] != '\0' && strcmp(state, "STOPPING=1") != 0);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (argc == 6 && strcmp(argv[1], "crowd") == 0) {
        return crowd(argv[2], argv[3], (int)strtol(argv[4], NULL, 10),
                     (int)strtol(argv[5], NULL, 10));
    }
    if (argc == 3 && strcmp(argv[1], "vandal") == 0) {
        return vandal(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "slow") == 0) {
        return slow(argv[2]);
    }
    if (argc > 3 && strcmp(argv[1], "manage") == 0) {
        return manage(argv[2], argv + 3);
    }
    return fail("usage");
}
