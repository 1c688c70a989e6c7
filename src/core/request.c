/*
 * Requests under way, found by their number. Numbers are never used again.
 */
#include "core/state.h"

#include <stdlib.h>

struct request *freshet_request_new(struct engine *engine, enum endpoint on,
                                    struct session *session, struct entry *entry)
{
    struct request *request = calloc(1, sizeof(*request));

    if (request == NULL) {
        return NULL;
    }
    request->id = ++engine->last_request;
    request->on = on;
    request->session = session;
    request->entry = entry;
    request->sent_ms = engine->now.boot_ms;
    request->epoch = session->epoch;
    freshet_map_insert(&engine->request_map, &request->node, freshet_map_mix(request->id));
    return request;
}

struct request *freshet_request_find(const struct engine *engine, request_id id)
{
    struct map_node *node = freshet_map_first(&engine->request_map, freshet_map_mix(id));

    for (; node != NULL; node = freshet_map_next(node)) {
        struct request *request = (struct request *)node;

        if (request->id == id) {
            return request;
        }
    }
    return NULL;
}

void freshet_request_forget(struct engine *engine, struct request *request)
{
    freshet_map_remove(&engine->request_map, &request->node);
    free(request);
}

/* A session that is over: late answers to its requests mean nothing any more. */
void freshet_requests_forget_session(struct engine *engine, const struct session *session)
{
    struct map *map = &engine->request_map;

    for (size_t i = 0; i < map->size; i++) {
        for (struct map_node *node = map->buckets[i], *next = NULL; node != NULL; node = next) {
            struct request *request = (struct request *)node;

            next = node->next;
            if (request->session == session) {
                freshet_request_forget(engine, request);
            }
        }
    }
}

/* A request that timed out is gone; one that nobody wants any more may still answer. */
void freshet_request_abandon(struct engine *engine, request_id id, bool timed_out)
{
    struct request *request = id != 0 ? freshet_request_find(engine, id) : NULL;
    struct effect *effect = NULL;

    if (request == NULL || request->abandoned) {
        return;
    }
    effect = freshet_effect_push(engine, EFFECT_ABANDON, request->session);
    if (effect != NULL) {
        effect->u.abandon.request = id;
        effect->u.abandon.timed_out = timed_out;
    }
    request->abandoned = true;
    if (timed_out) {
        freshet_request_forget(engine, request);
    }
}

enum freshet_status freshet_no_answer_status(enum no_answer no_answer)
{
    return no_answer == NO_ANSWER_STORE ? FRESHET_STORE : FRESHET_NETWORK;
}
