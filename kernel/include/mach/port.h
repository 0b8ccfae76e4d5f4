/*
 * Ports as user programs see them: names, rights, and what can be asked about them.
 *
 * A name is a 32-bit number that means something in one task only: bits 31..8 index the task's
 * table, bits 7..0 are a generation, changed whenever a slot is used anew, so that a stale name is
 * an error and not somebody else's port.
 */
#ifndef _MACH_PORT_H_
#define _MACH_PORT_H_

#include <mach/boolean.h>
#include <mach/vm_types.h>

typedef uint32_t mach_port_name_t;

#ifdef KERNEL
typedef struct ipc_port *mach_port_t; /* in the kernel a right in a message is a pointer */
#define MACH_PORT_NULL ((mach_port_t)0)
#define MACH_PORT_DEAD ((mach_port_t)~0UL)
#else
typedef mach_port_name_t mach_port_t;
#define MACH_PORT_NULL ((mach_port_t)0)
#define MACH_PORT_DEAD ((mach_port_t)~0U)
#endif

#define MACH_PORT_NAME_NULL ((mach_port_name_t)0)
#define MACH_PORT_NAME_DEAD ((mach_port_name_t)~0U)

#define MACH_PORT_INDEX(name)     ((name) >> 8)
#define MACH_PORT_GEN(name)       ((name) & 0xff)
#define MACH_PORT_MAKE(index, gen) (((mach_port_name_t)(index) << 8) | (gen))

typedef mach_port_name_t *mach_port_name_array_t;
typedef mach_port_t *mach_port_array_t;

typedef uint32_t mach_port_right_t;
#define MACH_PORT_RIGHT_SEND      0
#define MACH_PORT_RIGHT_RECEIVE   1
#define MACH_PORT_RIGHT_SEND_ONCE 2
#define MACH_PORT_RIGHT_PORT_SET  3
#define MACH_PORT_RIGHT_DEAD_NAME 4
#define MACH_PORT_RIGHT_NUMBER    5

typedef uint32_t mach_port_type_t; /* a set of rights, as mach_port_type returns it */
typedef mach_port_type_t *mach_port_type_array_t;
#define MACH_PORT_TYPE(right)       ((mach_port_type_t)1 << ((right) + 16))
#define MACH_PORT_TYPE_NONE         0
#define MACH_PORT_TYPE_SEND         MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND)
#define MACH_PORT_TYPE_RECEIVE      MACH_PORT_TYPE(MACH_PORT_RIGHT_RECEIVE)
#define MACH_PORT_TYPE_SEND_ONCE    MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_SET     MACH_PORT_TYPE(MACH_PORT_RIGHT_PORT_SET)
#define MACH_PORT_TYPE_DEAD_NAME    MACH_PORT_TYPE(MACH_PORT_RIGHT_DEAD_NAME)
#define MACH_PORT_TYPE_SEND_RECEIVE (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_SEND_RIGHTS  (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_RIGHTS  (MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_DNREQUEST    0x80000000U /* a dead-name notification is requested */

typedef uint32_t mach_port_urefs_t;    /* user references of one name, at most 65535 */
typedef int32_t mach_port_delta_t;
typedef uint32_t mach_port_seqno_t;
typedef uint32_t mach_port_mscount_t;  /* send rights ever made from the receive right */
typedef uint32_t mach_port_msgcount_t; /* messages in the queue */
typedef uint32_t mach_port_rights_t;

#define MACH_PORT_UREFS_MAX      65535
#define MACH_PORT_QLIMIT_DEFAULT 5
#define MACH_PORT_QLIMIT_MAX     1024

typedef struct mach_port_status {
    mach_port_name_t mps_pset;       /* a containing port set, or null */
    mach_port_seqno_t mps_seqno;     /* sequence number of the next message */
    mach_port_mscount_t mps_mscount; /* make-send count */
    mach_port_msgcount_t mps_qlimit;
    mach_port_msgcount_t mps_msgcount;
    mach_port_rights_t mps_sorights; /* extant send-once rights */
    boolean_t mps_srights;           /* do send rights exist? */
    boolean_t mps_pdrequest;         /* is a port-deleted (destroyed) request set? */
    boolean_t mps_nsrequest;         /* is a no-senders request set? */
    uint32_t mps_flags;              /* MACH_PORT_STATUS_FLAG_* */
} mach_port_status_t;
#define MACH_PORT_STATUS_FLAG_GUARDED      2
#define MACH_PORT_STATUS_FLAG_STRICT_GUARD 4

/* mach_port_construct */
typedef struct mach_port_options {
    uint32_t flags;  /* MPO_* */
    uint32_t qlimit; /* with MPO_QLIMIT */
} mach_port_options_t;
#define MPO_CONTEXT_AS_GUARD  0x01 /* context is its guard */
#define MPO_QLIMIT            0x02
#define MPO_INSERT_SEND_RIGHT 0x10 /* one, under the same name */
#define MPO_STRICT            0x20 /* the guard is strict */

#endif
