/*
 * The grading log. Read grade.h first: it says what the log is for, and its layout is a contract
 * with the harness outside.
 */
#include <grade.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/lock.h>
#include <vm/vm_page.h>

struct grade_log grade_log;

static spinlock_t grade_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads the nonce from all places of text that have the argument, and blanks it there. */
static uint64_t take_nonce(char *text, size_t size)
{
    const size_t key = sizeof(GRADE_NONCE_ARG) - 1;
    uint64_t nonce = 0;

    for (size_t i = 0; i + key <= size; i++) {
        size_t end = i + key;

        if (memcmp(text + i, GRADE_NONCE_ARG, key) != 0)
            continue;
        for (nonce = 0; end < size && hex_digit(text[end]) >= 0; end++)
            nonce = nonce << 4 | hex_digit(text[end]);
        memset(text + i, ' ', end - i);
    }
    return nonce;
}

void grade_init(char *boot_args)
{
    grade_log.size = GRADE_TEXT_SIZE;
    grade_log.nonce = take_nonce(boot_args, strlen(boot_args));
    if (boot_info.fdt_size != 0)
        take_nonce(phys_to_virt(boot_info.fdt_start), boot_info.fdt_size);
    __atomic_store_n(&grade_log.magic, GRADE_MAGIC, __ATOMIC_RELEASE);
}

int grade_append(const char *text, size_t length)
{
    int done = 0;

    spin_lock(&grade_lock);
    if (length <= GRADE_TEXT_SIZE - grade_log.length) {
        memcpy(grade_log.text + grade_log.length, text, length);
        /* The text before the length: the harness may look at any moment. */
        __atomic_store_n(&grade_log.length, grade_log.length + length, __ATOMIC_RELEASE);
        done = 1;
    } else {
        grade_log.lost += length;
    }
    spin_unlock(&grade_lock);
    return done;
}

void grade_flag(uint32_t flag)
{
    __atomic_fetch_or(&grade_log.flags, flag, __ATOMIC_SEQ_CST);
}

void grade_tick(void)
{
    grade_log.now = machine_time();
}

/* PMU event counter 0 counts retired instructions if the CPU can (aarch64/machine.c sets it up). */
static uint32_t instructions_retired(void)
{
    uint64_t count;

    __asm__ volatile("mrs %0, pmevcntr0_el0" : "=r"(count));
    return count;
}

void grade_idle(void)
{
    uint64_t ram = boot_info.ram_end - boot_info.ram_start;
    /* Pages in objects are some task's, also those that are wired. */
    uint64_t others = (uint64_t)vm_counts.free + vm_counts.anonymous + vm_counts.external;

    grade_log.idle_now = machine_time();
    grade_log.idle_insns = instructions_retired();
    grade_log.kernel_bytes = ram - boot_info.archive_size - others * PAGE_SIZE;
}
