/*
 * Looking for the place, and judging what is found.
 *
 * The folder above must belong to us or to root, so that nobody can swap ours away, and so that root
 * with another user's environment does not settle in that user's folder.
 */
#include "share/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static void place_complain(struct place *place, const char *path, const char *why)
{
    const size_t used = strlen(place->fault.text);

    snprintf(place->fault.text + used, sizeof(place->fault.text) - used, "%s%s: %s",
             used > 0 ? "; " : "", path, why);
}

/* The kinds people are likely to meet; the rule itself is: only memory. */
static const char *place_why_not_this_system(const struct statfs *system)
{
    switch ((unsigned long)system->f_type) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
        return NULL;
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case 0xff534d42UL: /* CIFS */
    case 0xfe534d42UL: /* SMB2 */
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case 0x00c36400UL: /* Ceph */
    case V9FS_MAGIC:
        return "is on a network file system, where locks and watches do not reach; choose a folder "
               "on a tmpfs of this machine";
    default:
        return "is not on a file system in memory (tmpfs or ramfs), so tokens would reach a disk; "
               "choose one under /run/user or /dev/shm";
    }
}

static const char *place_why_not_this_folder(int folder_fd, struct place *place)
{
    struct stat status = {0};
    struct statfs system = {0};
    struct statvfs flags = {0};

    if (fstat(folder_fd, &status) != 0 || fstatfs(folder_fd, &system) != 0 ||
        fstatvfs(folder_fd, &flags) != 0) {
        return strerror(errno);
    }
    if (status.st_uid != geteuid()) {
        return "belongs to another user; remove it or choose another folder";
    }
    if ((status.st_mode & 0777) != 0700) {
        return "is not closed to others; make its mode 0700";
    }
    if ((flags.f_flag & ST_RDONLY) != 0) {
        return "is on a read-only file system; choose a writable one";
    }
    place->device = status.st_dev;
    place->inode = status.st_ino;
    return place_why_not_this_system(&system);
}

/* The folder above may be reached over links, but must not be one that another user rules. */
static const char *place_why_not_above(int above_fd)
{
    struct stat status = {0};

    if (fstat(above_fd, &status) != 0) {
        return strerror(errno);
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return "the folder above belongs to another user; choose one of your own";
    }
    if ((status.st_mode & 0022) != 0 && (status.st_mode & S_ISVTX) == 0) {
        return "the folder above is writable by others and not sticky; choose a safer one";
    }
    return NULL;
}

static const char *place_open_below(struct place *place, int above_fd, const char *name, bool make)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const char *why = NULL;
    int folder_fd = -1;

    /* The umask can only take rights away, and what it takes the judgement below finds missing. */
    if (make && mkdirat(above_fd, name, 0700) != 0 && errno != EEXIST) {
        return errno == EROFS ? "cannot be made: the file system is read-only" : strerror(errno);
    }
    folder_fd = openat(above_fd, name, flags);
    if (folder_fd < 0) {
        return errno == ELOOP || errno == ENOTDIR
                   ? "is a link or not a folder; remove it or choose another"
                   : strerror(errno);
    }
    why = place_why_not_this_folder(folder_fd, place);
    if (why != NULL) {
        close(folder_fd);
        return why;
    }
    place->folder_fd = folder_fd;
    return NULL;
}

/* Opens the folder above `name`, the last part of place->path. A descriptor, or -1 with errno. */
static int place_open_above(const struct place *place, const char *name)
{
    char above[PATH_MAX] = "";

    memcpy(above, place->path, (size_t)(name - place->path));
    return open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static const char *place_why_not(struct place *place, const char *path, bool make)
{
    const char *why = NULL;
    const char *name = NULL;
    int above_fd = -1;

    if (path[0] != '/') {
        return "is not an absolute path; write it from the root";
    }
    if (strlen(path) >= sizeof(place->path)) {
        return "its path is too long";
    }
    snprintf(place->path, sizeof(place->path), "%s", path);
    for (size_t end = strlen(place->path); end > 1 && place->path[end - 1] == '/'; end--) {
        place->path[end - 1] = '\0';
    }
    name = strrchr(place->path, '/') + 1;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return "does not name a folder that could be ours";
    }
    above_fd = place_open_above(place, name);
    if (above_fd < 0) {
        return strerror(errno);
    }
    why = place_why_not_above(above_fd);
    if (why == NULL) {
        why = place_open_below(place, above_fd, name, make);
    }
    close(above_fd);
    return why;
}

static bool place_try(struct place *place, const char *path, bool make)
{
    const char *why = place_why_not(place, path, make);

    if (why != NULL) {
        place_complain(place, path, why);
    }
    return why == NULL;
}

static bool place_is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

static bool place_try_defaults(struct place *place, const struct place_choice *choice)
{
    const char *run_user = choice->run_user != NULL ? choice->run_user : "/run/user";
    const char *memory = choice->shared_memory != NULL ? choice->shared_memory : "/dev/shm";
    const unsigned long uid = geteuid();
    const bool make = !choice->only_look;
    char path[PATH_MAX] = "";

    if (place_is_set(choice->xdg_runtime_dir)) {
        snprintf(path, sizeof(path), "%s/freshet", choice->xdg_runtime_dir);
        if (place_try(place, path, make)) {
            return true;
        }
    }
    snprintf(path, sizeof(path), "%s/%lu/freshet", run_user, uid);
    if (place_try(place, path, make)) {
        return true;
    }
    snprintf(path, sizeof(path), "%s/freshet-%lu", memory, uid);
    return place_try(place, path, make);
}

bool freshet_place_open(struct place *place, const struct place_choice *choice)
{
    bool found = false;

    *place = (struct place){.folder_fd = -1};
    if (place_is_set(choice->chosen)) {
        found = place_try(place, choice->chosen, !choice->only_look);
    } else if (place_is_set(choice->freshet_runtime_dir)) {
        found = place_try(place, choice->freshet_runtime_dir, !choice->only_look);
    } else {
        found = place_try_defaults(place, choice);
    }
    if (found) {
        place->fault.text[0] = '\0';
    }
    return found;
}

void freshet_place_close(struct place *place)
{
    if (place->folder_fd >= 0) {
        close(place->folder_fd);
    }
    place->folder_fd = -1;
}

bool freshet_place_stands(const struct place *place)
{
    struct stat status = {0};

    return place->folder_fd >= 0 && lstat(place->path, &status) == 0 &&
           status.st_dev == place->device && status.st_ino == place->inode &&
           status.st_uid == geteuid() && (status.st_mode & 0777) == 0700;
}
