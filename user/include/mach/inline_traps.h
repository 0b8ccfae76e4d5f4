/*
 * The two traps of an RPC, to be compiled into a MIG-made stub. Called as functions they would cost
 * the call, and all that the C compiler must save because a call may change it; the trap itself
 * keeps every register but x0, x16, x17 and the flags (mach/traps.h), and here the compiler knows
 * that.
 */
#ifndef _MACH_INLINE_TRAPS_H_
#define _MACH_INLINE_TRAPS_H_

#include <mach/message.h>
#include <mach/traps.h>

/* mach_msg_trap without a notify port: an interrupted one is not begun anew. */
static inline mach_msg_return_t mach_msg_trap_inline(mach_msg_header_t *msg,
                                                     mach_msg_option_t option,
                                                     mach_msg_size_t send_size,
                                                     mach_msg_size_t rcv_size,
                                                     mach_port_name_t rcv_name,
                                                     mach_msg_timeout_t timeout)
{
    register uint64_t x0 __asm__("x0") = (uint64_t)msg;
    register uint64_t x1 __asm__("x1") = (uint32_t)option;
    register uint64_t x2 __asm__("x2") = send_size;
    register uint64_t x3 __asm__("x3") = rcv_size;
    register uint64_t x4 __asm__("x4") = rcv_name;
    register uint64_t x5 __asm__("x5") = timeout;
    register uint64_t x6 __asm__("x6") = MACH_PORT_NULL;
    register int64_t x16 __asm__("x16") = MACH_TRAP_msg;

    __asm__ volatile("svc %[svc]"
                     : "+r"(x0), "+r"(x16)
                     : [svc] "i"(MACH_TRAP_SVC), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5),
                       "r"(x6)
                     : "x17", "cc", "memory");
    return (mach_msg_return_t)x0;
}

static inline mach_port_name_t mach_reply_port_inline(void)
{
    register uint64_t x0 __asm__("x0");
    register int64_t x16 __asm__("x16") = MACH_TRAP_reply_port;

    __asm__ volatile("svc %[svc]"
                     : "=r"(x0), "+r"(x16) : [svc] "i"(MACH_TRAP_SVC) : "x17", "cc", "memory");
    return (mach_port_name_t)x0;
}

#endif
