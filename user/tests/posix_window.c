/*
 * Reading by mapping (user/lib/libc/window.c): read() shows what it would show if it asked the file server
 * each time, whatever else is done to the file and its offset.
 */
#include "posix_test.h"

#include <cthreads.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <servers/io.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#define NAME  DIR_NAME "/window"
#define SIZE  (64UL << 10)
#define CALL  256
#define READS 8 /* more than it takes until a file is mapped */

static char data[SIZE], got[SIZE];

/* Byte i of the file. */
static char expected(size_t i)
{
    return (char)(i * 7 + i / 256 * 31);
}

static boolean_t is_expected(const char *bytes, size_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != expected(offset + i))
            return FALSE;
    return TRUE;
}

static void write_pattern(void)
{
    int fd;

    mkdir(DIR_NAME, 0755);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = expected(i);
    fd = open(NAME, O_CREAT | O_TRUNC | O_WRONLY, 0666);
    EXPECT_EQ(write(fd, data, SIZE), SIZE);
    close(fd);
}

static uint32_t messages(void)
{
    struct task_events_info info = {0};
    mach_msg_type_number_t count = TASK_EVENTS_INFO_COUNT;

    task_info(mach_task_self(), TASK_EVENTS_INFO, (task_info_t)&info, &count);
    return info.messages_sent;
}

/* Does the next read of fd, at offset, give what is there; and without any message? */
static boolean_t reads_silently(int fd, size_t offset)
{
    uint32_t before = messages(), asked = messages() - before;
    boolean_t right;

    before = messages();
    right = read(fd, got, CALL) == CALL && is_expected(got, offset, CALL);
    return right && messages() - before == asked;
}

/* A descriptor of the file, with READS reads done, and the file mapped. */
static int open_mapped(int flags)
{
    int fd;

    write_pattern();
    fd = open(NAME, flags);
    for (unsigned i = 0; i < READS; i++)
        EXPECT_EQ(read(fd, got, CALL), CALL);
    EXPECT_TRUE(reads_silently(fd, READS * CALL));
    return fd;
}

#define AT ((READS + 1) * CALL) /* the offset then */

/* What the file server thinks the offset is. */
static int64_t server_offset(int fd)
{
    mach_port_t port = getdport(fd);
    int64_t offset = -1;

    EXPECT_KR(io_seek(port, 0, SEEK_CUR, &offset), KERN_SUCCESS);
    mach_port_deallocate(mach_task_self(), port);
    return offset;
}

/* All of it is read, in pieces of any size, and its end is found. */
TEST(all_is_read)
{
    size_t sizes[] = {1, 100, 1024, 4096, 5000, 20000};

    write_pattern();
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int fd = open(NAME, O_RDONLY);
        size_t at = 0;
        ssize_t n;

        if (sizes[s] == 1)
            EXPECT_EQ(lseek(fd, SIZE - 500, SEEK_SET), (off_t)(at = SIZE - 500));
        for (unsigned i = 0; i < 4 && sizes[s] == 1; i++) {
            EXPECT_EQ(read(fd, got, 1), 1);
            at++;
        }
        while ((n = read(fd, got, sizes[s])) > 0) {
            EXPECT_TRUE(is_expected(got, at, (size_t)n));
            at += (size_t)n;
        }
        EXPECT_EQ(n, 0);
        EXPECT_EQ(at, SIZE);
        EXPECT_EQ(read(fd, got, 1), 0);
        close(fd);
    }
}

TEST(the_offset_moves_as_it_is_told)
{
    int fd = open_mapped(O_RDONLY);

    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), AT);
    EXPECT_EQ(lseek(fd, 1000, SEEK_SET), 1000);
    EXPECT_TRUE(reads_silently(fd, 1000));
    EXPECT_EQ(lseek(fd, -56, SEEK_CUR), 1200);
    EXPECT_TRUE(reads_silently(fd, 1200));
    EXPECT_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 1200 + CALL);
    EXPECT_EQ(lseek(fd, -(off_t)CALL, SEEK_END), SIZE - CALL);
    EXPECT_EQ(read(fd, got, 2 * CALL), CALL);
    EXPECT_TRUE(is_expected(got, SIZE - CALL, CALL));
    EXPECT_EQ(lseek(fd, SIZE + 10, SEEK_SET), SIZE + 10);
    EXPECT_EQ(read(fd, got, 1), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(read(fd, got, CALL), CALL);
    EXPECT_TRUE(is_expected(got, 0, CALL));
    close(fd);
}

/* A write goes to where the reads have come, and they go on after it. */
TEST(a_write_is_at_the_offset)
{
    int fd = open_mapped(O_RDWR);

    EXPECT_EQ(write(fd, "new", 3), 3);
    EXPECT_EQ(read(fd, got, CALL), CALL);
    EXPECT_TRUE(is_expected(got, AT + 3, CALL));
    EXPECT_EQ(pread(fd, got, 3, AT), 3);
    EXPECT_EQ(memcmp(got, "new", 3), 0);
    close(fd);
}

/* What is written by whomever is read by the next read. */
TEST(what_is_written_is_read)
{
    int fd = open_mapped(O_RDONLY), other = open(NAME, O_WRONLY);

    for (unsigned i = 0; i < 100; i++) {
        char text[16];

        snprintf(text, sizeof text, "round %u", i);
        EXPECT_EQ(pwrite(other, text, sizeof text, AT + i * 100), sizeof text);
        lseek(fd, AT + i * 100, SEEK_SET);
        EXPECT_EQ(read(fd, got, sizeof text), sizeof text);
        EXPECT_EQ(memcmp(got, text, sizeof text), 0);
    }
    close(other);
    close(fd);
}

/* So is what is written through a mapping, once that is synchronized. */
TEST(what_is_mapped_and_written_is_read)
{
    int fd = open_mapped(O_RDONLY), other = open(NAME, O_RDWR);
    char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);

    REQUIRE_TRUE(at != MAP_FAILED);
    for (unsigned i = 0; i < 4; i++) {
        char text[16];

        snprintf(text, sizeof text, "mapped %u", i);
        memcpy(at + i * PAGE_SIZE, text, sizeof text);
        EXPECT_EQ(msync(at, SIZE, MS_SYNC), 0);
        lseek(fd, i * PAGE_SIZE, SEEK_SET);
        EXPECT_EQ(read(fd, got, sizeof text), sizeof text);
        EXPECT_EQ(memcmp(got, text, sizeof text), 0);
    }
    munmap(at, SIZE);
    close(other);
    close(fd);
}

/* The blocks of a file are free when it has no name and nobody reads it, though it was mapped. */
TEST(an_unlinked_file_is_freed)
{
    struct statvfs before, after;
    int fd = open_mapped(O_RDONLY);

    close(fd);
    EXPECT_EQ(statvfs(DIR_NAME, &before), 0);
    EXPECT_EQ(unlink(NAME), 0);
    EXPECT_EQ(statvfs(DIR_NAME, &after), 0);
    for (unsigned i = 0; i < 100 && after.f_bfree < before.f_bfree + SIZE / after.f_frsize; i++) {
        usleep(10000); /* the kernel lets go of it first */
        EXPECT_EQ(statvfs(DIR_NAME, &after), 0);
    }
    EXPECT_TRUE(after.f_bfree >= before.f_bfree + SIZE / after.f_frsize);
}

/* A file that is cut off ends there, and what it was is not read; it may grow again. */
TEST(a_file_is_cut_off)
{
    int fd = open_mapped(O_RDONLY), other = open(NAME, O_RDWR);

    EXPECT_EQ(ftruncate(other, AT + 10), 0);
    EXPECT_EQ(read(fd, got, CALL), 10);
    EXPECT_TRUE(is_expected(got, AT, 10));
    EXPECT_EQ(read(fd, got, CALL), 0);
    EXPECT_EQ(ftruncate(other, SIZE), 0);
    EXPECT_EQ(read(fd, got, CALL), CALL);
    for (unsigned i = 0; i < CALL; i++)
        EXPECT_EQ(got[i], 0);
    close(other);
    other = open(NAME, O_WRONLY | O_TRUNC);
    EXPECT_EQ(read(fd, got, CALL), 0);
    close(other);
    close(fd);
}

/* A file that has grown is read on, by who has seen its end, and by who has not. */
TEST(a_file_grows)
{
    int fd = open_mapped(O_RDONLY), other = open(NAME, O_WRONLY | O_APPEND);

    EXPECT_EQ(lseek(fd, SIZE - CALL, SEEK_SET), SIZE - CALL);
    EXPECT_EQ(write(other, "more", 4), 4);
    EXPECT_EQ(read(fd, got, 2 * CALL), CALL + 4);
    EXPECT_EQ(memcmp(got + CALL, "more", 4), 0);
    EXPECT_EQ(read(fd, got, CALL), 0);
    EXPECT_EQ(write(other, "still", 5), 5);
    EXPECT_EQ(read(fd, got, CALL), 5);
    close(other);
    close(fd);
}

/* Parent and child have one offset. */
TEST(a_child_reads_on)
{
    int fd = open_mapped(O_RDONLY), status;
    pid_t pid = fork();

    if (pid == 0) {
        for (unsigned i = 0; i < READS; i++)
            if (read(fd, got, CALL) != CALL || !is_expected(got, AT + i * CALL, CALL))
                _exit(1);
        _exit(0);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    for (unsigned i = 0; i < READS; i++) {
        EXPECT_EQ(read(fd, got, CALL), CALL);
        EXPECT_TRUE(is_expected(got, AT + (READS + i) * CALL, CALL));
    }
    close(fd);
}

/* So do two descriptors, in whatever way the second is made. */
TEST(two_descriptors_have_one_offset)
{
    for (unsigned way = 0; way < 3; way++) {
        int fd = open_mapped(O_RDONLY);
        int second = way == 0 ? dup(fd) : way == 1 ? dup2(fd, 20) : fcntl(fd, F_DUPFD, 30);

        for (unsigned i = 0; i < 2 * READS; i++) {
            EXPECT_EQ(read(i % 2 != 0 ? fd : second, got, CALL), CALL);
            EXPECT_TRUE(is_expected(got, AT + i * CALL, CALL));
        }
        close(fd);
        for (unsigned i = 0; i < READS; i++)
            EXPECT_EQ(read(second, got, CALL), CALL);
        EXPECT_TRUE(reads_silently(second, AT + 3 * READS * CALL));
        close(second);
    }
}

/* What exec starts reads on; and by mapping, if nobody else has the file. */
TEST(another_program_reads_on)
{
    char output[2 * CALL];
    int fd, status;
    pid_t pid;

    REQUIRE_EQ(shell("cd " DIR_NAME "; seq 1 9999 > n; { read a; read b; tail -n 1; } < n; echo $a $b",
                     output, sizeof output), 0);
    EXPECT_STREQ(output, "9999\n1 2\n");
    pid = fork();
    if (pid == 0) {
        fd = open_mapped(O_RDONLY);
        lseek(fd, SIZE - 4, SEEK_SET);
        read(fd, got, 1);
        dup2(fd, 0);
        execl("/bin/sh", "sh", "-c", "test $(wc -c) -eq 3", NULL);
        _exit(1);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    unlink(DIR_NAME "/n");
}

/* Who is given the right finds the offset where the reads have come. */
TEST(a_port_has_the_offset)
{
    int fd = open_mapped(O_RDONLY);

    EXPECT_EQ(server_offset(fd), AT);
    EXPECT_EQ(read(fd, got, CALL), CALL);
    EXPECT_EQ(server_offset(fd), AT + CALL);
    close(fd);
}

#define PIECE 64

static int shared_fd;
static uint8_t seen[SIZE / PIECE]; /* atomic: how often each piece was read */

/* Reads pieces, each of which begins with its number, until the end. Whoever gets an argument also makes the
 * window end under the others now and then. */
static void *read_pieces(void *arg)
{
    uint64_t piece[PIECE / sizeof(uint64_t)];

    while (read(shared_fd, piece, PIECE) == PIECE) {
        if (piece[0] < SIZE / PIECE)
            __atomic_add_fetch(&seen[piece[0]], 1, __ATOMIC_RELAXED);
        if (piece[0] % 16 == 0 && arg != NULL)
            close(dup(shared_fd));
    }
    return NULL;
}

/* Threads that read one descriptor share its bytes out: each is read once. */
TEST(threads_read_each_byte_once)
{
    cthread_t threads[3];

    write_pattern();
    for (uint64_t i = 0; i < SIZE / PIECE; i++)
        memcpy(data + i * PIECE, &i, sizeof i);
    memset(seen, 0, sizeof seen);
    shared_fd = open(NAME, O_RDWR);
    EXPECT_EQ(write(shared_fd, data, SIZE), SIZE);
    lseek(shared_fd, 0, SEEK_SET);
    for (uintptr_t i = 0; i < 3; i++)
        REQUIRE_KR(mach_thread_create(read_pieces, (void *)i, &threads[i]), KERN_SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        mach_thread_join(threads[i]);
    for (unsigned i = 0; i < SIZE / PIECE; i++)
        EXPECT_EQ(seen[i], 1);
    EXPECT_EQ(lseek(shared_fd, 0, SEEK_CUR), SIZE);
    close(shared_fd);
}

/* The window's memory object is for reading: who maps it for writing gets an exception when he writes, and
 * the others are read as they were. */
static int write_through(void)
{
    int fd = open(NAME, O_RDONLY);
    mach_port_t port = getdport(fd), object;
    int64_t size, offset;
    vm_address_t at = 0;

    if (io_window(port, &object, &size, &offset) != KERN_SUCCESS)
        return 1;
    if (vm_map(mach_task_self(), &at, SIZE, 0, TRUE, object, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE,
               VM_PROT_ALL, VM_INHERIT_NONE) != KERN_SUCCESS)
        return 2;
    if (*(volatile char *)(at + 1) != expected(1))
        return 3;
    *(volatile char *)at = 1;
    return 4;
}

/* Nor through the mapping that who may only read gets. */
static int write_as_reader(void)
{
    mach_port_t port, object;
    vm_address_t at = 0;
    int64_t size;
    int fd;

    if (setgid(1000) != 0 || setuid(1000) != 0 || open(NAME, O_RDWR) >= 0)
        return 1;
    fd = open(NAME, O_RDONLY);
    port = getdport(fd);
    if (io_map(port, &object, &size) != KERN_SUCCESS
        || vm_map(mach_task_self(), &at, SIZE, 0, TRUE, object, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE,
                  VM_PROT_ALL, VM_INHERIT_NONE) != KERN_SUCCESS)
        return 2;
    if (*(volatile char *)(at + 1) != expected(1))
        return 3;
    *(volatile char *)at = 1;
    return 4;
}

TEST(nobody_writes_who_may_only_read)
{
    int fd = open_mapped(O_RDONLY);

    EXPECT_EQ(run_child(write_through), SIGBUS);
    EXPECT_EQ(chmod(NAME, 0644), 0);
    EXPECT_EQ(run_child(write_as_reader), SIGBUS);
    lseek(fd, 0, SEEK_SET);
    EXPECT_EQ(read(fd, got, CALL), CALL);
    EXPECT_TRUE(is_expected(got, 0, CALL));
    close(fd);
}

/* Many descriptors at once; the table of them grows meanwhile. */
TEST(many_files_are_mapped)
{
    int fds[100];

    write_pattern();
    for (unsigned i = 0; i < 100; i++) {
        fds[i] = open(NAME, O_RDONLY);
        for (unsigned r = 0; r < READS; r++)
            EXPECT_EQ(read(fds[i], got, CALL), CALL);
    }
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_EQ(read(fds[i], got, CALL), CALL);
        EXPECT_TRUE(is_expected(got, READS * CALL, CALL));
        close(fds[i]);
    }
    unlink(NAME);
}

POSIX_TEST_MAIN
