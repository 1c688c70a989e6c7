/*
 * The sequence lock of core/cell.h.
 */
#include "core/cell.h"

#include <stdlib.h>
#include <string.h>

#define CELL_SMALLEST  1024
#define CELL_ALIGNMENT 64
#define CELL_TRIES     64
#define WORD           sizeof(uint64_t)

/* The first word of a buffer links the buffers that a cell has outgrown. */
struct cell_buffer {
    _Alignas(CELL_ALIGNMENT) struct cell_buffer *outgrown;
    uint32_t capacity;
    _Alignas(CELL_ALIGNMENT) _Atomic uint64_t words[];
};

static struct cell_buffer *cell_buffer_of(_Atomic uint64_t *words)
{
    return (struct cell_buffer *)(void *)((char *)words - offsetof(struct cell_buffer, words));
}

/* A length seen beside the words of an older buffer may be too long for it. */
static bool cell_fits(_Atomic uint64_t *words, uint32_t length, size_t size)
{
    return words != NULL && length <= size && length <= cell_buffer_of(words)->capacity;
}

static void *cell_obtain_plain(void *context, size_t size_bytes)
{
    size_t rounded = (size_bytes + CELL_ALIGNMENT - 1) / CELL_ALIGNMENT * CELL_ALIGNMENT;
    void *block = aligned_alloc(CELL_ALIGNMENT, rounded);

    (void)context;
    return block != NULL ? memset(block, 0, rounded) : NULL;
}

static void cell_release_plain(void *context, void *block, size_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    free(block);
}

const struct cell_memory freshet_cell_plain_memory = {.obtain = cell_obtain_plain,
                                                      .release = cell_release_plain};

bool freshet_cell_reserve(struct cell *cell, const struct cell_memory *memory, uint32_t length)
{
    uint32_t capacity = CELL_SMALLEST;
    struct cell_buffer *buffer = NULL;
    _Atomic uint64_t *old = atomic_load_explicit(&cell->words, memory_order_relaxed);

    if (old != NULL && length <= cell->capacity) {
        return true;
    }
    while (capacity < length) {
        capacity *= 2;
    }
    buffer = memory->obtain(memory->context, sizeof(*buffer) + capacity);
    if (buffer == NULL) {
        return false;
    }
    buffer->capacity = capacity;
    buffer->outgrown = old != NULL ? cell_buffer_of(old) : NULL;
    cell->capacity = capacity;
    atomic_store_explicit(&cell->words, buffer->words, memory_order_release);
    return true;
}

static void cell_begin(struct cell *cell)
{
    uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_relaxed);

    /* Acquire keeps the writes below from moving up; readers see the odd number first. */
    (void)atomic_exchange_explicit(&cell->sequence, sequence + 1, memory_order_acq_rel);
}

static void cell_end(struct cell *cell)
{
    uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_relaxed);

    atomic_store_explicit(&cell->sequence, sequence + 1, memory_order_release);
}

static void cell_set_view(struct cell *cell, const struct cell_view *view)
{
    atomic_store_explicit(&cell->exp_ms, view->exp_ms, memory_order_release);
    atomic_store_explicit(&cell->offset_ms, view->offset_ms, memory_order_release);
    atomic_store_explicit(&cell->need_ms, view->need_ms, memory_order_release);
    atomic_store_explicit(&cell->ask_ms, view->ask_ms, memory_order_release);
    atomic_store_explicit(&cell->fingerprint, view->fingerprint, memory_order_release);
    atomic_store_explicit(&cell->length, view->length, memory_order_release);
}

void freshet_cell_write(struct cell *cell, const char *text, const struct cell_view *view)
{
    _Atomic uint64_t *words = atomic_load_explicit(&cell->words, memory_order_relaxed);
    uint32_t length = view->length;

    cell_begin(cell);
    for (uint32_t at = 0; at < cell->capacity; at += WORD) {
        uint64_t word = 0;

        if (at < length) {
            memcpy(&word, text + at, length - at < WORD ? length - at : WORD);
        }
        atomic_store_explicit(&words[at / WORD], word, memory_order_release);
    }
    cell_set_view(cell, view);
    cell_end(cell);
    atomic_store_explicit(&cell->used, 0, memory_order_relaxed);
}

void freshet_cell_set_offset(struct cell *cell, int64_t offset_ms)
{
    cell_begin(cell);
    atomic_store_explicit(&cell->offset_ms, offset_ms, memory_order_release);
    cell_end(cell);
}

void freshet_cell_clear(struct cell *cell)
{
    static const struct cell_view nothing = {0};

    if (atomic_load_explicit(&cell->words, memory_order_relaxed) != NULL) {
        freshet_cell_write(cell, "", &nothing);
    }
}

void freshet_cell_free(struct cell *cell, const struct cell_memory *memory)
{
    _Atomic uint64_t *words = atomic_load_explicit(&cell->words, memory_order_relaxed);
    struct cell_buffer *buffer = words != NULL ? cell_buffer_of(words) : NULL;

    while (buffer != NULL) {
        struct cell_buffer *outgrown = buffer->outgrown;

        for (uint32_t at = 0; at < buffer->capacity; at += WORD) {
            atomic_store_explicit(&buffer->words[at / WORD], 0, memory_order_relaxed);
        }
        memory->release(memory->context, buffer, sizeof(*buffer) + buffer->capacity);
        buffer = outgrown;
    }
    atomic_store_explicit(&cell->words, NULL, memory_order_relaxed);
    cell->capacity = 0;
}

/* Acquire loads keep the second look at the sequence behind the copy. */
static void cell_copy(const _Atomic uint64_t *words, char *buffer, uint32_t length)
{
    uint32_t whole = length / WORD;
    uint64_t word = 0;

    for (uint32_t i = 0; i < whole; i++) {
        word = atomic_load_explicit(&words[i], memory_order_acquire);
        memcpy(buffer + i * WORD, &word, WORD);
    }
    if (length % WORD != 0) {
        word = atomic_load_explicit(&words[whole], memory_order_acquire);
        memcpy(buffer + whole * WORD, &word, length % WORD);
    }
}

bool freshet_cell_read(const struct cell *cell, char *buffer, size_t size, struct cell_view *view)
{
    for (int i = 0; i < CELL_TRIES; i++) {
        uint64_t before = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        _Atomic uint64_t *words = atomic_load_explicit(&cell->words, memory_order_acquire);

        if ((before & 1) != 0) {
            continue;
        }
        view->exp_ms = atomic_load_explicit(&cell->exp_ms, memory_order_acquire);
        view->offset_ms = atomic_load_explicit(&cell->offset_ms, memory_order_acquire);
        view->need_ms = atomic_load_explicit(&cell->need_ms, memory_order_acquire);
        view->ask_ms = atomic_load_explicit(&cell->ask_ms, memory_order_acquire);
        view->fingerprint = atomic_load_explicit(&cell->fingerprint, memory_order_acquire);
        view->length = atomic_load_explicit(&cell->length, memory_order_acquire);
        if (cell_fits(words, view->length, size)) {
            cell_copy(words, buffer, view->length);
        }
        if (atomic_load_explicit(&cell->sequence, memory_order_acquire) == before) {
            return true;
        }
    }
    return false;
}

void freshet_cell_mark_used(struct cell *cell)
{
    if (atomic_load_explicit(&cell->used, memory_order_relaxed) == 0) {
        atomic_store_explicit(&cell->used, 1, memory_order_relaxed);
    }
}
