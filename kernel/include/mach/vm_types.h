/*
 * The scalar types of the interface. All addresses and sizes are in bytes and 64 bits wide; what a
 * routine says about page alignment refers to PAGE_SIZE.
 */
#ifndef _MACH_VM_TYPES_H_
#define _MACH_VM_TYPES_H_

#include <stddef.h>
#include <stdint.h>

typedef uint64_t vm_offset_t;  /* an offset or an address in some address space */
typedef uint64_t vm_address_t; /* an address in a task's address space */
typedef uint64_t vm_size_t;    /* a length in bytes */
typedef uint32_t natural_t;
typedef int32_t integer_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  ((vm_size_t)1 << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

#define trunc_page(x) ((vm_offset_t)(x) & ~PAGE_MASK)
#define round_page(x) (((vm_offset_t)(x) + PAGE_MASK) & ~PAGE_MASK) /* wraps to 0 near the top */
#define page_aligned(x) (((vm_offset_t)(x) & PAGE_MASK) == 0)

/* The range user addresses come from. Page 0 (to 64 KiB) is given only to who asks by address. */
#define VM_MIN_ADDRESS ((vm_address_t)0x10000)
#define VM_MAX_ADDRESS ((vm_address_t)0x0001000000000000)

#endif
