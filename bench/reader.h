/* What a reader tells the benchmark, whole in one write. */
#ifndef FRESHET_BENCH_READER_H
#define FRESHET_BENCH_READER_H

#include <stdint.h>

struct bench_reader_report {
    uint64_t token; /* equal token, equal number */
    int64_t at_ns;  /* monotonic clock */
};

#endif
