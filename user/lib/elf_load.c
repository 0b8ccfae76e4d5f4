/*
 * An ELF program into a task: check, map, stack. Read elf_load.h first.
 */
#include <elf_load.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <startup.h>
#include <stdlib.h>
#include <string.h>

/* Does [p_vaddr, p_vaddr+p_memsz) lie in user space, and the file part in the file? */
static boolean_t segment_ok(const Elf64_Phdr *ph, vm_address_t bias, uint64_t file_size)
{
    uint64_t start = ph->p_vaddr + bias;

    if (ph->p_filesz > ph->p_memsz || ph->p_offset > file_size ||
        ph->p_filesz > file_size - ph->p_offset)
        return FALSE;
    if (start < ph->p_vaddr || start >= VM_MAX_ADDRESS || ph->p_memsz > VM_MAX_ADDRESS - start)
        return FALSE;
    if ((start & PAGE_MASK) != (ph->p_offset & PAGE_MASK))
        return FALSE; /* could not be mapped */
    return (ph->p_flags & (PF_W | PF_X)) != (PF_W | PF_X);
}

kern_return_t elf_check(const void *data, size_t size, uint64_t file_size, struct elf_image *image)
{
    Elf64_Ehdr *eh = &image->header;
    vm_address_t last = 0;
    boolean_t loads = FALSE;

    if (size < sizeof(*eh))
        return KERN_INVALID_ARGUMENT;
    memcpy(eh, data, sizeof(*eh));
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_AARCH64 ||
        (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) ||
        eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 || eh->e_phnum > ELF_PHDR_MAX ||
        eh->e_phoff > size || eh->e_phnum * sizeof(Elf64_Phdr) > size - eh->e_phoff)
        return KERN_INVALID_ARGUMENT;
    memcpy(image->phdrs, (const char *)data + eh->e_phoff, eh->e_phnum * sizeof(Elf64_Phdr));
    image->phnum = eh->e_phnum;
    image->bias = eh->e_type == ET_DYN ? ELF_PIE_BASE : 0;
    image->entry = eh->e_entry + image->bias;
    image->phdr_address = 0;
    image->end = 0;

    for (unsigned i = 0; i < image->phnum; i++) {
        const Elf64_Phdr *ph = &image->phdrs[i];

        if (ph->p_type == PT_INTERP)
            return KERN_INVALID_ARGUMENT; /* needs a dynamic linker */
        if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
            continue;
        if (!segment_ok(ph, image->bias, file_size))
            return KERN_INVALID_ARGUMENT;
        if (trunc_page(ph->p_vaddr + image->bias) < last)
            return KERN_INVALID_ARGUMENT; /* out of order, or sharing a page */
        last = round_page(ph->p_vaddr + image->bias + ph->p_memsz);
        if (ph->p_offset <= eh->e_phoff &&
            eh->e_phoff + eh->e_phnum * sizeof(Elf64_Phdr) <= ph->p_offset + ph->p_filesz)
            image->phdr_address = ph->p_vaddr + image->bias + (eh->e_phoff - ph->p_offset);
        loads = TRUE;
    }
    image->end = last;
    if (!loads || image->entry >= VM_MAX_ADDRESS || last > STACK_TOP - STACK_SIZE)
        return KERN_INVALID_ARGUMENT;
    return KERN_SUCCESS;
}

static vm_prot_t segment_protection(const Elf64_Phdr *ph)
{
    return (ph->p_flags & PF_R ? VM_PROT_READ : 0) | (ph->p_flags & PF_W ? VM_PROT_WRITE : 0) |
           (ph->p_flags & PF_X ? VM_PROT_EXECUTE : 0);
}

/* Writes length bytes of this task's memory, or zeros (NULL), over task's at address. */
static kern_return_t put(task_t task, vm_address_t address, const void *data, vm_size_t length)
{
    static const char zeros[PAGE_SIZE];

    if (length == 0)
        return KERN_SUCCESS;
    return vm_write(task, address, (vm_offset_t)(data != NULL ? data : zeros), length);
}

/* The file's bytes are in memory: anonymous memory, filled, then protected. */
static kern_return_t map_bytes(task_t task, const Elf64_Phdr *ph, vm_address_t bias,
                               const char *bytes)
{
    vm_address_t start = trunc_page(ph->p_vaddr + bias);
    vm_address_t end = round_page(ph->p_vaddr + bias + ph->p_memsz);
    kern_return_t kr = vm_allocate(task, &start, end - start, FALSE);

    if (kr == KERN_SUCCESS)
        kr = put(task, ph->p_vaddr + bias, bytes + ph->p_offset, ph->p_filesz);
    if (kr == KERN_SUCCESS)
        kr = vm_protect(task, start, end - start, FALSE, segment_protection(ph));
    if (kr == KERN_SUCCESS && (ph->p_flags & PF_X)) {
        vm_machine_attribute_val_t value = MATTR_VAL_ICACHE_FLUSH;

        kr = vm_machine_attribute(task, start, end - start, MATTR_CACHE, &value);
    }
    return kr;
}

/*
 * The file is a memory object: its pages are mapped, copy-on-write where the segment is writable.
 * What follows the file part in its last page must read as zeros, whole pages after it are
 * anonymous.
 */
static kern_return_t map_object(task_t task, const Elf64_Phdr *ph, vm_address_t bias,
                                mach_port_t object)
{
    vm_prot_t prot = segment_protection(ph);
    vm_address_t start = trunc_page(ph->p_vaddr + bias);
    vm_address_t file_end = ph->p_vaddr + bias + ph->p_filesz;
    vm_address_t end = round_page(ph->p_vaddr + bias + ph->p_memsz);
    vm_address_t anonymous = ph->p_filesz == 0 ? start : round_page(file_end);
    boolean_t writable = (prot & VM_PROT_WRITE) != 0;
    kern_return_t kr;

    if (anonymous > start) {
        kr = vm_map(task, &start, anonymous - start, 0, FALSE, object, trunc_page(ph->p_offset),
                    writable, prot, writable ? VM_PROT_DEFAULT : VM_PROT_READ | VM_PROT_EXECUTE,
                    VM_INHERIT_COPY);
        if (kr != KERN_SUCCESS)
            return kr;
        if (writable && ph->p_memsz > ph->p_filesz) {
            kr = put(task, file_end, NULL, anonymous - file_end);
            if (kr != KERN_SUCCESS)
                return kr;
        }
    }
    if (end > anonymous) {
        kr = vm_allocate(task, &anonymous, end - anonymous, FALSE);
        if (kr == KERN_SUCCESS && prot != VM_PROT_DEFAULT)
            kr = vm_protect(task, anonymous, end - anonymous, FALSE, prot);
        return kr;
    }
    return KERN_SUCCESS;
}

kern_return_t elf_map(task_t task, const struct elf_image *image, const struct elf_source *source)
{
    for (unsigned i = 0; i < image->phnum; i++) {
        const Elf64_Phdr *ph = &image->phdrs[i];
        kern_return_t kr;

        if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
            continue;
        kr = source->bytes != NULL ? map_bytes(task, ph, image->bias, source->bytes)
                                   : map_object(task, ph, image->bias, source->memory_object);
        if (kr != KERN_SUCCESS)
            return kr;
    }
    return KERN_SUCCESS;
}

#define AUX_MAX 12 /* entries made below, at most */

kern_return_t elf_stack(task_t task, const struct elf_image *image, unsigned argc, unsigned envc,
                        const char *strings, size_t string_size, const void *startup,
                        size_t startup_size, vm_address_t *sp)
{
    size_t vector = sizeof(uint64_t) * (1 + (argc + 1) + (envc + 1) + 2 * AUX_MAX);
    size_t size = vector + startup_size + 16 + string_size + 32;
    vm_address_t stack = STACK_TOP - STACK_SIZE;
    vm_address_t base, at, startup_at, string_at, random_at;
    uint64_t *words;
    size_t n = 0;
    char *page, *next;
    kern_return_t kr;

    if (string_size > STACK_SIZE / 4 || startup_size > STACK_SIZE / 4 ||
        (uint64_t)argc + envc > STACK_SIZE / 32)
        return KERN_NO_SPACE;
    base = (STACK_TOP - size) & ~(vm_address_t)15;
    size = STACK_TOP - base;
    page = malloc(size);
    if (page == NULL)
        return KERN_RESOURCE_SHORTAGE;
    memset(page, 0, size);

    at = base + vector;
    startup_at = at = (at + 15) & ~(vm_address_t)15;
    memcpy(page + (at - base), startup, startup_size);
    at += startup_size;
    string_at = at;
    memcpy(page + (at - base), strings, string_size);
    at += string_size;
    random_at = at = (at + 7) & ~(vm_address_t)7;
    *(uint64_t *)(page + (at - base)) = random_at ^ (uint64_t)(uintptr_t)page << 24;

    words = (uint64_t *)page;
    words[n++] = argc;
    next = (char *)strings;
    for (unsigned i = 0; i < argc + envc; i++) {
        if (i == argc)
            words[n++] = 0;
        words[n++] = string_at + (next - strings);
        next += strnlen(next, strings + string_size - next) + 1;
        if (next > strings + string_size) {
            free(page);
            return KERN_INVALID_ARGUMENT; /* fewer strings than argc + envc */
        }
    }
    if (envc == 0)
        words[n++] = 0;
    words[n++] = 0;
    const uint64_t aux[][2] = {
        {AT_PAGESZ, PAGE_SIZE},
        {AT_ENTRY, image->entry},
        {AT_PHDR, image->phdr_address},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, image->phdr_address != 0 ? image->phnum : 0},
        {AT_RANDOM, random_at},
        {AT_OSTIA_STARTUP, startup_size != 0 ? startup_at : 0},
        {AT_NULL, 0},
    };
    _Static_assert(sizeof(aux) / sizeof(aux[0]) <= AUX_MAX, "AUX_MAX");
    memcpy(&words[n], aux, sizeof(aux));

    kr = vm_allocate(task, &stack, STACK_SIZE, FALSE);
    if (kr == KERN_SUCCESS) {
        kr = put(task, base, page, size);
        if (kr != KERN_SUCCESS)
            vm_deallocate(task, stack, STACK_SIZE);
    }
    free(page);
    *sp = base;
    return kr;
}
