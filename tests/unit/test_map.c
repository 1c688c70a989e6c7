/* The hash map of core/map: found by hash, removed in any order, through every growth. */
#include "cmocka_all.h"

#include <stdlib.h>

#include "core/map.h"

#define COUNT 1000

struct thing {
    struct map_node node;
    int number;
};

/* The thing of that number under a hash, or NULL. */
static struct thing *thing_find(const struct map *map, uint64_t hash, int number)
{
    struct map_node *node = freshet_map_first(map, hash);

    while (node != NULL && ((struct thing *)node)->number != number) {
        node = freshet_map_next(node);
    }
    return (struct thing *)node;
}

static void nothing_is_found_in_an_empty_map(void **state)
{
    struct map map;

    (void)state;
    assert_true(freshet_map_init(&map));
    assert_int_equal(map.count, 0);
    assert_null(freshet_map_first(&map, 0));
    assert_null(freshet_map_first(&map, UINT64_MAX));
    freshet_map_free(&map);
}

static void every_node_is_found_through_every_growth(void **state)
{
    struct map map;
    struct thing *things = calloc(COUNT, sizeof(*things));

    (void)state;
    assert_non_null(things);
    assert_true(freshet_map_init(&map));
    for (int i = 0; i < COUNT; i++) {
        things[i].number = i;
        freshet_map_insert(&map, &things[i].node, freshet_map_mix((uint64_t)i));
    }
    assert_int_equal(map.count, COUNT);
    assert_true(map.size >= COUNT);
    assert_true((map.size & (map.size - 1)) == 0);
    for (int i = 0; i < COUNT; i++) {
        assert_ptr_equal(thing_find(&map, freshet_map_mix((uint64_t)i), i), &things[i]);
    }
    assert_null(freshet_map_first(&map, freshet_map_mix(COUNT)));
    freshet_map_free(&map);
    free(things);
}

static void nodes_of_one_hash_and_neighbours_of_one_bucket_are_told_apart(void **state)
{
    struct map map;
    struct thing things[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    static const uint64_t hashes[] = {7, 7, 7 + 4096, 7};
    int found = 0;

    (void)state;
    assert_true(freshet_map_init(&map));
    for (int i = 0; i < 4; i++) {
        freshet_map_insert(&map, &things[i].node, hashes[i]);
    }
    for (struct map_node *node = freshet_map_first(&map, 7); node != NULL;
         node = freshet_map_next(node)) {
        assert_int_not_equal(((struct thing *)node)->number, 2);
        found++;
    }
    assert_int_equal(found, 3);
    assert_ptr_equal(freshet_map_first(&map, 7 + 4096), &things[2].node);
    assert_null(freshet_map_next(freshet_map_first(&map, 7 + 4096)));
    freshet_map_free(&map);
}

static void a_removed_node_is_gone_and_its_neighbours_stay(void **state)
{
    struct map map;
    struct thing things[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct thing stranger = {.number = 3};

    (void)state;
    assert_true(freshet_map_init(&map));
    for (int i = 0; i < 3; i++) {
        freshet_map_insert(&map, &things[i].node, 9);
    }
    freshet_map_remove(&map, &things[1].node);
    assert_int_equal(map.count, 2);
    assert_null(thing_find(&map, 9, 1));
    assert_ptr_equal(thing_find(&map, 9, 0), &things[0]);
    assert_ptr_equal(thing_find(&map, 9, 2), &things[2]);
    stranger.node.hash = 9;
    freshet_map_remove(&map, &stranger.node);
    assert_int_equal(map.count, 2);
    freshet_map_remove(&map, &things[0].node);
    freshet_map_remove(&map, &things[2].node);
    assert_int_equal(map.count, 0);
    assert_null(freshet_map_first(&map, 9));
    freshet_map_free(&map);
}

static void small_numbers_spread_over_the_buckets(void **state)
{
    int used = 0;
    bool taken[256] = {false};

    (void)state;
    for (uint64_t i = 0; i < 256; i++) {
        uint64_t bucket = freshet_map_mix(i) & 255;

        used += taken[bucket] ? 0 : 1;
        taken[bucket] = true;
    }
    assert_true(used > 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_in_an_empty_map),
        cmocka_unit_test(every_node_is_found_through_every_growth),
        cmocka_unit_test(nodes_of_one_hash_and_neighbours_of_one_bucket_are_told_apart),
        cmocka_unit_test(a_removed_node_is_gone_and_its_neighbours_stay),
        cmocka_unit_test(small_numbers_spread_over_the_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
