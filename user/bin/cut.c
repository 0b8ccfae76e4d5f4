/* cut: columns or fields of each line. [POSIX XCU cut] */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: cut -b list | -c list | -f list [-d char] [-s] [file...]\n"
    "Prints parts of each line.\n"
    "  -b -c list  bytes, or characters, which are bytes: 1,3-5,7-\n"
    "  -f list     fields\n"
    "  -d char     what is between fields: a tab, if not said\n"
    "  -s          leaves out lines without that\n";

struct range {
    unsigned long from, to; /* from 1; to: the last */
};

static struct range *ranges;
static size_t range_count;
static bool of_fields, only_delimited;
static int delimiter = '\t';

static void parse_list(const char *list)
{
    const char *p = list;

    do {
        struct range r = {1, ULONG_MAX};
        char *end = (char *)p;
        bool from = isdigit((unsigned char)*p), to;

        if (from)
            r.from = r.to = strtoul(p, &end, 10);
        p = end;
        if (*p == '-') {
            to = isdigit((unsigned char)*++p);
            r.to = to ? strtoul(p, &end, 10) : ULONG_MAX;
            p = to ? end : p;
            from |= to;
        }
        if (!from || r.from == 0 || r.to < r.from || (*p != '\0' && strchr(", \t", *p) == NULL))
            die_of(list, "is no list of numbers");
        ranges = must(realloc(ranges, (range_count + 1) * sizeof(*ranges)));
        ranges[range_count++] = r;
    } while (*p++ != '\0');
}

static bool is_wanted(unsigned long number)
{
    for (size_t i = 0; i < range_count; i++)
        if (ranges[i].from <= number && number <= ranges[i].to)
            return true;
    return false;
}

static void cut_fields(const struct line *line)
{
    const char *p = line->text, *end = p + line->length;
    bool first = true;

    if (memchr(p, delimiter, line->length) == NULL) {
        if (!only_delimited)
            puts(p);
        return;
    }
    for (unsigned long field = 1; p <= end; field++) {
        const char *to = memchr(p, delimiter, end - p);

        if (to == NULL)
            to = end;
        if (is_wanted(field)) {
            if (!first)
                putchar(delimiter);
            fwrite(p, 1, to - p, stdout);
            first = false;
        }
        p = to + 1;
    }
    putchar('\n');
}

static void cut(FILE *file, const char *name)
{
    struct line line = {0};

    while (read_line(file, &line)) {
        if (of_fields) {
            cut_fields(&line);
            continue;
        }
        for (size_t i = 0; i < line.length; i++)
            if (is_wanted(i + 1))
                putchar(line.text[i]);
        putchar('\n');
    }
    free(line.text);
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "b:c:f:d:ns")) != -1) {
        switch (option) {
        case 'b':
        case 'c':
        case 'f':
            if (range_count > 0)
                util_usage();
            parse_list(optarg);
            of_fields = option == 'f';
            break;
        case 'd':
            if (strlen(optarg) != 1)
                die_of(optarg, "is not one character");
            delimiter = (unsigned char)*optarg;
            break;
        case 'n': break; /* no character is longer than a byte */
        case 's': only_delimited = true; break;
        default: util_usage();
        }
    }
    if (range_count == 0)
        util_usage();
    each_input(argv + optind, cut);
    free(ranges);
    return util_end();
}
