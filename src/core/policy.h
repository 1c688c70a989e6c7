/*
 * Policy and zones: when a token is fresh, due, in danger, gone. Pure functions of (life, policy).
 *
 * Every default is capped in proportion to the token's life, so that lifetimes from two seconds to
 * a day need no tuning; a value that was set is taken as given. Nothing here is ever stored as a
 * state: the zone is computed when somebody asks.
 */
#ifndef FRESHET_CORE_POLICY_H
#define FRESHET_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define FRESHET_UNSET (-1)

struct policy {
    int64_t leeway_ms;            /* FRESHET_UNSET: 15 s, at most a quarter of the life */
    int64_t lead_ms;              /* FRESHET_UNSET: 2 s, at most a thirtieth */
    int64_t min_remaining_ms;     /* FRESHET_UNSET: 5 s, at most a twelfth */
    int64_t refresh_threshold_ms; /* FRESHET_UNSET: 15 s, at most a quarter */
    bool proactive;               /* refresh by time; false: reads below the threshold refresh */
    int32_t idle_cycles;          /* FRESHET_UNSET: 5, and the active plain token never sleeps */
    int64_t request_timeout_ms;
    int64_t retry_first_ms;
    double retry_factor;
    int64_t retry_cap_ms;
    int32_t retry_attempts;
    int64_t offline_ms; /* how long a call without a token waits for connectivity */
    double jitter;      /* 0: none; 0.5: each delay stretched by up to a half */
};

enum zone { ZONE_FRESH, ZONE_DUE, ZONE_DANGER, ZONE_NONE };

/* The defaults of the documentation. */
struct policy freshet_policy_default(void);

int64_t freshet_policy_min_remaining(const struct policy *policy, int64_t life_ms);

/* The threshold a read works with: what it asked for (or FRESHET_UNSET), not below the floor. */
int64_t freshet_policy_threshold(const struct policy *policy, int64_t life_ms, int64_t asked_ms);

/* The remaining life at which a refresh is due; a slow link moves it earlier. */
int64_t freshet_policy_due(const struct policy *policy, int64_t life_ms, int64_t round_trip_ms);

/* The least time between a fetched commit and the next background refresh. */
int64_t freshet_policy_spacing(int64_t life_ms);

/* The life a policy reckons with: exp - iat, or what is left if that is less than half. */
int64_t freshet_policy_life(int64_t iat_ms, int64_t exp_ms, int64_t issuer_now_ms);

enum zone freshet_policy_zone(const struct policy *policy, int64_t life_ms, int64_t round_trip_ms,
                              int64_t remaining_ms);

/* The delay after the given number of failures (from 1), without jitter. */
int64_t freshet_policy_delay(const struct policy *policy, int64_t first_ms, int failures);

/* The first delay while a token lives and nobody waits. */
int64_t freshet_policy_window_first(const struct policy *policy, int64_t life_ms);

#endif
