/* Token cells: whole texts for every reader, whatever the writer does. */
#include "cmocka_all.h"

#include <pthread.h>
#include <string.h>

#include "core/cell.h"

#define ROUNDS  4000
#define LONGEST 9000

static void cell_put(struct cell *cell, char letter, uint32_t length)
{
    static char text[LONGEST];
    const struct cell_view view = {
        .length = length, .exp_ms = letter, .fingerprint = (uint64_t)letter};

    memset(text, letter, length);
    assert_true(freshet_cell_reserve(cell, &freshet_cell_plain_memory, length));
    freshet_cell_write(cell, text, &view);
}

static void a_text_is_read_as_it_was_written(void **state)
{
    struct cell cell = {0};
    struct cell_view view;
    char text[100];

    (void)state;
    cell_put(&cell, 'a', 37);
    assert_true(freshet_cell_read(&cell, text, sizeof(text), &view));
    assert_int_equal(view.length, 37);
    assert_int_equal(view.exp_ms, 'a');
    for (int i = 0; i < 37; i++) {
        assert_int_equal(text[i], 'a');
    }
    freshet_cell_free(&cell, &freshet_cell_plain_memory);
}

static void a_small_buffer_gets_the_length_and_nothing_else(void **state)
{
    struct cell cell = {0};
    struct cell_view view;
    char text[8] = "untouch";

    (void)state;
    cell_put(&cell, 'a', 37);
    assert_true(freshet_cell_read(&cell, text, sizeof(text), &view));
    assert_int_equal(view.length, 37);
    assert_string_equal(text, "untouch");
    freshet_cell_free(&cell, &freshet_cell_plain_memory);
}

static void a_cleared_cell_holds_nothing(void **state)
{
    struct cell cell = {0};
    struct cell_view view;

    (void)state;
    cell_put(&cell, 's', 50);
    freshet_cell_clear(&cell);
    assert_true(freshet_cell_read(&cell, NULL, 0, &view));
    assert_int_equal(view.exp_ms, 0);
    assert_int_equal(((const char *)atomic_load(&cell.words))[10], 0);
    freshet_cell_free(&cell, &freshet_cell_plain_memory);
}

static void a_commit_clears_the_used_mark(void **state)
{
    struct cell cell = {0};

    (void)state;
    cell_put(&cell, 'a', 5);
    freshet_cell_mark_used(&cell);
    assert_int_equal(atomic_load(&cell.used), 1);
    cell_put(&cell, 'b', 5);
    assert_int_equal(atomic_load(&cell.used), 0);
    freshet_cell_free(&cell, &freshet_cell_plain_memory);
}

struct readers {
    struct cell cell;
    _Atomic int done;
    _Atomic int torn;
};

static void *reader_run(void *argument)
{
    struct readers *readers = argument;
    char text[LONGEST];

    while (!atomic_load(&readers->done)) {
        struct cell_view view;

        if (!freshet_cell_read(&readers->cell, text, sizeof(text), &view) || view.length == 0) {
            continue;
        }
        for (uint32_t i = 0; i < view.length; i++) {
            if (text[i] != (char)view.fingerprint || view.exp_ms != (int64_t)view.fingerprint) {
                atomic_fetch_add(&readers->torn, 1);
                break;
            }
        }
    }
    return NULL;
}

static void readers_never_see_half_a_text(void **state)
{
    static struct readers readers;
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readers), 0);
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        cell_put(&readers.cell, (char)('a' + i % 26), 100 + i * 2);
    }
    atomic_store(&readers.done, 1);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&readers.torn), 0);
    freshet_cell_free(&readers.cell, &freshet_cell_plain_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read_as_it_was_written),
        cmocka_unit_test(a_small_buffer_gets_the_length_and_nothing_else),
        cmocka_unit_test(a_cleared_cell_holds_nothing),
        cmocka_unit_test(a_commit_clears_the_used_mark),
        cmocka_unit_test(readers_never_see_half_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
