/*
 * Small helpers of MIG-made stubs, in the kernel and in user programs. Bytes that no argument fills
 * are zeroed, so that a message never shows its receiver what was on the sender's stack.
 */
#ifndef _MACH_MIG_PACK_H_
#define _MACH_MIG_PACK_H_

#include <mach/message.h>

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
 * if it does not fit.
 */
static inline mach_msg_size_t mig_copy_string(char *to, const char *from, mach_msg_size_t room)
{
    for (mach_msg_size_t i = 0; i < room; i++) {
        to[i] = from[i];
        if (from[i] == '\0')
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
