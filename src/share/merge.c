/*
 * The rules of freshet_merge(): a token and a failure are two facts, so each is judged by itself. A
 * success that is newer than a failure ends it; a failure never takes a token away.
 */
#include "share/merge.h"

#include <string.h>

#include "core/policy.h"

static bool merge_same_text(const struct record *a, const struct record *b)
{
    return a->has_token == b->has_token &&
           (!a->has_token || (a->token.length == b->token.length &&
                              memcmp(a->token.text, b->token.text, a->token.length) == 0));
}

/* Would a commit take the one step back? By the default policy: who has another one, and holds the
 * present token fresh, refuses the step when it reads the record. */
static bool merge_steps_back(const struct token *present, int64_t remaining_ms,
                             const struct token *incoming)
{
    const struct policy policy = freshet_policy_default();
    const int64_t life_ms = (present->exp_s - present->iat_s) * 1000;

    return incoming->exp_s > present->exp_s &&
           remaining_ms <= freshet_policy_due(&policy, life_ms, 0);
}

static bool merge_keeps_token(const struct record *present, int64_t remaining_ms,
                              const struct record *incoming)
{
    const struct held held = {.fingerprint = 1, /* something is held */
                              .iat_s = present->token.iat_s,
                              .exp_s = present->token.exp_s,
                              .oiat_s = present->token.oiat_s,
                              .has_oiat = present->token.has_oiat};

    if (!present->has_token) {
        return false;
    }
    if (!incoming->has_token || merge_same_text(present, incoming)) {
        return true;
    }
    return freshet_token_compare(&held, &incoming->token) == FRESHNESS_STALER &&
           !merge_steps_back(&present->token, remaining_ms, &incoming->token);
}

static bool merge_failure_is_newer(const struct record *incoming, const struct record *present)
{
    const struct failure *failure = &incoming->failure;

    return failure->attempt > 0 &&
           (!present->has_token || failure->failed_ms >= present->committed_ms) &&
           (present->failure.attempt == 0 || failure->failed_ms > present->failure.failed_ms);
}

/* The failure that still counts: a newer token has ended those before it. */
static struct failure merge_failure(const struct record *present, const struct record *incoming,
                                    bool keeps)
{
    if (merge_failure_is_newer(incoming, present)) {
        return incoming->failure;
    }
    if (!keeps && incoming->has_token && incoming->committed_ms >= present->failure.failed_ms) {
        return (struct failure){0};
    }
    return present->failure;
}

enum merge freshet_merge(const struct record *present, int64_t present_remaining_ms,
                         const struct record *incoming, struct record *merged)
{
    const bool keeps = merge_keeps_token(present, present_remaining_ms, incoming);

    *merged = keeps ? *present : *incoming;
    merged->failure = merge_failure(present, incoming, keeps);
    if (incoming->has_offset) {
        merged->has_offset = true;
        merged->offset_ms = incoming->offset_ms;
    }
    if ((!keeps && incoming->has_token) || merge_failure_is_newer(incoming, present)) {
        return MERGE_NEWS;
    }
    return incoming->has_token && !merge_same_text(present, incoming) ? MERGE_STALER
                                                                      : MERGE_NO_NEWS;
}
