/*
 * The file server is killed, under load, again and again, and what docs/servers.md promises is so: who had
 * files of it open gets errors; the next one has what was brought to the disk, and serves who asks anew.
 *
 * No program survives that as a process: so this one has all of itself in memory first, and asks the file
 * server for its files by messages.
 */
#include "posix_test.h"
#include "server_test.h"

#include <mach/error.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <servers/io.h>
#include <sys/mman.h>

TEST_LIMIT(120);

#define ROUNDS  4
#define WORKERS 3
#define BLOCK   4096

extern const char _start[], end[]; /* the linker's: in the first and the last page of the program */

static char data[BLOCK];
static volatile int *turns; /* of each worker, shared */
static pid_t workers[WORKERS];
static int held = -1; /* a file of the first server's */

/* No page of this program is asked of the file server any more. */
static void be_in_memory(void)
{
    for (const volatile char *at = _start; at < end; at += BLOCK)
        (void)*at;
}

/* Works with files until one of them is an error; ends with that. */
static int work(int number)
{
    char name[32];

    be_in_memory();
    snprintf(name, sizeof name, "load.%d", number);
    for (;; turns[number]++) {
        struct stat st;
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);

        if (fd < 0 || write(fd, data, BLOCK) != BLOCK || fsync(fd) != 0)
            return errno;
        if (pread(fd, data, BLOCK, 0) != BLOCK || stat(name, &st) != 0)
            return errno;
        if (close(fd) != 0 || unlink(name) != 0)
            return errno;
    }
}

static mach_port_t service;

/* The root of the file server that is there now. */
static mach_port_t new_root(void)
{
    mach_port_t root = MACH_PORT_NULL;

    EXPECT_KR(fs_root(service, &root), KERN_SUCCESS);
    return root;
}

/* Reads a file of that server by messages; the first byte, or -1. */
static int first_byte(mach_port_t root, const char *path)
{
    mach_msg_type_name_t how;
    uint32_t on;
    mach_msg_type_number_t count = 1;
    mach_port_t file;
    char c;

    if (fs_open(root, path, O_RDONLY, 0, &file, &how, &on) != KERN_SUCCESS)
        return -1;
    if (io_pread(file, 0, 1, &c, &count) != KERN_SUCCESS || count != 1)
        c = -1;
    mach_port_deallocate(mach_task_self(), file);
    return c;
}

static kern_return_t write_new(mach_port_t root, const char *path, char c, int sync)
{
    mach_msg_type_name_t how;
    uint32_t on;
    mach_port_t file;
    uint32_t amount;
    kern_return_t kr = fs_open(root, path, O_RDWR | O_CREAT, 0666, &file, &how, &on);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = io_pwrite(file, 0, &c, 1, &amount);
    if (kr == KERN_SUCCESS && sync)
        kr = io_sync(file);
    mach_port_deallocate(mach_task_self(), file);
    return kr;
}

TEST(it_is_killed_under_load)
{
    REQUIRE_KR(bootstrap_look_up(bootstrap_port, SERVICE_FILE, &service), KERN_SUCCESS);
    turns = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    be_in_memory();
    held = open("held", O_RDWR | O_CREAT | O_TRUNC, 0666);
    REQUIRE_TRUE(held >= 0);
    REQUIRE_EQ(write(held, "h", 1), 1);
    REQUIRE_EQ(fsync(held), 0);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        if (workers[i] == 0)
            _exit(work(i));
        REQUIRE_TRUE(workers[i] > 0);
    }
    for (int i = 0; i < WORKERS; i++)
        while (turns[i] < 3)
            pause_ms(10);
    EXPECT_TRUE(kill_server("file"));
}

TEST(who_works_with_files_gets_an_error)
{
    for (int i = 0; i < WORKERS; i++) {
        int status = -1;

        EXPECT_EQ(waitpid(workers[i], &status, 0), workers[i]);
        EXPECT_EQ(status, EIO << 8);
    }
}

TEST(what_was_open_is_an_error)
{
    struct stat st;
    char c;

    EXPECT_ERRNO(pread(held, &c, 1, 0), EIO);
    EXPECT_ERRNO(pwrite(held, "x", 1, 0), EIO);
    EXPECT_ERRNO(fstat(held, &st), EIO);
    EXPECT_ERRNO(fsync(held), EIO);
    EXPECT_EQ(close(held), 0);
}

TEST(roots_and_current_directories_are_errors)
{
    struct stat st;

    EXPECT_ERRNO(open("held", O_RDONLY), EIO);
    EXPECT_ERRNO(open("/bin/sh", O_RDONLY), EIO);
    EXPECT_ERRNO(stat("/", &st), EIO);
    EXPECT_ERRNO(chdir("/"), EIO);
    EXPECT_ERRNO(execl("/bin/sh", "sh", NULL), EIO);
    EXPECT_TRUE(fork() < 0 && errno == EIO);
}

/* Pipes, memory and time need no files. */
TEST(the_rest_goes_on)
{
    int fds[2];
    char c = 0;

    EXPECT_EQ(pipe(fds), 0);
    EXPECT_EQ(write(fds[1], "p", 1), 1);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(c, 'p');
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_EQ(close(fds[1]), 0);
    EXPECT_TRUE(getpid() > 0 && kill(getpid(), 0) == 0);
}

TEST(the_next_one_has_what_was_brought_to_the_disk)
{
    mach_port_t root = new_root();

    REQUIRE_TRUE(root != MACH_PORT_NULL);
    EXPECT_EQ(first_byte(root, DIR_NAME "/held"), 'h');
    mach_port_deallocate(mach_task_self(), root);
}

/* Each recovers from the log what the last one had committed; and what was not may be there or not. */
TEST(so_do_those_after_it)
{
    for (int round = 0; round < ROUNDS; round++) {
        mach_port_t root = new_root();
        char synced[64], left[64];
        int c;

        REQUIRE_TRUE(root != MACH_PORT_NULL);
        snprintf(synced, sizeof synced, DIR_NAME "/synced.%d", round);
        snprintf(left, sizeof left, DIR_NAME "/left.%d", round);
        EXPECT_KR(write_new(root, synced, 's', 1), KERN_SUCCESS);
        EXPECT_KR(write_new(root, left, 'l', 0), KERN_SUCCESS);
        REQUIRE_TRUE(kill_server("file"));
        EXPECT_TRUE(first_byte(root, synced) < 0); /* a dead name */
        mach_port_deallocate(mach_task_self(), root);
        root = new_root();
        REQUIRE_TRUE(root != MACH_PORT_NULL);
        EXPECT_EQ(first_byte(root, synced), 's');
        c = first_byte(root, left);
        EXPECT_TRUE(c == 'l' || c == -1);
        mach_port_deallocate(mach_task_self(), root);
    }
}

/* A page of a program that is not in memory cannot be had. */
TEST(a_page_that_is_not_there_is_a_signal)
{
    /* Nobody can fork any more; what maps a file of a dead server is enough to see it. */
    mach_port_t self = mach_task_self(), root = new_root(), file, object;
    mach_msg_type_name_t how;
    uint32_t on;
    vm_address_t at = 0;
    char c[8];
    int64_t size;

    REQUIRE_KR(fs_open(root, "/bin/sh", O_RDONLY, 0, &file, &how, &on), KERN_SUCCESS);
    REQUIRE_KR(io_map(file, &object, &size), KERN_SUCCESS);
    REQUIRE_KR(vm_map(self, &at, 16 * BLOCK, 0, TRUE, object, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                      VM_INHERIT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_read_overwrite_trap(self, at, sizeof c, (vm_address_t)c), KERN_SUCCESS);
    REQUIRE_TRUE(kill_server("file"));
    EXPECT_TRUE(vm_read_overwrite_trap(self, at + 9 * BLOCK, sizeof c, (vm_address_t)c) != KERN_SUCCESS);
    vm_deallocate(self, at, 16 * BLOCK);
    mach_port_deallocate(mach_task_self(), object);
    mach_port_deallocate(mach_task_self(), file);
    mach_port_deallocate(mach_task_self(), root);
}

POSIX_TEST_MAIN
