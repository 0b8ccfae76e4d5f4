/*
 * What the tests of lab ipc share. They are careful to use of the kernel what their own exercise is about,
 * and else only what the starter has: a message of an unknown id to the task's own port, for instance, is
 * copied in, refused and destroyed, with no queue in between.
 */
#ifndef LAB_IPC_H
#define LAB_IPC_H

#include "mach_test.h"

/* A receive right and one send right under the same name, made without ipc_right_copyout_name. */
static inline mach_port_t port_with_send(void)
{
    mach_port_t port = new_port(), send = MACH_PORT_NULL;
    mach_msg_type_name_t type;

    mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND, &send, &type);
    return send == port ? port : MACH_PORT_NULL;
}

/* Another send right to a port of `task`, whose name for it is given. */
static inline mach_port_t send_right_of(task_t task, mach_port_t name)
{
    mach_port_t send = MACH_PORT_NULL;
    mach_msg_type_name_t type;

    if (mach_port_extract_right(task, name, MACH_MSG_TYPE_MAKE_SEND, &send, &type) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    return send;
}

static inline mach_port_status_t status_of(mach_port_t port)
{
    mach_port_status_t status;

    memset(&status, 0xff, sizeof(status));
    mach_port_get_receive_status(SELF, port, &status);
    return status;
}

static inline uint32_t ports_now(void)
{
    struct host_counters now;

    counters(&now);
    return now.ports;
}

#define RIGHTS_MAX 4

/* A message to the task port that means nothing there and carries up to RIGHTS_MAX rights. */
struct rights_message {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t port[RIGHTS_MAX];
};

static inline void add_right(struct rights_message *m, mach_port_t name, mach_msg_type_name_t how)
{
    m->port[m->body.msgh_descriptor_count++] = (mach_msg_port_descriptor_t){
        .name = name, .disposition = (uint8_t)how, .type = MACH_MSG_PORT_DESCRIPTOR};
}

static inline mach_msg_return_t send_rights(struct rights_message *m)
{
    m->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m->header.msgh_remote_port = SELF;
    m->header.msgh_id = 31337;
    return mach_msg(&m->header, MACH_SEND_MSG,
                    offsetof(struct rights_message, port)
                        + m->body.msgh_descriptor_count * sizeof(m->port[0]),
                    0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

/* The same with one right. */
static inline mach_msg_return_t give_away(mach_port_t name, mach_msg_type_name_t how)
{
    struct rights_message m = {.body.msgh_descriptor_count = 0};

    add_right(&m, name, how);
    return send_rights(&m);
}

/* Instructions retired on this CPU, under icount. */
static inline uint32_t instructions(void)
{
    uint64_t n;

    __asm__ volatile("isb\n mrs %0, pmevcntr0_el0" : "=r"(n));
    return (uint32_t)n;
}

#endif
