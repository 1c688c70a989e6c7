/*
 * Token file and cookie jar under a session's life: every commit reaches the file, nobody reads
 * half of one, and what comes late brings nothing back (behaviour rows C19, C29, D2).
 */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <freshet/sink.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scene.h"

#define SINK_TEXT_MAX 16384

/* A signature of ES256 has so many characters; a token that ends earlier has been cut off. */
#define SIGNATURE_LENGTH 86

struct outlets {
    struct scene *scene;
    struct freshet_sink *sink;
    char file[128];
    char jar[128];
};

static void outlets_open(struct outlets *outlets, struct scene *scene)
{
    struct freshet_sink_options options = {.size = sizeof(options)};

    *outlets = (struct outlets){.scene = scene};
    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    snprintf(outlets->file, sizeof(outlets->file), "%s/session", scene->world.issuer.folder);
    snprintf(outlets->jar, sizeof(outlets->jar), "%s/jar", scene->world.issuer.folder);
    options.token_file = outlets->file;
    options.cookie_jar = outlets->jar;
    assert_int_equal(freshet_sink_open(scene->world.session, &options, &outlets->sink, NULL),
                     FRESHET_OK);
}

static void outlets_remove(const char *path)
{
    char beside[160];

    (void)unlink(path);
    snprintf(beside, sizeof(beside), "%s.lock", path);
    (void)unlink(beside);
}

static void outlets_close(struct outlets *outlets)
{
    freshet_sink_close(outlets->sink);
    outlets_remove(outlets->file);
    outlets_remove(outlets->jar);
}

static struct got outlets_next(const struct outlets *outlets)
{
    struct got got =
        freshet_scene_expect(outlets->scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    return got;
}

/* The text of a file that others cannot read; -1 if there is none, or if it is open to others. */
static ssize_t outlets_read(const char *path, char text[SINK_TEXT_MAX])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    ssize_t length = -1;

    if (descriptor < 0) {
        return -1;
    }
    if (fstat(descriptor, &status) == 0 && (status.st_mode & 07777) == 0600) {
        length = read(descriptor, text, SINK_TEXT_MAX - 1);
    }
    close(descriptor);
    text[length > 0 ? length : 0] = '\0';
    return length;
}

static void the_token_file_follows_every_commit_without_the_focus(void **state)
{
    struct outlets outlets;
    char text[SINK_TEXT_MAX];

    outlets_open(&outlets, *state);
    assert_int_equal(freshet_sink_focus(outlets.sink, 0), FRESHET_OK);
    for (int i = 0; i < 10; i++) {
        struct got got = outlets_next(&outlets);
        ssize_t length = outlets_read(outlets.file, text);

        assert_int_equal(length, strlen(got.text) + 1);
        assert_memory_equal(text, got.text, strlen(got.text));
        assert_int_equal(text[length - 1], '\n');
    }
    outlets_close(&outlets);
}

/* ---- a reader that never rests ---- */

struct watcher {
    const struct outlets *outlets;
    pthread_t thread;
    _Atomic bool enough;
    _Atomic int reads;
    int halves; /* of either file; or open to others, or missing */
};

static bool watcher_token_is_whole(const char *token)
{
    const char *signature = strrchr(token, '.');

    return signature != NULL && strcspn(signature + 1, "\n") == SIGNATURE_LENGTH &&
           token[strlen(token) - 1] == '\n';
}

static bool watcher_jar_is_whole(const char *jar)
{
    static const char cookie[] = "\t__session\t";
    const char *session = strstr(jar, cookie);
    const char *signature = session != NULL ? strchr(session, '.') : NULL;

    signature = signature != NULL ? strchr(signature + 1, '.') : NULL;
    return signature != NULL && strcspn(signature + 1, "\n") == SIGNATURE_LENGTH &&
           jar[strlen(jar) - 1] == '\n' && strstr(jar, "\t__client_uat\t") != NULL;
}

static void *watcher_run(void *argument)
{
    struct watcher *watcher = argument;
    char text[SINK_TEXT_MAX];

    while (!watcher->enough) {
        watcher->halves +=
            outlets_read(watcher->outlets->file, text) <= 0 || !watcher_token_is_whole(text);
        watcher->halves +=
            outlets_read(watcher->outlets->jar, text) <= 0 || !watcher_jar_is_whole(text);
        watcher->reads++;
    }
    return NULL;
}

static void nobody_ever_reads_half_a_file(void **state)
{
    struct outlets outlets;
    struct watcher watcher = {.outlets = &outlets};

    outlets_open(&outlets, *state);
    assert_int_equal(pthread_create(&watcher.thread, NULL, watcher_run, &watcher), 0);
    for (int i = 0; i < 30 || watcher.reads < 100; i++) {
        if (i < 100) {
            (void)outlets_next(&outlets);
        }
    }
    watcher.enough = true;
    assert_int_equal(pthread_join(watcher.thread, NULL), 0);
    assert_int_equal(watcher.halves, 0);
    outlets_close(&outlets);
}

/* ---- after the end ---- */

static void a_late_answer_brings_no_file_back(void **state)
{
    struct scene *scene = *state;
    struct outlets outlets;
    struct getter getter;
    char text[SINK_TEXT_MAX];

    outlets_open(&outlets, scene);
    freshet_relay_hold(&scene->relay, "/tokens");
    freshet_getters_start(&getter, 1, scene->world.session, REQUEST(.skip_cache = 1));
    freshet_relay_await_held(&scene->relay, 1);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_SIGNED_OUT);
    freshet_relay_release(&scene->relay);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_await_open(scene, 0);
    assert_int_equal(outlets_read(outlets.file, text), -1);
    assert_int_equal(errno, ENOENT);
    assert_true(outlets_read(outlets.jar, text) > 0);
    assert_null(strstr(text, "__session"));
    outlets_close(&outlets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_token_file_follows_every_commit_without_the_focus),
        SCENE_TEST(nobody_ever_reads_half_a_file),
        SCENE_TEST(a_late_answer_brings_no_file_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
