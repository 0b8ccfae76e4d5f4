/*
 * What happens when memory and swap space are gone.
 */
#ifndef _KERN_MEMORY_GONE_H_
#define _KERN_MEMORY_GONE_H_

#include <stdbool.h>

/* The current thread waited for memory, and got KERN_RESOURCE_SHORTAGE for what must not fail: its page
 * fault. True: it fails: the task has no room under its own limit, is the one with the largest claim, is
 * ending, or is one that page-out waits for. False: another task was blamed; try again. Blocks; no locks
 * held. */
bool memory_gone(void);
/* The same for what did not wait yet, such as a message that is being received. True: try again. */
bool memory_again(void);
/* AST_NO_MEMORY: the current task was blamed. Raises the exception, from the border to user mode. */
void memory_gone_exception(void);

#endif
