/*
 * pager.c: the contents of files as memory objects. Read memory_object.defs and
 * memory_object_control.defs before.
 *
 * A file that is mapped has a pager: a port that the kernel asks for pages (data_request) and gives
 * changed ones back to (data_return). It holds a reference to the inode, so the file lives while
 * it is mapped. The kernel may keep pages after the last mapping is gone (may_cache), which makes
 * running a program again cheap; so a file that loses its last name is told to the kernel.
 *
 * Coherence. io_write and truncation drop the mapped pages they touch, so that mappings see the new bytes
 * with the next access. What was changed there through a mapping is asked for before, and written first; the
 * request is put aside until the kernel has returned it (pager_settle). The other way, a page changed
 * through a mapping reaches io_read and the other mappings when the kernel returns it: at a write to the
 * same page, at msync, at the last unmapping, or when memory is short.
 *
 * Three kinds. Whoever holds a memory object can map it for writing, and the kernel returns to us what was
 * changed there; so only clients that may write the file get the one whose changes are taken. The two others
 * are supplied locked against writing. One is for those who may only read. The other is a window, for
 * programs that read by mapping (io_window): when the file is cut off it is destroyed, so that nobody reads
 * beyond the end in what was the last page's rest. Who maps a file is to find zeros there, and a memory
 * object that stays.
 *
 * A write drops only pages that the kernel has been given since they were last dropped, so a file that was
 * mapped once is written no slower.
 */
#include "server.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>
#include <mach/notify_ids.h>
#include <mach/vm_map.h>
#include <stdlib.h>
#include <string.h>

#define SUPPLY_MAX (16 * PAGE_SIZE) /* bytes in one data_supply */
#define PAUSE      10               /* ms, until memory for a message may be free */

struct pager {
    struct port_object object;
    struct inode *ip;    /* a reference; its pagers[kind] is this, but for a window that ended */
    enum pager_kind kind;
    mach_port_t control; /* the kernel's port, a send right; MACH_PORT_NULL: not mapped */
    uint64_t *given;     /* a bit for each page: the kernel may have it */
    uint64_t given_end;  /* pages there are bits for; of those behind it the kernel has none */
    bool settling;       /* pages were asked for: an answer of the kernel is to come, behind them */
    void *waiting;       /* requests put aside until then */
};

#define SETTLE_TRIES 8 /* who changes pages all the time cannot keep a writer waiting for ever */

static void destroy(void *object)
{
    struct pager *p = object;
    void **place = &p->ip->pagers[p->kind];

    if (p->control != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), p->control);
    if (*place == p)
        *place = NULL;
    inode_put(p->ip);
    free(p->given);
    free(p);
}

static const struct port_class pager_class = {.name = "pager", .destroy = destroy};

int pager_port(struct inode *ip, enum pager_kind kind, mach_port_t *port)
{
    void **place = &ip->pagers[kind];
    struct pager *p = *place;

    if (p == NULL) {
        p = calloc(1, sizeof *p);
        if (p == NULL || ports_create(&p->object, &pager_class) != KERN_SUCCESS) {
            free(p);
            return ENOMEM;
        }
        p->ip = inode_ref(ip);
        p->kind = kind;
        *place = p;
    } else {
        ports_ref(p);
    }
    *port = ports_offer(&p->object);
    ports_deref(p);
    return *port == MACH_PORT_NULL ? ENOMEM : 0;
}

/* ---- what the kernel has ---- */

/* Notes that the kernel is given [from, to), numbers of pages. False: there is no memory for that. */
static bool note_given(struct pager *p, uint64_t from, uint64_t to)
{
    if (to > p->given_end) {
        uint64_t end = 2 * p->given_end > to ? 2 * p->given_end : (to + 63) & ~63ULL;
        uint64_t *given = realloc(p->given, end / 8);

        if (given == NULL)
            return false;
        memset(given + p->given_end / 64, 0, (end - p->given_end) / 8);
        p->given = given;
        p->given_end = end;
    }
    for (; from < to; from++)
        p->given[from / 64] |= 1ULL << from % 64;
    return true;
}

/* Was any page of [from, to) given? None is any more. */
static bool take_given(struct pager *p, uint64_t from, uint64_t to)
{
    bool any = false;

    for (to = to < p->given_end ? to : p->given_end; from < to;) {
        if (p->given[from / 64] == 0) {
            from = (from / 64 + 1) * 64;
        } else {
            any |= p->given[from / 64] >> from % 64 & 1;
            p->given[from / 64] &= ~(1ULL << from % 64);
            from++;
        }
    }
    return any;
}

static bool is_mapped(const struct pager *p)
{
    return p != NULL && p->control != MACH_PORT_NULL;
}

static struct pager *pager_get(mach_port_t port)
{
    return ports_lookup(port, &pager_class);
}

static void release(mach_port_t right)
{
    if (right != MACH_PORT_NULL && right != MACH_PORT_DEAD)
        mach_port_deallocate(mach_task_self(), right);
}

/* Takes pages back from the kernel; should_return: MEMORY_OBJECT_RETURN_*. Small messages to the kernel: when
 * there is no memory for one, a while later there is. */
static void take_back(struct pager *p, uint64_t from, uint64_t to, int should_return, boolean_t flush)
{
    while (memory_object_lock_request(p->control, from, to - from, should_return, flush, VM_PROT_NO_CHANGE,
                                      MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE)
           == MACH_SEND_NO_BUFFER)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, PAUSE);
}

static void drop(struct pager *p, uint64_t offset, uint64_t end)
{
    uint64_t from = trunc_page(offset), to = round_page(end);

    if (is_mapped(p) && take_given(p, from / PAGE_SIZE, to / PAGE_SIZE))
        take_back(p, from, to, MEMORY_OBJECT_RETURN_NONE, TRUE);
}

int pager_settle(struct inode *ip, uint64_t offset, uint64_t len)
{
    struct pager *p = ip->pagers[PAGER_WRITE];
    uint64_t from = trunc_page(offset), to = round_page(offset + len);
    kern_return_t kr;

    if (!is_mapped(p))
        return 0;
    if (to > p->given_end * PAGE_SIZE)
        to = p->given_end * PAGE_SIZE;
    if (!aside_ready() || aside_tries() >= SETTLE_TRIES)
        return p->settling ? ENOMEM : 0; /* pages on their way here would be written over the new bytes */
    if (!p->settling) {
        if (from >= to || !take_given(p, from / PAGE_SIZE, to / PAGE_SIZE))
            return 0;
        kr = memory_object_lock_request(p->control, from, to - from, MEMORY_OBJECT_RETURN_DIRTY, TRUE,
                                        VM_PROT_NO_CHANGE, p->object.port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
        if (mig_not_sent(kr)) {
            take_back(p, from, to, MEMORY_OBJECT_RETURN_NONE, TRUE);
            return 0;
        }
        p->settling = true; /* if the kernel fails it says so, too: the right for its answer dies */
    }
    aside_wait_at(&p->waiting);
    return FS_STALLED;
}

/* The kernel has returned what it was asked for; or cannot. */
static void settled(struct pager *p)
{
    void *waiting = p->waiting;

    p->waiting = NULL;
    p->settling = false;
    aside_resume(waiting);
}

kern_return_t S_memory_object_lock_completed(mach_port_t memory_object, mach_port_t control,
                                             vm_offset_t offset, vm_size_t length)
{
    struct pager *p = pager_get(memory_object);

    (void)offset, (void)length;
    if (p == NULL)
        return KERN_INVALID_ARGUMENT;
    release(control);
    settled(p);
    ports_deref(p);
    return KERN_SUCCESS;
}

void pager_changed(struct inode *ip, uint64_t offset, uint64_t len)
{
    for (int kind = 0; kind < PAGER_KINDS; kind++)
        if (ip->pagers[kind] != NULL)
            drop(ip->pagers[kind], offset, offset + len);
}

void pager_cut(struct inode *ip, uint64_t old_size)
{
    struct pager *window = ip->pagers[PAGER_WINDOW];

    if (ip->d->size >= old_size)
        return;
    drop(ip->pagers[PAGER_WRITE], ip->d->size, old_size);
    drop(ip->pagers[PAGER_READ], ip->d->size, old_size);
    ip->pagers[PAGER_WINDOW] = NULL; /* who asks for one gets a new one; this goes with its last reader */
    if (is_mapped(window))
        (void)memory_object_destroy(window->control, KERN_MEMORY_FAILURE);
}

void pager_collect(struct inode *ip)
{
    struct pager *p = ip->pagers[PAGER_WRITE];

    if (is_mapped(p) && ip->d->size > 0)
        take_back(p, 0, round_page(ip->d->size), MEMORY_OBJECT_RETURN_DIRTY, FALSE);
}

void pager_unnamed(struct inode *ip)
{
    for (int kind = 0; kind < PAGER_KINDS && ip->d->nlink == 0; kind++) {
        struct pager *p = ip->pagers[kind];

        if (is_mapped(p))
            (void)memory_object_change_attributes(p->control, FALSE, MEMORY_OBJECT_COPY_DELAY,
                                                  MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    }
}

bool pager_is_there(const struct inode *ip)
{
    for (int kind = 0; kind < PAGER_KINDS; kind++)
        if (ip->pagers[kind] != NULL)
            return true;
    return false;
}

/* ---- what the kernel asks for ---- */

/*
 * The kernel's requests. All are simpleroutines; on success each has consumed the rights it was
 * given, on failure the stub releases them.
 */

kern_return_t S_memory_object_init(mach_port_t memory_object, mach_port_t control,
                                   vm_size_t page_size)
{
    struct pager *p = pager_get(memory_object);

    if (p == NULL)
        return KERN_INVALID_ARGUMENT;
    if (page_size != PAGE_SIZE) {
        ports_deref(p);
        return KERN_INVALID_ARGUMENT;
    }
    release(p->control);
    p->control = control;
    (void)memory_object_ready(control, p->ip->d->nlink != 0, MEMORY_OBJECT_COPY_DELAY);
    ports_deref(p);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_terminate(mach_port_t memory_object, mach_port_t control)
{
    struct pager *p = pager_get(memory_object);

    if (p == NULL)
        return KERN_INVALID_ARGUMENT;
    /* Else it has been mapped anew, under another control port. A port that died on its way here
     * was ours: the kernel does not map an object anew before it has sent this. */
    if (p->control == control || control == MACH_PORT_DEAD) {
        release(p->control);
        p->control = MACH_PORT_NULL;
    }
    release(control);
    ports_deref(p);
    return KERN_SUCCESS;
}

/* Who waits for the pages is told why there are none. That takes no more than a small message, so memory
 * for it comes; and told he must be: nobody else will answer. */
static void refuse(mach_port_t control, vm_offset_t offset, vm_size_t len, kern_return_t why)
{
    while (memory_object_data_error(control, offset, len, why) == MACH_SEND_NO_BUFFER)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, PAUSE);
}

/* Reads the pages [offset, offset + len) of the file, zeros after its end, and gives them away. FS_STALLED:
 * nothing was done. */
static int supply(struct pager *p, mach_port_t control, vm_offset_t offset, vm_size_t len)
{
    vm_address_t data = 0;
    size_t got = (size_t)len;
    int err;

    if (vm_allocate(mach_task_self(), &data, len, TRUE) != KERN_SUCCESS) {
        refuse(control, offset, len, KERN_RESOURCE_SHORTAGE);
        return 0;
    }
    err = file_read(p->ip, offset, (void *)data, &got);
    if (err != FS_STALLED) {
        /* Fewer bytes than asked for, before the file's end: the disk failed after some. */
        if (err != 0 || (got < len && offset + got < p->ip->d->size))
            refuse(control, offset, len, KERN_MEMORY_FAILURE); /* _ERROR would say that there is nothing */
        else if (!note_given(p, offset / PAGE_SIZE, (offset + len) / PAGE_SIZE))
            refuse(control, offset, len, KERN_RESOURCE_SHORTAGE);
        else if (memory_object_data_supply(control, offset, data, (mach_msg_type_number_t)len,
                                           p->kind == PAGER_WRITE ? VM_PROT_NONE : VM_PROT_WRITE, FALSE,
                                           MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE) != KERN_SUCCESS)
            /* No memory for the message: who waits for the page tries again. */
            refuse(control, offset, len, KERN_RESOURCE_SHORTAGE);
    }
    vm_deallocate(mach_task_self(), data, len);
    return err == FS_STALLED ? err : 0;
}

/* A request of the kernel's for pages. */
struct page_request {
    struct aside aside;  /* first */
    struct pager *p;     /* a reference */
    mach_port_t control; /* a right */
    vm_offset_t offset;  /* of the first page that has not been supplied */
    vm_offset_t end;
    vm_prot_t desired;
};

/* Supplies what can be had without waiting. True: there is more, which has stalled. */
static bool supply_all(struct page_request *r)
{
    struct pager *p = r->p;
    vm_offset_t file_end = round_page(p->ip->d->size);

    if (p->ip->pagers[p->kind] != p || (p->kind != PAGER_WRITE && r->desired & VM_PROT_WRITE))
        file_end = 0; /* a window that ended, or who may only read tries to write */
    while (r->offset < r->end && r->offset < file_end) {
        vm_size_t len = (r->end < file_end ? r->end : file_end) - r->offset;

        if (len > SUPPLY_MAX)
            len = SUPPLY_MAX;
        if (supply(p, r->control, r->offset, len) == FS_STALLED)
            return true;
        r->offset += len;
    }
    if (r->offset < r->end) { /* past the end of the file there is nothing [POSIX mmap: SIGBUS] */
        refuse(r->control, r->offset, r->end - r->offset, KERN_MEMORY_ERROR);
        /* If who asked has died, that stays there for the next. It must go when the file grows. */
        if (r->end <= OSTIAFS_MAX_FILE_SIZE)
            (void)note_given(p, r->offset / PAGE_SIZE, r->end / PAGE_SIZE);
    }
    release(r->control);
    ports_deref(p);
    return false;
}

static void resume_pages(struct aside *a)
{
    struct page_request *r = (struct page_request *)a;

    aside_begin_pages();
    if (supply_all(r))
        aside_put(a, resume_pages);
    else
        free(r);
    aside_end_pages();
}

kern_return_t S_memory_object_data_request(mach_port_t memory_object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length,
                                           vm_prot_t desired_access)
{
    struct page_request r = {.control = control, .offset = offset, .desired = desired_access};
    struct page_request *kept;

    if (!page_aligned(offset) || !page_aligned(length) || __builtin_add_overflow(offset, length, &r.end))
        return KERN_INVALID_ARGUMENT;
    r.p = pager_get(memory_object);
    if (r.p == NULL)
        return KERN_INVALID_ARGUMENT;
    aside_begin_pages();
    if (r.p->settling) /* who waits to write comes first, or pages would never be settled */
        aside_wait_at(&r.p->waiting);
    if (r.p->settling || supply_all(&r)) {
        kept = malloc(sizeof *kept);
        if (kept != NULL) {
            *kept = r;
            aside_put(&kept->aside, resume_pages);
        } else {
            aside_wait_at(NULL);
            aside_end_pages();
            (void)supply_all(&r); /* and waits */
        }
    }
    aside_end_pages();
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t memory_object, mach_port_t control,
                                          vm_offset_t offset, vm_offset_t data,
                                          mach_msg_type_number_t count, boolean_t dirty,
                                          boolean_t kernel_copy)
{
    struct pager *p = pager_get(memory_object);
    uint64_t size;

    (void)kernel_copy;
    if (p == NULL)
        return KERN_INVALID_ARGUMENT;
    size = p->kind == PAGER_WRITE ? p->ip->d->size : 0;
    if (dirty && offset < size) { /* what lies past the end is nobody's */
        size_t want = (size_t)(count < size - offset ? count : size - offset);
        size_t len = want;
        int err = file_write(p->ip, offset, (const void *)data, &len);

        if (err != 0 || len < want)
            volume->say("a page changed through a mapping cannot be written: inode", p->ip->ino);
        drop(p->ip->pagers[PAGER_READ], offset, offset + want);
        drop(p->ip->pagers[PAGER_WINDOW], offset, offset + want);
    }
    vm_deallocate(mach_task_self(), data, count);
    release(control);
    ports_deref(p);
    return KERN_SUCCESS;
}

/* Pages that may only be read are supplied locked. Who tries to write is to ask for the page anew, and
 * then is refused. */
kern_return_t S_memory_object_data_unlock(mach_port_t memory_object, mach_port_t control,
                                          vm_offset_t offset, vm_size_t length,
                                          vm_prot_t desired_access)
{
    (void)memory_object;
    (void)desired_access;
    (void)memory_object_lock_request(control, offset, length, MEMORY_OBJECT_RETURN_NONE, TRUE,
                                     VM_PROT_NO_CHANGE, MACH_PORT_NULL,
                                     MACH_MSG_TYPE_MAKE_SEND_ONCE);
    release(control);
    return KERN_SUCCESS;
}

/*
 * Whoever may map a file holds a send right to its pager, and could send it messages in the
 * kernel's name; the trailer says who did.
 */
boolean_t pager_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    struct pager *p;

    if (in->msgh_id == MACH_NOTIFY_SEND_ONCE && (p = pager_get(in->msgh_local_port)) != NULL) {
        mig_no_reply(in, out); /* from the kernel: ports_notify_server has seen to that */
        settled(p);
        ports_deref(p);
        return TRUE;
    }
    if (in->msgh_id < memory_object_subsystem_base || in->msgh_id >= memory_object_subsystem_end)
        return FALSE;
    if (!mach_msg_from_kernel(in)) {
        mig_server_error(in, out, KERN_NO_ACCESS);
        mig_no_reply(in, out); /* nor does a reply right that came with it stay here */
        return TRUE;
    }
    return memory_object_server(in, out);
}
