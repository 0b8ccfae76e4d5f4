/* head: the first lines of files. [POSIX XCU head; -c is GNU's] */
#include <limits.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: head [-n lines | -c bytes] [file...]\n"
    "Prints the first 10 lines of files.\n"
    "  -n lines  so many; -5 is -n 5\n"
    "  -c bytes  the first bytes instead\n";

#define LINES 10

static long lines = LINES, bytes = -1;
static bool titles, printed;

static void show(FILE *file, const char *name)
{
    long left = bytes >= 0 ? bytes : lines;
    int c;

    if (titles)
        printf("%s==> %s <==\n", printed ? "\n" : "", name);
    printed = true;
    while (left > 0 && (c = getc(file)) != EOF) {
        putchar(c);
        left -= bytes >= 0 || c == '\n';
    }
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "n:c:0123456789")) != -1) {
        if (option == 'n') {
            lines = number_of(optarg, 0, LONG_MAX, "a number of lines");
        } else if (option == 'c') {
            bytes = number_of(optarg, 0, LONG_MAX, "a number of bytes");
        } else if (option == '?') {
            util_usage();
        } else { /* -5: the digits of one word */
            lines = number_of(argv[1] + 1, 0, LONG_MAX, "a number of lines");
            optind = 2;
        }
    }
    titles = argc - optind > 1;
    each_input(argv + optind, show);
    return util_end();
}
