/*
 * tty: the line discipline. Bytes from the wire become lines (or raw input), bytes to it get their
 * newlines; what is typed is echoed. Pure bookkeeping: main.c connects it with the UART and with
 * messages.
 */
#ifndef TTY_H
#define TTY_H

#include <mach/boolean.h>
#include <stdint.h>
#include <tty_types.h>

#define TTY_INPUT  4096 /* bytes of finished input kept; more is dropped, with a bell */
#define TTY_LINE   1024 /* bytes of one line being edited */
#define TTY_OUTPUT 8192 /* bytes waiting for the wire */

extern tty_attr_t tty_attr;

void tty_init(void);
/* A byte came in. Returns the signal number it means for the foreground group, or 0. */
int tty_input(unsigned char c);
/* Is there something for a reader? */
boolean_t tty_readable(void);
/* Takes at most amount bytes: one line in canonical mode. 0: end of file was typed. */
uint32_t tty_read(char *data, uint32_t amount);
/* What tty_read took is given back: the reader was gone. */
void tty_unread(void);
/* Drops all input, finished or not. */
void tty_flush_input(void);
/* The mode changed: what is in the line buffer becomes readable if canonical mode ended. */
void tty_mode_changed(void);

/* Queues output for the wire, with processing (ONLCR); returns how many of length bytes were
 * taken. */
uint32_t tty_write(const char *data, uint32_t length);
/* Is there room for output? */
boolean_t tty_writable(void);
/* The next byte for the wire, or -1; tty_sent removes it. */
int tty_output_first(void);
void tty_sent(void);

#endif
