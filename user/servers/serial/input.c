/*
 * Input: what a key that was typed does. Read tty.h first.
 *
 * In canonical mode a line is edited here until it is finished, and only then can be read (queue.c). What is
 * seen of a key is output like any other; it is lost when there is no room for it.
 */
#include "tty.h"

#include <signal.h>
#include <string.h>
#include <termios.h>

#define CTRL(c)   ((c) & 0x1f)
#define DELETE    0x7f
#define TAB_WIDTH 8
#define BAD_BYTE  0xff /* PARMRK: what comes now was received badly; a good one is sent twice */

tty_attr_t tty_attr;

static char line[TTY_LINE]; /* being edited */
static uint32_t line_length;
static uint32_t line_column; /* where it begins on the screen */
static boolean_t literal;    /* the next key means nothing: VLNEXT was typed */

void tty_init(void)
{
    static const uint8_t keys[] = {
        [VINTR] = CTRL('C'),   [VQUIT] = CTRL('\\'), [VERASE] = DELETE,    [VKILL] = CTRL('U'),
        [VEOF] = CTRL('D'),    [VMIN] = 1,           [VSTART] = CTRL('Q'), [VSTOP] = CTRL('S'),
        [VSUSP] = CTRL('Z'),   [VREPRINT] = CTRL('R'), [VWERASE] = CTRL('W'),
        [VLNEXT] = CTRL('V'),
    };

    tty_attr = (tty_attr_t){
        .c_iflag = ICRNL | IXON | IUTF8,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = CS8 | CREAD | HUPCL | CLOCAL,
        .c_lflag = ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | ISIG | IEXTEN,
        .c_ispeed = B115200,
        .c_ospeed = B115200,
    };
    memcpy(tty_attr.c_cc, keys, sizeof(keys));
}

static boolean_t has(uint32_t flags)
{
    return (tty_attr.c_lflag & flags) == flags;
}

/* Is it that control character, and is there one? */
static boolean_t is_key(unsigned char c, int key)
{
    return c != 0 && c == tty_attr.c_cc[key];
}

static void bell(void)
{
    tty_write("\a", 1);
}

/* ---- what is seen ---- */

static boolean_t is_control(unsigned char c)
{
    return c < ' ' || c == DELETE;
}

/* A byte that was typed; a control character as ^X. */
static void show(unsigned char c)
{
    char text[2] = {'^', (char)(c ^ 0x40)};

    if (is_control(c) && c != '\n' && c != '\t' && has(ECHOCTL))
        tty_write(text, 2);
    else
        tty_write((const char *)&c, 1);
}

static void echo(unsigned char c)
{
    if (has(ECHO) || (c == '\n' && has(ECHONL | ICANON)))
        show(c);
}

static boolean_t is_continuation(char c)
{
    return (tty_attr.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* The column behind the line's first `length` bytes. */
static uint32_t column_after(uint32_t length)
{
    uint32_t column = line_column;

    for (uint32_t i = 0; i < length; i++) {
        if (line[i] == '\t')
            column += TAB_WIDTH - column % TAB_WIDTH;
        else if (is_control((unsigned char)line[i]))
            column += has(ECHOCTL) ? 2 : 0;
        else
            column += !is_continuation(line[i]);
    }
    return column;
}

/* ---- the line ---- */

/* Shortens the line, and wipes its end off the screen. */
static void erase_to(uint32_t length)
{
    while (line_length > length) {
        uint32_t columns = column_after(line_length);
        boolean_t tab = line[--line_length] == '\t';

        columns -= column_after(line_length);
        while (has(ECHO) && columns-- > 0)
            tty_write(tab ? "\b" : "\b \b", tab ? 1 : 3);
    }
}

/* Where its last character begins, which may be several bytes. */
static uint32_t last_character(void)
{
    uint32_t at = line_length;

    while (at > 0 && is_continuation(line[--at]))
        ;
    return at;
}

static uint32_t last_word(void)
{
    uint32_t at = line_length;

    while (at > 0 && (line[at - 1] == ' ' || line[at - 1] == '\t'))
        at--;
    while (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t')
        at--;
    return at;
}

/* The key c erases down to length. */
static void erase(unsigned char c, uint32_t length)
{
    if (line_length == length)
        return;
    if (has(ECHOE)) {
        erase_to(length);
    } else {
        line_length = length;
        echo(c);
    }
}

static void kill_line(unsigned char c)
{
    if (has(ECHOE | ECHOKE)) {
        erase_to(0);
        return;
    }
    line_length = 0;
    echo(c);
    if (has(ECHO | ECHOK))
        tty_write("\n", 1);
}

static void reprint(unsigned char c)
{
    if (!has(ECHO))
        return;
    show(c);
    tty_write("\n", 1);
    line_column = tty_column();
    for (uint32_t i = 0; i < line_length; i++)
        show((unsigned char)line[i]);
}

/* The line, with what ended it, can be read: all of it or nothing. */
static void finish(int end)
{
    if (tty_finish(line, line_length, end))
        line_length = 0;
    else
        bell();
}

static void add(unsigned char c)
{
    if (line_length == TTY_LINE - 1) { /* the last place is the newline's */
        bell();
        return;
    }
    if (line_length == 0)
        line_column = tty_column();
    line[line_length++] = (char)c;
    echo(c);
}

/* A key that edits the line. FALSE: it is none. */
static boolean_t edit(unsigned char c)
{
    if (is_key(c, VERASE))
        erase(c, last_character());
    else if (is_key(c, VKILL))
        kill_line(c);
    else if (is_key(c, VWERASE) && has(IEXTEN))
        erase(c, last_word());
    else if (is_key(c, VREPRINT) && has(IEXTEN))
        reprint(c);
    else
        return FALSE;
    return TRUE;
}

static void input_canonical(unsigned char c)
{
    if (edit(c))
        return;
    if (is_key(c, VLNEXT) && has(IEXTEN)) {
        literal = TRUE;
        if (has(ECHO | ECHOCTL))
            tty_write("^\b", 2);
    } else if (is_key(c, VEOF)) {
        finish(TTY_END_OF_FILE);
    } else if (c == '\n' || is_key(c, VEOL) || (is_key(c, VEOL2) && has(IEXTEN))) {
        if (line_length == 0)
            line_column = tty_column();
        echo(c);
        finish(c);
    } else {
        add(c);
    }
}

static void input_byte(unsigned char c)
{
    if (has(ICANON)) {
        input_canonical(c);
        return;
    }
    echo(c);
    /* A newline ends a line for whoever reads it in canonical mode after all. */
    if (!(c == '\n' ? tty_finish(NULL, 0, c) : tty_finish((const char *)&c, 1, -1)))
        bell();
}

/* ---- keys that are for nobody to read ---- */

static void flush(void)
{
    if (has(NOFLSH))
        return;
    tty_flush_input();
    tty_flush_output();
}

static int signal_for(unsigned char c)
{
    if (!has(ISIG))
        return 0;
    if (is_key(c, VINTR))
        return SIGINT;
    if (is_key(c, VQUIT))
        return SIGQUIT;
    return is_key(c, VSUSP) ? SIGTSTP : 0;
}

/* ^S, ^Q; and with IXANY any other key lets output go on, and is a key. */
static boolean_t is_flow(unsigned char c)
{
    if (!(tty_attr.c_iflag & IXON))
        return FALSE;
    if (is_key(c, VSTART) || is_key(c, VSTOP)) {
        tty_stop(!is_key(c, VSTART));
        return TRUE;
    }
    if (tty_attr.c_iflag & IXANY)
        tty_stop(FALSE);
    return FALSE;
}

int tty_input(unsigned char c)
{
    const uint32_t flags = tty_attr.c_iflag;
    int signal;

    if (!(tty_attr.c_cflag & CREAD))
        return 0;
    if (flags & ISTRIP)
        c &= 0x7f;
    else if (c == BAD_BYTE && (flags & PARMRK))
        input_byte(c);
    if (literal) {
        literal = FALSE;
        add(c);
        return 0;
    }
    if (is_flow(c))
        return 0;
    signal = signal_for(c);
    if (signal != 0) {
        flush();
        tty_stop(FALSE);
        if (has(ECHO)) {
            show(c);
            tty_write("\n", 1);
        }
        return signal;
    }
    if (c == '\r' && (flags & IGNCR))
        return 0;
    if (c == '\r' && (flags & ICRNL))
        c = '\n';
    else if (c == '\n' && (flags & INLCR))
        c = '\r';
    input_byte(c);
    return 0;
}

/* What is read in place of a byte that was received badly. */
static void input_mark(unsigned char c)
{
    if (tty_attr.c_iflag & PARMRK) {
        input_byte(BAD_BYTE);
        input_byte('\0');
        input_byte(c);
    } else {
        input_byte('\0');
    }
}

int tty_input_break(void)
{
    if (tty_attr.c_iflag & IGNBRK)
        return 0;
    if (tty_attr.c_iflag & BRKINT) {
        flush();
        return SIGINT;
    }
    input_mark('\0');
    return 0;
}

int tty_input_error(unsigned char c)
{
    if (!(tty_attr.c_iflag & INPCK))
        return tty_input(c);
    if (!(tty_attr.c_iflag & IGNPAR))
        input_mark(c);
    return 0;
}

void tty_flush_input(void)
{
    tty_drop_queue();
    line_length = 0;
    literal = FALSE;
}

void tty_mode_changed(void)
{
    if (!(tty_attr.c_iflag & IXON))
        tty_stop(FALSE);
    if (has(ICANON))
        return;
    literal = FALSE;
    tty_queue_raw();
    if (tty_finish(line, line_length, -1))
        line_length = 0;
}
