/*
 * What runs out: blocks and inodes. The error is clear, what was there stays, and what was
 * given back can be had again.
 */
#include "posix_test.h"

#include <sys/statvfs.h>

TEST_LIMIT(120);

#define CHUNK (64 * 1024)

static char data[CHUNK];

static void fill(unsigned number)
{
    for (unsigned i = 0; i < CHUNK / sizeof(unsigned); i++)
        ((unsigned *)data)[i] = number * CHUNK + i;
}

/* Writes to fd until that fails; the bytes that were written. */
static off_t write_until_full(int fd)
{
    off_t size = 0;
    ssize_t n;

    do {
        fill((unsigned)(size / CHUNK));
        n = write(fd, data, CHUNK);
        size += n > 0 ? n : 0;
    } while (n == CHUNK);
    if (n > 0) { /* as many as there was room for; the next says why */
        EXPECT_ERRNO(write(fd, data, CHUNK), ENOSPC);
        return size;
    }
    EXPECT_EQ(errno, ENOSPC);
    return size;
}

TEST(no_blocks)
{
    static char back[CHUNK];
    struct statvfs before, after;
    struct stat st;
    off_t size;
    int fd;
    int same = 1;

    REQUIRE_EQ(make_file("keep", "as it was"), 0);
    sync();
    REQUIRE_EQ(statvfs(".", &before), 0);
    fd = open("big", O_RDWR | O_CREAT | O_EXCL, 0644);
    REQUIRE_TRUE(fd >= 0);
    size = write_until_full(fd);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, size);
    EXPECT_EQ(statvfs(".", &after), 0);
    EXPECT_EQ(after.f_bfree, 0);
    EXPECT_ERRNO(mkdir("none", 0755), ENOSPC);
    EXPECT_ERRNO(stat("none", &st), ENOENT);
    EXPECT_EQ(fsync(fd), 0);
    EXPECT_EQ(pwrite(fd, "", 1, 0), 1); /* what has a block can be written */
    fill(0);
    EXPECT_EQ(pwrite(fd, data, 4096, 0), 4096);
    for (off_t at = 0; at < size && same; at += CHUNK) {
        size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;

        fill((unsigned)(at / CHUNK));
        same = pread(fd, back, CHUNK, at) == (ssize_t)want && memcmp(back, data, want) == 0;
    }
    EXPECT_TRUE(same);
    EXPECT_STREQ(file_text("keep", back, sizeof back), "as it was");
    /* Room that is given back is there at once. */
    EXPECT_EQ(ftruncate(fd, size / 2), 0);
    EXPECT_EQ(mkdir("some", 0755), 0);
    EXPECT_EQ(rmdir("some"), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), size / 2);
    EXPECT_TRUE(write_until_full(fd) >= size / 2 - CHUNK);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("big"), 0);
    EXPECT_EQ(statvfs(".", &after), 0);
    EXPECT_EQ(after.f_bfree, before.f_bfree);
    EXPECT_EQ(unlink("keep"), 0);
}

TEST(no_inodes)
{
    struct statvfs before, after;
    char name[32];
    unsigned n = 0;
    int fd;

    sync();
    REQUIRE_EQ(mkdir("many", 0755), 0);
    REQUIRE_EQ(statvfs(".", &before), 0);
    for (;; n++) {
        snprintf(name, sizeof name, "many/%u", n);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd < 0)
            break;
        close(fd);
    }
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(n, before.f_ffree);
    EXPECT_ERRNO(symlink("x", "many/link"), ENOSPC);
    EXPECT_ERRNO(mkdir("many/dir", 0755), ENOSPC);
    EXPECT_EQ(link("many/0", "many/again"), 0); /* a name needs none */
    EXPECT_EQ(unlink("many/again"), 0);
    EXPECT_EQ(unlink("many/0"), 0);
    EXPECT_EQ(make_file("many/0", "x"), 0);
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "many/%u", i);
        EXPECT_EQ(unlink(name), 0);
    }
    EXPECT_EQ(rmdir("many"), 0);
    EXPECT_EQ(statvfs(".", &after), 0);
    EXPECT_EQ(after.f_ffree, before.f_ffree + 1);
}

POSIX_TEST_MAIN
