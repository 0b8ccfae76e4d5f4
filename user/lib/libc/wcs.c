/* Strings of wide characters: those functions that programs use which have some. */
#include <wchar.h>

size_t wcslen(const wchar_t *s)
{
    size_t n = 0;

    while (s[n] != L'\0')
        n++;
    return n;
}

size_t wcsnlen(const wchar_t *s, size_t size)
{
    size_t n = 0;

    while (n < size && s[n] != L'\0')
        n++;
    return n;
}

wchar_t *wmemcpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count)
{
    return wmemmove(to, from, count);
}

wchar_t *wmemmove(wchar_t *to, const wchar_t *from, size_t count)
{
    if (to < from)
        for (size_t i = 0; i < count; i++)
            to[i] = from[i];
    else
        while (count-- > 0)
            to[count] = from[count];
    return to;
}

wchar_t *wmemset(wchar_t *to, wchar_t wc, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = wc;
    return to;
}

int wmemcmp(const wchar_t *a, const wchar_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

wchar_t *wmemchr(const wchar_t *s, wchar_t wc, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (s[i] == wc)
            return (wchar_t *)s + i;
    return NULL;
}

wchar_t *wcscpy(wchar_t *restrict to, const wchar_t *restrict from)
{
    return wmemcpy(to, from, wcslen(from) + 1);
}

wchar_t *wcsncpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count)
{
    size_t n = wcsnlen(from, count);

    wmemcpy(to, from, n);
    wmemset(to + n, L'\0', count - n);
    return to;
}

wchar_t *wcscat(wchar_t *restrict to, const wchar_t *restrict from)
{
    wcscpy(to + wcslen(to), from);
    return to;
}

int wcscmp(const wchar_t *a, const wchar_t *b)
{
    while (*a != L'\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b ? 0 : *a < *b ? -1 : 1;
}

int wcsncmp(const wchar_t *a, const wchar_t *b, size_t count)
{
    for (; count > 0; count--, a++, b++)
        if (*a != *b || *a == L'\0')
            return *a == *b ? 0 : *a < *b ? -1 : 1;
    return 0;
}

wchar_t *wcschr(const wchar_t *s, wchar_t wc)
{
    return wmemchr(s, wc, wcslen(s) + 1);
}

wchar_t *wcsrchr(const wchar_t *s, wchar_t wc)
{
    for (size_t n = wcslen(s) + 1; n > 0; n--)
        if (s[n - 1] == wc)
            return (wchar_t *)s + n - 1;
    return NULL;
}

int wcwidth(wchar_t wc)
{
    return wc == L'\0' ? 0 : wc >= 0x20 && wc < 0x7f ? 1 : -1;
}

int wcswidth(const wchar_t *s, size_t count)
{
    int width = 0;

    for (; count > 0 && *s != L'\0'; count--, s++) {
        if (wcwidth(*s) < 0)
            return -1;
        width += wcwidth(*s);
    }
    return width;
}
