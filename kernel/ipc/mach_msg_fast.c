/*
 * The short way through mach_msg: a small, simple message to a thread that waits for it, and the wait
 * for the next, in one trap. This is an RPC's request, and its reply.
 *
 * Read mach_msg.c and ipc_mqueue.c before. Nothing is done here that they would do otherwise; it is done
 * in one piece, and for this one case:
 *
 *   mach_msg_fast     all locks are taken, in their order, and everything is looked at. Is anything not
 *                     as it should be they are released, and mach_msg_trap does it, from the beginning.
 *                     From the first change on nothing can fail.
 *   machine_handoff   leaves the sender's kernel stack: what the sender has to come back to is all in
 *                     its trapframe (a CONTINUATION, as in Mach 3.0), so no register is saved
 *   arrive            in the receiver, on its stack: the reply right gets a name, the message goes to
 *                     its buffer, whose place the thread has told before it began to wait
 *
 * The header travels in registers, a body in a buffer that this CPU keeps.
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
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/trace.h>

#define SEND_RECEIVE (MACH_SEND_MSG | MACH_RCV_MSG)
/* Options that make no difference when nobody waits for room, and the message fits. */
#define FAST_OPTIONS                                                                   \
    (MACH_RCV_LARGE | MACH_SEND_TIMEOUT | MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT     \
     | MACH_RCV_TRAILER_ELEMENTS(0xf))

#define FAST_SIZE_MAX (IKM_SMALL_SIZE - MAX_TRAILER_SIZE)
#define LARGE_SIZE_MAX (IKM_LARGE_SIZE - MAX_TRAILER_SIZE)
/* A message with one right, and nothing after it. */
#define ONE_RIGHT_SIZE (sizeof(mach_msg_base_t) + sizeof(mach_msg_port_descriptor_t))
/* User addresses below this need no further check for a message. */
#define FAST_ADDRESS_MAX (VM_MAX_ADDRESS - 2 * MACH_MSG_SIZE_MAX)

#define BITS_CALL  MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define BITS_REPLY MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* The same as they arrive. */
#define BITS_CALLED  MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define BITS_REPLIED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

/* From handoff.S. */
mach_msg_return_t mach_msg_arrive(struct thread *old, struct thread *self,
                                  mach_port_name_t local_port, mach_port_seqno_t seqno,
                                  mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg);
mach_msg_return_t mach_msg_continue(void);

static bool fast_off;

void mach_msg_fast_init(void)
{
    char value[8];

    fast_off = trace_size != 0
               || (boot_arg("fastpath", value, sizeof(value)) && strcmp(value, "off") == 0);
}

/* See copyio.S: the instructions 1, 2 and 3 touch user memory; if that cannot be, %0 becomes NULL. */
#define USER_ACCESS                                                                    \
    "4:\n"                                                                             \
    ".subsection 1\n"                                                                  \
    "5: mov %0, xzr\n"                                                                 \
    "   b 4b\n"                                                                        \
    ".previous\n"                                                                      \
    ".pushsection .ex_table, \"a\"\n"                                                  \
    ".balign 8\n"                                                                      \
    ".quad 1b, 5b, 2b, 5b, 3b, 5b\n"                                                   \
    ".popsection\n"

static inline bool load_header(const mach_msg_header_t *user, mach_msg_bits_t *bits,
                               mach_port_name_t *remote, mach_port_name_t *local, mach_msg_id_t *id)
{
    __asm__ volatile("1: ldr %w1, [%0]\n"
                     "2: ldp %w2, %w3, [%0, #8]\n"
                     "3: ldr %w4, [%0, #20]\n" USER_ACCESS
                     : "+&r"(user), "=&r"(*bits), "=&r"(*remote), "=&r"(*local), "=&r"(*id)
                     :
                     : "memory");
    return user != NULL;
}

static inline bool store_header(mach_msg_header_t *user, mach_msg_bits_t bits, mach_msg_size_t size,
                                mach_port_name_t remote, mach_port_name_t local,
                                mach_port_seqno_t seqno, mach_msg_id_t id)
{
    __asm__ volatile("1: stp %w1, %w2, [%0]\n"
                     "2: stp %w3, %w4, [%0, #8]\n"
                     "3: stp %w5, %w6, [%0, #16]\n" USER_ACCESS
                     : "+&r"(user)
                     : "r"(bits), "r"(size), "r"(remote), "r"(local), "r"(seqno), "r"(id)
                     : "memory");
    return user != NULL;
}

/*
 * A body, or what is left of it: size is a multiple of 4, and more than 0. FROM and TO say which side is
 * the user's: those instructions have entries in the exception table. If it cannot be touched that pointer,
 * operand `user`, becomes NULL.
 */
#define USER(instruction)                                                              \
    "9: " instruction "\n .pushsection .ex_table, \"a\"\n .quad 9b, 7f\n .popsection\n"
#define KERN(instruction) instruction "\n"
#define COPY_BODY(dst, src, size, FROM, TO, user)                                      \
    do {                                                                               \
        uint64_t a, b, c, d, e, f, g, h;                                               \
                                                                                       \
        __asm__ volatile(                                                              \
            "subs %w2, %w2, #64\n"                                                       \
            "b.lo 2f\n"                                                                \
            "1:\n" FROM("ldp %3, %4, [%1], #64") FROM("ldp %5, %6, [%1, #-48]")        \
            FROM("ldp %7, %8, [%1, #-32]") FROM("ldp %9, %10, [%1, #-16]")            \
            TO("stp %3, %4, [%0], #64") TO("stp %5, %6, [%0, #-48]")                   \
            TO("stp %7, %8, [%0, #-32]") TO("stp %9, %10, [%0, #-16]")                \
            "subs %w2, %w2, #64\n"                                                       \
            "b.hs 1b\n"                                                                \
            "2: tbz %w2, #5, 3f\n" /* (the low bits are as they were) */                \
            FROM("ldp %3, %4, [%1], #32") FROM("ldp %5, %6, [%1, #-16]")               \
            TO("stp %3, %4, [%0], #32") TO("stp %5, %6, [%0, #-16]")                   \
            "3: tbz %w2, #4, 4f\n"                                                      \
            FROM("ldp %3, %4, [%1], #16") TO("stp %3, %4, [%0], #16")                  \
            "4: tbz %w2, #3, 5f\n"                                                      \
            FROM("ldr %3, [%1], #8") TO("str %3, [%0], #8")                            \
            "5: tbz %w2, #2, 6f\n"                                                      \
            FROM("ldr %w3, [%1]") TO("str %w3, [%0]")                                  \
            "6:\n"                                                                     \
            ".subsection 1\n"                                                          \
            "7: mov %" user ", xzr\n"                                                   \
            "   b 6b\n"                                                                \
            ".previous\n"                                                              \
            : "+&r"(dst), "+&r"(src), "+&r"(size), "=&r"(a), "=&r"(b), "=&r"(c),       \
               "=&r"(d), "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h)               \
            :                                                                          \
            : "memory", "cc");                                                         \
    } while (0)

static inline bool load_body(ipc_kmsg_t kmsg, const mach_msg_header_t *user, mach_msg_size_t size)
{
    mach_msg_size_t left = size - sizeof(*user);
    char *to = (char *)kmsg->ikm_inline + sizeof(*user);
    const char *from = (const char *)(user + 1);

    COPY_BODY(to, from, left, USER, KERN, "1");
    return from != NULL;
}

static inline bool store_body(mach_msg_header_t *user, const void *message, mach_msg_size_t size)
{
    mach_msg_size_t left = size - sizeof(*user);
    const char *from = (const char *)message + sizeof(*user);
    char *to = (char *)(user + 1);

    COPY_BODY(to, from, left, KERN, USER, "0");
    return to != NULL;
}

/* ---- the receiver's side --------------------------------------------------------------------- */

/* The thread before us waits: all that thread_continue would do. */
static inline void finish_old(struct thread *old)
{
    __atomic_store_n(&old->on_cpu, false, __ATOMIC_RELEASE);
    spin_unlock(&old->lock);
}

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

static inline mach_msg_header_t *header_of(ipc_kmsg_t kmsg)
{
    return (mach_msg_header_t *)kmsg->ikm_inline;
}

static inline mach_msg_size_t message_size(ipc_kmsg_t kmsg)
{
    return kmsg == NULL ? sizeof(mach_msg_header_t) : header_of(kmsg)->msgh_size;
}

/* Is it large, or complex? Then the buffer holds a message in whole; else the body, and bits of 0. */
static inline bool special(ipc_kmsg_t kmsg)
{
    return kmsg != NULL && header_of(kmsg)->msgh_bits != 0;
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
arrive_special(struct thread *self, mach_port_name_t local_port, mach_port_seqno_t seqno,
               mach_msg_id_t id, mach_port_name_t name, mach_msg_bits_t bits, ipc_kmsg_t kmsg)
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
arrive_with(struct thread *self, mach_port_name_t local_port, mach_port_seqno_t seqno,
            mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg, security_token_t sender)
{
    mach_msg_size_t size = message_size(kmsg);
    mach_msg_bits_t bits = reply != IP_NULL ? BITS_CALLED : BITS_REPLIED;
    ipc_space_t space = self->task->space;
    mach_port_name_t name = MACH_PORT_NAME_NULL;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    kern_return_t kr = KERN_RESOURCE_SHORTAGE;
    struct ipc_entry *entry;

    self->task->messages_received++;
    if (reply != IP_NULL) {
        is_lock(space);
        if (space->active && (kr = ipc_entry_alloc(space, &entry)) == KERN_SUCCESS)
            name = name_reply(entry, reply);
        is_unlock(space);
        if (kr != KERN_SUCCESS) { /* only the header arrives */
            ipc_port_release_sonce(reply);
            bits &= ~MACH_MSGH_BITS_REMOTE_MASK;
            mr = MACH_RCV_HEADER_ERROR
                 | (kr == KERN_NO_SPACE ? MACH_MSG_IPC_SPACE : MACH_MSG_IPC_KERNEL);
        }
    }
    if (special(kmsg) && mr == MACH_MSG_SUCCESS) {
        kmsg->ikm_sender = sender;
        return arrive_special(self, local_port, seqno, id, name, bits, kmsg);
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

/* The same from the beginning: somebody waits for old to leave its CPU, or a trailer is wanted. */
static __attribute__((noinline)) mach_msg_return_t
arrive_from(struct thread *old, struct thread *self, mach_port_name_t local_port,
            mach_port_seqno_t seqno, mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    security_token_t sender = old->task->token;

    if (old->watched)
        thread_continue(old);
    else
        finish_old(old);
    return arrive_with(self, local_port, seqno, id, reply, kmsg, sender);
}

/*
 * The message has come, and with it this CPU, to `self`, which has left its wait queue. On its stack, with
 * nothing on it; what is returned is the trap's result. `old` is the sender, whose lock is held.
 * local_port: the name the receiver knows the port by. kmsg: buffer with the body, or NULL.
 *
 * It calls nothing but what it ends with: so no registers need be saved.
 */
mach_msg_return_t mach_msg_arrive(struct thread *old, struct thread *self,
                                  mach_port_name_t local_port, mach_port_seqno_t seqno,
                                  mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    mach_port_name_t name = MACH_PORT_NAME_NULL;
    mach_msg_header_t *user = self->ith_msg;
    mach_msg_bits_t bits = BITS_REPLIED;
    struct task *task = self->task;
    mach_msg_size_t size;
    struct cpu *cpu;

    if (__builtin_expect(old->watched
                         || (self->ith_option & MACH_RCV_TRAILER_ELEMENTS(0xf)), 0))
        return arrive_from(old, self, local_port, seqno, id, reply, kmsg);
    finish_old(old);
    if (reply != IP_NULL) {
        ipc_space_t space = task->space;
        struct ipc_entry *entry;

        is_lock(space);
        entry = space->spare;
        if (__builtin_expect(!space->active || entry == NULL, 0)) {
            spin_unlock(&space->lock);
            return arrive_with(self, local_port, seqno, id, reply, kmsg,
                               (security_token_t)KERNEL_SECURITY_TOKEN_VALUE); /* (not asked for) */
        }
        space->spare = NULL;
        name = name_reply(entry, reply);
        spin_unlock(&space->lock);
        bits = BITS_CALLED;
    }
    task->messages_received++;
    if (kmsg == NULL) {
        if (__builtin_expect(!store_header(user, bits, sizeof(*user), name, local_port, seqno, id),
                             0))
            return lost(name);
        return MACH_MSG_SUCCESS;
    }
    size = header_of(kmsg)->msgh_size;
    if (__builtin_expect(header_of(kmsg)->msgh_bits != 0, 0))
        return arrive_special(self, local_port, seqno, id, name, bits, kmsg);
    if (__builtin_expect(!store_header(user, bits, size, name, local_port, seqno, id)
                         || !store_body(user, kmsg->ikm_inline, size), 0))
        return lost_body(name, kmsg);
    cpu = self->machine.cpu;
    if (__builtin_expect(cpu->kmsg_cache != NULL, 0))
        return free_and_return(kmsg);
    cpu->kmsg_cache = kmsg;
    return MACH_MSG_SUCCESS;
}

/* A thread that waited in mach_msg_fast was woken in another way than by mach_msg_fast. */
mach_msg_return_t mach_msg_continue(void)
{
    struct thread *self = current_thread();
    uint64_t *args = self->machine.frame->x;

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

/* ---- the sender's side ----------------------------------------------------------------------- */

/* The long way, from the beginning. */
static __attribute__((noinline)) mach_msg_return_t slow(ipc_kmsg_t kmsg)
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
    uint32_t index = MACH_PORT_INDEX(name);
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
static inline bool load_cargo(ipc_space_t space, struct cargo *cargo)
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
    return slow(kmsg);
}

static inline void set_room(struct thread *self, mach_msg_header_t *msg, mach_msg_option_t option,
                            mach_msg_size_t rcv_size)
{
    self->ith_msg = msg;
    self->ith_room = rcv_size;
    if (__builtin_expect(option & MACH_RCV_TRAILER_ELEMENTS(0xf), 0)) {
        self->ith_room -= MIN(rcv_size, MAX_TRAILER_SIZE);
        if (ipc_trailer_size(option) > sizeof(mach_msg_security_trailer_t))
            self->ith_room = 0; /* the port's payload: the long way knows it */
    }
}

void mach_msg_fast_wait(struct thread *self, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size)
{
    set_room(self, msg, option, rcv_size);
    if ((option & MACH_RCV_TIMEOUT) || (uintptr_t)msg >= FAST_ADDRESS_MAX || fast_off)
        self->ith_room = 0;
}

/* Is there anything for a receiver, or is the port in a set? A sender waits at a port without messages
 * only if its limit is 0. Port locked. */
static inline bool not_quiet(ipc_port_t port)
{
    return port->msgcount != 0 || port->so_notes != 0 || port->qlimit == 0
           || !queue_empty(&port->psets);
}

#define KERNEL_REPLY_MAX 256 /* larger ones are not put on the stack */

/*
 * A request to a kernel port, in request, from a space that holds the right to receive from reply; both
 * rights are counted, the first is a send right. The routine runs here, and its answer goes straight to
 * the user, if the reply port is still as it was.
 */
static __attribute__((noinline)) mach_msg_return_t
kernel_rpc(mach_msg_header_t *msg, mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
           mach_msg_id_t id, ipc_port_t port, ipc_port_t reply, ipc_kmsg_t request)
{
    struct ipc_exchange exchange = {.call = IP_NULL};
    struct task *task = current_task();
    mach_msg_header_t *header = request->ikm_header;
    mach_port_seqno_t seqno;
    union {
        mach_msg_header_t header;
        char room[KERNEL_REPLY_MAX];
    } out;
    mach_msg_size_t reply_size;
    mig_kernel_stub_t routine = ipc_kobject_routine(id, &reply_size);
    ipc_kmsg_t answer;
    struct cpu *cpu;

    bool whole = header->msgh_bits != 0;

    header->msgh_bits = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX)
                        | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE);
    header->msgh_remote_port = MACH_PORT_NAME_NULL;
    header->msgh_local_port = rcv_name;
    header->msgh_id = id;
    request->ikm_remote = port;
    request->ikm_local = reply;
    request->ikm_sender = task->token;
    request->ikm_circular = false;
    task->messages_sent++;
    if (reply_size > sizeof(out) || whole) {
        exchange.reply = ipc_kobject_server(request);
        goto receive;
    }
    if (!ipc_kobject_call(routine, request, &out.header)) {
        ipc_kmsg_destroy(request);
        goto receive;
    }
    ip_lock(reply);
    if (__builtin_expect(reply->receiver != task->space || reply->receiver_name != rcv_name
                         || not_quiet(reply) || !waitq_empty(&reply->receivers)
                         || request->ikm_local != reply || out.header.msgh_bits != 0
                         || (header->msgh_bits & MACH_MSGH_BITS_COMPLEX)
                         || out.header.msgh_size > rcv_size || out.header.msgh_size % 4 != 0, 0)) {
        ip_unlock(reply);
        answer = ipc_kmsg_alloc(out.header.msgh_size);
        if (answer == NULL) { /* who waits gets a send-once notification */
            struct ipc_work work;

            ipc_work_init(&work);
            ipc_kmsg_clean_body(&out.header, &work);
            ipc_work_run(&work);
            ipc_kmsg_destroy(request);
        } else {
            memcpy(answer->ikm_header, &out, out.header.msgh_size);
            exchange.reply = ipc_kobject_reply(request, answer);
        }
        goto receive;
    }
    reply->sorights--;
    seqno = reply->seqno++;
    ip_unlock(reply);
    task->messages_received++;
    ip_lock(port);
    if (__builtin_expect(port->srights > 1, 1)) {
        port->srights--;
        ip_unlock(port);
    } else {
        ip_unlock(port);
        ipc_port_release_send(port);
    }
    cpu = current_cpu();
    if (__builtin_expect(cpu->kmsg_cache == NULL, 1))
        cpu->kmsg_cache = request;
    else
        ipc_kmsg_free(request);
    if (!store_header(msg, BITS_REPLIED, out.header.msgh_size, MACH_PORT_NAME_NULL, rcv_name, seqno,
                      out.header.msgh_id)
        || !store_body(msg, &out.header, out.header.msgh_size))
        return MACH_RCV_INVALID_DATA;
    return MACH_MSG_SUCCESS;

receive:
    return mach_msg_receive(msg, MACH_RCV_MSG, rcv_size, rcv_name, MACH_MSG_TIMEOUT_NONE,
                            &exchange);
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
    struct cpu *cpu;

    /* Names to ports. */
    if (cargo == NULL && local != (call ? rcv_name : MACH_PORT_NAME_NULL))
        return slow(kmsg);
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
        struct ipc_pset_link *link = queue_first(&port->psets, struct ipc_pset_link, in_port);

        if (kmsg != NULL && option == SEND_RECEIVE && port->receiver == ipc_space_kernel) {
            port->srights++;
            reply->sorights++;
            spin_unlock(home_lock);
            ip_unlock(port);
            spin_unlock(&space->lock);
            return kernel_rpc(msg, rcv_size, rcv_name, id, port, reply, kmsg);
        }
        if (queue_empty(&port->psets) || link->in_port.next != &port->psets || port->msgcount != 0)
            goto unlock_ports; /* in more sets than one they are all looked at */
        dest_set = &link->pset->lock;
        receivers = &link->pset->receivers;
        spin_lock(dest_set);
    }
    if (waitq_empty(receivers))
        goto unlock_set;
    next = queue_first(&receivers->threads, struct thread, wait_link);
    cpu = self->machine.cpu;
    if (next->ith_room < send_size || next->on_cpu
        || (cpu->runq.count != 0 && runq_highest(&cpu->runq) > next->sched_priority))
        goto unlock_set;
    spin_lock(&self->lock);
    /* Under the lock, so that an abort is either seen here, or sees the wait. The other thread's lock
     * is only tried, against the order: its holder may want ours. */
    if ((self->ast & (AST_ABORT | AST_TERMINATE)) != 0
        || (call && self->sched_priority > next->priority) /* to whom it lends: kern/inherit.h */
        || !spin_try_lock(&next->lock))
        goto unlock_self;

    /* From here on nothing fails. The message is the receiver's ... */
    queue_remove(&next->wait_link);
    next->state = TH_RUNNABLE;
    next->slice = self->slice;
    spin_unlock(&next->lock);
    local_port = port->receiver_name;
    seqno = port->seqno++;
    if (call) {
        reply->sorights++;
        port->server = next;
    } else {
        port->sorights--;
        dest->bits = (dest->bits & IE_BITS_GEN) + IE_BITS_GEN_ONE;
        space->spare = dest;
    }
    /* ... and we wait for ours. */
    self->state = TH_WAITING;
    self->interruptible = true;
    self->waitq = wait;
    self->wait_deadline = DEADLINE_NONE;
    self->server = call ? next : NULL;
    enqueue_tail(&wait->threads, &self->wait_link);
    self->ith_kmsg = NULL;
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
    return machine_handoff(self, next, local_port, seqno, id, reply, kmsg);

unlock_self:
    spin_unlock(&self->lock);
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
    return slow(kmsg);
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
        return slow(NULL);
    header = header_of(kmsg);
    if (copyin(msg, header, send_size) != 0)
        return slow(kmsg);
    header->msgh_size = send_size;
    kmsg->ikm_remote = IP_NULL;
    kmsg->ikm_local = IP_NULL;
    bits = header->msgh_bits & ~MACH_MSGH_BITS_COMPLEX;
    if (bits == BITS_CALL ? header->msgh_local_port != rcv_name
                          : bits != BITS_REPLY || header->msgh_local_port != MACH_PORT_NAME_NULL)
        return slow(kmsg);
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
            return slow(kmsg);
        }
    }
    return exchange(bits == BITS_CALL, msg, option, send_size, rcv_size, rcv_name,
                    header->msgh_remote_port, header->msgh_local_port, header->msgh_id, kmsg,
                    &cargo);
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
        return slow(NULL);
    if (send_size > FAST_SIZE_MAX || (bits != BITS_CALL && bits != BITS_REPLY))
        return exchange_special(msg, option, send_size, rcv_size, rcv_name);
    if (send_size != sizeof(*msg)) {
        struct cpu *cpu = current_cpu();

        kmsg = cpu->kmsg_cache;
        if (__builtin_expect(kmsg == NULL, 0))
            return slow(NULL);
        cpu->kmsg_cache = NULL;
        header_of(kmsg)->msgh_bits = 0;
        header_of(kmsg)->msgh_size = send_size;
        if (__builtin_expect(!load_body(kmsg, msg, send_size), 0))
            return slow(kmsg);
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
        return slow(NULL);
    if (bits == BITS_CALL)
        return exchange(true, msg, SEND_RECEIVE, sizeof(*msg), rcv_size, rcv_name, remote, local,
                        id, NULL, NULL);
    if (bits == BITS_REPLY)
        return exchange(false, msg, SEND_RECEIVE, sizeof(*msg), rcv_size, rcv_name, remote, local,
                        id, NULL, NULL);
    return slow(NULL);
}
