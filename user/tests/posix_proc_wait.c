/* Processes: wait in all its forms, stop and continue, groups and sessions, credentials, limits. */
#include "posix_test.h"

#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <servers/proc.h>
#include <sys/resource.h>
#include <sys/time.h>

TEST_LIMIT(60);

static volatile sig_atomic_t chld, chld_code, chld_status, chld_pid;

static void on_chld(int signal, siginfo_t *info, void *context)
{
    chld++;
    chld_code = info->si_code;
    chld_status = info->si_status;
    chld_pid = info->si_pid;
}

static void catch_chld(int flags)
{
    struct sigaction action = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART | flags};

    chld = 0;
    EXPECT_EQ(sigaction(SIGCHLD, &action, NULL), 0);
}

static void default_chld(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigaction(SIGCHLD, &action, NULL);
}

/* A child in a group of its own that waits for ever. */
static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        for (;;)
            sleep(1000);
    }
    setpgid(pid, pid);
    return pid;
}

static void end(pid_t pid)
{
    EXPECT_EQ(kill(pid, SIGKILL), 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

/* ---- stop and continue ---- */

TEST(stop_and_continue_are_told)
{
    int status;
    pid_t pid = sleeper();

    REQUIRE_TRUE(pid > 0);
    EXPECT_EQ(kill(pid, SIGSTOP), 0);
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
    EXPECT_TRUE(WIFSTOPPED(status));
    EXPECT_EQ(WSTOPSIG(status), SIGSTOP);
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0); /* once */
    EXPECT_EQ(kill(pid, SIGCONT), 0);
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    EXPECT_EQ(waitpid(pid, &status, WCONTINUED), pid);
    EXPECT_TRUE(WIFCONTINUED(status));
    EXPECT_TRUE(!WIFSTOPPED(status) && !WIFEXITED(status) && !WIFSIGNALED(status));
    EXPECT_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
    end(pid);
}

TEST(a_stopped_process_can_be_killed)
{
    int status;
    pid_t pid = sleeper();

    kill(pid, SIGSTOP);
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
    kill(pid, SIGTERM); /* by default: at once, also while it is stopped */
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(terminal_stops_stop_a_group_that_has_a_shell)
{
    static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
    int status;
    pid_t pid = sleeper();

    for (unsigned i = 0; i < 3; i++) {
        kill(pid, stops[i]);
        EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
        EXPECT_EQ(WSTOPSIG(status), stops[i]);
        kill(pid, SIGCONT);
    }
    end(pid);
}

static int stop_self_orphaned(void)
{
    setsid();
    raise(SIGTSTP); /* nobody could continue it */
    return 3;
}

TEST(an_orphaned_group_is_not_stopped_by_the_terminal)
{
    EXPECT_EQ(WEXITSTATUS(run_child(stop_self_orphaned)), 3);
}

/* It has taken the signal, and is on its way to stop, when SIGCONT comes. */
static int continued_before_it_stops(void)
{
    sigset_t stop;
    sig_info_t info;
    sig_context_t context;
    uint64_t pending;

    setpgid(0, 0);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    kill(getpid(), SIGTSTP);
    if (proc_sigtake(getproc(), 0, ~stop, 0, &info, &context, &pending) != KERN_SUCCESS
        || info.signo != SIGTSTP)
        return 1;
    kill(getpid(), SIGCONT);
    return proc_sigdefault(getproc(), info) == KERN_SUCCESS ? 7 : 2;
}

TEST(a_stop_is_void_after_cont)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(continued_before_it_stops());
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
    if (!WIFEXITED(status))
        end(pid);
}

static volatile sig_atomic_t seen;

static void see(int signal)
{
    seen |= 1 << signal;
}

static int stopped_with_handler(void)
{
    seen = 0;
    signal(SIGCONT, see);
    signal(SIGUSR1, see);
    kill(getppid(), SIGUSR2);
    while (!(seen & 1 << SIGCONT))
        pause();
    return seen == (1 << SIGCONT | 1 << SIGUSR1) ? 4 : 5;
}

TEST(signals_wait_while_a_process_is_stopped)
{
    sigset_t set = 1ULL << (SIGUSR2 - 1);
    int status, taken;
    pid_t pid;

    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = fork();
    if (pid == 0)
        _exit(stopped_with_handler());
    EXPECT_EQ(sigwait(&set, &taken), 0);
    kill(pid, SIGSTOP);
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
    kill(pid, SIGUSR1);
    EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
    kill(pid, SIGCONT);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 4);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- SIGCHLD ---- */

TEST(sigchld_tells_of_every_change)
{
    pid_t pid;

    catch_chld(0);
    pid = sleeper();
    kill(pid, SIGSTOP);
    EXPECT_EQ(waitpid(pid, NULL, WUNTRACED), pid);
    EXPECT_EQ(chld, 1);
    EXPECT_EQ(chld_code, CLD_STOPPED);
    EXPECT_EQ(chld_status, SIGSTOP);
    EXPECT_EQ(chld_pid, pid);
    kill(pid, SIGCONT);
    EXPECT_EQ(waitpid(pid, NULL, WCONTINUED), pid);
    EXPECT_EQ(chld_code, CLD_CONTINUED);
    kill(pid, SIGTERM);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    EXPECT_EQ(chld, 3);
    EXPECT_EQ(chld_code, CLD_KILLED);
    EXPECT_EQ(chld_status, SIGTERM);
    pid = fork();
    if (pid == 0)
        _exit(7);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    EXPECT_EQ(chld_code, CLD_EXITED);
    EXPECT_EQ(chld_status, 7);
    default_chld();
}

TEST(no_sigchld_for_stops_if_not_wanted)
{
    pid_t pid;

    catch_chld(SA_NOCLDSTOP);
    pid = sleeper();
    kill(pid, SIGSTOP);
    EXPECT_EQ(waitpid(pid, NULL, WUNTRACED), pid);
    kill(pid, SIGCONT);
    EXPECT_EQ(waitpid(pid, NULL, WCONTINUED), pid);
    EXPECT_EQ(chld, 0);
    end(pid);
    EXPECT_EQ(chld, 1);
    default_chld();
}

static void leave_no_zombies(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(1);
    EXPECT_ERRNO(waitpid(pid, NULL, 0), ECHILD); /* when it has ended */
    EXPECT_ERRNO(kill(pid, 0), ESRCH);
}

TEST(children_may_leave_nothing)
{
    catch_chld(SA_NOCLDWAIT);
    leave_no_zombies();
    EXPECT_EQ(chld, 1);
    signal(SIGCHLD, SIG_IGN);
    leave_no_zombies();
    default_chld();
}

/* ---- waitid ---- */

TEST(waitid_and_what_it_tells)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0x12345);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(info.si_signo, SIGCHLD);
    EXPECT_EQ(info.si_code, CLD_EXITED);
    EXPECT_EQ(info.si_status, 0x12345);
    EXPECT_EQ(info.si_uid, 0);
    EXPECT_EQ(waitid(P_ALL, 0, &info, WEXITED), 0); /* it was left */
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    EXPECT_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
    EXPECT_ERRNO(waitid((idtype_t)9, 0, &info, WEXITED), EINVAL);
}

TEST(waitid_waits_for_what_it_is_asked_for)
{
    siginfo_t info;
    pid_t pid = sleeper();

    EXPECT_EQ(waitid(P_PGID, (id_t)pid, &info, WEXITED | WNOHANG), 0);
    EXPECT_EQ(info.si_pid, 0);
    EXPECT_EQ(info.si_signo, 0);
    kill(pid, SIGSTOP);
    EXPECT_EQ(waitid(P_PGID, (id_t)pid, &info, WSTOPPED), 0);
    EXPECT_EQ(info.si_code, CLD_STOPPED);
    EXPECT_EQ(info.si_status, SIGSTOP);
    kill(pid, SIGCONT);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WCONTINUED), 0);
    EXPECT_EQ(info.si_code, CLD_CONTINUED);
    kill(pid, SIGKILL);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    EXPECT_EQ(info.si_code, CLD_KILLED);
    EXPECT_EQ(info.si_status, SIGKILL);
}

TEST(a_zombie_is_no_stopped_child)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG), 0);
    EXPECT_EQ(info.si_pid, 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(wait_by_group)
{
    pid_t a = sleeper(), b = sleeper();
    int status;

    EXPECT_EQ(getpgid(a), a);
    EXPECT_EQ(waitpid(-a, &status, WNOHANG), 0);
    EXPECT_ERRNO(waitpid(0, &status, WNOHANG), ECHILD); /* none in ours */
    EXPECT_ERRNO(waitpid(-29999, &status, 0), ECHILD);
    EXPECT_ERRNO(waitpid(a, &status, 0x40), EINVAL);
    EXPECT_EQ(killpg(b, SIGKILL), 0);
    EXPECT_EQ(waitpid(-b, &status, 0), b);
    end(a);
}

/* ---- groups and sessions ---- */

TEST(groups)
{
    pid_t a = sleeper(), b = sleeper();

    EXPECT_ERRNO(setpgid(a, 29999), EPERM); /* no such group */
    EXPECT_ERRNO(setpgid(a, -1), EINVAL);
    EXPECT_ERRNO(setpgid(29999, 0), ESRCH);
    EXPECT_EQ(setpgid(b, a), 0);
    EXPECT_EQ(getpgid(b), a);
    EXPECT_EQ(killpg(a, SIGTERM), 0); /* both */
    EXPECT_TRUE(waitpid(-1, NULL, 0) > 0);
    EXPECT_TRUE(waitpid(-1, NULL, 0) > 0);
    EXPECT_ERRNO(killpg(a, SIGTERM), ESRCH);
    EXPECT_ERRNO(getpgid(29999), ESRCH);
    EXPECT_ERRNO(getsid(29999), ESRCH);
}

static int new_session(void)
{
    pid_t sid = setsid();

    if (sid != getpid() || getsid(0) != sid || getpgrp() != sid)
        return 1;
    if (setsid() != -1 || errno != EPERM)
        return 2;
    if (setpgid(0, 0) != -1 || errno != EPERM)
        return 3;
    return getsid(getppid()) != sid ? 4 : 5;
}

TEST(sessions)
{
    EXPECT_EQ(WEXITSTATUS(run_child(new_session)), 4);
}

static int exec_sleep(void)
{
    execl("/bin/sleep", "sleep", "1000", NULL);
    return 99;
}

TEST(a_child_that_has_execed_keeps_its_group)
{
    int fds[2];
    char c;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        fcntl(fds[1], F_SETFD, FD_CLOEXEC);
        close(fds[0]);
        _exit(exec_sleep());
    }
    close(fds[1]);
    EXPECT_EQ(read(fds[0], &c, 1), 0); /* it has */
    EXPECT_ERRNO(setpgid(pid, pid), EACCES);
    close(fds[0]);
    end(pid);
}

/* A stopped process whose parent ends: it would wait for ever. The answer comes by a pipe. */
static int orphan_pipe[2];

static int make_orphaned_group(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        setpgid(0, 0);
        seen = 0;
        signal(SIGHUP, see);
        signal(SIGCONT, see);
        raise(SIGSTOP);
        while (seen != (1 << SIGHUP | 1 << SIGCONT))
            ;
        (void)!write(orphan_pipe[1], "o", 1);
        _exit(0);
    }
    waitpid(pid, &status, WUNTRACED);
    return WIFSTOPPED(status) ? 0 : 1;
}

TEST(a_stopped_group_that_is_orphaned_gets_hup_and_cont)
{
    char c = 0;

    REQUIRE_EQ(pipe(orphan_pipe), 0);
    EXPECT_EQ(run_child(make_orphaned_group), 0);
    close(orphan_pipe[1]);
    EXPECT_EQ(read(orphan_pipe[0], &c, 1), 1);
    EXPECT_EQ(c, 'o');
    close(orphan_pipe[0]);
    while (wait(NULL) > 0) /* ours now, if there is no init but us */
        ;
}

/* A job of two: the first stops and is killed, and so its child is orphaned; but it is running. */
static int to_job[2], from_job[2];

static int half_stopped_job(void)
{
    char c = 0;

    setpgid(0, 0);
    if (fork() == 0)
        _exit(read(to_job[0], &c, 1) == 1 && write(from_job[1], &c, 1) == 1 ? 0 : 1);
    return raise(SIGSTOP);
}

TEST(a_running_group_that_is_orphaned_gets_nothing)
{
    int status;
    char c = 0;
    pid_t pid;

    REQUIRE_EQ(pipe(to_job), 0);
    REQUIRE_EQ(pipe(from_job), 0);
    pid = fork();
    if (pid == 0)
        _exit(half_stopped_job());
    close(from_job[1]);
    EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
    EXPECT_TRUE(WIFSTOPPED(status));
    end(pid);
    EXPECT_EQ(write(to_job[1], "g", 1), 1);
    EXPECT_EQ(read(from_job[0], &c, 1), 1); /* or it is dead, by SIGHUP */
    EXPECT_EQ(c, 'g');
    close(to_job[0]);
    close(to_job[1]);
    close(from_job[0]);
    while (wait(NULL) > 0)
        ;
}

/* ---- names ---- */

TEST(a_name_is_one_line)
{
    proc_info_t *list = NULL;
    mach_msg_type_number_t n = 0;
    const char *name = "";

    EXPECT_KR(proc_set_name(getproc(), "one\ntwo\33"), KERN_SUCCESS);
    REQUIRE_KR(proc_list(getproc(), &list, &n), KERN_SUCCESS);
    for (mach_msg_type_number_t i = 0; i < n; i++)
        if (list[i].pid == getpid())
            name = list[i].name;
    EXPECT_STREQ(name, "one?two?");
    vm_deallocate(mach_task_self(), (vm_address_t)list, n * sizeof(*list));
    EXPECT_KR(proc_set_name(getproc(), "posix_proc_wait"), KERN_SUCCESS);
}

/* ---- credentials ---- */

static int give_up_root(void)
{
    uid_t r, e, s;

    if (getuid() != 0 || geteuid() != 0)
        return 1;
    if (setgid(20) != 0 || setuid(10) != 0)
        return 2;
    if (getresuid(&r, &e, &s) != 0 || r != 10 || e != 10 || s != 10)
        return 3;
    if (getgid() != 20 || getegid() != 20)
        return 4;
    if (setuid(0) != -1 || errno != EPERM || seteuid(0) != -1 || setgid(0) != -1)
        return 5;
    if (kill(getppid(), 0) != -1 || errno != EPERM)
        return 6;
    return WEXITSTATUS(run_child(new_session)) == 4 && getuid() == 10 ? 7 : 8;
}

static int act_for_another(void)
{
    if (seteuid(10) != 0 || geteuid() != 10 || getuid() != 0)
        return 1;
    if (setresuid(-1, 11, -1) != -1 || errno != EPERM)
        return 2;
    if (seteuid(0) != 0 || geteuid() != 0)
        return 3;
    if (setreuid(30, 31) != 0 || getuid() != 30 || geteuid() != 31)
        return 4;
    return seteuid(30) == 0 && seteuid(31) == 0 && seteuid(0) == -1 ? 7 : 5;
}

TEST(users)
{
    EXPECT_EQ(WEXITSTATUS(run_child(give_up_root)), 7);
    EXPECT_EQ(WEXITSTATUS(run_child(act_for_another)), 7);
    EXPECT_ERRNO(setuid(70000), EINVAL);
    EXPECT_ERRNO(setresgid(1, 70000, 1), EINVAL);
}

/* A process that has become that user, and waits to be killed; its pid. */
static pid_t idler_of(uid_t ruid, uid_t euid, gid_t gid)
{
    int ready[2];
    char c;
    pid_t pid;

    if (pipe(ready) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        if (setresgid(gid, gid, gid) == 0 && setresuid(ruid, euid, ruid) == 0)
            (void)!write(ready[1], "r", 1);
        close(ready[1]);
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        pid = -1;
    close(ready[0]);
    return pid;
}

static kern_return_t task_of(pid_t pid)
{
    mach_port_t task = MACH_PORT_NULL;
    kern_return_t kr = proc_get_task(getproc(), pid, &task);

    if (kr == KERN_SUCCESS)
        mach_port_deallocate(mach_task_self(), task);
    return kr;
}

static int take_tasks(void)
{
    pid_t same = idler_of(10, 10, 20), half = idler_of(10, 11, 20), group = idler_of(10, 10, 21);
    int result = 7;

    if (task_of(same) != KERN_SUCCESS || task_of(half) != KERN_SUCCESS)
        result = 1;
    if (setgid(20) != 0 || setuid(10) != 0 || kill(half, 0) != 0)
        result = 2;
    if (task_of(same) != KERN_SUCCESS || task_of(half) != unix_err(EPERM)
        || task_of(group) != unix_err(EPERM) || task_of(getppid()) != unix_err(EPERM))
        result = 3;
    kill(same, SIGKILL);
    kill(half, SIGKILL);
    kill(group, SIGKILL);
    while (wait(NULL) > 0)
        ;
    return result;
}

TEST(a_task_is_for_who_is_the_same)
{
    EXPECT_EQ(WEXITSTATUS(run_child(take_tasks)), 7);
}

/* A program with that owner, group and permissions: /bin/true, or a script for `interpreter`. */
static int make_program(const char *interpreter, mode_t mode, uid_t uid, gid_t gid)
{
    char text[100];

    if (interpreter == NULL) {
        if (shell("cp /bin/true program", text, sizeof text) != 0)
            return -1;
    } else {
        snprintf(text, sizeof text, "#!%s\n", interpreter);
        if (make_file("program", text) != 0)
            return -1;
    }
    return chown("program", uid, gid) == 0 ? chmod("program", mode) : -1;
}

static int become_user_and_exec(void)
{
    if (setgid(20) != 0 || setuid(10) != 0)
        return 99;
    execl(DIR_NAME "/program", "program", NULL);
    return errno;
}

static int exec_as_root(void)
{
    execl(DIR_NAME "/program", "program", NULL);
    return errno;
}

TEST(a_program_is_executed_by_those_who_may)
{
    static const struct {
        mode_t mode;
        uid_t uid;
        gid_t gid;
        int error;
    } cases[] = {
        {0755, 0, 0, 0},      {0754, 0, 0, EACCES}, {0745, 0, 0, 0},       {0544, 10, 20, 0},
        {0655, 10, 20, EACCES}, {0454, 0, 20, 0},   {0745, 0, 20, EACCES}, {0644, 0, 0, EACCES},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        REQUIRE_EQ(make_program(NULL, cases[i].mode, cases[i].uid, cases[i].gid), 0);
        EXPECT_EQ(WEXITSTATUS(run_child(become_user_and_exec)), cases[i].error);
        EXPECT_EQ(WEXITSTATUS(run_child(exec_as_root)), cases[i].mode & 0111 ? 0 : EACCES);
        unlink("program");
    }
}

TEST(so_is_the_interpreter_of_a_script)
{
    char output[100];

    REQUIRE_EQ(make_program("/bin/true", 0755, 0, 0), 0);
    EXPECT_EQ(WEXITSTATUS(run_child(become_user_and_exec)), 0);
    REQUIRE_EQ(make_program(DIR_NAME "/true", 0755, 0, 0), 0);
    REQUIRE_EQ(shell("cp /bin/true true && chmod 744 true", output, sizeof output), 0);
    EXPECT_EQ(WEXITSTATUS(run_child(become_user_and_exec)), EACCES);
    EXPECT_EQ(WEXITSTATUS(run_child(exec_as_root)), 0);
    REQUIRE_EQ(make_program("/dev/tty", 0755, 0, 0), 0);
    EXPECT_EQ(WEXITSTATUS(run_child(exec_as_root)), EACCES);
    unlink("true");
    unlink("program");
}

static int groups_of_a_user(void)
{
    gid_t list[3] = {5, 6, 7}, got[32];

    if (setgroups(3, list) != 0 || getgroups(0, NULL) != 3 || getgroups(32, got) != 3)
        return 1;
    if (got[0] != 5 || got[2] != 7)
        return 2;
    if (getgroups(2, got) != -1 || errno != EINVAL)
        return 3;
    if (setuid(10) != 0 || setgroups(0, list) != -1 || errno != EPERM)
        return 4;
    return getgroups(32, got) == 3 ? 7 : 5;
}

TEST(supplementary_groups)
{
    EXPECT_EQ(WEXITSTATUS(run_child(groups_of_a_user)), 7);
}

/* ---- limits and times ---- */

TEST(limits_are_kept_and_inherited)
{
    struct rlimit limit;

    for (int i = 0; i < RLIM_NLIMITS; i++) {
        EXPECT_EQ(getrlimit(i, &limit), 0);
        EXPECT_TRUE(limit.rlim_cur <= limit.rlim_max);
    }
    EXPECT_ERRNO(getrlimit(RLIM_NLIMITS, &limit), EINVAL);
    limit = (struct rlimit){2, 1};
    EXPECT_ERRNO(setrlimit(RLIMIT_CORE, &limit), EINVAL);
}

static int few_descriptors(void)
{
    struct rlimit limit = {10, 10}, more = {10, 11};
    int last = -1, fd;

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    if (errno != EMFILE || last != 9)
        return 2;
    if (dup2(0, 10) != -1 || errno != EBADF)
        return 3;
    return setuid(10) == 0 && setrlimit(RLIMIT_NOFILE, &more) == -1 && errno == EPERM ? 7 : 4;
}

static int little_memory(void)
{
    struct rlimit limit = {32 << 20, 32 << 20};
    char *block;

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    block = malloc(64 << 20);
    return block == NULL && malloc(1000) != NULL ? 7 : 2;
}

static int few_processes(void)
{
    struct rlimit limit = {3, 3};
    int made = 0;
    pid_t pid;

    if (setrlimit(RLIMIT_NPROC, &limit) != 0 || setuid(77) != 0)
        return 1;
    while ((pid = fork()) > 0)
        made++;
    if (pid == 0)
        for (;;)
            sleep(1000);
    if (errno != EAGAIN)
        return 2;
    kill(-1, SIGKILL); /* all that are this user's: its own */
    while (wait(NULL) > 0)
        ;
    return made == 2 ? 7 : 3;
}

static int use_all_time(rlim_t hard)
{
    struct rlimit limit = {0, hard};

    if (setrlimit(RLIMIT_CPU, &limit) == 0)
        while (seen != -1)
            ;
    return 1;
}

static int little_time(void)
{
    return use_all_time(RLIM_INFINITY);
}

/* Who ignores that is not spared. (Who does not may be told of either first: the time that a processor of
 * QEMU takes is the host's.) */
static int little_time_for_the_deaf(void)
{
    signal(SIGXCPU, SIG_IGN);
    return use_all_time(1);
}

TEST(limits_hold)
{
    EXPECT_EQ(WEXITSTATUS(run_child(few_descriptors)), 7);
    EXPECT_EQ(WEXITSTATUS(run_child(little_memory)), 7);
    EXPECT_EQ(WEXITSTATUS(run_child(few_processes)), 7);
    EXPECT_EQ(WTERMSIG(run_child(little_time)), SIGXCPU);
    EXPECT_EQ(WTERMSIG(run_child(little_time_for_the_deaf)), SIGKILL);
}

static int use_time(void)
{
    struct rusage usage;

    do {
        for (volatile int i = 0; i < 1000000; i++)
            ;
        getrusage(RUSAGE_SELF, &usage);
    } while (usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec < 20000);
    return 0;
}

TEST(times_of_children_are_added_when_they_are_waited_for)
{
    struct rusage before, after;

    EXPECT_EQ(getrusage(RUSAGE_CHILDREN, &before), 0);
    EXPECT_EQ(run_child(use_time), 0);
    EXPECT_EQ(getrusage(RUSAGE_CHILDREN, &after), 0);
    EXPECT_TRUE((after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec
                    - before.ru_utime.tv_usec
                >= 20000);
    EXPECT_ERRNO(getrusage(5, &after), EINVAL);
}

POSIX_TEST_MAIN
