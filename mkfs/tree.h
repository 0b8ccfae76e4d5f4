/*
 * tree.h: what mkfs is going to put on the volume, as a tree in memory. Filled from a folder of the
 * host and from lines that describe what a host's folder cannot hold (device nodes).
 */
#ifndef _MKFS_TREE_H_
#define _MKFS_TREE_H_

#include <stddef.h>
#include <stdint.h>

struct node {
    char *name;         /* in its directory; "" for the root */
    struct node *parent; /* the root's is itself */
    uint32_t mode;      /* OSTIAFS_S_* and permissions */
    uint32_t major;
    uint32_t minor;
    char *host_path;    /* regular file: where its bytes are; else NULL */
    uint64_t host_dev;  /* what tells that two host names are one file */
    uint64_t host_ino;
    char *target;       /* symbolic link */
    uint64_t size;      /* regular file or link, bytes */
    struct node *same;  /* a hard link: the node that has the inode; else NULL */
    struct node **child; /* directory: sorted by name */
    size_t nchildren;
    size_t room;
    uint32_t ino; /* given when the volume is written */
    uint32_t nlink;
};

/* An empty root directory. Ends the program if there is no memory, as all here do. */
struct node *tree_new(void);

/* Puts everything in the host's folder `path` under the directory `dir`, sorted by name. Ends the
 * program with a message if something cannot be read or is of a kind a volume cannot hold. */
void tree_add_folder(struct node *dir, const char *path);

/* Adds what a line says: "PATH c|b MAJOR MINOR [MODE]" or "PATH d [MODE]", the mode in octal.
 * Directories on the way are made. Ends the program if the line makes no sense. */
void tree_add_spec(struct node *root, const char *line);

/* The same for every line of a file; empty lines and those that begin with # are skipped. */
void tree_add_spec_file(struct node *root, const char *path);

/* Numbers the inodes from 1 in depth-first, sorted order, finds hard links and counts links.
 * Returns the number of inodes; adds to *blocks the blocks that contents will need at most. */
uint32_t tree_number(struct node *root, uint64_t *blocks);

/* Prints "mkfs: ..." and ends the program with status 1. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* malloc of zeroed memory that ends the program if there is none. */
void *xalloc(size_t size);

#endif
