/*
 * How long a new token takes to reach one's other processes: twenty of them share a session whose
 * tokens live two seconds. Whichever refreshes it tells when it had the new token, and so do the
 * others; the clock is the machine's and the same for all.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "reader.h"

#define READERS     20
#define GENERATIONS 12
#define TOKENS_MAX  80 /* of all, also of those that come while readers start */
#define REPORTS_MAX (READERS * TOKENS_MAX)
#define WAIT_MS     15000 /* for one report */

struct spread {
    pid_t readers[READERS];
    int hear; /* their reports */
    int tell; /* closed: they end */
    struct bench_reader_report reports[REPORTS_MAX];
    size_t count;
    int64_t gathered_ns; /* everybody has had a token by then; 0: not yet */
    double samples[REPORTS_MAX];
    size_t sample_count;
};

static bool spread_start(struct spread *spread, const struct bench_issuer *issuer)
{
    char url[BENCH_PATH_MAX];
    char file[BENCH_PATH_MAX];
    char *argv[] = {BENCH_READER, url, file, NULL};
    int reports[2] = {-1, -1};
    int ends[2] = {-1, -1};
    bool good = pipe2(reports, O_CLOEXEC) == 0 && pipe2(ends, O_CLOEXEC) == 0;

    (void)snprintf(url, sizeof(url), "%s", issuer->url);
    (void)snprintf(file, sizeof(file), "%s", issuer->token_file);
    for (size_t i = 0; good && i < READERS; i++) {
        spread->readers[i] = freshet_bench_spawn(argv, ends[0], reports[1]);
        good = spread->readers[i] > 0;
    }
    close(ends[0]);
    close(reports[1]);
    spread->hear = reports[0];
    spread->tell = ends[1];
    return good;
}

static void spread_end(struct spread *spread)
{
    close(spread->tell);
    close(spread->hear);
    for (size_t i = 0; i < READERS; i++) {
        if (spread->readers[i] > 0) {
            waitpid(spread->readers[i], NULL, 0);
        }
    }
}

static size_t spread_reached(const struct spread *spread, uint64_t token)
{
    size_t reached = 0;

    for (size_t i = 0; i < spread->count; i++) {
        reached += spread->reports[i].token == token;
    }
    return reached;
}

/* Until enough tokens have reached everybody. */
static bool spread_listen(struct spread *spread)
{
    size_t complete = 0;

    while (complete < GENERATIONS && spread->count < REPORTS_MAX) {
        struct bench_reader_report *report = &spread->reports[spread->count];

        if (!freshet_bench_readable(spread->hear, WAIT_MS) ||
            read(spread->hear, report, sizeof(*report)) != sizeof(*report)) {
            return false;
        }
        spread->count++;
        if (spread_reached(spread, report->token) == READERS) {
            complete += spread->gathered_ns > 0;
            spread->gathered_ns = spread->gathered_ns > 0 ? spread->gathered_ns : report->at_ns;
        }
    }
    return complete == GENERATIONS;
}

/* From the first process that had a token to each of the others; not while some still start. */
static void spread_reckon(struct spread *spread, uint64_t token)
{
    double first_ns = 0;
    size_t first = spread->count;

    if (spread_reached(spread, token) != READERS) {
        return;
    }
    for (size_t i = 0; i < spread->count; i++) {
        double at_ns = (double)spread->reports[i].at_ns;

        if (spread->reports[i].token == token && (first == spread->count || at_ns < first_ns)) {
            first = i;
            first_ns = at_ns;
        }
    }
    for (size_t i = 0; i < spread->count && first_ns > (double)spread->gathered_ns; i++) {
        if (spread->reports[i].token == token && i != first) {
            spread->samples[spread->sample_count++] = (double)spread->reports[i].at_ns - first_ns;
        }
    }
}

static bool spread_measure(struct spread *spread, const struct bench_issuer *issuer)
{
    bool good = spread_start(spread, issuer) && spread_listen(spread);

    spread_end(spread);
    for (size_t i = 0; good && i < spread->count; i++) {
        bool seen = false;

        for (size_t j = 0; j < i && !seen; j++) {
            seen = spread->reports[j].token == spread->reports[i].token;
        }
        if (!seen) {
            spread_reckon(spread, spread->reports[i].token);
        }
    }
    return good && spread->sample_count > 0;
}

void freshet_bench_spread(struct bench_report *report, const struct bench_place *place)
{
    struct spread *spread = calloc(1, sizeof(*spread));
    struct bench_issuer issuer;
    bool good = freshet_bench_issuer_start(&issuer, place, "2s");

    if (spread != NULL && good && spread_measure(spread, &issuer)) {
        freshet_bench_report_row(
            report, "spread", "a new token, from the process that fetched it to each of 19 others",
            spread->samples, spread->sample_count);
    } else {
        freshet_bench_report_skip(report, "spread", "tokens did not reach all of 20 processes");
    }
    freshet_bench_issuer_end(&issuer);
    free(spread);
}
