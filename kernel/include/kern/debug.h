/*
 * printf to the early console, panic, assertions.
 */
#ifndef _KERN_DEBUG_H_
#define _KERN_DEBUG_H_

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* %d %u %x %lx %ld %lu %llx.. %p %s %c %zu, widths and 0-padding. One call is one unbroken
 * output. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list ap);
/* Copies what was printed, from byte number *next on, at most `room` bytes, and returns how many; *next
 * becomes the number of the byte behind. What is not kept any more is left out, a *next beyond the end is
 * taken for it. */
size_t console_history(uint64_t *next, char *out, size_t room);
/* From now on the console's lock is ignored: panic. */
void console_break_lock(void);
int snprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *format, va_list ap);

/* Stops all CPUs; prints the message, the registers if in a trap, a backtrace with symbols; powers
 * off if booted with `panic=off`, else waits. Say what was expected, what was seen, and what to
 * look at. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Prints `pc symbol+offset` for each frame from fp (machine frame pointer; 0: the caller's own). */
void backtrace(unsigned long fp);

#ifdef DEBUG
#define assert(e) \
    ((e) ? (void)0 : panic("%s:%d: assertion failed in %s: %s", __FILE__, __LINE__, __func__, #e))
#else
#define assert(e) ((void)sizeof(!(e)))
#endif
#define static_assert _Static_assert

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
size_t strlcpy(char *dst, const char *src, size_t size);

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
