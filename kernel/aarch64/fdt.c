/*
 * The flattened device tree: how the boot loader describes the machine (Devicetree Specification
 * 0.4, chapter 5). A header, a stream of big-endian 32-bit tokens, and a block of property names.
 *
 *   BEGIN_NODE "name\0" pad  { PROP length nameoff data pad }  { child nodes }  END_NODE ... END
 *
 * It comes from the loader and is trusted; it is only checked to be one.
 */
#include "board.h"
#include <kern/debug.h>

#define FDT_MAGIC      0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4
#define FDT_END        9

#define FDT_MAX_DEPTH  16
/* Where the specification's defaults apply: a node without #address-cells, #size-cells. */
#define FDT_ADDRESS_CELLS 2
#define FDT_SIZE_CELLS    1

struct fdt_header {
    uint32_t magic;
    uint32_t totalsize;
    uint32_t off_dt_struct;
    uint32_t off_dt_strings;
    uint32_t off_mem_rsvmap;
    uint32_t version;
    uint32_t last_comp_version;
    uint32_t boot_cpuid_phys;
    uint32_t size_dt_strings;
    uint32_t size_dt_struct;
};

static uint32_t be32(uint32_t value)
{
    return __builtin_bswap32(value);
}

static const uint32_t *skip_bytes(const uint32_t *token, uint32_t bytes)
{
    return token + (bytes + 3) / 4;
}

bool fdt_valid(const void *fdt)
{
    return be32(((const struct fdt_header *)fdt)->magic) == FDT_MAGIC;
}

uint32_t fdt_pack(void *fdt)
{
    struct fdt_header *header = fdt;
    uint32_t struct_end = be32(header->off_dt_struct) + be32(header->size_dt_struct);
    uint32_t strings_end = be32(header->off_dt_strings) + be32(header->size_dt_strings);
    uint32_t size = MAX(struct_end, strings_end);

    if (size < be32(header->totalsize))
        header->totalsize = be32(size);
    return be32(header->totalsize);
}

const void *fdt_property(const struct fdt_node *node, const char *name, uint32_t *length)
{
    const uint32_t *token = node->properties;

    for (;;) {
        switch (be32(*token)) {
        case FDT_NOP:
            token++;
            break;
        case FDT_PROP:
            if (strcmp(node->strings + be32(token[2]), name) == 0) {
                *length = be32(token[1]);
                return token + 3;
            }
            token = skip_bytes(token + 3, be32(token[1]));
            break;
        default: /* properties come before children */
            return NULL;
        }
    }
}

bool fdt_cell(const struct fdt_node *node, const char *name, uint32_t index, uint32_t *value)
{
    uint32_t length;
    const uint32_t *cells = fdt_property(node, name, &length);

    if (cells == NULL || length / 4 <= index)
        return false;
    *value = be32(cells[index]);
    return true;
}

bool fdt_has_string(const struct fdt_node *node, const char *name, const char *string)
{
    uint32_t length;
    const char *at = fdt_property(node, name, &length);
    const char *end = at + length;

    if (at == NULL)
        return false;
    for (; at < end; at += strlen(at) + 1) {
        if (strcmp(at, string) == 0)
            return true;
    }
    return false;
}

static uint64_t read_cells(const uint32_t *cell, uint32_t count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 32 | be32(*cell++);
    return value;
}

bool fdt_reg(const struct fdt_node *node, uint32_t index, uint64_t *address, uint64_t *size)
{
    uint32_t entry = node->address_cells + node->size_cells;
    uint32_t length;
    const uint32_t *cell = fdt_property(node, "reg", &length);

    if (cell == NULL || length / 4 < (index + 1) * entry)
        return false;
    cell += index * entry;
    *address = read_cells(cell, node->address_cells);
    *size = read_cells(cell + node->address_cells, node->size_cells);
    return true;
}

void fdt_for_each_node(const void *fdt, void (*visit)(const struct fdt_node *node, void *arg),
                       void *arg)
{
    const struct fdt_header *header = fdt;
    const uint32_t *token = (const void *)((const char *)fdt + be32(header->off_dt_struct));
    struct {
        uint32_t address, size;
    } cells[FDT_MAX_DEPTH + 1]; /* how children at each depth are to be read */
    uint32_t depth = 0;

    cells[0].address = FDT_ADDRESS_CELLS;
    cells[0].size = FDT_SIZE_CELLS;
    for (;;) {
        switch (be32(*token)) {
        case FDT_BEGIN_NODE: {
            struct fdt_node node;

            if (depth == FDT_MAX_DEPTH)
                panic("device tree: nested deeper than %d, at node %s", FDT_MAX_DEPTH,
                      (const char *)(token + 1));
            node.name = (const char *)(token + 1);
            node.properties = skip_bytes(token + 1, strlen(node.name) + 1);
            node.strings = (const char *)fdt + be32(header->off_dt_strings);
            node.depth = depth;
            node.address_cells = cells[depth].address;
            node.size_cells = cells[depth].size;
            depth++;
            if (!fdt_cell(&node, "#address-cells", 0, &cells[depth].address))
                cells[depth].address = FDT_ADDRESS_CELLS;
            if (!fdt_cell(&node, "#size-cells", 0, &cells[depth].size))
                cells[depth].size = FDT_SIZE_CELLS;
            visit(&node, arg);
            token = node.properties;
            break;
        }
        case FDT_PROP:
            token = skip_bytes(token + 3, be32(token[1]));
            break;
        case FDT_NOP:
            token++;
            break;
        case FDT_END_NODE:
            token++;
            depth--;
            break;
        default:
            return;
        }
    }
}
