/* Signals: actions, masks, handlers and what they are told, waiting for them, and jumps out of them. */
#include "posix_test.h"

#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <servers/proc.h>
#include <setjmp.h>
#include <sys/time.h>
#include <time.h>

TEST_LIMIT(60);

static volatile sig_atomic_t count, last, order[8];
static volatile siginfo_t told;

static void note(int signal)
{
    if (count < 8)
        order[count] = signal;
    count++;
    last = signal;
}

static void note_info(int signal, siginfo_t *info, void *context)
{
    note(signal);
    told = *info;
}

/* A handler; the old action is not wanted. */
static void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    EXPECT_EQ(sigaction(signal, &action, NULL), 0);
}

static void handle_info(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | flags};

    EXPECT_EQ(sigaction(signal, &action, NULL), 0);
}

static sigset_t set_of(int a, int b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, a);
    if (b != 0)
        sigaddset(&set, b);
    return set;
}

static void handle_all(void (*handler)(int))
{
    for (int signal = 1; signal < NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            handle(signal, handler, 0);
}

/* As before the case: nothing pending, nothing blocked, no handlers that a case made. */
static void reset(void)
{
    sigset_t none;

    handle_all(SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    handle_all(SIG_DFL);
    count = last = 0;
}

/* Does what it takes in a child, and expects that status of exit. */
static void in_child(int (*function)(void), int expected)
{
    int status = run_child(function);

    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), expected);
}

/* ---- actions ---- */

TEST(a_handler_runs_before_kill_returns)
{
    reset();
    handle(SIGUSR1, note, 0);
    EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(last, SIGUSR1);
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT_EQ(count, 2);
}

TEST(a_hundred_signals_are_a_hundred_calls)
{
    reset();
    handle(SIGUSR1, note, 0);
    for (int i = 0; i < 100; i++)
        kill(getpid(), SIGUSR1);
    EXPECT_EQ(count, 100);
}

TEST(sigaction_tells_what_was)
{
    struct sigaction old;

    reset();
    handle(SIGUSR2, note, SA_RESTART);
    EXPECT_EQ(sigaction(SIGUSR2, NULL, &old), 0);
    EXPECT_TRUE(old.sa_handler == note);
    EXPECT_EQ(old.sa_flags, SA_RESTART);
    EXPECT_TRUE(signal(SIGUSR2, SIG_IGN) == note);
    EXPECT_TRUE(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
    EXPECT_TRUE(signal(SIGUSR2, SIG_DFL) == SIG_DFL);
}

TEST(sigaction_refuses_what_cannot_be)
{
    struct sigaction action = {.sa_handler = note};

    EXPECT_ERRNO(sigaction(0, &action, NULL), EINVAL);
    EXPECT_ERRNO(sigaction(NSIG, &action, NULL), EINVAL);
    EXPECT_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
    EXPECT_ERRNO(sigaction(SIGSTOP, &action, NULL), EINVAL);
    EXPECT_EQ(sigaction(SIGKILL, NULL, &action), 0);
    EXPECT_ERRNO(kill(getpid(), -1), EINVAL);
    EXPECT_ERRNO(kill(getpid(), NSIG), EINVAL);
}

TEST(reset_hand_is_for_one_time)
{
    struct sigaction now;

    reset();
    handle(SIGCHLD, note, SA_RESETHAND);
    raise(SIGCHLD);
    raise(SIGCHLD);
    EXPECT_EQ(count, 1);
    sigaction(SIGCHLD, NULL, &now);
    EXPECT_TRUE(now.sa_handler == SIG_DFL);
}

static volatile int depth, deepest;

static void nest(int signal)
{
    if (++depth > deepest)
        deepest = depth;
    if (++count < 3)
        kill(getpid(), signal);
    depth--;
}

TEST(a_signal_is_blocked_in_its_handler)
{
    reset();
    deepest = 0;
    handle(SIGUSR1, nest, 0);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(count, 3);
    EXPECT_EQ(deepest, 1);
}

TEST(unless_it_asks_not_to_be)
{
    reset();
    deepest = 0;
    handle(SIGUSR1, nest, SA_NODEFER);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(count, 3);
    EXPECT_EQ(deepest, 3);
}

static void send_other(int signal)
{
    note(signal);
    if (signal == SIGUSR1) {
        kill(getpid(), SIGUSR2);
        note(0);
    }
}

TEST(sa_mask_blocks_others_meanwhile)
{
    struct sigaction action = {.sa_handler = send_other, .sa_mask = set_of(SIGUSR2, 0)};

    reset();
    sigaction(SIGUSR1, &action, NULL);
    handle(SIGUSR2, note, 0);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(count, 3);
    EXPECT_EQ(order[0], SIGUSR1);
    EXPECT_EQ(order[1], 0);
    EXPECT_EQ(order[2], SIGUSR2);
    reset();
    handle(SIGUSR1, send_other, 0);
    handle(SIGUSR2, note, 0);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(order[1], SIGUSR2);
    EXPECT_EQ(order[2], 0);
}

/* ---- masks, pending ---- */

TEST(a_blocked_signal_is_pending_until_it_is_not_blocked)
{
    sigset_t set = set_of(SIGUSR1, 0), old, pending;

    reset();
    handle(SIGUSR1, note, 0);
    EXPECT_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
    EXPECT_EQ(sigismember(&old, SIGUSR1), 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGUSR1), 1);
    EXPECT_EQ(sigismember(&pending, SIGUSR2), 0);
    EXPECT_EQ(sigprocmask(SIG_UNBLOCK, &set, &old), 0);
    EXPECT_EQ(sigismember(&old, SIGUSR1), 1);
    EXPECT_EQ(count, 1); /* an ordinary one is pending once */
    EXPECT_EQ(sigpending(&pending), 0);
    EXPECT_EQ(pending, 0);
}

TEST(sigprocmask_refuses_nonsense_and_kill_cannot_be_blocked)
{
    sigset_t all, now;

    reset();
    sigfillset(&all);
    EXPECT_ERRNO(sigprocmask(99, &all, NULL), EINVAL);
    EXPECT_EQ(pthread_sigmask(99, &all, NULL), EINVAL);
    EXPECT_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
    EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    EXPECT_EQ(sigismember(&now, SIGTERM), 1);
    EXPECT_EQ(sigismember(&now, SIGKILL), 0);
    EXPECT_EQ(sigismember(&now, SIGSTOP), 0);
    reset();
}

static int block_term_and_die(void)
{
    sigset_t set = set_of(SIGTERM, 0);

    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 1;
}

static int block_term_and_ignore(void)
{
    sigset_t set = set_of(SIGTERM, 0);

    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    signal(SIGTERM, SIG_IGN); /* what is pending goes */
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 3;
}

TEST(the_default_waits_until_it_is_not_blocked)
{
    EXPECT_EQ(WTERMSIG(run_child(block_term_and_die)), SIGTERM);
    in_child(block_term_and_ignore, 3);
}

TEST(real_time_signals_queue_in_order_with_their_values)
{
    sigset_t set = set_of(SIGRTMIN, SIGRTMIN + 1);
    siginfo_t info;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 100 + i}), 0);
        EXPECT_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
    }
    for (int i = 0; i < 10; i++) {
        EXPECT_EQ(sigwaitinfo(&set, &info), i < 5 ? SIGRTMIN : SIGRTMIN + 1);
        EXPECT_EQ(info.si_value.sival_int, i < 5 ? i : 95 + i);
        EXPECT_EQ(info.si_code, SI_QUEUE);
        EXPECT_EQ(info.si_pid, getpid());
    }
    reset();
}

TEST(real_time_handlers_run_lowest_first)
{
    sigset_t set;

    reset();
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++)
        handle_info(SIGRTMIN + i, 0);
    for (int i = 2; i >= 0; i--) {
        sigqueue(getpid(), SIGRTMIN + i, (union sigval){.sival_int = i});
        sigqueue(getpid(), SIGRTMIN + i, (union sigval){.sival_int = i});
    }
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    EXPECT_EQ(count, 6);
    for (int i = 0; i < 6; i++)
        EXPECT_EQ(order[i], SIGRTMIN + i / 2);
    EXPECT_EQ(told.si_value.sival_int, 2);
    reset();
}

TEST(the_queue_has_an_end)
{
    sigset_t set = set_of(SIGRTMAX, 0), term = set_of(SIGTERM, 0);
    int sent = 0, taken = 0;
    struct timespec now = {0, 0};

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    while (sent < 10000 && sigqueue(getpid(), SIGRTMAX, (union sigval){.sival_int = sent}) == 0)
        sent++;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_TRUE(sent >= 32 && sent < 10000); /* _POSIX_SIGQUEUE_MAX */
    sigprocmask(SIG_BLOCK, &term, NULL);
    EXPECT_EQ(kill(getpid(), SIGTERM), 0); /* has a place of its own */
    EXPECT_EQ(sigtimedwait(&term, NULL, &now), SIGTERM);
    while (sigtimedwait(&set, NULL, &now) == SIGRTMAX)
        taken++;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(taken, sent);
    reset();
}

/* ---- what a handler is told ---- */

TEST(siginfo_of_kill)
{
    reset();
    handle_info(SIGUSR1, 0);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(told.si_signo, SIGUSR1);
    EXPECT_EQ(told.si_code, SI_USER);
    EXPECT_EQ(told.si_pid, getpid());
    EXPECT_EQ(told.si_uid, 0);
}

static void change_context(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    uc->uc_mcontext.regs[19] ^= 0xff;
    uc->uc_mcontext.fpcr ^= 0; /* may be looked at */
    sigaddset(&uc->uc_sigmask, SIGUSR2); /* stays */
}

TEST(a_handler_may_change_the_mask_it_returns_to)
{
    struct sigaction action = {.sa_sigaction = change_context, .sa_flags = SA_SIGINFO};
    sigset_t now;

    reset();
    sigaction(SIGUSR1, &action, NULL);
    {
        register uint64_t x19 __asm__("x19") = 0x1234;

        __asm__ volatile("" : "+r"(x19));
        kill(getpid(), SIGUSR1);
        __asm__ volatile("" : "+r"(x19));
    }
    sigprocmask(SIG_BLOCK, NULL, &now);
    EXPECT_EQ(sigismember(&now, SIGUSR2), 1);
    reset();
}

/* A child that signals its parent again and again, while that computes: nothing it computes with is lost. */
static void clobber(int signal)
{
    count++;
    __asm__ volatile("movi v0.16b, #0xff; movi v8.16b, #0xff; movi v31.16b, #0xff; msr nzcv, xzr;"
                     "mov x9, #-1; mov x19, x9; mov x28, x9; mov x17, x9"
                     : : : "v0", "v8", "v31", "x9", "x19", "x28", "x17", "cc");
}

static int pester(void)
{
    for (int i = 0; i < 100; i++) {
        kill(getppid(), SIGUSR1);
        for (volatile int j = 0; j < i * 7 % 100; j++)
            ;
    }
    return 0;
}

TEST(all_registers_survive_a_handler_at_any_place)
{
    pid_t pid;
    int status, wrong = 0;
    uint64_t rounds = 0;

    reset();
    handle(SIGUSR1, clobber, SA_RESTART);
    pid = fork();
    if (pid == 0)
        _exit(pester());
    do {
        uint64_t result, flags;

        __asm__ volatile("mov x9, #1; mov x10, #2; mov x17, #3; mov x28, #4; fmov d0, #1.0; fmov d31, #2.0;"
                         "fmov d8, #4.0; mov w11, #2000; cmp x9, x10;"
                         "1: sub w11, w11, #1; cbnz w11, 1b;"
                         "mrs %1, nzcv; add x9, x9, x10; add x9, x9, x17; add x9, x9, x28;"
                         "fadd d0, d0, d31; fadd d0, d0, d8; fcvtzs x10, d0; add %0, x9, x10"
                         : "=r"(result), "=r"(flags) : : "x9", "x10", "x11", "x17", "x28", "v0", "v31",
                           "v8", "cc");
        wrong += result != 17 || flags != 0x80000000;
        rounds++;
    } while (waitpid(pid, &status, WNOHANG) == 0);
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(count > 0);
    EXPECT_EQ(status, 0);
    reset();
}

/* ---- faults ---- */

static sigjmp_buf jump;

static void jump_out(int signal, siginfo_t *info, void *context)
{
    note_info(signal, info, context);
    siglongjmp(jump, 1);
}

static void handle_by_jump(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = jump_out, .sa_flags = SA_SIGINFO | flags};

    reset();
    sigaction(signal, &action, NULL);
}

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

/* ---- calls that are interrupted ---- */

/* A child that sends signal to us, when it sees that we wait: by time, so more often than once; then
 * does what is to be done. */
static pid_t interrupter(int signal, int times, void (*then)(void))
{
    pid_t pid = fork(), parent = getppid();

    if (pid != 0)
        return pid;
    parent = getppid();
    for (int i = 0; i < times; i++) {
        usleep(20000);
        kill(parent, signal);
    }
    usleep(20000);
    if (then != NULL)
        then();
    _exit(0);
}

static int fds[2];

static void write_x(void)
{
    (void)!write(fds[1], "x", 1);
}

TEST(a_read_is_interrupted)
{
    char c;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, 0);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(read(fds[0], &c, 1), EINTR);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(write(fds[1], "y", 1), 1);
    EXPECT_EQ(read(fds[0], &c, 1), 1); /* what it left is not lost */
    EXPECT_EQ(c, 'y');
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_read_is_restarted)
{
    char c = 0;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 3, write_x);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(c, 'x');
    EXPECT_EQ(count, 3);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_read_does_not_notice_what_has_no_handler)
{
    sigset_t set = set_of(SIGUSR1, 0);
    char c = 0;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = interrupter(SIGUSR1, 3, write_x);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
    close(fds[0]);
    close(fds[1]);
}

static void drain(void)
{
    static char buffer[65536];

    close(fds[1]);
    while (read(fds[0], buffer, sizeof buffer) > 0)
        ;
}

TEST(a_write_tells_how_much_it_has_done)
{
    static char buffer[65536];
    ssize_t n;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, 0);
    pid = interrupter(SIGUSR1, 1, drain);
    n = write(fds[1], buffer, sizeof buffer);
    EXPECT_EQ(count, 1);
    EXPECT_TRUE(n > 0 && n < (ssize_t)sizeof buffer);
    close(fds[1]);
    close(fds[0]);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(a_restarted_write_loses_nothing)
{
    static char buffer[65536];
    pid_t pid;
    int status;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 3, drain);
    EXPECT_EQ(write(fds[1], buffer, sizeof buffer), sizeof buffer);
    close(fds[1]);
    close(fds[0]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(count, 3);
}

TEST(wait_is_interrupted_and_restarted)
{
    int status;
    pid_t pid;

    reset();
    handle(SIGUSR1, note, 0);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(waitpid(pid, &status, 0), EINTR);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 2, NULL);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(count, 3);
}

TEST(sleep_is_interrupted_and_tells_the_rest)
{
    struct timespec time = {100, 0}, left = {0, 0};
    pid_t pid;

    reset();
    handle(SIGUSR1, note, SA_RESTART); /* (it does not matter) */
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(nanosleep(&time, &left), EINTR);
    EXPECT_TRUE(left.tv_sec >= 90 && left.tv_sec < 100);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_TRUE(sleep(100) > 90);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    EXPECT_EQ(count, 2);
}

TEST(sleep_does_not_notice_what_has_no_handler)
{
    struct timespec before, after;
    sigset_t set = set_of(SIGUSR1, 0);
    pid_t pid;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = interrupter(SIGUSR1, 3, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_EQ(usleep(200000), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 200000000);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    handle(SIGUSR1, SIG_IGN, 0);
    reset();
}

/* Every kind of call, under fire: each must do what it says, whatever it is interrupted by. */
TEST(a_storm_of_signals_loses_no_reply)
{
    enum { FIRE = 100 };
    char text[32];
    pid_t pid, parent = getpid();
    int status, i = 0;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    pid = fork();
    if (pid == 0) {
        for (int j = 0; j < FIRE; j++) {
            kill(parent, SIGUSR1);
            for (volatile int k = 0; k < j % 50 * 20; k++)
                ;
        }
        _exit(0);
    }
    do {
        int p[2];

        snprintf(text, sizeof text, "round %d", ++i);
        REQUIRE_EQ(make_file("storm", text), 0);
        {
            char back[32];

            EXPECT_STREQ(file_text("storm", back, sizeof back), text);
            REQUIRE_EQ(pipe(p), 0);
            EXPECT_EQ(write(p[1], text, sizeof text), sizeof text);
            EXPECT_EQ(read(p[0], back, sizeof back), sizeof back);
            EXPECT_STREQ(back, text);
            close(p[0]);
            close(p[1]);
        }
        EXPECT_EQ(getppid() >= 0, 1);
    } while (waitpid(pid, &status, WNOHANG) == 0);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(count > 0);
    unlink("storm");
    reset();
}

TEST(fork_under_fire)
{
    pid_t pid, parent = getpid();
    int status;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    pid = fork();
    if (pid == 0) {
        for (int j = 0; j < 60; j++) {
            kill(parent, SIGUSR1);
            for (volatile int k = 0; k < j % 50 * 30; k++)
                ;
        }
        _exit(0);
    }
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();

        if (child == 0) {
            kill(getpid(), SIGUSR1);
            _exit(i);
        }
        REQUIRE_TRUE(child > 0);
        if (waitpid(child, &status, 0) != child)
            FAIL("errno %d", errno);
        EXPECT_EQ(status, i << 8);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    reset();
}

/* ---- waiting for signals ---- */

TEST(sigsuspend_waits_with_another_mask)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), mask, now;
    pid_t pid;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    handle(SIGUSR2, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    mask = set_of(SIGUSR2, 0);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(sigsuspend(&mask), EINTR);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(last, SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    EXPECT_EQ(now, set);
    sigemptyset(&mask);
    EXPECT_ERRNO(sigsuspend(&mask), EINTR); /* it is pending: no wait */
    EXPECT_EQ(last, SIGUSR2);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(sigsuspend_never_misses_one)
{
    sigset_t set = set_of(SIGUSR1, 0), none;
    pid_t pid, parent = getpid();
    int status;

    reset();
    sigemptyset(&none);
    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = fork();
    if (pid == 0) {
        handle(SIGUSR1, note, 0);
        for (int i = 0; i < 60; i++) {
            kill(parent, SIGUSR1);
            while (count <= i)
                sigsuspend(&none);
        }
        _exit(count == 60 ? 0 : 1);
    }
    for (int i = 0; i < 60; i++) {
        while (count <= i)
            sigsuspend(&none);
        kill(pid, SIGUSR1);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    reset();
}

TEST(pause_returns_after_a_handler)
{
    pid_t pid;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(pause(), EINTR);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(sigwait_takes_without_a_handler)
{
    sigset_t set = set_of(SIGUSR1, SIGTERM);
    int taken = 0;
    pid_t pid;

    reset();
    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    EXPECT_EQ(sigwait(&set, &taken), 0);
    EXPECT_EQ(taken, SIGTERM);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_EQ(sigwait(&set, &taken), 0);
    EXPECT_EQ(taken, SIGUSR1);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(sigwait_takes_what_does_nothing_by_default)
{
    sigset_t set = set_of(SIGCHLD, SIGWINCH);
    siginfo_t info;
    pid_t pid;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = fork();
    if (pid == 0)
        _exit(5);
    EXPECT_EQ(sigwaitinfo(&set, &info), SIGCHLD);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(info.si_status, 5);
    EXPECT_EQ(info.si_code, CLD_EXITED);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(sigtimedwait_gives_up)
{
    sigset_t set = set_of(SIGUSR1, 0);
    struct timespec time = {0, 30000000}, before, after;
    pid_t pid;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_ERRNO(sigtimedwait(&set, NULL, &time), EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 30000000);
    time.tv_nsec = 1000000000;
    EXPECT_ERRNO(sigtimedwait(&set, NULL, &time), EINVAL);
    time = (struct timespec){100, 0};
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_EQ(sigtimedwait(&set, NULL, &time), SIGUSR1);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    handle(SIGUSR2, note, SA_RESTART);
    pid = interrupter(SIGUSR2, 1, NULL);
    EXPECT_ERRNO(sigtimedwait(&set, NULL, &time), EINTR); /* by another one's handler */
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(a_signal_is_not_lost_on_who_has_left_sigwait)
{
    sigset_t set = set_of(SIGUSR1, 0);
    struct timespec now = {0, 0};
    int taken;
    pid_t pid;

    handle_by_jump(SIGUSR2, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = interrupter(SIGUSR2, 1, NULL);
    if (sigsetjmp(jump, 1) == 0)
        sigwait(&set, &taken);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(sigtimedwait(&set, NULL, &now), SIGUSR1);
    reset();
}

/* ---- timers ---- */

TEST(alarm_comes_once)
{
    reset();
    handle(SIGALRM, note, 0);
    EXPECT_EQ(alarm(1), 0);
    EXPECT_ERRNO(pause(), EINTR);
    EXPECT_EQ(last, SIGALRM);
    EXPECT_EQ(alarm(100), 0);
    EXPECT_TRUE(alarm(0) >= 99);
    EXPECT_EQ(alarm(0), 0);
    EXPECT_EQ(count, 1);
}

TEST(an_interval_timer_goes_on)
{
    struct itimerval timer = {{0, 10000}, {0, 20000}}, old;

    reset();
    handle(SIGALRM, note, 0);
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
    while (count < 5)
        pause();
    EXPECT_EQ(getitimer(ITIMER_REAL, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 10000);
    EXPECT_TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 10000);
    timer = (struct itimerval){{0, 0}, {0, 0}};
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 10000);
    timer.it_value.tv_usec = 1000000;
    EXPECT_ERRNO(setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
    EXPECT_ERRNO(setitimer(7, &(struct itimerval){{0, 0}, {0, 0}}, NULL), EINVAL);
}

TEST(a_short_interval_is_made_longer)
{
    struct itimerval timer = {{0, 1}, {0, 1}}, old;
    struct timespec before, after;

    reset();
    handle(SIGALRM, note, SA_RESTART);
    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
    while (count < 5)
        pause();
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 4000000);
    EXPECT_EQ(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 1000);
    timer.it_value.tv_sec = 1000;
    EXPECT_EQ(setitimer(ITIMER_PROF, &timer, NULL), 0);
    EXPECT_EQ(setitimer(ITIMER_PROF, &(struct itimerval){{0, 0}, {0, 0}}, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 10000);
    reset();
}

TEST(a_timer_of_the_time_used)
{
    struct itimerval timer = {{0, 0}, {0, 30000}};
    struct timespec before, after;

    reset();
    handle(SIGVTALRM, note, 0);
    EXPECT_EQ(setitimer(ITIMER_VIRTUAL, &timer, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    usleep(60000); /* does not count */
    EXPECT_EQ(count, 0);
    while (count == 0)
        ;
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 85000000);
    handle(SIGPROF, note, 0);
    EXPECT_EQ(setitimer(ITIMER_PROF, &timer, NULL), 0);
    while (last != SIGPROF)
        ;
    reset();
}

static int die_of_alarm(void)
{
    struct itimerval timer = {{0, 0}, {0, 5000}};

    setitimer(ITIMER_REAL, &timer, NULL);
    while (pause() < 0)
        ;
    return 0;
}

static int alarm_is_gone_in_a_child(void)
{
    return getitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}) == 0 && alarm(0) == 0 ? 4 : 1;
}

TEST(alarms_by_default_and_over_fork)
{
    EXPECT_EQ(WTERMSIG(run_child(die_of_alarm)), SIGALRM);
    reset();
    alarm(100);
    in_child(alarm_is_gone_in_a_child, 4);
    EXPECT_TRUE(alarm(0) > 0);
}

/* ---- jumps, sets, abort, SIGPIPE ---- */

TEST(siglongjmp_restores_the_mask)
{
    sigset_t now;

    handle_by_jump(SIGUSR1, 0);
    for (volatile int i = 0; i < 100; i++)
        if (sigsetjmp(jump, 1) == 0)
            kill(getpid(), SIGUSR1);
    EXPECT_EQ(count, 100);
    sigprocmask(SIG_BLOCK, NULL, &now);
    EXPECT_EQ(now, 0);
    if (sigsetjmp(jump, 0) == 0)
        kill(getpid(), SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    EXPECT_EQ(sigismember(&now, SIGUSR1), 1); /* not saved: still as in the handler */
    reset();
}

static size_t names_held(void)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t count_names = 0, count_types = 0;

    if (mach_port_names(mach_task_self(), &names, &count_names, &types, &count_types) != KERN_SUCCESS)
        return 0;
    vm_deallocate(mach_task_self(), (vm_address_t)names, count_names * sizeof *names);
    vm_deallocate(mach_task_self(), (vm_address_t)types, count_types * sizeof *types);
    return count_names;
}

TEST(a_jump_out_of_a_read_gives_it_up)
{
    volatile size_t before = 0;
    char c;

    handle_by_jump(SIGALRM, SA_RESTART);
    REQUIRE_EQ(pipe(fds), 0);
    for (volatile int i = 0; i < 10; i++) {
        struct itimerval timer = {{0, 0}, {0, 5000}};

        if (i == 2)
            before = names_held();
        if (sigsetjmp(jump, 1) == 0) {
            setitimer(ITIMER_REAL, &timer, NULL);
            (void)!read(fds[0], &c, 1);
            FAIL("it read");
        }
        EXPECT_EQ(write(fds[1], "z", 1), 1);
        EXPECT_EQ(read(fds[0], &c, 1), 1); /* not taken by the one that was left */
        EXPECT_EQ(c, 'z');
    }
    EXPECT_EQ(names_held(), before);
    close(fds[0]);
    close(fds[1]);
    reset();
}

TEST(sets)
{
    sigset_t set;

    EXPECT_EQ(sigemptyset(&set), 0);
    EXPECT_EQ(sigismember(&set, SIGHUP), 0);
    EXPECT_EQ(sigaddset(&set, SIGHUP), 0);
    EXPECT_EQ(sigaddset(&set, SIGRTMAX), 0);
    EXPECT_EQ(sigismember(&set, SIGHUP), 1);
    EXPECT_EQ(sigismember(&set, SIGRTMAX), 1);
    EXPECT_EQ(sigdelset(&set, SIGHUP), 0);
    EXPECT_EQ(sigismember(&set, SIGHUP), 0);
    EXPECT_ERRNO(sigaddset(&set, 0), EINVAL);
    EXPECT_ERRNO(sigdelset(&set, NSIG), EINVAL);
    EXPECT_ERRNO(sigismember(&set, -1), EINVAL);
    EXPECT_EQ(sigfillset(&set), 0);
    EXPECT_EQ(sigismember(&set, 40), 1);
}

static int abort_handled(void)
{
    handle(SIGABRT, note, 0);
    abort();
}

static int abort_blocked_and_ignored(void)
{
    sigset_t set = set_of(SIGABRT, 0);

    signal(SIGABRT, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    abort();
}

TEST(abort_ends_the_process_in_any_case)
{
    EXPECT_EQ(WTERMSIG(run_child(abort_handled)), SIGABRT);
    EXPECT_EQ(WTERMSIG(run_child(abort_blocked_and_ignored)), SIGABRT);
}

static int write_to_nobody(void)
{
    int p[2];

    if (pipe(p) != 0)
        return 1;
    close(p[0]);
    (void)!write(p[1], "x", 1);
    return 2;
}

TEST(a_broken_pipe)
{
    int p[2];

    EXPECT_EQ(WTERMSIG(run_child(write_to_nobody)), SIGPIPE);
    reset();
    handle(SIGPIPE, note, 0);
    REQUIRE_EQ(pipe(p), 0);
    close(p[0]);
    EXPECT_ERRNO(write(p[1], "x", 1), EPIPE);
    EXPECT_EQ(count, 1);
    handle(SIGPIPE, SIG_IGN, 0);
    EXPECT_ERRNO(write(p[1], "x", 1), EPIPE);
    EXPECT_EQ(count, 1);
    close(p[1]);
    reset();
}

TEST(siginterrupt_changes_one_flag)
{
    struct sigaction now;

    reset();
    signal(SIGUSR1, note);
    EXPECT_EQ(siginterrupt(SIGUSR1, 1), 0);
    sigaction(SIGUSR1, NULL, &now);
    EXPECT_EQ(now.sa_flags & SA_RESTART, 0);
    EXPECT_TRUE(now.sa_handler == note);
    EXPECT_EQ(siginterrupt(SIGUSR1, 0), 0);
    sigaction(SIGUSR1, NULL, &now);
    EXPECT_TRUE(now.sa_flags & SA_RESTART);
    reset();
}

/* ---- fork and exec ---- */

static int handlers_are_inherited(void)
{
    sigset_t now, pending;

    sigprocmask(SIG_BLOCK, NULL, &now);
    sigpending(&pending);
    kill(getpid(), SIGUSR2);
    return sigismember(&now, SIGUSR1) == 1 && pending == 0 && count == 1 && last == SIGUSR2 ? 6 : 1;
}

TEST(fork_inherits_all_but_what_is_pending)
{
    sigset_t set = set_of(SIGUSR1, 0);

    reset();
    handle(SIGUSR1, note, 0);
    handle(SIGUSR2, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    in_child(handlers_are_inherited, 6);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    EXPECT_EQ(count, 1);
    reset();
}

/* This program itself, in another role (main). */
static int exec_self(const char *role)
{
    execl("/tests/posix_signal", "posix_signal", role, NULL);
    return 99;
}

static int exec_with_signals(void)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2);

    handle(SIGHUP, note, 0);
    handle(SIGINT, SIG_IGN, 0);
    sigprocmask(SIG_SETMASK, &set, NULL);
    kill(getpid(), SIGUSR2);
    return exec_self("after-exec");
}

/* What is left of that. */
static int after_exec(void)
{
    struct sigaction action;
    sigset_t now, pending;

    sigprocmask(SIG_BLOCK, NULL, &now);
    if (now != set_of(SIGUSR1, SIGUSR2))
        return 1;
    if (sigpending(&pending) != 0 || pending != set_of(SIGUSR2, 0))
        return 2;
    sigaction(SIGHUP, NULL, &action);
    if (action.sa_handler != SIG_DFL)
        return 3;
    sigaction(SIGINT, NULL, &action);
    if (action.sa_handler != SIG_IGN)
        return 4;
    raise(SIGINT);
    handle(SIGUSR2, note, 0);
    sigprocmask(SIG_UNBLOCK, &now, NULL);
    if (count != 1)
        return 5;
    raise(SIGUSR1);
    return 6;
}

TEST(exec_resets_handlers_and_keeps_the_rest)
{
    int status = run_child(exec_with_signals);

    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGUSR1);
}

static int exec_blocked(void)
{
    sigset_t set = set_of(SIGTERM, 0);

    sigprocmask(SIG_SETMASK, &set, NULL);
    return exec_self("wait-blocked");
}

TEST(a_mask_holds_in_a_program_that_never_asked)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(exec_blocked());
    usleep(300000);
    kill(pid, SIGTERM);
    usleep(20000);
    EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
    kill(pid, SIGINT);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WTERMSIG(status), SIGINT);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "after-exec") == 0)
        return after_exec();
    if (argc == 2 && strcmp(argv[1], "wait-blocked") == 0)
        for (;;)
            sleep(1000);
    if (test_open() != 0)
        test_report("no grading port: this boot was not started with test=");
    open_standard();
    return test_main(__FILE__);
}
