/*
 * The early console: the PL011's transmitter, polled (Arm PrimeCell UART technical reference manual
 * DDI 0183). The boot loader or QEMU has set speed and format. The serial driver (a user task)
 * drives the same chip; the kernel speaks only before it, for debug_print, and in a panic.
 */
#include "board.h"

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF (1U << 5) /* transmit FIFO full */
#define UART_SIZE    0x1000

static volatile uint32_t *uart; /* NULL: there is none, or it is not mapped yet */

void uart_init(void)
{
    if (board.uart != 0)
        uart = kernel_map_device(board.uart, UART_SIZE);
}

static void put(char c)
{
    while (uart[UART_FR / 4] & UART_FR_TXFF)
        __asm__ volatile("yield");
    uart[UART_DR / 4] = (uint8_t)c;
}

void console_write(const char *text, size_t length)
{
    if (uart == NULL)
        return;
    for (; length > 0; length--, text++) {
        if (*text == '\n')
            put('\r');
        put(*text);
    }
}
