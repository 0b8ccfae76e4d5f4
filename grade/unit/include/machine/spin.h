/* On the host there is one thread: with DEBUG the kernel's locks are functions, which the test supplies, and
 * nothing is ever waited for. */
#ifndef UNIT_MACHINE_SPIN_H
#define UNIT_MACHINE_SPIN_H

static inline void machine_spin_pause(void)
{
}

#endif
