/*
 * What the files that speak the Frontend API share, and nobody else needs.
 */
#ifndef FRESHET_SOURCE_CLERK_H
#define FRESHET_SOURCE_CLERK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "source/source.h"

/* Bytes of an answer's body that are looked at: the transport's limit, and the reader's. */
size_t freshet_clerk_answer_max(enum endpoint on);

/* ---- the memory behind a reading (reading.c) ---- */

#define FRESHET_CODE_MAX 64

struct reading_memory {
    json_t *root; /* NULL: no body, or none that is a JSON object */
    void *claims; /* of the bare token */
    struct client_session *sessions;
    void **session_claims;
    size_t session_count;
    char code[FRESHET_CODE_MAX + 1];
    char *credential;
};

/* The memory of a reading; NULL without any. */
struct reading_memory *freshet_reading_new(struct reading *reading);

/* ---- clients inside answers (clerk_client.c) ---- */

/* Takes a client, or with null a client without sessions. False, and nothing taken, if it cannot
 * be read whole: half a client would look like a sign-out. */
bool freshet_clerk_client(struct reading *reading, const json_t *client);

/* Takes one session alone as a client that shows nothing else. */
bool freshet_clerk_lone_session(struct reading *reading, const json_t *session);

#endif
