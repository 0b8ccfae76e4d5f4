/*
 * The PL011 UART. [Arm PrimeCell UART (PL011) TRM, DDI 0183] The registers are mapped by the kernel
 * (mach/device.defs); QEMU's needs no baud rate.
 */
#ifndef PL011_H
#define PL011_H

#include <mach/mach_types.h>

/* Claims the UART, maps it, has its interrupts sent to port. */
kern_return_t pl011_open(mach_port_t intr_port);
/* The next received byte, or -1. */
int pl011_get(void);
/* FALSE: the transmit FIFO is full; an interrupt will come when there is room. */
boolean_t pl011_put(char c);
/* The interrupt has been dealt with (FIFOs emptied, filled): the line may rise again. */
void pl011_ack(void);

#endif
