/*
 * What the issuer does and how badly: the part of its configuration that can be changed while it
 * runs, from the command line and from the admin endpoint alike, under one set of bounds.
 */
#ifndef FRESHET_ISSUER_SETTINGS_H
#define FRESHET_ISSUER_SETTINGS_H

#include "issuer/problem.h"

#include <stdbool.h>
#include <stdint.h>

enum rotation { ROTATION_GRACE, ROTATION_STRICT, ROTATION_KEEP };
enum oiat { OIAT_NOW, OIAT_NONE, OIAT_FIXED };

struct settings {
    int64_t ttl_s;          /* exp - iat of every token */
    int64_t latency_ms;     /* every Frontend API answer is this late */
    int64_t clock_ahead_ms; /* the issuer's clock minus the machine's */
    int64_t issue_age_ms;   /* tokens are born this old */
    int64_t oiat_s;         /* with OIAT_FIXED */
    enum oiat oiat;
    enum rotation rotation;
    bool session_minter;
    bool signed_in;
    bool date; /* answers carry Date */
};

void freshet_settings_default(struct settings *settings);

/* Changes those that the object names, all or none. */
int freshet_settings_change(struct settings *settings, json_t *object, struct problem *problem);
json_t *freshet_settings_show(const struct settings *settings);

/* "250ms", "60s", "1.5m", "-20s", "2h"; a number without a unit is in seconds. */
int freshet_duration_parse(const char *text, int64_t *duration_ms, struct problem *problem);

/* One setting from the command line, named as in the settings object. */
int freshet_settings_text(struct settings *settings, const char *name, const char *text,
                          struct problem *problem);

#endif
