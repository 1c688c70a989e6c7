/*
 * The client, its sessions and the life of the client token. Rotation is a pair of numbers: a token
 * is good if its own number lies between them, so that a lost answer under "grace" leaves its
 * predecessor good until any successor is presented. Claims follow behaviour section 3.4.
 */
#include "issuer/world.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { NBF_BEFORE_S = 10, MINUTE_MS = 60000 };

static void world_identifier(const char *prefix, char *identifier);
static char *world_sign(struct world *world, json_t *claims, int64_t issued_s);
static json_t *world_claims(const struct world *world, const struct session *session,
                            const char *azp, int64_t issued_s);

void freshet_world_open(struct world *world, const struct mint *mint,
                        const struct settings *settings, size_t sessions, int64_t wall_ms)
{
    world->mint = mint;
    world->settings = *settings;
    world->session_count = sessions;
    world->created_ms = world->updated_ms = freshet_world_now(world, wall_ms);
    world->generation = 0;
    world->accepted_from = 1;
    world_identifier("client_", world->client_id);
    for (size_t i = 0; i < sessions; i++) {
        struct session *session = &world->sessions[i];

        world_identifier("sess_", session->id);
        world_identifier("user_", session->user_id);
        session->created_ms = session->active_ms = session->updated_ms = world->created_ms;
        session->status = settings->signed_in ? SESSION_ACTIVE : SESSION_REMOVED;
    }
}

static void world_identifier(const char *prefix, char *identifier)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strlen(prefix);

    memcpy(identifier, prefix, length);
    for (int i = 0; i < 27; i++)
        identifier[length++] = letters[randombytes_uniform(sizeof letters - 1)];
    identifier[length] = '\0';
}

int64_t freshet_world_now(const struct world *world, int64_t wall_ms)
{
    return wall_ms + world->settings.clock_ahead_ms;
}

enum bearer freshet_world_present(struct world *world, const char *client_token)
{
    json_t *claims;
    const char *id;
    int64_t number;
    enum bearer bearer = BEARER_BAD;

    if (client_token[0] == '\0')
        return BEARER_NONE;
    claims = freshet_mint_verify(world->mint, client_token);
    id = json_string_value(json_object_get(claims, "id"));
    number = json_integer_value(json_object_get(claims, "rotation"));
    if (id != NULL && strcmp(id, FRESHET_GUEST_ID) == 0) {
        bearer = BEARER_GUEST;
    } else if (id != NULL && strcmp(id, world->client_id) == 0 && number >= world->accepted_from &&
               number <= world->generation) {
        bearer = BEARER_OWNER;
        if (world->settings.rotation != ROTATION_KEEP)
            world->accepted_from = number;
    }
    json_decref(claims);
    return bearer;
}

char *freshet_world_rotate(struct world *world, int64_t now_ms)
{
    char *successor;

    if (world->settings.rotation == ROTATION_KEEP)
        return NULL;
    successor = freshet_world_client_token(world, now_ms);
    if (successor != NULL && world->settings.rotation == ROTATION_STRICT)
        world->accepted_from = world->generation;
    return successor;
}

/* Client tokens live for a year and carry random text, as those of the real thing. */
static char *world_client_token(struct world *world, const char *id, int64_t number, int64_t now_ms)
{
    char random[IDENTIFIER_SIZE];
    json_t *claims;

    world_identifier("", random);
    claims = json_pack("{s:s, s:s, s:I, s:I}", "id", id, "rotating_token", random, "rotation",
                       (json_int_t)number, "iat", (json_int_t)(now_ms / 1000));
    return world_sign(world, claims, -1);
}

char *freshet_world_client_token(struct world *world, int64_t now_ms)
{
    char *token = world_client_token(world, world->client_id, world->generation + 1, now_ms);

    if (token != NULL)
        world->generation++;
    return token;
}

char *freshet_world_guest_token(struct world *world, int64_t now_ms)
{
    return world_client_token(world, FRESHET_GUEST_ID, 0, now_ms);
}

/* Takes the claims over. Without a time of issue there is no `oiat`. */
static char *world_sign(struct world *world, json_t *claims, int64_t issued_s)
{
    int64_t oiat = -1;
    char *token = NULL;

    if (issued_s >= 0 && world->settings.oiat == OIAT_NOW)
        oiat = issued_s;
    if (issued_s >= 0 && world->settings.oiat == OIAT_FIXED)
        oiat = world->settings.oiat_s;
    if (claims != NULL)
        token = freshet_mint_sign(world->mint, oiat, claims);
    json_decref(claims);
    return token;
}

static int64_t world_issued_s(const struct world *world, int64_t now_ms)
{
    int64_t issued_ms = now_ms - world->settings.issue_age_ms;

    return issued_ms > 0 ? issued_ms / 1000 : 0;
}

static json_t *world_claims(const struct world *world, const struct session *session,
                            const char *azp, int64_t issued_s)
{
    json_t *claims =
        json_pack("{s:s, s:s, s:I, s:I, s:I}", "iss", world->issuer, "sub", session->user_id, "iat",
                  (json_int_t)issued_s, "nbf", (json_int_t)(issued_s - NBF_BEFORE_S), "exp",
                  (json_int_t)(issued_s + world->settings.ttl_s));

    if (claims != NULL && azp != NULL)
        (void)json_object_set_new(claims, "azp", json_string(azp));
    return claims;
}

char *freshet_world_session_token(struct world *world, const struct session *session,
                                  const char *organization, const char *azp, int64_t now_ms)
{
    int64_t issued_s = world_issued_s(world, now_ms);
    int64_t verified_minutes = (now_ms - session->created_ms) / MINUTE_MS;
    json_t *claims = world_claims(world, session, azp, issued_s);

    if (claims == NULL)
        return NULL;
    (void)json_object_set_new(claims, "v", json_integer(2));
    (void)json_object_set_new(claims, "sid", json_string(session->id));
    (void)json_object_set_new(claims, "sts", json_string("active"));
    (void)json_object_set_new(claims, "fva", json_pack("[I, i]", (json_int_t)verified_minutes, -1));
    if (organization[0] != '\0') {
        (void)json_object_set_new(claims, "o",
                                  json_pack("{s:s, s:s, s:s}", "id", organization, "slg",
                                            freshet_world_slug(organization), "rol", "admin"));
    }
    world->minted++;
    return world_sign(world, claims, issued_s);
}

char *freshet_world_template_token(struct world *world, const struct session *session,
                                   const char *template_name, const char *azp, int64_t now_ms)
{
    int64_t issued_s = world_issued_s(world, now_ms);
    json_t *claims = world_claims(world, session, azp, issued_s);

    if (claims == NULL)
        return NULL;
    (void)json_object_set_new(claims, "template", json_string(template_name));
    world->minted++;
    return world_sign(world, claims, issued_s);
}

struct session *freshet_world_session(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->session_count; i++) {
        if (strcmp(world->sessions[i].id, id) == 0)
            return &world->sessions[i];
    }
    return NULL;
}

struct session *freshet_world_active(struct world *world)
{
    for (size_t i = 0; i < world->session_count; i++) {
        if (world->sessions[i].status == SESSION_ACTIVE)
            return &world->sessions[i];
    }
    return NULL;
}

static void world_set_status(struct world *world, enum session_status status, int64_t now_ms)
{
    for (size_t i = 0; i < world->session_count; i++) {
        struct session *session = &world->sessions[i];

        if (session->status == status)
            continue;
        session->status = status;
        session->updated_ms = now_ms;
        if (status == SESSION_ACTIVE)
            session->created_ms = session->active_ms = now_ms;
    }
    world->settings.signed_in = status == SESSION_ACTIVE;
    world->updated_ms = now_ms;
}

void freshet_world_sign_in(struct world *world, int64_t now_ms)
{
    world_set_status(world, SESSION_ACTIVE, now_ms);
}

void freshet_world_sign_out(struct world *world, int64_t now_ms)
{
    world_set_status(world, SESSION_REMOVED, now_ms);
}

void freshet_world_forget(struct world *world, int64_t now_ms)
{
    freshet_world_sign_out(world, now_ms);
    world->accepted_from = world->generation + 1;
}

void freshet_world_settle(struct world *world, const struct settings *settings, int64_t now_ms)
{
    bool was_signed_in = world->settings.signed_in;

    world->settings = *settings;
    if (settings->signed_in && !was_signed_in)
        freshet_world_sign_in(world, now_ms);
    if (!settings->signed_in && was_signed_in)
        freshet_world_sign_out(world, now_ms);
}

bool freshet_names_have(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->name[i], name) == 0)
            return true;
    }
    return false;
}

const char *freshet_world_slug(const char *organization)
{
    return strncmp(organization, "org_", 4) == 0 ? organization + 4 : organization;
}
