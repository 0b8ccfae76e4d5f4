/*
 * The file system's rules at their edges: what posix_file.c does not come to.
 */
#include "posix_test.h"

#include <sys/statvfs.h>

/* The parent of a removed directory may be gone, too, and its inode another file's. */
TEST(parent_of_a_removed_directory)
{
    struct stat st;
    int fd;

    REQUIRE_EQ(mkdir("up", 0755), 0);
    REQUIRE_EQ(mkdir("up/down", 0755), 0);
    fd = open("up/down", O_RDONLY | O_DIRECTORY);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(fstatat(fd, "..", &st, 0), 0);
    EXPECT_EQ(rmdir("up/down"), 0);
    EXPECT_EQ(rmdir("up"), 0);
    EXPECT_EQ(fstatat(fd, ".", &st, 0), 0);
    EXPECT_EQ(st.st_nlink, 0);
    EXPECT_ERRNO(fstatat(fd, "..", &st, 0), ENOENT);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(make_file("after", "x"), 0); /* the volume still takes changes */
    EXPECT_EQ(unlink("after"), 0);
}

TEST(how_full_it_is)
{
    struct statvfs before, after;
    char block[4096] = "x";
    int fd;

    sync(); /* what others have removed is free now */
    REQUIRE_EQ(statvfs(".", &before), 0);
    EXPECT_EQ(before.f_frsize, 4096);
    EXPECT_EQ(before.f_namemax, 255);
    EXPECT_TRUE(before.f_bfree > 0 && before.f_bfree <= before.f_blocks);
    EXPECT_TRUE(before.f_ffree > 0 && before.f_ffree <= before.f_files);
    fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0644);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, block, sizeof block), sizeof block);
    EXPECT_EQ(fstatvfs(fd, &after), 0);
    EXPECT_EQ(before.f_bfree - after.f_bfree, 1);
    EXPECT_EQ(before.f_ffree - after.f_ffree, 1);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("f"), 0);
    EXPECT_EQ(statvfs(".", &after), 0);
    EXPECT_EQ(before.f_bfree, after.f_bfree);
    EXPECT_ERRNO(statvfs("none", &after), ENOENT);
    EXPECT_ERRNO(fstatvfs(-1, &after), EBADF);
}

/* Holes take no room and read as zeros; offsets and sizes are 64 bits. */
TEST(a_sparse_file_past_4_gib)
{
    const off_t far = (off_t)5 << 30;
    char text[8] = "";
    struct stat st;
    int fd = open("sparse", O_RDWR | O_CREAT | O_EXCL, 0644);

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(pwrite(fd, "end", 3, far), 3);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, far + 3);
    EXPECT_TRUE(st.st_blocks <= 5 * 8);
    EXPECT_EQ(pread(fd, text, 4, 1 << 30), 4);
    EXPECT_TRUE(memcmp(text, "\0\0\0\0", 4) == 0);
    EXPECT_EQ(lseek(fd, -3, SEEK_END), far);
    EXPECT_EQ(read(fd, text, 8), 3);
    EXPECT_STREQ(text, "end");
    EXPECT_EQ(ftruncate(fd, 10), 0);
    EXPECT_EQ(ftruncate(fd, (off_t)4 << 30), 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, (off_t)4 << 30);
    EXPECT_EQ(st.st_blocks, 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("sparse"), 0);
}

/* Links that lead in a circle, and O_NOFOLLOW. */
TEST(circles_of_links)
{
    struct stat st;

    REQUIRE_EQ(symlink("b", "a"), 0);
    REQUIRE_EQ(symlink("a", "b"), 0);
    EXPECT_ERRNO(open("a", O_RDONLY), ELOOP);
    EXPECT_ERRNO(stat("a", &st), ELOOP);
    EXPECT_ERRNO(open("a/x", O_RDONLY), ELOOP);
    EXPECT_EQ(lstat("a", &st), 0);
    EXPECT_ERRNO(open("a", O_RDONLY | O_NOFOLLOW), ELOOP);
    EXPECT_ERRNO(open("a", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    EXPECT_EQ(unlink("a"), 0);
    EXPECT_EQ(unlink("b"), 0);
}

POSIX_TEST_MAIN
