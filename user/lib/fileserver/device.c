/*
 * device.c: device nodes of a server that stores files: names, and nothing else. Who opens one is sent on to
 * /dev, from its own root: there is what the numbers stand for, if it exists and the client may have it.
 */
#include "server.h"

int device_open(struct inode *ip, mach_port_t *port, mach_msg_type_name_t *how, uint32_t *on)
{
    *port = MACH_PORT_NULL;
    *how = MACH_MSG_TYPE_COPY_SEND;
    *on = FS_ON_DEVICE | (inode_type(ip) == OSTIAFS_S_IFBLK ? FS_ON_BLOCK : 0) |
          (ip->d->rdev_major & 0xff) << 8 | (ip->d->rdev_minor & 0xff);
    return 0;
}
