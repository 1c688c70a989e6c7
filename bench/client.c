/*
 * The public library with a session at a development issuer, which this program starts and ends.
 */
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define READY_MAX 16384

/* Starts the issuer and reads its ready line; NULL after a message. */
static json_t *client_issuer(struct bench_client *bench)
{
    char *argv[] = {"freshet-issuer", "--ttl", "1h", "--alg", "RS256", "--quiet", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    FILE *out = NULL;
    char line[READY_MAX];
    json_t *ready = NULL;

    if (pipe(ends) != 0) {
        return NULL;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (posix_spawn(&bench->issuer, BENCH_ISSUER, &actions, NULL, argv, environ) != 0) {
        bench->issuer = 0;
    }
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out = fdopen(ends[0], "r");
    if (out != NULL && fgets(line, sizeof(line), out) != NULL) {
        ready = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    }
    if (out != NULL) {
        fclose(out);
    }
    if (ready == NULL) {
        fprintf(stderr, "freshet-bench: %s did not start; build it first\n", BENCH_ISSUER);
    }
    return ready;
}

static const char *client_member(const json_t *ready, const char *name)
{
    return json_string_value(json_object_get(ready, name));
}

bool freshet_bench_client_open(struct bench_client *bench)
{
    const struct freshet_request request = {.size = sizeof(request), .timeout_ms = 30000};
    struct freshet_error error = {.message = ""};
    json_t *ready = NULL;
    bool good = false;

    *bench = (struct bench_client){.issuer = 0};
    ready = client_issuer(bench);
    if (ready == NULL) {
        return false;
    }
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .url = client_member(ready, "url"),
                                                    .client_token =
                                                        client_member(ready, "client_token")};

    good = freshet_open(NULL, &bench->client, &error) == FRESHET_OK &&
           freshet_session_open(bench->client, &options, &bench->session, &error) == FRESHET_OK &&
           freshet_get(bench->session, &request, &bench->token, &error) == FRESHET_OK;
    if (!good) {
        fprintf(stderr, "freshet-bench: %s\n", error.message);
    }
    json_decref(ready);
    return good;
}

void freshet_bench_client_close(struct bench_client *bench)
{
    freshet_token_unref(bench->token);
    freshet_close(bench->client);
    if (bench->issuer > 0) {
        kill(bench->issuer, SIGTERM);
        waitpid(bench->issuer, NULL, 0);
    }
}
