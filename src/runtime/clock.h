/*
 * The only place where the library reads a clock.
 */
#ifndef FRESHET_RUNTIME_CLOCK_H
#define FRESHET_RUNTIME_CLOCK_H

#include "core/time.h"

/* Boot time (counts suspend, cannot be set) and wall time, both through the vDSO. */
struct now freshet_clock_sample(void);

/* Boot time alone. */
int64_t freshet_clock_boot_ms(void);

/* Time that stands still during suspend; only to notice one. */
int64_t freshet_clock_awake_ms(void);

#endif
