/* /dev: what is there, that it comes and goes with its services, and that nodes elsewhere lead to it. */
#include "posix_test.h"

#include <dirent.h>
#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <server_types.h>
#include <ostia.h>
#include <mach/error.h>
#include <servers/bootstrap.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

TEST_LIMIT(60);

#define USER 1000

static char text[8192];

TEST(devices_are_as_they_were)
{
    static const struct {
        const char *name;
        mode_t mode;
        unsigned major, minor;
    } devices[] = {
        {"/dev/null", S_IFCHR | 0666, 1, 3},    {"/dev/zero", S_IFCHR | 0666, 1, 5},
        {"/dev/full", S_IFCHR | 0666, 1, 7},    {"/dev/tty", S_IFCHR | 0666, 5, 0},
        {"/dev/console", S_IFCHR | 0620, 5, 1}, {"/dev/disk0", S_IFBLK | 0600, 8, 0},
    };
    struct stat st, dev, root;

    EXPECT_EQ(stat("/", &root), 0);
    REQUIRE_EQ(stat("/dev", &dev), 0);
    EXPECT_EQ(dev.st_mode, S_IFDIR | 0755);
    EXPECT_TRUE(dev.st_dev != root.st_dev);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        EXPECT_EQ(stat(devices[i].name, &st), 0);
        EXPECT_EQ(st.st_mode, devices[i].mode);
        EXPECT_EQ(st.st_rdev, makedev(devices[i].major, devices[i].minor));
        EXPECT_TRUE(st.st_uid == 0 && st.st_gid == 0 && st.st_dev == dev.st_dev);
    }
    EXPECT_EQ(stat("/dev/..", &st), 0);
    EXPECT_EQ(st.st_ino, root.st_ino);
    EXPECT_EQ(shell("ls -l /dev/null | cut -c 1-10; ls /dev; mount | grep dev", text, sizeof text), 0);
    EXPECT_STREQ(text, "crw-rw-rw-\nblock\nchar\nconsole\ndisk0\nfull\nnull\ntty\nzero\n"
                       "devfs on /dev\n");
}

TEST(memory_devices_read_and_write)
{
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    int again = open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
    char data[100];
    struct stat st;

    REQUIRE_TRUE(null >= 0 && zero >= 0 && full >= 0 && again >= 0);
    EXPECT_EQ(write(null, data, sizeof data), (long)sizeof data);
    EXPECT_EQ(write(again, data, sizeof data), (long)sizeof data);
    EXPECT_EQ(read(null, data, sizeof data), 0);
    memset(data, 1, sizeof data);
    EXPECT_EQ(read(zero, data, sizeof data), (long)sizeof data);
    EXPECT_TRUE(data[0] == 0 && data[99] == 0);
    EXPECT_EQ(pread(full, data, 10, 1000), 10);
    EXPECT_EQ(write(zero, data, 10), 10);
    EXPECT_ERRNO(write(full, data, 1), ENOSPC);
    EXPECT_EQ(fstat(null, &st), 0);
    EXPECT_TRUE(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
    EXPECT_ERRNO(ftruncate(null, 0), EINVAL);
    EXPECT_EQ(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, zero, 0) == MAP_FAILED, 1);
    EXPECT_EQ(errno, ENODEV);
    close(null);
    EXPECT_EQ(write(again, data, sizeof data), (long)sizeof data);
    close(zero);
    close(full);
    close(again);
}

TEST(names_stay_as_they_are)
{
    EXPECT_ERRNO(open("/dev/null/", O_RDONLY), ENOTDIR);
    EXPECT_ERRNO(open("/dev/null", O_RDONLY | O_DIRECTORY), ENOTDIR);
    EXPECT_ERRNO(open("/dev/none", O_RDONLY), ENOENT);
    EXPECT_ERRNO(open("/dev/new", O_WRONLY | O_CREAT, 0666), EROFS);
    EXPECT_ERRNO(mkdir("/dev/new", 0777), EROFS);
    EXPECT_ERRNO(mknod("/dev/new", S_IFCHR | 0666, makedev(1, 3)), EROFS);
    EXPECT_ERRNO(unlink("/dev/null"), EROFS);
    EXPECT_ERRNO(rename("/dev/null", "/dev/zero"), EROFS);
    EXPECT_ERRNO(rename("/dev/null", "null"), EXDEV);
}

/* ---- nodes elsewhere ---- */

static int user_opens(void)
{
    if (setuid(USER) != 0)
        return 1;
    if (open("disk", O_RDONLY) != -1 || errno != EACCES) /* the node is for all, the device is not */
        return 2;
    if (open("/dev/disk0", O_RDONLY) != -1 || errno != EACCES)
        return 3;
    return open("null", O_RDWR) >= 0 ? 0 : 4;
}

TEST(nodes_elsewhere_lead_to_it)
{
    char data[4] = "abc";
    struct stat st;
    int fd;

    for (int tmp = 0; tmp < 2; tmp++) {
        if (tmp)
            REQUIRE_EQ(chdir("/tmp"), 0);
        umask(0);
        REQUIRE_EQ(mknod("null", S_IFCHR | 0666, makedev(1, 3)), 0);
        REQUIRE_EQ(mknod("zero", S_IFCHR | 0444, makedev(1, 5)), 0);
        REQUIRE_EQ(mknod("disk", S_IFBLK | 0666, makedev(8, 0)), 0);
        REQUIRE_EQ(mknod("odd", S_IFCHR | 0666, makedev(200, 1)), 0);
        umask(022);
        fd = open("zero", O_RDONLY);
        EXPECT_EQ(read(fd, data, 3), 3);
        EXPECT_EQ(data[0], 0);
        EXPECT_EQ(fstat(fd, &st), 0);
        EXPECT_EQ(st.st_rdev, makedev(1, 5));
        close(fd);
        fd = open("null", O_WRONLY | O_TRUNC);
        EXPECT_EQ(write(fd, data, 3), 3);
        close(fd);
        EXPECT_ERRNO(open("odd", O_RDONLY), ENXIO);
        EXPECT_ERRNO(open("null", O_RDONLY | O_DIRECTORY), ENOTDIR);
        fd = open("odd", O_PATH); /* the node itself */
        EXPECT_EQ(fstat(fd, &st), 0);
        EXPECT_EQ(st.st_rdev, makedev(200, 1));
        close(fd);
        EXPECT_EQ(run_child(user_opens), 0);
        EXPECT_TRUE(unlink("null") == 0 && unlink("zero") == 0 && unlink("odd") == 0 && unlink("disk") == 0);
    }
    chdir(DIR_NAME);
}

TEST(numbers_lead_to_names)
{
    ssize_t n = readlink("/dev/char/1:3", text, sizeof text);

    EXPECT_TRUE(n == 7 && memcmp(text, "../null", 7) == 0);
    n = readlink("/dev/block/8:0", text, sizeof text);
    EXPECT_TRUE(n == 8 && memcmp(text, "../disk0", 8) == 0);
    EXPECT_ERRNO(access("/dev/block/1:3", F_OK), ENXIO);
    EXPECT_ERRNO(access("/dev/char/13", F_OK), ENOENT);
    EXPECT_EQ(shell("ls /dev/char /dev/block/", text, sizeof text), 0);
    EXPECT_STREQ(text, "/dev/block/:\n8:0\n\n/dev/char:\n1:3\n1:5\n1:7\n5:0\n5:1\n");
}

TEST(attributes_can_be_changed)
{
    struct stat st;
    int fd;

    EXPECT_EQ(chmod("/dev/full", 0600), 0);
    EXPECT_EQ(chown("/dev/full", USER, 7), 0);
    EXPECT_EQ(stat("/dev/full", &st), 0);
    EXPECT_TRUE(st.st_mode == (S_IFCHR | 0600) && st.st_uid == USER && st.st_gid == 7);
    fd = open("/dev/full", O_RDONLY);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_uid, USER);
    close(fd);
    EXPECT_EQ(chown("/dev/full", 0, 0), 0);
    EXPECT_EQ(chmod("/dev/full", 0666), 0);
    EXPECT_ERRNO(chmod("/dev", 0777), EPERM);
}

/* ---- drivers that come and go ---- */

/* The port by which the server of that name knows bootstrap: what a driver would register by. */
static mach_port_t bootstrap_of(const char *server)
{
    mach_port_t *tasks, port = MACH_PORT_NULL;
    mach_msg_type_number_t count;
    char name[32];

    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    for (unsigned i = 0; i < count; i++) {
        if (task_get_name(tasks[i], name) == KERN_SUCCESS && strcmp(name, server) == 0)
            task_get_special_port(tasks[i], TASK_BOOTSTRAP_PORT, &port);
        mach_port_deallocate(mach_task_self(), tasks[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)tasks, count * sizeof *tasks);
    return port;
}

TEST(a_driver_that_registers_gets_its_device)
{
    mach_port_t driver = bootstrap_of("serial"), device, port;
    struct stat st;
    int fd;

    REQUIRE_TRUE(driver != MACH_PORT_NULL);
    REQUIRE_EQ(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &device), KERN_SUCCESS);
    REQUIRE_EQ(mach_port_insert_right(mach_task_self(), device, device, MACH_MSG_TYPE_MAKE_SEND),
               KERN_SUCCESS);
    EXPECT_ERRNO(access("/dev/gadget", F_OK), ENOENT);
    /* Not everybody may. */
    EXPECT_EQ(bootstrap_register(bootstrap_port, "dev/gadget", device), unix_err(EPERM));
    REQUIRE_EQ(bootstrap_register(driver, "dev/gadget", device), KERN_SUCCESS);
    EXPECT_EQ(shell("ls /dev | grep gad; ls /dev/char | grep 240; ls -l /dev/gadget | cut -c 1-10", text,
                    sizeof text), 0);
    EXPECT_STREQ(text, "gadget\n240:0\ncrw-------\n");
    EXPECT_EQ(stat("/dev/gadget", &st), 0);
    EXPECT_EQ(st.st_rdev, makedev(240, 0));
    fd = open("/dev/gadget", O_RDWR); /* the port itself: nothing is asked of it */
    REQUIRE_TRUE(fd >= 0);
    port = getdport(fd);
    EXPECT_EQ(port, device);
    mach_port_deallocate(mach_task_self(), port);
    close(fd);
    mach_port_mod_refs(mach_task_self(), device, MACH_PORT_RIGHT_RECEIVE, -1);
    mach_port_deallocate(mach_task_self(), device);
    for (int i = 0; i < 100 && access("/dev/gadget", F_OK) == 0; i++)
        usleep(10000);
    EXPECT_ERRNO(access("/dev/gadget", F_OK), ENOENT);
    EXPECT_EQ(shell("ls /dev | grep -c gad", text, sizeof text), 1 << 8);
    mach_port_deallocate(mach_task_self(), driver);
}

POSIX_TEST_MAIN
