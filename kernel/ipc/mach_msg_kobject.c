/*
 * The short way through mach_msg, to a kernel port: the routine's reply is made on the stack, and goes to the
 * user's buffer from there. Read mach_msg_fast.c and ipc_kobject.c before.
 */
#include <ipc/ipc_entry.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/mach_msg_copy.h>
#include <ipc/mach_msg_fast.h>
#include <kern/task.h>

#define KERNEL_REPLY_MAX 256 /* larger ones are not put on the stack */

mach_msg_return_t mach_msg_kobject(mach_msg_header_t *msg, mach_msg_size_t rcv_size,
                                   mach_port_name_t rcv_name, mach_msg_id_t id, ipc_port_t port,
                                   ipc_port_t reply, ipc_kmsg_t request)
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
    bool whole = special(request);
    ipc_kmsg_t answer;
    struct cpu *cpu;

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
