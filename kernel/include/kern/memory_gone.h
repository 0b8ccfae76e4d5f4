/*
 * What happens when memory and swap space are gone.
 */
#ifndef _KERN_MEMORY_GONE_H_
#define _KERN_MEMORY_GONE_H_

#include <stdbool.h>

/* The current thread's fault got KERN_RESOURCE_SHORTAGE. True: it shall be an exception. False: another
 * task was blamed for it; make the access again. Blocks; no locks held. */
bool memory_gone(void);
/* AST_NO_MEMORY: the current task was blamed. Raises the exception, from the border to user mode. */
void memory_gone_exception(void);

#endif
