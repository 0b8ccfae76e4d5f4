/*
 * The short way through mach_msg, the receiver's side: the CPU has come to a thread that waits, and with it
 * the message. Read mach_msg_fast.c before.
 */
#include <ipc/ipc_entry.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_right.h>
#include <ipc/mach_msg_copy.h>
#include <ipc/mach_msg_fast.h>
#include <kern/switch.h>
#include <kern/task.h>

/* A reply right has a name. Space locked. */
static inline mach_port_name_t name_reply(struct ipc_entry *entry, ipc_port_t reply)
{
    entry->port = reply; /* (if it has just died, the name is found dead when it is used) */
    entry->bits |= MACH_PORT_TYPE_SEND_ONCE | 1;
    return ipc_entry_name(entry);
}

/* The buffer cannot be written: what the receiver could not be told of goes. */
static __attribute__((noinline)) mach_msg_return_t lost(mach_port_name_t name)
{
    ipc_space_t space = current_space();
    struct ipc_entry *entry;

    if (name != MACH_PORT_NAME_NULL && ipc_right_lookup(space, name, &entry) == KERN_SUCCESS)
        ipc_right_dealloc(space, entry);
    return MACH_RCV_INVALID_DATA;
}

static inline mach_msg_size_t message_size(ipc_kmsg_t kmsg)
{
    return kmsg == NULL ? sizeof(mach_msg_header_t) : header_of(kmsg)->msgh_size;
}

static __attribute__((noinline)) mach_msg_return_t free_and_return(ipc_kmsg_t kmsg)
{
    ipc_kmsg_free(kmsg);
    return MACH_MSG_SUCCESS;
}

/* The same when there is a buffer to be freed. */
static __attribute__((noinline)) mach_msg_return_t lost_body(mach_port_name_t name, ipc_kmsg_t kmsg)
{
    ipc_kmsg_free(kmsg);
    return lost(name);
}

/* What comes after the header. */
static bool put_rest(struct thread *self, ipc_kmsg_t kmsg, mach_msg_size_t size,
                     mach_port_seqno_t seqno, security_token_t sender)
{
    mach_msg_header_t *user = self->ith_msg;
    mach_msg_security_trailer_t trailer = {
        .msgh_trailer_size = ipc_trailer_size(self->ith_option),
        .msgh_seqno = seqno,
        .msgh_sender = sender,
    };

    if (kmsg != NULL && !store_body(user, kmsg->ikm_inline, size))
        return false;
    return trailer.msgh_trailer_size == 0
           || copyout(&trailer, (char *)user + size, trailer.msgh_trailer_size) == 0;
}

/* The right of a message that carries a send right alone gets a name. False: the long way, please. */
static inline bool arrive_send(ipc_space_t space, mach_msg_header_t *header)
{
    mach_msg_port_descriptor_t *d = &ikm_descriptors(header)->port;
    mach_port_name_t name;
    kern_return_t kr = KERN_FAILURE;

    if (((mach_msg_base_t *)header)->body.msgh_descriptor_count != 1
        || d->type != MACH_MSG_PORT_DESCRIPTOR || d->disposition != MACH_MSG_TYPE_PORT_SEND
        || !IP_VALID((ipc_port_t)d->kport))
        return false;
    is_lock(space);
    if (space->active)
        kr = ipc_right_copyout(space, (ipc_port_t)d->kport, MACH_MSG_TYPE_PORT_SEND, &name);
    is_unlock(space);
    if (kr != KERN_SUCCESS)
        return false;
    d->kport = name;
    d->pad1 = 0;
    d->pad2 = 0;
    return true;
}

/*
 * A message that is large or complex, whose reply right has a name: the buffer has all of it, header too, as
 * in mach_msg_received.
 */
static __attribute__((noinline)) mach_msg_return_t
arrive_special(mach_port_name_t name, struct thread *self, mach_port_name_t local_port,
               mach_port_seqno_t seqno, mach_msg_id_t id, mach_msg_bits_t bits, ipc_kmsg_t kmsg)
{
    mach_msg_header_t *header = header_of(kmsg);
    mach_msg_bits_t complex = header->msgh_bits & MACH_MSGH_BITS_COMPLEX;
    struct task *task = self->task;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    mach_msg_return_t put;

    header->msgh_bits = bits | complex;
    header->msgh_remote_port = name;
    header->msgh_local_port = local_port;
    header->msgh_seqno = seqno;
    header->msgh_id = id;
    if (complex && !arrive_send(task->space, header))
        mr = ipc_kmsg_copyout_body(kmsg, task->space, task->map);
    if (mr == MACH_MSG_SUCCESS && (self->ith_option & MACH_RCV_TRAILER_ELEMENTS(0xf)) == 0
        && copyout(header, self->ith_msg, header->msgh_size) == 0)
        return free_and_return(kmsg);
    put = ipc_kmsg_put(kmsg, self->ith_msg, self->ith_option, task->space, task->map);
    return put != MACH_MSG_SUCCESS ? put : mr;
}

/* The rest of mach_msg_arrive, with whatever there may be to it. */
static __attribute__((noinline)) mach_msg_return_t
arrive_with(security_token_t sender, struct thread *self, mach_port_name_t local_port,
            mach_port_seqno_t seqno, mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    mach_msg_size_t size = message_size(kmsg);
    mach_msg_bits_t bits = reply != IP_NULL ? BITS_CALLED : BITS_REPLIED;
    ipc_space_t space = self->task->space;
    mach_port_name_t name = MACH_PORT_NAME_NULL;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    struct ipc_entry *entry;
    kern_return_t kr;

    if (reply != IP_NULL) {
        do {
            kr = KERN_INVALID_TASK;
            is_lock(space);
            if (space->active && (kr = ipc_entry_alloc(space, &entry)) == KERN_SUCCESS)
                name = name_reply(entry, reply);
            is_unlock(space);
        } while (kr == KERN_RESOURCE_SHORTAGE && ipc_space_again(space));
        if (kr != KERN_SUCCESS) { /* only the header arrives */
            ipc_port_release_sonce(reply);
            bits &= ~MACH_MSGH_BITS_REMOTE_MASK;
            mr = MACH_RCV_HEADER_ERROR
                 | (kr == KERN_NO_SPACE ? MACH_MSG_IPC_SPACE : MACH_MSG_IPC_KERNEL);
        }
    }
    if (special(kmsg) && mr == MACH_MSG_SUCCESS) {
        kmsg->ikm_sender = sender;
        return arrive_special(name, self, local_port, seqno, id, bits, kmsg);
    }
    if (!store_header(self->ith_msg, bits, size, name, local_port, seqno, id)
        || (mr == MACH_MSG_SUCCESS && !put_rest(self, kmsg, size, seqno, sender)))
        mr = lost(name);
    if (special(kmsg))
        ipc_kmsg_destroy(kmsg);
    else if (kmsg != NULL)
        ipc_kmsg_free(kmsg);
    return mr;
}

/*
 * The message has come, and with it this CPU, to `self`, which has left its wait queue. On its stack, with
 * nothing on it; what is returned is the trap's result. `old` is the sender, whose lock is held.
 * local_port: the name the receiver knows the port by. kmsg: buffer with the body, or NULL. trailer: there is
 * a body, and the sender's token is to follow it.
 *
 * It calls nothing but what it ends with: so no registers need be saved, and they come in those they leave
 * in. (handoff.S has looked at ith_option, since here the compiler would move all of them first.)
 */
static inline __attribute__((always_inline)) mach_msg_return_t
arrive(struct thread *old, struct thread *self, mach_port_name_t local_port, mach_port_seqno_t seqno,
       mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg, bool trailer)
{
    security_token_t sender = KERNEL_SECURITY_TOKEN_VALUE; /* (if it is not asked for) */
    mach_port_name_t name = MACH_PORT_NAME_NULL;
    mach_msg_header_t *user = self->ith_msg;
    mach_msg_bits_t bits = BITS_REPLIED;
    struct task *task = self->task;
    mach_msg_size_t size;
    struct cpu *cpu;

    if (trailer)
        sender = old->task->token;
    handoff_finish(old);
    if (reply != IP_NULL) {
        ipc_space_t space = task->space;
        struct ipc_entry *entry;

        is_lock(space);
        entry = space->spare;
        if (__builtin_expect(entry == NULL || !space->active, 0)) {
            spin_unlock(&space->lock);
            return arrive_with(sender, self, local_port, seqno, id, reply, kmsg);
        }
        space->spare = NULL;
        name = name_reply(entry, reply);
        spin_unlock(&space->lock);
        bits = BITS_CALLED;
    }
    if (!trailer && kmsg == NULL) {
        if (__builtin_expect(!store_header(user, bits, sizeof(*user), name, local_port, seqno, id),
                             0))
            return lost(name);
        return MACH_MSG_SUCCESS;
    }
    size = header_of(kmsg)->msgh_size;
    if (!trailer && __builtin_expect(header_of(kmsg)->msgh_bits != 0, 0))
        return arrive_special(name, self, local_port, seqno, id, bits, kmsg);
    if (__builtin_expect(!store_header(user, bits, size, name, local_port, seqno, id)
                         || !store_body(user, kmsg->ikm_inline, size)
                         || (trailer && !store_sender(user, size, seqno, sender)), 0))
        return lost_body(name, kmsg);
    cpu = self->machine.cpu;
    if (__builtin_expect(cpu->kmsg_cache != NULL, 0))
        return free_and_return(kmsg);
    cpu->kmsg_cache = kmsg;
    return MACH_MSG_SUCCESS;
}

mach_msg_return_t mach_msg_arrive(struct thread *old, struct thread *self,
                                  mach_port_name_t local_port, mach_port_seqno_t seqno,
                                  mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    return arrive(old, self, local_port, seqno, id, reply, kmsg, false);
}

/* It is not for a user, or there is more to it. */
static __attribute__((noinline)) mach_msg_return_t
arrive_rare(struct thread *old, struct thread *self, mach_port_name_t local_port,
            mach_port_seqno_t seqno, mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    security_token_t sender = old->task->token;

    if (self->ith_msg == NULL)
        return mach_msg_raise_arrive(old, self, local_port, seqno, id, reply, kmsg);
    handoff_finish(old);
    return arrive_with(sender, self, local_port, seqno, id, reply, kmsg);
}

mach_msg_return_t mach_msg_arrive_otherwise(struct thread *old, struct thread *self,
                                            mach_port_name_t local_port, mach_port_seqno_t seqno,
                                            mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    if (__builtin_expect(MACH_RCV_TRAILER_GET(self->ith_option) != MACH_RCV_TRAILER_SENDER
                         || self->ith_msg == NULL || kmsg == NULL || special(kmsg), 0))
        return arrive_rare(old, self, local_port, seqno, id, reply, kmsg);
    return arrive(old, self, local_port, seqno, id, reply, kmsg, true);
}

/* A thread that waited in mach_msg_fast was woken in another way than by mach_msg_fast. */
mach_msg_return_t mach_msg_continue(void)
{
    struct thread *self = current_thread();
    uint64_t *args = self->machine.frame->x;

    if (self->ith_msg == NULL)
        mach_msg_raise_continue(self);
    switch (self->wait_result) {
    case THREAD_AWAKENED:
        if (self->ith_kmsg != NULL)
            return mach_msg_received(self->ith_kmsg, self->ith_msg, self->ith_option,
                                     self->ith_rcv_size);
        if (self->ith_state == MACH_RCV_TOO_LARGE
            && copyout(&self->ith_msize, &self->ith_msg->msgh_size, sizeof(self->ith_msize)) != 0)
            return MACH_RCV_INVALID_DATA;
        return self->ith_state;
    case THREAD_INTERRUPTED:
        return MACH_RCV_INTERRUPTED;
    default: /* look again */
        return mach_msg_trap(self->ith_msg, self->ith_option & ~MACH_SEND_MSG, 0,
                             self->ith_rcv_size, args[4], MACH_MSG_TIMEOUT_NONE,
                             MACH_PORT_NAME_NULL);
    }
}
