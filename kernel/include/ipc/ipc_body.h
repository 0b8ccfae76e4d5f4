/*
 * The body of a complex message on its way into the kernel: what of it is copied in. Read ipc_copyin.c, which
 * does it for all messages; what is declared here is for mach_msg_fast.c, which does the header itself.
 */
#ifndef _IPC_IPC_BODY_H_
#define _IPC_IPC_BODY_H_

#include <ipc/ipc_right.h>

/* A right in the body: where it is, and what it was called. */
struct body_right {
    uint64_t *slot; /* the name, zero-extended; after copyin the port */
    mach_port_name_t name;
    mach_msg_type_name_t disposition;
};

/* Memory of the sender's that goes when the message does. */
struct body_region {
    vm_address_t address;
    vm_size_t size;
};

struct ipc_body {
    mach_msg_descriptor_t *first;
    mach_msg_descriptor_t *memory_end; /* descriptors before have their memory copied in */
    mach_msg_descriptor_t *end;
    bool memory;           /* some are not just rights */
    uint32_t right_count;
    uint32_t region_count;
    struct body_right *rights;
    struct body_region *regions;
    struct body_right few_rights[4];   /* enough for most messages */
    struct body_region few_regions[2];
    struct ipc_batch batch;
};

/* The first step, of a message in which nothing can be left to do when it is under way: it has few rights, no
 * receive right, and takes no memory away. False: it has, or it cannot be copied. May block. */
bool ipc_body_begin(struct ipc_body *body, mach_msg_header_t *header, vm_map_t map);
/* The second, its rights. False: they are all back. Space locked and active. */
bool ipc_body_copyin(struct ipc_body *body, ipc_space_t space);
/* Undoes the second step, in the same hold of the lock; and the first, and what came of it. No locks. */
void ipc_body_undo(struct ipc_body *body, ipc_space_t space);
void ipc_body_cancel(struct ipc_body *body);

#endif
