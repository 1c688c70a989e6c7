/*
 * A herd: processes of one user (tests/e2e/swarm_member.c) with an issuer, a meeting place and a state
 * folder of their own. What they say is tallied here, for a test to wait for and to judge.
 *
 * Everything that fails fails the test. Nobody sleeps: who waits, waits for lines of the members,
 * up to a deadline.
 */
#ifndef FRESHET_TESTS_HERD_H
#define FRESHET_TESTS_HERD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "issuer_process.h"

#define HERD_MOST        24
#define HERD_TOKENS_MOST 128
#define HERD_LINE_MAX    1024

struct member {
    pid_t pid; /* 0: not running */
    int leash; /* its standard input; it ends when this closes */
    bool ready;
    unsigned token_count; /* since the last mark */
    uint64_t tokens[HERD_TOKENS_MOST];
    uint64_t last_token;
    unsigned requests; /* for tokens, since the last mark */
    unsigned touches;  /* sent, since it started */
    unsigned lacks;    /* since the last mark: no usable token after the first one */
    unsigned lates;    /* the same: calls that took long */
    unsigned failures; /* the same: calls that gave no token */
    unsigned expired;  /* ever */
    unsigned revived;  /* ever */
    unsigned signed_outs;
    unsigned forked;
    unsigned told;
    char sharing[HERD_LINE_MAX]; /* as last told */
    char sharing_fault[HERD_LINE_MAX];
    char credential_fault[HERD_LINE_MAX];
};

struct herd {
    struct issuer_process issuer;
    size_t count;
    int read_every_ms;
    unsigned faults_of_killed; /* lacks, lates, failures, expired and revived, and sign-outs */
    struct member members[HERD_MOST];
    int lines[2]; /* a pipe that all members write into */
    char buffer[2 * HERD_LINE_MAX];
    size_t buffered;
    char runtime_dir[128]; /* may be changed before a member is started */
    char state_dir[128];
};

/* An issuer with these options, which end with NULL, and no member yet. */
void freshet_herd_open(struct herd *herd, const char *const *issuer_options);

/* Ends all members, each of which must end well. */
void freshet_herd_close(struct herd *herd);

/* One more process, as this number. */
void freshet_herd_start(struct herd *herd, size_t number);
void freshet_herd_start_all(struct herd *herd, size_t count);

/* SIGKILL, and waits for its end. */
void freshet_herd_kill(struct herd *herd, size_t number);

/* See swarm_member.c for commands. */
void freshet_herd_command(struct herd *herd, size_t number, char command);

/* Tallies begin anew. */
void freshet_herd_mark(struct herd *herd);

typedef bool freshet_herd_condition(const struct herd *herd, size_t number, unsigned argument);

/* Reads lines until it holds, or for so long; says whether it holds. */
bool freshet_herd_listen(struct herd *herd, freshet_herd_condition *condition, size_t number,
                         unsigned argument, int64_t timeout_ms);

/* The same, and fails if it does not come to hold; `what` is for the message. */
void freshet_herd_await(struct herd *herd, freshet_herd_condition *condition, size_t number,
                        unsigned argument, int64_t timeout_ms, const char *what);

/* For freshet_herd_await(); those of all running members ignore the number. */
bool freshet_herd_never(const struct herd *herd, size_t number, unsigned argument);
bool freshet_herd_all_ready(const struct herd *herd, size_t number, unsigned argument);
bool freshet_herd_all_agree(const struct herd *herd, size_t number, unsigned argument);
bool freshet_herd_all_have(const struct herd *herd, size_t number, unsigned tokens);
bool freshet_herd_all_signed_out(const struct herd *herd, size_t number, unsigned argument);
bool freshet_herd_somebody_fetches(const struct herd *herd, size_t number, unsigned argument);
bool freshet_herd_has(const struct herd *herd, size_t number, unsigned tokens);
bool freshet_herd_requested(const struct herd *herd, size_t number, unsigned requests);
bool freshet_herd_touched(const struct herd *herd, size_t number, unsigned touches);
bool freshet_herd_forked(const struct herd *herd, size_t number, unsigned argument);

/* Waits until the issuer has got so many requests of a kind. */
void freshet_herd_await_issuer(struct herd *herd, const char *on, int requests, int64_t timeout_ms);

/* Asks for the status and waits for it. */
void freshet_herd_ask_status(struct herd *herd, size_t number);

/* Token requests that the members sent since the last mark. */
unsigned freshet_herd_requests(const struct herd *herd);

/* Nobody lacked a token, waited, failed, had an expired one or came back from a sign-out. */
void freshet_herd_assert_well_kept(const struct herd *herd);

/* ---- what lies in its folders ---- */

/* How many lock files have a byte that somebody holds. */
int freshet_herd_locks_held(const struct herd *herd);

/* How many names of the meeting place contain this. */
int freshet_herd_files(const struct herd *herd, const char *part);

/* Each record that is there is whole. */
void freshet_herd_assert_records_whole(const struct herd *herd);

/* `normal`, or `full` if FRESHET_FULL is set. */
unsigned freshet_herd_scale(unsigned normal, unsigned full);

#endif
