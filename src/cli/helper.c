/*
 * Commands that are programs of their own: what they need is not loaded into this one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "simulate/simulate.h"

#define HELPER_PATH_MAX 4096

/* Helpers lie beside this program: ../libexec/freshet/NAME, in the build as when installed. */
static bool helper_path(const char *name, char *path, size_t size)
{
    char self[HELPER_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = NULL;

    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    for (int up = 0; up < 2; up++) {
        slash = strrchr(self, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
    }
    return (size_t)snprintf(path, size, "%s/libexec/freshet/%s", self, name) < size;
}

static int helper_become(const char *name, char **argv)
{
    char path[HELPER_PATH_MAX];

    if (!helper_path(name, path, sizeof(path))) {
        fprintf(stderr, "freshet: cannot tell where freshet itself is installed\n");
        return EXIT_OTHER;
    }
    execv(path, argv);
    fprintf(stderr, "freshet: cannot start %s: %s; install freshet again\n", path, strerror(errno));
    return EXIT_OTHER;
}

int freshet_command_agent(int argc, char **argv)
{
    (void)argc;
    return helper_become("freshet-agent", argv);
}

int freshet_command_run(int argc, char **argv)
{
    (void)argc;
    return helper_become("freshet-run", argv);
}

int freshet_command_issuer(int argc, char **argv)
{
    (void)argc;
    return helper_become("freshet-issuer", argv);
}

int freshet_command_simulate(int argc, char **argv)
{
    return freshet_simulate_main(argc, argv);
}
