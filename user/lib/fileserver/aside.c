/*
 * aside.c: requests that wait for the disk while others are served. Read struct bread in the file server's
 * fs.h, and server.h, before.
 *
 * A routine whose core says FS_STALLED has changed nothing, so the whole request can be begun again when
 * the block is there. It is put aside: its message is kept, with the right to its answer, and with a
 * reference to the object it came to (else the port could be another file's by then). The routine answers
 * MIG_NO_REPLY; when the core says that the block has arrived the message is dispatched anew, as if it had
 * just come. It may stall again, at the next block. So one thread serves, and no lock is needed.
 *
 * What a user can have put aside is limited. Who has more waits for the disk as a change does, and all wait
 * with him: nobody gets an error for it, and nobody else's share is smaller. A page that the kernel asks for
 * is nobody's, as far as is known here; but a thread waits for each in the kernel, which costs more.
 */
#include "server.h"

#include <credentials.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <servers/fs_server.h>
#include <servers/io_server.h>
#include <stdlib.h>
#include <string.h>

#define SHARES    16   /* users whose ids are the same, modulo this, have one between them */
#define SHARE     64   /* requests put aside at the same time */
#define TRIES_MAX 1000 /* then it is waited for: blocks may be gone from memory when the next arrives */

/* A client's request that is kept as the message it came in. */
struct kept {
    struct aside aside; /* first */
    struct port_object *object; /* a reference; NULL: none has that port */
    size_t room;        /* for the message and its trailer */
    uint64_t message[];
};

static unsigned shares[SHARES]; /* in use */
static struct kept *spare;      /* for the request being served, if it has to be put aside */
static struct aside *again;     /* it is this one, begun again */
static void **list;             /* where it is to wait; NULL: for the block that the core stalled at */
mach_msg_header_t *aside_served;
static uint64_t answer[io_server_max_reply / sizeof(uint64_t) + 1];
_Static_assert(io_server_max_reply >= fs_server_max_reply, "the largest reply");

static unsigned *share_of(const mach_msg_header_t *message)
{
    return &shares[credentials_uid(mach_msg_trailer(message)->msgh_sender) % SHARES];
}

static size_t size_of(const mach_msg_header_t *message)
{
    return ((message->msgh_size + 3) & ~(size_t)3) + mach_msg_trailer(message)->msgh_trailer_size;
}

bool aside_ready(void)
{
    if (again != NULL && again->tries >= TRIES_MAX)
        return false;
    if (aside_served == NULL)
        return true;
    if (*share_of(aside_served) >= SHARE)
        return false;
    if (spare == NULL || spare->room < size_of(aside_served)) {
        free(spare);
        spare = malloc(sizeof *spare + size_of(aside_served));
        if (spare != NULL)
            spare->room = size_of(aside_served);
    }
    return spare != NULL;
}

void aside_put(struct aside *a, void (*resume)(struct aside *a))
{
    void **waiting = list != NULL ? list : volume_waiting(volume);

    list = NULL;
    a->tries = aside_tries();
    if (again != NULL)
        a->tries++;
    a->resume = resume;
    a->next = *waiting;
    *waiting = a;
}

void aside_wait_at(void **waiting)
{
    list = waiting;
}

unsigned aside_tries(void)
{
    return again != NULL ? again->tries : 0;
}

static void resume_request(struct aside *a)
{
    struct kept *k = (struct kept *)a;
    mach_msg_header_t *message = (mach_msg_header_t *)k->message;

    --*share_of(message);
    ports_again(message, (mach_msg_header_t *)answer);
    if (k->object != NULL)
        ports_deref(k->object);
    free(k);
}

kern_return_t aside_request(void)
{
    struct kept *k = spare;

    spare = NULL;
    memcpy(k->message, aside_served, size_of(aside_served));
    k->object = ports_lookup(aside_served->msgh_local_port, NULL);
    ++*share_of(aside_served);
    aside_put(&k->aside, resume_request);
    aside_served->msgh_remote_port = MACH_PORT_NULL; /* the right to the answer is with what is kept */
    aside_served->msgh_bits &= ~MACH_MSGH_BITS_REMOTE_MASK;
    return MIG_NO_REPLY;
}

void aside_resume(void *waiting)
{
    struct aside *first = NULL;

    for (struct aside *a = waiting, *next; a != NULL; a = next) { /* who came first has waited longest */
        next = a->next;
        a->next = first;
        first = a;
    }
    while (first != NULL) {
        again = first;
        first = first->next;
        again->resume(again);
    }
    again = NULL;
    aside_served = NULL;
    volume_may_stall(volume, false);
}

void aside_begin_pages(void)
{
    aside_served = NULL;
    volume_may_stall(volume, true);
}

void aside_end_pages(void)
{
    volume_may_stall(volume, false);
}
