/*
 * Reading in the shared place.
 */
#include "share/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_read_all(int descriptor, char *bytes, size_t size, size_t *length)
{
    char beyond = 0;
    ssize_t count = 1;

    while (*length < size && count > 0) {
        count = read(descriptor, bytes + *length, size - *length);
        if (count > 0) {
            *length += (size_t)count;
        }
    }
    if (count > 0) {
        count = read(descriptor, &beyond, 1);
        if (count > 0) {
            return -EFBIG;
        }
    }
    return count < 0 ? -errno : 0;
}

int freshet_share_file_read(int folder_fd, const char *name, char *bytes, size_t size,
                            size_t *length)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat status = {0};
    int descriptor = openat(folder_fd, name, flags);
    int error = 0;

    *length = 0;
    if (descriptor < 0) {
        return -errno;
    }
    if (fstat(descriptor, &status) != 0) {
        error = -errno;
    } else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
               (status.st_mode & 0077) != 0) {
        error = -EPERM;
    } else if (status.st_size > (off_t)size) {
        error = -EFBIG;
    } else {
        error = file_read_all(descriptor, bytes, size, length);
    }
    close(descriptor);
    return error;
}

void freshet_share_file_each(int folder_fd, share_file_visit *visit, void *context)
{
    /* A descriptor of its own: a duplicate would share the position with whoever else reads. */
    const int again = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again >= 0 ? fdopendir(again) : NULL;
    const struct dirent *entry = NULL;

    if (folder == NULL) {
        if (again >= 0) {
            close(again);
        }
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        visit(folder_fd, entry->d_name, context);
    }
    closedir(folder);
}

const char *freshet_share_file_error(int error)
{
    switch (error) {
    case -ELOOP:
        return "it is a symbolic link; remove it";
    case -EPERM:
        return "it is not a plain file that belongs to this user and is closed to others; "
               "remove it";
    case -EFBIG:
        return "it is too large; remove it";
    case -EISDIR:
        return "it is a folder; remove it";
    case -EAGAIN:
    case -ESTALE:
        return "other processes kept writing it, or were stopped while they did";
    case -EMSGSIZE:
        return "a name or the token in it is too long";
    case -ENOSPC:
        return "there is no space left; make room";
    case -EDQUOT:
        return "the disk quota is used up; make room";
    case -EROFS:
        return "the file system is read-only";
    case -EACCES:
        return "permission is denied; check the owner and mode of the folder";
    case -EMFILE:
    case -ENFILE:
        return "too many files are open; raise the limit";
    default:
        return strerror(-error);
    }
}
