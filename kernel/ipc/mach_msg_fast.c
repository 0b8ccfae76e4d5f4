/*
 * The short way through mach_msg: a simple message to a thread that waits for it, and the wait for the
 * next, in one trap. This is an RPC's request, and its reply.
 *
 * Read mach_msg.c and ipc_mqueue.c before. Nothing is done here that they would do otherwise; it is done
 * in one piece, and for this one case:
 *
 *   mach_msg_fast     all locks are taken, in their order, and everything is looked at. Is anything not
 *                     as it should be they are released, and mach_msg_trap does it, from the beginning.
 *                     From the first change on nothing can fail.
 *   machine_handoff   leaves the sender's kernel stack: what the sender has to come back to is all in
 *                     its trapframe (a CONTINUATION, as in Mach 3.0), so no register is saved
 *   mach_msg_arrive   in the receiver, on its stack: the reply right gets a name, the message goes to
 *                     its buffer, whose place the thread has told before it began to wait
 *                     (mach_msg_arrive.c)
 *   mach_msg_kobject  instead of the two, if the receiver is the kernel (mach_msg_kobject.c)
 *   mach_msg_supply   for a pager's answer, which is neither request nor reply (mach_msg_pager.c)
 *   mach_msg_post, mach_msg_await  a reply, or the wait for a request, alone (mach_msg_half.c)
 *
 * The header travels in registers, a small body in a buffer that this CPU keeps. A SPECIAL message, large or
 * with rights or memory, is in its buffer whole; its cargo is taken in before anything else, and back if
 * the message cannot go.
 *
 * A thread that waits in here looks to all others like any receiver (ipc_mqueue.c: hand_over). Who is
 * woken by them, or by thread_abort, or since the port died, goes on in mach_msg_continue.
 *
 * With the boot arguments fastpath=off or trace=N all goes the long way.
 */
#include <ipc/ipc_body.h>
#include <ipc/ipc_entry.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/mach_msg_copy.h>
#include <ipc/mach_msg_fast.h>
#include <kern/task.h>
#include <kern/trace.h>

#define SEND_RECEIVE (MACH_SEND_MSG | MACH_RCV_MSG)
/* Options that make no difference when nobody waits for room, and the message fits. */
#define FAST_OPTIONS                                                                   \
    (MACH_RCV_LARGE | MACH_SEND_TIMEOUT | MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT     \
     | MACH_RCV_TRAILER_ELEMENTS(0xf))

#define FAST_SIZE_MAX  (IKM_SMALL_SIZE - MAX_TRAILER_SIZE)
#define LARGE_SIZE_MAX (IKM_LARGE_SIZE - MAX_TRAILER_SIZE)
/* (with one right, and nothing after it) */
#define ONE_RIGHT_SIZE (sizeof(mach_msg_base_t) + sizeof(mach_msg_port_descriptor_t))

bool mach_msg_fast_off;

void mach_msg_fast_init(void)
{
    char value[8];

    mach_msg_fast_off = boot_arg("fastpath", value, sizeof(value)) && strcmp(value, "off") == 0;
    mach_msg_fast_off |= trace_size != 0;
}

__attribute__((noinline)) mach_msg_return_t mach_msg_slow(ipc_kmsg_t kmsg)
{
    uint64_t *args = current_thread()->machine.frame->x;

    if (kmsg != NULL)
        ipc_kmsg_free(kmsg);
    return mach_msg_trap((mach_msg_header_t *)args[0], args[1], args[2], args[3], args[4], args[5],
                         args[6]);
}

/* The entry of a name. False: it has no right of that type. Space locked. */
static inline bool find_entry(ipc_space_t space, mach_port_name_t name, mach_port_type_t type,
                              struct ipc_entry **entryp)
{
    uint64_t index = MACH_PORT_INDEX(name);
    struct ipc_entry *entry = space->first + index;

    if (__builtin_expect(index >= IPC_LEAF_ENTRIES, 0)
        && (entry = ipc_entry_at(space, index)) == NULL)
        return false;
    *entryp = entry;
    return entry->bits >> IE_BITS_GEN_SHIFT == MACH_PORT_GEN(name) && (entry->bits & type);
}

/* Rights and memory that a message takes along: at most one of the two is there. */
struct cargo {
    struct ipc_body *body;
    mach_msg_port_descriptor_t *send; /* one send right alone, that is copied or made: */
    mach_msg_type_name_t disposition; /* as it says */
};

/* Takes the cargo in. False: nothing has changed. Space locked and active. */
static inline __attribute__((always_inline)) bool load_cargo(ipc_space_t space, struct cargo *cargo)
{
    mach_msg_port_descriptor_t *d = cargo->send;
    bool make = cargo->disposition == MACH_MSG_TYPE_MAKE_SEND;
    struct ipc_entry *entry;
    ipc_port_t port;

    if (d == NULL)
        return cargo->body == NULL || ipc_body_copyin(cargo->body, space);
    if (!find_entry(space, d->name, make ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_SEND, &entry))
        return false;
    port = entry->port;
    ip_lock(port); /* (if it just died: then of a dead port) */
    port->mscount += make;
    port->srights++;
    ip_unlock(port);
    d->kport = (uint64_t)port;
    d->disposition = MACH_MSG_TYPE_PORT_SEND;
    return true;
}

/* The long way, for a message whose cargo is in, or (`loaded`) only its memory. The space is locked, and
 * gets unlocked. */
static __attribute__((noinline)) mach_msg_return_t
slow_cargo(ipc_space_t space, ipc_kmsg_t kmsg, struct cargo *cargo, bool loaded)
{
    struct ipc_batch batch;

    ipc_batch_init(&batch);
    if (loaded && cargo->body != NULL)
        ipc_body_undo(cargo->body, space);
    if (loaded && cargo->send != NULL)
        ipc_right_undo(space, cargo->send->name, cargo->disposition, &batch,
                       (ipc_port_t)cargo->send->kport);
    is_unlock(space);
    ipc_batch_finish(&batch);
    if (cargo->body != NULL)
        ipc_body_cancel(cargo->body);
    return mach_msg_slow(kmsg);
}

static inline void set_room(struct thread *self, mach_msg_header_t *msg, mach_msg_option_t option,
                            mach_msg_size_t rcv_size)
{
    self->ith_msg = msg;
    self->ith_room = rcv_size;
    if (__builtin_expect(option & MACH_RCV_TRAILER_ELEMENTS(0xf), 0)) {
        self->ith_room -= MIN(rcv_size, MAX_TRAILER_SIZE);
        if (MACH_RCV_TRAILER_GET(option) > MACH_RCV_TRAILER_SENDER)
            self->ith_room = 0; /* the port's payload: the long way knows it */
    }
}

void mach_msg_fast_wait(struct thread *self, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size)
{
    set_room(self, msg, option, rcv_size);
    if ((option & MACH_RCV_TIMEOUT) || (uintptr_t)msg >= FAST_ADDRESS_MAX || mach_msg_fast_off)
        self->ith_room = 0;
}

/*
 * Sends, and waits for the next message. `call`: a request, with a right to the port waited at; else
 * a reply, and the wait is at a port or a set. All is inlined, for each of the two, and calls nothing
 * but what it ends with, so that few registers need be saved.
 */
static inline __attribute__((always_inline)) mach_msg_return_t
exchange(bool call, mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
         mach_msg_size_t rcv_size, mach_port_name_t rcv_name, mach_port_name_t remote,
         mach_port_name_t local, mach_msg_id_t id, ipc_kmsg_t kmsg, struct cargo *cargo)
{
    struct thread *self = current_thread();
    struct task *task = self->task;
    ipc_space_t space = task->space;
    struct ipc_entry *dest, *home;
    struct waitq *receivers, *wait;
    spinlock_t *dest_set = NULL; /* locks of sets, */
    spinlock_t *home_lock;       /* and of where we wait */
    mach_port_name_t local_port;
    mach_port_seqno_t seqno;
    ipc_port_t port, reply = IP_NULL;
    struct thread *next;

    /* Names to ports. */
    if (cargo == NULL && local != (call ? rcv_name : MACH_PORT_NAME_NULL))
        return mach_msg_slow(kmsg); /* (exchange_special has looked) */
    is_lock(space);
    if (cargo != NULL && (!space->active || !load_cargo(space, cargo)))
        return slow_cargo(space, kmsg, cargo, false);
    if (cargo == NULL && __builtin_expect(!space->active, 0))
        goto unlock_space;
    if (!find_entry(space, remote, call ? MACH_PORT_TYPE_SEND : MACH_PORT_TYPE_SEND_ONCE, &dest)
        || !find_entry(space, rcv_name,
                       call ? MACH_PORT_TYPE_RECEIVE
                            : MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET, &home))
        goto unlock_space;
    if (!call && (dest->request != 0 || space->spare != NULL
                  || MACH_PORT_INDEX(remote) == 0)) /* no entry for just any name: one is null */
        goto unlock_space;
    port = dest->port;

    /* Where we send, and where we shall wait. */
    if (call || (home->bits & MACH_PORT_TYPE_RECEIVE)) {
        ipc_port_t second = home->port;

        home_lock = &second->lock;
        wait = &second->receivers;
        if (port < second) {
            ip_lock(port);
            spin_lock_second(home_lock);
        } else if (port > second) {
            ip_lock(second);
            spin_lock_second(&port->lock);
        } else {
            goto unlock_space;
        }
        if (__builtin_expect(not_quiet(second), 0))
            goto unlock_ports;
        if (call)
            reply = second;
    } else {
        home_lock = &home->pset->lock;
        wait = &home->pset->receivers;
        ip_lock(port);
        spin_lock(home_lock);
        if (!queue_empty(&home->pset->ready))
            goto unlock_ports;
    }

    /* The receiver. */
    receivers = &port->receivers;
    if (call && waitq_empty(receivers)) {
        if (kmsg != NULL && option == SEND_RECEIVE && port->receiver == ipc_space_kernel
            && !mach_msg_fast_off) {
            port->srights++;
            reply->sorights++;
            spin_unlock(home_lock);
            ip_unlock(port);
            spin_unlock(&space->lock);
            return mach_msg_kobject(msg, rcv_size, rcv_name, id, port, reply, kmsg);
        }
        receivers = find_receivers(port, &dest_set);
        if (receivers == NULL)
            goto unlock_ports;
    }
    if (waitq_empty(receivers))
        goto unlock_set;
    next = queue_first(&receivers->threads, struct thread, wait_link);
    if (!handoff_lock(self, next, call, send_size))
        goto unlock_set;

    /* From here on nothing fails. The message is the receiver's ... */
    handoff_take(self, next);
    local_port = port->receiver_name;
    seqno = port->seqno++;
    if (call) {
        reply->sorights++;
        port->server = next;
    } else {
        port->sorights--;
        dest->bits = (remote + 1) << IE_BITS_GEN_SHIFT; /* (the next generation, and no type) */
        space->spare = dest;
    }
    /* ... and we wait for ours. */
    handoff_wait(self, wait, call ? next : NULL);
    self->ith_option = option;
    self->ith_rcv_size = rcv_size;
    set_room(self, msg, option, rcv_size);
    if (dest_set != NULL)
        spin_unlock(dest_set);
    spin_unlock(home_lock);
    ip_unlock(port);
    spin_unlock(&space->lock);
    task->messages_sent++;
    thread_switch_begin(self, next);
    machine_handoff(self, next, local_port, seqno, id, reply, kmsg);

unlock_set:
    if (dest_set != NULL)
        spin_unlock(dest_set);
unlock_ports:
    spin_unlock(home_lock);
    ip_unlock(port);
unlock_space:
    if (cargo != NULL)
        return slow_cargo(space, kmsg, cargo, true);
    spin_unlock(&space->lock);
    return mach_msg_slow(kmsg);
}

/* One that is large or complex: all of it goes to the buffer. */
static __attribute__((noinline)) mach_msg_return_t
exchange_special(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
                 mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
    struct cpu *cpu = current_cpu();
    ipc_kmsg_t *cache = send_size <= FAST_SIZE_MAX ? &cpu->kmsg_cache : &cpu->kmsg_large;
    struct cargo cargo = {NULL, NULL, 0};
    ipc_kmsg_t kmsg = *cache;
    struct ipc_body body;
    mach_msg_header_t *header;
    mach_msg_bits_t bits;

    if (__builtin_expect(kmsg != NULL && send_size <= LARGE_SIZE_MAX, 1))
        *cache = NULL;
    else if (send_size > MACH_MSG_SIZE_MAX || (kmsg = ipc_kmsg_alloc(send_size)) == NULL)
        return mach_msg_slow(NULL);
    header = header_of(kmsg);
    if (copyin(msg, header, send_size) != 0)
        return mach_msg_slow(kmsg);
    header->msgh_size = send_size;
    kmsg->ikm_remote = IP_NULL;
    kmsg->ikm_local = IP_NULL;
    bits = header->msgh_bits & ~MACH_MSGH_BITS_COMPLEX;
    if (bits == BITS_CALL ? header->msgh_local_port != rcv_name
                          : bits != BITS_REPLY || header->msgh_local_port != MACH_PORT_NAME_NULL)
        return mach_msg_slow(kmsg);
    if (bits != header->msgh_bits) {
        mach_msg_port_descriptor_t *d = &ikm_descriptors(header)->port;

        if (send_size >= ONE_RIGHT_SIZE && ((mach_msg_base_t *)header)->body.msgh_descriptor_count == 1
            && d->type == MACH_MSG_PORT_DESCRIPTOR
            && (d->disposition == MACH_MSG_TYPE_COPY_SEND
                || d->disposition == MACH_MSG_TYPE_MAKE_SEND)) {
            cargo.send = d;
            cargo.disposition = d->disposition;
        } else if (ipc_body_begin(&body, header, current_map())) {
            cargo.body = &body;
        } else {
            return mach_msg_slow(kmsg);
        }
    }
    if (bits == BITS_CALL)
        return exchange(true, msg, option, send_size, rcv_size, rcv_name, header->msgh_remote_port,
                        rcv_name, header->msgh_id, kmsg, &cargo);
    return exchange(false, msg, option, send_size, rcv_size, rcv_name, header->msgh_remote_port,
                    MACH_PORT_NAME_NULL, header->msgh_id, kmsg, &cargo);
}

/* Neither a request nor a reply, or not both a send and a receive: it may be a pager's answer, or half. */
static __attribute__((noinline)) mach_msg_return_t
neither(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
        mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
    if (send_size == MACH_MSG_SUPPLY_SIZE
        && (option == MACH_SEND_MSG || (option & ~FAST_OPTIONS) == SEND_RECEIVE))
        return mach_msg_supply(msg, option, rcv_size, rcv_name);
    if ((uintptr_t)msg >= FAST_ADDRESS_MAX)
        return mach_msg_slow(NULL);
    if ((option & ~FAST_OPTIONS) == MACH_SEND_MSG && send_size >= sizeof(*msg)
        && send_size <= FAST_SIZE_MAX && send_size % 4 == 0)
        return mach_msg_post(msg, send_size);
    if ((option & ~FAST_OPTIONS) == MACH_RCV_MSG)
        return mach_msg_await(msg, option, rcv_size, rcv_name);
    return mach_msg_slow(NULL);
}

static __attribute__((noinline)) mach_msg_return_t
with_body(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
          mach_msg_size_t rcv_size, mach_port_name_t rcv_name);

/* The same, when this CPU has no buffer kept. (All again, so that with_body has no call in its middle.) */
static __attribute__((noinline)) mach_msg_return_t
with_new_buffer(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
                mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
    ipc_kmsg_t kmsg = ipc_kmsg_alloc(sizeof(*msg));

    if (kmsg == NULL)
        return mach_msg_slow(NULL);
    ipc_kmsg_free(kmsg); /* now this CPU has it */
    return with_body(msg, option, send_size, rcv_size, rcv_name);
}

/* With a body, which goes through a buffer, or with options. */
static __attribute__((noinline)) mach_msg_return_t
with_body(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
          mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
    mach_port_name_t remote, local;
    mach_msg_bits_t bits;
    mach_msg_id_t id;
    ipc_kmsg_t kmsg = NULL;

    if ((option & ~FAST_OPTIONS) != SEND_RECEIVE || (uintptr_t)msg >= FAST_ADDRESS_MAX
        || send_size < sizeof(*msg) || send_size % 4 != 0
        || !load_header(msg, &bits, &remote, &local, &id))
        return neither(msg, option, send_size, rcv_size, rcv_name);
    if (send_size > FAST_SIZE_MAX || (bits != BITS_CALL && bits != BITS_REPLY)) {
        bits &= ~MACH_MSGH_BITS_COMPLEX;
        return bits == BITS_CALL || bits == BITS_REPLY
                   ? exchange_special(msg, option, send_size, rcv_size, rcv_name)
                   : neither(msg, option, send_size, rcv_size, rcv_name);
    }
    if (send_size != sizeof(*msg)) {
        struct cpu *cpu = current_cpu();

        kmsg = cpu->kmsg_cache;
        if (__builtin_expect(kmsg == NULL, 0)) /* the last is in a queue */
            return with_new_buffer(msg, option, send_size, rcv_size, rcv_name);
        cpu->kmsg_cache = NULL;
        header_of(kmsg)->msgh_bits = 0;
        header_of(kmsg)->msgh_size = send_size;
        if (__builtin_expect(!load_body(kmsg, msg, send_size), 0))
            return mach_msg_slow(kmsg);
    }
    if (bits == BITS_CALL)
        return exchange(true, msg, option, send_size, rcv_size, rcv_name, remote, local, id, kmsg,
                        NULL);
    return exchange(false, msg, option, send_size, rcv_size, rcv_name, remote, local, id, kmsg,
                        NULL);
}

mach_msg_return_t mach_msg_fast(mach_msg_header_t *msg, mach_msg_option_t option,
                                mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                mach_port_name_t rcv_name)
{
    mach_port_name_t remote, local;
    mach_msg_bits_t bits;
    mach_msg_id_t id;

    /* The header alone, and no options: the compiler leaves out what has to do with them. */
    if (option != SEND_RECEIVE || send_size != sizeof(*msg) || (uintptr_t)msg >= FAST_ADDRESS_MAX)
        return with_body(msg, option, send_size, rcv_size, rcv_name);
    if (__builtin_expect(!load_header(msg, &bits, &remote, &local, &id), 0))
        return mach_msg_slow(NULL);
    if (bits == BITS_CALL)
        return exchange(true, msg, SEND_RECEIVE, sizeof(*msg), rcv_size, rcv_name, remote, local,
                        id, NULL, NULL);
    if (bits == BITS_REPLY)
        return exchange(false, msg, SEND_RECEIVE, sizeof(*msg), rcv_size, rcv_name, remote, local,
                        id, NULL, NULL);
    return mach_msg_slow(NULL);
}
