/*
 * Giving the processor away, preemption, and what each thread keeps over it: vector registers and TPIDR_EL0.
 * (Semaphores and clocks have chapters of their own: mach_semaphore.c, mach_clock.c.)
 */
#include "mach_child.h"

/* ---- giving the processor away ---- */

TEST(thread_switch_options)
{
    uint64_t before, after;

    EXPECT_KR(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0), KERN_SUCCESS);
    EXPECT_KR(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1), KERN_SUCCESS);
    EXPECT_KR(thread_switch(mach_thread_self_cached(), SWITCH_OPTION_NONE, 0), KERN_SUCCESS);
    EXPECT_KR(thread_switch(0x77777777, SWITCH_OPTION_NONE, 0), KERN_SUCCESS); /* a hint */
    EXPECT_KR(thread_switch(SELF, SWITCH_OPTION_NONE, 0), KERN_SUCCESS);
    EXPECT_KR(thread_switch(MACH_PORT_NULL, 99, 0), KERN_INVALID_ARGUMENT);
    swtch();
    swtch_pri(0);
    before = counter();
    EXPECT_KR(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10), KERN_SUCCESS);
    after = counter();
    EXPECT_TRUE(after - before >= 600000);
}

/* ---- preemption: more threads than processors, none of which gives way ---- */

enum { SPINNERS = 10 };
static volatile uint64_t progress[SPINNERS];
static volatile uint64_t stop;

static void *spinner(void *arg)
{
    volatile uint64_t *mine = arg;

    while (!stop)
        *mine += 1;
    return NULL;
}

TEST(spinning_threads_share_the_processors)
{
    cthread_t threads[SPINNERS];
    int running = 0;

    stop = 0;
    for (int i = 0; i < SPINNERS; i++) {
        progress[i] = 0;
        threads[i] = cthread_fork(spinner, (void *)&progress[i]);
        REQUIRE_TRUE(threads[i] != NULL);
    }
    for (int ms = 0; ms < WAIT_LIMIT_MS && running < SPINNERS; ms += 10) {
        sleep_ms(10);
        running = 0;
        for (int i = 0; i < SPINNERS; i++)
            running += progress[i] > 1000;
    }
    EXPECT_EQ(running, SPINNERS);
    stop = 1;
    for (int i = 0; i < SPINNERS; i++)
        cthread_join(threads[i]);
}

/*
 * Puts values of its own into v0-v31 and FPCR's rounding mode, spins until it is told to stop, and counts
 * the rounds. Returns 0 when something was not as it had been.
 */
int keep_registers(uint64_t seed, volatile uint64_t *rounds, volatile uint64_t *stop);
__asm__("    .text\n"
        "keep_registers:\n"
        "    stp d8, d9, [sp, #-64]!\n"
        "    stp d10, d11, [sp, #16]\n"
        "    stp d12, d13, [sp, #32]\n"
        "    stp d14, d15, [sp, #48]\n"
        "    and x5, x0, #3\n"
        "    lsl x5, x5, #22\n" /* FPCR.RMode */
        "    msr fpcr, x5\n"
        "    dup v0.2d, x0\n"
        "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    add x3, x0, #\\n\n"
        "    dup v\\n\\().2d, x3\n"
        "    .endr\n"
        "1:  ldr x3, [x1]\n"
        "    add x3, x3, #1\n"
        "    str x3, [x1]\n"
        "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    add x3, x0, #\\n\n"
        "    mov x4, v\\n\\().d[1]\n"
        "    cmp x3, x4\n"
        "    b.ne 2f\n"
        "    .endr\n"
        "    mov x4, v0.d[0]\n"
        "    cmp x4, x0\n"
        "    b.ne 2f\n"
        "    mrs x4, fpcr\n"
        "    cmp x4, x5\n"
        "    b.ne 2f\n"
        "    ldr x3, [x2]\n"
        "    cbz x3, 1b\n"
        "    mov w0, #1\n"
        "    b 3f\n"
        "2:  mov w0, #0\n"
        "3:  msr fpcr, xzr\n"
        "    ldp d10, d11, [sp, #16]\n"
        "    ldp d12, d13, [sp, #32]\n"
        "    ldp d14, d15, [sp, #48]\n"
        "    ldp d8, d9, [sp], #64\n"
        "    ret\n");

static void *keeper(void *arg)
{
    uint64_t index = (uint64_t)arg;
    struct mach_tcb *tcb;
    long kept = keep_registers(index * 1000 + 7, &progress[index], &stop);

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(tcb));
    return (void *)(kept && tcb == mach_tcb() && tcb->self == tcb ? 1L : 0L);
}

TEST(vector_registers_survive_preemption)
{
    cthread_t threads[SPINNERS];
    int running = 0;

    stop = 0;
    for (uint64_t i = 0; i < SPINNERS; i++) {
        progress[i] = 0;
        threads[i] = cthread_fork(keeper, (void *)i);
        REQUIRE_TRUE(threads[i] != NULL);
    }
    for (int ms = 0; ms < WAIT_LIMIT_MS && running < SPINNERS; ms += 10) {
        sleep_ms(10);
        running = 0;
        for (int i = 0; i < SPINNERS; i++)
            running += progress[i] > 1000;
    }
    EXPECT_EQ(running, SPINNERS);
    sleep_ms(50);
    stop = 1;
    for (int i = 0; i < SPINNERS; i++)
        EXPECT_TRUE(cthread_join(threads[i]) == (void *)1);
}

/* Who wakes up has the processor at once, and need not wait for the end of a spinner's slice, which is 20 ms.
 * A busy host may make any sleep long, but no host makes them short. */
#define QUICK_MS 10

TEST(a_spinning_task_does_not_stop_others)
{
    uint64_t before, after, hz;
    struct child child[4];
    int quick = 0;

    stop = 0;
    for (int i = 0; i < 4; i++) {
        REQUIRE_KR(child_make(&child[i]), KERN_SUCCESS);
        REQUIRE_KR(child_run_raw(&child[i], (uint64_t)spinner, (uint64_t)&progress[0], 0),
                   KERN_SUCCESS);
    }
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    for (int i = 0; i < 400 && quick < 10; i++) {
        before = counter();
        sleep_ms(1);
        after = counter();
        quick += after - before < hz / 1000 * QUICK_MS;
    }
    EXPECT_EQ(quick, 10);
    for (int i = 0; i < 4; i++)
        child_end(&child[i]);
}

TEST_MAIN
