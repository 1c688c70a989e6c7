/*
 * What a fuzz target and those who feed it agree on.
 */
#ifndef FRESHET_FUZZ_FUZZ_H
#define FRESHET_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The name is libFuzzer's. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run when what must hold does not, in every kind of build. */
static inline void fuzz_check(bool holds)
{
    if (!holds) {
        abort();
    }
}

#endif
