/*
 * What svg.c collects and drawing.c draws. Private to those two.
 */
#ifndef FRESHET_SIMULATE_DRAWING_H
#define FRESHET_SIMULATE_DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulate/svg.h"

enum mark_kind {
    MARK_TOKEN,
    MARK_REQUEST,
    MARK_CALL,
    MARK_CALL_STALE,
    MARK_CALL_ERROR,
    MARK_CALL_OPEN,
    MARK_FAULTS, /* and the other shades, in the order of enum shade */
    MARK_OFFLINE,
    MARK_SLEEP,
    MARK_STOPPED
};

struct mark {
    enum mark_kind kind;
    int process; /* -1: all lanes */
    int row;     /* TOKEN: of its key */
    bool open;   /* no end is known yet */
    int64_t from_ms;
    int64_t to_ms;
    int64_t due_ms; /* TOKEN: where its zones begin */
    int64_t danger_ms;
    uint64_t number; /* TOKEN: its serial number; REQUEST: its id */
    const char *on;  /* REQUEST */
    int status;      /* REQUEST: of the answer, 0: none */
};

/* A key that has been committed to, and its row in the lane of its process. */
struct drawn_key {
    char *name;
    int process;
    int row;
};

struct svg {
    int processes;
    const struct policy *policy;
    int64_t until_ms;
    int *rows; /* of tokens, by process */
    struct drawn_key *keys;
    size_t key_count;
    struct mark *marks;
    size_t count;
    size_t capacity;
    bool failed;
};

#endif
