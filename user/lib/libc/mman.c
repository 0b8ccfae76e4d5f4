/* Mapped memory: vm_map of a file's memory object, or of nothing. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <servers/io.h>
#include <sys/mman.h>

_Static_assert(PROT_READ == VM_PROT_READ && PROT_WRITE == VM_PROT_WRITE
                   && PROT_EXEC == VM_PROT_EXECUTE,
               "protections are the same numbers");

/* The memory object behind fd, the caller's right, and how far it may be used at most. 0, or -1. */
static int file_object(int fd, int protection, int shared, mach_port_t *object,
                       vm_prot_t *max_protection)
{
    struct fd *f = __fd_get(fd);
    int access;
    int64_t size;
    kern_return_t kr;

    if (f == NULL)
        return -1;
    access = f->flags & O_ACCMODE;
    if (access == O_WRONLY || (shared && access == O_RDONLY && protection & PROT_WRITE))
        return __fail(EACCES);
    *max_protection = shared && access == O_RDONLY ? VM_PROT_READ | VM_PROT_EXECUTE : VM_PROT_ALL;
    kr = io_map(f->port, object, &size);
    if (kr == MIG_BAD_ID)
        return __fail(ENODEV);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    int shared = (flags & MAP_SHARED) != 0;
    int fixed = (flags & MAP_FIXED) != 0;
    mach_port_t object = MACH_PORT_NULL;
    vm_prot_t max_protection = VM_PROT_ALL;
    vm_address_t at = (vm_address_t)address;
    kern_return_t kr;

    if (length == 0 || !page_aligned(offset) || (fixed && !page_aligned(at))
        || shared == ((flags & MAP_PRIVATE) != 0)) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (!(flags & MAP_ANONYMOUS)
        && file_object(fd, protection, shared, &object, &max_protection) < 0)
        return MAP_FAILED;
    length = round_page(length);
    if (fixed)
        vm_deallocate(mach_task_self(), at, length);
    kr = vm_map(mach_task_self(), &at, length, 0, !fixed, object, offset,
                object != MACH_PORT_NULL && !shared, protection, max_protection,
                shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY);
    if (object != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), object);
    if (kr == KERN_SUCCESS)
        return (void *)at;
    __error(kr);
    return MAP_FAILED;
}

int munmap(void *address, size_t length)
{
    kern_return_t kr;

    if (length == 0 || !page_aligned((vm_address_t)address))
        return __fail(EINVAL);
    kr = vm_deallocate(mach_task_self(), (vm_address_t)address, length);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int mprotect(void *address, size_t length, int protection)
{
    kern_return_t kr;

    if (!page_aligned((vm_address_t)address) || protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
        return __fail(EINVAL);
    if (length == 0)
        return 0;
    kr = vm_protect(mach_task_self(), (vm_address_t)address, length, FALSE, protection);
    if (kr == KERN_INVALID_ADDRESS)
        return __fail(ENOMEM);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int msync(void *address, size_t length, int flags)
{
    kern_return_t kr;

    if (!page_aligned((vm_address_t)address) || (flags & MS_SYNC && flags & MS_ASYNC))
        return __fail(EINVAL);
    if (length == 0)
        return 0;
    kr = vm_msync(mach_task_self(), (vm_address_t)address, length,
                  (flags & MS_SYNC ? VM_SYNC_SYNCHRONOUS : VM_SYNC_ASYNCHRONOUS)
                      | (flags & MS_INVALIDATE ? VM_SYNC_INVALIDATE : 0));
    if (kr == KERN_INVALID_ADDRESS)
        return __fail(ENOMEM);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}
