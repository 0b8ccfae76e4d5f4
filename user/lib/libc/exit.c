/* The end of a program. */
#include "posix.h"

#include <mach/task.h>
#include <servers/proc.h>
#include <stdlib.h>
#include <unistd.h>

#define ATEXIT_BLOCK 32 /* POSIX's least ATEXIT_MAX; more come from malloc */
#define PATIENCE_SECONDS 10

struct block {
    struct block *next; /* registered earlier */
    int count;
    void (*functions[ATEXIT_BLOCK])(void);
};

static struct block first_block;
static struct block *blocks = &first_block;

/* malloc, if the program has it: 32 functions do without. */
extern void *malloc(size_t size) __attribute__((weak));

int atexit(void (*function)(void))
{
    if (blocks->count == ATEXIT_BLOCK) {
        struct block *block = malloc != NULL ? malloc(sizeof(*block)) : NULL;

        if (block == NULL)
            return -1;
        block->next = blocks;
        block->count = 0;
        blocks = block;
    }
    blocks->functions[blocks->count++] = function;
    return 0;
}

/*
 * A process tells the proc server, which ends the task. A server, or a process whose proc server
 * does not answer, ends its task itself.
 */
void _exit(int status)
{
    time_value64_t woke;

    if (__proc_port != MACH_PORT_NULL && proc_exit(__proc_port, status) == KERN_SUCCESS)
        clock_sleep_trap(TIME_RELATIVE, PATIENCE_SECONDS, 0, &woke);
    for (;;)
        task_terminate(mach_task_self());
}

void _Exit(int status)
{
    _exit(status);
}

void exit(int status)
{
    /* One at a time: a function may register another, or call exit itself. */
    while (blocks->count > 0 || blocks->next != NULL) {
        if (blocks->count == 0)
            blocks = blocks->next;
        else
            blocks->functions[--blocks->count]();
    }
    if (__stdio_exit != NULL)
        __stdio_exit();
    _exit(status);
}
