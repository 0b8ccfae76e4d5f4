/*
 * Work for the crash tests (crash_load.h): random operations by system calls. grade/test_fscrash.py has
 * QEMU record the disk's writes meanwhile, and asks with crash.marks=1 that each operation be told by a
 * write of its own to the swap partition: so it stands in the record between those of the file system.
 */
#include "posix_test.h"

#include "../lib/libc/posix.h" /* the port behind a descriptor */

#include <mach/mach.h>
#include <partition.h>
#include <servers/disk.h>
#include <stdlib.h>

#include "crash_load.h"

TEST_LIMIT(120);

#define BLOCK 4096
#define MARK_MAGIC "OSTIA-MARK "

static mach_port_t disk;
static struct partition swap;

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int do_create(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

    return fd < 0 ? errno : result(close(fd));
}

static int do_mkdir(const char *path)
{
    return result(mkdir(path, 0755));
}

static int do_symlink(const char *target, const char *path)
{
    return result(symlink(target, path));
}

static int do_link(const char *path, const char *other)
{
    return result(link(path, other));
}

static int do_rename(const char *path, const char *other)
{
    return result(rename(path, other));
}

static int do_unlink(const char *path)
{
    return result(unlink(path));
}

static int do_rmdir(const char *path)
{
    return result(rmdir(path));
}

static int do_write(const char *path, uint64_t offset, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY);
    int err;

    if (fd < 0)
        return errno;
    err = pwrite(fd, data, len, (off_t)offset) == (ssize_t)len ? 0 : errno != 0 ? errno : EIO;
    close(fd);
    return err;
}

static int do_truncate(const char *path, uint64_t size)
{
    int fd = open(path, O_WRONLY);
    int err;

    if (fd < 0)
        return errno;
    err = result(ftruncate(fd, (off_t)size));
    close(fd);
    return err;
}

static int do_fsync(const char *path)
{
    int fd = open(path, O_RDONLY);
    int err;

    if (fd < 0)
        return errno;
    err = result(fsync(fd));
    close(fd);
    return err;
}

static int do_sync(void)
{
    sync();
    return 0;
}

static void no_mark(const char *line)
{
    (void)line;
}

static void mark(const char *line)
{
    static char block[BLOCK];

    memset(block, 0, sizeof block);
    snprintf(block, sizeof block, MARK_MAGIC "%s\n", line);
    EXPECT_KR(disk_write(disk, swap.first, block, BLOCK), KERN_SUCCESS);
}

static struct load_target target = {
    .create = do_create,
    .mkdir = do_mkdir,
    .symlink = do_symlink,
    .link = do_link,
    .rename = do_rename,
    .unlink = do_unlink,
    .rmdir = do_rmdir,
    .write = do_write,
    .truncate = do_truncate,
    .fsync = do_fsync,
    .sync = do_sync,
    .mark = no_mark,
};

static unsigned number(const char *name, unsigned otherwise)
{
    char text[16];

    return test_boot_arg(name, text, sizeof text) > 0 ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* In a directory of its own, which stays. */
static void work(unsigned kind)
{
    static struct load load;
    char name[16];
    int fd = -1;

    snprintf(name, sizeof name, "/crash%u", kind);
    REQUIRE_EQ(mkdir(name, 0755), 0);
    REQUIRE_EQ(chdir(name), 0);
    if (number("crash.marks", 0) != 0) {
        fd = open("/dev/disk0", O_RDWR); /* stays open */
        REQUIRE_TRUE(fd >= 0);
        disk = __fd_get(fd)->port;
        REQUIRE_KR(partition_find(disk, PARTITION_SWAP, &swap), KERN_SUCCESS);
        target.mark = mark;
        sync();
        mark("start");
    }
    EXPECT_EQ(load_run(&load, &target, kind, number("crash.seed", 1), number("crash.count", 150)), 0);
    EXPECT_EQ(load.last_error, 0);
    EXPECT_EQ(chdir("/"), 0);
    if (fd >= 0)
        close(fd);
}

TEST(everything)
{
    work(0);
}

TEST(files_that_replace_others)
{
    work(1);
}

TEST(large_files)
{
    work(2);
}

TEST(directories)
{
    work(3);
}

TEST_MAIN
