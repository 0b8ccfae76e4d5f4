/*
 * find [PATH...] [EXPRESSION]: walks over PATHs (default: .) and all below them, a directory before what is
 * in it, and evaluates the expression for each; without an action in it, what it is true of is printed. The
 * expression is a tree of nodes: a test, an action, or an operator over others. Symbolic links are not
 * followed. [POSIX XCU find; -maxdepth, -path and -print0 are GNU's]
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: find [path...] [expression]\n"
    "Walks over paths and all below them, and prints those that the expression is true of.\n"
    "  -name pattern, -path pattern  the last component, or all of the path, as in the shell\n"
    "  -type f|d|l|c|b|p             a file, directory, link, device, pipe\n"
    "  -size n[c|k], -links n        so large, in blocks of 512 bytes, in bytes, in KiB; so many names\n"
    "  -mtime n, -atime n, -ctime n  written, read, changed n days ago; +n: more than that, -n: less\n"
    "  -newer file, -empty           written after that file; nothing is in it\n"
    "  -perm [-]mode                 just that mode; -: at least that\n"
    "  -user name, -group name       whose it is\n"
    "  -prune, -depth, -xdev         leaves out what is in it; directories last; one file system\n"
    "  -maxdepth n                   no deeper than that below a path\n"
    "  -print, -print0               prints it; with a NUL behind\n"
    "  -exec command ;  -ok ...      runs the command, {} being the path: is its status 0? -ok asks before\n"
    "  -exec command {} +            runs it for many at a time\n"
    "  ! x, x -a y, x y, x -o y, ( )  not, and, or, first\n";

#define BLOCK      512
#define DAY        (24 * 60 * 60)
#define BATCH_MAX  1000 /* paths of one command of -exec + */

struct node {
    enum {
        NAME, PATH, TYPE, SIZE, LINKS, ATIME, MTIME, CTIME, NEWER, PERM, USER, GROUP, EMPTY,
        ALWAYS, PRUNE, PRINT, PRINT0, EXEC, OK, NOT, AND, OR,
    } kind;
    struct node *left, *right;
    const char *text;    /* NAME, PATH */
    mode_t mode;         /* TYPE, PERM */
    bool at_least;       /* PERM */
    int sign;            /* of a number: +n is 1, -n is -1 */
    long number, unit;
    struct timespec time; /* NEWER */
    char **command;      /* EXEC, OK: NULL-terminated, of argv */
    size_t length;       /* words of it */
    char **batch;        /* EXEC +: the paths gathered */
    size_t batch_count;
};

static struct node *expression, **batches;
static size_t batch_nodes;
static bool acts, contents_first, one_device, pruned;
static long deepest = LONG_MAX;
static dev_t device;
static time_t now;

static int complain_about(const char *path)
{
    complain(path);
    return 1;
}

/* ---- tests and actions ---- */

/* Does the last component of path match? Slashes at the end count for nothing; "/" is its own name. */
static bool name_matches(const char *pattern, const char *path)
{
    char *name = last_component(path);
    bool matches = fnmatch(pattern, name, 0) == 0;

    free(name);
    return matches;
}

static bool number_matches(const struct node *n, long value)
{
    return n->sign > 0 ? value > n->number : n->sign < 0 ? value < n->number : value == n->number;
}

static bool is_empty(const char *path, const struct stat *st)
{
    char **names;
    bool empty;

    if (!S_ISDIR(st->st_mode))
        return S_ISREG(st->st_mode) && st->st_size == 0;
    names = names_in(path);
    if (names == NULL)
        return false;
    empty = *names == NULL;
    free_names(names);
    return empty;
}

/* Runs a command; is its status 0? */
static bool run(char **words)
{
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        execvp(words[0], words);
        complain(words[0]);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        die(words[0]);
    return status == 0;
}

/* The command with the path for each {}, also within a word. */
static bool run_for(const struct node *n, const char *path)
{
    char **words = must(calloc(n->length + 1, sizeof(*words)));
    bool good;

    for (size_t i = 0; i < n->length; i++) {
        const char *from = n->command[i], *mark;
        char *word = must(strdup(""));

        while ((mark = strstr(from, "{}")) != NULL) {
            char *longer;

            if (asprintf(&longer, "%s%.*s%s", word, (int)(mark - from), from, path) < 0)
                must(NULL);
            free(word);
            word = longer;
            from = mark + 2;
        }
        if (asprintf(&words[i], "%s%s", word, from) < 0)
            must(NULL);
        free(word);
    }
    good = (n->kind != OK || confirm("run it", path)) && run(words);
    for (size_t i = 0; i < n->length; i++)
        free(words[i]);
    free(words);
    return good;
}

/* -exec +: runs the command for the paths gathered. */
static void run_batch(struct node *n)
{
    char **words;

    if (n->batch_count == 0)
        return;
    words = must(calloc(n->length + n->batch_count + 1, sizeof(*words)));
    memcpy(words, n->command, n->length * sizeof(*words));
    memcpy(words + n->length, n->batch, n->batch_count * sizeof(*words));
    if (!run(words))
        util_status = util_failure;
    free(words);
    while (n->batch_count > 0)
        free(n->batch[--n->batch_count]);
}

static bool execute(struct node *n, const char *path)
{
    if (n->batch == NULL)
        return run_for(n, path);
    n->batch[n->batch_count++] = must(strdup(path));
    if (n->batch_count == BATCH_MAX)
        run_batch(n);
    return true;
}

static bool is_true(struct node *n, const char *path, const struct stat *st)
{
    switch (n->kind) {
    case NAME: return name_matches(n->text, path);
    case PATH: return fnmatch(n->text, path, 0) == 0;
    case TYPE: return (st->st_mode & S_IFMT) == n->mode;
    case SIZE: return number_matches(n, (st->st_size + n->unit - 1) / n->unit);
    case LINKS: return number_matches(n, st->st_nlink);
    case ATIME: return number_matches(n, (now - st->st_atime) / DAY);
    case MTIME: return number_matches(n, (now - st->st_mtime) / DAY);
    case CTIME: return number_matches(n, (now - st->st_ctime) / DAY);
    case NEWER:
        return st->st_mtime > n->time.tv_sec
               || (st->st_mtime == n->time.tv_sec && st->st_mtim.tv_nsec > n->time.tv_nsec);
    case PERM:
        return n->at_least ? (st->st_mode & n->mode) == n->mode : (st->st_mode & 07777) == n->mode;
    case USER: return st->st_uid == (uid_t)n->number;
    case GROUP: return st->st_gid == (gid_t)n->number;
    case EMPTY: return is_empty(path, st);
    case ALWAYS: return true;
    case PRUNE: pruned = true; return true;
    case PRINT: puts(path); return true;
    case PRINT0: printf("%s%c", path, '\0'); return true;
    case EXEC:
    case OK: return execute(n, path);
    case NOT: return !is_true(n->left, path, st);
    case AND: return is_true(n->left, path, st) && is_true(n->right, path, st);
    case OR: return is_true(n->left, path, st) || is_true(n->right, path, st);
    }
    return false;
}

/* ---- the walk ---- */

static void evaluate(const char *path, const struct stat *st)
{
    if (is_true(expression, path, st) && !acts)
        puts(path);
}

static int visit(const char *path, long depth);

/* What is in the directory. 0, or 1 after messages. */
static int visit_entries(const char *path, long depth)
{
    size_t length = strlen(path);
    const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
    DIR *dir = opendir(path);
    struct dirent *entry;
    int status = 0;

    if (dir == NULL)
        return complain_about(path);
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        char *full;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (asprintf(&full, "%s%s%s", path, slash, entry->d_name) < 0) {
            errno = ENOMEM;
            break;
        }
        status |= visit(full, depth + 1);
        free(full);
    }
    if (errno != 0)
        status = complain_about(path);
    closedir(dir);
    return status;
}

/* The file and, if it is a directory, all below it. 0, or 1 after messages. */
static int visit(const char *path, long depth)
{
    struct stat st;
    int status = 0;
    bool enter;

    if (lstat(path, &st) < 0)
        return complain_about(path);
    if (depth == 0)
        device = st.st_dev;
    pruned = false;
    if (!contents_first)
        evaluate(path, &st);
    enter = S_ISDIR(st.st_mode) && depth < deepest && (!pruned || contents_first)
            && (!one_device || st.st_dev == device);
    if (enter)
        status = visit_entries(path, depth);
    if (contents_first)
        evaluate(path, &st);
    return status;
}

/* ---- the expression ---- */

static char **at; /* the arguments not taken yet */

static struct node *make(int kind, struct node *left, struct node *right)
{
    struct node *n = must(calloc(1, sizeof(*n)));

    n->kind = kind;
    n->left = left;
    n->right = right;
    return n;
}

static bool take(const char *word)
{
    if (*at == NULL || strcmp(*at, word) != 0)
        return false;
    at++;
    return true;
}

static char *take_operand(void)
{
    if (*at == NULL)
        util_usage();
    return *at++;
}

/* +n, -n or n. */
static void parse_number(struct node *n, char *text)
{
    size_t last = strlen(text) - 1;

    n->sign = *text == '+' ? 1 : *text == '-' ? -1 : 0;
    n->unit = BLOCK;
    if (n->kind == SIZE && *text != '\0' && (text[last] == 'c' || text[last] == 'k')) {
        n->unit = text[last] == 'c' ? 1 : 1024;
        text[last] = '\0';
    }
    n->number = number_of(text + (n->sign != 0), 0, LONG_MAX, "a number");
}

static void parse_mode_operand(struct node *n, const char *text)
{
    n->at_least = *text == '-';
    if (!parse_mode(text + n->at_least, &n->mode, 0))
        die_of(text, "is no mode");
}

static void parse_type(struct node *n, const char *text)
{
    static const char letters[] = "fdlcbps";
    static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK};

    if (strlen(text) != 1 || strchr(letters, *text) == NULL)
        util_usage();
    n->mode = types[strchr(letters, *text) - letters];
}

/* The words up to ; or {} +. */
static void parse_command(struct node *n)
{
    n->command = at;
    for (;; n->length++) {
        char *word = take_operand();

        if (strcmp(word, ";") == 0)
            break;
        if (n->kind == EXEC && strcmp(word, "+") == 0 && n->length > 0
            && strcmp(n->command[n->length - 1], "{}") == 0) {
            n->length--;
            n->batch = must(calloc(BATCH_MAX, sizeof(*n->batch)));
            batches = must(realloc(batches, (batch_nodes + 1) * sizeof(*batches)));
            batches[batch_nodes++] = n;
            break;
        }
    }
    if (n->length == 0)
        util_usage();
}

static void parse_operand(struct node *n)
{
    const char *text;
    struct stat st;
    uint32_t id;

    switch (n->kind) {
    case NAME:
    case PATH: n->text = take_operand(); break;
    case TYPE: parse_type(n, take_operand()); break;
    case SIZE:
    case LINKS:
    case ATIME:
    case MTIME:
    case CTIME: parse_number(n, take_operand()); break;
    case PERM: parse_mode_operand(n, take_operand()); break;
    case NEWER:
        text = take_operand();
        if (stat(text, &st) < 0)
            die(text);
        n->time = st.st_mtim;
        break;
    case USER:
    case GROUP:
        text = take_operand();
        if (!(n->kind == USER ? user_number : group_number)(text, &id))
            die_of(text, "there is none of that name");
        n->number = id;
        break;
    case EXEC:
    case OK:
        acts = true;
        parse_command(n);
        break;
    case PRINT:
    case PRINT0: acts = true; break;
    default: break;
    }
}

static struct node *parse_either(void);

static struct node *parse_primary(void)
{
    static const struct {
        const char *name;
        int kind;
    } names[] = {
        {"-name", NAME},   {"-path", PATH},   {"-type", TYPE},   {"-size", SIZE},
        {"-links", LINKS}, {"-atime", ATIME}, {"-mtime", MTIME}, {"-ctime", CTIME},
        {"-newer", NEWER}, {"-perm", PERM},   {"-user", USER},   {"-group", GROUP},
        {"-empty", EMPTY}, {"-prune", PRUNE}, {"-print", PRINT}, {"-print0", PRINT0},
        {"-exec", EXEC},   {"-ok", OK},
    };
    struct node *n;

    if (take("!"))
        return make(NOT, parse_primary(), NULL);
    if (take("(")) {
        n = parse_either();
        if (!take(")"))
            util_usage();
        return n;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (take(names[i].name)) {
            n = make(names[i].kind, NULL, NULL);
            parse_operand(n);
            return n;
        }
    if (take("-depth"))
        contents_first = true;
    else if (take("-xdev"))
        one_device = true;
    else if (take("-maxdepth"))
        deepest = number_of(take_operand(), 0, LONG_MAX, "a number");
    else
        util_usage();
    return make(ALWAYS, NULL, NULL);
}

static struct node *parse_both(void)
{
    struct node *n = parse_primary();

    while (*at != NULL && strcmp(*at, ")") != 0 && strcmp(*at, "-o") != 0) {
        take("-a");
        n = make(AND, n, parse_primary());
    }
    return n;
}

static struct node *parse_either(void)
{
    struct node *n = parse_both();

    while (take("-o"))
        n = make(OR, n, parse_both());
    return n;
}

int main(int argc, char **argv)
{
    int paths = 0, status = 0;

    util_begin(argv, usage);
    while (argv[1 + paths] != NULL && strchr("-!(", argv[1 + paths][0]) == NULL)
        paths++;
    now = time(NULL);
    at = argv + 1 + paths;
    expression = *at != NULL ? parse_either() : make(ALWAYS, NULL, NULL);
    if (*at != NULL)
        util_usage();
    if (paths == 0)
        status = visit(".", 0);
    for (int i = 1; i <= paths; i++)
        status |= visit(argv[i], 0);
    for (size_t i = 0; i < batch_nodes; i++)
        run_batch(batches[i]);
    return util_end() | status;
}
