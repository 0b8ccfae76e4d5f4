/*
 * The first task, made from the file `bootstrap` of the boot archive. Everything else in user mode
 * is that task's doing. Read kern/host.h and kern/task.h first.
 *
 * The boot archive is an ustar file [POSIX.1-2017, pax, "ustar Interchange Format"], which the boot
 * loader put into memory (QEMU: -initrd). `bootstrap` is a static AArch64 ELF64 executable.
 *
 * WHAT THE TASK FINDS
 *   - its segments, as its program headers say; the archive, read-only, at an address of its own;
 *   - a stack with argc, argv = {"bootstrap"}, envp = {"archive=0xADDRESS,0xSIZE"} and an auxiliary
 *     vector (AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_ENTRY), as the ELF ABI for AArch64 lays it
 *     out;
 *   - all registers 0 but pc and sp;
 *   - as its special port TASK_HOST_PORT a send right to the PRIVILEGED host port. No other task
 *     starts with it: the special port is not inherited but set to the plain host port (task.c), so
 *     privilege is what bootstrap hands on. (mach_host_self() returns this special port.)
 * What is wrong with the archive is said in one line; there is nothing to go on with.
 */
#include <ipc/ipc_port.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/task_server.h>
#include <mach/vm_map_server.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#define BOOTSTRAP_NAME "bootstrap"
#define HOW_TO "give QEMU -initrd build/boot.tar (`make boot.tar` builds it)"

/* ---- the archive ---- */

#define USTAR_BLOCK 512

struct ustar_header {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12]; /* octal */
    char mtime[12];
    char chksum[8];
    char typeflag; /* '0' or 0: a file */
    char linkname[100];
    char magic[6];
    char rest[249];
};
static_assert(sizeof(struct ustar_header) == USTAR_BLOCK, "ustar header");

static uint64_t octal(const char *digits, size_t length)
{
    uint64_t value = 0;

    for (size_t i = 0; i < length && digits[i] >= '0' && digits[i] <= '7'; i++)
        value = value * 8 + (digits[i] - '0');
    return value;
}

/* The contents of the file called BOOTSTRAP_NAME. */
static const char *find_bootstrap(const char *archive, size_t archive_size, size_t *size)
{
    size_t at = 0;

    if (archive_size == 0)
        panic("no boot archive: " HOW_TO);
    while (at + USTAR_BLOCK <= archive_size && archive[at] != '\0') {
        const struct ustar_header *header = (const struct ustar_header *)(archive + at);
        const char *name = strncmp(header->name, "./", 2) == 0 ? header->name + 2 : header->name;

        if (memcmp(header->magic, "ustar", 5) != 0)
            panic("the boot archive is no ustar file (at byte %zu): " HOW_TO, at);
        *size = octal(header->size, sizeof(header->size));
        at += USTAR_BLOCK;
        if (*size > archive_size - at)
            panic("the boot archive is cut off: %zu bytes, but %.100s ends at %zu: " HOW_TO,
                  archive_size, header->name, at + *size);
        if ((header->typeflag == '0' || header->typeflag == '\0')
            && strncmp(name, BOOTSTRAP_NAME, sizeof(header->name)) == 0)
            return archive + at;
        at += (*size + USTAR_BLOCK - 1) & ~(size_t)(USTAR_BLOCK - 1);
    }
    panic("the boot archive has no file `" BOOTSTRAP_NAME "`: " HOW_TO);
}

/* ---- the executable [System V ABI: ELF-64; ELF for the Arm 64-bit Architecture] ---- */

struct elf_header {
    uint8_t ident[16]; /* 0x7f E L F, 2: 64-bit, 1: little-endian, 1: version */
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t phoff;
    uint64_t shoff;
    uint32_t flags;
    uint16_t ehsize;
    uint16_t phentsize;
    uint16_t phnum;
    uint16_t shentsize;
    uint16_t shnum;
    uint16_t shstrndx;
};
#define ET_EXEC    2
#define EM_AARCH64 183

struct elf_segment {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t filesz;
    uint64_t memsz;
    uint64_t align;
};
#define PT_LOAD 1
#define PF_X    1
#define PF_W    2
#define PF_R    4

/* The auxiliary vector. */
#define AT_NULL   0
#define AT_PHDR   3
#define AT_PHENT  4
#define AT_PHNUM  5
#define AT_PAGESZ 6
#define AT_ENTRY  9

#define STACK_SIZE (256 * 1024UL)
#define STACK_TOP  (VM_MAX_ADDRESS - 16 * PAGE_SIZE)

struct image {
    const char *file;
    size_t size;
    const struct elf_header *header;
    const struct elf_segment *segments;
    vm_address_t headers_at; /* where the program headers are mapped, or 0 */
    vm_address_t end;        /* of the last segment looked at */
};

/* All that follows must hold of each PT_LOAD, in order; the name of what does not, else NULL. */
static const char *check_segment(struct image *image, const struct elf_segment *segment)
{
    uint64_t file_end;
    uint64_t end;

    if (__builtin_add_overflow(segment->offset, segment->filesz, &file_end)
        || file_end > image->size)
        return "a segment is not inside the file";
    if (segment->filesz > segment->memsz)
        return "a segment is larger in the file than in memory";
    if (__builtin_add_overflow(segment->vaddr, segment->memsz, &end)
        || segment->vaddr < VM_MIN_ADDRESS || end > STACK_TOP - STACK_SIZE)
        return "a segment lies outside user memory";
    if (((segment->vaddr - segment->offset) & PAGE_MASK) != 0)
        return "a segment's address and file offset differ within the page";
    if ((segment->flags & PF_W) != 0 && (segment->flags & PF_X) != 0)
        return "a segment is writable and executable";
    if (trunc_page(segment->vaddr) < image->end)
        return "segments share a page or are not in order";
    image->end = round_page(end);
    return NULL;
}

static const char *check_image(struct image *image)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const struct elf_header *header = image->header;
    bool entry_found = false;

    if (image->size < sizeof(*header) || memcmp(header->ident, ident, sizeof(ident)) != 0
        || header->type != ET_EXEC || header->machine != EM_AARCH64)
        return "no AArch64 ELF64 executable";
    if (header->phentsize != sizeof(struct elf_segment) || header->phnum == 0
        || header->phoff % sizeof(uint64_t) != 0 || header->phoff > image->size
        || header->phnum * sizeof(struct elf_segment) > image->size - header->phoff)
        return "its program headers are not inside the file";
    image->segments = (const struct elf_segment *)(image->file + header->phoff);
    for (int i = 0; i < header->phnum; i++) {
        const struct elf_segment *segment = &image->segments[i];
        const char *wrong;

        if (segment->type != PT_LOAD || segment->memsz == 0)
            continue;
        wrong = check_segment(image, segment);
        if (wrong != NULL)
            return wrong;
        if (header->entry >= segment->vaddr && header->entry - segment->vaddr < segment->filesz
            && (segment->flags & PF_X) != 0)
            entry_found = true;
        if (header->phoff >= segment->offset
            && header->phoff - segment->offset < segment->filesz)
            image->headers_at = segment->vaddr + header->phoff - segment->offset;
    }
    return entry_found ? NULL : "its entry point is in no executable segment";
}

/* ---- the address space ---- */

static void must(kern_return_t kr, const char *what)
{
    if (kr != KERN_SUCCESS)
        panic("bootstrap: cannot %s: error %d; more memory may help (QEMU: -m 128M)", what, kr);
}

/* Zero-filled memory at address, for writing as yet. */
static void allocate(vm_map_t map, vm_address_t address, vm_size_t size)
{
    must(vm_map_enter(map, &address, size, 0, false, NULL, 0, false, VM_PROT_DEFAULT, VM_PROT_ALL,
                      VM_INHERIT_DEFAULT),
         "allocate its memory");
}

static void write_to(vm_map_t map, vm_address_t address, const void *data, vm_size_t size)
{
    vm_map_copy_t copy;

    if (size == 0)
        return;
    must(vm_map_copyin_kernel(data, size, &copy), "copy its memory");
    must(vm_map_copy_overwrite(map, address, copy), "write its memory");
}

static void load(vm_map_t map, const struct image *image)
{
    for (int i = 0; i < image->header->phnum; i++) {
        const struct elf_segment *segment = &image->segments[i];
        vm_address_t start = trunc_page(segment->vaddr);
        vm_size_t size = round_page(segment->vaddr + segment->memsz) - start;
        vm_prot_t prot = VM_PROT_NONE;

        if (segment->type != PT_LOAD || segment->memsz == 0)
            continue;
        if ((segment->flags & PF_R) != 0)
            prot |= VM_PROT_READ;
        if ((segment->flags & PF_W) != 0)
            prot |= VM_PROT_READ | VM_PROT_WRITE;
        if ((segment->flags & PF_X) != 0)
            prot |= VM_PROT_READ | VM_PROT_EXECUTE;
        allocate(map, start, size);
        write_to(map, segment->vaddr, image->file + segment->offset, segment->filesz);
        must(vm_protect(map, start, size, FALSE, prot), "protect its memory");
    }
}

/* The archive, read-only, somewhere; the address of its first byte. */
static vm_address_t map_archive(vm_map_t map)
{
    phys_addr_t start = trunc_page(boot_info.archive_start);
    vm_offset_t in_page = boot_info.archive_start & PAGE_MASK;
    vm_size_t size = round_page(in_page + boot_info.archive_size);
    vm_object_t object = vm_object_allocate_device(start, size);
    vm_address_t address = VM_MIN_ADDRESS;

    if (object == NULL)
        must(KERN_RESOURCE_SHORTAGE, "map the boot archive");
    must(vm_map_enter(map, &address, size, 0, true, object, 0, false, VM_PROT_READ, VM_PROT_READ,
                      VM_INHERIT_NONE),
         "map the boot archive");
    return address + in_page;
}

/* Fills the top of the stack; the initial stack pointer, 16-aligned [AAPCS64, 6.4.5]. */
static vm_address_t make_stack(vm_map_t map, const struct image *image, vm_address_t archive)
{
    struct {
        uint64_t argc;
        uint64_t argv[2];
        uint64_t envp[2];
        uint64_t auxv[6][2];
        uint64_t pad; /* keeps the size a multiple of 16 */
        char arg0[16];
        char environment[64];
    } top = {.argc = 1};
    vm_address_t sp = STACK_TOP - sizeof(top);

    static_assert(sizeof(top) % 16 == 0, "stack alignment");
    top.argv[0] = sp + __builtin_offsetof(__typeof__(top), arg0);
    top.envp[0] = sp + __builtin_offsetof(__typeof__(top), environment);
    strlcpy(top.arg0, BOOTSTRAP_NAME, sizeof(top.arg0));
    snprintf(top.environment, sizeof(top.environment), "archive=0x%lx,0x%lx",
             (unsigned long)archive, (unsigned long)boot_info.archive_size);
    memcpy(top.auxv,
           (uint64_t[6][2]){
               {AT_PHDR, image->headers_at},
               {AT_PHENT, sizeof(struct elf_segment)},
               {AT_PHNUM, image->header->phnum},
               {AT_PAGESZ, PAGE_SIZE},
               {AT_ENTRY, image->header->entry},
               {AT_NULL, 0},
           },
           sizeof(top.auxv));
    allocate(map, STACK_TOP - STACK_SIZE, STACK_SIZE);
    write_to(map, sp, &top, sizeof(top));
    return sp;
}

void bootstrap_create(void)
{
    struct image image = {0};
    arm_thread_state64_t state = {.pc = 0};
    const char *wrong;
    thread_t thread;
    task_t task;

    image.file = find_bootstrap(phys_to_virt(boot_info.archive_start), boot_info.archive_size,
                                &image.size);
    image.header = (const struct elf_header *)image.file;
    wrong = check_image(&image);
    if (wrong != NULL)
        panic("`" BOOTSTRAP_NAME "` of the boot archive cannot be run: %s: " HOW_TO, wrong);

    must(task_create_internal(NULL, false, &task), "create the task");
    must(task_set_name(task, BOOTSTRAP_NAME), "name the task");
    must(task_set_special_port(task, TASK_HOST_PORT, ipc_port_make_send(realhost.priv_self)),
         "give it the host port");
    load(task->map, &image);
    state.pc = image.header->entry;
    state.sp = make_stack(task->map, &image, map_archive(task->map));
    must(thread_create_in(task, &thread), "create its thread");
    must(machine_thread_set_state(thread, ARM_THREAD_STATE64, (const natural_t *)&state,
                                  ARM_THREAD_STATE64_COUNT),
         "set its registers");
    must(thread_release(thread), "start its thread");
    thread_deallocate(thread);
    task_deallocate(task);
}
