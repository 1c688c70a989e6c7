/*
 * The cell a token's text lives in, readable by any thread while one thread writes.
 *
 * A sequence lock: the writer makes the number odd, writes, makes it even; a reader copies and
 * looks whether the number stood still. Readers write nothing shared, except one relaxed "used"
 * mark per token, which they test first. Words are copied as relaxed atomics, so the race is
 * defined. Retries are bounded: a reader that never finds a quiet moment falls back to the lock of
 * its caller. Cells are aligned to 64 bytes and live until the engine is freed.
 */
#ifndef FRESHET_CORE_CELL_H
#define FRESHET_CORE_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a reader gets beside the text. */
struct cell_view {
    uint32_t length;
    int64_t exp_ms;    /* by the issuer's clock; 0: no token */
    int64_t offset_ms; /* issuer's clock - boot time */
    int64_t need_ms;   /* the default min_remaining of this token */
    int64_t ask_ms;    /* remaining life up to which a read may be the engine's business */
    uint64_t fingerprint;
};

/* Where the text of tokens lies: zeroed blocks aligned to 64 bytes, given back with their size. */
struct cell_memory {
    void *(*obtain)(void *context, size_t size_bytes);
    void (*release)(void *context, void *block, size_t size_bytes);
    void *context;
};

struct cell {
    _Atomic uint64_t sequence;
    _Atomic int64_t exp_ms;
    _Atomic int64_t offset_ms;
    _Atomic int64_t need_ms;
    _Atomic int64_t ask_ms;
    _Atomic uint64_t fingerprint;
    _Atomic uint32_t length;
    _Atomic uint32_t used; /* set by readers, cleared by each commit */
    uint32_t capacity;     /* bytes of text that `words` can take */
    _Atomic(_Atomic uint64_t *) words;
};

/* Writer only. Makes room for a text of the given length; false without memory. */
bool freshet_cell_reserve(struct cell *cell, const struct cell_memory *memory, uint32_t length);

/* Writer only; room must have been reserved. */
void freshet_cell_write(struct cell *cell, const char *text, const struct cell_view *view);

/* Writer only: the issuer's clock moved. */
void freshet_cell_set_offset(struct cell *cell, int64_t offset_ms);

/* Writer only: no token any more. The text is wiped. */
void freshet_cell_clear(struct cell *cell);

/* Writer only, when no reader is left: wipes and frees. */
void freshet_cell_free(struct cell *cell, const struct cell_memory *memory);

/* Plain memory, for a world without secrets. */
extern const struct cell_memory freshet_cell_plain_memory;

/*
 * Any thread. Copies the text (no terminator) if it fits into size bytes, and the view in any case.
 * False when no quiet moment was found in a bounded number of tries.
 */
bool freshet_cell_read(const struct cell *cell, char *buffer, size_t size, struct cell_view *view);

/* Any thread: somebody uses this token. */
void freshet_cell_mark_used(struct cell *cell);

#endif
