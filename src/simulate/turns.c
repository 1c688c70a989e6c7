/*
 * Turns with the credential, as the runtime's store gives them: a request that may replace it goes
 * alone, those that only present it go beside each other, and whoever has to wait is sent when the
 * answer in its way has been read. Only an issuer that refuses what it has replaced ("strict") makes
 * anybody wait here.
 *
 * No turn is stored: who has one is seen from the requests under way. So a process that dies gives
 * its turn up, and one that is stopped keeps it: whoever may replace the credential is not passed by.
 */
#include "simulate/world.h"

/* What a request bears beside it: anything, its like, nothing that presents the credential. */
enum turn { TURN_NONE, TURN_SHARED, TURN_ALONE };

static enum turn turn_wanted(const struct flight *flight)
{
    if (flight->order.on == ON_ENVIRONMENT)
        return TURN_NONE;
    return flight->order.on == ON_TOKENS ? TURN_SHARED : TURN_ALONE;
}

/* What nobody wants any more still brings a successor; tokens do not. */
static enum turn turn_held(const struct flight *flight)
{
    enum turn wanted = turn_wanted(flight);

    if (flight->waits || flight->dead || (flight->spoken && wanted == TURN_SHARED))
        return TURN_NONE;
    return wanted;
}

static bool turn_fits(enum turn wanted, enum turn taken)
{
    return wanted == TURN_NONE || taken == TURN_NONE ||
           (wanted == TURN_SHARED && taken == TURN_SHARED);
}

static enum turn turns_taken(const struct world *world)
{
    enum turn taken = TURN_NONE;

    for (const struct flight *flight = world->flights; flight != NULL; flight = flight->next) {
        if (turn_held(flight) > taken)
            taken = turn_held(flight);
    }
    return taken;
}

void freshet_sim_turns_go_on(struct world *world)
{
    bool strict = world->issuer.settings.rotation == ROTATION_STRICT;
    enum turn taken = strict ? turns_taken(world) : TURN_NONE;

    for (struct flight *flight = world->flights; flight != NULL; flight = flight->next) {
        struct process *process = &world->processes[flight->process];

        if (!flight->waits || process->stopped ||
            (strict && !turn_fits(turn_wanted(flight), taken)))
            continue;
        freshet_sim_flight_send(process, flight);
        if (turn_held(flight) > taken)
            taken = turn_held(flight);
    }
}

bool freshet_sim_turns_wait(const struct process *process)
{
    const struct flight *flight = process->world->flights;

    while (flight != NULL &&
           (!flight->waits || flight->process != process->number || flight->order.on != ON_CLIENT))
        flight = flight->next;
    return flight != NULL;
}
