/*
 * Wide characters, as far as programs of the POSIX locale meet them: conversions and strings. There are no
 * streams of them and no formatted output (docs/posix.md says which functions are missing).
 */
#ifndef _WCHAR_H_
#define _WCHAR_H_

#include <stddef.h>
#include <stdio.h>

typedef unsigned int wint_t;
typedef unsigned long wctype_t;
typedef struct {
    int __unused_;
} mbstate_t;

#define WEOF      0xffffffffU
#define WCHAR_MAX __WCHAR_MAX__
#define WCHAR_MIN __WCHAR_MIN__

wint_t btowc(int c);
int wctob(wint_t wc);
int mbsinit(const mbstate_t *state);
size_t mbrlen(const char *restrict s, size_t size, mbstate_t *restrict state);
size_t mbrtowc(wchar_t *restrict wc, const char *restrict s, size_t size, mbstate_t *restrict state);
size_t wcrtomb(char *restrict s, wchar_t wc, mbstate_t *restrict state);
size_t mbsrtowcs(wchar_t *restrict to, const char **restrict s, size_t count, mbstate_t *restrict state);
size_t wcsrtombs(char *restrict to, const wchar_t **restrict from, size_t size, mbstate_t *restrict state);

size_t wcslen(const wchar_t *s);
size_t wcsnlen(const wchar_t *s, size_t size);
wchar_t *wcscpy(wchar_t *restrict to, const wchar_t *restrict from);
wchar_t *wcsncpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count);
wchar_t *wcscat(wchar_t *restrict to, const wchar_t *restrict from);
int wcscmp(const wchar_t *a, const wchar_t *b);
int wcsncmp(const wchar_t *a, const wchar_t *b, size_t count);
wchar_t *wcschr(const wchar_t *s, wchar_t wc);
wchar_t *wcsrchr(const wchar_t *s, wchar_t wc);
wchar_t *wmemcpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count);
wchar_t *wmemmove(wchar_t *to, const wchar_t *from, size_t count);
wchar_t *wmemset(wchar_t *to, wchar_t wc, size_t count);
wchar_t *wmemchr(const wchar_t *s, wchar_t wc, size_t count);
int wmemcmp(const wchar_t *a, const wchar_t *b, size_t count);
int wcwidth(wchar_t wc);
int wcswidth(const wchar_t *s, size_t count);

#endif
