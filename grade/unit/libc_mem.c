/*
 * memcpy, memmove and memset, which are assembly: a bare program for the board that tries every
 * small size and alignment, says "ok" on the UART and powers off.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
void start(void);

#define UART       ((volatile uint32_t *)0x09000000) /* QEMU virt: PL011's data register */
#define SYSTEM_OFF 0x84000008U                       /* PSCI */
#define AREA       1024

static unsigned char area[AREA];
static unsigned char expected[AREA];

/* Alignment checking is on while the MMU is off, and memory is Device: turn the MMU on, flat. */
static uint64_t table[512] __attribute__((aligned(4096)));

static void mmu_on(void)
{
    table[0] = 0x0000000000000401ULL | 0UL << 2; /* 1 GiB block: AF, attribute 0 (device) */
    table[1] = 0x0000000040000401ULL | 1UL << 2 | 3UL << 8; /* attribute 1 (normal), inner shareable */
    __asm__ volatile("msr mair_el1, %0" : : "r"(0xff00ULL));
    __asm__ volatile("msr tcr_el1, %0" : : "r"(25ULL | 1ULL << 23)); /* T0SZ 25: 39 bits; EPD1 */
    __asm__ volatile("msr ttbr0_el1, %0" : : "r"(table));
    __asm__ volatile("dsb sy; isb; tlbi vmalle1; dsb sy; isb");
    __asm__ volatile("mrs x9, sctlr_el1; orr x9, x9, #1; bic x9, x9, #2; msr sctlr_el1, x9; isb" ::
                         : "x9");
}

static void say(const char *s)
{
    while (*s != '\0')
        *UART = (uint32_t)*s++;
}

static void off(void)
{
    register uint64_t x0 __asm__("x0") = SYSTEM_OFF;

    __asm__ volatile("hvc #0" : : "r"(x0));
}

static void prepare(void)
{
    for (int i = 0; i < AREA; i++)
        *(volatile unsigned char *)&expected[i] = *(volatile unsigned char *)&area[i] =
            (unsigned char)(i * 7 + (i >> 8));
}

static int check(void)
{
    for (int i = 0; i < AREA; i++)
        if (area[i] != expected[i])
            return 0;
    return 1;
}

static int try_all(void)
{
    for (size_t size = 0; size < 200; size++)
        for (size_t to = 256; to < 272; to++)
            for (size_t shift = 0; shift < 11; shift++) {
                static const int shifts[] = {-300, -200, -64, -17, -16, -1, 1, 8, 15, 65, 300};
                size_t from = to + (size_t)(shifts[shift] < -256 ? -256 : shifts[shift]);
                int forward = from > to;

                prepare();
                for (size_t i = 0; i < size; i++) {
                    size_t j = forward ? i : size - 1 - i;

                    *(volatile unsigned char *)&expected[to + j] = expected[from + j];
                }
                if (memmove(area + to, area + from, size) != area + to || !check())
                    return 0;
                if (from + size > to && to + size > from)
                    continue;
                prepare();
                for (size_t i = 0; i < size; i++)
                    *(volatile unsigned char *)&expected[to + i] = expected[from + i];
                if (memcpy(area + to, area + from, size) != area + to || !check())
                    return 0;
            }
    for (size_t size = 0; size < 300; size++)
        for (size_t to = 256; to < 272; to++) {
            prepare();
            for (size_t i = 0; i < size; i++)
                *(volatile unsigned char *)&expected[to + i] = 0xa5;
            if (memset(area + to, 0x123456a5, size) != area + to || !check())
                return 0;
        }
    return 1;
}

__attribute__((used)) static void run(void)
{
    mmu_on();
    say(try_all() ? "ok\n" : "wrong\n");
    off();
    for (;;)
        ;
}

__attribute__((naked)) void start(void)
{
    __asm__ volatile("ldr x0, =0x40400000; mov sp, x0; b run");
}
