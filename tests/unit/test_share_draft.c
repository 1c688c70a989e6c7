/* Of two that replace one file at a time, none overwrites what it has not seen. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share/draft.h"
#include "share/file.h"
#include "share_world.h"

static int folder_of(const struct share_world *world)
{
    const int folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(folder_fd >= 0);
    return folder_fd;
}

static struct share_name record_name(const struct share_world *world)
{
    return freshet_share_name_key(&world->key, SHARE_RECORD);
}

static void assert_file(const struct share_world *world, const char *expected)
{
    char bytes[64] = "";
    const size_t length = share_world_bytes(world, bytes, sizeof(bytes) - 1);

    bytes[length] = '\0';
    assert_string_equal(bytes, expected);
}

static void a_draft_takes_the_files_place(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = record_name(world);
    const int folder_fd = folder_of(world);
    struct draft draft = {0};

    assert_int_equal(freshet_draft_open(&draft, folder_fd, &name), 0);
    assert_int_equal(share_world_count(world, ".new-0"), 1);
    assert_int_equal(freshet_draft_finish(&draft, "one", 3), 0);
    freshet_draft_close(&draft);
    assert_file(world, "one");
    assert_int_equal(share_world_count(world, ".new-"), 0);
    close(folder_fd);
}

static void an_unfinished_draft_changes_nothing(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = record_name(world);
    const int folder_fd = folder_of(world);
    struct draft draft = {0};

    share_world_vandalise(world, "old", 3);
    assert_int_equal(freshet_draft_open(&draft, folder_fd, &name), 0);
    freshet_draft_close(&draft);
    assert_file(world, "old");
    assert_int_equal(share_world_count(world, ".new-"), 0);
    close(folder_fd);
}

static void who_looked_too_early_looks_again(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = record_name(world);
    const int folder_fd = folder_of(world);
    struct draft slow = {0};
    struct draft quick = {0};

    assert_int_equal(freshet_draft_open(&slow, folder_fd, &name), 0);
    assert_int_equal(freshet_draft_open(&quick, folder_fd, &name), 0);
    assert_int_equal(quick.number, 1);
    assert_int_equal(freshet_draft_finish(&quick, "quick", 5), 0);
    freshet_draft_close(&quick);
    assert_int_equal(freshet_draft_finish(&slow, "slow", 4), -ESTALE);
    freshet_draft_close(&slow);
    assert_file(world, "quick");

    assert_int_equal(freshet_draft_open(&slow, folder_fd, &name), 0);
    assert_int_equal(freshet_draft_finish(&slow, "slow", 4), 0);
    freshet_draft_close(&slow);
    assert_file(world, "slow");
    close(folder_fd);
}

static bool stops_before_its_rename(const struct share_world *world, struct other *parent)
{
    const struct share_name name = record_name(world);
    const int folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct draft draft = {0};
    int error = 0;

    (void)parent;
    if (freshet_draft_open(&draft, folder_fd, &name) != 0) {
        return false;
    }
    raise(SIGSTOP);
    error = freshet_draft_finish(&draft, "stopped", 7);
    freshet_draft_close(&draft);
    return error == -ESTALE;
}

static void a_stopped_writer_neither_blocks_nor_overwrites(void **state)
{
    const struct share_world *world = *state;
    struct other other = share_world_start(world, stops_before_its_rename);
    struct token_text text;
    const struct now now = share_world_now();
    const struct record record =
        share_world_record(&text, now.wall_ms / 1000, now.wall_ms / 1000 + 60, 0, "fresh");
    struct shared_record found = {0};

    share_world_stopped(&other);
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    kill(other.pid, SIGCONT);
    share_world_end(&other);
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_FOUND);
    assert_memory_equal(found.text, text.bytes, strlen(text.bytes));
    assert_int_equal(share_world_count(world, ".new-"), 0);
}

static void when_all_numbers_are_held_the_writer_says_so(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = record_name(world);
    const int folder_fd = folder_of(world);
    struct draft drafts[FRESHET_DRAFTS + 1] = {0};

    for (int i = 0; i < FRESHET_DRAFTS; i++) {
        assert_int_equal(freshet_draft_open(&drafts[i], folder_fd, &name), 0);
        assert_int_equal(drafts[i].number, i);
    }
    assert_int_equal(freshet_draft_open(&drafts[FRESHET_DRAFTS], folder_fd, &name), -EAGAIN);
    for (int i = 0; i <= FRESHET_DRAFTS; i++) {
        freshet_draft_close(&drafts[i]);
    }
    close(folder_fd);
}

static bool stays_with_a_draft(const struct share_world *world, struct other *parent)
{
    const struct share_name name = record_name(world);
    struct draft draft = {0};

    return freshet_draft_open(&draft, open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              &name) == 0 &&
           share_world_tell(parent) && share_world_hear(parent);
}

static void drafts_of_the_dead_are_removed_at_open(void **state)
{
    const struct share_world *world = *state;
    struct other other = share_world_start(world, stays_with_a_draft);
    struct share *share = NULL;

    assert_true(share_world_hear(&other));
    share = share_world_join(world);
    assert_int_equal(share_world_count(world, ".record.new-0"), 1); /* it lives */
    freshet_share_close(share);
    share_world_kill(&other);
    share = share_world_join(world);
    assert_int_equal(share_world_count(world, ".new-"), 0);
    freshet_share_close(share);
}

static void a_killed_writer_stops_nobody(void **state)
{
    const struct share_world *world = *state;
    struct other other = share_world_start(world, stays_with_a_draft);
    const struct now now = share_world_now();
    struct token_text text;
    const struct record record =
        share_world_record(&text, now.wall_ms / 1000, now.wall_ms / 1000 + 60, 0, "fresh");

    assert_true(share_world_hear(&other));
    share_world_kill(&other);
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_count(world, ".new-"), 0);
}

static void other_files_are_left_alone(void **state)
{
    const struct share_world *world = *state;
    const int folder_fd = folder_of(world);
    const char *const names[] = {"notes.new-0", "x", ".new-0",
                                 "00000000000000000000000000000000.session.new-9"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        close(openat(folder_fd, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    freshet_drafts_sweep(folder_fd);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(faccessat(folder_fd, names[i], F_OK, 0), 0);
    }
    assert_int_equal(share_world_count(world, "lock"), 0);
    close(folder_fd);
}

#define draft_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        draft_test(a_draft_takes_the_files_place),
        draft_test(an_unfinished_draft_changes_nothing),
        draft_test(who_looked_too_early_looks_again),
        draft_test(a_stopped_writer_neither_blocks_nor_overwrites),
        draft_test(when_all_numbers_are_held_the_writer_says_so),
        draft_test(drafts_of_the_dead_are_removed_at_open),
        draft_test(a_killed_writer_stops_nobody),
        draft_test(other_files_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
