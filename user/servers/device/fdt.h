/*
 * A flattened device tree, as the boot loader made it. [Devicetree Specification v0.4, chapter 5]
 * The blob comes from the machine and is trusted to be well formed, but never read past its end.
 */
#ifndef FDT_H
#define FDT_H

#include <stddef.h>
#include <stdint.h>

struct fdt_property {
    const char *name;
    const void *value;
    uint32_t length; /* bytes */
};

/* What fdt_walk tells of a node: its path and its properties. */
struct fdt_node {
    char path[256];             /* "" is the root; cut if longer */
    struct fdt_property properties[32];
    unsigned property_count;
    uint32_t address_cells;     /* of the parent: how this node's reg is to be read */
    uint32_t size_cells;
};

/* Calls visit for every node until it returns non-zero, which is returned; 0 at the end, -1: not a
 * device tree. Nodes come in the order of the tree, parents first. */
int fdt_walk(const void *blob, size_t size, int (*visit)(const struct fdt_node *node, void *arg),
             void *arg);

const struct fdt_property *fdt_property(const struct fdt_node *node, const char *name);
/* Is `string` one of the property's NUL-separated strings? */
int fdt_has_string(const struct fdt_property *property, const char *string);
/* The index-th big-endian cell (32 bits), 0 past the end. */
uint32_t fdt_cell(const struct fdt_property *property, unsigned index);

#endif
