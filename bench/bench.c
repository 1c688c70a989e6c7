/*
 * What the paths of Freshet cost, next to copying a token's text.
 *
 * Each row is run in rounds that take turns with the other rows, so that a slow moment of the
 * machine hits all of them; the median and the least of the rounds are printed. Ratios are of
 * medians. Figures are a property of the machine, ratios much less so.
 *
 * usage: freshet-bench [--json]
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define ROUNDS   201
#define WARM_UPS 20

struct bench {
    struct bench_place place;
    struct bench_issuer issuer;
    struct bench_client client;
    struct bench_engine engine;
    struct bench_share share;
    struct token token; /* the text's claims, which lie in `claims` */
    void *claims;
    const char *text;
    size_t length;
    _Alignas(64) char copy[FRESHET_TOKEN_MAX + 1];
};

struct row {
    const char *name;
    const char *about;
    int operations; /* in a round */
    bool (*prepare)(struct bench *bench);
    bool (*run)(struct bench *bench, int operation);
};

/* The compiler may not know what became of the memory. */
static void bench_keep(void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static bool run_memcpy(struct bench *bench, int operation)
{
    (void)operation;
    bench_keep(&bench->text);
    memcpy(bench->copy, bench->text, bench->length);
    bench_keep(bench->copy);
    return true;
}

static bool run_peek(struct bench *bench, int operation)
{
    (void)operation;
    return freshet_peek(bench->client.session, bench->copy, sizeof(bench->copy), NULL, NULL) ==
           FRESHET_OK;
}

static bool run_get(struct bench *bench, int operation)
{
    struct freshet_token *token = NULL;

    (void)operation;
    if (freshet_get(bench->client.session, NULL, &token, NULL) != FRESHET_OK) {
        return false;
    }
    bench_keep(token);
    freshet_token_unref(token);
    return true;
}

static bool run_step(struct bench *bench, int operation)
{
    (void)operation;
    return freshet_bench_engine_get(&bench->engine);
}

static bool prepare_commit(struct bench *bench)
{
    return freshet_bench_engine_prepare(&bench->engine);
}

static bool run_commit(struct bench *bench, int operation)
{
    return freshet_bench_engine_commit(&bench->engine, (size_t)operation);
}

static bool run_decode(struct bench *bench, int operation)
{
    struct token token;
    void *memory = NULL;
    bool good = freshet_jwt_read(bench->text, bench->length, &token, &memory);

    (void)operation;
    freshet_jwt_free(memory);
    return good;
}

static bool prepare_publish(struct bench *bench)
{
    return freshet_bench_share_prepare(&bench->share);
}

static bool run_publish(struct bench *bench, int operation)
{
    return freshet_bench_share_publish(&bench->share, (size_t)operation);
}

static bool run_adopt(struct bench *bench, int operation)
{
    return freshet_bench_share_adopt(&bench->share, (size_t)operation);
}

static const struct row rows[] = {
    {"memcpy", "copy the token's text", 2000, NULL, run_memcpy},
    {"peek", "freshet_peek()", 1000, NULL, run_peek},
    {"get", "freshet_get() and unref, the token is fresh", 1000, NULL, run_get},
    {"step", "engine: a call for a fresh token", 1000, NULL, run_step},
    {"commit", "engine: an answer, one call waits for it", BENCH_COMMITS, prepare_commit,
     run_commit},
    {"decode", "read the claims of a token", 100, NULL, run_decode},
    {"publish", "a new token, to the user's other processes", BENCH_COMMITS, prepare_publish,
     run_publish},
    {"adopt", "read what another published; engine: take it", BENCH_COMMITS, NULL, run_adopt},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Nanoseconds an operation; negative if it did not do what it is measured for. */
static double bench_round(struct bench *bench, const struct row *row)
{
    bool good = row->prepare == NULL || row->prepare(bench);
    double start_ns = freshet_bench_now_ns();

    for (int i = 0; i < row->operations; i++) {
        good = row->run(bench, i) && good;
    }
    return good ? (freshet_bench_now_ns() - start_ns) / row->operations : -1;
}

static bool bench_measure(struct bench *bench, double samples[ROW_COUNT][ROUNDS])
{
    for (int round = -WARM_UPS; round < ROUNDS; round++) {
        for (size_t i = 0; i < ROW_COUNT; i++) {
            double ns = bench_round(bench, &rows[i]);

            if (ns < 0) {
                fprintf(stderr, "freshet-bench: %s failed; nothing was measured\n", rows[i].name);
                return false;
            }
            samples[i][round < 0 ? 0 : round] = ns;
        }
    }
    return true;
}

/* Sorted samples: the first is the least, the middle one the median. */
static void bench_print(double samples[ROW_COUNT][ROUNDS], size_t length, bool json)
{
    double unit_ns = samples[0][ROUNDS / 2];

    printf(json ? "{\"token_bytes\":%zu,\"rounds\":%d,\"rows\":["
                : "a token of %zu bytes, %d rounds\n\n",
           length, ROUNDS);
    if (!json) {
        printf("%-8s %12s %12s %10s   %s\n", "", "median ns", "min ns", "x memcpy", "what");
    }
    for (size_t i = 0; i < ROW_COUNT; i++) {
        double median_ns = samples[i][ROUNDS / 2];

        if (json) {
            printf("%s{\"name\":\"%s\",\"median_ns\":%.1f,\"min_ns\":%.1f,\"ratio\":%.2f}",
                   i > 0 ? "," : "", rows[i].name, median_ns, samples[i][0], median_ns / unit_ns);
        } else {
            printf("%-8s %12.1f %12.1f %10.1f   %s\n", rows[i].name, median_ns, samples[i][0],
                   median_ns / unit_ns, rows[i].about);
        }
    }
    fputs(json ? "]" : "", stdout);
}

/* A token whose session is known by the claims in its text. */
static bool bench_open(struct bench *bench)
{
    if (!freshet_bench_place_open(&bench->place) ||
        !freshet_bench_issuer_start(&bench->issuer, &bench->place, "1h") ||
        !freshet_bench_client_open(&bench->client, &bench->issuer)) {
        return false;
    }
    bench->text = freshet_token_text(bench->client.token);
    bench->length = freshet_token_length(bench->client.token);
    if (!freshet_jwt_read(bench->text, bench->length, &bench->token, &bench->claims) ||
        !freshet_bench_engine_open(&bench->engine, &bench->token)) {
        return false;
    }
    bench->engine.token.sid = ""; /* a template's token carries none */
    return freshet_bench_share_open(&bench->share, bench->place.memory, &bench->token);
}

static void bench_close(struct bench *bench)
{
    freshet_bench_share_close(&bench->share);
    freshet_bench_engine_close(&bench->engine);
    freshet_jwt_free(bench->claims);
    freshet_bench_client_close(&bench->client);
    freshet_bench_issuer_end(&bench->issuer);
    freshet_bench_place_close(&bench->place);
}

/* What is measured across processes, and at scale. */
static void bench_world(struct bench *bench, bool json)
{
    struct bench_report report = {.json = json};
    struct bench_agent agent;

    freshet_bench_report_table(&report);
    freshet_bench_exchange(&report);
    freshet_bench_spread(&report, &bench->place);
    freshet_bench_agent(&report, &bench->place, &bench->issuer, &agent);
    freshet_bench_command(&report, &bench->place, &bench->issuer, &agent);
    freshet_bench_agent_end(&agent);
    freshet_bench_scale(&report, &bench->token);
    fputs(json ? "]}\n" : "", stdout);
}

int main(int argc, char **argv)
{
    double samples[ROW_COUNT][ROUNDS];
    struct bench bench = {.length = 0};
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    bool good = false;

    if (argc > 1 && !json) {
        fprintf(stderr, "usage: %s [--json]\n", argv[0]);
        return 2;
    }
    good = bench_open(&bench) && bench_measure(&bench, samples);
    if (good) {
        for (size_t i = 0; i < ROW_COUNT; i++) {
            freshet_bench_sort(samples[i], ROUNDS);
        }
        bench_print(samples, bench.length, json);
        bench_world(&bench, json);
    }
    bench_close(&bench);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
