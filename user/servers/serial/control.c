/*
 * The rest of tty.defs: modes, flow, the window's size. Read serial.h first.
 */
#include "serial.h"

#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <server_types.h>
#include <servers/tty_server.h>
#include <signal.h>
#include <termios.h>

static int rows = 24, columns = 80;

kern_return_t S_tty_get_attr(mach_port_t port, tty_attr_t *attr)
{
    *attr = tty_attr;
    return KERN_SUCCESS;
}

kern_return_t S_tty_set_attr(mach_port_t port, mach_port_t reply, int action, tty_attr_t attr)
{
    kern_return_t kr;

    if (action != TCSANOW && action != TCSADRAIN && action != TCSAFLUSH)
        return unix_err(EINVAL);
    kr = session_check(SIGTTOU);
    if (kr != KERN_SUCCESS)
        return kr;
    if (action != TCSANOW)
        return wait_attr(reply, &attr, action == TCSAFLUSH);
    set_attr(&attr, FALSE);
    transmit(); /* what was stopped, perhaps */
    return KERN_SUCCESS;
}

kern_return_t S_tty_drain(mach_port_t port, mach_port_t reply)
{
    kern_return_t kr = session_check(SIGTTOU);

    return kr == KERN_SUCCESS ? wait_drain(reply) : kr;
}

kern_return_t S_tty_break(mach_port_t port, mach_port_t reply)
{
    kern_return_t kr = session_check(SIGTTOU);

    return kr == KERN_SUCCESS ? wait_break(reply) : kr;
}

kern_return_t S_tty_flush(mach_port_t port, int queue)
{
    kern_return_t kr;

    if (queue != TCIFLUSH && queue != TCOFLUSH && queue != TCIOFLUSH)
        return unix_err(EINVAL);
    kr = session_check(SIGTTOU);
    if (kr != KERN_SUCCESS)
        return kr;
    if (queue != TCOFLUSH)
        tty_flush_input();
    if (queue != TCIFLUSH)
        tty_flush_output();
    transmit();
    return KERN_SUCCESS;
}

kern_return_t S_tty_flow(mach_port_t port, int action)
{
    kern_return_t kr;

    if (action != TCOOFF && action != TCOON && action != TCIOFF && action != TCION)
        return unix_err(EINVAL);
    kr = session_check(SIGTTOU);
    if (kr != KERN_SUCCESS)
        return kr;
    if (action == TCOOFF || action == TCOON)
        tty_stop(action == TCOOFF);
    else if (tty_attr.c_cc[action == TCIOFF ? VSTOP : VSTART] != 0)
        tty_send_first(tty_attr.c_cc[action == TCIOFF ? VSTOP : VSTART]);
    transmit();
    return KERN_SUCCESS;
}

kern_return_t S_tty_get_winsize(mach_port_t port, int *r, int *c)
{
    *r = rows;
    *c = columns;
    return KERN_SUCCESS;
}

kern_return_t S_tty_set_winsize(mach_port_t port, int r, int c)
{
    kern_return_t kr;

    if (r < 0 || c < 0 || r > UINT16_MAX || c > UINT16_MAX) /* struct winsize */
        return unix_err(EINVAL);
    kr = session_check(SIGTTOU);
    if (kr != KERN_SUCCESS || (r == rows && c == columns))
        return kr;
    rows = r;
    columns = c;
    session_signal(SIGWINCH);
    return KERN_SUCCESS;
}

kern_return_t S_tty_queued(mach_port_t port, uint32_t *in, uint32_t *out)
{
    *in = tty_input_queued();
    *out = tty_output_queued();
    return KERN_SUCCESS;
}

kern_return_t S_tty_type(mach_port_t port, char *data, mach_msg_type_number_t dataCnt)
{
    int signal;

    if (credentials_uid(ports_sender()) != 0)
        return unix_err(EPERM);
    for (mach_msg_type_number_t i = 0; i < dataCnt; i++)
        if ((signal = tty_input((unsigned char)data[i])) != 0)
            session_signal(signal);
    transmit();
    deliver();
    return KERN_SUCCESS;
}
