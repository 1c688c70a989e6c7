/*
 * The order of freshness of core/token.h.
 */
#include "core/token.h"

static enum freshness token_order(int64_t held, int64_t incoming)
{
    if (incoming > held) {
        return FRESHNESS_FRESHER;
    }
    return incoming < held ? FRESHNESS_STALER : FRESHNESS_TIE;
}

enum freshness freshet_token_compare(const struct held *held, const struct token *incoming)
{
    enum freshness order = FRESHNESS_TIE;

    if (held->fingerprint == 0) {
        return FRESHNESS_FRESHER;
    }
    if (held->has_oiat != incoming->has_oiat) {
        return incoming->has_oiat ? FRESHNESS_FRESHER : FRESHNESS_STALER;
    }
    if (held->has_oiat) {
        order = token_order(held->oiat_s, incoming->oiat_s);
    }
    order = order == FRESHNESS_TIE ? token_order(held->iat_s, incoming->iat_s) : order;
    return order == FRESHNESS_TIE ? token_order(held->exp_s, incoming->exp_s) : order;
}
