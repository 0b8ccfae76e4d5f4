/* Protections, inheritance and the other small enumerations of the vm_ interface (Mach's
 * values). */
#ifndef _MACH_VM_PROT_H_
#define _MACH_VM_PROT_H_

typedef int vm_prot_t;
#define VM_PROT_NONE    0
#define VM_PROT_READ    1
#define VM_PROT_WRITE   2
#define VM_PROT_EXECUTE 4
#define VM_PROT_DEFAULT (VM_PROT_READ | VM_PROT_WRITE)
#define VM_PROT_ALL     (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)
#define VM_PROT_NO_CHANGE 8 /* memory_object_lock_request: leave page locks as they are */

typedef int vm_inherit_t;
#define VM_INHERIT_SHARE   0 /* the child shares the pages */
#define VM_INHERIT_COPY    1 /* the child gets a copy (copy-on-write) */
#define VM_INHERIT_NONE    2 /* nothing is there in the child */
#define VM_INHERIT_DEFAULT VM_INHERIT_COPY

typedef int vm_sync_t; /* vm_msync flags */
#define VM_SYNC_ASYNCHRONOUS 1
#define VM_SYNC_SYNCHRONOUS  2
#define VM_SYNC_INVALIDATE   4

typedef int vm_machine_attribute_t; /* vm_machine_attribute */
typedef int vm_machine_attribute_val_t;
#define MATTR_CACHE             1
#define MATTR_VAL_ICACHE_FLUSH  8 /* make the instruction stream see what was written */
#define MATTR_VAL_DCACHE_FLUSH  7

typedef int vm_behavior_t;

#endif
