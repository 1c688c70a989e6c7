/*
 * Fault rules in order, each used count times, found by the most exact name first.
 */
#include "simulate/faults.h"

#include <stdlib.h>
#include <string.h>

static struct fault_list *faults_find(struct fault_list *lists, int on, const char *template_name)
{
    while (lists != NULL && (lists->on != on || strcmp(lists->template_name, template_name) != 0))
        lists = lists->next;
    return lists;
}

bool freshet_sim_faults_set(struct fault_list **lists, const struct step *step)
{
    struct fault_list *list = faults_find(*lists, step->u.faults.on, step->u.faults.template_name);
    size_t count = step->u.faults.rule_count;
    struct fault_rule *rules = calloc(count + 1, sizeof *rules);

    if (list == NULL && rules != NULL) {
        list = calloc(1, sizeof *list);
        if (list != NULL) {
            list->on = step->u.faults.on;
            list->template_name = step->u.faults.template_name;
            list->next = *lists;
            *lists = list;
        }
    }
    if (rules == NULL || list == NULL) {
        free(rules);
        return false;
    }
    memcpy(rules, step->u.faults.rules, count * sizeof *rules);
    free(list->rules);
    list->rules = rules;
    list->count = count;
    list->used = 0;
    return true;
}

static bool faults_take_from(struct fault_list *list, struct fault_rule *rule)
{
    while (list != NULL && list->used < list->count) {
        struct fault_rule *next = &list->rules[list->used];

        if (next->count == 0) {
            list->used++;
            continue;
        }
        *rule = *next;
        if (next->count > 0 && --next->count == 0)
            list->used++;
        return true;
    }
    return false;
}

bool freshet_sim_faults_take(struct fault_list *lists, enum endpoint on, const char *template_name,
                             struct fault_rule *rule)
{
    return (template_name[0] != '\0' &&
            faults_take_from(faults_find(lists, (int)on, template_name), rule)) ||
           faults_take_from(faults_find(lists, (int)on, ""), rule) ||
           faults_take_from(faults_find(lists, ON_COUNT, ""), rule);
}

bool freshet_sim_faults_left(const struct fault_list *lists)
{
    for (; lists != NULL; lists = lists->next) {
        if (lists->used < lists->count)
            return true;
    }
    return false;
}

void freshet_sim_faults_free(struct fault_list *lists)
{
    while (lists != NULL) {
        struct fault_list *next = lists->next;

        free(lists->rules);
        free(lists);
        lists = next;
    }
}
