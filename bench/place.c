/*
 * Where the measured processes meet: folders of their own, so that nothing of the user's is read or
 * written; and how processes are started.
 */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static bool place_set(const char *name, const char *folder, const char *below)
{
    char path[BENCH_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, below);
    return setenv(name, path, 1) == 0;
}

bool freshet_bench_place_open(struct bench_place *place)
{
    static const char *const unset[] = {
        "FRESHET_CONFIG",          "FRESHET_SOCKET",  "FRESHET_URL", "FRESHET_CLIENT_TOKEN_FILE",
        "FRESHET_PUBLISHABLE_KEY", "FRESHET_KEY_FILE"};

    (void)snprintf(place->memory, sizeof(place->memory), "/dev/shm/freshet-bench-XXXXXX");
    (void)snprintf(place->disk, sizeof(place->disk), "/tmp/freshet-bench-XXXXXX");
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++) {
        unsetenv(unset[i]);
    }
    if (mkdtemp(place->memory) == NULL) {
        place->memory[0] = '\0';
    }
    if (mkdtemp(place->disk) == NULL) {
        place->disk[0] = '\0';
    }
    if (place->memory[0] == '\0' || place->disk[0] == '\0') {
        fprintf(stderr, "freshet-bench: no folder can be made in /dev/shm and /tmp\n");
        return false;
    }
    return place_set("FRESHET_RUNTIME_DIR", place->memory, "run") &&
           place_set("FRESHET_STATE_DIR", place->disk, "state") &&
           place_set("XDG_CONFIG_HOME", place->disk, "config");
}

static int place_remove(const char *path, const struct stat *what, int kind, struct FTW *where)
{
    (void)what;
    (void)kind;
    (void)where;
    return remove(path);
}

void freshet_bench_place_close(struct bench_place *place)
{
    if (place->memory[0] != '\0') {
        (void)nftw(place->memory, place_remove, 8, FTW_DEPTH | FTW_PHYS);
    }
    if (place->disk[0] != '\0') {
        (void)nftw(place->disk, place_remove, 8, FTW_DEPTH | FTW_PHYS);
    }
}

/* ---- processes ---- */

pid_t freshet_bench_spawn(char *const argv[], int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;

    posix_spawn_file_actions_init(&actions);
    if (in >= 0) {
        posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    }
    if (out >= 0) {
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    }
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0) {
        pid = 0;
    }
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

bool freshet_bench_readable(int descriptor, int timeout_ms)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};

    return poll(&wait, 1, timeout_ms) == 1;
}

pid_t freshet_bench_serve(char *const argv[], char *line, size_t size)
{
    int ends[2];
    pid_t pid = 0;
    size_t length = 0;
    ssize_t got = 0;

    line[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return 0;
    }
    pid = freshet_bench_spawn(argv, -1, ends[1]);
    close(ends[1]);
    while (pid > 0 && length + 1 < size && strchr(line, '\n') == NULL &&
           freshet_bench_readable(ends[0], BENCH_READY_MS) &&
           (got = read(ends[0], line + length, size - length - 1)) > 0) {
        length += (size_t)got;
        line[length] = '\0';
    }
    close(ends[0]);
    if (strchr(line, '\n') == NULL) {
        freshet_bench_end(pid);
        return 0;
    }
    return pid;
}

bool freshet_bench_end(pid_t pid)
{
    return pid > 0 && kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, 0) == pid;
}
