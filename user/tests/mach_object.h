/*
 * A pager whose every move the test makes. The test's own thread is the pager: it hears what the kernel
 * says to the object's port, one message at a time, and answers as it likes; another thread, a job, maps,
 * reads or writes meanwhile.
 *
 *     struct object o;
 *     struct job job = {.run = job_read};
 *
 *     REQUIRE_TRUE(object_map(&o, SIZE, FALSE, MEMORY_OBJECT_COPY_NONE));
 *     job.address = o.address;
 *     REQUIRE_TRUE(job_begin(&job));
 *     REQUIRE_TRUE(hear(&o, REQUEST));                // heard.offset, heard.size, heard.access
 *     supply(&o, 0, 1, VM_PROT_NONE, FALSE);          // pages full of 'a', 'b', ...
 *     EXPECT_KR(job_end(&job), KERN_SUCCESS);
 *     object_end(&o);                                 // hears it terminate
 *
 * Read mach_memory.h before.
 */
#ifndef MACH_OBJECT_H
#define MACH_OBJECT_H

#include "mach_memory.h"
#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>

#define ONCE      MACH_MSG_TYPE_MAKE_SEND_ONCE
#define NO_REPLY  MACH_PORT_NULL, ONCE
#define NONE      MEMORY_OBJECT_COPY_NONE
#define DELAY     MEMORY_OBJECT_COPY_DELAY
#define CLUSTER   16 /* pages that the kernel asks for, or returns, in one message at most */
#define HEAR_MS   10000
#define SILENT_MS 30

enum said { NOTHING, INIT, TERMINATE, REQUEST, RETURN, UNLOCK, LOCKED, SUPPLIED, CHANGED };

/* The last message heard. */
static struct {
    enum said what;
    mach_port_t object;
    vm_offset_t offset;
    vm_size_t size;
    vm_prot_t access;
    boolean_t dirty;
    boolean_t kept;
    char bytes[CLUSTER]; /* of a return: the first of each page */
    kern_return_t result;
    vm_offset_t error_offset;
    boolean_t may_cache;
    int strategy;
    mach_port_t control; /* of INIT: the right is the test's */
} heard;

struct object {
    mach_port_t port;
    mach_port_t control;
    vm_address_t address; /* in task, where object_map put it */
    vm_size_t size;
    task_t task;
};

/* ---- hearing ---- */

static kern_return_t note(enum said what, mach_port_t object, mach_port_t control, vm_offset_t offset,
                          vm_size_t size)
{
    memset(&heard, 0, sizeof heard);
    heard.what = what;
    heard.object = object;
    heard.offset = offset;
    heard.size = size;
    if (control != MACH_PORT_NULL && control != MACH_PORT_DEAD) /* we have init's */
        mach_port_deallocate(SELF, control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_init(mach_port_t object, mach_port_t control, vm_size_t page_size)
{
    note(INIT, object, MACH_PORT_NULL, 0, page_size);
    heard.control = control;
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_terminate(mach_port_t object, mach_port_t control)
{
    return note(TERMINATE, object, control, 0, 0);
}

kern_return_t S_memory_object_data_request(mach_port_t object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    note(REQUEST, object, control, offset, length);
    heard.access = access;
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t object, mach_port_t control,
                                          vm_offset_t offset, vm_offset_t data,
                                          mach_msg_type_number_t size, boolean_t dirty,
                                          boolean_t kernel_copy)
{
    note(RETURN, object, control, offset, size);
    heard.dirty = dirty;
    heard.kept = kernel_copy;
    for (vm_size_t page = 0; page < size / PAGE_SIZE && page < CLUSTER; page++)
        heard.bytes[page] = *(char *)(data + page * PAGE_SIZE);
    return vm_deallocate(SELF, data, size);
}

kern_return_t S_memory_object_data_unlock(mach_port_t object, mach_port_t control,
                                          vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    note(UNLOCK, object, control, offset, length);
    heard.access = access;
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_lock_completed(mach_port_t object, mach_port_t control,
                                             vm_offset_t offset, vm_size_t length)
{
    return note(LOCKED, object, control, offset, length);
}

kern_return_t S_memory_object_supply_completed(mach_port_t object, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length,
                                               kern_return_t result, vm_offset_t error_offset)
{
    note(SUPPLIED, object, control, offset, length);
    heard.result = result;
    heard.error_offset = error_offset;
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_change_completed(mach_port_t object, boolean_t may_cache,
                                               int copy_strategy)
{
    note(CHANGED, object, MACH_PORT_NULL, 0, 0);
    heard.may_cache = may_cache;
    heard.strategy = copy_strategy;
    return KERN_SUCCESS;
}

/* The next message to the port, in heard; FALSE: none came in time. */
static inline boolean_t hear_within(mach_port_t port, mach_msg_timeout_t ms)
{
    struct {
        mach_msg_header_t header;
        char rest[memory_object_server_max_request + sizeof(mach_msg_security_trailer_t)];
    } in;
    char out[memory_object_server_max_reply + 64] __attribute__((aligned(8)));

    heard.what = NOTHING;
    return mach_msg(&in.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof in, port, ms,
                    MACH_PORT_NULL) == MACH_MSG_SUCCESS
           && memory_object_server(&in.header, (mach_msg_header_t *)out);
}

/* Is this what comes next? */
static inline boolean_t hear(struct object *o, enum said what)
{
    return hear_within(o->port, HEAR_MS) && heard.what == what;
}

static inline boolean_t hear_nothing(struct object *o)
{
    return !hear_within(o->port, SILENT_MS);
}

/* ---- jobs: what is done to the memory ---- */

struct job {
    kern_return_t (*run)(struct job *);
    task_t task; /* MACH_PORT_NULL: this one */
    vm_address_t address;
    vm_size_t size;
    mach_port_t object; /* of job_map */
    vm_offset_t offset;
    boolean_t copy;
    char byte; /* read, or to be written */
    kern_return_t result;
    cthread_t thread;
    volatile uint64_t port; /* the thread's */
    volatile uint64_t done;
};

/* An access as a program makes it. */
static kern_return_t __attribute__((unused)) job_read(struct job *job)
{
    job->byte = BYTE(job->address);
    return KERN_SUCCESS;
}

static kern_return_t __attribute__((unused)) job_write(struct job *job)
{
    BYTE(job->address) = job->byte;
    return KERN_SUCCESS;
}

/* Every page, in order. */
static kern_return_t __attribute__((unused)) job_scan(struct job *job)
{
    for (vm_size_t at = 0; at < job->size; at += PAGE_SIZE)
        job->byte = BYTE(job->address + at);
    return KERN_SUCCESS;
}

/* An access to (another) task's memory, which gives a code when it fails. */
static kern_return_t __attribute__((unused)) job_peek(struct job *job)
{
    return byte_of(job->task, job->address, &job->byte);
}

static kern_return_t __attribute__((unused)) job_poke(struct job *job)
{
    return set_byte_of(job->task, job->address, job->byte);
}

static kern_return_t __attribute__((unused)) job_map(struct job *job)
{
    return vm_map(job->task, &job->address, job->size, 0, TRUE, job->object, job->offset, job->copy,
                  VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE);
}

static kern_return_t __attribute__((unused)) job_sync(struct job *job)
{
    return vm_msync(job->task, job->address, job->size, VM_SYNC_SYNCHRONOUS);
}

static inline void *job_main(void *arg)
{
    struct job *job = arg;

    __atomic_store_n(&job->port, mach_thread_self_cached(), __ATOMIC_RELEASE);
    job->result = job->run(job);
    __atomic_store_n(&job->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static inline boolean_t job_begin(struct job *job)
{
    job->port = MACH_PORT_NULL;
    job->done = 0;
    if (job->task == MACH_PORT_NULL)
        job->task = SELF;
    job->thread = cthread_fork(job_main, job);
    return job->thread != NULL;
}

/* Until it waits in the kernel, as it does for a pager. */
static inline boolean_t job_waits(struct job *job)
{
    while (__atomic_load_n(&job->port, __ATOMIC_ACQUIRE) == MACH_PORT_NULL)
        sleep_ms(1);
    return wait_for_state((thread_t)job->port, TH_STATE_WAITING) && !job->done;
}

/* Waits for its end: how it went. KERN_OPERATION_TIMED_OUT: it does not come to one. */
static inline kern_return_t job_end(struct job *job)
{
    if (!wait_for_value(&job->done, 1))
        return KERN_OPERATION_TIMED_OUT;
    cthread_join(job->thread);
    return job->result;
}

/* ---- answering ---- */

/* Data of which page n of the object is full of the n-th letter. */
static inline vm_offset_t letters(vm_size_t first, vm_size_t pages)
{
    static char data[CLUSTER * PAGE_SIZE] __attribute__((aligned(4096)));

    for (vm_size_t i = 0; i < pages && i < CLUSTER; i++)
        memset(data + i * PAGE_SIZE, 'a' + (int)((first + i) % 26), PAGE_SIZE);
    return (vm_offset_t)data;
}

static inline kern_return_t supply(struct object *o, vm_size_t first, vm_size_t pages, vm_prot_t lock,
                                   boolean_t precious)
{
    return memory_object_data_supply(o->control, first * PAGE_SIZE, letters(first, pages),
                                     pages * PAGE_SIZE, lock, precious, NO_REPLY);
}

/* Supplies what was just asked for. */
static inline kern_return_t supply_heard(struct object *o)
{
    return supply(o, heard.offset / PAGE_SIZE, heard.size / PAGE_SIZE, VM_PROT_NONE, FALSE);
}

/* Asks for something to be done with pages, and to be told when it is. */
static inline kern_return_t lock_pages(struct object *o, vm_size_t first, vm_size_t pages,
                                       int should_return, boolean_t flush, vm_prot_t lock)
{
    return memory_object_lock_request(o->control, first * PAGE_SIZE, pages * PAGE_SIZE, should_return,
                                      flush, lock, o->port, ONCE);
}

/* ---- the object ---- */

/* An object with a port, that nobody has mapped. */
static inline void object_make(struct object *o, vm_size_t size)
{
    memset(o, 0, sizeof *o);
    o->port = new_port_send();
    mach_port_set_qlimit(SELF, o->port, MACH_PORT_QLIMIT_MAX);
    o->size = size;
    o->task = SELF;
}

/* Maps it into o->task at a place of the kernel's choice, and makes the pager's part of that. */
static inline boolean_t object_enter(struct object *o, boolean_t copy, boolean_t may_cache,
                                     int strategy)
{
    struct job job = {.run = job_map, .task = o->task, .size = o->size, .object = o->port, .copy = copy};

    if (!job_begin(&job) || !hear(o, INIT))
        return FALSE;
    o->control = heard.control;
    if (memory_object_ready(o->control, may_cache, strategy) != KERN_SUCCESS
        || job_end(&job) != KERN_SUCCESS)
        return FALSE;
    o->address = job.address;
    return TRUE;
}

static inline boolean_t object_map(struct object *o, vm_size_t size, boolean_t may_cache, int strategy)
{
    object_make(o, size);
    return object_enter(o, FALSE, may_cache, strategy);
}

/* The same in another task that does nothing else: an access to it (job_peek, job_poke) gives a code, and
 * asks once. */
static inline boolean_t object_map_apart(struct object *o, vm_size_t size)
{
    object_make(o, size);
    return task_create(SELF, FALSE, &o->task) == KERN_SUCCESS && object_enter(o, FALSE, FALSE, NONE);
}

/* Maps an object that is mapped already once more. 0: it did not succeed. */
static inline vm_address_t object_map_again(struct object *o, boolean_t copy)
{
    vm_address_t address = 0;

    if (vm_map(SELF, &address, o->size, 0, TRUE, o->port, 0, copy, VM_PROT_DEFAULT, VM_PROT_ALL,
               VM_INHERIT_SHARE) != KERN_SUCCESS)
        return 0;
    return address;
}

/* Brings the first pages into memory. */
static inline boolean_t object_fill(struct object *o, vm_size_t pages)
{
    for (vm_size_t first = 0; first < pages; first += CLUSTER)
        if (supply(o, first, pages - first < CLUSTER ? pages - first : CLUSTER, VM_PROT_NONE, FALSE)
            != KERN_SUCCESS)
            return FALSE;
    return TRUE;
}

/* What is left when the object has terminated, or its port is to die. */
static inline void object_forget(struct object *o)
{
    if (o->task != SELF) {
        task_terminate(o->task);
        mach_port_deallocate(SELF, o->task);
    }
    if (o->control != MACH_PORT_NULL)
        mach_port_deallocate(SELF, o->control);
    mach_port_destroy(SELF, o->port);
}

/* Takes the mapping away, and hears the object return what is dirty, and terminate. */
static inline void object_end(struct object *o)
{
    EXPECT_KR(vm_deallocate(o->task, o->address, o->size), KERN_SUCCESS);
    while (hear_within(o->port, HEAR_MS) && heard.what != TERMINATE)
        ;
    EXPECT_EQ(heard.what, TERMINATE);
    object_forget(o);
}

#endif
