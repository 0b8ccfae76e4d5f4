/*
 * kernel/kern/panic.c as a program: backtraces over frames made up here, good and bad ones. The frames
 * lie at the end of a page that no page follows: to look beyond is to die. test_trap.py compares what
 * is printed.
 *
 *     backtrace SCENARIO
 */
#include <grade.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/thread.h>
#include <ksyms.h>

void *mmap(void *address, size_t size, int prot, int flags, int fd, long offset);
void exit(int status) __attribute__((noreturn));
int fflush(void *stream);

#define PAGE      4096UL
#define BASE      0x10000000UL
#define TEXT_SIZE 0x200UL

const uint64_t ksyms_base = BASE;
const uint32_t ksyms_count = 4;
const uint32_t ksyms_offset[] = {0x10, 0x40, 0x44, 0x100};
const uint32_t ksyms_name[] = {0, 6, 11, 17};
const char ksyms_strings[] = "alpha\0beta\0gamma\0delta";

static uint64_t *frames; /* 32 words, the last of the page */
static struct trapframe fault;
static bool faulted;

bool machine_is_text(uint64_t va)
{
    return va >= BASE && va < BASE + TEXT_SIZE;
}

bool machine_is_kernel_memory(uint64_t va)
{
    return va >= (uint64_t)frames && va < (uint64_t)(frames + 32);
}

const struct trapframe *machine_fault_frame(void)
{
    return faulted ? &fault : NULL;
}

struct cpu *current_cpu_slow(void)
{
    return NULL;
}

struct thread *current_thread(void)
{
    static struct cpu cpu;
    static struct cpu *of_thread = &cpu;

    return (struct thread *)&of_thread;
}

void console_break_lock(void)
{
}

void machine_stop_other_cpus(void)
{
}

void grade_flag(uint32_t flag)
{
}

bool boot_arg(const char *key, char *buf, size_t size)
{
    return false;
}

void machine_reboot(int options)
{
    exit(3);
}

void machine_halt(void)
{
    fflush(NULL);
    exit(0);
}

static uint64_t at(unsigned word)
{
    return (uint64_t)&frames[word];
}

static void frame(unsigned word, uint64_t next, uint64_t return_address)
{
    frames[word] = next;
    frames[word + 1] = return_address;
}

int main(int argc, char **argv)
{
    char *page = mmap(NULL, 2 * PAGE, 0, 0x22 /* private, anonymous */, -1, 0);
    const char *what = argc > 1 ? argv[1] : "";

    mmap(page, PAGE, 3 /* read, write */, 0x32 /* and fixed */, -1, 0);
    frames = (uint64_t *)(page + PAGE) - 32;
    if (strcmp(what, "names") == 0) {
        frame(0, at(4), BASE + 0x14);        /* the first instruction of alpha made the call */
        frame(4, at(8), BASE + 0x40);        /* the last of alpha: beta begins behind it */
        frame(8, at(12), BASE + 0x48);       /* gamma, that comes at once behind beta */
        frame(12, at(16), BASE + 0x44);      /* beta */
        frame(16, 0, BASE + TEXT_SIZE);      /* not text any more */
        backtrace(at(0));
        frame(16, 0, BASE + TEXT_SIZE - 1);  /* the last function */
        backtrace(at(16));
        frame(16, 0, BASE + 0xc);            /* before the first function */
        backtrace(at(16));
    } else if (strcmp(what, "ends") == 0) {
        frame(0, at(4), BASE + 0x24);
        frame(4, at(8) + 4, BASE + 0x54);    /* the next is not aligned, though it looks good */
        memcpy((char *)&frames[9] + 4, &(uint64_t){BASE + 0x104}, sizeof(uint64_t));
        backtrace(at(0));
        frame(4, 0x7f0000000000UL, BASE + 0x64); /* the user's */
        backtrace(at(0));
        frame(4, at(31), BASE + 0x74);       /* half of it lies outside */
        frames[31] = 0;
        backtrace(at(0));
        frame(4, at(8), 0x1234);             /* returns to no text: not a frame */
        frame(8, 0, BASE + 0x54);
        backtrace(at(0));
        backtrace(at(1) + 2);
        backtrace(at(32));
    } else if (strcmp(what, "loop") == 0) {
        frame(0, at(2), BASE + 0x24);
        frame(2, at(0), BASE + 0x54);
        backtrace(at(0));
    } else if (strcmp(what, "fault") == 0) {
        faulted = true;
        fault.pc = BASE + TEXT_SIZE + 0x40; /* no text, behind the last function */
        fault.cpsr = 5; /* EL1 */
        fault.x[29] = at(0);
        frame(0, 0, BASE + 0x104);
        panic("the message");
    }
    fflush(NULL);
    return 0;
}
