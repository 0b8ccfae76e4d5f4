/*
 * The default pager: anonymous memory that found no room in memory, on a partition of the disk.
 *
 * It is a pager of one memory object, which is as large as the partition: what the kernel returns at
 * an offset is written to the block there, and read from it when asked for. Which page of which task
 * that is only the kernel knows (kernel/vm/vm_swap.c).
 *
 * When memory is short everybody waits for this task, so it must not wait for memory: it is wired
 * (privilege `memory`), allocates nothing after its start, and takes a returned page from the
 * message straight to the disk. What it must say goes by the kernel's debug trap, since the terminal's
 * server may itself be waiting for a page. Read mach/memory_object.defs before.
 */
#include <errno.h>
#include <mach/error.h>
#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <partition.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/disk.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_PAGES 4  /* in one message to the disk: disk.defs */
#define ATTEMPTS      50 /* while the disk server is restarted, or has no memory for the message */
#define PAUSE         20 /* ms between them */

static mach_port_t disk;
static struct partition swap;
static struct port_object object;
static const struct port_class object_class = {.name = "swap space"};
static char buffer[REQUEST_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void say(const char *what, vm_offset_t offset, kern_return_t kr)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "pager: cannot %s page %lu: %s\n", what,
                     (unsigned long)(offset / PAGE_SIZE), mach_error_string(kr));

    debug_print(line, (vm_size_t)n);
}

static void release(mach_port_t right)
{
    if (right != MACH_PORT_NULL && right != MACH_PORT_DEAD)
        mach_port_deallocate(mach_task_self(), right);
}

/* Up to REQUEST_PAGES pages from or to the partition, at `page`. A single page is tried again: a disk
 * server that dies is started again under the same port, and doing it twice does no harm. */
static kern_return_t transfer(uint64_t page, uint32_t count, char *data, boolean_t write)
{
    kern_return_t kr;
    int attempts = 0;

    for (;;) {
        mach_msg_type_number_t bytes = count * PAGE_SIZE;

        kr = write ? disk_write(disk, swap.first + page, data, bytes)
                   : disk_read(disk, swap.first + page, count, data, &bytes);
        if (kr == KERN_SUCCESS && bytes != count * PAGE_SIZE)
            return unix_err(EIO);
        if (kr == KERN_SUCCESS || is_unix_err(kr) || count > 1 || ++attempts == ATTEMPTS)
            return kr;
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, PAUSE);
    }
}

/* Is [offset, offset + size) made of pages of the swap space? */
static boolean_t in_range(vm_offset_t offset, vm_size_t size)
{
    vm_size_t all = swap.blocks * PAGE_SIZE;

    return offset % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && offset < all && size <= all - offset;
}

/* How many of the pages that are left to move at once. When memory is short a message of more than one
 * may find no room; the kernel keeps some for those of one. */
static uint32_t pages_of(vm_size_t left, boolean_t careful)
{
    return careful ? 1 : left > sizeof(buffer) ? REQUEST_PAGES : (uint32_t)(left / PAGE_SIZE);
}

kern_return_t S_memory_object_init(mach_port_t memory_object, mach_port_t control,
                                   vm_size_t page_size)
{
    kern_return_t kr = memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE);

    (void)memory_object, (void)page_size;
    release(control);
    return kr;
}

kern_return_t S_memory_object_data_request(mach_port_t memory_object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length,
                                           vm_prot_t desired_access)
{
    vm_offset_t end = offset + length;
    boolean_t careful = FALSE;

    (void)memory_object, (void)desired_access;
    if (!in_range(offset, length))
        return KERN_INVALID_ARGUMENT;
    while (offset < end) {
        uint32_t count = pages_of(end - offset, careful);
        kern_return_t kr = transfer(offset / PAGE_SIZE, count, buffer, FALSE);

        if (kr != KERN_SUCCESS && count > 1) {
            careful = TRUE;
            continue;
        }

        /* By single pages: what is so small is copied into the message, not mapped. */
        for (uint32_t i = 0; kr == KERN_SUCCESS && i < count; i++)
            kr = memory_object_data_supply(control, offset + i * PAGE_SIZE,
                                           (vm_offset_t)buffer + i * PAGE_SIZE, PAGE_SIZE,
                                           VM_PROT_NONE, FALSE, MACH_PORT_NULL,
                                           MACH_MSG_TYPE_MAKE_SEND_ONCE);
        if (kr != KERN_SUCCESS) {
            say("read", offset, kr);
            while (memory_object_data_error(control, offset, end - offset,
                                            kr == MACH_SEND_NO_BUFFER ? KERN_RESOURCE_SHORTAGE
                                                                      : KERN_MEMORY_ERROR)
                   == MACH_SEND_NO_BUFFER) /* an answer there must be */
                thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, PAUSE);
            break;
        }
        offset += count * PAGE_SIZE;
    }
    release(control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t memory_object, mach_port_t control,
                                          vm_offset_t offset, vm_offset_t data,
                                          mach_msg_type_number_t count, boolean_t dirty,
                                          boolean_t kernel_copy)
{
    boolean_t careful = FALSE;

    (void)memory_object, (void)dirty, (void)kernel_copy;
    if (!in_range(offset, count))
        return KERN_INVALID_ARGUMENT;
    for (vm_size_t done = 0; done < count;) {
        uint32_t pages = pages_of(count - done, careful);
        kern_return_t kr = transfer((offset + done) / PAGE_SIZE, pages, (char *)data + done, TRUE);

        if (kr != KERN_SUCCESS && pages > 1) {
            careful = TRUE;
            continue;
        }
        if (kr != KERN_SUCCESS)
            say("write", offset + done, kr);
        done += pages * PAGE_SIZE;
    }
    vm_deallocate(mach_task_self(), data, count);
    release(control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_terminate(mach_port_t memory_object, mach_port_t control)
{
    (void)memory_object;
    release(control);
    return KERN_SUCCESS;
}

/* Only the kernel has a right to the object; the trailer proves it. */
static boolean_t server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (in->msgh_id < memory_object_subsystem_base || in->msgh_id >= memory_object_subsystem_end)
        return FALSE;
    if (!mach_msg_from_kernel(in)) {
        mig_server_error(in, out, KERN_NO_ACCESS);
        return TRUE;
    }
    return memory_object_server(in, out);
}

int main(void)
{
    static const mig_demux_t demuxers[] = {server, NULL};
    mach_port_t host_priv, right;
    kern_return_t kr;

    kr = bootstrap_look_up(bootstrap_port, SERVICE_DISK, &disk);
    if (kr == KERN_SUCCESS)
        kr = bootstrap_privileged_port(bootstrap_port, "host", &host_priv);
    if (kr != KERN_SUCCESS) {
        printf("pager: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    kr = partition_find(disk, PARTITION_SWAP, &swap);
    if (kr == KERN_SUCCESS)
        kr = ports_create(&object, &object_class);
    if (kr == KERN_SUCCESS) {
        right = ports_make_send(&object);
        kr = vm_set_default_memory_manager(host_priv, right, swap.blocks * PAGE_SIZE);
    }
    mach_port_deallocate(mach_task_self(), host_priv);
    if (kr == KERN_SUCCESS)
        ports_serve(demuxers, memory_object_server_max_request);
    /* No disk, or one without a swap space: the system does without. */
    if (!is_unix_err(kr))
        printf("pager: cannot start: %s\n", mach_error_string(kr));
    return 0;
}
