/*
 * Regular expressions. A table of matches and groups as POSIX has them (the cases on which implementations
 * differ are those of Glenn Fowler's testregex, in our words); random patterns, whose whole match must be the
 * host's; errors; and that time does not explode.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <regex.h>
#include <stddef.h>
#include <time.h>

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
} host_tcb;

typedef struct {
    size_t re_nsub;
    void *program;
} ours_regex_t;
typedef struct {
    ptrdiff_t rm_so;
    ptrdiff_t rm_eo;
} ours_regmatch_t;
int ours_regcomp(ours_regex_t *, const char *, int);
int ours_regexec(const ours_regex_t *, const char *, size_t, ours_regmatch_t *, int);
size_t ours_regerror(int, const ours_regex_t *, char *, size_t);
void ours_regfree(ours_regex_t *);

void *ours_malloc(size_t size) { return malloc(size); }
void *ours_calloc(size_t count, size_t size) { return calloc(count, size); }
void *ours_reallocarray(void *p, size_t count, size_t size) { return reallocarray(p, count, size); }
void ours_free(void *p) { free(p); }

#define E REG_EXTENDED
#define B 0
#define I REG_ICASE
#define N REG_NEWLINE

static const struct {
    int flags;
    const char *pattern;
    const char *text;
    const char *expected; /* (so,eo) of the whole and the groups; "no" */
} cases[] = {
    {E, "abc", "xabcx", "(1,4)"},
    {B, "a\\*", "aa*", "(1,3)"},
    {B, "a*\\*b", "caa*b", "(1,5)"},
    {E, "a*\\*b", "caa*b", "(1,5)"},
    {E, "a|ab|abc", "abc", "(0,3)"},
    {E, "(a|ab)(c|bcd)(d*)", "abcd", "(0,4)(0,2)(2,3)(3,4)"},
    {E, "(a|ab)(bcd|c)(d*)", "abcd", "(0,4)(0,2)(2,3)(3,4)"},
    {E, "(ab|a)(c|bcd)(d*)", "abcd", "(0,4)(0,2)(2,3)(3,4)"},
    {E, "(ab|abcd)(bcd|d*)", "abcd", "(0,4)(0,4)(4,4)"},
    {E, "(a*)(b|abc)", "abc", "(0,3)(0,0)(0,3)"},
    {E, "(a*)(abc|b)", "abc", "(0,3)(0,0)(0,3)"},
    {E, "((a*)(b|abc))(c*)", "abc", "(0,3)(0,3)(0,0)(0,3)(3,3)"},
    {E, "(a|b)*", "abab", "(0,4)(3,4)"},
    {E, "((a)|(b))*", "ab", "(0,2)(1,2)(?,?)(1,2)"},
    {E, "(a*)*", "aaa", "(0,3)(0,3)"},
    {E, "(a*)*", "b", "(0,0)(0,0)"},
    {E, "(a*)+", "b", "(0,0)(0,0)"},
    {E, "(a|b)*", "c", "(0,0)(?,?)"},
    {E, "(a?)((ab)?)", "ab", "(0,2)(0,0)(0,2)(0,2)"},
    {E, "(a?)((ab)?)(b?)", "ab", "(0,2)(0,1)(1,1)(?,?)(1,2)"},
    {E, "((a?)((ab)?))(b?)", "ab", "(0,2)(0,2)(0,0)(0,2)(0,2)(2,2)"},
    {E, "(a?)(ab)?abcd", "ababcd", "(0,6)(0,0)(0,2)"},
    {E, "(.a|.b).*|.*(.a|.b)", "xa", "(0,2)(0,2)(?,?)"},
    {E, "(aaaa|aaa|a)(aaaa|aaa|a)", "aaaaa", "(0,5)(0,4)(4,5)"},
    {E, "(foo|foobar|bar)*$", "foobarbar", "(0,9)(6,9)"},
    {E, "a{2,3}", "aaaa", "(0,3)"},
    {E, "(ab){2}", "ababab", "(0,4)(2,4)"},
    {E, "a{0}b", "ab", "(1,2)"},
    {E, "a{2,}", "baaaa", "(1,5)"},
    {E, "(a|ab){2}", "aab", "(0,3)(1,3)"},
    {E, "x{0,2}y", "xxxy", "(1,4)"},
    {E, "^a|b$", "cab", "(2,3)"},
    {E, "^$", "", "(0,0)"},
    {E, "()", "a", "(0,0)(0,0)"},
    {E, "(|a)b", "ab", "(0,2)(0,1)"},
    {E, "[[:digit:]]+", "ab123c", "(2,5)"},
    {E, "[]a]+", "x]a]", "(1,4)"},
    {E, "[^]a]+", "]xa", "(1,2)"},
    {E, "[a-c-]+", "x-abc", "(1,5)"},
    {E, "[[.-.]x]+", "a-x", "(1,3)"},
    {E, "[[=a=]b]+", "cab", "(1,3)"},
    {E, "a\\.b", "axa.b", "(2,5)"},
    {E, "a{", "a{", "(0,2)"},
    {E, "a)", "a)", "(0,2)"},
    {E, "a**", "aa", "(0,2)"},
    {E, "(a)\\1", "xaa", "(1,3)(1,2)"},
    {E, "(a*)b\\1", "aabaa", "(0,5)(0,2)"},
    {E | I, "aBc[d-f]", "xAbCE", "(1,5)"},
    {E | N, "^b.*$", "a\nbc\nd", "(2,4)"},
    {E | N, "a[^x]", "a\nab", "(2,4)"},
    {E, "a.c", "a\nc", "(0,3)"},
    {B, "a*", "aab", "(0,2)"},
    {B, "*a", "x*a", "(1,3)"},
    {B, "^*a", "*a", "(0,2)"},
    {B, "\\(*a\\)", "*a", "(0,2)(0,2)"},
    {B, "a\\{2\\}", "aaa", "(0,2)"},
    {B, "a+", "aa+", "(1,3)"},
    {B, "a\\+", "baa", "(1,3)"},
    {B, "ab\\?c", "ac", "(0,2)"},
    {B, "a\\|b", "cb", "(1,2)"},
    {B, "a^b$c", "a^b$c", "(0,5)"},
    {B, "\\(^a\\)b$", "ab", "(0,2)(0,1)"},
    {B, "\\(a\\)\\(b\\)\\2\\1", "abba", "(0,4)(0,1)(1,2)"},
    {B, "\\(.*\\)\\1", "ababx", "(0,4)(0,2)"},
    {B, "\\([ab]*\\)\\1$", "abab", "(0,4)(0,2)"},
    {B, "\\(a*\\)*\\1", "aa", "(0,2)(?,?)"},
    {B, "(a)", "(a)", "(0,3)"},
    {B, "\\<ab\\>", "cab ab", "(4,6)"},
    {B, "\\w\\+\\s", "+ab c", "(1,4)"},
    {B, "[\\n]*", "n\\n", "(0,3)"},
    {B, "x*", "", "(0,0)"},
    {B, "abc", "ab", "no"},
    {E, "^a", "ba", "no"},
    {E, "a+b+c", "aabbb", "no"},
};

static void format(char *to, const ours_regmatch_t *match, size_t count)
{
    *to = '\0';
    for (size_t i = 0; i < count; i++)
        to += match[i].rm_so < 0 ? sprintf(to, "(?,?)")
                                 : sprintf(to, "(%td,%td)", match[i].rm_so, match[i].rm_eo);
}

static void table(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ours_regmatch_t match[20];
        char actual[400] = "no";
        ours_regex_t re;
        int error = ours_regcomp(&re, cases[i].pattern, cases[i].flags);

        if (error == 0 && ours_regexec(&re, cases[i].text, 20, match, 0) == 0)
            format(actual, match, re.re_nsub + 1);
        /* Which of the equal ways a reference's group took POSIX leaves open: the whole only. */
        if (error != 0 || (strcmp(actual, cases[i].expected) != 0
                           && !(strchr(cases[i].expected, '?') && strstr(cases[i].pattern, "\\1")
                                && strncmp(actual, cases[i].expected, 5) == 0))) {
            failures++;
            printf("%s on \"%s\": %s (error %d), expected %s\n", cases[i].pattern, cases[i].text, actual,
                   error, cases[i].expected);
        }
        if (error == 0)
            ours_regfree(&re);
    }
}

static const struct {
    int flags;
    const char *pattern;
    int error;
} bad[] = {
    {E, "(a", REG_EPAREN},  {B, "\\(a", REG_EPAREN},    {B, "a\\)", REG_EPAREN},  {E, "[a", REG_EBRACK},
    {E, "[b-a]", REG_ERANGE}, {E, "[[:none:]]", REG_ECTYPE}, {E, "[[.ab.]]", REG_ECOLLATE},
    {E, "a\\", REG_EESCAPE}, {B, "a\\{1", REG_EBRACE},  {B, "a\\{2,1\\}", REG_BADBR},
    {E, "a{256}", REG_BADBR}, {E, "*a", REG_BADRPT},     {E, "a|*b", REG_BADRPT},  {B, "\\1", REG_ESUBREG},
    {B, "\\(a\\1\\)", REG_ESUBREG}, {E, "[[:alpha:]-z]", REG_ERANGE}, {E, "(", REG_EPAREN},
    {E, "[", REG_EBRACK},
    {B, "a\\{x\\}", REG_BADBR}, {E, "[[:alpha", REG_EBRACK}, {E, "((((a{200}){200}){200}){200})", REG_ESPACE},
};

static void errors(void)
{
    char deep[20001];
    char text[100];
    ours_regex_t re;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int error = ours_regcomp(&re, bad[i].pattern, bad[i].flags);

        if (error != bad[i].error)
            printf("%s: ", bad[i].pattern);
        CHECK_EQ(error, bad[i].error);
        CHECK(ours_regerror(error, &re, text, sizeof(text)) == strlen(text) + 1);
        if (error == 0)
            ours_regfree(&re);
    }
    memset(deep, '(', 20000);
    deep[20000] = '\0';
    CHECK_EQ(ours_regcomp(&re, deep, E), REG_ESPACE);
    memset(deep, '*', 20000);
    deep[0] = 'a';
    CHECK_EQ(ours_regcomp(&re, deep, E), 0);
    ours_regfree(&re);
    CHECK_EQ((long)ours_regerror(REG_NOMATCH, &re, text, 3), (long)sizeof("No match"));
    CHECK(strcmp(text, "No") == 0);
}

/* A random extended pattern, without what is undefined. */
static char *pattern_at(char *to, int depth)
{
    int pieces = 1 + (int)(random64() % 3);

    for (int i = 0; i < pieces; i++) {
        uint64_t kind = random64() % (depth > 0 ? 10 : 6);

        if (kind < 4)
            *to++ = (char)('a' + random64() % 3);
        else if (kind == 4)
            *to++ = '.';
        else if (kind == 5)
            to = stpcpy(to, random64() % 2 ? "[ab]" : "[^a]");
        else {
            *to++ = '(';
            to = pattern_at(to, depth - 1);
            if (random64() % 2) {
                *to++ = '|';
                to = pattern_at(to, depth - 1);
            }
            *to++ = ')';
        }
        if (random64() % 3 == 0)
            to = stpcpy(to, (const char *[]){"*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}"}[random64() % 7]);
    }
    *to = '\0';
    return to;
}

static void random_patterns(void)
{
    static char pattern[100000];

    for (int round = 0; round < 4000; round++) {
        ours_regmatch_t match[40];
        regmatch_t host_match[1];
        ours_regex_t re;
        regex_t host;

        pattern_at(pattern, 2);
        CHECK_EQ(ours_regcomp(&re, pattern, E), 0);
        CHECK_EQ(regcomp(&host, pattern, E), 0);
        for (int i = 0; i < 20; i++) {
            char text[16];
            size_t length = random64() % 12;
            int expected;
            int actual;

            for (size_t j = 0; j < length; j++)
                text[j] = (char)('a' + random64() % 4);
            text[length] = '\0';
            expected = regexec(&host, text, 1, host_match, 0);
            actual = ours_regexec(&re, text, 40, match, 0);
            if (actual != expected || (actual == 0 && (match[0].rm_so != host_match[0].rm_so
                                                       || match[0].rm_eo != host_match[0].rm_eo))) {
                failures++;
                printf("%s on %s: %d (%td,%td), the host %d (%d,%d)\n", pattern, text, actual, match[0].rm_so,
                       match[0].rm_eo, expected, host_match[0].rm_so, host_match[0].rm_eo);
            }
            for (size_t g = 1; actual == 0 && g <= re.re_nsub && g < 40; g++) /* groups lie in the whole */
                CHECK(match[g].rm_so == -1
                      || (match[g].rm_so >= match[0].rm_so && match[g].rm_eo <= match[0].rm_eo
                          && match[g].rm_so <= match[g].rm_eo));
        }
        ours_regfree(&re);
        regfree(&host);
    }
}

/* Is text[from..to) matched by the host's pattern as a whole? */
static int is_all(const regex_t *re, const char *text, long from, long to)
{
    char piece[16];

    memcpy(piece, text + from, (size_t)(to - from));
    piece[to - from] = '\0';
    return regexec(re, piece, 0, NULL, 0) == 0;
}

/* Three groups, by POSIX's words: of all ways to divide the match, the one with the longest first, then the
 * longest second. (The host does not do so if a group has alternatives.) */
static void check_division(const char *pattern, const char *text, const regex_t *parts,
                           const ours_regmatch_t *match)
{
    for (long i = match[0].rm_eo; i >= match[0].rm_so; i--)
        for (long j = match[0].rm_eo; j >= i; j--)
            if (is_all(&parts[0], text, match[0].rm_so, i) && is_all(&parts[1], text, i, j)
                && is_all(&parts[2], text, j, match[0].rm_eo)) {
                if (match[1].rm_eo != i || match[2].rm_so != i || match[2].rm_eo != j
                    || match[3].rm_so != j) {
                    failures++;
                    printf("%s on %s: groups end at %td, %td; expected %ld, %ld\n", pattern, text,
                           match[1].rm_eo, match[2].rm_eo, i, j);
                }
                return;
            }
    CHECK(!"the match can be divided");
}

static void random_groups(void)
{
    static const char *const atoms[] = {"a", "ab", "b*", "a*", "[ab]", "a?", "ba", ".", ".*", "b+"};

    for (int round = 0; round < 1500; round++) {
        ours_regmatch_t match[4];
        char pattern[200] = "";
        ours_regex_t re;
        regex_t parts[3];

        for (int group = 0; group < 3; group++) {
            const char *first = atoms[random64() % 10];
            const char *second = random64() % 2 ? atoms[random64() % 10] : first;
            char part[50];

            sprintf(part, "^(%s|%s)$", first, second);
            CHECK_EQ(regcomp(&parts[group], part, E), 0);
            sprintf(pattern + strlen(pattern), "(%s|%s)", first, second);
        }
        CHECK_EQ(ours_regcomp(&re, pattern, E), 0);
        for (int i = 0; i < 10; i++) {
            char text[10];
            size_t length = random64() % 9;

            for (size_t j = 0; j < length; j++)
                text[j] = (char)('a' + random64() % 2);
            text[length] = '\0';
            if (ours_regexec(&re, text, 4, match, 0) == 0)
                check_division(pattern, text, parts, match);
        }
        ours_regfree(&re);
        for (int group = 0; group < 3; group++)
            regfree(&parts[group]);
    }
}

static void time_is_linear(void)
{
    static char text[50001];
    ours_regmatch_t match[4];
    ours_regex_t re;

    memset(text, 'a', 50000);
    CHECK_EQ(ours_regcomp(&re, "(a?){25}a{25}b", E), 0);
    CHECK_EQ(ours_regexec(&re, text + 49900, 2, match, 0), REG_NOMATCH);
    ours_regfree(&re);
    CHECK_EQ(ours_regcomp(&re, "((a*)*)*b", E), 0);
    CHECK_EQ(ours_regexec(&re, text, 4, match, 0), REG_NOMATCH);
    ours_regfree(&re);
    CHECK_EQ(ours_regcomp(&re, "(a|aa)*$", E), 0);
    CHECK_EQ(ours_regexec(&re, text + 45000, 2, match, 0), 0);
    CHECK_EQ(match[0].rm_eo, 5000);
    ours_regfree(&re);
    CHECK_EQ(ours_regcomp(&re, "^(.*)(a)$", E), 0);
    CHECK_EQ(ours_regexec(&re, text, 3, match, 0), 0);
    CHECK_EQ(match[2].rm_so, 49999);
    ours_regfree(&re);
}

static void flags_of_regexec(void)
{
    ours_regmatch_t match[2] = {{2, 5}, {0, 0}};
    ours_regex_t re;

    CHECK_EQ(ours_regcomp(&re, "^a|b$", E), 0);
    CHECK_EQ(ours_regexec(&re, "a", 0, NULL, REG_NOTBOL), REG_NOMATCH);
    CHECK_EQ(ours_regexec(&re, "b", 0, NULL, REG_NOTEOL), REG_NOMATCH);
    CHECK_EQ(ours_regexec(&re, "b", 0, NULL, REG_NOTBOL), 0);
    CHECK_EQ(ours_regexec(&re, "xxx\0bx", 1, match, 4), 0);
    CHECK_EQ(match[0].rm_so, 4);
    ours_regfree(&re);
    CHECK_EQ(ours_regcomp(&re, "(a)", E | REG_NOSUB), 0);
    match[1].rm_so = 77;
    CHECK_EQ(ours_regexec(&re, "xa", 2, match, 0), 0);
    CHECK_EQ(match[1].rm_so, 77);
    ours_regfree(&re);
}

int main(void)
{
    table();
    errors();
    random_patterns();
    random_groups();
    time_is_linear();
    flags_of_regexec();
    return UNIT_END;
}
