/*
 * Puts the parts together and decides who answers: the admin endpoint if it is served, else the
 * Frontend API.
 */
#include "issuer/issuer.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int freshet_issuer_open(struct issuer *issuer, const struct options *options, struct faults *faults,
                        struct problem *problem)
{
    issuer->options = options;
    issuer->faults = faults;
    issuer->started = freshet_moment();
    issuer->mint = freshet_mint_open(options->algorithm);
    if (issuer->mint == NULL)
        return freshet_problem(problem, "cannot make a signing key");
    issuer->log = freshet_log_open(options->log_path, options->quiet, problem);
    if (issuer->log == NULL)
        return -1;
    issuer->world.organizations = options->organizations;
    issuer->world.templates = options->templates;
    freshet_world_open(&issuer->world, issuer->mint, &options->settings, (size_t)options->sessions,
                       issuer->started.wall_ms);
    return 0;
}

void freshet_issuer_close(struct issuer *issuer)
{
    freshet_log_close(issuer->log);
    freshet_mint_close(issuer->mint);
}

void freshet_issuer_located(struct issuer *issuer, const struct sockaddr_in *address)
{
    char host[INET_ADDRSTRLEN], place[40];
    char encoded[64];
    int length;

    (void)inet_ntop(AF_INET, &address->sin_addr, host, sizeof host);
    length = snprintf(place, sizeof place, "%s:%u$", host, (unsigned)ntohs(address->sin_port));
    sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)place, (size_t)length,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    (void)snprintf(issuer->publishable_key, sizeof issuer->publishable_key, "pk_test_%s", encoded);
    (void)snprintf(issuer->world.issuer, sizeof issuer->world.issuer, "http://%.*s", length - 1,
                   place);
}

json_t *freshet_issuer_ready(struct issuer *issuer)
{
    struct world *world = &issuer->world;
    int64_t now_ms = freshet_world_now(world, freshet_moment().wall_ms);
    char *client_token = freshet_world_client_token(world, now_ms);
    json_t *line = json_pack("{s:s, s:s, s:s, s:s}", "url", world->issuer, "publishable_key",
                             issuer->publishable_key, "client_token", client_token, "session_id",
                             world->sessions[0].id);

    free(client_token);
    return line;
}

void freshet_issuer_answer(struct issuer *issuer, const struct call *call, struct answer *answer)
{
    struct moment now = freshet_moment();

    if (freshet_endpoint_admin(call->route.endpoint) && issuer->options->admin)
        freshet_admin_answer(issuer, call, now, answer);
    else
        freshet_api_answer(&issuer->world, call, now.wall_ms, answer);
}
