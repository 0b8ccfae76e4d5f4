/*
 * device.c: device nodes. Read S_fs_open in fsops.c before.
 *
 * A node in the file system is only a name for a service: the major number says which one, and who
 * opens the node gets that server's port, without the file server in between from then on. The
 * memory devices (null, zero, full) are so small that they are served here.
 */
#include "server.h"

#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <string.h>

/* Majors and minors are those Linux's users know [Linux admin-guide/devices.txt]. */
#define MAJOR_MEM  1
#define MINOR_NULL 3
#define MINOR_ZERO 5
#define MINOR_FULL 7

/* What other servers answer for. */
static const struct {
    uint32_t major;
    const char *service;
} services[] = {
    {4, SERVICE_TTY},  /* ttyS0 */
    {5, SERVICE_TTY},  /* tty, console */
    {8, SERVICE_DISK}, /* the whole disk: speaks disk.defs */
};

struct mem_device {
    struct port_object object;
    uint32_t minor;
};

static void destroy(void *object)
{
    struct mem_device *m = object;

    m->object.port = MACH_PORT_NULL; /* static: is made anew by the next open */
}

static const struct port_class mem_class = {.name = "memory device", .destroy = destroy};

static struct mem_device mem_devices[] = {
    {.minor = MINOR_NULL},
    {.minor = MINOR_ZERO},
    {.minor = MINOR_FULL},
};

static int open_mem(uint32_t minor, mach_port_t *port)
{
    for (size_t i = 0; i < sizeof mem_devices / sizeof mem_devices[0]; i++) {
        struct mem_device *m = &mem_devices[i];

        if (m->minor != minor)
            continue;
        if (m->object.port != MACH_PORT_NULL)
            ports_ref(m);
        else if (ports_create(&m->object, &mem_class) != KERN_SUCCESS)
            return ENOMEM;
        *port = ports_offer(&m->object);
        ports_deref(m);
        return *port == MACH_PORT_NULL ? ENOMEM : 0;
    }
    return ENXIO;
}

int device_open(const struct inode *ip, mach_port_t *port, mach_msg_type_name_t *how)
{
    *how = MACH_MSG_TYPE_MAKE_SEND;
    if (inode_type(ip) == OSTIAFS_S_IFCHR && ip->d->rdev_major == MAJOR_MEM)
        return open_mem(ip->d->rdev_minor, port);
    *how = MACH_MSG_TYPE_MOVE_SEND;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (services[i].major == ip->d->rdev_major)
            return bootstrap_look_up(bootstrap_port, services[i].service, port) == KERN_SUCCESS
                       ? 0
                       : ENXIO;
    return ENXIO;
}

/* The minor number of the memory device behind a port, 0 if it is none. */
static uint32_t minor_of(mach_port_t port)
{
    struct mem_device *m = ports_lookup(port, &mem_class);
    uint32_t minor = m == NULL ? 0 : m->minor;

    if (m != NULL)
        ports_deref(m);
    return minor;
}

int device_read(mach_port_t port, char *data, uint32_t *len)
{
    switch (minor_of(port)) {
    case MINOR_NULL:
        *len = 0;
        return 0;
    case MINOR_ZERO:
    case MINOR_FULL:
        memset(data, 0, *len);
        return 0;
    }
    return EBADF;
}

int device_write(mach_port_t port, uint32_t len)
{
    (void)len;
    switch (minor_of(port)) {
    case MINOR_NULL:
    case MINOR_ZERO:
        return 0;
    case MINOR_FULL:
        return ENOSPC;
    }
    return EBADF;
}

int device_stat(mach_port_t port, io_stat_t *stat)
{
    uint32_t minor = minor_of(port);

    if (minor == 0)
        return EBADF;
    memset(stat, 0, sizeof *stat);
    stat->st_mode = OSTIAFS_S_IFCHR | 0666;
    stat->st_nlink = 1;
    stat->st_rdev = MAJOR_MEM << 8 | minor;
    stat->st_blksize = OSTIAFS_BLOCK_SIZE;
    return 0;
}
