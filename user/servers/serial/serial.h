/*
 * serial.h: what the parts of the serial server share. Read tty.defs and tty.h first.
 *
 *   main.c     io.defs, and interrupts
 *   wait.c     reads and writes that wait, and time
 *   session.c  whose terminal it is: the session, its groups, signals
 *   control.c  the rest of tty.defs: modes, flow, the window's size
 *   tty.h      the line discipline
 *   pl011.h    the UART
 *
 * One thread, one port set, nobody polls.
 */
#ifndef SERIAL_H
#define SERIAL_H

#include "tty.h"

#include <mach/mach_types.h>
#include <ports.h>

/* ---- wait.c ---- */

/* A read that waits, from the caller of the request: MIG_NO_REPLY, or an error. */
kern_return_t wait_read(mach_port_t reply, uint32_t amount);
/* Is nobody waiting to read? Then what there is, is for who asks now. */
boolean_t nobody_reads(void);
/* The same for writes; length bytes of data are left of amount. */
kern_return_t wait_write(mach_port_t reply, const char *data, uint32_t length, uint32_t amount);
boolean_t nobody_writes(void);
/* What is done when all output before it is on the wire; done at once it is KERN_SUCCESS. */
kern_return_t wait_drain(mach_port_t reply);
kern_return_t wait_attr(mach_port_t reply, const tty_attr_t *attr, boolean_t flush);
kern_return_t wait_break(mach_port_t reply);
/* The modes change now. */
void set_attr(const tty_attr_t *attr, boolean_t flush);
/* Output to the wire as far as it takes it, and what waits for that. */
void transmit(void);
/* Input to the readers that wait, and who polls is told. */
void deliver(void);
/* Those who wait to read are to ask again: it may not be for them any more. */
void readers_ask_again(void);
/* What io_poll tells, and to whom. */
struct poller;
extern struct poller *pollers;
uint32_t ready(void);
/* Demultiplexer: a time is over. */
boolean_t alarm_server(mach_msg_header_t *in, mach_msg_header_t *out);
kern_return_t alarm_init(void);

/* ---- session.c ---- */

/*
 * May the caller of the request use the terminal, or is it in the background? signal: SIGTTIN, for reading,
 * or SIGTTOU. KERN_SUCCESS; EINTR: it was signalled, and is to ask again; EIO.
 */
kern_return_t session_check(int signal);
/* To the foreground group, whose readers ask again. */
void session_signal(int signal);
/*
 * Was the request that is being served sent before the latest signal? Then who sent it is to ask again: when
 * the signal has been dealt with. It must not get what was typed behind the key that sent the signal.
 */
boolean_t session_is_past(void);
/* Demultiplexer, before those of requests, for session_is_past: handles nothing itself. */
boolean_t session_order(mach_msg_header_t *in, mach_msg_header_t *out);
/* Demultiplexer: the session's leader has ended. */
boolean_t session_server(mach_msg_header_t *in, mach_msg_header_t *out);
/* tty: the port that requests come to. */
kern_return_t session_init(mach_port_t tty);

#endif
