/*
 * A meeting place or a state folder that cannot be used, or that fills up: tokens go on being served,
 * and the status says why they are not shared or not kept.
 *
 * Read-only and full file systems are mounted in a mount namespace of the test's own; where that is
 * not allowed, those tests are skipped.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "herd.h"

#define HERD       3
#define PATIENT_MS 20000

static int places_open(void **state)
{
    static const char *const options[] = {"--ttl", "2s", NULL};
    struct herd *herd = calloc(1, sizeof(*herd));

    assert_non_null(herd);
    freshet_herd_open(herd, options);
    *state = herd;
    return 0;
}

static int places_close(void **state)
{
    freshet_herd_close(*state);
    free(*state);
    return 0;
}

/* ---- file systems ---- */

static void places_write(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
}

/* Our own user keeps its number in the namespace. */
static bool places_unshare(void)
{
    char map[64];

    if (unshare(CLONE_NEWNS) == 0) {
        return true;
    }
    snprintf(map, sizeof(map), "%u %u 1\n", geteuid(), geteuid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return false;
    }
    places_write("/proc/self/uid_map", map);
    return true;
}

static void places_mount(const char *path, unsigned long flags)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", path, "tmpfs", flags, "size=256k,mode=0700") != 0) {
        print_message("no file system can be mounted on %s: %s\n", path, strerror(errno));
        skip();
    }
}

/* What a member does next begins with no byte left. */
static void places_fill(const char *folder)
{
    static const char block[4096];
    char path[160];
    int descriptor = -1;

    snprintf(path, sizeof(path), "%s/filler", folder);
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    while (write(descriptor, block, sizeof(block)) > 0) {
    }
    assert_int_equal(errno, ENOSPC);
    close(descriptor);
}

/* That is refused while a file is open for writing, which none is for long. */
static void places_make_read_only(const char *path)
{
    while (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, "mode=0700") != 0) {
        assert_int_equal(errno, EBUSY);
    }
}

/* ---- judging ---- */

/* A touch wants to save a successor. */
static void places_touch(struct herd *herd)
{
    for (size_t i = 0; i < HERD; i++) {
        freshet_herd_command(herd, i, 'w');
    }
}

/* Each member gets its tokens, and waits for none of them. */
static void places_assert_served(struct herd *herd, unsigned tokens)
{
    freshet_herd_await(herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "all are ready");
    freshet_herd_mark(herd);
    freshet_herd_await(herd, freshet_herd_all_have, 0, tokens, PATIENT_MS, "tokens for all");
    freshet_herd_assert_well_kept(herd);
}

static void places_assert_says(const char *fault, const char *word)
{
    if (strstr(fault, word) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", fault, word);
    }
}

static void an_open_meeting_place_is_refused_and_tokens_are_served(void **state)
{
    struct herd *herd = *state;

    assert_int_equal(chmod(herd->runtime_dir, 0755), 0);
    freshet_herd_start_all(herd, HERD);
    places_assert_served(herd, 2);
    for (size_t i = 0; i < HERD; i++) {
        freshet_herd_ask_status(herd, i);
        assert_string_equal(herd->members[i].sharing, "off");
        places_assert_says(herd->members[i].sharing_fault, herd->runtime_dir);
        places_assert_says(herd->members[i].sharing_fault, "700");
        assert_string_equal(herd->members[i].credential_fault, "");
    }
    assert_int_equal(freshet_herd_files(herd, ".record"), 0);
}

/* Alone, for without a store each process has a client token of its own, and rotation parts them. */
static void a_missing_state_folder_is_named_and_tokens_are_served(void **state)
{
    struct herd *herd = *state;

    snprintf(herd->state_dir, sizeof(herd->state_dir), "/proc/freshet");
    freshet_herd_start_all(herd, 1);
    places_assert_served(herd, 2);
    freshet_herd_ask_status(herd, 0);
    assert_string_equal(herd->members[0].sharing, "on");
    assert_string_equal(herd->members[0].sharing_fault, "");
    places_assert_says(herd->members[0].credential_fault, herd->state_dir);
}

static void places_assert_read_only_is_said(struct herd *herd)
{
    for (size_t i = 0; i < herd->count; i++) {
        freshet_herd_ask_status(herd, i);
        places_assert_says(herd->members[i].sharing_fault, "read-only");
        assert_string_not_equal(herd->members[i].credential_fault, "");
    }
}

static void read_only_places_are_named_and_tokens_are_served(void **state)
{
    struct herd *herd = *state;

    places_mount(herd->runtime_dir, MS_RDONLY);
    places_mount(herd->state_dir, MS_RDONLY);
    freshet_herd_start_all(herd, 1);
    places_assert_served(herd, 2);
    places_assert_read_only_is_said(herd);
}

static void places_that_become_read_only_are_named_and_tokens_are_served(void **state)
{
    struct herd *herd = *state;

    places_mount(herd->runtime_dir, 0);
    places_mount(herd->state_dir, 0);
    freshet_herd_start_all(herd, HERD);
    places_assert_served(herd, 2);
    places_make_read_only(herd->runtime_dir);
    places_make_read_only(herd->state_dir);
    places_touch(herd);
    places_assert_served(herd, 2);
    places_assert_read_only_is_said(herd);
}

/* They begin well, and then no file can grow any more; a touch asks the store for room. */
static void full_disks_are_named_and_tokens_are_served(void **state)
{
    struct herd *herd = *state;

    places_mount(herd->runtime_dir, 0);
    places_mount(herd->state_dir, 0);
    freshet_herd_start_all(herd, HERD);
    places_assert_served(herd, 2);
    places_fill(herd->runtime_dir);
    places_fill(herd->state_dir);
    places_touch(herd);
    places_assert_served(herd, 2);
    for (size_t i = 0; i < HERD; i++) {
        freshet_herd_ask_status(herd, i);
        places_assert_says(herd->members[i].sharing_fault, "make room");
        assert_string_not_equal(herd->members[i].credential_fault, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_meeting_place_is_refused_and_tokens_are_served,
                                        places_open, places_close),
        cmocka_unit_test_setup_teardown(a_missing_state_folder_is_named_and_tokens_are_served,
                                        places_open, places_close),
        cmocka_unit_test_setup_teardown(read_only_places_are_named_and_tokens_are_served,
                                        places_open, places_close),
        cmocka_unit_test_setup_teardown(
            places_that_become_read_only_are_named_and_tokens_are_served, places_open,
            places_close),
        cmocka_unit_test_setup_teardown(full_disks_are_named_and_tokens_are_served, places_open,
                                        places_close),
    };

    if (!places_unshare()) {
        fputs("no mount namespace can be had\n", stderr);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
