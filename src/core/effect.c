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
        break;
    }
    return 5;
}

/* Puts the effects of one answer or deadline into their order. Stable: groups are small. */
void freshet_effects_close_group(struct engine *engine)
{
    for (size_t i = engine->group + 1; i < engine->effect_count; i++) {
        struct effect effect = engine->effects[i];
        int rank = effect_rank(effect.kind);
        size_t at = i;

        while (at > engine->group && effect_rank(engine->effects[at - 1].kind) > rank) {
            engine->effects[at] = engine->effects[at - 1];
            at--;
        }
        engine->effects[at] = effect;
    }
    engine->group = engine->effect_count;
}
