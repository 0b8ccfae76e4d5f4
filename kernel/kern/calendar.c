/*
 * The time of day: one word in a page that every program may map, and nobody but the kernel can write. Read
 * mach/mapped_time.h before.
 *
 * The kernel drives no calendar. A server that does tells it the time once (host_set_time); from then on the
 * counter goes on with it, in programs as here, and asking for the time is no call. (Mach 3.0 has
 * host_set_time, and OSF's clock_map_time the idea of the page.)
 */
#include <kern/debug.h>
#include <kern/host.h>
#include <mach/host_priv_server.h>
#include <mach/mach_host_server.h>
#include <mach/mapped_time.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define NSEC_PER_SEC 1000000000L

static struct mapped_time *mapped_time;
static vm_object_t time_object; /* of that page; never freed */

kern_return_t host_set_time(host_priv_t host, time_value64_t now)
{
    time_value64_t since_boot;
    int64_t boot;

    if (host == NULL)
        return KERN_INVALID_HOST;
    time_from_machine(machine_time(), &since_boot);
    if (now.seconds < 0 || now.nanoseconds < 0 || now.nanoseconds >= NSEC_PER_SEC
        || __builtin_mul_overflow(now.seconds - since_boot.seconds, NSEC_PER_SEC, &boot)
        || __builtin_add_overflow(boot, now.nanoseconds - since_boot.nanoseconds, &boot))
        return KERN_INVALID_VALUE;
    __atomic_store_n(&mapped_time->boot, boot, __ATOMIC_RELAXED); /* one word: never half of it */
    return KERN_SUCCESS;
}

kern_return_t host_map_time(host_t host, vm_map_t map, vm_address_t *address)
{
    kern_return_t kr;

    if (host == NULL)
        return KERN_INVALID_HOST;
    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    *address = VM_MIN_ADDRESS;
    vm_object_reference(time_object); /* the entry's */
    kr = vm_map_enter(map, address, PAGE_SIZE, 0, true, time_object, 0, false, VM_PROT_READ,
                      VM_PROT_READ, VM_INHERIT_SHARE);
    if (kr != KERN_SUCCESS)
        vm_object_deallocate(time_object);
    return kr;
}

void calendar_init(void)
{
    vm_page_t page = vm_page_grab();

    if (page != NULL)
        time_object = vm_object_allocate_device(page->phys, PAGE_SIZE);
    if (time_object == NULL)
        panic("calendar_init: no memory for the page that tells the time");
    mapped_time = vm_page_address(page);
    memset(mapped_time, 0, PAGE_SIZE);
}
