/*
 * What the programs about memory share: memory to try things on, and accesses that answer with a code
 * instead of an exception. They account for every page at their end. Read mach_child.h before.
 */
#ifndef MACH_MEMORY_H
#define MACH_MEMORY_H

#define ACCOUNT_PAGES
#include "mach_child.h"

#define KERNEL_ADDRESS 0xffff000040000000UL
#define LAST_PAGE      (VM_MAX_ADDRESS - PAGE_SIZE)
#define READ_EXECUTE   (VM_PROT_READ | VM_PROT_EXECUTE)

/* A byte, or a word, of memory, read and written where the program says so. */
#define BYTE(address) (*(volatile char *)(address))
#define WORD(address) (*(volatile uint64_t *)(address))

/* Fresh zero-filled memory of a task, with nothing on either side that could be joined to it; 0: none. */
static inline vm_address_t fresh_in(task_t task, vm_size_t size)
{
    vm_address_t address = 0;

    size = round_page(size);
    if (vm_allocate(task, &address, size + 2 * PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return 0;
    vm_deallocate(task, address, PAGE_SIZE);
    vm_deallocate(task, address + PAGE_SIZE + size, PAGE_SIZE);
    return address + PAGE_SIZE;
}

static inline vm_address_t fresh(vm_size_t size)
{
    return fresh_in(SELF, size);
}

/* Fresh memory of so many pages, the first full of 'a', the next of 'b', and so on. */
static inline vm_address_t lettered(int pages)
{
    vm_address_t address = fresh(pages * PAGE_SIZE);

    for (int i = 0; address != 0 && i < pages; i++)
        memset((void *)(address + i * PAGE_SIZE), 'a' + i, PAGE_SIZE);
    return address;
}

static inline void release(vm_address_t address, vm_size_t size)
{
    EXPECT_KR(vm_deallocate(SELF, address, size), KERN_SUCCESS);
}

/* One byte of a task's memory, or why it cannot be read. */
static inline kern_return_t byte_of(task_t task, vm_address_t address, char *byte)
{
    mach_msg_type_number_t size;
    vm_offset_t data;
    kern_return_t kr = vm_read(task, address, 1, &data, &size);

    *byte = 0;
    if (kr != KERN_SUCCESS)
        return kr;
    *byte = *(char *)data;
    return vm_deallocate(SELF, data, size);
}

static inline kern_return_t readable(vm_address_t address)
{
    char byte;

    return byte_of(SELF, address, &byte);
}

/* Writes one byte, or says why that cannot be. */
static inline kern_return_t set_byte_of(task_t task, vm_address_t address, char byte)
{
    return vm_write(task, address, (vm_offset_t)&byte, 1);
}

static inline kern_return_t set_byte(vm_address_t address, char byte)
{
    return set_byte_of(SELF, address, byte);
}

/* The byte that a task sees there; 0 also where it sees nothing. */
static inline char seen_by(task_t task, vm_address_t address)
{
    char byte;

    byte_of(task, address, &byte);
    return byte;
}

/* The region of the task that holds the address; *size 0: there is none. */
static inline struct vm_region_info region_of(task_t task, vm_address_t address, vm_size_t *size)
{
    struct vm_region_info info;
    vm_address_t start = address;

    memset(&info, 0, sizeof info);
    if (vm_region(task, &start, size, &info) != KERN_SUCCESS || start > address) {
        memset(&info, 0, sizeof info);
        *size = 0;
    }
    return info;
}

static inline struct vm_region_info region_at(vm_address_t address)
{
    vm_size_t size;

    return region_of(SELF, address, &size);
}

static inline vm_size_t region_size(vm_address_t address)
{
    vm_size_t size;

    region_of(SELF, address, &size);
    return size;
}

static inline boolean_t is_filled(vm_address_t at, char value, vm_size_t size)
{
    for (vm_size_t i = 0; i < size; i++)
        if (((char *)at)[i] != value)
            return FALSE;
    return TRUE;
}

static inline uint32_t anonymous_pages(void)
{
    struct host_counters now;

    counters(&now);
    return now.anonymous_pages;
}

/* Entries of this task's map: each is a region, and each has its neighbour unlike. */
static inline uint32_t map_entries(void)
{
    struct vm_region_info info;
    vm_address_t at = 0;
    uint32_t count = 0;
    vm_size_t size;

    for (; vm_region(SELF, &at, &size, &info) == KERN_SUCCESS; at += size)
        count++;
    return count;
}

#endif
