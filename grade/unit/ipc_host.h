/*
 * What kernel/ipc needs of the rest of the kernel, on the host: threads that are coroutines, locks
 * that check their order, memory that can be made to fail. Read ipc_random.c for its use.
 */
#ifndef IPC_HOST_H
#define IPC_HOST_H

#include <kern/task.h>
#include <kern/thread.h>

uint32_t host_random(uint32_t below);
void host_seed(uint64_t seed);

extern uint32_t host_fail_one_in; /* allocations that fail; 0: none */
extern bool host_preempt;         /* switch threads wherever a CPU might overtake another */
uint32_t host_copy_count(void);   /* vm_map_copies that exist */

thread_t host_spawn(task_t task, void (*entry)(void));
/* The calling thread lets others run. */
void host_yield(void);
/* Runs the threads, from main, for so many switches; then, without preemption, each until it
 * yields by itself or blocks. */
void host_run(uint32_t switches);
/* Runs until all threads ended. Those that block are woken with a time-out. */
void host_run_out(void);
/* Runs all threads in turn until they ended; they must not need to be woken by time. */
void host_run_in_turn(void);
bool host_thread_blocked(uint32_t i, thread_t *thread);
extern uint32_t host_thread_count;

/* Memory of the user's, page aligned; freed with vm_map_remove. */
void *host_user_alloc(size_t size);
void host_user_free_all(void);

#define CHECK(e) ((e) ? (void)0 : panic("%s:%d: not so: %s", __FILE__, __LINE__, #e))

#endif
