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

#endif
