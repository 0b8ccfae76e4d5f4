/* tail: the last lines of a file, and what is added to it later. [POSIX XCU tail] */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: tail [-f] [-n [+]lines | -c [+]bytes] [file...]\n"
    "Prints the last 10 lines of files.\n"
    "  -n lines  so many; +lines: all from that line on; -5 is -n 5\n"
    "  -c bytes  the same of bytes\n"
    "  -f        does not end, and prints what is added to the file\n";

#define LINES 10
#define CHUNK 16384

static const struct timespec look_again = {0, 200 * 1000 * 1000};

static long count = LINES;
static bool from_start, of_bytes, follow, titles, printed;

static void copy_rest(FILE *file)
{
    int c;

    while ((c = getc(file)) != EOF)
        putchar(c);
}

static void skip(FILE *file)
{
    int c;

    for (long left = count - 1; left > 0 && (c = getc(file)) != EOF;)
        left -= of_bytes || c == '\n';
    copy_rest(file);
}

/* Where in the bytes the last `count` lines begin, or bytes. */
static size_t beginning(const char *text, size_t length)
{
    long left = count;
    size_t at = length;

    if (of_bytes || count == 0)
        return (size_t)count < length ? length - count : 0;
    if (at > 0 && text[at - 1] == '\n') /* the last line's end */
        at--;
    while (at > 0 && (text[at - 1] != '\n' || --left > 0))
        at--;
    return at;
}

/* Of a file: from its end backwards. */
static void show_end_of_file(FILE *file, off_t size)
{
    char *text = NULL;
    off_t begin = size;
    size_t length, at;

    do { /* twice as much, until it is enough */
        length = (size_t)(begin < size ? 2 * (size - begin) : CHUNK);
        begin = (off_t)length < size ? size - (off_t)length : 0;
        text = must(realloc(text, (size_t)(size - begin) + 1));
        fseeko(file, begin, SEEK_SET);
        length = fread(text, 1, (size_t)(size - begin), file);
        at = beginning(text, length);
    } while (at == 0 && begin > 0);
    fwrite(text + at, 1, length - at, stdout);
    free(text);
    copy_rest(file); /* added meanwhile */
}

/* Of a pipe, and of a file without a size, as those of /proc: all is read, and what cannot be the end any
 * more, dropped. */
static void show_end_of_stream(FILE *file)
{
    char *text = NULL;
    size_t length = 0, room = 0, n, at;

    for (;;) {
        if (room - length < CHUNK) {
            at = beginning(text, length);
            memmove(text, text + at, length - at);
            length -= at;
            if (room < 2 * length + CHUNK)
                text = must(realloc(text, room = 2 * length + CHUNK));
        }
        n = fread(text + length, 1, room - length, file);
        if (n == 0)
            break;
        length += n;
    }
    at = beginning(text, length);
    fwrite(text + at, 1, length - at, stdout);
    free(text);
}

static void show(FILE *file, const char *name)
{
    struct stat st;

    if (titles)
        printf("%s==> %s <==\n", printed ? "\n" : "", name);
    printed = true;
    if (from_start)
        skip(file);
    else if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        show_end_of_file(file, st.st_size);
    else
        show_end_of_stream(file);
    while (follow && fflush(stdout) == 0) { /* until a signal ends us */
        nanosleep(&look_again, NULL);
        clearerr(file);
        if (fstat(fileno(file), &st) == 0 && st.st_size < ftello(file))
            rewind(file); /* it was truncated */
        copy_rest(file);
    }
}

static void set_count(const char *text, bool bytes)
{
    from_start = *text == '+';
    of_bytes = bytes;
    count = number_of(text + (*text == '+' || *text == '-'), 0, LONG_MAX / 4,
                      bytes ? "a number of bytes" : "a number of lines");
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "fn:c:0123456789")) != -1) {
        if (option == 'f') {
            follow = true;
        } else if (option == 'n' || option == 'c') {
            set_count(optarg, option == 'c');
        } else if (option == '?') {
            util_usage();
        } else {
            set_count(argv[1] + 1, false);
            optind = 2;
        }
    }
    titles = argc - optind > 1;
    each_input(argv + optind, show);
    return util_end();
}
