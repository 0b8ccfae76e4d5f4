/*
 * The terminal: how much a read waits for, queues, flow, the window. What keys do to a line is tested on the
 * host (grade/unit/tty_keys.c), sessions by posix_session.c, and what a person sees by grade/test_tty.py.
 */
#include "tty_test.h"

#include <poll.h>

/* ---- what a read waits for ---- */

TEST(lines_are_read_one_by_one)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY), bytes;

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_EQ(type(tty, "one\ntwo\n"), 0);
    EXPECT_EQ(ioctl(tty, FIONREAD, &bytes), 0);
    EXPECT_EQ(bytes, 8);
    EXPECT_TRUE(reads(tty, "one\n"));
    EXPECT_TRUE(reads(tty, "two\n"));
    EXPECT_EQ(type(tty, "half\x04"), 0); /* ^D: what there is; then the end of the file */
    EXPECT_TRUE(reads(tty, "half"));
    EXPECT_EQ(type(tty, "\x04"), 0);
    EXPECT_TRUE(reads(tty, ""));
    close(tty);
}

TEST(a_line_is_read_in_parts)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    char part[3];

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_EQ(type(tty, "abcde\nf\n"), 0);
    EXPECT_EQ(read(tty, part, 3), 3);
    EXPECT_EQ(memcmp(part, "abc", 3), 0);
    EXPECT_TRUE(reads(tty, "de\n"));
    EXPECT_TRUE(reads(tty, "f\n"));
    EXPECT_EQ(type(tty, "abc\x04z\n"), 0);
    EXPECT_EQ(read(tty, part, 3), 3); /* and the ^D behind it is no end of file of its own */
    EXPECT_TRUE(reads(tty, "z\n"));
    close(tty);
}

TEST(neither_min_nor_time_does_not_wait)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);

    REQUIRE_EQ(set_modes(tty, ICANON, 0, 0), 0);
    EXPECT_TRUE(reads(tty, ""));
    EXPECT_EQ(type(tty, "ab"), 0);
    EXPECT_TRUE(reads(tty, "ab"));
    close(tty);
}

TEST(time_alone_is_the_reads)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    long begin = ms();
    pid_t pid;

    REQUIRE_EQ(set_modes(tty, ICANON, 0, 2), 0);
    EXPECT_TRUE(reads(tty, ""));
    EXPECT_TRUE(ms() - begin >= 200);
    REQUIRE_EQ(set_modes(tty, ICANON, 0, 100), 0);
    pid = fork();
    if (pid == 0) {
        pause_ms(50);
        _exit(type(tty, "k"));
    }
    begin = ms();
    EXPECT_TRUE(reads(tty, "k"));
    EXPECT_TRUE(ms() - begin < 10000);
    EXPECT_EQ(status_of(pid), 0);
    close(tty);
}

TEST(min_and_time_end_with_the_first_of_them)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    long begin = ms();

    REQUIRE_EQ(set_modes(tty, ICANON, 3, 2), 0);
    EXPECT_EQ(type(tty, "ab"), 0);
    EXPECT_TRUE(reads(tty, "ab"));
    EXPECT_TRUE(ms() - begin >= 200);
    EXPECT_EQ(type(tty, "abcd"), 0);
    EXPECT_TRUE(reads(tty, "abcd"));
    close(tty);
}

/* Types "a", then "b", 50 ms apart. */
static pid_t type_slowly(int tty, const char *keys)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    for (; *keys != '\0'; keys++) {
        pause_ms(50);
        if (ioctl(tty, TIOCSTI, keys) < 0)
            _exit(1);
    }
    _exit(0);
}

TEST(min_waits_for_so_many)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    char two[2];
    pid_t pid;

    REQUIRE_EQ(set_modes(tty, ICANON, 3, 0), 0);
    pid = type_slowly(tty, "abc");
    EXPECT_TRUE(reads(tty, "abc"));
    EXPECT_EQ(status_of(pid), 0);
    pid = type_slowly(tty, "de"); /* or as many as it asks for */
    EXPECT_EQ(read(tty, two, 2), 2);
    EXPECT_EQ(status_of(pid), 0);
    REQUIRE_EQ(set_modes(tty, ICANON, 2, 1), 0);
    pid = type_slowly(tty, "f"); /* the time begins with the first byte */
    EXPECT_TRUE(reads(tty, "f"));
    EXPECT_EQ(status_of(pid), 0);
    close(tty);
}

TEST(a_change_of_the_modes_reaches_who_waits)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    pid_t pid;

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    pid = fork();
    if (pid == 0) {
        struct termios t;

        pause_ms(50);
        type(tty, "raw");
        tcgetattr(tty, &t);
        t.c_lflag &= ~(tcflag_t)ICANON;
        _exit(tcsetattr(tty, TCSANOW, &t));
    }
    EXPECT_TRUE(reads(tty, "raw"));
    EXPECT_EQ(status_of(pid), 0);
    close(tty);
}

TEST(reading_without_waiting)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct pollfd p = {tty, POLLIN, 0};
    char c;

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_ERRNO(read(tty, &c, 1), EAGAIN);
    EXPECT_EQ(poll(&p, 1, 0), 0);
    EXPECT_EQ(type(tty, "a"), 0);
    EXPECT_ERRNO(read(tty, &c, 1), EAGAIN); /* no line yet */
    EXPECT_EQ(poll(&p, 1, 0), 0);
    EXPECT_EQ(type(tty, "\n"), 0);
    EXPECT_EQ(poll(&p, 1, -1), 1);
    EXPECT_EQ(p.revents, POLLIN);
    EXPECT_TRUE(reads(tty, "a\n"));
    close(tty);
}

/* ---- queues, output ---- */

TEST(queues_are_dropped)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY), bytes = -1;

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_EQ(type(tty, "lost\nlost"), 0);
    EXPECT_EQ(tcflush(tty, TCIFLUSH), 0);
    EXPECT_EQ(type(tty, "kept\n"), 0);
    EXPECT_EQ(tcflush(tty, TCOFLUSH), 0);
    EXPECT_TRUE(reads(tty, "kept\n"));
    EXPECT_EQ(tcflow(tty, TCOOFF), 0);
    EXPECT_EQ(write(tty, "never seen", 10), 10);
    EXPECT_EQ(ioctl(tty, TIOCOUTQ, &bytes), 0);
    EXPECT_EQ(bytes, 10);
    EXPECT_EQ(tcflush(tty, TCIOFLUSH), 0);
    EXPECT_EQ(ioctl(tty, TIOCOUTQ, &bytes), 0);
    EXPECT_EQ(bytes, 0);
    EXPECT_EQ(tcflow(tty, TCOON), 0);
    EXPECT_ERRNO(tcflush(tty, 3), EINVAL);
    EXPECT_ERRNO(tcflow(tty, 4), EINVAL);
    close(tty);
}

/* One child for each of the calls that wait for output, which has stopped. */
TEST(output_is_waited_for)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY), status;
    pid_t pids[3];
    struct termios t;

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_EQ(tcflow(tty, TCOOFF), 0);
    EXPECT_EQ(write(tty, "later\n", 6), 6);
    tcgetattr(tty, &t);
    t.c_cc[VEOL] = '!';
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(i == 0 ? tcdrain(tty) : i == 1 ? tcsetattr(tty, TCSADRAIN, &t)
                                                 : tcsendbreak(tty, 0));
        pause_ms(20); /* in this order */
    }
    EXPECT_EQ(waitpid(-1, &status, WNOHANG), 0);
    tcgetattr(tty, &t);
    EXPECT_EQ(t.c_cc[VEOL], 0);
    EXPECT_EQ(tcflow(tty, TCOON), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(status_of(pids[i]), 0);
    tcgetattr(tty, &t);
    EXPECT_EQ(t.c_cc[VEOL], '!');
    EXPECT_EQ(set_modes(tty, 0, 1, 0), 0);
    close(tty);
}

TEST(a_wait_for_output_is_interrupted)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    pid_t pid;

    REQUIRE_EQ(tcflow(tty, TCOOFF), 0);
    EXPECT_EQ(write(tty, "\n", 1), 1);
    for (int i = 0; i < 3; i++) {
        struct termios t;

        pid = fork();
        if (pid == 0) {
            int failed;

            catch(SIGALRM, 0);
            tcgetattr(tty, &t);
            ualarm(50000, 0);
            failed = i == 0   ? tcdrain(tty)
                     : i == 1 ? tcsetattr(tty, TCSADRAIN, &t)
                              : tcsendbreak(tty, 0);
            _exit(failed == -1 && errno == EINTR && came[SIGALRM] == 1 ? 0 : 1);
        }
        EXPECT_EQ(status_of(pid), 0);
    }
    EXPECT_EQ(tcflow(tty, TCOON), 0);
    EXPECT_EQ(tcdrain(tty), 0);
    close(tty);
}

TEST(keys_stop_output_and_let_it_go_on)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY), bytes = -1;

    REQUIRE_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_EQ(type(tty, "\x13"), 0); /* ^S */
    EXPECT_EQ(write(tty, "stopped\n", 8), 8);
    EXPECT_EQ(ioctl(tty, TIOCOUTQ, &bytes), 0);
    EXPECT_EQ(bytes, 9); /* with the \r */
    EXPECT_EQ(type(tty, "\x11"), 0);
    EXPECT_EQ(tcdrain(tty), 0);
    EXPECT_EQ(ioctl(tty, TIOCOUTQ, &bytes), 0);
    EXPECT_EQ(bytes, 0);
    EXPECT_EQ(ioctl(tty, FIONREAD, &bytes), 0); /* neither is to be read */
    EXPECT_EQ(bytes, 0);
    close(tty);
}

TEST(a_write_that_waits_is_written)
{
    static char text[10000]; /* more than the server keeps */
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY), status = -1;
    pid_t pid;

    memset(text, '\0', sizeof(text)); /* nothing is to be seen of it */
    REQUIRE_EQ(tcflow(tty, TCOOFF), 0);
    pid = fork();
    if (pid == 0)
        _exit(write(tty, text, sizeof(text)) == sizeof(text) ? 0 : 1);
    pause_ms(50);
    EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
    EXPECT_EQ(tcflow(tty, TCOON), 0);
    EXPECT_EQ(status_of(pid), 0);
    close(tty);
}

TEST(speeds_are_kept)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    struct termios t;

    EXPECT_EQ(tcgetattr(tty, &t), 0);
    EXPECT_EQ(cfsetispeed(&t, B9600), 0);
    EXPECT_EQ(cfsetospeed(&t, B300), 0);
    EXPECT_EQ(tcsetattr(tty, TCSANOW, &t), 0);
    memset(&t, 0, sizeof(t));
    EXPECT_EQ(tcgetattr(tty, &t), 0);
    EXPECT_EQ(cfgetispeed(&t), B9600);
    EXPECT_EQ(cfgetospeed(&t), B300);
    EXPECT_EQ(set_modes(tty, 0, 1, 0), 0);
    EXPECT_ERRNO(tcsetattr(tty, 77, &t), EINVAL);
    close(tty);
}

TEST(what_is_no_terminal)
{
    int fd = open("/dev/null", O_RDWR), fds[2];
    struct termios t = {0};
    struct winsize size = {0};
    char name[8];

    REQUIRE_EQ(pipe(fds), 0);
    for (int i = 0; i < 2; i++) {
        int no = i == 0 ? fd : fds[0];

        EXPECT_ERRNO(tcgetattr(no, &t), ENOTTY);
        EXPECT_ERRNO(tcsetattr(no, TCSANOW, &t), ENOTTY);
        EXPECT_ERRNO(tcdrain(no), ENOTTY);
        EXPECT_ERRNO(tcflush(no, TCIFLUSH), ENOTTY);
        EXPECT_ERRNO(tcflow(no, TCOON), ENOTTY);
        EXPECT_ERRNO(tcsendbreak(no, 0), ENOTTY);
        EXPECT_ERRNO(tcgetpgrp(no), ENOTTY);
        EXPECT_ERRNO(tcsetpgrp(no, 1), ENOTTY);
        EXPECT_ERRNO(tcgetsid(no), ENOTTY);
        EXPECT_ERRNO(tcgetwinsize(no, &size), ENOTTY);
        EXPECT_ERRNO(tcsetwinsize(no, &size), ENOTTY);
        EXPECT_ERRNO(ioctl(no, TIOCSCTTY), ENOTTY);
        errno = 0;
        EXPECT_EQ(isatty(no), 0);
        EXPECT_EQ(errno, ENOTTY);
        EXPECT_TRUE(ttyname(no) == NULL);
        EXPECT_EQ(ttyname_r(no, name, sizeof(name)), ENOTTY);
    }
    EXPECT_ERRNO(tcdrain(99), EBADF);
    EXPECT_ERRNO(ioctl(99, TIOCSCTTY), EBADF);
    EXPECT_EQ(isatty(99), 0);
    close(fd);
    close(fds[0]);
    close(fds[1]);
}

TEST(its_name)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    char name[32];

    EXPECT_EQ(isatty(tty), 1);
    EXPECT_STREQ(ttyname(tty), CONSOLE);
    EXPECT_EQ(ttyname_r(tty, name, sizeof(name)), 0);
    EXPECT_STREQ(name, CONSOLE);
    EXPECT_EQ(ttyname_r(tty, name, 5), ERANGE);
    EXPECT_STREQ(ctermid(NULL), "/dev/tty");
    close(tty);
}

TEST(to_type_is_for_root)
{
    int tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    pid_t pid = fork();

    if (pid == 0) {
        setuid(100);
        _exit(type(tty, "x") == -1 && errno == EPERM ? 0 : 1);
    }
    EXPECT_EQ(status_of(pid), 0);
    close(tty);
}

/* ---- the window ---- */

static int has_a_window(int tty)
{
    struct winsize size = {0}, small = {.ws_row = 10, .ws_col = 40}, normal;

    catch(SIGWINCH, SA_RESTART);
    CHECK(tcgetwinsize(tty, &normal) == 0 && normal.ws_row == 24 && normal.ws_col == 80);
    CHECK(tcsetwinsize(tty, &small) == 0);
    CHECK(came[SIGWINCH] == 1);
    CHECK(ioctl(tty, TIOCGWINSZ, &size) == 0 && size.ws_row == 10 && size.ws_col == 40);
    CHECK(tcsetwinsize(tty, &small) == 0);
    CHECK(came[SIGWINCH] == 1); /* nothing has changed */
    CHECK(ioctl(tty, TIOCSWINSZ, &normal) == 0);
    CHECK(came[SIGWINCH] == 2);
    return 0;
}

TEST(a_change_of_the_window_is_told)
{
    in_session(has_a_window);
}

POSIX_TEST_MAIN
