/*
 * The file system's rules at their edges: what posix_file.c does not come to.
 */
#include "posix_test.h"

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

POSIX_TEST_MAIN
