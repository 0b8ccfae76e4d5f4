/* Signals: actions, masks, handlers and what they are told, jumps out of them, what fork and exec keep. */
#include "signal_test.h"

#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <sys/time.h>

TEST_LIMIT(60);

static int fds[2];

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
