/* What MIG-made kernel stubs use of a kmsg, for compiling them on the host. */
#ifndef _IPC_IPC_KMSG_H_
#define _IPC_IPC_KMSG_H_

#include <mach/mach_types.h>

typedef struct ipc_kmsg {
    mach_port_t ikm_remote;
    mach_port_t ikm_local;
    mach_port_seqno_t ikm_seqno;
    mach_msg_header_t *ikm_header;
} *ipc_kmsg_t;

#endif
