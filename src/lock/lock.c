/*
 * OFD locks (fcntl F_OFD_SETLK): they belong to the open file description, not to the process, so a
 * close elsewhere in the program does not lose them.
 *
 * After a lock is taken the name is looked up again: if it is another file by now (somebody removed
 * the old one), the lock guards nothing and is taken anew.
 */
#include "lock/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"
#include "lock/lock_registry.h"

#define LOCK_NOTE_SIZE 48 /* each byte of the lock has its own place for a note */
#define LOCK_TRIES     3

static struct flock lock_range(off_t byte, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

/* 0, or a negative errno when this file is not one to trust a lock to. */
static int lock_judge(int descriptor, int folder_fd, const char *name)
{
    struct stat opened = {0};
    struct stat named = {0};

    if (fstat(descriptor, &opened) != 0) {
        return -errno;
    }
    if (!freshet_file_is_ours(&opened)) {
        return -EPERM;
    }
    if (fstatat(folder_fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? -ESTALE : -errno;
    }
    return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino ? 0 : -ESTALE;
}

static int lock_refused(int error)
{
    if (error == EACCES) {
        return -EAGAIN;
    }
    return error == EBADF ? -EROFS : -error; /* opened for reading alone */
}

static int lock_try_once(int folder_fd, const char *name, off_t byte, short type)
{
    const struct flock range = lock_range(byte, type);
    int descriptor = freshet_lock_registry_open(folder_fd, name);
    int status = 0;

    if (descriptor < 0) {
        return descriptor;
    }
    if (fcntl(descriptor, F_OFD_SETLK, &range) == 0) {
        status = lock_judge(descriptor, folder_fd, name);
    } else {
        status = lock_refused(errno);
    }
    if (status != 0) {
        freshet_lock_release(descriptor, byte);
        return status;
    }
    return descriptor;
}

int freshet_lock_try(int folder_fd, const char *name, off_t byte, enum lock_mode mode)
{
    const short type = mode == LOCK_SHARED ? F_RDLCK : F_WRLCK;
    int result = -ESTALE;

    if (byte < 0 || byte >= FRESHET_LOCK_BYTES) {
        return -EINVAL;
    }
    for (int i = 0; i < LOCK_TRIES && result == -ESTALE; i++) {
        result = lock_try_once(folder_fd, name, byte, type);
    }
    return result;
}

void freshet_lock_release(int descriptor, off_t byte)
{
    const struct flock range = lock_range(byte, F_UNLCK);

    freshet_lock_registry_close(descriptor, &range);
}

void freshet_lock_sign(int descriptor, off_t byte, int64_t boot_ms)
{
    char note[LOCK_NOTE_SIZE + 1] = "";
    ssize_t written = 0;

    snprintf(note, sizeof(note), "%-11ld %-34lld\n", (long)getpid(), (long long)boot_ms);
    written = pwrite(descriptor, note, LOCK_NOTE_SIZE - 1, byte * LOCK_NOTE_SIZE);
    (void)written;
}

static void lock_read_note(const char *note, struct lock_holder *holder)
{
    char *after_pid = NULL;
    char *end = NULL;
    long pid = strtol(note, &after_pid, 10);
    long long boot_ms = strtoll(after_pid, &end, 10);

    if (end != after_pid && pid > 0 && pid <= INT32_MAX) {
        *holder = (struct lock_holder){.pid = (pid_t)pid, .boot_ms = boot_ms};
    }
}

bool freshet_lock_holder(int folder_fd, const char *name, off_t byte, struct lock_holder *holder)
{
    struct flock range = lock_range(byte, F_WRLCK);
    char note[LOCK_NOTE_SIZE + 1] = "";
    int descriptor = openat(folder_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    bool held = false;

    *holder = (struct lock_holder){0};
    if (descriptor < 0) {
        return false;
    }
    held = fcntl(descriptor, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
    if (held && pread(descriptor, note, LOCK_NOTE_SIZE, byte * LOCK_NOTE_SIZE) > 0) {
        lock_read_note(note, holder);
    }
    close(descriptor);
    return held;
}
