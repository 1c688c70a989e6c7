/*
 * Resource shapes. Times are milliseconds of the issuer's clock. Members that no client of session
 * tokens reads are kept to those that the interface calls required.
 */
#include "issuer/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

static const char *const shape_statuses[] = {"active", "ended", "removed"};

static json_t *shape_public_user(const struct session *session);

json_t *freshet_shape_environment(const struct world *world)
{
    json_t *auth =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:n, "
                  "s:b, s:{s:s, s:b}}",
                  "object", "auth_config", "id", "aconf_dev", "first_name", "on", "last_name", "on",
                  "email_address", "required", "phone_number", "off", "username", "off", "password",
                  "required", "single_session_mode", world->session_count == 1, "session_minter",
                  world->settings.session_minter, "test_mode", 1, "url_based_session_syncing", 0,
                  "claimed_at", "reverification", 0, "native_settings", "object", "native_settings",
                  "api_enabled", 1);
    json_t *display =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:i}", "object", "display_config",
                  "id", "dconf_dev", "instance_environment_type", "development", "application_name",
                  "Freshet development issuer", "home_url", world->issuer, "sign_in_url",
                  world->issuer, "after_sign_out_all_url", world->issuer, "branded", 0,
                  "captcha_heartbeat", 0, "captcha_heartbeat_interval_ms", 600000);

    return json_pack("{s:o, s:o, s:{s:{}, s:{}}, s:{s:b}, s:b, s:b, s:b}", "auth_config", auth,
                     "display_config", display, "user_settings", "attributes", "social",
                     "organization_settings", "enabled", world->organizations.count > 0,
                     "partitioned_cookies", 0, "client_debug_mode", 0, "maintenance_mode", 0);
}

json_t *freshet_shape_client(struct world *world, bool owner, int64_t now_ms)
{
    const struct session *active = owner ? freshet_world_active(world) : NULL;
    json_t *sessions = json_array();

    for (size_t i = 0; owner && i < world->session_count; i++) {
        if (world->sessions[i].status != SESSION_REMOVED)
            (void)json_array_append_new(sessions,
                                        freshet_shape_session(world, &world->sessions[i], now_ms));
    }
    return json_pack("{s:s, s:s, s:o, s:n, s:n, s:s?, s:s?, s:n, s:b, s:I, s:I}", "object",
                     "client", "id", owner ? world->client_id : FRESHET_GUEST_ID, "sessions",
                     sessions, "sign_in", "sign_up", "last_active_session_id",
                     active == NULL ? NULL : active->id, "last_authentication_strategy",
                     active == NULL ? NULL : "password", "cookie_expires_at", "captcha_bypass", 0,
                     "created_at", (json_int_t)world->created_ms, "updated_at",
                     (json_int_t)world->updated_ms);
}

static json_t *shape_token(struct world *world, const struct session *session, int64_t now_ms)
{
    char *jwt =
        session->status != SESSION_ACTIVE
            ? NULL
            : freshet_world_session_token(world, session, session->organization, NULL, now_ms);
    json_t *token =
        jwt == NULL ? json_null() : json_pack("{s:s, s:s}", "object", "token", "jwt", jwt);

    free(jwt);
    return token;
}

json_t *freshet_shape_session(struct world *world, const struct session *session, int64_t now_ms)
{
    const char *organization = session->organization;
    int64_t verified_ms = now_ms - session->created_ms;

    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:n, s:s?, s:[], s:[I, i], s:o, s:o, "
        "s:I, s:I}",
        "object", "session", "id", session->id, "status", shape_statuses[session->status],
        "expire_at", (json_int_t)session->created_ms + 7 * DAY_MS, "abandon_at",
        (json_int_t)session->created_ms + 30 * DAY_MS, "last_active_at",
        (json_int_t)session->active_ms, "last_active_token", shape_token(world, session, now_ms),
        "actor", "last_active_organization_id", organization[0] == '\0' ? NULL : organization,
        "tasks", "factor_verification_age", (json_int_t)verified_ms / 60000, -1, "user",
        freshet_shape_user(world, session), "public_user_data", shape_public_user(session),
        "created_at", (json_int_t)session->created_ms, "updated_at",
        (json_int_t)session->updated_ms);
}

static json_t *shape_public_user(const struct session *session)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "first_name", "Ada", "last_name", "Freshet",
                     "image_url", "", "has_image", 0, "identifier", "ada@example.com", "user_id",
                     session->user_id);
}

static json_t *shape_membership(const struct world *world, const char *organization)
{
    const char *slug = freshet_world_slug(organization);
    json_int_t created = (json_int_t)world->created_ms;

    return json_pack("{s:s, s:s+, s:s, s:s, s:[], s:{}, s:I, s:I, s:{s:s, s:s, s:s, s:s}}",
                     "object", "organization_membership", "id", "orgmem_", slug, "role",
                     "org:admin", "role_name", "Admin", "permissions", "public_metadata",
                     "created_at", created, "updated_at", created, "organization", "object",
                     "organization", "id", organization, "name", slug, "slug", slug);
}

json_t *freshet_shape_user(const struct world *world, const struct session *session)
{
    json_int_t created = (json_int_t)world->created_ms;
    json_t *memberships = json_array();

    for (size_t i = 0; i < world->organizations.count; i++)
        (void)json_array_append_new(memberships,
                                    shape_membership(world, world->organizations.name[i]));
    return json_pack("{s:s, s:s, s:n, s:s, s:s, s:s, s:b, s:b, s:b, s:[], s:[], s:o, s:{}, s:b, "
                     "s:b, s:I, s:I}",
                     "object", "user", "id", session->user_id, "username", "first_name", "Ada",
                     "last_name", "Freshet", "image_url", "", "has_image", 0, "password_enabled", 1,
                     "two_factor_enabled", 0, "email_addresses", "external_accounts",
                     "organization_memberships", memberships, "public_metadata", "banned", 0,
                     "locked", 0, "created_at", created, "updated_at", created);
}
