/*
 * The JSON of the Frontend API's resources, as the reference describes them. Each function returns
 * a new object, or NULL without memory.
 */
#ifndef FRESHET_ISSUER_SHAPE_H
#define FRESHET_ISSUER_SHAPE_H

#include "issuer/world.h"

json_t *freshet_shape_environment(const struct world *world);

/* The owner's client with fresh tokens in it; a client without sessions for anybody else. */
json_t *freshet_shape_client(struct world *world, bool owner, int64_t now_ms);
json_t *freshet_shape_session(struct world *world, const struct session *session, int64_t now_ms);
json_t *freshet_shape_user(const struct world *world, const struct session *session);

#endif
