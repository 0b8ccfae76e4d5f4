/*
 * Walking a flattened device tree. Read fdt.h first.
 *
 * The structure block is a string of 32-bit tokens: BEGIN_NODE name, PROP length nameoff value,
 * END_NODE, NOP, END; everything big-endian and 4-aligned.
 */
#include "fdt.h"

#include <string.h>

#define FDT_MAGIC      0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4

#define DEPTH_MAX 16

struct header { /* spec 5.2 */
    uint32_t magic, totalsize, off_struct, off_strings, off_rsvmap, version, last_comp, boot_cpu,
        size_strings, size_struct;
};

static uint32_t be32(const void *p)
{
    const uint8_t *b = p;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t fdt_cell(const struct fdt_property *property, unsigned index)
{
    if (property == NULL || (uint64_t)(index + 1) * 4 > property->length)
        return 0;
    return be32((const char *)property->value + index * 4);
}

const struct fdt_property *fdt_property(const struct fdt_node *node, const char *name)
{
    for (unsigned i = 0; i < node->property_count; i++)
        if (strcmp(node->properties[i].name, name) == 0)
            return &node->properties[i];
    return NULL;
}

int fdt_has_string(const struct fdt_property *property, const char *string)
{
    size_t wanted = strlen(string) + 1;
    const char *at, *end;

    if (property == NULL)
        return 0;
    at = property->value;
    for (end = at + property->length; at < end; at += strnlen(at, end - at) + 1)
        if ((size_t)(end - at) >= wanted && memcmp(at, string, wanted) == 0)
            return 1;
    return 0;
}

/* The cell counts a node sets for its children; the specification's defaults are 2 and 1. */
static uint32_t cells(const struct fdt_node *node, const char *name, uint32_t otherwise)
{
    const struct fdt_property *p = fdt_property(node, name);

    return p != NULL ? fdt_cell(p, 0) : otherwise;
}

int fdt_walk(const void *blob, size_t size, int (*visit)(const struct fdt_node *, void *),
             void *arg)
{
    /* Properties precede child nodes (5.4), so one node is gathered at a time. */
    static struct fdt_node node;
    struct {
        size_t path_length;
        uint32_t address_cells, size_cells;
    } levels[DEPTH_MAX] = {{0, 2, 1}};
    const struct header *h = blob;
    const char *at, *end, *strings;
    uint32_t strings_size;
    int depth = 0, gathering = 0, result;

    if (size < sizeof(*h) || be32(&h->magic) != FDT_MAGIC || be32(&h->totalsize) > size)
        return -1;
    size = be32(&h->totalsize);
    strings_size = be32(&h->size_strings);
    if (be32(&h->off_struct) > size || be32(&h->size_struct) > size - be32(&h->off_struct) ||
        be32(&h->off_strings) > size || strings_size > size - be32(&h->off_strings))
        return -1;
    at = (const char *)blob + be32(&h->off_struct);
    end = at + be32(&h->size_struct);
    strings = (const char *)blob + be32(&h->off_strings);

    while (end - at >= 4) {
        uint32_t token = be32(at);

        at += 4;
        if (token == FDT_NOP)
            continue;
        if (token == FDT_PROP) {
            uint32_t length, name;

            if (end - at < 8)
                return -1;
            length = be32(at);
            name = be32(at + 4);
            at += 8;
            if (length > (size_t)(end - at) || name >= strings_size)
                return -1;
            if (gathering && node.property_count < 32)
                node.properties[node.property_count++] =
                    (struct fdt_property){strings + name, at, length};
            at += (length + 3) & ~3u;
            continue;
        }
        if (gathering) { /* the node's properties are complete */
            gathering = 0;
            levels[depth].address_cells = cells(&node, "#address-cells", 2);
            levels[depth].size_cells = cells(&node, "#size-cells", 1);
            result = visit(&node, arg);
            if (result != 0)
                return result;
        }
        if (token == FDT_BEGIN_NODE) {
            size_t length = strnlen(at, end - at);
            size_t base = levels[depth].path_length;

            if (depth + 1 >= DEPTH_MAX || length == (size_t)(end - at))
                return -1;
            node.path[base] = '\0';
            if (length > 0 && base + length + 2 <= sizeof(node.path)) {
                node.path[base] = '/';
                memcpy(node.path + base + 1, at, length + 1);
                base += length + 1;
            }
            node.address_cells = levels[depth].address_cells;
            node.size_cells = levels[depth].size_cells;
            levels[++depth].path_length = base;
            node.property_count = 0;
            gathering = 1;
            at += (length + 4) & ~(size_t)3;
        } else if (token == FDT_END_NODE) {
            if (depth-- == 0)
                return -1;
        } else {
            return depth == 0 ? 0 : -1; /* FDT_END */
        }
    }
    return -1;
}
