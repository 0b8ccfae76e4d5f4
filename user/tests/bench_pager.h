/*
 * A pager in a task of its own, whose object's data is its memory: what bench.c takes pager_fault from.
 * Its loop is one trap a request, as echo_server's there: the answer is sent, with the right to the
 * kernel's port that came with the request, and the next request is waited for.
 */
#ifndef BENCH_PAGER_H
#define BENCH_PAGER_H

#include "mach_child.h"

#include <mach/memory_object_control.h>

#define PAGER_PAGES 256

/* memory_object.defs: routines by number, and the requests that there are to be answered. */
#define PAGER_INIT    2200
#define PAGER_REQUEST 2202
/* memory_object_control.defs */
#define CONTROL_SUPPLY 2241

union pager_message {
    mach_msg_header_t header;
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t control;
        vm_offset_t offset;
        vm_size_t length;
        vm_prot_t access;
    } request;
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_descriptor_t data;
        mach_msg_port_descriptor_t reply;
        vm_offset_t offset;
        vm_prot_t lock_value;
        boolean_t precious;
    } supply;
    char room[128];
};

/* The answer to a request, in its place. */
static inline void pager_supply(union pager_message *m, vm_address_t store)
{
    mach_port_t control = m->request.control.name;
    vm_offset_t offset = m->request.offset;
    vm_size_t length = m->request.length;

    m->supply.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m->supply.header.msgh_remote_port = control;
    m->supply.header.msgh_local_port = MACH_PORT_NULL;
    m->supply.header.msgh_id = CONTROL_SUPPLY;
    m->supply.body.msgh_descriptor_count = 2;
    m->supply.data = (mach_msg_ool_descriptor_t){
        .address = store + offset,
        .size = (uint32_t)length,
        .copy = MACH_MSG_VIRTUAL_COPY,
        .type = MACH_MSG_OOL_DESCRIPTOR,
    };
    m->supply.reply = (mach_msg_port_descriptor_t){
        .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE, /* of no port: no answer is wanted */
        .type = MACH_MSG_PORT_DESCRIPTOR,
    };
    m->supply.offset = offset;
    m->supply.lock_value = VM_PROT_NONE;
    m->supply.precious = FALSE;
}

static void pager_task(uint64_t object)
{
    static union pager_message m;
    mach_msg_option_t send = 0;
    vm_address_t store = 0;

    if (vm_allocate(SELF, &store, PAGER_PAGES * PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return;
    for (vm_offset_t at = 0; at < PAGER_PAGES * PAGE_SIZE; at += sizeof(vm_offset_t))
        *(vm_offset_t *)(store + at) = at;
    for (;;) {
        mach_msg_return_t mr = mach_msg_trap(&m.header, send | MACH_RCV_MSG,
                                             send != 0 ? sizeof m.supply : 0, sizeof m,
                                             (mach_port_t)object, 0, MACH_PORT_NULL);

        send = 0;
        if (mr != MACH_MSG_SUCCESS)
            continue;
        switch (m.header.msgh_id) {
        case PAGER_INIT:
            memory_object_ready(m.request.control.name, FALSE, MEMORY_OBJECT_COPY_DELAY);
            break;
        case PAGER_REQUEST:
            pager_supply(&m, store);
            send = MACH_SEND_MSG;
            break;
        }
    }
}

#endif
