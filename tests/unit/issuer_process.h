/*
 * The development issuer as a process, for tests of the library: started with options, asked and
 * broken through its admin endpoint, stopped. Everything that fails fails the test, so these are for
 * the test's own thread only.
 */
#ifndef FRESHET_TESTS_ISSUER_PROCESS_H
#define FRESHET_TESTS_ISSUER_PROCESS_H

#include <sys/types.h>

#define ISSUER_TEXT_MAX 4096
#define ISSUER_SID_MAX  64

struct issuer_process {
    pid_t pid;
    int port;
    char url[64];
    char publishable_key[128];
    char client_token[ISSUER_TEXT_MAX];
    char folder[64];     /* of our own, 0700 */
    char token_file[96]; /* in it, 0600, holds the client token */
    char log_file[96];   /* in it too: one line for each request */
};

/* `options` ends with NULL, and may be NULL. */
void freshet_issuer_start(struct issuer_process *issuer, const char *const *options);

/* Ends it and removes its files. */
void freshet_issuer_stop(struct issuer_process *issuer);

/* Replaces what goes wrong, e.g. "tokens" and "[{\"status\": 500, \"count\": -1}]"; "[]" ends it. */
void freshet_issuer_fault(const struct issuer_process *issuer, const char *on, const char *rules);

/* Changes its settings, e.g. "{\"signed_in\": false}". */
void freshet_issuer_settings(const struct issuer_process *issuer, const char *settings);

/* The ids of its sessions, of which there must be so many. */
void freshet_issuer_sids(const struct issuer_process *issuer, size_t count,
                         char sids[][ISSUER_SID_MAX]);

/* How many requests of a kind have come: "tokens", "client", "environment" ... */
int freshet_issuer_requests(const struct issuer_process *issuer, const char *on);

/* Waits until so many requests are left without an answer. */
void freshet_issuer_await_hanging(const struct issuer_process *issuer, int count);

/* How many lines of the log hold a text. */
int freshet_issuer_logged(const struct issuer_process *issuer, const char *text);

#endif
