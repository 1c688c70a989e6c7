/* Locks between descriptors, between processes, and through fork(). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "lock/lock.h"

#define NAME "key.lock"

struct folder {
    char path[64];
    int fd;
};

static int folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    if (folder == NULL) {
        return -1;
    }
    snprintf(folder->path, sizeof(folder->path), "/dev/shm/freshet-test-XXXXXX");
    if (mkdtemp(folder->path) == NULL) {
        free(folder);
        return -1;
    }
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = folder;
    return folder->fd >= 0 ? 0 : -1;
}

static int folder_remove(void **state)
{
    struct folder *folder = *state;

    unlinkat(folder->fd, NAME, 0);
    unlinkat(folder->fd, "target", 0);
    close(folder->fd);
    rmdir(folder->path);
    free(folder);
    return 0;
}

/* A process that does what it is told: takes the lock, says so, and stays until it is killed. */
struct holder {
    pid_t pid;
    int said;
};

static struct holder holder_start(const struct folder *folder, off_t byte)
{
    int channel[2] = {-1, -1};
    struct holder holder = {0};

    assert_int_equal(pipe2(channel, O_CLOEXEC), 0);
    holder.pid = fork();
    assert_true(holder.pid >= 0);
    if (holder.pid == 0) {
        int lock = freshet_lock_try(folder->fd, NAME, byte, LOCK_EXCLUSIVE);
        char answer = lock >= 0 ? 'y' : 'n';

        if (lock >= 0) {
            freshet_lock_sign(lock, byte, 4711);
        }
        if (write(channel[1], &answer, 1) != 1) {
            _exit(1);
        }
        pause();
        _exit(0);
    }
    close(channel[1]);
    holder.said = channel[0];
    return holder;
}

static char holder_answer(const struct holder *holder)
{
    char answer = 0;

    return read(holder->said, &answer, 1) == 1 ? answer : 0;
}

static void holder_kill(struct holder *holder)
{
    kill(holder->pid, SIGKILL);
    assert_int_equal(waitpid(holder->pid, NULL, 0), holder->pid);
    close(holder->said);
}

static void one_holder_at_a_time(void **state)
{
    const struct folder *folder = *state;
    int first = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    int again = 0;

    assert_true(first >= 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EAGAIN);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_SHARED), -EAGAIN);
    freshet_lock_release(first, 0);
    again = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    assert_true(again >= 0);
    freshet_lock_release(again, 0);
}

static void the_second_byte_is_another_lock(void **state)
{
    const struct folder *folder = *state;
    int first = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    int second = freshet_lock_try(folder->fd, NAME, 1, LOCK_EXCLUSIVE);

    assert_true(first >= 0);
    assert_true(second >= 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 1, LOCK_EXCLUSIVE), -EAGAIN);
    freshet_lock_release(first, 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 1, LOCK_EXCLUSIVE), -EAGAIN);
    freshet_lock_release(second, 1);
}

static void readers_share(void **state)
{
    const struct folder *folder = *state;
    int first = freshet_lock_try(folder->fd, NAME, 0, LOCK_SHARED);
    int second = freshet_lock_try(folder->fd, NAME, 0, LOCK_SHARED);

    assert_true(first >= 0);
    assert_true(second >= 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EAGAIN);
    freshet_lock_release(first, 0);
    freshet_lock_release(second, 0);
}

static void a_killed_holder_leaves_it_free(void **state)
{
    const struct folder *folder = *state;
    struct holder holder = holder_start(folder, 0);
    struct lock_holder who = {0};
    int lock = -1;

    assert_int_equal(holder_answer(&holder), 'y');
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EAGAIN);
    assert_true(freshet_lock_holder(folder->fd, NAME, 0, &who));
    assert_int_equal(who.pid, holder.pid);
    assert_int_equal(who.boot_ms, 4711);
    assert_false(freshet_lock_holder(folder->fd, NAME, 1, &who));
    holder_kill(&holder);
    assert_false(freshet_lock_holder(folder->fd, NAME, 0, &who));
    lock = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    assert_true(lock >= 0);
    freshet_lock_release(lock, 0);
}

/* The middle process takes the lock, forks a grandchild that stays, and is killed. */
static void a_killed_holder_with_a_child_leaves_it_free(void **state)
{
    const struct folder *folder = *state;
    int said[2] = {-1, -1};
    int stay[2] = {-1, -1};
    char answer = 0;
    int lock = -1;
    pid_t middle = 0;

    assert_int_equal(pipe2(said, O_CLOEXEC), 0);
    assert_int_equal(pipe2(stay, O_CLOEXEC), 0);
    middle = fork();
    if (middle == 0) {
        close(stay[1]);
        if (freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE) < 0) {
            _exit(1);
        }
        if (fork() == 0) {
            if (write(said[1], "y", 1) != 1 || read(stay[0], &answer, 1) != 0) {
                _exit(1);
            }
            _exit(0);
        }
        pause();
        _exit(0);
    }
    assert_int_equal(read(said[0], &answer, 1), 1);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EAGAIN);
    kill(middle, SIGKILL);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    lock = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    assert_true(lock >= 0);
    freshet_lock_release(lock, 0);
    close(said[0]);
    close(said[1]);
    close(stay[0]);
    close(stay[1]);
}

static void a_child_neither_holds_nor_frees_the_lock(void **state)
{
    const struct folder *folder = *state;
    int lock = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    int status = 0;
    pid_t child = 0;

    assert_true(lock >= 0);
    child = fork();
    if (child == 0) {
        bool closed = fcntl(lock, F_GETFD) < 0 && errno == EBADF;

        freshet_lock_release(lock, 0);
        _exit(closed ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EAGAIN);
    freshet_lock_release(lock, 0);
}

static void descriptors_do_not_survive_exec(void **state)
{
    const struct folder *folder = *state;
    int lock = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);

    assert_true(lock >= 0);
    assert_int_equal(fcntl(lock, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    freshet_lock_release(lock, 0);
    assert_int_equal(fcntl(lock, F_GETFD), -1);
}

static void many_locks_are_remembered(void **state)
{
    const struct folder *folder = *state;
    int locks[100] = {0};

    for (size_t i = 0; i < 100; i++) {
        locks[i] = freshet_lock_try(folder->fd, NAME, 0, LOCK_SHARED);
        assert_true(locks[i] >= 0);
    }
    for (size_t i = 0; i < 100; i++) {
        freshet_lock_release(locks[i], 0);
        assert_int_equal(fcntl(locks[i], F_GETFD), -1);
    }
}

static void what_is_not_ours_is_refused(void **state)
{
    const struct folder *folder = *state;
    int made = -1;

    assert_int_equal(symlinkat("target", folder->fd, NAME), 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -ELOOP);
    assert_int_equal(faccessat(folder->fd, "target", F_OK, 0), -1);
    unlinkat(folder->fd, NAME, 0);

    assert_int_equal(mkfifoat(folder->fd, NAME, 0600), 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EPERM);
    unlinkat(folder->fd, NAME, 0);

    made = openat(folder->fd, NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(made >= 0);
    assert_int_equal(fchmod(made, 0660), 0);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EPERM);
    assert_int_equal(fchmod(made, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(fchown(made, 12345, 12345), 0);
        assert_int_equal(freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE), -EPERM);
    }
    close(made);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, -1, LOCK_EXCLUSIVE), -EINVAL);
    assert_int_equal(freshet_lock_try(folder->fd, NAME, FRESHET_LOCK_BYTES, LOCK_SHARED), -EINVAL);
}

static void a_note_of_nonsense_names_nobody(void **state)
{
    const struct folder *folder = *state;
    int lock = freshet_lock_try(folder->fd, NAME, 0, LOCK_EXCLUSIVE);
    struct lock_holder who = {.pid = 1};

    assert_true(lock >= 0);
    assert_int_equal(pwrite(lock, "not a number", 12, 0), 12);
    assert_true(freshet_lock_holder(folder->fd, NAME, 0, &who));
    assert_int_equal(who.pid, 0);
    freshet_lock_release(lock, 0);
}

#define lock_test(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(one_holder_at_a_time),
        lock_test(the_second_byte_is_another_lock),
        lock_test(readers_share),
        lock_test(a_killed_holder_leaves_it_free),
        lock_test(a_killed_holder_with_a_child_leaves_it_free),
        lock_test(a_child_neither_holds_nor_frees_the_lock),
        lock_test(descriptors_do_not_survive_exec),
        lock_test(many_locks_are_remembered),
        lock_test(what_is_not_ours_is_refused),
        lock_test(a_note_of_nonsense_names_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
