/*
 * The process dies at each point of a spend, a shared save and a seed. The next opener finds the old
 * credential or the new one, never neither, and knows which.
 */
#include "cmocka_all.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "store_place.h"

#define OLD   "credential-old"
#define NEW   "credential-new"
#define THIRD "credential-third"

static int crash_setup(void **state)
{
    if (freshet_place_setup(state) != 0) {
        return -1;
    }
    freshet_place_open(*state, NULL);
    freshet_place_seed(*state, OLD);
    return 0;
}

static void crash_at(void *context, enum store_point point)
{
    if ((int)point == *(int *)context) {
        _exit(40 + (int)point);
    }
}

/* A whole spend in a child that ends at the point; 0 if it never came there. */
static int crash_spending(struct place *place, int point, enum lock_mode mode)
{
    struct store_probe probe = {.at = crash_at, .context = &point};
    struct spend *spend = NULL;
    bool saved = false;

    freshet_place_open(place, &probe);
    if (freshet_spend_begin(place->vault, mode, "client", PLACE_NOW, &spend, NULL) != FRESHET_OK ||
        freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL) != FRESHET_OK) {
        return 1;
    }
    freshet_spend_end(spend, SPEND_ANSWERED);
    return 0;
}

static int crash_exclusive(struct place *place, int point)
{
    return crash_spending(place, point, LOCK_EXCLUSIVE);
}

static int crash_shared(struct place *place, int point)
{
    return crash_spending(place, point, LOCK_SHARED);
}

static int crash_seeding(struct place *place, int point)
{
    struct store_probe probe = {.at = crash_at, .context = &point};
    bool changed = false;

    freshet_place_open(place, &probe);
    return (int)freshet_vault_seed(place->vault, NEW, strlen(NEW), PLACE_NOW, &changed, NULL);
}

/* A recovery that dies too. */
static int crash_recovering(struct place *place, int point)
{
    struct store_probe probe = {.at = crash_at, .context = &point};
    struct spend *spend = NULL;

    freshet_place_open(place, &probe);
    return (int)freshet_spend_begin(place->vault, LOCK_SHARED, "token", PLACE_NOW, &spend, NULL);
}

/* The table of docs/credentials.md. */
static const struct place_expected crash_table[STORE_POINTS] = {
    [STORE_AT_LOCKED] = {OLD, false, false},
    [STORE_AT_PROVED] = {OLD, false, false},
    [STORE_AT_INTENT_WRITTEN] = {OLD, false, false},
    [STORE_AT_JOURNALED] = {OLD, true, false},
    [STORE_AT_SUCCESSOR_HALF] = {OLD, true, false},
    [STORE_AT_SUCCESSOR_WRITTEN] = {NEW, false, true},
    [STORE_AT_SUCCESSOR_SYNCED] = {NEW, false, true},
    [STORE_AT_RENAMED] = {NEW, false, false},
    [STORE_AT_PUBLISHED] = {NEW, false, false},
    [STORE_AT_SETTLED] = {NEW, false, false},
};

/* Back to a store that holds the old one and nothing else. */
static void crash_again(void **state)
{
    freshet_place_teardown(state);
    assert_int_equal(crash_setup(state), 0);
}

static void every_point_of_a_spend_is_recovered(void **state)
{
    for (int mode = LOCK_SHARED; mode <= LOCK_EXCLUSIVE; mode++) {
        for (int point = 0; point < STORE_POINTS; point++) {
            assert_int_equal(freshet_place_child(crash_exclusive, *state, point), 40 + point);
            freshet_place_recovers(*state, (enum lock_mode)mode, &crash_table[point]);
            crash_again(state);
        }
    }
}

static void every_point_of_a_shared_save_is_recovered(void **state)
{
    for (int point = 0; point < STORE_POINTS; point++) {
        struct place_expected expected = crash_table[point];
        bool journal = point == STORE_AT_INTENT_WRITTEN || point == STORE_AT_JOURNALED ||
                       point == STORE_AT_SETTLED;

        if (journal) {
            continue;
        }
        expected.unsure = false;
        assert_int_equal(freshet_place_child(crash_shared, *state, point), 40 + point);
        freshet_place_recovers(*state, LOCK_EXCLUSIVE, &expected);
        crash_again(state);
    }
}

static void every_point_of_a_seed_is_recovered(void **state)
{
    for (int point = 0; point < STORE_POINTS; point++) {
        struct place_expected expected = crash_table[point];
        struct vault_session session = {.epoch = 1, .signed_out = true};
        struct place *place = *state;

        if (point == STORE_AT_INTENT_WRITTEN || point == STORE_AT_JOURNALED) {
            continue;
        }
        expected.unsure = false;
        assert_int_equal(freshet_vault_session_write(place->vault, &session, NULL), FRESHET_OK);
        assert_int_equal(freshet_place_child(crash_seeding, *state, point), 40 + point);
        freshet_place_open(place, NULL);
        assert_int_equal(freshet_vault_session_read(place->vault, &session, NULL), FRESHET_OK);
        assert_true(expected.text[11] == 'o' || !session.signed_out);
        freshet_place_recovers(*state, LOCK_EXCLUSIVE, &expected);
        crash_again(state);
    }
}

static void a_recovery_that_dies_is_recovered(void **state)
{
    const int points[] = {STORE_AT_RENAMED, STORE_AT_PUBLISHED};
    const struct place_expected expected = {NEW, false, false};

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        assert_int_equal(freshet_place_child(crash_exclusive, *state, STORE_AT_SUCCESSOR_WRITTEN),
                         40 + STORE_AT_SUCCESSOR_WRITTEN);
        assert_int_equal(freshet_place_child(crash_recovering, *state, points[i]), 40 + points[i]);
        freshet_place_recovers(*state, LOCK_EXCLUSIVE, &expected);
        crash_again(state);
    }
}

static void a_successor_of_something_else_is_not_adopted(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    static unsigned char bytes[20000];
    const struct place_expected expected = {NEW, false, false};
    size_t length = 0;
    bool saved = false;

    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_OK);
    assert_int_equal(freshet_spend_save(spend, THIRD, strlen(THIRD), PLACE_NOW, &saved, NULL), 0);
    length = freshet_place_read(place, VAULT_CREDENTIAL, bytes, sizeof(bytes));
    assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL), 0);
    freshet_spend_end(spend, SPEND_ANSWERED);
    freshet_place_write(place, VAULT_NEXT, bytes, length);
    freshet_place_recovers(*state, LOCK_SHARED, &expected);
}

/* How many files lie in the store whose names have this in them. */
static int crash_count(const struct place *place, const char *part)
{
    DIR *listing = opendir(place->folder);
    int count = 0;

    assert_non_null(listing);
    for (struct dirent *item = readdir(listing); item != NULL; item = readdir(listing)) {
        count += strstr(item->d_name, part) != NULL ? 1 : 0;
    }
    closedir(listing);
    return count;
}

static void a_finished_successor_that_does_not_open_is_set_aside(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;

    freshet_place_write(place, VAULT_NEXT, "freshet-store 2\nsealed-with-another-key", 39);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(
            freshet_spend_begin(place->vault, LOCK_SHARED, "token", PLACE_NOW, &spend, NULL),
            FRESHET_OK);
        assert_int_equal(freshet_spend_history(spend)->set_aside, round == 0);
        assert_string_equal(freshet_spend_credential(spend)->text, OLD);
        freshet_spend_end(spend, SPEND_ANSWERED);
    }
    assert_false(freshet_place_has(place, VAULT_NEXT));
    assert_int_equal(crash_count(place, ".unopened-"), 1);
    assert_true(freshet_place_shows(place, "sealed-with-another-key"));
}

static void a_first_credential_that_does_not_open_is_kept_and_told(void **state)
{
    struct place *place = *state;
    struct store_error error = {{0}};
    struct spend *spend = NULL;

    freshet_place_open(place, NULL);
    freshet_place_write(place, VAULT_NEXT, "freshet-store 2\nsealed-with-another-key", 39);
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_SHARED, "token", PLACE_NOW, &spend, &error),
        FRESHET_NONE);
    assert_non_null(strstr(error.text, "set aside"));
    assert_int_equal(crash_count(place, ".unopened-"), 1);
    freshet_place_seed(place, NEW);
    assert_int_equal(crash_count(place, ".unopened-"), 1);
}

static void a_successor_by_a_newer_freshet_stops_us_and_stays(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;

    freshet_place_write(place, VAULT_NEXT, "freshet-store 9\nwhatever", 24);
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_STORE);
    assert_true(freshet_place_has(place, VAULT_NEXT));
    freshet_place_holds(place, OLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_point_of_a_spend_is_recovered, crash_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(every_point_of_a_shared_save_is_recovered, crash_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(every_point_of_a_seed_is_recovered, crash_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_recovery_that_dies_is_recovered, crash_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_successor_of_something_else_is_not_adopted, crash_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_finished_successor_that_does_not_open_is_set_aside,
                                        crash_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_first_credential_that_does_not_open_is_kept_and_told,
                                        freshet_place_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_successor_by_a_newer_freshet_stops_us_and_stays,
                                        crash_setup, freshet_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
