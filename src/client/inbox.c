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
    } else if (event->kind == EVENT_ORGANIZATION) {
        kept = command_keep(&command->event.u.organization.organization, &command->organization);
    }
    if (!kept) {
        command_free(command);
        return NULL;
    }
    return command;
}

static bool inbox_append(struct freshet_client *client, struct command *command)
{
    if (command == NULL) {
        return false;
    }
    pthread_mutex_lock(&client->lock);
    *client->inbox_end = command;
    client->inbox_end = &command->next;
    pthread_mutex_unlock(&client->lock);
    uv_async_send(&client->wake);
    return true;
}

bool freshet_inbox_put(struct freshet_client *client, const struct event *event)
{
    return inbox_append(client, command_new(event));
}

bool freshet_inbox_put_task(struct freshet_client *client, struct task *task)
{
    struct command *command = calloc(1, sizeof(*command));

    if (command != NULL) {
        command->task = task;
    }
    return inbox_append(client, command);
}

static void inbox_run_task(struct freshet_client *client, struct task *task)
{
    task->run(task->context);
    pthread_mutex_lock(&client->lock);
    task->ended = true;
    pthread_cond_signal(&task->done);
    pthread_mutex_unlock(&client->lock);
}

static struct command *inbox_take(struct freshet_client *client)
{
    struct command *command = NULL;

    pthread_mutex_lock(&client->lock);
    command = client->inbox;
    if (command != NULL) {
        client->inbox = command->next;
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

    while ((command = inbox_take(client)) != NULL) {
        if (command->task != NULL) {
            inbox_run_task(client, command->task);
        } else {
            freshet_pump_event(&client->pump, &command->event);
        }
        command_free(command);
    }
}

void freshet_inbox_free(struct freshet_client *client)
{
    struct command *command = NULL;

    while ((command = inbox_take(client)) != NULL) {
        command_free(command);
    }
}
