/*
 * Small helpers of MIG-made stubs, in the kernel and in user programs. Bytes that no argument fills
 * are zeroed, so that a message never shows its receiver what was on the sender's stack.
 */
#ifndef _MACH_MIG_PACK_H_
#define _MACH_MIG_PACK_H_

#include <mach/message.h>

/* For conditions of which a stub's straight path knows the outcome. */
#define MIG_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/*
 * Has a message this size, and descriptors or not? One comparison: the bits, of which COMPLEX is
 * the highest, and the size lie next to each other.
 */
static inline boolean_t mig_has_shape(const mach_msg_header_t *message, boolean_t complex,
                                      mach_msg_size_t size)
{
    uint64_t bits_and_size;

    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the size is the high word");
    __builtin_memcpy(&bits_and_size, &message->msgh_bits, sizeof(bits_and_size));
    return bits_and_size >> 31 == 2 * (uint64_t)size + (uint64_t)complex;
}

/* What follows a message that was received with MACH_RCV_TRAILER_ELEMENTS. */
static inline const mach_msg_security_trailer_t *mig_trailer(const mach_msg_header_t *message)
{
    return (const mach_msg_security_trailer_t *)((const char *)message
                                                 + ((message->msgh_size + 3) & ~3U));
}

/* Rounds offset up to alignment (a power of 2), zeroing the bytes of message passed over. */
static inline mach_msg_size_t mig_align(void *message, mach_msg_size_t offset,
                                        mach_msg_size_t alignment)
{
    while (offset & (alignment - 1))
        ((char *)message)[offset++] = 0;
    return offset;
}

/*
 * Copies a string and its NUL into room bytes (room > 0). Returns the bytes used, with the NUL; 0
 * if it does not fit. May store zeros after the NUL, up to 7.
 *
 * Eight at a time, where these do not reach into another page than the first of them: what is read after
 * the NUL is there, and goes nowhere.
 */
static inline mach_msg_size_t mig_copy_string(char *to, const char *from, mach_msg_size_t room)
{
    mach_msg_size_t i = 0;

#ifndef __SANITIZE_ADDRESS__ /* (which would not have it) */
    const uint64_t ones = 0x0101010101010101;

    for (; room - i >= 8 && ((uint64_t)(from + i) & 4095) <= 4096 - 8; i += 8) {
        uint64_t word;
        uint64_t nul; /* the highest bit of the first byte that is 0, and some above */

        __builtin_memcpy(&word, from + i, 8);
        nul = (word - ones) & ~word & 0x80 * ones;
        if (nul != 0)
            word &= ((nul & -nul) >> 7) - 1;
        __builtin_memcpy(to + i, &word, 8);
        if (nul != 0)
            return i + (mach_msg_size_t)__builtin_ctzll(nul) / 8 + 1;
    }
#endif
    for (; i < room; i++) {
        const char c = from[i];

        to[i] = c;
        if (c == '\0')
            return i + 1;
    }
    return 0;
}

/* The same, and zeroes what is left of the room. */
static inline mach_msg_size_t mig_fill_string(char *to, const char *from, mach_msg_size_t room)
{
    mach_msg_size_t used = mig_copy_string(to, from, room);

    if (used != 0 && used < room)
        __builtin_memset(to + used, 0, room - used);
    return used;
}

#endif
