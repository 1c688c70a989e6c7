/*
 * The memory behind a reading: everything an outcome points into, wiped when it goes.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "source/clerk.h"
#include "source/json.h"

struct reading_memory *freshet_reading_new(struct reading *reading)
{
    reading->memory = calloc(1, sizeof(struct reading_memory));
    return reading->memory;
}

void freshet_reading_free(struct reading *reading)
{
    struct reading_memory *memory = reading->memory;

    *reading = (struct reading){.outcome = {.code = ""}};
    if (memory == NULL) {
        return;
    }
    freshet_jwt_free(memory->claims);
    for (size_t i = 0; i < memory->session_count; i++) {
        freshet_jwt_free(memory->session_claims[i]);
    }
    free(memory->session_claims);
    free(memory->sessions);
    if (memory->credential != NULL) {
        sodium_memzero(memory->credential, strlen(memory->credential));
        free(memory->credential);
    }
    freshet_json_free(memory->root);
    free(memory);
}
