/*
 * The short way to a pager and back: the kernel asks for a page, and gets one. Read mach_msg_fast.c,
 * mach/memory_object.defs and vm/memory_object.c before.
 *
 *   mach_msg_ask_pager  the request, made where it is sent from. If a thread of the pager's waits it has
 *                       it; and it gets the CPU from vm_fault.c, which will have to wait
 *   mach_msg_supply     the answer, if it is one page that was asked for: the bytes go from the pager's
 *                       memory to the frame, without a message in between; and the CPU goes to who waits
 *                       for the page, when the pager does for the next request
 *
 * The messages are laid out as MIG's stubs do, who serve the long way.
 */
#include <ipc/ipc_entry.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/mach_msg_fast.h>
#include <kern/task.h>
#include <mach/memory_object_user.h>
#include <vm/vm_object.h>

#define REQUEST_ID 2202 /* memory_object.defs: memory_object_data_request */
#define SUPPLY_ID  2241 /* memory_object_control.defs: memory_object_data_supply */

struct request {
    mach_msg_base_t base;
    mach_msg_port_descriptor_t control;
    vm_offset_t offset;
    vm_size_t length;
    vm_prot_t access;
};
#define REQUEST_SIZE (offsetof(struct request, access) + sizeof(vm_prot_t))

struct supply {
    mach_msg_base_t base;
    mach_msg_ool_descriptor_t data;
    mach_msg_port_descriptor_t reply;
    vm_offset_t offset;
    vm_prot_t lock_value;
    boolean_t precious;
};
static_assert(sizeof(struct supply) == MACH_MSG_SUPPLY_SIZE, "mach_msg_fast.c knows it by that");

kern_return_t mach_msg_ask_pager(ipc_port_t pager, ipc_port_t control, vm_offset_t offset, vm_size_t length,
                                 vm_prot_t access, struct ledger *payer, thread_t *receiver)
{
    kern_return_t kr = KERN_SUCCESS;
    struct request *request;
    ipc_kmsg_t kmsg;

    *receiver = NULL;
    if (mach_msg_fast_off && payer == NULL)
        return memory_object_data_request(pager, control, offset, length, access);
    if (mach_msg_fast_off)
        return sender_pays(memory_object_data_request(pager, control, offset, length, access));
    kmsg = ipc_kmsg_alloc(REQUEST_SIZE);
    if (kmsg == NULL)
        return MACH_SEND_NO_BUFFER;
    kmsg->ikm_remote = ipc_port_copy_send(pager);
    if (!IP_VALID(kmsg->ikm_remote)) {
        ipc_kmsg_free(kmsg);
        return MACH_SEND_INVALID_DEST;
    }
    request = (struct request *)kmsg->ikm_header;
    request->base.header.msgh_bits =
        MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    request->base.header.msgh_id = REQUEST_ID;
    request->base.body = (mach_msg_body_t){.msgh_descriptor_count = 1};
    request->control = (mach_msg_port_descriptor_t){
        .kport = (uint64_t)ipc_port_make_send(control),
        .disposition = MACH_MSG_TYPE_PORT_SEND,
        .type = MACH_MSG_PORT_DESCRIPTOR,
    };
    request->offset = offset;
    request->length = length;
    request->access = access;
    if (!ipc_mqueue_deliver(kmsg, payer, receiver)) {
        if (__atomic_load_n(&kmsg->ikm_remote->active, __ATOMIC_ACQUIRE))
            kr = MACH_SEND_TIMED_OUT; /* else it has just died, and who watches it will say so */
        ipc_kmsg_destroy(kmsg);
    }
    return kr;
}

/* Is it what a pager says nearly always? A page, which it keeps, by a send right, and no reply. */
static bool is_plain(const struct supply *in)
{
    mach_msg_bits_t bits = in->base.header.msgh_bits & ~MACH_MSGH_BITS_COMPLEX;

    return in->base.header.msgh_bits != bits && in->base.header.msgh_id == SUPPLY_ID
           && (bits == MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
               || bits == MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0))
           && in->base.header.msgh_local_port == MACH_PORT_NAME_NULL
           && in->base.body.msgh_descriptor_count == 2 && in->data.size == PAGE_SIZE
           && in->data.type == MACH_MSG_OOL_DESCRIPTOR && !in->data.deallocate
           && in->data.copy <= MACH_MSG_ALLOCATE && in->reply.type == MACH_MSG_PORT_DESCRIPTOR
           && in->reply.name == MACH_PORT_NAME_NULL
           && MACH_MSG_TYPE_PORT_ANY_SEND(in->reply.disposition);
}

static void lock_object(void *object)
{
    spin_lock(&((vm_object_t)object)->lock);
}

/*
 * All is looked at with the locks held, and the copy of the page is the last thing that can fail. A right
 * that moves must not be the name's last: so it costs a user reference, and nothing else, since the right in
 * the message would be made and used up. The object needs no reference: who frees it locks it once more
 * after its port has died, which we have seen alive. *waiter as in memory_object_supply_page. False: nothing
 * has changed.
 */
static bool supply(ipc_space_t space, const struct supply *in, thread_t *waiter)
{
    bool move = MACH_MSGH_BITS_REMOTE(in->base.header.msgh_bits) == MACH_MSG_TYPE_MOVE_SEND;
    vm_object_t object = NULL;
    struct ipc_entry *entry;
    bool done = false;

    is_lock(space);
    entry = space->active ? ipc_entry_lookup(space, in->base.header.msgh_remote_port) : NULL;
    if (entry != NULL && (entry->bits & MACH_PORT_TYPE_SEND) && ipc_entry_urefs(entry) > move)
        object = ipc_port_kobject(entry->port, IKOT_MEMORY_CONTROL, lock_object);
    if (object != NULL) {
        done = memory_object_supply_page(object, in->offset, (const void *)in->data.address,
                                         in->lock_value, in->precious, waiter);
        spin_unlock(&object->lock);
        entry->bits -= done && move;
    }
    is_unlock(space);
    return done;
}

mach_msg_return_t mach_msg_supply(mach_msg_header_t *msg, mach_msg_option_t option,
                                  mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
    struct ipc_exchange exchange = {.call = IP_NULL};
    struct task *task = current_task();
    struct supply in;

    if (mach_msg_fast_off || copyin(msg, &in, sizeof(in)) != 0 || !is_plain(&in)
        || !supply(task->space, &in, &exchange.receiver))
        return mach_msg_slow(NULL);
    task->messages_sent++;
    if (option & MACH_RCV_MSG)
        return mach_msg_receive(msg, option, rcv_size, rcv_name, MACH_MSG_TIMEOUT_NONE, &exchange);
    ipc_exchange_finish(&exchange);
    return MACH_MSG_SUCCESS;
}
