/*
 * Plain text that must not leak: in memory that is locked, guarded and left out of core files, and
 * wiped when it is freed.
 *
 * Each one costs a few pages, so this is for what is read from the store now and then, not for the
 * token of every session.
 */
#ifndef FRESHET_STORE_SECRET_H
#define FRESHET_STORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <freshet/status.h>

/* The caller's. text is NULL, or length bytes and a NUL after them. Zeroed is empty. */
struct secret {
    char *text;
    size_t length;
};

/* Room for length bytes, zeroed. FRESHET_NO_MEMORY leaves it empty. */
enum freshet_status freshet_secret_alloc(struct secret *secret, size_t length);

/* A copy of bytes. */
enum freshet_status freshet_secret_copy(struct secret *secret, const void *bytes, size_t length);

/* In constant time for equal lengths. */
bool freshet_secret_equal(const struct secret *one, const struct secret *other);

/* Wipes and frees; again is harmless. */
void freshet_secret_free(struct secret *secret);

#endif
