/* The terminal of a session: who has it, foreground and background, keys that are signals, the end. */
#include "tty_test.h"

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

POSIX_TEST_MAIN
