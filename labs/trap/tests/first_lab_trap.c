/*
 * Lab trap, exercises 1 to 3: a trap of one's own, exceptions of programs, and text taken from a
 * program's memory. The programs that do wrong are tasks made here, which share this memory by copy.
 */
#include "mach_exc.h"

TEST_LIMIT(1);

#define KERNEL_ADDRESS 0xffff000040200000UL
#define UNMAPPED       0x666000000000UL

/* ---- 1: time ---- */

static uint64_t ticks(void)
{
    uint64_t now;

    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(now));
    return now;
}

static uint64_t frequency(void)
{
    uint64_t hz;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

TEST(timebase_is_a_fraction_in_lowest_terms)
{
    struct {
        uint32_t before;
        mach_timebase_info_data_t base;
        uint32_t after;
    } all = {.before = 0x11111111, .after = 0x22222222};

    REQUIRE_KR(mach_timebase_info(&all.base), KERN_SUCCESS);
    REQUIRE_TRUE(all.base.denom != 0);
    EXPECT_EQ(frequency() * all.base.numer, 1000000000UL * all.base.denom);
    for (uint32_t d = 2; d <= all.base.denom || d <= all.base.numer; d++)
        EXPECT_TRUE(all.base.numer % d != 0 || all.base.denom % d != 0);
    EXPECT_EQ(all.before, 0x11111111);
    EXPECT_EQ(all.after, 0x22222222);
}

TEST(timebase_goes_nowhere_but_to_the_user)
{
    EXPECT_KR(mach_timebase_info((void *)UNMAPPED), KERN_INVALID_ADDRESS);
    EXPECT_KR(mach_timebase_info((void *)KERNEL_ADDRESS), KERN_INVALID_ADDRESS);
    EXPECT_KR(mach_timebase_info((void *)~7UL), KERN_INVALID_ADDRESS);
    EXPECT_KR(mach_timebase_info((void *)(VM_MAX_ADDRESS - 4)), KERN_INVALID_ADDRESS);
    EXPECT_KR(mach_timebase_info(NULL), KERN_INVALID_ADDRESS);
    EXPECT_KR(mach_timebase_info((void *)ticks), KERN_INVALID_ADDRESS); /* text is not written */
}

TEST(sleep_for_a_while)
{
    time_value64_t woke = {-1, -1};
    uint64_t begin = ticks(), slept;

    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 20000000, &woke), KERN_SUCCESS);
    slept = ticks() - begin;
    EXPECT_TRUE(slept >= frequency() / 50);
    EXPECT_TRUE(slept < frequency() / 5);
    EXPECT_TRUE(woke.seconds >= 0 && woke.nanoseconds >= 0 && woke.nanoseconds < 1000000000);
    begin = ticks();
    woke.nanoseconds += 100000000;
    if (woke.nanoseconds >= 1000000000) {
        woke.nanoseconds -= 1000000000;
        woke.seconds++;
    }
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, woke.seconds, woke.nanoseconds, NULL), KERN_SUCCESS);
    slept = ticks() - begin;
    EXPECT_TRUE(slept > frequency() * 9 / 100 && slept < frequency() * 12 / 100);
}

TEST(sleep_refuses_what_is_no_time)
{
    time_value64_t woke;
    uint64_t begin = ticks();

    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1000000000, &woke), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, -1, 0, &woke), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(77, 0, 0, &woke), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1, (void *)KERNEL_ADDRESS), KERN_INVALID_ADDRESS);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1, (void *)UNMAPPED), KERN_INVALID_ADDRESS);
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, 0, 0, NULL), KERN_SUCCESS); /* that was long ago */
    EXPECT_TRUE(ticks() - begin < frequency());
}

static volatile kern_return_t slept_kr;
static time_value64_t slept_until;

static void *long_sleeper(void *arg)
{
    slept_until.seconds = -1;
    slept_kr = clock_sleep_trap(TIME_RELATIVE, 1000, 0, &slept_until);
    return NULL;
}

TEST(sleep_can_be_aborted)
{
    mach_port_t me = mach_thread_self();
    cthread_t thread = cthread_fork(long_sleeper, NULL);
    mach_msg_type_number_t count;
    thread_array_t threads;

    sleep_ms(20);
    REQUIRE_KR(task_threads(SELF, &threads, &count), KERN_SUCCESS);
    for (mach_msg_type_number_t i = 0; i < count; i++)
        if (threads[i] != me)
            thread_abort(threads[i]);
    cthread_join(thread);
    EXPECT_KR(slept_kr, KERN_ABORTED);
    EXPECT_TRUE(slept_until.seconds >= 0); /* it is told the time even so */
}

/* ---- 2: what a program did wrong ---- */

void do_undefined(void);
void do_other_svc(void);
void do_privileged(void);
void do_mach_trap(void);
void do_high_trap(void);
void do_mended_trap(void);
void do_steps(void);
void do_one_step(void);
__asm__("    .text\n"
        "    .balign 4\n"
        "do_undefined:    .word 0x00001234\n"
        "do_other_svc:    svc #0x1234\n"
        "do_privileged:   msr ttbr0_el1, x0\n"
        "do_mach_trap:    mov x16, #-7\n    svc #0x80\n"
        "    b .\n"
        "do_high_trap:    movn x16, #0xffff\n    svc #0x80\n"
        "    b .\n"
        "do_mended_trap:  mov x16, #-7\n    svc #0x80\n"
        "    mov x1, x0\n    .word 0\n"
        "do_one_step:     mov x0, #1\n    mov x0, #2\n    .word 0x00004321\n"
        "do_steps:        mov x0, #1\n    mov x0, #2\n    mov x0, #3\n    b .\n");

static kern_return_t refuse(void)
{
    return KERN_FAILURE;
}

/* The first exception of a child that runs pc. */
static mach_msg_return_t first_of(struct child *child, void (*pc)(void), mach_port_t port,
                                  exception_behavior_t behavior, kern_return_t (*answer)(void))
{
    kern_return_t kr = child_make_watched(child, port, EXC_MASK_ALL, behavior);

    on_exception = answer;
    if (kr == KERN_SUCCESS)
        kr = child_run_raw(child, (uint64_t)pc, 0, 0);
    return kr == KERN_SUCCESS ? serve_exception(port) : kr;
}

static mach_port_t watch_port(void)
{
    mach_port_t port = new_port();

    mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND);
    return port;
}

static void expect_exception(void (*code)(void), exception_type_t type, int64_t code0, int64_t code1)
{
    mach_port_t port = watch_port();
    struct child child;

    REQUIRE_KR(first_of(&child, code, port, EXCEPTION_DEFAULT, refuse), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, type);
    EXPECT_EQ(caught.code[0], code0);
    EXPECT_EQ(caught.code[1], code1);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    mach_port_destroy(SELF, port);
}

TEST(an_unknown_trap_is_an_exception)
{
    expect_exception(do_mach_trap, EXC_SYSCALL, -7, 0);
    expect_exception(do_high_trap, EXC_SYSCALL, -65536, 0);
}

static kern_return_t mend(void)
{
    if (caught.type != EXC_SYSCALL)
        return KERN_FAILURE;
    caught.state.x[0] = 4711; /* the handler has served it, and this is its result */
    return KERN_SUCCESS;
}

TEST(the_handler_gives_an_unknown_trap_its_result)
{
    mach_port_t port = watch_port();
    struct child child;

    REQUIRE_KR(first_of(&child, do_mended_trap, port, EXCEPTION_STATE, mend), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_SYSCALL);
    on_exception = refuse;
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_INSTRUCTION);
    EXPECT_EQ(caught.state.x[1], 4711);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

TEST(a_bad_instruction_is_told_as_it_is)
{
    expect_exception(do_undefined, EXC_BAD_INSTRUCTION, EXC_ARM_UNDEFINED, 0x00001234);
    expect_exception(do_privileged, EXC_BAD_INSTRUCTION, EXC_ARM_UNDEFINED, 0xd5182000);
}

static kern_return_t keep_stepping(void)
{
    caught.state.cpsr |= 1U << 21; /* SS */
    return KERN_SUCCESS;
}

TEST(each_step_is_told)
{
    arm_thread_state64_t state = {.pc = (uint64_t)do_steps, .cpsr = 1U << 21};
    mach_port_t port = watch_port();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
    on_exception = keep_stepping;
    REQUIRE_KR(thread_create_running(child.task, ARM_THREAD_STATE64, (thread_state_t)&state,
                                     ARM_THREAD_STATE64_COUNT, &child.thread), KERN_SUCCESS);
    for (uint64_t i = 1; i <= 3; i++) {
        REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, EXC_BREAKPOINT);
        EXPECT_EQ(caught.code[0], EXC_ARM_SINGLESTEP);
        EXPECT_EQ(caught.code[1], (uint64_t)do_steps + 4 * i);
        EXPECT_EQ(caught.state.x[0], i);
    }
    child_end(&child);
    mach_port_destroy(SELF, port);
}

static kern_return_t go_on(void)
{
    return caught.code[0] == EXC_ARM_SINGLESTEP ? KERN_SUCCESS : KERN_FAILURE;
}

/* The step is over when it was told: the handler sets no state, and the rest runs in one go. */
TEST(a_step_ends_with_its_exception)
{
    arm_thread_state64_t state = {.pc = (uint64_t)do_one_step, .cpsr = 1U << 21};
    mach_port_t port = watch_port();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    on_exception = go_on;
    REQUIRE_KR(thread_create_running(child.task, ARM_THREAD_STATE64, (thread_state_t)&state,
                                     ARM_THREAD_STATE64_COUNT, &child.thread), KERN_SUCCESS);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.code[0], EXC_ARM_SINGLESTEP);
    EXPECT_EQ(caught.code[1], (uint64_t)do_one_step + 4);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_INSTRUCTION);
    EXPECT_EQ(caught.code[1], 0x4321);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* All registers are given, x0 among them: the trap's own result does not overwrite it. */
TEST(a_thread_sets_its_own_state)
{
    register uint64_t x0 __asm__("x0");
    register uint64_t x1 __asm__("x1");
    register uint64_t x2 __asm__("x2");
    static arm_thread_state64_t state;
    uint64_t result;

    memset(&state, 0, sizeof(state));
    state.x[0] = 0x1234567890UL;
    __asm__ volatile("adr x9, 1f\n str x9, [%[pc]]\n mov x9, sp\n str x9, [%[sp]]\n"
                     "stp x29, x30, [%[fp]]\n"
                     :
                     : [pc] "r"(&state.pc), [sp] "r"(&state.sp), [fp] "r"(&state.x[29])
                     : "x9", "memory");
    x0 = ARM_THREAD_STATE64;
    x1 = (uint64_t)&state;
    x2 = ARM_THREAD_STATE64_COUNT;
    __asm__ volatile("mov x16, #-101\n svc #0x80\n1:\n"
                     : "+r"(x0), "+r"(x1), "+r"(x2)
                     :
                     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
                       "x23", "x24", "x25", "x26", "x27", "x28",
                       "memory", "cc");
    result = x0;
    EXPECT_EQ(result, 0x1234567890UL);
    EXPECT_KR(thread_set_self_state(ARM_THREAD_STATE64, (void *)UNMAPPED, ARM_THREAD_STATE64_COUNT),
              KERN_INVALID_ADDRESS);
    EXPECT_TRUE(thread_set_self_state(99, &state, 4) != KERN_SUCCESS);
}

/* ---- 3: text from a program's memory ---- */

TEST(good_text_is_printed)
{
    static const char line[] = "lab trap: a line of text\n";

    EXPECT_KR(debug_print(line, sizeof(line) - 1), KERN_SUCCESS);
    EXPECT_KR(debug_print(line, 0), KERN_SUCCESS);
    EXPECT_KR(debug_print((void *)UNMAPPED, 0), KERN_SUCCESS);
}

TEST(bad_text_is_an_error)
{
    EXPECT_KR(debug_print((void *)UNMAPPED, 10), KERN_INVALID_ADDRESS);
    EXPECT_KR(debug_print((void *)KERNEL_ADDRESS, 10), KERN_INVALID_ADDRESS);
    EXPECT_KR(debug_print((void *)(VM_MAX_ADDRESS - 1), 10), KERN_INVALID_ADDRESS);
    EXPECT_KR(debug_print((void *)~3UL, 10), KERN_INVALID_ADDRESS);
    EXPECT_KR(debug_print(NULL, 1), KERN_INVALID_ADDRESS);
}

/* The second page is not there: the error comes, and nothing of the kernel's stops. */
TEST(text_that_ends_in_a_hole_is_an_error)
{
    vm_address_t pages = 0;

    REQUIRE_KR(vm_allocate(SELF, &pages, 2 * 4096, TRUE), KERN_SUCCESS);
    memset((void *)pages, '.', 4096);
    REQUIRE_KR(vm_deallocate(SELF, pages + 4096, 4096), KERN_SUCCESS);
    EXPECT_KR(debug_print((void *)(pages + 4096 - 3), 7), KERN_INVALID_ADDRESS);
    EXPECT_KR(debug_print((void *)(pages + 4096 - 4), 4), KERN_SUCCESS);
    EXPECT_KR(debug_print((void *)(pages + 4096 - 600), 601), KERN_INVALID_ADDRESS);
    vm_deallocate(SELF, pages, 4096);
}

/* Every instruction that copyin and copyout touch the user with has its entry, first and last too. */
TEST(every_access_has_its_fix_up)
{
    vm_address_t pages = 0;
    char *end;

    REQUIRE_KR(vm_allocate(SELF, &pages, 2 * 4096, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_deallocate(SELF, pages + 4096, 4096), KERN_SUCCESS);
    end = (char *)pages + 4096;
    memset((void *)pages, '-', 4096);
    for (unsigned in = 0; in <= 80; in++)
        for (unsigned out = 1; out <= 80; out += in < 4 ? 1 : 13) {
            mach_msg_header_t *m = (void *)(end - in); /* copyin of `in` bytes and a hole */

            if (in + out < sizeof(*m))
                continue;
            EXPECT_KR(mach_msg(m, MACH_SEND_MSG, in + out, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
                      MACH_SEND_INVALID_DATA);
        }
    for (unsigned room = 0; room < 8; room++) /* copyout of 8 bytes into room */
        EXPECT_KR(mach_timebase_info((void *)(end - room)), KERN_INVALID_ADDRESS);
    vm_deallocate(SELF, pages, 4096);
}

TEST_MAIN
