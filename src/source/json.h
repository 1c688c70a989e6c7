/*
 * Bounded JSON: what comes from an issuer is measured before it is parsed.
 *
 * Depth is counted in the raw bytes, duplicates and trailing bytes are refused, and the parser's
 * own error text is never used, because it quotes its input.
 */
#ifndef FRESHET_SOURCE_JSON_H
#define FRESHET_SOURCE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The root object, or NULL for anything else. The caller decrefs it. */
json_t *freshet_json_object(const char *text, size_t length);

/* Members of an object; "" and 0 where they are missing or of another type. */
const char *freshet_json_string(const json_t *object, const char *name);
bool freshet_json_integer(const json_t *object, const char *name, int64_t *value);

#endif
