/*
 * The terminal, as far as a program can be its own typist (TIOCSTI): how much a read waits for, flow, queues,
 * sessions, the foreground, who gets which signal. What keys do to a line is tested on the host
 * (grade/unit/tty_keys.c), and a person's session from there, too (grade/test_tty.py).
 *
 * A test that needs a session has it in a child (in_session), where CHECK tells the test what went wrong.
 */
#include "posix_test.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

#define CONSOLE "/dev/console"
#define CTRL(c) ((c) & 0x1f)

static int told = -1; /* where a child's CHECK writes */

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            dprintf(told, "line %d: expected %s (errno %d)", __LINE__, #condition, errno); \
            return 1; \
        } \
    } while (0)

static int type(int tty, const char *keys)
{
    for (; *keys != '\0'; keys++)
        if (ioctl(tty, TIOCSTI, keys) < 0)
            return -1;
    return 0;
}

/* The modes at the start, less these of c_lflag, with MIN and TIME. What was typed is gone. */
static int set_modes(int tty, tcflag_t less, int min, int time)
{
    static struct termios first;
    struct termios t;

    if (first.c_cflag == 0 && tcgetattr(tty, &first) < 0)
        return -1;
    t = first;
    t.c_lflag &= ~(less | ECHO);
    t.c_cc[VMIN] = (cc_t)min;
    t.c_cc[VTIME] = (cc_t)time;
    return tcsetattr(tty, TCSAFLUSH, &t);
}

/* Is that what a read gives? */
static int reads(int tty, const char *text)
{
    char buffer[64];
    ssize_t n = read(tty, buffer, sizeof(buffer));

    return n == (ssize_t)strlen(text) && memcmp(buffer, text, (size_t)n) == 0;
}

static long ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Opens the terminal as the leader of a session, which it controls then. -1: not so. */
static int open_for_session(void)
{
    int tty = setsid() > 0 ? open(CONSOLE, O_RDWR) : -1;

    return tty >= 0 && tcgetsid(tty) == getpid() ? tty : -1;
}

/* Runs function in a child, with the terminal, which controls its session or (no `session`) nothing. */
static void in_child_at(int (*function)(int tty), int session, int line)
{
    char text[256];
    int fds[2], status = -1;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        int tty;

        close(fds[0]);
        told = fds[1];
        tty = session ? open_for_session() : open(CONSOLE, O_RDWR);
        if (tty < 0 || set_modes(tty, 0, 1, 0) < 0)
            dprintf(told, "no session: errno %d", errno);
        else
            status = function(tty);
        _exit(status);
    }
    close(fds[1]);
    read_all(fds[0], text, sizeof(text));
    close(fds[0]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    if (text[0] != '\0' || status != 0)
        test_fail(__FILE__, line, "%s; status 0x%x", text, (unsigned)status);
}
#define in_session(function) in_child_at(function, 1, __LINE__)
#define in_child(function) in_child_at(function, 0, __LINE__)

/* A child in a group of its own, which is in the foreground if so said. */
static pid_t start(int tty, int (*function)(int tty), int foreground)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        if (foreground) {
            signal(SIGTTOU, SIG_IGN);
            tcsetpgrp(tty, getpid());
            signal(SIGTTOU, SIG_DFL);
        }
        _exit(function(tty));
    }
    setpgid(pid, pid);
    if (foreground)
        tcsetpgrp(tty, pid);
    return pid;
}

/* How it ended, or (0x7f in the low byte) stopped. */
static int status_of(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, WUNTRACED) == pid ? status : -1;
}

/* The terminal in the foreground of somebody who ignores SIGTTOU for that. */
static int bring_back(int tty, pid_t group)
{
    int result;

    signal(SIGTTOU, SIG_IGN);
    result = tcsetpgrp(tty, group);
    signal(SIGTTOU, SIG_DFL);
    return result;
}

static int finish(pid_t pid)
{
    kill(pid, SIGKILL);
    kill(pid, SIGCONT);
    return status_of(pid);
}

static volatile sig_atomic_t came[NSIG];

static void note(int signal)
{
    came[signal]++;
}

static void catch(int signal, int flags)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};

    came[signal] = 0;
    sigaction(signal, &action, NULL);
}

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

/* ---- sessions ---- */

static int is_leader(int tty)
{
    pid_t group;

    CHECK(tcgetsid(tty) == getpid());
    CHECK(tcgetpgrp(tty) == getpid());
    CHECK(ioctl(tty, TIOCGPGRP, &group) == 0 && group == getpid());
    CHECK(ioctl(tty, TIOCSCTTY) == 0); /* has it already */
    return 0;
}

TEST(the_first_terminal_a_leader_opens_controls_its_session)
{
    in_session(is_leader);
    in_session(is_leader); /* and the next one's, when that has ended */
}

static int opens_without(int tty)
{
    pid_t pid;

    CHECK(tcgetsid(tty) == -1 && errno == ENOTTY); /* no leader */
    CHECK(ioctl(tty, TIOCSCTTY) == -1 && errno == EPERM);
    CHECK(setsid() == getpid());
    tty = open(CONSOLE, O_RDWR | O_NOCTTY);
    CHECK(tcgetsid(tty) == -1 && errno == ENOTTY);
    CHECK(tcgetpgrp(tty) == -1 && errno == ENOTTY);
    CHECK(tcsetpgrp(tty, getpid()) == -1 && errno == ENOTTY);
    CHECK(ioctl(tty, TIOCNOTTY) == -1 && errno == ENOTTY);
    CHECK(ioctl(tty, TIOCSCTTY) == 0);
    CHECK(tcgetsid(tty) == getpid());
    pid = fork();
    if (pid == 0)
        _exit(tcgetsid(tty) == getppid() ? 0 : 1);
    CHECK(status_of(pid) == 0);
    return 0;
}

TEST(a_session_without_a_terminal)
{
    in_child(opens_without);
}

static int other_session(int tty)
{
    if (setsid() < 0 || open(CONSOLE, O_RDWR) < 0)
        return 1;
    if (tcgetsid(tty) != -1 || ioctl(tty, TIOCSCTTY) != -1 || errno != EPERM)
        return 2;
    if (read(tty, &tty, 1) != -1 || errno != EIO)
        return 3; /* what is typed is not for it */
    return write(tty, "", 1) == 1 ? 0 : 4;
}

static int has_it_alone(int tty)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(other_session(tty));
    CHECK(status_of(pid) == 0);
    CHECK(tcgetsid(tty) == getpid());
    return 0;
}

TEST(a_terminal_controls_one_session)
{
    in_session(has_it_alone);
}

static int gives_it_up(int tty)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(ioctl(tty, TIOCNOTTY) == -1 && errno == EPERM ? 0 : 1);
    CHECK(status_of(pid) == 0);
    catch(SIGHUP, SA_RESTART);
    catch(SIGCONT, SA_RESTART);
    CHECK(ioctl(tty, TIOCNOTTY) == 0);
    CHECK(came[SIGHUP] == 1 && came[SIGCONT] == 1);
    CHECK(tcgetsid(tty) == -1 && errno == ENOTTY);
    CHECK(ioctl(tty, TIOCSCTTY) == 0);
    return 0;
}

TEST(a_terminal_is_given_up)
{
    in_session(gives_it_up);
}

static int waits(int tty)
{
    (void)tty;
    pause();
    return 1;
}

static int chooses_the_foreground(int tty)
{
    pid_t pid = start(tty, waits, 0);

    CHECK(tcsetpgrp(tty, 0) == -1 && errno == EINVAL);
    CHECK(tcsetpgrp(tty, -1) == -1 && errno == EINVAL);
    CHECK(tcsetpgrp(tty, getppid()) == -1 && errno == EPERM); /* of another session */
    CHECK(tcsetpgrp(tty, 30000) == -1 && errno == EPERM);
    CHECK(tcsetpgrp(tty, pid) == 0 && tcgetpgrp(tty) == pid);
    CHECK(bring_back(tty, getpgrp()) == 0 && tcgetpgrp(tty) == getpgrp());
    CHECK(WTERMSIG(finish(pid)) == SIGKILL);
    return 0;
}

TEST(the_foreground_is_a_group_of_the_session)
{
    in_session(chooses_the_foreground);
}

/* ---- the background ---- */

static int reads_x(int tty)
{
    return reads(tty, "x\n") ? 0 : 1;
}

static int stops_a_reader(int tty)
{
    pid_t pid = start(tty, reads_x, 0);
    int status = status_of(pid);

    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
    kill(pid, SIGCONT); /* still in the background */
    status = status_of(pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
    CHECK(tcsetpgrp(tty, pid) == 0);
    CHECK(type(tty, "x\n") == 0);
    kill(pid, SIGCONT);
    CHECK(status_of(pid) == 0);
    return 0;
}

TEST(a_reader_in_the_background_stops)
{
    in_session(stops_a_reader);
}

static int ignores_and_reads(int tty)
{
    char c;

    signal(SIGTTIN, SIG_IGN);
    return read(tty, &c, 1) == -1 && errno == EIO ? 0 : 1;
}

static int blocks_and_reads(int tty)
{
    sigset_t set;
    char c;

    signal(SIGTTIN, note); /* so that it is not known to the proc server what is blocked */
    sigemptyset(&set);
    sigaddset(&set, SIGTTIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return read(tty, &c, 1) == -1 && errno == EIO ? 0 : 1;
}

static int catches_and_reads(int tty)
{
    char c;

    catch(SIGTTIN, 0);
    return read(tty, &c, 1) == -1 && errno == EINTR && came[SIGTTIN] == 1 ? 0 : 1;
}

static int fails_readers(int tty)
{
    CHECK(status_of(start(tty, ignores_and_reads, 0)) == 0);
    CHECK(status_of(start(tty, blocks_and_reads, 0)) == 0);
    CHECK(status_of(start(tty, catches_and_reads, 0)) == 0);
    return 0;
}

TEST(a_reader_in_the_background_who_will_not_stop)
{
    in_session(fails_readers);
}

/* Its parent has ended: nobody could continue it. */
static int reads_as_orphan(int tty)
{
    pid_t parent = getpid();

    if (fork() > 0)
        return 0;
    while (getppid() == parent)
        pause_ms(1);
    write(told, read(tty, &parent, 1) == -1 && errno == EIO ? "+" : "-", 1);
    return 0;
}

static int has_an_orphan(int tty)
{
    int fds[2], real = told;
    char c = 0;
    pid_t pid;

    CHECK(pipe(fds) == 0);
    told = fds[1];
    pid = start(tty, reads_as_orphan, 0);
    told = real;
    CHECK(status_of(pid) == 0);
    close(fds[1]);
    CHECK(read(fds[0], &c, 1) == 1 && c == '+');
    return 0;
}

TEST(a_reader_that_nobody_could_continue_gets_an_error)
{
    in_session(has_an_orphan);
}

static int writes(int tty)
{
    return write(tty, "", 1) == 1 ? 0 : 1;
}

static int ignores_and_writes(int tty)
{
    signal(SIGTTOU, SIG_IGN);
    return writes(tty);
}

static int stops_writers(int tty)
{
    struct termios t;
    int status;
    pid_t pid;

    CHECK(status_of(start(tty, writes, 0)) == 0);
    tcgetattr(tty, &t);
    t.c_lflag |= TOSTOP;
    CHECK(tcsetattr(tty, TCSANOW, &t) == 0);
    pid = start(tty, writes, 0);
    status = status_of(pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
    CHECK(tcsetpgrp(tty, pid) == 0);
    kill(pid, SIGCONT);
    CHECK(status_of(pid) == 0);
    CHECK(bring_back(tty, getpgrp()) == 0);
    CHECK(status_of(start(tty, ignores_and_writes, 0)) == 0);
    return 0;
}

TEST(a_writer_in_the_background_stops_if_that_is_wanted)
{
    in_session(stops_writers);
}

static int call_number;

static int changes(int tty)
{
    struct winsize size = {24, 80, 0, 0};
    struct termios t;

    tcgetattr(tty, &t);
    switch (call_number) {
    case 0: return tcsetattr(tty, TCSANOW, &t);
    case 1: return tcsetattr(tty, TCSADRAIN, &t);
    case 2: return tcdrain(tty);
    case 3: return tcflush(tty, TCIFLUSH);
    case 4: return tcflow(tty, TCOON);
    case 5: return tcsendbreak(tty, 0);
    case 6: return tcsetpgrp(tty, getpgrp());
    default: return tcsetwinsize(tty, &size);
    }
}

static int stops_changes(int tty)
{
    for (call_number = 0; call_number < 8; call_number++) {
        pid_t pid = start(tty, changes, 0);
        int status = status_of(pid);

        CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
        CHECK(tcsetpgrp(tty, pid) == 0);
        kill(pid, SIGCONT);
        CHECK(status_of(pid) == 0);
        CHECK(bring_back(tty, getpgrp()) == 0);
    }
    return 0;
}

TEST(who_changes_it_from_the_background_stops)
{
    in_session(stops_changes);
}

/* ---- keys that are signals ---- */

static int types_signals(int tty)
{
    static const struct {
        const char *key;
        int signal;
    } keys[] = {{"\x03", SIGINT}, {"\x1c", SIGQUIT}};

    for (size_t i = 0; i < 2; i++) {
        pid_t pid = start(tty, waits, 1);

        CHECK(type(tty, keys[i].key) == 0);
        CHECK(WTERMSIG(status_of(pid)) == keys[i].signal);
        CHECK(bring_back(tty, getpgrp()) == 0);
    }
    return 0; /* not ours: we are there to say so */
}

TEST(keys_end_the_foreground)
{
    in_session(types_signals);
}

static int catches_interrupt(int tty)
{
    char c;

    catch(SIGINT, 0);
    write(told, "+", 1);
    return read(tty, &c, 1) == -1 && errno == EINTR && came[SIGINT] == 1 ? 0 : 1;
}

static int restarts(int tty)
{
    catch(SIGINT, SA_RESTART);
    write(told, "+", 1);
    return reads_x(tty) == 0 && came[SIGINT] == 1 ? 0 : 1;
}

static int interrupts_a_read(int tty)
{
    int (*const readers[])(int) = {catches_interrupt, restarts};
    int fds[2], real = told;
    char c;

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < 2; i++) {
        pid_t pid;

        told = fds[1];
        pid = start(tty, readers[i], 1);
        told = real;
        CHECK(read(fds[0], &c, 1) == 1);
        pause_ms(20);
        CHECK(type(tty, "\x03") == 0);
        CHECK(i == 0 || type(tty, "x\n") == 0);
        CHECK(status_of(pid) == 0);
        CHECK(bring_back(tty, getpgrp()) == 0);
    }
    return 0;
}

TEST(a_read_is_interrupted_or_begins_again)
{
    in_session(interrupts_a_read);
}

static int stops_the_foreground(int tty)
{
    pid_t pid = start(tty, reads_x, 1);
    int status;

    pause_ms(20); /* it waits to read */
    CHECK(type(tty, "\x1a") == 0);
    status = status_of(pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    CHECK(bring_back(tty, getpgrp()) == 0);
    CHECK(type(tty, "mine\n") == 0);
    CHECK(reads(tty, "mine\n")); /* not for who waited before */
    CHECK(tcsetpgrp(tty, pid) == 0);
    CHECK(type(tty, "x\n") == 0);
    kill(pid, SIGCONT);
    CHECK(status_of(pid) == 0);
    return 0;
}

TEST(who_is_stopped_reads_nothing_of_others)
{
    in_session(stops_the_foreground);
}

/* What is typed before the shell has the terminal again is for the shell. */
static int types_ahead(int tty)
{
    pid_t pid = start(tty, reads_x, 1);

    pause_ms(20);
    CHECK(type(tty, "\x1amine\n") == 0);
    CHECK(WIFSTOPPED(status_of(pid)));
    CHECK(bring_back(tty, getpgrp()) == 0);
    CHECK(reads(tty, "mine\n"));
    CHECK(WTERMSIG(finish(pid)) == SIGKILL);
    return 0;
}

TEST(what_is_typed_behind_a_stop_is_for_the_next)
{
    in_session(types_ahead);
}

static int flushes(int tty)
{
    struct termios t;
    int bytes;

    signal(SIGINT, SIG_IGN);
    CHECK(type(tty, "lost\nlost\x03kept\n") == 0);
    CHECK(reads(tty, "kept\n"));
    tcgetattr(tty, &t);
    t.c_lflag |= NOFLSH;
    CHECK(tcsetattr(tty, TCSANOW, &t) == 0);
    CHECK(type(tty, "kept\nand \x03this\n") == 0);
    CHECK(reads(tty, "kept\n") && reads(tty, "and this\n"));
    CHECK(tcflow(tty, TCOOFF) == 0 && write(tty, "\n", 1) == 1);
    CHECK(type(tty, "\x03") == 0); /* and lets output go on */
    CHECK(tcdrain(tty) == 0);
    t.c_lflag &= ~(tcflag_t)(NOFLSH | ISIG);
    CHECK(tcsetattr(tty, TCSANOW, &t) == 0);
    CHECK(type(tty, "\x03\x1a\n") == 0);
    CHECK(reads(tty, "\x03\x1a\n")); /* no signals then */
    CHECK(ioctl(tty, FIONREAD, &bytes) == 0 && bytes == 0);
    return 0;
}

TEST(a_signal_drops_what_was_typed)
{
    in_session(flushes);
}

/* ---- the end of a session ---- */

static int leaves(int tty)
{
    pid_t pid = start(tty, waits, 1);

    CHECK(pid > 0);
    dup2(told, 100); /* the child has told, too: the test reads on until it has ended */
    return 0;
}

TEST(the_end_of_the_leader_hangs_up)
{
    in_session(leaves); /* returns when the child in the foreground has ended, by SIGHUP */
    in_session(is_leader);
}

static int leaves_a_stopped(int tty)
{
    pid_t pid = start(tty, waits, 0);

    kill(pid, SIGSTOP);
    CHECK(WIFSTOPPED(status_of(pid)));
    return 0;
}

TEST(the_end_of_the_leader_ends_what_is_stopped)
{
    in_session(leaves_a_stopped);
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
