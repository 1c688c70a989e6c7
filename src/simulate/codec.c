/*
 * Records between processes that share one boot: everything of that is the runtime's but the place.
 */
#include "simulate/codec.h"

#include <stdlib.h>

#include "source/source.h"

static const struct origin codec_here = {.boot_id = "simulated", .time_namespace = 1};

char *freshet_sim_record_encode(const struct key_view *key, const struct record *record,
                                size_t *length)
{
    char *bytes = malloc(FRESHET_RECORD_MAX);

    *length = bytes == NULL
                  ? 0
                  : freshet_record_encode(key, record, 0, &codec_here, bytes, FRESHET_RECORD_MAX);
    if (*length == 0) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static bool codec_read_token(const char *text, size_t length, struct token *token, void *context)
{
    void **claims = context;

    return freshet_jwt_read(text, length, token, claims);
}

bool freshet_sim_record_decode(const char *bytes, size_t length, const struct key_view *key,
                               struct now now, struct decoded *decoded)
{
    decoded->claims = NULL;
    return freshet_record_decode(bytes, length, key, &codec_here, now, &decoded->shared) ==
               RECORD_GOOD &&
           freshet_shared_record_read_claims(&decoded->shared, codec_read_token, &decoded->claims);
}

void freshet_sim_record_free(struct decoded *decoded)
{
    freshet_jwt_free(decoded->claims);
    decoded->claims = NULL;
}
