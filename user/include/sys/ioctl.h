/* ioctl: of terminals alone, the requests that have no function of their own in POSIX; Linux's numbers. */
#ifndef _SYS_IOCTL_H_
#define _SYS_IOCTL_H_

#include <termios.h> /* struct winsize */

#define TIOCSCTTY  0x540e /* the terminal controls the caller's session */
#define TIOCGPGRP  0x540f /* pid_t *: tcgetpgrp, tcsetpgrp */
#define TIOCSPGRP  0x5410
#define TIOCOUTQ   0x5411 /* int *: bytes not sent yet */
#define TIOCSTI    0x5412 /* const char *: as if it were typed; for root */
#define TIOCGWINSZ 0x5413 /* struct winsize *: tcgetwinsize, tcsetwinsize */
#define TIOCSWINSZ 0x5414
#define FIONREAD   0x541b /* int *: bytes that can be read */
#define TIOCINQ    FIONREAD
#define TIOCNOTTY  0x5422 /* the terminal is given up, for all of the session */
#define TIOCGSID   0x5429 /* pid_t *: tcgetsid */

int ioctl(int fd, unsigned long request, ...);

#endif
