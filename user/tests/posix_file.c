/* Files: opening, reading, writing, offsets, links, directories, devices, and the errors of each. */
#include "posix_test.h"

#include <dirent.h>
#include <sys/mman.h>

static char buffer[32 * 1024];

static off_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* ---- open, read, write ---- */

TEST(what_was_written_is_read)
{
    int fd = open("a", O_RDWR | O_CREAT | O_TRUNC, 0644);

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "hello world", 11), 11);
    EXPECT_EQ(read(fd, buffer, 10), 0); /* at the end */
    EXPECT_EQ(lseek(fd, 6, SEEK_SET), 6);
    EXPECT_EQ(read(fd, buffer, 100), 5);
    EXPECT_TRUE(memcmp(buffer, "world", 5) == 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(size_of("a"), 11);
    EXPECT_STREQ(file_text("a", buffer, sizeof buffer), "hello world");
    EXPECT_EQ(unlink("a"), 0);
}

TEST(open_errors)
{
    int fd;

    EXPECT_ERRNO(open("none", O_RDONLY), ENOENT);
    EXPECT_ERRNO(open("none/a", O_RDWR | O_CREAT, 0644), ENOENT);
    EXPECT_ERRNO(open("", O_RDONLY), ENOENT);
    EXPECT_ERRNO(open(".", O_WRONLY), EISDIR);
    REQUIRE_EQ(make_file("f", "x"), 0);
    EXPECT_ERRNO(open("f", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    EXPECT_ERRNO(open("f/a", O_RDONLY), ENOTDIR);
    EXPECT_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    fd = open("f", O_RDONLY);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_ERRNO(write(fd, "y", 1), EBADF);
    EXPECT_EQ(close(fd), 0);
    EXPECT_ERRNO(close(fd), EBADF);
    EXPECT_ERRNO(read(fd, buffer, 1), EBADF);
    fd = open("f", O_WRONLY);
    EXPECT_ERRNO(read(fd, buffer, 1), EBADF);
    EXPECT_EQ(close(fd), 0);
    memset(buffer, 'n', 300);
    buffer[300] = '\0';
    EXPECT_ERRNO(open(buffer, O_RDONLY | O_CREAT, 0644), ENAMETOOLONG);
    EXPECT_EQ(unlink("f"), 0);
}

TEST(truncate_and_append)
{
    int fd;

    REQUIRE_EQ(make_file("t", "0123456789"), 0);
    fd = open("t", O_WRONLY | O_APPEND);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "ab", 2), 2);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(write(fd, "cd", 2), 2); /* at the end all the same */
    EXPECT_EQ(close(fd), 0);
    EXPECT_STREQ(file_text("t", buffer, 100), "0123456789abcd");
    EXPECT_EQ(truncate("t", 3), 0);
    EXPECT_STREQ(file_text("t", buffer, 100), "012");
    EXPECT_EQ(truncate("t", 10), 0); /* longer: zeros */
    memset(buffer, 'x', 20);
    file_text("t", buffer, 100);
    EXPECT_TRUE(memcmp(buffer, "012\0\0\0\0\0\0\0", 10) == 0);
    fd = open("t", O_WRONLY | O_TRUNC);
    EXPECT_EQ(size_of("t"), 0);
    EXPECT_ERRNO(ftruncate(fd, -1), EINVAL);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("t"), 0);
}

TEST(seek_and_holes)
{
    int fd = open("s", O_RDWR | O_CREAT | O_TRUNC, 0644);

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(lseek(fd, 100000, SEEK_SET), 100000);
    EXPECT_EQ(write(fd, "end", 3), 3);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), 100003);
    EXPECT_EQ(lseek(fd, -3, SEEK_CUR), 100000);
    EXPECT_EQ(lseek(fd, 50000, SEEK_SET), 50000);
    EXPECT_EQ(read(fd, buffer, 4), 4);
    EXPECT_TRUE(memcmp(buffer, "\0\0\0\0", 4) == 0);
    EXPECT_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    EXPECT_ERRNO(lseek(fd, 0, 99), EINVAL);
    EXPECT_EQ(pwrite(fd, "pw", 2, 10), 2);
    EXPECT_EQ(pread(fd, buffer, 2, 10), 2);
    EXPECT_TRUE(memcmp(buffer, "pw", 2) == 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 50004); /* neither moved it */
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("s"), 0);
}

TEST(a_large_file_keeps_every_byte)
{
    enum { BLOCKS = 300, BLOCK = 5000 }; /* 1.5 MB, not in step with any block */
    int fd = open("l", O_RDWR | O_CREAT | O_TRUNC, 0644);

    REQUIRE_TRUE(fd >= 0);
    for (int i = 0; i < BLOCKS; i++) {
        memset(buffer, 'a' + i % 26, BLOCK);
        REQUIRE_EQ(write(fd, buffer, BLOCK), BLOCK);
    }
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    for (int i = 0; i < BLOCKS; i++) {
        REQUIRE_EQ(read(fd, buffer, BLOCK), BLOCK);
        REQUIRE_TRUE(buffer[0] == 'a' + i % 26 && buffer[BLOCK - 1] == 'a' + i % 26);
    }
    EXPECT_EQ(read(fd, buffer, BLOCK), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("l"), 0);
}

TEST(bad_buffers_are_errors)
{
    int fd = open("b", O_RDWR | O_CREAT, 0644);

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, buffer, 0), 0);
    EXPECT_EQ(read(fd, buffer, 0), 0);
    EXPECT_ERRNO(write(-1, buffer, 1), EBADF);
    EXPECT_ERRNO(write(9999, buffer, 1), EBADF);
    EXPECT_ERRNO(read(1 << 30, buffer, 1), EBADF);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("b"), 0);
}

/* ---- offsets belong to the open file ---- */

static int shared_fd;

static int read_three(void)
{
    return read(shared_fd, buffer, 3) == 3 && memcmp(buffer, "abc", 3) == 0 ? 0 : 1;
}

TEST(offsets_are_shared_by_fork_and_dup)
{
    int copy, other;

    REQUIRE_EQ(make_file("o", "abcdefghijkl"), 0);
    shared_fd = open("o", O_RDONLY);
    REQUIRE_TRUE(shared_fd >= 0);
    EXPECT_EQ(run_child(read_three), 0);
    EXPECT_EQ(lseek(shared_fd, 0, SEEK_CUR), 3);
    copy = dup(shared_fd);
    EXPECT_TRUE(copy > shared_fd);
    EXPECT_EQ(read(copy, buffer, 3), 3);
    EXPECT_EQ(lseek(shared_fd, 0, SEEK_CUR), 6);
    EXPECT_EQ(close(shared_fd), 0);
    EXPECT_EQ(read(copy, buffer, 3), 3); /* still open */
    EXPECT_TRUE(memcmp(buffer, "ghi", 3) == 0);
    other = open("o", O_RDONLY); /* an offset of its own */
    EXPECT_EQ(read(other, buffer, 1), 1);
    EXPECT_EQ(buffer[0], 'a');
    EXPECT_EQ(dup2(copy, other), other);
    EXPECT_EQ(read(other, buffer, 1), 1);
    EXPECT_EQ(buffer[0], 'j');
    EXPECT_ERRNO(dup(777), EBADF);
    EXPECT_ERRNO(dup2(777, 5), EBADF);
    EXPECT_ERRNO(dup2(copy, -1), EBADF);
    EXPECT_EQ(close(copy), 0);
    EXPECT_EQ(close(other), 0);
    EXPECT_EQ(unlink("o"), 0);
}

TEST(the_lowest_free_descriptor_is_used)
{
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);

    EXPECT_EQ(b, a + 1);
    EXPECT_EQ(close(a), 0);
    EXPECT_EQ(open("/dev/null", O_RDONLY), a);
    EXPECT_EQ(close(a), 0);
    EXPECT_EQ(close(b), 0);
}

/* ---- names ---- */

/* ---- mapped and written ---- */

#define PAGE 4096

/* Both are there, whoever was first: in one page, over several, where the file grows, and where it is cut. */
TEST(a_write_keeps_what_was_changed_through_a_mapping)
{
    int fd = open("m", O_RDWR | O_CREAT | O_TRUNC, 0666);
    char *at;

    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(ftruncate(fd, 3 * PAGE - 100), 0);
    at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE_TRUE(at != MAP_FAILED);
    for (int round = 0; round < 3; round++) {
        char letter = (char)('a' + round);

        at[10] = letter;
        at[PAGE + 10] = letter;
        at[2 * PAGE + 10] = letter;
        EXPECT_EQ(pwrite(fd, "written", 7, 20), 7);
        EXPECT_EQ(pwrite(fd, "two pages", 9, 2 * PAGE - 4), 9);
        EXPECT_TRUE(at[10] == letter && at[PAGE + 10] == letter && at[2 * PAGE + 10] == letter);
        EXPECT_EQ(memcmp(at + 20, "written", 7), 0);
        EXPECT_EQ(memcmp(at + 2 * PAGE - 4, "two pages", 9), 0);
        EXPECT_EQ(pread(fd, buffer, 100, 0), 100);
        EXPECT_TRUE(buffer[10] == letter && memcmp(buffer + 20, "written", 7) == 0);
    }
    at[2 * PAGE + 11] = 'k';
    EXPECT_EQ(pwrite(fd, "grown", 5, 3 * PAGE + 5), 5);
    EXPECT_EQ(at[2 * PAGE + 11], 'k');
    EXPECT_EQ(memcmp(at + 3 * PAGE + 5, "grown", 5), 0);
    at[3 * PAGE + 1] = 'l';
    EXPECT_EQ(ftruncate(fd, 4 * PAGE), 0);
    EXPECT_EQ(at[3 * PAGE + 1], 'l');
    at[5] = 'm';
    EXPECT_EQ(ftruncate(fd, 100), 0);
    EXPECT_EQ(at[5], 'm');
    EXPECT_EQ(at[200], 0);
    EXPECT_EQ(munmap(at, 4 * PAGE), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("m"), 0);
}

/* Two processes change a page in both ways at the same time; each its own bytes. */
static int change_by_mapping(void)
{
    int fd = open("m", O_RDWR);
    volatile char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    for (int i = 0; i < 300; i++) {
        at[i] = 'p';
        if (at[i] != 'p')
            return 1;
    }
    return 0;
}

TEST(who_writes_and_who_maps_do_not_lose_each_others_bytes)
{
    int fd = open("m", O_RDWR | O_CREAT | O_TRUNC, 0666), status = -1;
    pid_t pid;

    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(ftruncate(fd, PAGE), 0);
    pid = fork();
    if (pid == 0)
        _exit(change_by_mapping());
    REQUIRE_TRUE(pid > 0);
    for (int i = 1000; i < 1300; i++)
        EXPECT_EQ(pwrite(fd, "w", 1, i), 1);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(pwrite(fd, "w", 1, 1300), 1); /* brings the last of the other's */
    EXPECT_EQ(pread(fd, buffer, 1301, 0), 1301);
    for (int i = 0; i < 300; i++)
        if (buffer[i] != 'p' || buffer[1000 + i] != 'w')
            FAIL("byte %d or %d is lost", i, 1000 + i);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("m"), 0);
}

TEST(a_link_to_a_symbolic_link_is_of_it_or_of_its_file)
{
    struct stat target, st;

    REQUIRE_EQ(make_file("target", "text"), 0);
    REQUIRE_EQ(symlink("target", "symbolic"), 0);
    EXPECT_EQ(stat("target", &target), 0);
    EXPECT_EQ(linkat(AT_FDCWD, "symbolic", AT_FDCWD, "of file", AT_SYMLINK_FOLLOW), 0);
    EXPECT_EQ(lstat("of file", &st), 0);
    EXPECT_EQ(st.st_ino, target.st_ino);
    EXPECT_EQ(linkat(AT_FDCWD, "symbolic", AT_FDCWD, "of link", 0), 0);
    EXPECT_EQ(lstat("of link", &st), 0);
    EXPECT_TRUE(S_ISLNK(st.st_mode) && st.st_nlink == 2);
    EXPECT_ERRNO(linkat(AT_FDCWD, "target", AT_FDCWD, "none", 1), EINVAL);
    EXPECT_EQ(unlink("target"), 0);
    EXPECT_ERRNO(linkat(AT_FDCWD, "symbolic", AT_FDCWD, "none", AT_SYMLINK_FOLLOW), ENOENT);
    EXPECT_EQ(unlink("symbolic"), 0);
    EXPECT_EQ(unlink("of link"), 0);
    EXPECT_EQ(unlink("of file"), 0);
}

TEST(links_share_the_file)
{
    struct stat one, two;

    REQUIRE_EQ(make_file("one", "shared"), 0);
    REQUIRE_EQ(link("one", "two"), 0);
    EXPECT_EQ(stat("one", &one), 0);
    EXPECT_EQ(stat("two", &two), 0);
    EXPECT_EQ(one.st_ino, two.st_ino);
    EXPECT_EQ(one.st_nlink, 2);
    EXPECT_EQ(make_file("two", "changed"), 0);
    EXPECT_STREQ(file_text("one", buffer, 100), "changed");
    EXPECT_EQ(unlink("one"), 0);
    EXPECT_EQ(stat("two", &two), 0);
    EXPECT_EQ(two.st_nlink, 1);
    EXPECT_STREQ(file_text("two", buffer, 100), "changed");
    EXPECT_ERRNO(link("none", "three"), ENOENT);
    EXPECT_ERRNO(link("two", "two"), EEXIST);
    EXPECT_ERRNO(link(".", "three"), EPERM);
    EXPECT_EQ(unlink("two"), 0);
}

TEST(an_unlinked_open_file_lives_on)
{
    struct stat st;
    int fd;

    REQUIRE_EQ(make_file("u", "ghost"), 0);
    fd = open("u", O_RDWR);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(unlink("u"), 0);
    EXPECT_ERRNO(open("u", O_RDONLY), ENOENT);
    EXPECT_EQ(read(fd, buffer, 100), 5);
    EXPECT_EQ(write(fd, "more", 4), 4);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, 9);
    EXPECT_EQ(st.st_nlink, 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_ERRNO(unlink("u"), ENOENT);
}

TEST(symbolic_links)
{
    struct stat st;

    REQUIRE_EQ(make_file("target", "aim"), 0);
    REQUIRE_EQ(symlink("target", "sym"), 0);
    EXPECT_STREQ(file_text("sym", buffer, 100), "aim");
    EXPECT_EQ(lstat("sym", &st), 0);
    EXPECT_TRUE(S_ISLNK(st.st_mode));
    EXPECT_EQ(stat("sym", &st), 0);
    EXPECT_TRUE(S_ISREG(st.st_mode));
    memset(buffer, 0, 100);
    EXPECT_EQ(readlink("sym", buffer, 100), 6);
    EXPECT_STREQ(buffer, "target");
    EXPECT_ERRNO(readlink("target", buffer, 100), EINVAL);
    EXPECT_EQ(unlink("target"), 0);
    EXPECT_ERRNO(open("sym", O_RDONLY), ENOENT);
    EXPECT_EQ(unlink("sym"), 0);
    REQUIRE_EQ(symlink("loop", "loop"), 0);
    EXPECT_ERRNO(open("loop", O_RDONLY), ELOOP);
    EXPECT_EQ(unlink("loop"), 0);
}

TEST(rename_replaces)
{
    REQUIRE_EQ(make_file("old", "1"), 0);
    REQUIRE_EQ(make_file("new", "2"), 0);
    EXPECT_EQ(rename("old", "new"), 0);
    EXPECT_STREQ(file_text("new", buffer, 100), "1");
    EXPECT_ERRNO(open("old", O_RDONLY), ENOENT);
    EXPECT_ERRNO(rename("old", "new"), ENOENT);
    REQUIRE_EQ(mkdir("dir", 0755), 0);
    EXPECT_EQ(rename("new", "dir/new"), 0);
    EXPECT_STREQ(file_text("dir/new", buffer, 100), "1");
    EXPECT_ERRNO(rename("dir", "dir/below"), EINVAL);
    EXPECT_EQ(rename("dir/new", "dir/new"), 0);
    EXPECT_EQ(unlink("dir/new"), 0);
    EXPECT_EQ(rmdir("dir"), 0);
}

/* ---- directories ---- */

TEST(directories)
{
    struct stat st;

    REQUIRE_EQ(mkdir("d", 0755), 0);
    EXPECT_EQ(stat("d", &st), 0);
    EXPECT_TRUE(S_ISDIR(st.st_mode));
    EXPECT_EQ(st.st_nlink, 2);
    EXPECT_ERRNO(mkdir("d", 0755), EEXIST);
    EXPECT_ERRNO(mkdir("none/d", 0755), ENOENT);
    REQUIRE_EQ(make_file("d/f", "x"), 0);
    EXPECT_ERRNO(rmdir("d"), ENOTEMPTY);
    EXPECT_ERRNO(unlink("d"), EISDIR);
    EXPECT_ERRNO(rmdir("d/f"), ENOTDIR);
    EXPECT_EQ(unlink("d/f"), 0);
    EXPECT_EQ(mkdir("d/e", 0755), 0);
    EXPECT_EQ(stat("d", &st), 0);
    EXPECT_EQ(st.st_nlink, 3);
    EXPECT_EQ(stat("d/e/../e/./..", &st), 0);
    EXPECT_EQ(rmdir("d/e"), 0);
    EXPECT_EQ(rmdir("d"), 0);
    EXPECT_ERRNO(rmdir("d"), ENOENT);
}

TEST(the_current_directory)
{
    REQUIRE_EQ(mkdir("c", 0755), 0);
    EXPECT_EQ(chdir("c"), 0);
    EXPECT_STREQ(getcwd(buffer, sizeof buffer), DIR_NAME "/c");
    EXPECT_EQ(make_file("inside", "i"), 0);
    EXPECT_EQ(chdir(".."), 0);
    EXPECT_STREQ(getcwd(buffer, sizeof buffer), DIR_NAME);
    EXPECT_EQ(size_of("c/inside"), 1);
    EXPECT_ERRNO(chdir("none"), ENOENT);
    EXPECT_ERRNO(chdir("c/inside"), ENOTDIR);
    EXPECT_EQ(chdir("/"), 0);
    EXPECT_EQ(chdir("../../.."), 0);
    EXPECT_STREQ(getcwd(buffer, sizeof buffer), "/");
    EXPECT_EQ(chdir(DIR_NAME), 0);
    EXPECT_EQ(unlink("c/inside"), 0);
    EXPECT_EQ(rmdir("c"), 0);
}

TEST(a_directory_of_many_files)
{
    enum { COUNT = 300 };
    static char seen[COUNT];
    struct dirent *entry;
    int others = 0;
    char name[32];
    DIR *dir;

    memset(seen, 0, sizeof seen);
    REQUIRE_EQ(mkdir("many", 0755), 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "many/file%d", i);
        REQUIRE_EQ(make_file(name, name), 0);
    }
    dir = opendir("many");
    REQUIRE_TRUE(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, "file", 4) == 0 && atoi(entry->d_name + 4) < COUNT)
            seen[atoi(entry->d_name + 4)]++;
        else
            others++;
    }
    EXPECT_EQ(closedir(dir), 0);
    EXPECT_EQ(others, 2); /* . and .. */
    for (int i = 0; i < COUNT; i++) {
        EXPECT_EQ(seen[i], 1);
        snprintf(name, sizeof name, "many/file%d", i);
        EXPECT_EQ(unlink(name), 0);
    }
    EXPECT_EQ(rmdir("many"), 0);
}

/* ---- devices, modes ---- */

TEST(devices)
{
    struct stat st;
    int fd = open("/dev/null", O_RDWR);

    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "gone", 4), 4);
    EXPECT_EQ(read(fd, buffer, 10), 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_TRUE(S_ISCHR(st.st_mode));
    EXPECT_EQ(close(fd), 0);
    fd = open("/dev/zero", O_RDONLY);
    REQUIRE_TRUE(fd >= 0);
    memset(buffer, 'x', 100);
    EXPECT_EQ(read(fd, buffer, 100), 100);
    EXPECT_TRUE(buffer[0] == 0 && buffer[99] == 0);
    EXPECT_EQ(close(fd), 0);
    fd = open("/dev/full", O_WRONLY);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_ERRNO(write(fd, "x", 1), ENOSPC);
    EXPECT_EQ(close(fd), 0);
}

TEST(modes_and_times)
{
    struct timespec times[2] = {{1000, 0}, {2000, 0}};
    struct stat st;

    REQUIRE_EQ(make_file("m", "x"), 0);
    EXPECT_EQ(chmod("m", 0600), 0);
    EXPECT_EQ(stat("m", &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    EXPECT_EQ(utimensat(AT_FDCWD, "m", times, 0), 0);
    EXPECT_EQ(stat("m", &st), 0);
    EXPECT_EQ(st.st_mtime, 2000);
    EXPECT_EQ(access("m", F_OK), 0);
    EXPECT_ERRNO(access("none", F_OK), ENOENT);
    EXPECT_EQ(unlink("m"), 0);
}

TEST(standard_streams)
{
    FILE *f = fopen("stream", "w+");
    int number = 0;

    REQUIRE_TRUE(f != NULL);
    EXPECT_TRUE(fprintf(f, "line %d\nline %d\n", 1, 2) > 0);
    rewind(f);
    REQUIRE_TRUE(fgets(buffer, 100, f) != NULL);
    EXPECT_STREQ(buffer, "line 1\n");
    REQUIRE_TRUE(fgets(buffer, 100, f) != NULL);
    number = atoi(buffer + 5);
    EXPECT_EQ(number, 2);
    EXPECT_TRUE(fgets(buffer, 100, f) == NULL);
    EXPECT_EQ(fclose(f), 0);
    EXPECT_EQ(unlink("stream"), 0);
}

POSIX_TEST_MAIN
