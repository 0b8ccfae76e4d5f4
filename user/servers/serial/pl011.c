/*
 * The PL011 UART. Read pl011.h first.
 */
#include "pl011.h"

#include <mach/device.h>
#include <mach/mach_port.h>
#include <mach/mach.h>
#include <mach/traps.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/driver.h>

/* Registers (word indexes) and bits, TRM chapter 3. */
enum {
    DR = 0x00 / 4,   /* data */
    FR = 0x18 / 4,   /* flags */
    LCRH = 0x2c / 4, /* line control */
    CR = 0x30 / 4,   /* control */
    IFLS = 0x34 / 4, /* FIFO levels that interrupt */
    IMSC = 0x38 / 4, /* interrupts let through */
    ICR = 0x44 / 4,  /* interrupt clear */
};
#define FR_RXFE   (1u << 4) /* receive FIFO empty */
#define FR_TXFF   (1u << 5) /* transmit FIFO full */
#define DR_FE     (1u << 8) /* what was wrong with the byte: no stop bit, parity, */
#define DR_PE     (1u << 9)
#define DR_BE     (1u << 10) /* a break */
#define LCRH_BRK  (1u << 0)
#define LCRH_FEN  (1u << 4) /* FIFOs on */
#define LCRH_8BIT (3u << 5)
#define CR_ON     (1u << 0 | 1u << 8 | 1u << 9) /* UART, transmitter, receiver */
#define INT_RX    (1u << 4)
#define INT_TX    (1u << 5)
#define INT_RT    (1u << 6) /* receive time-out: fewer bytes than the trigger level, and silence */

static device_t device;
static volatile uint32_t *uart;

kern_return_t pl011_open(mach_port_t intr_port)
{
    mach_port_t server;
    vm_address_t address;
    kern_return_t kr = bootstrap_look_up(bootstrap_port, SERVICE_DEVICE, &server);

    if (kr == KERN_SUCCESS)
        kr = driver_claim(server, "arm,pl011", 0, 0, &device);
    if (kr == KERN_SUCCESS)
        kr = device_map(device, mach_task_self(), &address);
    if (kr != KERN_SUCCESS)
        return kr;
    uart = (volatile uint32_t *)address;
    uart[LCRH] = LCRH_FEN | LCRH_8BIT;
    uart[CR] = CR_ON;
    uart[IFLS] = 0; /* receive: from 1/8 full on; transmit: down to 1/8 */
    uart[ICR] = 0x7ff;
    uart[IMSC] = INT_RX | INT_RT;
    return device_intr_register(device, intr_port);
}

int pl011_get(void)
{
    uint32_t data;

    if (uart[FR] & FR_RXFE)
        return -1;
    data = uart[DR];
    if (data & DR_BE)
        return PL011_BREAK;
    return (int)(data & 0xff) | (data & (DR_FE | DR_PE) ? PL011_ERROR : 0);
}

void pl011_break(boolean_t on)
{
    uart[LCRH] = LCRH_FEN | LCRH_8BIT | (on ? LCRH_BRK : 0);
}

boolean_t pl011_put(char c)
{
    if (uart[FR] & FR_TXFF) {
        uart[IMSC] = INT_RX | INT_RT | INT_TX;
        return FALSE;
    }
    uart[DR] = (uint8_t)c;
    return TRUE;
}

void pl011_ack(void)
{
    uart[ICR] = INT_RT | INT_TX;
    if (!(uart[FR] & FR_TXFF))
        uart[IMSC] = INT_RX | INT_RT;
    device_intr_ack(device);
}
