/*
 * Responses become outcomes: each row of behaviour section 4 and of 3.5, and bodies made to harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"
#include "token_text.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define WALL_MS       INT64_C(1445412470000)
#define ERROR(code)   "{\"errors\":[{\"code\":\"" code "\",\"message\":\"m\"}]}"
#define CLIENT(sessions)                                                                           \
    "{\"object\":\"client\",\"id\":\"client_1\",\"last_active_session_id\":\"sess_1\","            \
    "\"sessions\":[" sessions "]}"
#define SESSION(id, status) "{\"id\":\"" id "\",\"status\":\"" status "\"}"

static struct reading reading_of(enum endpoint on, int status, const char *body)
{
    struct http_response response = {
        .status = status, .body = body, .body_length = body != NULL ? strlen(body) : 0};
    struct reading reading;

    freshet_clerk_read(on, &response, WALL_MS, &reading);
    return reading;
}

static char *session_token(void)
{
    return freshet_token_text("{\"oiat\":1666648200}",
                              "{\"iat\":1666648250,\"exp\":1666648310,\"sid\":\"sess_1\"}");
}

/* ---- classes ---- */

struct class_row {
    int status;
    const char *body;
    enum outcome_kind kind;
    const char *code;
};

static void check_classes(enum endpoint on, const struct class_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reading reading = reading_of(on, rows[i].status, rows[i].body);

        if (reading.outcome.kind != rows[i].kind ||
            strcmp(reading.outcome.code, rows[i].code) != 0 ||
            reading.outcome.http_status != rows[i].status) {
            fail_msg("on %d, %d %s: kind %d, code \"%s\"", on, rows[i].status, rows[i].body,
                     reading.outcome.kind, reading.outcome.code);
        }
        freshet_reading_free(&reading);
    }
}

static void error_statuses_have_their_class_on_every_endpoint(void **state)
{
    static const struct class_row rows[] = {
        {500, ERROR("internal"), OUTCOME_TRY_LATER, "internal"},
        {502, "<html>Bad gateway</html>", OUTCOME_TRY_LATER, ""},
        {503, "", OUTCOME_TRY_LATER, ""},
        {599, NULL, OUTCOME_TRY_LATER, ""},
        {429, ERROR("too_many_requests"), OUTCOME_TRY_LATER, "too_many_requests"},
        {301, "", OUTCOME_TRY_LATER, ""},
        {304, NULL, OUTCOME_TRY_LATER, ""},
        {400, ERROR("bad_request"), OUTCOME_REFUSED, "bad_request"},
        {403, ERROR("forbidden"), OUTCOME_REFUSED, "forbidden"},
        {404, ERROR("resource_not_found"), OUTCOME_REFUSED, "resource_not_found"},
        {409, "<html>", OUTCOME_REFUSED, ""},
        {401, ERROR("authentication_invalid"), OUTCOME_UNAUTHENTICATED, "authentication_invalid"},
        {401, "<html>", OUTCOME_UNAUTHENTICATED, ""},
        {401, NULL, OUTCOME_UNAUTHENTICATED, ""},
        {401, ERROR("dev_browser_unauthenticated"), OUTCOME_REFUSED, "dev_browser_unauthenticated"},
        {401, ERROR("requires_captcha"), OUTCOME_REFUSED, "requires_captcha"},
        {422, ERROR("validation_error"), OUTCOME_UNAUTHENTICATED, "validation_error"},
        {422, ERROR("missing_expired_token"), OUTCOME_MISSING_EXPIRED, "missing_expired_token"},
        {422, "{\"errors\":[{\"code\":\"a\"},{\"code\":\"missing_expired_token\"}]}",
         OUTCOME_UNAUTHENTICATED, "a"},
        {403, ERROR("user_banned"), OUTCOME_UNAUTHENTICATED, "user_banned"},
        {403, "{\"errors\":[{\"code\":\"a\"},{\"code\":\"user_deactivated\"}]}",
         OUTCOME_UNAUTHENTICATED, "a"},
    };

    (void)state;
    for (int on = ON_ENVIRONMENT; on < ON_COUNT; on++) {
        check_classes((enum endpoint)on, rows, LENGTH(rows));
    }
}

static void errors_of_another_shape_keep_their_class(void **state)
{
    static const struct class_row rows[] = {
        {404, "{\"errors\":{}}", OUTCOME_REFUSED, ""},
        {404, "{\"errors\":[]}", OUTCOME_REFUSED, ""},
        {404, "{\"errors\":[7]}", OUTCOME_REFUSED, ""},
        {404, "{\"errors\":[{\"code\":7}]}", OUTCOME_REFUSED, ""},
        {404, "[" ERROR("x") "]", OUTCOME_REFUSED, ""},
        {422, "{\"errors\":\"missing_expired_token\"}", OUTCOME_UNAUTHENTICATED, ""},
        {403, "{\"errors\":[[\"user_banned\"]]}", OUTCOME_REFUSED, ""},
        {404, "{\"errors\":[{\"code\":\"x", OUTCOME_REFUSED, ""},
    };

    (void)state;
    check_classes(ON_TOKENS, rows, LENGTH(rows));
}

static void codes_are_cleaned_and_bounded(void **state)
{
    struct reading reading =
        reading_of(ON_TOKENS, 400, ERROR("bad code\\n%s\\u001b[31m\\u00e9<script>"));
    char body[300];

    (void)state;
    assert_string_equal(reading.outcome.code, "bad?code??s??31m???script?");
    freshet_reading_free(&reading);
    snprintf(body, sizeof(body), "{\"errors\":[{\"code\":\"%0200d\"}]}", 7);
    reading = reading_of(ON_TOKENS, 400, body);
    assert_int_equal(strlen(reading.outcome.code), 64);
    freshet_reading_free(&reading);
}

static void no_answer_says_why(void **state)
{
    static const enum no_answer reasons[] = {NO_ANSWER_DROPPED, NO_ANSWER_TIMEOUT,
                                             NO_ANSWER_ABANDONED};

    (void)state;
    for (size_t i = 0; i < LENGTH(reasons); i++) {
        struct http_response response = {.no_answer = reasons[i]};
        struct reading reading;

        freshet_clerk_read(ON_TOKENS, &response, WALL_MS, &reading);
        assert_int_equal(reading.outcome.kind, OUTCOME_NO_ANSWER);
        assert_int_equal(reading.outcome.no_answer, reasons[i]);
        assert_int_equal(reading.outcome.http_status, 0);
        assert_string_equal(reading.outcome.code, "");
        assert_null(reading.memory);
        freshet_reading_free(&reading);
    }
}

/* ---- tokens ---- */

static void token_is_read(void **state)
{
    char *text = session_token();
    char *body = NULL;
    struct reading reading;

    (void)state;
    assert_true(asprintf(&body, "{\"object\":\"token\",\"jwt\":\"%s\"}", text) > 0);
    reading = reading_of(ON_TOKENS, 200, body);
    memset(body, 'x', strlen(body)); /* nothing points into the response */
    assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
    assert_int_equal(reading.outcome.unreadable, READ_WELL);
    assert_true(reading.outcome.has_token);
    assert_false(reading.outcome.has_client);
    assert_int_equal(reading.outcome.token.length, strlen(text));
    assert_memory_equal(reading.outcome.token.text, text, strlen(text));
    assert_int_equal(reading.outcome.token.oiat_s, 1666648200);
    assert_string_equal(reading.outcome.token.sid, "sess_1");
    freshet_reading_free(&reading);
    assert_null(reading.memory);
    assert_false(reading.outcome.has_token);
    free(body);
    free(text);
}

static void check_unreadable(enum endpoint on, int status, const char *body,
                             enum unreadable expected)
{
    struct reading reading = reading_of(on, status, body);

    if (reading.outcome.kind != OUTCOME_TRY_LATER || reading.outcome.unreadable != expected ||
        reading.outcome.http_status != status) {
        fail_msg("on %d, %d %s: kind %d, unreadable %d", on, status, body, reading.outcome.kind,
                 reading.outcome.unreadable);
    }
    assert_false(reading.outcome.has_token);
    assert_false(reading.outcome.has_client);
    assert_false(reading.outcome.has_environment);
    freshet_reading_free(&reading);
}

static void good_status_without_a_token_is_tried_later(void **state)
{
    static const char *const empty[] = {
        NULL, "", "{}", "{\"jwt\":\"\"}", "{\"jwt\":null}", "{\"object\":\"token\"}"};
    static const char *const malformed[] = {
        "{\"jwt\":\"nonsense\"}",
        "{\"jwt\":\"e30.e30.e30\"}",
        "{\"jwt\":7}",
        "{\"jwt\":{\"jwt\":\"\"}}",
        "<html>Sign in to the hotel network</html>",
        "[]",
        "null",
        " ",
        "{\"jwt\":\"\"",
        "{\"jwt\":\"\"}{}",
        "{\"jwt\":\"\",\"jwt\":\"\"}",
        "{\"jwt\":\"\xff\xfe\"}",
        "{\"jwt\":\"\\u0000\"}",
        "{\"jwt\":\"\\ud800\"}",
        "{\"a\":1e999}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(empty); i++) {
        check_unreadable(ON_TOKENS, 200, empty[i], READ_EMPTY);
    }
    for (size_t i = 0; i < LENGTH(malformed); i++) {
        check_unreadable(ON_TOKENS, 200, malformed[i], READ_MALFORMED);
    }
    check_unreadable(ON_TOKENS, 204, "{\"jwt\":\"e30.e30.e30\"}", READ_EMPTY);
    check_unreadable(ON_TOKENS, 201, "{", READ_MALFORMED);
}

static void numbers_beyond_64_bits_elsewhere_do_no_harm(void **state)
{
    char *text = session_token();
    char *body = NULL;
    struct reading reading;

    (void)state;
    assert_true(
        asprintf(&body, "{\"jwt\":\"%s\",\"n\":[123456789012345678901234567890,-1]}", text) > 0);
    reading = reading_of(ON_TOKENS, 200, body);
    assert_true(reading.outcome.has_token);
    freshet_reading_free(&reading);
    free(body);
    free(text);
}

static void brackets_inside_strings_are_no_depth(void **state)
{
    char *text = session_token();
    char *body = NULL;
    struct reading reading;

    (void)state;
    assert_true(asprintf(&body, "{\"a\":\"\\\\\",\"jwt\":\"%s\",\"b\":\"\\\"%s\"}", text,
                         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[") > 0);
    reading = reading_of(ON_TOKENS, 200, body);
    assert_true(reading.outcome.has_token);
    freshet_reading_free(&reading);
    free(body);
    free(text);
}

/* ---- harm ---- */

static char *repeated(const char *head, const char *piece, size_t times, const char *tail)
{
    size_t length = strlen(piece);
    size_t start = strlen(head);
    char *text = malloc(start + length * times + strlen(tail) + 1);

    assert_non_null(text);
    memcpy(text, head, start);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + start + i * length, piece, length);
    }
    memcpy(text + start + length * times, tail, strlen(tail) + 1);
    return text;
}

static void check_hostile(char *body)
{
    for (int on = ON_ENVIRONMENT; on < ON_COUNT; on++) {
        check_unreadable((enum endpoint)on, 200, body, READ_MALFORMED);
    }
    free(body);
}

static void deep_and_long_bodies_are_not_parsed(void **state)
{
    (void)state;
    check_hostile(repeated("{\"a\":", "[", 10000, ""));
    check_hostile(repeated("", "{\"a\":", 10000, ""));
    check_hostile(repeated("{\"a\":[", "]", 10000, ""));
    check_hostile(repeated("{\"a\":\"", "\\", 9999, ""));
    check_hostile(repeated("{\"a\":\"", "x", 1100000, "\"}"));
}

static void long_tokens_are_refused(void **state)
{
    char *text = repeated("{\"jwt\":\"e30.e30.", "AAAA", 5000, "\"}");

    (void)state;
    check_unreadable(ON_TOKENS, 200, text, READ_MALFORMED);
    free(text);
    text = repeated("{\"jwt\":\"e30.e30.", "AAAA", 25000, "\"}");
    check_unreadable(ON_TOKENS, 200, text, READ_MALFORMED);
    free(text);
}

static void cut_bodies_are_malformed_and_keep_their_status(void **state)
{
    struct http_response response = {.status = 200, .body = "", .body_too_long = true};
    struct reading reading;

    (void)state;
    freshet_clerk_read(ON_TOKENS, &response, WALL_MS, &reading);
    assert_int_equal(reading.outcome.kind, OUTCOME_TRY_LATER);
    assert_int_equal(reading.outcome.unreadable, READ_MALFORMED);
    freshet_reading_free(&reading);
    response.status = 404;
    freshet_clerk_read(ON_TOKENS, &response, WALL_MS, &reading);
    assert_int_equal(reading.outcome.kind, OUTCOME_REFUSED);
    assert_int_equal(reading.outcome.http_status, 404);
    freshet_reading_free(&reading);
}

static void bytes_after_a_nul_are_seen(void **state)
{
    static const char body[] = "{}\0{\"jwt\":\"\"}";
    struct http_response response = {.status = 200, .body = body, .body_length = sizeof(body) - 1};
    struct reading reading;

    (void)state;
    freshet_clerk_read(ON_TOKENS, &response, WALL_MS, &reading);
    assert_int_equal(reading.outcome.unreadable, READ_MALFORMED);
    freshet_reading_free(&reading);
}

/* ---- clients ---- */

static void client_is_read_with_its_sessions_and_tokens(void **state)
{
    char *text = session_token();
    char *body = NULL;
    struct reading reading;
    const struct client_session *sessions = NULL;

    (void)state;
    assert_true(asprintf(&body,
                         "{\"response\":" CLIENT(
                             "{\"id\":\"sess_1\",\"status\":\"active\","
                             "\"last_active_organization_id\":\"org_1\","
                             "\"last_active_token\":{\"object\":\"token\",\"jwt\":\"%s\"}},"
                             "{\"id\":\"sess_2\",\"status\":\"pending\","
                             "\"last_active_organization_id\":null,\"last_active_token\":null},"
                             "{\"id\":\"sess_3\",\"status\":\"expired\","
                             "\"last_active_token\":{\"jwt\":\"nonsense\"}}") ",\"client\":null}",
                         text) > 0);
    reading = reading_of(ON_CLIENT, 200, body);
    assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
    assert_true(reading.outcome.has_client);
    assert_false(reading.outcome.has_token);
    assert_string_equal(reading.outcome.client.last_active_session, "sess_1");
    assert_int_equal(reading.outcome.client.session_count, 3);
    sessions = reading.outcome.client.sessions;
    assert_string_equal(sessions[0].id, "sess_1");
    assert_string_equal(sessions[0].organization, "org_1");
    assert_true(sessions[0].signed_in);
    assert_true(sessions[0].has_token);
    assert_int_equal(sessions[0].token.exp_s, 1666648310);
    assert_memory_equal(sessions[0].token.text, text, strlen(text));
    assert_true(sessions[1].signed_in);
    assert_false(sessions[1].has_token);
    assert_string_equal(sessions[1].organization, "");
    assert_false(sessions[2].signed_in);
    assert_false(sessions[2].has_token);
    freshet_reading_free(&reading);
    free(body);
    free(text);
}

static void null_client_has_no_sessions(void **state)
{
    struct reading reading = reading_of(ON_CLIENT, 200, "{\"response\":null,\"client\":null}");

    (void)state;
    assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
    assert_true(reading.outcome.has_client);
    assert_int_equal(reading.outcome.client.session_count, 0);
    assert_string_equal(reading.outcome.client.last_active_session, "");
    freshet_reading_free(&reading);
}

/* A client that is not understood must never look like one without sessions: that signs out. */
static void client_is_believed_whole_or_not_at_all(void **state)
{
    static const char *const malformed[] = {
        "{\"sessions\":[]}",
        "{\"response\":{}}",
        "{\"response\":[]}",
        "{\"response\":false}",
        "{\"response\":{\"sessions\":null}}",
        "{\"response\":{\"sessions\":{}}}",
        "{\"response\":{\"sessions\":[null]}}",
        "{\"response\":{\"sessions\":[{}]}}",
        "{\"response\":" CLIENT("{\"id\":7,\"status\":\"active\"}") "}",
        "{\"response\":" CLIENT("{\"id\":\"sess_1\",\"status\":7}") "}",
        "{\"response\":" CLIENT("{\"id\":\"sess_1\"}") "}",
        "{\"response\":" CLIENT("{\"id\":\"sess 1\",\"status\":\"active\"}") "}",
        "{\"response\":" CLIENT(SESSION("sess_1", "active") ",7") "}",
        "{\"response\":" CLIENT("{\"id\":\"s\",\"status\":\"active\","
                                "\"last_active_organization_id\":7}") "}",
        "{\"response\":{\"last_active_session_id\":7,\"sessions\":[]}}",
        "<html></html>",
    };
    char *crowd = repeated("{\"response\":{\"sessions\":[" SESSION("s", "active"),
                           "," SESSION("s", "active"), 1024, "]}}");

    (void)state;
    for (size_t i = 0; i < LENGTH(malformed); i++) {
        check_unreadable(ON_CLIENT, 200, malformed[i], READ_MALFORMED);
    }
    check_unreadable(ON_CLIENT, 200, crowd, READ_MALFORMED);
    check_unreadable(ON_CLIENT, 200, "{}", READ_EMPTY);
    check_unreadable(ON_CLIENT, 200, "", READ_EMPTY);
    check_unreadable(ON_CLIENT, 204, NULL, READ_EMPTY);
    free(crowd);
}

static void check_embedded(enum endpoint on, int status, const char *body, size_t count)
{
    struct reading reading = reading_of(on, status, body);

    if (!reading.outcome.has_client || reading.outcome.client.session_count != count) {
        fail_msg("on %d, %d %s: has client %d", on, status, body, reading.outcome.has_client);
    }
    freshet_reading_free(&reading);
}

static void client_is_found_in_every_answer(void **state)
{
    (void)state;
    check_embedded(ON_TOUCH, 200,
                   "{\"response\":" SESSION("sess_1", "active") ",\"client\":" CLIENT(
                       SESSION("sess_1", "active") "," SESSION("sess_2", "active")) "}",
                   2);
    check_embedded(ON_SESSIONS, 200, "{\"response\":{},\"client\":" CLIENT("") "}", 0);
    check_embedded(ON_TOKENS, 200, "{\"client\":" CLIENT(SESSION("sess_1", "active")) "}", 1);
    check_embedded(ON_TOKENS, 404,
                   "{\"errors\":[],\"meta\":{\"client\":" CLIENT(SESSION("sess_1", "active")) "}}",
                   1);
    check_embedded(ON_CLIENT, 401, "{\"errors\":[],\"meta\":{\"client\":" CLIENT("") "}}", 0);
    check_embedded(ON_TOUCH, 500, "{\"client\":" CLIENT(SESSION("sess_1", "active")) "}", 1);
}

static void malformed_embedded_client_is_left_out(void **state)
{
    struct reading reading =
        reading_of(ON_TOUCH, 200, "{\"response\":null,\"client\":" CLIENT("{\"id\":7}") "}");

    (void)state;
    assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
    assert_false(reading.outcome.has_client);
    freshet_reading_free(&reading);
}

static void touch_may_show_its_session_alone(void **state)
{
    struct reading reading =
        reading_of(ON_TOUCH, 200, "{\"response\":" SESSION("sess_1", "active") ",\"client\":null}");

    (void)state;
    assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
    assert_true(reading.outcome.has_client);
    assert_int_equal(reading.outcome.client.session_count, 1);
    assert_string_equal(reading.outcome.client.sessions[0].id, "sess_1");
    assert_string_equal(reading.outcome.client.last_active_session, "");
    freshet_reading_free(&reading);
    reading = reading_of(ON_END, 200, "{\"response\":" SESSION("sess_1", "ended") "}");
    assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
    assert_false(reading.outcome.has_client);
    freshet_reading_free(&reading);
}

static void touch_and_sign_out_need_no_body(void **state)
{
    static const enum endpoint endpoints[] = {ON_TOUCH, ON_END, ON_REMOVE, ON_SESSIONS};

    (void)state;
    for (size_t i = 0; i < LENGTH(endpoints); i++) {
        static const struct class_row rows[] = {{204, NULL, OUTCOME_GOOD, ""},
                                                {200, "", OUTCOME_GOOD, ""},
                                                {200, "{}", OUTCOME_GOOD, ""}};

        check_classes(endpoints[i], rows, LENGTH(rows));
        check_unreadable(endpoints[i], 200, "<html>Sign in</html>", READ_MALFORMED);
    }
}

/* ---- environment ---- */

static void environment_tells_of_the_session_minter(void **state)
{
    static const struct {
        const char *body;
        bool minter;
    } rows[] = {
        {"{\"auth_config\":{\"session_minter\":true}}", true},
        {"{\"response\":{\"auth_config\":{\"session_minter\":true}}}", true},
        {"{\"auth_config\":{\"session_minter\":false}}", false},
        {"{\"auth_config\":{}}", false},
        {"{\"auth_config\":{\"session_minter\":\"true\"}}", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct reading reading = reading_of(ON_ENVIRONMENT, 200, rows[i].body);

        assert_int_equal(reading.outcome.kind, OUTCOME_GOOD);
        assert_true(reading.outcome.has_environment);
        assert_int_equal(reading.outcome.session_minter, rows[i].minter);
        freshet_reading_free(&reading);
    }
    check_unreadable(ON_ENVIRONMENT, 200, "{}", READ_EMPTY);
    check_unreadable(ON_ENVIRONMENT, 200, "{\"auth_config\":[]}", READ_MALFORMED);
    check_unreadable(ON_ENVIRONMENT, 200, "{\"response\":null}", READ_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_statuses_have_their_class_on_every_endpoint),
        cmocka_unit_test(errors_of_another_shape_keep_their_class),
        cmocka_unit_test(codes_are_cleaned_and_bounded),
        cmocka_unit_test(no_answer_says_why),
        cmocka_unit_test(token_is_read),
        cmocka_unit_test(good_status_without_a_token_is_tried_later),
        cmocka_unit_test(numbers_beyond_64_bits_elsewhere_do_no_harm),
        cmocka_unit_test(brackets_inside_strings_are_no_depth),
        cmocka_unit_test(deep_and_long_bodies_are_not_parsed),
        cmocka_unit_test(long_tokens_are_refused),
        cmocka_unit_test(cut_bodies_are_malformed_and_keep_their_status),
        cmocka_unit_test(bytes_after_a_nul_are_seen),
        cmocka_unit_test(client_is_read_with_its_sessions_and_tokens),
        cmocka_unit_test(null_client_has_no_sessions),
        cmocka_unit_test(client_is_believed_whole_or_not_at_all),
        cmocka_unit_test(client_is_found_in_every_answer),
        cmocka_unit_test(malformed_embedded_client_is_left_out),
        cmocka_unit_test(touch_may_show_its_session_alone),
        cmocka_unit_test(touch_and_sign_out_need_no_body),
        cmocka_unit_test(environment_tells_of_the_session_minter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
