/*
 * The effects of a step, and their order within one answer or deadline.
 */
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

struct effect *freshet_effect_push(struct engine *engine, enum effect_kind kind,
                                   const struct session *session)
{
    struct effect *effect = NULL;

    if (engine->effect_count == engine->effect_capacity) {
        size_t capacity = engine->effect_capacity * 2;
        struct effect *grown = realloc(engine->effects, capacity * sizeof(*grown));

        if (grown == NULL) {
            return NULL;
        }
        engine->effects = grown;
        engine->effect_capacity = capacity;
    }
    effect = &engine->effects[engine->effect_count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    effect->session = session->id;
    effect->order = engine->effect_count;
    return effect;
}

/* The documented order within one answer; what the world must do comes last, as it was said. */
static int effect_rank(enum effect_kind kind)
{
    switch (kind) {
    case EFFECT_ABANDON:
        return 0;
    case EFFECT_COMMIT:
    case EFFECT_IGNORED:
        return 1;
    case EFFECT_STATUS:
        return 2;
    case EFFECT_EMIT:
        return 3;
    case EFFECT_RESOLVE:
        return 4;
    case EFFECT_LEASE:
    case EFFECT_RELEASE:
    case EFFECT_FETCH:
    case EFFECT_PUBLISH:
    case EFFECT_RETRACT:
    case EFFECT_SAVE:
    case EFFECT_END:
        break;
    }
    return 5;
}

static int effect_compare(const void *left, const void *right)
{
    const struct effect *a = left;
    const struct effect *b = right;
    int difference = effect_rank(a->kind) - effect_rank(b->kind);

    return difference != 0 ? difference : (a->order > b->order) - (a->order < b->order);
}

/* Puts the effects of one answer or deadline into their order, which most of them have already. */
void freshet_effects_close_group(struct engine *engine)
{
    bool ordered = true;

    for (size_t i = engine->group + 1; ordered && i < engine->effect_count; i++) {
        ordered = effect_compare(&engine->effects[i - 1], &engine->effects[i]) <= 0;
    }
    if (!ordered) {
        qsort(&engine->effects[engine->group], engine->effect_count - engine->group,
              sizeof(*engine->effects), effect_compare);
    }
    engine->group = engine->effect_count;
}
