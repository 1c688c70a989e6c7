/*
 * What a test of tests/e2e/herd.h waits for, and what it finds in the folders.
 */
#include "cmocka_all.h"

#include "herd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 24576

/* ---- conditions ---- */

typedef bool judge_member(const struct member *member, unsigned argument);

static bool judge_all(const struct herd *herd, judge_member *judge, unsigned argument)
{
    bool all = true;

    for (size_t i = 0; i < herd->count; i++) {
        all = all && (herd->members[i].pid == 0 || judge(&herd->members[i], argument));
    }
    return all;
}

static bool judge_ready(const struct member *member, unsigned argument)
{
    (void)argument;
    return member->ready && member->last_token != 0;
}

static bool judge_has(const struct member *member, unsigned tokens)
{
    return member->token_count >= tokens;
}

static bool judge_signed_out(const struct member *member, unsigned argument)
{
    (void)argument;
    return member->signed_outs > 0;
}

bool freshet_herd_never(const struct herd *herd, size_t number, unsigned argument)
{
    (void)herd;
    (void)number;
    (void)argument;
    return false;
}

bool freshet_herd_all_ready(const struct herd *herd, size_t number, unsigned argument)
{
    (void)number;
    return judge_all(herd, judge_ready, argument);
}

bool freshet_herd_all_have(const struct herd *herd, size_t number, unsigned tokens)
{
    (void)number;
    return judge_all(herd, judge_has, tokens);
}

bool freshet_herd_all_agree(const struct herd *herd, size_t number, unsigned argument)
{
    uint64_t token = 0;
    bool agree = true;

    (void)number;
    (void)argument;
    for (size_t i = 0; i < herd->count; i++) {
        const struct member *member = &herd->members[i];

        if (member->pid > 0) {
            token = token == 0 ? member->last_token : token;
            agree = agree && member->last_token == token;
        }
    }
    return agree && token != 0;
}

bool freshet_herd_all_signed_out(const struct herd *herd, size_t number, unsigned argument)
{
    (void)number;
    return judge_all(herd, judge_signed_out, argument);
}

bool freshet_herd_has(const struct herd *herd, size_t number, unsigned tokens)
{
    return herd->members[number].token_count >= tokens;
}

bool freshet_herd_requested(const struct herd *herd, size_t number, unsigned requests)
{
    return herd->members[number].requests >= requests;
}

bool freshet_herd_touched(const struct herd *herd, size_t number, unsigned touches)
{
    return herd->members[number].touches >= touches;
}

bool freshet_herd_forked(const struct herd *herd, size_t number, unsigned argument)
{
    (void)argument;
    return herd->members[number].forked > 0;
}

/* ---- tallies ---- */

void freshet_herd_mark(struct herd *herd)
{
    for (size_t i = 0; i < herd->count; i++) {
        herd->members[i].token_count = 0;
        herd->members[i].requests = 0;
        herd->members[i].lacks = 0;
        herd->members[i].lates = 0;
        herd->members[i].failures = 0;
    }
}

unsigned freshet_herd_requests(const struct herd *herd)
{
    unsigned requests = 0;

    for (size_t i = 0; i < herd->count; i++) {
        requests += herd->members[i].requests;
    }
    return requests;
}

bool freshet_herd_somebody_fetches(const struct herd *herd, size_t number, unsigned argument)
{
    (void)number;
    (void)argument;
    return freshet_herd_requests(herd) > 0;
}

void freshet_herd_assert_well_kept(const struct herd *herd)
{
    for (size_t i = 0; i < herd->count; i++) {
        assert_int_equal(herd->members[i].lacks, 0);
        assert_int_equal(herd->members[i].lates, 0);
        assert_int_equal(herd->members[i].failures, 0);
        assert_int_equal(herd->members[i].expired, 0);
        assert_int_equal(herd->members[i].revived, 0);
    }
    assert_int_equal(herd->faults_of_killed, 0);
}

unsigned freshet_herd_scale(unsigned normal, unsigned full)
{
    const char *wanted = getenv("FRESHET_FULL");

    return wanted != NULL && wanted[0] != '\0' ? full : normal;
}

/* ---- folders ---- */

typedef int judge_file(int folder, const char *name, const char *part);

static int judge_folder(const char *path, judge_file *judge, const char *part)
{
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;
    int sum = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strstr(entry->d_name, part) != NULL) {
            sum += judge(dirfd(folder), entry->d_name, part);
        }
    }
    closedir(folder);
    return sum;
}

static int judge_lock(int folder, const char *name, const char *part)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int descriptor = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    (void)part;
    assert_true(descriptor >= 0);
    assert_int_equal(fcntl(descriptor, F_OFD_GETLK, &lock), 0);
    close(descriptor);
    return lock.l_type != F_UNLCK ? 1 : 0;
}

int freshet_herd_locks_held(const struct herd *herd)
{
    return judge_folder(herd->runtime_dir, judge_lock, "lock") +
           judge_folder(herd->state_dir, judge_lock, ".lock");
}

static int judge_name(int folder, const char *name, const char *part)
{
    (void)folder;
    return strstr(name, part) != NULL ? 1 : 0;
}

int freshet_herd_files(const struct herd *herd, const char *part)
{
    return judge_folder(herd->runtime_dir, judge_name, part);
}

/* The last line is "token LENGTH TEXT". */
static void judge_record_text(const char *text)
{
    const char *line = strstr(text, "\ntoken ");
    char *rest = NULL;
    long length = 0;

    assert_memory_equal(text, "freshet record 1\n", 17);
    assert_non_null(line);
    length = strtol(line + 7, &rest, 10);
    assert_int_equal(strlen(rest), length + 2);
}

/* A draft is no record, and one that is gone by now was whole. */
static int judge_record(int folder, const char *name, const char *part)
{
    char text[RECORD_MAX + 1];
    ssize_t size = 0;
    int descriptor = -1;

    if (strcmp(name + strlen(name) - strlen(part), part) != 0) {
        return 0;
    }
    descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) {
        return 0;
    }
    size = read(descriptor, text, sizeof(text) - 1);
    close(descriptor);
    assert_true(size > 0);
    text[size] = '\0';
    judge_record_text(text);
    return 1;
}

void freshet_herd_assert_records_whole(const struct herd *herd)
{
    judge_folder(herd->runtime_dir, judge_record, ".record");
}
