/* The traps of a stub, for stubs compiled on the host: the test's mach_msg. */
#ifndef _MACH_INLINE_TRAPS_H_
#define _MACH_INLINE_TRAPS_H_

#include <mach/message.h>
#include <mach/traps.h>

mach_msg_return_t mach_msg_trap_inline(mach_msg_header_t *msg, mach_msg_option_t option,
                                       mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                       mach_port_name_t rcv_name, mach_msg_timeout_t timeout);
#define mach_reply_port_inline mach_reply_port

#endif
