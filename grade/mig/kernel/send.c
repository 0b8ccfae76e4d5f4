/*
 * Runs the stubs of a kernel that sends, against the contract of mig_kernel.h: what they send, and
 * what becomes of a reply that is not as it should be. Read kernel_test.h before.
 */
#include "kern_user.h"
#include "kernel_test.h"

void mach_msg_destroy_from_kernel(mach_msg_header_t *msg)
{
    CHECK(msg->msgh_bits & MACH_MSGH_BITS_COMPLEX);
    destroy(msg);
}

static void (*spoil_reply)(mach_msg_header_t *);
static boolean_t header_right; /* of the reply */
static mach_msg_return_t send_result;
static kern_return_t server_code;

mach_msg_return_t mach_msg_send_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                            mach_port_t local, mach_msg_type_name_t local_disp,
                                            mach_msg_header_t *msg, mach_msg_size_t size)
{
    mach_msg_descriptor_t *d = descriptors(msg);

    CHECK(remote == PORT(1) && remote_disp == MACH_MSG_TYPE_MOVE_SEND_ONCE);
    CHECK(local == MACH_PORT_NULL && local_disp == 0 && size == 68 && msg->msgh_id == 8500);
    CHECK(msg->msgh_bits == MACH_MSGH_BITS_COMPLEX);
    CHECK(d[0].port.kport == 2 && d[0].port.disposition == MACH_MSG_TYPE_MAKE_SEND);
    CHECK(d[1].out_of_line.address == 0x3000 && d[1].out_of_line.size == 4);
    check_layout(8500, FALSE, (char *)msg, size);
    return send_result;
}

/* The server: adds 1 to ask()'s y and returns "abc"; or gives fetch() a port, memory, and ports. */
static void make_reply(mach_msg_header_t *msg, int id)
{
    static const mach_port_name_t list[2] = {24, 25};
    struct {
        uint32_t code, y, count;
        char text[4];
    } asked = {0, 3, 3, "abc"};
    struct {
        uint32_t code, count;
        char label[4];
    } fetched = {0, 4, "lab"};
    mach_msg_descriptor_t *d = descriptors(msg);

    msg->msgh_id = id + 100;
    msg->msgh_bits = 0;
    msg->msgh_size = 24 + sizeof(asked);
    if (server_code != KERN_SUCCESS) {
        msg->msgh_size = sizeof(mig_reply_error_t);
        ((mig_reply_error_t *)msg)->RetCode = server_code;
        return;
    }
    if (id == 8501) {
        memcpy(msg + 1, &asked, sizeof(asked));
        return;
    }
    msg->msgh_bits = MACH_MSGH_BITS_COMPLEX;
    ((mach_msg_base_t *)msg)->body = (mach_msg_body_t){.msgh_descriptor_count = 3};
    give(23);
    d[0] = port_descriptor(23);
    d[1].out_of_line = (mach_msg_ool_descriptor_t){.address = (uint64_t)new_region("data", 4),
                                                   .size = 4, .deallocate = TRUE,
                                                   .type = MACH_MSG_OOL_DESCRIPTOR};
    give(24);
    give(25);
    d[2].ool_ports = (mach_msg_ool_ports_descriptor_t){
        .address = (uint64_t)new_region(list, sizeof(list)), .count = 2, .deallocate = TRUE,
        .disposition = MACH_MSG_TYPE_PORT_SEND, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
    memcpy(&d[3], &fetched, sizeof(fetched));
    msg->msgh_size = 80 + sizeof(fetched);
}

mach_msg_return_t mach_msg_rpc_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                           mach_msg_header_t *msg, mach_msg_size_t send_size,
                                           mach_msg_size_t rcv_size)
{
    static uint64_t buffer[LARGEST / 8];
    mach_msg_header_t *out = (mach_msg_header_t *)buffer;

    CHECK(remote == PORT(1) && remote_disp == MACH_MSG_TYPE_COPY_SEND);
    check_layout(msg->msgh_id, FALSE, (char *)msg, send_size);
    if (send_result != MACH_MSG_SUCCESS)
        return send_result;
    if (msg->msgh_bits & MACH_MSGH_BITS_COMPLEX) /* the server consumes it */
        take((mach_port_name_t)descriptors(msg)[0].port.kport);
    make_reply(out, msg->msgh_id);
    if (spoil_reply != NULL)
        spoil_reply(out);
    header_right = MACH_MSGH_BITS_REMOTE(out->msgh_bits) != 0;
    if (header_right) { /* the kernel keeps it out of the message, and gives it up */
        take((mach_port_name_t)out->msgh_remote_port);
        out->msgh_bits &= ~MACH_MSGH_BITS_REMOTE_MASK;
    }
    if (out->msgh_size > rcv_size) {
        destroy(out);
        return MACH_RCV_TOO_LARGE;
    }
    memcpy(msg, out, out->msgh_size);
    return MACH_MSG_SUCCESS;
}

static kern_return_t do_ask(void)
{
    char text[8];
    mach_msg_type_number_t count = 0;
    int y = 2;
    kern_return_t kr = ask(PORT(1), 1, &y, text, &count);

    CHECK(kr == KERN_SUCCESS ? y == 3 && count == 3 && memcmp(text, "abc", 3) == 0
                             : y == 2 && count == 0);
    return kr;
}

static kern_return_t do_fetch(void)
{
    mach_port_t p = NULL;
    vm_map_copy_t data = NULL;
    mach_port_t *list = NULL;
    mach_msg_type_number_t data_count = 0, list_count = 0;
    char label[8] = "";
    kern_return_t kr;

    give(20);
    kr = fetch(PORT(1), PORT(20), &p, &data, &data_count, &list, &list_count, label);
    if (mig_not_sent(kr))
        take(20);
    if (kr != KERN_SUCCESS) {
        CHECK(p == NULL && data == NULL && list == NULL && data_count + list_count == 0);
        return kr;
    }
    CHECK(p == PORT(23) && data_count == 4 && list_count == 2 && strcmp(label, "lab") == 0);
    take(name_of(p));
    free_region(data);
    take_ports(list, 2);
    return kr;
}

static mach_msg_id_t wrong_id;
static void spoil_id(mach_msg_header_t *msg)
{
    msg->msgh_id = wrong_id;
}

static void to_notification(mach_msg_header_t *msg)
{
    destroy(msg);
    *msg = (mach_msg_header_t){.msgh_size = sizeof(*msg), .msgh_id = MIG_NOTIFY_SEND_ONCE};
}

void test_sending(void)
{
    static kern_return_t (*const sent[])(void) = {do_ask, do_fetch};
    static const struct {
        mach_msg_return_t send;
        kern_return_t code;
        void (*spoil)(mach_msg_header_t *);
        kern_return_t expected;
    } cases[] = {
        {0, 0, NULL, KERN_SUCCESS},
        {0, KERN_NO_SPACE, NULL, KERN_NO_SPACE},
        {0, MACH_SEND_NO_BUFFER, NULL, MIG_REMOTE_ERROR},
        {0, MACH_SEND_TOO_LARGE | MACH_MSG_IPC_KERNEL, NULL, MIG_REMOTE_ERROR},
        {MACH_SEND_INVALID_DEST, 0, NULL, MACH_SEND_INVALID_DEST},
        {0, 0, spoil_id, MIG_REPLY_MISMATCH},
        {0, 0, to_notification, MIG_SERVER_DIED},
    };

    test_name = "sent";
    send_result = MACH_SEND_INVALID_DEST;
    CHECK(note(PORT(1), PORT(2), (vm_map_copy_t)0x3000, 4, 5) == MACH_SEND_INVALID_DEST);
    for (int i = 0; i < 2; i++) {
        for (unsigned j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            open_accounts();
            wrong_id = 8500;
            send_result = cases[j].send;
            server_code = cases[j].code;
            spoil_reply = cases[j].spoil;
            CHECK(sent[i]() == cases[j].expected && balanced());
        }
    }
    send_result = MACH_MSG_SUCCESS;
    server_code = KERN_SUCCESS;
    spoil_reply = spoil;
    for (int i = 0; i < 2; i++) {
        int mutation;

        test_name = "bad replies";
        for (mutation = 0;; mutation++) {
            kern_return_t kr;
            boolean_t right;

            open_accounts();
            begin_spoiling(8501 + i, TRUE, mutation);
            kr = sent[i]();
            if (!spoilt)
                break;
            right = balanced() && (kr == MIG_TYPE_ERROR || kr == MACH_RCV_TOO_LARGE
                                   || (header_right && (kr == KERN_SUCCESS || kr == KERN_FAILURE)));
            if (!right)
                printf("reply %d of %d, %s: kr %d\n", mutation, 8501 + i, spoilt_how, kr);
            CHECK(right);
        }
        CHECK(mutation > 10);
    }
}
