/*
 * Lab util, exercises 1 to 5: sleep, pingpong, primes, find, xargs. Each program is run as the shell would
 * run it, and judged by what it printed, by its status, and by what it left behind.
 */
#include "lab_util.h"

#include <time.h>

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

/* ---- 1: sleep ---- */

/* Milliseconds that /bin/sleep with that argument takes. */
static long sleep_time(const char *argument)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    RUN("/dev/null", "sleep", argument);
    clock_gettime(CLOCK_MONOTONIC, &end);
    EXPECT_RUN(0, "");
    return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static void expect_sleep(const char *argument, long ms)
{
    long took = sleep_time(argument);

    if (took < ms || took > ms + 200)
        FAIL("sleep %s: took %ld ms, expected %ld", argument, took, ms);
}

TEST(sleep_seconds)
{
    expect_sleep("0", 0);
    expect_sleep("1", 1000);
}

TEST(sleep_fractions)
{
    expect_sleep("0.1", 100);
    expect_sleep("1.05", 1050);
    expect_sleep(".25", 250);
}

TEST(sleep_refuses)
{
    static const char *const wrong[] = {"x", "1x", "-1", "", "1.5.2", "1 "};

    RUN("/dev/null", "sleep");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "sleep", "0", "0");
    EXPECT_REFUSED(2);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN("/dev/null", "sleep", wrong[i]);
        EXPECT_REFUSED(2);
    }
}

/* ---- 2: pingpong ---- */

/* Checks r.out against what parent (the program's pid) and child print in so many rounds. The child's pid. */
static int expect_rounds(int parent, int rounds)
{
    static char expected[OUTPUT_SIZE];
    int child = atoi(r.out);
    size_t at = 0;

    if (child <= 0 || child == parent) {
        FAIL("pingpong: the first line is the child's, with its pid; got \"%.100s\" (the parent is %d)",
             r.out, parent);
        return -1;
    }
    for (int i = 0; i < rounds; i++)
        at += (size_t)snprintf(expected + at, sizeof expected - at, "%d: ping %d\n%d: pong %d\n", child,
                               2 * i + 1, parent, 2 * i + 2);
    EXPECT_RUN(0, expected);
    return child;
}

TEST(pingpong_one_round)
{
    int parent;

    BEGIN("/dev/null", "pingpong");
    parent = r.pid;
    finish();
    expect_rounds(parent, 1);
}

TEST(pingpong_rounds)
{
    int parent;

    BEGIN("/dev/null", "pingpong", "500");
    parent = r.pid;
    finish();
    expect_rounds(parent, 500);
}

TEST(pingpong_waits_for_its_child)
{
    for (int i = 0; i < 5; i++) {
        static char none[2];
        int child;

        BEGIN("/dev/null", "pingpong", "2");
        REQUIRE_TRUE(r.pid > 0);
        REQUIRE_TRUE(read_lines(4)); /* the child has ended by the time its parent has, not the pipe */
        child = atoi(r.out);
        REQUIRE_EQ(waitpid(r.pid, NULL, 0), r.pid);
        if (process_exists(child))
            FAIL("pingpong has ended, and its child %d is still there", child);
        EXPECT_EQ(read(r.output, none, 1), 0);
        close(r.output);
    }
}

TEST(pingpong_notices_a_dead_child)
{
    BEGIN("/dev/null", "pingpong", "1000000");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(10));
    kill(atoi(r.out), SIGKILL);
    finish(); /* hangs if the parent waits for an answer that cannot come */
    EXPECT_RUN(1, NULL);
    if (r.errors[0] == '\0')
        FAIL("pingpong: its child was killed, and it said nothing on standard error");
}

TEST(pingpong_notices_a_dead_parent)
{
    BEGIN("/dev/null", "pingpong", "1000000");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(10));
    kill(r.pid, SIGKILL);
    finish(); /* hangs if the child stays: it could still write */
    EXPECT_RUN(SIGNALLED + SIGKILL, NULL);
}

TEST(pingpong_refuses)
{
    static const char *const wrong[] = {"0", "x", "3x", "-1", ""};

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN("/dev/null", "pingpong", wrong[i]);
        EXPECT_REFUSED(2);
    }
    RUN("/dev/null", "pingpong", "1", "1");
    EXPECT_REFUSED(2);
}

/* ---- 3: primes ---- */

static const char *primes_up_to(int limit)
{
    static char text[8192];
    size_t at = 0;

    text[0] = '\0';
    for (int n = 2; n <= limit; n++) {
        int d = 2;

        while (d * d <= n && n % d != 0)
            d++;
        if (d * d > n)
            at += (size_t)snprintf(text + at, sizeof text - at, "%d\n", n);
    }
    return text;
}

TEST(primes_small)
{
    static const int limits[] = {0, 1, 2, 3, 4, 9, 28, 29, 35};

    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        char argument[16];

        snprintf(argument, sizeof argument, "%d", limits[i]);
        RUN("/dev/null", "primes", argument);
        EXPECT_RUN(0, primes_up_to(limits[i]));
    }
}

TEST(primes_large)
{
    int limit = 500 + (int)(seed() % 100);
    char argument[16];

    snprintf(argument, sizeof argument, "%d", limit);
    RUN("/dev/null", "primes", argument);
    EXPECT_RUN(0, primes_up_to(limit));
}

/* pids are given out in turn: what two forks of ours get tells how many there were in between. */
static int next_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

TEST(primes_a_process_each)
{
    int before = next_pid(), made;

    RUN("/dev/null", "primes", "100");
    EXPECT_RUN(0, primes_up_to(100));
    made = next_pid() - before - 1;
    if (made < 25 || made > 27)
        FAIL("primes 100 ran as %d processes; there are 25 primes, so it should be 26", made);
}

struct most {
    int since, rights, pid;
};

static int look_at_rights(const proc_info_t *p, void *arg)
{
    struct most *m = arg;
    int rights = p->pid >= m->since ? count_rights(p->pid, NULL) : 0;

    if (rights > m->rights) {
        m->rights = rights;
        m->pid = p->pid;
    }
    return 0;
}

TEST(primes_close_what_they_do_not_use)
{
    struct most early, late;

    BEGIN("/dev/null", "primes", "3000");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(5));
    early = (struct most){r.pid, 0, 0};
    each_process(look_at_rights, &early);
    REQUIRE_TRUE(read_lines(60));
    late = (struct most){r.pid, 0, 0};
    each_process(look_at_rights, &late);
    put_away();
    if (early.rights == 0 || late.rights > early.rights + 12)
        FAIL("after 60 primes process %d holds %d port names, where after 5 none had more than %d: "
             "descriptors it has inherited and does not need", late.pid, late.rights, early.rights);
}

struct chain {
    int parent, child;
};

static int child_of(const proc_info_t *p, void *arg)
{
    struct chain *c = arg;

    c->child = p->pid;
    return p->ppid == c->parent && p->state != 'Z';
}

TEST(primes_a_break_ends_the_line)
{
    struct chain c = {0, 0};

    BEGIN("/dev/null", "primes", "2000");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(20));
    c.parent = r.pid;
    for (int i = 0; i < 10; i++) {
        REQUIRE_TRUE(each_process(child_of, &c)); /* each process has started the next */
        c.parent = c.child;
    }
    kill(c.parent, SIGKILL);
    finish();
    if (r.code == 0)
        FAIL("primes: one of its processes was killed, and its status is 0");
}

TEST(primes_wait_for_each_other)
{
    int first = next_pid(), last;

    for (int i = 0; i < 3; i++) {
        int status;

        BEGIN("/dev/null", "primes", "40");
        REQUIRE_TRUE(r.pid > 0);
        REQUIRE_EQ(waitpid(r.pid, &status, 0), r.pid);
        for (int pid = first + 1; pid <= r.pid + 14; pid++)
            if (process_exists(pid))
                FAIL("primes has ended, and its process %d is still there", pid);
        read_all(r.output, r.out, sizeof r.out);
        close(r.output);
    }
    last = next_pid();
    EXPECT_TRUE(last > first);
}

TEST(primes_refuse)
{
    static const char *const wrong[] = {"x", "3x", "-5", "", "99999999999999999999"};

    RUN("/dev/null", "primes");
    EXPECT_REFUSED(2);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN("/dev/null", "primes", wrong[i]);
        EXPECT_REFUSED(2);
    }
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

LAB_MAIN
