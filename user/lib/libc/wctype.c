/* Classes of wide characters, in the POSIX locale: those of ctype.h, and no other character has one. */
#include <ctype.h>
#include <string.h>
#include <wctype.h>

static int narrow(wint_t wc)
{
    return wc < 128 ? (int)wc : 0x80; /* in no class */
}

int iswalnum(wint_t wc) { return isalnum(narrow(wc)); }
int iswalpha(wint_t wc) { return isalpha(narrow(wc)); }
int iswblank(wint_t wc) { return isblank(narrow(wc)); }
int iswcntrl(wint_t wc) { return iscntrl(narrow(wc)); }
int iswdigit(wint_t wc) { return isdigit(narrow(wc)); }
int iswgraph(wint_t wc) { return isgraph(narrow(wc)); }
int iswlower(wint_t wc) { return islower(narrow(wc)); }
int iswprint(wint_t wc) { return isprint(narrow(wc)); }
int iswpunct(wint_t wc) { return ispunct(narrow(wc)); }
int iswspace(wint_t wc) { return isspace(narrow(wc)); }
int iswupper(wint_t wc) { return isupper(narrow(wc)); }
int iswxdigit(wint_t wc) { return isxdigit(narrow(wc)); }
wint_t towlower(wint_t wc) { return iswupper(wc) ? wc | 0x20 : wc; }
wint_t towupper(wint_t wc) { return iswlower(wc) ? wc & ~0x20U : wc; }

static const struct {
    const char *name;
    int (*is)(wint_t);
} classes[] = {
    {"alnum", iswalnum}, {"alpha", iswalpha}, {"blank", iswblank}, {"cntrl", iswcntrl},
    {"digit", iswdigit}, {"graph", iswgraph}, {"lower", iswlower}, {"print", iswprint},
    {"punct", iswpunct}, {"space", iswspace}, {"upper", iswupper}, {"xdigit", iswxdigit},
};

wctype_t wctype(const char *name)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (strcmp(classes[i].name, name) == 0)
            return i + 1;
    return 0;
}

int iswctype(wint_t wc, wctype_t type)
{
    return type > 0 && type <= sizeof(classes) / sizeof(*classes) && classes[type - 1].is(wc);
}

wctrans_t wctrans(const char *name)
{
    return strcmp(name, "tolower") == 0 ? 1 : strcmp(name, "toupper") == 0 ? 2 : 0;
}

wint_t towctrans(wint_t wc, wctrans_t how)
{
    return how == 1 ? towlower(wc) : how == 2 ? towupper(wc) : wc;
}
