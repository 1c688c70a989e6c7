/*
 * The process and the admin endpoint of tests/unit/issuer_process.h. The endpoint is spoken to over
 * a bare socket, one connection each time, so that a test has no HTTP client but the library's.
 */
#include "cmocka_all.h"

#include "issuer_process.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPTIONS_MOST = 24, ANSWER_MAX = 65536 };

static void issuer_member(const json_t *ready, const char *name, char *value, size_t size)
{
    const char *text = json_string_value(json_object_get(ready, name));

    assert_non_null(text);
    assert_true(strlen(text) < size);
    snprintf(value, size, "%s", text);
}

static void issuer_read_ready(struct issuer_process *issuer, int output)
{
    FILE *stream = fdopen(output, "r");
    json_t *ready = NULL;

    assert_non_null(stream);
    ready = json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(ready);
    issuer_member(ready, "url", issuer->url, sizeof(issuer->url));
    issuer_member(ready, "publishable_key", issuer->publishable_key,
                  sizeof(issuer->publishable_key));
    issuer_member(ready, "client_token", issuer->client_token, sizeof(issuer->client_token));
    json_decref(ready);
    fclose(stream);
    issuer->port = (int)strtol(strrchr(issuer->url, ':') + 1, NULL, 10);
}

static void issuer_make_files(struct issuer_process *issuer)
{
    snprintf(issuer->folder, sizeof(issuer->folder), "/tmp/freshet-test-XXXXXX");
    assert_non_null(mkdtemp(issuer->folder));
    snprintf(issuer->token_file, sizeof(issuer->token_file), "%s/token", issuer->folder);
    snprintf(issuer->log_file, sizeof(issuer->log_file), "%s/log", issuer->folder);
}

static void issuer_write_token(const struct issuer_process *issuer)
{
    mode_t before = umask(077);
    FILE *file = fopen(issuer->token_file, "w");

    umask(before);
    assert_non_null(file);
    assert_true(fputs(issuer->client_token, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *const issuer_no_options[] = {NULL};

void freshet_issuer_start(struct issuer_process *issuer, const char *const *options)
{
    const char *arguments[OPTIONS_MOST] = {FRESHET_ISSUER, "--quiet", "--log", issuer->log_file};
    size_t count = 4;
    posix_spawn_file_actions_t actions;
    int output[2];

    *issuer = (struct issuer_process){.pid = 0};
    issuer_make_files(issuer);
    for (options = options != NULL ? options : issuer_no_options; *options != NULL; options++) {
        assert_true(count < OPTIONS_MOST - 1);
        arguments[count++] = *options;
    }
    assert_int_equal(pipe(output), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, output[0]);
    posix_spawn_file_actions_addclose(&actions, output[1]);
    assert_int_equal(posix_spawn(&issuer->pid, FRESHET_ISSUER, &actions, NULL,
                                 (char *const *)(uintptr_t)arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    issuer_read_ready(issuer, output[0]);
    issuer_write_token(issuer);
}

void freshet_issuer_stop(struct issuer_process *issuer)
{
    if (issuer->pid > 0) {
        kill(issuer->pid, SIGTERM);
        waitpid(issuer->pid, NULL, 0);
        issuer->pid = 0;
    }
    unlink(issuer->token_file);
    unlink(issuer->log_file);
    rmdir(issuer->folder);
}

/* ---- the admin endpoint ---- */

static int issuer_dial(const struct issuer_process *issuer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)issuer->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(
        connect(descriptor, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    return descriptor;
}

/* The body of the answer, as JSON; anything but 200 fails the test. */
static json_t *issuer_ask(const struct issuer_process *issuer, const char *method, const char *path,
                          const char *body)
{
    static char answer[ANSWER_MAX];
    char request[ISSUER_TEXT_MAX];
    int descriptor = issuer_dial(issuer);
    size_t length = 0;
    ssize_t got = 0;
    const char *at = NULL;
    json_t *json = NULL;
    int size = snprintf(request, sizeof(request),
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n%s",
                        method, path, issuer->port, strlen(body), body);

    assert_int_equal(send(descriptor, request, (size_t)size, MSG_NOSIGNAL), size);
    while ((got = recv(descriptor, answer + length, sizeof(answer) - 1 - length, 0)) > 0) {
        length += (size_t)got;
    }
    close(descriptor);
    answer[length] = '\0';
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    at = strstr(answer, "\r\n\r\n");
    assert_non_null(at);
    json = json_loads(at + 4, 0, NULL);
    assert_non_null(json);
    return json;
}

void freshet_issuer_fault(const struct issuer_process *issuer, const char *on, const char *rules)
{
    char body[ISSUER_TEXT_MAX / 2];

    snprintf(body, sizeof(body), "{\"on\": \"%s\", \"rules\": %s}", on, rules);
    json_decref(issuer_ask(issuer, "PUT", "/__freshet/faults", body));
}

void freshet_issuer_settings(const struct issuer_process *issuer, const char *settings)
{
    json_decref(issuer_ask(issuer, "PUT", "/__freshet/settings", settings));
}

void freshet_issuer_sids(const struct issuer_process *issuer, size_t count,
                         char sids[][ISSUER_SID_MAX])
{
    json_t *state = issuer_ask(issuer, "GET", "/__freshet/state", "");
    const json_t *sessions = json_object_get(state, "sessions");

    assert_int_equal(json_array_size(sessions), count);
    for (size_t i = 0; i < count; i++) {
        issuer_member(json_array_get(sessions, i), "id", sids[i], ISSUER_SID_MAX);
    }
    json_decref(state);
}

int freshet_issuer_requests(const struct issuer_process *issuer, const char *on)
{
    json_t *state = issuer_ask(issuer, "GET", "/__freshet/state", "");
    json_int_t count = json_integer_value(json_object_get(json_object_get(state, "requests"), on));

    json_decref(state);
    return (int)count;
}

void freshet_issuer_await_hanging(const struct issuer_process *issuer, int count)
{
    json_int_t hanging = -1;

    while (hanging != count) {
        json_t *state = issuer_ask(issuer, "GET", "/__freshet/state", "");

        hanging = json_integer_value(json_object_get(state, "hanging"));
        json_decref(state);
    }
}

int freshet_issuer_logged(const struct issuer_process *issuer, const char *text)
{
    FILE *file = fopen(issuer->log_file, "r");
    char *line = NULL;
    size_t size = 0;
    int count = 0;

    assert_non_null(file);
    while (getline(&line, &size, file) >= 0) {
        count += strstr(line, text) != NULL ? 1 : 0;
    }
    free(line);
    fclose(file);
    return count;
}
