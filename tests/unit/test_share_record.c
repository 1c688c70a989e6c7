/* The bytes of records: what goes in comes out, and nothing else comes in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "share/record.h"
#include "share/session_record.h"

static const struct now now = {.boot_ms = 5000000, .wall_ms = 1700000000000};
static const struct origin here = {.boot_id = "0f0e0d0c-0000-4000-8000-000000000001",
                                   .time_namespace = 4026531834};
static const struct key_view key = {.issuer = "https://clerk.example/v1",
                                    .sid = "sess_1",
                                    .template_name = "a\nb",
                                    .organization = "org 1",
                                    .audience = "token 5 aaaaa"};

static struct record full_record(void)
{
    return (struct record){.has_token = true,
                           .token = {.text = "eyJ.payload.sig",
                                     .length = 15,
                                     .exp_s = 1700000060,
                                     .iat_s = 1700000000},
                           .committed_ms = 4990000,
                           .sent_ms = 4989900,
                           .offset_ms = 1699995000000,
                           .has_offset = true,
                           .failure = {.attempt = 3,
                                       .waited = true,
                                       .failed_ms = 4999000,
                                       .first_ms = 3000,
                                       .not_before_ms = 5004000,
                                       .status = FRESHET_UPSTREAM,
                                       .http_status = 503}};
}

struct bytes {
    char bytes[FRESHET_RECORD_MAX];
    size_t length;
};

static struct bytes encode(const struct record *record, const struct origin *origin)
{
    struct bytes out = {.length = 0};

    out.length = freshet_record_encode(&key, record, 7, origin, out.bytes, sizeof(out.bytes));
    assert_true(out.length > 0);
    return out;
}

/* Decodes a copy of exactly this size, so that a sanitizer sees any step beyond it. */
static enum record_verdict decode(const char *bytes, size_t length, struct shared_record *out)
{
    char *copy = malloc(length > 0 ? length : 1);
    enum record_verdict verdict = RECORD_GOOD;

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    verdict = freshet_record_decode(copy, length, &key, &here, now, out);
    free(copy);
    return verdict;
}

static void a_record_comes_back_as_it_was(void **state)
{
    const struct record record = full_record();
    const struct bytes bytes = encode(&record, &here);
    struct shared_record out;

    (void)state;
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_GOOD);
    assert_true(out.record.has_token);
    assert_int_equal(out.record.token.length, 15);
    assert_memory_equal(out.record.token.text, "eyJ.payload.sig", 15);
    assert_int_equal(out.exp_s, 1700000060);
    assert_int_equal(out.epoch, 7);
    assert_int_equal(out.record.committed_ms, record.committed_ms);
    assert_int_equal(out.record.sent_ms, record.sent_ms);
    assert_true(out.record.has_offset);
    assert_int_equal(out.record.offset_ms, record.offset_ms);
    assert_int_equal(out.record.failure.attempt, 3);
    assert_true(out.record.failure.waited);
    assert_int_equal(out.record.failure.failed_ms, 4999000);
    assert_int_equal(out.record.failure.first_ms, 3000);
    assert_int_equal(out.record.failure.not_before_ms, 5004000);
    assert_int_equal(out.record.failure.status, FRESHET_UPSTREAM);
    assert_int_equal(out.record.failure.http_status, 503);
    assert_int_equal(freshet_shared_record_remaining(&out, now), 60000);
}

static void a_failure_alone_is_a_record(void **state)
{
    struct record record = full_record();
    struct bytes bytes;
    struct shared_record out;

    (void)state;
    record.has_token = false;
    bytes = encode(&record, &here);
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_GOOD);
    assert_false(out.record.has_token);
    assert_int_equal(out.record.failure.attempt, 3);
    assert_int_equal(freshet_shared_record_remaining(&out, now), 0);
}

static void boot_times_of_another_boot_mean_nothing(void **state)
{
    struct origin elsewhere[2] = {here, here};
    const struct record record = full_record();

    (void)state;
    elsewhere[0].boot_id[0] = 'f';
    elsewhere[1].time_namespace++;
    for (size_t i = 0; i < 2; i++) {
        const struct bytes bytes = encode(&record, &elsewhere[i]);
        struct shared_record out;

        assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_GOOD);
        assert_true(out.record.has_token);
        assert_int_equal(out.record.committed_ms, FRESHET_LONG_AGO);
        assert_int_equal(out.record.sent_ms, FRESHET_LONG_AGO);
        assert_false(out.record.has_offset);
        assert_int_equal(out.record.failure.attempt, 0);
        assert_int_equal(out.record.failure.not_before_ms, 0);
        assert_int_equal(freshet_shared_record_remaining(&out, now), 60000);
    }
}

static void an_unknown_boot_equals_nothing(void **state)
{
    const struct origin unknown = {.boot_id = "", .time_namespace = here.time_namespace};

    (void)state;
    assert_false(freshet_origin_same(&unknown, &unknown));
    assert_true(freshet_origin_same(&here, &here));
}

static void records_from_the_future_are_refused(void **state)
{
    struct record record[3] = {full_record(), full_record(), full_record()};

    (void)state;
    record[0].committed_ms = now.boot_ms + 2000;
    record[1].failure.failed_ms = now.boot_ms + 2000;
    record[2].sent_ms = record[2].committed_ms + 1;
    for (size_t i = 0; i < 3; i++) {
        const struct bytes bytes = encode(&record[i], &here);
        struct shared_record out;

        assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_FROM_FUTURE);
        assert_false(out.record.has_token);
        assert_int_equal(out.text[0], 0);
    }
}

static void a_time_just_ahead_is_now(void **state)
{
    struct record record = full_record();
    struct bytes bytes;
    struct shared_record out;

    (void)state;
    record.committed_ms = now.boot_ms + 3;
    record.failure.failed_ms = now.boot_ms + 3;
    bytes = encode(&record, &here);
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_GOOD);
    assert_int_equal(out.record.committed_ms, now.boot_ms);
    assert_int_equal(out.record.failure.failed_ms, now.boot_ms);
}

static void nobody_is_kept_waiting_for_more_than_a_minute(void **state)
{
    struct record record = full_record();
    struct bytes bytes;
    struct shared_record out;

    (void)state;
    record.failure.not_before_ms = now.boot_ms + 3600000;
    bytes = encode(&record, &here);
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_GOOD);
    assert_int_equal(out.record.failure.not_before_ms, now.boot_ms + 60000);
}

static void a_failure_cannot_say_signed_out(void **state)
{
    struct record record = full_record();
    struct bytes bytes;
    struct shared_record out;
    char *status = NULL;

    (void)state;
    record.failure.status = FRESHET_SIGNED_OUT;
    bytes = encode(&record, &here);
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_GOOD);
    assert_int_equal(out.record.failure.attempt, 0);

    record.failure.status = FRESHET_UPSTREAM;
    bytes = encode(&record, &here);
    status = memmem(bytes.bytes, bytes.length, "\nstatus 9\n", 10);
    assert_non_null(status);
    status[8] = '5';
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_MALFORMED);
}

static void another_keys_record_is_foreign(void **state)
{
    const struct record record = full_record();
    const struct bytes bytes = encode(&record, &here);

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct key_view other = key;
        struct shared_record out;

        *(const char **[]){&other.issuer, &other.sid, &other.template_name, &other.organization,
                           &other.audience}[i] = "other";
        assert_int_equal(freshet_record_decode(bytes.bytes, bytes.length, &other, &here, now, &out),
                         RECORD_FOREIGN_KEY);
        assert_int_equal(out.text[0], 0);
    }
}

static void every_truncation_is_refused(void **state)
{
    const struct record record = full_record();
    const struct bytes bytes = encode(&record, &here);
    struct shared_record out;

    (void)state;
    for (size_t length = 0; length < bytes.length; length++) {
        assert_int_equal(decode(bytes.bytes, length, &out), RECORD_MALFORMED);
    }
}

static void anything_after_the_end_is_refused(void **state)
{
    const struct record record = full_record();
    struct bytes bytes = encode(&record, &here);
    struct shared_record out;

    (void)state;
    bytes.bytes[bytes.length++] = '\n';
    assert_int_equal(decode(bytes.bytes, bytes.length, &out), RECORD_MALFORMED);
}

/* A changed byte may make another valid record; it must never make a wrong step. */
static void changed_bytes_never_harm(void **state)
{
    const struct record record = full_record();
    const struct bytes bytes = encode(&record, &here);
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct bytes changed = bytes;
        struct shared_record out;

        for (int flips = rand_r(&seed) % 3; flips >= 0; flips--) {
            changed.bytes[(size_t)rand_r(&seed) % bytes.length] = (char)rand_r(&seed);
        }
        if (decode(changed.bytes, changed.length, &out) == RECORD_GOOD) {
            assert_true(out.record.committed_ms <= now.boot_ms);
            assert_true(out.record.failure.not_before_ms <= now.boot_ms + 60000);
        } else {
            assert_int_equal(out.text[0], 0);
        }
    }
}

static void random_bytes_are_refused(void **state)
{
    (void)state;
    for (unsigned start = 0; start < 2000; start++) {
        struct shared_record out;
        char bytes[512];
        unsigned seed = start;
        const size_t length = (size_t)rand_r(&seed) % sizeof(bytes);

        for (size_t i = 0; i < length; i++) {
            bytes[i] = (char)rand_r(&seed);
        }
        assert_int_equal(decode(bytes, length, &out), RECORD_MALFORMED);
    }
}

static void what_is_too_long_is_not_published(void **state)
{
    static char text[FRESHET_TOKEN_MAX + 1];
    char bytes[FRESHET_RECORD_MAX];
    struct record record = full_record();
    struct key_view other = key;

    (void)state;
    memset(text, 'a', sizeof(text));
    record.token.text = text;
    record.token.length = FRESHET_TOKEN_MAX;
    assert_true(freshet_record_encode(&key, &record, 0, &here, bytes, sizeof(bytes)) > 0);
    record.token.length = FRESHET_TOKEN_MAX + 1;
    assert_int_equal(freshet_record_encode(&key, &record, 0, &here, bytes, sizeof(bytes)), 0);
    record = full_record();
    assert_int_equal(freshet_record_encode(&key, &record, UINT64_MAX, &here, bytes, sizeof(bytes)),
                     0);
    text[256] = '\0';
    other.sid = text;
    assert_int_equal(freshet_record_encode(&other, &record, 0, &here, bytes, sizeof(bytes)), 0);
}

static struct session_record session(uint64_t epoch, enum session_standing standing)
{
    return (struct session_record){.account = "me@host",
                                   .issuer = "https://clerk.example/v1",
                                   .sid = "sess_1",
                                   .organization = "org_1",
                                   .epoch = epoch,
                                   .standing = standing};
}

static void a_session_record_comes_back_as_it_was(void **state)
{
    struct session_record record = session(3, SESSION_ENDED);
    struct session_record out;
    char bytes[FRESHET_SESSION_RECORD_MAX];
    size_t length = 0;

    (void)state;
    snprintf(record.reason, sizeof(record.reason), "signed out by the user");
    length = freshet_session_record_encode(&record, bytes, sizeof(bytes));
    assert_true(length > 0);
    assert_true(freshet_session_record_decode(bytes, length, "me@host", &out));
    assert_string_equal(out.sid, "sess_1");
    assert_string_equal(out.organization, "org_1");
    assert_string_equal(out.reason, "signed out by the user");
    assert_int_equal(out.epoch, 3);
    assert_int_equal(out.standing, SESSION_ENDED);
    assert_false(freshet_session_record_decode(bytes, length, "you@host", &out));
    for (size_t cut = 0; cut < length; cut++) {
        assert_false(freshet_session_record_decode(bytes, cut, "me@host", &out));
        assert_int_equal(out.sid[0], 0);
    }
    snprintf(record.reason, sizeof(record.reason), "two\nlines");
    assert_int_equal(freshet_session_record_encode(&record, bytes, sizeof(bytes)), 0);
}

static void session_records_only_go_forward(void **state)
{
    const struct session_record first = session(1, SESSION_STANDS);
    const struct session_record second = session(2, SESSION_STANDS);
    const struct session_record ended = session(1, SESSION_ENDED);

    (void)state;
    assert_true(freshet_session_record_replaces(&first, &second));
    assert_false(freshet_session_record_replaces(&second, &first));
    assert_false(freshet_session_record_replaces(&second, &ended));
    assert_true(freshet_session_record_replaces(&first, &ended));
    assert_false(freshet_session_record_replaces(&ended, &first));
    assert_true(freshet_session_record_replaces(&ended, &second));
    assert_false(freshet_session_record_replaces(&first, &first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(a_failure_alone_is_a_record),
        cmocka_unit_test(boot_times_of_another_boot_mean_nothing),
        cmocka_unit_test(an_unknown_boot_equals_nothing),
        cmocka_unit_test(records_from_the_future_are_refused),
        cmocka_unit_test(a_time_just_ahead_is_now),
        cmocka_unit_test(nobody_is_kept_waiting_for_more_than_a_minute),
        cmocka_unit_test(a_failure_cannot_say_signed_out),
        cmocka_unit_test(another_keys_record_is_foreign),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(anything_after_the_end_is_refused),
        cmocka_unit_test(changed_bytes_never_harm),
        cmocka_unit_test(random_bytes_are_refused),
        cmocka_unit_test(what_is_too_long_is_not_published),
        cmocka_unit_test(a_session_record_comes_back_as_it_was),
        cmocka_unit_test(session_records_only_go_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
