/*
 * The kernel's own symbol table, for the backtrace of a panic.
 *
 * The Makefile makes it (build/kernel/ksyms.S) from the functions of a first link and adds it to
 * the second. Entries are sorted by address. Read kernel/aarch64/ (the backtrace) for its use.
 */
#ifndef KSYMS_H
#define KSYMS_H

#include <stdint.h>

/* Address of the first function; what ksyms_offset counts from. 0 in a kernel without a table. */
extern const uint64_t ksyms_base;

/* Number of functions; 0 in a kernel without a table. */
extern const uint32_t ksyms_count;

/* Function i starts at ksyms_base + ksyms_offset[i]: ascending. */
extern const uint32_t ksyms_offset[];

/* Its name is the zero-terminated string at ksyms_strings + ksyms_name[i]. */
extern const uint32_t ksyms_name[];
extern const char ksyms_strings[];

#endif
