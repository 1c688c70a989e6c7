/*
 * The inbox: events that any thread may leave for the thread of the pump.
 */
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

static void command_free(struct command *command)
{
    free(command->template_name);
    free(command->organization);
    free(command);
}

/* Copies a string that an event borrows; false without memory. */
static bool command_keep(const char **text, char **copy)
{
    if (*text == NULL) {
        return true;
    }
    *copy = strdup(*text);
    *text = *copy;
    return *copy != NULL;
}

static struct command *command_new(const struct event *event)
{
    struct command *command = calloc(1, sizeof(*command));
    bool kept = true;

    if (command == NULL) {
        return NULL;
    }
    command->event = *event;
    if (event->kind == EVENT_GET) {
        struct get_options *options = &command->event.u.get.options;

        kept = command_keep(&options->template_name, &command->template_name) &&
               command_keep(&options->organization, &command->organization);
    } else if (event->kind == EVENT_WANT) {
        struct key_view *key = &command->event.u.want.key;

        kept = command_keep(&key->template_name, &command->template_name) &&
               command_keep(&key->organization, &command->organization);
    } else if (event->kind == EVENT_ORGANIZATION) {
        kept = command_keep(&command->event.u.organization.organization, &command->organization);
    }
    if (!kept) {
        command_free(command);
        return NULL;
    }
    return command;
}

/* The loop is woken under the lock, so that nobody wakes one that has been closed meanwhile. */
static enum freshet_status inbox_append(struct freshet_client *client, struct command *command,
                                        struct call *call, freshet_ticket *ticket)
{
    if (command == NULL) {
        return FRESHET_NO_MEMORY;
    }
    pthread_mutex_lock(&client->lock);
    if (client->closing) {
        pthread_mutex_unlock(&client->lock);
        command_free(command);
        return FRESHET_CLOSED;
    }
    if (call != NULL) {
        freshet_calls_add(client, call);
        command->event.u.get.ticket = call->ticket;
        if (ticket != NULL) {
            *ticket = call->ticket; /* before the answer can come */
        }
    }
    if (command->task != NULL || (call != NULL && call->callback == NULL && !client->host_loop)) {
        client->waiting++;
    }
    *client->inbox_end = command;
    client->inbox_end = &command->next;
    client->inbox_count++;
    uv_async_send(&client->wake);
    pthread_mutex_unlock(&client->lock);
    return FRESHET_OK;
}

bool freshet_inbox_put(struct freshet_client *client, const struct event *event)
{
    return inbox_append(client, command_new(event), NULL, NULL) == FRESHET_OK;
}

enum freshet_status freshet_inbox_put_call(struct freshet_client *client, struct call *call,
                                           const struct event *event, freshet_ticket *ticket)
{
    return inbox_append(client, command_new(event), call, ticket);
}

bool freshet_inbox_put_change(struct freshet_session *session, const struct event *event)
{
    struct command *command = command_new(event);

    if (command == NULL) {
        return false;
    }
    command->changes = session;
    atomic_fetch_add_explicit(&session->changes, 1, memory_order_acq_rel);
    if (inbox_append(session->client, command, NULL, NULL) != FRESHET_OK) {
        atomic_fetch_sub_explicit(&session->changes, 1, memory_order_acq_rel);
        return false;
    }
    return true;
}

bool freshet_inbox_put_task(struct freshet_client *client, struct task *task)
{
    struct command *command = calloc(1, sizeof(*command));

    if (command != NULL) {
        command->task = task;
    }
    return inbox_append(client, command, NULL, NULL) == FRESHET_OK;
}

static void inbox_run_task(struct freshet_client *client, struct task *task)
{
    task->run(task->context);
    pthread_mutex_lock(&client->lock);
    task->ended = true;
    pthread_cond_signal(&task->done);
    pthread_mutex_unlock(&client->lock);
}

static void inbox_tell(struct freshet_client *client, const struct event *event)
{
    if (event->session == FRESHET_NO_SESSION) {
        freshet_sessions_tell(client, event);
    } else if (event->kind == EVENT_CLOSE) {
        freshet_session_over(client, event->session);
    } else {
        freshet_pump_event(&client->pump, event);
    }
}

static void inbox_run(struct freshet_client *client, const struct command *command)
{
    struct freshet_session *session = command->changes;

    if (command->task != NULL) {
        inbox_run_task(client, command->task);
        return;
    }
    inbox_tell(client, &command->event);
    if (session != NULL) {
        freshet_session_refresh_cell(session);
        atomic_fetch_sub_explicit(&session->changes, 1, memory_order_acq_rel);
    }
}

static struct command *inbox_take(struct freshet_client *client)
{
    struct command *command = NULL;

    pthread_mutex_lock(&client->lock);
    command = client->inbox;
    if (command != NULL) {
        client->inbox = command->next;
        client->inbox_count--;
        if (client->inbox == NULL) {
            client->inbox_end = &client->inbox;
        }
    }
    pthread_mutex_unlock(&client->lock);
    return command;
}

void freshet_inbox_drain(struct freshet_client *client)
{
    struct command *command = NULL;
    size_t count = 0;

    pthread_mutex_lock(&client->lock);
    count = client->inbox_count;
    pthread_mutex_unlock(&client->lock);
    while (count-- > 0 && (command = inbox_take(client)) != NULL) {
        inbox_run(client, command);
        command_free(command);
    }
}

void freshet_inbox_free(struct freshet_client *client)
{
    while (client->inbox != NULL) {
        struct command *command = client->inbox;

        client->inbox = command->next;
        command_free(command);
    }
}
