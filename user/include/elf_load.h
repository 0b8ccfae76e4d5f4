/*
 * elf_load: an ELF program into a task. Used by the bootstrap task (from the boot archive) and by
 * the proc server (from a file's memory object).
 */
#ifndef _ELF_LOAD_H_
#define _ELF_LOAD_H_

#include <elf.h>
#include <mach/mach_types.h>
#include <stddef.h>

#define ELF_PHDR_MAX 64 /* program headers looked at; more is not well formed here */

struct elf_image {
    Elf64_Ehdr header;
    Elf64_Phdr phdrs[ELF_PHDR_MAX];
    unsigned phnum;
    vm_address_t bias;    /* added to every p_vaddr: 0 for ET_EXEC */
    vm_address_t entry;
    vm_address_t phdr_address; /* of the program headers in memory, or 0 */
    vm_address_t end;     /* highest address used, page aligned */
};

/*
 * Reads and checks the headers of the file whose first `size` bytes are at data (all program
 * headers must be in them); file_size is the whole file's. KERN_INVALID_ARGUMENT: not a static
 * AArch64 program, or segments that overlap, wrap, lie outside user space, or want writable and
 * executable memory.
 */
kern_return_t elf_check(const void *data, size_t size, uint64_t file_size, struct elf_image *image);

/* What a loader must do for one segment; the address and lengths are those of the ELF file. */
struct elf_source {
    const char *bytes;            /* the whole file in memory, or NULL: */
    mach_port_t memory_object;    /* its memory object */
};

/* Maps all segments into task (nothing may be in their way: KERN_NO_SPACE). On failure what was
 * mapped is left for the caller, who gives up the task or its address space. */
kern_return_t elf_map(task_t task, const struct elf_image *image, const struct elf_source *source);

#define ELF_PIE_BASE ((vm_address_t)0x400000) /* of a static-pie program: where others are linked */

#define STACK_TOP  ((vm_address_t)0x00007ffffffff000) /* exclusive */
#define STACK_SIZE ((vm_size_t)(8 << 20))             /* reserved; touched pages only cost memory */

/*
 * Allocates a stack and fills it as the ELF ABI says: argc, argv, envp, auxv, strings. strings
 * holds argc + envc NUL-terminated strings, string_size bytes in all. startup (startup_size bytes,
 * may be NULL) is put there too, found through AT_OSTIA_STARTUP. *sp is the initial stack pointer.
 */
kern_return_t elf_stack(task_t task, const struct elf_image *image, unsigned argc, unsigned envc,
                        const char *strings, size_t string_size, const void *startup,
                        size_t startup_size, vm_address_t *sp);

#endif
