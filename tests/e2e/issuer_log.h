/*
 * The development issuer's log, read back: what was asked in which order, and with which client token.
 */
#ifndef FRESHET_TESTS_ISSUER_LOG_H
#define FRESHET_TESTS_ISSUER_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct log_request {
    long seq;
    double from_ms; /* since the issuer's start: when it came, and when it was answered */
    double to_ms;
    int status;
    char on[16];
    char presented[16]; /* fingerprints of client tokens; "": none */
    char returned[16];
};

struct request_log {
    size_t count;
    struct log_request *requests; /* in the order in which they came */
};

/* Whole lines alone count; the last one may be on its way. */
void freshet_request_log_read(struct request_log *log, const char *path);
void freshet_request_log_free(struct request_log *log);

/* How many of a kind, "" for all, with a status from `from` to `to`. */
size_t freshet_request_log_count(const struct request_log *log, const char *on, int from, int to);

/* How many client tokens were handed out. */
size_t freshet_request_log_rotations(const struct request_log *log);

/*
 * No client token was presented once its successor, or a successor of that, had been: a successor is
 * saved before it is used, so this is what a log can say when processes may be killed.
 */
void freshet_request_log_assert_no_return(const struct request_log *log);

/* With nobody killed: nothing was presented that had a successor, nor while one was being made. */
void freshet_request_log_assert_strict_chain(const struct request_log *log);

/* How many successors were handed out and lost: their predecessor was presented afterwards. */
size_t freshet_request_log_lost(const struct request_log *log);

#endif
