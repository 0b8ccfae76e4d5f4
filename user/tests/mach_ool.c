/*
 * Mach by example, 10: memory in messages. A descriptor names a range of the sender's address
 * space; the receiver finds a copy of it in its own, made lazily if it is large, and the sender may
 * give its own away with it.
 */
#include "mach_rights.h"

#define PAGE 4096UL
#define KERNEL_ADDRESS 0xffff000040200000UL

static mach_msg_return_t send_memory_as(mach_port_t to, void *data, uint32_t size,
                                        boolean_t deallocate, int copy)
{
    struct ool m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to},
        .body = {.msgh_descriptor_count = 1},
        .memory = {.address = (uint64_t)data, .size = size, .deallocate = deallocate,
                   .copy = (uint8_t)copy, .type = MACH_MSG_OOL_DESCRIPTOR},
    };

    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, OOL_SIZE, 0, MACH_PORT_NULL, 0,
                    MACH_PORT_NULL);
}

static mach_msg_return_t send_memory(mach_port_t to, void *data, uint32_t size, boolean_t deallocate)
{
    return send_memory_as(to, data, size, deallocate, MACH_MSG_VIRTUAL_COPY);
}

static mach_msg_return_t receive_memory(mach_port_t from, struct ool *m)
{
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(*m), from, 0,
                    MACH_PORT_NULL);
}

static char *new_memory(vm_size_t size)
{
    vm_address_t address = 0;

    if (vm_allocate(SELF, &address, size, TRUE) != KERN_SUCCESS)
        return NULL;
    for (vm_size_t i = 0; i < size; i++)
        ((char *)address)[i] = (char)(i * 7 + i / PAGE);
    return (char *)address;
}

/* Is there memory at this page? */
static boolean_t mapped(const void *page)
{
    vm_address_t at = (vm_address_t)page;
    vm_region_info_data_t info;
    vm_size_t size;

    return vm_region(SELF, &at, &size, &info) == KERN_SUCCESS && at <= (vm_address_t)page;
}

/* Sends size bytes at an offset, by one kind of copy, and checks what arrives: a private copy of
 * what was there at the time of the send. */
static void memory_case(vm_size_t offset, uint32_t size, int copy)
{
    mach_port_t port = new_port_send();
    vm_size_t region = (offset + size + PAGE) & ~(PAGE - 1);
    char *p = new_memory(region), *got;
    int differ = 0;
    struct ool m;

    REQUIRE_TRUE(p != NULL);
    REQUIRE_KR(send_memory_as(port, p + offset, size, FALSE, copy), MACH_MSG_SUCCESS);
    p[offset] ^= 0x55; /* after the send: the receiver must not see it */
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.memory.size, size);
    EXPECT_EQ(m.memory.type, MACH_MSG_OOL_DESCRIPTOR);
    got = (char *)m.memory.address;
    REQUIRE_TRUE(got != NULL && (got + size <= p || got >= p + region));
    p[offset] ^= 0x55;
    for (uint32_t i = 0; i < size; i++)
        differ += got[i] != p[offset + i];
    EXPECT_EQ(differ, 0);
    got[size - 1] ^= 1; /* the receiver's own: writable, and private */
    EXPECT_TRUE(got[size - 1] != p[offset + size - 1]);
    EXPECT_KR(vm_deallocate(SELF, m.memory.address, size), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, (vm_address_t)p, region), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* A few bytes arrive as they were at the send, in memory of the receiver's own. [KI mach_msg] */
TEST(small_memory_is_copied)
{
    memory_case(100, 50, MACH_MSG_VIRTUAL_COPY);
}

/* So does a large region, which is shared until one of the two writes. [KI mach_msg] */
TEST(large_memory_is_copied_on_write)
{
    memory_case(0, 64 * PAGE, MACH_MSG_VIRTUAL_COPY);
}

/* A region need begin and end at no page. [KI mach_msg] */
TEST(unaligned_large_memory)
{
    memory_case(1234, 20 * PAGE + 77, MACH_MSG_VIRTUAL_COPY);
}

/* Around every size at which something might change, at three places in a page, by each kind of
 * copy, the same arrives. [KI mach_msg] */
TEST(every_size_and_place_arrives)
{
    static const uint32_t sizes[] = {1, 7, 8, 9, 2047, 2048, 2049, PAGE - 1, PAGE, PAGE + 1,
                                     2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE,
                                     16 * PAGE - 1, 16 * PAGE, 16 * PAGE + 1};
    static const vm_size_t offsets[] = {0, 1, PAGE - 1};

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned k = 0; k < 3; k++)
            for (int copy = MACH_MSG_PHYSICAL_COPY; copy <= MACH_MSG_ALLOCATE; copy++)
                memory_case(offsets[k], sizes[i], copy);
}

/* A kind of copy that is none is MACH_SEND_INVALID_TYPE. [message.h] */
TEST(a_kind_of_copy_that_is_none)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(PAGE);

    EXPECT_KR(send_memory_as(port, p, 8, FALSE, 3), MACH_SEND_INVALID_TYPE);
    EXPECT_KR(send_memory_as(port, p, 8, TRUE, 255), MACH_SEND_INVALID_TYPE);
    EXPECT_TRUE(mapped(p));
    vm_deallocate(SELF, (vm_address_t)p, PAGE);
    mach_port_destroy(SELF, port);
}

/* No bytes arrive as no address, also if the one sent was nonsense. [KI mach_msg] */
TEST(memory_of_size_zero_arrives_as_null)
{
    mach_port_t port = new_port_send();
    struct ool m;

    REQUIRE_KR(send_memory(port, NULL, 0, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_memory(port, (void *)KERNEL_ADDRESS, 0, TRUE), MACH_MSG_SUCCESS);
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.memory.size, 0);
        EXPECT_EQ(m.memory.address, 0);
    }
    mach_port_destroy(SELF, port);
}

/* With deallocate the sender's memory goes with the message. [KI mach_msg] */
TEST(deallocate_moves_the_memory)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(16 * PAGE);
    struct ool m;

    *(int *)p = 4711;
    REQUIRE_KR(send_memory(port, p, 16 * PAGE, TRUE), MACH_MSG_SUCCESS);
    EXPECT_TRUE(!mapped(p));
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(*(int *)m.memory.address, 4711);
    EXPECT_EQ(m.memory.deallocate, FALSE);
    EXPECT_KR(vm_deallocate(SELF, m.memory.address, 16 * PAGE), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* Pages that the region touches go whole; their neighbours stay. [KI mach_msg, vm_deallocate] */
TEST(deallocate_takes_whole_pages)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(6 * PAGE);
    struct ool m;

    REQUIRE_KR(send_memory(port, p + PAGE + 10, 10, TRUE), MACH_MSG_SUCCESS);
    EXPECT_TRUE(mapped(p) && !mapped(p + PAGE) && mapped(p + 2 * PAGE));
    REQUIRE_KR(send_memory(port, p + 4 * PAGE - 1, 2, TRUE), MACH_MSG_SUCCESS);
    EXPECT_TRUE(mapped(p + 2 * PAGE) && !mapped(p + 3 * PAGE) && !mapped(p + 4 * PAGE));
    EXPECT_TRUE(mapped(p + 5 * PAGE));
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
        vm_deallocate(SELF, m.memory.address, m.memory.size);
    }
    vm_deallocate(SELF, (vm_address_t)p, 6 * PAGE);
    mach_port_destroy(SELF, port);
}

/* Memory that is not there, not all there, or not the sender's is MACH_SEND_INVALID_MEMORY. [KI
 * mach_msg] */
TEST(memory_that_is_not_there_fails_the_send)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(4 * PAGE);

    vm_deallocate(SELF, (vm_address_t)p + PAGE, PAGE);
    EXPECT_KR(send_memory(port, (void *)0x7000000000, 8 * PAGE, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)0x7000000000, 16, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, NULL, 1, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)0xfffffffffffff000, 0xfffff000, FALSE),
              MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)KERNEL_ADDRESS, PAGE, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)KERNEL_ADDRESS, 4, TRUE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, p + PAGE - 4, 8, TRUE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, p, 4 * PAGE, TRUE), MACH_SEND_INVALID_MEMORY);
    EXPECT_TRUE(mapped(p) && mapped(p + 2 * PAGE) && mapped(p + 3 * PAGE)); /* nothing was taken */
    EXPECT_EQ(status_of(port).mps_msgcount, 0);
    vm_deallocate(SELF, (vm_address_t)p, 4 * PAGE);
    mach_port_destroy(SELF, port);
}

/* Memory that the sender may only read can be sent; the copy can be written. [KI mach_msg] */
TEST(read_only_memory_can_be_sent)
{
    static const uint32_t sizes[2] = {100, 8 * PAGE};
    mach_port_t port = new_port_send();
    char *p = new_memory(8 * PAGE);
    struct ool m;

    REQUIRE_KR(vm_protect(SELF, (vm_address_t)p, 8 * PAGE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(send_memory(port, p, sizes[i], FALSE), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
        *(volatile char *)m.memory.address = 1;
        vm_deallocate(SELF, m.memory.address, sizes[i]);
    }
    vm_deallocate(SELF, (vm_address_t)p, 8 * PAGE);
    mach_port_destroy(SELF, port);
}

/* Memory that the sender may not read is MACH_SEND_INVALID_MEMORY. [KI mach_msg] */
TEST(unreadable_memory_cannot_be_sent)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(8 * PAGE);

    REQUIRE_KR(vm_protect(SELF, (vm_address_t)p, 8 * PAGE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(send_memory(port, p, 100, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, p, 8 * PAGE, TRUE), MACH_SEND_INVALID_MEMORY);
    EXPECT_TRUE(mapped(p));
    vm_deallocate(SELF, (vm_address_t)p, 8 * PAGE);
    mach_port_destroy(SELF, port);
}

/* A region may consist of several, with different objects behind them. [KI mach_msg] */
TEST(memory_of_several_entries)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(9 * PAGE), *got;
    int differ = 0;
    struct ool m;

    REQUIRE_KR(vm_protect(SELF, (vm_address_t)p + 3 * PAGE, PAGE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, (vm_address_t)p + 5 * PAGE, PAGE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_KR(send_memory(port, p + 50, 9 * PAGE - 100, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    got = (char *)m.memory.address;
    for (uint32_t i = 0; i < m.memory.size; i++)
        differ += got[i] != p[50 + i];
    EXPECT_EQ(differ, 0);
    vm_deallocate(SELF, m.memory.address, m.memory.size);
    vm_deallocate(SELF, (vm_address_t)p, 9 * PAGE);
    mach_port_destroy(SELF, port);
}

/* What the sender writes after the send is not seen, what the receiver writes neither: in every
 * page. [KI mach_msg] */
TEST(writes_after_the_send_stay_apart)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(10 * PAGE), *first, *second;
    struct ool a, b;

    REQUIRE_KR(send_memory(port, p, 10 * PAGE, FALSE), MACH_MSG_SUCCESS);
    for (int i = 0; i < 10; i++)
        p[i * PAGE] = 'x';
    REQUIRE_KR(send_memory(port, p, 10 * PAGE, FALSE), MACH_MSG_SUCCESS);
    for (int i = 0; i < 10; i++)
        p[i * PAGE] = 'y';
    REQUIRE_KR(receive_memory(port, &a), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_memory(port, &b), MACH_MSG_SUCCESS);
    first = (char *)a.memory.address;
    second = (char *)b.memory.address;
    for (int i = 0; i < 10; i++) {
        EXPECT_EQ(first[i * PAGE], (char)(i * (int)PAGE * 7 + i));
        EXPECT_EQ(second[i * PAGE], 'x');
        first[i * PAGE] = 'a';
        second[i * PAGE] = 'b';
        EXPECT_TRUE(first[i * PAGE] == 'a' && p[i * PAGE] == 'y');
    }
    vm_deallocate(SELF, a.memory.address, 10 * PAGE);
    vm_deallocate(SELF, b.memory.address, 10 * PAGE);
    vm_deallocate(SELF, (vm_address_t)p, 10 * PAGE);
    mach_port_destroy(SELF, port);
}

/* Sixteen megabytes nobody touches need no memory of their own. [KI mach_msg] */
TEST(huge_memory_costs_nothing_until_it_is_touched)
{
    const vm_size_t size = 16 << 20;
    mach_port_t port = new_port_send();
    struct host_counters before, after;
    vm_address_t address = 0;
    struct ool m;

    REQUIRE_KR(vm_allocate(SELF, &address, size, TRUE), KERN_SUCCESS);
    *(char *)address = 'h';
    counters(&before);
    REQUIRE_KR(send_memory(port, (void *)address, size, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    counters(&after);
    EXPECT_TRUE(before.free_pages - after.free_pages + 16 < 64); /* a page table or two, of 4,096 */
    EXPECT_EQ(*(char *)m.memory.address, 'h');
    EXPECT_EQ(((char *)m.memory.address)[size - 1], 0);
    vm_deallocate(SELF, m.memory.address, size);
    vm_deallocate(SELF, address, size);
    mach_port_destroy(SELF, port);
}

/* ---- several regions in a message ---- */

struct regions {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_ool_descriptor_t memory[6];
};

static void regions_init(struct regions *m, mach_port_t to, int count)
{
    memset(m, 0, sizeof *m);
    m->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m->header.msgh_remote_port = to;
    m->body.msgh_descriptor_count = count;
    for (int i = 0; i < count; i++)
        m->memory[i] = (mach_msg_ool_descriptor_t){.copy = MACH_MSG_VIRTUAL_COPY,
                                                   .type = MACH_MSG_OOL_DESCRIPTOR};
}

static mach_msg_return_t regions_send(struct regions *m)
{
    return mach_msg(&m->header, MACH_SEND_MSG,
                    offsetof(struct regions, memory)
                        + m->body.msgh_descriptor_count * sizeof m->memory[0], 0, 0, 0, 0);
}

/* One region can be in a message several times; each arrives at a place of its own. [KI
 * mach_msg] */
TEST(one_region_several_times)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(4 * PAGE);
    struct regions m;

    regions_init(&m, port, 6);
    for (int i = 0; i < 6; i++) {
        m.memory[i].address = (uint64_t)p;
        m.memory[i].size = i % 2 ? 100 : 4 * PAGE;
    }
    REQUIRE_KR(regions_send(&m), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, port, 0, 0), MACH_MSG_SUCCESS);
    for (int i = 0; i < 6; i++) {
        EXPECT_EQ(memcmp((void *)m.memory[i].address, p, m.memory[i].size), 0);
        for (int j = 0; j < i; j++)
            EXPECT_TRUE(m.memory[i].address != m.memory[j].address);
    }
    mach_msg_destroy(&m.header);
    vm_deallocate(SELF, (vm_address_t)p, 4 * PAGE);
    mach_port_destroy(SELF, port);
}

/* Given away twice in a message, it is copied twice, and gone once. [ipc_copyin.c] */
TEST(one_region_given_away_twice)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(4 * PAGE);
    struct regions m;

    regions_init(&m, port, 2);
    for (int i = 0; i < 2; i++) {
        m.memory[i].address = (uint64_t)p;
        m.memory[i].size = 4 * PAGE;
        m.memory[i].deallocate = TRUE;
    }
    REQUIRE_KR(regions_send(&m), MACH_MSG_SUCCESS);
    EXPECT_TRUE(!mapped(p));
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, port, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(memcmp((void *)m.memory[0].address, (void *)m.memory[1].address, 4 * PAGE), 0);
    mach_msg_destroy(&m.header);
    mach_port_destroy(SELF, port);
}

/* Bad memory at any place fails the send, and no region of the message is taken. [KI mach_msg] */
TEST(bad_memory_at_any_place_undoes_the_rest)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(12 * PAGE);
    struct regions m;

    for (int bad = 0; bad < 6; bad++) {
        regions_init(&m, port, 6);
        for (int i = 0; i < 6; i++) {
            m.memory[i].address = i == bad ? 0x7000000000 : (uint64_t)p + 2 * i * PAGE;
            m.memory[i].size = i % 2 ? 30 : 2 * PAGE;
            m.memory[i].deallocate = TRUE;
        }
        EXPECT_KR(regions_send(&m), MACH_SEND_INVALID_MEMORY);
        for (int i = 0; i < 12; i++)
            EXPECT_TRUE(mapped(p + i * PAGE) && p[i * PAGE] == (char)(i * (int)PAGE * 7 + i));
    }
    vm_deallocate(SELF, (vm_address_t)p, 12 * PAGE);
    mach_port_destroy(SELF, port);
}

/* A bad right behind good memory leaves the memory, too. [KI mach_msg] */
TEST(a_bad_right_leaves_the_memory)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(4 * PAGE);
    struct regions m;

    regions_init(&m, port, 2);
    m.memory[0] = (mach_msg_ool_descriptor_t){
        .address = (uint64_t)p, .size = 4 * PAGE, .deallocate = TRUE,
        .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR};
    *(mach_msg_port_descriptor_t *)&m.memory[1] = (mach_msg_port_descriptor_t){
        .name = 0x88800, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_PORT_DESCRIPTOR};
    EXPECT_KR(regions_send(&m), MACH_SEND_INVALID_RIGHT);
    EXPECT_TRUE(mapped(p) && mapped(p + 3 * PAGE));
    vm_deallocate(SELF, (vm_address_t)p, 4 * PAGE);
    mach_port_destroy(SELF, port);
}

/* Memory in a message that nobody receives goes with it. [KP, port death] */
TEST(memory_of_a_destroyed_message_is_freed)
{
    struct host_counters before, after;
    mach_port_t port = new_port_send();
    char *p = new_memory(200 * PAGE);

    counters(&before);
    REQUIRE_KR(send_memory(port, p, 200 * PAGE, TRUE), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
    counters(&after);
    EXPECT_TRUE(after.free_pages >= before.free_pages + 200 - 8);
    EXPECT_TRUE(!mapped(p));
}

/* A send that timed out gives the memory back, at a place of the kernel's choice, as a receive
 * would. [KI mach_msg, MACH_SEND_TIMED_OUT] */
TEST(a_timed_out_send_gives_the_memory_back)
{
    mach_port_t port = new_port_send();
    char *p = new_memory(4 * PAGE);
    struct ool m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = port},
        .body = {.msgh_descriptor_count = 1},
        .memory = {.address = (uint64_t)p, .size = 4 * PAGE, .deallocate = TRUE,
                   .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR},
    };

    p[PAGE] = 'k';
    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, OOL_SIZE, 0, 0, 0, 0),
              MACH_SEND_TIMED_OUT);
    EXPECT_EQ(m.memory.size, 4 * PAGE);
    REQUIRE_TRUE(mapped((void *)m.memory.address));
    EXPECT_EQ(((char *)m.memory.address)[PAGE], 'k');
    vm_deallocate(SELF, m.memory.address, 4 * PAGE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2); /* the copy of the destination came back, too */
    mach_port_destroy(SELF, port);
}

TEST_MAIN
