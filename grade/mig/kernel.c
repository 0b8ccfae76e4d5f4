/*
 * Runs MIG-made kernel stubs on the host, against the contract of mig_kernel.h: what they take out
 * of a request, what they leave for the caller to destroy, and what they send.
 */
#include <stdio.h>
#include <string.h>

#include <mig_kernel.h>

#include "kern_server.h"
#include "kern_user.h"

static int failures;
#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : (void)(failures++, printf("line %d: %s\n", __LINE__, #condition)))
#define PORT(n)   ((mach_port_t)(uintptr_t)(0x1000 + (n)))
#define MEMORY(n) ((vm_map_copy_t)(uintptr_t)(0x2000 + (n)))

static struct object object;
static kern_return_t result;
static int calls;

struct object *object_of(mach_port_t port)
{
    CHECK(port == PORT(1) || port == PORT(2));
    object.references++;
    return &object;
}

mach_port_t port_of(struct object *made)
{
    CHECK(made == &object);
    return PORT(9);
}

void object_release(struct object *released)
{
    released->references--;
}

kern_return_t make(struct object *self, int x, struct object **made)
{
    calls++;
    CHECK(self == &object && x == 5);
    *made = self;
    return result;
}

kern_return_t give(struct object *self, mach_port_t p, vm_map_copy_t data,
                   mach_msg_type_number_t dataCnt, mach_port_t *list,
                   mach_msg_type_number_t listCnt, mach_port_t *q, vm_map_copy_t *rdata,
                   mach_msg_type_number_t *rdataCnt)
{
    calls++;
    CHECK(self == &object && p == PORT(3) && data == MEMORY(4) && dataCnt == 100 && listCnt == 2);
    CHECK(list == (mach_port_t *)0x3000);
    *q = PORT(6);
    *rdata = MEMORY(7);
    *rdataCnt = 200;
    return result;
}

kern_return_t both(struct object *self, struct object *other, mach_port_t p)
{
    calls++;
    CHECK(self == &object && other == &object && p == PORT(3));
    return result;
}

kern_return_t poke(struct object *self, int x)
{
    calls++;
    CHECK(self == &object && x == 6);
    return result;
}

static struct {
    mach_msg_header_t head;
    mach_msg_body_t body;
    mach_msg_descriptor_t d[3];
} request;
static struct {
    mach_msg_header_t head;
    mach_msg_body_t body;
    mach_msg_descriptor_t d[4];
} reply;

static kern_return_t serve(int id, int descriptors, mach_msg_size_t size)
{
    struct ipc_kmsg kmsg = {PORT(1), PORT(8), 0, &request.head};

    request.head = (mach_msg_header_t){.msgh_bits = descriptors > 0 ? MACH_MSGH_BITS_COMPLEX : 0,
                                       .msgh_size = size,
                                       .msgh_id = id};
    request.body.msgh_descriptor_count = (mach_msg_size_t)descriptors;
    memset(&reply, 0xee, sizeof(reply));
    reply.head.msgh_bits = 0;
    kern_subsystem.routines[id - kern_subsystem.start](&kmsg, &reply.head);
    CHECK(object.references == 0);
    return ((mig_reply_error_t *)&reply)->RetCode;
}

static void fill_give(void)
{
    request.d[0].port = (mach_msg_port_descriptor_t){.kport = (uint64_t)PORT(3), .disposition = 17};
    request.d[1].out_of_line = (mach_msg_ool_descriptor_t){
        .address = (uint64_t)MEMORY(4), .size = 100, .type = MACH_MSG_OOL_DESCRIPTOR};
    request.d[2].ool_ports = (mach_msg_ool_ports_descriptor_t){
        .address = 0x3000, .count = 2, .disposition = 17, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
}

static void test_server(void)
{
    CHECK(kern_subsystem.start == 8000 && kern_subsystem.end == 8005);
    CHECK(kern_subsystem.routines[3] == NULL && kern_subsystem.max_reply_size == 32 + 2 * 16 + 4);

    result = KERN_SUCCESS;
    request.body.msgh_descriptor_count = 0;
    request.head.msgh_id = 0;
    {
        struct {
            mach_msg_header_t head;
            int x;
        } in = {{0, 28, 0, 0, 0, 8000}, 5};
        struct ipc_kmsg kmsg = {PORT(1), PORT(8), 0, &in.head};

        reply.head.msgh_bits = 0;
        kern_subsystem.routines[0](&kmsg, &reply.head);
        CHECK(calls == 1 && object.references == 0);
        CHECK(reply.head.msgh_bits == MACH_MSGH_BITS_COMPLEX);
        CHECK(reply.head.msgh_size == 52 && reply.body.msgh_descriptor_count == 1);
        CHECK(reply.d[0].port.kport == (uint64_t)PORT(9) && reply.d[0].port.disposition == 17);
        in.head.msgh_id = 8004;
        in.x = 6;
        kern_subsystem.routines[4](&kmsg, &reply.head);
        CHECK(calls == 2 && ((mig_reply_error_t *)&reply)->RetCode == MIG_NO_REPLY);
        in.head.msgh_size = 24;
        kern_subsystem.routines[4](&kmsg, &reply.head);
        CHECK(calls == 2 && ((mig_reply_error_t *)&reply)->RetCode == MIG_NO_REPLY);
    }

    fill_give(); /* all is consumed */
    calls = 0;
    serve(8001, 3, 80);
    CHECK(calls == 1 && !(request.head.msgh_bits & MACH_MSGH_BITS_COMPLEX));
    CHECK(reply.head.msgh_size == 68 && reply.d[0].port.kport == (uint64_t)PORT(6) &&
          reply.d[0].port.disposition == 17 && reply.d[1].out_of_line.size == 200);
    result = KERN_NO_SPACE; /* nothing is */
    CHECK(serve(8001, 3, 80) == KERN_NO_SPACE && reply.head.msgh_size == 28);
    CHECK((request.head.msgh_bits & MACH_MSGH_BITS_COMPLEX) && reply.head.msgh_bits == 0);
    CHECK(request.d[0].port.kport == (uint64_t)PORT(3) && request.d[1].out_of_line.address != 0);
    calls = 0;
    CHECK(serve(8001, 2, 80) == MIG_BAD_ARGUMENTS && serve(8001, 3, 76) == MIG_BAD_ARGUMENTS);
    CHECK(serve(8001, 3, 84) == MIG_BAD_ARGUMENTS);
    request.d[0].port.disposition = 18;
    CHECK(serve(8001, 3, 80) == MIG_BAD_ARGUMENTS && calls == 0);
    CHECK(request.head.msgh_bits & MACH_MSGH_BITS_COMPLEX);

    result = KERN_SUCCESS; /* the translated right stays with the caller, the other is consumed */
    request.d[0].port = (mach_msg_port_descriptor_t){.kport = (uint64_t)PORT(2), .disposition = 17};
    request.d[1].port = (mach_msg_port_descriptor_t){.kport = (uint64_t)PORT(3), .disposition = 17};
    CHECK(serve(8002, 2, 64) == KERN_SUCCESS && reply.head.msgh_size == 28);
    CHECK((request.head.msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
          request.d[0].port.kport == (uint64_t)PORT(2) && request.d[1].port.kport == 0);
}

/* ---- sending ---- */
static int destroyed;
static mach_msg_size_t reply_size;
static mach_msg_id_t reply_id;
static mach_msg_bits_t reply_bits;
static uint32_t reply_words[4];

void mach_msg_destroy_from_kernel(mach_msg_header_t *msg)
{
    CHECK(msg->msgh_bits & MACH_MSGH_BITS_COMPLEX);
    destroyed++;
}

mach_msg_return_t mach_msg_send_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                            mach_port_t local, mach_msg_type_name_t local_disp,
                                            mach_msg_header_t *msg, mach_msg_size_t size)
{
    mach_msg_descriptor_t *d = (mach_msg_descriptor_t *)((mach_msg_base_t *)msg + 1);

    CHECK(remote == PORT(1) && remote_disp == MACH_MSG_TYPE_MOVE_SEND_ONCE);
    CHECK(local == MACH_PORT_NULL && local_disp == 0 && size == 68 && msg->msgh_id == 8000);
    CHECK(msg->msgh_bits == MACH_MSGH_BITS_COMPLEX);
    CHECK(d[0].port.kport == (uint64_t)PORT(2) && d[0].port.disposition == MACH_MSG_TYPE_MAKE_SEND);
    CHECK(d[1].out_of_line.address == (uint64_t)MEMORY(3) && d[1].out_of_line.size == 4);
    return MACH_SEND_INVALID_DEST;
}

mach_msg_return_t mach_msg_rpc_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                           mach_msg_header_t *msg, mach_msg_size_t send_size,
                                           mach_msg_size_t rcv_size)
{
    CHECK(remote == PORT(1) && remote_disp == MACH_MSG_TYPE_COPY_SEND && send_size == 32);
    CHECK(rcv_size == 44);
    msg->msgh_bits = reply_bits;
    msg->msgh_id = reply_id;
    msg->msgh_size = reply_size;
    memcpy(msg + 1, reply_words, sizeof(reply_words));
    return MACH_MSG_SUCCESS;
}

static kern_return_t do_ask(mach_msg_id_t id, mach_msg_size_t size, mach_msg_bits_t bits,
                            kern_return_t code, uint32_t count)
{
    char text[8];
    mach_msg_type_number_t text_count = 0;
    int y = 2;
    kern_return_t kr;

    reply_id = id;
    reply_size = size;
    reply_bits = bits;
    reply_words[0] = (uint32_t)code;
    reply_words[1] = 3;
    reply_words[2] = count;
    memcpy(&reply_words[3], "abcd", 4);
    kr = ask(PORT(1), 1, &y, text, &text_count);
    CHECK(kr == KERN_SUCCESS ? y == 3 && text_count == 3 && memcmp(text, "abc", 3) == 0
                             : y == 2 && text_count == 0);
    return kr;
}

static void test_user(void)
{
    CHECK(note(PORT(1), PORT(2), MEMORY(3), 4, 5) == MACH_SEND_INVALID_DEST);
    CHECK(do_ask(8101, 40, 0, 0, 3) == KERN_SUCCESS);
    CHECK(do_ask(8101, 28, 0, KERN_NO_SPACE, 0) == KERN_NO_SPACE);
    CHECK(do_ask(8102, 40, 0, 0, 3) == MIG_REPLY_MISMATCH);
    CHECK(do_ask(0107, 24, 0, 0, 3) == MIG_SERVER_DIED);
    CHECK(do_ask(8101, 36, 0, 0, 3) == MIG_TYPE_ERROR &&
          do_ask(8101, 44, 0, 0, 3) == MIG_TYPE_ERROR);
    CHECK(do_ask(8101, 40, 0, 0, 9) == MIG_TYPE_ERROR &&
          do_ask(8101, 40, 0, 0, ~0U) == MIG_TYPE_ERROR);
    CHECK(destroyed == 0);
    CHECK(do_ask(8101, 40, MACH_MSGH_BITS_COMPLEX, 0, 3) == MIG_TYPE_ERROR && destroyed == 1);
}

int main(void)
{
    test_server();
    test_user();
    return failures != 0;
}
