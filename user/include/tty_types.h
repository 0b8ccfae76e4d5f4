/* tty_attr_t: POSIX's struct termios on the wire (termios.h has the flag values). 64 bytes. */
#ifndef _TTY_TYPES_H_
#define _TTY_TYPES_H_

#include <stdint.h>

typedef struct tty_attr {
    uint32_t c_iflag;
    uint32_t c_oflag;
    uint32_t c_cflag;
    uint32_t c_lflag;
    uint8_t c_cc[32];
    uint32_t c_ispeed;
    uint32_t c_ospeed;
    uint32_t pad[2];
} tty_attr_t;
_Static_assert(sizeof(tty_attr_t) == 64, "tty_attr_t is 64 bytes on the wire");

#endif
