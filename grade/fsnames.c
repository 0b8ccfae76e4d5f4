/*
 * fsnames: the file server's routines (fs.defs, io.defs) on the host, for test_fsserver.py. Ports are
 * faked: a port is an index into a table of objects, and dropping one is its no-senders
 * notification.
 *
 *   fsnames IMAGE FOLDER SEED N    N random calls here, and on the host in FOLDER; compares
 *   fsnames IMAGE                  cases: offsets, access modes, devices, other ports
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mach/error.h>
#include <servers/fs_server.h>
#include <servers/io_server.h>

#include "server.h"
#include "fsfail.h"

/* ---- ports ---- */

#define PORTS 4096
static struct port_object *port_table[PORTS];

kern_return_t ports_create(struct port_object *o, const struct port_class *class)
{
    for (mach_port_t p = 1; p < PORTS; p++)
        if (port_table[p] == NULL) {
            port_table[p] = o;
            *o = (struct port_object){.port = p, .class = class, .refs = 1};
            return KERN_SUCCESS;
        }
    return KERN_RESOURCE_SHORTAGE;
}

void ports_ref(void *o)
{
    ((struct port_object *)o)->refs++;
}

void ports_deref(void *pointer)
{
    struct port_object *o = pointer;

    if (--o->refs == 0) {
        port_table[o->port] = NULL;
        o->class->destroy(o);
    }
}

mach_port_t ports_offer(struct port_object *o)
{
    if (!o->has_senders)
        o->refs++;
    o->has_senders = 1;
    return o->port;
}

void *ports_find(mach_port_t port, const struct port_class *class)
{
    if (port >= PORTS || port_table[port] == NULL || port_table[port]->class != class)
        return NULL;
    return port_table[port];
}

void *ports_lookup(mach_port_t port, const struct port_class *class)
{
    struct port_object *o = ports_find(port, class);

    if (o != NULL)
        o->refs++;
    return o;
}

/* Who the client is. */
static security_token_t client = {{1, 0}};

void ports_again(mach_msg_header_t *in, mach_msg_header_t *out)
{
    (void)in, (void)out;
    abort(); /* this disk is never waited for */
}

security_token_t ports_sender(void)
{
    return client;
}

/* How the reply to the last open gave its right. */
static mach_msg_type_name_t how;
static uint32_t on;

/* The client drops its last right. */
static void port_close(mach_port_t port)
{
    struct port_object *o = port_table[port];

    CHECK(o != NULL && o->has_senders);
    o->has_senders = 0;
    ports_deref(o);
}

/* The server never sends in these tests; what it links to of Mach: */
mach_port_t mach_task_self_;
kern_return_t mach_port_deallocate(mach_port_t task, mach_port_name_t name)
{
    (void)task, (void)name;
    return KERN_SUCCESS;
}

kern_return_t mach_port_mod_refs(mach_port_t task, mach_port_name_t name, mach_port_right_t right, int delta)
{
    (void)task, (void)name, (void)right, (void)delta;
    return KERN_SUCCESS;
}

kern_return_t mach_port_request_notification(mach_port_t task, mach_port_name_t name, mach_msg_id_t what,
                                             mach_port_mscount_t sync, mach_port_t notify,
                                             mach_msg_type_name_t type, mach_port_t *previous)
{
    (void)task, (void)name, (void)what, (void)sync, (void)notify, (void)type;
    *previous = MACH_PORT_NULL;
    return KERN_SUCCESS;
}

/* (Of the host's libc only newer ones have it.) */
__attribute__((weak)) size_t strlcpy(char *to, const char *from, size_t size)
{
    return (size_t)snprintf(to, size, "%s", from);
}

mach_port_t *mach_bootstrap_port(void)
{
    static mach_port_t port = 1;

    return &port;
}

int pager_port(struct inode *ip, enum pager_kind kind, mach_port_t *port)
{
    (void)ip, (void)kind, (void)port;
    return ENOMEM;
}

bool pager_is_there(const struct inode *ip)
{
    (void)ip;
    return false;
}

int pager_settle(struct inode *ip, uint64_t offset, uint64_t len)
{
    (void)ip, (void)offset, (void)len;
    return 0;
}

void pager_changed(struct inode *ip, uint64_t offset, uint64_t len)
{
    (void)ip, (void)offset, (void)len;
}

void pager_cut(struct inode *ip, uint64_t old_size)
{
    (void)ip, (void)old_size;
}

void pager_unnamed(struct inode *ip)
{
    (void)ip;
}

void pager_collect(struct inode *ip)
{
    (void)ip;
}

/* ---- the volume ---- */

struct fs *volume;
static int disk_fd;

static int dev_read(struct bdev *dev, uint64_t block, uint32_t count, void *data)
{
    (void)dev;
    size_t n = (size_t)count * OSTIAFS_BLOCK_SIZE;

    return pread(disk_fd, data, n, (off_t)(block * OSTIAFS_BLOCK_SIZE)) == (ssize_t)n ? 0 : EIO;
}

static int dev_write(struct bdev *dev, uint64_t block, uint32_t count, const void *data)
{
    (void)dev;
    size_t n = (size_t)count * OSTIAFS_BLOCK_SIZE;

    return pwrite(disk_fd, data, n, (off_t)(block * OSTIAFS_BLOCK_SIZE)) == (ssize_t)n ? 0 : EIO;
}

static int dev_flush(struct bdev *dev)
{
    (void)dev;
    return 0;
}

/* serve.c's. */
uint32_t serve_root(mach_port_t port)
{
    (void)port;
    return OSTIAFS_ROOT_INO;
}

void clock_now(int64_t *seconds, uint32_t *nanoseconds)
{
    *seconds = 1000;
    *nanoseconds = 0;
}

static void say(const char *what, uint32_t number)
{
    fail("the core says: %s %u", what, number);
}

/* ---- random calls ---- */

static unsigned long long rng_state;

static unsigned rnd(unsigned n)
{
    rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(rng_state >> 33) % n;
}

/* A path with everything in it: dots, double and trailing slashes, names of links. */
static void random_path(char *out)
{
    unsigned parts = 1 + rnd(5);

    out[0] = '\0';
    for (unsigned i = 0; i < parts; i++) {
        unsigned what = rnd(20);

        if (i > 0)
            strcat(out, rnd(10) ? "/" : "//");
        if (what == 0)
            strcat(out, ".");
        else if (what == 1 && i > 0)
            strcat(out, "..");
        else if (what == 2 && rnd(10) == 0)
            memset(out + strlen(out), 'x', 256), out[strlen(out)] = '\0';
        else
            sprintf(out + strlen(out), "%c", 'a' + rnd(9));
    }
    if (rnd(8) == 0)
        strcat(out, "/");
}

/* Does ".." of the path leave FOLDER? There the host's answers would be its own. */
static bool climbs(const char *path)
{
    return strncmp(path, "..", 2) == 0 || strstr(path, "/..") != NULL;
}

static int host_errno(int r)
{
    return r < 0 ? errno : 0;
}

static int ours_errno(kern_return_t kr)
{
    CHECK(kr == KERN_SUCCESS || is_unix_err(kr));
    return kr == KERN_SUCCESS ? 0 : (int)err_get_code(kr);
}

static void same(const char *what, const char *path, kern_return_t kr, int theirs)
{
    int ours = ours_errno(kr);

    if ((ours == 0) != (theirs == 0))
        fail("%s \"%s\": %s, but the host says %s", what, path, strerror(ours), strerror(theirs));
    /* Which of several errors is told may differ; these few say where a path went. */
    if (ours != theirs && (ours == ELOOP || theirs == ELOOP || ours == ENOENT ||
         theirs == ENOENT) &&
        !(theirs == EBUSY || theirs == EINVAL || theirs == ENOTEMPTY || theirs == EEXIST ||
          ours == EEXIST || theirs == ENOTDIR || theirs == EISDIR))
        fail("%s \"%s\": %s, but the host says %s", what, path, strerror(ours), strerror(theirs));
}

static int host_root;

static void compare_stat(const char *path, const io_stat_t *st, const struct stat *theirs)
{
    if (st->st_mode != theirs->st_mode || (!S_ISDIR(theirs->st_mode) &&
        (st->st_nlink != theirs->st_nlink || st->st_size != (uint64_t)theirs->st_size)))
        fail("stat \"%s\": mode %o links %u size %llu, but the host says %o %u %llu", path,
             st->st_mode, st->st_nlink, (unsigned long long)st->st_size, theirs->st_mode,
             (unsigned)theirs->st_nlink, (unsigned long long)theirs->st_size);
}

static void random_call(mach_port_t root)
{
    static const int flags[] = {
        O_RDONLY, O_WRONLY, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_EXCL, O_RDWR | O_TRUNC,
        O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
    };
    char path[2048];
    char other[2048];
    char text[4200];
    char back[1024];
    io_stat_t st;
    struct stat theirs;
    mach_port_t port;
    kern_return_t kr;
    ssize_t n;
    unsigned i;
    int fd;

    do
        random_path(path);
    while (climbs(path));
    do
        random_path(other);
    while (climbs(other));
    switch (rnd(10)) {
    case 0:
    case 1:
        i = rnd(sizeof flags / sizeof flags[0]);
        kr = S_fs_open(root, path, (uint32_t)flags[i], 0640, &port, &how, &on);
        fd = openat(host_root, path, flags[i], 0640);
        snprintf(text, sizeof text, "%s\" with \"%o", path, flags[i]);
        same("open", text, kr, host_errno(fd));
        if (kr == KERN_SUCCESS) {
            uint32_t amount;
            int64_t where;

            kr = S_io_write(port, 0, path, (uint32_t)strlen(path), &amount);
            n = write(fd, path, strlen(path));
            same("write", path, kr, host_errno((int)n));
            CHECK(S_io_seek(port, 0, 1, &where) == KERN_SUCCESS);
            if (n >= 0)
                CHECK(where == lseek(fd, 0, SEEK_CUR));
            CHECK(S_io_stat(port, &st) == KERN_SUCCESS && fstat(fd, &theirs) == 0);
            compare_stat(path, &st, &theirs);
            port_close(port);
            close(fd);
        }
        break;
    case 2:
        kr = S_fs_stat(root, path, i = rnd(2), &st);
        same("stat", path, kr,
             host_errno(fstatat(host_root, path, &theirs, i ? 0 : AT_SYMLINK_NOFOLLOW)));
        if (kr == KERN_SUCCESS)
            compare_stat(path, &st, &theirs);
        break;
    case 3:
        same("mkdir", path, S_fs_mkdir(root, path, 0750),
             host_errno(mkdirat(host_root, path, 0750)));
        break;
    case 4:
        same("unlink", path, S_fs_unlink(root, path, 0), host_errno(unlinkat(host_root, path, 0)));
        break;
    case 5:
        same("rmdir", path, S_fs_unlink(root, path, 1),
             host_errno(unlinkat(host_root, path, AT_REMOVEDIR)));
        break;
    case 6:
        i = rnd(2);
        same("link", path, S_fs_link(root, path, root, other, i),
             host_errno(linkat(host_root, path, host_root, other, i ? AT_SYMLINK_FOLLOW : 0)));
        break;
    case 7:
        snprintf(text, sizeof text, "%s -> %s", path, other);
        same("rename", text, S_fs_rename(root, path, root, other),
             host_errno(renameat(host_root, path, host_root, other)));
        break;
    case 8:
        /* A target relative to the link's directory, and short of circles through "..". */
        same("symlink", path, S_fs_symlink(root, other, path),
             host_errno(symlinkat(other, host_root, path)));
        break;
    case 9:
        memset(text, 0, sizeof text);
        memset(back, 0, sizeof back);
        kr = S_fs_readlink(root, path, text);
        n = readlinkat(host_root, path, back, sizeof back - 1);
        same("readlink", path, kr, host_errno((int)n));
        if (kr == KERN_SUCCESS)
            CHECK(strcmp(text, back) == 0);
        break;
    }
}

/* ---- what is ours alone ---- */

static unsigned count_entries(mach_port_t dir, uint32_t room)
{
    static char data[4096];
    uint64_t cookie = 0;
    unsigned count = 0;

    for (;;) {
        mach_msg_type_number_t n = room;

        CHECK(S_fs_readdir(dir, cookie, data, &n) == KERN_SUCCESS);
        if (n == 0)
            return count;
        for (uint32_t at = 0; at < n;) {
            io_dirent_t e;

            memcpy(&e, data + at, sizeof e);
            CHECK(e.d_reclen % 8 == 0 && at + e.d_reclen <= n);
            CHECK(strlen(data + at + offsetof(io_dirent_t, d_name)) == e.d_namlen);
            cookie = e.d_off;
            at += e.d_reclen;
            count++;
        }
    }
}

static void own_cases(mach_port_t root)
{
    char data[8192];
    char longer[1100];
    mach_msg_type_number_t n;
    mach_port_t port;
    mach_port_t dir;
    uint32_t amount;
    int64_t where;
    io_stat_t st;
    uint64_t blocks[4];
    uint32_t size;

    /* The offset is the description's; pread and pwrite leave it. */
    CHECK(S_fs_open(root, "f", O_RDWR | O_CREAT, 0600, &port, &how, &on) == KERN_SUCCESS);
    CHECK(S_io_write(port, 0, (char *)"hello", 5, &amount) == KERN_SUCCESS && amount == 5);
    CHECK(S_io_pwrite(port, 1, (char *)"E", 1, &amount) == KERN_SUCCESS);
    n = sizeof data;
    CHECK(S_io_read(port, 0, 10, data, &n) == KERN_SUCCESS && n == 0);
    CHECK(S_io_seek(port, -4, 2, &where) == KERN_SUCCESS && where == 1);
    n = sizeof data;
    CHECK(S_io_read(port, 0, 2, data, &n) == KERN_SUCCESS && n == 2 && memcmp(data, "El", 2) == 0);
    n = sizeof data;
    CHECK(S_io_pread(port, 0, 1, data, &n) == KERN_SUCCESS && n == 1 && data[0] == 'h');
    CHECK(S_io_seek(port, 0, 1, &where) == KERN_SUCCESS && where == 3);
    CHECK(S_io_seek(port, -4, 1, &where) == unix_err(EINVAL));
    CHECK(S_io_seek(port, INT64_MAX, 1, &where) == unix_err(EOVERFLOW));
    CHECK(S_io_seek(port, 0, 3, &where) == unix_err(EINVAL));
    n = sizeof data;
    CHECK(S_io_pread(port, -1, 1, data, &n) == unix_err(EINVAL));
    CHECK(S_io_pwrite(port, INT64_MAX, data, 5, &amount) == unix_err(EFBIG));
    CHECK(S_io_truncate(port, -1) == unix_err(EINVAL));
    CHECK(S_io_truncate(port, 3) == KERN_SUCCESS);
    CHECK(S_io_chmod(port, 0123) == KERN_SUCCESS);
    CHECK(S_io_chown(port, 7, UINT32_MAX) == KERN_SUCCESS);
    CHECK(S_io_utimes(port, 5, 6, 7, 8, 0) == KERN_SUCCESS);
    CHECK(S_io_utimes(port, 5, 6, 7, 1000000000, 0) == unix_err(EINVAL));
    CHECK(S_io_utimes(port, 9, 9, 9, 9, 3) == KERN_SUCCESS);
    CHECK(S_io_stat(port, &st) == KERN_SUCCESS);
    CHECK(st.st_mode == 0100123 && st.st_uid == 7 && st.st_gid == 0 && st.st_size == 3);
    CHECK(st.st_atime_sec == 5 && st.st_atime_nsec == 6 && st.st_mtime_sec == 7);
    CHECK(S_fs_unlink(root, "f", 0) == KERN_SUCCESS);
    n = sizeof data;
    CHECK(S_io_pread(port, 0, 10, data, &n) == KERN_SUCCESS && n == 3);
    CHECK(S_io_sync(port) == KERN_SUCCESS);
    port_close(port);
    n = sizeof data;
    CHECK(S_io_read(port, 0, 10, data, &n) == unix_err(EBADF));

    /* Access modes. */
    CHECK(S_fs_open(root, "g", O_WRONLY | O_CREAT, 0600, &port, &how, &on) == KERN_SUCCESS);
    n = sizeof data;
    CHECK(S_io_read(port, 0, 10, data, &n) == unix_err(EBADF));
    port_close(port);
    CHECK(S_fs_open(root, "g", 0, 0, &port, &how, &on) == KERN_SUCCESS);
    CHECK(S_io_write(port, 0, data, 1, &amount) == unix_err(EBADF));
    CHECK(S_io_truncate(port, 0) == unix_err(EINVAL));
    CHECK(S_fs_stat(port, "x", 1, &st) == unix_err(ENOTDIR));
    port_close(port);
    CHECK(S_fs_open(root, "g", 3, 0, &port, &how, &on) == unix_err(EINVAL));

    /* Devices, and ports that are none of ours. */
    CHECK(S_fs_mkdir(root, "dev", 0755) == KERN_SUCCESS);
    CHECK(S_fs_mknod(root, "dev/null", 020666, 1 << 8 | 3) == KERN_SUCCESS);
    CHECK(S_fs_mknod(root, "dev/full", 020666, 1 << 8 | 7) == KERN_SUCCESS);
    CHECK(S_fs_mknod(root, "dev/tty", 020666, 5 << 8) == KERN_SUCCESS);
    CHECK(S_fs_mknod(root, "dev/odd", 020666, 200 << 8) == KERN_SUCCESS);
    CHECK(S_fs_mknod(root, "dev/pipe", 010666, 0) == KERN_SUCCESS);
    CHECK(S_fs_stat(root, "dev/tty", 1, &st) == KERN_SUCCESS && st.st_rdev == 5 << 8);
    CHECK(S_fs_open(root, "dev/tty", 2, 0, &port, &how, &on) == KERN_SUCCESS);
    CHECK(port == MACH_PORT_NULL && on == (FS_ON_DEVICE | 5 << 8));
    CHECK(S_fs_open(root, "dev/odd", 2, 0, &port, &how, &on) == KERN_SUCCESS && port == MACH_PORT_NULL);
    CHECK(on == (FS_ON_DEVICE | 200 << 8) && how == MACH_MSG_TYPE_COPY_SEND);
    CHECK(S_fs_open(root, "dev/pipe", 2, 0, &port, &how, &on) == unix_err(ENXIO));
    CHECK(S_fs_open(root, "dev/full", O_PATH, 0, &port, &how, &on) == KERN_SUCCESS && on == 0);
    CHECK(S_io_stat(port, &st) == KERN_SUCCESS && st.st_rdev == (1 << 8 | 7));
    port_close(port);
    n = sizeof data;
    CHECK(S_io_read(4000, 0, 100, data, &n) == unix_err(EBADF) && n == 0);
    CHECK(S_io_write(4000, 0, data, 1, &amount) == unix_err(EBADF));
    CHECK(S_io_stat(4000, &st) == unix_err(EBADF));
    CHECK(S_fs_rename(root, "g", 4000, "h") == unix_err(EXDEV));
    CHECK(S_fs_stat(4000, "x", 1, &st) == unix_err(EBADF));

    /* Directories. */
    CHECK(S_fs_open(root, "dev", 0, 0, &dir, &how, &on) == KERN_SUCCESS);
    CHECK(count_entries(dir, 4096) == 7 && count_entries(dir, 48) == 7);
    n = 16;
    CHECK(S_fs_readdir(dir, 0, data, &n) == unix_err(EINVAL));
    n = 4096;
    CHECK(S_fs_readdir(dir, UINT64_MAX, data, &n) == KERN_SUCCESS && n == 0);
    n = sizeof data;
    CHECK(S_io_read(dir, 0, 100, data, &n) == unix_err(EISDIR));
    CHECK(S_fs_stat(dir, "../g", 1, &st) == KERN_SUCCESS);
    CHECK(S_fs_stat(dir, "/dev/../g", 1, &st) == KERN_SUCCESS);
    CHECK(S_fs_stat(dir, "../../../g", 1, &st) == KERN_SUCCESS);
    CHECK(S_fs_rename(root, "dev", dir, "inside") == unix_err(EINVAL));
    port_close(dir);
    CHECK(S_fs_unlink(root, "/", 1) == unix_err(EBUSY));
    CHECK(S_fs_mkdir(root, "/", 0755) == unix_err(EEXIST));
    CHECK(S_fs_symlink(root, "/", "slash") == KERN_SUCCESS);
    CHECK(S_fs_stat(root, "slash/dev/null", 1, &st) == KERN_SUCCESS);
    CHECK(S_fs_stat(root, "slash/", 1, &st) == KERN_SUCCESS && st.st_ino == OSTIAFS_ROOT_INO);
    CHECK(S_fs_stat(root, "", 1, &st) == unix_err(ENOENT));
    memset(longer, 'a', sizeof longer);
    longer[1023] = '\0';
    CHECK(S_fs_stat(root, longer, 1, &st) == unix_err(ENAMETOOLONG));
    CHECK(S_fs_symlink(root, "loop2", "loop1") == KERN_SUCCESS);
    CHECK(S_fs_symlink(root, "loop1", "loop2") == KERN_SUCCESS);
    CHECK(S_fs_stat(root, "loop1", 1, &st) == unix_err(ELOOP));
    CHECK(S_fs_open(root, "loop1", O_WRONLY | O_CREAT, 0, &port, &how, &on) == unix_err(ELOOP));
    CHECK(S_fs_statfs(root, &size, &blocks[0], &blocks[1], &blocks[2], &blocks[3]) == KERN_SUCCESS);
    CHECK(size == 4096 && blocks[1] < blocks[0] && blocks[3] < blocks[2]);
    CHECK(S_fs_sync(root) == KERN_SUCCESS);
}

int main(int argc, char **argv)
{
    static struct bdev dev = {.read = dev_read, .write = dev_write, .flush = dev_flush};
    mach_port_t root;
    struct stat st;
    const char *why;

    if (argc != 2 && argc != 5)
        fail("usage: fsnames IMAGE [FOLDER SEED N]");
    umask(0);
    disk_fd = open(argv[1], O_RDWR);
    if (disk_fd < 0 || fstat(disk_fd, &st) != 0)
        fail("%s: %s", argv[1], strerror(errno));
    dev.nblocks = (uint64_t)st.st_size / OSTIAFS_BLOCK_SIZE;
    CHECK(S_fs_root(1, &root) == unix_err(ENODEV)); /* before there is a volume */
    if (volume_mount(&dev, 100, clock_now, say, &volume, &why) != 0)
        fail("mount: %s", why);
    CHECK(S_fs_root(1, &root) == KERN_SUCCESS);
    if (argc == 5) {
        host_root = open(argv[2], O_RDONLY | O_DIRECTORY);
        CHECK(host_root >= 0);
        rng_state = strtoull(argv[3], NULL, 0);
        for (int i = atoi(argv[4]); i > 0; i--)
            random_call(root);
    } else {
        own_cases(root);
    }
    port_close(root);
    for (mach_port_t p = 1; p < PORTS; p++)
        CHECK(port_table[p] == NULL);
    CHECK(volume_unmount(volume) == 0);
    return 0;
}
