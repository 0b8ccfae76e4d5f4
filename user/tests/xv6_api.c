/*
 * xv6's user API, as a program written for xv6 sees it: the headers by xv6's paths, and what its
 * calls do where POSIX's do otherwise.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "user/user.h"

#include <testlib.h>

#define DIR_NAME "/tmp/xv6"

TEST(files)
{
    struct stat st;
    char buffer[8];
    int fd;

    while (open("/dev/null", O_RDWR) < 2) /* it is started without descriptors */
        ;
    mkdir("/tmp");
    mkdir(DIR_NAME);
    REQUIRE_EQ(chdir(DIR_NAME), 0);
    fd = open("a", O_CREATE | O_RDWR);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "hello", 5), 5);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.type, T_FILE);
    EXPECT_EQ(st.size, 5);
    EXPECT_EQ(st.nlink, 1);
    close(fd);
    fd = open("a", O_CREATE | O_RDWR | O_TRUNC);
    EXPECT_EQ(read(fd, buffer, 5), 0);
    close(fd);
    EXPECT_EQ(open("none", O_RDONLY), -1);
    EXPECT_EQ(link("a", "b"), 0);
    EXPECT_EQ(unlink("a"), 0);
    EXPECT_EQ(unlink("b"), 0);
    EXPECT_EQ(stat("b", &st), -1);
    EXPECT_EQ(stat(".", &st), 0);
    EXPECT_EQ(st.type, T_DIR);
    EXPECT_EQ(stat("/dev/null", &st), 0);
    EXPECT_EQ(st.type, T_DEVICE);
}

TEST(directories_are_read_as_records)
{
    struct dirent de;
    int fd;
    int dot = 0;
    int long_name = 0;
    int entries = 0;

    close(open("a_name_longer_than_14", O_CREATE | O_RDWR));
    mkdir("d");
    fd = open(".", O_RDONLY);
    REQUIRE_TRUE(fd >= 0);
    while (read(fd, &de, sizeof(de)) == sizeof(de)) {
        EXPECT_TRUE(de.inum != 0);
        dot += memcmp(de.name, ".\0", 2) == 0;
        long_name += memcmp(de.name, "a_name_longer_", DIRSIZ) == 0;
        entries++;
    }
    EXPECT_EQ(dot, 1);
    EXPECT_EQ(long_name, 1);
    EXPECT_EQ(entries, 4);
    close(fd);
    fd = open(".", O_RDONLY); /* from the start again */
    EXPECT_EQ(read(fd, &de, sizeof(de)), (long)sizeof(de));
    EXPECT_EQ(memcmp(de.name, ".\0", 2), 0);
    close(fd);
    EXPECT_EQ(unlink("d"), 0); /* an empty directory is unlinked like a file */
    EXPECT_EQ(unlink("a_name_longer_than_14"), 0);
}

TEST(exit_status_is_an_int)
{
    int status = 0;
    int pid = fork();

    if (pid == 0)
        exit(0x12345);
    EXPECT_EQ(wait(&status), pid);
    EXPECT_EQ(status, 0x12345);
    EXPECT_EQ(wait(0), -1);
}

TEST(killed_is_minus_one)
{
    int status = 0;
    int pid = fork();

    if (pid == 0)
        for (;;)
            sleep(100);
    EXPECT_EQ(kill(pid), 0);
    EXPECT_EQ(wait(&status), pid);
    EXPECT_EQ(status, -1);
    EXPECT_EQ(kill(-1), -1);
}

TEST(no_sigpipe)
{
    int p[2];
    int status = 0;

    if (fork() == 0) {
        pipe(p);
        close(p[0]);
        exit(write(p[1], "x", 1) == -1 ? 5 : 6);
    }
    wait(&status);
    EXPECT_EQ(status, 5);
}

TEST(ticks)
{
    int before = uptime();

    EXPECT_EQ(sleep(2), 0);
    EXPECT_TRUE(uptime() - before >= 2);
    EXPECT_EQ(pause(1), 0);
}

TEST(printing_and_strings)
{
    int p[2];
    char buffer[64];
    int n;

    REQUIRE_EQ(pipe(p), 0);
    fprintf(p[1], "%d %s %x %c%%\n", -5, "str", 255, 'c');
    n = read(p[0], buffer, sizeof(buffer));
    EXPECT_EQ(n, 13);
    EXPECT_EQ(memcmp(buffer, "-5 str ff c%\n", 13), 0);
    EXPECT_EQ(atoi("12ab"), 12);
    EXPECT_EQ(atoi("-1"), 0);
    EXPECT_TRUE(strchr("abc", 'c') != 0);
    EXPECT_TRUE(strchr("abc", '\0') == 0);
    EXPECT_EQ(strlen("four"), 4);
    close(p[0]);
    close(p[1]);
}

TEST(memory)
{
    char *p = sbrk(4096);

    EXPECT_TRUE(p != (char *)-1);
    memset(p, 7, 4096);
    EXPECT_EQ(p[4095], 7);
    EXPECT_TRUE(sbrk(-4096) == p + 4096);
    p = malloc(100000);
    EXPECT_TRUE(p != 0);
    free(p);
}

TEST_MAIN
