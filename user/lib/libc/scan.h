/* The engine behind the scanf family: reads from a source a character at a time. */
#ifndef _SCAN_H_
#define _SCAN_H_

#include <stdarg.h>

struct source {
    int (*get)(struct source *source);            /* the next character, or EOF */
    void (*unget)(struct source *source, int c);  /* the last one back; not EOF */
};

/* Returns the conversions assigned, or EOF. */
int __scan(struct source *source, const char *format, va_list ap);

#endif
