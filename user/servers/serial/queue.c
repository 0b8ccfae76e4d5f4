/*
 * Finished input: a ring; in canonical mode whole lines. Read tty.h first.
 *
 * How much a read must have without canonical mode is said by MIN and TIME [XBD 11.1.7]: MIN bytes, or as
 * many as it asks for; with a TIME at least one, once the time is over (without MIN, nothing); with
 * neither nothing.
 */
#include "tty.h"

#include <string.h>
#include <termios.h>

#define END_OF_LINE 0x200 /* of an element of the ring: a line ends with it */
#define HIGH (TTY_INPUT * 3 / 4) /* so full: with IXOFF the other side is to stop */
#define LOW  (TTY_INPUT / 4)     /* and may go on */

static uint16_t input[TTY_INPUT];
static uint32_t input_head, input_tail;
static uint32_t unread_tail; /* input_tail before the latest tty_read */
static uint32_t lines;       /* ends of lines in it */
static uint32_t unread_lines;
static boolean_t asked_to_stop; /* the other side, by us */

static uint32_t count(void)
{
    return input_head - input_tail;
}

static boolean_t canonical(void)
{
    return (tty_attr.c_lflag & ICANON) != 0;
}

/* Stops the other side, or lets it go on. */
static void control_flow(void)
{
    if (!asked_to_stop && (tty_attr.c_iflag & IXOFF) && count() > HIGH) {
        asked_to_stop = TRUE;
        tty_send_first(tty_attr.c_cc[VSTOP]);
    } else if (asked_to_stop && (count() < LOW || !(tty_attr.c_iflag & IXOFF))) {
        asked_to_stop = FALSE;
        tty_send_first(tty_attr.c_cc[VSTART]);
    }
}

boolean_t tty_finish(const char *data, uint32_t length, int end)
{
    if (TTY_INPUT - count() < length + (end >= 0))
        return FALSE;
    for (uint32_t i = 0; i < length; i++)
        input[input_head++ % TTY_INPUT] = (unsigned char)data[i];
    if (end >= 0) {
        input[input_head++ % TTY_INPUT] = (uint16_t)end | END_OF_LINE;
        lines++;
    }
    control_flow();
    return TRUE;
}

boolean_t tty_readable(uint32_t amount, boolean_t late)
{
    const uint32_t min = tty_attr.c_cc[VMIN], time = tty_attr.c_cc[VTIME];

    if (canonical())
        return lines > 0;
    if (min == 0)
        return count() > 0 || time == 0 || late;
    return count() >= (min < amount ? min : amount) || (late && count() > 0);
}

uint32_t tty_input_queued(void)
{
    uint32_t end = input_head;

    if (!canonical())
        return count();
    while (end != input_tail && !(input[(end - 1) % TTY_INPUT] & END_OF_LINE))
        end--;
    return end - input_tail;
}

uint32_t tty_read(char *data, uint32_t amount)
{
    const boolean_t by_lines = canonical();
    uint32_t n = 0;

    unread_tail = input_tail;
    unread_lines = lines;
    while (n < amount && input_head != input_tail) {
        uint16_t element = input[input_tail++ % TTY_INPUT];

        if (element & END_OF_LINE)
            lines--;
        if (!(element & TTY_END_OF_FILE))
            data[n++] = (char)element;
        if (by_lines && (element & END_OF_LINE))
            break;
    }
    /* A line that just fitted: its end of file is not another's. [XBD 11.1.6] */
    if (by_lines && n == amount && n > 0 && input_head != input_tail
        && (input[input_tail % TTY_INPUT] & TTY_END_OF_FILE)
        && !(input[(input_tail - 1) % TTY_INPUT] & END_OF_LINE)) {
        input_tail++;
        lines--;
    }
    control_flow();
    return n;
}

void tty_unread(void)
{
    input_tail = unread_tail;
    lines = unread_lines;
}

void tty_drop_queue(void)
{
    input_tail = input_head;
    lines = 0;
    control_flow();
}

void tty_queue_raw(void)
{
    uint32_t to = input_tail;

    for (uint32_t from = input_tail; from != input_head; from++) {
        uint16_t element = input[from % TTY_INPUT];

        if (element & TTY_END_OF_FILE)
            lines--;
        else
            input[to++ % TTY_INPUT] = element;
    }
    input_head = to;
}
