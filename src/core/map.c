/*
 * The hash map of core/map.h: chains of intrusive nodes, doubled at one node a bucket.
 */
#include "core/map.h"

#include <stdlib.h>

#define MAP_INITIAL_SIZE 64

bool freshet_map_init(struct map *map)
{
    map->buckets = calloc(MAP_INITIAL_SIZE, sizeof(struct map_node *));
    map->size = MAP_INITIAL_SIZE;
    map->count = 0;
    return map->buckets != NULL;
}

void freshet_map_free(struct map *map)
{
    free(map->buckets);
    map->buckets = NULL;
}

uint64_t freshet_map_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9u;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static void map_grow(struct map *map)
{
    size_t size = map->size * 2;
    struct map_node **buckets = calloc(size, sizeof(struct map_node *));

    if (buckets == NULL) {
        return;
    }
    for (size_t i = 0; i < map->size; i++) {
        struct map_node *node = map->buckets[i];

        while (node != NULL) {
            struct map_node *next = node->next;

            node->next = buckets[node->hash & (size - 1)];
            buckets[node->hash & (size - 1)] = node;
            node = next;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->size = size;
}

void freshet_map_insert(struct map *map, struct map_node *node, uint64_t hash)
{
    if (map->count >= map->size) {
        map_grow(map);
    }
    node->hash = hash;
    node->next = map->buckets[hash & (map->size - 1)];
    map->buckets[hash & (map->size - 1)] = node;
    map->count++;
}

void freshet_map_remove(struct map *map, struct map_node *node)
{
    struct map_node **link = &map->buckets[node->hash & (map->size - 1)];

    while (*link != NULL) {
        if (*link == node) {
            *link = node->next;
            map->count--;
            return;
        }
        link = &(*link)->next;
    }
}

struct map_node *freshet_map_first(const struct map *map, uint64_t hash)
{
    struct map_node *node = map->buckets[hash & (map->size - 1)];

    while (node != NULL && node->hash != hash) {
        node = node->next;
    }
    return node;
}

struct map_node *freshet_map_next(const struct map_node *node)
{
    uint64_t hash = node->hash;

    for (node = node->next; node != NULL && node->hash != hash; node = node->next) {
    }
    return (struct map_node *)node;
}
