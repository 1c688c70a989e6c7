/*
 * The request log: one JSON line for each request, written before the answer leaves, so that who
 * has an answer finds its line. Tokens appear only as fingerprints.
 */
#ifndef FRESHET_ISSUER_LOG_H
#define FRESHET_ISSUER_LOG_H

#include "issuer/problem.h"

#include <stdbool.h>
#include <stdint.h>

enum { FINGERPRINT_SIZE = 13 };

struct log_line {
    int64_t t_ms; /* since the start */
    int64_t seq;
    int64_t wall_ms;
    const char *method;
    const char *path; /* without the query */
    const char *on;
    const char *template_name;
    const char *session;
    const char *organization; /* NULL: not said */
    int status;               /* 0: no answer */
    const char *fault;        /* "" for none */
    const char *outcome;      /* answered, dropped, hanging, left */
    int64_t duration_us;
    char presented[FINGERPRINT_SIZE];
    char returned[FINGERPRINT_SIZE];
};

struct log;

/* `path` NULL: no file. A line for people goes to stderr unless `quiet`. */
struct log *freshet_log_open(const char *path, bool quiet, struct problem *problem);
void freshet_log_write(struct log *log, const struct log_line *line);
void freshet_log_close(struct log *log);

/* The first 12 hexadecimal digits of the SHA-256 of a token; "" for none. */
void freshet_log_fingerprint(const char *token, char *fingerprint);

#endif
