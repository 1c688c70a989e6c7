/*
 * What reaches the disk, in which order, and a disk that is full, read-only or failing: before the
 * request nothing is sent; after the answer the successor is tried again, and the old one is kept.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_place.h"

#define OLD "credential-old"
#define NEW "credential-new"

/* What reaches the disk, in order: f a file's bytes, d a folder's names, r a rename. */
static char disk_trace[256];
static size_t disk_traced;
static int disk_fail_fsync; /* the how many-th from now fails; 0: none */

int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor);
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);

static void disk_note(char what)
{
    if (disk_traced < sizeof(disk_trace) - 1) {
        disk_trace[disk_traced++] = what;
        disk_trace[disk_traced] = '\0';
    }
}

int __wrap_fsync(int descriptor)
{
    struct stat status;

    disk_note(fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode) ? 'd' : 'f');
    if (disk_fail_fsync > 0 && --disk_fail_fsync == 0) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(descriptor);
}

int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    disk_note('r');
    return __real_renameat(from_folder, from, to_folder, to);
}

static int disk_setup(void **state)
{
    if (freshet_place_setup(state) != 0) {
        return -1;
    }
    disk_fail_fsync = 0;
    freshet_place_open(*state, NULL);
    freshet_place_seed(*state, OLD);
    return 0;
}

/* Back to a store that holds the old one and nothing else. */
static void disk_again(void **state)
{
    freshet_place_teardown(state);
    assert_int_equal(disk_setup(state), 0);
}

/* Bytes before names, names before the next step: proved, journaled, saved, settled. */
static void the_disk_is_told_in_order(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    bool saved = false;

    disk_traced = 0;
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_OK);
    assert_string_equal(disk_trace, "ffrd");
    disk_traced = 0;
    assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL), 0);
    assert_string_equal(disk_trace, "frd");
    freshet_spend_end(spend, SPEND_ANSWERED);
}

/* Two folders for the store, one for the key; then the key's bytes and its name. */
static void new_folders_and_the_key_are_durable(void **state)
{
    disk_traced = 0;
    freshet_place_open(*state, NULL);
    assert_string_equal(disk_trace, "dddfd");
}

static void a_disk_that_fails_before_the_request_stops_it(void **state)
{
    struct place *place = *state;

    for (int nth = 1; nth <= 3; nth++) {
        struct spend *spend = NULL;
        struct store_error error = {{0}};

        disk_fail_fsync = nth;
        assert_int_equal(
            freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, &error),
            FRESHET_STORE);
        assert_non_null(strstr(error.text, "kept"));
        assert_int_equal(disk_fail_fsync, 0);
        freshet_place_holds(place, OLD);
        assert_false(freshet_place_has(place, VAULT_NEXT));
        assert_false(freshet_place_has(place, VAULT_JOURNAL));
    }
}

/* The name was changed, and the disk did not confirm that: the same answer is saved once more. */
static void an_unconfirmed_rename_is_tried_again(void **state)
{
    struct place *place = *state;

    for (int mode = LOCK_SHARED; mode <= LOCK_EXCLUSIVE; mode++) {
        const struct place_expected expected = {NEW, false, false};
        struct spend *spend = NULL;
        bool saved = true;

        assert_int_equal(freshet_spend_begin(place->vault, (enum lock_mode)mode, "client",
                                             PLACE_NOW, &spend, NULL),
                         FRESHET_OK);
        disk_fail_fsync = mode == LOCK_SHARED ? 3 : 2;
        assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL),
                         FRESHET_STORE);
        assert_int_equal(disk_fail_fsync, 0);
        freshet_place_holds(place, NEW);
        assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL), 0);
        assert_true(saved);
        freshet_spend_end(spend, SPEND_ANSWERED);
        freshet_place_recovers(place, LOCK_EXCLUSIVE, &expected);
        disk_again(state);
        place = *state;
    }
}

static void a_disk_that_fails_after_the_answer_is_tried_again(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    bool saved = true;

    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_OK);
    disk_fail_fsync = 1;
    assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL),
                     FRESHET_STORE);
    assert_false(saved);
    freshet_place_holds(place, OLD);
    assert_true(freshet_place_has(place, VAULT_JOURNAL));
    assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL), 0);
    assert_true(saved);
    freshet_spend_end(spend, SPEND_ANSWERED);
    freshet_place_holds(place, NEW);
    assert_false(freshet_place_has(place, VAULT_JOURNAL));
}

static void a_successor_that_never_reached_the_disk_leaves_the_journal(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    const struct place_expected expected = {OLD, true, false};
    bool saved = true;

    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_OK);
    disk_fail_fsync = 1;
    assert_int_equal(freshet_spend_save(spend, NEW, strlen(NEW), PLACE_NOW, &saved, NULL),
                     FRESHET_STORE);
    freshet_spend_end(spend, SPEND_ANSWERED);
    freshet_place_recovers(place, LOCK_SHARED, &expected);
}

/* A limit on the size of files stands for a full disk. */
static int disk_full(struct place *place, int room)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)room, .rlim_max = (rlim_t)room};
    struct spend *spend = NULL;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 1;
    }
    if (freshet_vault_write(place->vault, VAULT_TOKEN, "a-new-token", 11, NULL) != FRESHET_STORE) {
        return 2;
    }
    return (int)freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend,
                                    NULL);
}

static void a_full_disk_sends_nothing_and_keeps_the_old(void **state)
{
    struct place *place = *state;
    struct secret plain;

    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, "a-token", 7, NULL), 0);
    assert_int_equal(freshet_place_child(disk_full, place, 40), FRESHET_STORE);
    freshet_place_holds(place, OLD);
    assert_false(freshet_place_has(place, VAULT_NEXT));
    assert_false(freshet_place_has(place, VAULT_JOURNAL));
    assert_int_equal(freshet_vault_read(place->vault, VAULT_TOKEN, &plain, NULL), FRESHET_OK);
    assert_string_equal(plain.text, "a-token");
    freshet_secret_free(&plain);
}

/* As nobody, for root may write everywhere. */
static int disk_read_only(struct place *place, int uid)
{
    struct spend *spend = NULL;
    bool changed = false;

    if (uid > 0 && (setgid((gid_t)uid) != 0 || setuid((uid_t)uid) != 0)) {
        return 1;
    }
    if (freshet_vault_write(place->vault, VAULT_TOKEN, "a", 1, NULL) != FRESHET_STORE) {
        return 2;
    }
    if (freshet_vault_seed(place->vault, NEW, strlen(NEW), PLACE_NOW, &changed, NULL) !=
        FRESHET_STORE) {
        return 3;
    }
    return (int)freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend,
                                    NULL);
}

static void a_read_only_store_sends_nothing_and_keeps_the_old(void **state)
{
    struct place *place = *state;
    const int uid = geteuid() == 0 ? 65534 : 0;
    char command[256];

    assert_int_equal(fchmod(place->store->folder, 0500), 0);
    if (uid > 0) {
        snprintf(command, sizeof(command), "chown -R %d:%d %s", uid, uid, place->root);
        assert_int_equal(system(command), 0);
    }
    assert_int_equal(freshet_place_child(disk_read_only, place, uid), FRESHET_STORE);
    if (uid > 0) {
        snprintf(command, sizeof(command), "chown -R 0:0 %s", place->root);
        assert_int_equal(system(command), 0);
    }
    assert_int_equal(fchmod(place->store->folder, 0700), 0);
    freshet_place_holds(place, OLD);
    assert_false(freshet_place_has(place, VAULT_NEXT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_disk_is_told_in_order, disk_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(new_folders_and_the_key_are_durable, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(an_unconfirmed_rename_is_tried_again, disk_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_before_the_request_stops_it, disk_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_after_the_answer_is_tried_again,
                                        disk_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_successor_that_never_reached_the_disk_leaves_the_journal,
                                        disk_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_sends_nothing_and_keeps_the_old, disk_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_read_only_store_sends_nothing_and_keeps_the_old,
                                        disk_setup, freshet_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
