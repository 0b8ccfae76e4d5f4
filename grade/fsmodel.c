/*
 * fsmodel: the file server's core on the host, over an image file, for test_fsserver.py.
 *
 *   fsmodel IMAGE ls                     every file, one a line
 *   fsmodel IMAGE extract FOLDER         copies the tree out
 *   fsmodel IMAGE model FOLDER SEED N    N random operations here and there; compares answers
 *   fsmodel IMAGE bigdir N               a directory of N names: add, read while changing, remove
 *   fsmodel IMAGE bigfile                one sparse file, up to the last block a file can have
 *   fsmodel IMAGE full                   fills the volume and looks at every error
 *   fsmodel IMAGE faults SEED N          random operations on a disk that fails now and then
 *   fsmodel IMAGE orphans                unlinks open files and stops without a word, then mounts
 *   fsmodel IMAGE abuse SEED             random operations on a volume that may be damaged
 *
 * Status 0: as it should be; 1: it says what was not (abuse: the volume could not be mounted).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "fsfail.h"

/* ---- the disk: a file, that can be told to fail ---- */

static int disk_fd;
static unsigned write_fault_1_in; /* 0: never */
static unsigned long long rng_state;

static unsigned rnd(unsigned n)
{
    rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(rng_state >> 33) % n;
}

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

    if (write_fault_1_in != 0 && rnd(write_fault_1_in) == 0)
        return EIO;
    return pwrite(disk_fd, data, n, (off_t)(block * OSTIAFS_BLOCK_SIZE)) == (ssize_t)n ? 0 : EIO;
}

static int dev_flush(struct bdev *dev)
{
    (void)dev;
    return 0;
}

static struct bdev dev = {.read = dev_read, .write = dev_write, .flush = dev_flush};
static int64_t clock_seconds = 1000;
static bool quiet;

static void now(int64_t *seconds, uint32_t *nanoseconds)
{
    *seconds = clock_seconds++;
    *nanoseconds = 7;
}

static void say(const char *what, uint32_t number)
{
    if (!quiet)
        fail("the core says: %s %u", what, number);
}

static struct fs *mount(uint32_t cache)
{
    struct fs *fs;
    const char *why;

    if (volume_mount(&dev, cache, now, say, &fs, &why) != 0)
        fail("mount: %s", why);
    return fs;
}

static struct inode *get(struct fs *fs, uint32_t ino)
{
    struct inode *ip;

    CHECK(inode_get(fs, ino, &ip) == 0);
    return ip;
}

/* Follows a path of directories; the last part stays. NULL with errno if something is missing. */
static struct inode *walk(struct fs *fs, const char *path, const char **last)
{
    struct inode *ip = get(fs, OSTIAFS_ROOT_INO);
    const char *slash;

    while ((slash = strchr(path, '/')) != NULL) {
        struct inode *next;
        int err = name_lookup(ip, path, (size_t)(slash - path), &next);

        inode_put(ip);
        if (err != 0) {
            errno = err;
            return NULL;
        }
        ip = next;
        path = slash + 1;
    }
    *last = path;
    return ip;
}

/* ---- a directory's names, collected ---- */

struct list {
    char name[256];
    uint32_t ino;
    uint8_t type;
    struct list *next;
};

static bool collect(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type,
                    uint64_t next)
{
    struct list **head = arg;
    struct list *l = calloc(1, sizeof *l);

    (void)next;
    memcpy(l->name, name, len);
    l->ino = ino;
    l->type = type;
    l->next = *head;
    *head = l;
    return true;
}

static struct list *names_of(struct inode *dp)
{
    struct list *head = NULL;
    uint64_t position = 0;

    CHECK(dir_read(dp, &position, collect, &head) == 0);
    return head;
}

static void free_list(struct list *l)
{
    while (l != NULL) {
        struct list *next = l->next;

        free(l);
        l = next;
    }
}

static bool dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void list_tree(struct fs *fs, uint32_t ino, const char *path)
{
    struct inode *dp = get(fs, ino);
    struct list *all = names_of(dp);

    for (struct list *l = all; l != NULL; l = l->next) {
        char below[8192];
        struct inode *ip;

        if (dots(l->name))
            continue;
        snprintf(below, sizeof below, "%s/%s", path, l->name);
        ip = get(fs, l->ino);
        switch (inode_type(ip)) {
        case OSTIAFS_S_IFCHR:
        case OSTIAFS_S_IFBLK:
            printf("%c %o %u,%u %s\n", inode_type(ip) == OSTIAFS_S_IFCHR ? 'c' : 'b',
                   ip->d->mode & 07777, ip->d->rdev_major, ip->d->rdev_minor, below);
            break;
        case OSTIAFS_S_IFDIR:
            printf("d %o %s\n", ip->d->mode & 07777, below);
            list_tree(fs, l->ino, below);
            break;
        default:
            printf("%c %o %llu %s\n", inode_type(ip) == OSTIAFS_S_IFLNK ? 'l' : '-',
                   ip->d->mode & 07777, (unsigned long long)ip->d->size, below);
        }
        inode_put(ip);
    }
    free_list(all);
    inode_put(dp);
}

/* Host names of inodes copied already, for hard links. */
static char **copied;

static void extract_file(struct inode *ip, const char *path)
{
    char buf[3 * 4096 + 17];
    uint64_t at = 0;
    int fd;

    if (copied[ip->ino] != NULL) {
        CHECK(link(copied[ip->ino], path) == 0);
        return;
    }
    copied[ip->ino] = strdup(path);
    fd = open(path, O_CREAT | O_WRONLY | O_EXCL, ip->d->mode & 0777);
    CHECK(fd >= 0);
    for (;;) {
        size_t n = sizeof buf;

        CHECK(file_read(ip, at, buf, &n) == 0);
        if (n == 0)
            break;
        CHECK(write(fd, buf, n) == (ssize_t)n);
        at += n;
    }
    CHECK(at == ip->d->size);
    close(fd);
}

static void extract(struct fs *fs, uint32_t ino, const char *path)
{
    struct inode *dp = get(fs, ino);
    struct list *all = names_of(dp);

    for (struct list *l = all; l != NULL; l = l->next) {
        char below[8192];
        char target[OSTIAFS_SYMLINK_MAX + 1] = "";
        size_t n = OSTIAFS_SYMLINK_MAX;
        struct inode *ip;

        if (dots(l->name))
            continue;
        snprintf(below, sizeof below, "%s/%s", path, l->name);
        ip = get(fs, l->ino);
        switch (inode_type(ip)) {
        case OSTIAFS_S_IFDIR:
            CHECK(mkdir(below, 0755) == 0);
            extract(fs, l->ino, below);
            break;
        case OSTIAFS_S_IFLNK:
            CHECK(name_readlink(ip, target, &n) == 0);
            target[n] = '\0';
            CHECK(symlink(target, below) == 0);
            break;
        case OSTIAFS_S_IFREG:
            extract_file(ip, below);
            break;
        }
        inode_put(ip);
    }
    free_list(all);
    inode_put(dp);
}

/* ---- random operations, here and on the host ---- */

#define NAMES   40 /* distinct names; few, so that they meet */
#define MAX_LEN 300000

static void random_name(char *out)
{
    unsigned n = rnd(NAMES);

    if (n == 7) { /* a long one */
        memset(out, 'L', 250);
        out[250] = '\0';
    } else {
        sprintf(out, "n%u", n);
    }
}

static void random_path(char *out)
{
    int depth = (int)rnd(4);

    out[0] = '\0';
    for (int i = 0; i < depth; i++)
        sprintf(out + strlen(out), "n%u/", rnd(8));
    random_name(out + strlen(out));
}

/* What the host says: 0 or errno. */
static int host_result(int r)
{
    return r < 0 ? errno : 0;
}

static void same(const char *what, const char *path, int ours, int theirs)
{
    if (theirs == EEXIST && ours == ENOTEMPTY)
        return;
    /* Where several errors apply, POSIX leaves open which is told. */
    if (ours != theirs && (ours == 0 || theirs == 0))
        fail("%s %s: %s, but the host says %s", what, path, strerror(ours), strerror(theirs));
}

static void compare_file(struct inode *ip, const char *host_path)
{
    static char mine[MAX_LEN * 2];
    static char theirs[MAX_LEN * 2];
    struct stat st;
    size_t n = sizeof mine;
    int fd;

    CHECK(lstat(host_path, &st) == 0);
    if (S_ISLNK(st.st_mode)) {
        ssize_t got = readlink(host_path, theirs, sizeof theirs);

        CHECK(name_readlink(ip, mine, &n) == 0);
        CHECK((ssize_t)n == got && memcmp(mine, theirs, n) == 0);
        return;
    }
    if ((uint64_t)st.st_size != ip->d->size)
        fail("%s: size %llu, but the host's is %llu", host_path, (unsigned long long)ip->d->size,
             (unsigned long long)st.st_size);
    CHECK(ip->d->nlink == st.st_nlink);
    fd = open(host_path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, theirs, sizeof theirs) == st.st_size);
    close(fd);
    CHECK(file_read(ip, 0, mine, &n) == 0 && n == (size_t)st.st_size);
    if (memcmp(mine, theirs, n) != 0)
        fail("%s: contents differ", host_path);
}

static void compare_tree(struct fs *fs, uint32_t ino, const char *host_path)
{
    struct inode *dp = get(fs, ino);
    struct list *all = names_of(dp);
    unsigned count = 0;
    DIR *d = opendir(host_path);

    CHECK(d != NULL);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    for (struct list *l = all; l != NULL; l = l->next, count--) {
        char below[8192];
        struct inode *ip;
        struct stat st;

        if (dots(l->name))
            continue;
        snprintf(below, sizeof below, "%s/%s", host_path, l->name);
        if (lstat(below, &st) != 0)
            fail("%s: is here, but not on the host", below);
        CHECK(S_ISDIR(st.st_mode) == (l->type == 4));
        ip = get(fs, l->ino);
        CHECK(inode_type(ip) >> 12 == l->type);
        if (l->type == 4)
            compare_tree(fs, l->ino, below);
        else
            compare_file(ip, below);
        inode_put(ip);
    }
    if (count != 0)
        fail("%s: the host has %d names more", host_path, (int)count);
    free_list(all);
    inode_put(dp);
}

/* One random operation. host is NULL when there is nothing to compare with. */
static void random_operation(struct fs *fs, const char *host)
{
    static char data[MAX_LEN];
    char path[2048];
    char other[2048];
    char host_path[8192];
    char host_other[8192];
    const char *last;
    const char *other_last;
    struct inode *dp;
    struct inode *ip = NULL;
    struct inode *op;
    unsigned what = rnd(100);
    uint64_t offset = rnd(3) ? rnd(20000) : rnd(MAX_LEN);
    size_t len = rnd(3) ? rnd(9000) : rnd(60000);
    int err;
    int theirs = 0;
    int fd;

    random_path(path);
    random_path(other);
    snprintf(host_path, sizeof host_path, "%s/%s", host ? host : "", path);
    snprintf(host_other, sizeof host_other, "%s/%s", host ? host : "", other);
    dp = walk(fs, path, &last);
    if (dp == NULL) {
        struct stat st;

        if (host != NULL)
            CHECK(lstat(host_path, &st) != 0);
        return;
    }
    if (what < 15) {
        err = name_create(dp, last, strlen(last), OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL);
        if (host != NULL) {
            fd = open(host_path, O_CREAT | O_EXCL | O_RDWR, 0644);
            theirs = host_result(fd);
            if (fd >= 0)
                close(fd);
            same("create", path, err, theirs);
        }
    } else if (what < 25) {
        err = name_create(dp, last, strlen(last), OSTIAFS_S_IFDIR | 0755, 0, 0, 0, 0, NULL);
        if (host != NULL)
            same("mkdir", path, err, host_result(mkdir(host_path, 0755)));
    } else if (what < 50) {
        err = name_lookup(dp, last, strlen(last), &ip);
        if (err == 0 && inode_type(ip) == OSTIAFS_S_IFREG) {
            size_t done = len;
            char seed = (char)rnd(256);

            for (size_t i = 0; i < len; i++)
                data[i] = (char)(seed + i * 7 + i / 256);
            err = file_write(ip, offset, data, &done);
            if (host != NULL) {
                CHECK(err == 0 && done == len);
                fd = open(host_path, O_WRONLY);
                CHECK(fd >= 0 && pwrite(fd, data, len, (off_t)offset) == (ssize_t)len);
                close(fd);
            }
        }
    } else if (what < 58) {
        err = name_lookup(dp, last, strlen(last), &ip);
        if (err == 0 && inode_type(ip) == OSTIAFS_S_IFREG) {
            err = file_truncate(ip, offset);
            if (host != NULL)
                same("truncate", path, err, host_result(truncate(host_path, (off_t)offset)));
        }
    } else if (what < 68) {
        err = name_unlink(dp, last, strlen(last), false);
        if (host != NULL)
            same("unlink", path, err, host_result(unlink(host_path)));
    } else if (what < 73) {
        err = name_unlink(dp, last, strlen(last), true);
        if (host != NULL)
            same("rmdir", path, err, host_result(rmdir(host_path)));
    } else if (what < 78) {
        size_t n = 1 + rnd(300);

        memset(data, 't', n);
        data[n] = '\0';
        err = name_symlink(dp, last, strlen(last), data, n, 0, 0);
        if (host != NULL)
            same("symlink", path, err, host_result(symlink(data, host_path)));
    } else if (what < 95) {
        op = walk(fs, other, &other_last);
        if (op != NULL && what < 90) {
            err = name_rename(dp, last, strlen(last), op, other_last, strlen(other_last));
            if (host != NULL)
                same("rename", path, err, host_result(rename(host_path, host_other)));
        } else if (op != NULL) {
            err = name_lookup(dp, last, strlen(last), &ip);
            if (err == 0)
                err = name_link(op, other_last, strlen(other_last), ip);
            if (host != NULL)
                same("link", path, err, host_result(link(host_path, host_other)));
        }
        inode_put(op);
    } else if (what < 97) {
        (void)volume_sync(fs);
    } else {
        err = name_lookup(dp, last, strlen(last), &ip);
        if (err == 0 && inode_type(ip) == OSTIAFS_S_IFDIR) {
            struct list *all = NULL;
            uint64_t position = 0;

            (void)dir_read(ip, &position, collect, &all);
            free_list(all);
        } else if (err == 0) {
            (void)file_read(ip, offset, data, &len);
        }
    }
    inode_put(ip);
    inode_put(dp);
}

static void model(const char *host, unsigned count)
{
    struct fs *fs = mount(40); /* a small cache: evictions all the time */

    for (unsigned i = 1; i <= count; i++) {
        random_operation(fs, host);
        if (i % 500 == 0) {
            compare_tree(fs, OSTIAFS_ROOT_INO, host);
            CHECK(volume_unmount(fs) == 0);
            fs = mount(i % 1000 ? 40 : 2000);
        }
    }
    compare_tree(fs, OSTIAFS_ROOT_INO, host);
    CHECK(volume_unmount(fs) == 0);
}

/* ---- a large directory ---- */

struct scan {
    uint8_t *seen;
    unsigned room; /* entries until emit says stop */
};

static bool scan_emit(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type,
                      uint64_t next)
{
    struct scan *s = arg;
    char text[256] = "";
    unsigned n;

    (void)ino, (void)type, (void)next;
    if (s->room == 0)
        return false;
    s->room--;
    memcpy(text, name, len);
    if (sscanf(text, "stay%u", &n) == 1)
        CHECK(s->seen[n]++ == 0);
    return true;
}

static void bigdir(unsigned count)
{
    struct fs *fs = mount(500);
    struct inode *root = get(fs, OSTIAFS_ROOT_INO);
    struct scan s = {.seen = calloc(count, 1)};
    uint64_t position = 0;
    struct inode *dp;
    unsigned changes = 0;
    uint32_t ino;
    uint64_t hits;
    char name[64];

    CHECK(name_create(root, "d", 1, OSTIAFS_S_IFDIR | 0755, 0, 0, 0, 0, &dp) == 0);
    for (unsigned i = 0; i < count; i++) {
        sprintf(name, "stay%u", i);
        CHECK(name_create(dp, name, strlen(name), OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) == 0);
    }
    for (unsigned i = 0; i < count; i++) {
        sprintf(name, "stay%u", i);
        CHECK(dir_lookup(dp, name, strlen(name), &ino) == 0);
        CHECK(name_create(dp, name, strlen(name), OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) ==
              EEXIST);
    }
    CHECK(dir_lookup(dp, "none", 4, &ino) == ENOENT);

    /* No linear cost: a look-up touches a handful of blocks. */
    hits = fs->cache.hits + fs->cache.reads;
    CHECK(dir_lookup(dp, "stay77", 6, &ino) == 0);
    CHECK(fs->cache.hits + fs->cache.reads - hits <= 10);

    /* Read it in pieces while other names come and go: each that stays is met exactly once. */
    for (;;) {
        uint64_t before = position;

        s.room = 100;
        CHECK(dir_read(dp, &position, scan_emit, &s) == 0);
        if (position == before)
            break;
        for (int i = 0; i < 60; i++) {
            sprintf(name, "come%u", changes);
            CHECK(name_create(dp, name, strlen(name), OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) ==
                  0);
            if (changes++ % 2) {
                sprintf(name, "come%u", changes - 2);
                CHECK(name_unlink(dp, name, strlen(name), false) == 0);
            }
        }
    }
    for (unsigned i = 0; i < count; i++)
        CHECK(s.seen[i] == 1);
    CHECK(name_unlink(root, "d", 1, true) == ENOTEMPTY);
    for (unsigned i = 0; i < count; i++) {
        sprintf(name, "stay%u", i);
        CHECK(name_unlink(dp, name, strlen(name), false) == 0);
    }
    for (unsigned i = 0; i < changes; i++) {
        sprintf(name, "come%u", i);
        (void)name_unlink(dp, name, strlen(name), false);
    }
    CHECK(dp->d->size == OSTIAFS_BLOCK_SIZE && dp->d->blocks == 1);
    CHECK(name_create(dp, "again", 5, OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) == 0);
    free(s.seen);
    inode_put(dp);
    inode_put(root);
    CHECK(volume_unmount(fs) == 0);
}

/* ---- a large file ---- */

static void bigfile(void)
{
    static const uint64_t place[] = {
        0,
        31ULL * 4096 + 4000,          /* over the edge of the direct blocks */
        (32ULL + 1024) * 4096 - 5,    /* of the single indirect */
        5ULL << 30,                   /* past 4 GiB */
        (32ULL + 1024 + 1048576) * 4096 - 100, /* into the triple */
        OSTIAFS_MAX_FILE_SIZE - 1000,
    };
    struct fs *fs = mount(60);
    struct inode *root = get(fs, OSTIAFS_ROOT_INO);
    struct inode *ip;
    uint64_t free_before = fs->free_blocks;
    char data[300];
    char back[300];
    size_t n;

    CHECK(name_create(root, "f", 1, OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, &ip) == 0);
    for (unsigned i = 0; i < sizeof place / sizeof place[0]; i++) {
        memset(data, 'a' + (int)i, sizeof data);
        n = sizeof data;
        CHECK(file_write(ip, place[i], data, &n) == 0 && n == sizeof data);
    }
    CHECK(volume_sync(fs) == 0);
    for (unsigned i = 0; i < sizeof place / sizeof place[0]; i++) {
        memset(data, 'a' + (int)i, sizeof data);
        n = sizeof data;
        CHECK(file_read(ip, place[i], back, &n) == 0 && n == sizeof data);
        CHECK(memcmp(data, back, n) == 0);
        n = sizeof data;
        CHECK(file_read(ip, place[i] + 300, back, &n) == 0);
        for (size_t j = 0; j < n; j++)
            CHECK(back[j] == 0);
    }
    n = sizeof data;
    CHECK(file_write(ip, OSTIAFS_MAX_FILE_SIZE, data, &n) == EFBIG);
    n = sizeof data;
    CHECK(file_write(ip, OSTIAFS_MAX_FILE_SIZE - 10, data, &n) == 0 && n == 10);
    CHECK(file_truncate(ip, OSTIAFS_MAX_FILE_SIZE + 1) == EFBIG);
    CHECK(file_truncate(ip, (5ULL << 30) + 10) == 0);
    n = sizeof data;
    CHECK(file_read(ip, 5ULL << 30, back, &n) == 0 && n == 10 && back[9] == 'd');
    CHECK(file_truncate(ip, (5ULL << 30) + 100) == 0);
    n = sizeof data;
    CHECK(file_read(ip, 5ULL << 30, back, &n) == 0 && n == 100 && back[9] == 'd' && back[10] == 0);
    CHECK(file_truncate(ip, 0) == 0 && ip->d->blocks == 0);
    CHECK(fs->free_blocks == free_before);
    inode_put(ip);
    inode_put(root);
    CHECK(volume_unmount(fs) == 0);
}

/* ---- a full volume ---- */

static void full(void)
{
    struct fs *fs = mount(50);
    struct inode *root = get(fs, OSTIAFS_ROOT_INO);
    static char data[65536];
    struct inode *ip;
    struct inode *dp;
    uint64_t at = 0;
    uint64_t blocks;
    uint32_t inodes, ino;
    size_t n;
    int err;
    char name[300];

    memset(data, 'x', sizeof data);
    CHECK(name_create(root, "d", 1, OSTIAFS_S_IFDIR | 0755, 0, 0, 0, 0, &dp) == 0);
    CHECK(name_create(root, "f", 1, OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, &ip) == 0);
    do {
        n = sizeof data;
        err = file_write(ip, at, data, &n);
        at += n;
    } while (err == 0);
    CHECK(err == ENOSPC && ip->d->size == at && fs->free_blocks == 0);
    inodes = fs->free_inodes;
    CHECK(name_create(root, "e", 1, OSTIAFS_S_IFDIR | 0755, 0, 0, 0, 0, NULL) == ENOSPC);
    memset(name, 's', sizeof name);
    CHECK(name_symlink(root, "s", 1, name, 200, 0, 0) == ENOSPC);
    CHECK(fs->free_inodes == inodes);

    /* Names go on until the directory's block is full, then inserting one fails and leaves no
     * trace. */
    for (unsigned i = 0;; i++) {
        sprintf(name, "%-250u", i);
        inodes = fs->free_inodes;
        err = name_create(dp, name, 250, OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL);
        if (err != 0)
            break;
    }
    CHECK(err == ENOSPC && fs->free_inodes == inodes);
    CHECK(dir_lookup(dp, name, 250, &ino) == ENOENT);
    CHECK(name_rename(root, "f", 1, dp, name, 250) == ENOSPC);
    CHECK(dir_lookup(root, "f", 1, &ino) == 0);

    /* A little room, and the inodes run out. */
    CHECK(file_truncate(ip, at - 20 * 4096) == 0);
    blocks = fs->free_blocks;
    CHECK(blocks >= 20);
    for (unsigned i = 0; fs->free_inodes > 0; i++) {
        sprintf(name, "i%u", i);
        CHECK(name_create(root, name, strlen(name), OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) == 0);
    }
    CHECK(name_create(root, "last", 4, OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) == ENOSPC);
    CHECK(name_create(root, "last", 4, OSTIAFS_S_IFDIR | 0755, 0, 0, 0, 0, NULL) == ENOSPC);
    CHECK(name_unlink(root, "i0", 2, false) == 0);
    CHECK(name_create(root, "last", 4, OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, NULL) == 0);
    n = 1;
    inode_put(ip);
    inode_put(dp);
    inode_put(root);
    CHECK(volume_unmount(fs) == 0);
}

/* ---- a disk that fails ---- */

static void faults(unsigned count)
{
    struct fs *fs = mount(40);

    quiet = true;
    write_fault_1_in = 5;
    for (unsigned i = 0; i < count; i++)
        random_operation(fs, NULL);
    write_fault_1_in = 0;
    CHECK(!fs->damaged);
    CHECK(volume_unmount(fs) == 0);
}

static void orphans(void)
{
    struct fs *fs = mount(100);
    struct inode *root = get(fs, OSTIAFS_ROOT_INO);
    struct inode *ip[30];
    uint64_t free_blocks = fs->free_blocks;
    uint32_t free_inodes = fs->free_inodes;
    char name[8];

    for (int i = 0; i < 30; i++) {
        size_t n = 5000;
        char data[5000] = "data";

        sprintf(name, "o%d", i);
        CHECK(name_create(root, name, strlen(name), OSTIAFS_S_IFREG | 0644, 0, 0, 0, 0, &ip[i]) ==
              0);
        CHECK(file_write(ip[i], 0, data, &n) == 0);
        CHECK(name_unlink(root, name, strlen(name), false) == 0);
        n = 5000;
        CHECK(file_read(ip[i], 0, data, &n) == 0 && n == 5000 && strcmp(data, "data") == 0);
        CHECK(name_link(root, "back", 4, ip[i]) == ENOENT);
    }
    for (int i = 29; i >= 0; i -= 3) /* last, first, and from the middle of the list */
        inode_put(ip[(i * 7) % 30]);
    CHECK(fs->free_inodes == free_inodes - 20);
    CHECK(volume_sync(fs) == 0);
    /* The power goes: nothing is closed. A look at the disk, then a new mount. */
    fs = mount(100);
    CHECK(fs->super->orphan_head == 0 && fs->free_inodes == free_inodes);
    CHECK(fs->free_blocks == free_blocks);
    CHECK(volume_unmount(fs) == 0);
}

static void abuse(void)
{
    struct fs *fs;
    const char *why;
    char where[] = "n0";

    quiet = true;
    if (volume_mount(&dev, 60, now, say, &fs, &why) != 0)
        _exit(1);
    (void)where;
    for (int i = 0; i < 300; i++) {
        random_operation(fs, NULL);
        if (rnd(4) == 0) {
            struct inode *ip;
            static char data[20000];
            size_t n = sizeof data;
            struct list *all = NULL;
            uint64_t position = 0;

            if (inode_get(fs, 1 + rnd(30), &ip) != 0)
                continue;
            if (inode_type(ip) == OSTIAFS_S_IFDIR) {
                (void)dir_read(ip, &position, collect, &all);
                for (struct list *l = all; l != NULL; l = l->next) {
                    struct inode *child;

                    if (name_lookup(ip, l->name, strlen(l->name), &child) == 0)
                        inode_put(child);
                    if (rnd(20) == 0)
                        (void)name_unlink(ip, l->name, strlen(l->name), rnd(2));
                }
                free_list(all);
            } else if (inode_type(ip) == OSTIAFS_S_IFREG) {
                (void)file_read(ip, rnd(1 << 20), data, &n);
                n = sizeof data;
                (void)file_write(ip, rnd(1 << 20), data, &n);
                if (rnd(2))
                    (void)file_truncate(ip, rnd(100000));
            } else {
                (void)name_readlink(ip, data, &n);
            }
            inode_put(ip);
        }
    }
    (void)volume_unmount(fs);
}

int main(int argc, char **argv)
{
    struct stat st;
    const char *what;

    if (argc < 3)
        fail("usage: fsmodel IMAGE COMMAND ...");
    what = argv[2];
    disk_fd = open(argv[1], O_RDWR);
    if (disk_fd < 0 || fstat(disk_fd, &st) != 0)
        fail("%s: %s", argv[1], strerror(errno));
    dev.nblocks = (uint64_t)st.st_size / OSTIAFS_BLOCK_SIZE;
    if (strcmp(what, "ls") == 0) {
        struct fs *fs = mount(200);

        list_tree(fs, OSTIAFS_ROOT_INO, "");
        CHECK(volume_unmount(fs) == 0);
    } else if (strcmp(what, "extract") == 0 && argc == 4) {
        struct fs *fs = mount(200);

        copied = calloc(fs->super->ninodes, sizeof copied[0]);
        extract(fs, OSTIAFS_ROOT_INO, argv[3]);
        for (uint32_t i = 0; i < fs->super->ninodes; i++)
            free(copied[i]);
        free(copied);
        CHECK(volume_unmount(fs) == 0);
    } else if (strcmp(what, "model") == 0 && argc == 6) {
        rng_state = strtoull(argv[4], NULL, 0);
        model(argv[3], (unsigned)atoi(argv[5]));
    } else if (strcmp(what, "bigdir") == 0 && argc == 4) {
        bigdir((unsigned)atoi(argv[3]));
    } else if (strcmp(what, "bigfile") == 0) {
        bigfile();
    } else if (strcmp(what, "full") == 0) {
        full();
    } else if (strcmp(what, "faults") == 0 && argc == 5) {
        rng_state = strtoull(argv[3], NULL, 0);
        faults((unsigned)atoi(argv[4]));
    } else if (strcmp(what, "orphans") == 0) {
        orphans();
        _exit(0); /* the first mount's memory is lost with the power */
    } else if (strcmp(what, "abuse") == 0 && argc == 4) {
        rng_state = strtoull(argv[3], NULL, 0);
        abuse();
    } else {
        fail("fsmodel: unknown command %s", what);
    }
    return 0;
}
