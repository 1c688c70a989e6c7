/*
 * The policy functions of core/policy.h. Every default is capped in proportion to the token's life.
 */
#include "core/policy.h"

#include "core/time.h"

#define POLICY_LEEWAY_MS           15000
#define POLICY_LEAD_MS             2000
#define POLICY_MIN_REMAINING_MS    5000
#define POLICY_THRESHOLD_MS        15000
#define POLICY_THRESHOLD_FLOOR_MS  5000
#define POLICY_SPACING_MS          5000
#define POLICY_WINDOW_FIRST_MIN_MS 100
#define POLICY_USUAL_LIFE_MS       60000

struct policy freshet_policy_default(void)
{
    return (struct policy){.leeway_ms = FRESHET_UNSET,
                           .lead_ms = FRESHET_UNSET,
                           .min_remaining_ms = FRESHET_UNSET,
                           .refresh_threshold_ms = FRESHET_UNSET,
                           .proactive = true,
                           .idle_cycles = FRESHET_UNSET,
                           .request_timeout_ms = 10000,
                           .retry_first_ms = 3000,
                           .retry_factor = 1.55,
                           .retry_cap_ms = 50000,
                           .retry_attempts = 9,
                           .offline_ms = 14857,
                           .jitter = 0};
}

static int64_t policy_value(int64_t set_ms, int64_t default_ms, int64_t cap_ms)
{
    return set_ms != FRESHET_UNSET ? set_ms : freshet_min(default_ms, cap_ms);
}

int64_t freshet_policy_min_remaining(const struct policy *policy, int64_t life_ms)
{
    return policy_value(policy->min_remaining_ms, POLICY_MIN_REMAINING_MS, life_ms / 12);
}

int64_t freshet_policy_threshold(const struct policy *policy, int64_t life_ms, int64_t asked_ms)
{
    int64_t floor_ms = freshet_min(POLICY_THRESHOLD_FLOOR_MS, life_ms / 12);
    int64_t set = asked_ms != FRESHET_UNSET ? asked_ms : policy->refresh_threshold_ms;

    return freshet_max(policy_value(set, POLICY_THRESHOLD_MS, life_ms / 4), floor_ms);
}

int64_t freshet_policy_due(const struct policy *policy, int64_t life_ms, int64_t round_trip_ms)
{
    int64_t leeway = policy_value(policy->leeway_ms, POLICY_LEEWAY_MS, life_ms / 4);
    int64_t lead = policy_value(policy->lead_ms, POLICY_LEAD_MS, life_ms / 30);
    int64_t slow = freshet_policy_min_remaining(policy, life_ms) + 2 * round_trip_ms;

    return freshet_max(leeway + lead, freshet_min(slow, life_ms / 2));
}

int64_t freshet_policy_spacing(int64_t life_ms)
{
    return freshet_min(POLICY_SPACING_MS, life_ms / 4);
}

int64_t freshet_policy_life(int64_t iat_ms, int64_t exp_ms, int64_t issuer_now_ms)
{
    int64_t life = exp_ms - iat_ms;
    int64_t left = exp_ms - issuer_now_ms;

    return left < life / 2 || life <= 0 ? freshet_max(left, 0) : life;
}

enum zone freshet_policy_zone(const struct policy *policy, int64_t life_ms, int64_t round_trip_ms,
                              int64_t remaining_ms)
{
    if (remaining_ms <= 0) {
        return ZONE_NONE;
    }
    if (remaining_ms <= freshet_policy_min_remaining(policy, life_ms)) {
        return ZONE_DANGER;
    }
    return remaining_ms <= freshet_policy_due(policy, life_ms, round_trip_ms) ? ZONE_DUE
                                                                              : ZONE_FRESH;
}

int64_t freshet_policy_delay(const struct policy *policy, int64_t first_ms, int failures)
{
    double delay = (double)first_ms;

    for (int i = 1; i < failures && delay < (double)policy->retry_cap_ms; i++) {
        delay *= policy->retry_factor;
    }
    if (delay >= (double)policy->retry_cap_ms) {
        return policy->retry_cap_ms;
    }
    return (int64_t)(delay + 0.5 - 1e-6); /* to the nearest, halves down */
}

int64_t freshet_policy_window_first(const struct policy *policy, int64_t life_ms)
{
    double part = life_ms < POLICY_USUAL_LIFE_MS ? (double)life_ms / POLICY_USUAL_LIFE_MS : 1.0;

    return freshet_max(POLICY_WINDOW_FIRST_MIN_MS,
                       (int64_t)((double)policy->retry_first_ms * part));
}
