/*
 * PSCI: firmware calls that start CPUs and stop the machine (Arm DEN 0022). Function ids of the
 * 64-bit or, without arguments, the 32-bit calling convention.
 */
#include "board.h"

#define PSCI_CPU_ON       0xc4000003UL
#define PSCI_SYSTEM_OFF   0x84000008UL
#define PSCI_SYSTEM_RESET 0x84000009UL
#define PSCI_NOT_SUPPORTED (-1)

/* What a call may change besides its results (SMC calling convention, Arm DEN 0028, 2.6). */
#define PSCI_CLOBBERS                                                                          \
    "memory", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",    \
        "x16", "x17"

static int64_t psci_call(uint64_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = arg0;
    register uint64_t x2 __asm__("x2") = arg1;
    register uint64_t x3 __asm__("x3") = arg2;

    if (!board.psci)
        return PSCI_NOT_SUPPORTED;
    if (board.psci_smc)
        __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::PSCI_CLOBBERS);
    else
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::PSCI_CLOBBERS);
    return (int32_t)x0; /* error codes are 32 bits */
}

/* Starts the CPU at the physical address entry, with context in x0. 0, or a PSCI error. */
int64_t psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context)
{
    return psci_call(PSCI_CPU_ON, mpidr, entry, context);
}

/* These two return only if the firmware refuses. */
void psci_off(void)
{
    psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
}

void psci_reset(void)
{
    psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
}
