/* The classes of characters and comparisons by a given locale: there is one (locale.h). */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int isalnum_l(int c, locale_t locale) { return isalnum(c); }
int isalpha_l(int c, locale_t locale) { return isalpha(c); }
int isblank_l(int c, locale_t locale) { return isblank(c); }
int iscntrl_l(int c, locale_t locale) { return iscntrl(c); }
int isdigit_l(int c, locale_t locale) { return isdigit(c); }
int isgraph_l(int c, locale_t locale) { return isgraph(c); }
int islower_l(int c, locale_t locale) { return islower(c); }
int isprint_l(int c, locale_t locale) { return isprint(c); }
int ispunct_l(int c, locale_t locale) { return ispunct(c); }
int isspace_l(int c, locale_t locale) { return isspace(c); }
int isupper_l(int c, locale_t locale) { return isupper(c); }
int isxdigit_l(int c, locale_t locale) { return isxdigit(c); }
int tolower_l(int c, locale_t locale) { return tolower(c); }
int toupper_l(int c, locale_t locale) { return toupper(c); }

int strcoll_l(const char *a, const char *b, locale_t locale) { return strcoll(a, b); }
int strcasecmp_l(const char *a, const char *b, locale_t locale) { return strcasecmp(a, b); }
char *strerror_l(int error, locale_t locale) { return strerror(error); }

int strncasecmp_l(const char *a, const char *b, size_t size, locale_t locale)
{
    return strncasecmp(a, b, size);
}

size_t strxfrm_l(char *restrict to, const char *restrict from, size_t size, locale_t locale)
{
    return strxfrm(to, from, size);
}

size_t strftime_l(char *restrict s, size_t size, const char *restrict format, const struct tm *restrict tm,
                  locale_t locale)
{
    return strftime(s, size, format, tm);
}
