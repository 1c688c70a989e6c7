/*
 * Opens a session and calls an HTTP API with its token.
 *
 * usage: call-api ISSUER_URL CLIENT_TOKEN_FILE API_URL
 */
#include <curl/curl.h>
#include <freshet/freshet.h>
#include <stdio.h>
#include <string.h>

/* Calls the API once; the HTTP status, or 0. */
static long call_api(const char *url, const struct freshet_token *token)
{
    CURL *curl = curl_easy_init();
    long status = 0;

    if (curl == NULL) {
        return 0;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, freshet_token_text(token));
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    return status;
}

int main(int argc, char **argv)
{
    struct freshet_client *client = NULL;
    struct freshet_session *session = NULL;
    struct freshet_token *token = NULL;
    struct freshet_error error;
    long status = 0;

    if (argc != 4) {
        fprintf(stderr, "usage: %s ISSUER_URL CLIENT_TOKEN_FILE API_URL\n", argv[0]);
        return 2;
    }
    const struct freshet_session_options options = {
        .size = sizeof(options), .url = argv[1], .client_token_file = argv[2]};
    const struct freshet_request request = {.size = sizeof(request), .timeout_ms = 30000};

    if (freshet_open(NULL, &client, &error) != FRESHET_OK ||
        freshet_session_open(client, &options, &session, &error) != FRESHET_OK ||
        freshet_get(session, &request, &token, &error) != FRESHET_OK) {
        fprintf(stderr, "%s\n", error.message);
        freshet_close(client);
        return 1;
    }
    status = call_api(argv[3], token);
    if (status == 401) {
        freshet_reject(session, token); /* only this token dies; the next get has another */
    }
    printf("\n%s answered %ld\n", argv[3], status);
    freshet_token_unref(token);
    freshet_close(client);
    return status == 200 ? 0 : 1;
}
