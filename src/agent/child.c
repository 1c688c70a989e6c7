/*
 * Signals are read from a descriptor, because that tells who sent them: what a terminal sends, it
 * sends to the child as well, and twice would be once too often. When the child stops for the
 * terminal's sake we stop with it, so that a shell notices; when we go on, so does the child.
 */
#include "agent/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SIGNAL_BASE = 128 };

static const int child_passed[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT, SIGUSR1,
                                   SIGUSR2, SIGALRM, SIGWINCH, SIGTSTP, SIGCONT};

/* ---- before the start ---- */

/* What was ignored for us (nohup, a shell's background) stays so for the child. */
static sigset_t child_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof(child_passed) / sizeof(child_passed[0]); i++) {
        struct sigaction action;

        if (sigaction(child_passed[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&set, child_passed[i]);
        }
    }
    return set;
}

/* Every open descriptor in turn, -1 after the last; the folder's own is left out. */
static int child_next_descriptor(DIR *folder)
{
    const struct dirent *entry = NULL;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int descriptor = (int)strtol(entry->d_name, NULL, 10);

        if (entry->d_name[0] != '.' && descriptor != dirfd(folder)) {
            return descriptor;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return -1;
}

/* What was passed to us is for the child, too. */
static bool child_note_descriptors(struct child *child)
{
    DIR *folder = opendir("/proc/self/fd");
    bool noted = true;

    for (int at = child_next_descriptor(folder); at >= 0; at = child_next_descriptor(folder)) {
        int *grown = reallocarray(child->descriptors, child->descriptor_count + 1, sizeof(*grown));

        noted = noted && grown != NULL;
        if (grown != NULL) {
            child->descriptors = grown;
            grown[child->descriptor_count++] = at;
        }
    }
    return noted;
}

bool freshet_child_open(struct child *child)
{
    const sigset_t set = child_signals();
    struct rlimit core;

    *child = (struct child){.signals = -1};
    if (!child_note_descriptors(child)) {
        return false;
    }
    (void)getrlimit(RLIMIT_CORE, &child->core);
    (void)getrlimit(RLIMIT_NOFILE, &child->files);
    core = child->core;
    core.rlim_cur = 0;
    (void)setrlimit(RLIMIT_CORE, &core);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    child->pipe_default = signal(SIGPIPE, SIG_IGN) == SIG_DFL;
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigprocmask(SIG_BLOCK, &set, &child->mask);
    child->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return child->signals >= 0;
}

void freshet_child_close(struct child *child)
{
    if (child->signals >= 0) {
        (void)close(child->signals);
    }
    child->signals = -1;
    free(child->descriptors);
    child->descriptors = NULL;
}

/* ---- the start ---- */

static bool child_replaced(const char *entry, const struct child_variable *variables)
{
    size_t length = strcspn(entry, "=");

    for (size_t i = 0; i < FRESHET_CHILD_VARIABLES; i++) {
        if (variables[i].name != NULL && strlen(variables[i].name) == length &&
            strncmp(variables[i].name, entry, length) == 0) {
            return true;
        }
    }
    return false;
}

static char *child_entry(const struct child_variable *variable)
{
    char *entry = NULL;

    return asprintf(&entry, "%s=%s", variable->name, variable->value) >= 0 ? entry : NULL;
}

static size_t child_own_count(const struct child_variable *variables)
{
    size_t count = 0;

    while (count < FRESHET_CHILD_VARIABLES && variables[count].name != NULL) {
        count++;
    }
    return count;
}

/* Our own entries stand first; they are wiped and freed, the others are the process's. */
static void child_free_environment(char **environment, size_t own)
{
    for (size_t i = 0; environment != NULL && i < own && environment[i] != NULL; i++) {
        sodium_memzero(environment[i], strlen(environment[i]));
        free(environment[i]);
    }
    free(environment);
}

static char **child_environment(const struct child_variable *variables, size_t own)
{
    size_t count = 0;
    char **environment = NULL;

    while (environ[count] != NULL) {
        count++;
    }
    environment = calloc(count + own + 1, sizeof(*environment));
    if (environment == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < own; i++) {
        environment[i] = child_entry(&variables[i]);
        if (environment[i] == NULL) {
            child_free_environment(environment, own);
            return NULL;
        }
    }
    count = own;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (!child_replaced(*entry, variables)) {
            environment[count++] = *entry;
        }
    }
    return environment;
}

/* What a library has opened since is not, whether it thought of that or not. */
static void child_keep_descriptors(const struct child *child)
{
    DIR *folder = opendir("/proc/self/fd");

    for (int at = child_next_descriptor(folder); at >= 0; at = child_next_descriptor(folder)) {
        bool passed = false;

        for (size_t i = 0; i < child->descriptor_count && !passed; i++) {
            passed = child->descriptors[i] == at;
        }
        if (!passed) {
            (void)fcntl(at, F_SETFD, FD_CLOEXEC);
        }
    }
}

/* Limits are inherited, so ours are lifted for the moment. */
static int child_spawn(struct child *child, char **line, char **environment)
{
    posix_spawnattr_t attributes;
    struct rlimit core;
    struct rlimit files;
    sigset_t defaults;
    int result = posix_spawnattr_init(&attributes);

    if (result != 0) {
        return result;
    }
    child_keep_descriptors(child);
    (void)sigemptyset(&defaults);
    if (child->pipe_default) {
        (void)sigaddset(&defaults, SIGPIPE);
    }
    (void)posix_spawnattr_setsigmask(&attributes, &child->mask);
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)getrlimit(RLIMIT_CORE, &core);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)setrlimit(RLIMIT_CORE, &child->core);
    (void)setrlimit(RLIMIT_NOFILE, &child->files);
    result = posix_spawnp(&child->pid, line[0], NULL, &attributes, line, environment);
    (void)setrlimit(RLIMIT_CORE, &core);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)posix_spawnattr_destroy(&attributes);
    return result;
}

int freshet_child_start(struct child *child, char **line,
                        const struct child_variable variables[FRESHET_CHILD_VARIABLES])
{
    size_t own = child_own_count(variables);
    char **environment = child_environment(variables, own);
    int result = ENOMEM;

    if (environment != NULL) {
        result = child_spawn(child, line, environment);
    }
    if (result != 0) {
        child->pid = 0;
    }
    child_free_environment(environment, own);
    return result;
}

/* ---- signals ---- */

static bool child_looks_over(struct child *child)
{
    int state = 0;

    while (child->pid > 0 && waitpid(child->pid, &state, WNOHANG | WUNTRACED) == child->pid) {
        if (WIFSTOPPED(state)) {
            int number = WSTOPSIG(state);

            if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
                (void)raise(SIGSTOP);
            }
            continue;
        }
        child->status = WIFEXITED(state) ? WEXITSTATUS(state) : CHILD_SIGNAL_BASE + WTERMSIG(state);
        return true;
    }
    return false;
}

/* A signal before the start does to us what it would do to the child. */
static bool child_take(struct child *child, const struct signalfd_siginfo *news)
{
    int number = (int)news->ssi_signo;

    if (number == SIGCHLD) {
        return child_looks_over(child);
    }
    if (child->pid > 0) {
        if (news->ssi_code != SI_KERNEL) {
            (void)kill(child->pid, number);
        }
        return false;
    }
    if (number == SIGTSTP) {
        (void)raise(SIGSTOP);
    } else if (number != SIGCONT && number != SIGWINCH) {
        child->status = CHILD_SIGNAL_BASE + number;
        return true;
    }
    return false;
}

bool freshet_child_hear(struct child *child)
{
    struct signalfd_siginfo news;
    bool over = false;

    while (!over && read(child->signals, &news, sizeof(news)) == (ssize_t)sizeof(news)) {
        over = child_take(child, &news);
    }
    return over;
}
