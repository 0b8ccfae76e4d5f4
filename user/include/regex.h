/* Regular expressions: POSIX's basic and extended ones, of bytes. How: user/lib/libc/regex_tree.h. */
#ifndef _REGEX_H_
#define _REGEX_H_

#include <stddef.h>
#include <sys/types.h>

typedef ptrdiff_t regoff_t;

typedef struct {
    size_t re_nsub; /* groups in parentheses */
    void *__program;
} regex_t;

typedef struct {
    regoff_t rm_so; /* first byte; -1: the group has no part in the match */
    regoff_t rm_eo; /* behind the last */
} regmatch_t;

#define RE_DUP_MAX 255

/* regcomp */
#define REG_EXTENDED 1
#define REG_ICASE    2
#define REG_NEWLINE  4
#define REG_NOSUB    8
/* regexec */
#define REG_NOTBOL   1
#define REG_NOTEOL   2
#define REG_STARTEND 4 /* the text is what match[0] says, NUL bytes included (BSD's) */

#define REG_NOMATCH  1
#define REG_BADPAT   2
#define REG_ECOLLATE 3
#define REG_ECTYPE   4
#define REG_EESCAPE  5
#define REG_ESUBREG  6
#define REG_EBRACK   7
#define REG_EPAREN   8
#define REG_EBRACE   9
#define REG_BADBR    10
#define REG_ERANGE   11
#define REG_ESPACE   12
#define REG_BADRPT   13

int regcomp(regex_t *restrict re, const char *restrict pattern, int flags);
int regexec(const regex_t *restrict re, const char *restrict text, size_t match_count,
            regmatch_t match[restrict], int flags);
size_t regerror(int error, const regex_t *restrict re, char *restrict buffer, size_t size);
void regfree(regex_t *re);

#endif
