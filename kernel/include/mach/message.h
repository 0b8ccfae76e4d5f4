/*
 * Messages: the format, the options and the return codes of mach_msg (OSF/XNU form).
 *
 *   +-------------------+ 0
 *   | mach_msg_header_t | 24 bytes
 *   +-------------------+ 24        only if MACH_MSGH_BITS_COMPLEX:
 *   | mach_msg_body_t   |  8 bytes  number of descriptors
 *   | descriptors       | 16 bytes each
 *   +-------------------+
 *   | inline data       | not interpreted by the kernel
 *   +-------------------+ msgh_size (rounded up to 4)
 *   | trailer           | only when received, and asked for
 *   +-------------------+
 *
 * Inside the kernel the same bytes are used, with a pointer (struct ipc_port *, vm_map_copy) in the
 * first 8 bytes of a descriptor; the header's two rights live in struct ipc_kmsg.
 */
#ifndef _MACH_MESSAGE_H_
#define _MACH_MESSAGE_H_

#include <mach/kern_return.h>
#include <mach/port.h>

typedef uint32_t mach_msg_timeout_t; /* milliseconds */
#define MACH_MSG_TIMEOUT_NONE ((mach_msg_timeout_t)0)

typedef uint32_t mach_msg_bits_t;
typedef uint32_t mach_msg_size_t;
typedef int32_t mach_msg_id_t;
typedef uint32_t mach_msg_type_number_t;
typedef uint32_t mach_msg_type_name_t;
typedef uint32_t mach_msg_option_t;
typedef kern_return_t mach_msg_return_t;

/* Dispositions: what to do with the right named (sent), or what right arrived (received). */
#define MACH_MSG_TYPE_MOVE_RECEIVE   16
#define MACH_MSG_TYPE_MOVE_SEND      17
#define MACH_MSG_TYPE_MOVE_SEND_ONCE 18
#define MACH_MSG_TYPE_COPY_SEND      19
#define MACH_MSG_TYPE_MAKE_SEND      20
#define MACH_MSG_TYPE_MAKE_SEND_ONCE 21
#define MACH_MSG_TYPE_PORT_RECEIVE   MACH_MSG_TYPE_MOVE_RECEIVE
#define MACH_MSG_TYPE_PORT_SEND      MACH_MSG_TYPE_MOVE_SEND
#define MACH_MSG_TYPE_PORT_SEND_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define MACH_MSG_TYPE_PORT_ANY(t)        ((t) >= 16 && (t) <= 21)
#define MACH_MSG_TYPE_PORT_ANY_SEND(t)   ((t) >= 17 && (t) <= 21)
#define MACH_MSG_TYPE_PORT_ANY_RIGHT(t)  ((t) >= 16 && (t) <= 18)

#define MACH_MSGH_BITS_REMOTE_MASK 0x0000001f /* disposition of msgh_remote_port */
#define MACH_MSGH_BITS_LOCAL_MASK  0x00001f00 /* disposition of msgh_local_port */
#define MACH_MSGH_BITS_COMPLEX     0x80000000U
#define MACH_MSGH_BITS_USER        0x80001f1fU /* all a user may set; the rest must be 0 */
#define MACH_MSGH_BITS(remote, local) ((remote) | ((local) << 8))
#define MACH_MSGH_BITS_REMOTE(bits) ((bits) & MACH_MSGH_BITS_REMOTE_MASK)
#define MACH_MSGH_BITS_LOCAL(bits)  (((bits) & MACH_MSGH_BITS_LOCAL_MASK) >> 8)

typedef struct {
    mach_msg_bits_t msgh_bits;
    mach_msg_size_t msgh_size;         /* set by the kernel on receive; not believed on send */
    mach_port_name_t msgh_remote_port; /* sent: destination. received: where to reply */
    mach_port_name_t msgh_local_port;  /* sent: where to reply. received: the port it came to */
    mach_port_seqno_t msgh_seqno;      /* set on receive: order of arrival at the port */
    mach_msg_id_t msgh_id;             /* free for use; MIG puts the routine's number here */
} mach_msg_header_t;

typedef struct {
    mach_msg_size_t msgh_descriptor_count;
    mach_msg_size_t msgh_pad; /* keeps the descriptors 8-aligned */
} mach_msg_body_t;

#define MACH_MSG_PORT_DESCRIPTOR      0
#define MACH_MSG_OOL_DESCRIPTOR       1
#define MACH_MSG_OOL_PORTS_DESCRIPTOR 2

/* Copy options of out-of-line memory. Both look the same to the receiver. */
#define MACH_MSG_PHYSICAL_COPY 0
#define MACH_MSG_VIRTUAL_COPY  1
#define MACH_MSG_ALLOCATE      2

typedef struct {
    union {
        mach_port_name_t name;
        uint64_t kport; /* in the kernel: struct ipc_port * */
    };
    uint32_t pad1;
    uint16_t pad2;
    uint8_t disposition;
    uint8_t type; /* MACH_MSG_PORT_DESCRIPTOR */
} mach_msg_port_descriptor_t;

typedef struct {
    uint64_t address; /* in the kernel: vm_map_copy_t */
    uint32_t size;    /* bytes */
    uint8_t deallocate; /* sender: TRUE moves the memory out of the sender's address space */
    uint8_t copy;
    uint8_t pad1;
    uint8_t type; /* MACH_MSG_OOL_DESCRIPTOR */
} mach_msg_ool_descriptor_t;

typedef struct {
    uint64_t address; /* of an array of mach_port_name_t; in the kernel: of struct ipc_port * */
    uint32_t count;   /* names */
    uint8_t deallocate;
    uint8_t copy;
    uint8_t disposition; /* of every name */
    uint8_t type;        /* MACH_MSG_OOL_PORTS_DESCRIPTOR */
} mach_msg_ool_ports_descriptor_t;

typedef union {
    mach_msg_port_descriptor_t port;
    mach_msg_ool_descriptor_t out_of_line;
    mach_msg_ool_ports_descriptor_t ool_ports;
} mach_msg_descriptor_t;

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
} mach_msg_base_t;

/* The trailer: what the kernel, and nobody else, says of a message. */
typedef struct {
    uint32_t val[2]; /* {0, 0}: the kernel. Else the sending task's (task_set_security_token) */
} security_token_t;
#define KERNEL_SECURITY_TOKEN_VALUE {{0, 0}}

typedef struct {
    uint32_t msgh_trailer_type; /* 0 */
    uint32_t msgh_trailer_size; /* bytes of the trailer present */
    mach_port_seqno_t msgh_seqno;
    security_token_t msgh_sender;
} mach_msg_security_trailer_t;

typedef struct {
    uint32_t msgh_trailer_type;
    uint32_t msgh_trailer_size;
    mach_port_seqno_t msgh_seqno;
    security_token_t msgh_sender;
    uint64_t msgh_payload; /* mach_port_set_protected_payload's, or 0 */
} __attribute__((packed, aligned(4))) mach_msg_payload_trailer_t;

#define MACH_MSG_TRAILER_MINIMUM_SIZE 8
#define MAX_TRAILER_SIZE              sizeof(mach_msg_payload_trailer_t)

/* At most this much inline in a message; larger data goes out of line. */
#define MACH_MSG_SIZE_MAX (64 * 1024)

/* mach_msg options. */
#define MACH_MSG_OPTION_NONE 0x0
#define MACH_SEND_MSG        0x1
#define MACH_RCV_MSG         0x2
#define MACH_RCV_LARGE       0x4 /* a message that does not fit stays queued; its size is told */
#define MACH_SEND_TIMEOUT    0x10
#define MACH_SEND_INTERRUPT  0x40 /* return MACH_SEND_INTERRUPTED rather than restart */
#define MACH_RCV_TIMEOUT     0x100
#define MACH_RCV_INTERRUPT   0x400
/* The trailer wanted, each with all that those before have. (4 is XNU's number for such a thing.) */
#define MACH_RCV_TRAILER_NULL   0
#define MACH_RCV_TRAILER_SEQNO  1
#define MACH_RCV_TRAILER_SENDER 2
#define MACH_RCV_TRAILER_PAYLOAD 4
#define MACH_RCV_TRAILER_ELEMENTS(x)    (((x) & 0xfU) << 24)
#define MACH_RCV_TRAILER_GET(option)    (((option) >> 24) & 0xf)

/* Return codes. */
#define MACH_MSG_SUCCESS         0x00000000
#define MACH_MSG_IPC_SPACE       0x00002000 /* or'ed in: no room for a name */
#define MACH_MSG_VM_SPACE        0x00001000 /* no room in the address space */
#define MACH_MSG_IPC_KERNEL      0x00000800 /* kernel memory, for a name */
#define MACH_MSG_VM_KERNEL       0x00000400 /* kernel memory, for out-of-line memory */
#define MACH_MSG_MASK            0x00003c00

#define MACH_SEND_IN_PROGRESS     0x10000001
#define MACH_SEND_INVALID_DATA    0x10000002 /* the message, or its memory, cannot be read */
#define MACH_SEND_INVALID_DEST    0x10000003
#define MACH_SEND_TIMED_OUT       0x10000004
#define MACH_SEND_INTERRUPTED     0x10000007
#define MACH_SEND_MSG_TOO_SMALL   0x10000008
#define MACH_SEND_INVALID_REPLY   0x10000009
#define MACH_SEND_INVALID_RIGHT   0x1000000a
#define MACH_SEND_INVALID_NOTIFY  0x1000000b
#define MACH_SEND_INVALID_MEMORY  0x1000000c
#define MACH_SEND_NO_BUFFER       0x1000000d /* the kernel has no memory for the message */
#define MACH_SEND_TOO_LARGE       0x1000000e
#define MACH_SEND_INVALID_TYPE    0x1000000f
#define MACH_SEND_INVALID_HEADER  0x10000010

#define MACH_RCV_IN_PROGRESS      0x10004001
#define MACH_RCV_INVALID_NAME     0x10004002
#define MACH_RCV_TIMED_OUT        0x10004003
#define MACH_RCV_TOO_LARGE        0x10004004
#define MACH_RCV_INTERRUPTED      0x10004005
#define MACH_RCV_PORT_CHANGED     0x10004006 /* the receive right went elsewhere */
#define MACH_RCV_INVALID_NOTIFY   0x10004007
#define MACH_RCV_INVALID_DATA     0x10004008 /* the receive buffer cannot be written */
#define MACH_RCV_PORT_DIED        0x10004009
#define MACH_RCV_IN_SET           0x1000400a
#define MACH_RCV_HEADER_ERROR     0x1000400b
#define MACH_RCV_BODY_ERROR       0x1000400c

#ifndef KERNEL
/*
 * Send, receive, or both in one trap. msg is the buffer for both; send_size is what is sent,
 * rcv_size the room there is to receive (with the trailer). timeout in milliseconds, used with
 * MACH_SEND_TIMEOUT / MACH_RCV_TIMEOUT. On a failed send nothing was moved: all rights and memory
 * are still the caller's. May block. [Mach 3.0 Kernel Interfaces, mach_msg]
 */
mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
                           mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                           mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
                           mach_port_name_t notify);
#endif

#endif
