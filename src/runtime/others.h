/*
 * What a user's other processes have to do with the sessions here. Called by the pump alone.
 */
#ifndef FRESHET_RUNTIME_OTHERS_H
#define FRESHET_RUNTIME_OTHERS_H

#include "runtime/pump.h"

/* One thing that sharing has noted: a record to look at, a lease that was had or not. */
void freshet_others_run(struct pump *pump, struct errand *errand);

/* Looks at the session record, so that an answer which comes after the end finds the session over. */
bool freshet_others_have_ended(struct pump *pump, struct pump_session *session);

/* Serves each start that waits for its turn. */
void freshet_others_join(struct pump *pump);

#endif
