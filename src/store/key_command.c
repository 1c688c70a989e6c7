/*
 * The key from a command of the user's: run once, bounded in time and output, its words hashed.
 *
 * Time is counted by a timer descriptor, so no clock is read. The command has a process group, so
 * that giving it up ends all of it. What a successful one leaves behind is not waited for: its output
 * counts up to the moment at which it ends.
 */
#include "store/key.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_OUTPUT_MIN 16
#define COMMAND_OUTPUT_MAX 4096
#define COMMAND_LOOK_MS    5

struct command {
    pid_t pid; /* 0: not running */
    int output;
    int ended; /* readable when the command has ended; -1: it must be asked for */
    int timer;
    size_t length;
    unsigned char text[COMMAND_OUTPUT_MAX + 2]; /* with a newline, and one byte too much */
};

static int command_spawn(pid_t *pid, const char *line, int output)
{
    char shell[] = "sh";
    char flag[] = "-c";
    char *const arguments[] = {shell, flag, (char *)(uintptr_t)line, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    int result = 0;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    /* In this order: in a host without a standard input the pipe may have its number. */
    result = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (result == 0) {
        result = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (result == 0) {
        result = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environ);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -result;
}

static int command_start(struct command *command, const char *line, int timeout_ms)
{
    struct itimerspec limit = {
        .it_value = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L}};
    int ends[2] = {-1, -1};
    int result = 0;

    command->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (command->timer < 0 || timerfd_settime(command->timer, 0, &limit, NULL) != 0 ||
        pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    command->output = ends[0];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        result = -errno;
    }
    if (result == 0) {
        result = command_spawn(&command->pid, line, ends[1]);
    }
    close(ends[1]);
    if (result == 0) {
        command->ended = pidfd_open(command->pid, 0);
    }
    return result;
}

/* What the pipe holds now. False at its end. */
static bool command_drain(struct command *command)
{
    while (command->length < sizeof(command->text)) {
        ssize_t got = read(command->output, command->text + command->length,
                           sizeof(command->text) - command->length);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 && errno == EAGAIN;
        }
        command->length += (size_t)got;
    }
    return true;
}

/* An old kernel and some sandboxes have no descriptors of processes. A process that is not ours to
 * wait for is over, too. */
static bool command_over(const struct command *command, const struct pollfd *ended)
{
    siginfo_t ending = {0};

    if (ended->fd >= 0) {
        return ended->revents != 0;
    }
    return waitid(P_PID, (id_t)command->pid, &ending, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           ending.si_pid != 0;
}

/* Until the command has ended: NULL, or why it was given up. */
static const char *command_wait(struct command *command)
{
    struct pollfd watch[] = {{.fd = command->output, .events = POLLIN},
                             {.fd = command->ended, .events = POLLIN},
                             {.fd = command->timer, .events = POLLIN}};

    for (;;) {
        if (poll(watch, 3, command->ended >= 0 ? -1 : COMMAND_LOOK_MS) < 0 && errno != EINTR) {
            return strerror(errno);
        }
        if (watch[0].revents != 0 && !command_drain(command)) {
            watch[0].fd = -1;
        }
        if (command->length == sizeof(command->text)) {
            return "it writes more than 4,096 bytes; let it write the key alone";
        }
        if (command_over(command, &watch[1])) {
            command_drain(command);
            return NULL;
        }
        if (watch[2].revents != 0) {
            return "it did not end in time; let it answer without asking anybody";
        }
    }
}

/* Ends and reaps it; NULL if it succeeded. */
static const char *command_reap(struct command *command, const char *fault)
{
    int ending = 0;
    pid_t reaped = 0;

    if (command->pid == 0) {
        return fault;
    }
    if (fault != NULL) {
        kill(-command->pid, SIGKILL);
    }
    do {
        reaped = waitpid(command->pid, &ending, 0);
    } while (reaped < 0 && errno == EINTR);
    command->pid = 0;
    if (fault != NULL) {
        return fault;
    }
    if (reaped < 0) {
        return "its exit status is not to be had; do not ignore SIGCHLD while opening the store";
    }
    return WIFEXITED(ending) && WEXITSTATUS(ending) == 0 ? NULL
                                                         : "it failed; run it by hand to see why";
}

static const char *command_key(struct command *command, unsigned char *key)
{
    size_t length = command->length;

    if (length > 0 && command->text[length - 1] == '\n') {
        length--;
    }
    if (length > COMMAND_OUTPUT_MAX) {
        return "it writes more than 4,096 bytes; let it write the key alone";
    }
    if (length < COMMAND_OUTPUT_MIN) {
        return "it writes fewer than 16 bytes; let it write a key";
    }
    crypto_generichash(key, FRESHET_SEAL_KEY_BYTES, command->text, length, NULL, 0);
    return NULL;
}

static void command_close(int descriptor)
{
    if (descriptor >= 0) {
        close(descriptor);
    }
}

enum freshet_status freshet_key_from_command(const char *command_line, int timeout_ms,
                                             unsigned char key[FRESHET_SEAL_KEY_BYTES],
                                             struct store_error *error)
{
    struct command command = {.output = -1, .ended = -1, .timer = -1};
    const char *fault = NULL;
    int result = command_start(&command, command_line,
                               timeout_ms > 0 ? timeout_ms : FRESHET_KEY_COMMAND_TIMEOUT_MS);

    fault = result == 0 ? command_wait(&command) : strerror(-result);
    fault = command_reap(&command, fault);
    if (fault == NULL) {
        fault = command_key(&command, key);
    }
    sodium_memzero(command.text, sizeof(command.text));
    command_close(command.output);
    command_close(command.ended);
    command_close(command.timer);
    return fault == NULL
               ? FRESHET_OK
               : freshet_store_fail(error, FRESHET_STORE, "the key command: %.200s", fault);
}
