/* What goes wrong with the place is said, goes away when it is mended, and gives nothing away. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share/peek.h"
#include "share_world.h"

#define SKIPPED 77

static struct record fresh_record(struct token_text *text, const char *salt)
{
    const int64_t now_s = share_world_now().wall_ms / 1000;

    return share_world_record(text, now_s, now_s + 60, 0, salt);
}

static enum share_published publish_one(const struct share_world *world, struct share *share,
                                        const char *salt)
{
    struct token_text text;
    const struct record record = fresh_record(&text, salt);

    return share_world_publish(world, share, &record, 0);
}

static enum lease_result lease_one(const struct share_world *world, struct share *share)
{
    struct lease lease;
    const enum lease_result result =
        freshet_share_lease(share, &world->key, 0, share_world_now(), &lease);

    freshet_lease_release(&lease);
    return result;
}

static bool fault_says(const struct share *share, const char *words)
{
    const bool says = strstr(freshet_share_fault(share), words) != NULL;

    if (!says) {
        fprintf(stderr, "the fault is \"%s\", not \"%s\"\n", freshet_share_fault(share), words);
    }
    return says;
}

/* Runs the deed in a process that may do what this one must not. */
static void run_apart(const struct share_world *world, other_deed *deed)
{
    struct other none = {.ear = -1, .mouth = -1};
    int status = 0;
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(deed(world, &none) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool put(const char *path, const char *text)
{
    const int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    const bool good =
        descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);

    close(descriptor);
    return good;
}

/* The same user, with rights over namespaces of its own. */
static void enter_user_namespace(void)
{
    char users[32] = "";
    char groups[32] = "";

    snprintf(users, sizeof(users), "%u %u 1", geteuid(), geteuid());
    snprintf(groups, sizeof(groups), "%u %u 1", getegid(), getegid());
    if (unshare(CLONE_NEWUSER) != 0 || !put("/proc/self/setgroups", "deny") ||
        !put("/proc/self/uid_map", users) || !put("/proc/self/gid_map", groups)) {
        _exit(SKIPPED);
    }
}

/* A small file system in memory at the place, seen by this process only. */
static void mount_small(const struct share_world *world)
{
    if (geteuid() != 0) {
        enter_user_namespace();
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", world->folder, "tmpfs", 0, "size=64k,mode=0700") != 0) {
        _exit(SKIPPED);
    }
}

static bool fill(const char *path)
{
    static const char zeros[4096];
    const int filler = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t count = 1;

    while (count > 0) {
        count = write(filler, zeros, sizeof(zeros));
    }
    close(filler);
    return count < 0 && errno == ENOSPC;
}

static bool finds_the_disk_full(const struct share_world *world, struct other *parent)
{
    char path[160] = "";
    struct share *share = NULL;
    struct shared_record found = {0};

    (void)parent;
    mount_small(world);
    snprintf(path, sizeof(path), "%s/filler", world->folder);
    share = share_world_join(world);
    return publish_one(world, share, "one") == SHARE_WRITTEN && fill(path) &&
           publish_one(world, share, "two") == SHARE_FAILED &&
           fault_says(share, "no space left; make room") &&
           share_world_read(world, share, 0, &found) == SHARE_FOUND && /* what was there is whole */
           strstr(found.text, "one") != NULL && lease_one(world, share) == LEASE_TAKEN &&
           share_world_count(world, ".new-") == 0 && unlink(path) == 0 &&
           publish_one(world, share, "two") == SHARE_WRITTEN && fault_says(share, "") &&
           freshet_share_fault(share)[0] == '\0';
}

static void a_full_disk_is_said_and_forgotten(void **state)
{
    run_apart(*state, finds_the_disk_full);
}

/* A token that a server refused must not stay because there is no room to say so. */
static bool takes_back_on_a_full_disk(const struct share_world *world, struct other *parent)
{
    char path[160] = "";
    struct token_text text;
    const struct record record = fresh_record(&text, "one");
    struct shared_record found = {0};
    struct share *share = NULL;

    (void)parent;
    mount_small(world);
    snprintf(path, sizeof(path), "%s/filler", world->folder);
    share = share_world_join(world);
    if (share_world_publish(world, share, &record, 0) != SHARE_WRITTEN || !fill(path)) {
        return false;
    }
    freshet_share_retract(share, &world->key, 0, record.token.fingerprint, share_world_now());
    return share_world_read(world, share, 0, &found) == SHARE_NOTHING;
}

static void a_rejected_token_is_removed_from_a_full_disk(void **state)
{
    run_apart(*state, takes_back_on_a_full_disk);
}

static bool finds_it_read_only(const struct share_world *world, struct other *parent)
{
    struct share *share = NULL;
    struct share *late = NULL;

    (void)parent;
    mount_small(world);
    share = share_world_join(world);
    if (publish_one(world, share, "one") != SHARE_WRITTEN ||
        mount(NULL, world->folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        return false;
    }
    late = share_world_join(world);
    return publish_one(world, share, "two") == SHARE_FAILED && fault_says(share, "read-only") &&
           lease_one(world, share) == LEASE_ALONE && publish_one(world, late, "two") == SHARE_OFF &&
           fault_says(late, "read-only") && freshet_share_path(late)[0] == '\0' &&
           lease_one(world, late) == LEASE_ALONE;
}

static void a_read_only_file_system_is_said(void **state)
{
    run_apart(*state, finds_it_read_only);
}

static void without_a_place_everything_says_so_and_nothing_fails(void **state)
{
    struct share_world *world = *state;
    const struct session_record session = {.account = "work"};
    struct session_record said = {0};
    struct shared_record found = {0};
    struct lock_holder holder = {0};
    struct share *share = NULL;

    assert_int_equal(chmod(world->folder, 0755), 0);
    share = share_world_join(world);
    assert_string_equal(freshet_share_path(share), "");
    assert_true(fault_says(share, "is not closed to others; make its mode 0700"));
    assert_int_equal(publish_one(world, share, "one"), SHARE_OFF);
    assert_int_equal(publish_one(world, world->share, "one"), SHARE_OFF); /* it was open before */
    assert_int_equal(share_world_read(world, share, 0, &found), SHARE_NOTHING);
    assert_int_equal(lease_one(world, share), LEASE_ALONE);
    assert_false(freshet_share_holder(share, &world->key, 0, share_world_now(), &holder));
    assert_int_equal(freshet_share_session_write(share, &session, share_world_now()), SHARE_OFF);
    assert_int_equal(freshet_share_session_read(share, "work", share_world_now(), &said),
                     SHARE_NOTHING);
    freshet_share_retract(share, &world->key, 0, 1, share_world_now());
    freshet_share_retract_session(share, "issuer", "sess_1", share_world_now());
    assert_int_equal(chmod(world->folder, 0700), 0);
    freshet_share_close(share);
}

static void a_place_that_is_mended_is_found_after_a_while(void **state)
{
    struct share_world *world = *state;
    struct token_text text;
    const struct record record = fresh_record(&text, "one");
    const struct publication what = {.key = &world->key, .record = &record};
    struct now now = share_world_now();
    struct share *share = NULL;

    assert_int_equal(chmod(world->folder, 0755), 0);
    share = freshet_share_open(&world->options, now);
    assert_int_equal(chmod(world->folder, 0700), 0);
    now.boot_ms += 4999;
    assert_int_equal(freshet_share_publish(share, &what, now), SHARE_OFF);
    now.boot_ms += 1;
    assert_int_equal(freshet_share_publish(share, &what, now), SHARE_WRITTEN);
    assert_string_equal(freshet_share_path(share), world->folder);
    assert_string_equal(freshet_share_fault(share), "");
    freshet_share_close(share);
}

/* In a user namespace of its own, which grants no inotify instance. */
static bool is_deaf(const struct share_world *world, struct other *parent)
{
    struct share *share = NULL;
    struct shared_record found = {0};

    (void)parent;
    enter_user_namespace();
    if (!put("/proc/sys/user/max_inotify_instances", "0") || inotify_init1(IN_CLOEXEC) >= 0) {
        _exit(SKIPPED);
    }
    share = share_world_join(world);
    return freshet_share_descriptor(share) == -1 && fault_says(share, "max_user_instances") &&
           publish_one(world, share, "one") == SHARE_WRITTEN &&
           share_world_read(world, share, 0, &found) == SHARE_FOUND &&
           lease_one(world, share) == LEASE_TAKEN;
}

static void without_a_watch_all_else_works(void **state)
{
    run_apart(*state, is_deaf);
}

static bool peeks(const struct share_world *world)
{
    const struct peek_wish wish = {
        .account = "work", .template_name = "", .organization = "org_1", .audience = ""};
    struct peeked peeked;

    return freshet_share_peek(&world->options.place, &wish, share_world_now(), &peeked);
}

/* As another user: neither through the layer nor beside it. */
static bool gets_nothing(const struct share_world *world, struct other *parent)
{
    struct token_text path = share_world_path(world);
    struct shared_record found = {0};
    struct share *share = NULL;

    (void)parent;
    if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
        setresuid(65534, 65534, 65534) != 0 || geteuid() != 65534) {
        return false;
    }
    share = share_world_join(world);
    return open(path.bytes, O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES &&
           open(world->folder, O_RDONLY | O_CLOEXEC) == -1 && unlink(path.bytes) == -1 &&
           inotify_add_watch(inotify_init1(IN_CLOEXEC), world->folder, IN_ALL_EVENTS) == -1 &&
           freshet_share_path(share)[0] == '\0' && fault_says(share, world->folder) &&
           share_world_read(world, share, 0, &found) == SHARE_NOTHING &&
           publish_one(world, share, "two") == SHARE_OFF &&
           lease_one(world, share) == LEASE_ALONE && !peeks(world);
}

static void another_user_gets_nothing(void **state)
{
    const struct share_world *world = *state;
    const struct session_record session = {.account = "work",
                                           .issuer = "https://clerk.example/v1",
                                           .sid = "sess_1",
                                           .organization = "org_1"};

    if (geteuid() != 0) {
        skip();
    }
    /* Not even where only the place itself keeps others out. */
    assert_int_equal(chmod(world->above, 0755), 0);
    assert_int_equal(publish_one(world, world->share, "one"), SHARE_WRITTEN);
    assert_int_equal(freshet_share_session_write(world->share, &session, share_world_now()),
                     SHARE_WRITTEN);
    assert_true(peeks(world));
    run_apart(world, gets_nothing);
}

#define fault_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fault_test(a_full_disk_is_said_and_forgotten),
        fault_test(a_rejected_token_is_removed_from_a_full_disk),
        fault_test(a_read_only_file_system_is_said),
        fault_test(without_a_place_everything_says_so_and_nothing_fails),
        fault_test(a_place_that_is_mended_is_found_after_a_while),
        fault_test(without_a_watch_all_else_works),
        fault_test(another_user_gets_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
