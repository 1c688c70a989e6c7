/*
 * What a failure is called, and what to do next: one sentence for each status, put into the caller's
 * struct. Never anything that came from outside, so never a secret. Called by the public functions.
 */
#include <stdio.h>

#include "client/internal.h"

const char *freshet_error_text(enum freshet_status status)
{
    switch (status) {
    case FRESHET_OK:
        return "";
    case FRESHET_OFFLINE:
        return "there is no connectivity; the call can be made again when there is";
    case FRESHET_TIMEOUT:
        return "no token came within the call's own time-out; Freshet goes on trying";
    case FRESHET_SIGNED_OUT:
        return "the session is signed out; sign in again";
    case FRESHET_UNAUTHORIZED:
        return "the issuer did not accept the client token; sign in again if this stays";
    case FRESHET_REFUSED:
        return "the issuer refused the request; check template and organization";
    case FRESHET_THROTTLED:
        return "the issuer asked for fewer requests; try again later";
    case FRESHET_UPSTREAM:
        return "the issuer failed or gave no usable answer; try again later";
    case FRESHET_NETWORK:
        return "the issuer gave no answer; check the address and the network";
    case FRESHET_INVALID:
        return "the call is not valid: an option is out of range";
    case FRESHET_CLOSED:
        return "the session or the client was closed";
    case FRESHET_CANCELLED:
        return "the call was cancelled";
    case FRESHET_WOULD_BLOCK:
        return "the call would have to wait inside a callback; use freshet_get_async()";
    case FRESHET_FORKED:
        return "the handle was inherited through fork(); open a client in the child";
    case FRESHET_NO_MEMORY:
        return "out of memory";
    case FRESHET_LIMIT:
        return "a capacity of the client is used up; close what is not needed";
    case FRESHET_STORE:
        return "the credential store cannot be read or written";
    case FRESHET_STALE:
    case FRESHET_NONE:
        break;
    }
    return freshet_status_name(status);
}

enum freshet_status freshet_error_set(struct freshet_error *error, enum freshet_status status,
                                      int http_status, const char *message)
{
    if (error != NULL) {
        error->status = status;
        error->http_status = http_status;
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    return status;
}

void freshet_client_reason(const struct freshet_client *client, session_id session,
                           enum freshet_status status, char reason[FRESHET_REASON_MAX])
{
    const struct pump_session *own = client->pump.sessions[session];
    const char *known = "";

    if (status == FRESHET_NETWORK) {
        known = freshet_http_reason(client->pump.http);
    } else if (status == FRESHET_STORE && own != NULL) {
        known = own->account->fault.text;
    } else if (status == FRESHET_REFUSED && own != NULL && own->refused[0] != '\0') {
        snprintf(reason, FRESHET_REASON_MAX, "%s (%s)", freshet_error_text(status), own->refused);
        return;
    }
    snprintf(reason, FRESHET_REASON_MAX, "%.*s", FRESHET_REASON_MAX - 1,
             known[0] != '\0' ? known : freshet_error_text(status));
}
