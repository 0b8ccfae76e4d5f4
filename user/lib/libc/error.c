/* From kern_return_t to errno. Servers that speak POSIX answer with unix_err(errno). */
#include "posix.h"

#include <errno.h>
#include <mach/error.h>

static int errno_of(kern_return_t kr)
{
    if (is_unix_err(kr))
        return err_get_code(kr);
    switch (kr) {
    case KERN_INVALID_ADDRESS:
    case MACH_SEND_INVALID_DATA:
    case MACH_SEND_INVALID_MEMORY:
        return EFAULT;
    case KERN_PROTECTION_FAILURE:
    case KERN_NO_ACCESS:
        return EACCES;
    case KERN_NO_SPACE:
    case KERN_RESOURCE_SHORTAGE:
    case MACH_SEND_NO_BUFFER:
        return ENOMEM;
    case KERN_INVALID_ARGUMENT:
    case KERN_INVALID_VALUE:
    case MIG_BAD_ARGUMENTS:
        return EINVAL;
    case KERN_NOT_SUPPORTED:
    case MIG_BAD_ID:
        return ENOTSUP;
    case KERN_ABORTED:
    case MACH_SEND_INTERRUPTED:
    case MACH_RCV_INTERRUPTED:
        return EINTR;
    case KERN_OPERATION_TIMED_OUT:
        return ETIMEDOUT;
    case MACH_SEND_TOO_LARGE:
    case MIG_ARRAY_TOO_LARGE:
        return ENAMETOOLONG; /* the arrays we pass that may be too long are paths */
    default:
        return EIO; /* the server died, or answers nonsense */
    }
}

int __fail(int error)
{
    errno = error;
    return -1;
}

int __error(kern_return_t kr)
{
    return __fail(errno_of(kr));
}

int __fs_error(kern_return_t kr)
{
    return __fail(kr == MIG_BAD_ID ? ENOTDIR : errno_of(kr));
}
