/*
 * The world: the order of things in time, sleep and stop, death, sharing, what is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/world.h"

/* Runs a scenario and gives its output, for the caller to free. */
static char *run_as(const char *text, bool json, char **svg)
{
    struct document document = {.name = "a.json", .text = text, .length = strlen(text)};
    char *output = NULL;
    size_t length = 0;
    struct scenario scenario;
    struct report report = {.json = json};
    struct world world = {.scenario = &scenario};

    if (!freshet_scenario_read(&scenario, &document))
        fail_msg("%s", document.error);
    report.out = open_memstream(&output, &length);
    assert_non_null(report.out);
    report.timeline = (struct timeline){report.out, false, scenario.processes > 1};
    if (svg != NULL)
        report.svg = freshet_sim_svg_open((int)scenario.processes, &scenario.policy);
    if (!freshet_sim_world_run(&world, &scenario, 1, &report))
        fail_msg("%s", world.failure);
    (void)fclose(report.out);
    if (svg != NULL) {
        FILE *file = open_memstream(svg, &length);

        assert_true(freshet_sim_svg_write(report.svg, scenario.about, file));
        (void)fclose(file);
    }
    freshet_sim_world_free(&world);
    freshet_sim_summary_free(&report.summary);
    freshet_sim_svg_free(report.svg);
    freshet_scenario_free(&scenario);
    return output;
}

/* The text must hold all of these, in this order. */
static void assert_story(const char *text, const char *const *parts)
{
    const char *at = text;

    for (size_t i = 0; parts[i] != NULL; i++) {
        const char *found = strstr(at, parts[i]);

        if (found == NULL)
            fail_msg("missing after what came before: %s\n%s", parts[i], text);
        at = found + strlen(parts[i]);
    }
}

static void assert_run(const char *scenario, const char *const *parts)
{
    char *output = run_as(scenario, true, NULL);

    assert_story(output, parts);
    free(output);
}

static void a_call_before_open_is_invalid_and_one_while_loading_waits(void **state)
{
    static const char *const story[] = {
        "\"event\":\"got\",\"label\":\"early\",\"waited_ms\":0,\"error\":\"invalid\"",
        "\"on\":\"environment\"",
        "\"on\":\"client\"",
        "{\"t_ms\":50,\"process\":0,\"event\":\"commit\",\"token\":1,\"from\":\"client\","
        "\"expires_ms\":60000}",
        "\"label\":\"loading\",\"waited_ms\":45,\"token\":1,\"remaining_ms\":59950,"
        "\"stale\":false",
        "\"tokens\":0",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":1000,\"issuer\":{\"latency_ms\":50},\"steps\":["
               "{\"at_ms\":0,\"do\":\"get\",\"label\":\"early\"},{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":5,\"do\":\"get\",\"label\":\"loading\"}]}",
               story);
}

static void what_a_sleep_holds_happens_at_its_end_in_its_own_order(void **state)
{
    /* The answer of 10:000 comes before the call of 20:000, both at 31:000. */
    static const char *const story[] = {
        "{\"t_ms\":31000,\"process\":0,\"event\":\"response\",\"id\":3,\"status\":200}",
        "{\"t_ms\":31000,\"process\":0,\"event\":\"commit\",\"token\":2,\"from\":\"issuer\","
        "\"template\":\"web\",\"expires_ms\":70000}",
        "\"label\":\"first\",\"waited_ms\":30500",
        "{\"t_ms\":31000,\"process\":0,\"event\":\"get\",\"label\":\"second\"}",
        "\"label\":\"second\",\"waited_ms\":0,\"token\":2",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":40000,\"policy\":{\"request_timeout_ms\":60000},\"steps\":["
               "{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":400,\"do\":\"issuer\",\"latency_ms\":9500},"
               "{\"at_ms\":500,\"do\":\"get\",\"template\":\"web\",\"label\":\"first\"},"
               "{\"at_ms\":1000,\"do\":\"sleep\",\"ms\":30000},"
               "{\"at_ms\":20000,\"do\":\"get\",\"template\":\"web\",\"label\":\"second\"}]}",
               story);
}

static void a_stopped_process_goes_on_with_what_came_meanwhile(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":2000,\"process\":0,\"event\":\"get\",\"label\":\"other\"}",
        "{\"t_ms\":5000,\"process\":1,\"event\":\"get\",\"label\":\"frozen\"}",
        "\"label\":\"frozen\",\"waited_ms\":0,\"token\":2",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":9000,\"processes\":2,\"steps\":["
               "{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":0,\"do\":\"open\",\"process\":1},"
               "{\"at_ms\":1000,\"do\":\"stop\",\"process\":1},"
               "{\"at_ms\":1500,\"do\":\"get\",\"process\":1,\"label\":\"frozen\"},"
               "{\"at_ms\":2000,\"do\":\"get\",\"label\":\"other\"},"
               "{\"at_ms\":5000,\"do\":\"continue\",\"process\":1}]}",
               story);
}

static void a_killed_process_loses_its_leases_and_its_calls_stay_open(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":1000,\"process\":0,\"event\":\"request\"",
        "{\"t_ms\":1100,\"process\":1,\"event\":\"get\",\"label\":\"b\"}",
        "\"process\":1,\"event\":\"request\"",
        "\"process\":1,\"event\":\"response\"",
        "\"label\":\"b\"",
        "\"gets\":2,\"waited\":1",
        "\"open\":1",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":20000,\"processes\":2,\"steps\":["
               "{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":0,\"do\":\"open\",\"process\":1},"
               "{\"at_ms\":900,\"do\":\"faults\",\"on\":\"tokens\",\"rules\":[{\"hang\":true}]},"
               "{\"at_ms\":1000,\"do\":\"get\",\"template\":\"web\",\"label\":\"a\"},"
               "{\"at_ms\":1100,\"do\":\"get\",\"template\":\"web\",\"label\":\"b\",\"process\":1},"
               "{\"at_ms\":1200,\"do\":\"kill\"}]}",
               story);
}

static void losing_the_network_fails_what_is_under_way(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":1000,\"process\":0,\"event\":\"request\",\"id\":3",
        "{\"t_ms\":1005,\"process\":0,\"event\":\"response\",\"id\":3,\"status\":0,"
        "\"error\":\"dropped\"}",
        "\"label\":\"a\",\"waited_ms\":14862,\"error\":\"offline\"",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":40000,\"steps\":[{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":1000,\"do\":\"get\",\"template\":\"web\",\"label\":\"a\"},"
               "{\"at_ms\":1005,\"do\":\"network\",\"online\":false}]}",
               story);
}

static void a_vandal_in_the_shared_place_is_named_and_changes_nothing(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":1001,\"process\":0,\"event\":\"ignored\",\"token\":null,"
        "\"reason\":\"malformed\"}\n"
        "{\"t_ms\":2001,\"process\":0,\"event\":\"ignored\",\"token\":null,"
        "\"reason\":\"malformed\"}\n"
        "{\"t_ms\":3000,\"process\":0,\"event\":\"get\",\"label\":\"a\"}\n",
        "\"label\":\"a\",\"waited_ms\":0,\"token\":1",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":5000,\"steps\":[{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":1000,\"do\":\"record\",\"bytes\":\"AAECAwQF/w==\"},"
               "{\"at_ms\":2000,\"do\":\"record\",\"bytes\":\"e30=\"},"
               "{\"at_ms\":3000,\"do\":\"get\",\"label\":\"a\"}]}",
               story);
}

static void a_record_of_another_session_is_nobodys(void **state)
{
    char *output = run_as("{\"until_ms\":5000,\"steps\":[{\"at_ms\":0,\"do\":\"open\"},"
                          "{\"at_ms\":1000,\"do\":\"record\",\"session\":\"sess_2\","
                          "\"bytes\":\"e30=\"},"
                          "{\"at_ms\":2000,\"do\":\"record\",\"session\":\"sess_2\","
                          "\"token\":{}}]}",
                          true, NULL);

    (void)state;
    assert_null(strstr(output, "ignored"));
    assert_null(strstr(output, "shared"));
    free(output);
}

/* A token from the store has no time of receipt; what is published of it is a record all the same. */
static void a_record_of_a_persisted_token_is_read(void **state)
{
    char *output = run_as("{\"until_ms\":20000,\"processes\":2,\"steps\":["
                          "{\"at_ms\":0,\"do\":\"open\"},"
                          "{\"at_ms\":1000,\"do\":\"faults\",\"on\":\"*\","
                          "\"rules\":[{\"status\":503,\"count\":-1}]},"
                          "{\"at_ms\":2000,\"do\":\"open\",\"process\":1},"
                          "{\"at_ms\":3000,\"do\":\"get\",\"process\":1}]}",
                          true, NULL);

    (void)state;
    assert_non_null(strstr(output, "\"from\":\"store\""));
    assert_null(strstr(output, "malformed"));
    free(output);
}

/* ---- turns with the credential ---- */

static void what_waits_for_its_turn_is_sent_when_it_has_come(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":6000,\"process\":0,\"event\":\"request\",\"id\":3,\"on\":\"touch\"",
        "{\"t_ms\":6050,\"process\":0,\"event\":\"get\",\"label\":\"a\"}\n"
        "{\"t_ms\":6100,\"process\":0,\"event\":\"response\",\"id\":3,\"status\":200}",
        "{\"t_ms\":6100,\"process\":0,\"event\":\"request\",\"id\":4,\"on\":\"tokens\"",
        "\"label\":\"a\",\"waited_ms\":150,\"token\":3",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":9000,\"issuer\":{\"rotation\":\"strict\",\"latency_ms\":100},"
               "\"steps\":[{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":6000,\"do\":\"wake\"},"
               "{\"at_ms\":6050,\"do\":\"get\",\"template\":\"web\",\"label\":\"a\"}]}",
               story);
}

static void nobody_waits_for_an_issuer_that_grants_grace(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":0,\"process\":0,\"event\":\"request\",\"id\":2,\"on\":\"client\"",
        "{\"t_ms\":0,\"process\":1,\"event\":\"request\",\"id\":4,\"on\":\"client\"",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":900,\"processes\":2,\"steps\":["
               "{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":0,\"do\":\"open\",\"process\":1}]}",
               story);
}

#define TOUCH_THAT_HANGS                                                                           \
    "{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":1000,\"do\":\"open\",\"process\":1},"                \
    "{\"at_ms\":7000,\"do\":\"faults\",\"on\":\"touch\",\"rules\":[{\"hang\":true}]},"             \
    "{\"at_ms\":7000,\"do\":\"wake\"},"                                                            \
    "{\"at_ms\":7100,\"do\":\"get\",\"process\":1,\"template\":\"web\",\"label\":\"a\"},"

/* A scenario of two processes in which the first one's touch hangs and a call waits behind it. */
static char *run_behind_a_touch(const char *steps)
{
    char scenario[2048];

    (void)snprintf(scenario, sizeof scenario,
                   "{\"until_ms\":60000,\"processes\":2,\"policy\":{\"offline_ms\":4000},"
                   "\"issuer\":{\"rotation\":\"strict\"},"
                   "\"steps\":[" TOUCH_THAT_HANGS "%s]}",
                   steps);
    return run_as(scenario, true, NULL);
}

static void what_is_over_before_its_turn_is_never_sent(void **state)
{
    char *killed = run_behind_a_touch("{\"at_ms\":7200,\"do\":\"kill\",\"process\":1}");
    char *offline =
        run_behind_a_touch("{\"at_ms\":7200,\"do\":\"network\",\"process\":1,\"online\":false}");
    char *cleared = run_behind_a_touch("{\"at_ms\":7200,\"do\":\"clear\",\"process\":1},"
                                       "{\"at_ms\":7300,\"do\":\"kill\",\"process\":1}");
    char *late = run_behind_a_touch("{\"at_ms\":7200,\"do\":\"stop\"}");

    (void)state;
    assert_null(strstr(killed, "\"template\":\"web\""));
    assert_null(strstr(offline, "\"template\":\"web\""));
    assert_null(strstr(offline, "\"t_ms\":7200,\"process\":1,\"event\":\"response\""));
    assert_non_null(strstr(offline, "\"label\":\"a\",\"waited_ms\":4100,\"error\":\"offline\""));
    assert_null(strstr(cleared, "\"template\":\"web\""));
    assert_null(strstr(cleared, "\"error\":\"abandoned\""));
    assert_null(strstr(late, "\"template\":\"web\""));
    assert_null(strstr(late, "\"id\":0"));
    free(killed);
    free(offline);
    free(cleared);
    free(late);
}

static void a_turn_ends_with_the_holders_deadline_or_life(void **state)
{
    char *timed_out = run_behind_a_touch("{\"at_ms\":7200,\"do\":\"wake\"}");
    char *killed = run_behind_a_touch("{\"at_ms\":8000,\"do\":\"kill\"}");

    (void)state;
    assert_non_null(strstr(timed_out, "{\"t_ms\":17000,\"process\":1,\"event\":\"request\""));
    assert_non_null(strstr(killed, "{\"t_ms\":8000,\"process\":1,\"event\":\"request\""));
    free(timed_out);
    free(killed);
}

/* It died with the successor: an issuer without grace accepts nobody any more. */
static void what_a_killed_holder_would_have_got_is_lost(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":6050,\"process\":1,\"event\":\"request\",\"id\":6,\"on\":\"touch\"",
        "\"id\":6,\"status\":401",
        "\"on\":\"client\",\"session\":\"sess_1\",\"cause\":\"unauthenticated\"",
        "\"status\":401",
        "\"status\":\"degraded\"",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":9000,\"processes\":2,"
               "\"issuer\":{\"rotation\":\"strict\",\"latency_ms\":100},\"steps\":["
               "{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":0,\"do\":\"open\",\"process\":1},"
               "{\"at_ms\":6000,\"do\":\"wake\"},"
               "{\"at_ms\":6020,\"do\":\"wake\",\"process\":1},"
               "{\"at_ms\":6050,\"do\":\"kill\"}]}",
               story);
}

static void a_record_of_another_process_is_adopted_a_millisecond_later(void **state)
{
    static const char *const story[] = {
        "{\"t_ms\":5001,\"process\":0,\"event\":\"commit\",\"token\":2,\"from\":\"shared\","
        "\"expires_ms\":64000}",
        "{\"t_ms\":6001,\"process\":0,\"event\":\"ignored\",\"token\":3,"
        "\"reason\":\"wrong_key\"}",
        NULL,
    };

    (void)state;
    assert_run("{\"until_ms\":9000,\"steps\":[{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":5000,\"do\":\"record\",\"token\":{\"age_ms\":1000}},"
               "{\"at_ms\":6000,\"do\":\"record\",\"token\":{\"session\":\"sess_2\"}}]}",
               story);
}

static void a_sign_out_reaches_the_other_processes_and_is_sent_once(void **state)
{
    char *output = run_as("{\"until_ms\":9000,\"processes\":2,\"steps\":["
                          "{\"at_ms\":0,\"do\":\"open\"},"
                          "{\"at_ms\":0,\"do\":\"open\",\"process\":1},"
                          "{\"at_ms\":2000,\"do\":\"sign_out\"},"
                          "{\"at_ms\":3000,\"do\":\"get\",\"process\":1,\"label\":\"x\"}]}",
                          true, NULL);
    static const char *const story[] = {
        "{\"t_ms\":2000,\"process\":0,\"event\":\"session\",\"status\":\"signed_out\"}",
        "{\"t_ms\":2001,\"process\":1,\"event\":\"session\",\"status\":\"signed_out\"}",
        "\"name\":\"signed_out\"",
        "\"label\":\"x\",\"waited_ms\":0,\"error\":\"signed_out\"",
        "\"remove\":0,\"sessions\":1}",
        NULL,
    };

    (void)state;
    assert_story(output, story);
    free(output);
}

static void requests_have_numbers_of_their_own(void **state)
{
    static const char *const story[] = {"\"process\":0,\"event\":\"request\",\"id\":1,",
                                        "\"process\":0,\"event\":\"request\",\"id\":2,",
                                        "\"process\":1,\"event\":\"request\",\"id\":3,",
                                        "\"process\":1,\"event\":\"request\",\"id\":4,",
                                        "\"process\":1,\"event\":\"response\",\"id\":3,",
                                        NULL};

    (void)state;
    assert_run("{\"until_ms\":100,\"processes\":2,\"steps\":[{\"at_ms\":0,\"do\":\"open\"},"
               "{\"at_ms\":0,\"do\":\"open\",\"process\":1}]}",
               story);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    const char *scenario =
        "{\"until_ms\":300000,\"processes\":2,\"policy\":{\"jitter\":0.5},\"steps\":["
        "{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":3,\"do\":\"open\",\"process\":1},"
        "{\"at_ms\":30000,\"do\":\"faults\",\"on\":\"*\",\"rules\":[{\"status\":503,\"count\":9}]},"
        "{\"at_ms\":100,\"do\":\"every\",\"every_ms\":777,\"step\":{\"do\":\"get\"}}]}";
    char *one = run_as(scenario, true, NULL);
    char *two = run_as(scenario, true, NULL);

    (void)state;
    assert_string_equal(one, two);
    free(one);
    free(two);
}

static void the_drawing_escapes_and_shows_what_was_wrong(void **state)
{
    static const char *const story[] = {"<title>a &lt;b&gt; &amp; c</title>",
                                        "class=\"faults\"",
                                        "class=\"fresh\"",
                                        "class=\"bad\"",
                                        "class=\"error\"",
                                        "</svg>",
                                        NULL};
    char *svg = NULL;
    char *output = run_as("{\"about\":\"a <b> & c\",\"until_ms\":90000,\"steps\":["
                          "{\"at_ms\":0,\"do\":\"open\"},{\"at_ms\":5000,\"do\":\"faults\","
                          "\"on\":\"tokens\",\"rules\":[{\"status\":400,\"count\":-1}]},"
                          "{\"at_ms\":70000,\"do\":\"get\"}]}",
                          false, &svg);

    (void)state;
    assert_story(svg, story);
    assert_non_null(strstr(output, "after 90.000 s\n"));
    free(svg);
    free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_before_open_is_invalid_and_one_while_loading_waits),
        cmocka_unit_test(what_a_sleep_holds_happens_at_its_end_in_its_own_order),
        cmocka_unit_test(a_stopped_process_goes_on_with_what_came_meanwhile),
        cmocka_unit_test(a_killed_process_loses_its_leases_and_its_calls_stay_open),
        cmocka_unit_test(losing_the_network_fails_what_is_under_way),
        cmocka_unit_test(a_vandal_in_the_shared_place_is_named_and_changes_nothing),
        cmocka_unit_test(a_record_of_another_session_is_nobodys),
        cmocka_unit_test(a_record_of_a_persisted_token_is_read),
        cmocka_unit_test(what_waits_for_its_turn_is_sent_when_it_has_come),
        cmocka_unit_test(nobody_waits_for_an_issuer_that_grants_grace),
        cmocka_unit_test(what_is_over_before_its_turn_is_never_sent),
        cmocka_unit_test(a_turn_ends_with_the_holders_deadline_or_life),
        cmocka_unit_test(what_a_killed_holder_would_have_got_is_lost),
        cmocka_unit_test(a_record_of_another_process_is_adopted_a_millisecond_later),
        cmocka_unit_test(a_sign_out_reaches_the_other_processes_and_is_sent_once),
        cmocka_unit_test(requests_have_numbers_of_their_own),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(the_drawing_escapes_and_shows_what_was_wrong),
    };

    return cmocka_run_group_tests_name("simulate_world", tests, NULL, NULL);
}
