/*
 * shared_pager: one memory seen through several memory objects, as by several machines. This is the
 * distributed shared memory of the Mach papers on one machine: each object stands for a kernel with pages
 * of its own, and what is written through one is read through the others. Read pager.h before.
 *
 * The rule for each page (Li and Hudak, "Memory Coherence in Shared Virtual Memory Systems", 1989): either
 * some objects have it, and none may write; or one has it, and may.
 *
 *                    one wants to read: the writer's data comes back, and it may only read
 *         +--------+ --------------------------------------------------------> +---------+
 *         | writer |                                                           | readers |
 *         +--------+ <-------------------------------------------------------- +---------+
 *                    one wants to write: the others' pages are flushed
 *
 * Both by memory_object_lock_request; until all have said lock_completed the page is busy, and others wait.
 */
#include <pager.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 32   /* as many as a mask has bits */
#define PAGES       1024 /* of the memory, however much of it a client maps */
#define MOMENT_MS   1    /* the time window of Fleisch and Popek's "Mirage", 1989 */

struct object {
    struct pager pager;
    uint32_t bit; /* in the masks below; objects[n] has bit n */
};

struct page { /* nothing but masks of objects */
    uint32_t holders; /* the objects that have it */
    uint32_t writer;  /* the one of them that may write, then the only one; or none */
    uint32_t busy;    /* those that have yet to say that it is locked or flushed */
    uint32_t readers; /* those that want it */
    uint32_t writers; /* those that want to write to it */
};

static struct object *objects[OBJECTS_MAX];
static struct page pages[PAGES];
static char memory[PAGES * PAGE_SIZE] __attribute__((aligned(4096))); /* but for what a writer changed */
static uint64_t moves; /* times that a page was taken from some to be given to another */

const int pager_strategy = MEMORY_OBJECT_COPY_NONE; /* the data changes elsewhere, too */

/* Has the holders in `whom` return what they changed, and then flush the page or only read it. They get a
 * moment first: else two that want a page could take it from one another before either has used it. */
static void take_back(struct page *page, vm_offset_t offset, uint32_t whom, boolean_t flush)
{
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, MOMENT_MS);
    moves++;
    page->busy = whom;
    page->writer = 0;
    if (flush)
        page->holders &= ~whom;
    for (int i = 0; i < OBJECTS_MAX; i++)
        if (whom & 1U << i) /* one that has just ended does not answer: what it returned comes, and its end */
            memory_object_lock_request(objects[i]->pager.control, offset, PAGE_SIZE,
                                       MEMORY_OBJECT_RETURN_DIRTY, flush, VM_PROT_WRITE,
                                       objects[i]->pager.port.port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

/* Gives the page to an object that nobody is in the way of. If it has it, only the lock changes. */
static void give(struct page *page, vm_offset_t offset, struct object *to, boolean_t writing)
{
    mach_port_t control = to->pager.control;

    page->holders |= to->bit;
    page->readers &= ~to->bit;
    memory_object_data_supply(control, offset, (vm_offset_t)memory + offset, PAGE_SIZE,
                              writing ? VM_PROT_NONE : VM_PROT_WRITE, FALSE, PAGER_NO_REPLY);
    if (writing) {
        page->writer = to->bit;
        page->writers &= ~to->bit;
        memory_object_lock_request(control, offset, PAGE_SIZE, MEMORY_OBJECT_RETURN_NONE, FALSE,
                                   VM_PROT_NONE, PAGER_NO_REPLY);
    }
}

/* Serves those who want the page, readers first, until somebody has to be waited for. */
static void serve_page(vm_offset_t offset)
{
    struct page *page = &pages[offset / PAGE_SIZE];

    while (page->busy == 0 && (page->readers | page->writers) != 0) {
        boolean_t writing = page->readers == 0;
        struct object *to = objects[__builtin_ctz(writing ? page->writers : page->readers)];
        uint32_t in_the_way = (writing ? page->holders : page->writer) & ~to->bit;

        if (in_the_way != 0)
            take_back(page, offset, in_the_way, writing);
        else
            give(page, offset, to, writing || page->writer == to->bit);
    }
}

kern_return_t S_memory_object_data_request(mach_port_t object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    struct object *o = pager_find(object);

    if (o == NULL)
        return KERN_INVALID_ARGUMENT;
    for (vm_offset_t at = offset; at < offset + length; at += PAGE_SIZE) {
        if (at >= sizeof(memory))
            memory_object_data_error(control, at, PAGE_SIZE, KERN_MEMORY_ERROR);
        else if (access & VM_PROT_WRITE)
            pages[at / PAGE_SIZE].writers |= o->bit;
        else
            pages[at / PAGE_SIZE].readers |= o->bit;
        if (at < sizeof(memory))
            serve_page(at);
    }
    return mach_port_deallocate(mach_task_self(), control);
}

kern_return_t S_memory_object_data_unlock(mach_port_t object, mach_port_t control, vm_offset_t offset,
                                          vm_size_t length, vm_prot_t access)
{
    return S_memory_object_data_request(object, control, offset, length, access);
}

/* Data comes back: because it was asked for, or because the kernel needs the memory. */
kern_return_t S_memory_object_data_return(mach_port_t object, mach_port_t control, vm_offset_t offset,
                                          vm_offset_t data, mach_msg_type_number_t size,
                                          boolean_t dirty, boolean_t kernel_copy)
{
    if (offset + size <= sizeof(memory))
        memcpy(memory + offset, (void *)data, size);
    vm_deallocate(mach_task_self(), data, size);
    return mach_port_deallocate(mach_task_self(), control);
}

kern_return_t S_memory_object_lock_completed(mach_port_t object, mach_port_t control,
                                             vm_offset_t offset, vm_size_t length)
{
    struct object *o = pager_find(object);

    if (o != NULL) {
        pages[offset / PAGE_SIZE].busy &= ~o->bit;
        serve_page(offset);
    }
    return mach_port_deallocate(mach_task_self(), control);
}

/* What it had it has given back, what it wanted it wants no more. */
kern_return_t S_memory_object_terminate(mach_port_t object, mach_port_t control)
{
    struct object *o = pager_find(object);

    if (o == NULL)
        return KERN_INVALID_ARGUMENT;
    pager_finish(&o->pager, control);
    for (struct page *page = pages; page < pages + PAGES; page++) {
        for (uint32_t *mask = (uint32_t *)page; mask < (uint32_t *)(page + 1); mask++)
            *mask &= ~o->bit;
        serve_page((page - pages) * PAGE_SIZE);
    }
    return KERN_SUCCESS;
}

static void destroy(void *o)
{
    objects[__builtin_ctz(((struct object *)o)->bit)] = NULL;
    free(o);
}

const struct port_class pager_class = {.name = "shared", .destroy = destroy};

kern_return_t S_pagers_create(mach_port_t server, vm_size_t size, mach_port_t *right)
{
    struct object *o;
    int number = 0;

    if (size == 0 || size > sizeof(memory))
        return KERN_INVALID_ARGUMENT;
    while (number < OBJECTS_MAX && objects[number] != NULL)
        number++;
    o = number < OBJECTS_MAX ? calloc(1, sizeof(*o)) : NULL;
    if (o == NULL || pager_make(&o->pager, size, right) != KERN_SUCCESS) {
        free(o);
        return KERN_RESOURCE_SHORTAGE;
    }
    o->bit = 1U << number;
    objects[number] = o;
    return KERN_SUCCESS;
}
kern_return_t S_pagers_tell(mach_port_t server, char *text)
{
    snprintf(text, PAGER_TEXT_SIZE, "%lu moves\n", moves);
    return KERN_SUCCESS;
}

int main(void)
{
    return pager_serve("shared_pager");
}
