/*
 * Sinks of the library against the development issuer: what a get returns lies in jar and file.
 */
#include "cmocka_all.h"

#include <freshet/sink.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "library_world.h"

#define TEXT_MAX 16384

struct scene {
    struct world world;
    char jar[128];
    char file[128];
    struct freshet_sink *sink;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int signed_out;
};

static void scene_open(struct scene *scene)
{
    struct freshet_token *token = NULL;

    *scene = (struct scene){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    freshet_world_open(&scene->world, NULL, NULL);
    snprintf(scene->jar, sizeof(scene->jar), "%s/jar", scene->world.issuer.folder);
    snprintf(scene->file, sizeof(scene->file), "%s/session-token", scene->world.issuer.folder);
    assert_int_equal(freshet_get(scene->world.session, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
}

static enum freshet_status scene_sink(struct scene *scene, struct freshet_error *error)
{
    const struct freshet_sink_options options = {
        .size = sizeof(options), .token_file = scene->file, .cookie_jar = scene->jar};

    return freshet_sink_open(scene->world.session, &options, &scene->sink, error);
}

static void scene_unlink(const char *path)
{
    char beside[160];

    (void)unlink(path);
    snprintf(beside, sizeof(beside), "%s.lock", path);
    (void)unlink(beside);
}

static void scene_close(struct scene *scene)
{
    freshet_sink_close(scene->sink);
    scene_unlink(scene->jar);
    scene_unlink(scene->file);
    freshet_world_close(&scene->world);
}

static void read_text(const char *path, char text[TEXT_MAX])
{
    FILE *file = fopen(path, "r");
    size_t length = 0;

    assert_non_null(file);
    length = fread(text, 1, TEXT_MAX - 1, file);
    text[length] = '\0';
    fclose(file);
}

static void expect_delivered(const struct scene *scene, const char *token)
{
    char text[TEXT_MAX];
    char line[TEXT_MAX];

    read_text(scene->file, text);
    snprintf(line, sizeof(line), "%s\n", token);
    assert_string_equal(text, line);
    read_text(scene->jar, text);
    snprintf(line, sizeof(line), "\t__session\t%s\n", token);
    assert_non_null(strstr(text, line));
}

static struct freshet_token *fresh_token(const struct scene *scene)
{
    const struct freshet_request request = {.size = sizeof(request), .skip_cache = 1};
    struct freshet_token *token = NULL;

    assert_int_equal(freshet_get(scene->world.session, &request, &token, NULL), FRESHET_OK);
    return token;
}

static void the_token_is_delivered_at_once_and_at_each_change(void **state)
{
    struct scene scene;
    struct freshet_token *token = NULL;

    (void)state;
    scene_open(&scene);
    assert_int_equal(freshet_get(scene.world.session, NULL, &token, NULL), FRESHET_OK);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    expect_delivered(&scene, freshet_token_text(token));
    freshet_token_unref(token);
    token = fresh_token(&scene);
    expect_delivered(&scene, freshet_token_text(token));
    freshet_token_unref(token);
    scene_close(&scene);
}

/* Also under the instance's suffix, and once only. */
static void the_suffixed_cookies_are_replaced_too(void **state)
{
    struct scene scene;
    char text[TEXT_MAX];
    const char *suffixed = NULL;

    (void)state;
    scene_open(&scene);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    freshet_token_unref(fresh_token(&scene));
    read_text(scene.jar, text);
    suffixed = strstr(text, "\t__session_");
    assert_non_null(suffixed);
    assert_int_equal(strcspn(suffixed + strlen("\t__session_"), "\t"), 8);
    assert_null(strstr(suffixed + 1, "\t__session_"));
    scene_close(&scene);
}

/* Asks until the issuer's clock has moved on by a second, so that the token expires later. */
static struct freshet_token *later_token(const struct scene *scene)
{
    struct freshet_token *first = fresh_token(scene);
    struct freshet_token *token = fresh_token(scene);

    while (freshet_token_expires_at_ms(token) - freshet_token_expires_at_ms(first) < 900) {
        freshet_token_unref(token);
        token = fresh_token(scene);
    }
    freshet_token_unref(first);
    return token;
}

/* A program that read the file before a refresh, and writes it back after it. */
static void an_older_token_that_comes_back_is_replaced(void **state)
{
    struct scene scene;
    struct freshet_token *token = NULL;
    char older[TEXT_MAX];
    char events[4096];
    int watch = inotify_init1(IN_CLOEXEC);
    FILE *file = NULL;

    (void)state;
    scene_open(&scene);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    read_text(scene.jar, older);
    token = later_token(&scene);
    expect_delivered(&scene, freshet_token_text(token));
    assert_true(inotify_add_watch(watch, scene.world.issuer.folder, IN_MOVED_TO) >= 0);
    file = fopen(scene.jar, "w");
    assert_non_null(file);
    assert_true(fputs(older, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_true(read(watch, events, sizeof(events)) > 0);
    expect_delivered(&scene, freshet_token_text(token));
    freshet_token_unref(token);
    close(watch);
    scene_close(&scene);
}

static void scene_hears(void *context, const struct freshet_event *event)
{
    struct scene *scene = context;

    if (event->kind == FRESHET_EVENT_SIGNED_OUT) {
        pthread_mutex_lock(&scene->lock);
        scene->signed_out = 1;
        pthread_cond_signal(&scene->changed);
        pthread_mutex_unlock(&scene->lock);
    }
}

/* Subscribed after the sink, so told after it. */
static void a_sign_out_takes_the_token_away(void **state)
{
    struct scene scene;
    char text[TEXT_MAX];

    (void)state;
    scene_open(&scene);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    assert_int_equal(freshet_subscribe(scene.world.client, scene_hears, &scene), FRESHET_OK);
    assert_int_equal(freshet_sign_out(scene.world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    pthread_mutex_lock(&scene.lock);
    while (!scene.signed_out) {
        pthread_cond_wait(&scene.changed, &scene.lock);
    }
    pthread_mutex_unlock(&scene.lock);
    assert_int_equal(access(scene.file, F_OK), -1);
    read_text(scene.jar, text);
    assert_null(strstr(text, "__session"));
    assert_null(strstr(text, "clerk_active_context"));
    assert_non_null(strstr(text, "\t__client_uat\t0\n"));
    scene_close(&scene);
}

static void put_foreign_context(const struct scene *scene)
{
    FILE *file = fopen(scene->jar, "w");

    assert_non_null(file);
    assert_true(fputs("127.0.0.1\tFALSE\t/\tFALSE\t0\tclerk_active_context\tsess_other:\n", file) >=
                0);
    fclose(file);
}

static void another_context_keeps_the_jar_until_focus(void **state)
{
    struct scene scene;
    struct freshet_token *token = NULL;
    char text[TEXT_MAX];

    (void)state;
    scene_open(&scene);
    put_foreign_context(&scene);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    token = fresh_token(&scene);
    read_text(scene.jar, text);
    assert_null(strstr(text, "__session"));
    read_text(scene.file, text);
    assert_memory_equal(text, freshet_token_text(token), freshet_token_length(token));
    assert_int_equal(freshet_sink_focus(scene.sink, 0), FRESHET_OK);
    read_text(scene.jar, text);
    assert_null(strstr(text, "__session"));
    assert_int_equal(freshet_sink_focus(scene.sink, 1), FRESHET_OK);
    expect_delivered(&scene, freshet_token_text(token));
    freshet_token_unref(token);
    scene_close(&scene);
}

static void a_file_that_cannot_be_written_costs_no_token(void **state)
{
    struct scene scene;
    struct freshet_token *token = NULL;
    char fault[256];

    (void)state;
    scene_open(&scene);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    assert_int_equal(unlink(scene.file), 0);
    assert_int_equal(symlink("/nonexistent/target", scene.file), 0);
    token = fresh_token(&scene);
    freshet_token_unref(token);
    freshet_sink_fault(scene.sink, fault, sizeof(fault));
    assert_non_null(strstr(fault, "symbolic link"));
    assert_int_equal(unlink(scene.file), 0);
    token = fresh_token(&scene);
    freshet_sink_fault(scene.sink, fault, sizeof(fault));
    assert_string_equal(fault, "");
    expect_delivered(&scene, freshet_token_text(token));
    freshet_token_unref(token);
    scene_close(&scene);
}

static void mistakes_are_told_when_a_sink_is_opened(void **state)
{
    const struct freshet_sink_options none = {.size = sizeof(none)};
    struct scene scene;
    struct freshet_error error;

    (void)state;
    scene_open(&scene);
    assert_int_equal(freshet_sink_open(scene.world.session, &none, &scene.sink, &error),
                     FRESHET_INVALID);
    assert_null(scene.sink);
    snprintf(scene.file, sizeof(scene.file), "%s/none/file", scene.world.issuer.folder);
    assert_int_equal(scene_sink(&scene, &error), FRESHET_INVALID);
    assert_non_null(strstr(error.message, scene.file));
    scene_close(&scene);
}

static void a_closed_sink_delivers_no_more(void **state)
{
    struct scene scene;
    char before[TEXT_MAX];
    char after[TEXT_MAX];

    (void)state;
    scene_open(&scene);
    assert_int_equal(scene_sink(&scene, NULL), FRESHET_OK);
    read_text(scene.file, before);
    freshet_sink_close(scene.sink);
    scene.sink = NULL;
    freshet_token_unref(fresh_token(&scene));
    read_text(scene.file, after);
    assert_string_equal(before, after);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_delivered_at_once_and_at_each_change),
        cmocka_unit_test(the_suffixed_cookies_are_replaced_too),
        cmocka_unit_test(an_older_token_that_comes_back_is_replaced),
        cmocka_unit_test(a_sign_out_takes_the_token_away),
        cmocka_unit_test(another_context_keeps_the_jar_until_focus),
        cmocka_unit_test(a_file_that_cannot_be_written_costs_no_token),
        cmocka_unit_test(mistakes_are_told_when_a_sink_is_opened),
        cmocka_unit_test(a_closed_sink_delivers_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
