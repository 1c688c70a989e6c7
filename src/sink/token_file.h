/*
 * A plain token file: the token's text and a line end, for programs that read one at each use.
 */
#ifndef FRESHET_SINK_TOKEN_FILE_H
#define FRESHET_SINK_TOKEN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "sink/place.h"

/* The token in a file's text, without white space around it; NULL when there is none. */
void freshet_token_file_find(const char *text, size_t length, const char **token,
                             size_t *token_length);

bool freshet_token_file_write(const struct outlet_place *place, const char *token,
                              struct place_fault *fault);

#endif
