/*
 * sort: lines in order, in memory. A key is a part of a line, from a field to a field, with an order of its
 * own; keys that are equal are followed by the next one, and at last by the whole lines. [POSIX XCU sort]
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: sort [-bcCdfimnrsu] [-k key]... [-t char] [-o file] [file...]\n"
    "Sorts the lines of all files together.\n"
    "  -n         by the number that a line begins with\n"
    "  -r         backwards\n"
    "  -f -d -i   upper case is lower case; only letters, digits and blanks count; only what prints\n"
    "  -b         blanks at the beginning do not count\n"
    "  -k key     FIELD[.CHARACTER][bdfinr][,FIELD[.CHARACTER][bdfinr]]: by this part, counted from 1\n"
    "  -t char    fields end at this character, instead of before blanks\n"
    "  -u         of equal lines only the first; -s: equal lines stay in order\n"
    "  -c -C      only tests whether the files are sorted, status 1: no; -C says nothing\n"
    "  -m         the files are sorted already\n"
    "  -o file    writes there, which may be one of the files\n";

#define FAILURE 2 /* status of errors: 1 is "not sorted" */

struct order {
    bool blanks, dictionary, fold, printable, numeric, reverse;
};

struct key {
    struct key *next;
    struct order order;
    bool has_order;
    bool skip_begin, skip_end;      /* b */
    unsigned long field, character; /* where it begins, from 0 */
    unsigned long end_field;        /* it ends in, from 1; 0: at the line's end */
    unsigned long end_character;    /* how many characters of that; 0: all */
};

struct text {
    char *begin;
    size_t length;
};

static struct order general;
static struct key *keys, **last_key = &keys;
static bool unique, stable, check, quiet;
static int separator = -1;
static struct text *lines;
static size_t line_count, line_room;

/* ---- parts of a line ---- */

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && isblank((unsigned char)*p))
        p++;
    return p;
}

/* Where the field at p ends: before the separator, or before the blanks that the next one begins with. */
static const char *field_end(const char *p, const char *end)
{
    if (separator >= 0) {
        const char *at = memchr(p, separator, end - p);

        return at != NULL ? at : end;
    }
    p = skip_blanks(p, end);
    while (p < end && !isblank((unsigned char)*p))
        p++;
    return p;
}

/* The beginning of the field with that number, from 0. */
static const char *field_begin(const char *p, const char *end, unsigned long field)
{
    for (; field > 0 && p < end; field--) {
        p = field_end(p, end);
        if (separator >= 0 && p < end)
            p++;
    }
    return p;
}

/* The key's part of the line. */
static struct text part(const struct text *line, const struct key *key)
{
    const char *end = line->begin + line->length;
    const char *from = field_begin(line->begin, end, key->field), *to = end;

    if (key->skip_begin)
        from = skip_blanks(from, end);
    from += (size_t)(end - from) < key->character ? (size_t)(end - from) : key->character;
    if (key->end_field > 0) {
        to = field_begin(line->begin, end, key->end_field - 1);
        if (key->end_character == 0) {
            to = field_end(to, end);
        } else {
            if (key->skip_end)
                to = skip_blanks(to, end);
            to += (size_t)(end - to) < key->end_character ? (size_t)(end - to) : key->end_character;
        }
    }
    return (struct text){(char *)from, to > from ? (size_t)(to - from) : 0};
}

/* ---- order ---- */

/* A number's digits before and behind the point, and whether it is negative. */
struct number {
    const char *whole, *fraction;
    size_t whole_length, fraction_length;
    bool negative;
};

static struct number read_number(const struct text *t)
{
    struct number n = {0};
    const char *end = t->begin + t->length, *p = skip_blanks(t->begin, end);

    n.negative = p < end && *p == '-';
    p += n.negative;
    while (p < end && *p == '0')
        p++;
    for (n.whole = p; p < end && isdigit((unsigned char)*p); p++)
        n.whole_length++;
    n.fraction = p;
    if (p < end && *p == '.')
        for (n.fraction = ++p; p < end && isdigit((unsigned char)*p); p++)
            n.fraction_length++;
    while (n.fraction_length > 0 && n.fraction[n.fraction_length - 1] == '0')
        n.fraction_length--;
    if (n.whole_length == 0 && n.fraction_length == 0)
        n.negative = false; /* -0 is 0 */
    return n;
}

static int compare_numbers(const struct text *a, const struct text *b)
{
    struct number x = read_number(a), y = read_number(b);
    size_t shorter = x.fraction_length < y.fraction_length ? x.fraction_length : y.fraction_length;
    int order;

    if (x.negative != y.negative)
        return x.negative ? -1 : 1;
    if (x.whole_length != y.whole_length)
        order = x.whole_length < y.whole_length ? -1 : 1;
    else if ((order = memcmp(x.whole, y.whole, x.whole_length)) == 0
             && (order = memcmp(x.fraction, y.fraction, shorter)) == 0)
        order = (x.fraction_length > shorter) - (y.fraction_length > shorter);
    return x.negative ? -order : order;
}

/* The next character that counts, or -1. */
static int next_character(const char **p, const char *end, const struct order *o)
{
    for (; *p < end; (*p)++) {
        int c = (unsigned char)**p;

        if ((o->dictionary && !isalnum(c) && !isblank(c)) || (o->printable && !isprint(c)))
            continue;
        (*p)++;
        return o->fold ? toupper(c) : c;
    }
    return -1;
}

static int compare_texts(const struct text *a, const struct text *b, const struct order *o)
{
    const char *p = a->begin, *p_end = p + a->length, *q = b->begin, *q_end = q + b->length;
    int order;

    if (o->blanks) {
        p = skip_blanks(p, p_end);
        q = skip_blanks(q, q_end);
    }
    if (o->numeric) {
        order = compare_numbers(a, b);
    } else if (!o->dictionary && !o->printable && !o->fold) {
        size_t m = p_end - p, n = q_end - q;

        order = memcmp(p, q, m < n ? m : n);
        if (order == 0)
            order = (m > n) - (m < n);
    } else {
        int c, d;

        do {
            c = next_character(&p, p_end, o);
            d = next_character(&q, q_end, o);
        } while (c == d && c >= 0);
        order = c - d;
    }
    return o->reverse ? -order : order;
}

/* By the keys, without the last resort. */
static int compare_keys(const struct text *a, const struct text *b)
{
    if (keys == NULL)
        return compare_texts(a, b, &general);
    for (const struct key *key = keys; key != NULL; key = key->next) {
        struct text x = part(a, key), y = part(b, key);
        int order = compare_texts(&x, &y, key->has_order ? &key->order : &general);

        if (order != 0)
            return order;
    }
    return 0;
}

static int compare(const struct text *a, const struct text *b)
{
    static const struct order bytes;
    int order = compare_keys(a, b);

    if (order == 0 && !stable && !unique) {
        order = compare_texts(a, b, &bytes);
        if (general.reverse)
            order = -order;
    }
    return order;
}

/* Merge sort, which keeps equal lines in order: from[0..count) into itself, by way of spare. */
static void merge_sort(struct text *from, struct text *spare, size_t count)
{
    size_t half = count / 2, a = 0, b = half;

    if (count < 2)
        return;
    merge_sort(from, spare, half);
    merge_sort(from + half, spare, count - half);
    if (compare(&from[half - 1], &from[half]) <= 0)
        return; /* what is sorted already costs little */
    memcpy(spare, from, half * sizeof(*from));
    for (size_t at = 0; a < half; at++)
        if (b < count && compare(&spare[a], &from[b]) > 0)
            from[at] = from[b++];
        else
            from[at] = spare[a++];
}

/* ---- input and output ---- */

static void read_lines(FILE *file, const char *name)
{
    struct line line = {0};

    while (read_line(file, &line)) {
        if (line_count == line_room) {
            line_room = line_room > 0 ? 2 * line_room : 1024;
            lines = must(realloc(lines, line_room * sizeof(*lines)));
        }
        lines[line_count].begin = must(malloc(line.length + 1));
        memcpy(lines[line_count].begin, line.text, line.length + 1);
        lines[line_count++].length = line.length;
    }
    free(line.text);
}

/* -c: says where the order breaks. */
static void test_order(const char *name)
{
    for (size_t i = 1; i < line_count; i++) {
        int order = compare(&lines[i - 1], &lines[i]);

        if (order > 0 || (order == 0 && unique)) {
            if (!quiet)
                fprintf(stderr, "sort: %s:%zu: disorder: %s\n", name, i + 1, lines[i].begin);
            exit(1);
        }
    }
}

static void write_lines(FILE *out)
{
    for (size_t i = 0; i < line_count; i++) {
        if (unique && i > 0 && compare_keys(&lines[i - 1], &lines[i]) == 0)
            continue;
        fwrite(lines[i].begin, 1, lines[i].length, out);
        putc('\n', out);
    }
}

/* ---- options ---- */

static bool set_order(struct order *o, int letter)
{
    switch (letter) {
    case 'b': o->blanks = true; break;
    case 'd': o->dictionary = true; break;
    case 'f': o->fold = true; break;
    case 'i': o->printable = true; break;
    case 'n': o->numeric = true; break;
    case 'r': o->reverse = true; break;
    default: return false;
    }
    return true;
}

static const char *key_number(const char *p, unsigned long *number)
{
    char *end;

    if (!isdigit((unsigned char)*p))
        die_of(p, "is no key");
    *number = strtoul(p, &end, 10);
    return end;
}

static const char *key_letters(const char *p, struct key *key, bool *skip)
{
    for (; *p != '\0' && *p != ','; p++) {
        if (!set_order(&key->order, *p))
            die_of(p, "is no key");
        key->has_order = true;
        *skip |= *p == 'b';
    }
    return p;
}

static void add_key(const char *text)
{
    struct key *key = must(calloc(1, sizeof(*key)));
    const char *p = key_number(text, &key->field);

    key->character = 1;
    if (*p == '.')
        p = key_number(p + 1, &key->character);
    p = key_letters(p, key, &key->skip_begin);
    if (*p == ',') {
        p = key_number(p + 1, &key->end_field);
        if (key->end_field == 0)
            die_of(text, "is no key");
        if (*p == '.')
            p = key_number(p + 1, &key->end_character);
        p = key_letters(p, key, &key->skip_end);
    }
    if (*p != '\0' || key->field-- == 0 || key->character-- == 0)
        die_of(text, "is no key");
    key->order.blanks = false; /* counts for where a key begins and ends */
    *last_key = key;
    last_key = &key->next;
}

int main(int argc, char **argv)
{
    const char *output = NULL;
    struct text *spare;
    int option;

    util_failure = FAILURE;
    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "bcCdfimnrsuk:t:o:")) != -1) {
        switch (option) {
        case 'c': check = true; break;
        case 'C': check = quiet = true; break;
        case 'm': break; /* sorting them again finds that at once */
        case 's': stable = true; break;
        case 'u': unique = true; break;
        case 'k': add_key(optarg); break;
        case 'o': output = optarg; break;
        case 't':
            if (strlen(optarg) != 1)
                die_of(optarg, "is not one character");
            separator = (unsigned char)*optarg;
            break;
        default:
            if (!set_order(&general, option))
                util_usage();
        }
    }
    for (struct key *key = keys; key != NULL; key = key->next)
        if (!key->has_order)
            key->skip_begin = key->skip_end = general.blanks;
    each_input(argv + optind, read_lines);
    if (check) {
        test_order(optind < argc ? argv[optind] : "-");
        return util_end();
    }
    spare = must(malloc((line_count / 2 + 1) * sizeof(*spare)));
    merge_sort(lines, spare, line_count);
    if (output != NULL && freopen(output, "w", stdout) == NULL)
        die(output);
    write_lines(stdout);
    return util_end();
}
