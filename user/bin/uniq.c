/* uniq: of equal lines next to each other, one. [POSIX XCU uniq; -i is GNU's] */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: uniq [-cdiu] [-f fields] [-s characters] [input [output]]\n"
    "Prints, of equal lines that follow each other, the first.\n"
    "  -c             with how many there are\n"
    "  -d -u          only those that there are several of; only those that there is one of\n"
    "  -f fields      so many fields at the beginning do not count: blanks, and what is behind them\n"
    "  -s characters  nor do so many characters behind those\n"
    "  -i             upper case is lower case\n";

static bool counts, repeated, single, fold;
static long fields, characters;

/* What counts of the line. */
static const char *key(const struct line *line, size_t *length)
{
    const char *p = line->text, *end = p + line->length;

    for (long i = 0; i < fields && p < end; i++) {
        while (p < end && isblank((unsigned char)*p))
            p++;
        while (p < end && !isblank((unsigned char)*p))
            p++;
    }
    p += end - p < characters ? end - p : characters;
    *length = (size_t)(end - p);
    return p;
}

static bool equal(const struct line *a, const struct line *b)
{
    size_t m, n;
    const char *p = key(a, &m), *q = key(b, &n);

    return m == n && (fold ? strncasecmp(p, q, n) : memcmp(p, q, n)) == 0;
}

static void print(const struct line *line, unsigned long count)
{
    if ((repeated && count < 2) || (single && count > 1))
        return;
    if (counts)
        printf("%7lu ", count);
    fwrite(line->text, 1, line->length, stdout);
    putchar('\n');
}

int main(int argc, char **argv)
{
    struct line lines[2] = {{0}}, *first = &lines[0], *next = &lines[1], *swap;
    unsigned long count = 0;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "cdiuf:s:")) != -1) {
        switch (option) {
        case 'c': counts = true; break;
        case 'd': repeated = true; break;
        case 'i': fold = true; break;
        case 'u': single = true; break;
        case 'f': fields = number_of(optarg, 0, LONG_MAX, "a number of fields"); break;
        case 's': characters = number_of(optarg, 0, LONG_MAX, "a number of characters"); break;
        default: util_usage();
        }
    }
    if (argc - optind > 2)
        util_usage();
    if (optind < argc && strcmp(argv[optind], "-") != 0 &&
        freopen(argv[optind], "r", stdin) == NULL)
        die(argv[optind]);
    if (argc - optind == 2 && strcmp(argv[optind + 1], "-") != 0
        && freopen(argv[optind + 1], "w", stdout) == NULL)
        die(argv[optind + 1]);
    while (read_line(stdin, next)) {
        if (count > 0 && equal(first, next)) {
            count++;
            continue;
        }
        if (count > 0)
            print(first, count);
        swap = first;
        first = next;
        next = swap;
        count = 1;
    }
    if (ferror(stdin))
        complain(optind < argc ? argv[optind] : "-");
    if (count > 0)
        print(first, count);
    free(first->text);
    free(next->text);
    return util_end();
}
