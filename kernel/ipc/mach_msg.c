/*
 * The mach_msg trap: send, receive, or both. The heart of the system, for every message there may be. (The
 * trap begins in mach_msg_fast.c, which does what is most frequent by itself.) An RPC's way through here:
 *
 *   mach_msg_trap
 *     ipc_kmsg_get       the message's bytes, in a buffer this CPU used last
 *     ipc_kmsg_copyin    destination and reply name become rights, in one hold of the space's lock
 *     ipc_mqueue_send    a receiver waits: the message is its own now; it is not woken yet
 *     ipc_mqueue_receive nothing there for us: we wait, and the CPU goes straight to that receiver,
 *                        past the run queues (thread_handoff). When the answer comes, the CPU
 *                        comes back in the same way
 *     ipc_kmsg_copyout   rights become names
 *     ipc_kmsg_put       the bytes, to the user
 *
 * Read mach/message.h before, for what each option means, and ipc_mqueue.c after.
 *
 * A send or receive that thread_abort ends returns MACH_SEND_INTERRUPTED or MACH_RCV_INTERRUPTED
 * always; starting it again, unless the options MACH_SEND_INTERRUPT and MACH_RCV_INTERRUPT ask for
 * the return, is libmach's part (as in Mach): what was sent is not sent again.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_right.h>
#include <kern/task.h>
#include <mach/mach_port_server.h>

/* Statistics: a lost count now and then is cheaper than an atomic operation each time. */
static void count_event(uint32_t *counter)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* A message that could not be sent goes back to the buffer it came from, with what it held. */
static mach_msg_return_t pseudo_receive(ipc_kmsg_t kmsg, mach_msg_header_t *msg, task_t task)
{
    mach_msg_return_t mr = ipc_kmsg_copyout_pseudo(kmsg, task->space, task->map);

    ipc_kmsg_put(kmsg, msg, MACH_MSG_OPTION_NONE, task->space, task->map);
    return mr;
}

static mach_msg_return_t mach_msg_send(mach_msg_header_t *msg, mach_msg_option_t option,
                                       mach_msg_size_t send_size, mach_msg_timeout_t timeout,
                                       struct ipc_exchange *exchange)
{
    task_t task = current_task();
    mach_msg_return_t mr;
    ipc_kmsg_t kmsg;

    mr = ipc_kmsg_get(msg, send_size, &kmsg);
    if (__builtin_expect(mr != MACH_MSG_SUCCESS, 0))
        return mr;
    mr = ipc_kmsg_copyin(kmsg, task->space, task->map);
    if (__builtin_expect(mr != MACH_MSG_SUCCESS, 0)) {
        ipc_kmsg_free(kmsg);
        return mr;
    }
    mr = ipc_mqueue_send(kmsg, option, timeout, exchange);
    if (__builtin_expect(mr != MACH_MSG_SUCCESS, 0))
        return mr | pseudo_receive(kmsg, msg, task);
    count_event(&task->messages_sent);
    return MACH_MSG_SUCCESS;
}

/* A message of which the receiver only gets to know what it was. */
static mach_msg_return_t put_header(ipc_kmsg_t kmsg, mach_msg_header_t *msg,
                                    mach_msg_size_t rcv_size,
                                    mach_msg_return_t mr)
{
    if (copyout(kmsg->ikm_header, msg, MIN(rcv_size, sizeof(*msg))) != 0)
        mr = MACH_RCV_INVALID_DATA;
    ipc_kmsg_free(kmsg);
    return mr;
}

mach_msg_return_t mach_msg_received(ipc_kmsg_t kmsg, mach_msg_header_t *msg,
                                    mach_msg_option_t option, mach_msg_size_t rcv_size)
{
    task_t task = current_task();
    mach_msg_return_t mr, put;

    count_event(&task->messages_received);
    if (mach_msg_put_plain(kmsg, msg, option, rcv_size, &mr))
        return mr;
    if (__builtin_expect(ipc_kmsg_room(kmsg, option) > rcv_size, 0)) {
        ipc_kmsg_strip(kmsg);
        return put_header(kmsg, msg, rcv_size, MACH_RCV_TOO_LARGE);
    }
    mr = ipc_kmsg_copyout(kmsg, task->space, task->map);
    if (__builtin_expect((mr & ~MACH_MSG_MASK) == MACH_RCV_HEADER_ERROR, 0))
        return put_header(kmsg, msg, rcv_size, mr);
    put = ipc_kmsg_put(kmsg, msg, option, task->space, task->map);
    return put != MACH_MSG_SUCCESS ? put : mr;
}

mach_msg_return_t mach_msg_receive(mach_msg_header_t *msg, mach_msg_option_t option,
                                   mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
                                   mach_msg_timeout_t timeout, struct ipc_exchange *exchange)
{
    mach_msg_size_t needed;
    mach_msg_return_t mr;
    ipc_kmsg_t kmsg;

    mach_msg_fast_wait(current_thread(), msg, option, rcv_size);
    mr = ipc_mqueue_receive(current_space(), rcv_name, option, rcv_size, timeout, exchange, &kmsg,
                            &needed);
    if (__builtin_expect(mr != MACH_MSG_SUCCESS, 0)) {
        if (mr == MACH_RCV_TOO_LARGE && rcv_size >= sizeof(*msg)
            && copyout(&needed, &msg->msgh_size, sizeof(needed)) != 0)
            mr = MACH_RCV_INVALID_DATA;
        return mr;
    }
    return mach_msg_received(kmsg, msg, option, rcv_size);
}

mach_msg_return_t mach_msg_trap(mach_msg_header_t *msg, mach_msg_option_t option,
                                mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
                                mach_port_name_t notify)
{
    struct ipc_exchange exchange = {.call = IP_NULL};
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    if (option & MACH_SEND_MSG) {
        mr = mach_msg_send(msg, option, send_size, timeout, &exchange);
        if (__builtin_expect(mr != MACH_MSG_SUCCESS, 0))
            return mr;
    }
    if (option & MACH_RCV_MSG)
        return mach_msg_receive(msg, option, rcv_size, rcv_name, timeout, &exchange);
    ipc_exchange_finish(&exchange);
    return mr;
}

/* ---- names for what every task has ----------------------------------------------------------- */

mach_port_name_t mach_reply_port_trap(void)
{
    mach_port_name_t name;

    if (mach_port_allocate(current_space(), MACH_PORT_RIGHT_RECEIVE, &name) != KERN_SUCCESS)
        return MACH_PORT_NAME_NULL;
    return name;
}

mach_port_name_t mach_thread_self_trap(void)
{
    thread_t self = current_thread();
    ipc_port_t port;

    spin_lock(&self->task->lock);
    port = ipc_port_make_send(self->self);
    spin_unlock(&self->task->lock);
    return ipc_space_copyout_send(current_space(), port);
}

mach_port_name_t mach_task_self_trap(void)
{
    task_t task = current_task();
    ipc_port_t port;

    spin_lock(&task->lock);
    port = ipc_port_make_send(task->self);
    spin_unlock(&task->lock);
    return ipc_space_copyout_send(task->space, port);
}

mach_port_name_t mach_host_self_trap(void)
{
    task_t task = current_task();
    ipc_port_t port;

    spin_lock(&task->lock);
    port = ipc_port_copy_send(task->host);
    spin_unlock(&task->lock);
    return ipc_space_copyout_send(task->space, port);
}
