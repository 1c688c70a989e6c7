/*
 * The structured key of a token, and the interning that makes its parts numbers.
 *
 * Parts are never joined to a string, so "template X" can never be taken for "organization X", and
 * a million sessions share the few names they use. Number 0 is the empty name: no template, the
 * personal workspace, no audience.
 */
#ifndef FRESHET_CORE_KEY_H
#define FRESHET_CORE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRESHET_NAME_MAX  255
#define FRESHET_NAME_NONE UINT32_MAX /* no such name, or no room for it */

struct key {
    uint32_t issuer;
    uint32_t session;
    uint32_t template_name;
    uint32_t organization;
    uint32_t audience;
};

bool freshet_key_equal(const struct key *a, const struct key *b);
uint64_t freshet_key_hash(const struct key *key);

/* A table of names; each distinct text is stored once and never removed. */
struct names {
    char **texts;
    uint32_t *buckets; /* open addressing: name number + 1, 0 is free */
    uint32_t count;
    uint32_t bucket_count;
    uint32_t limit;
};

bool freshet_names_init(struct names *names, uint32_t limit);
void freshet_names_free(struct names *names);

/* The number of a text, new or known; FRESHET_NAME_NONE if it is too long or the table is full. */
uint32_t freshet_names_intern(struct names *names, const char *text);

/* The number of a text already known, or FRESHET_NAME_NONE. */
uint32_t freshet_names_find(const struct names *names, const char *text);

const char *freshet_names_text(const struct names *names, uint32_t name);

#endif
