/*
 * A default pager for tests of the vm code on the host: it keeps what it gets, and works when somebody waits,
 * or when the test lets it. Read vm_fake.h first.
 */
#ifndef UNIT_VM_STORE_H
#define UNIT_VM_STORE_H

#include "vm_fake.h"

#include <mach/host_priv_server.h>
#include <mach/memory_object_control_server.h>
#include <stdlib.h>

#define SLOTS 4096

static uint8_t *store[SLOTS]; /* NULL: never written */

/* Does what the oldest message asks for. False: there is none. */
static bool pager_work(void)
{
    memory_object_control_t object;
    struct fake_message m;
    vm_map_copy_t data;
    uint32_t failures = fake_failures;

    if (fake_sent_count == 0)
        return false;
    m = fake_sent[0];
    memmove(fake_sent, fake_sent + 1, --fake_sent_count * sizeof(m));
    CHECK(m.id == INIT || m.id == REQUEST || m.id == RETURN);
    CHECK(m.offset % PAGE_SIZE == 0 && m.offset + m.length <= SLOTS * PAGE_SIZE);
    fake_failures = 0;
    object = convert_port_to_memory_control(m.control);
    if (m.id == INIT)
        CHECK(memory_object_ready(object, FALSE, MEMORY_OBJECT_COPY_NONE) == KERN_SUCCESS);
    for (vm_size_t done = 0; m.id == RETURN && done < m.length; done += PAGE_SIZE) {
        uint8_t **page = &store[(m.offset + done) / PAGE_SIZE];

        if (*page == NULL)
            *page = malloc(PAGE_SIZE);
        CHECK(vm_map_copy_read(m.data, done, *page, PAGE_SIZE) == KERN_SUCCESS);
    }
    for (vm_size_t done = 0; m.id == REQUEST && done < m.length; done += PAGE_SIZE) {
        static const uint8_t never_written[PAGE_SIZE];
        const uint8_t *page = store[(m.offset + done) / PAGE_SIZE];

        CHECK(vm_map_copyin_kernel(page != NULL ? page : never_written, PAGE_SIZE, &data)
              == KERN_SUCCESS);
        CHECK(memory_object_data_supply(object, m.offset + done, data, PAGE_SIZE, VM_PROT_NONE,
                                        FALSE, NULL, 0) == KERN_SUCCESS);
    }
    if (m.id == RETURN)
        vm_map_copy_discard(m.data);
    vm_object_deallocate(object);
    ipc_port_release_send(m.control);
    fake_failures = failures;
    return true;
}

static void begin_store(void)
{
    ipc_port_t port = ipc_port_make_send(fake_port());

    fake_other_work = pager_work;
    CHECK(vm_set_default_memory_manager((struct host *)16, port, SLOTS * PAGE_SIZE) == KERN_SUCCESS);
    pager_work();
}

#endif
