/*
 * The Frontend API that session tokens need, the key set, and the demo API that checks them. A call
 * in, an answer out; no sockets.
 */
#ifndef FRESHET_ISSUER_API_H
#define FRESHET_ISSUER_API_H

#include "issuer/answer.h"
#include "issuer/route.h"
#include "issuer/world.h"

/* What of a request an answer depends on. Texts are never NULL unless said. */
struct call {
    struct route route;
    bool native;               /* `_is_native=1`: the client token is in Authorization */
    const char *authorization; /* without "Bearer " */
    const char *session_query; /* `_clerk_session_id` */
    const char *cookie;        /* `__session` */
    const char *origin;        /* NULL without one */
    const char *host;
    const char *body;
    size_t body_bytes;
};

void freshet_api_answer(struct world *world, const struct call *call, int64_t wall_ms,
                        struct answer *answer);

/* The token in an Authorization header, with or without "Bearer ". */
const char *freshet_api_credential(const char *authorization);

#endif
