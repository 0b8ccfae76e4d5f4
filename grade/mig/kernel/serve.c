/*
 * Runs the stubs of a kernel that serves, against the contract of mig_kernel.h: what they take out
 * of a request, and what they leave for the caller to destroy. Read kernel_test.h before.
 */
#include "kern_server.h"
#include "kernel_test.h"

enum { OBJECT_PORT = 1, OTHER_PORT = 2, REPLY_PORT = 8, MADE_PORT = 9 };

static struct object object;
static kern_return_t result;     /* what the routines are to return */
static int calls;
static unsigned room_taken = 2;  /* of rooms()'s m */

void destroy(mach_msg_header_t *message)
{
    for (int i = 0; i < descriptor_count(message); i++) {
        mach_msg_descriptor_t *d = &descriptors(message)[i];

        d->out_of_line.deallocate = TRUE;
        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR ? d->port.kport != 0
                                                     : d->out_of_line.address != 0)
            drop_descriptor(d);
    }
}

struct object *object_of(mach_port_t port)
{
    CHECK(port == PORT(OBJECT_PORT) || port == PORT(OTHER_PORT));
    object.references++;
    return &object;
}

mach_port_t port_of(struct object *made)
{
    CHECK(made == &object);
    give(MADE_PORT);
    return PORT(MADE_PORT);
}

void object_release(struct object *released)
{
    released->references--;
}

static boolean_t consumed(struct object *self)
{
    CHECK(self == &object);
    calls++;
    return result == KERN_SUCCESS || result == MIG_NO_REPLY;
}

kern_return_t make(struct object *self, int x, struct object **made)
{
    CHECK(x == 5);
    consumed(self);
    *made = self;
    return result;
}

kern_return_t give_all(struct object *self, mach_port_t p, vm_map_copy_t data,
                       mach_msg_type_number_t dataCnt, mach_port_t *list,
                       mach_msg_type_number_t listCnt, mach_port_t *q, vm_map_copy_t *rdata,
                       mach_msg_type_number_t *rdataCnt)
{
    CHECK(p == PORT(13) && dataCnt == 5 && memcmp(data, "hello", 5) == 0 && listCnt == 2);
    if (!consumed(self))
        return result;
    take(name_of(p));
    free_region(data);
    take_ports(list, listCnt);
    if (result != KERN_SUCCESS)
        return result;
    give(16);
    *q = PORT(16);
    *rdata = new_region("bye", 3);
    *rdataCnt = 3;
    return result;
}

kern_return_t both(struct object *self, struct object *other, mach_port_t p)
{
    CHECK(other == &object && p == PORT(13));
    if (consumed(self))
        take(name_of(p));
    return result;
}

kern_return_t poke(struct object *self, int x)
{
    CHECK(x == 5);
    consumed(self);
    return result;
}

kern_return_t put(struct object *self, mach_port_t p, vm_map_copy_t data,
                  mach_msg_type_number_t dataCnt)
{
    CHECK(p == PORT(13) && dataCnt == 5);
    if (consumed(self)) {
        take(name_of(p));
        free_region(data);
    }
    return result;
}

kern_return_t rooms(struct object *self, const char *t, uint16_t *n, mach_msg_type_number_t nCnt,
                     uint16_t *m, mach_msg_type_number_t *mCnt, mach_port_t *q, char *u)
{
    CHECK(strcmp(t, "text") == 0 && nCnt == 2 && n[1] == 7 && *mCnt == 3);
    if (!consumed(self) || result != KERN_SUCCESS)
        return result;
    m[0] = m[1] = 9;
    *mCnt = room_taken;
    give(17);
    *q = PORT(17);
    strcpy(u, "reply");
    return result;
}

/* A request of each routine, by hand from docs/mig.md. */
static union {
    mach_msg_header_t head;
    struct {
        mach_msg_base_t base;
        mach_msg_descriptor_t d[4];
    } complex;
    char bytes[LARGEST];
} request, reply;

static void fill(int id)
{
    static const mach_port_name_t list[2] = {14, 15};
    static const struct {
        uint32_t t_count;
        char t[5];
        char pad[3];
        uint32_t n_count;
        uint16_t n[2];
    } room_values = {5, "text", {0}, 2, {6, 7}};
    mach_msg_descriptor_t *d = request.complex.d;
    int count = id == 8001 ? 3 : id == 8002 || id == 8005 ? 2 : 0;

    memset(&request, 0, sizeof(request));
    request.head.msgh_id = id;
    request.head.msgh_bits = count > 0 ? MACH_MSGH_BITS_COMPLEX : 0;
    request.head.msgh_size = 28;
    if (count > 0) {
        request.complex.base.body.msgh_descriptor_count = (mach_msg_size_t)count;
        request.head.msgh_size = 32 + 16 * (mach_msg_size_t)count;
    } else if (id == 8006) {
        memcpy(&request.head + 1, &room_values, sizeof(room_values));
        request.head.msgh_size = 24 + sizeof(room_values);
    } else {
        *(int *)(&request.head + 1) = 5;
    }
    if (id == 8002) { /* the translated right comes first */
        give(OTHER_PORT);
        *d++ = port_descriptor(OTHER_PORT);
    }
    if (count > 0) {
        give(13);
        *d++ = port_descriptor(13);
    }
    if (id == 8001 || id == 8005)
        (d++)->out_of_line =
            (mach_msg_ool_descriptor_t){.address = (uint64_t)new_region("hello", 5),
                                        .size = 5,
                                        .type = MACH_MSG_OOL_DESCRIPTOR};
    if (id == 8001) {
        give(14);
        give(15);
        d->ool_ports = (mach_msg_ool_ports_descriptor_t){
            .address = (uint64_t)new_region(list, sizeof(list)), .count = 2,
            .disposition = MACH_MSG_TYPE_PORT_SEND, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
    }
}

/* Serves the request as ipc_kobject_server does, and destroys what is left of it. Returns RetCode.
 * */
static kern_return_t serve(void)
{
    struct ipc_kmsg kmsg = {PORT(OBJECT_PORT), PORT(REPLY_PORT), 0, NULL};
    int id = request.head.msgh_id;
    kern_return_t code;

    kmsg.ikm_header = malloc(request.head.msgh_size); /* no byte more: the sanitizer looks */
    memcpy(kmsg.ikm_header, &request, request.head.msgh_size);
    memset(&reply, 0xee, sizeof(reply));
    reply.head.msgh_bits = 0;
    calls = 0;
    kern_subsystem.routines[id - kern_subsystem.start](&kmsg, &reply.head);
    CHECK(object.references == 0);
    code = ((mig_reply_error_t *)&reply)->RetCode;
    if (reply.head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
        code = KERN_SUCCESS;
    if (code == KERN_SUCCESS && calls == 1)
        check_layout(id, TRUE, reply.bytes, reply.head.msgh_size);
    else
        CHECK(reply.head.msgh_size == sizeof(mig_reply_error_t));
    destroy(kmsg.ikm_header);
    free(kmsg.ikm_header);
    return code;
}

static const struct {
    int id;
    boolean_t simple;
    mach_msg_size_t reply_size;
} served[] = {{8000, FALSE, 52}, {8001, FALSE, 68}, {8002, FALSE, 28},
              {8004, TRUE, 28},  {8005, TRUE, 28},
              /* 48 RetCode 52 count 56 m 60 count 64 "reply" 70, pad, 72 */
              {8006, FALSE, 72}};

static void begin(int id)
{
    open_accounts();
    fill(id);
    result = KERN_SUCCESS;
}

static void test_served(void)
{
    CHECK(kern_subsystem.start == 8000 && kern_subsystem.end == 8007);
    CHECK(kern_subsystem.routines[3] == NULL);
    for (unsigned i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        static const kern_return_t errors[] = {KERN_NO_SPACE, MIG_NO_REPLY};
        kern_return_t expected = served[i].simple ? MIG_NO_REPLY : KERN_SUCCESS;

        test_name = "served";
        begin(served[i].id);
        CHECK(serve() == expected && calls == 1 && reply.head.msgh_size == served[i].reply_size);
        destroy(&reply.head); /* the client gives up what it got */
        CHECK(balanced());
        for (unsigned j = 0; j < 2; j++) {
            begin(served[i].id);
            result = errors[j];
            CHECK(serve() == (served[i].simple ? MIG_NO_REPLY : errors[j]) && calls == 1);
            CHECK(balanced());
        }
    }
    begin(8006); /* a routine that says more than it has room for: its port is released */
    room_taken = 4;
    CHECK(serve() == MIG_ARRAY_TOO_LARGE && calls == 1 && balanced());
    room_taken = 2;
}

static void test_bad_requests(void)
{
    int all = 0;

    for (unsigned i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        kern_return_t expected = served[i].simple ? MIG_NO_REPLY : MIG_BAD_ARGUMENTS;
        int mutation;

        for (mutation = 0;; mutation++) {
            boolean_t right;

            test_name = "bad requests";
            begin(served[i].id);
            for (int d = 0; d < descriptor_count(&request.head); d++)
                descriptors(&request.head)[d].out_of_line.deallocate = TRUE;
            begin_spoiling(served[i].id, FALSE, mutation);
            spoil(&request.head);
            right = serve() == expected && calls == 0 && balanced();
            if (!spoilt) { /* the last request was right */
                destroy(&reply.head);
                break;
            }
            if (!right)
                printf("%d: request %d, %s: %d calls\n", served[i].id, mutation, spoilt_how, calls);
            CHECK(right);
        }
        CHECK(mutation >= 5);
        all += mutation;
    }
    CHECK(all > 100);
}

int main(void)
{
    test_served();
    test_bad_requests();
    test_sending();
    return failures != 0;
}
