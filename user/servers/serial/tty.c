/*
 * The line discipline. Read tty.h first; the flags are POSIX's (termios.h, XBD chapter 11).
 */
#include "tty.h"

#include <signal.h>
#include <string.h>
#include <termios.h>

#define END_OF_FILE 0x100 /* an element of the input ring that is no byte: ^D was typed */

#define CTRL(c) ((c) & 0x1f)
#define DELETE  0x7f

tty_attr_t tty_attr;

/* Finished input: a ring; in canonical mode whole lines, each ended by newline or END_OF_FILE. */
static uint16_t input[TTY_INPUT];
static uint32_t input_head, input_tail;
static uint32_t unread_tail; /* input_tail before the latest tty_read */
static uint32_t lines;      /* newlines and ends of file in it */
static uint32_t unread_lines;

static char line[TTY_LINE]; /* being edited */
static uint32_t line_length;

static char output[TTY_OUTPUT];
static uint32_t output_head, output_tail;

void tty_init(void)
{
    tty_attr = (tty_attr_t){
        .c_iflag = ICRNL,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = CS8 | CREAD,
        .c_lflag = ICANON | ECHO | ECHOE | ECHOK | ISIG,
        .c_ispeed = B115200,
        .c_ospeed = B115200,
    };
    tty_attr.c_cc[VINTR] = CTRL('C');
    tty_attr.c_cc[VQUIT] = CTRL('\\');
    tty_attr.c_cc[VERASE] = DELETE;
    tty_attr.c_cc[VKILL] = CTRL('U');
    tty_attr.c_cc[VEOF] = CTRL('D');
    tty_attr.c_cc[VSUSP] = CTRL('Z');
    tty_attr.c_cc[VMIN] = 1;
}

static boolean_t canonical(void)
{
    return (tty_attr.c_lflag & ICANON) != 0;
}

static uint32_t output_room(void)
{
    return TTY_OUTPUT - (output_head - output_tail);
}

static void output_byte(char c)
{
    output[output_head++ % TTY_OUTPUT] = c;
}

boolean_t tty_writable(void)
{
    return output_room() >= 2; /* of any byte: a newline is two */
}

uint32_t tty_write(const char *data, uint32_t length)
{
    uint32_t i;

    for (i = 0; i < length && output_room() >= 2; i++) {
        if (data[i] == '\n' && (tty_attr.c_oflag & OPOST) && (tty_attr.c_oflag & ONLCR))
            output_byte('\r');
        output_byte(data[i]);
    }
    return i;
}

int tty_output_first(void)
{
    return output_head == output_tail ? -1 : (unsigned char)output[output_tail % TTY_OUTPUT];
}

void tty_sent(void)
{
    output_tail++;
}

/* Echoes a typed byte; a control character as ^X. Lost when the output is full, as is usual. */
static void echo(unsigned char c)
{
    char text[2] = {'^', (char)(c ^ 0x40)};

    if (!(tty_attr.c_lflag & ECHO) && !(c == '\n' && (tty_attr.c_lflag & ECHONL)))
        return;
    if ((c >= ' ' && c != DELETE) || c == '\n' || c == '\t')
        tty_write((const char *)&c, 1);
    else
        tty_write(text, 2);
}

static void input_push(uint16_t element)
{
    if (input_head - input_tail == TTY_INPUT) {
        tty_write("\a", 1);
        return;
    }
    input[input_head++ % TTY_INPUT] = element;
    if (element == '\n' || element == END_OF_FILE)
        lines++;
}

/* The edited line, with what ended it, becomes readable: all of it or nothing. */
static void line_done(uint16_t end)
{
    if (TTY_INPUT - (input_head - input_tail) < line_length + 1) {
        tty_write("\a", 1);
        return;
    }
    for (uint32_t i = 0; i < line_length; i++)
        input_push((unsigned char)line[i]);
    input_push(end);
    line_length = 0;
}

/* Takes one byte back from the line, and from the screen. */
static void erase_one(void)
{
    unsigned char c = (unsigned char)line[--line_length];

    if ((tty_attr.c_lflag & (ECHO | ECHOE)) != (ECHO | ECHOE))
        return;
    tty_write("\b \b", 3);
    if (c < ' ')
        tty_write("\b \b", 3); /* was echoed as ^X */
}

void tty_flush_input(void)
{
    input_tail = input_head;
    lines = 0;
    line_length = 0;
}

void tty_mode_changed(void)
{
    if (canonical())
        return;
    for (uint32_t i = 0; i < line_length; i++)
        input_push((unsigned char)line[i]);
    line_length = 0;
}

static int signal_for(unsigned char c)
{
    if (!(tty_attr.c_lflag & ISIG))
        return 0;
    if (c == tty_attr.c_cc[VINTR])
        return SIGINT;
    if (c == tty_attr.c_cc[VQUIT])
        return SIGQUIT;
    if (c == tty_attr.c_cc[VSUSP])
        return SIGTSTP;
    return 0;
}

int tty_input(unsigned char c)
{
    int signal;

    if (c == '\r' && (tty_attr.c_iflag & IGNCR))
        return 0;
    if (c == '\r' && (tty_attr.c_iflag & ICRNL))
        c = '\n';
    signal = signal_for(c);
    if (signal != 0) {
        if (!(tty_attr.c_lflag & NOFLSH))
            tty_flush_input();
        echo(c);
        if (tty_attr.c_lflag & ECHO)
            tty_write("\n", 1);
        return signal;
    }
    if (!canonical()) {
        echo(c);
        input_push(c);
    } else if (c == tty_attr.c_cc[VERASE] || c == '\b') {
        if (line_length > 0)
            erase_one();
    } else if (c == tty_attr.c_cc[VKILL]) {
        while (line_length > 0)
            erase_one();
    } else if (c == tty_attr.c_cc[VEOF]) {
        line_done(END_OF_FILE);
    } else if (c == '\n') {
        echo(c);
        line_done('\n');
    } else if (line_length < TTY_LINE - 1) {
        echo(c);
        line[line_length++] = (char)c;
    } else {
        tty_write("\a", 1);
    }
    return 0;
}

boolean_t tty_readable(void)
{
    return canonical() ? lines > 0 : input_head != input_tail;
}

uint32_t tty_read(char *data, uint32_t amount)
{
    uint32_t n = 0;

    unread_tail = input_tail;
    unread_lines = lines;
    while (n < amount && input_head != input_tail) {
        uint16_t element = input[input_tail % TTY_INPUT];

        input_tail++;
        if (element == '\n' || element == END_OF_FILE)
            lines--;
        if (element == END_OF_FILE)
            break; /* the line so far, or end of file */
        data[n++] = (char)element;
        if (element == '\n' && canonical())
            break;
    }
    return n;
}

void tty_unread(void)
{
    input_tail = unread_tail;
    lines = unread_lines;
}
