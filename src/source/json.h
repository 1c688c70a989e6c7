/*
 * Bounded JSON: what comes from an issuer is measured before it is parsed.
 *
 * Depth is counted in the raw bytes, duplicates and trailing bytes are refused, and the parser's
 * own error text is never used, because it quotes its input. Strings are wiped when freed; what the
 * parser itself copied while it read cannot be reached from here.
 */
#ifndef FRESHET_SOURCE_JSON_H
#define FRESHET_SOURCE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRESHET_ID_MAX 255

/* The root object, or NULL for anything else and anything longer than `max`. */
json_t *freshet_json_object(const char *text, size_t length, size_t max);
void freshet_json_free(json_t *root);

/* A string member, "" where it is missing or of another type. */
const char *freshet_json_string(const json_t *object, const char *name);

/* An identifier: at most FRESHET_ID_MAX visible ASCII characters; "" where it is missing or null.
 * False where something else stands. */
bool freshet_json_id(const json_t *object, const char *name, const char **id);

/* A NumericDate (RFC 7519, section 2) in whole seconds, a fraction cut off; false where it is missing
 * or no such number. */
bool freshet_json_seconds(const json_t *object, const char *name, int64_t *value);

#endif
