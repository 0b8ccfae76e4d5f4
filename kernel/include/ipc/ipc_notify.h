/*
 * Notifications. Read mach/notify.defs before, for what they mean; ipc_notify.c for how none can be
 * lost for want of memory.
 */
#ifndef _IPC_IPC_NOTIFY_H_
#define _IPC_IPC_NOTIFY_H_

#include <ipc/ipc_kmsg.h>

/* One request for a dead-name notification, or a free slot. */
struct ipc_dnrequest {
    ipc_kmsg_t note;    /* the message itself, made ready; NULL: the slot is free */
    uint32_t next_free; /* slot; 0: none */
};

/* A notification to be, to the send-once right notify, which it consumes. NULL: out of memory. */
ipc_kmsg_t ipc_note_alloc(ipc_port_t notify);
/* Takes the right out again and frees the rest; IP_NULL for NULL. */
ipc_port_t ipc_note_cancel(ipc_kmsg_t note);
/* Gives up a notification that will not be sent. No locks. */
void ipc_note_drop(ipc_kmsg_t note);
/* Fill in what the notification says; nothing else is needed to send it. */
/* DEAD_NAME, ... */
void ipc_note_set_name(ipc_kmsg_t note, mach_msg_id_t id, mach_port_name_t name);
void ipc_note_set_count(ipc_kmsg_t note, mach_port_mscount_t mscount);            /* NO_SENDERS */
void ipc_note_set_right(ipc_kmsg_t note, ipc_port_t port); /* PORT_DESTROYED */
uint32_t ipc_note_value(ipc_kmsg_t note); /* the name or count in it */
/* A send-once notification of one of port->so_notes, as if received. NULL: out of memory. */
ipc_kmsg_t ipc_note_send_once(void);

/* ---- dead-name requests; port locked and active ---- */
/* The slot that now holds note; 0: out of memory. */
uint32_t ipc_dnrequest_add(ipc_port_t port, ipc_kmsg_t note);
ipc_kmsg_t ipc_dnrequest_remove(ipc_port_t port, uint32_t slot);

#endif
