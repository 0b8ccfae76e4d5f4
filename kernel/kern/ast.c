/*
 * What a thread does before it returns to user mode, because somebody set its `ast` (kern/thread.h):
 * yield, stop, end; and who waits for it to do so. Read kern/sched.h and sched.c first.
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/inherit.h>
#include <kern/memory_gone.h>
#include <kern/sched.h>
#include <kern/thread.h>

bool preempt_point(void)
{
    struct thread *self = current_thread();

    spin_assert_none();
    machine_take_interrupts();
    if ((self->ast & AST_PREEMPT) != 0) {
        ast_clear(self, AST_PREEMPT);
        sched_yield(self);
    }
    return (self->ast & AST_TERMINATE) == 0;
}

void ast_taken(void)
{
    struct thread *self = current_thread();
    uint32_t ast;

    while ((ast = __atomic_load_n(&self->ast, __ATOMIC_SEQ_CST)) != 0) {
        inherit_waited(self);
        if ((ast & AST_TERMINATE) != 0)
            thread_terminate_self();
        /* What was to be aborted is over: the next operation is not meant. */
        ast_clear(self, AST_ABORT | AST_PREEMPT | AST_REGISTERS);
        sched_charge_user(self);
        if ((ast & AST_NO_MEMORY) != 0) {
            ast_clear(self, AST_NO_MEMORY);
            memory_gone_exception();
        } else if ((ast & AST_HALT) != 0) {
            spin_lock(&self->lock);
            if ((self->suspend_count > 0 || self->task_held) && (self->ast & AST_TERMINATE) == 0) {
                thread_stop_self(self, TH_SUSPENDED);
            } else {
                ast_clear(self, AST_HALT);
                spin_unlock(&self->lock);
            }
        } else if ((ast & AST_PREEMPT) != 0) {
            self->at_border = true;
            sched_yield(self);
            self->at_border = false;
        }
    }
}

void thread_wait_off_cpu(struct thread *thread, bool settled)
{
    for (;;) {
        bool done;

        event_assert_wait(&thread->ast, false, DEADLINE_NONE);
        spin_lock(&thread->lock);
        if (thread->suspend_count == 0 && !thread->task_held) {
            done = true; /* resumed by somebody else: nothing to wait for */
        } else if (__atomic_load_n(&thread->on_cpu, __ATOMIC_SEQ_CST)) {
            done = false;
            machine_poke_cpu(thread->machine.cpu->number);
        } else {
            done = !settled || thread->state == TH_SUSPENDED || thread->state == TH_WAITING
                   || thread->state == TH_DEAD || thread->at_border;
            if (!done)
                sched_hurry(thread);
        }
        thread->watched |= !done;
        spin_unlock(&thread->lock);
        if (done) {
            event_cancel_wait();
            return;
        }
        thread_block();
    }
}
