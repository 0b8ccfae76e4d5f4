/* Locales: the POSIX locale, and no other. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct __locale {
    char name[2];
};

static const struct __locale posix = {"C"};

/* An empty name is what the environment says: LC_ALL, the category's own variable, LANG. */
static const char *from_environment(int category)
{
    static const char *const variables[] = {"LC_CTYPE",   "LC_NUMERIC",  "LC_TIME",
                                            "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES"};
    const char *name = getenv("LC_ALL");

    if ((name == NULL || *name == '\0') && category != LC_ALL)
        name = getenv(variables[category]);
    if (name == NULL || *name == '\0')
        name = getenv("LANG");
    return name == NULL || *name == '\0' ? "C" : name;
}

static int is_posix(const char *name)
{
    return strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

char *setlocale(int category, const char *locale)
{
    if (category < 0 || category > LC_ALL)
        return NULL;
    if (locale != NULL && *locale == '\0')
        locale = from_environment(category);
    return locale == NULL || is_posix(locale) ? (char *)posix.name : NULL;
}

struct lconv *localeconv(void)
{
    static struct lconv values = {
        .decimal_point = ".", .thousands_sep = "", .grouping = "", .int_curr_symbol = "",
        .currency_symbol = "", .mon_decimal_point = "", .mon_thousands_sep = "", .mon_grouping = "",
        .positive_sign = "", .negative_sign = "", .int_frac_digits = CHAR_MAX, .frac_digits = CHAR_MAX,
        .p_cs_precedes = CHAR_MAX, .p_sep_by_space = CHAR_MAX, .n_cs_precedes = CHAR_MAX,
        .n_sep_by_space = CHAR_MAX, .p_sign_posn = CHAR_MAX, .n_sign_posn = CHAR_MAX,
        .int_p_cs_precedes = CHAR_MAX, .int_n_cs_precedes = CHAR_MAX, .int_p_sep_by_space = CHAR_MAX,
        .int_n_sep_by_space = CHAR_MAX, .int_p_sign_posn = CHAR_MAX, .int_n_sign_posn = CHAR_MAX,
    };

    return &values;
}

locale_t newlocale(int mask, const char *locale, locale_t base)
{
    if (mask & ~LC_ALL_MASK || locale == NULL) {
        errno = EINVAL;
        return NULL;
    }
    if (*locale == '\0')
        locale = from_environment(LC_ALL);
    if (!is_posix(locale)) {
        errno = ENOENT;
        return NULL;
    }
    return base != NULL ? base : &posix;
}

locale_t duplocale(locale_t locale)
{
    return locale == LC_GLOBAL_LOCALE ? &posix : locale;
}

void freelocale(locale_t locale)
{
    (void)locale;
}

locale_t uselocale(locale_t locale)
{
    (void)locale; /* it can be no other */
    return LC_GLOBAL_LOCALE;
}
