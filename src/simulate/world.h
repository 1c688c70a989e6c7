/*
 * The virtual world: one machine, one user, some processes, one issuer, and time that passes only
 * when nothing is left to do. Private to the simulator.
 *
 * Times without a suffix are scenario time (t_ms, from 0). Boot time is scenario time plus a
 * constant, so it counts through sleep; the wall clock can be stepped.
 */
#ifndef FRESHET_SIMULATE_WORLD_H
#define FRESHET_SIMULATE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"
#include "core/trace.h"
#include "simulate/issuer.h"
#include "simulate/queue.h"
#include "simulate/report.h"
#include "simulate/scenario.h"
#include "simulate/share.h"
#include "simulate/sink.h"

/* The machine has been up for an hour when a scenario begins. */
#define FRESHET_SIM_BOOT_MS INT64_C(3600000)

struct world;

/* A call that waits. */
struct waiting {
    struct waiting *next;
    ticket_id ticket;
    const char *label; /* NULL without */
    int64_t made_ms;
    bool usable;     /* a usable token was there when it was made */
    bool may_expire; /* it asked for an expired token if need be */
};

/* A request under way, from the side of the world. */
struct flight {
    struct flight *next;
    int process;
    request_id id;      /* the engine's */
    int64_t granted_ms; /* from its making to its deadline */
    int64_t sent_ms;
    uint64_t number; /* the trace's: no two processes share one */
    struct order order;
    struct trace_line line; /* of the request, for when it is sent; it borrows from `order` */
    bool waits;             /* for its turn with the credential: it is not sent yet */
    bool cut;               /* sent without connectivity: it never arrives */
    bool spoken;            /* its response line has been written */
    bool dead;              /* nobody will read the answer; the issuer acts all the same */
    bool acted;             /* the issuer has acted: the answer below is made */
    struct answer answer;
};

/* A lease was asked for; the engine gets its answer as an event of its own. */
struct follow {
    struct follow *next;
    session_id session;
    uint32_t entry;
    int byte;
    struct shared *shared;
};

struct process {
    struct world *world;
    int number;
    uint64_t life;         /* counts its starts */
    struct engine *engine; /* NULL: not running */
    session_id session;
    bool stopped;
    bool ended_elsewhere; /* another process has ended the session; not yet heard of */
    enum network network;
    struct waiting *waiting;
    struct follow *follow_first;
    struct follow *follow_last;
    struct item *kept; /* what came while it was stopped */
    size_t kept_count;
    size_t kept_capacity;
    int64_t deadline_ms; /* boot time, as the engine said last */
    int64_t armed_ms;    /* when it said so */
    uint64_t deadline_age;
    int idle_ticks;        /* in a row, at one time: an engine that does not move is broken */
    char *saved;           /* its last token in the store */
    bool saved_has_offset; /* and what it believed of (issuer - boot) then */
    int64_t saved_offset_ms;
    struct sink_place token_file;
    struct sink_memory sink;
};

/* A label that a `reject` step will ask for, and the token its call got last. */
struct tracked {
    const char *label;
    uint64_t fingerprint;
};

struct world {
    const struct scenario *scenario;
    struct report *report;
    struct issuer issuer;
    struct share share;
    struct queue queue;
    struct sink_place jar;
    struct process *processes;
    struct flight *flights; /* oldest first */
    struct tracked *tracked;
    size_t tracked_count;
    enum network network;
    int64_t t_ms;
    int64_t wall_steps_ms;
    int64_t credential; /* number of the client token in the store */
    uint64_t seed;
    uint64_t age; /* of answers and deadlines */
    ticket_id last_ticket;
    uint64_t last_request; /* number in the trace */
    int foreground;        /* the process that came there last, -1: none did; it may take the jar */
    bool signing_out;      /* a sign-out that the issuer has not confirmed */
    bool faulty;           /* as drawn */
    char failure[256];     /* why the simulation cannot go on, "" if it can */
};

/* Runs a scenario. False with world->failure set; freshet_sim_world_free() in either case. */
bool freshet_sim_world_run(struct world *world, const struct scenario *scenario, uint64_t seed,
                           struct report *report);
void freshet_sim_world_free(struct world *world);

/* world.c, for the others */
struct now freshet_sim_now(const struct world *world);
void freshet_sim_fail(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void freshet_sim_push(struct world *world, struct item *item);
bool freshet_sim_runs(const struct process *process);
/* A stopped process gets nothing; what is meant for it is kept until it goes on. */
void freshet_sim_keep(struct process *process, const struct item *item);

/* perform.c: the steps */
void freshet_sim_perform(struct world *world, const struct step *step, int process, uint64_t order);
void freshet_sim_network(struct process *process, enum network network);
/* Tells every other process of a record, a millisecond later. */
void freshet_sim_announce(struct world *world, struct shared *shared, int writer);

/* process.c: one engine, from its start to its end */
void freshet_sim_process_open(struct process *process, enum open_from from);
void freshet_sim_process_kill(struct process *process);
/* A start that waits for its turn goes on meanwhile with what the others have published. */
void freshet_sim_process_join(struct process *process);
/* An event, and what follows from it at once: a step, and then settling. */
void freshet_sim_process_event(struct process *process, const struct event *event);
void freshet_sim_process_step(struct process *process, const struct event *event);
void freshet_sim_process_settle(struct process *process);
void freshet_sim_process_answer(struct process *process, struct flight *flight);
void freshet_sim_process_tick(struct process *process);
void freshet_sim_process_sign_out(struct process *process);
/* Tells the others that the session is over. */
void freshet_sim_process_end(struct process *process);
void freshet_sim_process_signed_out(struct process *process);
void freshet_sim_process_free(struct process *process);

/* effects.c: what an engine asks for */
void freshet_sim_effect(struct process *process, const struct effect *effect);
void freshet_sim_follow(struct process *process, const struct follow *follow);
void freshet_sim_look(struct process *process, struct shared *shared);
void freshet_sim_line(struct process *process, struct trace_line *line, const struct held *held);
/* When a token expires, by the issuer's clock, in scenario time. */
int64_t freshet_sim_expires_ms(const struct process *process, const struct held *held);

/* calls.c: get, got */
void freshet_sim_call_get(struct process *process, const struct get_step *get);
void freshet_sim_call_got(struct process *process, const struct effect *effect,
                          struct trace_line *line);
struct ending freshet_sim_ending(const struct process *process, const struct waiting *waiting);

/* flights.c: requests on their way */
bool freshet_sim_is_sign_out(enum endpoint on);
/* A request is made; it is sent at once, or when its turn has come. */
void freshet_sim_flight_make(struct process *process, const struct effect *effect,
                             const struct trace_line *line);
void freshet_sim_flight_send(struct process *process, struct flight *flight);
/* The number of a request that was sent, unlike those of all others; 0 when there is none. */
uint64_t freshet_sim_flight_number(struct process *process, request_id id);
void freshet_sim_flight_abandon(struct process *process, request_id id, bool timed_out);
void freshet_sim_flight_cut(struct process *process);
void freshet_sim_flight_arrive(struct world *world, const struct item *item);
void freshet_sim_flight_orphan(struct process *process);
void freshet_sim_flights_free(struct world *world);

/* turns.c: who may present the credential */
void freshet_sim_turns_go_on(struct world *world);
/* Does the process wait for its turn to read the client? */
bool freshet_sim_turns_wait(const struct process *process);

#endif
