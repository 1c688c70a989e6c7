/*
 * Keys and interned names of core/key.h.
 */
#include "core/key.h"

#include <stdlib.h>
#include <string.h>

#include "core/map.h"

#define NAMES_INITIAL_BUCKETS 64

bool freshet_key_equal(const struct key *a, const struct key *b)
{
    return a->issuer == b->issuer && a->session == b->session &&
           a->template_name == b->template_name && a->organization == b->organization &&
           a->audience == b->audience;
}

uint64_t freshet_key_hash(const struct key *key)
{
    uint64_t hash = freshet_map_mix(((uint64_t)key->issuer << 32) | key->session);

    hash = freshet_map_mix(hash ^ (((uint64_t)key->template_name << 32) | key->organization));
    return freshet_map_mix(hash ^ key->audience);
}

static uint64_t names_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return freshet_map_mix(hash);
}

bool freshet_names_init(struct names *names, uint32_t limit)
{
    *names = (struct names){.bucket_count = NAMES_INITIAL_BUCKETS, .limit = limit};
    names->buckets = calloc(names->bucket_count, sizeof(uint32_t));
    return names->buckets != NULL && freshet_names_intern(names, "") == 0;
}

void freshet_names_free(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        free(names->texts[i]);
    }
    free(names->texts);
    free(names->buckets);
    *names = (struct names){0};
}

/* The bucket that holds a text, or the free one where it belongs. */
static uint32_t *names_bucket(const struct names *names, const char *text)
{
    uint32_t mask = names->bucket_count - 1;
    uint32_t at = (uint32_t)names_hash(text) & mask;

    while (names->buckets[at] != 0 && strcmp(names->texts[names->buckets[at] - 1], text) != 0) {
        at = (at + 1) & mask;
    }
    return &names->buckets[at];
}

/* Keeps at least half of the buckets free, and room for one more text. */
static bool names_grow(struct names *names)
{
    uint32_t *old = names->buckets;
    uint32_t *buckets = NULL;
    char **texts = NULL;

    if (names->texts != NULL && names->count < names->bucket_count / 2) {
        return true;
    }
    texts = realloc(names->texts, names->bucket_count * sizeof(char *));
    if (texts == NULL) {
        return false;
    }
    names->texts = texts;
    if (names->count < names->bucket_count / 2) {
        return true;
    }
    buckets = calloc((size_t)names->bucket_count * 2, sizeof(uint32_t));
    if (buckets == NULL) {
        return false;
    }
    names->buckets = buckets;
    names->bucket_count *= 2;
    for (uint32_t i = 0; i < names->count; i++) {
        *names_bucket(names, names->texts[i]) = i + 1;
    }
    free(old);
    texts = realloc(names->texts, names->bucket_count * sizeof(char *));
    if (texts == NULL) {
        return false;
    }
    names->texts = texts;
    return true;
}

uint32_t freshet_names_find(const struct names *names, const char *text)
{
    uint32_t found = *names_bucket(names, text);

    return found != 0 ? found - 1 : FRESHET_NAME_NONE;
}

uint32_t freshet_names_intern(struct names *names, const char *text)
{
    uint32_t found = freshet_names_find(names, text);
    size_t length = strlen(text);
    char *copy = NULL;

    if (found != FRESHET_NAME_NONE) {
        return found;
    }
    if (length > FRESHET_NAME_MAX || names->count >= names->limit || !names_grow(names)) {
        return FRESHET_NAME_NONE;
    }
    copy = malloc(length + 1);
    if (copy == NULL) {
        return FRESHET_NAME_NONE;
    }
    memcpy(copy, text, length + 1);
    names->texts[names->count] = copy;
    *names_bucket(names, text) = names->count + 1;
    return names->count++;
}

const char *freshet_names_text(const struct names *names, uint32_t name)
{
    return name < names->count ? names->texts[name] : "";
}
