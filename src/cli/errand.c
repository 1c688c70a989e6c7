/*
 * freshet logout and freshet switch: what is done to a session at the issuer.
 *
 * Both read the client first, so that exactly this session is meant, then act through the public
 * library and learn the issuer's answer from its trace. One timer bounds the whole.
 */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

struct errand {
    const struct settings *settings;
    struct connection connection;
    int timer;
    bool late; /* the timer has run out */
    bool ready;
    bool signed_out;
    bool got; /* a get has ended, like this: */
    enum freshet_status status;
    int64_t request; /* the issuer is being told, 0: it is not */
    bool answered;   /* once at least, like this: */
    int http_status; /* 0: no answer */
};

/* ---- what happens ---- */

static bool errand_tells(const char *on)
{
    return strcmp(on, "remove") == 0 || strcmp(on, "sessions") == 0 || strcmp(on, "touch") == 0;
}

static void errand_trace(struct errand *errand, const json_t *line)
{
    const char *event = freshet_text_of(line, "event");
    int64_t id = freshet_number_of(line, "id");

    if (strcmp(event, "request") == 0 && errand_tells(freshet_text_of(line, "on"))) {
        errand->request = id;
    } else if (strcmp(event, "response") == 0 && errand->request != 0 && id == errand->request) {
        errand->request = 0;
        errand->answered = true;
        errand->http_status = (int)freshet_number_of(line, "status");
    }
}

static void errand_event(void *context, const struct freshet_event *event)
{
    struct errand *errand = context;
    json_t *line = NULL;

    errand->ready = strcmp(event->session_status, "ready") == 0;
    errand->signed_out |= event->kind == FRESHET_EVENT_SIGNED_OUT;
    if (event->kind == FRESHET_EVENT_TRACE) {
        line = json_loads(event->trace, 0, NULL);
        errand_trace(errand, line);
        json_decref(line);
    }
}

static void errand_got(void *context, enum freshet_status status, struct freshet_token *token,
                       const struct freshet_error *error)
{
    struct errand *errand = context;

    (void)token;
    (void)error;
    errand->got = true;
    errand->status = status;
}

static void errand_turn(struct errand *errand)
{
    struct pollfd own = {.fd = errand->timer};

    freshet_turn(&errand->connection, &own, 1);
    errand->late |= own.revents != 0;
}

/* ---- steps ---- */

/* Until it is known which session is meant: FRESHET_OK, or why that cannot be known. */
static enum freshet_status errand_settle(struct errand *errand)
{
    const struct freshet_request request = {
        .size = sizeof(request), .timeout_ms = freshet_settings_timeout_ms(errand->settings)};
    enum freshet_status status =
        freshet_get_async(errand->connection.session, &request, errand_got, errand, NULL);

    if (status != FRESHET_OK) {
        return status;
    }
    while (!errand->ready && !errand->signed_out && !errand->got) {
        errand_turn(errand);
    }
    if (errand->signed_out) {
        return FRESHET_SIGNED_OUT;
    }
    return errand->ready ? FRESHET_OK : errand->status;
}

static bool errand_is_final(int http_status)
{
    return http_status >= 200 && http_status < 500 && http_status != 429;
}

/* Until the issuer has said yes or no, or time is up. */
static void errand_await(struct errand *errand, bool again)
{
    while (!errand->late &&
           !(errand->answered && (!again || errand_is_final(errand->http_status)))) {
        errand_turn(errand);
    }
}

static const char *errand_reason(enum freshet_status status)
{
    static const struct {
        enum freshet_status status;
        const char *reason;
    } known[] = {
        {FRESHET_OFFLINE, "there is no connectivity"},
        {FRESHET_SIGNED_OUT, "it is signed out; sign in again"},
        {FRESHET_UNAUTHORIZED, "the issuer did not accept the client token; sign in again"},
        {FRESHET_TIMEOUT, "the issuer did not answer in time"},
        {FRESHET_NETWORK, "the issuer gave no answer; check its address and the network"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            return known[i].reason;
        }
    }
    return "the issuer failed or gave no usable answer";
}

static const char *errand_name(const struct errand *errand)
{
    return errand->settings->name != NULL ? errand->settings->name : "default";
}

/* ---- logout ---- */

static enum exit_code logout_say(const struct errand *errand, const char *how)
{
    if (errand->settings->json) {
        json_t *object = json_pack("{s:s, s:b}", "session", errand_name(errand), "signed_out", 1);

        (void)json_dumpf(object, stdout, 0);
        putchar('\n');
        json_decref(object);
    } else {
        printf("session %s: %s\n", errand_name(errand), how);
    }
    return EXIT_DONE;
}

static enum exit_code logout_unsettled(const struct errand *errand, enum freshet_status status)
{
    if (status == FRESHET_SIGNED_OUT) {
        return logout_say(errand, "it was signed out already");
    }
    fprintf(stderr, "freshet: session %s: %s; nothing was signed out, so run this again later\n",
            errand_name(errand), errand_reason(status));
    return status == FRESHET_TIMEOUT ? EXIT_ISSUER : freshet_exit_code(status);
}

static enum exit_code logout_work(struct errand *errand)
{
    enum freshet_status status = errand_settle(errand);
    /* An earlier sign-out of which the issuer could not be told: it is being told now. */
    bool telling = status == FRESHET_SIGNED_OUT && errand->request != 0;

    if (status == FRESHET_OK) {
        status = freshet_sign_out(errand->connection.session, FRESHET_SIGN_OUT_FITTING);
    }
    if (status != FRESHET_OK && !telling) {
        return logout_unsettled(errand, status);
    }
    errand_await(errand, true);
    if (errand->answered && errand->http_status >= 200 && errand->http_status < 300) {
        return logout_say(errand, "signed out, and the issuer knows");
    }
    if (errand->http_status == 401 || errand->http_status == 404) {
        return logout_say(errand, "signed out; the issuer did not know it any more");
    }
    fprintf(stderr,
            "freshet: session %s: signed out here, but the issuer could not be told (%s %d); it is "
            "told when a program uses this session again, or run this again\n",
            errand_name(errand), errand->answered ? "last answer" : "no answer",
            errand->http_status);
    return EXIT_ISSUER;
}

/* ---- switch ---- */

static enum exit_code switch_say(const struct errand *errand)
{
    const char *organization = errand->settings->organization;

    if (errand->settings->json) {
        json_t *object =
            json_pack("{s:s, s:s}", "session", errand_name(errand), "organization", organization);

        (void)json_dumpf(object, stdout, 0);
        putchar('\n');
        json_decref(object);
    } else if (organization[0] == '\0') {
        printf("session %s: the personal workspace is active now\n", errand_name(errand));
    } else {
        printf("session %s: organization %s is active now\n", errand_name(errand), organization);
    }
    return EXIT_DONE;
}

static bool switch_is_active(const struct errand *errand)
{
    json_t *root = freshet_status_object(&errand->connection);
    const json_t *session = json_array_get(json_object_get(root, "sessions"), 0);
    bool active = session != NULL && strcmp(freshet_text_of(session, "organization"),
                                            errand->settings->organization) == 0;

    json_decref(root);
    return active;
}

static enum exit_code switch_failed(const struct errand *errand)
{
    int http_status = errand->http_status;

    if (!errand->answered) {
        fputs("freshet: the issuer did not answer in time; freshet status says what is active\n",
              stderr);
        return EXIT_TIMED_OUT;
    }
    if (http_status == 401) {
        fputs("freshet: the issuer did not accept the client token; sign in again\n", stderr);
        return EXIT_SIGN_IN;
    }
    if (errand_is_final(http_status)) {
        fprintf(stderr,
                "freshet: the issuer refused organization '%s' (HTTP %d); is the user a "
                "member of it?\n",
                errand->settings->organization, http_status);
    } else {
        fprintf(stderr, "freshet: the issuer gave no usable answer (HTTP %d); try again later\n",
                http_status);
    }
    return EXIT_ISSUER;
}

static enum exit_code switch_work(struct errand *errand)
{
    enum freshet_status status = errand_settle(errand);

    if (status == FRESHET_OK && switch_is_active(errand)) {
        return switch_say(errand);
    }
    if (status == FRESHET_OK) {
        status =
            freshet_set_organization(errand->connection.session, errand->settings->organization);
    }
    if (status != FRESHET_OK) {
        fprintf(stderr, "freshet: session %s: %s; nothing was switched\n", errand_name(errand),
                errand_reason(status));
        return freshet_exit_code(status);
    }
    errand_await(errand, false);
    if (errand->answered && errand->http_status >= 200 && errand->http_status < 300) {
        return switch_say(errand);
    }
    return switch_failed(errand);
}

/* ---- both ---- */

static enum exit_code errand_run(const struct settings *settings,
                                 enum exit_code (*work)(struct errand *errand))
{
    struct errand errand = {.settings = settings,
                            .timer = freshet_timer(freshet_settings_timeout_ms(settings), false)};
    enum exit_code code = EXIT_OTHER;

    if (errand.timer < 0) {
        fputs("freshet: no timer could be had; close some files\n", stderr);
        return EXIT_OTHER;
    }
    code = freshet_connect(settings, errand_event, &errand, &errand.connection);
    if (code == EXIT_DONE) {
        code = work(&errand);
    }
    freshet_disconnect(&errand.connection);
    close(errand.timer);
    return code;
}

enum exit_code freshet_command_logout(const struct settings *settings)
{
    return errand_run(settings, logout_work);
}

enum exit_code freshet_command_switch(const struct settings *settings)
{
    if (settings->organization == NULL) {
        fputs("freshet switch: to which organization? Give --organization ID, or '' for the "
              "personal workspace\n",
              stderr);
        return EXIT_USAGE;
    }
    return errand_run(settings, switch_work);
}
