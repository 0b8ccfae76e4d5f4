/*
 * What the crash tests do to a file system before the power goes: random operations, the same in the
 * guest (posix_crash.c, by system calls) and on the host (grade/fscrash.c, by the core's functions).
 * grade/test_fscrash.py knows what must be there afterwards.
 *
 * Each operation has a number, and each file the number of the one that made it. What is written are
 * stamps, so that every 16 bytes on the disk tell whose they are, where they belong, and how old they
 * are. And each operation is told beforehand and afterwards, in lines:
 *
 *     NUMBER WHAT PATH ...       about to be done; a write and a truncation tell units of 512 bytes
 *     = ERRNO                    what came of it. 0 of a sync or fsync is the promise
 */
#ifndef CRASH_LOAD_H
#define CRASH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LOAD_UNIT  512
#define LOAD_ROWS  6  /* the top, and the directories d1 .. d5 in it */
#define LOAD_NAMES 40 /* in each */
#define LOAD_PATH  600
#define LOAD_WRITE 8192 /* most that a client's message carries: a write is one operation */
#define LOAD_MAGIC 0x706d6153U

struct load_stamp {
    uint32_t op;
    uint32_t file;
    uint32_t unit;
    uint32_t check; /* the three and LOAD_MAGIC, all xored */
};

/* The file system. Each returns 0 or an errno. */
struct load_target {
    int (*create)(const char *path);
    int (*mkdir)(const char *path);
    int (*symlink)(const char *target, const char *path);
    int (*link)(const char *path, const char *other);
    int (*rename)(const char *path, const char *other);
    int (*unlink)(const char *path);
    int (*rmdir)(const char *path);
    int (*write)(const char *path, uint64_t offset, const void *data, size_t len);
    int (*truncate)(const char *path, uint64_t size);
    int (*fsync)(const char *path);
    int (*sync)(void);
    void (*mark)(const char *line);
};

/* How often what is done, of 100 operations; the rest are syncs. */
struct load_kind {
    uint8_t create, write, truncate, unlink, rename, link, symlink, mkdir, rmdir, fsync;
    uint8_t names;      /* in use, of each directory's */
    bool long_names;    /* so that a block holds few entries, and trees are split */
    uint32_t max_units; /* of a file */
};

static const struct load_kind load_kinds[] = {
    /* everything */
    {20, 25, 8, 12, 12, 4, 4, 3, 2, 8, 20, false, 120},
    /* small files that take the place of others, as an editor does it */
    {18, 20, 0, 2, 38, 0, 0, 2, 0, 16, 12, false, 8},
    /* few large files: indirect blocks, truncation */
    {8, 62, 14, 6, 2, 0, 0, 0, 0, 6, 3, false, 2000},
    /* directories: long names that come and go */
    {40, 2, 0, 30, 8, 6, 4, 3, 3, 2, LOAD_NAMES, true, 4},
};

#define LOAD_KINDS (sizeof load_kinds / sizeof load_kinds[0])

struct load {
    const struct load_target *target;
    const struct load_kind *kind;
    uint64_t rng;
    uint32_t op;
    bool there[LOAD_ROWS];             /* the directory */
    uint32_t file[LOAD_ROWS][LOAD_NAMES]; /* what the name leads to: the file's number; 0 nothing */
    bool is_link[LOAD_ROWS][LOAD_NAMES];  /* a symbolic one */
    int failures;
    int last_error;
};

static inline uint32_t load_random(struct load *l, uint32_t n)
{
    l->rng = l->rng * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(l->rng >> 33) % n;
}

static inline const char *load_path(const struct load *l, char *out, uint32_t row, uint32_t name)
{
    size_t n = row == 0 ? 0 : (size_t)snprintf(out, LOAD_PATH, "d%u/", row);

    n += (size_t)snprintf(out + n, LOAD_PATH - n, "n%u", name);
    if (l->kind->long_names) {
        memset(out + n, 'L', 180 + name);
        out[n + 180 + name] = '\0';
    }
    return out;
}

static inline void load_begin(struct load *l, const char *what, const char *path, const char *other,
                              uint32_t a, uint32_t b)
{
    char line[2 * LOAD_PATH + 100];

    snprintf(line, sizeof line, "%u %s %s %s %u %u", ++l->op, what, path, other, a, b);
    l->target->mark(line);
}

static inline bool load_end(struct load *l, int err)
{
    char line[40];

    snprintf(line, sizeof line, "= %d", err);
    l->target->mark(line);
    if (err != 0) {
        l->failures++;
        l->last_error = err;
    }
    return err == 0;
}

static inline void load_write_at(struct load *l, const char *path, uint32_t file, uint32_t at,
                                 uint32_t count)
{
    static struct load_stamp data[LOAD_WRITE / sizeof(struct load_stamp)];
    const uint32_t per = LOAD_UNIT / sizeof data[0];

    load_begin(l, "write", path, "-", at, count);
    for (uint32_t i = 0; i < count * per; i++)
        data[i] = (struct load_stamp){l->op, file, at + i / per,
                                      l->op ^ file ^ (at + i / per) ^ LOAD_MAGIC};
    load_end(l, l->target->write(path, (uint64_t)at * LOAD_UNIT, data, (size_t)count * LOAD_UNIT));
}

static inline void load_write(struct load *l, const char *path, uint32_t file)
{
    uint32_t count = 1 + load_random(l, LOAD_WRITE / LOAD_UNIT);
    uint32_t max = load_random(l, 3) != 0 ? l->kind->max_units : l->kind->max_units / 4 + 1;

    load_write_at(l, path, file, load_random(l, max), count);
}

/* A directory to be in: the top, or one that is there. */
static inline uint32_t load_row(struct load *l)
{
    uint32_t row = load_random(l, LOAD_ROWS);

    return l->there[row] ? row : 0;
}

static inline void load_directory(struct load *l, bool make)
{
    uint32_t row = 1 + load_random(l, LOAD_ROWS - 1);
    uint32_t to = 1 + load_random(l, LOAD_ROWS - 1);
    char path[16];
    char other[16];

    snprintf(path, sizeof path, "d%u", row);
    snprintf(other, sizeof other, "d%u", to);
    if (!l->there[row]) {
        if (!make)
            return;
        load_begin(l, "mkdir", path, "-", 0, 0);
        l->there[row] = load_end(l, l->target->mkdir(path));
    } else if (!l->there[to]) {
        load_begin(l, "rename", path, other, 0, 0);
        if (!load_end(l, l->target->rename(path, other)))
            return;
        memcpy(l->file[to], l->file[row], sizeof l->file[to]);
        memcpy(l->is_link[to], l->is_link[row], sizeof l->is_link[to]);
        memset(l->file[row], 0, sizeof l->file[row]);
        l->there[to] = true;
        l->there[row] = false;
    } else if (!make) {
        for (uint32_t n = 0; n < LOAD_NAMES; n++)
            if (l->file[row][n] != 0)
                return;
        load_begin(l, "rmdir", path, "-", 0, 0);
        l->there[row] = !load_end(l, l->target->rmdir(path));
    }
}

/* One operation, if the dice find one that can be done. */
static inline void load_step(struct load *l)
{
    const struct load_kind *k = l->kind;
    uint32_t dice = load_random(l, 100);
    uint32_t row = load_row(l);
    uint32_t name = load_random(l, k->names);
    uint32_t row2 = load_row(l);
    uint32_t name2 = load_random(l, k->names);
    uint32_t *file = &l->file[row][name];
    uint32_t *file2 = &l->file[row2][name2];
    bool *is_link = &l->is_link[row][name];
    char path[LOAD_PATH];
    char other[LOAD_PATH];
    uint32_t size;

#define DICE(what) (dice < k->what || (dice -= k->what, false))
    load_path(l, path, row, name);
    load_path(l, other, row2, name2);
    if (DICE(create)) {
        if (*file != 0)
            return;
        load_begin(l, "create", path, "-", 0, 0);
        *file = load_end(l, l->target->create(path)) ? l->op : 0;
        *is_link = false;
    } else if (DICE(write)) {
        if (*file != 0 && !*is_link)
            load_write(l, path, *file);
    } else if (DICE(truncate)) {
        if (*file == 0 || *is_link)
            return;
        size = load_random(l, k->max_units);
        load_begin(l, "truncate", path, "-", size, 0);
        load_end(l, l->target->truncate(path, (uint64_t)size * LOAD_UNIT));
    } else if (DICE(unlink)) {
        if (*file == 0)
            return;
        load_begin(l, "unlink", path, "-", 0, 0);
        if (load_end(l, l->target->unlink(path)))
            *file = 0;
    } else if (DICE(rename)) {
        if (*file == 0 || *file == *file2)
            return;
        load_begin(l, "rename", path, other, 0, 0);
        if (load_end(l, l->target->rename(path, other))) {
            *file2 = *file;
            l->is_link[row2][name2] = *is_link;
            *file = 0;
        }
    } else if (DICE(link)) {
        if (*file == 0 || *file2 != 0 || *is_link)
            return;
        load_begin(l, "link", path, other, 0, 0);
        if (load_end(l, l->target->link(path, other))) {
            *file2 = *file;
            l->is_link[row2][name2] = false;
        }
    } else if (DICE(symlink)) {
        if (*file != 0)
            return;
        memset(other, 't', sizeof other);
        size = 1 + load_random(l, 400); /* in the inode, or in a block */
        other[size] = '\0';
        load_begin(l, "symlink", path, "-", size, 0);
        *file = load_end(l, l->target->symlink(other, path)) ? l->op : 0;
        *is_link = true;
    } else if (DICE(mkdir)) {
        load_directory(l, true);
    } else if (DICE(rmdir)) {
        load_directory(l, false);
    } else if (DICE(fsync)) {
        if (*file == 0 || *is_link)
            return;
        load_begin(l, "fsync", path, "-", 0, 0);
        load_end(l, l->target->fsync(path));
    } else {
        load_begin(l, "sync", "-", "-", 0, 0);
        load_end(l, l->target->sync());
    }
#undef DICE
}

/* `count` dice; returns how many operations failed. */
static inline int load_run(struct load *l, const struct load_target *target, uint32_t kind,
                           uint32_t seed, uint32_t count)
{
    memset(l, 0, sizeof *l);
    l->target = target;
    l->kind = &load_kinds[kind % LOAD_KINDS];
    l->rng = seed * 2654435761ULL + kind;
    l->there[0] = true;
    for (uint32_t i = 0; i < count; i++)
        load_step(l);
    return l->failures;
}

#endif
