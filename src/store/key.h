/*
 * The key that the store is sealed with: from a file of its own, or from a command of the user's
 * (a secret service, a TPM, systemd credentials).
 *
 * A missing key file is made only for a store that holds nothing: a new key beside old entries would
 * hide them for ever. The command's output is hashed to the key, never kept. Blocking; called by
 * freshet_store_open() alone.
 */
#ifndef FRESHET_STORE_KEY_H
#define FRESHET_STORE_KEY_H

#include <stdbool.h>

#include "store/error.h"
#include "store/seal.h"

#define FRESHET_KEY_COMMAND_TIMEOUT_MS 30000

/* Reads the key file at path, or makes it if store_empty says so. The folder above it is made
 * (0700) with it. FRESHET_NONE: missing, and the store is not empty. Two processes that make it at
 * once end with one key. */
enum freshet_status freshet_key_from_file(const char *path, int store_folder, bool store_empty,
                                          unsigned char key[FRESHET_SEAL_KEY_BYTES],
                                          struct store_error *error);

/* Runs the command line with /bin/sh, without input; at least 16 and at most 4,096 bytes of output, a
 * newline at the end not counted, within timeout_ms (0: FRESHET_KEY_COMMAND_TIMEOUT_MS). Its
 * standard error stays the caller's, so that it can say what is wrong. */
enum freshet_status freshet_key_from_command(const char *command_line, int timeout_ms,
                                             unsigned char key[FRESHET_SEAL_KEY_BYTES],
                                             struct store_error *error);

#endif
