/*
 * The shared place: leases, news, and records that are judged like input from outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/codec.h"
#include "simulate/mint.h"
#include "simulate/share.h"

static const struct key_view key = {.issuer = "https://i",
                                    .sid = "sess_1",
                                    .template_name = "",
                                    .organization = "org",
                                    .audience = ""};

static void a_lease_has_one_holder_and_dies_with_it(void **state)
{
    struct share share = {.processes = 2};
    struct shared *shared = freshet_sim_share_at(&share, &key);

    (void)state;
    assert_non_null(shared);
    assert_ptr_equal(freshet_sim_share_at(&share, &key), shared);
    assert_true(freshet_sim_share_lease(shared, 0, 0));
    assert_true(freshet_sim_share_lease(shared, 0, 0));
    assert_false(freshet_sim_share_lease(shared, 0, 1));
    assert_true(freshet_sim_share_lease(shared, 1, 1));
    freshet_sim_share_release(shared, 0, 1);
    assert_false(freshet_sim_share_lease(shared, 0, 1));
    freshet_sim_share_forget(&share, 0);
    assert_true(freshet_sim_share_lease(shared, 0, 1));
    freshet_sim_share_free(&share);
}

static void news_is_told_once_and_never_to_its_writer(void **state)
{
    struct share share = {.processes = 3};
    struct shared *shared = freshet_sim_share_at(&share, &key);

    (void)state;
    assert_false(freshet_sim_share_news(shared, 1));
    freshet_sim_share_put(shared, strdup("x"), 1, 0);
    assert_false(freshet_sim_share_news(shared, 0));
    assert_true(freshet_sim_share_news(shared, 1));
    assert_false(freshet_sim_share_news(shared, 1));
    freshet_sim_share_put(shared, strdup("y"), 1, -1);
    assert_true(freshet_sim_share_news(shared, 0));
    freshet_sim_share_remove(shared);
    assert_false(freshet_sim_share_news(shared, 2));
    freshet_sim_share_free(&share);
}

/* A record with a token, as bytes. */
static char *record_bytes(struct record *record, char **text)
{
    struct mint mint = {.seed = 3};
    struct claims claims = {.iat_s = 100,
                            .exp_s = 160,
                            .has_oiat = true,
                            .oiat_s = 90,
                            .sid = "sess_1",
                            .organization = "org",
                            .template_name = ""};

    *text = freshet_sim_mint_token(&mint, &claims);
    freshet_sim_mint_free(&mint);
    *record = (struct record){.has_token = true,
                              .committed_ms = 5,
                              .sent_ms = 4,
                              .offset_ms = -7,
                              .has_offset = true,
                              .failure = {.attempt = 2,
                                          .waited = true,
                                          .failed_ms = 8,
                                          .first_ms = 3000,
                                          .not_before_ms = FRESHET_NEVER,
                                          .status = FRESHET_UPSTREAM,
                                          .http_status = 503}};
    record->token.text = *text;
    record->token.length = (uint32_t)strlen(*text);
    return freshet_sim_record_encode(&key, record);
}

static void a_record_survives_the_way_through_bytes(void **state)
{
    struct record record;
    char *text;
    char *bytes = record_bytes(&record, &text);
    struct decoded decoded;

    (void)state;
    assert_true(freshet_sim_record_decode(bytes, strlen(bytes), &key, &decoded));
    assert_true(decoded.record.has_token);
    assert_int_equal(decoded.record.token.exp_s, 160);
    assert_int_equal(decoded.record.token.oiat_s, 90);
    assert_string_equal(decoded.record.token.organization, "org");
    assert_int_not_equal(decoded.record.token.fingerprint, 0);
    assert_int_equal(decoded.record.offset_ms, -7);
    assert_int_equal(decoded.record.failure.attempt, 2);
    assert_true(decoded.record.failure.waited);
    assert_int_equal(decoded.record.failure.not_before_ms, FRESHET_NEVER);
    assert_int_equal(decoded.record.failure.http_status, 503);
    freshet_sim_record_free(&decoded);
    free(bytes);
    free(text);
}

static void a_damaged_record_is_refused(void **state)
{
    struct record record;
    char *text;
    char *bytes = record_bytes(&record, &text);
    size_t length = strlen(bytes);
    struct key_view other = key;
    struct decoded decoded;

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        assert_false(freshet_sim_record_decode(bytes, cut, &key, &decoded));
        freshet_sim_record_free(&decoded);
    }
    other.organization = "another";
    assert_false(freshet_sim_record_decode(bytes, length, &other, &decoded));
    freshet_sim_record_free(&decoded);
    *strstr(bytes, "version") = 'V';
    assert_false(freshet_sim_record_decode(bytes, length, &key, &decoded));
    freshet_sim_record_free(&decoded);
    free(bytes);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_has_one_holder_and_dies_with_it),
        cmocka_unit_test(news_is_told_once_and_never_to_its_writer),
        cmocka_unit_test(a_record_survives_the_way_through_bytes),
        cmocka_unit_test(a_damaged_record_is_refused),
    };

    return cmocka_run_group_tests_name("simulate_share", tests, NULL, NULL);
}
