/* Device numbers: major << 8 | minor, as on the wire (server_types.h). */
#ifndef _SYS_SYSMACROS_H_
#define _SYS_SYSMACROS_H_

#define major(dev) ((unsigned)((dev) >> 8))
#define minor(dev) ((unsigned)((dev) & 0xff))
#define makedev(major, minor) ((dev_t)((major) << 8 | (minor)))

#endif
