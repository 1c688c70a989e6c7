/*
 * What a host asks for when it opens a session, read and judged before anything is opened.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

static bool wish_valid(const struct freshet_session_options *options)
{
    return options != NULL && (options->size == 0 || options->size >= sizeof(*options)) &&
           (options->session == NULL || strlen(options->session) <= FRESHET_NAME_MAX);
}

/*
 * Processes that are given the same file, or the same token, share an account. A name alone says
 * nothing of whose session it is.
 */
static bool wish_name_account(struct wish *wish, const struct freshet_session_options *options)
{
    const char *file = options->client_token_file;
    const char *token = options->client_token;
    const size_t size = sizeof(wish->account);
    char path[PATH_MAX];
    int length = 0;

    if (file != NULL) {
        length =
            snprintf(wish->account, size, "file %s", realpath(file, path) != NULL ? path : file);
    } else if (token != NULL) {
        length = snprintf(wish->account, size, "token %016" PRIx64,
                          freshet_fingerprint(token, strlen(token)));
    } else {
        length = snprintf(wish->account, size, "name %s", wish->name);
    }
    return length > 0 && (size_t)length < size;
}

enum freshet_status freshet_wish_read(struct wish *wish,
                                      const struct freshet_session_options *options,
                                      struct source_error *error)
{
    enum freshet_status status = FRESHET_INVALID;

    *wish = (struct wish){.name = "default"};
    if (!wish_valid(options)) {
        snprintf(error->text, sizeof(error->text), "the session options are not valid");
        return status;
    }
    wish->name = options->name != NULL ? options->name : wish->name;
    if (!wish_name_account(wish, options)) {
        snprintf(error->text, sizeof(error->text),
                 "the name of the session or the path of its client token file is too long");
        return status;
    }
    wish->opening = (struct pump_opening){.instance = &wish->instance,
                                          .account = wish->account,
                                          .credential = &wish->credential,
                                          .sid = options->session != NULL ? options->session : ""};
    status =
        freshet_clerk_instance_init(&wish->instance, options->publishable_key, options->url, error);
    if (status == FRESHET_OK) {
        status = freshet_credential_load(&wish->credential, options->client_token,
                                         options->client_token_file, error);
    }
    return status;
}

void freshet_wish_free(struct wish *wish)
{
    freshet_credential_free(&wish->credential);
}
