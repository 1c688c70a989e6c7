/*
 * The lists of fault rules, one for each `on`. A rule is used up as often as its count says.
 */
#ifndef FRESHET_SIMULATE_FAULTS_H
#define FRESHET_SIMULATE_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "simulate/scenario.h"

struct fault_list {
    struct fault_list *next;
    int on; /* enum endpoint; ON_COUNT: all */
    const char *template_name;
    struct fault_rule *rules;
    size_t count;
    size_t used; /* rules before this one are used up */
};

/* Replaces the list of the step's `on`. False without memory. */
bool freshet_sim_faults_set(struct fault_list **lists, const struct step *step);

/* The rule for a request: of tokens/NAME before tokens before *. */
bool freshet_sim_faults_take(struct fault_list *lists, enum endpoint on, const char *template_name,
                             struct fault_rule *rule);

bool freshet_sim_faults_left(const struct fault_list *lists);
void freshet_sim_faults_free(struct fault_list *lists);

#endif
