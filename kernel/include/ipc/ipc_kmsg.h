/*
 * A message in the kernel: the user's bytes, with rights as pointers and memory as vm_map_copy.
 *
 * Ownership: a kmsg owns the rights and copies in it. ipc_kmsg_destroy releases them all. Small
 * ones come from a zone with per-CPU caches, larger ones from kalloc.
 */
#ifndef _IPC_IPC_KMSG_H_
#define _IPC_IPC_KMSG_H_

#include <ipc/ipc_port.h>
#include <kern/queue.h>
#include <mach/message.h>

#define IKM_SMALL_SIZE 640 /* inline bytes of a small kmsg */
#define IKM_LARGE_SIZE (2 * PAGE_SIZE - offsetof(struct ipc_kmsg, ikm_inline)) /* of one of two pages */

/*
 * Life: alloc -> copyin (rights become pointers) -> queued at ikm_remote -> accepted (under the
 * port's lock, the destination right is used up, see ipc_mqueue.c) -> copyout (pointers become
 * names) -> free.
 */
struct ipc_kmsg {
    struct queue ikm_link;          /* in the port's queue: owned by its lock */
    union {
        ipc_port_t ikm_remote;      /* destination right, of the header's remote disposition */
        struct ipc_kmsg *ikm_note;  /* accepted: a no-senders notification that caused, or NULL */
    };
    ipc_port_t ikm_local;           /* reply right, of the header's local disposition, or IP_NULL */
    security_token_t ikm_sender;    /* {0,0}: the kernel */
    uint64_t ikm_payload;           /* accepted: the port's protected payload */
    uint32_t ikm_capacity;          /* bytes at ikm_header, with room for a trailer; IKM_CHARGED */
    uint32_t ikm_charge;            /* of a charged one: bytes, to ikm_ledger, until it is freed */
    struct ledger *ikm_ledger;
    bool ikm_circular;              /* its receive right would wait for itself: destroy */
    struct thread *ikm_client;      /* queued: who waits for the answer, or NULL; a hint (inherit.c) */
    mach_msg_header_t *ikm_header;  /* msgh_size is exact; msgh_bits as sent, checked */
    uint64_t ikm_inline[IKM_SMALL_SIZE / 8];
};
typedef struct ipc_kmsg *ipc_kmsg_t;

/*
 * Who pays for a message (kern/ledger.h): nobody as long as it is small and on its way straight to a
 * receiver: each thread has one such at most. Charged to the task it comes from, until it is freed, is a
 * large one that a user sends, from the start; one with arrays of rights or memory, since these were
 * copied in; and any that is queued, or waits with its sender.
 */
#define IKM_CHARGED 0x80000000U

/* A kmsg with room for size bytes (header and all) and a trailer; header->msgh_size set, ports
 * IP_NULL, bits 0, sender the kernel. NULL: out of memory. */
ipc_kmsg_t ipc_kmsg_alloc(mach_msg_size_t size);
/* The same, but leaves this CPU the buffer that it keeps for mach_msg_fast. */
ipc_kmsg_t ipc_kmsg_alloc_second(mach_msg_size_t size);
/* Charges to the ledger all that the message takes by now and is not charged yet; what it was charged
 * before was to the same ledger. False: that would be too much; nothing has changed. */
bool ipc_kmsg_charge(ipc_kmsg_t kmsg, struct ledger *ledger);
/* Frees the buffer only. */
void ipc_kmsg_free(ipc_kmsg_t kmsg);
/* Releases every right and all memory in it (as its dispositions say), then frees it. No locks. */
void ipc_kmsg_destroy(ipc_kmsg_t kmsg);
uint32_t ipc_kmsg_total(void);

/* ---- for ipc itself ---- */
/* What a right sent with a disposition is when it arrives. */
static inline mach_msg_type_name_t ipc_right_arrives(mach_msg_type_name_t disposition)
{
    switch (disposition) {
    case MACH_MSG_TYPE_MOVE_RECEIVE:
        return MACH_MSG_TYPE_PORT_RECEIVE;
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
    case MACH_MSG_TYPE_MAKE_SEND_ONCE:
        return MACH_MSG_TYPE_PORT_SEND_ONCE;
    default:
        return MACH_MSG_TYPE_PORT_SEND;
    }
}

/* The first descriptor of a complex message. */
static inline mach_msg_descriptor_t *ikm_descriptors(mach_msg_header_t *header)
{
    return (mach_msg_descriptor_t *)((mach_msg_base_t *)header + 1);
}

/* A message as a user sends it, its bytes read, nothing looked at: MACH_SEND_MSG_TOO_SMALL,
 * _TOO_LARGE, _NO_BUFFER, _INVALID_DATA. */
mach_msg_return_t ipc_kmsg_get(const mach_msg_header_t *user, mach_msg_size_t size,
                               ipc_kmsg_t *kmsg);
/* Names to rights, addresses to copies. All or nothing. Blocks; no locks held. */
mach_msg_return_t ipc_kmsg_copyin(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map);
/* Of the body alone, its receive rights in limbo. */
mach_msg_return_t ipc_kmsg_copyin_body(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map);
/* Rights to names, copies to addresses, of an accepted message: a right or region there is no room
 * for is released and reads as null, MACH_RCV_BODY_ERROR. MACH_RCV_HEADER_ERROR: the message is
 * destroyed all but its header. The kmsg is the caller's to put and free. */
mach_msg_return_t ipc_kmsg_copyout(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map);
/* Of the body alone, of a complex message. */
mach_msg_return_t ipc_kmsg_copyout_body(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map);
/* The same for a message that could not be sent and goes back to its sender (pseudo-receive): its
 * ports stay in the fields they were in. Returns MACH_MSG_* bits of what was lost. */
mach_msg_return_t ipc_kmsg_copyout_pseudo(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map);
/* Leaves an accepted message nothing but its header, that tells what it was. */
void ipc_kmsg_strip(ipc_kmsg_t kmsg);
/* Bytes a receive with these options needs room for, and those of the trailer in them. */
mach_msg_size_t ipc_kmsg_room(ipc_kmsg_t kmsg, mach_msg_option_t option);
mach_msg_size_t ipc_trailer_size(mach_msg_option_t option);
/* A message in user form to the user, with the trailer asked for; frees it. If the user's buffer
 * cannot be written all that is in it goes, and MACH_RCV_INVALID_DATA is returned. */
mach_msg_return_t ipc_kmsg_put(ipc_kmsg_t kmsg, mach_msg_header_t *user, mach_msg_option_t option,
                               ipc_space_t space, vm_map_t map);
/* Releases what a message holds; receive rights add to the work. */
void ipc_kmsg_clean(ipc_kmsg_t kmsg, struct ipc_work *work);
void ipc_kmsg_clean_body(mach_msg_header_t *header, struct ipc_work *work);
/* The receive rights in a message made by the kernel are in transit to ikm_remote. */
void ipc_kmsg_begin_transit(ipc_kmsg_t kmsg);
/* A small kmsg for a notification: see ipc_notify.c. */
ipc_kmsg_t ipc_kmsg_alloc_note(void);
void ipc_kmsg_init(void);

#endif
