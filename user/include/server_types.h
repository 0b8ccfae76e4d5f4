/*
 * What servers and their clients share: sizes and records of server_types.defs.
 */
#ifndef _SERVER_TYPES_H_
#define _SERVER_TYPES_H_

#include <mach/mach_types.h>
#include <stdint.h>

#define IO_SEEK_BACK 16 /* io_seek: the offset that io_window gave comes back */
#define IO_DATA_MAX 8192 /* bytes in one io_read or io_write message */

/* io_poll's events, POSIX's numbers; and its message id, for the client that sends it by hand. */
#define IO_POLL_IN  0x001
#define IO_POLL_OUT 0x004
#define IO_POLL_ERR 0x008
#define IO_POLL_HUP 0x010
#define IO_POLL_NOW 0x8000 /* answer at once */
#define IO_POLL_ID  5112

/* What a path's routine does with a symbolic link at the end. */
enum follow {
    FOLLOW_NEVER, /* it is the thing that is meant: to make, remove or rename; so is a mount's directory */
    FOLLOW_SLASH, /* follow it if the path ends in '/' */
    FOLLOW,
};

#define FS_EREMOTE 66 /* the path leads to another file server: fs_cross says to which (not POSIX's) */

/* fs_open's `on`. */
#define FS_ON_REST   1U
#define FS_ON_DEVICE (1U << 31)
#define FS_ON_BLOCK  (1U << 30)

typedef char path_t[1024];        /* with its NUL */
typedef char service_name_t[64];

/* io_stat: 112 bytes, without padding. Times in seconds and nanoseconds since 1970. */
typedef struct io_stat {
    uint64_t st_ino;
    uint64_t st_size;
    uint64_t st_blocks; /* of 512 bytes */
    uint32_t st_dev;
    uint32_t st_mode;   /* S_IFMT and permissions, POSIX's numbers */
    uint32_t st_nlink;
    uint32_t st_uid;
    uint32_t st_gid;
    uint32_t st_rdev;   /* major << 8 | minor */
    uint32_t st_blksize;
    uint32_t st_pad;
    int64_t st_atime_sec, st_atime_nsec;
    int64_t st_mtime_sec, st_mtime_nsec;
    int64_t st_ctime_sec, st_ctime_nsec;
    uint64_t st_fsid;
} io_stat_t;
_Static_assert(sizeof(io_stat_t) == 112, "io_stat_t is 112 bytes on the wire");

/* One entry of fs_readdir: packed one after the other, each 8-aligned. */
typedef struct io_dirent {
    uint64_t d_ino;
    uint64_t d_off;    /* cookie of the next entry */
    uint16_t d_reclen; /* bytes, with name and padding */
    uint8_t d_type;    /* DT_* */
    uint8_t d_namlen;
    char d_name[];     /* NUL-terminated */
} io_dirent_t;

#define SERVICE_FILE   "file"
#define SERVICE_TMPFS  "tmpfs"
#define SERVICE_DEVFS  "devfs"
#define SERVICE_PROCFS "procfs"
#define SERVICE_PROC   "proc"
#define SERVICE_PIPE   "pipe"
#define SERVICE_TTY    "tty"
#define SERVICE_DISK   "disk"
#define SERVICE_DEVICE "device"
#define SERVICE_RTC    "rtc"

#endif
