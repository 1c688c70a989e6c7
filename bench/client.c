/*
 * The public library with a session at a development issuer, alone: it shares nothing and keeps
 * nothing.
 */
#include <stdio.h>

#include "bench.h"

bool freshet_bench_client_open(struct bench_client *bench, const struct bench_issuer *issuer)
{
    const struct freshet_client_options alone = {
        .size = sizeof(alone), .runtime_dir = "", .state_dir = ""};
    const struct freshet_session_options options = {
        .size = sizeof(options), .url = issuer->url, .client_token = issuer->client_token};
    const struct freshet_request request = {.size = sizeof(request), .timeout_ms = BENCH_READY_MS};
    struct freshet_error error = {.message = ""};
    bool good = false;

    *bench = (struct bench_client){.client = NULL};
    good = freshet_open(&alone, &bench->client, &error) == FRESHET_OK &&
           freshet_session_open(bench->client, &options, &bench->session, &error) == FRESHET_OK &&
           freshet_get(bench->session, &request, &bench->token, &error) == FRESHET_OK;
    if (!good) {
        fprintf(stderr, "freshet-bench: %s\n", error.message);
    }
    return good;
}

void freshet_bench_client_close(struct bench_client *bench)
{
    freshet_token_unref(bench->token);
    freshet_close(bench->client);
}
