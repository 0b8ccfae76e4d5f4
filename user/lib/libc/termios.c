/* Terminals: tty.defs on the descriptor's port. */
#include "posix.h"

#include <errno.h>
#include <servers/tty.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define CONSOLE "/dev/console" /* there is one terminal */

_Static_assert(sizeof(((tty_attr_t *)0)->c_cc) == NCCS, "c_cc");

/* A call to the terminal, which may have to wait, or be made again when a signal has acted. */
#define CALL(kr, fd, call) \
    do { \
        struct fd *f = __fd_get(fd); \
        if (f == NULL) \
            return -1; \
        do { \
            __wait_begin(f->port); \
            kr = (call); \
        } while (__wait_again(kr)); \
    } while (0)

static int result(kern_return_t kr)
{
    if (kr == KERN_SUCCESS)
        return 0;
    return kr == MIG_BAD_ID ? __fail(ENOTTY) : __error(kr);
}

int tcgetattr(int fd, struct termios *attr)
{
    tty_attr_t wire;
    kern_return_t kr;

    CALL(kr, fd, tty_get_attr(f->port, &wire));
    if (kr != KERN_SUCCESS)
        return result(kr);
    attr->c_iflag = wire.c_iflag;
    attr->c_oflag = wire.c_oflag;
    attr->c_cflag = wire.c_cflag;
    attr->c_lflag = wire.c_lflag;
    attr->c_ispeed = wire.c_ispeed;
    attr->c_ospeed = wire.c_ospeed;
    memcpy(attr->c_cc, wire.c_cc, sizeof(attr->c_cc));
    return 0;
}

int tcsetattr(int fd, int action, const struct termios *attr)
{
    tty_attr_t wire = {
        .c_iflag = attr->c_iflag,
        .c_oflag = attr->c_oflag,
        .c_cflag = attr->c_cflag,
        .c_lflag = attr->c_lflag,
        .c_ispeed = attr->c_ispeed,
        .c_ospeed = attr->c_ospeed,
    };
    kern_return_t kr;

    memcpy(wire.c_cc, attr->c_cc, sizeof(wire.c_cc));
    CALL(kr, fd, tty_set_attr(f->port, action, wire));
    return result(kr);
}

int tcdrain(int fd)
{
    kern_return_t kr;

    CALL(kr, fd, tty_drain(f->port));
    return result(kr);
}

int tcflow(int fd, int action)
{
    kern_return_t kr;

    CALL(kr, fd, tty_flow(f->port, action));
    return result(kr);
}

int tcflush(int fd, int queue)
{
    kern_return_t kr;

    CALL(kr, fd, tty_flush(f->port, queue));
    return result(kr);
}

/* What another duration than 0 means is up to the system: here the same. */
int tcsendbreak(int fd, int duration)
{
    kern_return_t kr;

    (void)duration;
    CALL(kr, fd, tty_break(f->port));
    return result(kr);
}

int isatty(int fd)
{
    struct termios attr;

    return tcgetattr(fd, &attr) == 0;
}

char *ttyname(int fd)
{
    return isatty(fd) ? CONSOLE : NULL;
}

int ttyname_r(int fd, char *name, size_t size)
{
    if (!isatty(fd))
        return errno;
    return strlcpy(name, CONSOLE, size) < size ? 0 : ERANGE;
}

pid_t tcgetpgrp(int fd)
{
    int pgid;
    kern_return_t kr;

    CALL(kr, fd, tty_get_pgrp(f->port, &pgid));
    return kr == KERN_SUCCESS ? pgid : result(kr);
}

int tcsetpgrp(int fd, pid_t pgid)
{
    kern_return_t kr;

    CALL(kr, fd, tty_set_pgrp(f->port, pgid));
    return result(kr);
}

pid_t tcgetsid(int fd)
{
    int sid;
    kern_return_t kr;

    CALL(kr, fd, tty_get_sid(f->port, &sid));
    return kr == KERN_SUCCESS ? sid : result(kr);
}

int tcgetwinsize(int fd, struct winsize *size)
{
    int rows;
    int columns;
    kern_return_t kr;

    CALL(kr, fd, tty_get_winsize(f->port, &rows, &columns));
    if (kr != KERN_SUCCESS)
        return result(kr);
    *size = (struct winsize){.ws_row = rows, .ws_col = columns};
    return 0;
}

int tcsetwinsize(int fd, const struct winsize *size)
{
    kern_return_t kr;

    CALL(kr, fd, tty_set_winsize(f->port, size->ws_row, size->ws_col));
    return result(kr);
}

static int queued(int fd, unsigned long request, int *bytes)
{
    uint32_t in;
    uint32_t out;
    kern_return_t kr;

    CALL(kr, fd, tty_queued(f->port, &in, &out));
    if (kr == KERN_SUCCESS)
        *bytes = (int)(request == FIONREAD ? in : out);
    return result(kr);
}

static int control(int fd, int take)
{
    kern_return_t kr;

    CALL(kr, fd, tty_control(f->port, take));
    return result(kr);
}

static int type(int fd, char *byte)
{
    kern_return_t kr;

    CALL(kr, fd, tty_type(f->port, byte, 1));
    return result(kr);
}

/* A number, which is stored unless it is an error. */
static int store(pid_t number, pid_t *to)
{
    if (number < 0)
        return -1;
    *to = number;
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    void *argument;

    va_start(ap, request);
    argument = va_arg(ap, void *);
    va_end(ap);
    switch (request) {
    case TIOCSCTTY:
    case TIOCNOTTY:
        return control(fd, request == TIOCSCTTY);
    case TIOCGPGRP:
        return store(tcgetpgrp(fd), argument);
    case TIOCSPGRP:
        return tcsetpgrp(fd, *(pid_t *)argument);
    case TIOCGSID:
        return store(tcgetsid(fd), argument);
    case TIOCGWINSZ:
        return tcgetwinsize(fd, argument);
    case TIOCSWINSZ:
        return tcsetwinsize(fd, argument);
    case FIONREAD:
    case TIOCOUTQ:
        return queued(fd, request, argument);
    case TIOCSTI:
        return type(fd, argument);
    }
    return __fd_get(fd) != NULL ? __fail(ENOTTY) : -1;
}

speed_t cfgetispeed(const struct termios *attr)
{
    return attr->c_ispeed;
}

speed_t cfgetospeed(const struct termios *attr)
{
    return attr->c_ospeed;
}

int cfsetispeed(struct termios *attr, speed_t speed)
{
    attr->c_ispeed = speed;
    return 0;
}

int cfsetospeed(struct termios *attr, speed_t speed)
{
    attr->c_ospeed = speed;
    return 0;
}

void cfmakeraw(struct termios *attr)
{
    attr->c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    attr->c_oflag &= ~OPOST;
    attr->c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    attr->c_cflag = (attr->c_cflag & ~(CSIZE | PARENB)) | CS8;
    attr->c_cc[VMIN] = 1;
    attr->c_cc[VTIME] = 0;
}
