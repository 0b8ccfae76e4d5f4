/* hexdump: bytes in hexadecimal. (The options are BSD's.) */
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: hexdump [-Cv] [-n bytes] [-s bytes] [file...]\n"
    "Prints the bytes of all files together: 16 a line, behind where they are, in words of two bytes.\n"
    "  -C        byte by byte, and as characters\n"
    "  -n bytes  only so many; -s bytes: not the first ones\n"
    "  -v        also lines that are as the one before: else a * stands for them\n";

#define WIDTH 16

static bool characters, all;
static long skip, left = LONG_MAX;
static unsigned char line[WIDTH], before[WIDTH];
static size_t length;
static long offset; /* of the line */
static enum { FIRST, DIFFERENT, SAME } state;

static void show(void)
{
    printf(characters ? "%08lx" : "%07lx", offset);
    for (size_t i = 0; i < WIDTH; i += characters ? 1 : 2) {
        if (characters)
            printf(i < length ? "%s%02x" : "%s  ", i % 8 == 0 ? "  " : " ", line[i]);
        else if (i < length)
            printf(" %04x", (unsigned)line[i] | (i + 1 < length ? (unsigned)line[i + 1] << 8 : 0));
        else
            printf("     ");
    }
    if (characters) {
        printf("  |");
        for (size_t i = 0; i < length; i++)
            putchar(isprint(line[i]) ? line[i] : '.');
        putchar('|');
    }
    putchar('\n');
}

static void end_line(void)
{
    if (!all && state != FIRST && length == WIDTH && memcmp(line, before, WIDTH) == 0) {
        if (state == DIFFERENT)
            puts("*");
        state = SAME;
    } else {
        show();
        state = DIFFERENT;
        memcpy(before, line, WIDTH);
    }
    offset += (long)length;
    length = 0;
}

static void dump(FILE *file, const char *name)
{
    int c;

    while (left > 0 && (c = getc(file)) != EOF) {
        if (skip > 0) {
            skip--;
            offset++;
            continue;
        }
        left--;
        line[length++] = (unsigned char)c;
        if (length == WIDTH)
            end_line();
    }
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "Cvn:s:")) != -1) {
        switch (option) {
        case 'C': characters = true; break;
        case 'v': all = true; break;
        case 'n': left = number_of(optarg, 0, LONG_MAX, "a number of bytes"); break;
        case 's': skip = number_of(optarg, 0, LONG_MAX, "a number of bytes"); break;
        default: util_usage();
        }
    }
    each_input(argv + optind, dump);
    if (length > 0)
        end_line();
    if (offset > 0)
        printf(characters ? "%08lx\n" : "%07lx\n", offset);
    return util_end();
}
