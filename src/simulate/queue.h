/*
 * What is still to happen, in order: by its own time, then by class (steps, answers, deadlines),
 * then by age. A binary heap.
 */
#ifndef FRESHET_SIMULATE_QUEUE_H
#define FRESHET_SIMULATE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"
#include "simulate/scenario.h"

struct flight;
struct shared;

enum item_class { CLASS_STEP, CLASS_ANSWER, CLASS_DEADLINE };
enum item_kind {
    ITEM_STEP,       /* a step of the scenario */
    ITEM_NETWORK,    /* what a `network` step means to one process */
    ITEM_ANSWER,     /* a request comes back, or the issuer acts on it */
    ITEM_PUSH,       /* a record was published */
    ITEM_SIGNED_OUT, /* another process signed out */
    ITEM_DELIVER     /* a sink looks again at what it skipped */
};

struct item {
    int64_t own_ms;
    enum item_class class;
    uint64_t age;
    enum item_kind kind;
    int process;             /* whose life it touches, -1: the world's */
    uint64_t life;           /* of that process; in another one the item means nothing */
    const struct step *step; /* STEP; inside an `every` this is the `every` itself */
    enum network network;    /* NETWORK */
    struct flight *flight;   /* ANSWER */
    struct shared *shared;   /* PUSH */
};

struct queue {
    struct item *items;
    size_t count;
    size_t capacity;
};

/* True if a comes before b. */
bool freshet_sim_item_before(const struct item *a, const struct item *b);

/* False without memory. */
bool freshet_sim_queue_push(struct queue *queue, const struct item *item);
/* The first item, NULL when there is none. */
const struct item *freshet_sim_queue_first(const struct queue *queue);
struct item freshet_sim_queue_pop(struct queue *queue);
void freshet_sim_queue_free(struct queue *queue);

#endif
