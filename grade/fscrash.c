/*
 * fscrash: the power goes. For test_fscrash.py; crash_load.h says what is done before.
 *
 *   fscrash load IMAGE LOG KIND SEED COUNT     runs the work on a volume, through the core, and records
 *                                              what is written to the disk
 *   fscrash cut IMAGE LOG FIRST TOP SEED COUNT  takes COUNT images that a crash could have left (the volume
 *                                              begins at block FIRST of what was recorded), recovers
 *                                              each, checks it, and prints what is in the folder TOP
 *   fscrash image IMAGE LOG FIRST SEED OUT     the image of one cut, not recovered
 *
 * The record has the format of Linux's dm-log-writes, which QEMU's blklogwrites driver writes, too. A
 * disk may keep what it was given in any order until a flush. So an image is everything before the last
 * flush, and of what came after it, up to the cut, a random part: of a block all, nothing, or some of its
 * sectors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../user/tests/crash_load.h"
#include "fs.h"
#include "fsfail.h"

int fsck_main(int argc, char **argv); /* mkfs/fsck.c, its main renamed */

static uint64_t rng;

static uint32_t rnd(uint32_t n)
{
    rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(rng >> 33) % n;
}

/* ---- the record ---- */

#define LOG_MAGIC  0x6a736677736872ULL /* [Linux Documentation/admin-guide/device-mapper/log-writes.rst] */
#define LOG_FLUSH  1
#define LOG_DISCARD 4
#define LOG_MARK   8
#define SECTOR     512
#define PER_BLOCK  (OSTIAFS_BLOCK_SIZE / SECTOR)
#define MARK_MAGIC "OSTIA-MARK "

struct log_super {
    uint64_t magic;
    uint64_t version;
    uint64_t entries;
    uint32_t sector_size;
};

struct log_entry {
    uint64_t sector;
    uint64_t sectors;
    uint64_t flags;
    uint64_t data_len; /* of a mark */
};

static FILE *record;
static uint64_t recorded;

static void record_entry(struct log_entry e, const void *data, size_t len)
{
    char head[SECTOR] = {0};
    size_t rest = (SECTOR - len % SECTOR) % SECTOR;
    static const char zeros[SECTOR];

    memcpy(head, &e, sizeof e);
    CHECK(fwrite(head, SECTOR, 1, record) == 1);
    CHECK(len == 0 || fwrite(data, len, 1, record) == 1);
    CHECK(rest == 0 || fwrite(zeros, rest, 1, record) == 1);
    recorded++;
}

/* ---- the disk: an image in memory, whose changes are recorded, or can be undone ---- */

static uint8_t *image;
static uint64_t image_blocks;

struct undo {
    uint32_t block;
    uint8_t data[OSTIAFS_BLOCK_SIZE];
};
static struct undo *undo;
static size_t undo_count;
static size_t undo_room;
static uint8_t *spare; /* a copy of the image, while fsck changes it */

static void change(uint64_t block, const void *data, size_t offset, size_t len)
{
    if (undo_count == undo_room) {
        undo_room = undo_room * 2 + 1024;
        undo = realloc(undo, undo_room * sizeof *undo);
        CHECK(undo != NULL);
    }
    CHECK(block < image_blocks);
    undo[undo_count].block = (uint32_t)block;
    memcpy(undo[undo_count++].data, image + block * OSTIAFS_BLOCK_SIZE, OSTIAFS_BLOCK_SIZE);
    memcpy(image + block * OSTIAFS_BLOCK_SIZE + offset, data, len);
}

static void undo_to(size_t count)
{
    while (undo_count > count) {
        undo_count--;
        memcpy(image + (size_t)undo[undo_count].block * OSTIAFS_BLOCK_SIZE, undo[undo_count].data,
               OSTIAFS_BLOCK_SIZE);
    }
}

static int dev_read(struct bdev *dev, uint64_t block, uint32_t count, void *data)
{
    (void)dev;
    memcpy(data, image + block * OSTIAFS_BLOCK_SIZE, (size_t)count * OSTIAFS_BLOCK_SIZE);
    return 0;
}

static int dev_write(struct bdev *dev, uint64_t block, uint32_t count, const void *data)
{
    size_t len = (size_t)count * OSTIAFS_BLOCK_SIZE;

    (void)dev;
    if (record != NULL) {
        record_entry((struct log_entry){block * PER_BLOCK, (uint64_t)count * PER_BLOCK, 0, 0}, data, len);
        memcpy(image + block * OSTIAFS_BLOCK_SIZE, data, len);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++)
        change(block + i, (const char *)data + (size_t)i * OSTIAFS_BLOCK_SIZE, 0, OSTIAFS_BLOCK_SIZE);
    return 0;
}

static int dev_flush(struct bdev *dev)
{
    (void)dev;
    if (record != NULL)
        record_entry((struct log_entry){.flags = LOG_FLUSH}, NULL, 0);
    return 0;
}

static struct bdev dev = {.read = dev_read, .write = dev_write, .flush = dev_flush};

static void open_image(const char *path, int flags)
{
    struct stat st;
    int fd = open(path, O_RDWR);

    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    image_blocks = (uint64_t)st.st_size / OSTIAFS_BLOCK_SIZE;
    image = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(image != MAP_FAILED);
    dev.nblocks = image_blocks;
    close(fd);
}

static void now(int64_t *seconds, uint32_t *nanoseconds)
{
    static int64_t clock_seconds = 1000;

    *seconds = clock_seconds++;
    *nanoseconds = 7;
}

static void say(const char *what, uint32_t number)
{
    printf("say %s %u\n", what, number);
}

static struct fs *mount(uint32_t cache)
{
    const char *why;
    struct fs *fs;

    if (volume_mount(&dev, cache, now, say, &fs, &why) != 0) {
        printf("mount %s\n", why);
        return NULL;
    }
    return fs;
}

/* ---- the work, through the core ---- */

static struct fs *fs;

/* The directory of a path, and its last name. */
static struct inode *walk(const char *path, const char **last)
{
    const char *slash = strchr(path, '/');
    struct inode *root;
    struct inode *ip;

    CHECK(inode_get(fs, OSTIAFS_ROOT_INO, &root) == 0);
    *last = path;
    if (slash == NULL)
        return root;
    *last = slash + 1;
    CHECK(name_lookup(root, path, (size_t)(slash - path), &ip) == 0);
    inode_put(root);
    return ip;
}

static struct inode *look_up(const char *path)
{
    const char *last;
    struct inode *dp = walk(path, &last);
    struct inode *ip;

    CHECK(name_lookup(dp, last, strlen(last), &ip) == 0);
    inode_put(dp);
    return ip;
}

static int make(const char *path, uint32_t mode)
{
    const char *last;
    struct inode *dp = walk(path, &last);
    int err = name_create(dp, last, strlen(last), mode, 0, 0, 0, 0, NULL);

    inode_put(dp);
    return err;
}

static int do_create(const char *path)
{
    return make(path, OSTIAFS_S_IFREG | 0644);
}

static int do_mkdir(const char *path)
{
    return make(path, OSTIAFS_S_IFDIR | 0755);
}

static int do_symlink(const char *target, const char *path)
{
    const char *last;
    struct inode *dp = walk(path, &last);
    int err = name_symlink(dp, last, strlen(last), target, strlen(target), 0, 0);

    inode_put(dp);
    return err;
}

static int do_link(const char *path, const char *other)
{
    const char *last;
    struct inode *dp = walk(other, &last);
    struct inode *ip = look_up(path);
    int err = name_link(dp, last, strlen(last), ip);

    inode_put(ip);
    inode_put(dp);
    return err;
}

static int do_rename(const char *path, const char *other)
{
    const char *last;
    const char *other_last;
    struct inode *dp = walk(path, &last);
    struct inode *op = walk(other, &other_last);
    int err = name_rename(dp, last, strlen(last), op, other_last, strlen(other_last));

    inode_put(op);
    inode_put(dp);
    return err;
}

static int remove_name(const char *path, bool directory)
{
    const char *last;
    struct inode *dp = walk(path, &last);
    /* Every other file is open when it loses its name: an orphan for a while. */
    struct inode *ip = strlen(path) % 2 == 0 ? look_up(path) : NULL;
    int err = name_unlink(dp, last, strlen(last), directory);

    inode_put(dp);
    inode_put(ip);
    return err;
}

static int do_unlink(const char *path)
{
    return remove_name(path, false);
}

static int do_rmdir(const char *path)
{
    return remove_name(path, true);
}

static int do_write(const char *path, uint64_t offset, const void *data, size_t len)
{
    struct inode *ip = look_up(path);
    size_t n = len;
    int err = file_write(ip, offset, data, &n);

    CHECK(err != 0 || n == len);
    inode_put(ip);
    return err;
}

static int do_truncate(const char *path, uint64_t size)
{
    struct inode *ip = look_up(path);
    int err = file_truncate(ip, size);

    inode_put(ip);
    return err;
}

static int do_fsync(const char *path)
{
    (void)path;
    return volume_commit(fs);
}

static int do_sync(void)
{
    return volume_sync(fs);
}

static void mark(const char *line)
{
    char text[2 * LOAD_PATH + 200];
    size_t len = (size_t)snprintf(text, sizeof text, MARK_MAGIC "%s\n", line);

    record_entry((struct log_entry){.flags = LOG_MARK, .data_len = len}, text, len);
}

static const struct load_target target = {
    .create = do_create,
    .mkdir = do_mkdir,
    .symlink = do_symlink,
    .link = do_link,
    .rename = do_rename,
    .unlink = do_unlink,
    .rmdir = do_rmdir,
    .write = do_write,
    .truncate = do_truncate,
    .fsync = do_fsync,
    .sync = do_sync,
    .mark = mark,
};

/* Work that chance does not come to: a block of metadata that the log has a copy of becomes, without a
 * checkpoint in between, a file's. */
static void reuse(struct load *l)
{
    char text[400];
    uint32_t file;

    l->target = &target;
    l->kind = &load_kinds[2];
    memset(text, 't', sizeof text);
    text[sizeof text - 1] = '\0';
    load_begin(l, "symlink", "n0", "-", sizeof text - 1, 0);
    load_end(l, do_symlink(text, "n0"));
    load_begin(l, "create", "n1", "-", 0, 0);
    load_end(l, do_create("n1"));
    file = l->op;
    load_begin(l, "fsync", "n1", "-", 0, 0);
    load_end(l, do_fsync("n1"));
    load_begin(l, "unlink", "n0", "-", 0, 0);
    load_end(l, do_unlink("n0"));
    load_begin(l, "fsync", "n1", "-", 0, 0);
    load_end(l, do_fsync("n1"));
    for (uint32_t at = 0; fs->free_blocks > 0; at += OSTIAFS_BLOCK_SIZE / LOAD_UNIT)
        load_write_at(l, "n1", file, at, OSTIAFS_BLOCK_SIZE / LOAD_UNIT);
    for (int i = 0; i < 10; i++) {
        load_begin(l, "fsync", "n1", "-", 0, 0);
        load_end(l, do_fsync("n1"));
        load_write_at(l, "n1", file, 0, 1);
    }
}

static void work(const char *path, const char *log, uint32_t kind, uint32_t seed, uint32_t count)
{
    struct log_super s = {LOG_MAGIC, 1, 0, SECTOR};
    static struct load load;
    char head[SECTOR] = {0};

    open_image(path, MAP_PRIVATE);
    fs = mount(60);
    CHECK(fs != NULL && volume_sync(fs) == 0);
    record = fopen(log, "wb");
    CHECK(record != NULL && fwrite(head, SECTOR, 1, record) == 1);
    mark("start");
    if (kind == LOAD_KINDS)
        reuse(&load);
    else
        load_run(&load, &target, kind, seed, count);
    if (load.failures != 0)
        fail("%d operations failed, the last with %s", load.failures, strerror(load.last_error));
    s.entries = recorded;
    memcpy(head, &s, sizeof s);
    CHECK(fseek(record, 0, SEEK_SET) == 0 && fwrite(head, SECTOR, 1, record) == 1);
    CHECK(fclose(record) == 0);
}

/* ---- cuts ---- */

struct event {
    uint64_t flags;
    uint64_t block;      /* of the volume */
    const uint8_t *data; /* NULL: a flush, or a mark */
    const char *mark;    /* a line, NUL at its end */
};

static struct event *events;
static size_t nevents;
static size_t start; /* the first that may be cut at: behind the mark "start" */

static void add_event(struct event e)
{
    if ((nevents & (nevents + 1)) == 0) { /* grows in powers of two */
        events = realloc(events, (2 * nevents + 2) * sizeof *events);
        CHECK(events != NULL);
    }
    events[nevents++] = e;
}

/* Prints a line of the work, and keeps it as an event. */
static void add_mark(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data + strlen(MARK_MAGIC);
    const char *end = memchr(text, '\n', len - strlen(MARK_MAGIC));

    CHECK(end != NULL);
    printf("mark %.*s\n", (int)(end - text), text);
    add_event((struct event){.flags = LOG_MARK, .mark = text});
    if (strncmp(text, "start\n", 6) == 0)
        start = nevents;
}

static void read_record(const char *path, uint64_t first)
{
    const uint8_t *at;
    struct log_super s;
    struct stat st;
    uint8_t *map;
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED);
    memcpy(&s, map, sizeof s);
    CHECK(s.magic == LOG_MAGIC && s.sector_size == SECTOR);
    at = map + SECTOR;
    while (at + SECTOR <= map + st.st_size) {
        const struct log_entry *e = (const struct log_entry *)at;
        const uint8_t *data = at + SECTOR;
        uint64_t len = e->flags & LOG_MARK ? e->data_len : e->sectors * SECTOR;

        if (e->flags & LOG_DISCARD)
            len = 0;
        if (e->flags == 0 && e->sectors == 0)
            break;
        CHECK(data + len <= map + st.st_size);
        if (len > strlen(MARK_MAGIC) && memcmp(data, MARK_MAGIC, strlen(MARK_MAGIC)) == 0) {
            add_mark(data, len);
        } else {
            uint64_t block = e->sector / PER_BLOCK - first;

            if (len != 0 && block < image_blocks) {
                CHECK(e->sector % PER_BLOCK == 0 && len % OSTIAFS_BLOCK_SIZE == 0);
                for (uint64_t i = 0; i < len / OSTIAFS_BLOCK_SIZE; i++)
                    add_event((struct event){0, block + i, data + i * OSTIAFS_BLOCK_SIZE, NULL});
            }
            if (e->flags & LOG_FLUSH)
                add_event((struct event){.flags = LOG_FLUSH});
        }
        at = data + (len + SECTOR - 1) / SECTOR * SECTOR;
    }
    CHECK(start != 0);
}

/* The events [from, to) happened, but the disk had not been told to make them safe. */
static void lose_some(size_t from, size_t to)
{
    uint32_t style = rnd(4); /* all arrived, none, or some */

    for (size_t i = from; i < to; i++) {
        const struct event *e = &events[i];
        uint32_t dice = style == 0 ? 0 : style == 1 ? 9 : rnd(10);

        if (e->data == NULL)
            continue;
        if (dice < 5) {
            change(e->block, e->data, 0, OSTIAFS_BLOCK_SIZE);
        } else if (dice == 5) { /* torn: sectors are written whole, a block of them is not */
            size_t n = (1 + rnd(PER_BLOCK - 1)) * SECTOR;

            if (rnd(2))
                change(e->block, e->data, 0, n);
            else
                change(e->block, e->data + n, n, OSTIAFS_BLOCK_SIZE - n);
        }
    }
}

/* ---- what is on the volume ---- */

/* Prints runs of units of a file: FILE:OP*COUNT, 0:0 for zeros. */
static void print_contents(struct inode *ip)
{
    static uint8_t data[1 << 22];
    size_t len = sizeof data;
    uint32_t file = 0, op = 0, count = 0;

    CHECK(ip->d->size < sizeof data && file_read(ip, 0, data, &len) == 0 && len == ip->d->size);
    if (len % LOAD_UNIT != 0)
        printf(" bad:size");
    for (uint32_t u = 0; u < len / LOAD_UNIT; u++) {
        struct load_stamp stamp[LOAD_UNIT / sizeof(struct load_stamp)];
        const struct load_stamp *s = &stamp[0];
        bool ok;

        memcpy(stamp, data + (size_t)u * LOAD_UNIT, LOAD_UNIT);
        ok = (s->op == 0 && s->file == 0 && s->unit == 0 && s->check == 0) ||
             (s->unit == u && s->check == (s->op ^ s->file ^ u ^ LOAD_MAGIC));
        for (uint32_t i = 1; i < sizeof stamp / sizeof stamp[0]; i++)
            ok = ok && memcmp(s, &stamp[i], sizeof *s) == 0;
        if (!ok)
            printf(" bad:%u", u);
        if (count != 0 && (s->file != file || s->op != op)) {
            printf(" %u:%u*%u", file, op, count);
            count = 0;
        }
        file = s->file;
        op = s->op;
        count++;
    }
    if (count != 0)
        printf(" %u:%u*%u", file, op, count);
}

struct where {
    const char *path;
    uint32_t ino;
};

static void print_tree(uint32_t ino, const char *path);

static bool print_entry(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type, uint64_t next)
{
    const struct where *w = arg;
    char path[2 * LOAD_PATH];
    char target_text[OSTIAFS_SYMLINK_MAX];
    size_t n = sizeof target_text;
    struct inode *ip;

    (void)next;
    if ((len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
        return true;
    snprintf(path, sizeof path, "%s%s%.*s", w->path, w->path[0] ? "/" : "", (int)len, name);
    CHECK(inode_get(fs, ino, &ip) == 0);
    switch (type << 12) {
    case OSTIAFS_S_IFDIR:
        printf("d %s %u\n", path, ip->d->nlink);
        print_tree(ino, path);
        break;
    case OSTIAFS_S_IFREG:
        printf("f %s %u", path, ip->d->nlink);
        print_contents(ip);
        putchar('\n');
        break;
    case OSTIAFS_S_IFLNK:
        CHECK(name_readlink(ip, target_text, &n) == 0);
        printf("l %s %zu\n", path, n);
        for (size_t i = 0; i < n; i++)
            CHECK(target_text[i] == 't');
        break;
    }
    inode_put(ip);
    return true;
}

static void print_tree(uint32_t ino, const char *path)
{
    struct where w = {path, ino};
    uint64_t position = 0;
    struct inode *dp;

    CHECK(inode_get(fs, ino, &dp) == 0);
    CHECK(dir_read(dp, &position, print_entry, &w) == 0);
    inode_put(dp);
}

static void fsck(const char *path, bool repair)
{
    char *argv[] = {"fsck", (char *)path, repair ? "-r" : NULL, NULL};

    printf("fsck %d\n", fsck_main(repair ? 3 : 2, argv));
}

static int by_number(const void *a, const void *b)
{
    return *(const size_t *)a < *(const size_t *)b ? -1 : *(const size_t *)a > *(const size_t *)b;
}

/* Everything up to event `to` is on the disk, for good. */
static void make_safe(size_t *from, size_t to)
{
    for (; *from < to; ++*from)
        if (events[*from].data != NULL)
            memcpy(image + events[*from].block * OSTIAFS_BLOCK_SIZE, events[*from].data, OSTIAFS_BLOCK_SIZE);
}

/* The end of the last flush before `cut`. */
static size_t last_flush(size_t cut)
{
    while (cut > 0 && events[cut - 1].flags != LOG_FLUSH)
        cut--;
    return cut;
}

static void inspect(const char *path, const char *top)
{
    struct inode *ip;
    const char *last;

    if (rnd(8) == 0) { /* fsck knows how to recover, too */
        memcpy(spare, image, image_blocks * OSTIAFS_BLOCK_SIZE);
        fsck(path, true);
        memcpy(image, spare, image_blocks * OSTIAFS_BLOCK_SIZE);
    }
    fs = mount(60 + rnd(1000));
    if (fs == NULL)
        return;
    if (strcmp(top, "/") == 0) {
        print_tree(OSTIAFS_ROOT_INO, "");
    } else {
        ip = walk(top + 1, &last);
        inode_put(ip);
        ip = look_up(top + 1);
        print_tree(ip->ino, "");
        inode_put(ip);
    }
    printf("unmount %d\n", volume_unmount(fs));
    fsck(path, false);
}

static void cuts(const char *path, const char *log, uint64_t first, const char *top, uint32_t count)
{
    size_t *at = calloc(count, sizeof *at);
    size_t safe = 0;
    size_t marks = 0;
    size_t seen = 0;

    open_image(path, MAP_SHARED);
    spare = malloc(image_blocks * OSTIAFS_BLOCK_SIZE);
    CHECK(at != NULL && spare != NULL);
    read_record(log, first);
    for (uint32_t i = 0; i < count; i++)
        at[i] = start + rnd((uint32_t)(nevents - start + 1));
    qsort(at, count, sizeof *at, by_number);
    for (uint32_t i = 0; i < count; i++) {
        for (; seen < at[i]; seen++)
            marks += events[seen].mark != NULL;
        make_safe(&safe, last_flush(at[i]));
        printf("cut %zu marks %zu\n", at[i], marks);
        lose_some(safe, at[i]);
        inspect(path, top);
        undo_to(0);
    }
    free(at);
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "load") == 0) {
        work(argv[2], argv[3], (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]), (uint32_t)atoi(argv[6]));
    } else if (argc == 8 && strcmp(argv[1], "cut") == 0) {
        rng = strtoull(argv[6], NULL, 0);
        cuts(argv[2], argv[3], strtoull(argv[4], NULL, 0), argv[5], (uint32_t)atoi(argv[7]));
    } else if (argc == 7 && strcmp(argv[1], "image") == 0) {
        size_t safe = 0;
        size_t cut;

        rng = strtoull(argv[5], NULL, 0);
        open_image(argv[2], MAP_PRIVATE);
        read_record(argv[3], strtoull(argv[4], NULL, 0));
        cut = start + rnd((uint32_t)(nevents - start + 1));
        make_safe(&safe, last_flush(cut));
        lose_some(safe, cut);
        FILE *out = fopen(argv[6], "wb");
        CHECK(out != NULL && fwrite(image, OSTIAFS_BLOCK_SIZE, image_blocks, out) == image_blocks);
        CHECK(fclose(out) == 0);
    } else {
        fail("fscrash: unknown command");
    }
    return 0;
}
