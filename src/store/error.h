/*
 * Why the store refused: one sentence for the user, and points at which a test may stop the world.
 *
 * Texts name files and what to do; they never hold a credential, a token or a key.
 */
#ifndef FRESHET_STORE_ERROR_H
#define FRESHET_STORE_ERROR_H

#include <freshet/status.h>

#define FRESHET_STORE_ERROR_MAX 320

/* The caller's; may be NULL wherever it is taken. Written only when a call fails. */
struct store_error {
    char text[FRESHET_STORE_ERROR_MAX];
};

/* Writes the sentence and returns the status, so that a failure is one statement. */
enum freshet_status freshet_store_fail(struct store_error *error, enum freshet_status status,
                                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The steps of spending between which a process can die; docs/credentials.md has a row for each. */
enum store_point {
    STORE_AT_LOCKED,            /* the lock is held, nothing was written */
    STORE_AT_PROVED,            /* room for the successor is on disk */
    STORE_AT_INTENT_WRITTEN,    /* the intent is on disk under its temporary name */
    STORE_AT_JOURNALED,         /* the intent is durable: the request may be sent now */
    STORE_AT_SUCCESSOR_HALF,    /* half of the successor is in the temporary file */
    STORE_AT_SUCCESSOR_WRITTEN, /* all of it is */
    STORE_AT_SUCCESSOR_SYNCED,  /* and it is durable */
    STORE_AT_RENAMED,           /* it has its name */
    STORE_AT_PUBLISHED,         /* and that is durable */
    STORE_AT_SETTLED,           /* the journal is cleared */
    STORE_POINTS
};

/* Called at each point. The product leaves it empty; tests end the process in it. */
struct store_probe {
    void (*at)(void *context, enum store_point point);
    void *context;
};

#endif
