/* What one process publishes another reads, and the fresher token stays. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share_world.h"

#define PUBLISHERS 6
#define ROUNDS     40

static int64_t now_s(void)
{
    return share_world_now().wall_ms / 1000;
}

static struct record failed_now(int attempt)
{
    const int64_t boot_ms = share_world_now().boot_ms;

    return (struct record){.failure = {.attempt = attempt,
                                       .failed_ms = boot_ms,
                                       .first_ms = 3000,
                                       .not_before_ms = boot_ms + 3000,
                                       .status = FRESHET_UPSTREAM,
                                       .http_status = 503}};
}

static void assert_token(const struct share_world *world, struct share *share,
                         const struct token_text *text)
{
    struct shared_record found = {0};

    assert_int_equal(share_world_read(world, share, 0, &found), SHARE_FOUND);
    assert_true(found.record.has_token);
    assert_int_equal(found.record.token.length, strlen(text->bytes));
    assert_memory_equal(found.text, text->bytes, strlen(text->bytes));
    freshet_shared_record_wipe(&found);
}

static bool reads_what_was_published(const struct share_world *world, struct other *parent)
{
    struct share *share = share_world_join(world);
    struct shared_record found = {0};

    (void)parent;
    return share_world_read(world, share, 3, &found) == SHARE_FOUND && found.epoch == 3 &&
           found.record.has_token && found.record.has_offset &&
           found.record.token.exp_s == found.exp_s && found.record.token.has_oiat &&
           strcmp(found.record.token.sid, "sess_1") == 0 && strncmp(found.text, "token.", 6) == 0 &&
           found.record.failure.attempt == 0;
}

static void another_process_reads_it(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    const struct record record =
        share_world_record(&text, now_s(), now_s() + 60, now_s() - 1, "one");
    struct other other;

    assert_int_equal(share_world_publish(world, world->share, &record, 3), SHARE_WRITTEN);
    other = share_world_start(world, reads_what_was_published);
    share_world_end(&other);
    assert_string_equal(freshet_share_fault(world->share), "");
}

static void an_equal_token_is_not_published_again(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    const struct record record = share_world_record(&text, now_s(), now_s() + 60, 0, "one");
    struct stat before = {0};
    struct stat after = {0};

    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_int_equal(stat(share_world_path(world).bytes, &before), 0);
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_EQUAL);
    assert_int_equal(stat(share_world_path(world).bytes, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mode & 0777, 0600);
    assert_int_equal(share_world_count(world, ".new-"), 0);
}

static void a_staler_token_does_not_replace_a_fresher_one(void **state)
{
    const struct share_world *world = *state;
    struct token_text fresh;
    struct token_text stale;
    const struct record fresher = share_world_record(&fresh, now_s(), now_s() + 60, 0, "fresh");
    const struct record staler = share_world_record(&stale, now_s() - 20, now_s() + 40, 0, "stale");

    assert_int_equal(share_world_publish(world, world->share, &staler, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_publish(world, world->share, &fresher, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_publish(world, world->share, &staler, 0), SHARE_OUTRANKED);
    assert_token(world, world->share, &fresh);
}

static void a_failure_is_published_beside_the_token(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    struct token_text next;
    const struct record record = share_world_record(&text, now_s() - 44, now_s() + 16, 0, "one");
    const struct record failed = failed_now(2);
    struct record later = share_world_record(&next, now_s(), now_s() + 60, 0, "two");
    struct shared_record found = {0};

    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_publish(world, world->share, &failed, 0), SHARE_WRITTEN);
    assert_token(world, world->share, &text);
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_FOUND);
    assert_int_equal(found.record.failure.attempt, 2);
    assert_int_equal(found.record.failure.not_before_ms, failed.failure.not_before_ms);
    assert_int_equal(found.record.failure.http_status, 503);

    later.committed_ms = failed.failure.failed_ms + 1;
    assert_int_equal(share_world_publish(world, world->share, &later, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_FOUND);
    assert_int_equal(found.record.failure.attempt, 0);
}

static void epochs_only_go_forward(void **state)
{
    const struct share_world *world = *state;
    struct token_text before;
    struct token_text after;
    const struct record old = share_world_record(&before, now_s(), now_s() + 90, 0, "old");
    const struct record new = share_world_record(&after, now_s() - 5, now_s() + 55, 0, "new");
    struct shared_record found = {0};

    assert_int_equal(share_world_publish(world, world->share, &old, 1), SHARE_WRITTEN);
    assert_int_equal(share_world_read(world, world->share, 2, &found), SHARE_NOTHING);
    assert_int_equal(found.text[0], '\0');
    assert_int_equal(share_world_publish(world, world->share, &new, 2), SHARE_WRITTEN);
    assert_int_equal(share_world_publish(world, world->share, &old, 1), SHARE_OUTRANKED);
    assert_int_equal(share_world_read(world, world->share, 1, &found), SHARE_FOUND);
    assert_int_equal(found.epoch, 2); /* one of a later epoch is found: there is news */
}

static void an_expired_token_is_left_out(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    struct token_text next;
    const struct record record = share_world_record(&text, now_s() - 90, now_s() - 30, 0, "one");
    const struct record staler = share_world_record(&next, now_s() - 95, now_s() + 5, 0, "two");
    struct shared_record found = {0};

    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_NOTHING);
    assert_int_equal(found.text[0], '\0');
    assert_int_equal(share_world_publish(world, world->share, &staler, 0), SHARE_WRITTEN);
    assert_token(world, world->share, &next);
}

static void only_the_token_that_was_rejected_is_taken_back(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    struct token_text next;
    const struct record first = share_world_record(&text, now_s() - 10, now_s() + 50, 0, "one");
    const struct record second = share_world_record(&next, now_s(), now_s() + 60, 0, "two");
    struct shared_record found = {0};

    assert_int_equal(share_world_publish(world, world->share, &first, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_publish(world, world->share, &second, 0), SHARE_WRITTEN);
    freshet_share_retract(world->share, &world->key, 0, first.token.fingerprint, share_world_now());
    assert_token(world, world->share, &next);
    freshet_share_retract(world->share, &world->key, 0, second.token.fingerprint,
                          share_world_now());
    assert_int_equal(share_world_read(world, world->share, 0, &found), SHARE_NOTHING);

    assert_int_equal(share_world_publish(world, world->share, &second, 5), SHARE_WRITTEN);
    freshet_share_retract(world->share, &world->key, 4, second.token.fingerprint,
                          share_world_now());
    assert_token(world, world->share, &next);
}

static void what_cannot_be_said_is_not_published(void **state)
{
    struct share_world *world = *state;
    char name[300] = "";
    struct token_text text;
    const struct record record = share_world_record(&text, now_s(), now_s() + 60, 0, "one");
    struct token_text odd;
    const struct record spaced = share_world_record(&odd, now_s(), now_s() + 60, 0, "a b");

    assert_int_equal(share_world_publish(world, world->share, &spaced, 0), SHARE_FAILED);
    memset(name, 'a', sizeof(name) - 1);
    world->key.template_name = name;
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_FAILED);
    assert_non_null(strstr(freshet_share_fault(world->share), "too long"));
    assert_int_equal(share_world_count(world, ".record"), 0);
    world->key.template_name = "";
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_string_equal(freshet_share_fault(world->share), "");
}

/* Publishes fresher and fresher tokens; what it reads afterwards is never staler than its own. */
static bool publishes_many(const struct share_world *world, struct other *parent)
{
    struct share *share = share_world_join(world);
    const int64_t start_s = now_s() - 3000;
    bool good = share_world_hear(parent);

    for (int i = 0; i < ROUNDS && good; i++) {
        const int64_t iat_s = start_s + i * PUBLISHERS + getpid() % PUBLISHERS;
        struct token_text text;
        const struct record record = share_world_record(&text, iat_s, iat_s + 7200, 0, "many");
        const enum share_published result = share_world_publish(world, share, &record, 0);
        struct shared_record found = {0};

        good = result != SHARE_OFF && result != SHARE_FAILED &&
               share_world_read(world, share, 0, &found) == SHARE_FOUND &&
               found.record.token.iat_s >= iat_s;
    }
    return good;
}

static void of_many_publishers_the_freshest_token_stays(void **state)
{
    const struct share_world *world = *state;
    struct other others[PUBLISHERS];

    for (size_t i = 0; i < PUBLISHERS; i++) {
        others[i] = share_world_start(world, publishes_many);
    }
    for (size_t i = 0; i < PUBLISHERS; i++) {
        assert_true(share_world_tell(&others[i]));
    }
    for (size_t i = 0; i < PUBLISHERS; i++) {
        share_world_end(&others[i]);
    }
    assert_int_equal(share_world_count(world, ".new-"), 0);
}

#define publish_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        publish_test(another_process_reads_it),
        publish_test(an_equal_token_is_not_published_again),
        publish_test(a_staler_token_does_not_replace_a_fresher_one),
        publish_test(a_failure_is_published_beside_the_token),
        publish_test(epochs_only_go_forward),
        publish_test(an_expired_token_is_left_out),
        publish_test(only_the_token_that_was_rejected_is_taken_back),
        publish_test(what_cannot_be_said_is_not_published),
        publish_test(of_many_publishers_the_freshest_token_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
