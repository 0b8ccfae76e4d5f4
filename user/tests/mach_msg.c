/* Messages: mach_msg's options, dispositions and return codes, one rule of Mach a case. */
#include "mach_test.h"

TEST(baseline_is_taken)
{
    take_baseline();
}

TEST(a_message_to_oneself_arrives_whole)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 0xfeed, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 0xfeed);
    EXPECT_EQ(m.header.msgh_id, 77);
    EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    EXPECT_EQ(m.header.msgh_local_port, port);
    EXPECT_EQ(m.header.msgh_remote_port, MACH_PORT_NULL);
    mach_port_destroy(SELF, port);
}

TEST(messages_arrive_in_order_with_sequence_numbers)
{
    mach_port_t port = new_port_send();
    struct small m;

    for (uint32_t i = 0; i < 5; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, 0, 0), MACH_MSG_SUCCESS);
    for (uint32_t i = 0; i < 5; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
        EXPECT_EQ(m.header.msgh_seqno, i);
    }
    mach_port_destroy(SELF, port);
}

TEST(receive_with_time_out_zero_polls)
{
    mach_port_t port = new_port();
    struct small m;

    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    EXPECT_KR(receive_word(port, &m, 20), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, port);
}

TEST(a_full_queue_blocks_or_times_out)
{
    mach_port_t port = new_port_send();
    struct small m;

    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                   MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0),
              MACH_SEND_TIMED_OUT);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 20),
              MACH_SEND_TIMED_OUT);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1); /* a failed send moved nothing */
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(send_once_messages_pass_a_full_queue)
{
    mach_port_t port = new_port_send();

    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                   MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 9, MACH_SEND_TIMEOUT, 0),
              MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(rcv_large_leaves_the_message_and_tells_its_size)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0,
                       sizeof(mach_msg_header_t), port, 0, MACH_PORT_NULL), MACH_RCV_TOO_LARGE);
    EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 5);
    mach_port_destroy(SELF, port);
}

TEST(without_rcv_large_the_message_is_destroyed)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(mach_msg_header_t),
                       port, 0, MACH_PORT_NULL), MACH_RCV_TOO_LARGE);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, port);
}

TEST(invalid_destinations_and_dispositions)
{
    mach_port_t port = new_port();

    EXPECT_KR(send_word(MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(0x123400, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_MOVE_RECEIVE, 1, 0, 0), MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_word(port, 0, 1, 0, 0), MACH_SEND_INVALID_HEADER);
    mach_port_destroy(SELF, port);
}

TEST(sizes_are_checked)
{
    mach_port_t port = new_port_send();
    static char big[MACH_MSG_SIZE_MAX + 64];
    mach_msg_header_t *h = (mach_msg_header_t *)big;

    h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
    h->msgh_remote_port = port;
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, sizeof(*h) - 4, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, MACH_MSG_SIZE_MAX + 4, 0, 0, 0, 0), MACH_SEND_TOO_LARGE);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, MACH_MSG_SIZE_MAX, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(h, MACH_RCV_MSG, 0, sizeof(big), port, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(h->msgh_size, MACH_MSG_SIZE_MAX);
    mach_port_destroy(SELF, port);
}

TEST(bad_pointers_are_errors)
{
    mach_port_t port = new_port_send();
    struct small m;

    EXPECT_KR(mach_msg((mach_msg_header_t *)0x10, MACH_SEND_MSG, 64, 0, 0, 0, 0),
              MACH_SEND_INVALID_DATA);
    EXPECT_KR(mach_msg((mach_msg_header_t *)0xffff000040200000, MACH_SEND_MSG, 64, 0, 0, 0, 0),
              MACH_SEND_INVALID_DATA);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg((mach_msg_header_t *)0xffff000040200000, MACH_RCV_MSG, 0, 64, port, 0, 0),
              MACH_RCV_INVALID_DATA);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT); /* it is lost, but not leaked */
    mach_port_destroy(SELF, port);
}

TEST(receive_needs_a_receive_right)
{
    mach_port_t port = new_port_send(), child;
    struct small m;

    EXPECT_KR(receive_word(MACH_PORT_NULL, &m, 0), MACH_RCV_INVALID_NAME);
    EXPECT_KR(receive_word(0x99900, &m, 0), MACH_RCV_INVALID_NAME);
    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    EXPECT_KR(receive_word(child, &m, 0), MACH_RCV_INVALID_NAME);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, port);
}

TEST(the_reply_right_arrives_as_the_remote_port)
{
    mach_port_t port = new_port_send(), reply = new_port();
    struct small m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = port, .msgh_local_port = reply}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), MACH_MSG_TYPE_PORT_SEND_ONCE);
    EXPECT_EQ(type_of(m.header.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(send_word(m.header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, 42, 0, 0),
              MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(m.header.msgh_remote_port), MACH_PORT_TYPE_NONE);
    REQUIRE_KR(receive_word(reply, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 42);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, reply);
}

TEST(a_bad_reply_right_leaves_the_destination_alone)
{
    mach_port_t port = new_port_send();
    struct small m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = port, .msgh_local_port = 0x77700}};

    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_SEND_INVALID_REPLY);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    mach_port_destroy(SELF, port);
}

TEST(rights_travel_copied_and_moved)
{
    mach_port_t port = new_port_send(), cargo = new_port_send();
    struct carrier m;

    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, cargo); /* send rights to one port have one name */
    EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_SEND);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 2);

    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 2);

    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_TRUE(m.port.name != cargo);
    EXPECT_EQ(type_of(m.port.name), MACH_PORT_TYPE_SEND_ONCE);
    mach_port_deallocate(SELF, m.port.name);
    mach_port_destroy(SELF, cargo);
    mach_port_destroy(SELF, port);
}

TEST(a_receive_right_travels_with_its_queue)
{
    mach_port_t port = new_port_send(), cargo = new_port_send();
    struct carrier m;
    struct small s;

    REQUIRE_KR(send_word(cargo, MACH_MSG_TYPE_COPY_SEND, 31, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(cargo), MACH_PORT_TYPE_SEND);
    EXPECT_KR(receive_word(cargo, &s, 0), MACH_RCV_INVALID_NAME);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, cargo);
    EXPECT_KR(receive_word(cargo, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.word, 31);
    mach_port_destroy(SELF, cargo);
    mach_port_destroy(SELF, port);
}

TEST(a_message_that_carries_its_own_destination_is_destroyed)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(send_right(port, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, port);
}

TEST(a_cycle_of_receive_rights_is_destroyed)
{
    mach_port_t a = new_port_send(), b = new_port_send();

    REQUIRE_KR(send_right(a, b, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(b, a, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(a), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(type_of(b), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, a);
    mach_port_deallocate(SELF, b);
}

TEST(a_long_chain_of_receive_rights_dies_without_recursion)
{
    mach_port_t first = new_port_send(), next;
    mach_port_t port = first;

    for (int i = 0; i < 2000; i++) {
        next = new_port_send();
        /* next's receive right waits in a message to port's sender side: port in next's queue */
        REQUIRE_KR(send_right(next, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
        mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1);
        port = next;
    }
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(carried_null_and_dead_rights_arrive_so)
{
    mach_port_t port = new_port_send(), dead;
    struct carrier m;

    REQUIRE_KR(send_right(port, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, MACH_PORT_NULL);
    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    REQUIRE_KR(send_right(port, dead, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, MACH_PORT_DEAD);
    mach_port_deallocate(SELF, dead);
    mach_port_destroy(SELF, port);
}

TEST(a_bad_right_fails_the_send_and_undoes_the_rest)
{
    mach_port_t port = new_port_send(), cargo = new_port_send();
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t ports[2];
    } m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = port},
        .body = {.msgh_descriptor_count = 2},
        .ports = {{.name = cargo, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE},
                  {.name = 0x88800, .disposition = MACH_MSG_TYPE_COPY_SEND}},
    };
    struct small s;

    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(receive_word(port, &s, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, port);
    EXPECT_TRUE(type_of(cargo) & MACH_PORT_TYPE_SEND_RIGHTS);
    mach_port_destroy(SELF, cargo);
}

TEST(malformed_descriptors_are_refused)
{
    mach_port_t port = new_port_send();
    struct carrier m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = port},
        .body = {.msgh_descriptor_count = 1},
        .port = {.name = port, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = 200},
    };

    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_SEND_INVALID_TYPE);
    m.port.type = MACH_MSG_PORT_DESCRIPTOR;
    m.port.disposition = 3;
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_SEND_INVALID_TYPE);
    m.port.disposition = MACH_MSG_TYPE_COPY_SEND;
    m.body.msgh_descriptor_count = 0x7fffffff;
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, port);
}

/* ---- out-of-line memory ---- */

static mach_msg_return_t send_memory(mach_port_t to, void *data, uint32_t size, boolean_t deallocate)
{
    struct ool m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to},
        .body = {.msgh_descriptor_count = 1},
        .memory = {.address = (uint64_t)data, .size = size, .deallocate = deallocate,
                   .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR},
    };

    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, OOL_SIZE, 0, MACH_PORT_NULL, 0,
                    MACH_PORT_NULL);
}

static mach_msg_return_t receive_memory(mach_port_t from, struct ool *m)
{
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(*m), from, 0,
                    MACH_PORT_NULL);
}

/* Sends size bytes of a pattern at offset of a region, and checks what arrives. */
static void memory_case(vm_size_t region, vm_size_t offset, uint32_t size)
{
    mach_port_t port = new_port_send();
    vm_address_t address = 0;
    struct ool m;
    char *p;
    int differ = 0;

    REQUIRE_KR(vm_allocate(SELF, &address, region, TRUE), KERN_SUCCESS);
    p = (char *)address;
    for (vm_size_t i = 0; i < region; i++)
        p[i] = (char)(i * 7 + i / 4096);
    REQUIRE_KR(send_memory(port, p + offset, size, FALSE), MACH_MSG_SUCCESS);
    p[offset] ^= 0x55; /* after the send: the receiver must not see it */
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.memory.size, size);
    REQUIRE_TRUE(m.memory.address != 0);
    p[offset] ^= 0x55;
    for (uint32_t i = 0; i < size; i++)
        differ += ((char *)m.memory.address)[i] != p[offset + i];
    EXPECT_EQ(differ, 0);
    ((char *)m.memory.address)[size - 1] ^= 1; /* the receiver's own: writable, and private */
    EXPECT_TRUE(((char *)m.memory.address)[size - 1] != p[offset + size - 1]);
    EXPECT_KR(vm_deallocate(SELF, m.memory.address, size), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, address, region), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(small_memory_is_copied)
{
    memory_case(4096, 100, 50);
}

TEST(large_memory_is_copied_on_write)
{
    memory_case(64 * 4096, 0, 64 * 4096);
}

TEST(unaligned_large_memory)
{
    memory_case(32 * 4096, 1234, 20 * 4096 + 77);
}

TEST(deallocate_moves_the_memory)
{
    mach_port_t port = new_port_send();
    vm_address_t address = 0, at;
    vm_region_info_data_t info;
    vm_size_t size;
    struct ool m;

    REQUIRE_KR(vm_allocate(SELF, &address, 16 * 4096, TRUE), KERN_SUCCESS);
    *(int *)address = 4711;
    REQUIRE_KR(send_memory(port, (void *)address, 16 * 4096, TRUE), MACH_MSG_SUCCESS);
    at = address;
    EXPECT_TRUE(vm_region(SELF, &at, &size, &info) != KERN_SUCCESS || at != address);
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(*(int *)m.memory.address, 4711);
    EXPECT_KR(vm_deallocate(SELF, m.memory.address, 16 * 4096), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(memory_of_size_zero_arrives_as_null)
{
    mach_port_t port = new_port_send();
    struct ool m;

    REQUIRE_KR(send_memory(port, NULL, 0, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_memory(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.memory.size, 0);
    EXPECT_EQ(m.memory.address, 0);
    mach_port_destroy(SELF, port);
}

TEST(memory_that_is_not_there_fails_the_send)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(send_memory(port, (void *)0x7000000000, 8 * 4096, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)0x7000000000, 16, FALSE), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)0xfffffffffffff000, 0xfffff000, FALSE),
              MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_memory(port, (void *)0xffff000040200000, 4096, FALSE), MACH_SEND_INVALID_MEMORY);
    mach_port_destroy(SELF, port);
}

TEST(an_array_of_ports_travels_out_of_line)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_ports_descriptor_t ports;
        mach_msg_security_trailer_t trailer;
    } m = {0};
    mach_port_t port = new_port_send(), cargo[50];

    for (int i = 0; i < 50; i++)
        cargo[i] = new_port();
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m.header.msgh_remote_port = port;
    m.body.msgh_descriptor_count = 1;
    m.ports = (mach_msg_ool_ports_descriptor_t){
        .address = (uint64_t)cargo, .count = 50, .disposition = MACH_MSG_TYPE_MAKE_SEND,
        .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, offsetof(__typeof__(m), trailer), 0, 0, 0, 0),
               MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(m), port, 0, 0),
               MACH_MSG_SUCCESS);
    REQUIRE_EQ(m.ports.count, 50);
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(((mach_port_t *)m.ports.address)[i], cargo[i]);
    EXPECT_EQ(type_of(cargo[49]), MACH_PORT_TYPE_SEND_RECEIVE);
    vm_deallocate(SELF, m.ports.address, 50 * sizeof(mach_port_t));
    for (int i = 0; i < 50; i++)
        mach_port_destroy(SELF, cargo[i]);
    mach_port_destroy(SELF, port);
}

/* ---- sets, trailers, threads ---- */

TEST(a_set_receives_for_all_its_members)
{
    mach_port_t set, a = new_port_send(), b = new_port_send();
    struct small m;
    uint32_t seen = 0;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    REQUIRE_KR(send_word(a, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS); /* before joining */
    REQUIRE_KR(mach_port_move_member(SELF, a, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_move_member(SELF, b, set), KERN_SUCCESS);
    REQUIRE_KR(send_word(b, MACH_MSG_TYPE_COPY_SEND, 2, 0, 0), MACH_MSG_SUCCESS);
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_local_port, m.word == 1 ? a : b);
        seen |= m.word;
    }
    EXPECT_EQ(seen, 3);
    EXPECT_KR(receive_word(set, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, set);
    EXPECT_KR(send_word(a, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_word(a, &m, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
}

TEST(the_trailer_names_the_sender_and_cannot_be_forged)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT |
                        MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof(m), port, 0,
                        0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.trailer.msgh_trailer_size, sizeof(m.trailer));
    EXPECT_TRUE(!mach_msg_from_kernel(&m.header));
    mach_port_destroy(SELF, port);
}

struct echo {
    mach_port_t port;
    int count;
};

static void *echo_thread(void *arg)
{
    struct echo *echo = arg;
    struct small m;

    for (int i = 0; i < echo->count; i++) {
        if (mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), echo->port, 0, 0) != MACH_MSG_SUCCESS)
            return (void *)1;
        if (send_word(m.header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, m.word + 1, 0, 0) !=
            MACH_MSG_SUCCESS)
            return (void *)1;
    }
    return NULL;
}

TEST(a_thousand_rpcs_between_two_threads)
{
    struct echo echo = {new_port_send(), 1000};
    mach_port_t reply = new_port();
    cthread_t thread = cthread_fork(echo_thread, &echo);

    REQUIRE_TRUE(thread != NULL);
    for (uint32_t i = 0; i < 1000; i++) {
        struct small m = {.header = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .msgh_remote_port = echo.port, .msgh_local_port = reply}, .word = i};

        REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, SMALL_SIZE, sizeof(m), reply,
                            0, 0), MACH_MSG_SUCCESS);
        REQUIRE_EQ(m.word, i + 1);
    }
    EXPECT_TRUE(cthread_join(thread) == NULL);
    mach_port_destroy(SELF, echo.port);
    mach_port_destroy(SELF, reply);
}

static void *blocked_receiver(void *arg)
{
    mach_port_t port = *(mach_port_t *)arg;
    struct small m;

    return (void *)(uintptr_t)(uint32_t)mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), port, 0, 0);
}

TEST(destroying_the_port_wakes_its_receiver)
{
    mach_port_t port = new_port();
    cthread_t thread = cthread_fork(blocked_receiver, &port);

    REQUIRE_TRUE(thread != NULL);
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 20);
    mach_port_destroy(SELF, port);
    EXPECT_EQ((uintptr_t)cthread_join(thread), (uint32_t)MACH_RCV_PORT_DIED);
}

TEST(a_receiver_with_a_time_out_is_woken_by_a_message)
{
    mach_port_t port = new_port_send();
    cthread_t thread = cthread_fork(blocked_receiver, &port);

    REQUIRE_TRUE(thread != NULL);
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 20);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ((uintptr_t)cthread_join(thread), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(nothing_leaked)
{
    expect_baseline();
}

TEST_MAIN
