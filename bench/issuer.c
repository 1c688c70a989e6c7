/*
 * A development issuer on this machine, which the benchmark starts and ends.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define READY_MAX 16384

static bool issuer_copy(const json_t *ready, const char *name, char *text, size_t size)
{
    const char *member = json_string_value(json_object_get(ready, name));

    return member != NULL && (size_t)snprintf(text, size, "%s", member) < size;
}

static bool issuer_write_token(struct bench_issuer *issuer, const struct bench_place *place)
{
    size_t length = strlen(issuer->client_token);
    int file = -1;
    bool good = false;

    (void)snprintf(issuer->token_file, sizeof(issuer->token_file), "%s/client-token-%d",
                   place->disk, (int)issuer->pid);
    file = open(issuer->token_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    good = file >= 0 && write(file, issuer->client_token, length) == (ssize_t)length;
    return file >= 0 && close(file) == 0 && good;
}

bool freshet_bench_issuer_start(struct bench_issuer *issuer, const struct bench_place *place,
                                char *ttl)
{
    char *argv[] = {BENCH_ISSUER, "--ttl", ttl, "--alg", "RS256", "--quiet", NULL};
    char line[READY_MAX];
    json_t *ready = NULL;
    bool good = false;

    *issuer = (struct bench_issuer){.pid = freshet_bench_serve(argv, line, sizeof(line))};
    ready = issuer->pid > 0 ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
    good = issuer_copy(ready, "url", issuer->url, sizeof(issuer->url)) &&
           issuer_copy(ready, "client_token", issuer->client_token, sizeof(issuer->client_token)) &&
           issuer_write_token(issuer, place);
    json_decref(ready);
    if (!good) {
        fprintf(stderr, "freshet-bench: %s did not start; build it first\n", BENCH_ISSUER);
    }
    return good;
}

void freshet_bench_issuer_end(struct bench_issuer *issuer)
{
    freshet_bench_end(issuer->pid);
    issuer->pid = 0;
}
