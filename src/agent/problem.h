/*
 * Why the agent cannot go on: one sentence for standard error. Private to agent/.
 */
#ifndef FRESHET_AGENT_PROBLEM_H
#define FRESHET_AGENT_PROBLEM_H

struct agent_problem {
    char text[512];
};

/* Always -1, for use in a return statement. */
int freshet_agent_problem(struct agent_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
