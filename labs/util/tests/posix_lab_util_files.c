/*
 * Lab util, exercises 4 and 5: find, xargs. Each program is run as the shell would run it, and judged by
 * what it printed and by its status; this program is also the command that xargs runs.
 */
#include "lab_util.h"

TEST_LIMIT(2);

/* What this program does as the command of xargs: `self WORD...`. The status. */
static int help(int argc, char **argv)
{
    if (strcmp(argv[1], "count") == 0) { /* how many arguments */
        printf("%d\n", argc - 2);
    } else if (strcmp(argv[1], "status") == 0) { /* ends with its last argument as status */
        printf("%s\n", argv[argc - 1]);
        return atoi(argv[argc - 1]);
    } else if (strcmp(argv[1], "die") == 0) {
        raise(SIGKILL);
    } else if (strcmp(argv[1], "slow") == 0) { /* the shorter its argument, the longer it takes */
        usleep((useconds_t)(10 - strlen(argv[argc - 1])) * 10000);
        printf("%s\n", argv[argc - 1]);
    } else if (strcmp(argv[1], "eat") == 0) { /* reads all its input */
        char c;
        int n = 0;

        while (read(0, &c, 1) == 1)
            n++;
        printf("%d %s\n", n, argv[argc - 1]);
    } else if (strcmp(argv[1], "show") == 0) {
        for (int i = 2; i < argc; i++)
            printf("[%s]", argv[i]);
        printf("\n");
    }
    return 0;
}

/* ---- 4: find ---- */

/*
 * t/          t/a            t/b/        t/b/a        t/b/a.c     t/b/d/      t/b/d/x.c
 * t/.hidden   t/empty/       t/up -> ..  t/b/d/a/     t/b/d/a/deep.c
 */
static void make_tree(void)
{
    char output[64];

    shell("rm -rf t", output, sizeof output);
    mkdir("t", 0755);
    mkdir("t/b", 0755);
    mkdir("t/empty", 0755);
    mkdir("t/b/d", 0755);
    mkdir("t/b/d/a", 0755);
    make_file("t/a", "a\n");
    make_file("t/.hidden", "");
    make_file("t/b/a", "");
    make_file("t/b/a.c", "");
    make_file("t/b/d/x.c", "");
    make_file("t/b/d/a/deep.c", "");
    symlink("..", "t/up");
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines of text, in place. */
static void sort_lines(char *text)
{
    static char copy[OUTPUT_SIZE];
    static char *lines[4096];
    size_t count = 0, at = 0;

    strcpy(copy, text);
    for (char *p = copy, *line; (line = strsep(&p, "\n")) != NULL && p != NULL && count < 4096;)
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, compare);
    for (size_t i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "%s\n", lines[i]);
}

/* Every path of the output comes behind the directory it is in, if that is there, too. */
static void expect_parents_first(void)
{
    for (char *line = r.out; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");

        for (char *later = line + length + 1; line[length] != '\0' && *later != '\0';
             later += strcspn(later, "\n") + 1) {
            size_t other = strcspn(later, "\n");

            if (other < length && line[other] == '/' && memcmp(line, later, other) == 0) {
                FAIL("%s: \"%.*s\" is printed before the directory it is in", r.command, (int)length,
                     line);
                return;
            }
        }
        if (line[length] == '\0')
            return;
    }
}

static void check_find(int line, int code, const char *sorted)
{
    expect_parents_first();
    sort_lines(r.out);
    check_run(line, code, sorted);
}

#define EXPECT_FIND(code, sorted) check_find(__LINE__, (code), (sorted))

TEST(find_all)
{
    make_tree();
    RUN("/dev/null", "find", "t");
    EXPECT_FIND(0, "t\nt/.hidden\nt/a\nt/b\nt/b/a\nt/b/a.c\nt/b/d\nt/b/d/a\nt/b/d/a/deep.c\nt/b/d/x.c\n"
                   "t/empty\nt/up\n");
    RUN("/dev/null", "find", "t/b/d", "t/a", "t/empty");
    EXPECT_FIND(0, "t/a\nt/b/d\nt/b/d/a\nt/b/d/a/deep.c\nt/b/d/x.c\nt/empty\n");
    chdir("t/b");
    RUN("/dev/null", "find"); /* "errors" is here now */
    unlink("errors");
    chdir(DIR_NAME);
    EXPECT_FIND(0, ".\n./a\n./a.c\n./d\n./d/a\n./d/a/deep.c\n./d/x.c\n./errors\n");
}

TEST(find_by_name)
{
    make_tree();
    RUN("/dev/null", "find", "t", "-name", "a");
    EXPECT_FIND(0, "t/a\nt/b/a\nt/b/d/a\n");
    RUN("/dev/null", "find", "t", "-name", "*.c");
    EXPECT_FIND(0, "t/b/a.c\nt/b/d/a/deep.c\nt/b/d/x.c\n");
    RUN("/dev/null", "find", "t/b", "-name", "b");
    EXPECT_FIND(0, "t/b\n");
    RUN("/dev/null", "find", "t", "-name", "?.[a-d]");
    EXPECT_FIND(0, "t/b/a.c\nt/b/d/x.c\n");
    RUN("/dev/null", "find", "t", "-name", "b/a");
    EXPECT_FIND(0, "");
    RUN("/dev/null", "find", "t", "t/b", "-name", "d");
    EXPECT_FIND(0, "t/b/d\nt/b/d\n");
}

TEST(find_by_type)
{
    make_tree();
    RUN("/dev/null", "find", "t", "-type", "d");
    EXPECT_FIND(0, "t\nt/b\nt/b/d\nt/b/d/a\nt/empty\n");
    RUN("/dev/null", "find", "t", "-type", "l");
    EXPECT_FIND(0, "t/up\n");
    RUN("/dev/null", "find", "t", "-name", "a", "-type", "f");
    EXPECT_FIND(0, "t/a\nt/b/a\n");
    RUN("/dev/null", "find", "t", "-type", "d", "-name", "a");
    EXPECT_FIND(0, "t/b/d/a\n");
}

TEST(find_follows_no_links)
{
    make_tree();
    symlink("nowhere", "t/b/broken");
    symlink("../../t", "t/b/d/loop");
    RUN("/dev/null", "find", "t/b", "t/up");
    EXPECT_FIND(0, "t/b\nt/b/a\nt/b/a.c\nt/b/broken\nt/b/d\nt/b/d/a\nt/b/d/a/deep.c\nt/b/d/loop\n"
                   "t/b/d/x.c\nt/up\n");
}

TEST(find_slashes)
{
    make_tree();
    RUN("/dev/null", "find", "t/b/d/", "t/empty//");
    EXPECT_FIND(0, "t/b/d/\nt/b/d/a\nt/b/d/a/deep.c\nt/b/d/x.c\nt/empty//\n");
    RUN("/dev/null", "find", "t/b/", "-name", "b");
    EXPECT_FIND(0, "t/b/\n");
    RUN("/dev/null", "find", "/", "-name", "posix_lab_no_such_file");
    EXPECT_FIND(0, "");
    RUN("/dev/null", "find", "/", "-name", "find", "-type", "f");
    EXPECT_FIND(0, "/bin/find\n");
}

TEST(find_errors)
{
    make_tree();
    RUN("/dev/null", "find", "none", "t/empty", "none2");
    EXPECT_FIND(1, "t/empty\n");
    if (strstr(r.errors, "none") == NULL || strstr(r.errors, "none2") == NULL)
        FAIL("find: standard error names the paths that are not there; got \"%s\"", r.errors);
    RUN("/dev/null", "find", "t", "-name");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "find", "t", "-type", "x");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "find", "t", "-none", "x");
    EXPECT_REFUSED(2);
}

TEST(find_deep_and_wide)
{
    static char path[1024], sorted[OUTPUT_SIZE];
    char output[64];
    size_t at, length;

    shell("rm -rf w", output, sizeof output);
    mkdir("w", 0755);
    at = (size_t)sprintf(sorted, "w\n");
    length = (size_t)sprintf(path, "w");
    for (int i = 0; i < 18; i++) { /* a path of 900 characters, made piece by piece */
        length += (size_t)sprintf(path + length, "/%02d%.*s", i, 47,
                                  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
        mkdir(path, 0755);
        at += (size_t)sprintf(sorted + at, "%s\n", path);
    }
    for (int i = 100; i < 300; i++) {
        sprintf(path, "w/wide%u-%d", seed(), i);
        make_file(path, "");
        at += (size_t)sprintf(sorted + at, "%s\n", path);
    }
    RUN("/dev/null", "find", "w");
    EXPECT_FIND(0, sorted);
}

/* ---- 5: xargs ---- */

static const char *input(const char *text)
{
    make_file("input", text);
    return "input";
}

TEST(xargs_once)
{
    char words[64], expected[64];

    RUN(input("a b\n\n  c\td"), "xargs");
    EXPECT_RUN(0, "a b c d\n");
    RUN(input("a b\nc\n"), "xargs", "echo", "x", "y");
    EXPECT_RUN(0, "x y a b c\n");
    snprintf(words, sizeof words, "%u\n%u\n", seed() + 1, seed() + 2);
    snprintf(expected, sizeof expected, "%u %u\n", seed() + 1, seed() + 2);
    RUN(input(words), "xargs");
    EXPECT_RUN(0, expected);
    RUN(input("-n -r\n"), "xargs", self, "show", "-n", "1"); /* behind COMMAND options are its own */
    EXPECT_RUN(0, "[-n][1][-n][-r]\n");
}

TEST(xargs_some_at_a_time)
{
    RUN(input("1 2 3 4\n5\n"), "xargs", "-n", "2");
    EXPECT_RUN(0, "1 2\n3 4\n5\n");
    RUN(input("1\n2\n"), "xargs", "-n", "1", "echo", "x");
    EXPECT_RUN(0, "x 1\nx 2\n");
    RUN(input("1 2"), "xargs", "-n2");
    EXPECT_RUN(0, "1 2\n");
}

TEST(xargs_quotes)
{
    RUN(input("'a  b' \"c'd\" e\\ f x'y z'w '' \\'\n'\"\\' g\\\\"), "xargs", self, "show");
    EXPECT_RUN(0, "[a  b][c'd][e f][xy zw][]['][\"\\][g\\]\n");
    RUN(input("a 'b\n"), "xargs", self, "count");
    EXPECT_REFUSED(1);
    RUN(input("a \"b"), "xargs", self, "count");
    EXPECT_REFUSED(1);
}

TEST(xargs_nothing)
{
    RUN(input(" \n\n"), "xargs", self, "count");
    EXPECT_RUN(0, "0\n");
    RUN(input(""), "xargs", "-r", self, "count");
    EXPECT_RUN(0, "");
    RUN(input("a"), "xargs", "-r", self, "count");
    EXPECT_RUN(0, "1\n");
}

TEST(xargs_more_than_fits)
{
    static char text[400 * 1000];
    size_t at = 0;
    int total = 0, runs = 0;

    for (int i = 0; at < sizeof text - 20; i++)
        at += (size_t)sprintf(text + at, "w%015d%c", i, i % 7 == 0 ? '\n' : ' ');
    RUN(input(text), "xargs", self, "count");
    EXPECT_RUN(0, NULL);
    for (char *p = r.out, *line; (line = strsep(&p, "\n")) != NULL && *line != '\0'; runs++)
        total += atoi(line);
    if (total != (int)(at / 17) || runs < 2 || runs > 16)
        FAIL("xargs: %d words were given to %d commands, of %d; at most 256 KiB fit", total, runs,
             (int)(at / 17));
    memset(text, 'x', 20000); /* one long word, and what is behind it */
    strcpy(text + 20000, " y\n");
    RUN(input(text), "xargs", self, "count");
    EXPECT_RUN(0, "2\n");
}

TEST(xargs_one_after_the_other)
{
    RUN(input("a bb ccc dddd\n"), "xargs", "-n", "1", self, "slow");
    EXPECT_RUN(0, "a\nbb\nccc\ndddd\n");
}

TEST(xargs_keeps_its_input)
{
    static char text[20000];
    static char expected[OUTPUT_SIZE];
    size_t at = 0, want = 0;

    for (int i = 0; i < 12; i++) { /* far more than a stream's buffer */
        at += (size_t)sprintf(text + at, "%01000d\n", i);
        want += (size_t)sprintf(expected + want, "0 %01000d\n", i);
    }
    RUN(input(text), "xargs", "-n", "1", self, "eat");
    EXPECT_RUN(0, expected);
}

TEST(xargs_status)
{
    RUN(input("0 3 0"), "xargs", "-n", "1", self, "status");
    EXPECT_RUN(123, "0\n3\n0\n");
    RUN(input("0 255 0"), "xargs", "-n", "1", self, "status");
    EXPECT_RUN(124, "0\n255\n");
    RUN(input("1 2"), "xargs", "-n", "1", self, "die");
    EXPECT_RUN(125, "");
    RUN(input("1"), "xargs", "/tmp");
    EXPECT_REFUSED(126);
    RUN(input("1"), "xargs", "posix_lab_no_such_program");
    EXPECT_REFUSED(127);
}

TEST(xargs_refuses)
{
    RUN(input(""), "xargs", "-n");
    EXPECT_REFUSED(2);
    RUN(input(""), "xargs", "-n", "0");
    EXPECT_REFUSED(2);
    RUN(input(""), "xargs", "-n", "x");
    EXPECT_REFUSED(2);
    RUN(input(""), "xargs", "-q");
    EXPECT_REFUSED(2);
}

LAB_MAIN(help)
