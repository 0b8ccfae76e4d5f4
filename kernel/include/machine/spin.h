/*
 * The spinlock itself, for Armv8.0 (no LSE): load-acquire-exclusive, store-exclusive, and WFE while
 * it is taken. The holder's store-release clears our exclusive monitor, which is an event and ends
 * the WFE (Arm ARM B2.9.4, D1.16.1); under QEMU's icount WFE gives the turn to the next CPU.
 */
#ifndef _MACHINE_SPIN_H_
#define _MACHINE_SPIN_H_

#include <stdbool.h>
#include <stdint.h>

static inline __attribute__((always_inline)) void machine_spin_lock(uint32_t *word)
{
    uint32_t seen, failed;

    __asm__ volatile("1: ldaxr %w0, [%2]\n"
                     "   cbnz %w0, 2f\n"
                     "   stxr %w1, %w3, [%2]\n"
                     "   cbz %w1, 3f\n"
                     "   b 1b\n"
                     "2: wfe\n"
                     "   b 1b\n"
                     "3:\n"
                     : "=&r"(seen), "=&r"(failed)
                     : "r"(word), "r"(1)
                     : "memory");
}

static inline __attribute__((always_inline)) bool machine_spin_try_lock(uint32_t *word)
{
    uint32_t seen, failed;

    __asm__ volatile("1: ldaxr %w0, [%2]\n"
                     "   cbnz %w0, 2f\n"
                     "   stxr %w1, %w3, [%2]\n"
                     "   cbnz %w1, 1b\n"
                     "2:\n"
                     : "=&r"(seen), "=&r"(failed)
                     : "r"(word), "r"(1)
                     : "memory");
    return seen == 0;
}

static inline void machine_spin_unlock(uint32_t *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/* For loops that wait for another CPU by other means than a lock: gives it its turn under
 * icount. */
static inline void machine_spin_pause(void)
{
    __asm__ volatile("yield" ::: "memory");
}

#ifndef DEBUG
#define spin_lock(lock)     machine_spin_lock(&(lock)->locked)
#define spin_try_lock(lock) machine_spin_try_lock(&(lock)->locked)
#define spin_unlock(lock)   machine_spin_unlock(&(lock)->locked)
#endif

#endif
