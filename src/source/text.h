/*
 * Text that grows, for URLs and forms. It may hold secrets, so what it outgrows is wiped.
 *
 * A failed allocation is remembered in `failed` and asked for once, at the end.
 */
#ifndef FRESHET_SOURCE_TEXT_H
#define FRESHET_SOURCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes; /* terminated; NULL before the first addition */
    size_t length;
    size_t capacity;
    bool failed;
};

void freshet_text_add(struct text *text, const char *bytes, size_t length);
void freshet_text_say(struct text *text, const char *words);

/* One segment of a path, percent-encoded so that it stays one (RFC 3986 section 3.3). */
void freshet_text_segment(struct text *text, const char *segment);

/* "name=value" as application/x-www-form-urlencoded, after an ampersand unless it is the first. */
void freshet_text_pair(struct text *text, const char *name, const char *value, size_t length);
void freshet_text_pair_string(struct text *text, const char *name, const char *value);

void freshet_text_free(struct text *text);

#endif
