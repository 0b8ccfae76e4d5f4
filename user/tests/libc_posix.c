/*
 * libc over the servers: descriptors, directories, processes, mapped files, stdio, threads. (Each
 * function's corner cases that need no system are tested on the host: grade/test_libc_unit.py.)
 */
#include <cthreads.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <testlib.h>
#include <time.h>
#include <unistd.h>

#define DIR_NAME "/tmp/libc"

/* How many names this task has. */
static int count_names(void)
{
    mach_port_name_t *names;
    mach_port_type_t *types;
    mach_msg_type_number_t n = 0;
    mach_msg_type_number_t m = 0;

    if (mach_port_names(mach_task_self(), &names, &n, &types, &m) != KERN_SUCCESS)
        return -1;
    vm_deallocate(mach_task_self(), (vm_address_t)names, n * sizeof(*names));
    vm_deallocate(mach_task_self(), (vm_address_t)types, m * sizeof(*types));
    return (int)n;
}

TEST(a_directory_to_work_in)
{
    struct stat st;

    while (open("/dev/null", O_RDWR) < STDERR_FILENO) /* it is started without descriptors */
        ;
    mkdir("/tmp", 0777);
    REQUIRE_TRUE(mkdir(DIR_NAME, 0755) == 0 || errno == EEXIST);
    REQUIRE_EQ(chdir(DIR_NAME), 0);
    REQUIRE_EQ(stat(".", &st), 0);
    EXPECT_TRUE(S_ISDIR(st.st_mode));
}

TEST(open_close_errors)
{
    EXPECT_EQ(open("nosuch", O_RDONLY), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(open("", O_RDONLY), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(open(".", O_WRONLY), -1);
    EXPECT_EQ(errno, EISDIR);
    EXPECT_EQ(close(-1), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(close(999999), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(read(77, NULL, 0), -1);
    EXPECT_EQ(errno, EBADF);
}

TEST(long_path_is_refused)
{
    static char path[3000];

    memset(path, 'x', sizeof(path) - 1);
    EXPECT_EQ(open(path, O_RDONLY), -1);
    EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST(write_seek_read_large)
{
    static char out[100000];
    static char in[100000];
    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0644);

    REQUIRE_TRUE(fd >= 0);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 31 + i / 997);
    EXPECT_EQ(write(fd, out, sizeof(out)), (long)sizeof(out));
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(read(fd, in, sizeof(in)), (long)sizeof(in));
    EXPECT_EQ(memcmp(in, out, sizeof(in)), 0);
    EXPECT_EQ(read(fd, in, 10), 0);
    EXPECT_EQ(pread(fd, in, 9000, 50001), 9000);
    EXPECT_EQ(memcmp(in, out + 50001, 9000), 0);
    EXPECT_EQ(pwrite(fd, "hello", 5, 7), 5);
    EXPECT_EQ(pread(fd, in, 5, 7), 5);
    EXPECT_EQ(memcmp(in, "hello", 5), 0);
    EXPECT_EQ(ftruncate(fd, 3), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), 3);
    EXPECT_EQ(close(fd), 0);
}

TEST(access_modes_hold)
{
    int fd = open("large", O_RDONLY);
    char c;

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "x", 1), -1);
    EXPECT_EQ(errno, EBADF);
    close(fd);
    fd = open("large", O_WRONLY);
    EXPECT_EQ(read(fd, &c, 1), -1);
    EXPECT_EQ(errno, EBADF);
    close(fd);
}

TEST(append)
{
    int fd = open("append", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    struct stat st;

    EXPECT_EQ(write(fd, "abc", 3), 3);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(write(fd, "def", 3), 3);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, 6);
    close(fd);
}

TEST(dup_shares_the_offset)
{
    int fd = open("append", O_RDONLY);
    int copy = dup(fd);
    char c = 0;

    EXPECT_EQ(read(fd, &c, 1), 1);
    EXPECT_EQ(read(copy, &c, 1), 1);
    EXPECT_EQ(c, 'b');
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(read(copy, &c, 1), 1);
    EXPECT_EQ(c, 'c');
    EXPECT_EQ(dup2(copy, 40), 40); /* beyond the first table */
    EXPECT_EQ(close(copy), 0);
    EXPECT_EQ(read(40, &c, 1), 1);
    EXPECT_EQ(c, 'd');
    EXPECT_EQ(close(40), 0);
    EXPECT_EQ(dup2(50, 3), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(fcntl(0, F_DUPFD, 30), 30);
    EXPECT_EQ(fcntl(30, F_GETFD), 0);
    EXPECT_EQ(fcntl(30, F_SETFD, FD_CLOEXEC), 0);
    EXPECT_EQ(fcntl(30, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(close(30), 0);
}

TEST(descriptors_leave_no_names)
{
    int before;
    int warm[2];

    REQUIRE_EQ(pipe(warm), 0); /* looks the pipe service up */
    close(warm[0]);
    close(warm[1]);
    before = count_names();
    for (int i = 0; i < 50; i++) {
        int fd = open("append", O_RDONLY);
        int tty = open("/dev/null", O_RDWR);
        int tty2 = open("/dev/null", O_RDWR);
        int fds[2];

        EXPECT_EQ(pipe(fds), 0);
        close(dup(fds[0]));
        close(fds[0]);
        close(fds[1]);
        close(tty);
        close(tty2);
        close(fd);
    }
    EXPECT_EQ(count_names(), before);
}

TEST(directories)
{
    char cwd[PATH_MAX];
    char real[PATH_MAX];
    struct dirent *e;
    DIR *dir;
    int found = 0;

    EXPECT_EQ(mkdir("sub", 0755), 0);
    EXPECT_EQ(mkdir("sub", 0755), -1);
    EXPECT_EQ(errno, EEXIST);
    EXPECT_EQ(chdir("sub"), 0);
    EXPECT_TRUE(getcwd(cwd, sizeof(cwd)) != NULL);
    EXPECT_STREQ(cwd, DIR_NAME "/sub");
    EXPECT_TRUE(getcwd(cwd, 3) == NULL);
    EXPECT_EQ(errno, ERANGE);
    EXPECT_EQ(symlink("../append", "link"), 0);
    EXPECT_EQ(readlink("link", cwd, sizeof(cwd)), 9);
    EXPECT_TRUE(realpath("./../sub/link", real) != NULL);
    EXPECT_STREQ(real, DIR_NAME "/append");
    EXPECT_EQ(chdir(".."), 0);
    dir = opendir("sub");
    REQUIRE_TRUE(dir != NULL);
    while ((e = readdir(dir)) != NULL)
        found += strcmp(e->d_name, "link") == 0;
    EXPECT_EQ(found, 1);
    rewinddir(dir);
    EXPECT_TRUE(readdir(dir) != NULL);
    EXPECT_EQ(closedir(dir), 0);
    EXPECT_EQ(rmdir("sub"), -1);
    EXPECT_EQ(errno, ENOTEMPTY);
    EXPECT_EQ(unlink("sub/link"), 0);
    EXPECT_EQ(rmdir("sub"), 0);
    EXPECT_TRUE(opendir("append") == NULL);
    EXPECT_EQ(errno, ENOTDIR);
}

TEST(rename_and_link)
{
    struct stat a;
    struct stat b;

    EXPECT_EQ(link("append", "other"), 0);
    EXPECT_EQ(stat("append", &a), 0);
    EXPECT_EQ(stat("other", &b), 0);
    EXPECT_EQ(a.st_ino, b.st_ino);
    EXPECT_EQ(b.st_nlink, 2);
    EXPECT_EQ(rename("other", "third"), 0);
    EXPECT_EQ(access("other", F_OK), -1);
    EXPECT_EQ(access("third", R_OK), 0);
    EXPECT_EQ(remove("third"), 0);
}

TEST(globbing)
{
    glob_t g;

    REQUIRE_EQ(glob(DIR_NAME "/[al]*", 0, NULL, &g), 0);
    EXPECT_EQ(g.gl_pathc, 2);
    EXPECT_STREQ(g.gl_pathv[0], DIR_NAME "/append");
    globfree(&g);
    EXPECT_EQ(glob("none*", 0, NULL, &g), GLOB_NOMATCH);
    globfree(&g);
}

TEST(pipes_and_fork)
{
    int fds[2];
    char buffer[16];
    int status;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_EQ(lseek(fds[0], 0, SEEK_SET), -1);
    EXPECT_EQ(errno, ESPIPE);
    pid = fork();
    REQUIRE_TRUE(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        write(fds[1], "child", 5);
        _exit(42);
    }
    close(fds[1]);
    EXPECT_EQ(read(fds[0], buffer, sizeof(buffer)), 5);
    EXPECT_EQ(memcmp(buffer, "child", 5), 0);
    EXPECT_EQ(read(fds[0], buffer, sizeof(buffer)), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 42);
    EXPECT_EQ(wait(NULL), -1);
    EXPECT_EQ(errno, ECHILD);
    close(fds[0]);
}

TEST(fork_keeps_floating_point)
{
    volatile double x = 1.25;
    register double kept __asm__("d9") = 3.5;
    int status;
    pid_t pid;

    __asm__ volatile("" : "+w"(kept));
    pid = fork();
    __asm__ volatile("" : "+w"(kept));
    if (pid == 0)
        _exit(kept * x == 4.375 ? 7 : 8);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(fork_leaves_no_names)
{
    int before = count_names();

    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    }
    EXPECT_EQ(count_names(), before);
}

TEST(killed_child)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            sleep(100);
    EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
    EXPECT_EQ(kill(pid, SIGTERM), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
    EXPECT_EQ(kill(pid, SIGTERM), -1);
    EXPECT_EQ(errno, ESRCH);
}

TEST(broken_pipe)
{
    int fds[2];
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (pipe(fds) < 0)
            _exit(1);
        close(fds[0]);
        signal(SIGPIPE, SIG_IGN);
        if (write(fds[1], "x", 1) != -1 || errno != EPIPE)
            _exit(2);
        signal(SIGPIPE, SIG_DFL);
        write(fds[1], "x", 1);
        _exit(3);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGPIPE);
}

TEST(exec_passes_arguments)
{
    int fds[2];
    char buffer[64];
    ssize_t n;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        execlp("echo", "echo", "one", "", "three", (char *)NULL);
        _exit(1);
    }
    close(fds[1]);
    n = read(fds[0], buffer, sizeof(buffer));
    EXPECT_EQ(n, 11);
    EXPECT_EQ(memcmp(buffer, "one  three\n", 11), 0);
    EXPECT_EQ(read(fds[0], buffer, 1), 0); /* the child's copies are closed */
    waitpid(pid, NULL, 0);
    close(fds[0]);
    EXPECT_EQ(execv("/nosuch", (char *[]){"x", NULL}), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(execv("append", (char *[]){"x", NULL}), -1);
    EXPECT_EQ(errno, EACCES);
}

TEST(mapped_files)
{
    int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char byte = 0;
    char *shared;
    char *private;

    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(ftruncate(fd, 8192), 0);
    REQUIRE_EQ(pwrite(fd, "abcdef", 6, 4096), 6);
    shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE_TRUE(shared != MAP_FAILED);
    private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    REQUIRE_TRUE(private != MAP_FAILED);
    EXPECT_EQ(memcmp(shared + 4096, "abcdef", 6), 0);
    EXPECT_EQ(memcmp(private, "abcdef", 6), 0);
    private[0] = 'X';
    EXPECT_EQ(shared[4096], 'a');
    shared[1] = 'S';
    EXPECT_EQ(msync(shared, 8192, MS_SYNC), 0);
    EXPECT_EQ(pread(fd, &byte, 1, 1), 1);
    EXPECT_EQ(byte, 'S');
    EXPECT_EQ(munmap(shared, 8192), 0);
    EXPECT_EQ(munmap(private, 4096), 0);
    EXPECT_TRUE(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    EXPECT_EQ(errno, EINVAL);
    close(fd);
}

TEST(anonymous_memory)
{
    char *p = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid;

    REQUIRE_TRUE(p != MAP_FAILED);
    EXPECT_EQ(p[99999], 0);
    pid = fork();
    if (pid == 0) {
        p[0] = 9; /* shared with the parent */
        _exit(0);
    }
    waitpid(pid, &status, 0);
    EXPECT_EQ(p[0], 9);
    EXPECT_EQ(mprotect(p, 4096, PROT_READ), 0);
    EXPECT_EQ(munmap(p, 100000), 0);
}

TEST(sbrk_grows_and_shrinks)
{
    char *old = sbrk(0);
    char *p = sbrk(10000);

    EXPECT_TRUE(p == old);
    memset(p, 1, 10000);
    EXPECT_TRUE(sbrk(-10000) == old + 10000);
    EXPECT_TRUE(sbrk(0) == old);
    EXPECT_TRUE(sbrk(INTPTR_MAX) == (void *)-1);
    EXPECT_EQ(errno, ENOMEM);
}

TEST(streams)
{
    FILE *f = fopen("stream", "w+");
    char buffer[32];
    char *line = NULL;
    size_t size = 0;

    REQUIRE_TRUE(f != NULL);
    EXPECT_EQ(fprintf(f, "%s %d\n%5.2f\n", "line", 1, 2.5), 13);
    rewind(f);
    EXPECT_TRUE(fgets(buffer, sizeof(buffer), f) != NULL);
    EXPECT_STREQ(buffer, "line 1\n");
    EXPECT_EQ(ftell(f), 7);
    EXPECT_EQ(getc(f), ' ');
    EXPECT_EQ(ungetc('u', f), 'u');
    EXPECT_EQ(getline(&line, &size, f), 6);
    EXPECT_STREQ(line, "u2.50\n");
    EXPECT_EQ(getline(&line, &size, f), -1);
    EXPECT_TRUE(feof(f));
    free(line);
    EXPECT_EQ(fseek(f, 0, SEEK_END), 0);
    for (int i = 0; i < 3000; i++)
        EXPECT_EQ(fputs("0123456789", f), 0);
    EXPECT_EQ(fclose(f), 0);
    f = fopen("stream", "r");
    EXPECT_EQ(fseek(f, 13 + 10 * 2999 + 7, SEEK_SET), 0);
    EXPECT_EQ(fread(buffer, 1, sizeof(buffer), f), 3);
    EXPECT_EQ(memcmp(buffer, "789", 3), 0);
    EXPECT_EQ(fputc('x', f), EOF);
    EXPECT_EQ(fclose(f), 0);
    EXPECT_TRUE(fopen("stream", "?") == NULL);
    EXPECT_EQ(errno, EINVAL);
}

TEST(environment)
{
    EXPECT_EQ(setenv("LIBC_TEST", "1", 0), 0);
    EXPECT_EQ(setenv("LIBC_TEST", "2", 0), 0);
    EXPECT_STREQ(getenv("LIBC_TEST"), "1");
    EXPECT_EQ(setenv("LIBC_TEST", "2", 1), 0);
    EXPECT_STREQ(getenv("LIBC_TEST"), "2");
    EXPECT_EQ(unsetenv("LIBC_TEST"), 0);
    EXPECT_TRUE(getenv("LIBC_TEST") == NULL);
    EXPECT_EQ(setenv("A=B", "", 1), -1);
    EXPECT_EQ(errno, EINVAL);
}

TEST(sleeping)
{
    struct timespec from;
    struct timespec to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    EXPECT_EQ(usleep(30000), 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    EXPECT_TRUE((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec >= 30000000);
}

static mutex_t lock = MUTEX_INITIALIZER;
static condition_t changed = CONDITION_INITIALIZER;
static int count;
static int turn;

static void *add(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        mutex_lock(&lock);
        count++;
        mutex_unlock(&lock);
        if (i % 100 == 0)
            swtch();
    }
    return arg;
}

static void *take_turns(void *arg)
{
    int mine = (int)(intptr_t)arg;

    for (int i = 0; i < 200; i++) {
        mutex_lock(&lock);
        while (turn % 3 != mine)
            condition_wait(&changed, &lock);
        turn++;
        condition_broadcast(&changed);
        mutex_unlock(&lock);
    }
    return NULL;
}

TEST(threads)
{
    cthread_t threads[4];
    int names;

    REQUIRE_KR(mach_thread_create(add, NULL, &threads[0]), KERN_SUCCESS);
    mach_thread_join(threads[0]);
    count = 0;
    names = count_names();
    for (int i = 0; i < 4; i++)
        REQUIRE_KR(mach_thread_create(add, &threads[i], &threads[i]), KERN_SUCCESS);
    for (int i = 0; i < 4; i++)
        EXPECT_TRUE(mach_thread_join(threads[i]) == &threads[i]);
    EXPECT_EQ(count, 8000);
    for (int i = 0; i < 3; i++)
        REQUIRE_KR(mach_thread_create(take_turns, (void *)(intptr_t)i, &threads[i]), KERN_SUCCESS);
    for (int i = 0; i < 3; i++)
        mach_thread_join(threads[i]);
    EXPECT_EQ(turn, 600);
    EXPECT_EQ(count_names(), names);
}

TEST(ids)
{
    EXPECT_TRUE(getpid() > 0);
    EXPECT_EQ(getpgid(0), getpgrp());
    EXPECT_EQ(getpgid(getpid()), getpgrp());
    EXPECT_EQ(getpgid(30000), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_EQ(isatty(open("append", O_RDONLY)), 0);
    EXPECT_EQ(errno, ENOTTY);
}

TEST_MAIN
