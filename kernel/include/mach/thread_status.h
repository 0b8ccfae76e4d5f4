/*
 * The machine state of a thread, by flavor, as thread_get_state and thread_set_state move it
 * (flavor numbers and field names as on XNU/arm64). Counts are in 32-bit words.
 */
#ifndef _MACH_THREAD_STATUS_H_
#define _MACH_THREAD_STATUS_H_

#include <mach/vm_types.h>

typedef int thread_state_flavor_t;
typedef natural_t *thread_state_t; /* in fact one of the structs below */

#define ARM_THREAD_STATE64 6
#define ARM_NEON_STATE64   17
#define ARM_TLS_STATE64    32 /* ours: TPIDR_EL0 */
#define THREAD_STATE_NONE  5

typedef struct arm_thread_state64 {
    uint64_t x[29];
    uint64_t fp; /* x29 */
    uint64_t lr; /* x30 */
    uint64_t sp;
    uint64_t pc;
    uint32_t cpsr; /* only NZCV and SS are taken from a caller */
    uint32_t pad;
} arm_thread_state64_t;

typedef struct arm_neon_state64 {
    unsigned __int128 v[32];
    uint32_t fpsr;
    uint32_t fpcr;
    uint64_t pad;
} arm_neon_state64_t;

typedef struct arm_tls_state64 {
    uint64_t tpidr_el0;
} arm_tls_state64_t;

#define ARM_THREAD_STATE64_COUNT (sizeof(arm_thread_state64_t) / sizeof(natural_t))
#define ARM_NEON_STATE64_COUNT   (sizeof(arm_neon_state64_t) / sizeof(natural_t))
#define ARM_TLS_STATE64_COUNT    (sizeof(arm_tls_state64_t) / sizeof(natural_t))
#define THREAD_STATE_MAX         144 /* words; the largest flavor (NEON) fits */

#endif
