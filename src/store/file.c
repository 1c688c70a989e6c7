/*
 * Files and folders of the store: checked when read, replaced whole when written.
 */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"

/* What is wrong with the owner or the mode, or NULL. */
static const char *file_fault(const struct stat *status)
{
    if (status->st_uid != geteuid()) {
        return "it belongs to another user; use one of your own";
    }
    if ((status->st_mode & 077) != 0) {
        return S_ISDIR(status->st_mode) ? "others may enter it; run chmod 700 on it"
                                        : "others may read it; run chmod 600 on it";
    }
    return NULL;
}

enum freshet_status freshet_folder_open(const char *path, int *descriptor,
                                        struct store_error *error)
{
    struct stat status;
    const char *fault = NULL;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    *descriptor = -1;
    if (folder < 0) {
        if (errno == ENOTDIR || errno == ELOOP) {
            return freshet_store_fail(error, FRESHET_STORE,
                                      "folder %.200s: not a folder, or a link to one; give the "
                                      "folder itself",
                                      path);
        }
        return freshet_store_fail(error, FRESHET_STORE, "folder %.200s: %s", path, strerror(errno));
    }
    fault = fstat(folder, &status) != 0 ? strerror(errno) : file_fault(&status);
    if (fault != NULL) {
        close(folder);
        return freshet_store_fail(error, FRESHET_STORE, "folder %.200s: %s", path, fault);
    }
    *descriptor = folder;
    return FRESHET_OK;
}

/* The path without slashes at its end: with one, a link would be followed. */
static char *folder_trimmed(const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    return strndup(path, length);
}

/* An ancestor that we may not make is fine as long as it is there. */
static int folder_make_one(const char *path)
{
    int reason = 0;

    if (mkdir(path, 0700) == 0) {
        return freshet_file_sync_above(path);
    }
    reason = errno;
    return reason == EEXIST || access(path, F_OK) == 0 ? 0 : -reason;
}

static int folder_make_parts(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int result = 0;

        *slash = '\0';
        result = folder_make_one(path);
        *slash = '/';
        if (result != 0) {
            return result;
        }
    }
    return folder_make_one(path);
}

static enum freshet_status folder_make(const char *trimmed, struct store_error *error)
{
    char *path = strdup(trimmed);
    int result = path != NULL ? folder_make_parts(path) : -ENOMEM;

    free(path);
    return result == 0
               ? FRESHET_OK
               : freshet_store_fail(error, FRESHET_STORE, "folder %.200s cannot be made: %s",
                                    trimmed, strerror(-result));
}

enum freshet_status freshet_parent_make(const char *path, int *descriptor,
                                        struct store_error *error)
{
    enum freshet_status status = folder_make(path, error);

    *descriptor = -1;
    if (status != FRESHET_OK) {
        return status;
    }
    *descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *descriptor >= 0 ? FRESHET_OK
                            : freshet_store_fail(error, FRESHET_STORE, "folder %.200s: %s", path,
                                                 strerror(errno));
}

enum freshet_status freshet_folder_make(const char *path, int *descriptor,
                                        struct store_error *error)
{
    char *trimmed = folder_trimmed(path);
    enum freshet_status status = FRESHET_NO_MEMORY;

    *descriptor = -1;
    if (trimmed != NULL && trimmed[0] != '/') {
        status = freshet_store_fail(error, FRESHET_INVALID,
                                    "folder %.200s: give a path that begins with /", path);
    } else if (trimmed != NULL) {
        status = folder_make(trimmed, error);
        if (status == FRESHET_OK) {
            status = freshet_folder_open(trimmed, descriptor, error);
        }
    }
    free(trimmed);
    return status;
}

static const char *file_take(int descriptor, const struct stat *status, size_t limit,
                             struct file_bytes *bytes)
{
    const char *fault = NULL;
    int result = 0;

    if (!S_ISREG(status->st_mode)) {
        return "it is not a regular file; move it away";
    }
    fault = file_fault(status);
    if (fault != NULL) {
        return fault;
    }
    if (status->st_size < 0 || (size_t)status->st_size > limit) {
        return "it is larger than anything Freshet writes; restore it from a copy or move it away";
    }
    bytes->data = malloc((size_t)status->st_size + 1);
    if (bytes->data == NULL) {
        return strerror(ENOMEM);
    }
    result = freshet_file_read(descriptor, bytes->data, (size_t)status->st_size, &bytes->length);
    if (result != 0) {
        freshet_store_file_free(bytes);
        return strerror(-result);
    }
    return NULL;
}

enum freshet_status freshet_store_file_read(int folder, const char *name, size_t limit,
                                            struct file_bytes *bytes, struct store_error *error)
{
    const char *fault = NULL;
    struct stat status;
    int descriptor = freshet_file_open(folder, name, &status);

    *bytes = (struct file_bytes){0};
    if (descriptor == -ENOENT) {
        return freshet_store_fail(error, FRESHET_NONE, "there is none");
    }
    if (descriptor < 0) {
        fault = descriptor == -ELOOP ? "it is a link; put the file itself there"
                                     : strerror(-descriptor);
        return freshet_store_fail(error, FRESHET_STORE, "%s", fault);
    }
    fault = file_take(descriptor, &status, limit, bytes);
    close(descriptor);
    return fault == NULL ? FRESHET_OK : freshet_store_fail(error, FRESHET_STORE, "%s", fault);
}

int freshet_store_file_rename(int folder, const char *from, const char *to)
{
    if (renameat(folder, from, folder, to) != 0) {
        return -errno;
    }
    return fsync(folder) == 0 ? 0 : -errno;
}

int freshet_store_file_put(int folder, const char *temporary, const char *name,
                           const struct file_bytes *bytes)
{
    int result = freshet_file_replace(folder, temporary, name, bytes->data, bytes->length);

    if (result == 0 && fsync(folder) != 0) {
        result = -errno;
    }
    return result;
}

int freshet_store_file_remove(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    return fsync(folder) == 0 ? 0 : -errno;
}

void freshet_store_file_free(struct file_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct file_bytes){0};
}
