/* Processes: fork, exec, wait and its statuses, kill, descriptors over exec, memory after fork. */
#include "posix_test.h"

static char buffer[8192];

/* ---- exit and wait ---- */

static int exit_42(void)
{
    return 42;
}

static int exit_through_atexit(void)
{
    exit(7);
}

TEST(wait_tells_the_status)
{
    int status = run_child(exit_42);

    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 42);
    EXPECT_EQ(WEXITSTATUS(run_child(exit_through_atexit)), 7);
    EXPECT_ERRNO(wait(NULL), ECHILD);
    EXPECT_ERRNO(waitpid(12345, NULL, 0), ECHILD);
}

static int sleep_for_ever(void)
{
    while (sleep(1000) == 0)
        ;
    return 0;
}

TEST(kill_and_its_status)
{
    static const int signals[] = {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGUSR1};

    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
            _exit(sleep_for_ever());
        REQUIRE_TRUE(pid > 0);
        EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
        EXPECT_EQ(kill(pid, 0), 0);
        EXPECT_EQ(kill(pid, signals[i]), 0);
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT_TRUE(WIFSIGNALED(status));
        EXPECT_EQ(WTERMSIG(status), signals[i]);
        EXPECT_ERRNO(kill(pid, SIGTERM), ESRCH);
    }
    EXPECT_ERRNO(kill(getpid(), 1000), EINVAL);
    EXPECT_ERRNO(kill(32000, SIGTERM), ESRCH);
}

static int ignore_term(void)
{
    signal(SIGTERM, SIG_IGN);
    kill(getpid(), SIGTERM);
    return 5;
}

TEST(ignored_signals_do_nothing)
{
    EXPECT_EQ(WEXITSTATUS(run_child(ignore_term)), 5);
}

static int null_pointer(void)
{
    *(volatile int *)(uintptr_t)atoi("8") = 1;
    return 0;
}

static int bad_instruction(void)
{
    __asm__ volatile(".word 0");
    return 0;
}

static int jump_to_kernel(void)
{
    ((void (*)(void))0xffff000040000000UL)();
    return 0;
}

TEST(a_fault_ends_the_process_with_its_signal)
{
    EXPECT_EQ(WTERMSIG(run_child(null_pointer)), SIGSEGV);
    EXPECT_EQ(WTERMSIG(run_child(bad_instruction)), SIGILL);
    EXPECT_EQ(WTERMSIG(run_child(jump_to_kernel)), SIGSEGV);
}

TEST(wait_takes_any_child_and_each_once)
{
    enum { COUNT = 10 };
    pid_t pids[COUNT];
    int seen = 0;

    for (int i = 0; i < COUNT; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(i);
        REQUIRE_TRUE(pids[i] > 0);
    }
    for (int i = 0; i < COUNT; i++) {
        int status;
        pid_t pid = wait(&status);

        REQUIRE_TRUE(pid > 0);
        EXPECT_EQ(pids[WEXITSTATUS(status)], pid);
        seen |= 1 << WEXITSTATUS(status);
    }
    EXPECT_EQ(seen, (1 << COUNT) - 1);
    EXPECT_ERRNO(wait(NULL), ECHILD);
}

/* ---- fork ---- */

static int variable = 1;

static int change_variable(void)
{
    variable = 2;
    return variable;
}

TEST(memory_is_copied)
{
    char *heap = malloc(100000);

    REQUIRE_TRUE(heap != NULL);
    memset(heap, 'h', 100000);
    EXPECT_EQ(WEXITSTATUS(run_child(change_variable)), 2);
    EXPECT_EQ(variable, 1);
    for (int i = 0; i < 100000; i += 4096)
        EXPECT_EQ(heap[i], 'h');
    free(heap);
}

static int parent_pid;

static int has_parent(void)
{
    return getppid() == parent_pid && getpid() != parent_pid ? 0 : 1;
}

TEST(pids)
{
    parent_pid = getpid();
    EXPECT_EQ(run_child(has_parent), 0);
    EXPECT_EQ(getpid(), parent_pid);
}

/* Grandchildren of a dead parent are waited for by init, and the chain of forks is deep. */
static int fork_deeply(void)
{
    for (int i = 0; i < 10; i++) {
        int status;
        pid_t pid = fork();

        if (pid < 0)
            return 1;
        if (pid > 0) {
            if (waitpid(pid, &status, 0) != pid)
                return 2;
            return status == 0 ? 0 : 3;
        }
    }
    return 0;
}

TEST(a_deep_chain_of_forks)
{
    EXPECT_EQ(run_child(fork_deeply), 0);
}

static int leave_an_orphan(void)
{
    int parent = getpid();

    if (fork() == 0) {
        for (int i = 0; i < 500 && getppid() == parent; i++)
            usleep(10000);
        _exit(make_file("orphan", getppid() == parent ? "bad" : "done"));
    }
    return 0;
}

TEST(an_orphan_goes_on)
{
    unlink("orphan");
    EXPECT_EQ(run_child(leave_an_orphan), 0);
    for (int i = 0; i < 500 && access("orphan", F_OK) != 0; i++)
        usleep(10000);
    usleep(10000);
    EXPECT_STREQ(file_text("orphan", buffer, 100), "done");
    while (wait(NULL) > 0) /* there may be no init but us in a test's boot */
        ;
    EXPECT_ERRNO(wait(NULL), ECHILD);
    unlink("orphan");
}

/* ---- exec ---- */

static int exec_false_program(void)
{
    char *argv[] = {"x", NULL};

    execv("/none", argv);
    if (errno != ENOENT)
        return 1;
    execv("/tmp", argv);
    if (errno != EACCES && errno != EISDIR)
        return 2;
    make_file("text", "this is no program");
    chmod("text", 0755);
    execv("text", argv);
    if (errno != ENOEXEC)
        return 3;
    return 0;
}

TEST(exec_errors_leave_the_caller_alone)
{
    EXPECT_EQ(WEXITSTATUS(run_child(exec_false_program)), 0);
    unlink("text");
}

static void make_script(const char *name, const char *text)
{
    make_file(name, text);
    chmod(name, 0755);
}

/* Runs the file with two arguments, its output in `out`; the errno of exec if that fails. */
static int run_script(const char *path)
{
    int fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    char *argv[] = {"name", "one", "two", NULL};

    dup2(fd, 1);
    execv(path, argv);
    return errno;
}

static const char *script_to_run;

static int run_the_script(void)
{
    return run_script(script_to_run);
}

static int script_status(const char *path)
{
    script_to_run = path;
    return WEXITSTATUS(run_child(run_the_script));
}

/* #! names an interpreter and one argument, which may have blanks; the script's own argv[0] is lost. */
TEST(a_script_is_run_by_its_interpreter)
{
    static char buffer[200];

    make_script("script", "#!/bin/echo\n");
    EXPECT_EQ(script_status("script"), 0);
    EXPECT_STREQ(file_text("out", buffer, sizeof(buffer)), "script one two\n");
    make_script("script", "#! \t /bin/echo  -a b  c \t \nignored\n");
    EXPECT_EQ(script_status("./script"), 0);
    EXPECT_STREQ(file_text("out", buffer, sizeof(buffer)), "-a b  c ./script one two\n");
    unlink("script");
}

TEST(a_script_is_run_by_a_script)
{
    static char path[100], line[120], buffer[200];

    make_script("s1", "#!/bin/echo deep\n");
    for (int i = 2; i <= 5; i++) {
        getcwd(path, sizeof(path));
        snprintf(line, sizeof(line), "#!%s/s%d\n", path, i - 1);
        snprintf(buffer, sizeof(buffer), "s%d", i);
        make_script(buffer, line);
    }
    EXPECT_EQ(script_status("s4"), 0);
    snprintf(line, sizeof(line), "deep %s/s1 %s/s2 %s/s3 s4 one two\n", path, path, path);
    EXPECT_STREQ(file_text("out", buffer, sizeof(buffer)), line);
    EXPECT_EQ(script_status("s5"), ELOOP);
    for (int i = 1; i <= 5; i++) {
        snprintf(buffer, sizeof(buffer), "s%d", i);
        unlink(buffer);
    }
}

TEST(a_script_without_an_interpreter_is_an_error)
{
    static char line[400];

    make_script("script", "#!/bin/none\n");
    EXPECT_EQ(script_status("script"), ENOENT);
    make_script("script", "#!/etc\n");
    EXPECT_EQ(script_status("script"), EACCES);
    make_script("script", "#!echo\n");
    EXPECT_EQ(script_status("script"), ENOEXEC);
    make_script("script", "#!/bin/echo");
    EXPECT_EQ(script_status("script"), ENOEXEC);
    make_script("script", "#!\n");
    EXPECT_EQ(script_status("script"), ENOEXEC);
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "#!/bin/echo ", 12);
    make_script("script", line);
    EXPECT_EQ(script_status("script"), ENOEXEC);
    chmod("script", 0644);
    EXPECT_EQ(script_status("script"), EACCES);
    unlink("script");
    unlink("out");
}

static int exec_echo(void)
{
    int fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0644);

    dup2(fd, 1);
    execl("/bin/echo", "echo", "one", "two  three", NULL);
    return 99;
}

TEST(exec_passes_arguments_and_descriptors)
{
    EXPECT_EQ(run_child(exec_echo), 0);
    EXPECT_STREQ(file_text("out", buffer, 100), "one two  three\n");
    unlink("out");
}

static int close_on_exec_fd, kept_fd;

static int exec_sh_with_descriptors(void)
{
    char command[100];

    close_on_exec_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    kept_fd = open("kept", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    snprintf(command, sizeof command, "echo kept >&%d; echo closed >&%d", kept_fd, close_on_exec_fd);
    execl("/bin/sh", "sh", "-c", command, NULL);
    return 99;
}

TEST(close_on_exec)
{
    int status = run_child(exec_sh_with_descriptors);

    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 99 && WEXITSTATUS(status) != 0);
    EXPECT_STREQ(file_text("kept", buffer, 100), "kept\n");
    unlink("kept");
}

static int exec_with_much(void)
{
    enum { COUNT = 200 };
    static char *argv[COUNT + 2];
    static char text[100];
    int fd = open("much", O_WRONLY | O_CREAT | O_TRUNC, 0644);

    memset(text, 'e', sizeof text - 1);
    argv[0] = "echo";
    for (int i = 1; i <= COUNT; i++)
        argv[i] = text;
    dup2(fd, 1);
    execv("/bin/echo", argv);
    return 99;
}

TEST(exec_with_twenty_kilobytes_of_arguments)
{
    struct stat st;

    EXPECT_EQ(run_child(exec_with_much), 0);
    EXPECT_EQ(stat("much", &st), 0);
    EXPECT_EQ(st.st_size, 200 * 100);
    unlink("much");
}

static int exec_env(void)
{
    char *argv[] = {"sh", "-c", "echo $COLOUR | grep green >/dev/null", NULL};
    char *envp[] = {"COLOUR=green", "PATH=/bin", NULL};

    execve("/bin/sh", argv, envp);
    return 99;
}

TEST(exec_passes_the_environment)
{
    char output[100];

    setenv("COLOUR", "blue", 1);
    EXPECT_EQ(shell("echo $COLOUR", output, sizeof output), 0);
    EXPECT_STREQ(output, "blue\n");
    unsetenv("COLOUR");
    EXPECT_EQ(run_child(exec_env), 0);
}

/* ---- a hundred in a row, and many at once ---- */

TEST(two_hundred_forks)
{
    for (int i = 0; i < 200; i++)
        REQUIRE_EQ(WEXITSTATUS(run_child(exit_42)), 42);
}

TEST(thirty_at_once)
{
    enum { COUNT = 30 };
    pid_t pids[COUNT];

    for (int i = 0; i < COUNT; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(sleep_for_ever());
        REQUIRE_TRUE(pids[i] > 0);
    }
    for (int i = 0; i < COUNT; i++)
        EXPECT_EQ(kill(pids[i], SIGKILL), 0);
    for (int i = 0; i < COUNT; i++)
        EXPECT_TRUE(wait(NULL) > 0);
}

/* ---- time, memory ---- */

TEST(sleep_takes_its_time)
{
    struct timespec before, after;

    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_EQ(usleep(50000), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec
                >= 50000000L);
}

TEST(malloc_and_free)
{
    enum { COUNT = 500 };
    static char *block[COUNT];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            size_t size = (size_t)(i * 37 % 5000 + 1);

            block[i] = malloc(size);
            REQUIRE_TRUE(block[i] != NULL);
            memset(block[i], i, size);
        }
        for (int i = 0; i < COUNT; i += 2)
            free(block[i]);
        for (int i = 1; i < COUNT; i += 2) {
            EXPECT_EQ(block[i][0], (char)i);
            free(block[i]);
        }
    }
    EXPECT_TRUE(malloc(1UL << 60) == NULL);
}

POSIX_TEST_MAIN
