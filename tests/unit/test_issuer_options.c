/*
 * The command line and the settings: what is understood, and what a mistake is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "issuer/options.h"

#include <arpa/inet.h>
#include <string.h>

enum { ARGUMENTS_MOST = 32 };

struct line {
    struct options options;
    struct faults *faults;
    struct problem problem;
    enum options_result result;
};

static void parse(struct line *line, ...)
{
    char *arguments[ARGUMENTS_MOST] = {"freshet-issuer"};
    int count = 1;
    va_list list;

    va_start(list, line);
    while ((arguments[count] = va_arg(list, char *)) != NULL)
        count++;
    va_end(list);
    line->faults = freshet_faults_open();
    line->result =
        freshet_options_parse(count, arguments, &line->options, line->faults, &line->problem);
    freshet_faults_close(line->faults);
}

static void defaults_are_those_of_the_help(void **state)
{
    struct line line;

    (void)state;
    parse(&line, NULL);
    assert_int_equal(line.result, OPTIONS_RUN);
    assert_int_equal(line.options.settings.ttl_s, 60);
    assert_int_equal(line.options.settings.rotation, ROTATION_GRACE);
    assert_int_equal(line.options.settings.oiat, OIAT_NOW);
    assert_int_equal(line.options.sessions, 1);
    assert_int_equal(line.options.algorithm, ALGORITHM_ES256);
    assert_true(line.options.admin && line.options.settings.date);
    assert_true(line.options.settings.signed_in);
    assert_int_equal(ntohl(line.options.listen.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(line.options.listen.sin_port, 0);
}

static void every_option_reaches_its_field(void **state)
{
    struct line line;

    (void)state;
    parse(&line, "--ttl=1.5m", "--latency", "250ms", "--clock-ahead", "-20s", "--issue-age", "2",
          "--oiat", "1700000000", "--rotation=strict", "--listen", "127.0.0.9:81", "--no-date",
          NULL);
    assert_int_equal(line.result, OPTIONS_RUN);
    assert_int_equal(line.options.settings.ttl_s, 90);
    assert_int_equal(line.options.settings.latency_ms, 250);
    assert_int_equal(line.options.settings.clock_ahead_ms, -20000);
    assert_int_equal(line.options.settings.issue_age_ms, 2000);
    assert_int_equal(line.options.settings.oiat, OIAT_FIXED);
    assert_int_equal(line.options.settings.oiat_s, 1700000000);
    assert_int_equal(line.options.settings.rotation, ROTATION_STRICT);
    assert_int_equal(ntohs(line.options.listen.sin_port), 81);
    assert_false(line.options.settings.date);

    parse(&line, "--alg", "RS256", "--organization", "org_a", "--organization", "org_b",
          "--template", "api", "--sessions", "3", "--session-minter", "--signed-out", "--no-admin",
          "--quiet", "--log=x", "--oiat=none", NULL);
    assert_int_equal(line.result, OPTIONS_RUN);
    assert_int_equal(line.options.algorithm, ALGORITHM_RS256);
    assert_int_equal(line.options.organizations.count, 2);
    assert_true(freshet_names_have(&line.options.organizations, "org_b"));
    assert_true(freshet_names_have(&line.options.templates, "api"));
    assert_int_equal(line.options.sessions, 3);
    assert_true(line.options.settings.session_minter && line.options.quiet);
    assert_false(line.options.settings.signed_in || line.options.admin);
    assert_string_equal(line.options.log_path, "x");
    assert_int_equal(line.options.settings.oiat, OIAT_NONE);
}

static void mistakes_name_the_option(void **state)
{
    static char *const wrong[][2] = {
        {"--ttl", "1s"},
        {"--ttl", "25h"},
        {"--ttl", "2500ms"},
        {"--ttl", "1,5m"},
        {"--ttl", ""},
        {"--ttl", "60 s"},
        {"--ttl", "1.m"},
        {"--ttl", "99999999999h"},
        {"--latency", "-1s"},
        {"--oiat", "later"},
        {"--oiat", "-5"},
        {"--rotation", "none"},
        {"--alg", "HS256"},
        {"--sessions", "0"},
        {"--sessions", "65"},
        {"--sessions", "1x"},
        {"--listen", "0.0.0.0:0"},
        {"--listen", "127.0.0.1"},
        {"--listen", "10.0.0.1:80"},
        {"--listen", "127.0.0.1:65536"},
        {"--listen", "[::1]:80"},
        {"--organization", ""},
        {"--template", "a b"},
        {"--fault", "tokens"},
        {"--fault", "nothing:drop"},
        {"--patience", "1ms"},
    };
    struct line line;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        parse(&line, wrong[i][0], wrong[i][1], NULL);
        assert_int_equal(line.result, OPTIONS_WRONG);
        assert_non_null(strstr(line.problem.text, wrong[i][0]));
    }
    parse(&line, "--fresh", NULL);
    assert_int_equal(line.result, OPTIONS_WRONG);
    parse(&line, "--ttl", NULL);
    assert_int_equal(line.result, OPTIONS_WRONG);
    parse(&line, "--quiet=yes", NULL);
    assert_int_equal(line.result, OPTIONS_WRONG);
    parse(&line, "surplus", NULL);
    assert_int_equal(line.result, OPTIONS_WRONG);
}

static void help_and_version_are_asked_for(void **state)
{
    struct line line;

    (void)state;
    parse(&line, "--help", NULL);
    assert_int_equal(line.result, OPTIONS_HELP);
    parse(&line, "--version", NULL);
    assert_int_equal(line.result, OPTIONS_VERSION);
}

static void settings_change_all_or_nothing(void **state)
{
    static const char *const wrong[] = {
        "{\"ttl_s\":30,\"speed\":1}",       "{\"ttl_s\":30,\"rotation\":\"x\"}",
        "{\"ttl_s\":30,\"date\":0}",        "{\"ttl_s\":1}",
        "{\"ttl_s\":30,\"oiat\":1.5}",      "{\"ttl_s\":30.0}",
        "{\"ttl_s\":30,\"rotation\":null}", "[30]"};
    struct settings settings, before;
    struct problem problem;
    json_t *object, *shown;

    (void)state;
    freshet_settings_default(&settings);
    before = settings;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        object = json_loads(wrong[i], 0, NULL);
        assert_int_equal(freshet_settings_change(&settings, object, &problem), -1);
        assert_memory_equal(&settings, &before, sizeof settings);
        json_decref(object);
    }
    object = json_loads("{\"ttl_s\":5,\"latency_ms\":1,\"clock_ahead_ms\":-3,\"oiat\":7,"
                        "\"issue_age_ms\":2,\"rotation\":\"keep\",\"session_minter\":true,"
                        "\"signed_in\":false,\"date\":false}",
                        0, NULL);
    assert_int_equal(freshet_settings_change(&settings, object, &problem), 0);
    shown = freshet_settings_show(&settings);
    assert_true(json_equal(object, shown));
    json_decref(shown);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_help),
        cmocka_unit_test(every_option_reaches_its_field),
        cmocka_unit_test(mistakes_name_the_option),
        cmocka_unit_test(help_and_version_are_asked_for),
        cmocka_unit_test(settings_change_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
