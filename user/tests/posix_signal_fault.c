/* Signals that are faults: what their handlers are told, the alternate stack, and threads that are sent them
 * and never come to take them. */
#include "signal_test.h"

#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/thread_act.h>
#include <ostia.h>
#include <servers/proc.h>

TEST_LIMIT(60);

/* ---- faults ---- */

TEST(a_bad_address_is_told)
{
    handle_by_jump(SIGSEGV, 0);
    for (volatile int i = 0; i < 50; i++) {
        if (sigsetjmp(jump, 1) == 0)
            *(volatile int *)(uintptr_t)(0x1230 + i * 8) = 1;
        EXPECT_EQ((long)told.si_addr, 0x1230 + i * 8);
    }
    EXPECT_EQ(count, 50);
    EXPECT_EQ(told.si_signo, SIGSEGV);
    EXPECT_EQ(told.si_code, SEGV_MAPERR);
    if (sigsetjmp(jump, 1) == 0)
        *(volatile char *)(uintptr_t)&jump_out = 1; /* text */
    EXPECT_EQ(told.si_code, SEGV_ACCERR);
    EXPECT_TRUE(told.si_addr == (void *)&jump_out);
}

TEST(an_instruction_that_is_none)
{
    handle_by_jump(SIGILL, 0);
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile(".word 0");
    EXPECT_EQ(last, SIGILL);
    EXPECT_EQ(told.si_code, ILL_ILLOPC);
}

TEST(a_breakpoint)
{
    handle_by_jump(SIGTRAP, 0);
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("brk #1");
    EXPECT_EQ(last, SIGTRAP);
    EXPECT_EQ(told.si_code, TRAP_BRKPT);
}

TEST(an_address_that_is_not_aligned)
{
    static uint64_t words[2];

    handle_by_jump(SIGBUS, 0);
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("ldxr x9, [%0]" : : "r"((char *)words + 1) : "x9", "memory");
    EXPECT_EQ(last, SIGBUS);
    EXPECT_EQ(told.si_code, BUS_ADRALN);
    EXPECT_TRUE(told.si_addr == (char *)words + 1);
}

static void step_over(int signal, siginfo_t *info, void *context)
{
    note(signal);
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
    ((ucontext_t *)context)->uc_mcontext.regs[10] = 77;
}

TEST(a_handler_may_go_on_elsewhere)
{
    struct sigaction action = {.sa_sigaction = step_over, .sa_flags = SA_SIGINFO};
    uint64_t x10;

    reset();
    sigaction(SIGTRAP, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    __asm__ volatile("mov x10, #1; brk #7; mov %0, x10" : "=r"(x10) : : "x10");
    EXPECT_EQ(x10, 77);
    __asm__ volatile("mov x9, #16; mov x10, #1; str x10, [x9]; mov %0, x10" : "=r"(x10) : : "x9", "x10");
    EXPECT_EQ(x10, 77);
    EXPECT_EQ(count, 2);
}

static volatile int *volatile nowhere = (volatile int *)8;

static int fault_blocked(void)
{
    sigset_t set = set_of(SIGSEGV, 0);

    handle(SIGSEGV, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *nowhere = 1;
    return 0;
}

static int fault_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    *nowhere = 1;
    return 0;
}

static void fault_again(int signal)
{
    *nowhere = 1;
}

static int fault_in_handler(void)
{
    handle(SIGSEGV, fault_again, 0);
    *nowhere = 1;
    return 0;
}

TEST(a_fault_that_cannot_be_handled_ends_the_process)
{
    EXPECT_EQ(WTERMSIG(run_child(fault_blocked)), SIGSEGV);
    EXPECT_EQ(WTERMSIG(run_child(fault_ignored)), SIGSEGV);
    EXPECT_EQ(WTERMSIG(run_child(fault_in_handler)), SIGSEGV);
}

static void exit_9(int signal)
{
    _exit(9);
}

static volatile int depth;

static int recurse(volatile char *above)
{
    volatile char here[4096];

    here[0] = *above;
    return depth == 12345 ? 0 : recurse(here) + here[1];
}

static int overflow(void)
{
    static char other[SIGSTKSZ];
    stack_t stack = {.ss_sp = other, .ss_size = sizeof other};

    sigaltstack(&stack, NULL);
    handle(SIGSEGV, exit_9, SA_ONSTACK);
    return recurse((char *)&stack);
}

static int overflow_without(void)
{
    handle(SIGSEGV, exit_9, 0);
    return recurse((char *)&depth);
}

TEST(a_stack_overflow_is_handled_on_the_alternate_stack)
{
    in_child(overflow, 9);
    EXPECT_EQ(WTERMSIG(run_child(overflow_without)), SIGSEGV);
}

/* ---- the alternate stack ---- */

static char alternate[SIGSTKSZ];
static volatile int on_alternate;

static void where(int signal)
{
    stack_t now;
    char here;

    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    sigaltstack(NULL, &now);
    EXPECT_EQ(now.ss_flags & SS_ONSTACK, on_alternate ? SS_ONSTACK : 0);
    if (on_alternate)
        EXPECT_ERRNO(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), EPERM);
    if (++count == 1)
        raise(SIGUSR2);
}

TEST(handlers_on_an_alternate_stack)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;

    reset();
    EXPECT_EQ(sigaltstack(&stack, &old), 0);
    EXPECT_EQ(old.ss_flags, SS_DISABLE);
    handle(SIGUSR1, where, 0);
    handle(SIGUSR2, where, 0);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(on_alternate, 0);
    EXPECT_EQ(count, 2);
    handle(SIGUSR1, where, SA_ONSTACK);
    handle(SIGUSR2, where, SA_ONSTACK);
    count = 0;
    kill(getpid(), SIGUSR1); /* and one more, on the same */
    EXPECT_EQ(on_alternate, 1);
    EXPECT_EQ(count, 2);
    EXPECT_EQ(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &old), 0);
    EXPECT_TRUE(old.ss_sp == alternate);
    raise(SIGUSR1);
    EXPECT_EQ(on_alternate, 0);
    EXPECT_ERRNO(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 100}, NULL), ENOMEM);
    EXPECT_ERRNO(sigaltstack(&(stack_t){.ss_flags = 99}, NULL), EINVAL);
}

/* ---- threads that never come to take theirs ---- */

enum { MANY_THREADS = 1000 };

/* Sends a signal to new threads that do not run, until the server has enough of them: as many. */
static int send_to_idlers(mach_port_t *threads)
{
    int n = 0;

    while (n < MANY_THREADS && thread_create(mach_task_self(), &threads[n]) == KERN_SUCCESS)
        if (proc_sigthread(getproc(), threads[n++], SIGUSR1) != KERN_SUCCESS)
            break;
    return n;
}

static void end_threads(mach_port_t *threads, int n)
{
    for (int i = 0; i < n; i++) {
        thread_terminate(threads[i]);
        mach_port_deallocate(mach_task_self(), threads[i]);
    }
}

static int many_idlers(void)
{
    static mach_port_t threads[MANY_THREADS];
    int first, second;

    handle(SIGUSR1, note, 0);
    first = send_to_idlers(threads);
    end_threads(threads, first);
    kill(getpid(), SIGUSR1);
    second = send_to_idlers(threads);
    end_threads(threads, second);
    return first < MANY_THREADS && first == second && count == 1 ? 7 : 1;
}

TEST(threads_on_errands_are_limited)
{
    reset();
    in_child(many_idlers, 7);
}

POSIX_TEST_MAIN
