/*
 * file.c: the bytes of a file in memory. Read struct tree in fs.h before.
 *
 * The pages that have been written are in a tree like a page table's, which grows at its top as the file
 * does; what it does not have is zeros, and takes no room. Each page is memory of its own from the kernel,
 * and goes back to it. The bytes of the last page beyond the file's size are zero: so a file can grow
 * without looking there.
 */
#include "fs.h"
#include "parts.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/vm_map.h>
#include <string.h>

static size_t smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* A zeroed page, for contents or for slots. ENOSPC, ENOMEM. */
static int page_alloc(struct fs *fs, void **page)
{
    vm_address_t at = 0;

    if (fs->pages >= fs->pages_max)
        return ENOSPC;
    if (vm_allocate(mach_task_self(), &at, PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return ENOMEM;
    fs->pages++;
    *page = (void *)at;
    return 0;
}

static void page_free(struct fs *fs, void *page)
{
    vm_deallocate(mach_task_self(), (vm_address_t)page, PAGE_SIZE);
    fs->pages--;
}

/* Does a tree of that height have room for page number `index`? */
static bool has_room(unsigned height, uint64_t index)
{
    return index >> (height * TREE_BITS) == 0;
}

static uint32_t slot_of(uint64_t index, unsigned level)
{
    return (uint32_t)(index >> ((level - 1) * TREE_BITS)) & (TREE_SLOTS - 1);
}

/* The page, or NULL: it is zeros. */
static uint8_t *page_find(const struct tree *tree, uint64_t index)
{
    void *at = tree->root;

    if (!has_room(tree->height, index))
        return NULL;
    for (unsigned level = tree->height; level > 0 && at != NULL; level--)
        at = ((void **)at)[slot_of(index, level)];
    return at;
}

/* The page, made if it is not there. What was made on the way there stays, if that fails: it goes with
 * the file. */
static int page_make(struct inode *ip, uint64_t index, uint8_t **page)
{
    struct tree *tree = &ip->tree;
    void **at = &tree->root;
    int err = 0;

    while (!has_room(tree->height, index)) {
        void *top;

        if (tree->root != NULL) { /* an empty tree can have any height */
            err = page_alloc(ip->fs, &top);
            if (err != 0)
                return err;
            ((void **)top)[0] = tree->root;
            tree->root = top;
        }
        tree->height++;
    }
    for (unsigned level = tree->height; level > 0; level--) {
        if (*at == NULL)
            err = page_alloc(ip->fs, at);
        if (err != 0)
            return err;
        at = &((void **)*at)[slot_of(index, level)];
    }
    if (*at == NULL) {
        err = page_alloc(ip->fs, at);
        if (err != 0)
            return err;
        ip->d->blocks++;
    }
    *page = *at;
    return 0;
}

/* Frees the pages from number `first` on, counted from this part's own first one. True: nothing is left
 * of it. */
static bool free_from(struct inode *ip, void *at, unsigned level, uint64_t first)
{
    void **slot = at;
    bool empty = first == 0;

    if (level == 0) {
        page_free(ip->fs, at);
        ip->d->blocks--;
        return true;
    }
    for (uint32_t i = slot_of(first, level); i < TREE_SLOTS; i++) {
        uint64_t rest = i == slot_of(first, level) ? first & ((1UL << ((level - 1) * TREE_BITS)) - 1) : 0;

        if (slot[i] != NULL && free_from(ip, slot[i], level - 1, rest))
            slot[i] = NULL;
    }
    for (uint32_t i = 0; i < slot_of(first, level) + 1 && !empty; i++)
        if (slot[i] != NULL)
            return false;
    page_free(ip->fs, at);
    return true;
}

/* Frees all pages from number `first` on. */
static void cut(struct inode *ip, uint64_t first)
{
    struct tree *tree = &ip->tree;

    if (tree->root != NULL && has_room(tree->height, first) &&
        free_from(ip, tree->root, tree->height, first))
        *tree = (struct tree){.root = NULL};
}

void tree_free(struct inode *ip)
{
    cut(ip, 0);
}

int file_read(struct inode *ip, uint64_t offset, void *data, size_t *len)
{
    size_t want = offset < ip->d->size ? smaller(*len, ip->d->size - offset) : 0;
    size_t done = 0;

    while (done < want) {
        size_t at = (size_t)((offset + done) % PAGE_SIZE);
        size_t n = smaller(PAGE_SIZE - at, want - done);
        const uint8_t *page = page_find(&ip->tree, (offset + done) / PAGE_SIZE);

        if (page != NULL)
            memcpy((char *)data + done, page + at, n);
        else
            memset((char *)data + done, 0, n);
        done += n;
    }
    *len = done;
    return 0;
}

int file_write(struct inode *ip, uint64_t offset, const void *data, size_t *len)
{
    size_t want = *len;
    size_t done = 0;
    int err = 0;

    *len = 0;
    if (want == 0)
        return 0;
    if (offset >= OSTIAFS_MAX_FILE_SIZE)
        return EFBIG;
    want = smaller(want, OSTIAFS_MAX_FILE_SIZE - offset);
    while (done < want) {
        size_t at = (size_t)((offset + done) % PAGE_SIZE);
        size_t n = smaller(PAGE_SIZE - at, want - done);
        uint8_t *page;

        err = page_make(ip, (offset + done) / PAGE_SIZE, &page);
        if (err != 0)
            break;
        memcpy(page + at, (const char *)data + done, n);
        done += n;
    }
    if (done > 0) {
        if (offset + done > ip->d->size)
            ip->d->size = offset + done;
        inode_touch(ip, TIME_M | TIME_C);
    }
    *len = done;
    return done > 0 ? 0 : err;
}

int file_truncate(struct inode *ip, uint64_t size)
{
    size_t tail = (size_t)(size % PAGE_SIZE);
    uint8_t *last;

    if (size > OSTIAFS_MAX_FILE_SIZE)
        return EFBIG;
    if (size < ip->d->size) {
        cut(ip, (size + PAGE_SIZE - 1) / PAGE_SIZE);
        last = tail != 0 ? page_find(&ip->tree, size / PAGE_SIZE) : NULL;
        if (last != NULL)
            memset(last + tail, 0, PAGE_SIZE - tail);
    }
    ip->d->size = size;
    inode_touch(ip, TIME_M | TIME_C);
    return 0;
}

int file_set_target(struct inode *ip, const char *target, size_t len)
{
    return file_write(ip, 0, target, &len); /* less than a page: all or nothing */
}
