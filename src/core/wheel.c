/*
 * The timing wheel of core/wheel.h.
 */
#include "core/wheel.h"

#include <string.h>

#define WHEEL_SPAN_MS ((int64_t)FRESHET_WHEEL_SLOT_MS * FRESHET_WHEEL_SLOTS)

void freshet_wheel_init(struct wheel *wheel, int64_t boot_ms)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->cursor_ms = boot_ms - boot_ms % FRESHET_WHEEL_SLOT_MS;
}

static size_t wheel_slot(int64_t deadline_ms)
{
    return (size_t)(deadline_ms / FRESHET_WHEEL_SLOT_MS) % FRESHET_WHEEL_SLOTS;
}

static struct timer **wheel_head(struct wheel *wheel, const struct timer *timer)
{
    return timer->in_due ? &wheel->due : &wheel->slots[timer->slot];
}

static void wheel_unlink(struct wheel *wheel, struct timer *timer)
{
    struct timer **head = wheel_head(wheel, timer);

    if (timer->previous != NULL) {
        timer->previous->next = timer->next;
    } else {
        *head = timer->next;
    }
    if (timer->next != NULL) {
        timer->next->previous = timer->previous;
    }
    if (!timer->in_due && *head == NULL) {
        wheel->occupied[timer->slot / 64] &= ~((uint64_t)1 << (timer->slot % 64));
    }
    timer->next = NULL;
    timer->previous = NULL;
    timer->armed = false;
    timer->in_due = false;
    wheel->armed--;
}

void freshet_wheel_set(struct wheel *wheel, struct timer *timer, int64_t deadline_ms)
{
    if (timer->armed && timer->deadline_ms == deadline_ms) {
        return;
    }
    if (timer->armed) {
        wheel_unlink(wheel, timer);
    }
    timer->deadline_ms = deadline_ms;
    if (deadline_ms == INT64_MAX) {
        return;
    }
    /* What is past belongs to the slot that is looked at next. */
    timer->slot =
        (uint32_t)wheel_slot(deadline_ms > wheel->cursor_ms ? deadline_ms : wheel->cursor_ms);
    timer->age = ++wheel->age;
    timer->armed = true;
    timer->previous = NULL;
    timer->next = wheel->slots[timer->slot];
    if (timer->next != NULL) {
        timer->next->previous = timer;
    }
    wheel->slots[timer->slot] = timer;
    wheel->occupied[timer->slot / 64] |= (uint64_t)1 << (timer->slot % 64);
    wheel->armed++;
}

/* The first occupied slot at or after one, within a count of slots; the count if there is none. */
static size_t wheel_next_occupied(const struct wheel *wheel, size_t from, size_t count)
{
    size_t steps = 0;

    while (steps < count) {
        size_t slot = (from + steps) % FRESHET_WHEEL_SLOTS;
        uint64_t word = wheel->occupied[slot / 64] >> (slot % 64);

        if (word != 0) {
            steps += (size_t)__builtin_ctzll(word);
            return steps < count ? steps : count;
        }
        steps += 64 - slot % 64;
    }
    return count;
}

int64_t freshet_wheel_next(const struct wheel *wheel)
{
    size_t from = wheel_slot(wheel->cursor_ms);
    size_t steps = 0;

    if (wheel->due != NULL) {
        return wheel->due->deadline_ms;
    }
    if (wheel->armed == 0) {
        return INT64_MAX;
    }
    while ((steps += wheel_next_occupied(wheel, (from + steps) % FRESHET_WHEEL_SLOTS,
                                         FRESHET_WHEEL_SLOTS - steps)) < FRESHET_WHEEL_SLOTS) {
        int64_t slot_end = wheel->cursor_ms + (int64_t)(steps + 1) * FRESHET_WHEEL_SLOT_MS;
        int64_t earliest = INT64_MAX;

        for (const struct timer *t = wheel->slots[(from + steps) % FRESHET_WHEEL_SLOTS]; t != NULL;
             t = t->next) {
            earliest = t->deadline_ms < earliest ? t->deadline_ms : earliest;
        }
        if (earliest < slot_end) {
            return earliest;
        }
        steps++;
    }
    return wheel->cursor_ms + WHEEL_SPAN_MS;
}

static bool wheel_before(const struct timer *a, const struct timer *b)
{
    return a->deadline_ms != b->deadline_ms ? a->deadline_ms < b->deadline_ms : a->age < b->age;
}

static struct timer *wheel_merge(struct timer *a, struct timer *b)
{
    struct timer head = {0};
    struct timer *last = &head;

    while (a != NULL && b != NULL) {
        struct timer **from = wheel_before(a, b) ? &a : &b;

        last->next = *from;
        last = *from;
        *from = (*from)->next;
    }
    last->next = a != NULL ? a : b;
    return head.next;
}

/* Sorts a singly linked list by (deadline, age): bottom-up merging in bins. */
static struct timer *wheel_sort(struct timer *list)
{
    struct timer *bins[48] = {0};
    struct timer *sorted = NULL;

    while (list != NULL) {
        struct timer *run = list;
        size_t bin = 0;

        list = list->next;
        run->next = NULL;
        for (; bins[bin] != NULL; bin++) {
            run = wheel_merge(bins[bin], run);
            bins[bin] = NULL;
        }
        bins[bin] = run;
    }
    for (size_t bin = 0; bin < sizeof(bins) / sizeof(bins[0]); bin++) {
        sorted = wheel_merge(bins[bin], sorted);
    }
    return sorted;
}

/* Moves what is due in one slot to the front of a list. */
static struct timer *wheel_take_slot(struct wheel *wheel, size_t slot, int64_t boot_ms,
                                     struct timer *list)
{
    struct timer *timer = wheel->slots[slot];

    while (timer != NULL) {
        struct timer *next = timer->next;

        if (timer->deadline_ms <= boot_ms) {
            wheel_unlink(wheel, timer);
            timer->next = list;
            list = timer;
        }
        timer = next;
    }
    return list;
}

static void wheel_collect(struct wheel *wheel, int64_t boot_ms)
{
    int64_t slots = (boot_ms - wheel->cursor_ms) / FRESHET_WHEEL_SLOT_MS + 1;
    size_t count = slots > FRESHET_WHEEL_SLOTS ? FRESHET_WHEEL_SLOTS : (size_t)slots;
    size_t from = wheel_slot(wheel->cursor_ms);
    struct timer *list = NULL;

    for (size_t steps = wheel_next_occupied(wheel, from, count); steps < count;
         steps += 1 + wheel_next_occupied(wheel, (from + steps + 1) % FRESHET_WHEEL_SLOTS,
                                          count - steps - 1)) {
        list = wheel_take_slot(wheel, (from + steps) % FRESHET_WHEEL_SLOTS, boot_ms, list);
    }
    wheel->cursor_ms = boot_ms - boot_ms % FRESHET_WHEEL_SLOT_MS;
    wheel->due = wheel_sort(list);
    for (struct timer *t = wheel->due, *previous = NULL; t != NULL; previous = t, t = t->next) {
        t->previous = previous;
        t->armed = true;
        t->in_due = true;
        wheel->armed++;
    }
}

struct timer *freshet_wheel_expire(struct wheel *wheel, int64_t boot_ms)
{
    struct timer *timer = NULL;

    if (wheel->due == NULL && boot_ms >= wheel->cursor_ms) {
        wheel_collect(wheel, boot_ms);
    }
    timer = wheel->due;
    if (timer != NULL) {
        wheel_unlink(wheel, timer);
    }
    return timer;
}
