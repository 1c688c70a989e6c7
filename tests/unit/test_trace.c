/* Trace lines as JSON. */
#include "cmocka_all.h"

#include <string.h>

#include "core/trace.h"

static const char *line_text(const struct trace_line *line)
{
    static char text[512];
    size_t length = freshet_trace_json(line, text, sizeof(text));

    assert_int_equal(length, strlen(text));
    return text;
}

static void a_request_names_what_it_is_for(void **state)
{
    const struct trace_line line = {.kind = TRACE_REQUEST,
                                    .t_ms = 43000,
                                    .process = 1,
                                    .request = 3,
                                    .on = "tokens",
                                    .session = "sess_1",
                                    .template_name = "x",
                                    .organization = "",
                                    .cause = "refresh",
                                    .attempt = 1};

    (void)state;
    assert_string_equal(line_text(&line),
                        "{\"t_ms\":43000,\"process\":1,\"event\":\"request\",\"id\":3,"
                        "\"on\":\"tokens\",\"session\":\"sess_1\",\"template\":\"x\","
                        "\"cause\":\"refresh\",\"attempt\":1}");
}

static void a_call_got_a_token_or_an_error(void **state)
{
    struct trace_line line = {.kind = TRACE_GOT, .label = "a", .serial = 7, .remaining_ms = 5001};

    (void)state;
    assert_string_equal(line_text(&line),
                        "{\"t_ms\":0,\"process\":0,\"event\":\"got\",\"label\":\"a\","
                        "\"waited_ms\":0,\"token\":7,\"remaining_ms\":5001,\"stale\":false}");
    line.error = "refused";
    line.http_status = 404;
    assert_string_equal(line_text(&line),
                        "{\"t_ms\":0,\"process\":0,\"event\":\"got\",\"label\":\"a\","
                        "\"waited_ms\":0,\"error\":\"refused\",\"http_status\":404}");
}

static void a_token_without_a_number_has_its_fingerprint(void **state)
{
    const struct trace_line line = {.kind = TRACE_IGNORED, .fingerprint = 0xab, .reason = "staler"};

    (void)state;
    assert_non_null(strstr(line_text(&line), "\"token\":\"00000000000000ab\""));
}

static void strings_are_escaped(void **state)
{
    const struct trace_line line = {.kind = TRACE_GET, .label = "a\"b\\\n"};

    (void)state;
    assert_non_null(strstr(line_text(&line), "\"label\":\"a\\\"b\\\\\\u000a\""));
}

static void what_does_not_fit_is_not_written(void **state)
{
    const struct trace_line line = {.kind = TRACE_GET, .label = "a"};
    char text[20];

    (void)state;
    assert_int_equal(freshet_trace_json(&line, text, sizeof(text)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_names_what_it_is_for),
        cmocka_unit_test(a_call_got_a_token_or_an_error),
        cmocka_unit_test(a_token_without_a_number_has_its_fingerprint),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
