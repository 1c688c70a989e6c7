/*
 * The arena of runtime/locked_memory.h: chunks of pages, and a list of free blocks for each size.
 */
#include "runtime/locked_memory.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LOCKED_UNIT    64
#define LOCKED_CHUNK   (64 * 1024)
#define LOCKED_CLASSES (FRESHET_LOCKED_MAX / LOCKED_UNIT + 1)

/* The bookkeeping of a chunk lies outside it: a child after fork finds the pages empty. */
struct chunk {
    struct chunk *next;
    unsigned char *pages;
};

struct block {
    struct block *next;
};

struct locked_memory {
    pthread_mutex_t lock;
    struct chunk *chunks; /* the first one is cut from */
    size_t used_bytes;    /* of the first chunk */
    size_t blocks;        /* handed out */
    bool closed;
    _Atomic bool unlocked;
    struct block *free[LOCKED_CLASSES];
};

struct locked_memory *freshet_locked_new(void)
{
    struct locked_memory *memory = calloc(1, sizeof(*memory));

    if (memory != NULL) {
        pthread_mutex_init(&memory->lock, NULL);
    }
    return memory;
}

static void locked_free(struct locked_memory *memory)
{
    while (memory->chunks != NULL) {
        struct chunk *chunk = memory->chunks;

        memory->chunks = chunk->next;
        munmap(chunk->pages, LOCKED_CHUNK);
        free(chunk);
    }
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

/* A kernel that refuses to lock or to leave out of core files still gives memory to serve from. */
static bool locked_add_chunk(struct locked_memory *memory)
{
    struct chunk *chunk = malloc(sizeof(*chunk));
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    // cppcheck-suppress invalidFunctionArg ; an anonymous mapping has no descriptor
    void *pages = mmap(NULL, LOCKED_CHUNK, PROT_READ | PROT_WRITE, flags, -1, 0);

    if (chunk == NULL || pages == MAP_FAILED) {
        if (pages != MAP_FAILED) {
            munmap(pages, LOCKED_CHUNK);
        }
        free(chunk);
        return false;
    }
    if (mlock(pages, LOCKED_CHUNK) != 0) {
        atomic_store_explicit(&memory->unlocked, true, memory_order_relaxed);
    }
    (void)madvise(pages, LOCKED_CHUNK, MADV_DONTDUMP);
    (void)madvise(pages, LOCKED_CHUNK, MADV_WIPEONFORK);
    chunk->pages = pages;
    chunk->next = memory->chunks;
    memory->chunks = chunk;
    memory->used_bytes = 0;
    return true;
}

static size_t locked_round(size_t size_bytes)
{
    return (size_bytes + LOCKED_UNIT - 1) / LOCKED_UNIT * LOCKED_UNIT;
}

/* The lock is held. */
static void *locked_cut(struct locked_memory *memory, size_t size_bytes)
{
    struct block **list = &memory->free[size_bytes / LOCKED_UNIT];
    struct block *block = *list;

    if (block != NULL) {
        *list = block->next;
        block->next = NULL;
        return block;
    }
    if ((memory->chunks == NULL || memory->used_bytes + size_bytes > LOCKED_CHUNK) &&
        !locked_add_chunk(memory)) {
        return NULL;
    }
    memory->used_bytes += size_bytes;
    return memory->chunks->pages + memory->used_bytes - size_bytes;
}

void *freshet_locked_obtain(struct locked_memory *memory, size_t size_bytes)
{
    void *block = NULL;

    if (size_bytes == 0 || size_bytes > FRESHET_LOCKED_MAX) {
        return NULL;
    }
    pthread_mutex_lock(&memory->lock);
    block = locked_cut(memory, locked_round(size_bytes));
    memory->blocks += block != NULL ? 1 : 0;
    pthread_mutex_unlock(&memory->lock);
    return block;
}

void freshet_locked_release(struct locked_memory *memory, void *block, size_t size_bytes)
{
    struct block *returned = block;
    struct block **list = NULL;
    bool last = false;

    if (block == NULL) {
        return;
    }
    sodium_memzero(block, size_bytes);
    pthread_mutex_lock(&memory->lock);
    list = &memory->free[locked_round(size_bytes) / LOCKED_UNIT];
    returned->next = *list;
    *list = returned;
    memory->blocks--;
    last = memory->closed && memory->blocks == 0;
    pthread_mutex_unlock(&memory->lock);
    if (last) {
        locked_free(memory);
    }
}

bool freshet_locked_is_locked(const struct locked_memory *memory)
{
    return !atomic_load_explicit(&memory->unlocked, memory_order_relaxed);
}

void freshet_locked_close(struct locked_memory *memory)
{
    bool last = false;

    if (memory == NULL) {
        return;
    }
    pthread_mutex_lock(&memory->lock);
    memory->closed = true;
    last = memory->blocks == 0;
    pthread_mutex_unlock(&memory->lock);
    if (last) {
        locked_free(memory);
    }
}
