/*
 * Servers are killed under load, again and again, and what docs/servers.md promises of each then is so. (One
 * after the other, at rest: posix_restart.c. Those that programs do not survive: posix_killed_file.c and
 * posix_killed_proc.c.)
 */
#include "posix_test.h"
#include "server_test.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>

TEST_LIMIT(120);

#define ROUNDS    3  /* deaths of each server in a case */
#define WORKERS   3
#define BETWEEN   30 /* ms from one death to the next */
#define BLOCK     4096
#define FILE_SIZE (8 * BLOCK)
#define COLD      1100 /* blocks: more than the file server keeps */

static volatile int *stop; /* shared with all workers */
static volatile int *busy; /* the same: how many are at work */
static char data[FILE_SIZE], back[FILE_SIZE];

/* ---- workers ---- */

struct load {
    pid_t pid[WORKERS + 2];
    int count;
};

static void add(struct load *l, int (*work)(int number))
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(work(l->count));
    l->pid[l->count++] = pid;
}

static void begin(struct load *l)
{
    if (stop == NULL)
        stop = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    busy = stop + 1;
    *stop = 0;
    *busy = 0;
    l->count = 0;
}

static void at_work(void)
{
    __atomic_fetch_add(busy, 1, __ATOMIC_SEQ_CST);
}

static void await_workers(const struct load *l)
{
    while (*busy < l->count)
        pause_ms(5);
}

/* Each ends with that status. */
static void expect_end(struct load *l, int exit_status)
{
    *stop = 1;
    for (int i = 0; i < l->count; i++) {
        int status = -1;

        EXPECT_EQ(waitpid(l->pid[i], &status, 0), l->pid[i]);
        EXPECT_EQ(status, exit_status << 8);
    }
}

static const char *name_of(const char *format, int number)
{
    static char name[32];

    snprintf(name, sizeof name, format, number);
    return name;
}

/* Writes a file, to the disk, and reads it, with other bytes each time. */
static int writes_to_disk(int number)
{
    for (int turn = 0; !*stop; turn++) {
        int fd = open(name_of("load.%d", number), O_RDWR | O_CREAT | O_TRUNC, 0666);

        memset(data, turn + number, FILE_SIZE);
        if (fd < 0 || write(fd, data, FILE_SIZE) != FILE_SIZE || fsync(fd) != 0)
            return 1;
        if (pread(fd, back, FILE_SIZE, 0) != FILE_SIZE || memcmp(data, back, FILE_SIZE) != 0)
            return 2;
        if (close(fd) != 0 || (turn % 2 && unlink(name_of("load.%d", number)) != 0))
            return 3;
    }
    return 0;
}

/* Reads what is not in memory. */
static int reads_from_disk(int number)
{
    int fd = open("cold", O_RDONLY);

    (void)number;
    while (!*stop)
        for (int i = COLD; i-- > 0 && !*stop;)
            if (pread(fd, back, BLOCK, (off_t)i * BLOCK) != BLOCK || back[0] != (char)i ||
                back[BLOCK - 1] != (char)i)
                return 1;
    return 0;
}

static int make_cold(void)
{
    int fd = open("cold", O_RDWR | O_CREAT | O_TRUNC, 0666);

    for (int i = 0; fd >= 0 && i < COLD; i++) {
        memset(data, i, BLOCK);
        if (write(fd, data, BLOCK) != BLOCK)
            return -1;
    }
    return fd < 0 || fsync(fd) != 0 ? -1 : close(fd);
}

static void kill_often(const char *const *servers, int count)
{
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++) {
            pause_ms(BETWEEN);
            if (!kill_server(servers[i]))
                FAIL("%s did not come back", servers[i]);
        }
}

static void disk_load(struct load *l)
{
    REQUIRE_EQ(make_cold(), 0);
    begin(l);
    for (int i = 0; i < WORKERS; i++)
        add(l, writes_to_disk);
    add(l, reads_from_disk);
}

TEST(a_disk_server_that_dies_loses_no_request)
{
    static const char *const disk[] = {"disk"};
    struct load l;

    disk_load(&l);
    kill_often(disk, 1);
    expect_end(&l, 0);
}

TEST(drivers_that_die_with_the_device_server_lose_nothing)
{
    static const char *const all[] = {"device", "disk", "serial", "rtc"};
    struct load l;

    disk_load(&l);
    kill_often(all, 4);
    expect_end(&l, 0);
    sync();
}

/* ---- pipes ---- */

static int fds[2][2];

static int writes_pipe(int number)
{
    (void)number;
    at_work();
    signal(SIGPIPE, SIG_IGN);
    while (write(fds[0][1], data, BLOCK) > 0)
        ;
    return errno;
}

static int copies_pipe(int number)
{
    ssize_t n;

    (void)number;
    at_work();
    signal(SIGPIPE, SIG_IGN);
    while ((n = read(fds[0][0], back, BLOCK)) > 0)
        if (write(fds[1][1], back, (size_t)n) < 0)
            break;
    return errno;
}

static int reads_pipe(int number)
{
    (void)number;
    at_work();
    while (read(fds[1][0], back, BLOCK) > 0)
        ;
    return errno;
}

static int waits_at_pipe(int number)
{
    int own[2];

    (void)number;
    if (pipe(own) != 0)
        return 1;
    at_work();
    return read(own[0], back, 1) < 0 ? errno : 2;
}

static int pipe_works(void)
{
    int own[2], good;
    char c = 0;

    if (pipe(own) < 0)
        return 0;
    good = write(own[1], "x", 1) == 1 && read(own[0], &c, 1) == 1 && c == 'x';
    close(own[0]);
    close(own[1]);
    return good;
}

TEST(a_pipeline_breaks_with_its_server)
{
    struct load l;

    for (int round = 0; round < ROUNDS; round++) {
        REQUIRE_EQ(pipe(fds[0]), 0);
        REQUIRE_EQ(pipe(fds[1]), 0);
        begin(&l);
        add(&l, writes_pipe);
        add(&l, copies_pipe);
        add(&l, reads_pipe);
        add(&l, waits_at_pipe);
        await_workers(&l);
        pause_ms(BETWEEN);
        REQUIRE_TRUE(kill_server("pipe"));
        expect_end(&l, EIO);
        for (int i = 0; i < 4; i++)
            close(fds[i / 2][i % 2]);
        EXPECT_TRUE(pipe_works());
    }
}

/* A shell goes on behind a pipeline that broke. */
TEST(a_shells_pipeline_ends_with_its_server)
{
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork();
        struct stat st;
        int status = -1;

        if (pid == 0) {
            execl("/bin/sh", "sh", "-c",
                  "{ echo >begun; cat /dev/zero; } 2>/dev/null | cat >/dev/null 2>&1; echo >ended", NULL);
            _exit(127);
        }
        REQUIRE_TRUE(pid > 0);
        while (stat("begun", &st) != 0)
            pause_ms(10);
        pause_ms(BETWEEN);
        REQUIRE_TRUE(kill_server("pipe"));
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT_EQ(status, 0);
        EXPECT_EQ(unlink("begun"), 0);
        EXPECT_EQ(unlink("ended"), 0);
    }
}

/* ---- files in memory ---- */

static int writes_memory(int number)
{
    int fd = open(name_of("/tmp/load.%d", number), O_RDWR | O_CREAT, 0666);

    if (fd < 0)
        return 1;
    at_work();
    for (int turn = 0;; turn++) {
        ssize_t wrote, got;

        memset(data, turn, FILE_SIZE);
        wrote = pwrite(fd, data, FILE_SIZE, 0);
        got = wrote < 0 ? -1 : pread(fd, back, FILE_SIZE, 0);
        if (got < 0)
            return errno;
        if (wrote == FILE_SIZE && got == FILE_SIZE && memcmp(data, back, FILE_SIZE) != 0)
            return 2;
    }
}

TEST(memory_files_are_an_error_when_their_server_dies)
{
    struct stat st;
    struct load l, disk;
    dev_t dev;

    REQUIRE_EQ(stat("/tmp", &st), 0);
    dev = st.st_dev;
    for (int round = 0; round < ROUNDS; round++) {
        disk_load(&disk); /* others mind nothing */
        l.count = 0;
        for (int i = 0; i < WORKERS; i++)
            add(&l, writes_memory);
        await_workers(&l);
        pause_ms(BETWEEN);
        REQUIRE_TRUE(kill_server("tmpfs"));
        for (int i = 0; i < WORKERS; i++) {
            int status = -1;

            EXPECT_EQ(waitpid(l.pid[i], &status, 0), l.pid[i]);
            EXPECT_EQ(status, EIO << 8);
        }
        expect_end(&disk, 0);
        for (int i = 0; i < 200 && (stat("/tmp", &st) < 0 || st.st_dev != dev); i++)
            pause_ms(10); /* until then it is the disk's directory below */
        EXPECT_EQ(st.st_dev, dev);
        EXPECT_TRUE(stat("/tmp/load.0", &st) < 0 && errno == ENOENT);
    }
}

/* ---- the terminal ---- */

static int open_session(void)
{
    return setsid() > 0 ? open("/dev/console", O_RDWR) : -1;
}

static int reads_terminal(int number)
{
    int tty = open_session();

    if (tty < 0)
        return 1;
    close(open(name_of("at.%d", number), O_CREAT, 0666));
    return read(tty, back, 1) < 0 ? errno : 2;
}

static int shell_at_terminal(int number)
{
    int tty = open_session();

    (void)number;
    if (tty < 0)
        return 99;
    for (int fd = 0; fd < 3; fd++)
        dup2(tty, fd);
    execl("/bin/sh", "sh", "-i", NULL);
    return 98;
}

static int type(int tty, const char *keys)
{
    for (; *keys != '\0'; keys++)
        if (ioctl(tty, TIOCSTI, keys) < 0)
            return -1;
    return 0;
}

static void await_file(const char *name)
{
    struct stat st;

    while (stat(name, &st) != 0)
        pause_ms(10);
    unlink(name);
    pause_ms(BETWEEN);
}

TEST(a_read_at_the_terminal_fails_when_its_server_dies)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct load l;

        begin(&l);
        add(&l, reads_terminal);
        await_file("at.0");
        REQUIRE_TRUE(kill_server("serial"));
        expect_end(&l, EIO);
    }
}

/* A shell at its prompt takes that for the end of its input. The next one has the terminal. */
TEST(a_shell_at_its_prompt_ends_when_the_serial_server_dies)
{
    for (int round = 0; round < ROUNDS; round++) {
        int tty, status = -1;
        struct stat st;
        struct load l;

        begin(&l);
        add(&l, shell_at_terminal);
        tty = open("/dev/console", O_RDWR | O_NOCTTY);
        REQUIRE_TRUE(tty >= 0);
        for (int i = 0; stat("prompt", &st) != 0; i++) {
            if (i % 50 == 0) /* again: a shell that begins throws away what was typed before */
                REQUIRE_EQ(type(tty, "echo > prompt\n"), 0);
            pause_ms(10);
        }
        pause_ms(BETWEEN);
        REQUIRE_TRUE(kill_server("serial"));
        EXPECT_EQ(waitpid(l.pid[0], &status, 0), l.pid[0]);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 98);
        EXPECT_EQ(write(tty, "\n", 1), 1); /* descriptors stay good */
        EXPECT_EQ(unlink("prompt"), 0);
        close(tty);
    }
}

static int writes_terminal(int number)
{
    int tty = open("/dev/console", O_RDWR | O_NOCTTY);

    (void)number;
    while (!*stop) {
        if (write(tty, ".", 1) != 1 && errno != EIO)
            return 1;
        pause_ms(1);
    }
    return write(tty, "\n", 1) == 1 ? 0 : 2;
}

TEST(the_terminal_is_as_at_the_start_when_its_server_has_died)
{
    int tty = open("/dev/console", O_RDWR | O_NOCTTY);
    struct termios first, t;
    struct load l;

    REQUIRE_TRUE(tty >= 0);
    REQUIRE_EQ(tcgetattr(tty, &first), 0);
    begin(&l);
    add(&l, writes_terminal);
    for (int round = 0; round < ROUNDS; round++) {
        t = first;
        t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        EXPECT_EQ(tcsetattr(tty, TCSANOW, &t), 0);
        EXPECT_EQ(type(tty, "typed"), 0);
        REQUIRE_TRUE(kill_server("serial"));
        EXPECT_EQ(tcgetattr(tty, &t), 0);
        EXPECT_EQ(t.c_lflag, first.c_lflag);
    }
    expect_end(&l, 0);
    close(tty);
}

POSIX_TEST_MAIN
