/*
 * Multibyte characters: in the POSIX locale each byte is one. Bytes from 128 on are no characters of it, and
 * are kept apart from all wide characters in use, as POSIX 2024 wants them kept: at 0xdf80 and above.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define HIGH 0xdf00 /* + byte: in the range of Unicode that no character has */

wint_t btowc(int c)
{
    return c == EOF || c < 0 || c > UINT8_MAX ? WEOF : c < 128 ? (wint_t)c : (wint_t)(HIGH + c);
}

int wctob(wint_t wc)
{
    if (wc < 128)
        return (int)wc;
    return wc >= HIGH + 128 && wc <= HIGH + UINT8_MAX ? (int)(wc - HIGH) : EOF;
}

int mbsinit(const mbstate_t *state)
{
    (void)state;
    return 1; /* there are no states */
}

size_t mbrtowc(wchar_t *restrict wc, const char *restrict s, size_t size, mbstate_t *restrict state)
{
    (void)state;
    if (s == NULL)
        return 0;
    if (size == 0)
        return (size_t)-2;
    if (wc != NULL)
        *wc = (wchar_t)btowc((unsigned char)*s);
    return *s != '\0';
}

size_t mbrlen(const char *restrict s, size_t size, mbstate_t *restrict state)
{
    return mbrtowc(NULL, s, size, state);
}

size_t wcrtomb(char *restrict s, wchar_t wc, mbstate_t *restrict state)
{
    int c = wctob((wint_t)wc);

    (void)state;
    if (s == NULL)
        return 1;
    if (c == EOF) {
        errno = EILSEQ;
        return (size_t)-1;
    }
    *s = (char)c;
    return 1;
}

int mbtowc(wchar_t *restrict wc, const char *restrict s, size_t size)
{
    size_t n = mbrtowc(wc, s, size, NULL);

    return n == (size_t)-2 ? -1 : (int)n;
}

int mblen(const char *s, size_t size)
{
    return mbtowc(NULL, s, size);
}

int wctomb(char *s, wchar_t wc)
{
    return s == NULL ? 0 : (int)wcrtomb(s, wc, NULL);
}

size_t mbsrtowcs(wchar_t *restrict to, const char **restrict s, size_t count, mbstate_t *restrict state)
{
    size_t n = 0;

    (void)state;
    if (to == NULL)
        return strlen(*s);
    for (; n < count; n++, ++*s) {
        to[n] = (wchar_t)btowc((unsigned char)**s);
        if (**s == '\0') {
            *s = NULL;
            break;
        }
    }
    return n;
}

size_t wcsrtombs(char *restrict to, const wchar_t **restrict from, size_t size, mbstate_t *restrict state)
{
    const wchar_t *w = *from;
    size_t n = 0;

    for (; to == NULL || n < size; n++, w++) {
        char c;

        if (wcrtomb(&c, *w, state) == (size_t)-1)
            return (size_t)-1;
        if (to != NULL)
            to[n] = c;
        if (c == '\0') {
            w = NULL;
            break;
        }
    }
    if (to != NULL)
        *from = w;
    return n;
}

size_t mbstowcs(wchar_t *restrict to, const char *restrict s, size_t count)
{
    const char *from = s;

    return mbsrtowcs(to, &from, count, NULL);
}

size_t wcstombs(char *restrict s, const wchar_t *restrict from, size_t size)
{
    const wchar_t *w = from;

    return wcsrtombs(s, &w, size, NULL);
}
