/*
 * The scene of tests/e2e/scene.h.
 */
#include "cmocka_all.h"

#include "scene.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is heard ---- */

static void scene_hears(void *context, const struct freshet_event *event)
{
    static const char *const kinds[] = {[FRESHET_EVENT_TOKEN_UPDATED] = "token_updated",
                                        [FRESHET_EVENT_TOKEN_RESOLVED] = "token_resolved",
                                        [FRESHET_EVENT_SESSION_STATUS] = "status",
                                        [FRESHET_EVENT_SIGNED_OUT] = "signed_out"};
    struct scene *scene = context;
    const char *status = event->kind == FRESHET_EVENT_SESSION_STATUS ? event->session_status : "";

    pthread_mutex_lock(&scene->lock);
    if (scene->line_count < SCENE_LINES_MOST) {
        char *line = scene->lines[scene->line_count++];

        if (event->kind == FRESHET_EVENT_TRACE) {
            snprintf(line, SCENE_LINE_MAX, "%s: %s", event->session_name, event->trace);
        } else {
            snprintf(line, SCENE_LINE_MAX, "%s: %s %s", event->session_name, kinds[event->kind],
                     status);
        }
        pthread_cond_broadcast(&scene->changed);
    }
    pthread_mutex_unlock(&scene->lock);
}

size_t freshet_scene_mark(struct scene *scene)
{
    size_t mark = 0;

    pthread_mutex_lock(&scene->lock);
    mark = scene->line_count;
    pthread_mutex_unlock(&scene->lock);
    return mark;
}

static size_t scene_count(const struct scene *scene, size_t mark, const char *text)
{
    size_t count = 0;

    for (size_t i = mark; i < scene->line_count; i++) {
        count += strstr(scene->lines[i], text) != NULL ? 1 : 0;
    }
    return count;
}

size_t freshet_scene_heard(struct scene *scene, size_t mark, const char *text)
{
    size_t count = 0;

    pthread_mutex_lock(&scene->lock);
    count = scene_count(scene, mark, text);
    pthread_mutex_unlock(&scene->lock);
    return count;
}

void freshet_scene_await(struct scene *scene, size_t mark, const char *text)
{
    pthread_mutex_lock(&scene->lock);
    while (scene_count(scene, mark, text) == 0) {
        assert_true(scene->line_count < SCENE_LINES_MOST);
        pthread_cond_wait(&scene->changed, &scene->lock);
    }
    pthread_mutex_unlock(&scene->lock);
}

/* An answer is told of before it is read; the status is made after that. */
void freshet_scene_await_open(struct scene *scene, size_t count)
{
    char *status = NULL;

    pthread_mutex_lock(&scene->lock);
    while (scene_count(scene, 0, "\"event\":\"request\"") !=
           scene_count(scene, 0, "\"event\":\"response\"") + count) {
        pthread_cond_wait(&scene->changed, &scene->lock);
    }
    pthread_mutex_unlock(&scene->lock);
    assert_int_equal(freshet_status_json(scene->world.client, &status), FRESHET_OK);
    free(status);
}

/* ---- open and close ---- */

struct freshet_session *freshet_scene_session(const struct scene *scene, const char *name,
                                              const char *sid)
{
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .name = name,
                                                    .url = scene->relay.url,
                                                    .client_token_file =
                                                        scene->world.issuer.token_file,
                                                    .session = sid};
    struct freshet_session *session = NULL;
    struct freshet_error error;

    if (freshet_session_open(scene->world.client, &options, &session, &error) != FRESHET_OK) {
        fail_msg("freshet_session_open: %s", error.message);
    }
    return session;
}

int freshet_scene_new(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    if (scene == NULL) {
        return -1;
    }
    *scene = (struct scene){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    scene->lines = calloc(SCENE_LINES_MOST, sizeof(*scene->lines));
    *state = scene;
    return scene->lines != NULL ? 0 : -1;
}

int freshet_scene_free(void **state)
{
    struct scene *scene = *state;

    freshet_close(scene->world.client);
    freshet_issuer_stop(&scene->world.issuer);
    freshet_relay_close(&scene->relay);
    free(scene->lines);
    free(scene);
    return 0;
}

void freshet_scene_open(struct scene *scene, const struct freshet_client_options *options,
                        const char *const *issuer_options)
{
    struct freshet_error error;

    freshet_issuer_start(&scene->world.issuer, issuer_options);
    freshet_relay_open(&scene->relay, scene->world.issuer.port);
    if (freshet_open(options, &scene->world.client, &error) != FRESHET_OK) {
        fail_msg("freshet_open: %s", error.message);
    }
    assert_int_equal(freshet_subscribe(scene->world.client, scene_hears, scene), FRESHET_OK);
    scene->world.session = freshet_scene_session(scene, "first", NULL);
}

void freshet_scene_sids(const struct scene *scene, size_t count, char sids[][SCENE_NAME_MAX])
{
    char *answer = freshet_relay_ask(&scene->relay, "GET /__freshet/state");
    json_t *state = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, NULL);
    const json_t *sessions = json_object_get(state, "sessions");

    assert_int_equal(json_array_size(sessions), count);
    for (size_t i = 0; i < count; i++) {
        snprintf(sids[i], SCENE_NAME_MAX, "%s",
                 json_string_value(json_object_get(json_array_get(sessions, i), "id")));
    }
    json_decref(state);
    free(answer);
}

/* ---- tokens ---- */

static void scene_claim(const json_t *claims, const char *name, char value[SCENE_NAME_MAX])
{
    const char *text = json_string_value(json_object_get(claims, name));

    snprintf(value, SCENE_NAME_MAX, "%s", text != NULL ? text : "");
}

static void scene_read_claims(struct got *got)
{
    unsigned char decoded[ISSUER_TEXT_MAX];
    const char *from = strchr(got->text, '.');
    size_t length = 0;
    json_t *claims = NULL;

    assert_non_null(from);
    assert_int_equal(sodium_base642bin(decoded, sizeof(decoded), from + 1, strcspn(from + 1, "."),
                                       NULL, &length, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    claims = json_loadb((const char *)decoded, length, 0, NULL);
    assert_non_null(claims);
    scene_claim(claims, "sid", got->sid);
    scene_claim(claims, "template", got->template_name);
    scene_claim(json_object_get(claims, "o"), "id", got->organization);
    json_decref(claims);
}

struct got freshet_scene_get(struct freshet_session *session, const struct freshet_request *request)
{
    struct freshet_token *token = NULL;
    struct got got = {.status = freshet_get(session, request, &token, NULL)};

    assert_true((token != NULL) == (got.status == FRESHET_OK));
    if (token != NULL) {
        got.stale = freshet_token_is_stale(token) != 0;
        got.remaining_ms = freshet_token_remaining_ms(token);
        snprintf(got.text, sizeof(got.text), "%s", freshet_token_text(token));
        scene_read_claims(&got);
    }
    freshet_token_unref(token);
    return got;
}

struct got freshet_scene_peek(struct freshet_session *session)
{
    struct got got = {.status = FRESHET_NONE};

    got.status = freshet_peek(session, got.text, sizeof(got.text), NULL, NULL);
    assert_true(got.status == FRESHET_OK || got.status == FRESHET_STALE);
    scene_read_claims(&got);
    return got;
}

int64_t freshet_scene_age(const struct scene *scene)
{
    char *text = NULL;
    json_t *status = NULL;
    const json_t *session = NULL;
    const json_t *age = NULL;
    json_int_t age_ms = -1;

    assert_int_equal(freshet_status_json(scene->world.client, &text), FRESHET_OK);
    status = json_loads(text, 0, NULL);
    free(text);
    session = json_array_get(json_object_get(status, "sessions"), 0);
    age = json_object_get(json_array_get(json_object_get(session, "tokens"), 0), "age_ms");
    age_ms = json_is_integer(age) ? json_integer_value(age) : -1;
    json_decref(status);
    return age_ms;
}

void freshet_scene_await_age(const struct scene *scene, int64_t age_ms)
{
    while (freshet_scene_age(scene) < age_ms) {
    }
}
