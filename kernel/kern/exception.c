/*
 * Exceptions: what user code did wrong becomes a message to whoever answers for it, the thread's
 * handler, else the task's. Read mach/exception.h and mach/exc.defs first.
 *
 * The faulting thread itself sends, in the kernel, and waits for the reply. KERN_SUCCESS means "go
 * on", perhaps with other registers; anything else, "not mine". A thread that nobody answers for
 * takes its task along: it could only fault for ever.
 *
 * If the handler waits, the thread leaves its stack to go there (ipc/mach_msg_raise.c), and comes back to
 * exception_answered. Else it waits like any other.
 */
#include <ipc/ipc_kobject.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/task.h>
#include <kern/thread.h>

/* ---- who answers for what ---- */

kern_return_t exception_actions_set(struct task *task, struct exception_action *actions,
                                    exception_mask_t mask, mach_port_t port,
                                    exception_behavior_t behavior, thread_state_flavor_t flavor,
                                    struct ipc_port *const *self)
{
    struct ipc_port *old[EXC_TYPES_COUNT] = {NULL};
    int count = 0;

    if ((mask & ~EXC_MASK_ALL) != 0)
        return KERN_INVALID_ARGUMENT;
    if (port != MACH_PORT_NULL) {
        if (behavior < EXCEPTION_DEFAULT || behavior > EXCEPTION_STATE_IDENTITY)
            return KERN_INVALID_ARGUMENT;
        if (behavior != EXCEPTION_DEFAULT && flavor != ARM_THREAD_STATE64
            && flavor != ARM_NEON_STATE64 && flavor != ARM_TLS_STATE64)
            return KERN_INVALID_ARGUMENT;
    }
    spin_lock(&task->lock);
    if (*self == NULL) {
        spin_unlock(&task->lock);
        return KERN_TERMINATED;
    }
    for (int i = 0; i < EXC_TYPES_COUNT; i++) {
        if ((mask & EXC_MASK(i)) == 0)
            continue;
        old[count++] = actions[i].port;
        actions[i] = (struct exception_action){ipc_port_copy_send(port), behavior, flavor};
    }
    spin_unlock(&task->lock);
    while (count > 0)
        ipc_port_release_send(old[--count]);
    ipc_port_release_send(port);
    return KERN_SUCCESS;
}

kern_return_t exception_actions_get(struct task *task, struct exception_action *actions,
                                    exception_type_t type, mach_port_t *port,
                                    exception_behavior_t *behavior, thread_state_flavor_t *flavor)
{
    if (type < 0 || type >= EXC_TYPES_COUNT || (EXC_MASK_ALL & EXC_MASK(type)) == 0)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    *port = ipc_port_copy_send(actions[type].port);
    *behavior = actions[type].behavior;
    *flavor = actions[type].flavor;
    spin_unlock(&task->lock);
    return KERN_SUCCESS;
}

void exception_actions_clear(struct exception_action *actions)
{
    for (int i = 0; i < EXC_TYPES_COUNT; i++) {
        ipc_port_release_send(actions[i].port);
        actions[i].port = IP_NULL;
    }
}

/* ---- telling them ---- */

/*
 * The messages of exc.defs, laid out as MIG's stubs do, but built where they are sent from: a header;
 * thread and task, but for EXCEPTION_STATE; what happened; and the thread's state, but for
 * EXCEPTION_DEFAULT.
 */
#define EXC_ID       2401 /* exc.defs: exception_raise; the others follow in the order of behaviours */
#define EXC_REPLY_ID 2501

struct exc_ports {
    mach_msg_body_t body;
    mach_msg_port_descriptor_t thread;
    mach_msg_port_descriptor_t task;
};
struct exc_what {
    exception_type_t exception;
    uint32_t code_count;
    int64_t code[EXCEPTION_CODE_MAX];
};
struct exc_state {
    thread_state_flavor_t flavor;
    uint32_t count;
    natural_t state[];
};
struct exc_reply {
    mach_msg_header_t header;
    kern_return_t result;
    struct exc_state state; /* but for EXCEPTION_DEFAULT */
};

static mach_msg_port_descriptor_t send_right(mach_port_t port)
{
    return (mach_msg_port_descriptor_t){.kport = (uint64_t)port,
                                        .disposition = MACH_MSG_TYPE_PORT_SEND,
                                        .type = MACH_MSG_PORT_DESCRIPTOR};
}

/* The request to action->port, whose right it takes. NULL: out of memory, or it is a state that the
 * thread has not; and the right stays. */
static ipc_kmsg_t make_request(const struct exception_action *action, exception_type_t type,
                               const int64_t *code)
{
    struct thread *self = current_thread();
    mach_msg_type_number_t count =
        action->flavor == ARM_THREAD_STATE64 ? ARM_THREAD_STATE64_COUNT : THREAD_STATE_MAX;
    struct exc_ports *ports = NULL;
    mach_msg_header_t *header;
    struct exc_what *what;
    ipc_kmsg_t kmsg;
    void *end;

    kmsg = ipc_kmsg_alloc(sizeof(*header) + sizeof(*ports) + sizeof(*what)
                          + sizeof(struct exc_state) + count * sizeof(natural_t));
    if (kmsg == NULL)
        return NULL;
    header = kmsg->ikm_header;
    header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0);
    end = header + 1;
    if (action->behavior != EXCEPTION_STATE) {
        ports = end;
        end = ports + 1;
    }
    what = end;
    *what = (struct exc_what){type, EXCEPTION_CODE_MAX, {code[0], code[1]}};
    end = what + 1;
    if (action->behavior != EXCEPTION_DEFAULT) {
        struct exc_state *state = end;

        state->flavor = action->flavor;
        state->count = count;
        if (machine_thread_get_state(self, action->flavor, state->state, &state->count)
            != KERN_SUCCESS) {
            ipc_kmsg_free(kmsg);
            return NULL;
        }
        end = &state->state[state->count];
    }
    if (ports != NULL) {
        header->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
        ports->body = (mach_msg_body_t){.msgh_descriptor_count = 2};
        thread_reference(self);
        ports->thread = send_right(convert_thread_to_port(self));
        task_reference(self->task);
        ports->task = send_right(convert_task_to_port(self->task));
    }
    header->msgh_size = (char *)end - (char *)header;
    header->msgh_id = EXC_ID + action->behavior - EXCEPTION_DEFAULT;
    kmsg->ikm_remote = action->port;
    return kmsg;
}

/* What the handler says, and the registers it gives. */
static kern_return_t take_reply(exception_behavior_t behavior, mach_msg_header_t *header)
{
    mach_msg_id_t id = EXC_REPLY_ID + behavior - EXCEPTION_DEFAULT;
    mach_msg_size_t size = offsetof(struct exc_reply, state);
    struct exc_reply *reply = (struct exc_reply *)header;
    struct exc_state *state = &reply->state;

    if (header->msgh_id != id || header->msgh_size < size
        || (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) || reply->result != KERN_SUCCESS)
        return mig_kernel_reply_error(header, id);
    if (behavior == EXCEPTION_DEFAULT)
        return header->msgh_size == size ? KERN_SUCCESS : MIG_TYPE_ERROR;
    if (header->msgh_size < sizeof(*reply) || state->count > THREAD_STATE_MAX
        || header->msgh_size != sizeof(*reply) + state->count * sizeof(natural_t))
        return MIG_TYPE_ERROR;
    if (state->flavor == THREAD_STATE_NONE)
        return KERN_SUCCESS;
    return machine_thread_set_state(current_thread(), state->flavor, state->state, state->count);
}

/* What came of asking: mr, and on success the answer, or NULL: that is none. True: the thread may go on. */
static inline __attribute__((always_inline)) bool heed(struct thread *self, mach_msg_return_t mr,
                                                       ipc_kmsg_t kmsg)
{
    bool on = mr == MACH_RCV_INTERRUPTED;

    /* Aborted (a signal, a debugger, the task's end): back to the border. If the cause is still
     * there, the thread faults again. */
    if (mr == MACH_MSG_SUCCESS && kmsg != NULL) {
        on = take_reply(self->raised.behavior, kmsg->ikm_header) == KERN_SUCCESS;
        kmsg->ikm_header->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
        if (__builtin_expect(kmsg->ikm_local == IP_NULL, 1))
            ipc_kmsg_free(kmsg);
        else
            ipc_kmsg_destroy(kmsg); /* an answer that wants an answer */
        if (on && self->raised.code[0] == KERN_RESOURCE_SHORTAGE && self->raised.type == EXC_BAD_ACCESS)
            self->task->blamed = 0; /* somebody has seen to it (memory_gone.c) */
    }
    return on;
}

/* The long way of asking. */
static __attribute__((noinline)) bool ask_and_wait(struct thread *self, ipc_kmsg_t kmsg)
{
    mach_msg_return_t mr = mach_msg_rpc_kmsg(kmsg, &kmsg);

    ast_set(self, AST_REGISTERS); /* an unknown Mach trap is one, too, that loads only some */
    return heed(self, mr, kmsg);
}

/* Asks the handler among actions, if there is one. True: the thread may go on. May not return: then
 * exception_answered goes on. */
static bool ask(struct thread *self, struct exception_action *actions)
{
    exception_type_t type = self->raised.type;
    struct exception_action action;
    ipc_kmsg_t kmsg;

    if (actions[type].port == IP_NULL)
        return false;
    spin_lock(&self->task->lock);
    action = actions[type];
    action.port = ipc_port_copy_send(action.port);
    spin_unlock(&self->task->lock);
    if (!IP_VALID(action.port))
        return false;
    kmsg = make_request(&action, type, self->raised.code);
    if (kmsg == NULL) {
        ipc_port_release_send(action.port);
        return false;
    }
    self->raised.behavior = action.behavior;
    mach_msg_raise(kmsg);
    return ask_and_wait(self, kmsg);
}

/* The handler has not helped: the next one is asked; if there is none the task ends. */
static __attribute__((noinline)) void pass_on(struct thread *self)
{
    const struct trapframe *frame = self->machine.frame;
    struct exception_raised *raised = &self->raised;
    struct task *task = self->task;

    if (!raised->by_task) {
        raised->by_task = true;
        if (ask(self, task->exc_actions))
            return;
    }
    if ((self->ast & AST_TERMINATE) != 0)
        return;
    printf("task %s ended by exception %d, code 0x%lx 0x%lx, at pc 0x%lx (sp 0x%lx, lr 0x%lx)\n",
           task->name[0] != '\0' ? task->name : "(no name)", raised->type,
           (unsigned long)raised->code[0], (unsigned long)raised->code[1], (unsigned long)frame->pc,
           (unsigned long)frame->sp, (unsigned long)frame->x[30]);
    task_terminate(task);
}

void exception(exception_type_t type, int64_t code, int64_t subcode)
{
    struct thread *self = current_thread();

    assert(type > 0 && type < EXC_TYPES_COUNT);
    if ((self->ast & AST_TERMINATE) != 0)
        return;
    self->raised = (struct exception_raised){.type = type, .code = {code, subcode}};
    if (!ask(self, self->exc_actions))
        pass_on(self);
}

void exception_answered(mach_msg_return_t mr, ipc_kmsg_t kmsg)
{
    struct thread *self = current_thread();

    if (!heed(self, mr, kmsg))
        pass_on(self);
    thread_exception_return();
}
