/*
 * Messages between a user's buffer and the kernel, inlined: a header from and to registers, a small body from
 * and to a kmsg. Read copyio.S before, which does the same for all other memory.
 */
#ifndef _IPC_MACH_MSG_COPY_H_
#define _IPC_MACH_MSG_COPY_H_

#include <ipc/ipc_kmsg.h>

/* See copyio.S: the instructions 1, 2 and 3 touch user memory; if that cannot be, %0 becomes NULL. */
#define USER_ACCESS                                                                    \
    "4:\n"                                                                             \
    ".subsection 1\n"                                                                  \
    "5: mov %0, xzr\n"                                                                 \
    "   b 4b\n"                                                                        \
    ".previous\n"                                                                      \
    ".pushsection .ex_table, \"a\"\n"                                                  \
    ".balign 8\n"                                                                      \
    ".quad 1b, 5b, 2b, 5b, 3b, 5b\n"                                                   \
    ".popsection\n"

static inline bool load_header(const mach_msg_header_t *user, mach_msg_bits_t *bits,
                               mach_port_name_t *remote, mach_port_name_t *local, mach_msg_id_t *id)
{
    __asm__ volatile("1: ldr %w1, [%0]\n"
                     "2: ldp %w2, %w3, [%0, #8]\n"
                     "3: ldr %w4, [%0, #20]\n" USER_ACCESS
                     : "+&r"(user), "=&r"(*bits), "=&r"(*remote), "=&r"(*local), "=&r"(*id)
                     :
                     : "memory");
    return user != NULL;
}

static inline bool store_header(mach_msg_header_t *user, mach_msg_bits_t bits, mach_msg_size_t size,
                                mach_port_name_t remote, mach_port_name_t local,
                                mach_port_seqno_t seqno, mach_msg_id_t id)
{
    __asm__ volatile("1: stp %w1, %w2, [%0]\n"
                     "2: stp %w3, %w4, [%0, #8]\n"
                     "3: stp %w5, %w6, [%0, #16]\n" USER_ACCESS
                     : "+&r"(user)
                     : "r"(bits), "r"(size), "r"(remote), "r"(local), "r"(seqno), "r"(id)
                     : "memory");
    return user != NULL;
}

/*
 * A body, or what is left of it: size is a multiple of 4, and more than 0. FROM and TO say which side is
 * the user's: those instructions have entries in the exception table. If it cannot be touched that pointer,
 * operand `user`, becomes NULL.
 */
#define USER(instruction)                                                              \
    "9: " instruction "\n .pushsection .ex_table, \"a\"\n .quad 9b, 7f\n .popsection\n"
#define KERN(instruction) instruction "\n"
#define COPY_BODY(dst, src, size, FROM, TO, user)                                      \
    do {                                                                               \
        uint64_t a, b, c, d;                                                           \
                                                                                       \
        __asm__ volatile(                                                              \
            "subs %w2, %w2, #64\n"                                                     \
            "b.lo 2f\n"                                                                \
            "1:\n" FROM("ldp %3, %4, [%1], #64") FROM("ldp %5, %6, [%1, #-48]")        \
            TO("stp %3, %4, [%0], #64") TO("stp %5, %6, [%0, #-48]")                   \
            FROM("ldp %3, %4, [%1, #-32]") FROM("ldp %5, %6, [%1, #-16]")              \
            TO("stp %3, %4, [%0, #-32]") TO("stp %5, %6, [%0, #-16]")                  \
            "subs %w2, %w2, #64\n"                                                     \
            "b.hs 1b\n"                                                                \
            "2: tbz %w2, #5, 3f\n" /* (the low bits are as they were) */               \
            FROM("ldp %3, %4, [%1], #32") FROM("ldp %5, %6, [%1, #-16]")               \
            TO("stp %3, %4, [%0], #32") TO("stp %5, %6, [%0, #-16]")                   \
            "3: tbz %w2, #4, 4f\n"                                                     \
            FROM("ldp %3, %4, [%1], #16") TO("stp %3, %4, [%0], #16")                  \
            "4: tbz %w2, #3, 5f\n"                                                     \
            FROM("ldr %3, [%1], #8") TO("str %3, [%0], #8")                            \
            "5: tbz %w2, #2, 6f\n"                                                     \
            FROM("ldr %w3, [%1]") TO("str %w3, [%0]")                                  \
            "6:\n"                                                                     \
            ".subsection 1\n"                                                          \
            "7: mov %" user ", xzr\n"                                                  \
            "   b 6b\n"                                                                \
            ".previous\n"                                                              \
            : "+&r"(dst), "+&r"(src), "+&r"(size), "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d) \
            :                                                                          \
            : "memory", "cc");                                                         \
    } while (0)

static inline bool load_body(ipc_kmsg_t kmsg, const mach_msg_header_t *user, mach_msg_size_t size)
{
    mach_msg_size_t left = size - sizeof(*user);
    char *to = (char *)kmsg->ikm_inline + sizeof(*user);
    const char *from = (const char *)(user + 1);

    COPY_BODY(to, from, left, USER, KERN, "1");
    return from != NULL;
}

static inline bool store_body(mach_msg_header_t *user, const void *message, mach_msg_size_t size)
{
    mach_msg_size_t left = size - sizeof(*user);
    const char *from = (const char *)message + sizeof(*user);
    char *to = (char *)(user + 1);

    COPY_BODY(to, from, left, KERN, USER, "0");
    return to != NULL;
}

/* Who has sent it, behind the message (MACH_RCV_TRAILER_SENDER). */
static inline bool store_sender(mach_msg_header_t *user, mach_msg_size_t size, mach_port_seqno_t seqno,
                                security_token_t sender)
{
    char *trailer = (char *)user + size;

    static_assert(sizeof(mach_msg_security_trailer_t) == 20, "type, size, number, token");
    __asm__ volatile("1: stp wzr, %w1, [%0]\n"
                     "2: stp %w2, %w3, [%0, #8]\n"
                     "3: str %w4, [%0, #16]\n" USER_ACCESS
                     : "+&r"(trailer)
                     : "r"(sizeof(mach_msg_security_trailer_t)), "r"(seqno), "r"(sender.val[0]),
                       "r"(sender.val[1])
                     : "memory");
    return trailer != NULL;
}

#endif
