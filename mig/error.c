/*
 * Diagnostics and memory. A tool that reports all it can: errors are counted, and the caller
 * decides when to stop. Read mig.h before.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mig.h"

int error_count;

void error_at(struct place place, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s:%d: error: ", place.file, place.line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    error_count++;
}

void fatal(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "migcom: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        fatal("out of memory");
    return memory;
}

char *format_string(const char *format, ...)
{
    va_list arguments;
    char *text;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = allocate((size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}
