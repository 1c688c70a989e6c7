/* What is not a record of ours is refused, said, and written over. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share_world.h"

static int64_t now_s(void)
{
    return share_world_now().wall_ms / 1000;
}

/* Nobody gets anything of it, the fault names the file and the reason, and the next one who
 * publishes mends it. */
static void assert_refused(const struct share_world *world, const char *why)
{
    const struct share_name name = freshet_share_name_key(&world->key, SHARE_RECORD);
    struct token_text text;
    const struct record record = share_world_record(&text, now_s(), now_s() + 60, 0, "one");
    struct shared_record found = {.epoch = 1};

    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_REFUSED);
    assert_int_equal(found.epoch, 0);
    assert_false(found.record.has_token);
    assert_non_null(strstr(freshet_share_fault(world->share), name.text));
    assert_non_null(strstr(freshet_share_fault(world->share), why));
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_FOUND);
    assert_string_equal(freshet_share_fault(world->share), "");
    assert_int_equal(unlink(share_world_path(world).bytes), 0);
}

/* A record that is good but for what the caller does to it. */
static struct shared_record good_record(struct token_text *text)
{
    struct shared_record good = {0};

    good.record = share_world_record(text, now_s(), now_s() + 60, 0, "one");
    return good;
}

static void put_record(const struct share_world *world, const struct key_view *key,
                       const struct record *record)
{
    const struct origin here = freshet_origin_here();
    char bytes[FRESHET_RECORD_MAX];
    const size_t length = freshet_record_encode(key, record, 0, &here, bytes, sizeof(bytes));

    assert_true(length > 0);
    share_world_vandalise(world, bytes, length);
}

static void random_bytes_are_refused(void **state)
{
    const struct share_world *world = *state;
    unsigned char bytes[2000];

    randombytes_buf(bytes, sizeof(bytes));
    share_world_vandalise(world, bytes, sizeof(bytes));
    assert_refused(world, "damaged");
    share_world_vandalise(world, "", 0);
    assert_refused(world, "damaged");
}

static void a_truncated_record_is_refused(void **state)
{
    const struct share_world *world = *state;
    char bytes[FRESHET_RECORD_MAX];
    struct token_text text;
    const struct shared_record good = good_record(&text);
    size_t length = 0;

    put_record(world, &world->key, &good.record);
    length = share_world_bytes(world, bytes, sizeof(bytes));
    for (size_t cut = 1; cut < length; cut += 37) {
        share_world_vandalise(world, bytes, length - cut);
        assert_refused(world, "damaged");
    }
}

static void a_huge_file_is_refused_unread(void **state)
{
    const struct share_world *world = *state;

    share_world_vandalise(world, "", 0);
    assert_int_equal(truncate(share_world_path(world).bytes, (off_t)1 << 40), 0);
    assert_refused(world, "too large");
}

static void the_record_of_another_key_is_refused(void **state)
{
    const struct share_world *world = *state;
    struct key_view key = world->key;
    struct token_text text;
    const struct shared_record good = good_record(&text);

    key.organization = "org_2";
    put_record(world, &key, &good.record);
    assert_refused(world, "another key");
}

static void a_record_from_the_future_is_refused(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    struct shared_record good = good_record(&text);

    good.record.committed_ms += 3600000;
    put_record(world, &world->key, &good.record);
    assert_refused(world, "in the future");
}

static void a_token_that_says_something_else_is_refused(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    struct shared_record good = good_record(&text);

    good.record.token.exp_s += 3600;
    put_record(world, &world->key, &good.record);
    assert_refused(world, "something else");
    good.record.token.text = "nonsense";
    good.record.token.length = 8;
    put_record(world, &world->key, &good.record);
    assert_refused(world, "cannot be read");
}

static void a_file_others_can_read_is_refused(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    const struct shared_record good = good_record(&text);

    put_record(world, &world->key, &good.record);
    assert_int_equal(chmod(share_world_path(world).bytes, 0640), 0);
    assert_refused(world, "closed to others");
}

static void a_file_of_another_user_is_refused(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    const struct shared_record good = good_record(&text);

    if (geteuid() != 0) {
        skip();
    }
    put_record(world, &world->key, &good.record);
    assert_int_equal(chown(share_world_path(world).bytes, 65534, 65534), 0);
    assert_refused(world, "belongs to this user");
}

static void a_link_is_not_followed(void **state)
{
    const struct share_world *world = *state;
    char target[128] = "";
    struct token_text text;
    const struct shared_record good = good_record(&text);

    put_record(world, &world->key, &good.record);
    snprintf(target, sizeof(target), "%s/target", world->above);
    assert_int_equal(rename(share_world_path(world).bytes, target), 0);
    assert_int_equal(symlink(target, share_world_path(world).bytes), 0);
    assert_refused(world, "symbolic link");
    assert_int_equal(truncate(target, 0), 0); /* it is there still, and was not written to */
}

static void a_pipe_keeps_nobody_waiting(void **state)
{
    const struct share_world *world = *state;

    assert_int_equal(mkfifo(share_world_path(world).bytes, 0600), 0);
    assert_refused(world, "plain file");
}

static void a_folder_is_refused_and_said_until_it_is_removed(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    const struct record record = share_world_record(&text, now_s(), now_s() + 60, 0, "one");
    struct shared_record found = {0};

    assert_int_equal(mkdir(share_world_path(world).bytes, 0700), 0);
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_REFUSED);
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_FAILED);
    assert_non_null(strstr(freshet_share_fault(world->share), "is a folder; remove it"));
    assert_int_equal(share_world_count(world, ".new-"), 0);
    assert_int_equal(rmdir(share_world_path(world).bytes), 0);
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_string_equal(freshet_share_fault(world->share), "");
}

#define vandal_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        vandal_test(random_bytes_are_refused),
        vandal_test(a_truncated_record_is_refused),
        vandal_test(a_huge_file_is_refused_unread),
        vandal_test(the_record_of_another_key_is_refused),
        vandal_test(a_record_from_the_future_is_refused),
        vandal_test(a_token_that_says_something_else_is_refused),
        vandal_test(a_file_others_can_read_is_refused),
        vandal_test(a_file_of_another_user_is_refused),
        vandal_test(a_link_is_not_followed),
        vandal_test(a_pipe_keeps_nobody_waiting),
        vandal_test(a_folder_is_refused_and_said_until_it_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
