/*
 * The rules of source/delivery.h.
 */
#include "source/delivery.h"

#include <string.h>

#include "core/policy.h"
#include "core/time.h"
#include "source/json.h"
#include "source/source.h"

_Static_assert(FRESHET_CONTEXT_MAX >= 2 * FRESHET_ID_MAX + 2, "a context has room for two ids");

/* What lies there, read. */
struct delivery_there {
    bool keeps_context;
    bool has_text;
    bool readable;
    struct token token;
    char context[FRESHET_CONTEXT_MAX]; /* "": nobody's */
};

void freshet_context(char context[FRESHET_CONTEXT_MAX], const char *session,
                     const char *organization)
{
    size_t first = strnlen(session, FRESHET_ID_MAX);
    size_t second = strnlen(organization, FRESHET_ID_MAX);

    memcpy(context, session, first);
    context[first] = ':';
    memcpy(context + first + 1, organization, second);
    context[first + 1 + second] = '\0';
}

const char *freshet_delivery_skipped(enum delivery_act act)
{
    switch (act) {
    case DELIVERY_SKIP_CONTEXT:
        return "context";
    case DELIVERY_SKIP_STALER:
        return "staler";
    case DELIVERY_NOTHING:
    case DELIVERY_WRITE:
    case DELIVERY_REMOVE:
        break;
    }
    return NULL;
}

static void delivery_read(struct delivery_there *there, const struct delivery_place *place,
                          void **memory)
{
    there->has_text = place->text != NULL;
    there->readable =
        there->has_text && freshet_jwt_read(place->text, place->length, &there->token, memory);
    there->context[0] = '\0';
    there->keeps_context = place->context != NULL;
    if (there->keeps_context) {
        size_t length = strnlen(place->context, sizeof(there->context) - 1);

        memcpy(there->context, place->context, length);
        there->context[length] = '\0';
    }
}

/* A context holds its place until its token is seen to have expired. */
static bool delivery_is_alive(const struct delivery_there *there, int64_t now_ms)
{
    return !there->has_text || (there->readable && there->token.exp_s * 1000 > now_ms);
}

/* Does it belong to a session that is not this one? */
static bool delivery_is_anothers(const struct delivery_there *there, const char *session)
{
    size_t length = strlen(session);

    if (there->context[0] != '\0') {
        return strncmp(there->context, session, length) != 0 || there->context[length] != ':';
    }
    return there->readable && there->token.sid[0] != '\0' && strcmp(there->token.sid, session) != 0;
}

static struct delivery_plan delivery_remove(const struct delivery_there *there,
                                            const struct delivery *ours)
{
    struct delivery_plan plan = {.act = DELIVERY_REMOVE, .again_ms = FRESHET_NEVER};

    if (!there->has_text && there->context[0] == '\0') {
        plan.act = DELIVERY_NOTHING;
    } else if (delivery_is_anothers(there, ours->session)) {
        plan.act = DELIVERY_SKIP_CONTEXT;
    }
    return plan;
}

/* A repair is for a program that has put an older token of ours back. */
static bool delivery_is_older(const struct delivery_there *there, const struct token *ours)
{
    return there->readable && strcmp(there->token.sid, ours->sid) == 0 &&
           strcmp(there->token.organization, ours->organization) == 0 &&
           there->token.exp_s < ours->exp_s;
}

/* When a token stops being one that a program can still use. */
static int64_t delivery_usable_until(const struct token *token)
{
    struct policy policy = freshet_policy_default();
    int64_t life_ms = (token->exp_s - token->iat_s) * 1000;

    return token->exp_s * 1000 - freshet_policy_min_remaining(&policy, life_ms);
}

static bool delivery_is_staler(const struct token *there, const struct token *ours)
{
    const struct held held = {.fingerprint = there->fingerprint,
                              .iat_s = there->iat_s,
                              .exp_s = there->exp_s,
                              .oiat_s = there->oiat_s,
                              .has_oiat = there->has_oiat};

    return there->has_oiat && ours->has_oiat && strcmp(there->sid, ours->sid) == 0 &&
           strcmp(there->organization, ours->organization) == 0 &&
           freshet_token_compare(&held, ours) == FRESHNESS_STALER;
}

static struct delivery_plan delivery_put(const struct delivery_there *there,
                                         const struct delivery *ours, int64_t now_ms)
{
    struct delivery_plan plan = {.act = DELIVERY_WRITE, .again_ms = FRESHET_NEVER};
    char context[FRESHET_CONTEXT_MAX];
    bool same = false;
    bool idle = false;

    freshet_context(context, ours->session, ours->token->organization);
    same = !there->keeps_context || strcmp(there->context, context) == 0;
    idle = same && there->readable && there->token.fingerprint == ours->token->fingerprint;
    if (!idle && !same && there->context[0] != '\0' && strcmp(there->context, ours->written) != 0 &&
        !ours->may_take && delivery_is_alive(there, now_ms)) {
        plan.act = DELIVERY_SKIP_CONTEXT;
        plan.again_ms = there->has_text ? there->token.exp_s * 1000 : FRESHET_NEVER;
    } else if (!idle && there->readable && delivery_is_staler(&there->token, ours->token) &&
               delivery_usable_until(&there->token) > now_ms) {
        plan.act = DELIVERY_SKIP_STALER;
        plan.again_ms = delivery_usable_until(&there->token);
    } else if (idle || (ours->repair && !(same && delivery_is_older(there, ours->token)))) {
        plan.act = DELIVERY_NOTHING;
    }
    return plan;
}

struct delivery_plan freshet_delivery_plan(const struct delivery_place *place,
                                           const struct delivery *ours, int64_t issuer_now_ms)
{
    struct delivery_there there = {.has_text = false};
    struct delivery_plan plan;
    void *memory = NULL;

    delivery_read(&there, place, &memory);
    plan = ours->token == NULL ? delivery_remove(&there, ours)
                               : delivery_put(&there, ours, issuer_now_ms);
    freshet_jwt_free(memory);
    return plan;
}
