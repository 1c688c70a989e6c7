/*
 * Events for readers of any pace.
 */
#include "cmocka_all.h"

#include "agent/backlog.h"

#include <stdio.h>
#include <string.h>

static void put(struct backlog *backlog, int count)
{
    for (int i = 0; i < count; i++) {
        assert_true(freshet_backlog_put(backlog, "trace", "{}"));
    }
}

static void a_reader_gets_what_comes_after_it(void **state)
{
    struct backlog backlog = {.next = 0};
    struct backlog_cursor cursor;
    char text[256] = "";

    (void)state;
    put(&backlog, 2);
    cursor = freshet_backlog_end(&backlog);
    assert_int_equal(freshet_backlog_read(&backlog, &cursor, text, sizeof(text) - 1), 0);
    put(&backlog, 1);
    assert_true(freshet_backlog_read(&backlog, &cursor, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "id: 2\nevent: trace\ndata: {}\n\n");
    assert_int_equal(freshet_backlog_read(&backlog, &cursor, text, sizeof(text) - 1), 0);
    freshet_backlog_clear(&backlog);
}

static void parts_of_any_size_make_up_the_whole(void **state)
{
    static const char expected[] = "id: 0\nevent: trace\ndata: {}\n\nid: 1\nevent: trace\n"
                                   "data: {}\n\nid: 2\nevent: trace\ndata: {}\n\n";

    (void)state;
    for (size_t part = 1; part < 100; part++) {
        struct backlog backlog = {.next = 0};
        struct backlog_cursor cursor = freshet_backlog_end(&backlog);
        char text[256] = "";
        size_t length = 0;
        ssize_t got = 0;

        put(&backlog, 3);
        while ((got = freshet_backlog_read(&backlog, &cursor, text + length, part)) > 0) {
            length += (size_t)got;
        }
        assert_int_equal(got, 0);
        assert_string_equal(text, expected);
        freshet_backlog_clear(&backlog);
    }
}

static void a_reader_too_far_behind_is_told(void **state)
{
    struct backlog backlog = {.next = 0};
    struct backlog_cursor cursor = freshet_backlog_end(&backlog);
    char text[8];

    (void)state;
    put(&backlog, FRESHET_BACKLOG_LINES);
    assert_false(freshet_backlog_missed(&backlog, cursor));
    put(&backlog, 1);
    assert_true(freshet_backlog_missed(&backlog, cursor));
    assert_int_equal(freshet_backlog_read(&backlog, &cursor, text, sizeof(text)), -1);
    freshet_backlog_clear(&backlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_gets_what_comes_after_it),
        cmocka_unit_test(parts_of_any_size_make_up_the_whole),
        cmocka_unit_test(a_reader_too_far_behind_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
