/*
 * What a command may ask of the user's agent. Private to cli/.
 */
#ifndef FRESHET_CLI_ASK_H
#define FRESHET_CLI_ASK_H

#include "cli/cli.h"

/*
 * The agent's answer to a wish for a token, as docs/agent.md describes it; NULL if no agent of ours
 * listens or what it says makes no sense. `name` NULL is its only session. json_decref() it.
 */
json_t *freshet_ask_token(const struct settings *settings, const char *name);

/* FRESHET_OK: it has a token; FRESHET_NONE: it knows no such session, or cannot serve now. */
enum freshet_status freshet_ask_status(const json_t *answer);

#endif
