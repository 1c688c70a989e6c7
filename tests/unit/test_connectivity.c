/*
 * Offline is said when there is no way, and only then. Each test runs in a process with a network of
 * its own, where interfaces come and go at will; without the right to have one it is skipped.
 */
#include "cmocka_all.h"

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/connectivity.h"

#define INTERFACE "fresh0"
#define NO_RIGHT  77

struct listener {
    uv_loop_t loop;
    struct connectivity connectivity;
    int told;
    enum connectivity_state last;
};

static void listener_told(void *context, enum connectivity_state state)
{
    struct listener *listener = context;

    listener->told++;
    listener->last = state;
}

static struct sockaddr listener_address(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr any;

    inet_pton(AF_INET, text, &in.sin_addr);
    memcpy(&any, &in, sizeof(any));
    return any;
}

/* A cable without an end: an interface that is up as long as its descriptor is open. */
static int listener_plug_in(void)
{
    struct ifreq interface = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int cable = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    strncpy(interface.ifr_name, INTERFACE, IFNAMSIZ - 1);
    if (cable < 0 || control < 0 || ioctl(cable, TUNSETIFF, &interface) != 0) {
        _exit(NO_RIGHT);
    }
    interface.ifr_addr = listener_address("10.1.2.3");
    if (ioctl(control, SIOCSIFADDR, &interface) != 0) {
        _exit(NO_RIGHT);
    }
    interface.ifr_flags = IFF_UP;
    if (ioctl(control, SIOCSIFFLAGS, &interface) != 0) {
        _exit(NO_RIGHT);
    }
    close(control);
    return cable;
}

static bool listener_route(const char *network, const char *mask)
{
    char device[] = INTERFACE;
    struct rtentry route = {.rt_dst = listener_address(network),
                            .rt_genmask = listener_address(mask),
                            .rt_flags = RTF_UP,
                            .rt_dev = device};
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool added = ioctl(control, SIOCADDRT, &route) == 0;

    close(control);
    return added;
}

/* Takes what netlink has said so far; what a call has changed is there when the call is over. */
static void listener_hear(struct listener *listener)
{
    uv_run(&listener->loop, UV_RUN_NOWAIT);
    uv_run(&listener->loop, UV_RUN_NOWAIT);
}

static void listener_open(struct listener *listener)
{
    *listener = (struct listener){0};
    if (uv_loop_init(&listener->loop) != 0 ||
        freshet_connectivity_init(&listener->connectivity, &listener->loop, listener_told,
                                  listener) != 0) {
        _exit(NO_RIGHT);
    }
}

static void listener_close(struct listener *listener)
{
    freshet_connectivity_close(&listener->connectivity);
    freshet_connectivity_close(&listener->connectivity);
    uv_run(&listener->loop, UV_RUN_DEFAULT);
    uv_loop_close(&listener->loop);
}

/* A failed check ends the process with its line, for the parent to tell. */
#define HOLDS(condition) ((condition) ? (void)0 : _exit(__LINE__ % 76 + 1))

static void run_apart(void (*story)(struct listener *))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct listener listener;

        if (unshare(CLONE_NEWNET) != 0) {
            _exit(NO_RIGHT);
        }
        story(&listener);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_RIGHT) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void story_interfaces(struct listener *listener)
{
    int cable = -1;

    listener_open(listener);
    HOLDS(listener->connectivity.state == CONNECTIVITY_OFFLINE);
    HOLDS(listener->told == 0);
    cable = listener_plug_in();
    listener_hear(listener);
    HOLDS(listener->told == 1 && listener->last == CONNECTIVITY_ONLINE);
    close(cable);
    listener_hear(listener);
    HOLDS(listener->told == 2 && listener->last == CONNECTIVITY_OFFLINE);
    listener_close(listener);
}

static void without_an_address_an_interface_makes_the_difference(void **state)
{
    (void)state;
    run_apart(story_interfaces);
}

static void story_routes(struct listener *listener)
{
    int cable = listener_plug_in();

    listener_open(listener);
    HOLDS(listener->connectivity.state == CONNECTIVITY_ONLINE);
    freshet_connectivity_reached(&listener->connectivity, "198.51.100.7");
    freshet_connectivity_look(&listener->connectivity);
    HOLDS(listener->told == 1 && listener->last == CONNECTIVITY_OFFLINE);
    HOLDS(listener_route("0.0.0.0", "0.0.0.0"));
    listener_hear(listener);
    HOLDS(listener->told == 2 && listener->last == CONNECTIVITY_ONLINE);
    close(cable);
    listener_hear(listener);
    HOLDS(listener->told == 3 && listener->last == CONNECTIVITY_OFFLINE);
    listener_close(listener);
}

static void a_known_address_is_judged_by_its_route(void **state)
{
    (void)state;
    run_apart(story_routes);
}

static void story_families(struct listener *listener)
{
    int cable = listener_plug_in();

    HOLDS(listener_route("0.0.0.0", "0.0.0.0"));
    listener_open(listener);
    freshet_connectivity_reached(&listener->connectivity, "2001:db8:1::7");
    freshet_connectivity_look(&listener->connectivity);
    HOLDS(listener->told == 0);
    close(cable);
    listener_hear(listener);
    HOLDS(listener->told == 1 && listener->last == CONNECTIVITY_OFFLINE);
    listener_close(listener);
}

static void a_family_that_is_lost_leaves_the_other(void **state)
{
    (void)state;
    run_apart(story_families);
}

static void story_issuers(struct listener *listener)
{
    int cable = listener_plug_in();

    HOLDS(listener_route("10.0.0.0", "255.0.0.0"));
    listener_open(listener);
    freshet_connectivity_reached(&listener->connectivity, "10.1.2.9");
    freshet_connectivity_reached(&listener->connectivity, "198.51.100.7");
    freshet_connectivity_look(&listener->connectivity);
    HOLDS(listener->told == 0);
    for (int i = 0; i < 2 * CONNECTIVITY_ADDRESSES; i++) {
        char address[32];

        snprintf(address, sizeof(address), "198.51.100.%d", 100 + i);
        freshet_connectivity_reached(&listener->connectivity, address);
    }
    freshet_connectivity_look(&listener->connectivity);
    HOLDS(listener->told == 1 && listener->last == CONNECTIVITY_OFFLINE);
    freshet_connectivity_reached(&listener->connectivity, "10.1.2.9");
    freshet_connectivity_look(&listener->connectivity);
    HOLDS(listener->told == 2 && listener->last == CONNECTIVITY_ONLINE);
    listener_close(listener);
    close(cable);
}

static void an_issuer_out_of_reach_does_not_take_another_offline(void **state)
{
    (void)state;
    run_apart(story_issuers);
}

static void story_flood(struct listener *listener)
{
    int tiny = 1;
    int cable = -1;

    listener_open(listener);
    setsockopt(listener->connectivity.descriptor, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
    for (int i = 0; i < 50; i++) {
        cable = listener_plug_in();
        close(cable);
    }
    listener_hear(listener);
    HOLDS(listener->told == 0);
    cable = listener_plug_in();
    listener_hear(listener);
    HOLDS(listener->told == 1 && listener->last == CONNECTIVITY_ONLINE);
    listener_close(listener);
    close(cable);
}

static void news_that_were_lost_do_not_end_the_watch(void **state)
{
    (void)state;
    run_apart(story_flood);
}

static void nothing_is_told_twice(void **state)
{
    struct listener listener;

    (void)state;
    listener_open(&listener);
    freshet_connectivity_reached(&listener.connectivity, "not an address");
    freshet_connectivity_look(&listener.connectivity);
    freshet_connectivity_look(&listener.connectivity);
    assert_true(listener.told <= 1);
    assert_int_equal(listener.connectivity.state, CONNECTIVITY_ONLINE);
    listener_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_address_an_interface_makes_the_difference),
        cmocka_unit_test(a_known_address_is_judged_by_its_route),
        cmocka_unit_test(a_family_that_is_lost_leaves_the_other),
        cmocka_unit_test(an_issuer_out_of_reach_does_not_take_another_offline),
        cmocka_unit_test(news_that_were_lost_do_not_end_the_watch),
        cmocka_unit_test(nothing_is_told_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
