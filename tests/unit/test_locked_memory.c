/*
 * Memory for secrets: what the kernel is told about its pages, and what is left in them.
 */
#include "cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/locked_memory.h"

/* Has the mapping that holds `address` this flag (two letters, proc(5))? */
static bool mapping_has_flag(const void *address, const char *flag)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    bool inside = false;
    bool found = false;
    char line[512];

    assert_non_null(smaps);
    while (fgets(line, sizeof(line), smaps) != NULL) {
        uintptr_t from = 0;
        uintptr_t to = 0;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, flag) != NULL;
        }
    }
    fclose(smaps);
    return found;
}

/* Sanitizers make mlock() do nothing. */
static bool locking_is_shown(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool shown = false;

    assert_true(page != MAP_FAILED);
    shown = mlock(page, size) == 0 && mapping_has_flag(page, " lo");
    munmap(page, size);
    return shown;
}

static void pages_are_locked_undumped_and_wiped_on_fork(void **state)
{
    struct locked_memory *memory = freshet_locked_new();
    void *block = freshet_locked_obtain(memory, 100);

    (void)state;
    assert_non_null(block);
    assert_true(mapping_has_flag(block, " dd"));
    assert_true(mapping_has_flag(block, " wf"));
    if (locking_is_shown()) {
        assert_int_equal(mapping_has_flag(block, " lo"), freshet_locked_is_locked(memory));
    }
    freshet_locked_release(memory, block, 100);
    freshet_locked_close(memory);
}

static void a_child_after_fork_finds_nothing(void **state)
{
    struct locked_memory *memory = freshet_locked_new();
    char *block = freshet_locked_obtain(memory, 64);
    int status = 0;
    pid_t child = 0;

    (void)state;
    memcpy(block, "secret", 7);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(block[0] == '\0' ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(block, "secret");
    freshet_locked_release(memory, block, 64);
    freshet_locked_close(memory);
}

static void blocks_are_aligned_zeroed_and_apart(void **state)
{
    struct locked_memory *memory = freshet_locked_new();
    unsigned char *blocks[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = freshet_locked_obtain(memory, 1 + i * 7);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 64, 0);
        for (size_t at = 0; at < 1 + i * 7; at++) {
            assert_int_equal(blocks[i][at], 0);
        }
        memset(blocks[i], (int)i + 1, 1 + i * 7);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(blocks[i][0], (unsigned char)(i + 1));
        assert_int_equal(blocks[i][i * 7], (unsigned char)(i + 1));
        freshet_locked_release(memory, blocks[i], 1 + i * 7);
    }
    freshet_locked_close(memory);
}

static void a_released_block_is_wiped_and_given_again(void **state)
{
    struct locked_memory *memory = freshet_locked_new();
    unsigned char *first = freshet_locked_obtain(memory, 1000);
    unsigned char *second = NULL;

    (void)state;
    memset(first, 0xaa, 1000);
    freshet_locked_release(memory, first, 1000);
    second = freshet_locked_obtain(memory, 1000);
    assert_ptr_equal(second, first);
    for (size_t at = 0; at < 1000; at++) {
        assert_int_equal(second[at], 0);
    }
    freshet_locked_release(memory, second, 1000);
    freshet_locked_close(memory);
}

static void the_largest_block_is_the_limit(void **state)
{
    struct locked_memory *memory = freshet_locked_new();
    void *block = freshet_locked_obtain(memory, FRESHET_LOCKED_MAX);

    (void)state;
    assert_non_null(block);
    assert_null(freshet_locked_obtain(memory, FRESHET_LOCKED_MAX + 1));
    assert_null(freshet_locked_obtain(memory, 0));
    freshet_locked_release(memory, block, FRESHET_LOCKED_MAX);
    freshet_locked_close(memory);
}

/* A token may outlive its client. */
static void a_block_may_outlive_the_close(void **state)
{
    struct locked_memory *memory = freshet_locked_new();
    char *block = freshet_locked_obtain(memory, 64);

    (void)state;
    freshet_locked_close(memory);
    memcpy(block, "still here", 11);
    assert_string_equal(block, "still here");
    freshet_locked_release(memory, block, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_locked_undumped_and_wiped_on_fork),
        cmocka_unit_test(a_child_after_fork_finds_nothing),
        cmocka_unit_test(blocks_are_aligned_zeroed_and_apart),
        cmocka_unit_test(a_released_block_is_wiped_and_given_again),
        cmocka_unit_test(the_largest_block_is_the_limit),
        cmocka_unit_test(a_block_may_outlive_the_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
