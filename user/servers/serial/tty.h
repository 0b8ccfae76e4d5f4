/*
 * tty: the line discipline. Bytes from the wire become lines (or raw input), bytes to it get their
 * newlines; what is typed is echoed. Pure bookkeeping, which the host's tests run, too: main.c connects it
 * with the UART and with messages.
 *
 *   input.c   a key: does it mean something (^C, ^S, erase), and what is seen of it
 *   queue.c   what was typed and is finished: lines, or bytes; how much a read must have
 *   output.c  to the wire: newlines, tabs, the column; stopped and started
 *
 * The flags are POSIX's (termios.h, XBD chapter 11). A control character that is 0 is none.
 */
#ifndef TTY_H
#define TTY_H

#include <limits.h>
#include <mach/boolean.h>
#include <stdint.h>
#include <tty_types.h>

#define TTY_INPUT  4096      /* bytes of finished input kept; a power of 2. More is dropped, with a bell */
#define TTY_LINE   MAX_CANON /* bytes of one line being edited, with its newline */
#define TTY_OUTPUT 8192      /* bytes waiting for the wire; a power of 2 */
_Static_assert(MAX_INPUT < TTY_INPUT - TTY_LINE, "a line, and so many bytes before it, fit");

extern tty_attr_t tty_attr; /* after a change: tty_mode_changed */

/* ---- input.c ---- */

void tty_init(void);
/* A byte came in. Returns the signal number it means for the foreground group, or 0. */
int tty_input(unsigned char c);
/* The same for a break, and for a byte whose parity or frame was wrong. */
int tty_input_break(void);
int tty_input_error(unsigned char c);
/* Drops all input, finished or not. */
void tty_flush_input(void);
/* The mode changed: what is in the line buffer becomes readable if canonical mode ended. */
void tty_mode_changed(void);

/* ---- queue.c ---- */

#define TTY_END_OF_FILE 0x100 /* a line's end that is no byte: ^D was typed */

/* The bytes, and what ends them (a byte, TTY_END_OF_FILE, or -1: nothing does) become readable. FALSE:
 * there is no room for all, and nothing happened. */
boolean_t tty_finish(const char *data, uint32_t length, int end);
/* Would a read of so many bytes be answered now? With less than it must have, too, if late: its time is over
 * (c_cc[VTIME]). */
boolean_t tty_readable(uint32_t amount, boolean_t late);
/* So many bytes could be read, in canonical mode of whole lines. */
uint32_t tty_input_queued(void);
/* Takes at most amount bytes: one line in canonical mode. 0: end of file was typed, or there is nothing. */
uint32_t tty_read(char *data, uint32_t amount);
/* What tty_read took is given back: the reader was gone. */
void tty_unread(void);
void tty_drop_queue(void);
/* Canonical mode ended: ends of file that nobody has read are gone. */
void tty_queue_raw(void);

/* ---- output.c ---- */

/* Queues output for the wire, with processing (OPOST); returns how many of length bytes were taken. */
uint32_t tty_write(const char *data, uint32_t length);
/* Is there room for output? */
boolean_t tty_writable(void);
/* The next byte for the wire, or -1; tty_sent removes it. */
int tty_output_first(void);
void tty_sent(void);
/* Bytes that wait, those that are stopped among them. */
uint32_t tty_output_queued(void);
void tty_flush_output(void);
/* Nothing more is sent, or it goes on: ^S, ^Q. */
void tty_stop(boolean_t stop);
boolean_t tty_stopped(void);
/* Goes to the wire before all else, even if that is stopped: our own ^S or ^Q. */
void tty_send_first(unsigned char c);
/* Where the cursor is, as far as one can know here. */
uint32_t tty_column(void);

#endif
