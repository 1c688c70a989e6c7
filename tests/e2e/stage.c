/*
 * The stage of tests/e2e/stage.h.
 */
#include "cmocka_all.h"

#include "stage.h"

#include <curl/curl.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_S = 60, GET_MS = 30000 };

int freshet_stage_set(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    if (stage != NULL) {
        pthread_mutex_init(&stage->lock, NULL);
        pthread_cond_init(&stage->changed, NULL);
    }
    *state = stage;
    return stage != NULL ? 0 : -1;
}

int freshet_stage_strike(void **state)
{
    struct stage *stage = *state;

    freshet_stage_leave(stage);
    freshet_issuer_stop(&stage->world.issuer);
    pthread_cond_destroy(&stage->changed);
    pthread_mutex_destroy(&stage->lock);
    free(stage);
    return 0;
}

/* ---- the issuer ---- */

void freshet_stage_issuer(struct stage *stage, const char *const *options)
{
    freshet_issuer_start(&stage->world.issuer, options);
}

static size_t stage_discard(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

void freshet_stage_settings(const struct stage *stage, const char *settings)
{
    CURL *curl = curl_easy_init();
    char url[128];
    long status = 0;

    assert_non_null(curl);
    snprintf(url, sizeof(url), "%s/__freshet/settings", stage->world.issuer.url);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, settings);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, stage_discard);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    assert_int_equal(status, 200);
}

void freshet_stage_close_issuer(struct stage *stage)
{
    struct issuer_process *issuer = &stage->world.issuer;

    assert_int_equal(kill(issuer->pid, SIGTERM), 0);
    assert_int_equal(waitpid(issuer->pid, NULL, 0), issuer->pid);
    issuer->pid = 0;
}

int freshet_stage_asked(const struct stage *stage, const char *on)
{
    return freshet_issuer_requests(&stage->world.issuer, on);
}

/* ---- what is heard ---- */

static void stage_hears(void *context, const struct freshet_event *event)
{
    static const char *const told[] = {[FRESHET_EVENT_TOKEN_UPDATED] = "token_updated",
                                       [FRESHET_EVENT_TOKEN_RESOLVED] = "token_resolved",
                                       [FRESHET_EVENT_SIGNED_OUT] = "signed_out"};
    struct stage *stage = context;
    char line[1024];

    if (event->kind == FRESHET_EVENT_TRACE) {
        snprintf(line, sizeof(line), "%s", event->trace);
    } else if (event->kind == FRESHET_EVENT_SESSION_STATUS) {
        snprintf(line, sizeof(line), "told status %s", event->session_status);
    } else {
        snprintf(line, sizeof(line), "told %s", told[event->kind]);
    }
    pthread_mutex_lock(&stage->lock);
    stage->lines = realloc(stage->lines, (stage->count + 1) * sizeof(*stage->lines));
    stage->lines[stage->count++] = strdup(line);
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->lock);
}

/* From here to the failure the lock is held. */
static bool stage_fits(const struct stage *stage, size_t line, const char *pattern)
{
    return fnmatch(pattern, stage->lines[line], FNM_NOESCAPE) == 0;
}

static size_t stage_count(const struct stage *stage, const char *pattern)
{
    size_t count = 0;

    for (size_t i = 0; i < stage->count; i++) {
        count += stage_fits(stage, i, pattern) ? 1 : 0;
    }
    return count;
}

static void stage_fail(struct stage *stage, const char *pattern)
{
    for (size_t i = 0; i < stage->count; i++) {
        print_message("heard: %s\n", stage->lines[i]);
    }
    pthread_mutex_unlock(&stage->lock);
    fail_msg("not heard: %s", pattern);
}

size_t freshet_stage_heard(struct stage *stage, const char *pattern)
{
    size_t count = 0;

    pthread_mutex_lock(&stage->lock);
    count = stage_count(stage, pattern);
    pthread_mutex_unlock(&stage->lock);
    return count;
}

size_t freshet_stage_heard_before(struct stage *stage, const char *pattern, const char *mark)
{
    size_t count = 0;

    pthread_mutex_lock(&stage->lock);
    for (size_t i = 0; i == stage->count || !stage_fits(stage, i, mark); i++) {
        if (i == stage->count) {
            stage_fail(stage, mark);
        }
        count += stage_fits(stage, i, pattern) ? 1 : 0;
    }
    pthread_mutex_unlock(&stage->lock);
    return count;
}

void freshet_stage_await(struct stage *stage, const char *pattern, size_t count)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&stage->lock);
    while (stage_count(stage, pattern) < count) {
        if (pthread_cond_timedwait(&stage->changed, &stage->lock, &end) == ETIMEDOUT) {
            stage_fail(stage, pattern);
        }
    }
    pthread_mutex_unlock(&stage->lock);
}

void freshet_stage_assert_order(struct stage *stage, const char *const *patterns)
{
    pthread_mutex_lock(&stage->lock);
    for (size_t i = 0; *patterns != NULL; i++) {
        if (i == stage->count) {
            stage_fail(stage, *patterns);
        }
        patterns += stage_fits(stage, i, *patterns) ? 1 : 0;
    }
    pthread_mutex_unlock(&stage->lock);
}

/* ---- clients ---- */

void freshet_stage_enter(struct stage *stage, int64_t request_timeout_ms)
{
    const struct freshet_client_options options = {
        .size = sizeof(options), .runtime_dir = "", .request_timeout_ms = request_timeout_ms};
    struct freshet_error error;

    if (freshet_open(&options, &stage->world.client, &error) != FRESHET_OK) {
        fail_msg("freshet_open: %s", error.message);
    }
    assert_int_equal(freshet_subscribe(stage->world.client, stage_hears, stage), FRESHET_OK);
    stage->world.session = freshet_world_session(&stage->world, "played");
}

void freshet_stage_leave(struct stage *stage)
{
    freshet_close(stage->world.client);
    stage->world.client = NULL;
    for (size_t i = 0; i < stage->count; i++) {
        free(stage->lines[i]);
    }
    free(stage->lines);
    stage->lines = NULL;
    stage->count = 0;
}

struct got freshet_stage_remember(struct stage *stage)
{
    struct got got;

    freshet_stage_enter(stage, 0);
    got = freshet_stage_expect(stage, NULL, FRESHET_OK);
    freshet_stage_leave(stage);
    return got;
}

struct freshet_request freshet_stage_request(const char *template_name)
{
    struct freshet_request request = freshet_world_template(template_name);

    request.timeout_ms = GET_MS;
    return request;
}

struct got freshet_stage_get(const struct stage *stage, const struct freshet_request *request)
{
    struct got got = {.stale = 0};
    struct freshet_token *token = NULL;
    struct freshet_error error = {.http_status = 0};

    got.status = freshet_get(stage->world.session, request, &token, &error);
    got.http_status = error.http_status;
    snprintf(got.message, sizeof(got.message), "%s", error.message);
    assert_true((token != NULL) == (got.status == FRESHET_OK));
    if (token != NULL) {
        snprintf(got.text, sizeof(got.text), "%s", freshet_token_text(token));
        got.stale = freshet_token_is_stale(token);
    }
    freshet_token_unref(token);
    return got;
}

struct got freshet_stage_expect(const struct stage *stage, const char *template_name,
                                enum freshet_status status)
{
    const struct freshet_request request = freshet_stage_request(template_name);
    struct got got = freshet_stage_get(stage, &request);

    if (got.status != status) {
        fail_msg("got %s (%s), not %s", freshet_status_name(got.status), got.message,
                 freshet_status_name(status));
    }
    return got;
}

int freshet_stage_command(const struct stage *stage, const char *arguments, char *output,
                          size_t size)
{
    char command[1024];
    FILE *stream = NULL;
    size_t length = 0;
    int status = 0;

    snprintf(command, sizeof(command), "%s %s --url %s --client-token-file %s 2>&1",
             FRESHET_COMMAND, arguments, stage->world.issuer.url, stage->world.issuer.token_file);
    stream = popen(command, "r");
    assert_non_null(stream);
    length = fread(output, 1, size - 1, stream);
    output[length] = '\0';
    output[strcspn(output, "\n")] = '\0';
    status = pclose(stream);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
