/*
 * The serial server: the terminal. io.defs and tty.defs on one port; interrupts are messages too. Read
 * serial.h first.
 */
#include "serial.h"

#include "pl011.h"

#include <errno.h>
#include <mach/device_notify.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <pollers.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/interrupt_server.h>
#include <servers/io_server.h>
#include <servers/tty_server.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>

#define MESSAGE_MAX (IO_DATA_MAX + 512)
#define DEVICE      (5 << 8 | 1) /* /dev/console [Linux admin-guide/devices.txt] */

static const struct port_class tty_class = {.name = "tty"};
static const struct port_class intr_class = {.name = "interrupt"};
static struct port_object tty, intr;

/* What the UART received. A signal number that it means, or 0. */
static int receive(int c)
{
    if (c & PL011_BREAK)
        return tty_input_break();
    if (c & PL011_ERROR)
        return tty_input_error((unsigned char)c);
    return tty_input((unsigned char)c);
}

/* A demultiplexer: interrupts come as messages of the kernel's own form. */
static boolean_t intr_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    int c, signal;

    if (in->msgh_id != DEVICE_INTR_NOTIFY_ID || in->msgh_local_port != intr.port)
        return FALSE;
    while ((c = pl011_get()) >= 0)
        if ((signal = receive(c)) != 0)
            session_signal(signal);
    deliver();
    transmit();
    pl011_ack();
    pollers_wake(&pollers, ready());
    out->msgh_remote_port = MACH_PORT_NULL;
    ((mig_reply_error_t *)out)->RetCode = MIG_NO_REPLY;
    return TRUE;
}

/* ---- io.defs ---- */

kern_return_t S_io_read(mach_port_t io, mach_port_t reply, uint32_t amount, char *data,
                        mach_msg_type_number_t *dataCnt)
{
    kern_return_t kr = session_is_past() ? unix_err(EINTR) : session_check(SIGTTIN);

    if (kr != KERN_SUCCESS)
        return kr;
    if (amount > IO_DATA_MAX)
        amount = IO_DATA_MAX;
    if (amount != 0 && !(nobody_reads() && tty_readable(amount, FALSE)))
        return wait_read(reply, amount);
    *dataCnt = tty_read(data, amount);
    if (tty_attr.c_iflag & IXOFF)
        transmit();
    return KERN_SUCCESS;
}

kern_return_t S_io_write(mach_port_t io, mach_port_t reply, char *data,
                         mach_msg_type_number_t dataCnt, uint32_t *amount)
{
    kern_return_t kr = tty_attr.c_lflag & TOSTOP ? session_check(SIGTTOU) : KERN_SUCCESS;
    uint32_t n = 0;

    if (kr != KERN_SUCCESS)
        return kr;
    while (nobody_writes() && n < dataCnt) {
        uint32_t taken = tty_write(data + n, dataCnt - n);

        transmit();
        n += taken;
        if (taken == 0)
            break;
    }
    *amount = n;
    if (n == dataCnt)
        return KERN_SUCCESS;
    kr = wait_write(reply, data + n, dataCnt - n, dataCnt);
    return kr != MIG_NO_REPLY && n > 0 ? KERN_SUCCESS : kr;
}

kern_return_t S_io_poll(mach_port_t io, mach_port_t reply, uint32_t events, uint32_t tag, uint32_t *revents,
                        uint32_t *tag_out)
{
    return pollers_add(&pollers, reply, events, tag, ready(), revents, tag_out);
}

kern_return_t S_io_stat(mach_port_t io, io_stat_t *stat)
{
    memset(stat, 0, sizeof(*stat));
    stat->st_ino = 1;
    stat->st_mode = S_IFCHR | 0620;
    stat->st_nlink = 1;
    stat->st_rdev = DEVICE;
    stat->st_blksize = TTY_LINE;
    return KERN_SUCCESS;
}

kern_return_t S_io_truncate(mach_port_t io, int64_t length)
{
    return KERN_SUCCESS; /* POSIX: O_TRUNC has no effect on a terminal */
}

int main(void)
{
    static const mig_demux_t demuxers[] = {session_order, intr_server, io_server, tty_server,
                                           interrupt_server, session_server, alarm_server, NULL};
    mach_port_t receive_right;
    kern_return_t kr;

    tty_init();
    kr = alarm_init();
    if (kr == KERN_SUCCESS)
        kr = ports_create(&intr, &intr_class);
    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_right(mach_task_self(), intr.port, intr.port,
                                    MACH_MSG_TYPE_MAKE_SEND);
    if (kr == KERN_SUCCESS)
        kr = pl011_open(intr.port);
    if (kr == KERN_SUCCESS)
        kr = bootstrap_check_in(bootstrap_port, SERVICE_TTY, &receive_right);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&tty, &tty_class, receive_right);
    if (kr == KERN_SUCCESS)
        kr = session_init(tty.port);
    if (kr != KERN_SUCCESS) {
        printf("serial: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    ports_serve(demuxers, MESSAGE_MAX);
}
