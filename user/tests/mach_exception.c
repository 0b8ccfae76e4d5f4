/*
 * Mach by example, 18: exceptions. What a thread did wrong becomes a message to whoever answers for
 * it; the answer decides whether the thread goes on. And the two kinds of system call, which are
 * exceptions of another sort. Read mach/exception.h and mach/exc.defs beside it.
 */
#include "mach_exc.h"

#define KERNEL_ADDRESS 0xffff000040200000UL

static void read_word(uint64_t address)
{
    result = *(volatile uint64_t *)address;
    for (;;)
        sleep_ms(100000);
}

static void write_word(uint64_t address)
{
    *(volatile uint64_t *)address = 77;
    result = 77;
    for (;;)
        sleep_ms(100000);
}

static kern_return_t refuse(void)
{
    return KERN_FAILURE;
}

/* Makes, runs, and serves the first exception of a child. Its answer is on_exception's. */
static mach_msg_return_t first_exception(struct child *child, mach_port_t port,
                                         exception_behavior_t behavior,
                                         kern_return_t (*answer)(void), uint64_t pc, uint64_t x0)
{
    kern_return_t kr = child_make_watched(child, port, EXC_MASK_ALL, behavior);

    on_exception = answer;
    if (kr == KERN_SUCCESS)
        kr = child_run_raw(child, pc, x0, 0);
    return kr == KERN_SUCCESS ? serve_exception(port) : kr;
}

/* ---- faults ---- */

/* A fault is told with its address and reason, and with rights to the thread and its task. [KI
 * exception_raise] */
TEST(a_fault_names_its_cause_and_who)
{
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, refuse, (uint64_t)read_word,
                               BAD_ADDRESS), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.count, 1);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[0], KERN_INVALID_ADDRESS);
    EXPECT_EQ(caught.code[1], BAD_ADDRESS);
    EXPECT_EQ(caught.thread, child.thread);
    EXPECT_EQ(caught.task, child.task);
    EXPECT_TRUE(wait_until_dead(child.task)); /* nobody else was there to ask */
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* Memory that is there, but not for writing, is KERN_PROTECTION_FAILURE. [exception.h] */
TEST(protection_has_its_own_code)
{
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, refuse, (uint64_t)write_word,
                               (uint64_t)write_word & ~7UL), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[0], KERN_PROTECTION_FAILURE);
    EXPECT_EQ(caught.code[1], (uint64_t)write_word & ~7UL);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* Reading or jumping where no program may is the program's fault, and no harm to the kernel.
 * [exception.h] */
TEST(the_kernel_is_out_of_reach)
{
    static const uint64_t addresses[] = {KERNEL_ADDRESS, ~7UL, VM_MAX_ADDRESS, 1UL << 55, 8};
    mach_port_t port = new_port_send();

    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct child child;

        REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, refuse, (uint64_t)read_word,
                                   addresses[i]), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
        child_end(&child);
        REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, refuse, addresses[i] & ~7UL, 0),
                   MACH_MSG_SUCCESS); /* a jump there */
        EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

/* ---- repairs ---- */

static kern_return_t allocate_there(void)
{
    vm_address_t address = trunc_page(caught.code[1]);
    uint64_t word = 4711;
    kern_return_t kr = vm_allocate(caught.task, &address, PAGE_SIZE, FALSE);

    return kr == KERN_SUCCESS ? vm_write(caught.task, caught.code[1], (vm_offset_t)&word, sizeof word)
                              : kr;
}

/* A handler can make the memory that was missing; the thread goes on as if it had been there. [KI
 * exception_raise] */
TEST(repaired_by_allocating)
{
    mach_port_t port = new_port_send();
    struct child child;

    result = 0;
    REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, allocate_there, (uint64_t)read_word,
                               BAD_ADDRESS), MACH_MSG_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, 4711));
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* Loads x0 from [x0], adds one, stores it in result, and sleeps. */
void load_and_tell(void);
__asm__("    .text\n"
        "load_and_tell:\n"
        "    ldr x0, [x0]\n"
        ASM_TELL_AND_SLEEP);

/* Skips the load, with a value of our own. */
static kern_return_t skip_load(void)
{
    caught.state.pc += 4;
    caught.state.x[0] = 1000;
    return KERN_SUCCESS;
}

/* With EXCEPTION_STATE the handler gets the registers, and gives back what to go on with.
 * [exc.defs] */
TEST(repaired_by_the_state_in_the_reply)
{
    static const exception_behavior_t behaviors[] = {EXCEPTION_STATE, EXCEPTION_STATE_IDENTITY};
    mach_port_t port = new_port_send();

    for (int i = 0; i < 2; i++) {
        struct child child;

        result = 0;
        REQUIRE_KR(first_exception(&child, port, behaviors[i], skip_load, (uint64_t)load_and_tell,
                                   BAD_ADDRESS), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.state.pc, (uint64_t)load_and_tell + 4);
        EXPECT_EQ(caught.thread, i == 0 ? MACH_PORT_NULL : child.thread);
        EXPECT_TRUE(wait_for_peek(child.task, &result, 1001));
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

/* Makes a Mach trap that there is not, and tells the sum of x0 and x20. */
void trap_and_tell(void);
__asm__("    .text\n"
        "trap_and_tell:\n"
        "    mov x20, #1\n"
        "    mov x16, #-7\n"
        "    svc #0x80\n"
        "    add x0, x0, x20\n"
        "    adrp x1, result\n"
        "    str x0, [x1, :lo12:result]\n"
        "1:  mov x0, #0\n"
        "    mov x1, #2\n" /* SWITCH_OPTION_WAIT */
        "    mov x2, #10000\n"
        "    mov x16, #-61\n" /* thread_switch */
        "    svc #0x80\n"
        "    b 1b\n");

static kern_return_t serve_trap(void)
{
    caught.state.x[0] = 0x100000000;
    caught.state.x[20] = 4712;
    return KERN_SUCCESS;
}

/* Whatever the thread was doing, also a trap, and whether the handler waits for it or not, it goes on with
 * all the registers of the answer. [exc.defs] */
TEST(every_register_is_as_answered)
{
    mach_port_t port = new_port_send();

    for (int waits = 0; waits < 2; waits++) {
        struct child child;

        result = 0;
        REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
        on_exception = serve_trap;
        REQUIRE_KR(child_run_raw(&child, (uint64_t)trap_and_tell, 5, 0), KERN_SUCCESS);
        if (!waits)
            EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
        REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, EXC_SYSCALL);
        EXPECT_TRUE(wait_for_peek(child.task, &result, 0x100000000 + 4712));
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

static kern_return_t skip_load_by_set_state(void)
{
    arm_thread_state64_t state;
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;
    kern_return_t kr = thread_suspend(caught.thread);

    if (kr == KERN_SUCCESS)
        kr = thread_get_state(caught.thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count);
    if (kr != KERN_SUCCESS)
        return kr;
    state.pc += 4;
    state.x[0] = 2000;
    kr = thread_set_state(caught.thread, ARM_THREAD_STATE64, (thread_state_t)&state, count);
    return kr == KERN_SUCCESS ? thread_resume(caught.thread) : kr;
}

/* With EXCEPTION_DEFAULT it can read and set them by the thread's port. [KI thread_set_state] */
TEST(repaired_by_thread_set_state)
{
    mach_port_t port = new_port_send();
    struct child child;

    result = 0;
    REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, skip_load_by_set_state,
                               (uint64_t)load_and_tell, BAD_ADDRESS), MACH_MSG_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, 2001));
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* KERN_SUCCESS means: go on. If the cause is still there, it faults again. [KI exception_raise] */
TEST(an_answer_that_repairs_nothing_faults_again)
{
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, NULL, (uint64_t)read_word,
                               BAD_ADDRESS), MACH_MSG_SUCCESS);
    EXPECT_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.count, 2);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* ---- instructions ---- */

void do_undefined(void);
void do_breakpoint(void);
void do_privileged(void);
void do_other_svc(void);
void do_unaligned(void);
void do_unix_trap(void);
void do_mach_trap(void);
void do_pc_unaligned(void);
void do_hvc(void);
__asm__("    .text\n"
        "do_undefined:    .word 0\n"
        "do_breakpoint:   brk #7\n"
        "do_privileged:   msr ttbr0_el1, x0\n"
        "do_other_svc:    svc #0x1234\n"
        "do_unaligned:    sub x0, sp, #15\n    ldxr x1, [x0]\n"
        "do_unix_trap:    mov x8, #63\n    svc #0\n"
        "do_mach_trap:    mov x16, #-7\n    svc #0x80\n"
        "do_pc_unaligned: adr x0, do_undefined\n    add x0, x0, #2\n    br x0\n"
        "do_hvc:          hvc #0\n");

/* Each cause has its exception and code: undefined and privileged instructions, breakpoints,
 * misalignment, system calls that are none. [exception.h] */
TEST(each_cause_has_its_exception)
{
    static const struct {
        void (*code)(void);
        exception_type_t type;
        int64_t code0; /* -1: any */
    } causes[] = {
        {do_undefined, EXC_BAD_INSTRUCTION, EXC_ARM_UNDEFINED},
        {do_breakpoint, EXC_BREAKPOINT, EXC_ARM_BREAKPOINT},
        {do_privileged, EXC_BAD_INSTRUCTION, EXC_ARM_UNDEFINED},
        {do_other_svc, EXC_BAD_INSTRUCTION, EXC_ARM_UNDEFINED},
        {do_hvc, EXC_BAD_INSTRUCTION, -1},
        {do_unaligned, EXC_BAD_ACCESS, EXC_ARM_ALIGN},
        {do_pc_unaligned, EXC_BAD_ACCESS, EXC_ARM_ALIGN},
        {do_unix_trap, EXC_SYSCALL, 63},
        {do_mach_trap, EXC_SYSCALL, -7},
    };
    mach_port_t port = new_port_send();

    for (unsigned i = 0; i < sizeof causes / sizeof *causes; i++) {
        struct child child;

        REQUIRE_KR(first_exception(&child, port, EXCEPTION_DEFAULT, refuse, (uint64_t)causes[i].code,
                                   0), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, causes[i].type);
        if (causes[i].code0 != -1)
            EXPECT_EQ(caught.code[0], causes[i].code0);
        if (caught.type == EXC_SYSCALL)
            EXPECT_EQ(caught.code[1], causes[i].code == do_unix_trap);
        EXPECT_TRUE(wait_until_dead(child.task));
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

void step_me(void);
__asm__("    .text\n"
        "step_me: mov x0, #1\n"
        "    mov x0, #2\n"
        "    mov x0, #3\n"
        "    b .\n");

#define PSTATE_SS (1U << 21)

static kern_return_t keep_stepping(void)
{
    caught.state.cpsr |= PSTATE_SS;
    return KERN_SUCCESS;
}

/* A thread can be run instruction by instruction. [exception.h, Arm D2.12] */
TEST(single_step)
{
    arm_thread_state64_t state = {.pc = (uint64_t)step_me, .cpsr = PSTATE_SS};
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
    on_exception = keep_stepping;
    REQUIRE_KR(thread_create_running(child.task, ARM_THREAD_STATE64, (thread_state_t)&state,
                                     ARM_THREAD_STATE64_COUNT, &child.thread), KERN_SUCCESS);
    for (uint64_t i = 1; i <= 3; i++) {
        REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, EXC_BREAKPOINT);
        EXPECT_EQ(caught.code[0], EXC_ARM_SINGLESTEP);
        EXPECT_EQ(caught.code[1], (uint64_t)step_me + 4 * i);
        EXPECT_EQ(caught.state.x[0], i);
    }
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* ---- who is asked ---- */

/* If nobody answers for a thread, its task ends. [KI exception_raise] */
TEST(without_a_handler_the_task_ends)
{
    struct child child;

    REQUIRE_KR(child_make_watched(&child, MACH_PORT_NULL, EXC_MASK_ALL, EXCEPTION_DEFAULT),
               KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)read_word, BAD_ADDRESS, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
}

/* The thread's handler is asked first, the task's if that one fails. [KP, exceptions] */
TEST(the_threads_handler_comes_before_the_tasks)
{
    mach_port_t task_port = new_port_send(), thread_port = new_port_send(), got;
    exception_behavior_t behavior;
    thread_state_flavor_t flavor;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, task_port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    on_exception = refuse;
    REQUIRE_KR(child_thread_watched(&child, thread_port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT,
                                    (uint64_t)read_word, BAD_ADDRESS), KERN_SUCCESS);
    REQUIRE_KR(thread_get_exception_port(child.thread, EXC_BAD_ACCESS, &got, &behavior, &flavor),
               KERN_SUCCESS);
    EXPECT_EQ(got, thread_port);
    EXPECT_EQ(behavior, EXCEPTION_DEFAULT);
    mach_port_deallocate(SELF, got);
    REQUIRE_KR(thread_resume(child.thread), KERN_SUCCESS);
    EXPECT_KR(serve_exception(thread_port), MACH_MSG_SUCCESS); /* refuses */
    EXPECT_KR(serve_exception(task_port), MACH_MSG_SUCCESS);   /* is asked then, and refuses */
    EXPECT_EQ(caught.count, 2);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    mach_port_destroy(SELF, task_port);
    mach_port_destroy(SELF, thread_port);
}

/* A handler that destroys the request has refused. [exc.defs] */
TEST(a_handler_that_dies_is_no_handler)
{
    mach_port_t port = new_port_send();
    struct child child;
    struct {
        mach_msg_header_t header;
        char body[700];
    } m;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)read_word, BAD_ADDRESS, 0), KERN_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, WAIT_LIMIT_MS,
                        MACH_PORT_NULL), MACH_MSG_SUCCESS);
    mach_msg_destroy(&m.header); /* with the reply right: it will never be answered */
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* A thread or task can be terminated while a handler owes it an answer. [KI thread_terminate] */
TEST(a_thread_that_waits_for_an_answer_can_be_ended)
{
    mach_port_t port = new_port_send();

    for (int whole = 0; whole < 2; whole++) {
        struct child child;

        REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
        REQUIRE_KR(child_run_raw(&child, (uint64_t)read_word, BAD_ADDRESS, 0), KERN_SUCCESS);
        EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
        if (whole)
            EXPECT_KR(task_terminate(child.task), KERN_SUCCESS);
        else
            EXPECT_KR(thread_terminate(child.thread), KERN_SUCCESS);
        EXPECT_TRUE(wait_until_dead(child.thread));
        child_end(&child);
    }
    mach_port_destroy(SELF, port); /* with two requests in it */
}

/* thread_abort ends the wait for the answer; the thread then does again what it did. [KI
 * thread_abort] */
TEST(an_aborted_exception_faults_anew)
{
    mach_port_t port = new_port_send();
    struct child child;
    struct {
        mach_msg_header_t header;
        char body[700];
    } m;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)read_word, BAD_ADDRESS, 0), KERN_SUCCESS);
    for (int i = 0; i < 3; i++) {
        REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port,
                            WAIT_LIMIT_MS, MACH_PORT_NULL), MACH_MSG_SUCCESS);
        EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
        EXPECT_KR(thread_abort(child.thread), KERN_SUCCESS);
        if (i < 2)
            mach_msg_destroy(&m.header);
    }
    child_end(&child);
    mach_msg_destroy(&m.header);
    mach_port_destroy(SELF, port);
}

/* A task inherits the handlers of the one it was made of; a mask, behavior or flavor that is
 * none is refused. [OSF task_set_exception_ports] */
TEST(settings_are_checked_and_inherited)
{
    mach_port_t port = new_port_send(), got;
    exception_behavior_t behavior = 0;
    thread_state_flavor_t flavor = 0;
    struct child child, grandchild = {MACH_PORT_NULL, MACH_PORT_NULL};

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK(EXC_BREAKPOINT), EXCEPTION_STATE),
               KERN_SUCCESS);
    EXPECT_KR(task_set_exception_ports(child.task, 1U << 31, port, EXCEPTION_DEFAULT,
                                       ARM_THREAD_STATE64), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, port, 9, ARM_THREAD_STATE64),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, port, EXCEPTION_STATE, 77),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_get_exception_port(child.task, 99, &got, &behavior, &flavor),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_get_exception_port(child.task, -1, &got, &behavior, &flavor),
              KERN_INVALID_ARGUMENT);
    REQUIRE_KR(task_create(child.task, TRUE, &grandchild.task), KERN_SUCCESS);
    REQUIRE_KR(task_get_exception_port(grandchild.task, EXC_BREAKPOINT, &got, &behavior, &flavor),
               KERN_SUCCESS);
    EXPECT_EQ(got, port);
    EXPECT_EQ(behavior, EXCEPTION_STATE);
    EXPECT_EQ(flavor, ARM_THREAD_STATE64);
    mach_port_deallocate(SELF, got);
    child_end(&grandchild);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* ---- emulation: svc #0 goes to the task itself ---- */

void emulator(void);
void use_emulator(void);
__asm__("    .text\n"
        "emulator:\n" /* x16: where to return, x17: the flags */
        "    add x0, x8, x0\n"
        "    msr nzcv, x17\n"
        "    br x16\n"
        "use_emulator:\n"
        "    cmp xzr, xzr\n" /* Z */
        "    mov x8, #40\n"
        "    mov x0, #2\n"
        "    mov x9, #9\n"
        "    svc #0\n"
        "    b.ne 1f\n"
        "    cmp x9, #9\n"
        "    b.ne 1f\n"
        "    adrp x1, result\n"
        "    str x0, [x1, :lo12:result]\n"
        "1:  mov x0, #0\n"
        "    mov x1, #2\n"
        "    mov x2, #10000\n"
        "    mov x16, #-61\n"
        "    svc #0x80\n"
        "    b 1b\n");

/* svc #0 goes to the task's emulation entry, if it has one, with all but four registers kept. [KI
 * task_set_emulation; traps.h] */
TEST(a_unix_call_is_redirected)
{
    struct task_events_info events;
    mach_msg_type_number_t count = TASK_EVENTS_INFO_COUNT;
    struct child child;

    result = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_KR(task_set_emulation(child.task, KERNEL_ADDRESS), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_emulation(child.task, (uint64_t)emulator + 2), KERN_INVALID_ARGUMENT);
    REQUIRE_KR(task_set_emulation(child.task, (uint64_t)emulator), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)use_emulator, 0, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, 42));
    EXPECT_KR(task_info(child.task, TASK_EVENTS_INFO, (task_info_t)&events, &count), KERN_SUCCESS);
    EXPECT_EQ(events.syscalls_unix, 1);
    child_end(&child);
}

/* An entry that is not there is the task's fault. [KI task_set_emulation] */
TEST(an_unmapped_emulator_is_a_fault_of_the_task)
{
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    on_exception = refuse;
    REQUIRE_KR(task_set_emulation(child.task, BAD_ADDRESS), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)use_emulator, 0, 0), KERN_SUCCESS);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[1], BAD_ADDRESS);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* ---- answers that lie ---- */

static kern_return_t lie;

static kern_return_t tell_lie(void)
{
    return lie;
}

/* Codes that mean to the kernel that it could not send, and still holds the rights in the
 * message, are just a refusal if a handler returns them. [exception.c] */
TEST(a_handler_cannot_pretend_that_the_message_was_not_sent)
{
    static const kern_return_t lies[] = {MACH_SEND_INVALID_DEST, MACH_SEND_TIMED_OUT,
                                         MACH_SEND_NO_BUFFER | MACH_MSG_IPC_KERNEL,
                                         MACH_SEND_INTERRUPTED, MIG_ARRAY_TOO_LARGE};
    mach_port_t port = new_port_send();

    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct child child;

        lie = lies[i];
        REQUIRE_KR(first_exception(&child, port, i % 2 ? EXCEPTION_STATE_IDENTITY : EXCEPTION_DEFAULT,
                                   tell_lie, (uint64_t)read_word, BAD_ADDRESS), MACH_MSG_SUCCESS);
        EXPECT_TRUE(wait_until_dead(child.task)); /* nobody else answers for it */
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

TEST_MAIN
