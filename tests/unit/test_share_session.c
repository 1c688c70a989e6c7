/* Session records between processes: a sign-out reaches all, and nothing from before outlives it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share/draft.h"
#include "share/peek.h"
#include "share_world.h"

#define ACCOUNT "work"

static struct session_record session_of(uint64_t epoch, enum session_standing standing)
{
    struct session_record record = {.account = ACCOUNT,
                                    .issuer = "https://clerk.example/v1",
                                    .sid = "sess_1",
                                    .organization = "org_1",
                                    .epoch = epoch,
                                    .standing = standing};

    if (standing == SESSION_ENDED) {
        snprintf(record.reason, sizeof(record.reason), "signed out");
    }
    return record;
}

static enum share_published session_write(struct share *share, uint64_t epoch,
                                          enum session_standing standing)
{
    const struct session_record record = session_of(epoch, standing);

    return freshet_share_session_write(share, &record, share_world_now());
}

static enum share_found session_read(struct share *share, struct session_record *out)
{
    return freshet_share_session_read(share, ACCOUNT, share_world_now(), out);
}

static struct record fresh_record(struct token_text *text)
{
    const int64_t now_s = share_world_now().wall_ms / 1000;

    return share_world_record(text, now_s, now_s + 60, 0, "one");
}

static enum share_published publish_for_account(const struct share_world *world, uint64_t epoch)
{
    struct token_text text;
    const struct record record = fresh_record(&text);
    const struct publication what = {
        .account = ACCOUNT, .key = &world->key, .record = &record, .epoch = epoch};

    return freshet_share_publish(world->share, &what, share_world_now());
}

static void the_record_is_read_as_it_was_written(void **state)
{
    const struct share_world *world = *state;
    struct session_record found = {0};

    assert_int_equal(session_read(world->share, &found), SHARE_NOTHING);
    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    assert_int_equal(session_read(world->share, &found), SHARE_FOUND);
    assert_string_equal(found.sid, "sess_1");
    assert_string_equal(found.organization, "org_1");
    assert_int_equal(found.epoch, 1);
    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_EQUAL);
}

static void an_end_is_final_within_its_epoch(void **state)
{
    const struct share_world *world = *state;
    struct session_record found = {0};

    assert_int_equal(session_write(world->share, 2, SESSION_ENDED), SHARE_WRITTEN);
    assert_int_equal(session_write(world->share, 2, SESSION_STANDS), SHARE_OUTRANKED);
    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_OUTRANKED);
    assert_int_equal(session_read(world->share, &found), SHARE_FOUND);
    assert_int_equal(found.standing, SESSION_ENDED);
    assert_string_equal(found.reason, "signed out");
    assert_int_equal(session_write(world->share, 3, SESSION_STANDS), SHARE_WRITTEN);
}

static void hear_session(enum share_news news, const char *name, void *context)
{
    bool *heard = context;

    *heard = *heard || (news == SHARE_NEWS_SESSION &&
                        strcmp(name, freshet_share_name_account(ACCOUNT, SHARE_SESSION).text) == 0);
}

static bool waits_for_the_sign_out(const struct share_world *world, struct other *parent)
{
    struct share *share = share_world_join(world);
    struct pollfd descriptor = {.fd = freshet_share_descriptor(share), .events = POLLIN};
    struct session_record found = {0};
    bool heard = false;

    if (session_read(share, &found) != SHARE_FOUND || found.standing != SESSION_STANDS ||
        !share_world_tell(parent)) {
        return false;
    }
    while (!heard && poll(&descriptor, 1, -1) == 1) {
        freshet_share_drain(share, share_world_now(), hear_session, &heard);
    }
    return session_read(share, &found) == SHARE_FOUND && found.standing == SESSION_ENDED &&
           found.epoch == 2;
}

static void a_sign_out_reaches_every_process_at_once(void **state)
{
    const struct share_world *world = *state;
    struct other others[3];

    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    for (size_t i = 0; i < 3; i++) {
        others[i] = share_world_start(world, waits_for_the_sign_out);
        assert_true(share_world_hear(&others[i]));
    }
    assert_int_equal(session_write(world->share, 2, SESSION_ENDED), SHARE_WRITTEN);
    for (size_t i = 0; i < 3; i++) {
        share_world_end(&others[i]);
    }
}

static void nothing_begun_before_a_sign_out_is_published_after_it(void **state)
{
    const struct share_world *world = *state;

    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    assert_int_equal(publish_for_account(world, 1), SHARE_WRITTEN);
    assert_int_equal(session_write(world->share, 2, SESSION_ENDED), SHARE_WRITTEN);
    freshet_share_retract_session(world->share, world->key.issuer, world->key.sid,
                                  share_world_now());
    assert_int_equal(share_world_count(world, ".record"), 0);
    assert_int_equal(publish_for_account(world, 1), SHARE_OUTRANKED);
    assert_int_equal(publish_for_account(world, 2), SHARE_OUTRANKED);
    assert_int_equal(share_world_count(world, ".record"), 0);
}

static void an_epoch_that_is_made_up_blocks_nobody(void **state)
{
    const struct share_world *world = *state;
    struct token_text text;
    const struct record record = fresh_record(&text);

    assert_int_equal(share_world_publish(world, world->share, &record, INT64_MAX), SHARE_WRITTEN);
    assert_int_equal(publish_for_account(world, 1), SHARE_OUTRANKED); /* who knows */
    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    assert_int_equal(publish_for_account(world, 1), SHARE_WRITTEN);
}

/* It looked before the sign-out, writes the first record of its key, and is slow. */
static void a_writer_under_way_at_a_sign_out_leaves_nothing(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = freshet_share_name_key(&world->key, SHARE_RECORD);
    const int folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct draft draft = {0};

    assert_int_equal(freshet_draft_open(&draft, folder_fd, &name), 0);
    assert_int_equal(session_write(world->share, 2, SESSION_ENDED), SHARE_WRITTEN);
    freshet_share_retract_session(world->share, world->key.issuer, world->key.sid,
                                  share_world_now());
    assert_int_equal(freshet_draft_finish(&draft, "token", 5), -ESTALE);
    freshet_draft_close(&draft);
    assert_int_equal(share_world_count(world, ".record"), 0);
    close(folder_fd);
}

static void a_sign_out_leaves_other_sessions_alone(void **state)
{
    struct share_world *world = *state;
    struct token_text text;
    const struct record record = fresh_record(&text);

    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    world->key.template_name = "long";
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    world->key.sid = "sess_2";
    assert_int_equal(share_world_publish(world, world->share, &record, 0), SHARE_WRITTEN);
    assert_int_equal(share_world_count(world, ".record"), 3);
    freshet_share_retract_session(world->share, world->key.issuer, "sess_1", share_world_now());
    assert_int_equal(share_world_count(world, ".record"), 1);
}

static void an_organization_is_switched_within_an_epoch(void **state)
{
    const struct share_world *world = *state;
    struct session_record record = session_of(1, SESSION_STANDS);
    struct session_record found = {0};

    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    snprintf(record.organization, sizeof(record.organization), "org_2");
    assert_int_equal(freshet_share_session_write(world->share, &record, share_world_now()),
                     SHARE_WRITTEN);
    assert_int_equal(session_read(world->share, &found), SHARE_FOUND);
    assert_string_equal(found.organization, "org_2");
}

static void a_damaged_record_is_refused_and_written_over(void **state)
{
    const struct share_world *world = *state;
    const struct share_name name = freshet_share_name_account(ACCOUNT, SHARE_SESSION);
    const int folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct session_record found = {0};
    struct draft draft = {0};

    assert_int_equal(freshet_draft_open(&draft, folder_fd, &name), 0);
    assert_int_equal(freshet_draft_finish(&draft, "freshet session 1\nnonsense", 26), 0);
    freshet_draft_close(&draft);
    close(folder_fd);
    assert_int_equal(session_read(world->share, &found), SHARE_REFUSED);
    assert_non_null(strstr(freshet_share_fault(world->share), "damaged"));
    assert_int_equal(publish_for_account(world, 0), SHARE_WRITTEN); /* it says nothing */
    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    assert_int_equal(session_read(world->share, &found), SHARE_FOUND);
    assert_string_equal(freshet_share_fault(world->share), "");
}

/* ---- peek ---- */

static bool peek(const struct share_world *world, const char *organization, struct peeked *out)
{
    const struct peek_wish wish = {.account = ACCOUNT,
                                   .template_name = "",
                                   .organization = organization,
                                   .audience = "",
                                   .read_token = share_world_read_token};

    return freshet_share_peek(&world->options.place, &wish, share_world_now(), out);
}

static void a_peek_finds_the_live_token_of_a_session_that_stands(void **state)
{
    const struct share_world *world = *state;
    struct peeked peeked;

    assert_false(peek(world, NULL, &peeked));
    assert_int_equal(publish_for_account(world, 1), SHARE_WRITTEN);
    assert_false(peek(world, NULL, &peeked)); /* no session says that it is the one */
    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    assert_true(peek(world, NULL, &peeked));
    assert_in_range(peeked.remaining_ms, 1000, 60000);
    assert_memory_equal(peeked.shared.text, "token.", 6);
    assert_string_equal(peeked.session.sid, "sess_1");
    freshet_peeked_wipe(&peeked);
    assert_true(peek(world, "org_1", &peeked));
    assert_false(peek(world, "", &peeked));
    assert_int_equal(peeked.shared.text[0], '\0');
}

static void a_peek_finds_nothing_after_a_sign_out(void **state)
{
    const struct share_world *world = *state;
    struct peeked peeked;

    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    assert_int_equal(publish_for_account(world, 1), SHARE_WRITTEN);
    assert_int_equal(session_write(world->share, 2, SESSION_ENDED), SHARE_WRITTEN);
    assert_false(peek(world, NULL, &peeked));
    assert_int_equal(peeked.session.standing, SESSION_ENDED);
    assert_int_equal(session_write(world->share, 3, SESSION_STANDS), SHARE_WRITTEN);
    assert_false(peek(world, NULL, &peeked)); /* the token is of an epoch before */
}

/* The record is the key's, but the token in it was issued for another organization. */
static void a_peek_does_not_take_anothers_token(void **state)
{
    struct share_world *world = *state;
    struct peeked peeked;

    assert_int_equal(session_write(world->share, 1, SESSION_STANDS), SHARE_WRITTEN);
    world->key.organization = "org_2";
    assert_int_equal(publish_for_account(world, 1), SHARE_WRITTEN);
    assert_false(peek(world, "org_2", &peeked));
}

static void a_peek_makes_nothing(void **state)
{
    struct share_world *world = *state;
    char missing[128] = "";
    struct peeked peeked;

    snprintf(missing, sizeof(missing), "%s/missing", world->above);
    world->options.place.chosen = missing;
    assert_false(peek(world, NULL, &peeked));
    assert_int_equal(access(missing, F_OK), -1);
}

#define session_test(f) cmocka_unit_test_setup_teardown(f, share_world_make, share_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        session_test(the_record_is_read_as_it_was_written),
        session_test(an_end_is_final_within_its_epoch),
        session_test(a_sign_out_reaches_every_process_at_once),
        session_test(nothing_begun_before_a_sign_out_is_published_after_it),
        session_test(an_epoch_that_is_made_up_blocks_nobody),
        session_test(a_writer_under_way_at_a_sign_out_leaves_nothing),
        session_test(a_sign_out_leaves_other_sessions_alone),
        session_test(an_organization_is_switched_within_an_epoch),
        session_test(a_damaged_record_is_refused_and_written_over),
        session_test(a_peek_finds_the_live_token_of_a_session_that_stands),
        session_test(a_peek_finds_nothing_after_a_sign_out),
        session_test(a_peek_does_not_take_anothers_token),
        session_test(a_peek_makes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
