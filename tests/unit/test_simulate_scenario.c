/*
 * Scenarios: what they default to, and that every mistake is named with its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/scenario.h"

static bool read_text(const char *text, struct scenario *scenario, struct document *document)
{
    *document = (struct document){.name = "a.json", .text = text, .length = strlen(text)};
    return freshet_scenario_read(scenario, document);
}

static void assert_refused(const char *text, const char *message)
{
    struct scenario scenario;
    struct document document;

    if (read_text(text, &scenario, &document))
        fail_msg("accepted: %s", text);
    if (strncmp(document.error, message, strlen(message)) != 0)
        fail_msg("%s\n  gave   %s\n  wanted %s", text, document.error, message);
    freshet_scenario_free(&scenario);
}

static void defaults_are_the_documented_ones(void **state)
{
    struct scenario scenario;
    struct document document;

    (void)state;
    assert_true(read_text("{\"steps\":[{\"at_ms\":5,\"do\":\"open\"}]}", &scenario, &document));
    assert_int_equal(scenario.seed, 1);
    assert_int_equal(scenario.epoch_ms, 1700000000000);
    assert_int_equal(scenario.processes, 1);
    assert_int_equal(scenario.until_ms, 60005);
    assert_int_equal(scenario.issuer.ttl_s, 60);
    assert_int_equal(scenario.issuer.latency_ms, 10);
    assert_int_equal(scenario.issuer.oiat.kind, OIAT_NOW);
    assert_int_equal(scenario.issuer.mint_at, MINT_AT_ANSWER);
    assert_int_equal(scenario.issuer.rotation, ROTATION_GRACE);
    assert_true(scenario.issuer.date && scenario.issuer.token_in_client);
    assert_true(scenario.issuer.signed_in);
    assert_false(scenario.issuer.session_minter);
    assert_int_equal(scenario.policy.leeway_ms, FRESHET_UNSET);
    assert_int_equal(scenario.policy.retry_attempts, 9);
    freshet_scenario_free(&scenario);
}

static void every_member_is_read(void **state)
{
    const char *text =
        "{\"about\":\"x\",\"seed\":7,\"epoch_ms\":1000,\"until_ms\":9000,\"processes\":3,\n"
        "\"issuer\":{\"ttl_s\":25,\"latency_ms\":0,\"clock_ahead_ms\":-5,\"oiat\":99,\n"
        "\"issue_age_ms\":4,\"mint_at\":\"request\",\"date\":false,\"token_in_client\":false,\n"
        "\"signed_in\":false,\"organization\":\"o\",\"session_minter\":true,\n"
        "\"rotation\":\"strict\"},\n"
        "\"policy\":{\"leeway_s\":1.5,\"proactive\":false,\"idle_cycles\":0,\"jitter\":0.5},\n"
        "\"steps\":[\n"
        "{\"at_ms\":1,\"do\":\"get\",\"process\":2,\"label\":\"l\",\"min_remaining_s\":0.25,\n"
        "\"organization\":null,\"allow_stale\":\"expired\",\"skip_cache\":true},\n"
        "{\"at_ms\":2,\"do\":\"faults\",\"on\":\"tokens/web\",\"rules\":[\n"
        "{\"status\":429,\"retry_after\":3},{\"hang\":true,\"count\":-1}]},\n"
        "{\"at_ms\":3,\"do\":\"record\",\"bytes\":\"AAEC\"},\n"
        "{\"at_ms\":4,\"do\":\"every\",\"every_ms\":10,\"step\":{\"do\":\"wake\"}},\n"
        "{\"at_ms\":5,\"do\":\"issuer\",\"ttl_s\":30,\"process\":1}]}";
    struct scenario scenario;
    struct document document;
    const struct step *steps;

    (void)state;
    if (!read_text(text, &scenario, &document))
        fail_msg("%s", document.error);
    steps = scenario.steps;
    assert_int_equal(scenario.issuer.oiat.kind, OIAT_FIXED);
    assert_int_equal(scenario.issuer.oiat.fixed_s, 99);
    assert_int_equal(scenario.policy.leeway_ms, 1500);
    assert_int_equal(scenario.policy.idle_cycles, 0);
    assert_false(scenario.policy.proactive);
    assert_int_equal(freshet_step_process(&steps[0]), 2);
    assert_string_equal(steps[0].u.get.label, "l");
    assert_int_equal(steps[0].u.get.min_remaining_ms, 250);
    assert_string_equal(steps[0].u.get.organization, "");
    assert_int_equal(steps[0].u.get.allow_stale, STALE_EXPIRED);
    assert_int_equal(steps[1].u.faults.on, ON_TOKENS);
    assert_string_equal(steps[1].u.faults.template_name, "web");
    assert_string_equal(steps[1].u.faults.rules[0].retry_after, "3");
    assert_int_equal(steps[1].u.faults.rules[0].count, 1);
    assert_int_equal(steps[1].u.faults.rules[1].count, -1);
    assert_int_equal(steps[2].u.record.bytes_length, 3);
    assert_int_equal(steps[3].u.every.step->kind, STEP_WAKE);
    assert_int_equal(json_object_size(steps[4].u.issuer), 1);
    freshet_scenario_free(&scenario);
}

static void unknown_names_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_refused("{\"steps\":[],\n\"stepz\":[]}", "a.json:2: unknown member \"stepz\"");
    assert_refused("{\"issuer\":{\n\"ttl\":5},\"steps\":[]}", "a.json:2: unknown member \"ttl\"");
    assert_refused("{\"policy\":{\"x\":5},\"steps\":[]}", "a.json:1: unknown member \"x\"");
    assert_refused(
        "{\"steps\":[\n{\"at_ms\":0,\"do\":\"open\"},\n\n{\"at_ms\":0,\n\"do\":\"opn\"}]}",
        "a.json:5: unknown step \"opn\"");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"get\",\n\"lable\":\"a\"}]}",
                   "a.json:2: unknown member \"lable\"; get takes label, template");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"issuer\",\n\"ttl\":1}]}",
                   "a.json:2: unknown member \"ttl\"; issuer takes");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"faults\",\"on\":\"tokens\",\"rules\":[\n"
                   "{\"status\":500},\n{\"sttus\":500}]}]}",
                   "a.json:3: unknown member \"sttus\"; a rule takes status");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"every\",\"every_ms\":1,\"step\":\n"
                   "{\"do\":\"get\",\n\"at_ms\":3}}]}",
                   "a.json:3: unknown member \"at_ms\"");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"record\",\"token\":{\n\"iat\":3}}]}",
                   "a.json:2: unknown member \"iat\"");
}

static void the_line_of_an_escaped_name_is_found(void **state)
{
    (void)state;
    assert_refused("{\"about\":\"]}\\\"{[\",\"steps\":[],\n\n\"\\u0073tepz\":1}",
                   "a.json:3: unknown member \"stepz\"");
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    assert_refused("[]", "a.json:1: a scenario must be an object");
    assert_refused("{\"steps\":{}}", "a.json:1: \"steps\" must be an array");
    assert_refused("{\"seed\":1.0,\"steps\":[]}", "a.json:1: \"seed\" must be an integer");
    assert_refused("{\"until_ms\":-1,\"steps\":[]}", "a.json:1: \"until_ms\" must be an integer");
    assert_refused("{\"issuer\":5,\"steps\":[]}", "a.json:1: issuer must be an object");
    assert_refused("{\"issuer\":{\"oiat\":\"later\"},\"steps\":[]}", "a.json:1: \"oiat\" must be");
    assert_refused("{\"issuer\":{\"date\":1},\"steps\":[]}", "a.json:1: \"date\" must be true");
    assert_refused("{\"policy\":{\"leeway_s\":\"5\"},\"steps\":[]}",
                   "a.json:1: \"leeway_s\" must be a number");
    assert_refused("{\"steps\":[5]}", "a.json:1: a step must be an object");
    assert_refused("{\"steps\":[{\"do\":5}]}", "a.json:1: \"do\" must be the name");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"get\",\"label\":5}]}",
                   "a.json:1: \"label\" must be a text");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"network\",\"online\":\"no\"}]}",
                   "a.json:1: \"online\" must be");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"open\",\"from\":\"disk\"}]}",
                   "a.json:1: \"from\" must be one of \"client\", \"token\"");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"faults\",\"on\":\"token\",\"rules\":[]}]}",
                   "a.json:1: \"on\" must be one of");
    assert_refused("{\"steps\":[{\"at_ms\":0,\"do\":\"record\",\"bytes\":\"!\"}]}",
                   "a.json:1: \"bytes\" must be base64");
}

static void missing_and_contradicting_members_are_refused(void **state)
{
    (void)state;
    assert_refused("{}", "a.json:1: a scenario needs a member \"steps\"");
    assert_refused("{\"steps\":[{\"do\":\"open\"}]}", "a.json:1: a step needs a member \"at_ms\"");
    assert_refused("{\"steps\":[\n{\"at_ms\":1}]}", "a.json:2: a step needs a member \"do\"");
    assert_refused("{\"steps\":[{\"at_ms\":1,\"do\":\"sleep\"}]}",
                   "a.json:1: sleep needs a member \"ms\"");
    assert_refused("{\"steps\":[{\"at_ms\":1,\"do\":\"record\"}]}",
                   "a.json:1: a record takes either");
    assert_refused("{\"steps\":[\n{\"at_ms\":1,\"do\":\"reject\",\"label\":\"a\"}]}",
                   "a.json:2: no get carries the label \"a\"");
    assert_refused("{\"steps\":[\n{\"at_ms\":1,\"do\":\"open\",\"process\":1}]}",
                   "a.json:2: there is no process 1");
    assert_refused("{\"steps\":[{\"at_ms\":1,\"do\":\"every\",\"every_ms\":1,\"step\":"
                   "{\"do\":\"every\",\"every_ms\":1,\"step\":{\"do\":\"get\"}}}]}",
                   "a.json:1: an every cannot repeat an every");
    assert_refused(
        "{\"steps\":[{\"at_ms\":1,\"do\":\"every\",\"every_ms\":1,\"process\":0,\"step\":"
        "{\"do\":\"get\",\n\"process\":1}}]}",
        "a.json:2: there is no process 1");
    assert_refused(
        "{\"steps\":[{\"at_ms\":1,\"do\":\"every\",\"every_ms\":1,\"process\":0,\"step\":"
        "{\"do\":\"reject\",\n\"label\":\"x\"}}]}",
        "a.json:2: no get carries the label \"x\"");
}

static void what_is_not_json_is_refused(void **state)
{
    char deep[100];

    (void)state;
    assert_refused("", "a.json:1: this is not JSON");
    assert_refused("{\"steps\":[]\n,}", "a.json:2: this is not JSON");
    assert_refused("{\"seed\":1,\n\"seed\":1,\"steps\":[]}",
                   "a.json:2: this is not JSON: duplicate");
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_refused(deep, "a.json:1: nested deeper than 32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(unknown_names_are_refused_with_their_line),
        cmocka_unit_test(the_line_of_an_escaped_name_is_found),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(missing_and_contradicting_members_are_refused),
        cmocka_unit_test(what_is_not_json_is_refused),
    };

    return cmocka_run_group_tests_name("simulate_scenario", tests, NULL, NULL);
}
