/* tr: translates, deletes and squeezes characters. [POSIX XCU tr] */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: tr [-cCdst] set1 [set2]\n"
    "Copies standard input, with characters of set1 as those of set2 at the same places.\n"
    "  -d      deletes those of set1 instead\n"
    "  -s      of several of the last set that follow each other, one\n"
    "  -c -C   all but those of set1\n"
    "  -t      what set1 has more than set2 stays; else set2's last character is for all the rest\n"
    "A set: a-z, [:class:], [=c=], \\n and the like, \\123; in set2 [c*3], and [c*] as often as needed.\n";

#define BYTES 256

struct set {
    unsigned char *at;
    size_t length, room;
    size_t fill; /* where a [c*] is to be filled in, and with what; fill_byte -1: there is none */
    int fill_byte;
};

static void add(struct set *set, int byte)
{
    if (set->length == set->room) {
        set->room = set->room > 0 ? 2 * set->room : BYTES;
        set->at = must(realloc(set->at, set->room));
    }
    set->at[set->length++] = (unsigned char)byte;
}

/* The character at *p, which moves behind it. */
static int character(const char **p)
{
    static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
    const char *letter;
    int c = (unsigned char)*(*p)++;

    if (c != '\\' || **p == '\0')
        return c;
    c = (unsigned char)*(*p)++;
    if (c >= '0' && c <= '7') {
        c -= '0';
        for (int i = 0; i < 2 && **p >= '0' && **p <= '7'; i++)
            c = c * 8 + (*(*p)++ - '0');
        return c & 0xff;
    }
    letter = strchr(letters, c);
    return letter != NULL ? meanings[letter - letters] : c;
}

static void add_class(struct set *set, const char *name, size_t length)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {
        {"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
        {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
        {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
    };

    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (strlen(classes[i].name) == length && strncmp(classes[i].name, name, length) == 0) {
            for (int c = 0; c < BYTES; c++)
                if (classes[i].is(c))
                    add(set, c);
            return;
        }
    die_of(name, "there is no such class");
}

/* [c*n] at p, behind the [: fills it in, and returns what is behind; NULL: it is none. */
static const char *repeat(struct set *set, const char *p)
{
    int c = character(&p);
    unsigned long count;
    char *end;

    if (*p != '*')
        return NULL;
    count = strtoul(p + 1, &end, p[1] == '0' ? 8 : 10);
    if (*end != ']')
        return NULL;
    if (count == 0) {
        set->fill = set->length;
        set->fill_byte = c;
    }
    while (count-- > 0 && set->length < 65536)
        add(set, c);
    return end + 1;
}

static struct set parse(const char *text, bool second)
{
    struct set set = {.fill_byte = -1};
    const char *p = text, *end;

    while (*p != '\0') {
        int from, to;

        if (*p == '[' && p[1] == ':' && (end = strstr(p + 2, ":]")) != NULL) {
            add_class(&set, p + 2, end - p - 2);
            p = end + 2;
        } else if (*p == '[' && p[1] == '=' && p[2] != '\0' && p[3] == '=' && p[4] == ']') {
            add(&set, (unsigned char)p[2]);
            p += 5;
        } else if (second && *p == '[' && p[1] != '\0' && (end = repeat(&set, p + 1)) != NULL) {
            p = end;
        } else {
            from = to = character(&p);
            if (*p == '-' && p[1] != '\0') {
                p++;
                to = character(&p);
                if (to < from)
                    die_of(text, "a range is backwards");
            }
            for (int c = from; c <= to; c++)
                add(&set, c);
        }
    }
    return set;
}

/* As long as set1: what [c*] stands for, or the last character, again and again. */
static void extend(struct set *set, size_t length)
{
    size_t tail, missing;

    if (set->fill_byte >= 0 && set->length < length) {
        missing = length - set->length;
        tail = set->length - set->fill;
        for (size_t i = 0; i < missing; i++)
            add(set, set->fill_byte);
        memmove(set->at + set->fill + missing, set->at + set->fill, tail);
        memset(set->at + set->fill, set->fill_byte, missing);
    }
    while (set->length > 0 && set->length < length)
        add(set, set->at[set->length - 1]);
}

static void complement(struct set *set)
{
    struct set all = {.fill_byte = -1};

    for (int c = 0; c < BYTES; c++)
        if (set->length == 0 || memchr(set->at, c, set->length) == NULL)
            add(&all, c);
    free(set->at);
    *set = all;
}

int main(int argc, char **argv)
{
    bool delete = false, squeeze = false, others = false, truncate = false;
    bool deleted[BYTES] = {false}, squeezed[BYTES] = {false};
    unsigned char becomes[BYTES];
    struct set set1, set2 = {.fill_byte = -1};
    int option, c, before = -1;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "cCdst")) != -1) {
        switch (option) {
        case 'c':
        case 'C': others = true; break;
        case 'd': delete = true; break;
        case 's': squeeze = true; break;
        case 't': truncate = true; break;
        default: util_usage();
        }
    }
    argv += optind;
    argc -= optind;
    if (argc < 1 || argc > 2 || (argc == 1 && !delete &&!squeeze) ||
        (argc == 2 && delete &&!squeeze))
        util_usage();
    set1 = parse(argv[0], false);
    if (others)
        complement(&set1);
    if (argc == 2) {
        set2 = parse(argv[1], true);
        if (!delete && set2.length == 0 && set2.fill_byte < 0 && set1.length > 0)
            die_of("set2", "is empty");
        if (!truncate && !delete)
            extend(&set2, set1.length);
    }
    for (c = 0; c < BYTES; c++)
        becomes[c] = (unsigned char)c;
    for (size_t i = 0; i < set1.length; i++)
        if (delete)
            deleted[set1.at[i]] = true;
        else if (i < set2.length)
            becomes[set1.at[i]] = set2.at[i];
    for (size_t i = 0; squeeze && i < (argc == 2 ? set2 : set1).length; i++)
        squeezed[(argc == 2 ? set2 : set1).at[i]] = true;
    while ((c = getchar()) != EOF) {
        if (deleted[c])
            continue;
        c = becomes[c];
        if (c == before && squeezed[c])
            continue;
        putchar(c);
        before = c;
    }
    if (ferror(stdin))
        complain("-");
    return util_end();
}
