/*
 * tmpfs, where it differs from a disk: another file system, with a limit, that ends with its server. What
 * files are the other posix_tmpfs_*.c test.
 */
#include "posix_test.h"

#include <dirent.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <servers/bootstrap.h>
#include <ostia.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

TEST_LIMIT(60);
TEST_ARGS("tmpfs=2M");

#define LIMIT_PAGES 512
#define PAGE        4096

static void begin(void)
{
    char output[128];

    shell("rm -rf /tmp/*", output, sizeof output);
}

static unsigned long pages_free(void)
{
    struct statvfs st;

    return statvfs("/tmp", &st) == 0 ? st.f_bfree : 0;
}

TEST(it_is_another_file_system)
{
    struct stat tmp, root, up;
    struct statvfs st;
    char output[256];

    begin();
    REQUIRE_EQ(stat("/tmp", &tmp), 0);
    EXPECT_EQ(stat("/", &root), 0);
    EXPECT_EQ(stat("/tmp/..", &up), 0);
    EXPECT_TRUE(tmp.st_dev != root.st_dev);
    EXPECT_TRUE(up.st_dev == root.st_dev && up.st_ino == root.st_ino);
    EXPECT_EQ(tmp.st_mode, S_IFDIR | 01777);
    EXPECT_EQ(tmp.st_nlink, 2);
    EXPECT_EQ(statvfs("/tmp", &st), 0);
    EXPECT_EQ(st.f_blocks, LIMIT_PAGES);
    EXPECT_EQ(st.f_bfree, LIMIT_PAGES);
    EXPECT_EQ(shell("mount | grep -E -v 'proc|dev'; df -P /tmp | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2,3,6",
                    output, sizeof output), 0);
    EXPECT_STREQ(output, "file on /\ntmpfs on /tmp\n4096 0 /tmp\n");
}

TEST(no_name_crosses)
{
    char text[16], cwd[64];
    struct stat st;

    begin();
    EXPECT_EQ(make_file("disk", "d"), 0);
    EXPECT_EQ(make_file("/tmp/memory", "m"), 0);
    EXPECT_ERRNO(rename("disk", "/tmp/disk"), EXDEV);
    EXPECT_ERRNO(rename("/tmp/memory", "memory"), EXDEV);
    EXPECT_ERRNO(link("disk", "/tmp/disk"), EXDEV);
    EXPECT_ERRNO(link("/tmp/memory", "memory"), EXDEV);
    EXPECT_ERRNO(rename("/tmp/memory", "/tmp/../memory"), EXDEV);
    EXPECT_ERRNO(rename("/tmp", "/tmp2"), EBUSY);
    EXPECT_ERRNO(rmdir("/tmp"), EBUSY);
    EXPECT_EQ(rename("/tmp/memory", "/tmp/../tmp/other"), 0);
    EXPECT_EQ(symlink(DIR_NAME "/disk", "/tmp/to_disk"), 0);
    EXPECT_EQ(symlink("../.." DIR_NAME "/disk", "/tmp/up"), 0);
    EXPECT_EQ(symlink("/tmp/other", "to_memory"), 0);
    EXPECT_STREQ(file_text("/tmp/to_disk", text, sizeof text), "d");
    EXPECT_STREQ(file_text("/tmp/up", text, sizeof text), "d");
    EXPECT_STREQ(file_text("to_memory", text, sizeof text), "m");
    EXPECT_EQ(lstat("to_memory", &st), 0);
    EXPECT_TRUE(S_ISLNK(st.st_mode));
    EXPECT_EQ(mkdir("/tmp/d", 0755), 0);
    EXPECT_EQ(chdir("/tmp/d"), 0);
    EXPECT_STREQ(getcwd(cwd, sizeof cwd), "/tmp/d");
    EXPECT_STREQ(file_text("../.." DIR_NAME "/disk", text, sizeof text), "d");
    EXPECT_EQ(chdir(DIR_NAME), 0);
    EXPECT_STREQ(getcwd(cwd, sizeof cwd), DIR_NAME);
    EXPECT_EQ(unlink("disk"), 0);
    EXPECT_EQ(unlink("to_memory"), 0);
    begin();
}

TEST(memory_comes_and_goes)
{
    static char block[8 * PAGE];
    unsigned long before;
    struct stat st;
    int fd;

    begin();
    before = pages_free();
    EXPECT_EQ(before, LIMIT_PAGES);
    fd = open("/tmp/f", O_RDWR | O_CREAT, 0644);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(ftruncate(fd, 1L << 40), 0); /* nothing but a hole */
    EXPECT_EQ(pages_free(), before);
    EXPECT_EQ(pwrite(fd, block, sizeof block, 1L << 39), sizeof block);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, 1L << 40);
    EXPECT_EQ(st.st_blocks, 8 * PAGE / 512);
    EXPECT_TRUE(before - pages_free() >= 8 && before - pages_free() <= 12); /* and what leads there */
    EXPECT_EQ(pwrite(fd, "x", 1, 0), 1);
    EXPECT_EQ(ftruncate(fd, 1L << 39), 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_blocks, PAGE / 512);
    EXPECT_EQ(pread(fd, block, 2, 0), 2);
    EXPECT_EQ(block[0], 'x');
    EXPECT_EQ(unlink("/tmp/f"), 0);
    EXPECT_TRUE(pages_free() < before); /* it is open */
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(pages_free(), before);
}

/* What is cut off is not there again when the file grows. */
TEST(cut_off_is_gone)
{
    char page[PAGE], back[PAGE];
    int fd;

    begin();
    memset(page, 'a', sizeof page);
    fd = open("/tmp/f", O_RDWR | O_CREAT, 0644);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(write(fd, page, sizeof page), sizeof page);
    EXPECT_EQ(ftruncate(fd, PAGE + 100), 0);
    EXPECT_EQ(pwrite(fd, "b", 1, 3 * PAGE), 1);
    EXPECT_EQ(pread(fd, back, PAGE, PAGE), PAGE);
    EXPECT_EQ(back[99], 'a');
    for (int i = 100; i < PAGE; i++)
        REQUIRE_EQ(back[i], 0);
    EXPECT_EQ(pread(fd, back, PAGE, 2 * PAGE), PAGE);
    EXPECT_EQ(back[0], 0);
    EXPECT_EQ(close(fd), 0);
    begin();
}

TEST(it_is_full)
{
    static char block[64 * PAGE];
    unsigned long before;
    char name[32];
    struct statvfs st;
    ssize_t n;
    long done = 0;
    int fd, made = 0;

    begin();
    before = pages_free();
    fd = open("/tmp/f", O_RDWR | O_CREAT, 0644);
    while ((n = write(fd, block, sizeof block)) > 0)
        done += n;
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(pages_free(), 0);
    EXPECT_TRUE(done > (LIMIT_PAGES - 8) * PAGE); /* the rest leads there */
    EXPECT_ERRNO(write(fd, "x", 1), ENOSPC);
    EXPECT_EQ(pwrite(fd, "x", 1, 0), 1); /* there is a page already */
    EXPECT_EQ(lseek(fd, 0, SEEK_END), done);
    EXPECT_EQ(make_file("/tmp/empty", ""), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("/tmp/f"), 0);
    EXPECT_EQ(pages_free(), before);
    EXPECT_EQ(make_file("/tmp/small", "x"), 0);
    begin();
    EXPECT_EQ(mkdir("/tmp/d", 0755), 0);
    for (;; made++) {
        snprintf(name, sizeof name, "/tmp/d/%d", made);
        if (symlink("x", name) != 0)
            break;
    }
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(made, LIMIT_PAGES - 1);
    EXPECT_EQ(statvfs("/tmp", &st), 0);
    EXPECT_EQ(st.f_ffree, 0);
    EXPECT_EQ(unlink("/tmp/d/7"), 0);
    EXPECT_EQ(mkdir("/tmp/d/seven", 0755), 0);
    EXPECT_ERRNO(mkdir("/tmp/d/seven/x", 0755), ENOSPC);
    EXPECT_EQ(rename("/tmp/d/8", "/tmp/d/9"), 0);
    begin();
    EXPECT_EQ(statvfs("/tmp", &st), 0);
    EXPECT_EQ(st.f_ffree, st.f_files);
}

/* Names that stay are met once, whatever comes and goes. */
TEST(a_directory_is_read_while_it_changes)
{
    char name[32], seen[128] = {0};
    struct dirent *e;
    DIR *dir;
    int met = 0;

    begin();
    EXPECT_EQ(mkdir("/tmp/d", 0755), 0);
    for (int i = 0; i < 128; i++) {
        snprintf(name, sizeof name, "/tmp/d/stays%d", i);
        EXPECT_EQ(make_file(name, ""), 0);
        snprintf(name, sizeof name, "/tmp/d/goes%d", i);
        EXPECT_EQ(make_file(name, ""), 0);
    }
    dir = opendir("/tmp/d");
    REQUIRE_TRUE(dir != NULL);
    while ((e = readdir(dir)) != NULL) {
        if (strncmp(e->d_name, "stays", 5) == 0) {
            EXPECT_EQ(seen[atoi(e->d_name + 5)]++, 0);
            snprintf(name, sizeof name, "/tmp/d/goes%d", met);
            EXPECT_EQ(unlink(name), 0);
            snprintf(name, sizeof name, "/tmp/d/new%d", met++);
            EXPECT_EQ(make_file(name, ""), 0);
        }
    }
    closedir(dir);
    EXPECT_EQ(met, 128);
    begin();
}

TEST(programs_run_from_there)
{
    char output[128];

    begin();
    EXPECT_EQ(shell("cp /bin/true /bin/cat /tmp && /tmp/true && echo runs | /tmp/cat", output,
                    sizeof output), 0);
    EXPECT_STREQ(output, "runs\n");
    EXPECT_EQ(shell("printf '#!/bin/sh\\necho script $1\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s a", output,
                    sizeof output), 0);
    EXPECT_STREQ(output, "script a\n");
    begin();
}

TEST(its_files_are_mapped)
{
    char back[8] = "";
    char *shared, *private;
    int fd;

    begin();
    EXPECT_EQ(make_file("/tmp/f", "text"), 0);
    fd = open("/tmp/f", O_RDWR);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    REQUIRE_TRUE(shared != MAP_FAILED && private != MAP_FAILED);
    EXPECT_EQ(memcmp(shared, "text", 4), 0);
    EXPECT_EQ(shared[4], 0);
    private[0] = 'n';
    shared[1] = 'i';
    EXPECT_EQ(msync(shared, PAGE, MS_SYNC), 0);
    munmap(private, PAGE);
    munmap(shared, PAGE);
    EXPECT_EQ(fsync(fd), 0);
    for (int i = 0; i < 1000 && pread(fd, back, 4, 0) == 4 && back[1] != 'i'; i++)
        swtch(); /* the page is on its way */
    EXPECT_STREQ(back, "tixt");
    EXPECT_EQ(close(fd), 0);
    begin();
}

TEST(a_user_mounts_what_is_hers)
{
    char text[16];
    mach_port_t server;

    begin();
    EXPECT_EQ(mkdir("m", 0755), 0);
    REQUIRE_EQ(bootstrap_look_up(bootstrap_port, SERVICE_TMPFS, &server), KERN_SUCCESS);
    EXPECT_EQ(mount_server("m", server, "again"), 0);
    EXPECT_EQ(make_file("m/f", "twice"), 0);
    EXPECT_STREQ(file_text("/tmp/f", text, sizeof text), "twice");
    EXPECT_STREQ(file_text("m/../m/f", text, sizeof text), "twice"); /* each root has its own ".." */
    EXPECT_EQ(rename("m/f", "/tmp/g"), 0); /* it is one file system */
    EXPECT_EQ(chdir("m"), 0);
    EXPECT_STREQ(getcwd(text, sizeof text), DIR_NAME "/m");
    EXPECT_EQ(chdir(".."), 0);
    EXPECT_EQ(unmount_port("m"), 0);
    EXPECT_EQ(rmdir("m"), 0);
    mach_port_deallocate(mach_task_self(), server);
    begin();
}

POSIX_TEST_MAIN
