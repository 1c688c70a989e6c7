/*
 * Which rule strikes which request, how often, and what a wrong rule is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "issuer/answer.h"
#include "issuer/faults.h"

#include <sodium.h>
#include <string.h>

static int set(struct faults *faults, const char *text, struct problem *problem)
{
    json_t *object = json_loads(text, 0, NULL);
    int result;

    assert_non_null(object);
    result = freshet_faults_set(faults, object, problem);
    json_decref(object);
    return result;
}

static int status_of(struct faults *faults, enum endpoint endpoint, const char *template_name)
{
    struct fault fault = freshet_faults_take(faults, endpoint, template_name);
    int status = fault.struck ? fault.status : -1;

    freshet_fault_done(&fault);
    return status;
}

static void rules_are_used_in_order_and_count_times(void **state)
{
    struct faults *faults = freshet_faults_open();
    struct problem problem;

    (void)state;
    assert_int_equal(set(faults,
                         "{\"on\":\"tokens\",\"rules\":[{\"status\":500,\"count\":2},"
                         "{\"status\":429}]}",
                         &problem),
                     0);
    assert_int_equal(status_of(faults, ENDPOINT_CLIENT, ""), -1);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), 500);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), 500);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), 429);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), -1);
    freshet_faults_close(faults);
}

static void count_minus_one_lasts_until_cleared(void **state)
{
    struct faults *faults = freshet_faults_open();
    struct problem problem;

    (void)state;
    assert_int_equal(freshet_faults_add(faults, "touch:status=503,count=-1", &problem), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(status_of(faults, ENDPOINT_TOUCH, ""), 503);
    assert_int_equal(set(faults, "{\"on\":\"touch\",\"rules\":[]}", &problem), 0);
    assert_int_equal(status_of(faults, ENDPOINT_TOUCH, ""), -1);
    freshet_faults_close(faults);
}

static void a_template_comes_before_tokens_before_everything(void **state)
{
    struct faults *faults = freshet_faults_open();
    struct problem problem;

    (void)state;
    assert_int_equal(freshet_faults_add(faults, "*:status=501,count=2", &problem), 0);
    assert_int_equal(freshet_faults_add(faults, "tokens:status=502", &problem), 0);
    assert_int_equal(freshet_faults_add(faults, "tokens/api:status=503", &problem), 0);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, "api"), 503);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, "api"), 502);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, "api"), 501);
    assert_int_equal(status_of(faults, ENDPOINT_STATE, ""), -1);
    assert_int_equal(status_of(faults, ENDPOINT_WHOAMI, ""), -1);
    assert_int_equal(status_of(faults, ENDPOINT_ENVIRONMENT, ""), 501);
    freshet_faults_close(faults);
}

static void a_new_list_replaces_only_that_of_its_name(void **state)
{
    struct faults *faults = freshet_faults_open();
    struct problem problem;

    (void)state;
    assert_int_equal(freshet_faults_add(faults, "client:status=500", &problem), 0);
    assert_int_equal(freshet_faults_add(faults, "tokens:status=500", &problem), 0);
    assert_int_equal(set(faults, "{\"on\":\"tokens\",\"rules\":[{\"status\":404}]}", &problem), 0);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), 404);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), -1);
    assert_int_equal(status_of(faults, ENDPOINT_CLIENT, ""), 500);
    freshet_faults_close(faults);
}

static void a_specification_takes_rules_flags_and_a_body_to_its_end(void **state)
{
    struct faults *faults = freshet_faults_open();
    struct problem problem;
    struct fault fault;

    (void)state;
    assert_int_equal(freshet_faults_add(faults,
                                        "tokens:status=429,retry_after=5;hang;drop,latency_ms=7;"
                                        "status=200,body=<a>,b;c=d",
                                        &problem),
                     0);
    fault = freshet_faults_take(faults, ENDPOINT_TOKENS, "");
    assert_string_equal(fault.retry_after, "5");
    fault = freshet_faults_take(faults, ENDPOINT_TOKENS, "");
    assert_true(fault.hang);
    fault = freshet_faults_take(faults, ENDPOINT_TOKENS, "");
    assert_true(fault.drop);
    assert_int_equal(fault.latency_ms, 7);
    fault = freshet_faults_take(faults, ENDPOINT_TOKENS, "");
    assert_string_equal(json_string_value(fault.body), "<a>,b;c=d");
    freshet_fault_done(&fault);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), -1);
    freshet_faults_close(faults);
}

static void a_wrong_rule_is_named_and_changes_nothing(void **state)
{
    static const struct {
        const char *text;
        const char *named;
    } wrong[] = {
        {"{\"on\":\"tokens\",\"rules\":[{\"stauts\":500}]}", "stauts"},
        {"{\"on\":\"tokens\",\"rules\":[{\"status\":99}]}", "status"},
        {"{\"on\":\"tokens\",\"rules\":[{\"status\":\"500\"}]}", "status"},
        {"{\"on\":\"tokens\",\"rules\":[{\"count\":0}]}", "count"},
        {"{\"on\":\"tokens\",\"rules\":[{\"count\":-2}]}", "count"},
        {"{\"on\":\"tokens\",\"rules\":[{\"hang\":1}]}", "hang"},
        {"{\"on\":\"tokens\",\"rules\":[{\"retry_after\":\"1\\r\\nX: y\"}]}", "retry_after"},
        {"{\"on\":\"tokens\",\"rules\":[7]}", "rule"},
        {"{\"on\":\"tokens\",\"rules\":{}}", "rules"},
        {"{\"on\":\"tokens\",\"rules\":[],\"ons\":1}", "ons"},
        {"{\"on\":\"token\",\"rules\":[]}", "token"},
        {"{\"on\":\"tokens/\",\"rules\":[]}", "tokens/"},
        {"{\"on\":\"state\",\"rules\":[]}", "state"},
    };
    struct faults *faults = freshet_faults_open();
    struct problem problem;

    (void)state;
    assert_int_equal(freshet_faults_add(faults, "tokens:status=500", &problem), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(set(faults, wrong[i].text, &problem), -1);
        assert_non_null(strstr(problem.text, wrong[i].named));
    }
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), 500);
    freshet_faults_close(faults);
}

static void a_wrong_specification_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "tokens",
                                        ":status=500",
                                        "tokens:",
                                        "tokens:status",
                                        "tokens:status=abc",
                                        "tokens:x=1",
                                        "tokens:hang=maybe",
                                        "tokens:status=500,",
                                        "x:hang",
                                        "tokens:count=0,hang"};
    struct faults *faults = freshet_faults_open();
    struct problem problem;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(freshet_faults_add(faults, wrong[i], &problem), -1);
    assert_int_equal(status_of(faults, ENDPOINT_TOKENS, ""), -1);
    freshet_faults_close(faults);
}

static struct answer spoiled(const char *spec)
{
    struct faults *faults = freshet_faults_open();
    struct problem problem;
    struct answer answer = {0};
    struct fault fault;

    assert_int_equal(freshet_faults_add(faults, spec, &problem), 0);
    fault = freshet_faults_take(faults, ENDPOINT_TOKENS, "");
    freshet_answer_json(&answer, 200, json_pack("{s:s}", "jwt", "abc"));
    freshet_answer_spoil(&answer, &fault);
    freshet_fault_done(&fault);
    freshet_faults_close(faults);
    return answer;
}

static void answers_are_spoiled_as_asked(void **state)
{
    struct answer answer = spoiled("tokens:malformed");

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, strlen("{\"jwt\":\"abc\"}") - 1);
    freshet_answer_clear(&answer);
    answer = spoiled("tokens:empty");
    assert_int_equal(answer.length, 0);
    freshet_answer_clear(&answer);
    answer = spoiled("tokens:truncate");
    assert_true(answer.sent < answer.length);
    freshet_answer_clear(&answer);
    answer = spoiled("tokens:status=503,retry_after=9,code=out_of_order");
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.retry_after, "9");
    assert_non_null(strstr(answer.body, "\"code\":\"out_of_order\""));
    freshet_answer_clear(&answer);
    answer = spoiled("tokens:status=502,body=<html>");
    assert_string_equal(answer.body, "<html>");
    assert_false(answer.json);
    freshet_answer_clear(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_used_in_order_and_count_times),
        cmocka_unit_test(count_minus_one_lasts_until_cleared),
        cmocka_unit_test(a_template_comes_before_tokens_before_everything),
        cmocka_unit_test(a_new_list_replaces_only_that_of_its_name),
        cmocka_unit_test(a_specification_takes_rules_flags_and_a_body_to_its_end),
        cmocka_unit_test(a_wrong_rule_is_named_and_changes_nothing),
        cmocka_unit_test(a_wrong_specification_is_refused),
        cmocka_unit_test(answers_are_spoiled_as_asked),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
