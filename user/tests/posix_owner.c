/*
 * Owners and permissions, as the file server enforces them: for other users than the superuser. The
 * program becomes one by giving its own task the token that the proc server would (credentials.h).
 */
#include "posix_test.h"

#include <credentials.h>
#include <dirent.h>
#include <mach/host_priv.h>
#include <mach/mach.h>
#include <sys/mman.h>

#define ALICE 100
#define BOB   101
#define STAFF 50
#define USERS 51

static void become(uint32_t uid, uint32_t gid)
{
    security_token_t token = credentials_token(uid == 0 ? 1 : (uint32_t)getpid(), 0, uid, gid);

    EXPECT_KR(task_set_security_token(test_host_priv(), mach_task_self(), token), KERN_SUCCESS);
}

/* Opens path and closes it; 0 or the errno. */
static int try_open(const char *path, int flags)
{
    int fd = open(path, flags, 0644);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int make_owned(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    return make_file(path, "text") == 0 && chown(path, uid, gid) == 0 ? chmod(path, mode) : -1;
}

TEST(a_class_has_its_permissions)
{
    static const struct {
        mode_t mode;
        uint32_t uid, gid;
        int read, write;
    } cases[] = {
        {0600, ALICE, USERS, 0, 0},      {0400, ALICE, USERS, 0, EACCES}, {0200, ALICE, STAFF, EACCES, 0},
        {0077, ALICE, STAFF, EACCES, EACCES}, /* the owner is not the group, nor the others */
        {0040, BOB, STAFF, 0, EACCES},   {0020, BOB, STAFF, EACCES, 0},   {0707, BOB, STAFF, EACCES, EACCES},
        {0004, BOB, USERS, 0, EACCES},   {0006, BOB, USERS, 0, 0},        {0770, BOB, USERS, EACCES, EACCES},
        {0000, 0, 0, 0, 0},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REQUIRE_EQ(make_owned("f", cases[i].mode, ALICE, STAFF), 0);
        become(cases[i].uid, cases[i].gid);
        EXPECT_EQ(try_open("f", O_RDONLY), cases[i].read);
        EXPECT_EQ(try_open("f", O_WRONLY), cases[i].write);
        EXPECT_EQ(try_open("f", O_RDWR), cases[i].read ? cases[i].read : cases[i].write);
        EXPECT_EQ(try_open("f", O_WRONLY | O_TRUNC), cases[i].write);
        become(0, 0);
        EXPECT_EQ(unlink("f"), 0);
    }
}

TEST(directories_are_searched_and_read)
{
    struct stat st;

    REQUIRE_EQ(mkdir("d", 0755), 0);
    REQUIRE_EQ(make_file("d/f", "x"), 0);
    become(ALICE, USERS);
    EXPECT_EQ(stat("d/f", &st), 0);
    EXPECT_EQ(st.st_uid, 0);
    become(0, 0);
    EXPECT_EQ(chmod("d", 0711), 0);
    become(ALICE, USERS);
    EXPECT_EQ(stat("d/f", &st), 0);
    EXPECT_TRUE(opendir("d") == NULL);
    EXPECT_EQ(errno, EACCES);
    EXPECT_EQ(chdir("d"), 0); /* to search is enough */
    EXPECT_EQ(stat("f", &st), 0);
    EXPECT_EQ(chdir(".."), 0);
    become(0, 0);
    EXPECT_EQ(chmod("d", 0744), 0);
    become(ALICE, USERS);
    EXPECT_ERRNO(stat("d/f", &st), EACCES);
    EXPECT_ERRNO(stat("d/none", &st), EACCES);
    EXPECT_ERRNO(chdir("d"), EACCES);
    EXPECT_EQ(try_open("d", O_RDONLY | O_DIRECTORY), 0);
    become(0, 0);
    EXPECT_EQ(unlink("d/f"), 0);
    EXPECT_EQ(rmdir("d"), 0);
}

TEST(names_are_the_directorys)
{
    REQUIRE_EQ(mkdir("d", 0755), 0);
    REQUIRE_EQ(mkdir("open", 0777), 0);
    REQUIRE_EQ(chmod("open", 0777), 0);
    REQUIRE_EQ(make_file("d/f", "x"), 0);
    become(ALICE, USERS);
    EXPECT_EQ(try_open("d/new", O_WRONLY | O_CREAT), EACCES);
    EXPECT_ERRNO(mkdir("d/new", 0755), EACCES);
    EXPECT_ERRNO(symlink("x", "d/new"), EACCES);
    EXPECT_ERRNO(link("d/f", "d/new"), EACCES);
    EXPECT_ERRNO(unlink("d/f"), EACCES);
    EXPECT_ERRNO(rename("d/f", "open/f"), EACCES);
    EXPECT_ERRNO(mknod("open/device", S_IFCHR | 0666, 1 << 8 | 3), EPERM);
    EXPECT_EQ(make_file("open/mine", "x"), 0);
    EXPECT_ERRNO(rename("open/mine", "d/mine"), EACCES);
    EXPECT_EQ(mkdir("open/dir", 0755), 0);
    become(BOB, USERS);
    EXPECT_EQ(rename("open/mine", "open/yours"), 0); /* the file's owner does not matter */
    EXPECT_EQ(unlink("open/yours"), 0);
    EXPECT_EQ(mkdir("open/to", 0755), 0);
    EXPECT_ERRNO(rename("open/dir", "open/to/dir"), EACCES); /* its ".." would change */
    EXPECT_EQ(rmdir("open/to"), 0);
    EXPECT_EQ(rmdir("open/dir"), 0);
    become(0, 0);
    EXPECT_EQ(unlink("d/f"), 0);
    EXPECT_EQ(rmdir("d"), 0);
    EXPECT_EQ(rmdir("open"), 0);
}

TEST(a_sticky_directory)
{
    REQUIRE_EQ(mkdir("sticky", 0777), 0);
    REQUIRE_EQ(chmod("sticky", 01777), 0);
    become(ALICE, USERS);
    REQUIRE_EQ(make_file("sticky/alice", "x"), 0);
    become(BOB, USERS);
    REQUIRE_EQ(make_file("sticky/bob", "x"), 0);
    EXPECT_ERRNO(unlink("sticky/alice"), EPERM);
    EXPECT_ERRNO(rename("sticky/alice", "sticky/stolen"), EPERM);
    EXPECT_ERRNO(rename("sticky/bob", "sticky/alice"), EPERM);
    EXPECT_EQ(rename("sticky/bob", "sticky/bob2"), 0);
    EXPECT_EQ(unlink("sticky/bob2"), 0);
    become(0, 0);
    EXPECT_EQ(unlink("sticky/alice"), 0);
    EXPECT_EQ(rmdir("sticky"), 0);
}

TEST(what_is_made_is_the_makers)
{
    struct stat st;

    REQUIRE_EQ(mkdir("d", 0777), 0);
    REQUIRE_EQ(chmod("d", 0777), 0);
    become(ALICE, STAFF);
    EXPECT_EQ(try_open("d/f", O_WRONLY | O_CREAT), 0);
    EXPECT_EQ(stat("d/f", &st), 0);
    EXPECT_EQ(st.st_uid, ALICE);
    EXPECT_EQ(st.st_gid, STAFF);
    EXPECT_EQ(symlink("f", "d/l"), 0);
    EXPECT_EQ(lstat("d/l", &st), 0);
    EXPECT_EQ(st.st_uid, ALICE);
    int fd = open("d/none", O_RDWR | O_CREAT, 0); /* who makes it may use it */
    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "x", 1), 1);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(try_open("d/none", O_RDONLY), EACCES);
    become(0, 0);
    EXPECT_EQ(chown("d", 0, USERS), 0);
    EXPECT_EQ(chmod("d", 02777), 0);
    become(ALICE, STAFF);
    EXPECT_EQ(mkdir("d/sub", 0755), 0); /* the group is handed down */
    EXPECT_EQ(stat("d/sub", &st), 0);
    EXPECT_EQ(st.st_gid, USERS);
    EXPECT_EQ(st.st_mode & 07777, 02755);
    EXPECT_EQ(rmdir("d/sub"), 0);
    become(0, 0);
    EXPECT_EQ(unlink("d/f"), 0);
    EXPECT_EQ(unlink("d/l"), 0);
    EXPECT_EQ(unlink("d/none"), 0);
    EXPECT_EQ(rmdir("d"), 0);
}

TEST(attributes_are_the_owners)
{
    struct timespec times[2] = {{1000, 0}, {2000, 5}};
    struct timespec some[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    struct stat st;

    REQUIRE_EQ(make_owned("f", 0, ALICE, STAFF), 0);
    become(BOB, STAFF);
    EXPECT_ERRNO(chmod("f", 0777), EPERM);
    EXPECT_ERRNO(chown("f", BOB, (gid_t)-1), EPERM);
    EXPECT_ERRNO(utimensat(AT_FDCWD, "f", times, 0), EPERM);
    EXPECT_ERRNO(utimensat(AT_FDCWD, "f", NULL, 0), EACCES);
    become(ALICE, USERS);
    EXPECT_EQ(try_open("f", O_RDONLY), EACCES);
    EXPECT_EQ(chmod("f", 02666), 0); /* unreadable, but hers; the group is not, so it gets no setgid */
    EXPECT_EQ(utimensat(AT_FDCWD, "f", times, 0), 0);
    EXPECT_EQ(stat("f", &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0666);
    EXPECT_EQ(st.st_atim.tv_sec, 1000);
    EXPECT_EQ(st.st_mtim.tv_nsec, 5);
    EXPECT_EQ(utimensat(AT_FDCWD, "f", some, 0), 0);
    EXPECT_EQ(stat("f", &st), 0);
    EXPECT_EQ(st.st_atim.tv_sec, 1000);
    EXPECT_TRUE(st.st_mtim.tv_sec != 2000);
    EXPECT_ERRNO(chown("f", BOB, (gid_t)-1), EPERM); /* files are not given away */
    EXPECT_EQ(chown("f", ALICE, USERS), 0);          /* but to a group of one's own */
    EXPECT_ERRNO(chown("f", ALICE, STAFF), EPERM);
    become(BOB, STAFF);
    EXPECT_EQ(utimensat(AT_FDCWD, "f", NULL, 0), 0); /* who may write it may touch it */
    EXPECT_ERRNO(utimensat(AT_FDCWD, "f", some, 0), EPERM);
    become(0, 0);
    EXPECT_EQ(unlink("f"), 0);
}

TEST(setuid_does_not_survive_strangers)
{
    struct stat st;
    int fd;

    REQUIRE_EQ(make_owned("f", 06777, ALICE, STAFF), 0);
    become(BOB, USERS);
    fd = open("f", O_WRONLY);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "evil", 4), 4);
    EXPECT_EQ(close(fd), 0);
    become(0, 0);
    EXPECT_EQ(stat("f", &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0777);
    EXPECT_EQ(chmod("f", 06755), 0);
    become(ALICE, USERS);
    EXPECT_EQ(chown("f", ALICE, USERS), 0);
    EXPECT_EQ(stat("f", &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0755);
    become(0, 0);
    EXPECT_EQ(unlink("f"), 0);
}

TEST(an_open_file_stays_open)
{
    char text[8] = "";
    int fd;

    REQUIRE_EQ(make_owned("f", 0600, ALICE, STAFF), 0);
    fd = open("f", O_RDWR);
    REQUIRE_TRUE(fd >= 0);
    become(BOB, USERS);
    EXPECT_EQ(read(fd, text, 4), 4);
    EXPECT_STREQ(text, "text");
    EXPECT_EQ(pwrite(fd, "T", 1, 0), 1);
    EXPECT_ERRNO(fchmod(fd, 0777), EPERM); /* that is asked anew */
    become(0, 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("f"), 0);
}

TEST(a_path_is_no_contents)
{
    char c;
    struct stat st;
    int fd;

    REQUIRE_EQ(make_owned("f", 0, ALICE, STAFF), 0);
    REQUIRE_EQ(symlink("f", "l"), 0);
    become(ALICE, STAFF);
    fd = open("f", O_PATH);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_ERRNO(read(fd, &c, 1), EBADF);
    EXPECT_EQ(fchmod(fd, 0400), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(try_open("f", O_PATH | O_DIRECTORY), ENOTDIR);
    fd = open("l", O_PATH | O_NOFOLLOW);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_TRUE(S_ISLNK(st.st_mode));
    EXPECT_ERRNO(fchmod(fd, 0777), EOPNOTSUPP);
    EXPECT_EQ(close(fd), 0);
    become(0, 0);
    EXPECT_EQ(lchown("l", BOB, USERS), 0);
    EXPECT_EQ(lstat("l", &st), 0);
    EXPECT_EQ(st.st_uid, BOB);
    EXPECT_EQ(stat("f", &st), 0);
    EXPECT_EQ(st.st_uid, ALICE);
    fd = open("/dev/null", O_PATH); /* the node, not the device */
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT_TRUE(st.st_ino != 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("l"), 0);
    EXPECT_EQ(unlink("f"), 0);
}

#define FAR (1UL << 36)

/* A file as long as it is wide: what is mapped of it goes far beyond its end. */
static char *map_far(int fd)
{
    char *at = mmap(NULL, FAR, PROT_READ, MAP_PRIVATE, fd, 0);

    return at != MAP_FAILED && memcmp(at, "text", 4) == 0 ? at : NULL;
}

static char *map_shared(int fd)
{
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return at != MAP_FAILED ? at : NULL;
}

/* Who maps a file beyond its end keeps nobody from mapping it for writing, nor does who writes him. */
TEST(a_mapping_beyond_the_end_hurts_nobody)
{
    char *private, *shared;
    int mine, theirs;

    for (int writer_first = 0; writer_first < 2; writer_first++) {
        REQUIRE_EQ(make_owned("f", 0666, 0, 0), 0);
        mine = open("f", O_RDWR);
        shared = writer_first ? map_shared(mine) : NULL;
        become(BOB, USERS);
        theirs = open("f", O_RDWR);
        private = map_far(theirs);
        become(0, 0);
        REQUIRE_TRUE(private != NULL);
        if (!writer_first)
            shared = map_shared(mine);
        REQUIRE_TRUE(shared != NULL);
        shared[0] = 'T';
        EXPECT_EQ(private[0], 't');
        EXPECT_EQ(munmap(private, FAR), 0);
        EXPECT_EQ(munmap(shared, 4096), 0);
        close(mine);
        close(theirs);
        EXPECT_EQ(unlink("f"), 0);
    }
}

POSIX_TEST_MAIN
