/*
 * Servers that die are started again, and what they promise their clients then (docs/servers.md). The
 * test kills them by the privileged host port, as a bug of theirs would.
 */
#include "server_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <testlib.h>
#include <time.h>
#include <unistd.h>

/* A pipe made, written and read. */
static int pipe_works(void)
{
    int fds[2], good;
    char c = 0;

    if (pipe(fds) < 0)
        return 0;
    good = write(fds[1], "x", 1) == 1 && read(fds[0], &c, 1) == 1 && c == 'x';
    close(fds[0]);
    close(fds[1]);
    return good;
}

TEST(new_pipes_work_after_the_pipe_server_died)
{
    REQUIRE_TRUE(pipe_works());
    REQUIRE_TRUE(kill_server("pipe"));
    EXPECT_TRUE(pipe_works());
}

TEST(a_pipe_that_died_with_its_server_is_an_error)
{
    int fds[2];
    char c;

    REQUIRE_TRUE(pipe(fds) == 0);
    REQUIRE_TRUE(kill_server("pipe"));
    EXPECT_TRUE(read(fds[0], &c, 1) < 0);
    EXPECT_TRUE(write(fds[1], "x", 1) < 0);
    close(fds[0]);
    close(fds[1]);
}

TEST(the_terminal_goes_on_after_the_serial_server_died)
{
    int fd = open("/dev/tty", O_RDWR);

    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(write(fd, "before\n", 7), 7);
    REQUIRE_TRUE(kill_server("serial"));
    EXPECT_EQ(write(fd, "after\n", 6), 6); /* the same port, a new server behind it */
    close(fd);
}

/* Asks until the next one has mounted itself; 0: it does not. */
static int is_back(const char *path)
{
    for (int i = 0; i < 200; i++, pause_ms(10))
        if (access(path, F_OK) == 0)
            return 1;
    return 0;
}

TEST(devices_and_processes_are_files_again_after_their_server_died)
{
    int fd = open("/proc/self/status", O_RDONLY), null = open("/dev/null", O_RDWR), back;
    char text[64] = "", again[64] = "";

    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(read(fd, text, 40), 40);
    REQUIRE_TRUE(kill_server("devproc"));
    EXPECT_TRUE(read(fd, again, 40) < 0);
    EXPECT_TRUE(write(null, again, 1) < 0);
    close(fd);
    close(null);
    REQUIRE_TRUE(is_back("/dev/null") && is_back("/proc/self/status"));
    null = open("/dev/null", O_RDWR);
    EXPECT_EQ(write(null, again, 1), 1);
    close(null);
    back = open("/proc/self/status", O_RDONLY);
    EXPECT_EQ(read(back, again, 40), 40);
    EXPECT_STREQ(again, text);
    close(back);
}

TEST(the_time_goes_on_after_the_rtc_server_died)
{
    struct timespec t;
    time_t before = time(NULL);

    REQUIRE_TRUE(kill_server("rtc"));
    EXPECT_TRUE(time(NULL) >= before && time(NULL) < before + 20);
    clock_gettime(CLOCK_REALTIME, &t);
    EXPECT_EQ(clock_settime(CLOCK_REALTIME, &t), 0);
    EXPECT_TRUE(time(NULL) >= before && time(NULL) < before + 20);
}

TEST(files_are_read_and_written_after_the_disk_driver_died)
{
    static char block[8192], back[8192];
    int fd = open("/var/restart", O_RDWR | O_CREAT | O_TRUNC, 0666);

    REQUIRE_TRUE(fd >= 0);
    memset(block, 'r', sizeof(block));
    for (int i = 0; i < 10; i++) {
        REQUIRE_EQ(write(fd, block, sizeof(block)), (long)sizeof(block));
        if (i % 3 == 0)
            REQUIRE_TRUE(kill_server("disk"));
        EXPECT_EQ(fsync(fd), 0);
    }
    EXPECT_EQ(pread(fd, back, sizeof(back), 9 * sizeof(back)), (long)sizeof(back));
    EXPECT_EQ(memcmp(block, back, sizeof(back)), 0);
    close(fd);
    unlink("/var/restart");
}

/* What was in it is gone; what was open there is an error; and the next one is in its place. */
TEST(memory_files_end_with_their_server)
{
    struct stat st;
    char c;
    int fd = open("/tmp/lost", O_RDWR | O_CREAT, 0666);
    dev_t dev;

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    dev = st.st_dev;
    EXPECT_EQ(write(fd, "x", 1), 1);
    REQUIRE_EQ(chdir("/tmp"), 0);
    REQUIRE_TRUE(kill_server("tmpfs"));
    EXPECT_TRUE(pread(fd, &c, 1, 0) < 0);
    EXPECT_TRUE(stat("lost", &st) < 0 && errno == EIO);
    EXPECT_EQ(chdir("/"), 0);
    for (int i = 0; i < 200 && (stat("/tmp", &st) < 0 || st.st_dev != dev); i++)
        pause_ms(10); /* until then it is the disk's directory below */
    EXPECT_TRUE(st.st_dev == dev);
    EXPECT_TRUE(stat("/tmp/lost", &st) < 0 && errno == ENOENT);
    close(fd);
    fd = open("/tmp/new", O_RDWR | O_CREAT, 0666);
    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_dev, dev);
    close(fd);
    unlink("/tmp/new");
}

TEST(drivers_find_the_device_server_again)
{
    REQUIRE_TRUE(kill_server("device"));
    REQUIRE_TRUE(kill_server("disk")); /* which claims its device anew */
    EXPECT_TRUE(access("/bin/sh", X_OK) == 0);
    sync();
}

TEST_MAIN
