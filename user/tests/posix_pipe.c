/* Pipes: end of file, EPIPE, atomic writes, blocking, both ends in many processes. */
#include "posix_test.h"

static char buffer[64 * 1024];
static int fds[2];

TEST(bytes_go_through_in_order)
{
    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_EQ(write(fds[1], "first", 5), 5);
    EXPECT_EQ(write(fds[1], "second", 6), 6);
    EXPECT_EQ(read(fds[0], buffer, 3), 3);
    EXPECT_TRUE(memcmp(buffer, "fir", 3) == 0);
    EXPECT_EQ(read(fds[0], buffer, sizeof buffer), 8);
    EXPECT_TRUE(memcmp(buffer, "stsecond", 8) == 0);
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_EQ(close(fds[1]), 0);
}

TEST(end_of_file_when_the_last_writer_closed)
{
    int copy;

    REQUIRE_EQ(pipe(fds), 0);
    copy = dup(fds[1]);
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    EXPECT_EQ(close(fds[1]), 0);
    EXPECT_EQ(write(copy, "y", 1), 1); /* one is left */
    EXPECT_EQ(close(copy), 0);
    EXPECT_EQ(read(fds[0], buffer, 10), 2);
    EXPECT_EQ(read(fds[0], buffer, 10), 0);
    EXPECT_EQ(read(fds[0], buffer, 10), 0);
    EXPECT_EQ(close(fds[0]), 0);
}

TEST(a_write_without_readers_is_epipe)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;

    sigaction(SIGPIPE, &ignore, &old);
    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_ERRNO(write(fds[1], "x", 1), EPIPE);
    EXPECT_EQ(close(fds[1]), 0);
    sigaction(SIGPIPE, &old, NULL);
}

static int write_and_die(void)
{
    signal(SIGPIPE, SIG_DFL);
    close(fds[0]);
    write(fds[1], "x", 1);
    return 3;
}

TEST(sigpipe_ends_the_writer)
{
    int status;

    REQUIRE_EQ(pipe(fds), 0);
    close(fds[0]);
    fds[0] = -1;
    status = run_child(write_and_die);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGPIPE);
    EXPECT_EQ(close(fds[1]), 0);
}

TEST(wrong_ends_and_seeks)
{
    struct stat st;

    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_ERRNO(write(fds[0], "x", 1), EBADF);
    EXPECT_ERRNO(read(fds[1], buffer, 1), EBADF);
    EXPECT_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    EXPECT_EQ(fstat(fds[0], &st), 0);
    EXPECT_TRUE(S_ISFIFO(st.st_mode));
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_EQ(close(fds[1]), 0);
}

/* ---- blocking ---- */

static int write_later(void)
{
    usleep(30000);
    return write(fds[1], "late", 4) == 4 ? 0 : 1;
}

TEST(a_read_waits_for_data)
{
    int status;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0)
        _exit(write_later());
    REQUIRE_TRUE(pid > 0);
    EXPECT_EQ(read(fds[0], buffer, 10), 4);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_EQ(close(fds[1]), 0);
}

static int write_much(void)
{
    size_t done = 0;

    close(fds[0]);
    memset(buffer, 'm', sizeof buffer);
    while (done < 1000000) {
        ssize_t n = write(fds[1], buffer, sizeof buffer);

        if (n <= 0)
            return 1;
        done += (size_t)n;
    }
    return 0;
}

TEST(a_write_waits_for_room)
{
    long total = 0;
    ssize_t n;
    int status;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0)
        _exit(write_much());
    REQUIRE_TRUE(pid > 0);
    EXPECT_EQ(close(fds[1]), 0);
    usleep(20000); /* it has filled the pipe, and waits */
    EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
    while ((n = read(fds[0], buffer, 10000)) > 0) {
        for (ssize_t i = 0; i < n; i += 100)
            REQUIRE_EQ(buffer[i], 'm');
        total += n;
    }
    EXPECT_TRUE(total >= 1000000);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(close(fds[0]), 0);
}

TEST(a_waiting_reader_can_be_killed)
{
    int status;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0)
        _exit(read(fds[0], buffer, 1) == 1);
    REQUIRE_TRUE(pid > 0);
    usleep(20000);
    EXPECT_EQ(kill(pid, SIGKILL), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(write(fds[1], "still", 5), 5); /* nothing went with it */
    EXPECT_EQ(read(fds[0], buffer, 10), 5);
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_EQ(close(fds[1]), 0);
}

/* ---- writes of at most PIPE_BUF are whole ---- */

enum { WRITERS = 4, RECORDS = 100, RECORD = 1000 };

static int write_records(int which)
{
    static char record[RECORD];

    close(fds[0]);
    memset(record, 'A' + which, RECORD);
    for (int i = 0; i < RECORDS; i++)
        if (write(fds[1], record, RECORD) != RECORD)
            return 1;
    return 0;
}

TEST(small_writes_are_atomic)
{
    int counts[WRITERS] = {0};
    size_t have = 0;
    ssize_t n;

    REQUIRE_EQ(pipe(fds), 0);
    for (int i = 0; i < WRITERS; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(write_records(i));
        REQUIRE_TRUE(pid > 0);
    }
    EXPECT_EQ(close(fds[1]), 0);
    while ((n = read(fds[0], buffer + have, sizeof buffer - have)) > 0) {
        have += (size_t)n;
        while (have >= RECORD) {
            for (int i = 1; i < RECORD; i++)
                REQUIRE_EQ(buffer[i], buffer[0]);
            REQUIRE_TRUE(buffer[0] >= 'A' && buffer[0] < 'A' + WRITERS);
            counts[buffer[0] - 'A']++;
            memmove(buffer, buffer + RECORD, have - RECORD);
            have -= RECORD;
        }
    }
    EXPECT_EQ(have, 0);
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;

        EXPECT_EQ(counts[i], RECORDS);
        EXPECT_TRUE(wait(&status) > 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(close(fds[0]), 0);
}

TEST(fifty_pipes)
{
    enum { COUNT = 50 };
    static int many[COUNT][2];

    for (int i = 0; i < COUNT; i++)
        REQUIRE_EQ(pipe(many[i]), 0);
    for (int i = 0; i < COUNT; i++)
        EXPECT_EQ(write(many[i][1], &i, sizeof i), sizeof i);
    for (int i = 0; i < COUNT; i++) {
        int value = -1;

        EXPECT_EQ(read(many[i][0], &value, sizeof value), sizeof value);
        EXPECT_EQ(value, i);
        EXPECT_EQ(close(many[i][0]), 0);
        EXPECT_EQ(close(many[i][1]), 0);
    }
}

POSIX_TEST_MAIN
