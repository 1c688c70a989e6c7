/*
 * Files that are replaced whole.
 */
#include "sink/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"
#include "lock/lock.h"

static bool place_fail(const struct outlet_place *place, struct place_fault *fault,
                       const char *what)
{
    snprintf(fault->text, sizeof(fault->text), "%.120s: %.120s", place->path, what);
    return false;
}

static bool place_fail_errno(const struct outlet_place *place, struct place_fault *fault,
                             int number)
{
    char text[128];

    return place_fail(place, fault, strerror_r(number, text, sizeof(text)));
}

/* ---- where it is ---- */

static bool place_set_names(struct outlet_place *place, const char *name)
{
    place->name = strdup(name);
    if (asprintf(&place->beside, "%s.new", name) < 0) {
        place->beside = NULL;
    }
    if (asprintf(&place->lock_name, "%s.lock", name) < 0) {
        place->lock_name = NULL;
    }
    return place->name != NULL && place->beside != NULL && place->lock_name != NULL;
}

bool freshet_place_init(struct outlet_place *place, const char *path, struct place_fault *fault)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *folder = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));

    *place = (struct outlet_place){.folder_fd = -1, .lock_fd = -1};
    place->path = strdup(path);
    place->folder = folder != NULL ? realpath(folder, NULL) : NULL;
    if (place->path == NULL || folder == NULL) {
        free(folder);
        snprintf(fault->text, sizeof(fault->text), "out of memory");
        return false;
    }
    free(folder);
    if (place->folder == NULL) {
        return place_fail_errno(place, fault, errno);
    }
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return place_fail(place, fault, "is a folder; give the path of a file");
    }
    return place_set_names(place, name) || place_fail(place, fault, "out of memory");
}

void freshet_place_free(struct outlet_place *place)
{
    free(place->path);
    free(place->folder);
    free(place->name);
    free(place->beside);
    free(place->lock_name);
    *place = (struct outlet_place){.folder_fd = -1, .lock_fd = -1};
}

/* ---- the lock ---- */

/* In a folder that others can write to, they could put a link or a file of theirs there. */
static bool place_open_folder(struct outlet_place *place, struct place_fault *fault)
{
    struct stat status;

    place->folder_fd = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->folder_fd < 0 || fstat(place->folder_fd, &status) != 0) {
        return place_fail_errno(place, fault, errno);
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return place_fail(place, fault, "its folder belongs to another user; use one of your own");
    }
    if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0) {
        return place_fail(place, fault, "others can write to its folder; run chmod go-w on that");
    }
    return true;
}

enum place_result freshet_place_begin(struct outlet_place *place, struct place_fault *fault)
{
    enum place_result result = PLACE_FAILED;

    if (place_open_folder(place, fault)) {
        place->lock_fd = freshet_lock_try(place->folder_fd, place->lock_name, 0, LOCK_EXCLUSIVE);
        if (place->lock_fd >= 0) {
            return PLACE_OK;
        }
        if (place->lock_fd == -EAGAIN) {
            result = PLACE_BUSY;
            (void)place_fail(place, fault,
                             "another process keeps its lock file locked; end that one");
        } else {
            (void)place_fail_errno(place, fault, -place->lock_fd);
        }
    }
    freshet_place_end(place);
    return result;
}

void freshet_place_end(struct outlet_place *place)
{
    if (place->lock_fd >= 0) {
        freshet_lock_release(place->lock_fd, 0);
    }
    if (place->folder_fd >= 0) {
        close(place->folder_fd);
    }
    place->lock_fd = -1;
    place->folder_fd = -1;
}

/* ---- reading ---- */

static bool place_is_ours(const struct outlet_place *place, const struct stat *status,
                          struct place_fault *fault)
{
    if (S_ISLNK(status->st_mode)) {
        return place_fail(place, fault, "is a symbolic link; give the path of the file itself");
    }
    if (!S_ISREG(status->st_mode)) {
        return place_fail(place, fault, "is no regular file; give the path of a file");
    }
    if (status->st_uid != geteuid()) {
        return place_fail(place, fault, "belongs to another user; use a file of your own");
    }
    if (status->st_size > FRESHET_PLACE_MAX) {
        return place_fail(place, fault, "is larger than 1 MiB; use another file");
    }
    return true;
}

/* Is there a file, and is it one that may be replaced? */
static bool place_look(const struct outlet_place *place, bool *there, struct place_fault *fault)
{
    struct stat status;

    *there = fstatat(place->folder_fd, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*there) {
        return errno == ENOENT || place_fail_errno(place, fault, errno);
    }
    return place_is_ours(place, &status, fault);
}

static bool place_read_opened(const struct outlet_place *place, int descriptor, char **text,
                              size_t *length, struct place_fault *fault)
{
    char *read_text = malloc(FRESHET_PLACE_MAX + 1);

    if (read_text == NULL) {
        return place_fail(place, fault, "out of memory");
    }
    if (freshet_file_read(descriptor, read_text, FRESHET_PLACE_MAX, length) != 0) {
        freshet_place_release(read_text, *length);
        return place_fail(place, fault, "cannot be read, or grew beyond 1 MiB; use another file");
    }
    read_text[*length] = '\0';
    *text = read_text;
    return true;
}

bool freshet_place_read(const struct outlet_place *place, char **text, size_t *length,
                        struct place_fault *fault)
{
    struct stat status;
    bool there = false;
    bool good = place_look(place, &there, fault);
    int descriptor = -1;

    *text = NULL;
    *length = 0;
    if (!good || !there) {
        return good;
    }
    descriptor = freshet_file_open(place->folder_fd, place->name, &status);
    if (descriptor < 0) {
        return place_fail_errno(place, fault, -descriptor);
    }
    /* What was looked at may have been replaced before it was opened: it is judged again. */
    good = place_is_ours(place, &status, fault) &&
           place_read_opened(place, descriptor, text, length, fault);
    close(descriptor);
    return good;
}

void freshet_place_release(char *text, size_t length)
{
    if (text != NULL) {
        sodium_memzero(text, length);
        free(text);
    }
}

/* ---- writing ---- */

bool freshet_place_write(const struct outlet_place *place, const char *text, size_t length,
                         struct place_fault *fault)
{
    bool there = false;
    int result = 0;

    if (length > FRESHET_PLACE_MAX) {
        return place_fail(place, fault, "would be larger than 1 MiB; use another file");
    }
    if (!place_look(place, &there, fault)) {
        return false;
    }
    /* What a crash left beside the file is ours to remove: the lock is held. */
    result = freshet_file_replace(place->folder_fd, place->beside, place->name, text, length);
    if (result != 0) {
        return place_fail_errno(place, fault, -result);
    }
    (void)fsync(place->folder_fd);
    return true;
}

bool freshet_place_remove(const struct outlet_place *place, struct place_fault *fault)
{
    if (unlinkat(place->folder_fd, place->name, 0) != 0 && errno != ENOENT) {
        return place_fail_errno(place, fault, errno);
    }
    (void)fsync(place->folder_fd);
    return true;
}
