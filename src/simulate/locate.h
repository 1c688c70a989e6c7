/*
 * Where a member stands in a JSON text. The parser keeps no lines, so this walks the raw text again
 * along a path. Only texts that the parser has accepted may be given.
 */
#ifndef FRESHET_SIMULATE_LOCATE_H
#define FRESHET_SIMULATE_LOCATE_H

#include <stddef.h>

/* One step of a path from the root; the root itself is NULL. */
struct place {
    const struct place *parent;
    const char *member; /* NULL: the index-th element of an array */
    size_t index;
};

/* The line, from 1, on which a member's name or an element begins. */
int freshet_locate_line(const char *text, size_t length, const struct place *place);

#endif
