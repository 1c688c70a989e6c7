/*
 * The list of lock descriptors, and the fork handlers that keep it right.
 *
 * The list is the one mutable datum at file scope in the program. It cannot belong to a client:
 * fork() concerns the process, pthread_atfork() handlers take no argument and cannot be withdrawn,
 * and a lock must not outlive its holder whichever client opened it.
 */
#include "lock/lock_registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    pthread_mutex_t mutex;
    pthread_once_t once;
    int status; /* of setting the fork handlers: an errno */
    int *descriptors;
    size_t count;
    size_t capacity;
} registry = {.mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void registry_before_fork(void)
{
    pthread_mutex_lock(&registry.mutex);
}

static void registry_after_fork(void)
{
    pthread_mutex_unlock(&registry.mutex);
}

/* Closes without unlocking: an unlock would free the lock for the parent, too. */
static void registry_in_child(void)
{
    for (size_t i = 0; i < registry.count; i++) {
        close(registry.descriptors[i]);
    }
    registry.count = 0;
    pthread_mutex_unlock(&registry.mutex);
}

static void registry_watch_fork(void)
{
    registry.status = pthread_atfork(registry_before_fork, registry_after_fork, registry_in_child);
}

static bool registry_reserve(void)
{
    const size_t capacity = registry.capacity == 0 ? 16 : registry.capacity * 2;
    int *grown = NULL;

    if (registry.count < registry.capacity) {
        return true;
    }
    grown = realloc(registry.descriptors, capacity * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    registry.descriptors = grown;
    registry.capacity = capacity;
    return true;
}

int freshet_lock_registry_open(int folder_fd, const char *name)
{
    const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int descriptor = -ENOMEM;

    pthread_once(&registry.once, registry_watch_fork);
    if (registry.status != 0) {
        return -registry.status;
    }
    pthread_mutex_lock(&registry.mutex);
    if (registry_reserve()) {
        descriptor = openat(folder_fd, name, flags | O_RDWR | O_CREAT, 0600);
        if (descriptor < 0 && errno == EROFS) {
            descriptor = openat(folder_fd, name, flags | O_RDONLY); /* to share is possible */
        }
        if (descriptor < 0) {
            descriptor = -errno;
        } else {
            registry.descriptors[registry.count++] = descriptor;
        }
    }
    pthread_mutex_unlock(&registry.mutex);
    return descriptor;
}

void freshet_lock_registry_close(int descriptor, const struct flock *range)
{
    pthread_mutex_lock(&registry.mutex);
    for (size_t i = 0; i < registry.count; i++) {
        if (registry.descriptors[i] == descriptor) {
            fcntl(descriptor, F_OFD_SETLK, range);
            close(descriptor);
            registry.descriptors[i] = registry.descriptors[--registry.count];
            break;
        }
    }
    pthread_mutex_unlock(&registry.mutex);
}
