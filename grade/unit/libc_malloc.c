/*
 * malloc: many random calls, with every block's contents and alignment checked, no two overlapping,
 * and in the end all memory given back but one region.
 */
#include "unit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
} host_tcb;

void *ours_malloc(size_t);
void *ours_calloc(size_t, size_t);
void *ours_realloc(void *, size_t);
void *ours_aligned_alloc(size_t, size_t);
int ours_posix_memalign(void **, size_t, size_t);
void ours_free(void *);

/* ---- what malloc asks of Mach ---- */

unsigned mach_task_self_;
static size_t mapped;
static size_t limit = (size_t)-1;

int vm_allocate(unsigned task, uint64_t *address, uint64_t size, int anywhere)
{
    void *p;

    (void)task;
    (void)anywhere;
    if (mapped + size > limit)
        return 6; /* KERN_RESOURCE_SHORTAGE */
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    *address = (uintptr_t)p;
    mapped += size;
    return 0;
}

int vm_deallocate(unsigned task, uint64_t address, uint64_t size)
{
    (void)task;
    CHECK_EQ(munmap((void *)(uintptr_t)address, size), 0);
    mapped -= size;
    return 0;
}

void mutex_lock(void *mutex)
{
    (void)mutex;
}

void mutex_unlock(void *mutex)
{
    (void)mutex;
}

int debug_print(const char *text, uint64_t length)
{
    (void)text;
    (void)length;
    return 0;
}

void ours_abort(void)
{
    _exit(77);
}

/* ---- the test ---- */

#define SLOTS 2000

static struct {
    unsigned char *p;
    size_t size;
    unsigned char fill;
} slots[SLOTS];

static size_t random_size(void)
{
    switch (random64() % 20) {
    case 0: return random64() % 400000;
    case 1:
    case 2: return random64() % 20000;
    default: return random64() % 300;
    }
}

static void verify(int i, size_t size)
{
    for (size_t j = 0; j < size; j++)
        if (slots[i].p[j] != slots[i].fill) {
            failures++;
            printf("a block of %zu bytes was overwritten at %zu\n", slots[i].size, j);
            return;
        }
}

static void fill(int i)
{
    slots[i].fill = (unsigned char)random64();
    memset(slots[i].p, slots[i].fill, slots[i].size);
}

static void step(void)
{
    int i = (int)(random64() % SLOTS);
    size_t size = random_size();

    if (slots[i].p == NULL) {
        size_t alignment = 16;

        switch (random64() % 4) {
        case 0:
            slots[i].p = ours_calloc(1, size);
            for (size_t j = 0; slots[i].p != NULL && j < size; j++)
                if (slots[i].p[j] != 0) {
                    failures++;
                    printf("calloc(%zu) is not zero at %zu\n", size, j);
                    break;
                }
            break;
        case 1:
            alignment = (size_t)1 << (random64() % 14);
            slots[i].p = ours_aligned_alloc(alignment, size);
            break;
        default:
            slots[i].p = ours_malloc(size);
        }
        CHECK(slots[i].p != NULL);
        CHECK((uintptr_t)slots[i].p % alignment == 0 && (uintptr_t)slots[i].p % 16 == 0);
        slots[i].size = size;
        fill(i);
    } else if (random64() % 3 == 0) {
        size_t kept = size < slots[i].size ? size : slots[i].size;

        verify(i, slots[i].size);
        slots[i].p = ours_realloc(slots[i].p, size);
        CHECK(slots[i].p != NULL);
        verify(i, kept);
        slots[i].size = size;
        fill(i);
    } else {
        verify(i, slots[i].size);
        ours_free(slots[i].p);
        slots[i].p = NULL;
    }
}

/* Does free of a bad pointer end the program? */
static void check_death(int what)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        char *p = ours_malloc(100);
        char *q = ours_malloc(100);

        (void)q;
        if (what == 0) {
            ours_free(p);
            ours_free(p);
        } else {
            ours_free(p + 8);
        }
        _exit(0);
    }
    waitpid(pid, &status, 0);
    CHECK_EQ(WEXITSTATUS(status), 77);
}

int main(void)
{
    void *p = NULL;

    ours_free(NULL);
    CHECK(ours_malloc((size_t)-1) == NULL);
    CHECK(ours_malloc((size_t)-100) == NULL);
    CHECK(ours_calloc((size_t)-1 / 2, 3) == NULL);
    CHECK(ours_aligned_alloc(3, 10) == NULL);
    CHECK(ours_posix_memalign(&p, 4, 10) != 0);
    CHECK(ours_posix_memalign(&p, 4096, 10) == 0 && (uintptr_t)p % 4096 == 0);
    ours_free(p);
    p = ours_realloc(NULL, 10);
    CHECK(p != NULL && (p = ours_realloc(p, 0)) != NULL);
    ours_free(p);
    limit = mapped + 1000; /* out of memory is NULL, and changes nothing */
    CHECK(ours_malloc(1000000) == NULL);
    limit = (size_t)-1;
    check_death(0);
    check_death(1);
    for (int i = 0; i < 200000; i++)
        step();
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].p != NULL)
            verify(i, slots[i].size);
        ours_free(slots[i].p);
    }
    CHECK(mapped <= 65536);
    return UNIT_END;
}
