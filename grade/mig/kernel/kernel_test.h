/*
 * What the tests of kernel stubs share. A struct ipc_port * is a small number here, a vm_map_copy_t
 * a region, and an array of ports one of small numbers, as in runtime/accounts.c and
 * runtime/messages.c, which keep the accounts and spoil messages for these tests, too.
 */
#ifndef _KERNEL_TEST_H_
#define _KERNEL_TEST_H_

#include <mig_kernel.h>

#include "messages.h"

#define PORT(n) ((mach_port_t)(uintptr_t)(n))
enum { LARGEST = 1024 }; /* message */

static inline mach_port_name_t name_of(mach_port_t port)
{
    return (mach_port_name_t)(uintptr_t)port;
}

static inline void take_ports(mach_port_t *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        take(((mach_port_name_t *)list)[i]);
    free_region(list);
}

static inline mach_msg_descriptor_t port_descriptor(mach_port_name_t name)
{
    mach_msg_descriptor_t d = {.port = {.kport = name, .disposition = MACH_MSG_TYPE_PORT_SEND}};

    return d;
}

/* Gives up what the descriptors of a message in the kernel's form still hold. */
void destroy(mach_msg_header_t *message);
void test_sending(void); /* send.c */

#endif
