/* String functions, numbers from strings, sorting, patterns and dates, against the host's. */
#define _GNU_SOURCE
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <strings.h>
#include <time.h>

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
} host_tcb;

size_t ours_strlen(const char *);
size_t ours_strnlen(const char *, size_t);
int ours_memcmp(const void *, const void *, size_t);
void *ours_memchr(const void *, int, size_t);
void *ours_memrchr(const void *, int, size_t);
void *ours_memmem(const void *, size_t, const void *, size_t);
int ours_strcmp(const char *, const char *);
int ours_strncmp(const char *, const char *, size_t);
int ours_strcasecmp(const char *, const char *);
char *ours_strchr(const char *, int);
char *ours_strrchr(const char *, int);
char *ours_strstr(const char *, const char *);
size_t ours_strspn(const char *, const char *);
size_t ours_strcspn(const char *, const char *);
char *ours_strpbrk(const char *, const char *);
char *ours_strtok_r(char *, const char *, char **);
char *ours_strncpy(char *, const char *, size_t);
char *ours_strcat(char *, const char *);
char *ours_strncat(char *, const char *, size_t);
size_t ours_strlcpy(char *, const char *, size_t);
size_t ours_strlcat(char *, const char *, size_t);
long ours_strtol(const char *, char **, int);
unsigned long ours_strtoul(const char *, char **, int);
void ours_qsort(void *, size_t, size_t, int (*)(const void *, const void *));
void *ours_bsearch(const void *, const void *, size_t, size_t, int (*)(const void *, const void *));
int ours_fnmatch(const char *, const char *, int);
time_t ours_timegm(struct tm *);

/* Ours has the same first nine fields. */
struct tm *ours_gmtime_r(const time_t *, struct tm *);

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* Strings at the end of an allocation of exactly their size: the sanitizer sees a read too far. */
static char *random_string(size_t length, int letters)
{
    char *s = malloc(length + 1);

    for (size_t i = 0; i < length; i++)
        s[i] = (char)('a' + random64() % letters);
    s[length] = '\0';
    return s;
}

static void strings(void)
{
    for (int i = 0; i < 20000; i++) {
        size_t la = random64() % 40;
        size_t lb = random64() % 6;
        char *a = random_string(la, 3);
        char *b = random_string(lb, 3);
        char *c = strdup(a);
        int letter = 'a' + (int)(random64() % 4);
        size_t n = random64() % 45;

        if (la > 0 && random64() % 2)
            c[random64() % la] ^= 1;
        CHECK_EQ(ours_strlen(a), la);
        CHECK_EQ(ours_strnlen(a, n), strnlen(a, n));
        CHECK_EQ(sign(ours_strcmp(a, b)), sign(strcmp(a, b)));
        CHECK_EQ(sign(ours_strcmp(a, c)), sign(strcmp(a, c)));
        CHECK_EQ(sign(ours_strncmp(a, c, n)), sign(strncmp(a, c, n)));
        CHECK_EQ(sign(ours_memcmp(a, c, la)), sign(memcmp(a, c, la)));
        CHECK(ours_memchr(a, letter, la) == memchr(a, letter, la));
        CHECK(ours_memrchr(a, letter, la) == memrchr(a, letter, la));
        CHECK(ours_strchr(a, letter) == strchr(a, letter));
        CHECK(ours_strchr(a, 0) == a + la);
        CHECK(ours_strrchr(a, letter) == strrchr(a, letter));
        CHECK(ours_strstr(a, b) == strstr(a, b));
        CHECK(ours_memmem(a, la, b, lb) == memmem(a, la, b, lb));
        CHECK_EQ(ours_strspn(a, b), strspn(a, b));
        CHECK_EQ(ours_strcspn(a, b), strcspn(a, b));
        CHECK(ours_strpbrk(a, b) == strpbrk(a, b));
        free(a);
        free(b);
        free(c);
    }
    CHECK_EQ(ours_strcasecmp("HeLLo", "hEllO"), 0);
    CHECK(ours_strcasecmp("a", "B") < 0);
    CHECK(ours_strcmp("a\x80", "a\x7f") > 0);
}

static void copies(void)
{
    char buffer[16];
    char text[] = "::one:two::three";
    char *state;

    memset(buffer, 'x', sizeof(buffer));
    ours_strncpy(buffer, "abc", 6);
    CHECK(memcmp(buffer, "abc\0\0\0xx", 8) == 0);
    ours_strncpy(buffer, "abcdef", 3);
    CHECK(memcmp(buffer, "abc\0", 4) == 0);
    CHECK_EQ(ours_strlcpy(buffer, "0123456789abcdefghi", sizeof(buffer)), 19);
    CHECK(strcmp(buffer, "0123456789abcde") == 0);
    CHECK_EQ(ours_strlcpy(buffer, "ab", 3), 2);
    CHECK_EQ(ours_strlcat(buffer, "cdef", 5), 6);
    CHECK(strcmp(buffer, "abcd") == 0);
    ours_strcat(buffer, "ef");
    ours_strncat(buffer, "ghij", 2);
    CHECK(strcmp(buffer, "abcdefgh") == 0);
    CHECK(strcmp(ours_strtok_r(text, ":", &state), "one") == 0);
    CHECK(strcmp(ours_strtok_r(NULL, ":", &state), "two") == 0);
    CHECK(strcmp(ours_strtok_r(NULL, ":", &state), "three") == 0);
    CHECK(ours_strtok_r(NULL, ":", &state) == NULL);
}

static void numbers(void)
{
    static const char *const texts[] = {
        "0", "1", "-1", "  42abc", "+7", "0x1fg", "0x", "0xg", "077", "08", "", " ", "-", "+-3", "z",
        "zz", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "18446744073709551615", "18446744073709551616",
        "-18446744073709551615", "99999999999999999999999", "\t\n12", "1e5"};
    static const int bases[] = {0, 2, 8, 10, 16, 36};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        for (size_t j = 0; j < sizeof(bases) / sizeof(*bases); j++) {
            char *end;
            char *host_end;

            host_tcb.err = errno = 0;
            CHECK_EQ(ours_strtol(texts[i], &end, bases[j]), strtol(texts[i], &host_end, bases[j]));
            CHECK(end == host_end);
            CHECK_EQ(host_tcb.err == 34, errno == ERANGE);
            host_tcb.err = errno = 0;
            CHECK_EQ(ours_strtoul(texts[i], &end, bases[j]), strtoul(texts[i], &host_end, bases[j]));
            CHECK(end == host_end);
            CHECK_EQ(host_tcb.err == 34, errno == ERANGE);
        }
}

static int compare_int(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

struct wide {
    int key;
    char rest[71];
};

static void sorts(void)
{
    static int a[5000];
    static int b[5000];
    static struct wide w[300];

    for (int round = 0; round < 60; round++) {
        size_t n = round < 20 ? (size_t)round : random64() % 5000;

        for (size_t i = 0; i < n; i++) {
            uint64_t r = random64();

            switch (round % 5) {
            case 0: a[i] = (int)r; break;
            case 1: a[i] = (int)(r % 4); break;
            case 2: a[i] = (int)i; break;
            case 3: a[i] = (int)(n - i); break;
            default: a[i] = i < n / 2 ? (int)i : (int)(n - i); /* an organ pipe */
            }
        }
        memcpy(b, a, sizeof(a));
        ours_qsort(a, n, sizeof(int), compare_int);
        qsort(b, n, sizeof(int), compare_int);
        CHECK(memcmp(a, b, n * sizeof(int)) == 0);
        for (size_t i = 0; i < n; i += 17) {
            int *found = ours_bsearch(&a[i], a, n, sizeof(int), compare_int);

            CHECK(found != NULL && *found == a[i]);
        }
        b[0] = INT_MIN;
        CHECK(n == 0 || a[0] == INT_MIN || ours_bsearch(b, a, n, sizeof(int), compare_int) == NULL);
    }
    for (int i = 0; i < 300; i++)
        w[i] = (struct wide){.key = (int)(random64() % 100)};
    for (int i = 0; i < 300; i++)
        snprintf(w[i].rest, sizeof(w[i].rest), "%d", w[i].key);
    ours_qsort(w, 300, sizeof(w[0]), compare_int);
    for (int i = 0; i < 300; i++)
        CHECK(atoi(w[i].rest) == w[i].key && (i == 0 || w[i - 1].key <= w[i].key));
}

static void patterns(void)
{
    static const char *const ps[] = {"*", "a*", "*a", "?", "a?c", "[abc]", "[!a]b", "[a-c]*z", "*.c",
                                     "*.*", "a\\*b", "[]]", "[]a]x", "[a", "**b**", "*/x", "a/*",
                                     "[[:digit:]]*", "[^b]", "", ".*", "?x", "a[b", "*a*b*c", "[a-]",
                                     "\\[a]"};
    static const char *const ss[] = {"", "a", "b", "abc", "a.c", ".a", "a*b", "]", "]x", "ax", "az",
                                     "xx/x", "a/b", "a/.b", "9z", "[a", "a[b", "xaybzc", "-", ".x",
                                     "[a]", "aXbbb"};

    for (size_t i = 0; i < sizeof(ps) / sizeof(*ps); i++)
        for (size_t j = 0; j < sizeof(ss) / sizeof(*ss); j++) {
            int ours = ours_fnmatch(ps[i], ss[j], 0);

            if ((ours == 0) != (fnmatch(ps[i], ss[j], 0) == 0)
                || (ours_fnmatch(ps[i], ss[j], 1) == 0) != (fnmatch(ps[i], ss[j], FNM_PATHNAME) == 0)
                || (ours_fnmatch(ps[i], ss[j], 5) == 0)
                       != (fnmatch(ps[i], ss[j], FNM_PATHNAME | FNM_PERIOD) == 0)) {
                failures++;
                printf("fnmatch(\"%s\", \"%s\") differs\n", ps[i], ss[j]);
            }
        }
}

static void dates(void)
{
    for (int i = 0; i < 20000; i++) {
        time_t t = (time_t)(random64() % 200000000000ULL) - 100000000000LL;
        struct tm ours;
        struct tm host;

        if (i < 3000)
            t = (time_t)i * 86400 * 13;
        else if (i < 6000)
            t = (time_t)random64() >> i % 64;
        memset(&ours, 0, sizeof(ours));
        if (gmtime_r(&t, &host) == NULL) { /* no int has the year */
            CHECK_EQ(ours_gmtime_r(&t, &ours) == NULL && host_tcb.err == EOVERFLOW, 1);
            continue;
        }
        ours_gmtime_r(&t, &ours);
        if (ours.tm_year != host.tm_year || ours.tm_mon != host.tm_mon
            || ours.tm_mday != host.tm_mday || ours.tm_hour != host.tm_hour
            || ours.tm_min != host.tm_min || ours.tm_sec != host.tm_sec
            || ours.tm_wday != host.tm_wday || ours.tm_yday != host.tm_yday) {
            failures++;
            printf("gmtime(%ld) differs\n", (long)t);
        }
        CHECK_EQ(ours_timegm(&ours), t);
    }
}

#define CLASS(name) int ours_##name(int);
#define CLASSES(X) \
    X(isalnum) X(isalpha) X(isblank) X(iscntrl) X(isdigit) X(isgraph) X(islower) X(isprint) \
    X(ispunct) X(isspace) X(isupper) X(isxdigit)
CLASSES(CLASS)
int ours_tolower(int);
int ours_toupper(int);

static void classes(void)
{
    for (int c = -1; c < 256; c++) {
#define SAME(name) CHECK_EQ(!!ours_##name(c), !!name(c));
        CLASSES(SAME)
        CHECK_EQ(ours_tolower(c), tolower(c));
        CHECK_EQ(ours_toupper(c), toupper(c));
    }
}

int main(void)
{
    strings();
    copies();
    numbers();
    sorts();
    patterns();
    dates();
    classes();
    return UNIT_END;
}
