/* ls: lists files and directories. [POSIX XCU ls] */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: ls [-1aAdFgHiklLnopqrRsStu] [file...]\n"
    "Lists files, and what is in directories; by name.\n"
    "  -a -A  also names that begin with a dot; with . and .., or without\n"
    "  -d     directories as files\n"
    "  -l     mode, links, owner, group, size and time of writing as well; -n: numbers for names;\n"
    "         -g: no owner; -o: no group\n"
    "  -i     the number of the inode; -s: blocks of 512 bytes that it takes, -k: of 1024\n"
    "  -F     a sign behind names: / * @ |; -p: only /\n"
    "  -R     directories below, too\n"
    "  -t -S  the latest first, the largest first; -u: by and with the time of reading; -r: backwards\n"
    "  -L -H  what a link leads to; -H: of operands only\n"
    "  -q     ? for characters that do not print; -1: a name a line, as ever\n";

#define HALF_YEAR (365 * 24 * 3600 / 2)

/* A file to be listed. */
struct entry {
    char *name;
    struct stat st;
};

struct list {
    struct entry *entries;
    size_t count, room;
};

static bool on[128]; /* the options */
static time_t now;
static bool printed; /* something, so that a directory's title needs an empty line before it */

static const struct timespec *when(const struct entry *e)
{
    return on['u'] ? &e->st.st_atim : &e->st.st_mtim;
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = 0;

    if (on['S'] && x->st.st_size != y->st.st_size) {
        order = x->st.st_size < y->st.st_size ? 1 : -1;
    } else if (on['t']) {
        const struct timespec *s = when(x), *t = when(y);

        if (s->tv_sec != t->tv_sec)
            order = s->tv_sec < t->tv_sec ? 1 : -1;
        else if (s->tv_nsec != t->tv_nsec)
            order = s->tv_nsec < t->tv_nsec ? 1 : -1;
    }
    if (order == 0)
        order = strcmp(x->name, y->name);
    return on['r'] ? -order : order;
}

/* Adds path, to be shown as name. */
static void add(struct list *list, const char *path, const char *name, bool follow)
{
    struct entry *e;

    if (list->count == list->room) {
        list->room = list->room > 0 ? 2 * list->room : 64;
        list->entries = must(realloc(list->entries, list->room * sizeof(*list->entries)));
    }
    e = &list->entries[list->count];
    if ((!follow || stat(path, &e->st) < 0) && lstat(path, &e->st) < 0) {
        complain(path);
        return;
    }
    e->name = must(strdup(name));
    list->count++;
}

static void free_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].name);
    free(list->entries);
}

static unsigned long blocks_of(const struct entry *e)
{
    return on['k'] ? (e->st.st_blocks + 1) / 2 : e->st.st_blocks;
}

static void show_name(const char *name)
{
    for (; *name != '\0'; name++)
        putchar(on['q'] && (unsigned char)(*name - ' ') >= 0x7f - ' ' ? '?' : *name);
}

static char sign_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return '/';
    if (!on['F'])
        return '\0';
    if (S_ISLNK(mode))
        return on['l'] ? '\0' : '@';
    if (S_ISFIFO(mode))
        return '|';
    return S_ISREG(mode) && (mode & 0111) ? '*' : '\0';
}

static void show_id(uint32_t id, const char *(*name)(uint32_t), int width)
{
    if (on['n'])
        printf("%*lu ", width, (unsigned long)id);
    else
        printf("%-*s ", width, name(id));
}

static void show_long(const struct entry *e, const int *width)
{
    const struct timespec *t = when(e);
    char letters[11], date[32];

    mode_letters(e->st.st_mode, letters);
    printf("%s %*lu ", letters, width[0], (unsigned long)e->st.st_nlink);
    if (!on['g'])
        show_id(e->st.st_uid, user_name, width[1]);
    if (!on['o'])
        show_id(e->st.st_gid, group_name, width[2]);
    if (S_ISCHR(e->st.st_mode) || S_ISBLK(e->st.st_mode))
        printf("%*u, %3u ", width[3] > 5 ? width[3] - 5 : 1, (unsigned)major(e->st.st_rdev),
               (unsigned)minor(e->st.st_rdev));
    else
        printf("%*ld ", width[3], (long)e->st.st_size);
    time_text(date, sizeof(date),
              t->tv_sec > now || t->tv_sec < now - HALF_YEAR ? "%b %e  %Y" : "%b %e %H:%M", t->tv_sec);
    printf("%s ", date);
}

/* dir: that the names are in, "" for operands. */
static void show(const char *dir, const struct entry *e, const int *width)
{
    char target[PATH_MAX];
    char sign = on['F'] || on['p'] ? sign_of(e->st.st_mode) : '\0';

    if (on['i'])
        printf("%*lu ", width[4], (unsigned long)e->st.st_ino);
    if (on['s'])
        printf("%*lu ", width[5], blocks_of(e));
    if (on['l'])
        show_long(e, width);
    show_name(e->name);
    if (sign != '\0')
        putchar(sign);
    if (on['l'] && S_ISLNK(e->st.st_mode)) {
        char *path = *dir != '\0' ? join_path(dir, e->name) : must(strdup(e->name));
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        if (n < 0) {
            complain(path);
        } else {
            target[n] = '\0';
            printf(" -> ");
            show_name(target);
        }
        free(path);
    }
    putchar('\n');
    printed = true;
}

static size_t digits(unsigned long number)
{
    return (size_t)snprintf(NULL, 0, "%lu", number);
}

static int larger(int a, size_t b)
{
    return a > (int)b ? a : (int)b;
}

/* Sorts the list and prints it; total: with what it takes together, above. */
static void show_list(const char *dir, struct list *list, bool total)
{
    int width[6] = {0};
    unsigned long blocks = 0;

    qsort(list->entries, list->count, sizeof(*list->entries), compare);
    for (size_t i = 0; i < list->count; i++) {
        const struct stat *st = &list->entries[i].st;
        bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

        width[0] = larger(width[0], digits(st->st_nlink));
        width[1] = larger(width[1], on['n'] ? digits(st->st_uid) : strlen(user_name(st->st_uid)));
        width[2] = larger(width[2], on['n'] ? digits(st->st_gid) : strlen(group_name(st->st_gid)));
        width[3] = larger(width[3], device ? digits(major(st->st_rdev)) + 5 : digits(st->st_size));
        width[4] = larger(width[4], digits(st->st_ino));
        width[5] = larger(width[5], digits(blocks_of(&list->entries[i])));
        blocks += st->st_blocks;
    }
    if (total && (on['l'] || on['s']))
        printf("total %lu\n", on['k'] ? (blocks + 1) / 2 : blocks);
    for (size_t i = 0; i < list->count; i++)
        show(dir, &list->entries[i], width);
}

static void list_directory(const char *path, bool title)
{
    static const char *const dots[] = {".", ".."};
    struct list list = {0};
    char **names = names_in(path);

    if (names == NULL) {
        complain(path);
        return;
    }
    if (title)
        printf("%s%s:\n", printed ? "\n" : "", path);
    printed |= title;
    for (size_t i = 0; i < COUNT_OF(dots) && on['a']; i++) {
        char *full = join_path(path, dots[i]);

        add(&list, full, dots[i], false);
        free(full);
    }
    for (char **name = names; *name != NULL; name++) {
        char *full;

        if (**name == '.' && !on['a'] && !on['A'])
            continue;
        full = join_path(path, *name);
        add(&list, full, *name, on['L']);
        free(full);
    }
    free_names(names);
    show_list(path, &list, true);
    for (size_t i = 0; i < list.count && on['R']; i++) {
        const char *name = list.entries[i].name;

        if (S_ISDIR(list.entries[i].st.st_mode) && strcmp(name, ".") != 0 &&
            strcmp(name, "..") != 0) {
            char *full = join_path(path, name);

            list_directory(full, true);
            free(full);
        }
    }
    free_list(&list);
}

int main(int argc, char **argv)
{
    static char *here[] = {".", NULL};
    struct list files = {0}, directories = {0};
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "1aAdFgHiklLnopqrRsStu")) != -1) {
        if (option == '?')
            util_usage();
        on[option] = true;
        on['l'] |= option == 'g' || option == 'n' || option == 'o';
        if (option == 't' || option == 'S') /* the later one counts */
            on[option == 't' ? 'S' : 't'] = false;
    }
    now = time(NULL);
    if (optind < argc)
        argv += optind;
    else
        argv = here;
    for (char **name = argv; *name != NULL; name++) {
        bool follow = on['L'] || on['H'] || (!on['d'] && !on['F'] && !on['l']);
        struct stat st;
        bool directory =
            !on['d'] && (follow ? stat : lstat)(*name, &st) == 0 && S_ISDIR(st.st_mode);

        add(directory ? &directories : &files, *name, *name, follow);
    }
    show_list("", &files, false);
    qsort(directories.entries, directories.count, sizeof(*directories.entries), compare);
    for (size_t i = 0; i < directories.count; i++)
        list_directory(directories.entries[i].name, argv[1] != NULL || on['R']);
    free_list(&files);
    free_list(&directories);
    return util_end();
}
