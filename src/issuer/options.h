/*
 * The command line of the issuer.
 */
#ifndef FRESHET_ISSUER_OPTIONS_H
#define FRESHET_ISSUER_OPTIONS_H

#include "issuer/faults.h"
#include "issuer/mint.h"
#include "issuer/settings.h"
#include "issuer/world.h"

#include <netinet/in.h>

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

struct options {
    struct sockaddr_in listen;
    struct settings settings;
    enum algorithm algorithm;
    struct names organizations;
    struct names templates;
    int64_t sessions;
    int64_t patience_ms; /* how long a client may take to send a request */
    bool admin;
    bool quiet;
    const char *log_path; /* NULL: no log */
};

/* Fills the options and the faults; OPTIONS_WRONG comes with a problem. */
enum options_result freshet_options_parse(int count, char *const *arguments,
                                          struct options *options, struct faults *faults,
                                          struct problem *problem);

extern const char freshet_options_help[];

#endif
