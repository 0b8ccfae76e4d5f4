/*
 * grep [-invcq] PATTERN [FILE...]: lines that match. [POSIX XCU grep; of regular expressions: . * ^
 * $, [sets], and \ before any character]
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ignore_case, number, invert, count_only, quiet;

static int fold(int c)
{
    return ignore_case ? tolower(c) : c;
}

/* Length of the pattern's first element: a character, \c, or [set]. */
static size_t element(const char *p)
{
    size_t n = 1;

    if (*p == '\\' && p[1] != '\0')
        return 2;
    if (*p != '[')
        return 1;
    n += p[n] == '^';
    n += p[n] == ']';
    while (p[n] != '\0' && p[n] != ']')
        n++;
    return p[n] == ']' ? n + 1 : 1; /* not closed: an ordinary [ */
}

static int matches_one(const char *p, size_t length, unsigned char c)
{
    int negate, found = 0;

    if (c == '\0')
        return 0;
    if (length == 1)
        return *p == '.' || fold((unsigned char)*p) == fold(c);
    if (*p == '\\')
        return fold((unsigned char)p[1]) == fold(c);
    negate = p[1] == '^';
    for (size_t i = 1 + negate; i < length - 1; i++) {
        int low = fold((unsigned char)p[i]), high = low;

        if (i + 2 < length - 1 && p[i + 1] == '-') {
            high = fold((unsigned char)p[i + 2]);
            i += 2;
        }
        found |= low <= fold(c) && fold(c) <= high;
    }
    return found != negate;
}

/* Does the pattern match at the start of text? */
static int match_here(const char *p, const char *text)
{
    for (;;) {
        size_t length;

        if (*p == '\0' || (p[0] == '$' && p[1] == '\0'))
            return *p == '\0' || *text == '\0';
        length = element(p);
        if (p[length] == '*') {
            const char *end = text;

            while (matches_one(p, length, (unsigned char)*end))
                end++;
            for (;; end--) { /* the longest first */
                if (match_here(p + length + 1, end))
                    return 1;
                if (end == text)
                    return 0;
            }
        }
        if (!matches_one(p, length, (unsigned char)*text))
            return 0;
        p += length;
        text++;
    }
}

static int match(const char *p, const char *text)
{
    if (*p == '^')
        return match_here(p + 1, text);
    do
        if (match_here(p, text))
            return 1;
    while (*text++ != '\0');
    return 0;
}

/* The number of lines that matched. */
static long search(FILE *file, const char *pattern, const char *name)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    long at = 0, hits = 0;

    while ((n = getline(&line, &room, file)) > 0) {
        at++;
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        if (match(pattern, line) == invert)
            continue;
        hits++;
        if (quiet)
            break;
        if (count_only)
            continue;
        if (name != NULL)
            printf("%s:", name);
        if (number)
            printf("%ld:", at);
        puts(line);
    }
    free(line);
    if (count_only && !quiet)
        printf("%s%s%ld\n", name != NULL ? name : "", name != NULL ? ":" : "", hits);
    return hits;
}

int main(int argc, char **argv)
{
    const char *pattern;
    int option, error = 0;
    long hits = 0;

    while ((option = getopt(argc, argv, "invcq")) != -1) {
        ignore_case |= option == 'i';
        number |= option == 'n';
        invert |= option == 'v';
        count_only |= option == 'c';
        quiet |= option == 'q';
        if (option == '?')
            return 2;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: grep [-invcq] pattern [file...]\n");
        return 2;
    }
    pattern = argv[optind++];
    if (optind == argc)
        hits = search(stdin, pattern, NULL);
    for (int i = optind; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");

        if (file == NULL) {
            fprintf(stderr, "grep: %s: %s\n", argv[i], strerror(errno));
            error = 1;
            continue;
        }
        hits += search(file, pattern, argc - optind > 1 ? argv[i] : NULL);
        fclose(file);
    }
    return error ? 2 : hits == 0;
}
