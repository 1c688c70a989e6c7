/*
 * The two worlds that the benchmark measures in. Private to bench/.
 */
#ifndef FRESHET_BENCH_BENCH_H
#define FRESHET_BENCH_BENCH_H

#include <freshet/freshet.h>
#include <stdbool.h>
#include <sys/types.h>

#include "source/source.h"

/* ---- client.c: the public library beside a development issuer on this machine ---- */

struct bench_client {
    pid_t issuer;
    struct freshet_client *client;
    struct freshet_session *session;
    struct freshet_token *token; /* a real one, to measure everything else with */
};

/* False after a message. Must be closed in either case. */
bool freshet_bench_client_open(struct bench_client *bench);
void freshet_bench_client_close(struct bench_client *bench);

/* ---- engine.c: an engine with one session, in time that the benchmark makes ---- */

#define BENCH_COMMITS 64 /* answers that can be got ready at a time */

struct bench_engine {
    struct engine *engine;
    session_id session;
    struct now now;
    struct token token;
    ticket_id ticket;
    request_id requests[BENCH_COMMITS]; /* under way, each for a template of its own */
    size_t request_count;
};

/* The token must outlive the engine. False after a message. Must be closed in either case. */
bool freshet_bench_engine_open(struct bench_engine *bench, const struct token *token);
void freshet_bench_engine_close(struct bench_engine *bench);

/* A call for the session's own token, which is held and fresh; false if it was not answered. */
bool freshet_bench_engine_get(struct bench_engine *bench);

/* A second later, BENCH_COMMITS requests are under way, each with one call that waits for it. */
bool freshet_bench_engine_prepare(struct bench_engine *bench);

/* The answer to one of them is taken; false if it was not. */
bool freshet_bench_engine_commit(struct bench_engine *bench, size_t index);

#endif
