/*
 * The Mach traps (mach/traps.h): number in x16, arguments where C has put them, `svc #0x80`. The
 * kernel keeps all registers but x0, x16, x17 and the flags.
 */
#include <mach/traps.h>

/* Options of mach_msg (mach/message.h, which is not for assembly); the last two as bit numbers. */
#define MACH_SEND_MSG           0x1
#define MACH_SEND_INTERRUPT_BIT 6  /* of 0x40 */
#define MACH_RCV_INTERRUPT_BIT  10 /* of 0x400 */

    .macro FUNCTION name
    .section .text.\name, "ax"
    .globl  \name
    .type   \name, %function
    .balign 16
\name:
    .cfi_startproc
    .endm

    .macro END name
    .cfi_endproc
    .size   \name, . - \name
    .endm

    .macro TRAP name, number
    FUNCTION \name
    mov     x16, #\number
    svc     #MACH_TRAP_SVC
    ret
    END \name
    .endm

    TRAP mach_port_deallocate_trap, MACH_TRAP_mach_port_deallocate
    TRAP mach_port_request_notification_trap, MACH_TRAP_mach_port_request_notification
    TRAP vm_allocate_trap,        MACH_TRAP_vm_allocate
    TRAP vm_deallocate_trap,      MACH_TRAP_vm_deallocate
    TRAP vm_read_overwrite_trap,  MACH_TRAP_vm_read_overwrite
    TRAP mach_reply_port,         MACH_TRAP_reply_port
    TRAP mach_thread_self,        MACH_TRAP_thread_self
    TRAP mach_task_self_trap,     MACH_TRAP_task_self
    TRAP mach_host_self,          MACH_TRAP_host_self
    TRAP mach_msg_trap,           MACH_TRAP_msg
    TRAP semaphore_signal,        MACH_TRAP_semaphore_signal
    TRAP semaphore_signal_all,    MACH_TRAP_semaphore_signal_all
    TRAP semaphore_signal_thread, MACH_TRAP_semaphore_signal_thread
    TRAP semaphore_wait,          MACH_TRAP_semaphore_wait
    TRAP semaphore_wait_signal,   MACH_TRAP_semaphore_wait_signal
    TRAP semaphore_timedwait,     MACH_TRAP_semaphore_timedwait
    TRAP swtch_pri,               MACH_TRAP_swtch_pri
    TRAP swtch,                   MACH_TRAP_swtch
    TRAP thread_switch,           MACH_TRAP_thread_switch
    TRAP clock_sleep_trap,        MACH_TRAP_clock_sleep
    TRAP mach_timebase_info,      MACH_TRAP_timebase_info
    TRAP mach_wait_until,         MACH_TRAP_wait_until
    TRAP debug_print,             MACH_TRAP_debug_print
    TRAP thread_set_self_state,   MACH_TRAP_thread_set_self_state

/*
 * mach_msg: the trap, begun anew when thread_abort interrupted it, unless the options ask to be
 * told. When the send was done and the receive interrupted, only the receive is. A time-out starts
 * anew, too. x0 is kept in x9 over the trap, which keeps the other arguments.
 */
    FUNCTION mach_msg
    mov     x9, x0
    mov     x16, #MACH_TRAP_msg
    svc     #MACH_TRAP_SVC
    cbnz    w0, 1f
    ret
1:  mov     w10, #0x10000000            // MACH_SEND_INTERRUPTED is 0x10000007,
    orr     w10, w10, #7
    cmp     w0, w10
    b.eq    2f
    mov     w10, #0x4005                // MACH_RCV_INTERRUPTED 0x10004005
    movk    w10, #0x1000, lsl #16
    cmp     w0, w10
    b.ne    3f
    tbnz    w1, #MACH_RCV_INTERRUPT_BIT, 3f
    and     w1, w1, #~MACH_SEND_MSG
    mov     w2, #0                      // send_size
    mov     x0, x9
    b       mach_msg
2:  tbnz    w1, #MACH_SEND_INTERRUPT_BIT, 3f
    mov     x0, x9
    b       mach_msg
3:  ret
    END mach_msg

/*
 * vm_allocate and others: the trap, or if that is not for the port, the message (the stub that mig has made
 * of vm_map.defs or mach_port.defs; the Makefile gives it the other name). The trap keeps x9 and the
 * arguments.
 */
    .macro TRAP_OR_MESSAGE name, number
    FUNCTION \name
    mov     x9, x0
    mov     x16, #\number
    svc     #MACH_TRAP_SVC
    mov     w10, #0x10000000            // MACH_SEND_INVALID_DEST is 0x10000003
    orr     w10, w10, #3
    cmp     w0, w10
    b.eq    1f
    ret
1:  mov     x0, x9
    b       \name\()_rpc
    END \name
    .endm

    TRAP_OR_MESSAGE vm_allocate,   MACH_TRAP_vm_allocate
    TRAP_OR_MESSAGE vm_deallocate, MACH_TRAP_vm_deallocate
    TRAP_OR_MESSAGE mach_port_deallocate, MACH_TRAP_mach_port_deallocate
    TRAP_OR_MESSAGE mach_port_request_notification, MACH_TRAP_mach_port_request_notification

    .section .note.GNU-stack, "", %progbits
