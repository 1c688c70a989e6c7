/* News from the shared place: heard once, heard by name, and never lost without a word. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share_world.h"

struct heard {
    int records;
    int sessions;
    int everything;
    char name[FRESHET_SHARE_NAME_MAX]; /* the last one */
};

static void hear(enum share_news news, const char *name, void *context)
{
    struct heard *heard = context;

    heard->records += news == SHARE_NEWS_RECORD ? 1 : 0;
    heard->sessions += news == SHARE_NEWS_SESSION ? 1 : 0;
    heard->everything += news == SHARE_NEWS_EVERYTHING ? 1 : 0;
    snprintf(heard->name, sizeof(heard->name), "%s", name);
}

static struct heard drain(struct share *share)
{
    struct heard heard = {0};

    freshet_share_drain(share, share_world_now(), hear, &heard);
    return heard;
}

static bool is_readable(const struct share *share)
{
    struct pollfd descriptor = {.fd = freshet_share_descriptor(share), .events = POLLIN};

    return poll(&descriptor, 1, 0) == 1;
}

static enum share_published publish_one(const struct share_world *world, const char *salt)
{
    const int64_t now_s = share_world_now().wall_ms / 1000;
    struct token_text text;
    const struct record record = share_world_record(&text, now_s, now_s + 60, 0, salt);

    return share_world_publish(world, world->share, &record, 0);
}

static void a_record_is_told_by_its_name_and_nothing_else_is(void **state)
{
    const struct share_world *world = *state;
    struct share *other = share_world_join(world);
    struct heard heard;

    assert_false(is_readable(other));
    assert_int_equal(publish_one(world, "one"), SHARE_WRITTEN);
    assert_true(is_readable(other));
    heard = drain(other);
    assert_int_equal(heard.records, 1);
    assert_int_equal(heard.sessions + heard.everything, 0);
    assert_string_equal(heard.name, freshet_share_name_key(&world->key, SHARE_RECORD).text);
    assert_false(is_readable(other));
    freshet_share_close(other);
}

static void what_changes_no_record_wakes_nobody(void **state)
{
    const struct share_world *world = *state;
    struct share *other = NULL;
    struct lease lease;

    assert_int_equal(publish_one(world, "one"), SHARE_WRITTEN);
    other = share_world_join(world);
    assert_int_equal(publish_one(world, "one"), SHARE_EQUAL);
    freshet_share_lease(world->share, &world->key, 0, share_world_now(), &lease);
    freshet_lease_release(&lease);
    assert_false(is_readable(other));
    freshet_share_close(other);
}

static void a_session_record_is_told_as_one(void **state)
{
    const struct share_world *world = *state;
    struct share *other = share_world_join(world);
    const struct session_record record = {.account = "work", .epoch = 1};
    struct heard heard;

    assert_int_equal(freshet_share_session_write(world->share, &record, share_world_now()),
                     SHARE_WRITTEN);
    heard = drain(other);
    assert_int_equal(heard.sessions, 1);
    assert_string_equal(heard.name, freshet_share_name_account("work", SHARE_SESSION).text);
    freshet_share_close(other);
}

static void empty_folder(const struct share_world *world)
{
    struct token_text path = share_world_path(world);
    const struct share_name lock = freshet_share_name_key(&world->key, SHARE_LOCK);

    unlink(path.bytes);
    snprintf(path.bytes, sizeof(path.bytes), "%s/%s", world->folder, lock.text);
    unlink(path.bytes);
    assert_int_equal(rmdir(world->folder), 0);
}

static void a_removed_folder_is_made_again_and_everything_looked_at(void **state)
{
    const struct share_world *world = *state;
    const int descriptor = freshet_share_descriptor(world->share);

    assert_int_equal(publish_one(world, "one"), SHARE_WRITTEN);
    drain(world->share);
    empty_folder(world);
    assert_int_equal(drain(world->share).everything, 1);
    assert_int_equal(freshet_share_descriptor(world->share), descriptor);
    assert_int_equal(publish_one(world, "two"), SHARE_WRITTEN);
    assert_int_equal(drain(world->share).records, 1);
    assert_string_equal(freshet_share_fault(world->share), "");
}

/* The next use, not the watch, finds it gone: what was written meanwhile is looked at all the same. */
static void a_removed_folder_found_by_use_is_told(void **state)
{
    const struct share_world *world = *state;
    struct heard heard;

    empty_folder(world);
    assert_int_equal(publish_one(world, "one"), SHARE_WRITTEN);
    heard = drain(world->share);
    assert_int_equal(heard.everything, 1);
    assert_int_equal(heard.records, 1);
    assert_int_equal(drain(world->share).everything, 0);
}

static void a_folder_that_was_moved_is_left(void **state)
{
    const struct share_world *world = *state;
    char elsewhere[128] = "";

    snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", world->above);
    assert_int_equal(rename(world->folder, elsewhere), 0);
    assert_int_equal(drain(world->share).everything, 1);
    assert_int_equal(publish_one(world, "one"), SHARE_WRITTEN);
    assert_int_equal(access(share_world_path(world).bytes, F_OK), 0);
}

static long most_queued(void)
{
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    long most = 0;

    if (file == NULL || fscanf(file, "%ld", &most) != 1) {
        most = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return most;
}

/* More news than the kernel keeps: names alternate, for the same news twice in a row is one. */
static void lost_news_means_everything(void **state)
{
    const struct share_world *world = *state;
    char names[2][160] = {"", ""};
    const long most = most_queued();
    struct heard heard;

    if (most <= 0 || most > 200000) {
        skip();
    }
    snprintf(names[0], sizeof(names[0]), "%s/a", world->folder);
    snprintf(names[1], sizeof(names[1]), "%s/b", world->folder);
    fclose(fopen(names[0], "we"));
    for (long i = 0; i <= most; i++) {
        assert_int_equal(rename(names[i % 2], names[(i + 1) % 2]), 0);
    }
    heard.everything = 0;
    while (is_readable(world->share)) {
        heard.everything += drain(world->share).everything;
    }
    assert_int_equal(heard.everything, 1);
}

#define watch_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        watch_test(a_record_is_told_by_its_name_and_nothing_else_is),
        watch_test(what_changes_no_record_wakes_nobody),
        watch_test(a_session_record_is_told_as_one),
        watch_test(a_removed_folder_is_made_again_and_everything_looked_at),
        watch_test(a_removed_folder_found_by_use_is_told),
        watch_test(a_folder_that_was_moved_is_left),
        watch_test(lost_news_means_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
