/* Leases between processes: one holder, and free as soon as it is gone. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share_world.h"

static enum lease_result lease_try(const struct share_world *world, struct share *share, int byte,
                                   struct lease *lease)
{
    return freshet_share_lease(share, &world->key, byte, share_world_now(), lease);
}

static void assert_free(const struct share_world *world)
{
    struct lease lease;

    assert_int_equal(lease_try(world, world->share, 0, &lease), LEASE_TAKEN);
    freshet_lease_release(&lease);
}

static void one_holder_at_a_time(void **state)
{
    const struct share_world *world = *state;
    struct share *other = share_world_join(world);
    struct lease lease;
    struct lease denied;

    assert_int_equal(lease_try(world, world->share, 0, &lease), LEASE_TAKEN);
    assert_int_equal(lease_try(world, other, 0, &denied), LEASE_ELSEWHERE);
    assert_int_equal(denied.descriptor, -1);
    freshet_lease_release(&denied); /* harmless */
    assert_int_equal(lease_try(world, other, 0, &denied), LEASE_ELSEWHERE);
    freshet_lease_release(&lease);
    freshet_lease_release(&lease); /* twice is once */
    assert_int_equal(lease_try(world, other, 0, &lease), LEASE_TAKEN);
    freshet_lease_release(&lease);
    freshet_share_close(other);
}

static void keys_have_leases_of_their_own(void **state)
{
    struct share_world *world = *state;
    struct lease lease;
    struct lease another;

    assert_int_equal(lease_try(world, world->share, 0, &lease), LEASE_TAKEN);
    world->key.template_name = "long";
    assert_int_equal(lease_try(world, world->share, 0, &another), LEASE_TAKEN);
    freshet_lease_release(&lease);
    freshet_lease_release(&another);
}

static bool holds_the_first(const struct share_world *world, struct other *parent)
{
    struct share *share = share_world_join(world);
    struct lease lease;

    return lease_try(world, share, 0, &lease) == LEASE_TAKEN && share_world_tell(parent) &&
           share_world_hear(parent);
}

static void a_killed_holder_leaves_it_free(void **state)
{
    const struct share_world *world = *state;
    struct other other = share_world_start(world, holds_the_first);
    struct lock_holder holder = {0};
    struct lease lease;

    assert_true(share_world_hear(&other));
    assert_int_equal(lease_try(world, world->share, 0, &lease), LEASE_ELSEWHERE);
    assert_true(freshet_share_holder(world->share, &world->key, 0, share_world_now(), &holder));
    assert_int_equal(holder.pid, other.pid);
    share_world_kill(&other);
    assert_false(freshet_share_holder(world->share, &world->key, 0, share_world_now(), &holder));
    assert_free(world);
}

/* Its child lives on, and says so when it has been forked. */
static bool holds_and_forks(const struct share_world *world, struct other *parent)
{
    struct share *share = share_world_join(world);
    struct lease lease;
    pid_t child = 0;

    if (lease_try(world, share, 0, &lease) != LEASE_TAKEN) {
        return false;
    }
    child = fork();
    if (child == 0) {
        share_world_tell(parent);
        share_world_hear(parent);
        _exit(0);
    }
    pause();
    return false;
}

static void a_child_does_not_keep_its_parents_lease(void **state)
{
    const struct share_world *world = *state;
    struct other other = share_world_start(world, holds_and_forks);
    struct lease lease;
    char byte = 0;

    assert_true(share_world_hear(&other));
    assert_int_equal(lease_try(world, world->share, 0, &lease), LEASE_ELSEWHERE);
    kill(other.pid, SIGKILL);
    assert_int_equal(waitpid(other.pid, NULL, 0), other.pid);
    assert_free(world); /* although the grandchild lives */
    close(other.mouth);
    assert_int_equal(read(other.ear, &byte, 1), 0); /* it has ended now */
    close(other.ear);
}

/* Holds the lease, is stopped for longer than anybody waits, and then publishes what it got. */
static bool stops_with_the_lease(const struct share_world *world, struct other *parent)
{
    struct share *share = share_world_join(world);
    const int64_t now_s = share_world_now().wall_ms / 1000;
    struct token_text text;
    struct record record;
    struct lease lease;

    (void)parent;
    if (lease_try(world, share, 0, &lease) != LEASE_TAKEN) {
        return false;
    }
    raise(SIGSTOP);
    record = share_world_record(&text, now_s - 10, now_s + 50, 0, "stopped");
    return share_world_publish(world, share, &record, 0) == SHARE_OUTRANKED;
}

static void a_stopped_holder_is_passed_by_one_and_overwrites_nothing(void **state)
{
    const struct share_world *world = *state;
    struct other other = share_world_start(world, stops_with_the_lease);
    struct share *third = share_world_join(world);
    const int64_t now_s = share_world_now().wall_ms / 1000;
    struct shared_record found = {0};
    struct token_text text;
    struct record record;
    struct lease lease;
    struct lease denied;

    share_world_stopped(&other);
    assert_int_equal(lease_try(world, world->share, 0, &denied), LEASE_ELSEWHERE);
    assert_int_equal(lease_try(world, world->share, 1, &lease), LEASE_TAKEN);
    assert_int_equal(lease_try(world, third, 1, &denied), LEASE_ELSEWHERE);
    record = share_world_record(&text, now_s, now_s + 60, 0, "passed-by");
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    freshet_lease_release(&lease);
    kill(other.pid, SIGCONT);
    share_world_end(&other);
    assert_int_equal(share_world_read(world, third, 0, &found), SHARE_FOUND);
    assert_memory_equal(found.text, text.bytes, strlen(text.bytes));
    assert_free(world);
    freshet_share_close(third);
}

static void a_lock_file_that_cannot_be_used_leaves_everybody_alone(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = freshet_share_name_key(&world->key, SHARE_LOCK);
    const int64_t now_s = share_world_now().wall_ms / 1000;
    struct token_text text;
    const struct record record = share_world_record(&text, now_s, now_s + 60, 0, "one");
    char path[256] = "";
    struct lease lease;

    snprintf(path, sizeof(path), "%s/%s", world->folder, name.text);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_int_equal(lease_try(world, world->share, 0, &lease), LEASE_ALONE);
    assert_non_null(strstr(freshet_share_fault(world->share), name.text));
    assert_non_null(strstr(freshet_share_fault(world->share), "symbolic link; remove it"));
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_FAILED);
    assert_int_equal(unlink(path), 0);
    assert_free(world);
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_string_equal(freshet_share_fault(world->share), "");
}

static void lock_files_stay(void **state)
{
    const struct share_world *world = *state;

    assert_free(world);
    assert_int_equal(share_world_count(world, ".lock"), 1);
    freshet_share_retract_session(world->share, world->key.issuer, world->key.sid,
                                  share_world_now());
    assert_int_equal(share_world_count(world, ".lock"), 1);
}

#define lease_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lease_test(one_holder_at_a_time),
        lease_test(keys_have_leases_of_their_own),
        lease_test(a_killed_holder_leaves_it_free),
        lease_test(a_child_does_not_keep_its_parents_lease),
        lease_test(a_stopped_holder_is_passed_by_one_and_overwrites_nothing),
        lease_test(a_lock_file_that_cannot_be_used_leaves_everybody_alone),
        lease_test(lock_files_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
