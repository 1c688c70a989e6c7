/*
 * Names and advice for every status of freshet/status.h.
 */
#include <freshet/status.h>

const char *freshet_status_name(enum freshet_status status)
{
    switch (status) {
    case FRESHET_OK:
        return "ok";
    case FRESHET_STALE:
        return "stale";
    case FRESHET_NONE:
        return "none";
    case FRESHET_OFFLINE:
        return "offline";
    case FRESHET_TIMEOUT:
        return "timeout";
    case FRESHET_SIGNED_OUT:
        return "signed_out";
    case FRESHET_UNAUTHORIZED:
        return "unauthorized";
    case FRESHET_REFUSED:
        return "refused";
    case FRESHET_THROTTLED:
        return "throttled";
    case FRESHET_UPSTREAM:
        return "upstream";
    case FRESHET_NETWORK:
        return "network";
    case FRESHET_INVALID:
        return "invalid";
    case FRESHET_CLOSED:
        return "closed";
    case FRESHET_CANCELLED:
        return "cancelled";
    case FRESHET_WOULD_BLOCK:
        return "would_block";
    case FRESHET_FORKED:
        return "forked";
    case FRESHET_NO_MEMORY:
        return "no_memory";
    case FRESHET_LIMIT:
        return "limit";
    case FRESHET_STORE:
        return "store";
    }
    return "unknown";
}

enum freshet_advice freshet_status_advice(enum freshet_status status)
{
    switch (status) {
    case FRESHET_OK:
    case FRESHET_STALE:
    case FRESHET_NONE:
    case FRESHET_CANCELLED:
        return FRESHET_ADVICE_NONE;
    case FRESHET_OFFLINE:
    case FRESHET_TIMEOUT:
    case FRESHET_THROTTLED:
    case FRESHET_UPSTREAM:
    case FRESHET_NETWORK:
    case FRESHET_STORE:
        return FRESHET_ADVICE_RETRY_LATER;
    case FRESHET_SIGNED_OUT:
    case FRESHET_UNAUTHORIZED:
        return FRESHET_ADVICE_SIGN_IN;
    case FRESHET_REFUSED:
    case FRESHET_INVALID:
    case FRESHET_WOULD_BLOCK:
    case FRESHET_LIMIT:
        return FRESHET_ADVICE_FIX_CALL;
    case FRESHET_CLOSED:
    case FRESHET_FORKED:
    case FRESHET_NO_MEMORY:
        return FRESHET_ADVICE_GIVE_UP;
    }
    return FRESHET_ADVICE_GIVE_UP;
}
