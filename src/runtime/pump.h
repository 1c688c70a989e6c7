/*
 * The pump: the engine's effects become deeds in the world, and what happens there becomes events.
 *
 * It lives on one thread, that of its loop. Everything that is not the engine's to decide (answers
 * to callers, subscribers) goes to its owner through one callback. When the alarm rings, the loop
 * takes one more turn before time is told, so that an answer that lies in a socket is read before
 * its deadline is applied.
 */
#ifndef FRESHET_RUNTIME_PUMP_H
#define FRESHET_RUNTIME_PUMP_H

#include <stdbool.h>
#include <uv.h>

#include "core/engine.h"
#include "runtime/alarm.h"
#include "runtime/connectivity.h"
#include "runtime/exchange.h"
#include "runtime/http.h"
#include "runtime/locked_memory.h"
#include "runtime/session.h"
#include "runtime/sharing.h"
#include "runtime/vigil.h"

/* Told of every effect, in order, after the pump has done its part. */
typedef void pump_effect_callback(void *context, const struct effect *effect, struct now now);
/* Told of every answer before its effects, for traces. */
typedef void pump_response_callback(void *context, request_id request, session_id session,
                                    int http_status, const char *error, struct now now);

struct pump_options {
    struct engine_options engine;
    const char *user_agent;
    const char *ca_file;
    const struct place_choice *place; /* where processes meet, copied; NULL: nothing is shared */
    struct store *store;              /* outlives the pump; NULL: credentials stay in memory */
    pump_effect_callback *effect;
    pump_response_callback *response;
    void *context;
};

struct pump {
    uv_loop_t *loop;
    struct pump_options options;
    struct engine *engine;
    struct locked_memory *memory; /* of token text */
    struct http *http;
    struct alarm alarm;
    struct vigil vigil;
    struct connectivity connectivity;
    uv_idle_t idle;
    uv_check_t check;
    bool ringing; /* the alarm has rung; time is told after one more turn */
    bool turned;
    int64_t alarm_ms;
    struct pump_session **sessions; /* by id; NULL: a place that is free */
    uint32_t session_count;         /* places ever used */
    struct exchanges exchanges;
    struct sharing sharing;
    struct account *accounts;
    bool unsaved; /* a session's end may not be in the store yet */
    bool busy;    /* inside a step */
};

/* 0, or a negative libuv error; freshet_pump_close() in either case. */
int freshet_pump_init(struct pump *pump, uv_loop_t *loop, const struct pump_options *options);

/* Opens a session. FRESHET_LIMIT when there is no room. */
enum freshet_status freshet_pump_open(struct pump *pump, const struct pump_opening *opening,
                                      session_id *session);

/* Closes a session; its waiting calls end first. */
void freshet_pump_end(struct pump *pump, session_id session);

/* Feeds an event of the host's, and everything that follows from it. */
void freshet_pump_event(struct pump *pump, const struct event *event);

/* The same without what follows; for what is itself a consequence. */
void freshet_pump_step(struct pump *pump, const struct event *event);

/* Stops everything; the loop must run until its handles are closed. Then freshet_pump_free(). */
void freshet_pump_close(struct pump *pump);
void freshet_pump_free(struct pump *pump);

#endif
