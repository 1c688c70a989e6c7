/*
 * The boot and the time namespace of this process.
 */
#include "share/origin.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORIGIN_ID_LENGTH 36

static void origin_read_boot_id(struct origin *origin)
{
    const int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[ORIGIN_ID_LENGTH + 1] = "";

    if (descriptor < 0) {
        return;
    }
    if (read(descriptor, text, ORIGIN_ID_LENGTH) == ORIGIN_ID_LENGTH) {
        memcpy(origin->boot_id, text, sizeof(text));
    }
    for (size_t i = 0; origin->boot_id[i] != '\0'; i++) {
        if (!isxdigit((unsigned char)origin->boot_id[i]) && origin->boot_id[i] != '-') {
            origin->boot_id[0] = '\0';
        }
    }
    close(descriptor);
}

struct origin freshet_origin_here(void)
{
    struct origin origin = {0};
    struct stat status = {0};

    origin_read_boot_id(&origin);
    /* Kernels without time namespaces have one clock for all: a number of our own stands for it. */
    origin.time_namespace = stat("/proc/self/ns/time", &status) == 0 ? (int64_t)status.st_ino : 1;
    return origin;
}

bool freshet_origin_same(const struct origin *a, const struct origin *b)
{
    return a->boot_id[0] != '\0' && a->time_namespace != 0 &&
           a->time_namespace == b->time_namespace && strcmp(a->boot_id, b->boot_id) == 0;
}
