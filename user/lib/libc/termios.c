/* Terminals: tty.defs on the descriptor's port. */
#include "posix.h"

#include <errno.h>
#include <servers/tty.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

_Static_assert(sizeof(((tty_attr_t *)0)->c_cc) == NCCS, "c_cc");

static int tty_error(kern_return_t kr)
{
    return kr == MIG_BAD_ID ? __fail(ENOTTY) : __error(kr);
}

int tcgetattr(int fd, struct termios *attr)
{
    struct fd *f = __fd_get(fd);
    tty_attr_t wire;
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = tty_get_attr(f->port, &wire);
    if (kr != KERN_SUCCESS)
        return tty_error(kr);
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
    struct fd *f = __fd_get(fd);
    tty_attr_t wire = {
        .c_iflag = attr->c_iflag,
        .c_oflag = attr->c_oflag,
        .c_cflag = attr->c_cflag,
        .c_lflag = attr->c_lflag,
        .c_ispeed = attr->c_ispeed,
        .c_ospeed = attr->c_ospeed,
    };
    kern_return_t kr;

    if (f == NULL)
        return -1;
    memcpy(wire.c_cc, attr->c_cc, sizeof(wire.c_cc));
    kr = tty_set_attr(f->port, action, wire);
    return kr == KERN_SUCCESS ? 0 : tty_error(kr);
}

int isatty(int fd)
{
    struct termios attr;

    return tcgetattr(fd, &attr) == 0;
}

char *ttyname(int fd)
{
    return isatty(fd) ? "/dev/console" : NULL;
}

pid_t tcgetpgrp(int fd)
{
    struct fd *f = __fd_get(fd);
    int pgid;
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = tty_get_pgrp(f->port, &pgid);
    return kr == KERN_SUCCESS ? pgid : tty_error(kr);
}

int tcsetpgrp(int fd, pid_t pgid)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = tty_set_pgrp(f->port, pgid);
    return kr == KERN_SUCCESS ? 0 : tty_error(kr);
}

int tcgetwinsize(int fd, struct winsize *size)
{
    struct fd *f = __fd_get(fd);
    int rows;
    int columns;
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = tty_get_winsize(f->port, &rows, &columns);
    if (kr != KERN_SUCCESS)
        return tty_error(kr);
    *size = (struct winsize){.ws_row = rows, .ws_col = columns};
    return 0;
}

int tcsetwinsize(int fd, const struct winsize *size)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = tty_set_winsize(f->port, size->ws_row, size->ws_col);
    return kr == KERN_SUCCESS ? 0 : tty_error(kr);
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
