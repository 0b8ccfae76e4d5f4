/* brk, sbrk: memory that begins behind the program's data and grows upwards. malloc does not use
 * it. */
#include "posix.h"

#include <errno.h>
#include <mach/vm_map.h>
#include <unistd.h>

extern char _end[]; /* user.ld */

static vm_address_t current; /* the break; 0: not asked for yet */

static vm_address_t get_current(void)
{
    if (current == 0)
        current = round_page(_end);
    return current;
}

int brk(void *address)
{
    vm_address_t from = round_page(get_current());
    vm_address_t to = round_page(address);
    kern_return_t kr = KERN_SUCCESS;

    if ((vm_address_t)address < round_page(_end) || (vm_address_t)address > VM_MAX_ADDRESS)
        return __fail(ENOMEM);
    if (to > from)
        kr = vm_allocate(mach_task_self(), &from, to - from, FALSE);
    else if (to < from)
        kr = vm_deallocate(mach_task_self(), to, from - to);
    if (kr != KERN_SUCCESS)
        return __fail(ENOMEM);
    current = (vm_address_t)address;
    return 0;
}

void *sbrk(intptr_t increment)
{
    vm_address_t old = get_current();
    vm_address_t new;

    if (__builtin_add_overflow(old, increment, &new)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return brk((void *)new) == 0 ? (void *)old : (void *)-1;
}
