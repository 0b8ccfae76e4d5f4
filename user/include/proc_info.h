/* One process as proc_list tells of it: 96 bytes. */
#ifndef _PROC_INFO_H_
#define _PROC_INFO_H_

#include <stdint.h>

typedef struct proc_info {
    int32_t pid;
    int32_t ppid;
    int32_t pgid;
    int32_t sid;
    uint32_t state;         /* 'R', 'S', 'T', 'Z' */
    uint32_t threads;
    uint64_t virtual_size;  /* bytes */
    uint64_t resident_size;
    uint64_t user_usec;
    uint64_t system_usec;
    char name[40];
} proc_info_t;
typedef proc_info_t *proc_info_array_t;
_Static_assert(sizeof(proc_info_t) == 96, "proc_info_t is 96 bytes on the wire");

/* proc_credentials: where each id is */
enum { PROC_RUID, PROC_EUID, PROC_SUID, PROC_RGID, PROC_EGID, PROC_SGID, PROC_IDS };
typedef uint32_t proc_ids_t[PROC_IDS];
#define PROC_ARGUMENTS_MAX 1024 /* bytes kept of what a program was started with */
typedef char proc_arguments_t[PROC_ARGUMENTS_MAX];
#define PROC_GROUPS_MAX 32 /* supplementary groups of a process */

typedef struct proc_limit {
    uint64_t soft, hard; /* ~0: none */
} proc_limit_t;

typedef struct proc_times {
    uint64_t user, system, child_user, child_system; /* ns */
} proc_times_t;

/* proc_terminal's answers */
#define TERMINAL_FREE      0 /* in the foreground, or of another session: nothing was sent */
#define TERMINAL_IGNORED   1 /* in the background, and the signal does nothing to it */
#define TERMINAL_ORPHANED  2 /* in the background of nobody, who could continue it */
#define TERMINAL_SIGNALLED 3

#endif
