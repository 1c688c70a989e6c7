/*
 * A binary heap of items. Equal items cannot be: ages differ within a class.
 */
#include "simulate/queue.h"

#include <stdlib.h>

bool freshet_sim_item_before(const struct item *a, const struct item *b)
{
    if (a->own_ms != b->own_ms)
        return a->own_ms < b->own_ms;
    if (a->class != b->class)
        return a->class < b->class;
    if (a->age != b->age)
        return a->age < b->age;
    return a->process < b->process;
}

bool freshet_sim_queue_push(struct queue *queue, const struct item *item)
{
    size_t at = queue->count;

    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        struct item *items = reallocarray(queue->items, capacity, sizeof *items);

        if (items == NULL)
            return false;
        queue->items = items;
        queue->capacity = capacity;
    }
    queue->count++;
    while (at > 0 && freshet_sim_item_before(item, &queue->items[(at - 1) / 2])) {
        queue->items[at] = queue->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->items[at] = *item;
    return true;
}

const struct item *freshet_sim_queue_first(const struct queue *queue)
{
    return queue->count == 0 ? NULL : &queue->items[0];
}

struct item freshet_sim_queue_pop(struct queue *queue)
{
    struct item first = queue->items[0];
    struct item last = queue->items[--queue->count];
    size_t at = 0;

    for (size_t child = 1; child < queue->count; child = 2 * at + 1) {
        if (child + 1 < queue->count &&
            freshet_sim_item_before(&queue->items[child + 1], &queue->items[child]))
            child++;
        if (!freshet_sim_item_before(&queue->items[child], &last))
            break;
        queue->items[at] = queue->items[child];
        at = child;
    }
    queue->items[at] = last;
    return first;
}

void freshet_sim_queue_free(struct queue *queue)
{
    free(queue->items);
    *queue = (struct queue){.items = NULL};
}
