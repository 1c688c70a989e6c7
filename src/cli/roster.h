/*
 * The sessions that a helper keeps: those of the configuration, or one that flags describe. Private
 * to cli/.
 */
#ifndef FRESHET_CLI_ROSTER_H
#define FRESHET_CLI_ROSTER_H

#include "agent/agent.h"
#include "cli/arguments.h"

struct roster {
    struct settings *settings; /* own the texts */
    struct agent_session_options *sessions;
    size_t count;
};

/*
 * Reads the sessions that are named. Without names it is the one that flags or variables describe, or
 * else, for a command with FLAGS_ALL, all there are in the configuration, for another the first of
 * them. Prints the reason and returns EXIT_USAGE if something is wrong, else EXIT_DONE.
 */
enum exit_code freshet_roster_read(struct roster *roster, const struct arguments *arguments);

/* As above, for a command that keeps one session. */
enum exit_code freshet_roster_read_one(struct roster *roster, const struct arguments *arguments);

void freshet_roster_free(struct roster *roster);

#endif
