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

#include "file/file.h"

int freshet_share_file_read(int folder_fd, const char *name, char *bytes, size_t size,
                            size_t *length)
{
    struct stat status = {0};
    int descriptor = freshet_file_open(folder_fd, name, &status);
    int error = -EPERM;

    *length = 0;
    if (descriptor < 0) {
        return descriptor;
    }
    if (freshet_file_is_ours(&status)) {
        error = freshet_file_read(descriptor, bytes, size, length);
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
