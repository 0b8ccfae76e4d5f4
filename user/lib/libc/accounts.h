/* What the readers of /etc/passwd and /etc/group share: files of lines, with fields between colons. */
#ifndef _ACCOUNTS_H_
#define _ACCOUNTS_H_

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct accounts {
    int fd;           /* -1: not open; a file that is not there has one line, `root` */
    bool at_end;
    const char *path;
    const char *root;
    size_t used;      /* of ahead */
    char ahead[512];  /* read, not yet given out */
};

/* The next line, with a NUL for its newline, in buffer. 1; 0: there is none; -1 with errno: it failed, or
 * ERANGE: buffer is too small. */
int __accounts_next(struct accounts *file, char *buffer, size_t size);
void __accounts_close(struct accounts *file);
/* Divides line at its colons, into count fields. false: it has fewer. */
bool __accounts_split(char *line, char **field, int count);
/* A number, the whole text. */
bool __accounts_number(const char *text, uid_t *value);

#endif
