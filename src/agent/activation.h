/*
 * What a service manager and the agent say to each other: sd_listen_fds(3) and sd_notify(3), as
 * far as the agent needs them. Private to agent/.
 */
#ifndef FRESHET_AGENT_ACTIVATION_H
#define FRESHET_AGENT_ACTIVATION_H

#include <stddef.h>

#include "agent/problem.h"

/* The listening socket that was passed in and its address, or -1 when there is none. Returns 0, or
 * -1 with the problem when something else was passed. The environment is cleaned. */
int freshet_activation_listener(int *listener, char *path, size_t size,
                                struct agent_problem *problem);

/* Tells the service manager, such as "READY=1"; nothing happens without one. */
void freshet_activation_notify(const char *state);

#endif
