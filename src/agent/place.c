/*
 * The socket's folder must be ours and closed to others, so nobody else can put a socket there. A
 * lock beside the socket says that its agent lives: the kernel lets go of it however that ends. A
 * socket that a dead agent left is replaced; one that answers is not.
 */
#include "agent/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/activation.h"

#define PLACE_TRIES 16 /* as often as others may sweep at that moment */

int freshet_agent_problem(struct agent_problem *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- the folder ---- */

/* Ours, closed to others, and no link; made if it is missing. */
static int place_folder(const char *folder, struct agent_problem *problem)
{
    struct stat status;

    if ((mkdir(folder, 0700) != 0 && errno != EEXIST) || lstat(folder, &status) != 0) {
        return freshet_agent_problem(problem,
                                     "cannot make the folder %s: %s; choose another "
                                     "--socket",
                                     folder, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return freshet_agent_problem(
            problem, "%s is a %s, not a folder; remove it or choose another --socket", folder,
            S_ISLNK(status.st_mode) ? "symbolic link" : "file");
    }
    if (status.st_uid != geteuid()) {
        return freshet_agent_problem(
            problem, "the folder %s belongs to user %u; choose a --socket in one of your own",
            folder, (unsigned)status.st_uid);
    }
    if ((status.st_mode & 077) != 0) {
        return freshet_agent_problem(
            problem, "others can look into the folder %s; chmod 700 it or choose another --socket",
            folder);
    }
    return 0;
}

static int place_set(struct place *place, const char *path, struct agent_problem *problem)
{
    char folder[FRESHET_PLACE_BYTES];
    char *slash = NULL;

    if ((size_t)snprintf(place->path, sizeof(place->path), "%s", path) >= sizeof(place->path)) {
        return freshet_agent_problem(
            problem, "the path of the socket is longer than %d bytes; choose a shorter --socket",
            FRESHET_PLACE_BYTES - 1);
    }
    (void)snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder || slash[1] == '\0') {
        return freshet_agent_problem(
            problem, "'%s' is no socket in a folder; say it as FOLDER/agent.socket", path);
    }
    *slash = '\0';
    return place_folder(folder, problem);
}

/* FOLDER/NAME in the chosen folder, else in the first of the usual ones that will do; the problem of
 * the last if none does. */
static int place_find(struct place *place, const char *chosen, const char *name,
                      struct agent_problem *problem)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const unsigned user = (unsigned)geteuid();
    char paths[3][FRESHET_PLACE_BYTES + 1] = {""};

    if (chosen == NULL || chosen[0] == '\0') {
        chosen = getenv("FRESHET_RUNTIME_DIR");
    }
    if (chosen != NULL && chosen[0] == '/') {
        (void)snprintf(paths[0], sizeof(paths[0]), "%s/%s", chosen, name);
        return place_set(place, paths[0], problem);
    }
    if (runtime != NULL && runtime[0] == '/') {
        (void)snprintf(paths[0], sizeof(paths[0]), "%s/freshet/%s", runtime, name);
    }
    (void)snprintf(paths[1], sizeof(paths[1]), "/run/user/%u/freshet/%s", user, name);
    (void)snprintf(paths[2], sizeof(paths[2]), "/dev/shm/freshet-%u/%s", user, name);
    for (int i = 0; i < 3; i++) {
        if (paths[i][0] != '\0' && place_set(place, paths[i], problem) == 0) {
            problem->text[0] = '\0'; /* of those that would not do */
            return 0;
        }
    }
    return -1;
}

/* ---- the socket ---- */

static int place_taken(const struct place *place, struct agent_problem *problem)
{
    return freshet_agent_problem(problem,
                                 "another agent serves %s; stop it first, or choose another "
                                 "--socket",
                                 place->path);
}

static int place_lock(struct place *place, struct agent_problem *problem)
{
    char path[FRESHET_PLACE_BYTES + 8];

    (void)snprintf(path, sizeof(path), "%s.lock", place->path);
    place->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (place->lock < 0) {
        return freshet_agent_problem(problem, "cannot open %s: %s", path, strerror(errno));
    }
    if (flock(place->lock, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    return place_taken(place, problem);
}

/* A service manager may hold a socket without any lock: whoever answers there lives. */
static bool place_answers(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answers =
        probe >= 0 && (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                       errno == EAGAIN);

    if (probe >= 0) {
        (void)close(probe);
    }
    return answers;
}

/* Removes what a dead agent left; anything but a socket stays. */
static int place_clear(const struct place *place, const struct sockaddr_un *address,
                       struct agent_problem *problem)
{
    struct stat status;

    if (lstat(place->path, &status) != 0) {
        return 0;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return freshet_agent_problem(problem,
                                     "%s is a %s, not a socket; remove it, or choose another "
                                     "--socket",
                                     place->path,
                                     S_ISLNK(status.st_mode) ? "symbolic link" : "file");
    }
    if (status.st_uid != geteuid()) {
        return freshet_agent_problem(problem,
                                     "%s belongs to user %u; remove it, or choose another "
                                     "--socket",
                                     place->path, (unsigned)status.st_uid);
    }
    if (place_answers(address)) {
        return place_taken(place, problem);
    }
    (void)unlink(place->path);
    return 0;
}

static int place_bind(struct place *place, struct agent_problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    mode_t mask = 0;
    int bound = -1;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", place->path);
    if (place_clear(place, &address, problem) != 0) {
        return -1;
    }
    place->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (place->listener >= 0) {
        mask = umask(0177);
        bound = bind(place->listener, (const struct sockaddr *)&address, sizeof(address));
        (void)umask(mask);
    }
    if (bound != 0 || listen(place->listener, SOMAXCONN) != 0 || lstat(place->path, &status) != 0) {
        return freshet_agent_problem(problem, "cannot listen on %s: %s", place->path,
                                     strerror(errno));
    }
    place->device = status.st_dev;
    place->inode = status.st_ino;
    return 0;
}

/* The service manager's socket is neither made nor removed by us, but it must be ours alone too. */
static int place_check_activated(const struct place *place, struct agent_problem *problem)
{
    struct stat status;

    if (place->path[0] == '\0' || lstat(place->path, &status) != 0) {
        return freshet_agent_problem(problem, "the service manager's socket lies in no folder; see "
                                              "ListenStream in the socket unit");
    }
    if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
        return freshet_agent_problem(problem,
                                     "the service manager's socket %s is not this user's "
                                     "alone; set SocketMode=0600 in the socket unit",
                                     place->path);
    }
    return 0;
}

int freshet_place_take(struct place *place, const char *asked, const char *runtime_dir,
                       struct agent_problem *problem)
{
    *place = (struct place){.listener = -1, .lock = -1};
    if (freshet_activation_listener(&place->listener, place->path, sizeof(place->path), problem) !=
        0) {
        return -1;
    }
    if (place->listener >= 0) {
        return place_check_activated(place, problem);
    }
    if (asked == NULL) {
        asked = getenv("FRESHET_SOCKET");
    }
    if ((asked != NULL && asked[0] != '\0'
             ? place_set(place, asked, problem)
             : place_find(place, runtime_dir, "agent.socket", problem)) == 0 &&
        place_lock(place, problem) == 0 && place_bind(place, problem) == 0) {
        return 0;
    }
    freshet_place_leave(place);
    return -1;
}

/* ---- a folder of one's own ---- */

static const char place_private_name[] = "run-XXXXXX";

/* Removes the folder and the files in it; there are no others below. */
static void place_remove_private(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *file = NULL;

    while (folder != NULL && (file = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), file->d_name, 0);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
}

/* A lock on the folder itself says that its owner lives. -1: it is locked, or has gone. */
static int place_lock_private(const char *path)
{
    int lock = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat held = {.st_ino = 0};
    struct stat found = {.st_ino = 0};

    if (lock >= 0 &&
        (flock(lock, LOCK_EX | LOCK_NB) != 0 || fstat(lock, &held) != 0 ||
         held.st_uid != geteuid() || lstat(path, &found) != 0 || held.st_ino != found.st_ino)) {
        (void)close(lock);
        lock = -1;
    }
    return lock;
}

/* Removes what killed owners left in the folder that `place->path` names a new one in. */
static void place_sweep(const struct place *place)
{
    const size_t prefix = sizeof("run-") - 1;
    const int above_bytes = (int)(strrchr(place->path, '/') - place->path);
    char path[FRESHET_PLACE_BYTES + sizeof(((struct dirent *)NULL)->d_name)];
    const struct dirent *entry = NULL;
    DIR *above = NULL;

    (void)snprintf(path, sizeof(path), "%.*s", above_bytes, place->path);
    above = opendir(path);
    while (above != NULL && (entry = readdir(above)) != NULL) {
        int lock = -1;

        if (strncmp(entry->d_name, place_private_name, prefix) != 0 ||
            strlen(entry->d_name) != sizeof(place_private_name) - 1) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%.*s/%s", above_bytes, place->path, entry->d_name);
        lock = place_lock_private(path);
        if (lock >= 0) {
            place_remove_private(path);
            (void)close(lock);
        }
    }
    if (above != NULL) {
        (void)closedir(above);
    }
}

/* mkdtemp fills in the folder's name and makes it 0700. Until it is locked another start may take it
 * for a dead one's: then a new one is made. */
static int place_make_private(struct place *place, struct agent_problem *problem)
{
    for (int tries = 0; tries < PLACE_TRIES; tries++) {
        memcpy(place->private, place->path, sizeof(place->private));
        if (mkdtemp(place->private) == NULL) {
            break;
        }
        place->lock = place_lock_private(place->private);
        if (place->lock >= 0) {
            return 0;
        }
        errno = EBUSY;
    }
    (void)freshet_agent_problem(problem, "cannot make the folder %s: %s", place->path,
                                strerror(errno));
    place->private[0] = '\0';
    return -1;
}

int freshet_place_take_private(struct place *place, const char *runtime_dir,
                               struct agent_problem *problem)
{
    *place = (struct place){.listener = -1, .lock = -1};
    if (place_find(place, runtime_dir, place_private_name, problem) != 0) {
        return -1;
    }
    place_sweep(place);
    if (place_make_private(place, problem) != 0) {
        return -1;
    }
    (void)snprintf(place->path, sizeof(place->path), "%.*s/agent.socket", FRESHET_PLACE_BYTES - 16,
                   place->private);
    if (place_bind(place, problem) == 0) {
        return 0;
    }
    freshet_place_leave(place);
    return -1;
}

void freshet_place_leave(struct place *place)
{
    struct stat status;

    if (place->inode != 0 && lstat(place->path, &status) == 0 && status.st_dev == place->device &&
        status.st_ino == place->inode) {
        (void)unlink(place->path);
    }
    if (place->listener >= 0) {
        (void)close(place->listener);
    }
    if (place->private[0] != '\0') {
        place_remove_private(place->private);
    }
    if (place->lock >= 0) {
        (void)close(place->lock);
    }
    *place = (struct place){.listener = -1, .lock = -1};
}
