/*
 * Exceptions: what a thread's fault becomes. `exception` is one of EXC_*, `code` two 64-bit words
 * whose meaning depends on it. [Mach 3.0; XNU osfmk/mach/exception_types.h for the numbers]
 */
#ifndef _MACH_EXCEPTION_H_
#define _MACH_EXCEPTION_H_

#include <stdint.h>

typedef int exception_type_t;
typedef int64_t exception_data_type_t;
typedef exception_data_type_t *exception_data_t;
typedef uint32_t exception_mask_t;
typedef int exception_behavior_t;

#define EXC_BAD_ACCESS      1 /* code[0] kern_return_t of the fault, code[1] the address */
#define EXC_BAD_INSTRUCTION 2 /* code[0] EXC_ARM_UNDEFINED or _ALIGN, code[1] instruction or pc */
#define EXC_ARITHMETIC      3
#define EXC_EMULATION       4
#define EXC_SOFTWARE        5
#define EXC_BREAKPOINT      6 /* code[0] EXC_ARM_BREAKPOINT or _SINGLESTEP, code[1] pc */
#define EXC_SYSCALL         7 /* code[0] number of an unknown trap, code[1] 0 mach, 1 unix */
#define EXC_MACH_SYSCALL    8
#define EXC_CRASH          10
#define EXC_TYPES_COUNT    11

#define EXC_ARM_UNDEFINED  1
#define EXC_ARM_ALIGN      0x101
#define EXC_ARM_BREAKPOINT 1
#define EXC_ARM_SINGLESTEP 2

#define EXC_MASK(exception) (1U << (exception))
#define EXC_MASK_ALL 0x000005feU

#define EXCEPTION_DEFAULT        1 /* exception_raise: thread, task, codes */
#define EXCEPTION_STATE          2 /* exception_raise_state: thread state in and out */
#define EXCEPTION_STATE_IDENTITY 3 /* both */

#define EXCEPTION_CODE_MAX 2

#endif
