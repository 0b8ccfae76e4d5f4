/*
 * Output: what programs write, and what is echoed, on its way to the wire. Read tty.h first.
 */
#include "tty.h"

#include <string.h>
#include <termios.h>

#define TAB_WIDTH 8
#define ROOM_MOST TAB_WIDTH /* what one byte can become: a tab, as blanks */

static char output[TTY_OUTPUT];
static uint32_t output_head, output_tail;
static uint32_t column;
static boolean_t stopped;
static int first = -1; /* goes before the rest; -1: nothing */

static uint32_t output_room(void)
{
    return TTY_OUTPUT - (output_head - output_tail);
}

static void output_byte(char c)
{
    output[output_head++ % TTY_OUTPUT] = c;
}

static void output_bytes(const char *data, uint32_t n)
{
    uint32_t at = output_head % TTY_OUTPUT, part = n < TTY_OUTPUT - at ? n : TTY_OUTPUT - at;

    memcpy(output + at, data, part);
    memcpy(output, data + part, n - part);
    output_head += n;
}

boolean_t tty_writable(void)
{
    return output_room() >= ROOM_MOST;
}

/* How many bytes print as they are, and move the cursor by one column each. */
static uint32_t plain(const char *data, uint32_t length)
{
    uint32_t n = 0;

    while (n < length && (unsigned char)(data[n] - ' ') <= '~' - ' ')
        n++;
    return n;
}

/* Any other byte, with OPOST. There is room. */
static void output_special(unsigned char c)
{
    const uint32_t flags = tty_attr.c_oflag;

    switch (c) {
    case '\n':
        if (flags & ONLCR)
            output_byte('\r');
        if (flags & (ONLCR | ONLRET))
            column = 0;
        break;
    case '\r':
        if (column == 0 && (flags & ONOCR))
            return;
        if (flags & OCRNL)
            c = '\n';
        if (c == '\r' || (flags & ONLRET))
            column = 0;
        break;
    case '\t':
        do {
            column++;
            if ((flags & TABDLY) == TAB3)
                output_byte(' ');
        } while (column % TAB_WIDTH != 0);
        if ((flags & TABDLY) == TAB3)
            return;
        break;
    case '\b':
        column -= column > 0;
        break;
    default:
        if (c > 0x7f && !((tty_attr.c_iflag & IUTF8) && (c & 0xc0) == 0x80))
            column++;
    }
    output_byte((char)c);
}

uint32_t tty_write(const char *data, uint32_t length)
{
    uint32_t done = 0, room, n;

    while (done < length && (room = output_room()) >= ROOM_MOST) {
        if (tty_attr.c_oflag & OPOST)
            n = plain(data + done, length - done);
        else
            n = length - done;
        if (n > room)
            n = room;
        output_bytes(data + done, n);
        column += n;
        done += n;
        if (done < length && output_room() >= ROOM_MOST && (tty_attr.c_oflag & OPOST))
            output_special((unsigned char)data[done++]);
    }
    return done;
}

int tty_output_first(void)
{
    if (first >= 0)
        return first;
    return output_head == output_tail || stopped ? -1
                                                 : (unsigned char)output[output_tail % TTY_OUTPUT];
}

void tty_sent(void)
{
    if (first >= 0)
        first = -1;
    else
        output_tail++;
}

uint32_t tty_output_queued(void)
{
    return output_head - output_tail;
}

void tty_flush_output(void)
{
    output_tail = output_head;
}

void tty_stop(boolean_t stop)
{
    stopped = stop;
}

boolean_t tty_stopped(void)
{
    return stopped;
}

void tty_send_first(unsigned char c)
{
    first = c;
}

uint32_t tty_column(void)
{
    return column;
}
