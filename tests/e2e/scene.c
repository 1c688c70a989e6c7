/*
 * The scene of tests/e2e/scene.h.
 */
#include "cmocka_all.h"

#include "scene.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_S = 60, GET_MS = 30000 };

/* ---- what is heard ---- */

static void scene_hears(void *context, const struct freshet_event *event)
{
    static const char *const told[] = {[FRESHET_EVENT_TOKEN_UPDATED] = "token_updated",
                                       [FRESHET_EVENT_TOKEN_RESOLVED] = "token_resolved",
                                       [FRESHET_EVENT_SESSION_STATUS] = "status ",
                                       [FRESHET_EVENT_SIGNED_OUT] = "signed_out"};
    struct scene *scene = context;
    const bool traced = event->kind == FRESHET_EVENT_TRACE;
    const bool status = event->kind == FRESHET_EVENT_SESSION_STATUS;
    char *line = NULL;

    if (asprintf(&line, "%s: %s%s", event->session_name, traced ? event->trace : told[event->kind],
                 status ? event->session_status : "") < 0) {
        abort();
    }
    pthread_mutex_lock(&scene->lock);
    scene->lines = realloc(scene->lines, (scene->count + 1) * sizeof(*scene->lines));
    scene->lines[scene->count++] = line;
    pthread_cond_broadcast(&scene->changed);
    pthread_mutex_unlock(&scene->lock);
}

void freshet_scene_mark(struct scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    scene->mark = scene->count;
    pthread_mutex_unlock(&scene->lock);
}

/* From here to the failure the lock is held. */
static bool scene_fits(const struct scene *scene, size_t line, const char *pattern)
{
    char anywhere[512];

    snprintf(anywhere, sizeof(anywhere), "*%s*", pattern);
    return fnmatch(anywhere, scene->lines[line], FNM_NOESCAPE) == 0;
}

static size_t scene_count(const struct scene *scene, size_t from, const char *pattern)
{
    size_t count = 0;

    for (size_t i = from; i < scene->count; i++) {
        count += scene_fits(scene, i, pattern) ? 1 : 0;
    }
    return count;
}

static void scene_fail(struct scene *scene, const char *pattern)
{
    for (size_t i = 0; i < scene->count; i++) {
        print_message("heard: %s\n", scene->lines[i]);
    }
    pthread_mutex_unlock(&scene->lock);
    fail_msg("not heard: %s", pattern);
}

size_t freshet_scene_heard(struct scene *scene, const char *pattern)
{
    size_t count = 0;

    pthread_mutex_lock(&scene->lock);
    count = scene_count(scene, scene->mark, pattern);
    pthread_mutex_unlock(&scene->lock);
    return count;
}

size_t freshet_scene_heard_before(struct scene *scene, const char *pattern, const char *end)
{
    size_t count = 0;

    pthread_mutex_lock(&scene->lock);
    for (size_t i = 0; i == scene->count || !scene_fits(scene, i, end); i++) {
        if (i == scene->count) {
            scene_fail(scene, end);
        }
        count += scene_fits(scene, i, pattern) ? 1 : 0;
    }
    pthread_mutex_unlock(&scene->lock);
    return count;
}

void freshet_scene_assert_order(struct scene *scene, const char *const *patterns)
{
    pthread_mutex_lock(&scene->lock);
    for (size_t i = 0; *patterns != NULL; i++) {
        if (i == scene->count) {
            scene_fail(scene, *patterns);
        }
        patterns += scene_fits(scene, i, *patterns) ? 1 : 0;
    }
    pthread_mutex_unlock(&scene->lock);
}

/* Waits for one more line, with the lock held; `pattern` is what the test waits for. */
static void scene_wait(struct scene *scene, const struct timespec *end, const char *pattern)
{
    if (pthread_cond_timedwait(&scene->changed, &scene->lock, end) == ETIMEDOUT) {
        scene_fail(scene, pattern);
    }
}

static struct timespec scene_patience(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    return end;
}

void freshet_scene_await(struct scene *scene, const char *pattern, size_t count)
{
    const struct timespec end = scene_patience();

    pthread_mutex_lock(&scene->lock);
    while (scene_count(scene, scene->mark, pattern) < count) {
        scene_wait(scene, &end, pattern);
    }
    pthread_mutex_unlock(&scene->lock);
}

/* An answer is told of before it is read; the status is made after that. */
void freshet_scene_await_open(struct scene *scene, size_t count)
{
    static const char response[] = "\"event\":\"response\"";
    const struct timespec end = scene_patience();
    char *status = NULL;

    pthread_mutex_lock(&scene->lock);
    while (scene_count(scene, 0, "\"event\":\"request\"") !=
           scene_count(scene, 0, response) + count) {
        scene_wait(scene, &end, response);
    }
    pthread_mutex_unlock(&scene->lock);
    assert_int_equal(freshet_status_json(scene->world.client, &status), FRESHET_OK);
    free(status);
}

/* ---- open and close ---- */

int freshet_scene_new(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    *state = scene;
    if (scene == NULL) {
        return -1;
    }
    *scene = (struct scene){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    return 0;
}

int freshet_scene_free(void **state)
{
    struct scene *scene = *state;

    freshet_scene_leave(scene);
    freshet_issuer_stop(&scene->world.issuer);
    freshet_relay_close(&scene->relay);
    free(scene);
    return 0;
}

void freshet_scene_issuer(struct scene *scene, const char *const *options)
{
    struct issuer_process *issuer = &scene->world.issuer;

    freshet_issuer_start(issuer, options);
    freshet_relay_open(&scene->relay, issuer->port);
    snprintf(issuer->url, sizeof(issuer->url), "%s", scene->relay.url);
}

void freshet_scene_enter(struct scene *scene, const struct freshet_client_options *options)
{
    freshet_world_enter(&scene->world, options);
    assert_int_equal(freshet_subscribe(scene->world.client, scene_hears, scene), FRESHET_OK);
    scene->world.session = freshet_world_session(&scene->world, "first", NULL);
}

void freshet_scene_open(struct scene *scene, const struct freshet_client_options *options,
                        const char *const *issuer_options)
{
    freshet_scene_issuer(scene, issuer_options);
    freshet_scene_enter(scene, options);
}

void freshet_scene_leave(struct scene *scene)
{
    freshet_close(scene->world.client);
    scene->world.client = NULL;
    for (size_t i = 0; i < scene->count; i++) {
        free(scene->lines[i]);
    }
    free(scene->lines);
    scene->lines = NULL;
    scene->count = 0;
    scene->mark = 0;
}

struct got freshet_scene_remember(struct scene *scene)
{
    struct got got;

    freshet_scene_enter(scene, CLIENT_ALONE);
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_leave(scene);
    return got;
}

/* ---- tokens ---- */

static void scene_claim(const json_t *claims, const char *name, char value[ISSUER_SID_MAX])
{
    const char *text = json_string_value(json_object_get(claims, name));

    snprintf(value, ISSUER_SID_MAX, "%s", text != NULL ? text : "");
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
    struct freshet_request limited = request != NULL ? *request : *REQUEST(.timeout_ms = 0);
    struct freshet_token *token = NULL;
    struct freshet_error error = {.http_status = 0};
    struct got got = {.stale = false};

    limited.timeout_ms = limited.timeout_ms != 0 ? limited.timeout_ms : GET_MS;
    got.status = freshet_get(session, &limited, &token, &error);
    got.http_status = error.http_status;
    snprintf(got.message, sizeof(got.message), "%s", error.message);
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

struct got freshet_scene_expect(struct freshet_session *session,
                                const struct freshet_request *request, enum freshet_status status)
{
    struct got got = freshet_scene_get(session, request);

    if (got.status != status) {
        fail_msg("got %s (%s), not %s", freshet_status_name(got.status), got.message,
                 freshet_status_name(status));
    }
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
    json_t *status = freshet_world_status(&scene->world);
    const json_t *session = json_array_get(json_object_get(status, "sessions"), 0);
    const json_t *age =
        json_object_get(json_array_get(json_object_get(session, "tokens"), 0), "age_ms");
    json_int_t age_ms = json_is_integer(age) ? json_integer_value(age) : -1;

    json_decref(status);
    return age_ms;
}

void freshet_scene_await_age(const struct scene *scene, int64_t age_ms)
{
    while (freshet_scene_age(scene) < age_ms) {
    }
}

/* ---- the command ---- */

int freshet_scene_command(const struct scene *scene, const char *arguments, char *output,
                          size_t size)
{
    char command[1024];
    FILE *stream = NULL;
    size_t length = 0;
    int status = 0;

    snprintf(command, sizeof(command), "%s %s --url %s --client-token-file %s 2>&1",
             FRESHET_COMMAND, arguments, scene->world.issuer.url, scene->world.issuer.token_file);
    stream = popen(command, "r");
    assert_non_null(stream);
    length = fread(output, 1, size - 1, stream);
    output[length] = '\0';
    output[strcspn(output, "\n")] = '\0';
    status = pclose(stream);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
