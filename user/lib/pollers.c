/* The list of those who wait for a stream to become ready. Read pollers.h before. */
#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <pollers.h>
#include <ports.h>
#include <server_types.h>
#include <servers/io_server.h>
#include <stdlib.h>

/* Of one process, for one stream: each takes a name and memory of the server's, and its time when the next
 * comes. */
#define POLLERS_MAX 512

/* What of `ready` a client is told that asked for events: errors without being asked for. */
static uint32_t wanted(uint32_t events, uint32_t ready)
{
    return ready & (events | IO_POLL_ERR | IO_POLL_HUP);
}

static void take_out(struct poller **link)
{
    struct poller *poller = *link;

    *link = poller->next;
    free(poller);
}

/* A client that has been answered by another stream, or has ended, leaves a dead name: it goes.
 * Returns how many of this process stay. */
static unsigned prune(struct poller **link, uint32_t process)
{
    mach_port_type_t type;
    unsigned count = 0;

    while (*link != NULL) {
        mach_port_t reply = (*link)->reply;

        if (mach_port_type(mach_task_self(), reply, &type) == KERN_SUCCESS
            && (type & MACH_PORT_TYPE_DEAD_NAME)) {
            mach_port_deallocate(mach_task_self(), reply);
            take_out(link);
        } else {
            count += (*link)->process == process;
            link = &(*link)->next;
        }
    }
    return count;
}

kern_return_t pollers_add(struct poller **list, mach_port_t reply, uint32_t events, uint32_t tag,
                          uint32_t ready, uint32_t *revents, uint32_t *tag_out)
{
    const uint32_t process = credentials_pid(ports_sender());
    struct poller *poller;

    *revents = wanted(events, ready);
    *tag_out = tag;
    if (*revents != 0 || events & IO_POLL_NOW)
        return KERN_SUCCESS;
    if (prune(list, process) >= POLLERS_MAX)
        return unix_err(EAGAIN);
    poller = malloc(sizeof(*poller));
    if (poller == NULL)
        return unix_err(ENOMEM);
    *poller = (struct poller){*list, reply, process, events, tag};
    *list = poller;
    return MIG_NO_REPLY;
}

void pollers_wake(struct poller **list, uint32_t ready)
{
    while (*list != NULL) {
        uint32_t revents = wanted((*list)->events, ready);

        if (revents == 0) {
            list = &(*list)->next;
            continue;
        }
        S_io_poll_reply((*list)->reply, KERN_SUCCESS, revents, (*list)->tag);
        take_out(list);
    }
}

void pollers_destroy(struct poller **list)
{
    while (*list != NULL) {
        mach_port_deallocate(mach_task_self(), (*list)->reply);
        take_out(list);
    }
}
