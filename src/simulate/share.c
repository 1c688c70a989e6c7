/*
 * Records and leases in memory. Nothing here looks into a record.
 */
#include "simulate/share.h"

#include <stdlib.h>
#include <string.h>

static void share_free_one(struct shared *shared)
{
    free((char *)shared->key.issuer);
    free((char *)shared->key.sid);
    free((char *)shared->key.template_name);
    free((char *)shared->key.organization);
    free((char *)shared->key.audience);
    free(shared->bytes);
    free(shared->seen);
    free(shared);
}

void freshet_sim_share_free(struct share *share)
{
    while (share->first != NULL) {
        struct shared *next = share->first->next;

        share_free_one(share->first);
        share->first = next;
    }
}

static bool share_is(const struct shared *shared, const struct key_view *key)
{
    return strcmp(shared->key.template_name, key->template_name) == 0 &&
           strcmp(shared->key.organization, key->organization) == 0 &&
           strcmp(shared->key.sid, key->sid) == 0 &&
           strcmp(shared->key.audience, key->audience) == 0 &&
           strcmp(shared->key.issuer, key->issuer) == 0;
}

struct shared *freshet_sim_share_at(struct share *share, const struct key_view *key)
{
    struct shared *shared = share->first;

    while (shared != NULL && !share_is(shared, key))
        shared = shared->next;
    if (shared != NULL)
        return shared;
    shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return NULL;
    shared->key.issuer = strdup(key->issuer);
    shared->key.sid = strdup(key->sid);
    shared->key.template_name = strdup(key->template_name);
    shared->key.organization = strdup(key->organization);
    shared->key.audience = strdup(key->audience);
    shared->seen = calloc((size_t)share->processes, sizeof *shared->seen);
    if (shared->key.issuer == NULL || shared->key.sid == NULL ||
        shared->key.template_name == NULL || shared->key.organization == NULL ||
        shared->key.audience == NULL || shared->seen == NULL) {
        share_free_one(shared);
        return NULL;
    }
    for (int byte = 0; byte < FRESHET_SIM_LEASE_BYTES; byte++)
        shared->holder[byte] = -1;
    shared->next = share->first;
    share->first = shared;
    return shared;
}

void freshet_sim_share_put(struct shared *shared, char *bytes, size_t length, int writer)
{
    free(shared->bytes);
    shared->bytes = bytes;
    shared->length = length;
    shared->version++;
    if (writer >= 0)
        shared->seen[writer] = shared->version;
}

void freshet_sim_share_remove(struct shared *shared)
{
    free(shared->bytes);
    shared->bytes = NULL;
    shared->length = 0;
}

bool freshet_sim_share_news(struct shared *shared, int process)
{
    bool news = shared->bytes != NULL && shared->seen[process] < shared->version;

    shared->seen[process] = shared->version;
    return news;
}

bool freshet_sim_share_lease(struct shared *shared, int byte, int process)
{
    int *holder = &shared->holder[byte == 0 ? 0 : 1];

    if (*holder >= 0 && *holder != process)
        return false;
    *holder = process;
    return true;
}

void freshet_sim_share_release(struct shared *shared, int byte, int process)
{
    int *holder = &shared->holder[byte == 0 ? 0 : 1];

    if (*holder == process)
        *holder = -1;
}

void freshet_sim_share_forget(struct share *share, int process)
{
    for (struct shared *shared = share->first; shared != NULL; shared = shared->next) {
        shared->seen[process] = 0;
        for (int byte = 0; byte < FRESHET_SIM_LEASE_BYTES; byte++)
            freshet_sim_share_release(shared, byte, process);
    }
}
