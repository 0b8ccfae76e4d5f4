/*
 * Formatted output, to memory and to the early console.
 *
 * Formats: %d %i %u %x %X %p %s %c %%, with - 0 + space # flags, width and precision (numbers or
 * *), and the lengths hh h l ll z j t. printf holds the console's lock for the whole call, so that
 * lines of different CPUs do not mix; a panic breaks that lock (console_break_lock), as its holder
 * may be stopped.
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/lock.h>

/* Where characters go: into buf, and, for a console, out when it is full. */
struct sink {
    char *buf;
    size_t size;
    size_t used;
    size_t total; /* all that was produced, for the result */
    bool console;
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width;
    int precision; /* -1: none given */
    int length;    /* bytes of an integer argument */
};

static spinlock_t console_lock = SPINLOCK_INITIALIZER(LOCK_CONSOLE);
static bool lock_broken;

/* The last bytes of what was printed: byte number n is history[n % HISTORY_SIZE], for those that are left of
 * the history_end printed so far. Guarded by console_lock. */
#define HISTORY_SIZE 8192
static char history[HISTORY_SIZE];
static uint64_t history_end;

void console_break_lock(void)
{
    lock_broken = true;
}

/* What has been gathered for the console. */
static void flush(struct sink *sink)
{
    console_write(sink->buf, sink->used);
    for (size_t i = 0; i < sink->used; i++)
        history[history_end++ % HISTORY_SIZE] = sink->buf[i];
    sink->used = 0;
}

size_t console_history(uint64_t *next, char *out, size_t room)
{
    uint64_t oldest, first;
    size_t length;

    spin_lock(&console_lock);
    oldest = history_end > HISTORY_SIZE ? history_end - HISTORY_SIZE : 0;
    first = MIN(MAX(*next, oldest), history_end);
    length = MIN(history_end - first, room);
    for (size_t i = 0; i < length; i++)
        out[i] = history[(first + i) % HISTORY_SIZE];
    spin_unlock(&console_lock);
    *next = first + length;
    return length;
}

static void put(struct sink *sink, char c)
{
    sink->total++;
    if (sink->console && sink->used == sink->size)
        flush(sink);
    if (sink->used < sink->size)
        sink->buf[sink->used++] = c;
}

static void put_repeated(struct sink *sink, char c, int count)
{
    while (count-- > 0)
        put(sink, c);
}

static void put_string(struct sink *sink, const struct spec *spec, const char *text)
{
    int length = 0;

    if (text == NULL)
        text = "(null)";
    while ((spec->precision < 0 || length < spec->precision) && text[length] != 0)
        length++;
    if (!spec->left)
        put_repeated(sink, ' ', spec->width - length);
    for (int i = 0; i < length; i++)
        put(sink, text[i]);
    if (spec->left)
        put_repeated(sink, ' ', spec->width - length);
}

/* prefix: a sign, "0x" or "". */
static void put_number(struct sink *sink, const struct spec *spec, uint64_t value, unsigned base,
                       bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[20]; /* 2^64 has 20 decimal digits */
    int length = 0;
    int zeroes;
    int pad;

    while (value != 0) {
        text[length++] = digits[value % base];
        value /= base;
    }
    zeroes = (spec->precision < 0 ? 1 : spec->precision) - length;
    if (zeroes < 0)
        zeroes = 0;
    pad = spec->width - length - zeroes - (int)strlen(prefix);
    if (spec->zero && !spec->left && spec->precision < 0 && pad > 0) {
        zeroes += pad;
        pad = 0;
    }
    if (!spec->left)
        put_repeated(sink, ' ', pad);
    while (*prefix != 0)
        put(sink, *prefix++);
    put_repeated(sink, '0', zeroes);
    while (length > 0)
        put(sink, text[--length]);
    if (spec->left)
        put_repeated(sink, ' ', pad);
}

/* Reads flags, width, precision and length after a %; returns the conversion character's place. */
static const char *parse(const char *at, struct spec *spec, va_list *ap)
{
    *spec = (struct spec){.precision = -1, .length = sizeof(int)};
    for (;; at++) {
        if (*at == '-')
            spec->left = true;
        else if (*at == '0')
            spec->zero = true;
        else if (*at == '+')
            spec->plus = true;
        else if (*at == ' ')
            spec->space = true;
        else if (*at == '#')
            spec->alternate = true;
        else
            break;
    }
    if (*at == '*') {
        spec->width = va_arg(*ap, int);
        if (spec->width < 0) {
            spec->left = true;
            spec->width = -spec->width;
        }
        at++;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        spec->width = spec->width * 10 + (*at - '0');
    if (*at == '.') {
        spec->precision = 0;
        if (*++at == '*') {
            spec->precision = va_arg(*ap, int);
            at++;
        }
        for (; *at >= '0' && *at <= '9'; at++)
            spec->precision = spec->precision * 10 + (*at - '0');
    }
    for (;; at++) {
        if (*at == 'h')
            spec->length /= 2; /* h: 2 bytes, hh: 1 */
        else if (*at == 'l' || *at == 'z' || *at == 'j' || *at == 't')
            spec->length = 8;
        else
            return at;
    }
}

static int64_t read_signed(const struct spec *spec, va_list *ap)
{
    if (spec->length == 8)
        return va_arg(*ap, int64_t);
    if (spec->length == 2)
        return (int16_t)va_arg(*ap, int);
    if (spec->length == 1)
        return (int8_t)va_arg(*ap, int);
    return va_arg(*ap, int);
}

static uint64_t read_unsigned(const struct spec *spec, va_list *ap)
{
    if (spec->length == 8)
        return va_arg(*ap, uint64_t);
    if (spec->length == 2)
        return (uint16_t)va_arg(*ap, unsigned);
    if (spec->length == 1)
        return (uint8_t)va_arg(*ap, unsigned);
    return va_arg(*ap, unsigned);
}

static void format_one(struct sink *sink, const struct spec *spec, char conversion, va_list *ap)
{
    uint64_t value;
    int64_t number;

    switch (conversion) {
    case 'd':
    case 'i':
        number = read_signed(spec, ap);
        put_number(sink, spec, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, false,
                   number < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "");
        break;
    case 'u':
        put_number(sink, spec, read_unsigned(spec, ap), 10, false, "");
        break;
    case 'x':
    case 'X':
        value = read_unsigned(spec, ap);
        put_number(sink, spec, value, 16, conversion == 'X',
                   spec->alternate && value != 0 ? "0x" : "");
        break;
    case 'p':
        put_number(sink, spec, (uint64_t)va_arg(*ap, void *), 16, false, "0x");
        break;
    case 's':
        put_string(sink, spec, va_arg(*ap, const char *));
        break;
    case 'c': {
        char c[1] = {va_arg(*ap, int)};
        struct spec one = *spec;

        if (c[0] == 0) {
            put(sink, 0);
            break;
        }
        one.precision = 1;
        put_string(sink, &one, c);
        break;
    }
    default: /* show what was not understood */
        put(sink, '%');
        if (conversion != '%')
            put(sink, conversion);
        break;
    }
}

static void format_all(struct sink *sink, const char *format, va_list ap_in)
{
    struct spec spec;
    va_list ap;

    va_copy(ap, ap_in);
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(sink, *format);
            continue;
        }
        format = parse(format + 1, &spec, &ap);
        if (*format == 0)
            break;
        format_one(sink, &spec, *format, &ap);
    }
    va_end(ap);
}

/* As C's: the length it would have had; buf is terminated if size is not 0. */
int vsnprintf(char *buf, size_t size, const char *format, va_list ap)
{
    struct sink sink = {.buf = buf, .size = size > 0 ? size - 1 : 0};

    format_all(&sink, format, ap);
    if (size > 0)
        buf[sink.used] = 0;
    return sink.total;
}

int snprintf(char *buf, size_t size, const char *format, ...)
{
    va_list ap;
    int length;

    va_start(ap, format);
    length = vsnprintf(buf, size, format, ap);
    va_end(ap);
    return length;
}

int vprintf(const char *format, va_list ap)
{
    char buf[128];
    struct sink sink = {.buf = buf, .size = sizeof(buf), .console = true};
    bool locked = !lock_broken;

    if (locked)
        spin_lock(&console_lock);
    format_all(&sink, format, ap);
    flush(&sink);
    if (locked)
        spin_unlock(&console_lock);
    return sink.total;
}

int printf(const char *format, ...)
{
    va_list ap;
    int length;

    va_start(ap, format);
    length = vprintf(format, ap);
    va_end(ap);
    return length;
}
