/*
 * Files through system calls that may stop half-way.
 */
#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool freshet_file_is_ours(const struct stat *status)
{
    return S_ISREG(status->st_mode) && status->st_uid == geteuid() && (status->st_mode & 077) == 0;
}

/* To open a pipe or a terminal must neither wait nor change anything. */
int freshet_file_open(int folder, const char *name, struct stat *status)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int descriptor = openat(folder, name, flags);
    int result = descriptor;

    if (descriptor < 0 || fstat(descriptor, status) != 0) {
        result = -errno;
    }
    if (result < 0 && descriptor >= 0) {
        close(descriptor);
    }
    return result;
}

int freshet_file_read(int descriptor, void *data, size_t size, size_t *length)
{
    unsigned char beyond = 0;
    ssize_t got = 1;

    *length = 0;
    while (got != 0) {
        const bool full = *length == size;

        got = full ? read(descriptor, &beyond, 1)
                   : read(descriptor, (unsigned char *)data + *length, size - *length);
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got > 0 && full) {
            return -EFBIG;
        }
        *length += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int freshet_file_write(int descriptor, const void *data, size_t length)
{
    const unsigned char *at = data;

    while (length > 0) {
        const ssize_t written = write(descriptor, at, length);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? -errno : -EIO;
        }
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

int freshet_file_create(int folder, const char *name)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int descriptor = -1;
    int result = 0;

    if (unlinkat(folder, name, 0) != 0 && errno != ENOENT) {
        return -errno;
    }
    descriptor = openat(folder, name, flags, 0600);
    if (descriptor < 0) {
        return -errno;
    }
    if (fchmod(descriptor, 0600) != 0) {
        result = -errno;
        close(descriptor);
        unlinkat(folder, name, 0);
        return result;
    }
    return descriptor;
}

int freshet_file_make(int folder, const char *name, const void *data, size_t length)
{
    int descriptor = freshet_file_create(folder, name);
    int result = descriptor;

    if (descriptor < 0) {
        return result;
    }
    result = freshet_file_write(descriptor, data, length);
    if (result == 0 && fsync(descriptor) != 0) {
        result = -errno;
    }
    if (close(descriptor) != 0 && result == 0) {
        result = -errno;
    }
    return result;
}

int freshet_file_replace(int folder, const char *temporary, const char *name, const void *data,
                         size_t length)
{
    int result = freshet_file_make(folder, temporary, data, length);

    if (result == 0 && renameat(folder, temporary, folder, name) != 0) {
        result = -errno;
    }
    if (result != 0) {
        unlinkat(folder, temporary, 0);
    }
    return result;
}

int freshet_file_sync_above(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *above = slash == NULL   ? strdup(".")
                  : slash == path ? strdup("/")
                                  : strndup(path, (size_t)(slash - path));
    int descriptor = above != NULL ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = descriptor >= 0 && fsync(descriptor) == 0 ? 0 : -errno;

    if (descriptor >= 0) {
        close(descriptor);
    }
    free(above);
    return result;
}
