/*
 * The processes of tests/e2e/herd.h: starting and ending them, and what they say.
 */
#include "cmocka_all.h"

#include "herd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HERD_ASK_EVERY_MS   50
#define HERD_STATUS_MS      20000
#define HERD_VARIABLES_MOST 256

/* ---- processes ---- */

/* In a folder that is removed when the test has ended: see tests/in_own_places. */
static void herd_make_folder(char *path, size_t size, const char *variable)
{
    const char *above = getenv(variable);

    assert_non_null(above);
    assert_true(snprintf(path, size, "%s/herd-XXXXXX", above) < (int)size);
    assert_non_null(mkdtemp(path));
}

void freshet_herd_open(struct herd *herd, const char *const *issuer_options)
{
    *herd = (struct herd){.read_every_ms = 20};
    freshet_issuer_start(&herd->issuer, issuer_options);
    herd_make_folder(herd->runtime_dir, sizeof(herd->runtime_dir), "FRESHET_RUNTIME_DIR");
    herd_make_folder(herd->state_dir, sizeof(herd->state_dir), "HOME");
    assert_int_equal(pipe2(herd->lines, O_CLOEXEC), 0);
    assert_int_equal(fcntl(herd->lines[0], F_SETFL, O_NONBLOCK), 0);
}

/* The environment of the test, but for the two places. */
struct herd_environment {
    char runtime_dir[160];
    char state_dir[160];
    char *variables[HERD_VARIABLES_MOST];
};

static void herd_fill_environment(const struct herd *herd, struct herd_environment *environment)
{
    size_t count = 0;

    snprintf(environment->runtime_dir, sizeof(environment->runtime_dir), "FRESHET_RUNTIME_DIR=%s",
             herd->runtime_dir);
    snprintf(environment->state_dir, sizeof(environment->state_dir), "FRESHET_STATE_DIR=%s",
             herd->state_dir);
    environment->variables[count++] = environment->runtime_dir;
    environment->variables[count++] = environment->state_dir;
    for (char **variable = environ; *variable != NULL; variable++) {
        if (strncmp(*variable, "FRESHET_RUNTIME_DIR=", 20) != 0 &&
            strncmp(*variable, "FRESHET_STATE_DIR=", 18) != 0) {
            assert_true(count < HERD_VARIABLES_MOST - 1);
            environment->variables[count++] = *variable;
        }
    }
    environment->variables[count] = NULL;
}

/* A killed one's child may hold on to it, so it stays until its number is given again. */
static void herd_drop_leash(struct member *member)
{
    if (member->leash > 0) {
        close(member->leash);
        member->leash = 0;
    }
}

void freshet_herd_start(struct herd *herd, size_t number)
{
    char name[16];
    char every[16];
    const char *arguments[] = {FRESHET_SWARM_MEMBER,    name,  herd->issuer.url,
                               herd->issuer.token_file, every, NULL};
    struct member *member = &herd->members[number];
    struct herd_environment environment;
    posix_spawn_file_actions_t actions;
    int leash[2];

    assert_true(number < HERD_MOST);
    assert_int_equal(member->pid, 0);
    herd_drop_leash(member);
    *member = (struct member){0};
    snprintf(name, sizeof(name), "%zu", number);
    snprintf(every, sizeof(every), "%d", herd->read_every_ms);
    herd_fill_environment(herd, &environment);
    assert_int_equal(pipe2(leash, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, leash[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, herd->lines[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&member->pid, FRESHET_SWARM_MEMBER, &actions, NULL,
                                 (char *const *)(uintptr_t)arguments, environment.variables),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(leash[0]);
    member->leash = leash[1];
    herd->count = number >= herd->count ? number + 1 : herd->count;
}

void freshet_herd_start_all(struct herd *herd, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        freshet_herd_start(herd, i);
    }
}

/* What it has said before its end is read first, so that a number can be given again. */
void freshet_herd_kill(struct herd *herd, size_t number)
{
    struct member *member = &herd->members[number];

    assert_true(member->pid > 0);
    assert_int_equal(kill(member->pid, SIGKILL), 0);
    assert_int_equal(waitpid(member->pid, NULL, 0), member->pid);
    freshet_herd_listen(herd, freshet_herd_never, 0, 0, 0);
    herd->faults_of_killed += member->lacks + member->lates + member->failures + member->expired +
                              member->revived + member->signed_outs;
    member->pid = 0;
}

/* The leashes first, then the waiting: they end at the same time. */
void freshet_herd_close(struct herd *herd)
{
    int status = 0;

    for (size_t i = 0; i < herd->count; i++) {
        herd_drop_leash(&herd->members[i]);
    }
    for (size_t i = 0; i < herd->count; i++) {
        if (herd->members[i].pid > 0) {
            kill(herd->members[i].pid, SIGCONT);
            assert_int_equal(waitpid(herd->members[i].pid, &status, 0), herd->members[i].pid);
            assert_int_equal(status, 0);
        }
    }
    close(herd->lines[0]);
    close(herd->lines[1]);
    freshet_issuer_stop(&herd->issuer);
}

void freshet_herd_command(struct herd *herd, size_t number, char command)
{
    assert_true(herd->members[number].pid > 0);
    assert_int_equal(write(herd->members[number].leash, &command, 1), 1);
}

/* ---- lines ---- */

static void herd_add_token(struct member *member, const char *hash)
{
    member->last_token = strtoull(hash, NULL, 16);
    if (member->token_count < HERD_TOKENS_MOST) {
        member->tokens[member->token_count++] = member->last_token;
    }
}

/* Whatever should not be said is shown, so that a failing test tells its story. */
static void herd_complain(size_t number, const char *line)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    print_message("%lld.%03ld member %zu: %s\n", (long long)now.tv_sec, now.tv_nsec / 1000000,
                  number, line);
}

static bool herd_tally_fault(struct member *member, const char *line)
{
    unsigned *tally = strncmp(line, "lack", 4) == 0      ? &member->lacks
                      : strncmp(line, "late", 4) == 0    ? &member->lates
                      : strncmp(line, "failed", 6) == 0  ? &member->failures
                      : strncmp(line, "expired", 7) == 0 ? &member->expired
                      : strncmp(line, "revived", 7) == 0 ? &member->revived
                                                         : NULL;

    if (tally != NULL) {
        (*tally)++;
    }
    return tally != NULL;
}

static const char *herd_after(const char *line, const char *word)
{
    size_t length = strlen(word);

    return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static bool herd_keep_text(const char *line, const char *word, char *kept)
{
    const char *text = herd_after(line, word);

    if (text != NULL) {
        snprintf(kept, HERD_LINE_MAX, "%s", text);
    }
    return text != NULL;
}

static void herd_tally(struct member *member, size_t number, const char *line)
{
    const char *token = herd_after(line, "token");

    if (herd_tally_fault(member, line)) {
        herd_complain(number, line);
    } else if (token != NULL) {
        herd_add_token(member, token);
    } else if (herd_keep_text(line, "sharing", member->sharing) ||
               herd_keep_text(line, "sharing_fault", member->sharing_fault) ||
               herd_keep_text(line, "credential_fault", member->credential_fault)) {
        return;
    }
    member->requests += strcmp(line, "request tokens") == 0 ? 1 : 0;
    member->touches += strcmp(line, "request touch") == 0 ? 1 : 0;
    member->ready = member->ready || strcmp(line, "status ready") == 0;
    member->signed_outs += strcmp(line, "signed_out") == 0 ? 1 : 0;
    member->forked += strcmp(line, "forked") == 0 ? 1 : 0;
    member->told += strcmp(line, "told") == 0 ? 1 : 0;
}

static void herd_take_lines(struct herd *herd)
{
    char *line = herd->buffer;
    char *end = NULL;

    while ((end = memchr(line, '\n', herd->buffered - (size_t)(line - herd->buffer))) != NULL) {
        char *rest = NULL;
        unsigned long number = strtoul(line, &rest, 10);

        *end = '\0';
        assert_true(number < herd->count && *rest == ' ');
        herd_tally(&herd->members[number], number, rest + 1);
        line = end + 1;
    }
    herd->buffered -= (size_t)(line - herd->buffer);
    memmove(herd->buffer, line, herd->buffered);
}

/* Says whether there was anything. */
static bool herd_read(struct herd *herd)
{
    ssize_t got =
        read(herd->lines[0], herd->buffer + herd->buffered, sizeof(herd->buffer) - herd->buffered);

    if (got > 0) {
        herd->buffered += (size_t)got;
        herd_take_lines(herd);
    }
    return got > 0;
}

static int64_t herd_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool freshet_herd_listen(struct herd *herd, freshet_herd_condition *condition, size_t number,
                         unsigned argument, int64_t timeout_ms)
{
    struct pollfd lines = {.fd = herd->lines[0], .events = POLLIN};
    int64_t until_ms = herd_now_ms() + timeout_ms;
    int64_t left_ms = timeout_ms;

    while (!condition(herd, number, argument)) {
        if (!herd_read(herd) && (left_ms <= 0 || poll(&lines, 1, (int)left_ms) == 0)) {
            return condition(herd, number, argument);
        }
        left_ms = until_ms - herd_now_ms();
    }
    return true;
}

void freshet_herd_await(struct herd *herd, freshet_herd_condition *condition, size_t number,
                        unsigned argument, int64_t timeout_ms, const char *what)
{
    if (freshet_herd_listen(herd, condition, number, argument, timeout_ms)) {
        return;
    }
    for (size_t i = 0; i < herd->count; i++) {
        const struct member *member = &herd->members[i];

        print_message("member %zu: pid %d, ready %d, tokens %u, last %016llx, requests %u, "
                      "touches %u, signed out %u\n",
                      i, (int)member->pid, member->ready, member->token_count,
                      (unsigned long long)member->last_token, member->requests, member->touches,
                      member->signed_outs);
    }
    fail_msg("waited %lld ms in vain: %s", (long long)timeout_ms, what);
}

void freshet_herd_await_issuer(struct herd *herd, const char *on, int requests, int64_t timeout_ms)
{
    int64_t until_ms = herd_now_ms() + timeout_ms;

    while (freshet_issuer_requests(&herd->issuer, on) < requests) {
        freshet_herd_listen(herd, freshet_herd_never, 0, 0, HERD_ASK_EVERY_MS);
        assert_true(herd_now_ms() < until_ms);
    }
}

static bool herd_told(const struct herd *herd, size_t number, unsigned times)
{
    return herd->members[number].told >= times;
}

void freshet_herd_ask_status(struct herd *herd, size_t number)
{
    unsigned told = herd->members[number].told;

    freshet_herd_command(herd, number, 'j');
    freshet_herd_await(herd, herd_told, number, told + 1, HERD_STATUS_MS, "it says its status");
}
