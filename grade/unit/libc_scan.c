/* Numbers from text, scanf, options, dates from text, search trees: against the host's. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <float.h>
#include <getopt.h>
#include <math.h>
#include <search.h>
#include <stddef.h>
#include <time.h>

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
} host_tcb;

double ours_strtod(const char *, char **);
float ours_strtof(const char *, char **);
int ours_sscanf(const char *, const char *, ...);
char *ours_strptime(const char *, const char *, struct tm *);
size_t ours_strftime(char *, size_t, const char *, const struct tm *);
int ours_getopt_long(int, char *const *, const char *, const struct option *, int *);
void *ours_tsearch(const void *, void **, int (*)(const void *, const void *));
void *ours_tfind(const void *, void *const *, int (*)(const void *, const void *));
void *ours_tdelete(const void *, void **, int (*)(const void *, const void *));
void ours_twalk(const void *, void (*)(const void *, VISIT, int));
extern char *ours_optarg;
extern int ours_optind;
extern int ours_opterr;
extern int ours_optopt;

void *ours_malloc(size_t size) { return malloc(size); }
void *ours_realloc(void *p, size_t size) { return realloc(p, size); }
void ours_free(void *p) { free(p); }
char *ours_getenv(const char *name) { return NULL; }

static void check_strtod(const char *s)
{
    char *a_end, *e_end;
    double e, a;
    float ef, af;
    int e_error, a_error;

    errno = 0;
    e = strtod(s, &e_end);
    e_error = errno;
    host_tcb.err = 0;
    a = ours_strtod(s, &a_end);
    a_error = host_tcb.err;
    ef = strtof(s, NULL);
    af = ours_strtof(s, NULL);
    if ((memcmp(&a, &e, sizeof(a)) != 0 && !(isnan(a) && isnan(e))) || a_end != e_end
        || (memcmp(&af, &ef, sizeof(af)) != 0 && !isnan(af)) || (a_error == ERANGE) != (e_error == ERANGE)) {
        failures++;
        printf("strtod(\"%.60s\"): %a, %a, %td, errno %d; the host's %a, %a, %td, %d\n", s, a, af, a_end - s,
               a_error, e, ef, e_end - s, e_error);
    }
}

static void numbers(void)
{
    static const char *const texts[] = {
        "0", "-0", "1", "-1.5", ".5", "5.", ".", "", "+", "e5", "1e", "1e+", "1e5", "1E-5", "  12x",
        "0x", "0x1",
        "0x1.8p3", "0x.8", "0xp1", "0x1p-1074", "0x1p-1075", "0x1.0000000000001p-1075", "0x1p1023",
        "0x1p1024",
        "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7p1023", "0x123456789abcdef01234p0", "inf", "-INF",
        "infinity", "infinit", "nan", "NaN(12)", "nan(", "1e308", "1.7976931348623157e308",
        "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e99999999999", "1e-99999999999",
        "4.9e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "2.5e-324", "2.2250738585072011e-308",
        "2.2250738585072014e-308", "9007199254740993",
        "9007199254740992.999999999999999999999999999999999999999",
        "9007199254740993.0000000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "123456789012345678901234567890", "0.1", "0.3", "1e22", "1e23", "8.5e-40", "3.4028236e38",
        "1.17549429e-38",
        "7.0064923216240853e-46", "7.0064923216240854e-46", "000000000000000000000000000001e-5", "0e999999",
    };
    char text[1200];

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        check_strtod(texts[i]);
    for (int i = 0; i < 30000; i++) {
        union {
            uint64_t bits;
            double x;
        } u = {random64()};

        snprintf(text, sizeof(text), "%.*e", (int)(random64() % 22), u.x);
        check_strtod(text);
    }
    for (int i = 0; i < 3000; i++) { /* between two doubles, exactly, and a digit beyond */
        union {
            uint64_t bits;
            double x;
        } u = {random64() & 0x7fffffffffffffff};
        long double half;

        if (!isfinite(u.x) || u.x == DBL_MAX)
            continue;
        half = ((long double)u.x + nextafter(u.x, INFINITY)) / 2;
        snprintf(text, sizeof(text), "%.*Le", i % 2 ? 1100 : 780, half);
        check_strtod(text);
        text[strcspn(text, "e") - 1] = '1';
        check_strtod(text);
    }
}

/* One text and format, whose conversions are: an int, a double, a string of 32, in that order or fewer. */
static void check_scan(const char *text, const char *format)
{
    struct {
        long i[3];
        double d;
        char s[3][64];
        int n;
    } a, e;
    int ra, re;

    memset(&a, 'x', sizeof(a));
    memset(&e, 'x', sizeof(e));
#define ARGUMENTS(v) \
    (strstr(format, "f") ? (void *)&v.d : strpbrk(format, "s[c") ? (void *)v.s[0] : (void *)&v.i[0]), \
    (strpbrk(format, "s[c") ? (void *)v.s[1] : (void *)&v.i[1]), \
    (strpbrk(format, "s[c") ? (void *)v.s[2] : (void *)&v.i[2]), &v.n
    ra = ours_sscanf(text, format, ARGUMENTS(a));
    re = sscanf(text, format, ARGUMENTS(e));
    if (ra != re || memcmp(&a, &e, sizeof(a)) != 0) {
        failures++;
        printf("sscanf(\"%s\", \"%s\") is %d, the host's %d: %ld %.60s; %ld\n", text, format, ra, re,
               a.i[0], a.s[0], e.i[0]);
    }
}

static void scans(void)
{
    static const char *const texts[] = {
        "", " ", "12", "-12 34 56", "0x1f 017 9", "abc", "abc def ghi", "12abc", "3.5e2x", "  a,b,c",
        "100%", "x=5",
        "99999999999999999999", "1-2-3", "nan inf", "+7", "- 7", "1e5", ".5", "a\nb\tc", "]]x", "---",
    };
    static const char *const formats[] = {
        "%ld%ld%ld", "%li%li%li", "%lx%lx", "%lo", "%lu", "%2ld%2ld%2ld", "%*d%ld", "%ld,%ld", "%lf",
        "%5lf", "%63s%63s%63s",
        "%3s%3s%3s", "%c%c%c", "%2c", "%63[a-z]%63[^a-z]", "%63[]]", "%63[^]]", "%63[a-]", " %63s", "x=%ld",
        "%ld%%", "%ld-%ld-%ld", "%*s%63s", "%hhd%hd%ld", "%zd", "%jd", "%63[0-9]%63s",
    };

    for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
        for (size_t f = 0; f < sizeof(formats) / sizeof(*formats); f++)
            check_scan(texts[t], formats[f]);
    for (int i = 0; i < 2; i++) {
        char *grown = NULL;
        int x = 5;

        CHECK(ours_sscanf("0x", "%x", &x) == 0 && x == 5); /* C11: no number; the host takes its 0 */
        int n = 0;

        CHECK_EQ(ours_sscanf("a-word-of-more-than-thirty-two-characters-in-it 5", "%ms%n", &grown, &n), 1);
        CHECK(grown != NULL && strcmp(grown, "a-word-of-more-than-thirty-two-characters-in-it") == 0
              && n == 47);
        free(grown);
    }
}

static void dates(void)
{
    static const struct {
        const char *text, *format; /* with a day, and so a day of the week, unless it is the last three */
    } cases[] = {
        {"2026-11-22 20:21:22", "%Y-%m-%d %H:%M:%S"}, {"2026-11-22T20:21:22", "%FT%T"},
        {"Sun Nov 22 20:21:22 2026", "%a %b %d %H:%M:%S %Y"}, {"22 November 99", "%d %B %y"},
        {"12/31/68", "%D"}, {"11:05:06 PM", "%r"}, {"12:00 am", "%I:%M %p"}, {"366 2024", "%j %Y"},
        {"  7:5", "%H:%M"}, {"25:00", "%H:%M"}, {"13", "%m"}, {"x", "%Y"}, {"1969-12-31", "%Y-%m-%d"},
            {"2026", "%Y"}, {"5%", "%d%%"}, {"20 26", "%C %y"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct tm ours = {.tm_mday = 1}, host = {.tm_mday = 1};
        char *ra = ours_strptime(cases[i].text, cases[i].format, &ours);
        char *re = strptime(cases[i].text, cases[i].format, &host);
        size_t size = i + 3 < sizeof(cases) / sizeof(*cases) ? offsetof(struct tm, tm_isdst)
                                                             : offsetof(struct tm, tm_wday);

        if (ra != re
            || (ra != NULL && memcmp(&ours, &host, size) != 0)) {
            failures++;
            printf("strptime(%s, %s): %d-%d-%d %d:%d:%d w%d y%d %s\n", cases[i].text, cases[i].format,
                   ours.tm_year,
                   ours.tm_mon, ours.tm_mday, ours.tm_hour, ours.tm_min, ours.tm_sec, ours.tm_wday,
                       ours.tm_yday,
                   ra);
        }
    }
    for (int i = 0; i < 20000; i++) {
        const char *format = "%a %A %b %B %c %C %d %D %e %F %g %G %H %I %j %m %M %p %r %R %S "
                             "%T %u %U %V %w %W "
                             "%x %X %y %Y %Ey %Od %% %n%t";
        time_t t = (time_t)(random64() % 8000000000ULL) - 2000000000;
        struct tm tm;
        char ours[300], host[300];

        gmtime_r(&t, &tm);
        ours_strftime(ours, sizeof(ours), format, &tm);
        strftime(host, sizeof(host), format, &tm);
        if (strcmp(ours, host) != 0) {
            failures++;
            printf("%s\n%s\n", ours, host);
            break;
        }
    }
}

/* The same command lines through both; what comes out, and the order of words in the end. */
static void options(void)
{
    static const struct option list[] = {
        {"all", no_argument, NULL, 'a'}, {"almost-all", no_argument, NULL, 'A'},
        {"size", required_argument, NULL, 's'}, {"color", optional_argument, NULL, 'c'}, {0},
    };
    static char *const words[] = {"-a", "-b", "-ab", "-s5", "-s", "5", "file", "--all", "--al", "--alm",
        "--size=3",
                                  "--size", "--color", "--color=x", "--none", "--", "-", "-bs", "-x"};
    const char *const strings[] = {"abs:", "+abs:", ":abs:"};

    opterr = ours_opterr = 0;
    for (int round = 0; round < 50000; round++) {
        char *ours[10] = {"program"}, *host[10] = {"program"};
        const char *string = strings[round % 3];
        int argc = 1 + (int)(random64() % 7);

        for (int i = 1; i < argc; i++)
            ours[i] = host[i] = words[random64() % (sizeof(words) / sizeof(*words))];
        optind = 0;
        ours_optind = 0;
        for (;;) {
            int ia = -1, ie = -1;
            int a, e;

            optarg = ours_optarg = NULL;
            a = ours_getopt_long(argc, ours, string, list, &ia);
            e = getopt_long(argc, host, string, list, &ie);
            if (a != e || ia != ie || (a != '?' && a != -1 && a != ':' && ours_optarg != optarg)) {
                failures++;
                printf("getopt_long: %d %s, the host's %d %s:", a, ours_optarg, e, optarg);
                for (int i = 1; i < argc; i++)
                    printf(" %s", ours[i]);
                printf("\n");
                return;
            }
            if (a == -1)
                break;
        }
        CHECK_EQ(ours_optind, optind);
        for (int i = optind; i < argc; i++)
            CHECK(strcmp(ours[i], host[i]) == 0);
        if (failures > 0)
            return;
    }
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static int walked;
static int last;
static int deepest;

static void in_order(const void *node, VISIT visit, int level)
{
    if (visit != postorder && visit != leaf)
        return;
    CHECK(**(int *const *)node > last);
    last = **(int *const *)node;
    walked++;
    deepest = level > deepest ? level : deepest;
}

static void trees(void)
{
    enum { COUNT = 5000 };
    static int values[COUNT];
    void *root = NULL;

    for (int i = 0; i < COUNT; i++) {
        values[i] = i;
        CHECK(*(int **)ours_tsearch(&values[i], &root, by_value) == &values[i]);
    }
    CHECK(*(int **)ours_tsearch(&(int){7}, &root, by_value) == &values[7]);
    last = -1;
    ours_twalk(root, in_order);
    CHECK_EQ(walked, COUNT);
    CHECK(deepest < 60); /* sorted insertions, and yet it is no list */
    for (int i = 0; i < COUNT; i += 2)
        CHECK(ours_tdelete(&values[i], &root, by_value) != NULL);
    CHECK(ours_tfind(&values[4], &root, by_value) == NULL);
    CHECK(ours_tfind(&values[5], &root, by_value) != NULL);
    CHECK(ours_tdelete(&values[4], &root, by_value) == NULL);
    for (int i = 1; i < COUNT; i += 2)
        CHECK(ours_tdelete(&values[i], &root, by_value) != NULL);
    CHECK(root == NULL);
}

int main(void)
{
    numbers();
    scans();
    dates();
    options();
    trees();
    return UNIT_END;
}
