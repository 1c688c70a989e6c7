/*
 * The Linux implementation of runtime/connectivity.h.
 */
#include "runtime/connectivity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIVITY_PORT 443

/* Addresses for documentation: nobody has them, so only a route to everywhere leads there. */
#define CONNECTIVITY_SOMEWHERE_V4 "192.0.2.1"
#define CONNECTIVITY_SOMEWHERE_V6 "2001:db8::1"

/* An interface that is up, has an address and is not loopback. */
static bool connectivity_any_interface(void)
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) != 0) {
        return true; /* unknown counts as online */
    }
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
        found = one->ifa_addr != NULL && (one->ifa_flags & IFF_UP) != 0 &&
                (one->ifa_flags & IFF_LOOPBACK) == 0 &&
                (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
    }
    freeifaddrs(all);
    return found;
}

/* The kernel's own opinion: connecting a datagram socket looks a route up and sends nothing. */
static bool connectivity_has_route(const char *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to = {0};
    socklen_t size = sizeof(to.v4);
    bool routed = true;
    int descriptor = -1;

    if (inet_pton(AF_INET, address, &to.v4.sin_addr) == 1) {
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons(CONNECTIVITY_PORT);
    } else if (inet_pton(AF_INET6, address, &to.v6.sin6_addr) == 1) {
        to.v6.sin6_family = AF_INET6;
        to.v6.sin6_port = htons(CONNECTIVITY_PORT);
        size = sizeof(to.v6);
    } else {
        return true;
    }
    descriptor = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0) {
        routed = connect(descriptor, &to.any, size) == 0 ||
                 (errno != ENETUNREACH && errno != EADDRNOTAVAIL);
        close(descriptor);
    }
    return routed;
}

/* An issuer known by one family may have addresses in the other that are not known here. */
static bool connectivity_any_route(const struct connectivity *connectivity)
{
    bool known_v4 = false;
    bool known_v6 = false;

    for (size_t i = 0; i < CONNECTIVITY_ADDRESSES; i++) {
        const char *address = connectivity->addresses[i];

        if (address[0] != '\0' && connectivity_has_route(address)) {
            return true;
        }
        known_v6 = known_v6 || strchr(address, ':') != NULL;
        known_v4 = known_v4 || strchr(address, '.') != NULL;
    }
    return (!known_v4 && connectivity_has_route(CONNECTIVITY_SOMEWHERE_V4)) ||
           (!known_v6 && connectivity_has_route(CONNECTIVITY_SOMEWHERE_V6));
}

static enum connectivity_state connectivity_now(const struct connectivity *connectivity)
{
    bool known = connectivity->addresses[0][0] != '\0';
    bool online = known ? connectivity_any_route(connectivity) : connectivity_any_interface();

    return online ? CONNECTIVITY_ONLINE : CONNECTIVITY_OFFLINE;
}

void freshet_connectivity_look(struct connectivity *connectivity)
{
    enum connectivity_state state = connectivity_now(connectivity);
    bool news = state != connectivity->state;

    connectivity->state = state;
    if (news) {
        connectivity->callback(connectivity->context, state);
    }
}

/* The oldest makes room; an issuer that is in use says its address again soon. */
void freshet_connectivity_reached(struct connectivity *connectivity, const char *address)
{
    for (size_t i = 0; i < CONNECTIVITY_ADDRESSES; i++) {
        if (strcmp(connectivity->addresses[i], address) == 0) {
            return;
        }
    }
    snprintf(connectivity->addresses[connectivity->next], CONNECTIVITY_ADDRESS_MAX, "%s", address);
    connectivity->next = (connectivity->next + 1) % CONNECTIVITY_ADDRESSES;
}

/*
 * What exactly has changed does not matter: the question is asked anew. News that were lost because
 * there were too many are an error of the socket, after which the loop has stopped watching it.
 */
static void connectivity_ready(uv_poll_t *poll, int status, int events)
{
    struct connectivity *connectivity = poll->data;
    char news[4096];
    ssize_t size = 0;

    (void)events;
    do {
        size = recv(connectivity->descriptor, news, sizeof(news), MSG_DONTWAIT);
    } while (size > 0 || (size < 0 && (errno == EINTR || errno == ENOBUFS)));
    if (status != 0) {
        uv_poll_start(poll, UV_READABLE, connectivity_ready);
    }
    freshet_connectivity_look(connectivity);
}

int freshet_connectivity_init(struct connectivity *connectivity, uv_loop_t *loop,
                              connectivity_callback *callback, void *context)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                              RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                              RTMGRP_IPV6_ROUTE};
    int status = 0;

    connectivity->callback = callback;
    connectivity->context = context;
    connectivity->descriptor =
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (connectivity->descriptor < 0) {
        return 0; /* nobody tells us of changes: the state stays unknown, which is online */
    }
    status = bind(connectivity->descriptor, (struct sockaddr *)&groups, sizeof(groups)) == 0
                 ? uv_poll_init(loop, &connectivity->poll, connectivity->descriptor)
                 : -errno;
    if (status != 0) {
        close(connectivity->descriptor);
        return status;
    }
    connectivity->open = true;
    connectivity->poll.data = connectivity;
    connectivity->state = connectivity_now(connectivity);
    return uv_poll_start(&connectivity->poll, UV_READABLE, connectivity_ready);
}

void freshet_connectivity_close(struct connectivity *connectivity)
{
    if (connectivity->open) {
        connectivity->open = false;
        uv_poll_stop(&connectivity->poll);
        uv_close((uv_handle_t *)&connectivity->poll, NULL);
        close(connectivity->descriptor);
    }
}
