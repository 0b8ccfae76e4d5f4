/*
 * Mach's composed error codes (mach/error.h): 6 bits system, 12 bits subsystem, 14 bits code.
 * POSIX servers answer with unix_err(errno); libc turns that back into errno.
 */
#ifndef _MACH_ERROR_H_
#define _MACH_ERROR_H_

#define err_system(x)     ((int)(((unsigned)(x) & 0x3f) << 26))
#define err_sub(x)        (((x) & 0xfff) << 14)
#define err_kern          err_system(0x0)
#define err_get_sub(e)    (((e) >> 14) & 0xfff)
#define err_get_code(e)   ((e) & 0x3fff)

#define unix_err(errno)   (err_kern | err_sub(3) | (errno)) /* errno is positive */
#define is_unix_err(e)    (((e) & ~0x3fff) == unix_err(0))

#endif
