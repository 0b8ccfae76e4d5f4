/*
 * zero_pager: memory that is zero until it is written, and a log of what the kernel asks for. The simplest
 * pager that loses nothing: what is returned is kept, what was never returned is zero.
 *
 *     $ /examples/zero_pager &
 *
 * Read pager.h before. To see read-ahead, map an object, read page after page, and ask pagers_tell.
 */
#include <pager.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINES 40 /* the last so many are kept */

struct object {
    struct pager pager;
    int number;
    char *store;  /* what was returned, at its offset; pages never written take no memory */
    uint8_t *has; /* of each page: it was returned */
};

static struct line {
    const char *what;
    int object;
    vm_offset_t offset;
    vm_size_t size;
    vm_prot_t access;
} lines[LOG_LINES];
static unsigned line_count;

static void note(const char *what, const struct object *o, vm_offset_t offset, vm_size_t size,
                 vm_prot_t access)
{
    lines[line_count++ % LOG_LINES] = (struct line){what, o->number, offset, size, access};
}

kern_return_t S_pagers_tell(mach_port_t server, char *text)
{
    unsigned first = line_count > LOG_LINES ? line_count - LOG_LINES : 0;
    int at = 0;

    text[0] = '\0';
    for (unsigned i = first; i < line_count; i++) {
        const struct line *line = &lines[i % LOG_LINES];

        at += snprintf(text + at, PAGER_TEXT_SIZE - at, "%s %d: %lu pages at %lu%s\n", line->what,
                       line->object, line->size / PAGE_SIZE, line->offset / PAGE_SIZE,
                       line->access & VM_PROT_WRITE ? " to write" : "");
    }
    return KERN_SUCCESS;
}

/* ---- objects ---- */

static void destroy(void *object)
{
    struct object *o = object;

    vm_deallocate(mach_task_self(), (vm_address_t)o->store, o->pager.size);
    free(o->has);
    free(o);
}

const struct port_class pager_class = {.name = "zero", .destroy = destroy};
const int pager_strategy = MEMORY_OBJECT_COPY_DELAY; /* nobody else changes it */

kern_return_t S_pagers_create(mach_port_t server, vm_size_t size, mach_port_t *right)
{
    static int objects;
    struct object *o;
    vm_address_t store = 0;

    size = round_page(size);
    if (size == 0 || size > PAGER_SIZE_MAX)
        return KERN_INVALID_ARGUMENT;
    o = calloc(1, sizeof(*o));
    if (o != NULL)
        o->has = calloc(1, size / PAGE_SIZE);
    if (o == NULL || o->has == NULL || vm_allocate(mach_task_self(), &store, size, TRUE) != KERN_SUCCESS)
        goto no_memory;
    o->store = (char *)store;
    o->number = ++objects;
    if (pager_make(&o->pager, size, right) == KERN_SUCCESS)
        return KERN_SUCCESS;
    vm_deallocate(mach_task_self(), store, size);
no_memory:
    if (o != NULL)
        free(o->has);
    free(o);
    return KERN_RESOURCE_SHORTAGE;
}

/* ---- the protocol, beside what pager.h does ---- */

kern_return_t S_memory_object_data_request(mach_port_t object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    struct object *o = pager_find(object);

    if (o == NULL)
        return KERN_INVALID_ARGUMENT;
    note("request", o, offset, length, access);
    for (vm_offset_t at = offset; at < offset + length; at += PAGE_SIZE) {
        if (at >= o->pager.size) /* mapped beyond what was asked for */
            memory_object_data_error(control, at, PAGE_SIZE, KERN_MEMORY_ERROR);
        else if (o->has[at / PAGE_SIZE])
            memory_object_data_supply(control, at, (vm_offset_t)o->store + at, PAGE_SIZE,
                                      VM_PROT_NONE, FALSE, PAGER_NO_REPLY);
        else
            memory_object_data_unavailable(control, at, PAGE_SIZE); /* zeros */
    }
    mach_port_deallocate(mach_task_self(), control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t object, mach_port_t control,
                                          vm_offset_t offset, vm_offset_t data,
                                          mach_msg_type_number_t size, boolean_t dirty,
                                          boolean_t kernel_copy)
{
    struct object *o = pager_find(object);

    if (o == NULL)
        return KERN_INVALID_ARGUMENT;
    note("return", o, offset, size, VM_PROT_NONE);
    if (offset + size <= o->pager.size) {
        memcpy(o->store + offset, (void *)data, size);
        memset(o->has + offset / PAGE_SIZE, 1, size / PAGE_SIZE);
    }
    vm_deallocate(mach_task_self(), data, size);
    mach_port_deallocate(mach_task_self(), control);
    return KERN_SUCCESS;
}

int main(void)
{
    return pager_serve("zero_pager");
}
