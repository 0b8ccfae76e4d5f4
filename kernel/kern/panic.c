/*
 * The end, when the kernel finds that what cannot be is: a message, the registers of the fault if
 * it was one, and how we got here. Frames are followed by the frame pointers that all code keeps
 * (x29 points to the caller's x29 and the return address), names come from the symbol table of
 * ksyms.h.
 */
#include <grade.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/thread.h>
#include <ksyms.h>

#define BACKTRACE_MAX 32

/*
 * Prints `  pc symbol+offset` and a newline: pc in 16 hexadecimal digits, the last function that begins at or
 * below it, and the distance (%#lx). Of a pc that is no kernel text, or before the first function: pc alone.
 */
static void print_place(uint64_t pc)
{
    uint64_t offset = pc - ksyms_base;
    uint32_t low = 0;
    uint32_t high = ksyms_count;

    /* The last function that starts at or below offset. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ksyms_offset[middle] <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (pc < ksyms_base || low == 0 || !machine_is_text(pc))
        printf("  %016lx\n", pc);
    else
        printf("  %016lx %s+%#lx\n", pc, ksyms_strings + ksyms_name[low - 1],
               offset - ksyms_offset[low - 1]);
}

/*
 * A frame record is two words [AAPCS64, 6.4.6]: the caller's fp, and the address the function returns
 * to. Prints the place of each call (one instruction, 4 bytes, before that address: behind the call there
 * may be another function), from fp on (0: this function's own), BACKTRACE_MAX at most, until a record is
 * not 8-aligned or not wholly kernel memory, or returns to no text. It runs in a panic: nothing that it
 * finds may make it fault.
 */
void backtrace(unsigned long fp)
{
    if (fp == 0)
        fp = (unsigned long)__builtin_frame_address(0);
    for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
        const uint64_t *frame = (const uint64_t *)fp;

        if (fp % 8 != 0 || !machine_is_kernel_memory(fp) || !machine_is_kernel_memory(fp + 8))
            return; /* the end of the chain, or the user's */
        if (!machine_is_text(frame[1]))
            return;
        print_place(frame[1] - 4); /* the call, not what follows: that may be another function's */
        fp = frame[0];
    }
}

static void print_registers(const struct trapframe *frame)
{
    for (unsigned i = 0; i < 31; i++)
        printf("%sx%-2u %016lx%s", i % 4 == 0 ? "  " : " ", i, frame->x[i], i % 4 == 3 ? "\n" : "");
    printf("\n  sp  %016lx pc  %016lx cpsr %08lx\n", frame->sp, frame->pc, frame->cpsr);
}

void panic(const char *format, ...)
{
    static uint32_t panicking; /* CPU number + 1 of the first */
    uint32_t expected = 0;
    uint32_t self = current_cpu()->number + 1;
    const struct trapframe *fault = machine_fault_frame();
    char word[8];
    va_list ap;

    if (!__atomic_compare_exchange_n(&panicking, &expected, self, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE) &&
        expected != self)
        machine_halt(); /* one panic is enough; the other CPU is telling */
    console_break_lock();
    if (expected == self) {
        printf("\npanic during a panic\n");
        machine_halt();
    }
    machine_stop_other_cpus();
    grade_flag(GRADE_PANIC);
    printf("\npanic on CPU %u: ", self - 1);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    if (fault != NULL) {
        print_registers(fault);
        print_place(fault->pc);
        if (fault->cpsr & 0xf) /* not from EL0 */
            backtrace(fault->x[29]);
    } else {
        backtrace(0);
    }
    if (boot_arg("panic", word, sizeof(word)) && strcmp(word, "off") == 0)
        machine_reboot(0);
    machine_halt();
}
