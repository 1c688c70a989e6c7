/*
 * The store: one folder of sealed files, one key, both checked when it is opened.
 *
 * Opening may block (it reads files and may run a command); it is done once, at start. The store
 * reads no clock and starts no thread. Neither a store nor its vaults change between opening and
 * closing, so any thread may use them (a spend belongs to one at a time); any number of processes
 * and of stores in one process may share a folder. After fork() the child closes it and opens its
 * own.
 */
#ifndef FRESHET_STORE_STORE_H
#define FRESHET_STORE_STORE_H

#include <freshet/status.h>

#include "store/error.h"

struct store_options {
    const char *folder;      /* absolute; made 0700 where missing */
    const char *key_file;    /* absolute, outside the folder; made where missing */
    const char *key_command; /* instead of the key file; NULL or "": none */
    int key_timeout_ms;      /* of the command; 0: 30 s */
    struct store_probe probe;
};

struct store {
    int folder;
    unsigned char *key; /* locked and read-only */
    struct store_probe probe;
};

/*
 * Opens the store, for freshet_store_close(). The texts are not kept. FRESHET_INVALID: the options
 * are wrong; FRESHET_STORE: folder or key refused, nothing was changed or deleted.
 */
enum freshet_status freshet_store_open(const struct store_options *options, struct store **store,
                                       struct store_error *error);

/* Wipes the key. NULL is fine. Vaults and spends of the store must be gone. */
void freshet_store_close(struct store *store);

/* What the caller found in its environment; each may be NULL or "". */
struct store_environment {
    const char *state_dir;   /* FRESHET_STATE_DIR */
    const char *state_home;  /* XDG_STATE_HOME */
    const char *config_home; /* XDG_CONFIG_HOME */
    const char *home;        /* HOME */
};

/* free() both. */
struct store_paths {
    char *folder;
    char *key_file;
};

/*
 * Folder: state_dir, state_home/freshet, home/.local/state/freshet; key file: config_home/freshet/
 * key, home/.config/freshet/key. As the XDG rules want it, a relative path counts as not set.
 * FRESHET_INVALID if that leaves either without a place.
 */
enum freshet_status freshet_store_default_paths(const struct store_environment *environment,
                                                struct store_paths *paths,
                                                struct store_error *error);

/* The point was reached. */
void freshet_store_at(const struct store *store, enum store_point point);

#endif
