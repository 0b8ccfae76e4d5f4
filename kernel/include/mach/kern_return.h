/*
 * kern_return_t: what every kernel call returns. Values are Mach's own (CMU Mach 3.0, XNU).
 * 0 is success. Servers that speak POSIX return unix_err(errno), see error.h.
 */
#ifndef _MACH_KERN_RETURN_H_
#define _MACH_KERN_RETURN_H_

#ifndef __ASSEMBLER__
typedef int kern_return_t;
#endif

#define KERN_SUCCESS              0
#define KERN_INVALID_ADDRESS      1  /* address not currently valid */
#define KERN_PROTECTION_FAILURE   2  /* memory is valid, but this access is not permitted */
#define KERN_NO_SPACE             3  /* address range in use, or no room of that size */
#define KERN_INVALID_ARGUMENT     4  /* not applicable, or not well formed */
#define KERN_FAILURE              5  /* could not be done, and there is no better word */
#define KERN_RESOURCE_SHORTAGE    6  /* out of memory or of another system resource */
#define KERN_NOT_RECEIVER         7
#define KERN_NO_ACCESS            8
#define KERN_MEMORY_FAILURE       9  /* the pager destroyed the object during the fault */
#define KERN_MEMORY_ERROR        10  /* the pager said it cannot supply the data, or timed out */
#define KERN_ALREADY_IN_SET      11
#define KERN_NOT_IN_SET          12
#define KERN_NAME_EXISTS         13  /* the name already denotes a right */
#define KERN_ABORTED             14  /* thread_abort interrupted the operation */
#define KERN_INVALID_NAME        15  /* the name denotes no right */
#define KERN_INVALID_TASK        16
#define KERN_INVALID_RIGHT       17  /* the name denotes a right, but not the one needed */
#define KERN_INVALID_VALUE       18  /* a number out of range */
#define KERN_UREFS_OVERFLOW      19
#define KERN_INVALID_CAPABILITY  20  /* the port is not the kernel object it should be */
#define KERN_RIGHT_EXISTS        21  /* the task already names that port otherwise */
#define KERN_INVALID_HOST        22
#define KERN_MEMORY_PRESENT      23  /* the page being supplied is already there */
#define KERN_TERMINATED          37  /* the object (semaphore, task, thread) is gone */
#define KERN_OPERATION_TIMED_OUT 49
#define KERN_NOT_SUPPORTED       46

#endif
