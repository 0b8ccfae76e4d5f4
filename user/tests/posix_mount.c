/*
 * Mounts: where paths cross them, who may make them, what becomes of them. Ports of the file server's own
 * directories are mounted here; that needs no second server.
 */
#include "posix_test.h"

#include <credentials.h>
#include <dirent.h>
#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <ostia.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>

#define ALICE 100
#define BOB   101

static void become(uint32_t uid)
{
    security_token_t token = credentials_token(uid == 0 ? 1 : (uint32_t)getpid(), 0, uid, uid);

    EXPECT_KR(task_set_security_token(test_host_priv(), mach_task_self(), token), KERN_SUCCESS);
}

/* Mounts the directory `from` on `on`: 0, or -1 with errno. */
static int mount_dir(const char *from, const char *on)
{
    int fd = open(from, O_PATH | O_DIRECTORY);
    mach_port_t port = fd >= 0 ? getdport(fd) : MACH_PORT_NULL;
    int result;
    int error;

    close(fd);
    result = mount_port(on, port, from);
    error = errno;
    if (port != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), port);
    errno = error;
    return result;
}

/* Mounts the file server's root on `on`. */
static int mount_root(const char *on)
{
    mach_port_t server;
    int result;

    if (bootstrap_look_up(bootstrap_port, SERVICE_FILE, &server) != KERN_SUCCESS)
        return -1;
    result = mount_server(on, server, "again");
    mach_port_deallocate(mach_task_self(), server);
    return result;
}

/* Directories a (with a file, a directory and links) and m. */
static void begin(void)
{
    EXPECT_EQ(mkdir("a", 0755), 0);
    EXPECT_EQ(mkdir("a/d", 0755), 0);
    EXPECT_EQ(mkdir("m", 0755), 0);
    EXPECT_EQ(make_file("a/f", "in a"), 0);
    EXPECT_EQ(make_file("m/below", "hidden"), 0);
    EXPECT_EQ(symlink("f", "a/link"), 0);
}

static void end(void)
{
    char output[128];

    EXPECT_EQ(shell("rm -r a m", output, sizeof output), 0);
    EXPECT_STREQ(output, "");
}

/* The inode that path leads to, 0: none. */
static ino_t inode_at(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

TEST(paths_go_on_in_what_is_mounted)
{
    char text[32];
    struct stat st;
    ssize_t n;

    begin();
    REQUIRE_EQ(mount_dir("a", "m"), 0);
    EXPECT_STREQ(file_text("m/f", text, sizeof text), "in a");
    EXPECT_STREQ(file_text(DIR_NAME "/m/f", text, sizeof text), "in a");
    EXPECT_STREQ(file_text("m/link", text, sizeof text), "in a");
    EXPECT_STREQ(file_text("m/../m//d/../f", text, sizeof text), "in a");
    EXPECT_EQ(inode_at("m"), inode_at("a"));
    EXPECT_EQ(inode_at("m/"), inode_at("a"));
    EXPECT_EQ(inode_at("m/."), inode_at("a"));
    EXPECT_EQ(lstat("m", &st), 0);
    EXPECT_EQ(st.st_ino, inode_at("a"));
    EXPECT_EQ(lstat("m/link", &st), 0);
    EXPECT_TRUE(S_ISLNK(st.st_mode));
    n = readlink("m/link", text, sizeof text);
    EXPECT_EQ(n, 1);
    EXPECT_ERRNO(stat("m/below", &st), ENOENT);
    EXPECT_ERRNO(stat("m/none", &st), ENOENT);
    EXPECT_ERRNO(stat("m/f/", &st), ENOTDIR);
    EXPECT_EQ(unmount_port("m"), 0);
    EXPECT_STREQ(file_text("m/below", text, sizeof text), "hidden");
    EXPECT_ERRNO(stat("m/f", &st), ENOENT);
    end();
}

TEST(names_are_made_and_removed_across)
{
    char text[32];

    begin();
    REQUIRE_EQ(mount_dir("a", "m"), 0);
    EXPECT_EQ(make_file("m/new", "new"), 0);
    EXPECT_STREQ(file_text("a/new", text, sizeof text), "new");
    EXPECT_EQ(mkdir("m/dir", 0755), 0);
    EXPECT_EQ(mkfifo("m/dir/fifo", 0600), 0);
    EXPECT_EQ(symlink("../new", "m/dir/sym"), 0);
    EXPECT_EQ(link("m/new", "m/dir/hard"), 0);
    EXPECT_EQ(inode_at("a/dir/hard"), inode_at("a/new"));
    EXPECT_EQ(rename("m/dir/hard", "m/moved"), 0);
    EXPECT_EQ(rename("m/moved", "m/dir/back"), 0);
    EXPECT_STREQ(file_text("m/dir/sym", text, sizeof text), "new");
    EXPECT_EQ(chmod("m/new", 0600), 0);
    EXPECT_EQ(truncate("m/new", 1), 0);
    EXPECT_STREQ(file_text("m/dir/back", text, sizeof text), "n");
    EXPECT_EQ(unlink("m/dir/back"), 0);
    EXPECT_EQ(unlink("m/dir/sym"), 0);
    EXPECT_EQ(unlink("m/dir/fifo"), 0);
    EXPECT_ERRNO(rmdir("m/dir/none"), ENOENT);
    EXPECT_EQ(rmdir("m/dir"), 0);
    EXPECT_EQ(unlink("m/new"), 0);
    EXPECT_EQ(unmount_port("m"), 0);
    end();
}

TEST(programs_are_run_and_directories_entered_across)
{
    char output[256];

    begin();
    REQUIRE_EQ(mount_dir("/bin", "m"), 0);
    EXPECT_EQ(shell("m/echo one; cd m && ./echo two; PATH=" DIR_NAME "/m; echo three", output, sizeof output),
              0);
    EXPECT_STREQ(output, "one\ntwo\nthree\n");
    EXPECT_EQ(unmount_port("m/"), 0);
    end();
}

/* Its root knows what it is mounted in: ".." leads back, however one got there. */
TEST(dotdot_of_a_mounted_root_leads_out)
{
    char cwd[256];
    struct stat st;
    int fd;

    begin();
    REQUIRE_EQ(mount_root("m"), 0);
    EXPECT_EQ(inode_at("m"), inode_at("/"));
    EXPECT_EQ(inode_at("m/.."), inode_at("."));
    EXPECT_EQ(inode_at("m/bin/../../a/f"), inode_at("a/f"));
    EXPECT_EQ(inode_at("m/../m/../m/../a"), inode_at("a"));
    REQUIRE_EQ(chdir("m/bin"), 0);
    EXPECT_STREQ(getcwd(cwd, sizeof cwd), DIR_NAME "/m/bin");
    EXPECT_EQ(inode_at("../../a/f"), inode_at(DIR_NAME "/a/f"));
    EXPECT_EQ(chdir(".."), 0);
    EXPECT_STREQ(getcwd(cwd, sizeof cwd), DIR_NAME "/m");
    fd = open("..", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(fstatat(fd, "a/f", &st, 0), 0);
    close(fd);
    EXPECT_EQ(chdir(".."), 0);
    EXPECT_STREQ(getcwd(cwd, sizeof cwd), DIR_NAME);
    EXPECT_ERRNO(rmdir("m/.."), EINVAL);
    EXPECT_ERRNO(mkdir("m/..", 0755), EEXIST);
    EXPECT_EQ(unmount_port("m"), 0);
    end();
}

/* An absolute link in what is mounted begins at the root of who follows it. */
TEST(links_cross_mounts)
{
    char text[32];

    begin();
    EXPECT_EQ(symlink(DIR_NAME "/m" DIR_NAME "/a/f", "a/far"), 0);
    EXPECT_EQ(symlink("../link", "a/d/up"), 0);
    EXPECT_EQ(symlink(DIR_NAME "/m", "to_m"), 0);
    REQUIRE_EQ(mount_root("m"), 0);
    EXPECT_STREQ(file_text("a/far", text, sizeof text), "in a");
    EXPECT_STREQ(file_text("m" DIR_NAME "/a/far", text, sizeof text), "in a");
    EXPECT_STREQ(file_text("m" DIR_NAME "/a/d/up", text, sizeof text), "in a");
    EXPECT_EQ(inode_at("to_m"), inode_at("/"));
    EXPECT_EQ(inode_at("to_m/bin/sh"), inode_at("/bin/sh"));
    EXPECT_ERRNO(open("to_m", O_RDONLY | O_NOFOLLOW), ELOOP);
    EXPECT_EQ(unmount_port("m"), 0);
    EXPECT_EQ(unlink("to_m"), 0);
    end();
}

/* A directory mounted below itself, and links that lead over mounts in a circle: there is an end. */
TEST(circles_end)
{
    char path[1024] = "a";
    struct stat st;

    begin();
    EXPECT_EQ(symlink(DIR_NAME "/m" DIR_NAME "/a/circle", "a/circle"), 0);
    REQUIRE_EQ(mount_dir("a", "a/d"), 0);
    for (int i = 0; i < 40; i++)
        strcat(path, "/d");
    EXPECT_EQ(stat(path, &st), 0);
    EXPECT_EQ(st.st_ino, inode_at("a"));
    strcat(path, "/d");
    EXPECT_ERRNO(stat(path, &st), ELOOP);
    EXPECT_ERRNO(mkdir(strcat(path, "/x"), 0755), ELOOP);
    EXPECT_ERRNO(rename(path, "x"), ELOOP);
    EXPECT_ERRNO(rename("a/f", path), ELOOP);
    EXPECT_EQ(unmount_port("a/d"), 0);
    REQUIRE_EQ(mount_root("m"), 0);
    EXPECT_ERRNO(stat("a/circle", &st), ELOOP);
    EXPECT_ERRNO(open("a/circle", O_RDONLY | O_CREAT, 0644), ELOOP);
    EXPECT_EQ(unmount_port("m"), 0);
    end();
}

TEST(a_path_grows_too_long_over_links)
{
    char path[1024], target[900];
    struct stat st;

    begin();
    memset(target, '/', sizeof target);
    strcpy(target + sizeof target - 2, ".");
    EXPECT_EQ(symlink(target, "a/long"), 0);
    REQUIRE_EQ(mount_root("m"), 0);
    strcpy(path, "m" DIR_NAME "/a/long");
    while (strlen(path) < 1000)
        strcat(path, "/.");
    EXPECT_ERRNO(stat(path, &st), ENAMETOOLONG);
    EXPECT_EQ(unmount_port("m"), 0);
    end();
}

TEST(a_mounts_directory_is_busy)
{
    begin();
    EXPECT_EQ(mkdir("empty", 0755), 0);
    REQUIRE_EQ(mount_dir("a", "empty"), 0);
    EXPECT_ERRNO(rmdir("empty"), EBUSY);
    EXPECT_ERRNO(rmdir("empty/"), EBUSY);
    EXPECT_ERRNO(unlink("empty"), EBUSY);
    EXPECT_ERRNO(rename("empty", "other"), EBUSY);
    EXPECT_ERRNO(rename("m", "empty"), EBUSY);
    EXPECT_ERRNO(mkdir("empty", 0755), EEXIST);
    EXPECT_ERRNO(symlink("x", "empty"), EEXIST);
    EXPECT_ERRNO(open("empty", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    EXPECT_ERRNO(open("empty", O_RDWR | O_CREAT, 0644), EISDIR);
    EXPECT_ERRNO(link("empty", "other"), EPERM);
    REQUIRE_EQ(mount_root("m"), 0);
    EXPECT_ERRNO(mount_root("m"), EBUSY); /* the root of what is there already */
    EXPECT_EQ(unmount_port("m"), 0);
    EXPECT_ERRNO(mount_dir("a", "/"), EBUSY);
    EXPECT_EQ(unmount_port("empty"), 0);
    EXPECT_ERRNO(unmount_port("empty"), EINVAL);
    EXPECT_ERRNO(unmount_port("none"), ENOENT);
    EXPECT_EQ(rmdir("empty"), 0);
    end();
}

/* Does BOB learn of a mount of m? */
static int sees_mount(void)
{
    path_t path;
    service_name_t what;
    uint32_t uid;
    int seen = 0, fd = open("/", O_PATH | O_DIRECTORY);
    mach_port_t server = getdport(fd);

    become(BOB);
    for (uint32_t i = 0; !seen && fs_mounts(server, i, path, what, &uid) == KERN_SUCCESS; i++)
        seen = strcmp(what, "m") == 0;
    become(0);
    mach_port_deallocate(mach_task_self(), server);
    close(fd);
    return seen;
}

/* Who may not search a directory does not learn what is below it. */
TEST(mounts_below_private_directories_are_not_shown)
{
    begin();
    REQUIRE_EQ(mount_dir("m", "a/d"), 0);
    EXPECT_EQ(chmod("a", 0755), 0);
    EXPECT_TRUE(sees_mount());
    EXPECT_EQ(chmod("a", 0700), 0);
    EXPECT_TRUE(!sees_mount());
    EXPECT_EQ(chmod("a", 0755), 0);
    EXPECT_EQ(unmount_port("a/d"), 0);
    end();
}

/* One may rename what a mount's directory is in. */
TEST(mounts_move_with_their_directory)
{
    path_t path;
    service_name_t what;
    uint32_t uid;
    char text[32];
    int fd = open("/", O_PATH | O_DIRECTORY);
    mach_port_t server = getdport(fd);

    begin();
    REQUIRE_EQ(mount_dir("m", "a/d"), 0);
    EXPECT_KR(fs_mounts(server, 0, path, what, &uid), KERN_SUCCESS);
    EXPECT_STREQ(path, DIR_NAME "/a/d");
    EXPECT_STREQ(what, "m");
    EXPECT_EQ(uid, 0);
    EXPECT_EQ(rename("a", "b"), 0);
    EXPECT_STREQ(file_text("b/d/below", text, sizeof text), "hidden");
    EXPECT_KR(fs_mounts(server, 0, path, what, &uid), KERN_SUCCESS);
    EXPECT_STREQ(path, DIR_NAME "/b/d");
    EXPECT_EQ(rename("b", "a"), 0);
    EXPECT_EQ(unmount_port("a/d"), 0);
    mach_port_deallocate(mach_task_self(), server);
    close(fd);
    end();
}

TEST(only_directories_and_ports)
{
    mach_port_t dead;

    begin();
    EXPECT_ERRNO(mount_dir("a", "a/f"), ENOTDIR);
    EXPECT_ERRNO(mount_dir("a", "none"), ENOENT);
    EXPECT_ERRNO(mount_port("m", MACH_PORT_NULL, "nothing"), EINVAL);
    EXPECT_KR(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    EXPECT_EQ(mount_port("m", dead, "dead"), -1);
    mach_port_deallocate(mach_task_self(), dead);
    end();
}

/* The owner of a directory may, root may, nobody else. */
TEST(who_may_mount)
{
    begin();
    EXPECT_EQ(mkdir("hers", 0755), 0);
    EXPECT_EQ(chown("hers", ALICE, ALICE), 0);
    EXPECT_EQ(chmod("m", 0777), 0);
    become(ALICE);
    EXPECT_ERRNO(mount_dir("a", "m"), EPERM); /* she may write it, which is not enough */
    EXPECT_EQ(mount_dir("a", "hers"), 0);
    EXPECT_EQ(inode_at("hers/f"), inode_at("a/f"));
    become(BOB);
    EXPECT_EQ(inode_at("hers/f"), inode_at("a/f")); /* it is there for all */
    EXPECT_ERRNO(unmount_port("hers"), EPERM);
    become(ALICE);
    EXPECT_EQ(unmount_port("hers"), 0);
    EXPECT_EQ(mount_dir("a", "hers"), 0);
    become(0);
    EXPECT_EQ(unmount_port("hers"), 0);
    EXPECT_EQ(rmdir("hers"), 0);
    end();
}

/* The root of what is mounted was opened by who mounted it; others have their own permissions there. */
TEST(a_mount_gives_no_permissions)
{
    char text[32];

    begin();
    EXPECT_EQ(chmod("a/d", 0700), 0);
    EXPECT_EQ(make_file("a/d/secret", "x"), 0);
    REQUIRE_EQ(mount_dir("a/d", "m"), 0);
    become(ALICE);
    EXPECT_STREQ(file_text("m/secret", text, sizeof text), "");
    EXPECT_TRUE(opendir("m") == NULL);
    EXPECT_EQ(errno, EACCES);
    become(0);
    EXPECT_STREQ(file_text("m/secret", text, sizeof text), "x");
    EXPECT_EQ(unmount_port("m"), 0);
    end();
}

/* A server that dies, and one that speaks another language. */
TEST(what_is_mounted_dies)
{
    mach_port_t receive;
    mach_port_t second;
    char text[32];
    int waits = 0;

    begin();
    EXPECT_EQ(mkdir("n", 0755), 0);
    EXPECT_EQ(mkdir("o", 0755), 0);
    EXPECT_KR(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &receive), KERN_SUCCESS);
    EXPECT_KR(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &second), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(mach_task_self(), receive, receive, MACH_MSG_TYPE_MAKE_SEND),
              KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(mach_task_self(), second, second, MACH_MSG_TYPE_MAKE_SEND),
              KERN_SUCCESS);
    EXPECT_EQ(mount_port("m", receive, "mine"), 0);
    EXPECT_EQ(mount_port("n", receive, "mine, too"), 0);
    EXPECT_EQ(mount_port("o", second, "other"), 0);
    EXPECT_EQ(unmount_port("n"), 0);
    EXPECT_EQ(mount_port("n", receive, "mine, again"), 0);
    mach_port_mod_refs(mach_task_self(), receive, MACH_PORT_RIGHT_RECEIVE, -1);
    mach_port_deallocate(mach_task_self(), receive);
    /* The kernel's word is under way: until it is there, the port is dead. */
    while (*file_text("m/below", text, sizeof text) == '\0' && errno == EIO && ++waits < 1000)
        swtch();
    EXPECT_STREQ(text, "hidden");
    EXPECT_EQ(rmdir("n"), 0);
    EXPECT_ERRNO(rmdir("o"), EBUSY);
    EXPECT_EQ(unmount_port("o"), 0);
    mach_port_mod_refs(mach_task_self(), second, MACH_PORT_RIGHT_RECEIVE, -1);
    mach_port_deallocate(mach_task_self(), second);
    EXPECT_EQ(rmdir("o"), 0);
    end();
}

TEST(ports_that_serve_no_files)
{
    struct stat st;
    mach_port_t proc;
    char name[16];

    begin();
    REQUIRE_EQ(bootstrap_look_up(bootstrap_port, SERVICE_PROC, &proc), KERN_SUCCESS);
    EXPECT_EQ(mount_port("m", proc, "proc"), 0);
    mach_port_deallocate(mach_task_self(), proc);
    EXPECT_ERRNO(stat("m/x", &st), ENOTDIR);
    EXPECT_ERRNO(open("m", O_RDONLY), ENOTDIR);
    EXPECT_ERRNO(mkdir("m/x", 0755), ENOTDIR);
    EXPECT_ERRNO(readlink("m/x", name, sizeof name), ENOTDIR);
    EXPECT_ERRNO(rename("a/f", "m/f"), EXDEV);
    EXPECT_EQ(unmount_port("m"), 0);
    end();
}

TEST(mount_and_umount)
{
    char output[512];

    begin();
    EXPECT_EQ(shell("mount", output, sizeof output), 0);
    EXPECT_TRUE(strncmp(output, "file on /\n", 10) == 0);
    EXPECT_EQ(shell("mount ./a m && cat m/f && mount | grep -c 'on " DIR_NAME "/m$' && umount m && mount | "
                    "grep -c " DIR_NAME "/m",
                    output, sizeof output), 1 << 8);
    EXPECT_STREQ(output, "in a1\n0\n");
    EXPECT_EQ(shell("mount file m; cd m/bin; pwd -P; cd ../..; pwd -P; umount m", output,
                    sizeof output), 0);
    EXPECT_STREQ(output, DIR_NAME "/m/bin\n" DIR_NAME "\n");
    EXPECT_EQ(shell("umount m", output, sizeof output), 1 << 8);
    EXPECT_STREQ(output, "umount: m: Invalid argument\n");
    EXPECT_EQ(shell("mount none m", output, sizeof output), 1 << 8);
    EXPECT_STREQ(output, "mount: none: no such service\n");
    end();
}

/* What is mounted is not lost on who is in it. */
TEST(open_files_outlive_a_mount)
{
    char text[32] = "";
    int fd;

    begin();
    REQUIRE_EQ(mount_root("m"), 0);
    fd = open("m" DIR_NAME "/a/f", O_RDONLY);
    EXPECT_EQ(chdir("m/bin"), 0);
    EXPECT_EQ(unmount_port(DIR_NAME "/m"), 0);
    EXPECT_EQ(read(fd, text, sizeof text), 4);
    EXPECT_EQ(inode_at("sh"), inode_at("/bin/sh"));
    EXPECT_EQ(inode_at("../../a/f"), inode_at(DIR_NAME "/a/f"));
    EXPECT_EQ(chdir("../.."), 0);
    close(fd);
    end();
}

POSIX_TEST_MAIN
