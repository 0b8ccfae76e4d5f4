/*
 * The line discipline (user/servers/serial: input.c, queue.c, output.c) by itself: for each row, modes,
 * what is typed, what is seen on the wire then, and what reads give. test_tty.py runs it with the sanitizers.
 */
#include "../../user/servers/serial/tty.h"

#include <termios.h>

int printf(const char *format, ...);
int snprintf(char *to, unsigned long size, const char *format, ...);
int strcmp(const char *a, const char *b);

#define CANON 0 /* as at the start, but for what a row says */

static int failures;

/* Takes all that is on its way to the wire. */
static const char *wire(void)
{
    static char text[20000];
    unsigned n = 0;
    int c;

    while ((c = tty_output_first()) >= 0 && n < sizeof(text) - 1) {
        text[n++] = (char)c;
        tty_sent();
    }
    text[n] = '\0';
    return text;
}

/* All reads that would not wait, of 64 bytes each, a | behind each. */
static const char *reads(void)
{
    static char text[20000];
    unsigned n = 0;

    while (tty_readable(64, FALSE) && n < sizeof(text) - 66) {
        uint32_t got = tty_read(text + n, 64);

        n += got;
        text[n++] = '|';
        if (got == 0 && tty_attr.c_cc[VMIN] == 0)
            break;
    }
    text[n] = '\0';
    return text;
}

static const char *shown(const char *text)
{
    static char shown[2][80000];
    static int which;
    char *to = shown[which ^= 1], *begin = to;

    for (; *text != '\0'; text++)
        if (*text < ' ' || *text == 0x7f)
            to += snprintf(to, 5, "\\x%02x", (unsigned char)*text);
        else
            *to++ = *text;
    *to = '\0';
    return begin;
}

static void expect(const char *name, const char *what, const char *got, const char *wanted)
{
    if (strcmp(got, wanted) == 0)
        return;
    printf("%s: %s is \"%s\"", name, what, shown(got));
    printf(", not \"%s\"\n", shown(wanted));
    failures++;
}

static int type(const char *keys)
{
    int signal = 0;

    for (; *keys != '\0'; keys++)
        signal = signal * 100 + tty_input((unsigned char)*keys);
    return signal;
}

static void start(void)
{
    tty_init();
    tty_flush_input();
    tty_flush_output();
    tty_mode_changed();
    tty_write("\r", 1);
    wire();
}

/* Flags put in and taken out of a word. */
struct change {
    uint32_t in, out;
};

struct row {
    const char *name;
    struct change iflag, oflag, lflag;
    const char *keys, *seen, *read;
};

#define ERASE "\b \b"
static const struct row rows[] = {
    {"a line", {}, {}, {}, "ab\r", "ab\r\n", "ab\n|"},
    {"no line yet", {}, {}, {}, "ab", "ab", ""},
    {"two lines", {}, {}, {}, "a\rb\r", "a\r\nb\r\n", "a\n|b\n|"},
    {"no echo", {}, {}, {.out = ECHO}, "ab\r", "", "ab\n|"},
    {"ECHONL", {}, {}, {.in = ECHONL, .out = ECHO}, "ab\r", "\r\n", "ab\n|"},
    {"erase", {}, {}, {}, "abc\x7f\x7f" "d\r", "abc" ERASE ERASE "d\r\n", "ad\n|"},
    {"erase nothing", {}, {}, {}, "a\x7f\x7f\x7f\r", "a" ERASE "\r\n", "\n|"},
    {"erase not the line before", {}, {}, {}, "a\r\x7f" "b\r", "a\r\nb\r\n", "a\n|b\n|"},
    {"erase a control", {}, {}, {}, "a\x01\x7f\r", "a^A" ERASE ERASE "\r\n", "a\n|"},
    {"erase a tab", {}, {}, {}, "ab\t\x7f" "c\r", "ab\t\b\b\b\b\b\b" "c\r\n", "abc\n|"},
    {"erase UTF-8", {}, {}, {}, "\xc3\xa9\x7f" "e\r", "\xc3\xa9" ERASE "e\r\n", "e\n|"},
    {"erase bytes", {.out = IUTF8}, {}, {}, "\xc3\xa9\x7f\r", "\xc3\xa9" ERASE "\r\n", "\xc3\n|"},
    {"erase without ECHOE", {}, {}, {.out = ECHOE}, "ab\x7f\r", "ab^?\r\n", "a\n|"},
    {"kill", {}, {}, {}, "ab\x15" "c\r", "ab" ERASE ERASE "c\r\n", "c\n|"},
    {"kill, ECHOK", {}, {}, {.out = ECHOKE}, "ab\x15" "c\r", "ab^U\r\nc\r\n", "c\n|"},
    {"kill, neither", {}, {}, {.out = ECHOKE | ECHOK}, "ab\x15" "c\r", "ab^Uc\r\n", "c\n|"},
    {"a word", {}, {}, {}, "ab cd \x17" "e\r", "ab cd " ERASE ERASE ERASE "e\r\n", "ab e\n|"},
    {"a word without IEXTEN", {}, {}, {.out = IEXTEN}, "ab\x17\r", "ab^W\r\n", "ab\x17\n|"},
    {"reprint", {}, {}, {}, "ab\x12" "c\r", "ab^R\r\nabc\r\n", "abc\n|"},
    {"literally", {}, {}, {}, "\x16\x03\x16\r\x16\x7f\r", "^\b^C^\b^M^\b^?\r\n", "\x03\r\x7f\n|"},
    {"erase what was literal", {}, {}, {}, "\x16\x15\x7f\r", "^\b^U" ERASE ERASE "\r\n", "\n|"},
    {"no ECHOCTL", {}, {}, {.out = ECHOCTL}, "a\x01\r", "a\x01\r\n", "a\x01\n|"},
    {"end of file", {}, {}, {}, "ab\x04", "ab", "ab|"},
    {"end of file alone", {}, {}, {}, "\x04", "", "|"},
    {"two ends of file", {}, {}, {}, "a\x04\x04" "b\r", "ab\r\n", "a||b\n|"},
    {"IGNCR", {.in = IGNCR}, {}, {}, "a\rb\n", "ab\r\n", "ab\n|"},
    {"no ICRNL", {.out = ICRNL}, {}, {}, "a\rb\n", "a^Mb\r\n", "a\rb\n|"},
    {"INLCR", {.in = INLCR, .out = ICRNL}, {}, {}, "a\nb\x04", "a^Mb", "a\rb|"},
    {"both", {.in = INLCR}, {}, {}, "a\nb\r", "a^Mb\r\n", "a\rb\n|"},
    {"ISTRIP", {.in = ISTRIP}, {}, {}, "\xe1\r", "a\r\n", "a\n|"},
    {"PARMRK", {.in = PARMRK}, {}, {.out = ECHO}, "\xff\r", "", "\xff\xff\n|"},
    {"stop and start", {}, {}, {}, "a\x13" "b\x11" "c\r", "abc\r\n", "abc\n|"},
    {"stopped", {}, {}, {}, "a\x13" "b\r", "", "ab\n|"},
    {"any key starts", {.in = IXANY}, {}, {}, "a\x13" "b\r", "ab\r\n", "ab\n|"},
    {"no IXON", {.out = IXON}, {}, {}, "\x13\r", "^S\r\n", "\x13\n|"},
    {"no ISIG", {}, {}, {.out = ISIG}, "\x03\r", "^C\r\n", "\x03\n|"},
    {"no OPOST", {}, {.out = OPOST}, {}, "a\r", "a\n", "a\n|"},
    {"no ONLCR", {}, {.out = ONLCR}, {}, "a\r", "a\n", "a\n|"},
    {"OCRNL", {.out = ICRNL}, {.in = OCRNL, .out = ONLCR}, {.out = ECHOCTL}, "a\r\n", "a\n\n",
     "a\r\n|"},
    {"ONOCR", {.out = ICRNL}, {.in = ONOCR}, {.out = ECHOCTL}, "\ra\r\r\n", "a\r\r\n", "\ra\r\r\n|"},
    {"ONLRET", {.out = ICRNL}, {.in = ONOCR | ONLRET, .out = ONLCR}, {.out = ECHOCTL}, "a\n\r\n",
     "a\n\n", "a\n|\r\n|"},
    {"tabs as blanks", {}, {.in = TAB3}, {}, "\tab\tc\r", "        ab      c\r\n", "\tab\tc\n|"},
    {"erase a tab of blanks", {}, {.in = TAB3}, {}, "a\t\x7f\r", "a       \b\b\b\b\b\b\b\r\n", "a\n|"},
    {"raw", {.out = ICRNL}, {}, {.out = ICANON | ISIG}, "a\x03\x7f\r\x04", "a^C^?^M^D",
     "a\x03\x7f\r\x04|"},
};

static void set(uint32_t *word, struct change change)
{
    *word = (*word | change.in) & ~change.out;
}

static void run_rows(void)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];

        start();
        set(&tty_attr.c_iflag, r->iflag);
        set(&tty_attr.c_oflag, r->oflag);
        set(&tty_attr.c_lflag, r->lflag);
        tty_mode_changed();
        if (type(r->keys) != 0)
            expect(r->name, "a signal", "sent", "not sent");
        expect(r->name, "the wire", wire(), r->seen);
        expect(r->name, "what is read", reads(), r->read);
        tty_stop(FALSE);
    }
}

static void expect_number(const char *name, long got, long wanted)
{
    if (got == wanted)
        return;
    printf("%s: %ld, not %ld\n", name, got, wanted);
    failures++;
}

static void signals(void)
{
    start();
    expect_number("^C", type("ab\x03"), 2);
    expect("^C", "the wire", wire(), "^C\r\n"); /* what was on its way is dropped */
    expect("^C", "what is read", type("c\r") == 0 ? reads() : "", "c\n|");
    expect_number("^\\", type("\x1c"), 3);
    expect_number("^Z", type("\x1a"), 20);
    start();
    tty_attr.c_lflag |= NOFLSH;
    type("ab\x03" "c\r");
    expect("NOFLSH", "the wire", wire(), "ab^C\r\nc\r\n");
    expect("NOFLSH", "what is read", reads(), "abc\n|");
    start();
    tty_attr.c_cc[VINTR] = 0;
    expect_number("a key that is none", tty_input('\0'), 0);
    expect_number("^C, which is none", type("\x03"), 0);
    start();
    type("\x13\x03");
    expect("^C while it is stopped", "the wire", wire(), "^C\r\n");
}

static void breaks(void)
{
    start();
    tty_attr.c_iflag |= IGNBRK | BRKINT;
    expect_number("IGNBRK", tty_input_break(), 0);
    tty_attr.c_iflag &= ~(uint32_t)IGNBRK;
    type("lost\r");
    expect_number("BRKINT", tty_input_break(), 2);
    expect("BRKINT", "what is read", reads(), "");
    tty_attr.c_iflag = INPCK | PARMRK;
    tty_attr.c_lflag &= ~(uint32_t)(ICANON | ECHO);
    tty_input_break();
    tty_input_error('x');
    expect_number("marks", tty_input_queued(), 6);
    start();
    tty_attr.c_iflag |= INPCK | IGNPAR;
    tty_input_error('x');
    tty_attr.c_iflag &= ~(uint32_t)INPCK;
    tty_input_error('y');
    type("\r");
    expect("IGNPAR", "what is read", reads(), "y\n|");
}

/* A line's last place is its newline's; and all that is finished is kept or refused as a whole. */
static void limits(void)
{
    static char line[2 * TTY_LINE];
    int finished = 0;

    start();
    tty_attr.c_lflag &= ~(uint32_t)ECHO;
    for (int i = 0; i < 2 * TTY_LINE - 1; i++)
        tty_input('a');
    tty_input('\n');
    expect_number("a long line", tty_read(line, sizeof(line)), TTY_LINE);
    expect_number("its end", line[TTY_LINE - 1], '\n');
    wire();
    start();
    tty_attr.c_lflag &= ~(uint32_t)ECHO;
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 99; k++)
            tty_input('a');
        finished += tty_input_queued() < TTY_INPUT - 100;
        tty_input('\n');
    }
    expect_number("bytes kept", tty_input_queued() > MAX_INPUT && tty_input_queued() <= TTY_INPUT, 1);
    expect_number("whole lines", tty_input_queued() % 100, 0);
    expect_number("lines until it was full", finished >= TTY_INPUT / 100 - 1, 1);
    expect_number("a bell", wire()[0], '\a');
}

static void reading(void)
{
    char part[8];

    start();
    tty_attr.c_lflag &= ~(uint32_t)ICANON;
    tty_attr.c_cc[VMIN] = 3;
    type("ab");
    expect_number("MIN not there", tty_readable(8, FALSE), 0);
    expect_number("all it asks for", tty_readable(2, FALSE), 1);
    expect_number("its time is over", tty_readable(8, TRUE), 1);
    type("c");
    expect_number("MIN", tty_readable(8, FALSE), 1);
    expect_number("taken", tty_read(part, 8), 3);
    expect_number("nothing, late", tty_readable(8, TRUE), 0);
    tty_attr.c_cc[VMIN] = 0;
    expect_number("neither", tty_readable(8, FALSE), 1);
    tty_attr.c_cc[VTIME] = 1;
    expect_number("TIME", tty_readable(8, FALSE), 0);
    expect_number("TIME is over", tty_readable(8, TRUE), 1);
    start();
    type("abc\x04");
    expect_number("a part", tty_read(part, 3), 3);
    expect_number("its end of file is gone with it", tty_readable(8, FALSE), 0);
    type("de\r");
    tty_read(part, 8);
    tty_unread();
    expect("given back", "what is read", reads(), "de\n|");
    type("abc\x04");
    tty_attr.c_lflag &= ~(uint32_t)ICANON;
    tty_mode_changed();
    expect_number("raw: no ends of file", tty_input_queued(), 3);
    type("\rd");
    tty_attr.c_lflag |= ICANON;
    tty_mode_changed();
    type("e\r");
    expect("lines again", "what is read", reads(), "abc\n|de\n|");
    type("left");
    tty_attr.c_lflag &= ~(uint32_t)ICANON;
    tty_mode_changed();
    expect("an unfinished line", "what is read", reads(), "left|");
    start();
    tty_attr.c_cc[VEOL] = '!';
    tty_attr.c_cc[VEOL2] = '?';
    type("a!b?c\r");
    expect("VEOL", "what is read", reads(), "a!|b?|c\n|");
}

/* IXOFF: the other side is asked to stop before the queue is full, and to go on. */
static void flow(void)
{
    char byte[64];

    start();
    tty_attr.c_iflag |= IXOFF;
    tty_attr.c_lflag &= ~(uint32_t)(ICANON | ECHO);
    for (int i = 0; i < TTY_INPUT / 2; i++)
        tty_input('a');
    expect("half full", "the wire", wire(), "");
    for (int i = 0; i < TTY_INPUT / 2 - 100; i++)
        tty_input('a');
    tty_stop(TRUE);
    expect("nearly full", "the wire", wire(), "\x13"); /* although ours is stopped, too */
    while (tty_input_queued() > 0)
        tty_read(byte, sizeof(byte));
    expect("empty", "the wire", wire(), "\x11");
    tty_stop(FALSE);
}

int main(void)
{
    run_rows();
    signals();
    breaks();
    limits();
    reading();
    flow();
    if (failures == 0)
        printf("ok\n");
    return failures != 0;
}
