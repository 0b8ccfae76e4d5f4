/* wc: counts lines, words and bytes. [POSIX XCU wc] */
#include <ctype.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: wc [-lwcm] [file...]\n"
    "Counts lines, words and bytes of files, and of all together.\n"
    "  -l  lines only; -w: words; -c: bytes; -m: characters, which are bytes\n";

struct counts {
    unsigned long lines, words, bytes;
};

static bool show_lines, show_words, show_bytes;
static bool named; /* there are operands */
static struct counts total;

static void print(const struct counts *c, const char *name)
{
    const char *between = "";

    if (show_lines) {
        printf("%lu", c->lines);
        between = " ";
    }
    if (show_words) {
        printf("%s%lu", between, c->words);
        between = " ";
    }
    if (show_bytes)
        printf("%s%lu", between, c->bytes);
    if (named)
        printf(" %s", name);
    putchar('\n');
}

static void count(FILE *file, const char *name)
{
    struct counts c = {0};
    bool in_word = false;
    int byte;

    while ((byte = getc(file)) != EOF) {
        c.bytes++;
        c.lines += byte == '\n';
        c.words += !in_word && !isspace(byte);
        in_word = !isspace(byte);
    }
    print(&c, name);
    total.lines += c.lines;
    total.words += c.words;
    total.bytes += c.bytes;
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "lwcm")) != -1) {
        if (option == '?')
            util_usage();
        show_lines |= option == 'l';
        show_words |= option == 'w';
        show_bytes |= option == 'c' || option == 'm';
    }
    if (!show_lines && !show_words && !show_bytes)
        show_lines = show_words = show_bytes = true;
    named = optind < argc;
    each_input(argv + optind, count);
    if (argc - optind > 1)
        print(&total, "total");
    return util_end();
}
