/*
 * What asking an agent costs: over one connection that is kept, with a crowd connected, and when
 * the crowd asks at once.
 */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

#define ROUND_TRIPS 5000
#define CROWD       1000
#define SILENT      200
#define SPEAKERS    (CROWD - SILENT)
#define BURSTS      10
#define ANSWER_MAX  32768

struct crowd {
    struct bench_agent *agent;
    int sockets[CROWD];
    size_t count;
    double samples[SPEAKERS * BURSTS];
    size_t sample_count;
};

static int agent_connect(const struct bench_agent *agent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, agent->socket, sizeof(address.sun_path));
    if (connection >= 0 &&
        connect(connection, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(connection);
        connection = -1;
    }
    return connection;
}

static bool agent_ask(const struct bench_agent *agent, int connection)
{
    char request[BENCH_PATH_MAX + 64];
    int length =
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: agent\r\n\r\n", agent->path);

    return send(connection, request, (size_t)length, MSG_NOSIGNAL) == length;
}

/* Reads one whole answer, which must be a token. */
static bool agent_hear(int connection)
{
    char answer[ANSWER_MAX];
    size_t length = 0;

    while (length + 1 < sizeof(answer)) {
        ssize_t got = recv(connection, answer + length, sizeof(answer) - length - 1, 0);
        const char *body = NULL;
        const char *field = NULL;

        if (got <= 0) {
            return false;
        }
        length += (size_t)got;
        answer[length] = '\0';
        body = strstr(answer, "\r\n\r\n");
        field = strcasestr(answer, "\r\nContent-Length:");
        if (body != NULL && field != NULL &&
            length >= (size_t)(body + 4 - answer) + strtoul(field + 17, NULL, 10)) {
            return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(body, "\"token\"") != NULL;
        }
    }
    return false;
}

/* One after the other, each by the next of the connections. */
static bool crowd_take_turns(struct crowd *crowd, size_t speakers)
{
    crowd->sample_count = 0;
    for (size_t i = 0; i < ROUND_TRIPS; i++) {
        int connection = crowd->sockets[i % speakers];
        double start_ns = freshet_bench_now_ns();

        if (!agent_ask(crowd->agent, connection) || !agent_hear(connection)) {
            return false;
        }
        crowd->samples[crowd->sample_count++] = freshet_bench_now_ns() - start_ns;
    }
    return true;
}

static bool crowd_burst(struct crowd *crowd)
{
    struct pollfd waits[SPEAKERS];
    double start_ns = freshet_bench_now_ns();
    size_t answered = 0;

    for (size_t i = 0; i < SPEAKERS; i++) {
        waits[i] = (struct pollfd){.fd = crowd->sockets[i], .events = POLLIN};
        if (!agent_ask(crowd->agent, crowd->sockets[i])) {
            return false;
        }
    }
    while (answered < SPEAKERS) {
        if (poll(waits, SPEAKERS, BENCH_READY_MS) <= 0) {
            return false;
        }
        for (size_t i = 0; i < SPEAKERS; i++) {
            if (waits[i].revents != 0) {
                if (!agent_hear(waits[i].fd)) {
                    return false;
                }
                waits[i].fd = -1;
                waits[i].revents = 0;
                answered++;
                crowd->samples[crowd->sample_count++] = freshet_bench_now_ns() - start_ns;
            }
        }
    }
    return true;
}

static bool crowd_gather(struct crowd *crowd, size_t count)
{
    while (crowd->count < count) {
        int connection = agent_connect(crowd->agent);

        if (connection < 0) {
            return false;
        }
        crowd->sockets[crowd->count++] = connection;
    }
    return true;
}

static void crowd_report(struct crowd *crowd, struct bench_report *report)
{
    bool good = crowd_gather(crowd, 1) && crowd_take_turns(crowd, 1);

    if (!good) {
        freshet_bench_report_skip(report, "agent", "the agent gave no token");
        return;
    }
    freshet_bench_report_row(report, "agent", "GET /v1/token/NAME, one connection", crowd->samples,
                             crowd->sample_count);
    if (!crowd_gather(crowd, CROWD) || !crowd_take_turns(crowd, SPEAKERS)) {
        freshet_bench_report_skip(report, "agent-crowd", "1,000 connections could not be had");
        return;
    }
    freshet_bench_report_row(report, "agent-crowd",
                             "the same with 1,000 connected, 200 of them silent", crowd->samples,
                             crowd->sample_count);
    crowd->sample_count = 0;
    for (size_t i = 0; good && i < BURSTS; i++) {
        good = crowd_burst(crowd);
    }
    if (good) {
        freshet_bench_report_row(report, "agent-burst", "the same when the 800 ask at once",
                                 crowd->samples, crowd->sample_count);
    } else {
        freshet_bench_report_skip(report, "agent-burst", "not all of 800 were answered");
    }
}

/* The agent inherits it: a crowd needs more descriptors than most shells allow at first. */
static void agent_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Its ready line says where it listens and what it calls the session. */
static bool agent_start(struct bench_agent *agent, const struct bench_place *place,
                        const struct bench_issuer *issuer)
{
    char url[BENCH_PATH_MAX];
    char file[BENCH_PATH_MAX];
    char line[1024];
    char *argv[] = {BENCH_COMMAND, "agent",    "--url",       url, "--client-token-file",
                    file,          "--socket", agent->socket, NULL};
    json_t *ready = NULL;
    const char *name = NULL;

    (void)snprintf(url, sizeof(url), "%s", issuer->url);
    (void)snprintf(file, sizeof(file), "%s", issuer->token_file);
    (void)snprintf(agent->socket, sizeof(agent->socket), "%s/agent/agent.socket", place->memory);
    agent_raise_limit();
    agent->pid = freshet_bench_serve(argv, line, sizeof(line));
    ready = agent->pid > 0 ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
    name = json_string_value(json_array_get(json_object_get(ready, "sessions"), 0));
    if (name != NULL) {
        (void)snprintf(agent->path, sizeof(agent->path), "/v1/token/%s", name);
    }
    json_decref(ready);
    return name != NULL;
}

void freshet_bench_agent(struct bench_report *report, const struct bench_place *place,
                         const struct bench_issuer *issuer, struct bench_agent *agent)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    *agent = (struct bench_agent){.pid = 0};
    if (access(BENCH_AGENT, X_OK) != 0) {
        freshet_bench_report_skip(report, "agent", "freshet-agent is not built");
    } else if (crowd == NULL || !agent_start(agent, place, issuer)) {
        freshet_bench_report_skip(report, "agent", "the agent did not start");
    } else {
        crowd->agent = agent;
        crowd_report(crowd, report);
    }
    for (size_t i = 0; crowd != NULL && i < crowd->count; i++) {
        close(crowd->sockets[i]);
    }
    free(crowd);
}

void freshet_bench_agent_end(struct bench_agent *agent)
{
    freshet_bench_end(agent->pid);
    agent->pid = 0;
}
