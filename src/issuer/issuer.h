/*
 * The issuer as a whole, without its sockets: what main.c builds, server.c serves and admin.c shows.
 */
#ifndef FRESHET_ISSUER_ISSUER_H
#define FRESHET_ISSUER_ISSUER_H

#include "issuer/api.h"
#include "issuer/clock.h"
#include "issuer/faults.h"
#include "issuer/log.h"
#include "issuer/options.h"
#include "issuer/world.h"

struct issuer {
    const struct options *options;
    struct faults *faults;
    struct mint *mint;
    struct log *log;
    struct world world;
    struct moment started;
    char publishable_key[96];
    int64_t requests[ENDPOINT_COUNT];
    int64_t request_count;
    int64_t in_flight; /* whole and not yet answered, hanging ones too, admin requests not */
    int64_t hanging;
};

/* Makes the key, the world and the log; -1 with a problem. The issuer starts out zeroed. */
int freshet_issuer_open(struct issuer *issuer, const struct options *options, struct faults *faults,
                        struct problem *problem);
void freshet_issuer_close(struct issuer *issuer);

/* The port is known: this makes the URL and the publishable key. */
void freshet_issuer_located(struct issuer *issuer, const struct sockaddr_in *address);

/* {"url", "publishable_key", "client_token", "session_id"} with a client token made for it. */
json_t *freshet_issuer_ready(struct issuer *issuer);

/* Answers a whole request, and carries it out. */
void freshet_issuer_answer(struct issuer *issuer, const struct call *call, struct answer *answer);

/* The requests to /__freshet: state, faults, settings, session. */
void freshet_admin_answer(struct issuer *issuer, const struct call *call, struct moment now,
                          struct answer *answer);

#endif
