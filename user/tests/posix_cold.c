/*
 * Files that are not in memory: who needs a block from the disk waits for it, and nobody else does
 * (user/lib/fileserver/aside.c). A case makes the disk wait for as long as it wants, by stopping its server.
 *
 * grade/test_fserrors.py runs this with a disk that is slow, too (cold.slow=1).
 */
#include "posix_test.h"
#include "quiet_test.h"
#include "server_test.h"

#include "../lib/libc/posix.h" /* the ports that libc keeps */

#include <dirent.h>
#include <mach/error.h>
#include <servers/io_server.h>
#include <sys/mman.h>

TEST_LIMIT(120);

#define BLOCK        4096
#define CACHE_BLOCKS 1100 /* somewhat more than the file server keeps */
#define MANY         240  /* files, and so inodes: more than it keeps */
#define MANY_USED    200  /* of them: those whose inodes share no block with the ones that are to be cold */
#define BLOCKS       80   /* of cold/file */
#define WARM_READS   100
#define SOON         20   /* ms */
#define SHARE        64   /* requests of one user that the file server puts aside (aside.c) */

static char block[BLOCK];
static char target[200]; /* of a symbolic link: more than its inode has room for */
static task_t disk;
static int warm = -1;  /* a descriptor of a file in memory */
static int large = -1;

static const char *name_of(const char *format, int i)
{
    static char name[32];

    snprintf(name, sizeof name, format, i);
    return name;
}

static int fill(const char *name, int blocks)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);

    for (int i = 0; fd >= 0 && i < blocks; i++) {
        memset(block, 'a' + i % 26, BLOCK);
        if (write(fd, block, BLOCK) != BLOCK)
            return -1;
    }
    return fd;
}

/* Everything that is used below, once; and anew a file of whose contents the kernel has no page. */
static int set_up(void)
{
    if (disk != MACH_PORT_NULL)
        return close(fill("cold/file", BLOCKS));
    memset(target, 't', sizeof target - 1);
    if (mkdir("cold", 0777) != 0 || mkdir("cold/dir", 0777) != 0 || mkdir("many", 0777) != 0 ||
        make_file("cold/dir/file", "x") != 0 || symlink(target, "cold/link") != 0)
        return -1;
    chmod("cold", 0777);
    if (close(fill("cold/file", BLOCKS)) != 0)
        return -1;
    for (int i = 0; i < MANY; i++)
        if (make_file(name_of("many/%d", i), "") != 0)
            return -1;
    warm = fill("warm", 1);
    large = fill("large", CACHE_BLOCKS);
    disk = find_server("disk");
    return disk == MACH_PORT_NULL || warm < 0 || large < 0 ? -1 : 0;
}

/* What needs no disk works. */
static int warm_works(void)
{
    struct stat st;
    char c;

    for (int i = 0; i < WARM_READS; i++)
        if (pread(warm, &c, 1, i) != 1 || c != 'a' || stat("warm", &st) != 0 || st.st_size != BLOCK)
            return 0;
    return 1;
}

/* Takes all else out of the file server's memory, and has nothing left there to be written. */
static void chill(void)
{
    struct stat st;
    char c;

    sync(); /* what is not written yet would stay */
    for (int i = MANY - MANY_USED; i < MANY; i++)
        stat(name_of("many/%d", i), &st);
    for (int i = CACHE_BLOCKS; i-- > 0;) /* backwards: nothing is read ahead */
        pread(large, &c, 1, (off_t)i * BLOCK);
    EXPECT_TRUE(warm_works());
    sync();
}

/* A child that prepares itself, is told to go on, and ends with what `action` returns. */
struct child {
    pid_t pid;
    int ready, go; /* descriptors of pipes */
};

static int start(struct child *c, void (*prepare)(void), int (*action)(void))
{
    int ready[2], go[2];
    char byte = 0;

    if (pipe(ready) != 0 || pipe(go) != 0)
        return -1;
    c->pid = fork();
    if (c->pid == 0) {
        close(go[1]);
        if (prepare != NULL)
            prepare();
        write(ready[1], "r", 1);
        read(go[0], &byte, 1);
        write(ready[1], "g", 1);
        _exit(action());
    }
    close(ready[1]);
    close(go[0]);
    c->ready = ready[0];
    c->go = go[1];
    return c->pid > 0 && read(c->ready, &byte, 1) == 1 ? 0 : -1;
}

/* It is at its action, and has had the time to wait there. */
static void let_go(struct child *c)
{
    char byte;

    write(c->go, "g", 1);
    read(c->ready, &byte, 1);
    pause_ms(SOON);
}

static int end_of(struct child *c)
{
    int status = -1;

    waitpid(c->pid, &status, 0);
    close(c->ready);
    close(c->go);
    return status;
}

static void expect_only_it_waits(const char *what, void (*prepare)(void), int (*action)(void))
{
    struct child c;
    int status;

    REQUIRE_EQ(set_up(), 0);
    REQUIRE_EQ(start(&c, prepare, action), 0);
    chill();
    REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
    let_go(&c);
    EXPECT_TRUE(warm_works());
    if (waitpid(c.pid, &status, WNOHANG) != 0)
        FAIL("%s: did not need the disk, or failed: %x", what, status);
    EXPECT_KR(task_resume(disk), KERN_SUCCESS);
    status = end_of(&c);
    if (status != 0)
        FAIL("%s: gave status %x", what, status);
}

/* ---- each kind of request ---- */

static int file = -1;
static const volatile char *mapped;
static DIR *directory;

static void open_file(void)
{
    file = open("cold/file", O_RDONLY);
}

static int is_block(off_t number)
{
    return block[0] == 'a' + number % 26 && memcmp(block, block + 1, BLOCK - 1) == 0;
}

static int read_block(void)
{
    return pread(file, block, BLOCK, 70 * BLOCK) == BLOCK && is_block(70) ? 0 : 1;
}

TEST(who_reads_waits_alone)
{
    expect_only_it_waits("pread", open_file, read_block);
}

static int read_much(void)
{
    for (int i = 0; i < BLOCKS; i++)
        if (read(file, block, BLOCK) != BLOCK || !is_block(i))
            return 1;
    return read(file, block, 1);
}

TEST(who_reads_a_whole_file_waits_alone)
{
    expect_only_it_waits("read", open_file, read_much);
}

static void open_window(void)
{
    open_file();
    for (int i = 0; i < 16; i++)
        read(file, block, 16);
}

static int read_window(void)
{
    if (lseek(file, 75 * BLOCK, SEEK_SET) != 75 * BLOCK || read(file, block, BLOCK) != BLOCK)
        return 1;
    return is_block(75) ? 0 : 2;
}

TEST(who_reads_by_mapping_waits_alone)
{
    expect_only_it_waits("read of a window", open_window, read_window);
}

static void map_file(void)
{
    open_file();
    mapped = mmap(NULL, BLOCKS * BLOCK, PROT_READ, MAP_SHARED, file, 0);
}

static int touch(void)
{
    return mapped[60 * BLOCK] == 'a' + 60 % 26 && mapped[BLOCKS * BLOCK - 1] == 'a' + 79 % 26 ? 0 : 1;
}

TEST(who_touches_a_page_waits_alone)
{
    expect_only_it_waits("page", map_file, touch);
}

static int look_up(void)
{
    struct stat st;

    return stat("cold/dir/none", &st) < 0 && errno == ENOENT ? 0 : 1;
}

TEST(who_looks_a_name_up_waits_alone)
{
    expect_only_it_waits("look-up", NULL, look_up);
}

static int get_status(void)
{
    struct stat st;

    return stat("cold/file", &st) == 0 && st.st_size == BLOCKS * BLOCK ? 0 : 1;
}

TEST(who_asks_for_a_status_waits_alone)
{
    expect_only_it_waits("stat", NULL, get_status);
}

static void open_directory(void)
{
    directory = opendir("cold");
}

static int list(void)
{
    int entries = 0;

    while (readdir(directory) != NULL)
        entries++;
    return entries == 5 ? 0 : 1; /* ".", "..", dir, file, link */
}

TEST(who_reads_a_directory_waits_alone)
{
    expect_only_it_waits("readdir", open_directory, list);
}

static int read_link(void)
{
    if (readlink("cold/link", block, BLOCK) != sizeof target - 1)
        return 1;
    return block[sizeof target - 2] == 't' ? 0 : 2;
}

TEST(who_reads_a_link_waits_alone)
{
    expect_only_it_waits("readlink", NULL, read_link);
}

/* What changes something looks first. */
static int change_names(void)
{
    if (rename("cold/dir/none", "cold/none") == 0 || errno != ENOENT) /* with a port in the message */
        return 1;
    if (link("cold/file", "cold/dir/second") != 0 || unlink("cold/dir/second") != 0)
        return 2;
    return make_file("cold/dir/new", "new") == 0 && unlink("cold/dir/new") == 0 ? 0 : 3;
}

TEST(who_changes_names_waits_alone_to_look)
{
    expect_only_it_waits("rename", NULL, change_names);
}

/* ---- what happens meanwhile ---- */

TEST(a_client_that_dies_meanwhile_leaves_nothing)
{
    static int (*const actions[])(void) = {read_block, look_up, list, change_names, touch};
    static void (*const prepare[])(void) = {open_file, NULL, open_directory, NULL, map_file};
    struct host_counters before, after;

    REQUIRE_EQ(set_up(), 0);
    for (int round = 0; round < 2; round++) { /* the first makes what is kept for the next */
        REQUIRE_EQ(set_up(), 0);
        chill();
        quiet_counters(&before);
        for (unsigned i = 0; i < sizeof actions / sizeof actions[0]; i++) {
            struct child c;

            REQUIRE_EQ(start(&c, prepare[i], actions[i]), 0);
            chill();
            REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
            let_go(&c);
            EXPECT_EQ(kill(c.pid, SIGKILL), 0);
            EXPECT_EQ(end_of(&c), SIGKILL);
            EXPECT_TRUE(warm_works());
            EXPECT_KR(task_resume(disk), KERN_SUCCESS);
            EXPECT_TRUE(warm_works());
        }
        REQUIRE_EQ(set_up(), 0); /* the kernel may keep a file that was mapped, with its ports, until then */
        chill(); /* these reads are behind those that were for the dead */
        quiet_counters(&after);
    }
    EXPECT_EQ(after.ports, before.ports);
    EXPECT_EQ(after.kmsgs, before.kmsgs);
    EXPECT_EQ(after.tasks, before.tasks);
}

static int look_for_it(void)
{
    struct stat st;

    return stat("cold/dir/file", &st) < 0 && errno == ENOENT ? 0 : 1;
}

/* The request is begun again: it finds what is there then. */
TEST(a_name_that_goes_meanwhile_is_not_found)
{
    struct child c;

    REQUIRE_EQ(set_up(), 0);
    REQUIRE_EQ(mkdir("second", 0777), 0);
    REQUIRE_EQ(start(&c, NULL, look_for_it), 0);
    chill();
    REQUIRE_EQ(mkdir("third", 0777), 0); /* the directory is in memory */
    EXPECT_TRUE(warm_works());
    sync();
    REQUIRE_EQ(rename("cold", "warmer"), 0); /* and cold's own inode; cold/dir is not */
    REQUIRE_EQ(rename("warmer", "cold"), 0);
    sync();
    REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
    let_go(&c);
    EXPECT_EQ(rename("cold", "warmer"), 0);
    EXPECT_KR(task_resume(disk), KERN_SUCCESS);
    EXPECT_EQ(end_of(&c), 0);
    EXPECT_EQ(rename("warmer", "cold"), 0);
    EXPECT_EQ(rmdir("second"), 0);
    EXPECT_EQ(rmdir("third"), 0);
}

static void open_doomed(void)
{
    file = open("doomed", O_RDONLY);
}

static int read_doomed(void)
{
    return pread(file, block, BLOCK, 3 * BLOCK) == BLOCK && is_block(3) ? 0 : 1;
}

TEST(a_file_that_is_removed_meanwhile_is_read)
{
    struct child c;

    REQUIRE_EQ(set_up(), 0);
    REQUIRE_EQ(close(fill("doomed", 4)), 0);
    REQUIRE_EQ(start(&c, open_doomed, read_doomed), 0);
    chill();
    REQUIRE_EQ(rename("doomed", "still doomed"), 0); /* its name is in memory */
    REQUIRE_EQ(rename("still doomed", "doomed"), 0);
    sync();
    REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
    let_go(&c);
    EXPECT_EQ(unlink("doomed"), 0);
    EXPECT_KR(task_resume(disk), KERN_SUCCESS);
    EXPECT_EQ(end_of(&c), 0);
}

static int cut_is_short(void)
{
    return pread(file, block, BLOCK, 3 * BLOCK) == 0 ? 0 : 1;
}

TEST(a_file_that_is_cut_off_meanwhile_ends_there)
{
    struct child c;
    int fd;

    REQUIRE_EQ(set_up(), 0);
    fd = fill("doomed", 4);
    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(start(&c, open_doomed, cut_is_short), 0);
    chill();
    REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
    let_go(&c);
    EXPECT_EQ(ftruncate(fd, 0), 0);
    EXPECT_KR(task_resume(disk), KERN_SUCCESS);
    EXPECT_EQ(end_of(&c), 0);
    close(fd);
    unlink("doomed");
}

/* A path through a mount that goes: whichever came first. */
static int look_into_mount(void)
{
    struct stat st;

    return stat("cold/dir/file", &st) == 0 || errno == ENOENT ? 0 : 1;
}

static int unmount_it(void)
{
    char text[64];

    return shell("umount /var/test/cold/dir", text, sizeof text);
}

TEST(a_mount_may_go_meanwhile)
{
    struct child looks, unmounts;

    REQUIRE_EQ(set_up(), 0);
    REQUIRE_EQ(mkdir("mounted", 0777), 0);
    REQUIRE_EQ(shell("mount /var/test/mounted /var/test/cold/dir", block, sizeof block), 0);
    REQUIRE_EQ(start(&looks, NULL, look_into_mount), 0);
    REQUIRE_EQ(start(&unmounts, NULL, unmount_it), 0);
    chill();
    REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
    let_go(&looks);
    let_go(&unmounts);
    EXPECT_TRUE(warm_works());
    EXPECT_KR(task_resume(disk), KERN_SUCCESS);
    EXPECT_EQ(end_of(&looks), 0);
    EXPECT_EQ(end_of(&unmounts), 0);
    EXPECT_EQ(look_up(), 0);
    EXPECT_EQ(rmdir("mounted"), 0);
}

/* The disk server dies with what it was asked for, and so does the next. */
TEST(a_disk_server_that_dies_loses_no_read)
{
    struct child c;

    REQUIRE_EQ(set_up(), 0);
    for (int i = 0; i < 3; i++) {
        REQUIRE_EQ(start(&c, open_file, read_much), 0);
        chill();
        REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
        let_go(&c);
        mach_port_deallocate(mach_task_self(), disk);
        EXPECT_TRUE(kill_server("disk"));
        EXPECT_TRUE(warm_works());
        EXPECT_EQ(end_of(&c), 0);
        disk = find_server("disk");
        REQUIRE_TRUE(disk != MACH_PORT_NULL);
    }
}

/* ---- a client that asks for much ---- */

#define OVER 10 /* requests beyond its share */

struct answer {
    mach_msg_header_t head;
    kern_return_t code;
    uint32_t size;
    char data[8 + MAX_TRAILER_SIZE];
};

static mach_port_t reply_port;
static int second_go[2];

/* Asks for a byte of each block, without waiting for answers. */
static kern_return_t ask_for(int from, int to)
{
    mach_port_t port = __fd_get(file)->port;
    kern_return_t kr = KERN_SUCCESS;

    for (int i = from; i < to && kr == KERN_SUCCESS; i++) {
        struct {
            mach_msg_header_t head;
            int64_t offset;
            uint32_t amount, room;
        } request = {
            .head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .head.msgh_remote_port = port,
            .head.msgh_local_port = reply_port,
            .head.msgh_id = io_subsystem_base + 2, /* io_pread */
            .offset = (int64_t)i * BLOCK,
            .amount = 1,
            .room = 1,
        };

        kr = mach_msg(&request.head, MACH_SEND_MSG, sizeof request, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
    }
    return kr;
}

static void become_user(void)
{
    open_file();
    setgid(1);
    setuid(1);
    mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &reply_port);
}

static int ask_for_much(void)
{
    char byte;

    if (ask_for(0, SHARE) != KERN_SUCCESS)
        return 1;
    read(second_go[0], &byte, 1);
    if (ask_for(SHARE, SHARE + OVER) != KERN_SUCCESS)
        return 2;
    for (int i = 0; i < SHARE + OVER; i++) {
        struct answer a;

        if (mach_msg(&a.head, MACH_RCV_MSG, 0, sizeof a, reply_port, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
            return 3;
        if (a.code != KERN_SUCCESS || a.size != 1)
            return 4;
    }
    return 0;
}

/* A user has a share. Others have theirs; and beyond it the server waits, but nobody gets an error. */
TEST(who_asks_for_much_gets_it_and_others_do_not_mind)
{
    struct child c, other;

    REQUIRE_EQ(set_up(), 0);
    REQUIRE_EQ(pipe(second_go), 0);
    REQUIRE_EQ(start(&c, become_user, ask_for_much), 0);
    REQUIRE_EQ(start(&other, NULL, look_up), 0);
    chill();
    REQUIRE_KR(task_suspend(disk), KERN_SUCCESS);
    let_go(&c);
    let_go(&other);
    EXPECT_TRUE(warm_works());
    write(second_go[1], "g", 1);
    pause_ms(SOON);
    EXPECT_KR(task_resume(disk), KERN_SUCCESS);
    EXPECT_EQ(end_of(&c), 0);
    EXPECT_EQ(end_of(&other), 0);
    EXPECT_TRUE(warm_works());
    close(second_go[0]);
    close(second_go[1]);
}

/* ---- with a disk that is slow ---- */

#define READERS 3

static int read_backwards(int number)
{
    int fd = open(name_of("/cold.%d", number), O_RDONLY);

    for (int i = BLOCKS; i-- > BLOCKS / 2;)
        if (pread(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK || !is_block(i))
            return 1;
    return 0;
}

/* Files that are there from the start; and no stopping of servers. */
TEST(who_needs_no_disk_does_not_wait_for_a_slow_one)
{
    int running = READERS, reads = 0, status;
    char text[8], c;

    if (test_boot_arg("cold.slow", text, sizeof text) <= 0)
        SKIP("the disk is fast");
    REQUIRE_EQ(make_file("slow", "x"), 0);
    warm = open("slow", O_RDONLY);
    for (int i = 0; i < READERS; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(read_backwards(i));
        REQUIRE_TRUE(pid > 0);
    }
    while (running > 0) {
        EXPECT_EQ(pread(warm, &c, 1, 0), 1);
        reads++;
        if (waitpid(-1, &status, WNOHANG) <= 0)
            continue;
        EXPECT_EQ(status, 0);
        running--;
    }
    test_report("# %d reads meanwhile", reads);
    /* A server that waits for each block would let one read through for each. */
    EXPECT_TRUE(reads > 20 * READERS * BLOCKS / 2);
    close(warm);
    unlink("slow");
}

POSIX_TEST_MAIN
