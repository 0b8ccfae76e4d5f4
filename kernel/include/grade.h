/*
 * The grading log: what test programs report, kept where only the kernel can write and the harness
 * outside can read.
 *
 * A verdict must not be text that any program can print. So a test program, which alone holds the
 * privileged host port, appends lines to this log by host_grade_log (mach/host_priv.defs); the harness
 * (grade/harness.py) finds the symbol `grade_log` in kernel.elf and reads the structure out of the
 * guest's physical memory through QEMU's monitor. It believes a log that carries this run's nonce,
 * which came as the boot argument grade.nonce=HEX and which no user task gets to see.
 *
 * Layout: fixed, little-endian, known to grade/harness.py. It lies in the kernel's image, hence
 * physically contiguous in the linear map. Read grade/README.md for the lines of the text.
 */
#ifndef GRADE_H
#define GRADE_H

#include <stddef.h>
#include <stdint.h>

#define GRADE_MAGIC      0x474f4c414954534fUL /* "OSTIALOG" */
#define GRADE_TEXT_SIZE  65536
#define GRADE_NONCE_ARG  "grade.nonce=" /* then 1 to 16 hex digits */

/* grade_log.flags */
#define GRADE_PANIC      1u /* the kernel panicked */
#define GRADE_OFF        2u /* orderly end: host_reboot was called */

struct grade_log {
    uint64_t magic;        /* GRADE_MAGIC, once grade_init is through */
    uint64_t nonce;        /* this run's, or 0 */
    uint32_t size;         /* GRADE_TEXT_SIZE */
    uint32_t length;       /* bytes of text so far; written after them, with release order */
    uint32_t lost;         /* bytes refused because the text was full */
    uint32_t flags;
    uint64_t now;          /* CNTVCT at CPU 0's latest timer interrupt: the run's limits are in it */
    uint64_t idle_now;     /* CNTVCT when CPU 0 last switched to its idle thread */
    uint64_t idle_insns;   /* instructions retired then (PMU event 8, 32 bits); 0 if not counted */
    uint64_t kernel_bytes; /* memory the kernel held then: image, page tables, zones, stacks, vm_pages */
    char text[GRADE_TEXT_SIZE];
};

extern struct grade_log grade_log;

/*
 * Prepares the log. Takes the nonce out of the boot arguments: overwrites the argument with spaces, in
 * the device tree's own string, so that neither host_get_boot_info nor a mapped device tree shows it.
 * Called once, before there are tasks.
 */
void grade_init(char *boot_args);

/*
 * Appends `length` bytes. Any context, takes the log's own (innermost) lock. All or nothing; if the text
 * is full, returns 0 and counts them as lost, else 1.
 */
int grade_append(const char *text, size_t length);

/* Adds GRADE_PANIC or GRADE_OFF. Any context, no lock. */
void grade_flag(uint32_t flag);

/* CPU 0's timer interrupt was taken: notes the time. Interrupt context, no lock. */
void grade_tick(void);

/*
 * CPU 0 switches from another thread to its idle thread: notes time, instructions and memory. After the
 * shell's prompt everything waits, so this is what the boot took, without what idling adds.
 * Called with interrupts off; takes no lock.
 */
void grade_idle(void);

#endif
