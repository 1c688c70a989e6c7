/*
 * Files are replaced whole, under their lock, and only if they are ours.
 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock/lock.h"
#include "sink/outlet.h"
#include "source/source.h"
#include "token_text.h"

#define NOW_S INT64_C(1700000000)

struct bench {
    char folder[64];
    char path[96];
    struct outlet file;
    struct outlet jar;
    struct place_fault fault;
};

static int bench_open(void **state)
{
    static const struct cookie_names names = {.domain = "localhost", .suffix = "QvfNY2dr"};
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    snprintf(bench->folder, sizeof(bench->folder), "/tmp/freshet-outlet-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->path, sizeof(bench->path), "%s/there", bench->folder);
    assert_true(freshet_outlet_open(&bench->file, bench->path, NULL, &bench->fault));
    assert_true(freshet_outlet_open(&bench->jar, bench->path, &names, &bench->fault));
    *state = bench;
    return 0;
}

static void bench_unlink(const struct bench *bench, const char *suffix)
{
    char path[128];

    snprintf(path, sizeof(path), "%s%s", bench->path, suffix);
    (void)unlink(path);
}

static int bench_close(void **state)
{
    struct bench *bench = *state;

    freshet_outlet_close(&bench->file);
    freshet_outlet_close(&bench->jar);
    bench_unlink(bench, "");
    bench_unlink(bench, ".new");
    bench_unlink(bench, ".lock");
    assert_int_equal(rmdir(bench->folder), 0);
    free(bench);
    return 0;
}

/* Delivers a token of this age; negative: a sign-out. */
static enum place_result deliver(struct bench *bench, struct outlet *outlet, int age_s)
{
    struct outlet_news news = {
        .session = "sess_a", .wall_ms = NOW_S * 1000, .issuer_ms = NOW_S * 1000};
    struct delivery_plan plan;
    struct token token;
    enum place_result result;
    char claims[128];
    char *text = NULL;
    void *memory = NULL;

    if (age_s >= 0) {
        snprintf(claims, sizeof(claims), "{\"iat\":%lld,\"exp\":%lld,\"sid\":\"sess_a\"}",
                 (long long)NOW_S - age_s, (long long)NOW_S - age_s + 60);
        text = freshet_token_text("{\"alg\":\"RS256\"}", claims);
        assert_true(freshet_jwt_read(text, strlen(text), &token, &memory));
        news.token = &token;
    }
    bench->fault.text[0] = '\0';
    result = freshet_outlet_deliver(outlet, &news, &plan, &bench->fault);
    freshet_jwt_free(memory);
    free(text);
    return result;
}

static size_t file_text(const struct bench *bench, char *text, size_t size)
{
    FILE *file = fopen(bench->path, "r");
    size_t length = 0;

    assert_non_null(file);
    length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length;
}

static void a_token_file_holds_the_token_and_a_line_end(void **state)
{
    struct bench *bench = *state;
    char text[4096];
    struct stat status;
    size_t length = 0;

    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_OK);
    length = file_text(bench, text, sizeof(text));
    assert_memory_equal(text, "ey", 2);
    assert_int_equal(strcspn(text, "\n"), length - 1);
    assert_int_equal(stat(bench->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(deliver(bench, &bench->file, -1), PLACE_OK);
    assert_int_equal(access(bench->path, F_OK), -1);
}

static void a_wide_open_file_becomes_private(void **state)
{
    struct bench *bench = *state;
    struct stat status;
    FILE *file = fopen(bench->path, "w");

    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(bench->path, 0644), 0);
    assert_int_equal(deliver(bench, &bench->jar, 0), PLACE_OK);
    assert_int_equal(stat(bench->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_reader_that_has_the_old_file_open_keeps_it_whole(void **state)
{
    struct bench *bench = *state;
    char before[4096];
    char still[4096];
    FILE *reader = NULL;
    size_t length = 0;

    assert_int_equal(deliver(bench, &bench->file, 20), PLACE_OK);
    length = file_text(bench, before, sizeof(before));
    reader = fopen(bench->path, "r");
    assert_non_null(reader);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_OK);
    assert_int_equal(fread(still, 1, sizeof(still), reader), length);
    assert_memory_equal(still, before, length);
    fclose(reader);
}

static void a_link_is_refused_and_not_followed(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(symlink("/nonexistent/target", bench->path), 0);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_FAILED);
    assert_non_null(strstr(bench->fault.text, "symbolic link"));
    assert_non_null(strstr(bench->fault.text, bench->path));
}

static void a_folder_that_others_can_write_to_is_refused(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(chmod(bench->folder, 0777), 0);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_FAILED);
    assert_non_null(strstr(bench->fault.text, "chmod go-w"));
}

/* What a limit on file sizes does to a write, a full disk does too. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    struct bench *bench = *state;
    struct rlimit before;
    struct rlimit none;
    char old[4096];
    char text[4096];

    assert_int_equal(deliver(bench, &bench->file, 20), PLACE_OK);
    file_text(bench, old, sizeof(old));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_FAILED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(bench->fault.text[0] != '\0');
    file_text(bench, text, sizeof(text));
    assert_string_equal(text, old);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_OK);
    file_text(bench, text, sizeof(text));
    assert_string_not_equal(text, old);
}

static void what_a_crash_left_does_not_disturb(void **state)
{
    struct bench *bench = *state;
    char path[128];
    FILE *file = NULL;

    snprintf(path, sizeof(path), "%s.new", bench->path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("half a tok", file) >= 0);
    fclose(file);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_OK);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_locked_file_is_left_for_later(void **state)
{
    struct bench *bench = *state;
    int folder = open(bench->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int lock = freshet_lock_try(folder, "there.lock", 0, LOCK_EXCLUSIVE);

    assert_true(lock >= 0);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_BUSY);
    assert_int_equal(access(bench->path, F_OK), -1);
    freshet_lock_release(lock, 0);
    assert_int_equal(deliver(bench, &bench->file, 0), PLACE_OK);
    close(folder);
}

static void a_jar_that_is_too_large_is_left_alone(void **state)
{
    struct bench *bench = *state;
    FILE *file = fopen(bench->path, "w");

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), FRESHET_PLACE_MAX + 1), 0);
    fclose(file);
    assert_int_equal(deliver(bench, &bench->jar, 0), PLACE_FAILED);
    assert_non_null(strstr(bench->fault.text, "1 MiB"));
}

static void a_signed_out_jar_keeps_foreign_cookies_only(void **state)
{
    struct bench *bench = *state;
    char text[8192];
    FILE *file = fopen(bench->path, "w");

    assert_non_null(file);
    assert_true(fputs("localhost\tFALSE\t/\tFALSE\t0\ttheirs\tkept\n", file) >= 0);
    fclose(file);
    assert_int_equal(deliver(bench, &bench->jar, 0), PLACE_OK);
    file_text(bench, text, sizeof(text));
    assert_non_null(strstr(text, "\t__session_QvfNY2dr\tey"));
    assert_non_null(strstr(text, "\tclerk_active_context\tsess_a:\n"));
    assert_int_equal(deliver(bench, &bench->jar, -1), PLACE_OK);
    file_text(bench, text, sizeof(text));
    assert_non_null(strstr(text, "theirs\tkept\n"));
    assert_null(strstr(text, "__session"));
    assert_null(strstr(text, "clerk_active_context"));
    assert_non_null(strstr(text, "__client_uat\t0\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_file_holds_the_token_and_a_line_end),
        TEST(a_wide_open_file_becomes_private),
        TEST(a_reader_that_has_the_old_file_open_keeps_it_whole),
        TEST(a_link_is_refused_and_not_followed),
        TEST(a_folder_that_others_can_write_to_is_refused),
        TEST(a_full_disk_leaves_the_old_file),
        TEST(what_a_crash_left_does_not_disturb),
        TEST(a_locked_file_is_left_for_later),
        TEST(a_jar_that_is_too_large_is_left_alone),
        TEST(a_signed_out_jar_keeps_foreign_cookies_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
