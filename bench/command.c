/*
 * What a process for one token costs, next to a process that does nothing. The commands take turns,
 * and the answer must be a token.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS  101
#define ARGS    8
#define NOWHERE "/nonexistent"

#define COUNT(items) (sizeof(items) / sizeof((items)[0]))

/* Where `freshet token` finds what it prints. */
enum way { WAY_SHARED, WAY_AGENT, WAY_ISSUER };

struct command {
    const char *name;
    const char *about;
    char *argv[ARGS];
    enum way way;
    const char *why; /* it is left out; NULL: it is not */
    double samples[ROUNDS];
    size_t count;
};

struct command_world {
    char runtime_dir[BENCH_PATH_MAX];
    const struct bench_issuer *issuer;
    const struct bench_agent *agent;
};

/* Runs it once; false unless it ends well. */
static bool command_run(const struct command *command, int null)
{
    pid_t pid = freshet_bench_spawn(command->argv, -1, null);
    int status = -1;

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static void command_set(const char *name, const char *value)
{
    if (value != NULL) {
        setenv(name, value, 1);
    } else {
        unsetenv(name);
    }
}

static void command_measure(struct command *command, const struct command_world *world, int null)
{
    double start_ns = 0;

    command_set("FRESHET_RUNTIME_DIR", command->way == WAY_SHARED ? world->runtime_dir : NOWHERE);
    command_set("FRESHET_URL", command->way == WAY_AGENT ? NULL : world->issuer->url);
    command_set("FRESHET_CLIENT_TOKEN_FILE",
                command->way == WAY_AGENT ? NULL : world->issuer->token_file);
    command_set("FRESHET_SOCKET", command->way == WAY_AGENT ? world->agent->socket : NULL);
    start_ns = freshet_bench_now_ns();
    if (command_run(command, null)) {
        command->samples[command->count++] = freshet_bench_now_ns() - start_ns;
    } else {
        command->why = "it gave no token";
    }
}

static bool command_installed(const char *name)
{
    char path[BENCH_PATH_MAX];
    const char *folders = getenv("PATH");

    while (folders != NULL && *folders != '\0') {
        size_t length = strcspn(folders, ":");

        (void)snprintf(path, sizeof(path), "%.*s/%s", (int)length, folders, name);
        if (access(path, X_OK) == 0) {
            return true;
        }
        folders += length + (folders[length] == ':');
    }
    return false;
}

static void command_need(struct command *command, const char *why)
{
    if (command->why == NULL && !command_installed(command->argv[0])) {
        command->why = why;
    }
}

static void command_table(struct command *commands, size_t count, const struct command_world *world,
                          struct bench_report *report)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            if (commands[i].why == NULL) {
                command_measure(&commands[i], world, null);
            }
        }
    }
    close(null);
    freshet_bench_report_floor(report);
    for (size_t i = 0; i < count; i++) {
        if (commands[i].why == NULL) {
            freshet_bench_report_row(report, commands[i].name, commands[i].about,
                                     commands[i].samples, commands[i].count);
        } else {
            freshet_bench_report_skip(report, commands[i].name, commands[i].why);
        }
    }
}

void freshet_bench_command(struct bench_report *report, const struct bench_place *place,
                           const struct bench_issuer *issuer, const struct bench_agent *agent)
{
    struct command_world world = {.issuer = issuer, .agent = agent};
    char url[BENCH_PATH_MAX + 16];
    char socket[sizeof(agent->socket)];
    char *account = getenv("FRESHET_BENCH_OIDC");
    struct command commands[] = {
        {.name = "process",
         .about = "the floor: a process that does nothing",
         .argv = {BENCH_PEER}},
        {.name = "token",
         .about = "freshet token, others have published it",
         .argv = {BENCH_COMMAND, "token"}},
        {.name = "token-agent",
         .about = "freshet token, from the agent",
         .argv = {BENCH_COMMAND, "token"},
         .way = WAY_AGENT},
        {.name = "token-issuer",
         .about = "freshet token, nothing is shared: from the issuer",
         .argv = {BENCH_COMMAND, "token"},
         .way = WAY_ISSUER},
        {.name = "curl",
         .about = "curl --unix-socket, from the agent",
         .argv = {"curl", "-sf", "--unix-socket", socket, url},
         .way = WAY_AGENT},
        {.name = "oidc-token",
         .about = "oidc-token, from its agent",
         .argv = {"oidc-token", account}},
    };

    (void)snprintf(world.runtime_dir, sizeof(world.runtime_dir), "%s/run", place->memory);
    (void)snprintf(socket, sizeof(socket), "%s", agent->socket);
    (void)snprintf(url, sizeof(url), "http://agent%s", agent->path);
    for (size_t i = 0; i < COUNT(commands) && agent->pid == 0; i++) {
        commands[i].why = commands[i].way == WAY_AGENT ? "there is no agent to ask" : NULL;
    }
    command_need(&commands[COUNT(commands) - 2], "curl is not installed");
    command_need(&commands[COUNT(commands) - 1], "oidc-token is not installed");
    if (account == NULL && commands[COUNT(commands) - 1].why == NULL) {
        commands[COUNT(commands) - 1].why =
            "FRESHET_BENCH_OIDC names no account of a running oidc-agent";
    }
    command_table(commands, COUNT(commands), &world, report);
}
