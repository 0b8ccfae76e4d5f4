/*
 * Who sent a message, as its trailer tells (mach_msg_security_trailer_t): the token that the proc
 * server has given the sender's task by the privileged host port. A client cannot choose it, and
 * the tasks it makes inherit it.
 *
 *     val[0]   its process group << 16 | the process's pid
 *     val[1]   effective user id << 16 | effective group id
 *
 * {1, 0} is also what tasks have that were there before the proc server: the servers, and programs
 * that bootstrap starts. {0, 0} is the kernel. Supplementary groups are asked for (proc_groups).
 */
#ifndef _CREDENTIALS_H_
#define _CREDENTIALS_H_

#include <mach/message.h>

#define CREDENTIAL_ID_MAX 0xffff /* the highest user or group id, or pid, there can be */

static inline security_token_t credentials_token(uint32_t pid, uint32_t pgid, uint32_t uid,
                                                 uint32_t gid)
{
    return (security_token_t){{pgid << 16 | pid, uid << 16 | gid}};
}

static inline uint32_t credentials_pid(security_token_t token)
{
    return token.val[0] & CREDENTIAL_ID_MAX;
}

/* The process group: a terminal knows by it who is in the foreground. 0: of none (a server). */
static inline uint32_t credentials_pgid(security_token_t token)
{
    return token.val[0] >> 16;
}

static inline uint32_t credentials_uid(security_token_t token)
{
    return token.val[1] >> 16;
}

static inline uint32_t credentials_gid(security_token_t token)
{
    return token.val[1] & CREDENTIAL_ID_MAX;
}

#endif
