/*
 * Who waits for a stream to become ready (io_poll), as a server keeps it: beside the queues of reads
 * and writes, a list of send-once rights, each of which is answered once, when something happens that
 * its client asked for.
 */
#ifndef _POLLERS_H_
#define _POLLERS_H_

#include <mach/mach.h>
#include <stdint.h>

struct poller {
    struct poller *next;
    mach_port_t reply; /* send-once, ours */
    uint32_t process;  /* whose: no other's requests count for its limit */
    uint32_t events;
    uint32_t tag;
};

/*
 * The answer to io_poll for a stream on which `ready` (IO_POLL_*) holds now. KERN_SUCCESS, with the
 * results, if that answers it; MIG_NO_REPLY: it waits in the list; or an error, with reply still the
 * caller's: ENOMEM, or EAGAIN, when too many of this process wait. Those in the list whose clients have
 * gone leave it, so that it does not grow by clients that ask again and again.
 */
kern_return_t pollers_add(struct poller **list, mach_port_t reply, uint32_t events, uint32_t tag,
                          uint32_t ready, uint32_t *revents, uint32_t *tag_out);
/* Something changed: answers all for whom `ready` has something. */
void pollers_wake(struct poller **list, uint32_t ready);
/* The stream goes: nobody is answered any more. */
void pollers_destroy(struct poller **list);

#endif
