/* xv6's kernel/fcntl.h: its flags of open, which are not POSIX's numbers. */
#ifndef _XV6_FCNTL_H_
#define _XV6_FCNTL_H_

#define O_RDONLY 0x000
#define O_WRONLY 0x001
#define O_RDWR   0x002
#define O_CREATE 0x200
#define O_TRUNC  0x400

#endif
