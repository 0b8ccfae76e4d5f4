/*
 * The PL011 UART. [Arm PrimeCell UART (PL011) TRM, DDI 0183] The registers are mapped by the kernel
 * (mach/device.defs); QEMU's needs no baud rate.
 */
#ifndef PL011_H
#define PL011_H

#include <mach/mach_types.h>

/* Claims the UART, maps it, has its interrupts sent to port. */
kern_return_t pl011_open(mach_port_t intr_port);
/* The next received byte, or -1; with it, what was wrong. */
#define PL011_ERROR 0x100 /* parity, or no stop bit */
#define PL011_BREAK 0x200 /* the line was low for longer than a byte */
int pl011_get(void);
/* FALSE: the transmit FIFO is full; an interrupt will come when there is room. */
boolean_t pl011_put(char c);
/* Begins, or ends, a break of our own. */
void pl011_break(boolean_t on);
/* The interrupt has been dealt with (FIFOs emptied, filled): the line may rise again. */
void pl011_ack(void);

#endif
