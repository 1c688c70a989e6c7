/*
 * Small files: what is refused, what is bounded, and each system call stopping half-way or failing.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"

#define OLD  "the old text"
#define NEW  "the new text, which is longer"
#define NAME "file"
#define TEMP "file.new"

/* ---- system calls that misbehave ---- */

enum call { CALL_NONE, CALL_READ, CALL_WRITE, CALL_FSYNC, CALL_CLOSE, CALL_RENAME };

/* What the calls do, and what they did: w, f, c, r, in order. */
static struct {
    bool slow;       /* reads and writes: one byte at a time, a signal before each */
    bool interrupt;  /* the next one is interrupted */
    enum call fails; /* with the error, once `good` of them have worked */
    int good;
    int error; /* 0: a write of nothing */
    ino_t synced;
    bool traced;
    char trace[64];
    size_t length;
} calls;

ssize_t __real_read(int descriptor, void *data, size_t size);
ssize_t __wrap_read(int descriptor, void *data, size_t size);
ssize_t __real_write(int descriptor, const void *data, size_t size);
ssize_t __wrap_write(int descriptor, const void *data, size_t size);
int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor);
int __real_close(int descriptor);
int __wrap_close(int descriptor);
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);

static void calls_note(char what)
{
    if (calls.traced && calls.length < sizeof(calls.trace) - 1) {
        calls.trace[calls.length++] = what;
    }
}

static bool calls_fail(enum call call)
{
    if (calls.fails != call || calls.good-- > 0) {
        return false;
    }
    errno = calls.error;
    return true;
}

static bool calls_interrupt(void)
{
    calls.interrupt = calls.slow && !calls.interrupt;
    errno = EINTR;
    return calls.interrupt;
}

ssize_t __wrap_read(int descriptor, void *data, size_t size)
{
    if (calls_interrupt() || calls_fail(CALL_READ)) {
        return -1;
    }
    return __real_read(descriptor, data, calls.slow && size > 1 ? 1 : size);
}

ssize_t __wrap_write(int descriptor, const void *data, size_t size)
{
    calls_note('w');
    if (calls_interrupt()) {
        return -1;
    }
    if (calls_fail(CALL_WRITE)) {
        return calls.error != 0 ? -1 : 0;
    }
    return __real_write(descriptor, data, calls.slow && size > 1 ? 1 : size);
}

int __wrap_fsync(int descriptor)
{
    struct stat status;

    calls_note('f');
    calls.synced = fstat(descriptor, &status) == 0 ? status.st_ino : 0;
    return calls_fail(CALL_FSYNC) ? -1 : __real_fsync(descriptor);
}

int __wrap_close(int descriptor)
{
    const int result = __real_close(descriptor);

    calls_note('c');
    return calls_fail(CALL_CLOSE) ? -1 : result;
}

int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    calls_note('r');
    return calls_fail(CALL_RENAME) ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

/* ---- a folder with files ---- */

struct folder {
    char path[64];
    int fd;
};

static int folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    memset(&calls, 0, sizeof(calls));
    if (folder == NULL) {
        return -1;
    }
    *state = folder;
    snprintf(folder->path, sizeof(folder->path), "/dev/shm/freshet-test-XXXXXX");
    folder->fd =
        mkdtemp(folder->path) != NULL ? open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return folder->fd >= 0 ? 0 : -1;
}

static int folder_remove(void **state)
{
    struct folder *folder = *state;

    memset(&calls, 0, sizeof(calls));
    unlinkat(folder->fd, NAME, 0);
    unlinkat(folder->fd, TEMP, 0);
    unlinkat(folder->fd, TEMP, AT_REMOVEDIR);
    unlinkat(folder->fd, "target", 0);
    close(folder->fd);
    rmdir(folder->path);
    free(folder);
    return 0;
}

static void folder_put(const struct folder *folder, const char *name, const char *text)
{
    assert_int_equal(freshet_file_make(folder->fd, name, text, strlen(text)), 0);
}

/* Reads without the functions under test. */
static void folder_holds(const struct folder *folder, const char *name, const char *text)
{
    char found[256] = "";
    const int descriptor = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    assert_true(descriptor >= 0);
    assert_int_equal(__real_read(descriptor, found, sizeof(found) - 1), strlen(text));
    __real_close(descriptor);
    assert_string_equal(found, text);
}

static bool folder_has(const struct folder *folder, const char *name)
{
    struct stat status;

    return fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct stat folder_stat(const struct folder *folder, const char *name)
{
    struct stat status = {0};

    assert_int_equal(fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW), 0);
    return status;
}

/* The descriptor of a file with a text, to be read from its beginning. */
static int folder_open(const struct folder *folder, const char *text)
{
    struct stat status;
    int descriptor = -1;

    folder_put(folder, NAME, text);
    descriptor = freshet_file_open(folder->fd, NAME, &status);
    assert_true(descriptor >= 0);
    assert_int_equal(status.st_size, strlen(text));
    return descriptor;
}

/* ---- what is there ---- */

static void a_plain_file_closed_to_others_is_ours(void **state)
{
    const struct folder *folder = *state;
    struct stat status;

    folder_put(folder, NAME, OLD);
    status = folder_stat(folder, NAME);
    assert_true(freshet_file_is_ours(&status));
    status.st_uid++;
    assert_false(freshet_file_is_ours(&status));
    for (mode_t bit = 01; bit <= 040; bit <<= 1) {
        assert_int_equal(fchmodat(folder->fd, NAME, 0600 | bit, 0), 0);
        status = folder_stat(folder, NAME);
        assert_false(freshet_file_is_ours(&status));
    }
    assert_int_equal(fchmodat(folder->fd, NAME, 0600, 0), 0);
    assert_int_equal(symlinkat(NAME, folder->fd, TEMP), 0);
    status = folder_stat(folder, TEMP);
    status.st_mode &= ~(mode_t)077;
    assert_false(freshet_file_is_ours(&status));
    assert_int_equal(fstat(folder->fd, &status), 0);
    assert_false(freshet_file_is_ours(&status));
}

static void a_link_is_not_opened(void **state)
{
    const struct folder *folder = *state;
    struct stat status;

    assert_int_equal(freshet_file_open(folder->fd, NAME, &status), -ENOENT);
    assert_int_equal(symlinkat("target", folder->fd, NAME), 0);
    assert_int_equal(freshet_file_open(folder->fd, NAME, &status), -ELOOP);
    folder_put(folder, "target", OLD);
    assert_int_equal(freshet_file_open(folder->fd, NAME, &status), -ELOOP);
}

/* Without anybody who writes to it, a plain open() of it would not return. */
static void a_pipe_is_seen_without_waiting(void **state)
{
    const struct folder *folder = *state;
    struct stat status;
    int descriptor = -1;

    assert_int_equal(mkfifoat(folder->fd, NAME, 0600), 0);
    descriptor = freshet_file_open(folder->fd, NAME, &status);
    assert_true(descriptor >= 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_false(freshet_file_is_ours(&status));
    close(descriptor);
}

/* ---- reading ---- */

static void all_is_read_however_little_comes_at_a_time(void **state)
{
    const int descriptor = folder_open(*state, OLD);
    char text[64] = "";
    size_t length = 1;

    calls.slow = true;
    assert_int_equal(freshet_file_read(descriptor, text, sizeof(text), &length), 0);
    assert_int_equal(length, strlen(OLD));
    assert_string_equal(text, OLD);
    assert_int_equal(freshet_file_read(descriptor, text, sizeof(text), &length), 0);
    assert_int_equal(length, 0);
    close(descriptor);
}

static void more_than_the_bound_is_refused(void **state)
{
    const size_t size = strlen(OLD);
    int descriptor = folder_open(*state, OLD);
    char text[64] = "";
    size_t length = 0;

    assert_int_equal(freshet_file_read(descriptor, text, size, &length), 0);
    assert_int_equal(length, size);
    assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
    memset(text, '#', sizeof(text));
    assert_int_equal(freshet_file_read(descriptor, text, size - 1, &length), -EFBIG);
    assert_int_equal(length, size - 1);
    assert_memory_equal(text, OLD, size - 1);
    assert_int_equal(text[size - 1], '#');
    close(descriptor);
    descriptor = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(freshet_file_read(descriptor, text, sizeof(text), &length), -EFBIG);
    close(descriptor);
}

static void a_read_that_fails_says_why_and_how_much_there_is_to_wipe(void **state)
{
    const int descriptor = folder_open(*state, OLD);
    char text[64] = "";
    size_t length = 0;

    calls.slow = true;
    calls.fails = CALL_READ;
    calls.good = 3;
    calls.error = EIO;
    assert_int_equal(freshet_file_read(descriptor, text, sizeof(text), &length), -EIO);
    assert_int_equal(length, 3);
    close(descriptor);
}

/* ---- writing ---- */

static void all_is_written_however_little_goes_at_a_time(void **state)
{
    const struct folder *folder = *state;

    calls.slow = true;
    folder_put(folder, NAME, NEW);
    folder_holds(folder, NAME, NEW);
    folder_put(folder, NAME, "");
    folder_holds(folder, NAME, "");
}

static void a_full_disk_is_told(void **state)
{
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0);
    assert_int_equal(freshet_file_write(full, NEW, strlen(NEW)), -ENOSPC);
    assert_int_equal(freshet_file_write(full, NEW, 0), 0);
    close(full);
}

static void a_write_that_gets_nowhere_ends(void **state)
{
    const struct folder *folder = *state;

    calls.fails = CALL_WRITE;
    assert_int_equal(freshet_file_make(folder->fd, NAME, NEW, strlen(NEW)), -EIO);
}

static void a_new_file_is_closed_to_others_whatever_the_umask(void **state)
{
    const struct folder *folder = *state;
    const mode_t masks[] = {0, 0777};

    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        const mode_t before = umask(masks[i]);
        const int descriptor = freshet_file_create(folder->fd, NAME);

        umask(before);
        assert_true(descriptor >= 0);
        assert_int_equal(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
        assert_int_equal(folder_stat(folder, NAME).st_mode, S_IFREG | 0600);
        close(descriptor);
    }
}

static void what_has_the_name_goes_and_nothing_behind_it_is_touched(void **state)
{
    const struct folder *folder = *state;

    folder_put(folder, "target", OLD);
    assert_int_equal(symlinkat("target", folder->fd, NAME), 0);
    folder_put(folder, NAME, NEW);
    folder_holds(folder, NAME, NEW);
    folder_holds(folder, "target", OLD);
    assert_int_equal(linkat(folder->fd, NAME, folder->fd, TEMP, 0), 0);
    folder_put(folder, TEMP, OLD);
    folder_holds(folder, NAME, NEW);
    assert_int_equal(unlinkat(folder->fd, NAME, 0), 0);
    assert_int_equal(mkfifoat(folder->fd, NAME, 0600), 0);
    folder_put(folder, NAME, NEW);
    folder_holds(folder, NAME, NEW);
}

static void a_folder_of_that_name_stays(void **state)
{
    const struct folder *folder = *state;

    folder_put(folder, NAME, OLD);
    assert_int_equal(mkdirat(folder->fd, TEMP, 0700), 0);
    assert_int_equal(freshet_file_replace(folder->fd, TEMP, NAME, NEW, strlen(NEW)), -EISDIR);
    assert_true(S_ISDIR(folder_stat(folder, TEMP).st_mode));
    folder_holds(folder, NAME, OLD);
}

/* ---- replacing ---- */

/* A name that reaches the disk before the bytes would leave an empty file after a crash. */
static void the_bytes_are_on_the_disk_before_the_name(void **state)
{
    const struct folder *folder = *state;

    folder_put(folder, NAME, OLD);
    calls.traced = true;
    assert_int_equal(freshet_file_replace(folder->fd, TEMP, NAME, NEW, strlen(NEW)), 0);
    assert_string_equal(calls.trace, "wfcr");
    assert_int_equal(calls.synced, folder_stat(folder, NAME).st_ino);
    folder_holds(folder, NAME, NEW);
    assert_false(folder_has(folder, TEMP));
}

static void a_step_that_fails_leaves_the_old_one_alone(void **state)
{
    const struct folder *folder = *state;
    const enum call steps[] = {CALL_WRITE, CALL_FSYNC, CALL_CLOSE, CALL_RENAME};

    folder_put(folder, NAME, OLD);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        calls.fails = steps[i];
        calls.error = ENOSPC;
        assert_int_equal(freshet_file_replace(folder->fd, TEMP, NAME, NEW, strlen(NEW)), -ENOSPC);
        calls.fails = CALL_NONE;
        folder_holds(folder, NAME, OLD);
        assert_false(folder_has(folder, TEMP));
        calls.good = 0;
    }
}

/* Paths, with AT_FDCWD for the folder, as credential files are given. */
static void a_path_is_replaced_and_its_folder_synced(void **state)
{
    const struct folder *folder = *state;
    char name[128];
    char temporary[128];
    struct stat status;

    snprintf(name, sizeof(name), "%s/%s", folder->path, NAME);
    snprintf(temporary, sizeof(temporary), "%s/%s", folder->path, TEMP);
    assert_int_equal(freshet_file_replace(AT_FDCWD, temporary, name, NEW, strlen(NEW)), 0);
    folder_holds(folder, NAME, NEW);
    assert_int_equal(freshet_file_sync_above(name), 0);
    assert_int_equal(fstat(folder->fd, &status), 0);
    assert_int_equal(calls.synced, status.st_ino);
}

static void the_folder_above_is_found_in_any_path(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(freshet_file_sync_above("name-alone"), 0);
    assert_int_equal(stat(".", &status), 0);
    assert_int_equal(calls.synced, status.st_ino);
    (void)freshet_file_sync_above("/name-at-the-root");
    assert_int_equal(stat("/", &status), 0);
    assert_int_equal(calls.synced, status.st_ino);
    assert_int_equal(freshet_file_sync_above("/dev/shm/freshet-none/name"), -ENOENT);
    calls.fails = CALL_FSYNC;
    calls.error = EIO;
    assert_int_equal(freshet_file_sync_above("name-alone"), -EIO);
}

#define file_test(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(a_plain_file_closed_to_others_is_ours),
        file_test(a_link_is_not_opened),
        file_test(a_pipe_is_seen_without_waiting),
        file_test(all_is_read_however_little_comes_at_a_time),
        file_test(more_than_the_bound_is_refused),
        file_test(a_read_that_fails_says_why_and_how_much_there_is_to_wipe),
        file_test(all_is_written_however_little_goes_at_a_time),
        file_test(a_full_disk_is_told),
        file_test(a_write_that_gets_nowhere_ends),
        file_test(a_new_file_is_closed_to_others_whatever_the_umask),
        file_test(what_has_the_name_goes_and_nothing_behind_it_is_touched),
        file_test(a_folder_of_that_name_stays),
        file_test(the_bytes_are_on_the_disk_before_the_name),
        file_test(a_step_that_fails_leaves_the_old_one_alone),
        file_test(a_path_is_replaced_and_its_folder_synced),
        file_test(the_folder_above_is_found_in_any_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
