/*
 * tree.c: reads a folder of the host into a tree of nodes. Read tree.h before.
 *
 * The tree depends on nothing but names, contents, executable bits and links of the folder: times,
 * owners and the order in which the host lists names are left out, so the same folder makes the
 * same image on every machine.
 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../user/include/ostiafs.h"

void die(const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "mkfs: ");
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

void *xalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (p == NULL)
        die("out of memory");
    return p;
}

static char *copy_string(const char *s, size_t len)
{
    char *p = xalloc(len + 1);

    memcpy(p, s, len);
    return p;
}

static struct node *node_new(struct node *parent, const char *name, size_t len, uint32_t mode)
{
    struct node *n = xalloc(sizeof *n);

    n->name = copy_string(name, len);
    n->parent = parent;
    n->mode = mode;
    return n;
}

struct node *tree_new(void)
{
    struct node *root = node_new(NULL, "", 0, OSTIAFS_S_IFDIR | 0755);

    root->parent = root;
    return root;
}

/* Where `name` is, or would be, among dir's sorted children. */
static size_t position(const struct node *dir, const char *name, size_t len, int *found)
{
    size_t lo = 0;
    size_t hi = dir->nchildren;

    *found = 0;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const char *other = dir->child[mid]->name;
        int c = strncmp(other, name, len);

        if (c == 0 && other[len] != '\0')
            c = 1;
        if (c == 0) {
            *found = 1;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The child of that name, made with `mode` if it is not there. */
static struct node *child_get(struct node *dir, const char *name, size_t len, uint32_t mode,
                              int *made)
{
    int found;
    size_t at = position(dir, name, len, &found);

    *made = !found;
    if (found)
        return dir->child[at];
    if (len > OSTIAFS_NAME_MAX)
        die("%s: name is longer than %d bytes", name, OSTIAFS_NAME_MAX);
    if (dir->nchildren == dir->room) {
        dir->room = dir->room ? dir->room * 2 : 16;
        dir->child = realloc(dir->child, dir->room * sizeof dir->child[0]);
        if (dir->child == NULL)
            die("out of memory");
    }
    memmove(&dir->child[at + 1], &dir->child[at], (dir->nchildren - at) * sizeof dir->child[0]);
    dir->child[at] = node_new(dir, name, len, mode);
    dir->nchildren++;
    return dir->child[at];
}

static void add_entry(struct node *dir, const char *path, const char *name)
{
    size_t len = strlen(path) + strlen(name) + 2;
    char *full = xalloc(len);
    struct stat st;
    struct node *n;
    int made;

    snprintf(full, len, "%s/%s", path, name);
    if (lstat(full, &st) != 0)
        die("%s: %s", full, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        n = child_get(dir, name, strlen(name), OSTIAFS_S_IFDIR | 0755, &made);
        if (!made && (n->mode & OSTIAFS_S_IFMT) != OSTIAFS_S_IFDIR)
            die("%s: there is already something of that name that is no directory", full);
        tree_add_folder(n, full);
        free(full);
        return;
    }
    n = child_get(dir, name, strlen(name), 0, &made);
    if (!made)
        die("%s: there is already something of that name", full);
    if (S_ISREG(st.st_mode)) {
        n->mode = OSTIAFS_S_IFREG | 0644 | (st.st_mode & 0111 ? 0111 : 0);
        n->size = (uint64_t)st.st_size;
        n->host_dev = (uint64_t)st.st_dev;
        n->host_ino = st.st_nlink > 1 ? (uint64_t)st.st_ino : 0;
        n->host_path = full;
        if (n->size > OSTIAFS_MAX_FILE_SIZE)
            die("%s: larger than a file can be", full);
        return;
    }
    if (S_ISLNK(st.st_mode)) {
        char target[OSTIAFS_SYMLINK_MAX + 1];
        ssize_t got = readlink(full, target, sizeof target);

        if (got <= 0 || got > (ssize_t)OSTIAFS_SYMLINK_MAX)
            die("%s: cannot read the link, or its target is too long", full);
        n->mode = OSTIAFS_S_IFLNK | 0777;
        n->target = copy_string(target, (size_t)got);
        n->size = (uint64_t)got;
        free(full);
        return;
    }
    die("%s: neither file, directory nor symbolic link (use -D for device nodes)", full);
}

void tree_add_folder(struct node *dir, const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    if (d == NULL)
        die("%s: %s", path, strerror(errno));
    while (errno = 0, (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            add_entry(dir, path, e->d_name);
    if (errno != 0)
        die("%s: %s", path, strerror(errno));
    closedir(d);
}

/* Walks `path` from root, making directories, and returns the node of its last part. */
static struct node *walk(struct node *root, const char *path, int *made)
{
    struct node *n = root;

    *made = 0;
    for (;;) {
        size_t len;

        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (len == 0)
            return n;
        if ((n->mode & OSTIAFS_S_IFMT) != OSTIAFS_S_IFDIR)
            die("%s: is in something that is no directory", path);
        if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            die("%s: no . or .. here", path);
        n = child_get(n, path, len, OSTIAFS_S_IFDIR | 0755, made);
        path += len;
    }
}

void tree_add_spec(struct node *root, const char *line)
{
    char path[4096];
    char kind[2];
    unsigned major = 0;
    unsigned minor = 0;
    unsigned mode = 0;
    int used = 0;
    int made;
    struct node *n;

    if (sscanf(line, " %4095s %1s %n", path, kind, &used) < 2 || used == 0)
        die("\"%s\": expected PATH c|b MAJOR MINOR [MODE], or PATH d [MODE]", line);
    line += used;
    if (kind[0] == 'd') {
        int parts = sscanf(line, "%o", &mode);

        n = walk(root, path, &made);
        if ((n->mode & OSTIAFS_S_IFMT) != OSTIAFS_S_IFDIR)
            die("%s: there is already something of that name that is no directory", path);
        n->mode = OSTIAFS_S_IFDIR | ((parts == 1 ? mode : 0755) & 07777);
    } else if (kind[0] == 'c' || kind[0] == 'b') {
        int parts = sscanf(line, "%u %u %o", &major, &minor, &mode);

        if (parts < 2)
            die("%s: a device node needs a major and a minor number", path);
        n = walk(root, path, &made);
        if (!made)
            die("%s: there is already something of that name", path);
        n->mode = (kind[0] == 'c' ? OSTIAFS_S_IFCHR : OSTIAFS_S_IFBLK) |
                  ((parts == 3 ? mode : 0666) & 07777);
        n->major = major;
        n->minor = minor;
    } else {
        die("%s: kind %s is none of c, b and d", path, kind);
    }
}

void tree_add_spec_file(struct node *root, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[8192];

    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t")] != '\0' && line[0] != '#')
            tree_add_spec(root, line);
    }
    if (ferror(f))
        die("%s: %s", path, strerror(errno));
    fclose(f);
}

/* The host's files that have several names, to find the second name of one. */
struct link_table {
    struct node **node;
    size_t count;
    size_t room;
};

static struct node *find_same(struct link_table *t, struct node *n)
{
    if (n->host_ino == 0)
        return NULL;
    for (size_t i = 0; i < t->count; i++)
        if (t->node[i]->host_ino == n->host_ino && t->node[i]->host_dev == n->host_dev)
            return t->node[i];
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->node = realloc(t->node, t->room * sizeof t->node[0]);
        if (t->node == NULL)
            die("out of memory");
    }
    t->node[t->count++] = n;
    return NULL;
}

/* Blocks a file of `size` bytes takes at most, with its indirect blocks. */
static uint64_t file_blocks(uint64_t size)
{
    uint64_t n = ostiafs_blocks_for(size, OSTIAFS_BLOCK_SIZE);
    uint64_t indirect = ostiafs_blocks_for(n, OSTIAFS_NPTR);

    return n + indirect + ostiafs_blocks_for(indirect, OSTIAFS_NPTR) + 4;
}

static void number(struct node *n, uint32_t *next, uint64_t *blocks, struct link_table *links)
{
    n->same = find_same(links, n);
    if (n->same != NULL) {
        n->ino = n->same->ino;
        n->same->nlink++;
        return;
    }
    if (*next == UINT32_MAX)
        die("too many files");
    n->ino = (*next)++;
    if ((n->mode & OSTIAFS_S_IFMT) != OSTIAFS_S_IFDIR) {
        n->nlink = 1;
        if (n->host_path != NULL)
            *blocks += file_blocks(n->size);
        else if (n->size > OSTIAFS_SYMLINK_INLINE)
            *blocks += 1;
        return;
    }
    n->nlink = 2;
    uint64_t bytes = OSTIAFS_BLOCK_SIZE;
    for (size_t i = 0; i < n->nchildren; i++) {
        struct node *c = n->child[i];

        number(c, next, blocks, links);
        if ((c->mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFDIR)
            n->nlink++;
        bytes += OSTIAFS_DIRENT_SIZE(strlen(c->name)) + sizeof(struct ostiafs_leaf_slot);
    }
    *blocks += file_blocks(bytes * 2); /* leaves are filled more than half */
}

uint32_t tree_number(struct node *root, uint64_t *blocks)
{
    struct link_table links = {0};
    uint32_t next = OSTIAFS_ROOT_INO;

    number(root, &next, blocks, &links);
    free(links.node);
    return next - OSTIAFS_ROOT_INO;
}
