/*
 * diff: how to make one file of another. [POSIX XCU diff]
 *
 * The lines of both files get numbers, equal lines the same. The longest common subsequence is found by
 * Myers's algorithm in linear space ("An O(ND) Difference Algorithm and Its Variations", 1986): from both
 * corners of the edit graph paths go as far as they can with d changes; where they meet is the middle, and
 * both halves are done likewise. What is in no common subsequence has changed.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: diff [-biqrN] [-c | -C lines | -e | -u | -U lines] file1 file2\n"
    "Prints what has to be changed to make file2 of file1. Status 0: nothing; 1: something; 2: error.\n"
    "  -u -U lines  with 3 lines around, or so many, marked by + and -; -c -C lines: by ! + and -\n"
    "  -e           as commands for ed\n"
    "  -b -i        white space counts as one blank, at a line's end not at all; upper case is lower case\n"
    "  -q           only whether they differ\n"
    "  -r           directories, with all that is in them; -N: a file that is missing is an empty one\n";

struct text {
    char *at;
    size_t length;
};

struct side {
    const char *name;
    struct stat st;
    struct text *lines;
    long count, room;
    int *numbers;
    bool *changed;
    bool no_newline; /* at the end of the last line */
};

static enum { PLAIN, CONTEXT, UNIFIED, COMMANDS } format;
static long context = 3;
static bool blanks, fold, brief, recursive, missing_is_empty;
static struct side sides[2];
static int different; /* lines: how many numbers there are */

/* ---- reading ---- */

static bool equal(const struct text *a, const struct text *b)
{
    const char *p = a->at, *p_end = p + a->length, *q = b->at, *q_end = q + b->length;

    if (!blanks && !fold)
        return a->length == b->length && memcmp(p, q, a->length) == 0;
    while (blanks && p_end > p && isspace((unsigned char)p_end[-1]))
        p_end--;
    while (blanks && q_end > q && isspace((unsigned char)q_end[-1]))
        q_end--;
    while (p < p_end && q < q_end) {
        int c = (unsigned char)*p++, d = (unsigned char)*q++;

        if (blanks && isspace(c) && isspace(d)) {
            while (p < p_end && isspace((unsigned char)*p))
                p++;
            while (q < q_end && isspace((unsigned char)*q))
                q++;
        } else if (c != d && !(fold && tolower(c) == tolower(d))) {
            return false;
        }
    }
    return p == p_end && q == q_end;
}

static unsigned long hash(const struct text *line)
{
    unsigned long h = 0;

    for (size_t i = 0; i < line->length; i++)
        if (!blanks || !isspace((unsigned char)line->at[i]))
            h = h * 31 + (unsigned long)(fold ? tolower((unsigned char)line->at[i]) : line->at[i]);
    return h;
}

static void read_side(struct side *side, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    struct line line = {0};

    side->name = path;
    if (file == NULL && missing_is_empty && errno == ENOENT) {
        side->name = "/dev/null";
        return;
    }
    if (file == NULL || fstat(fileno(file), &side->st) < 0)
        die(path);
    while (read_line(file, &line)) {
        if (side->count == side->room) {
            side->room = side->room > 0 ? 2 * side->room : 1024;
            side->lines = must(realloc(side->lines, (size_t)side->room * sizeof(*side->lines)));
        }
        side->lines[side->count].at = must(malloc(line.length + 1));
        memcpy(side->lines[side->count].at, line.text, line.length + 1);
        side->lines[side->count++].length = line.length;
        side->no_newline = !line.newline;
    }
    if (ferror(file))
        die(path);
    free(line.text);
    if (file != stdin)
        fclose(file);
}

/* Gives equal lines of both sides the same number. */
static void number_lines(void)
{
    size_t size = 1, mask;
    struct slot {
        const struct text *line;
        bool whole;
        int number;
    } *table;

    while (size < 2 * (size_t)(sides[0].count + sides[1].count) + 2)
        size *= 2;
    table = must(calloc(size, sizeof(*table)));
    mask = size - 1;
    different = 0;
    for (struct side *side = sides; side < sides + 2; side++) {
        side->numbers = must(calloc((size_t)side->count + 1, sizeof(*side->numbers)));
        side->changed = must(calloc((size_t)side->count + 1, sizeof(*side->changed)));
        for (long i = 0; i < side->count; i++) {
            bool whole = i < side->count - 1 || !side->no_newline;
            size_t at = hash(&side->lines[i]) & mask;

            while (table[at].line != NULL
                   && !(table[at].whole == whole && equal(table[at].line, &side->lines[i])))
                at = (at + 1) & mask;
            if (table[at].line == NULL)
                table[at] = (struct slot){&side->lines[i], whole, different++};
            side->numbers[i] = table[at].number;
        }
    }
    free(table);
}

/* ---- what has changed ---- */

static long *forward, *backward; /* by diagonal: how far a path has come */

/* Compares lines [a, a_end) with [b, b_end): marks those in no common subsequence. */
static void compare(long a, long a_end, long b, long b_end)
{
    const int *x = sides[0].numbers, *y = sides[1].numbers;

    while (a < a_end && b < b_end && x[a] == y[b]) {
        a++;
        b++;
    }
    while (a < a_end && b < b_end && x[a_end - 1] == y[b_end - 1]) {
        a_end--;
        b_end--;
    }
    if (a == a_end || b == b_end) {
        while (a < a_end)
            sides[0].changed[a++] = true;
        while (b < b_end)
            sides[1].changed[b++] = true;
        return;
    }

    long least = a - b_end, most = a_end - b; /* diagonals there are: place in x less place in y */
    long up = a - b, down = a_end - b_end;    /* of the two corners */
    long up_low = up, up_high = up, down_low = down, down_high = down;
    bool odd = (up - down) & 1;

    forward[up] = a;
    backward[down] = a_end;
    for (;;) {
        /* One change more from the beginning. */
        if (up_low > least)
            forward[--up_low - 1] = -1;
        else
            up_low++;
        if (up_high < most)
            forward[++up_high + 1] = -1;
        else
            up_high--;
        for (long d = up_high; d >= up_low; d -= 2) {
            long i = forward[d - 1] >= forward[d + 1] ? forward[d - 1] + 1 : forward[d + 1];

            while (i < a_end && i - d < b_end && x[i] == y[i - d])
                i++;
            forward[d] = i;
            if (odd && down_low <= d && d <= down_high && backward[d] <= i) {
                compare(a, i, b, i - d);
                compare(i, a_end, i - d, b_end);
                return;
            }
        }
        /* And from the end. */
        if (down_low > least)
            backward[--down_low - 1] = LONG_MAX;
        else
            down_low++;
        if (down_high < most)
            backward[++down_high + 1] = LONG_MAX;
        else
            down_high--;
        for (long d = down_high; d >= down_low; d -= 2) {
            long i = backward[d - 1] < backward[d + 1] ? backward[d - 1] : backward[d + 1] - 1;

            while (i > a && i - d > b && x[i - 1] == y[i - d - 1])
                i--;
            backward[d] = i;
            if (!odd && up_low <= d && d <= up_high && i <= forward[d]) {
                compare(a, i, b, i - d);
                compare(i, a_end, i - d, b_end);
                return;
            }
        }
    }
}

/* A run of changed lines among equal ones may lie elsewhere: it goes as far down as it can. */
static void slide(struct side *side, const struct side *other)
{
    long i = 0, j = 0;

    while (i < side->count) {
        long begin, end;

        while (i < side->count && !side->changed[i]) {
            while (j < other->count && other->changed[j])
                j++;
            i++;
            j++;
        }
        for (begin = end = i; end < side->count && side->changed[end]; end++)
            ;
        while (begin < end && end < side->count && side->numbers[begin] == side->numbers[end]
               && !(j < other->count && other->changed[j])) {
            side->changed[begin++] = false;
            side->changed[end++] = true;
            j++;
            while (end < side->count && side->changed[end]) /* it has met the next run */
                end++;
        }
        i = end;
    }
}

/* ---- output ---- */

/* Lines [a, a_end) of the first become [b, b_end) of the second. */
struct hunk {
    long a, a_end, b, b_end;
};

static bool next_hunk(struct hunk *h)
{
    const struct side *s = sides;
    long i = h->a_end, j = h->b_end;

    while (i < s[0].count && j < s[1].count && !s[0].changed[i] && !s[1].changed[j]) {
        i++;
        j++;
    }
    h->a = h->a_end = i;
    h->b = h->b_end = j;
    while (h->a_end < s[0].count && s[0].changed[h->a_end])
        h->a_end++;
    while (h->b_end < s[1].count && s[1].changed[h->b_end])
        h->b_end++;
    return h->a < h->a_end || h->b < h->b_end;
}

static void show_line(const char *mark, const struct side *side, long i)
{
    printf("%s", mark);
    fwrite(side->lines[i].at, 1, side->lines[i].length, stdout);
    putchar('\n');
    if (i == side->count - 1 && side->no_newline && format != COMMANDS)
        printf("\\ No newline at end of file\n");
}

/* Lines from begin to end as "first,last"; of none, the one before. */
static void show_range(long begin, long end)
{
    if (end - begin > 1)
        printf("%ld,%ld", begin + 1, end);
    else
        printf("%ld", end > begin ? begin + 1 : begin);
}

static void show_plain(const struct hunk *h)
{
    bool removes = h->a < h->a_end, adds = h->b < h->b_end;

    show_range(h->a, h->a_end);
    putchar(!removes ? 'a' : adds ? 'c' : 'd');
    show_range(h->b, h->b_end);
    putchar('\n');
    for (long i = h->a; i < h->a_end; i++)
        show_line("< ", &sides[0], i);
    if (removes && adds)
        puts("---");
    for (long i = h->b; i < h->b_end; i++)
        show_line("> ", &sides[1], i);
}

/* For ed, from the last hunk to the first, so that line numbers stay right. */
static void show_commands(const struct hunk *h)
{
    bool adds = h->b < h->b_end;

    show_range(h->a, h->a_end);
    puts(h->a == h->a_end ? "a" : adds ? "c" : "d");
    for (long i = h->b; i < h->b_end; i++) {
        if (strcmp(sides[1].lines[i].at, ".") != 0) {
            show_line("", &sides[1], i);
            continue;
        }
        printf("..\n.\ns/.//\n"); /* a line with a dot alone would end the text */
        if (i + 1 < h->b_end)
            puts("a");
        else
            return;
    }
    if (adds)
        puts(".");
}

static void show_commands_backwards(void)
{
    struct hunk h = {0}, *all = NULL;
    size_t count = 0;

    while (next_hunk(&h)) {
        all = must(realloc(all, (count + 1) * sizeof(*all)));
        all[count++] = h;
    }
    while (count > 0)
        show_commands(&all[--count]);
    free(all);
}

static void show_unified(const struct hunk *group, size_t count, long a, long a_end, long b,
                         long b_end)
{
    long i = a;

    printf("@@ -%ld", a_end > a ? a + 1 : a);
    if (a_end - a != 1)
        printf(",%ld", a_end - a);
    printf(" +%ld", b_end > b ? b + 1 : b);
    if (b_end - b != 1)
        printf(",%ld", b_end - b);
    puts(" @@");
    for (const struct hunk *h = group; h < group + count; h++) {
        for (; i < h->a; i++)
            show_line(" ", &sides[0], i);
        for (; i < h->a_end; i++)
            show_line("-", &sides[0], i);
        for (long j = h->b; j < h->b_end; j++)
            show_line("+", &sides[1], j);
    }
    for (; i < a_end; i++)
        show_line(" ", &sides[0], i);
}

/* One side of a group of hunks in context; which: 0 or 1. */
static void show_context_side(const struct hunk *group, size_t count, int which, long from,
                              long end)
{
    long i = from;
    bool any = false;

    for (size_t n = 0; n < count; n++)
        any |= which == 0 ? group[n].a < group[n].a_end : group[n].b < group[n].b_end;
    printf(which == 0 ? "*** " : "--- ");
    show_range(from, end);
    puts(which == 0 ? " ****" : " ----");
    if (!any)
        return;
    for (const struct hunk *h = group; h < group + count; h++) {
        long begin = which == 0 ? h->a : h->b, past = which == 0 ? h->a_end : h->b_end;
        bool both = h->a < h->a_end && h->b < h->b_end;

        for (; i < begin; i++)
            show_line("  ", &sides[which], i);
        for (; i < past; i++)
            show_line(both ? "! " : which == 0 ? "- " : "+ ", &sides[which], i);
    }
    for (; i < end; i++)
        show_line("  ", &sides[which], i);
}

static void show_name(const char *mark, const struct side *side)
{
    const time_t when = side->st.st_mtim.tv_sec;
    char date[32];

    if (format == CONTEXT) {
        time_text(date, sizeof(date), "%a %b %e %H:%M:%S %Y", when);
        printf("%s %s\t%s\n", mark, side->name, date);
    } else {
        time_text(date, sizeof(date), "%Y-%m-%d %H:%M:%S", when);
        printf("%s %s\t%s.%09ld +0000\n", mark, side->name, date, side->st.st_mtim.tv_nsec);
    }
}

/* Hunks so near each other that their context touches go together. */
static void show_groups(void)
{
    struct hunk h = {0}, *group = NULL;
    size_t count = 0;
    bool more = next_hunk(&h);

    show_name(format == UNIFIED ? "---" : "***", &sides[0]);
    show_name(format == UNIFIED ? "+++" : "---", &sides[1]);
    while (more) {
        long a, b, a_end, b_end;

        count = 0;
        do {
            group = must(realloc(group, (count + 1) * sizeof(*group)));
            group[count++] = h;
            more = next_hunk(&h);
        } while (more && h.a - group[count - 1].a_end <= 2 * context);
        a = group[0].a > context ? group[0].a - context : 0;
        b = group[0].b > context ? group[0].b - context : 0;
        a_end = group[count - 1].a_end + context;
        b_end = group[count - 1].b_end + context;
        a_end = a_end < sides[0].count ? a_end : sides[0].count;
        b_end = b_end < sides[1].count ? b_end : sides[1].count;
        if (format == UNIFIED) {
            show_unified(group, count, a, a_end, b, b_end);
        } else {
            puts("***************");
            show_context_side(group, count, 0, a, a_end);
            show_context_side(group, count, 1, b, b_end);
        }
    }
    free(group);
}

static void free_sides(void)
{
    for (struct side *side = sides; side < sides + 2; side++) {
        for (long i = 0; i < side->count; i++)
            free(side->lines[i].at);
        free(side->lines);
        free(side->numbers);
        free(side->changed);
        *side = (struct side){0};
    }
}

/* title: in front of what differs, when directories are compared. */
static void diff_files(const char *a, const char *b, const char *title)
{
    struct hunk h = {0};
    long diagonals;
    long *room;

    read_side(&sides[0], a);
    read_side(&sides[1], b);
    number_lines();
    diagonals = sides[0].count + sides[1].count + 3;
    room = must(malloc(2 * (size_t)diagonals * sizeof(*room)));
    forward = room + sides[1].count + 1;
    backward = forward + diagonals;
    compare(0, sides[0].count, 0, sides[1].count);
    free(room);
    slide(&sides[0], &sides[1]);
    slide(&sides[1], &sides[0]);
    if (next_hunk(&h)) {
        h = (struct hunk){0};
        util_status = util_status > 1 ? util_status : 1;
        if (title != NULL && !brief)
            puts(title);
        if (brief) {
            printf("Files %s and %s differ\n", a, b);
        } else if (format == COMMANDS) {
            show_commands_backwards();
        } else if (format == PLAIN) {
            while (next_hunk(&h))
                show_plain(&h);
        } else {
            show_groups();
        }
    }
    free_sides();
}

static void diff_paths(const char *a, const char *b, const char *options, bool inner);

static void diff_directories(const char *a, const char *b, const char *options)
{
    char **x = names_in(a), **y = names_in(b), **p = x, **q = y;

    if (x == NULL || y == NULL)
        die(x == NULL ? a : b);
    while (*p != NULL || *q != NULL) {
        int order = *p == NULL ? 1 : *q == NULL ? -1 : strcmp(*p, *q);

        if (order != 0 && !missing_is_empty) {
            printf("Only in %s: %s\n", order < 0 ? a : b, order < 0 ? *p : *q);
            util_status = util_status > 1 ? util_status : 1;
        } else {
            char *in_a = join_path(a, order <= 0 ? *p : *q),
                 *in_b = join_path(b, order <= 0 ? *p : *q);

            diff_paths(in_a, in_b, options, true);
            free(in_a);
            free(in_b);
        }
        p += order <= 0;
        q += order >= 0;
    }
    free_names(x);
    free_names(y);
}

static void diff_paths(const char *a, const char *b, const char *options, bool inner)
{
    struct stat x = {0}, y = {0};
    bool has_a = strcmp(a, "-") != 0 && stat(a, &x) == 0,
         has_b = strcmp(b, "-") != 0 && stat(b, &y) == 0;
    char *title, *path, *name;

    if (has_a && has_b && S_ISDIR(x.st_mode) && S_ISDIR(y.st_mode)) {
        if (!inner || recursive) {
            diff_directories(a, b, options);
        } else {
            printf("Common subdirectories: %s and %s\n", a, b);
        }
    } else if (inner && has_a && has_b && S_ISDIR(x.st_mode) != S_ISDIR(y.st_mode)) {
        printf("File %s is a %s while file %s is a %s\n", a,
               S_ISDIR(x.st_mode) ? "directory" : "regular file", b,
               S_ISDIR(y.st_mode) ? "directory" : "regular file");
        util_status = util_status > 1 ? util_status : 1;
    } else if ((has_a && S_ISDIR(x.st_mode)) || (has_b && S_ISDIR(y.st_mode))) {
        bool first = has_a && S_ISDIR(x.st_mode); /* the file of that name in the directory */

        name = last_component(first ? b : a);
        path = join_path(first ? a : b, name);
        diff_files(first ? path : a, first ? b : path, NULL);
        free(path);
        free(name);
    } else {
        if (asprintf(&title, "diff %s%s %s", options, a, b) < 0)
            must(NULL);
        diff_files(a, b, inner ? title : NULL);
        free(title);
    }
}

int main(int argc, char **argv)
{
    char options[256] = "";
    int option;

    util_failure = 2;
    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "biqrNcC:euU:")) != -1) {
        switch (option) {
        case 'b': blanks = true; break;
        case 'i': fold = true; break;
        case 'q': brief = true; break;
        case 'r': recursive = true; break;
        case 'N': missing_is_empty = true; break;
        case 'e': format = COMMANDS; break;
        case 'c':
        case 'C': format = CONTEXT; break;
        case 'u':
        case 'U': format = UNIFIED; break;
        default: util_usage();
        }
        if (option == 'C' || option == 'U')
            context = number_of(optarg, 0, INT_MAX, "a number of lines");
    }
    if (argc - optind != 2)
        util_usage();
    for (int i = 1; i < optind; i++) {
        strlcat(options, argv[i], sizeof(options));
        strlcat(options, " ", sizeof(options));
    }
    diff_paths(argv[optind], argv[optind + 1], options, false);
    return util_end();
}
