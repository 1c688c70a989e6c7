/*
 * `freshet-issuer`, which the freshet command runs as `freshet issuer`: options, one line of JSON
 * when ready, serving until a signal. Exit status 2 for bad usage, 1 when it cannot serve.
 */
#include "issuer/server.h"

#include <freshet/version.h>

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/resource.h>

/* Private keys and tokens stay out of core files. */
static void main_harden(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int main_fail(const struct problem *problem, int status)
{
    (void)fprintf(stderr, "freshet-issuer: %s\n", problem->text);
    return status;
}

static int main_announce(struct issuer *issuer)
{
    json_t *line = freshet_issuer_ready(issuer);
    int result = line == NULL ? -1 : json_dumpf(line, stdout, JSON_COMPACT);

    json_decref(line);
    return result == 0 && putchar('\n') != EOF && fflush(stdout) == 0 ? 0 : -1;
}

static int main_serve(const struct options *options, struct faults *faults)
{
    struct issuer issuer = {0};
    struct server server = {.listener = -1};
    struct problem problem = {""};
    int status = 1;

    if (freshet_issuer_open(&issuer, options, faults, &problem) != 0 ||
        freshet_server_open(&server, &issuer, &problem) != 0) {
        (void)main_fail(&problem, 1);
        goto out;
    }
    if (main_announce(&issuer) == 0) {
        freshet_server_run(&server);
        status = 0;
    } else {
        freshet_problem(&problem, "nobody reads the ready line on stdout");
        (void)main_fail(&problem, 1);
    }
    freshet_server_close(&server);

out:
    freshet_issuer_close(&issuer);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct problem problem = {""};
    struct faults *faults;
    int status = 0;

    main_harden();
    faults = sodium_init() < 0 ? NULL : freshet_faults_open();
    if (faults == NULL) {
        freshet_problem(&problem, "no memory to start");
        return main_fail(&problem, 1);
    }
    switch (freshet_options_parse(argc, argv, &options, faults, &problem)) {
    case OPTIONS_RUN:
        status = main_serve(&options, faults);
        break;
    case OPTIONS_HELP:
        (void)fputs(freshet_options_help, stdout);
        break;
    case OPTIONS_VERSION:
        (void)printf("freshet-issuer %s\n", FRESHET_VERSION);
        break;
    case OPTIONS_WRONG:
        status = main_fail(&problem, 2);
        break;
    }
    freshet_faults_close(faults);
    return status;
}
