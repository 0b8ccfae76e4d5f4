/*
 * The report of a process that ends: registers, who called whom, what is mapped. Read crash.c first.
 *
 * Everything here is run by a thread of its own. What it reads of the process may be anything, and its
 * reading may fail: memory is taken by vm_read, and looked at by a trap that tells of a fault instead of
 * dying of it. Nothing is longer than the limits below.
 */
#include "proc.h"

#include <elf.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <servers/fs.h>
#include <stdio.h>
#include <string.h>

#define FRAMES_MAX  32
#define REGIONS_MAX 48

/* Copies the task's memory. FALSE: there is none, or it cannot be had. */
static boolean_t peek(task_t task, vm_address_t address, void *to, vm_size_t size)
{
    vm_offset_t data;
    mach_msg_type_number_t count;
    boolean_t good;

    if (vm_read(task, address, size, &data, &count) != KERN_SUCCESS)
        return FALSE;
    good = vm_read_overwrite_trap(mach_task_self(), data, size, (vm_address_t)to) == KERN_SUCCESS;
    vm_deallocate(mach_task_self(), data, count);
    return good;
}

/* The registers of the task's first thread, if nobody has said which. */
static void find_state(struct report *r)
{
    mach_msg_type_number_t words = ARM_THREAD_STATE64_COUNT, count;
    mach_port_t *threads;

    if (r->has_state || task_threads(r->task, &threads, &count) != KERN_SUCCESS)
        return;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (i == 0)
            r->has_state = thread_get_state(threads[i], ARM_THREAD_STATE64, (thread_state_t)&r->state, &words)
                == KERN_SUCCESS;
        mach_port_deallocate(mach_task_self(), threads[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
}

static void print_registers(const arm_thread_state64_t *s)
{
    for (int i = 0; i < 29; i++)
        printf("%*sx%d %016llx%s", i < 10 ? 3 : 2, "", i, (unsigned long long)s->x[i],
               i % 4 == 3 ? "\n" : "");
    printf("   fp %016llx   lr %016llx   sp %016llx\n   pc %016llx cpsr %08x\n", (unsigned long long)s->fp,
           (unsigned long long)s->lr, (unsigned long long)s->sp, (unsigned long long)s->pc, s->cpsr);
}

/* The file the program is of; a right to be given back, or MACH_PORT_NULL. */
static mach_port_t open_program(struct report *r)
{
    mach_msg_type_name_t how;
    mach_port_t file = MACH_PORT_NULL;
    uint32_t on;

    if (r->file != MACH_PORT_NULL || r->root == MACH_PORT_NULL || r->program[0] == '\0')
        return r->file;
    if (fs_open(r->root, r->program, O_RDONLY, 0, &file, &how, &on) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    if (on != 0) { /* it is another server's: of anybody's, perhaps */
        mach_port_deallocate(mach_task_self(), file);
        file = MACH_PORT_NULL;
    }
    r->file = file;
    return file;
}

/* Where the function that was running goes on, and its callers. A frame is the caller's frame pointer and the
 * address to return to [AAPCS64, 6.4.6]; frames lie one above the other. The number. */
static unsigned walk_frames(struct report *r, struct symbol *symbols)
{
    uint64_t fp = r->state.fp, frame[2];
    unsigned count = 0;

    symbols[count++].address = r->state.pc;
    symbols[count++].address = r->state.lr - 4; /* of a function that has not made its frame; see below */
    while (count < FRAMES_MAX && fp != 0 && fp % sizeof(uint64_t) == 0
           && peek(r->task, fp, frame, sizeof(frame)) && frame[1] != 0) {
        symbols[count++].address = frame[1] - 4; /* the call, not what follows */
        if (frame[0] <= fp)
            break;
        fp = frame[0];
    }
    return count;
}

static void print_frames(struct report *r)
{
    static struct symbol symbols[FRAMES_MAX];
    mach_port_t file = open_program(r);
    unsigned count, shown = 0;

    memset(symbols, 0, sizeof(symbols));
    count = walk_frames(r, symbols);
    if (file != MACH_PORT_NULL && fs_is_open(r->root, file) == KERN_SUCCESS)
        symbols_find(file, symbols, count);
    for (unsigned i = 0; i < count; i++) {
        /* x30 is a caller if this function has not saved it. If it has, it may be any call made here, or is
         * what the first frame says. */
        if (i == 1 && (symbols[1].value == 0 || symbols[1].value == symbols[0].value
                       || (count > 2 && symbols[1].address == symbols[2].address)))
            continue;
        printf("  #%-2u %016llx", shown++, (unsigned long long)symbols[i].address);
        if (symbols[i].value != 0)
            printf(" %s+%#llx", symbols[i].name, (unsigned long long)(symbols[i].address - symbols[i].value));
        printf("\n");
    }
    if (count == FRAMES_MAX)
        printf("  ... there may be more\n");
}

static void print_map(task_t task)
{
    vm_region_info_data_t info;
    vm_address_t address = 0;
    vm_size_t size;

    for (unsigned i = 0; vm_region(task, &address, &size, &info) == KERN_SUCCESS; i++) {
        if (i == REGIONS_MAX) {
            printf("  ... and more\n");
            return;
        }
        printf("  %012llx-%012llx %c%c%c %6llu KiB %s%s\n", (unsigned long long)address,
               (unsigned long long)(address + size), info.protection & VM_PROT_READ ? 'r' : '-',
               info.protection & VM_PROT_WRITE ? 'w' : '-', info.protection & VM_PROT_EXECUTE ? 'x' : '-',
               (unsigned long long)size / 1024, info.object_id == 0 ? "untouched"
               : info.external_pager ? "pager" : "anonymous", info.shared ? ", shared" : "");
        address += size;
    }
}

static void release(mach_port_t right)
{
    if (right != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), right);
}

void report_print(struct report *r)
{
    find_state(r);
    if (r->has_state) {
        print_registers(&r->state);
        print_frames(r);
    }
    print_map(r->task);
    release(r->file);
    release(r->root);
    release(r->task);
}
