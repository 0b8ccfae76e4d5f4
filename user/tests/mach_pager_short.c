/*
 * Mach by example, 37: one page is asked for, and supplied. That is what a pager does most, so the kernel
 * has a short way for it (kernel/ipc/mach_msg_pager.c), which nobody must be able to tell from the long one:
 * all here holds with the boot argument fastpath=off as well.
 */
#include "mach_object.h"

#define PAGES 16
#define SIZE  (PAGES * PAGE_SIZE)

#define REQUESTED 2202 /* memory_object.defs: memory_object_data_request */
#define SUPPLY    2241 /* memory_object_control.defs: memory_object_data_supply */

/* The message, as MIG makes it, and room for what is received in the same trap. */
static union {
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_descriptor_t data;
        mach_msg_port_descriptor_t reply;
        vm_offset_t offset;
        vm_prot_t lock_value;
        boolean_t precious;
    } out;
    struct small word;
    char room[256];
} m;

/* A page of data for the first page of the object, by a right to its control port that is copied. */
static void compose(struct object *o, vm_address_t data)
{
    memset(&m, 0, sizeof m);
    m.out.header.msgh_bits =
        MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m.out.header.msgh_remote_port = o->control;
    m.out.header.msgh_id = SUPPLY;
    m.out.body.msgh_descriptor_count = 2;
    m.out.data = (mach_msg_ool_descriptor_t){
        .address = data,
        .size = PAGE_SIZE,
        .copy = MACH_MSG_VIRTUAL_COPY,
        .type = MACH_MSG_OOL_DESCRIPTOR,
    };
    m.out.reply = (mach_msg_port_descriptor_t){
        .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE,
        .type = MACH_MSG_PORT_DESCRIPTOR,
    };
}

static mach_msg_return_t send(void)
{
    return mach_msg_trap(&m.out.header, MACH_SEND_MSG, sizeof m.out, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

/* Its right to the control port is moved. */
static mach_msg_return_t send_moving(void)
{
    m.out.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    return send();
}

/* An object of which somebody reads the first page: the pager has been asked for it. */
static boolean_t asked(struct object *o, struct job *job)
{
    *job = (struct job){.run = job_read};
    if (!object_map(o, SIZE, FALSE, NONE))
        return FALSE;
    job->address = o->address;
    return job_begin(job) && hear(o, REQUEST) && heard.offset == 0 && job_waits(job);
}

static mach_port_urefs_t references(struct object *o)
{
    return refs_of(o->control, MACH_PORT_RIGHT_SEND);
}

/* The right sent with is used up if it is moved, and stays if it is copied; a name's last one as well. [KI
 * mach_msg] */
TEST(rights_are_used_up_as_they_are_sent)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    EXPECT_EQ(references(&o), 1);
    compose(&o, letters(0, 1));
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    EXPECT_EQ(references(&o), 1);
    object_end(&o);

    REQUIRE_TRUE(asked(&o, &job));
    REQUIRE_KR(mach_port_mod_refs(SELF, o.control, MACH_PORT_RIGHT_SEND, 2), KERN_SUCCESS);
    compose(&o, letters(1, 1));
    EXPECT_KR(send_moving(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'b');
    EXPECT_EQ(references(&o), 2);
    EXPECT_KR(mach_port_deallocate(SELF, o.control), KERN_SUCCESS);
    object_end(&o);

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, letters(2, 1));
    EXPECT_KR(send_moving(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'c');
    EXPECT_EQ(type_of(o.control), MACH_PORT_TYPE_NONE);
    o.control = MACH_PORT_NULL;
    object_end(&o);
}

/* Data that cannot be read, wholly or from its middle on, makes no message: the page stays asked for, and
 * the right is where it was. [KI mach_msg] */
TEST(a_page_that_cannot_be_read_is_not_sent)
{
    vm_address_t data = lettered(1);
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    REQUIRE_KR(mach_port_mod_refs(SELF, o.control, MACH_PORT_RIGHT_SEND, 1), KERN_SUCCESS);
    compose(&o, data + PAGE_SIZE / 2);
    EXPECT_EQ(send_moving(), MACH_SEND_INVALID_MEMORY);
    compose(&o, data + PAGE_SIZE);
    EXPECT_EQ(send_moving(), MACH_SEND_INVALID_MEMORY);
    compose(&o, KERNEL_ADDRESS);
    EXPECT_EQ(send_moving(), MACH_SEND_INVALID_MEMORY);
    compose(&o, 0 - PAGE_SIZE / 2);
    EXPECT_EQ(send_moving(), MACH_SEND_INVALID_MEMORY);
    EXPECT_EQ(references(&o), 2);
    EXPECT_TRUE(!job.done);
    compose(&o, data);
    EXPECT_KR(send_moving(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    EXPECT_TRUE(is_filled(o.address, 'a', PAGE_SIZE));
    object_end(&o);
    release(data, PAGE_SIZE);
}

/* Data that is not in memory yet is brought there; it may begin anywhere in a page. [KI mach_msg] */
TEST(any_memory_is_good_enough)
{
    vm_address_t data = lettered(2), zeros = fresh(PAGE_SIZE);
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, zeros);
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_TRUE(is_filled(o.address, 0, PAGE_SIZE));
    object_end(&o);

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, data + PAGE_SIZE - 5);
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_TRUE(is_filled(o.address, 'a', 5) && is_filled(o.address + 5, 'b', PAGE_SIZE - 5));
    object_end(&o);
    release(data, 2 * PAGE_SIZE);
    release(zeros, PAGE_SIZE);
}

/* The data goes from the pager's memory if the message says so. [KI mach_msg] */
TEST(memory_goes_if_it_is_said_to)
{
    vm_address_t data = lettered(1);
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, data);
    m.out.data.deallocate = TRUE;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    EXPECT_KR(readable(data), KERN_INVALID_ADDRESS);
    object_end(&o);
}

/* Who wants to be told that the data was taken is. [KI memory_object_supply_completed] */
TEST(a_reply_is_sent)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, letters(3, 1));
    m.out.reply.name = o.port;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, SUPPLIED) && heard.result == KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'd');
    object_end(&o);
}

/* A page is locked and precious if it is supplied so. [KI memory_object_data_supply] */
TEST(locks_and_precious_pages)
{
    struct job write = {.run = job_write, .byte = 'w'};
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, letters(4, 1));
    m.out.lock_value = VM_PROT_WRITE;
    m.out.precious = TRUE;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    write.address = o.address;
    REQUIRE_TRUE(job_begin(&write) && hear(&o, UNLOCK));
    EXPECT_EQ(heard.access, VM_PROT_WRITE);
    EXPECT_KR(lock_pages(&o, 0, 1, MEMORY_OBJECT_RETURN_ALL, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, RETURN) && !heard.dirty && heard.bytes[0] == 'e');
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_KR(job_end(&write), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address), 'w');
    object_end(&o);
}

/* What is wrong, or comes a second time, changes nothing; a page that nobody asked for is taken. [KI
 * memory_object_data_supply] */
TEST(wrong_answers_are_none)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, letters(5, 1));
    m.out.offset = 1;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    m.out.offset = ~PAGE_MASK;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    m.out.offset = 0;
    m.out.lock_value = ~VM_PROT_ALL;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    m.out.lock_value = VM_PROT_NONE;
    m.out.body.msgh_descriptor_count = 1;
    EXPECT_KR(send(), MACH_MSG_SUCCESS); /* (it has not the shape) */
    m.out.body.msgh_descriptor_count = 2;
    m.out.header.msgh_id = SUPPLY + 1;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    m.out.header.msgh_id = SUPPLY;
    m.out.data.copy = MACH_MSG_ALLOCATE + 1;
    EXPECT_EQ(send(), MACH_SEND_INVALID_TYPE);
    m.out.data.copy = MACH_MSG_VIRTUAL_COPY;
    m.out.header.msgh_local_port = o.port;
    EXPECT_EQ(send(), MACH_SEND_INVALID_HEADER);
    m.out.header.msgh_local_port = MACH_PORT_NULL;
    m.out.header.msgh_remote_port = NO_SUCH_NAME;
    EXPECT_EQ(send(), MACH_SEND_INVALID_DEST);
    EXPECT_TRUE(!job.done);
    m.out.header.msgh_remote_port = o.control;
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    compose(&o, letters(6, 1)); /* it is there now */
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_EQ(BYTE(o.address), 'f');
    m.out.offset = PAGE_SIZE; /* taken, since memory is plenty */
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'g');
    object_end(&o);
}

/* Answers with the letter, and receives from the port in the same trap. */
static mach_msg_return_t answer_and_receive(struct object *o, int letter, mach_port_t port)
{
    compose(o, letters(letter, 1));
    return mach_msg_trap(&m.out.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.out, sizeof m, port, 0,
                         MACH_PORT_NULL);
}

/* In the same trap a message can be received that is there already: then who waited for the page is but
 * woken. [KI mach_msg] */
TEST(a_message_that_is_there_is_received)
{
    mach_port_t port = new_port_send();
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 4711, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(answer_and_receive(&o, 7, port), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word.word, 4711);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'h');
    object_end(&o);
    mach_port_destroy(SELF, port);
}

/* Or one that comes then: the next request. [KI mach_msg] */
TEST(the_next_request_is_received)
{
    struct job other = {.run = job_read};
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    other.address = o.address + 5 * PAGE_SIZE;
    REQUIRE_TRUE(job_begin(&other));
    EXPECT_KR(answer_and_receive(&o, 8, o.port), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.out.header.msgh_id, REQUESTED);
    EXPECT_KR(mach_port_deallocate(SELF, o.control), KERN_SUCCESS); /* it came with one more */
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'i');
    EXPECT_TRUE(!other.done);
    EXPECT_KR(supply(&o, 5, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&other), KERN_SUCCESS);
    EXPECT_EQ(other.byte, 'f');
    object_end(&o);
}

/* A trap that waits in vain has answered all the same: the name to receive from is looked at after. [KI
 * mach_msg] */
TEST(the_answer_counts_whatever_the_receive_comes_to)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    compose(&o, letters(9, 1));
    EXPECT_EQ(mach_msg_trap(&m.out.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.out, sizeof m,
                            NO_SUCH_NAME, 0, MACH_PORT_NULL), MACH_RCV_INVALID_NAME);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'j');
    object_end(&o);
}

/* ---- a pager that has a thread waiting ---- */

static volatile uint64_t served;

/* Supplies what it is asked for, until it hears that the object terminates. */
static void *serve(void *arg)
{
    struct object *o = arg;

    while (hear_within(o->port, HEAR_MS) && heard.what != TERMINATE)
        if (heard.what == REQUEST) {
            supply_heard(o);
            served++;
        }
    return NULL;
}

/* Requests and answers hand the CPU to and fro, and lose none: pages read by several at
 * once, each by all. [vm_fault.c] */
TEST(readers_and_a_pager_that_waits)
{
    enum { READERS = 4 };
    struct job job[READERS];
    cthread_t thread;
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    served = 0;
    thread = cthread_fork(serve, &o);
    REQUIRE_TRUE(thread != NULL);
    for (int i = 0; i < READERS; i++) {
        job[i] = (struct job){.run = job_scan, .address = o.address, .size = SIZE};
        REQUIRE_TRUE(job_begin(&job[i]));
    }
    for (int i = 0; i < READERS; i++) {
        EXPECT_KR(job_end(&job[i]), KERN_SUCCESS);
        EXPECT_EQ(job[i].byte, 'a' + PAGES - 1);
    }
    for (int page = 0; page < PAGES; page++)
        EXPECT_TRUE(is_filled(o.address + page * PAGE_SIZE, 'a' + page, PAGE_SIZE));
    EXPECT_KR(vm_deallocate(SELF, o.address, SIZE), KERN_SUCCESS);
    cthread_join(thread);
    EXPECT_TRUE(served > 0 && served <= PAGES);
    object_forget(&o);
}

/* Reads each page, downwards: so each is asked for by itself. */
static kern_return_t peek_all(struct job *job)
{
    vm_size_t at = job->size;
    kern_return_t kr = KERN_SUCCESS;

    while (kr == KERN_SUCCESS && at > 0)
        kr = byte_of(job->task, job->address + (at -= PAGE_SIZE), &job->byte);
    return kr;
}

/* Memory, and its object, may go while pages of it are asked for and supplied: nobody is left waiting. [KI
 * memory_object_terminate] */
TEST(answers_against_the_end)
{
    for (int round = 0; round < 40; round++) {
        struct job job = {.run = peek_all, .size = SIZE};
        cthread_t thread;
        struct object o;

        REQUIRE_TRUE(object_map_apart(&o, SIZE));
        job.task = o.task;
        job.address = o.address;
        served = 0;
        thread = cthread_fork(serve, &o);
        REQUIRE_TRUE(thread != NULL && job_begin(&job));
        while (served < (unsigned)round % (PAGES + 1) && !job.done)
            thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
        EXPECT_KR(vm_deallocate(o.task, o.address, SIZE), KERN_SUCCESS);
        job_end(&job);
        EXPECT_TRUE(job.result == KERN_SUCCESS || job.result == KERN_INVALID_ADDRESS);
        cthread_join(thread);
        EXPECT_EQ(heard.what, TERMINATE);
        object_forget(&o);
    }
}

/* One who waits for a page can be called back, and the page comes all the same. [KI thread_abort] */
TEST(who_waits_can_be_aborted)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(asked(&o, &job));
    EXPECT_KR(thread_abort((thread_t)job.port), KERN_SUCCESS); /* it faults again, and waits again */
    EXPECT_TRUE(hear_nothing(&o) && job_waits(&job));
    compose(&o, letters(10, 1));
    EXPECT_KR(send(), MACH_MSG_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'k');
    object_end(&o);
}

TEST_MAIN
