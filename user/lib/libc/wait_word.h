/* Waiting for a word of memory with POSIX's deadlines: what pthreads and semaphores wait by. */
#ifndef _WAIT_WORD_H_
#define _WAIT_WORD_H_

#include <stdint.h>
#include <time.h>

/*
 * Waits as long as *word is value, until woken or, with a deadline, its time by that clock. 0: look
 * again (also if
 * interrupted); ETIMEDOUT; EINVAL: the deadline is no time. `shared`: the word is in memory of several
 * processes.
 */
int __wait_word(uint32_t *word, uint32_t value, int shared, clockid_t clock, const struct timespec *deadline);
/* Wakes one who waits for the word, or all. */
void __wake_word(uint32_t *word, int shared, int all);

#endif
