/*
 * Memory for secrets: kept out of swap and core files, empty in a child after fork, wiped on
 * release.
 *
 * Blocks are multiples of 64 bytes, so that the text of a token is aligned as copying likes it. It
 * is an arena, not a page and two guards a secret, because a program may hold a million tokens. Any
 * thread; nobody holds its lock for long.
 */
#ifndef FRESHET_RUNTIME_LOCKED_MEMORY_H
#define FRESHET_RUNTIME_LOCKED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define FRESHET_LOCKED_MAX (32 * 1024) /* the largest block, in bytes */

struct locked_memory;

/* NULL without memory. */
struct locked_memory *freshet_locked_new(void);

/* A zeroed block; NULL without memory, or beyond FRESHET_LOCKED_MAX. */
void *freshet_locked_obtain(struct locked_memory *memory, size_t size_bytes);

/* Wipes the block and takes it back. NULL is ignored. */
void freshet_locked_release(struct locked_memory *memory, void *block, size_t size_bytes);

/* False once the system has refused to lock a page: secrets may reach the swap. */
bool freshet_locked_is_locked(const struct locked_memory *memory);

/* No new blocks any more; the memory goes when the last block has been released. */
void freshet_locked_close(struct locked_memory *memory);

#endif
