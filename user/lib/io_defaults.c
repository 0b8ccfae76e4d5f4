/*
 * What a stream (a pipe's end, a terminal) answers to the routines of io.defs that make no sense for it.
 * Weak: a server defines those it can do, and gets the rest from here.
 */
#include <errno.h>
#include <mach/error.h>
#include <server_types.h>
#include <servers/io_server.h>

#define WEAK __attribute__((weak))

WEAK kern_return_t S_io_pread(mach_port_t io, int64_t offset, uint32_t amount, char *data,
                              mach_msg_type_number_t *dataCnt)
{
    return unix_err(ESPIPE);
}

WEAK kern_return_t S_io_pwrite(mach_port_t io, int64_t offset, char *data,
                               mach_msg_type_number_t dataCnt, uint32_t *amount)
{
    return unix_err(ESPIPE);
}

WEAK kern_return_t S_io_seek(mach_port_t io, int64_t offset, int whence, int64_t *new_offset)
{
    return unix_err(ESPIPE);
}

WEAK kern_return_t S_io_truncate(mach_port_t io, int64_t length)
{
    return unix_err(EINVAL);
}

WEAK kern_return_t S_io_sync(mach_port_t io)
{
    return unix_err(EINVAL);
}

WEAK kern_return_t S_io_map(mach_port_t io, mach_port_t *memory_object, int64_t *size)
{
    return unix_err(ENODEV);
}

WEAK kern_return_t S_io_window(mach_port_t io, mach_port_t *memory_object, int64_t *size, int64_t *offset)
{
    return unix_err(ENODEV);
}

WEAK kern_return_t S_io_chmod(mach_port_t io, uint32_t mode)
{
    return unix_err(EPERM);
}

WEAK kern_return_t S_io_chown(mach_port_t io, uint32_t uid, uint32_t gid)
{
    return unix_err(EPERM);
}

WEAK kern_return_t S_io_utimes(mach_port_t io, int64_t atime_sec, int64_t atime_nsec,
                               int64_t mtime_sec, int64_t mtime_nsec, uint32_t omit)
{
    return unix_err(EPERM);
}

/* Files, and whatever else never waits. */
WEAK kern_return_t S_io_poll(mach_port_t io, mach_port_t reply, uint32_t events, uint32_t tag,
                             uint32_t *revents,
                             uint32_t *tag_out)
{
    *revents = events & (IO_POLL_IN | IO_POLL_OUT);
    *tag_out = tag;
    return KERN_SUCCESS;
}
