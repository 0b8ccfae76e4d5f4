/*
 * System registers and translation table descriptors: every field the kernel uses, with its reason.
 * Usable from C and from assembly. Names and numbers: Arm Architecture Reference Manual for
 * A-profile (DDI 0487), chapters D5 (translation), D13 (registers), D1 (exceptions).
 */
#ifndef _AARCH64_REGS_H_
#define _AARCH64_REGS_H_

#ifdef __ASSEMBLER__
#define REG(value) (value)
#else
#include <stdint.h>
#define REG(value) value##UL
#endif

/* ---- SCTLR_EL1: how EL1 and EL0 run (D13.2.118) ---- */
#define SCTLR_M     (REG(1) << 0)  /* MMU on */
#define SCTLR_C     (REG(1) << 2)  /* data accesses cacheable */
#define SCTLR_SA    (REG(1) << 3)  /* SP must be 16-aligned when used: EL1 ... */
#define SCTLR_SA0   (REG(1) << 4)  /* ... and EL0, which the ABI promises anyway */
#define SCTLR_EOS   (REG(1) << 11) /* RES1 on Armv8.0: exception return synchronises */
#define SCTLR_I     (REG(1) << 12) /* instruction fetches cacheable */
#define SCTLR_DZE   (REG(1) << 14) /* EL0 may DC ZVA: every C library's memset does */
#define SCTLR_UCT   (REG(1) << 15) /* EL0 may read CTR_EL0: cache line sizes, for JITs */
#define SCTLR_NTWI  (REG(1) << 16) /* EL0's WFI is not trapped: it is only a hint */
#define SCTLR_NTWE  (REG(1) << 18) /* nor WFE: user spin locks use it */
#define SCTLR_WXN   (REG(1) << 19) /* writable is never executable, whatever a descriptor says */
#define SCTLR_TSCXT (REG(1) << 20) /* RES1 on Armv8.0 */
#define SCTLR_EIS   (REG(1) << 22) /* RES1 on Armv8.0: exception entry synchronises */
#define SCTLR_SPAN  (REG(1) << 23) /* RES1 on Armv8.0; later: PAN stays as it is: off */
#define SCTLR_UCI   (REG(1) << 26) /* EL0 may DC CVAU, IC IVAU: trampolines, JITs */
#define SCTLR_NTLSMD (REG(1) << 28) /* RES1 without AArch32 */
#define SCTLR_LSMAOE (REG(1) << 29) /* RES1 without AArch32 */
#define SCTLR_RES1 \
    (SCTLR_EOS | SCTLR_TSCXT | SCTLR_EIS | SCTLR_SPAN | SCTLR_NTLSMD | SCTLR_LSMAOE)
#define SCTLR_OFF  SCTLR_RES1 /* MMU and caches off, little-endian */
#define SCTLR_BOOT                                                                       \
    (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_SA0 | SCTLR_DZE |       \
     SCTLR_UCT | SCTLR_UCI | SCTLR_NTWI | SCTLR_NTWE)
#define SCTLR_FINAL (SCTLR_BOOT | SCTLR_WXN) /* the boot tables are writable and executable */

/* ---- MAIR_EL1: the memory types a descriptor's AttrIndx chooses from (D13.2.97) ---- */
#define MAIR_NORMAL 0 /* write-back, read and write allocate, inner and outer: RAM */
#define MAIR_DEVICE 1 /* nGnRE: no gathering, no reordering, early acknowledgement: registers */
#define MAIR_VALUE  ((REG(0xff) << (8 * MAIR_NORMAL)) | (REG(0x04) << (8 * MAIR_DEVICE)))

/* ---- TCR_EL1: shape of both halves of the address space (D13.2.131) ---- */
#define TCR_T0SZ      (REG(64 - 48) << 0)  /* 48-bit addresses below, TTBR0: the task */
#define TCR_IRGN0_WBWA (REG(1) << 8)       /* table walks are cached like data: tables ... */
#define TCR_ORGN0_WBWA (REG(1) << 10)      /* ... need no cleaning */
#define TCR_SH0_INNER (REG(3) << 12)       /* and seen by all CPUs */
#define TCR_TG0_4K    (REG(0) << 14)
#define TCR_T1SZ      (REG(64 - 48) << 16) /* and above, TTBR1: the kernel */
#define TCR_A1_TTBR0  (REG(0) << 22)       /* the ASID is TTBR0's */
#define TCR_IRGN1_WBWA (REG(1) << 24)
#define TCR_ORGN1_WBWA (REG(1) << 26)
#define TCR_SH1_INNER (REG(3) << 28)
#define TCR_TG1_4K    (REG(2) << 30)
#define TCR_IPS_SHIFT 32                   /* physical address size: ID_AA64MMFR0_EL1.PARange */
#define TCR_AS        (REG(1) << 36)       /* 16-bit ASIDs, where the CPU has them */
#define TCR_VALUE                                                                         \
    (TCR_T0SZ | TCR_IRGN0_WBWA | TCR_ORGN0_WBWA | TCR_SH0_INNER | TCR_TG0_4K | TCR_T1SZ | \
     TCR_A1_TTBR0 | TCR_IRGN1_WBWA | TCR_ORGN1_WBWA | TCR_SH1_INNER | TCR_TG1_4K)
#define PARANGE_48    5 /* more needs 52-bit descriptors */

/* ---- ID_AA64MMFR0_EL1 (D13.2.64), ID_AA64DFR0_EL1 (D13.2.59) ---- */
#define MMFR0_ASIDBITS_SHIFT 4
#define MMFR0_ASIDBITS_16    2
#define DFR0_PMUVER_SHIFT    8
#define DFR0_PMUVER_NONE     0
#define DFR0_PMUVER_IMPDEF   15

#define TTBR_ASID_SHIFT 48
#define TTBR_BADDR_MASK REG(0x0000fffffffffffe)

/* ---- Descriptors of 4 KiB granule tables (D5.3) ---- */
#define PTE_VALID   (REG(1) << 0)
#define PTE_TABLE   (REG(1) << 1)  /* levels 0..2: a table, no block; level 3: must be 1 */
#define PTE_ATTR(index) (REG(index) << 2)
#define PTE_USER    (REG(1) << 6)  /* AP[1]: EL0 may access it */
#define PTE_RDONLY  (REG(1) << 7)  /* AP[2]: nobody may write it */
#define PTE_INNER   (REG(3) << 8)  /* inner shareable: coherent between CPUs */
#define PTE_AF      (REG(1) << 10) /* accessed; 0: the next access faults, and we note it */
#define PTE_NG      (REG(1) << 11) /* not global: the TLB entry belongs to the ASID */
#define PTE_PXN     (REG(1) << 53) /* EL1 must not execute it: every user page */
#define PTE_UXN     (REG(1) << 54) /* EL0 must not execute it: every kernel page, all data */
#define PTE_SW_WRITE (REG(1) << 55) /* ours (D5.3.3: 58..55): vm lets it be written; RDONLY then
                                      means: not modified yet */
#define PTE_SW_PV    (REG(1) << 57) /* ours: the page is managed and lists this mapping */
#define PTE_TABLE_UXN (REG(1) << 60)    /* UXNTable: EL0 executes nothing below this table */
#define PTE_TABLE_RDONLY (REG(1) << 62) /* APTable[1]: all below this table is read-only */
#define PTE_ADDRESS REG(0x0000fffffffff000)

#define TABLE_ENTRIES 512
#define L3_SHIFT 12
#define L2_SHIFT 21
#define L1_SHIFT 30
#define L0_SHIFT 39

/* ---- Exception syndrome, ESR_EL1 (D13.2.37) ---- */
#define ESR_EC_SHIFT      26
#define ESR_EC(esr)       (((esr) >> ESR_EC_SHIFT) & 0x3f)
#define ESR_IL            (REG(1) << 25) /* the instruction was 32 bits long */
#define EC_UNKNOWN        0x00 /* undefined instruction */
#define EC_WFX            0x01
#define EC_FP             0x07 /* FP or SIMD while CPACR_EL1.FPEN forbids it */
#define EC_ILLEGAL        0x0e /* illegal execution state */
#define EC_SVC64          0x15
#define EC_MSR            0x18 /* a system register or instruction EL0 may not use */
#define EC_SVE            0x19
#define EC_IABORT_EL0     0x20
#define EC_IABORT_EL1     0x21
#define EC_PC_ALIGN       0x22
#define EC_DABORT_EL0     0x24
#define EC_DABORT_EL1     0x25
#define EC_SP_ALIGN       0x26
#define EC_FP_EXCEPTION   0x2c
#define EC_SERROR         0x2f
#define EC_BREAKPOINT_EL0 0x30
#define EC_STEP_EL0       0x32
#define EC_WATCHPOINT_EL0 0x34
#define EC_BRK            0x3c
#define ESR_WNR           (REG(1) << 6) /* data abort: by a write ... */
#define ESR_CM            (REG(1) << 8) /* ... or by cache maintenance, which only reads */
#define ESR_FSC(esr)      ((esr) & 0x3f)
#define FSC_TYPE(esr)     ((esr) & 0x3c)
#define FSC_ADDRESS_SIZE  0x00
#define FSC_TRANSLATION   0x04
#define FSC_ACCESS_FLAG   0x08
#define FSC_PERMISSION    0x0c
#define FSC_ALIGNMENT     0x21

/* svc #0x80 and svc #0 as whole syndromes: one compare tells each from everything else. */
#define ESR_MACH_TRAP ((EC_SVC64 << ESR_EC_SHIFT) | (1 << 25) | 0x80)
#define ESR_UNIX_TRAP ((EC_SVC64 << ESR_EC_SHIFT) | (1 << 25) | 0x00)

/* ---- SPSR ---- */
#define SPSR_EL0T   0x0
#define SPSR_EL1H   0x5
#define SPSR_M_EL2H 0x9
#define SPSR_M_MASK 0xf
#define SPSR_DAIF   (0xf << 6)
#define SPSR_SS     (1 << 21)
#define SPSR_NZCV   REG(0xf0000000)

/* ---- CPACR_EL1 (D13.2.30): FP and SIMD ---- */
#define CPACR_FPEN     (REG(3) << 20) /* no trap at EL0 nor EL1 */
#define CPACR_FPEN_EL1 (REG(1) << 20) /* EL0 alone traps */

/* ---- MDSCR_EL1 (D13.3.20) ---- */
#define MDSCR_SS (REG(1) << 0) /* software step of EL0 */

/* ---- CNTKCTL_EL1, CNTV_CTL_EL0 (D13.11) ---- */
#define CNTKCTL_EL0VCTEN (REG(1) << 1) /* EL0 reads CNTVCT and CNTFRQ; not the physical counter */
#define CNTV_CTL_ENABLE  (REG(1) << 0)
#define CNTV_CTL_IMASK   (REG(1) << 1)

/* ---- The performance monitor (D13.4): EL0 reads counter 0, instructions retired ---- */
#define PMCR_ENABLE       REG(0x47) /* E, P and C (reset both), LC (64-bit cycle counter) */
#define PMEVTYPER_INST_RETIRED REG(0x08)
#define PMCNTEN_0_AND_CYCLES   ((REG(1) << 31) | REG(1))
#define PMUSERENR_EN      REG(1)

/* ---- EL2, only on the way down (D13.2.48, .31, D13.3.18, D13.11.2) ---- */
#define HCR_RW         (REG(1) << 31) /* EL1 is AArch64 */
#define CPTR_EL2_RES1  REG(0x33ff)    /* no traps of FP to EL2 */
#define CNTHCTL_EL1    REG(3)         /* EL1 may use the physical counter and timer */
#define PMCR_N_SHIFT   11             /* number of event counters: all EL1's, by MDCR_EL2.HPMN */
#define PMCR_N_MASK    0x1f

#ifndef __ASSEMBLER__
#define read_sysreg(name)                                      \
    ({                                                         \
        uint64_t value_;                                       \
        __asm__ volatile("mrs %0, " #name : "=r"(value_));     \
        value_;                                                \
    })
#define write_sysreg(name, value) \
    __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define isb()      __asm__ volatile("isb" ::: "memory")
#define dsb(scope) __asm__ volatile("dsb " #scope ::: "memory")
#define dmb(scope) __asm__ volatile("dmb " #scope ::: "memory")
#endif

#endif
