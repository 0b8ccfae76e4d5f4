/*
 * Names of functions, from the symbol table of a program's file. Read report.c first.
 *
 * The file may be anything: nothing in it is believed but as far as it is read. The table is read once,
 * for all addresses.
 */
#include "proc.h"

#include <elf.h>
#include <elf_load.h>
#include <servers/io.h>
#include <string.h>

#define SECTIONS_MAX 64
#define SYMBOLS_MAX  65536

static char buffer[IO_DATA_MAX];

/* Reads size bytes at offset. FALSE: they are not there. */
static boolean_t read_at(mach_port_t file, uint64_t offset, void *to, uint32_t size)
{
    mach_msg_type_number_t count = sizeof(buffer);

    if (size > sizeof(buffer) || offset > INT64_MAX
        || io_pread(file, (int64_t)offset, size, buffer, &count) != KERN_SUCCESS || count < size)
        return FALSE;
    memcpy(to, buffer, size);
    return TRUE;
}

/* The symbol table's section and that of its names; what static-pie programs are loaded at in *bias. */
static boolean_t find_tables(mach_port_t file, Elf64_Shdr *table, Elf64_Shdr *names, uint64_t *bias)
{
    static Elf64_Shdr sections[SECTIONS_MAX];
    Elf64_Ehdr header;

    if (!read_at(file, 0, &header, sizeof(header)) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0
        || header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0 || header.e_shnum > SECTIONS_MAX
        || !read_at(file, header.e_shoff, sections, header.e_shnum * sizeof(Elf64_Shdr)))
        return FALSE;
    *bias = header.e_type == ET_DYN ? ELF_PIE_BASE : 0;
    for (unsigned i = 0; i < header.e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header.e_shnum)
            continue;
        *table = sections[i];
        *names = sections[sections[i].sh_link];
        return TRUE;
    }
    return FALSE;
}

/* The function is the one an address lies in, if no other that is known begins nearer before it. */
static void consider(const Elf64_Sym *sym, uint64_t bias, struct symbol *symbols, uint32_t *name_at,
                     unsigned count)
{
    uint64_t value = sym->st_value + bias;

    if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC)
        return;
    for (unsigned i = 0; i < count; i++) {
        if (value > symbols[i].address || value <= symbols[i].value
            || (sym->st_size != 0 && symbols[i].address - value >= sym->st_size))
            continue;
        symbols[i].value = value;
        name_at[i] = sym->st_name;
    }
}

void symbols_find(mach_port_t file, struct symbol *symbols, unsigned count)
{
    static Elf64_Sym some[IO_DATA_MAX / sizeof(Elf64_Sym)];
    uint32_t name_at[count];
    Elf64_Shdr table, names;
    uint64_t bias, total, n;

    if (!find_tables(file, &table, &names, &bias))
        return;
    total = table.sh_size / sizeof(Elf64_Sym);
    if (total > SYMBOLS_MAX)
        total = SYMBOLS_MAX;
    for (uint64_t first = 0; first < total; first += n) {
        n = total - first;
        if (n > sizeof(some) / sizeof(some[0]))
            n = sizeof(some) / sizeof(some[0]);
        if (!read_at(file, table.sh_offset + first * sizeof(Elf64_Sym), some, n * sizeof(Elf64_Sym)))
            break;
        for (uint64_t i = 0; i < n; i++)
            consider(&some[i], bias, symbols, name_at, count);
    }
    for (unsigned i = 0; i < count; i++) {
        char *name = symbols[i].name;

        if (symbols[i].value == 0)
            continue;
        /* At the end of the file there may be less than a whole name's room. */
        for (unsigned room = sizeof(symbols[i].name) - 1; room > 0; room /= 2)
            if (read_at(file, names.sh_offset + name_at[i], name, room))
                break;
        for (char *c = name; *c != '\0'; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
        if (name[0] == '\0')
            symbols[i].value = 0;
    }
}
