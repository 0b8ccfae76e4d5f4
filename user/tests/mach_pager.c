/*
 * External pagers: a thread of this program serves memory_object.defs, and the test maps its object.
 * What the pager does when a page is asked for is set page by page (enum answer).
 */
#include "mach_exc.h"

#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>

#define PAGES 16
#define SIZE  (PAGES * PAGE_SIZE)

enum answer { SUPPLY, SUPPLY_LOCKED, UNAVAILABLE, ERROR, SILENT, DIE, WRONG };

/* Written by the pager's thread, read by the test. */
static struct {
    mach_port_t object;
    mach_port_t control;
    boolean_t may_cache;
    int copy_strategy;
    enum answer answer[PAGES];
    volatile uint64_t inits, requests, returned, unlocks, completed, supplied, changed, terminated;
    boolean_t last_dirty, last_kept;
    kern_return_t last_result;
    char store[SIZE] __attribute__((aligned(4096)));
} pager;

static cthread_t server;

static void count(volatile uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELEASE);
}

/* ---- the pager ---- */

kern_return_t S_memory_object_init(mach_port_t object, mach_port_t control, vm_size_t page_size)
{
    if (page_size != PAGE_SIZE)
        return KERN_INVALID_ARGUMENT;
    pager.control = control; /* its send right is ours until terminate */
    count(&pager.inits);
    return memory_object_ready(control, pager.may_cache, pager.copy_strategy);
}

kern_return_t S_memory_object_terminate(mach_port_t object, mach_port_t control)
{
    if (control != MACH_PORT_DEAD) /* it may have died on the way */
        mach_port_deallocate(SELF, control);
    mach_port_deallocate(SELF, pager.control); /* init's */
    count(&pager.terminated);
    return KERN_SUCCESS;
}

static void answer_page(mach_port_t control, vm_offset_t offset)
{
    vm_offset_t data = (vm_offset_t)pager.store + offset;

    switch (pager.answer[offset / PAGE_SIZE]) {
    case SUPPLY:
    case SUPPLY_LOCKED:
        memory_object_data_supply(control, offset, data, PAGE_SIZE,
                                  pager.answer[offset / PAGE_SIZE] == SUPPLY ? VM_PROT_NONE
                                                                             : VM_PROT_WRITE,
                                  FALSE, MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE);
        break;
    case UNAVAILABLE:
        memory_object_data_unavailable(control, offset, PAGE_SIZE);
        break;
    case ERROR:
        memory_object_data_error(control, offset, PAGE_SIZE, KERN_MEMORY_ERROR);
        break;
    case DIE:
        mach_port_mod_refs(SELF, pager.object, MACH_PORT_RIGHT_RECEIVE, -1);
        break;
    case WRONG: /* nothing of this is an answer; the last is */
        memory_object_data_supply(control, offset + 1, data, PAGE_SIZE, 0, FALSE, MACH_PORT_NULL,
                                  MACH_MSG_TYPE_MAKE_SEND_ONCE);
        memory_object_data_supply(control, ~PAGE_MASK, data, PAGE_SIZE, 0, FALSE, MACH_PORT_NULL,
                                  MACH_MSG_TYPE_MAKE_SEND_ONCE);
        memory_object_data_supply(control, 1UL << 60, data, PAGE_SIZE, 0, FALSE, MACH_PORT_NULL,
                                  MACH_MSG_TYPE_MAKE_SEND_ONCE);
        memory_object_data_supply(control, offset, data, 100, 0, FALSE, MACH_PORT_NULL,
                                  MACH_MSG_TYPE_MAKE_SEND_ONCE);
        memory_object_data_supply(control, offset, data, PAGE_SIZE, 0x700, FALSE, MACH_PORT_NULL,
                                  MACH_MSG_TYPE_MAKE_SEND_ONCE);
        memory_object_data_unavailable(control, offset + 7, PAGE_SIZE);
        memory_object_data_error(control, offset, ~0UL, KERN_MEMORY_ERROR);
        memory_object_lock_request(control, 3, 5, 9, 9, 99, MACH_PORT_NULL,
                                   MACH_MSG_TYPE_MAKE_SEND_ONCE);
        memory_object_ready(control, 77, 1000);
        memory_object_data_supply(control, offset, data, PAGE_SIZE, 0, FALSE, MACH_PORT_NULL,
                                  MACH_MSG_TYPE_MAKE_SEND_ONCE);
        break;
    case SILENT:
        break;
    }
}

kern_return_t S_memory_object_data_request(mach_port_t object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    count(&pager.requests);
    for (vm_offset_t at = offset; at < offset + length && at < SIZE; at += PAGE_SIZE)
        answer_page(control, at);
    mach_port_deallocate(SELF, control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t object, mach_port_t control,
                                          vm_offset_t offset, vm_offset_t data,
                                          mach_msg_type_number_t size, boolean_t dirty,
                                          boolean_t kernel_copy)
{
    if (offset + size <= SIZE)
        memcpy(pager.store + offset, (void *)data, size);
    pager.last_dirty = dirty;
    pager.last_kept = kernel_copy;
    vm_deallocate(SELF, data, size);
    mach_port_deallocate(SELF, control);
    count(&pager.returned);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_unlock(mach_port_t object, mach_port_t control,
                                          vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    count(&pager.unlocks);
    memory_object_lock_request(control, offset, length, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE,
                               MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    mach_port_deallocate(SELF, control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_lock_completed(mach_port_t object, mach_port_t control,
                                             vm_offset_t offset, vm_size_t length)
{
    mach_port_deallocate(SELF, control);
    count(&pager.completed);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_supply_completed(mach_port_t object, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length,
                                               kern_return_t result, vm_offset_t error_offset)
{
    pager.last_result = result;
    mach_port_deallocate(SELF, control);
    count(&pager.supplied);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_change_completed(mach_port_t object, boolean_t may_cache,
                                               int copy_strategy)
{
    count(&pager.changed);
    return KERN_SUCCESS;
}

static void *serve(void *arg)
{
    mach_msg_server(memory_object_server, memory_object_server_max_request, pager.object, 0);
    return NULL;
}

/* ---- the test's side ---- */

static void pager_start(enum answer answer, boolean_t may_cache, int copy_strategy)
{
    memset(&pager, 0, sizeof pager);
    for (vm_size_t i = 0; i < SIZE; i++)
        pager.store[i] = (char)(i / PAGE_SIZE + 'a');
    for (int i = 0; i < PAGES; i++)
        pager.answer[i] = answer;
    pager.may_cache = may_cache;
    pager.copy_strategy = copy_strategy;
    pager.object = new_port_send();
    server = cthread_fork(serve, NULL);
}

/* Ends the thread by taking its port away. */
static void pager_stop(void)
{
    mach_port_destroy(SELF, pager.object);
    if (server != NULL)
        cthread_join(server);
    server = NULL;
}

static kern_return_t map_object(vm_address_t *address, boolean_t copy)
{
    *address = 0;
    return vm_map(SELF, address, SIZE, 0, TRUE, pager.object, 0, copy, VM_PROT_DEFAULT, VM_PROT_ALL,
                  VM_INHERIT_SHARE);
}

/* Reads one byte by way of vm_read, so that a fault that fails is a code. */
static kern_return_t byte_at(vm_address_t address, char *byte)
{
    mach_msg_type_number_t size;
    vm_offset_t data;
    kern_return_t kr = vm_read(SELF, address, 1, &data, &size);

    if (kr != KERN_SUCCESS)
        return kr;
    *byte = *(char *)data;
    return vm_deallocate(SELF, data, size);
}

static kern_return_t lock(vm_offset_t offset, vm_size_t size, int should_return, boolean_t flush,
                          vm_prot_t prot)
{
    uint64_t before = pager.completed;
    kern_return_t kr;

    kr = memory_object_lock_request(pager.control, offset, size, should_return, flush, prot,
                                    pager.object, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    if (kr == KERN_SUCCESS && !wait_for_value(&pager.completed, before + 1))
        kr = KERN_OPERATION_TIMED_OUT;
    return kr;
}

#define DIRTY MEMORY_OBJECT_RETURN_DIRTY
#define ALL   MEMORY_OBJECT_RETURN_ALL
#define NONE  MEMORY_OBJECT_RETURN_NONE

TEST(pages_are_asked_for_when_touched)
{
    vm_address_t a;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_EQ(pager.inits, 1);
    EXPECT_EQ(pager.requests, 0);
    EXPECT_EQ(*(volatile char *)(a + 5 * PAGE_SIZE), 'f');
    EXPECT_EQ(pager.requests, 1);
    EXPECT_EQ(*(volatile char *)(a + 5 * PAGE_SIZE + 1), 'f');
    EXPECT_EQ(pager.requests, 1);
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQ(*(volatile char *)(a + i * PAGE_SIZE), 'a' + i);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    EXPECT_EQ(pager.returned, 0); /* nothing was written */
    pager_stop();
}

TEST(unavailable_pages_are_zero)
{
    vm_address_t a;

    pager_start(UNAVAILABLE, FALSE, MEMORY_OBJECT_COPY_NONE);
    pager.answer[3] = SUPPLY;
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQ(*(volatile char *)(a + i * PAGE_SIZE), i == 3 ? 'd' : 0);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(an_error_reaches_who_faulted)
{
    vm_address_t a;
    char byte = 0;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    pager.answer[2] = ERROR;
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_KR(byte_at(a + 2 * PAGE_SIZE, &byte), KERN_MEMORY_ERROR);
    EXPECT_KR(byte_at(a + PAGE_SIZE, &byte), KERN_SUCCESS);
    EXPECT_EQ(byte, 'b');
    pager.answer[2] = SUPPLY; /* an error is not for ever: the next fault asks anew */
    EXPECT_KR(byte_at(a + 2 * PAGE_SIZE, &byte), KERN_SUCCESS);
    EXPECT_EQ(byte, 'c');
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

static void read_one(uint64_t address)
{
    *(volatile char *)address;
}

TEST(an_error_is_a_bad_access_exception)
{
    mach_port_t port = new_port_send();
    struct child child;
    vm_address_t a;

    pager_start(ERROR, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT),
               KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, read_one, a + 4 * PAGE_SIZE), KERN_SUCCESS);
    pager.answer[4] = ERROR;
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[0], KERN_MEMORY_ERROR);
    EXPECT_EQ(caught.code[1], a + 4 * PAGE_SIZE);
    child_end(&child);
    mach_port_destroy(SELF, port);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(dirty_pages_are_returned)
{
    vm_address_t a;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    *(volatile char *)(a + 1 * PAGE_SIZE) = 'X';
    (void)*(volatile char *)(a + 2 * PAGE_SIZE);
    EXPECT_KR(lock(0, SIZE, DIRTY, FALSE, VM_PROT_NO_CHANGE), KERN_SUCCESS);
    EXPECT_EQ(pager.returned, 1);
    EXPECT_TRUE(pager.last_dirty);
    EXPECT_TRUE(pager.last_kept);
    EXPECT_EQ(pager.store[PAGE_SIZE], 'X');
    EXPECT_KR(lock(0, SIZE, DIRTY, FALSE, VM_PROT_NO_CHANGE), KERN_SUCCESS);
    EXPECT_EQ(pager.returned, 1); /* it is clean now */
    *(volatile char *)(a + 1 * PAGE_SIZE) = 'Y';
    EXPECT_KR(lock(0, SIZE, DIRTY, FALSE, VM_PROT_NO_CHANGE), KERN_SUCCESS);
    EXPECT_EQ(pager.returned, 2); /* and was not for ever */
    EXPECT_EQ(pager.store[PAGE_SIZE], 'Y');
    *(volatile char *)(a + 9 * PAGE_SIZE) = 'Z';
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS); /* the end returns them as well */
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    EXPECT_EQ(pager.returned, 3);
    EXPECT_EQ(pager.store[9 * PAGE_SIZE], 'Z');
    pager_stop();
}

TEST(flushed_pages_are_asked_for_again)
{
    vm_address_t a;
    uint64_t requests;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)(a + 7 * PAGE_SIZE), 'h');
    requests = pager.requests;
    pager.store[7 * PAGE_SIZE] = 'H';
    EXPECT_EQ(*(volatile char *)(a + 7 * PAGE_SIZE), 'h');
    EXPECT_KR(lock(0, SIZE, NONE, TRUE, VM_PROT_NO_CHANGE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)(a + 7 * PAGE_SIZE), 'H');
    EXPECT_EQ(pager.requests, requests + 1);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(msync_waits_for_the_pager)
{
    vm_address_t a;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    for (int i = 0; i < PAGES; i++)
        *(volatile char *)(a + i * PAGE_SIZE) = 'S';
    EXPECT_KR(vm_msync(SELF, a, SIZE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQ(pager.store[i * PAGE_SIZE], 'S');
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(a_locked_page_is_unlocked_on_demand)
{
    vm_address_t a;

    pager_start(SUPPLY_LOCKED, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)(a + PAGE_SIZE), 'b');
    EXPECT_EQ(pager.unlocks, 0);
    *(volatile char *)(a + PAGE_SIZE) = 'U';
    EXPECT_EQ(pager.unlocks, 1);
    *(volatile char *)(a + PAGE_SIZE) = 'V';
    EXPECT_EQ(pager.unlocks, 1);
    EXPECT_KR(lock(PAGE_SIZE, PAGE_SIZE, DIRTY, FALSE, VM_PROT_WRITE), KERN_SUCCESS);
    EXPECT_EQ(pager.store[PAGE_SIZE], 'V');
    *(volatile char *)(a + PAGE_SIZE) = 'W';
    EXPECT_EQ(pager.unlocks, 2);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    EXPECT_EQ(pager.store[PAGE_SIZE], 'W');
    pager_stop();
}

TEST(two_mappings_show_one_object)
{
    vm_address_t a, b;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    REQUIRE_KR(map_object(&b, FALSE), KERN_SUCCESS);
    EXPECT_EQ(pager.inits, 1);
    *(volatile char *)a = '2';
    EXPECT_EQ(*(volatile char *)b, '2');
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)b, '2');
    EXPECT_EQ(pager.terminated, 0);
    EXPECT_KR(vm_deallocate(SELF, b, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(a_private_mapping_is_never_returned)
{
    static const int strategies[] = {MEMORY_OBJECT_COPY_DELAY, MEMORY_OBJECT_COPY_NONE};

    for (int i = 0; i < 2; i++) {
        vm_address_t a;

        pager_start(SUPPLY, FALSE, strategies[i]);
        REQUIRE_KR(map_object(&a, TRUE), KERN_SUCCESS);
        EXPECT_EQ(*(volatile char *)a, 'a');
        *(volatile char *)(a + PAGE_SIZE) = 'P';
        EXPECT_EQ(*(volatile char *)(a + PAGE_SIZE), 'P');
        EXPECT_EQ(*(volatile char *)(a + PAGE_SIZE + 1), 'b');
        EXPECT_EQ(*(volatile char *)(a + 2 * PAGE_SIZE), 'c');
        EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
        EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
        EXPECT_EQ(pager.returned, 0);
        EXPECT_EQ(pager.store[PAGE_SIZE], 'b');
        pager_stop();
    }
}

TEST(a_cached_object_keeps_its_pages)
{
    vm_address_t a;
    uint64_t requests;

    pager_start(SUPPLY, TRUE, MEMORY_OBJECT_COPY_DELAY);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)(a + 5 * PAGE_SIZE), 'f');
    requests = pager.requests;
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)(a + 5 * PAGE_SIZE), 'f');
    EXPECT_EQ(pager.requests, requests);
    EXPECT_EQ(pager.inits, 1);
    EXPECT_EQ(pager.terminated, 0);
    EXPECT_KR(memory_object_change_attributes(pager.control, FALSE, MEMORY_OBJECT_COPY_DELAY,
                                              pager.object, MACH_MSG_TYPE_MAKE_SEND_ONCE),
              KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.changed, 1));
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(attributes_and_supplies_nobody_asked_for)
{
    boolean_t ready = FALSE, may_cache = FALSE;
    int strategy = 0;
    vm_address_t a;

    pager_start(SILENT, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_KR(memory_object_get_attributes(pager.control, &ready, &may_cache, &strategy),
              KERN_SUCCESS);
    EXPECT_TRUE(ready && !may_cache);
    EXPECT_EQ(strategy, MEMORY_OBJECT_COPY_NONE);
    EXPECT_KR(memory_object_data_supply(pager.control, 0, (vm_offset_t)pager.store, SIZE, 0, FALSE,
                                        pager.object, MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.supplied, 1));
    EXPECT_KR(pager.last_result, KERN_SUCCESS);
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQ(*(volatile char *)(a + i * PAGE_SIZE), 'a' + i);
    EXPECT_EQ(pager.requests, 0);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(wrong_answers_do_no_harm)
{
    vm_address_t a;
    char byte = 0;

    pager_start(WRONG, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_KR(byte_at(a + PAGE_SIZE, &byte), KERN_SUCCESS);
    EXPECT_EQ(byte, 'b');
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST(a_pager_that_dies_fails_the_fault)
{
    vm_address_t a;
    char byte;
    kern_return_t kr;

    pager_start(DIE, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    kr = byte_at(a, &byte);
    EXPECT_TRUE(kr == KERN_MEMORY_FAILURE || kr == KERN_MEMORY_ERROR);
    kr = byte_at(a + 3 * PAGE_SIZE, &byte);
    EXPECT_TRUE(kr == KERN_MEMORY_FAILURE || kr == KERN_MEMORY_ERROR);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    mach_port_deallocate(SELF, pager.control);
    pager_stop();
}

TEST(a_pager_may_give_up)
{
    vm_address_t a;
    char byte;

    pager_start(SUPPLY, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    EXPECT_KR(byte_at(a, &byte), KERN_SUCCESS);
    EXPECT_KR(memory_object_destroy(pager.control, KERN_MEMORY_FAILURE), KERN_SUCCESS);
    EXPECT_KR(byte_at(a, &byte), KERN_MEMORY_FAILURE);
    EXPECT_KR(byte_at(a + PAGE_SIZE, &byte), KERN_MEMORY_FAILURE);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    wait_for_value(&pager.terminated, 1);
    pager_stop();
}

/* A thread that waits for a page can be called back. */
static volatile uint64_t abort_result;

static void *read_silent(void *arg)
{
    char byte;

    abort_result = byte_at((vm_address_t)arg, &byte);
    return NULL;
}

TEST(a_fault_can_be_aborted)
{
    thread_t *threads;
    mach_msg_type_number_t thread_count;
    cthread_t reader;
    vm_address_t a;

    pager_start(SILENT, FALSE, MEMORY_OBJECT_COPY_NONE);
    REQUIRE_KR(map_object(&a, FALSE), KERN_SUCCESS);
    abort_result = ~0UL;
    reader = cthread_fork(read_silent, (void *)a);
    REQUIRE_TRUE(reader != NULL);
    EXPECT_TRUE(wait_for_value(&pager.requests, 1));
    REQUIRE_KR(task_threads(SELF, &threads, &thread_count), KERN_SUCCESS);
    for (int tries = 0; tries < 1000 && abort_result == ~0UL; tries++) {
        for (unsigned i = 0; i < thread_count; i++)
            if (threads[i] != mach_thread_self_cached())
                thread_abort(threads[i]);
        sleep_ms(2);
    }
    EXPECT_TRUE(abort_result != ~0UL && abort_result != KERN_SUCCESS);
    for (unsigned i = 0; i < thread_count; i++)
        mach_port_deallocate(SELF, threads[i]);
    vm_deallocate(SELF, (vm_address_t)threads, thread_count * sizeof *threads);
    cthread_join(reader);
    EXPECT_KR(vm_deallocate(SELF, a, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&pager.terminated, 1));
    pager_stop();
}

TEST_MAIN
