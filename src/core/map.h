/*
 * A small hash map of nodes that live inside their owners: no allocation per entry.
 *
 * The caller hashes and compares; the map keeps chains short by doubling its buckets.
 */
#ifndef FRESHET_CORE_MAP_H
#define FRESHET_CORE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node {
    struct map_node *next;
    uint64_t hash;
};

struct map {
    struct map_node **buckets;
    size_t size; /* a power of two */
    size_t count;
};

bool freshet_map_init(struct map *map);
void freshet_map_free(struct map *map);

/* Never fails: when the buckets cannot grow, chains do. */
void freshet_map_insert(struct map *map, struct map_node *node, uint64_t hash);
void freshet_map_remove(struct map *map, struct map_node *node);

/* The first node of the chain for a hash, then the next ones with the same hash; NULL at the end. */
struct map_node *freshet_map_first(const struct map *map, uint64_t hash);
struct map_node *freshet_map_next(const struct map_node *node);

/* Spreads a number over 64 bits. */
uint64_t freshet_map_mix(uint64_t value);

#endif
