/*
 * Reading files by mapping. After some reads of a regular file that no other process has open through the
 * same description, its contents are mapped, and read() copies from there: one trap instead of a message, its
 * copy and its answer. Read read.c, posix.h and io.defs (io_window) before.
 *
 * The offset is the file server's, and shared by who has the description. As long as a window is open it is
 * kept here: a word that readers, threads of this process, advance by compare-and-swap. Whatever needs it
 * there ends the window first, which tells the server: a write, a fork, an exec, a second descriptor, the end
 * of the file. A thread that asked the server just when another opened a window is told EBUSY, and looks
 * again. The word's upper bits count the windows that were in the same memory, so that a reader who
 * slept notices that it is another one.
 *
 * The copy is vm_read_overwrite_trap's: when the file was cut off, or its server or disk failed, that says
 * so, where a load would be an exception. The window ends then, and io_read says what is the matter.
 */
#include "posix.h"

#include <errno.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <server_types.h>
#include <servers/io.h>
#include <unistd.h>

#define READS_FIRST   2   /* by messages, until a window is tried */
#define READS_MOST    128 /* and when several tries have failed */
#define SIZE_LEAST    (4 * PAGE_SIZE) /* of what is left to read: for less it does not pay */
#define OFFSET_BITS   48
#define OFFSET_MASK   ((1UL << OFFSET_BITS) - 1)
#define OFFSET_CLOSED OFFSET_MASK
#define TRIES         1000 /* that other threads get in between each time: not by accident */
#define WINDOWS       64  /* that memory is taken for at once */

struct window {
    uint64_t place;     /* atomic: how often this was used << OFFSET_BITS | the offset, or OFFSET_CLOSED */
    uint64_t size;      /* bytes of the file that may be read */
    vm_address_t at;
    struct window *next; /* while it is free */
};

static struct window *unused; /* none of them is ever given back: a reader may be looking at one */

static struct window *get(void)
{
    struct window *w = unused;

    if (w == NULL) {
        vm_address_t memory = 0;

        if (vm_allocate(mach_task_self(), &memory, WINDOWS * sizeof(*w), TRUE) != KERN_SUCCESS)
            return NULL;
        for (int i = 0; i < WINDOWS; i++) {
            w = (struct window *)memory + i;
            w->place = OFFSET_CLOSED;
            w->next = unused;
            unused = w;
        }
    }
    unused = w->next;
    return w;
}

static void put(struct window *w)
{
    w->next = unused;
    unused = w;
}

/* Maps the file, if there is enough left of it from the server's offset on. */
static kern_return_t map(struct window *w, mach_port_t io)
{
    mach_port_t object;
    int64_t size, offset, result;
    kern_return_t kr = io_window(io, &object, &size, &offset);

    if (kr != KERN_SUCCESS)
        return kr;
    w->at = 0;
    w->size = (uint64_t)size;
    if (offset < 0 || (uint64_t)offset >= OFFSET_CLOSED || size < offset + (int64_t)SIZE_LEAST)
        kr = KERN_FAILURE;
    else
        kr = vm_map(mach_task_self(), &w->at, round_page(w->size), 0, TRUE, object, 0, FALSE, VM_PROT_READ,
                    VM_PROT_READ, VM_INHERIT_NONE);
    mach_port_deallocate(mach_task_self(), object);
    if (kr == KERN_SUCCESS) {
        uint64_t used = (w->place >> OFFSET_BITS) + 1;

        __atomic_store_n(&w->place, used << OFFSET_BITS | (uint64_t)offset, __ATOMIC_RELEASE);
    } else {
        io_seek(io, offset, IO_SEEK_BACK, &result);
    }
    return kr;
}

void __window_consider(struct fd *f)
{
    uint64_t blocked;
    struct window *w;
    kern_return_t kr;

    if (++f->reads < f->patience + READS_FIRST)
        return;
    blocked = __fd_lock();
    if (f->own && f->window == NULL && f->port != MACH_PORT_NULL && __fd_is_only(f) && (w = get()) != NULL) {
        kr = map(w, f->port);
        if (kr == KERN_SUCCESS) {
            __atomic_store_n(&f->window, w, __ATOMIC_RELEASE);
            f->patience = 0;
        } else {
            put(w);
            if (kr != KERN_FAILURE && kr != KERN_RESOURCE_SHORTAGE && kr != KERN_NO_SPACE)
                f->own = FALSE; /* it is no file */
            f->patience = f->patience * 2 + 1 < READS_MOST ? f->patience * 2 + 1 : READS_MOST;
        }
    }
    f->reads = 0;
    __fd_unlock(blocked);
}

void __window_end_locked(struct fd *f, boolean_t tell)
{
    struct window *w = f->window;
    uint64_t place;
    int64_t result;

    if (w == NULL)
        return;
    place = __atomic_fetch_or(&w->place, OFFSET_CLOSED, __ATOMIC_ACQ_REL);
    if (tell)
        io_seek(f->port, (int64_t)(place & OFFSET_MASK), IO_SEEK_BACK, &result);
    __atomic_store_n(&f->window, NULL, __ATOMIC_RELEASE);
    vm_deallocate(mach_task_self(), w->at, round_page(w->size));
    put(w);
}

/* No thread is opening a window then; and if one has been opened meanwhile, it shows. */
boolean_t __window_busy(const struct fd *f, int *tries)
{
    if (!f->own || ++*tries > TRIES)
        return FALSE;
    __fd_unlock(__fd_lock());
    return TRUE;
}

void __window_close(struct fd *f)
{
    const uint64_t blocked = __fd_lock();

    __window_end_locked(f, TRUE);
    __fd_unlock(blocked);
}

ssize_t __window_read(struct fd *f, void *buffer, size_t size)
{
    struct window *w;

    while ((w = __atomic_load_n(&f->window, __ATOMIC_ACQUIRE)) != NULL) {
        uint64_t place = __atomic_load_n(&w->place, __ATOMIC_ACQUIRE);
        uint64_t offset = place & OFFSET_MASK;

        /* At the end the server knows better: it may have moved. */
        if (offset == OFFSET_CLOSED || size > w->size || offset > w->size - size
            || vm_read_overwrite_trap(mach_task_self(), w->at + offset, size, (vm_address_t)buffer)
                   != KERN_SUCCESS)
            __window_end(f);
        else if (__atomic_compare_exchange_n(&w->place, &place, place + size, FALSE, __ATOMIC_ACQ_REL,
                                             __ATOMIC_RELAXED))
            return (ssize_t)size;
    }
    return -1;
}

off_t __window_seek(struct fd *f, off_t offset, int whence)
{
    struct window *w = __atomic_load_n(&f->window, __ATOMIC_ACQUIRE);

    if (w != NULL && (whence == SEEK_SET || whence == SEEK_CUR)) {
        uint64_t place = __atomic_load_n(&w->place, __ATOMIC_ACQUIRE);
        off_t to = (whence == SEEK_CUR ? (off_t)(place & OFFSET_MASK) : 0) + offset;

        if ((place & OFFSET_MASK) != OFFSET_CLOSED && to >= 0 && (uint64_t)to <= w->size
            && __atomic_compare_exchange_n(&w->place, &place, (place & ~OFFSET_MASK) | (uint64_t)to, FALSE,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return to;
    }
    __window_end(f);
    return -1;
}
