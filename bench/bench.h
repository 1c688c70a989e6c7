/*
 * The worlds that the benchmark measures in, and how it tells. Private to bench/.
 */
#ifndef FRESHET_BENCH_BENCH_H
#define FRESHET_BENCH_BENCH_H

#include <freshet/freshet.h>
#include <stdbool.h>
#include <sys/types.h>

#include "share/share.h"
#include "source/source.h"

/* ---- report.c: samples, and how they are printed ---- */

struct bench_report {
    bool json;
    size_t rows;
    double floor_ns; /* what the rows of a group are compared with; 0: the next row is it */
};

double freshet_bench_now_ns(void);
void freshet_bench_sort(double *samples, size_t count);

/* The heading of the second table, of what other processes take part in. */
void freshet_bench_report_table(struct bench_report *report);
/* The next row is what those after it are compared with. */
void freshet_bench_report_floor(struct bench_report *report);
/* Sorts the samples, in nanoseconds; there must be one. */
void freshet_bench_report_row(struct bench_report *report, const char *name, const char *about,
                              double *samples, size_t count);
void freshet_bench_report_figure(struct bench_report *report, const char *name, const char *about,
                                 double value, const char *unit);
void freshet_bench_report_skip(struct bench_report *report, const char *name, const char *why);

/* ---- place.c: folders for the measured processes, and how these are started ---- */

#define BENCH_PATH_MAX 256
#define BENCH_READY_MS 30000

struct bench_place {
    char memory[64]; /* "": none could be made */
    char disk[64];
};

/* Points the environment there. False after a message. Must be closed in either case. */
bool freshet_bench_place_open(struct bench_place *place);
void freshet_bench_place_close(struct bench_place *place);

/* 0: it could not be started. -1: its input or output is ours. */
pid_t freshet_bench_spawn(char *const argv[], int in, int out);
/* Starts a server and reads its ready line; 0 if there was none. */
pid_t freshet_bench_serve(char *const argv[], char *line, size_t size);
bool freshet_bench_readable(int descriptor, int timeout_ms);
bool freshet_bench_end(pid_t pid);

/* ---- issuer.c: a development issuer on this machine ---- */

struct bench_issuer {
    pid_t pid;
    char url[BENCH_PATH_MAX];
    char client_token[4096];
    char token_file[BENCH_PATH_MAX];
};

/* False after a message. Must be ended in either case. */
bool freshet_bench_issuer_start(struct bench_issuer *issuer, const struct bench_place *place,
                                char *ttl);
void freshet_bench_issuer_end(struct bench_issuer *issuer);

/* ---- client.c: the public library with a session at that issuer ---- */

struct bench_client {
    struct freshet_client *client;
    struct freshet_session *session;
    struct freshet_token *token; /* a real one, to measure everything else with */
};

/* False after a message. Must be closed in either case. */
bool freshet_bench_client_open(struct bench_client *bench, const struct bench_issuer *issuer);
void freshet_bench_client_close(struct bench_client *bench);

/* ---- engine.c: an engine with one session, in time that the benchmark makes ---- */

#define BENCH_COMMITS 64 /* answers that can be got ready at a time */

struct bench_engine {
    struct engine *engine;
    session_id session;
    const char *sid;
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

/* A second passes, and the token is as much younger. */
void freshet_bench_engine_pass(struct bench_engine *bench);

/* A second later, BENCH_COMMITS requests are under way, each with one call that waits for it. */
bool freshet_bench_engine_prepare(struct bench_engine *bench);

/* The answer to one of them is taken; false if it was not. */
bool freshet_bench_engine_commit(struct bench_engine *bench, size_t index);

/* ---- share.c: such an engine, and the shared place ---- */

struct bench_share {
    struct bench_engine engine;
    struct share *share;
    void *claims; /* of the token that was read last */
    char text[FRESHET_TOKEN_MAX + 1];
    struct token token; /* the one that is published next */
    void *mine;         /* its claims */
};

/* False after a message. Must be closed in either case. */
bool freshet_bench_share_open(struct bench_share *bench, const char *folder,
                              const struct token *token);
void freshet_bench_share_close(struct bench_share *bench);

/* A second later there is a newer token. */
bool freshet_bench_share_prepare(struct bench_share *bench);
/* It is published for one of BENCH_COMMITS keys; then adopted from there. */
bool freshet_bench_share_publish(struct bench_share *bench, size_t index);
bool freshet_bench_share_adopt(struct bench_share *bench, size_t index);

/* ---- what other processes take part in; each prints its rows, or why there are none ---- */

/* exchange.c: bytes to a process of our own and back; the floor of the two after it. */
void freshet_bench_exchange(struct bench_report *report);
/* spread.c: a token that one process fetched, on its way to 19 others. */
void freshet_bench_spread(struct bench_report *report, const struct bench_place *place);
/* agent.c: asking an agent, alone and in a crowd. `socket` takes the path of an agent that runs. */
struct bench_agent {
    pid_t pid;
    char socket[108];
    char path[BENCH_PATH_MAX]; /* of the session's token */
};
void freshet_bench_agent(struct bench_report *report, const struct bench_place *place,
                         const struct bench_issuer *issuer, struct bench_agent *agent);
void freshet_bench_agent_end(struct bench_agent *agent);
/* command.c: a process for one token. */
void freshet_bench_command(struct bench_report *report, const struct bench_place *place,
                           const struct bench_issuer *issuer, const struct bench_agent *agent);
/* scale.c: a million sessions in one engine. */
void freshet_bench_scale(struct bench_report *report, const struct token *token);

#endif
