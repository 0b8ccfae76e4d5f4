/*
 * Mach by example, 19: exception handlers. Who is asked about what, in which form, and what an
 * answer may say. The exceptions themselves are chapter 18's. Read mach/task.defs and
 * mach/thread_act.defs beside it.
 */
#include "mach_exc.h"

/* A breakpoint; then x0 + 1 goes to result. */
void break_and_tell(void);
__asm__("    .text\n"
        "break_and_tell:\n"
        "    brk #1\n"
        ASM_TELL_AND_SLEEP);

static kern_return_t refuse(void)
{
    return KERN_FAILURE;
}

/* Goes on behind the breakpoint. */
static kern_return_t skip(void)
{
    caught.state.pc += 4;
    return KERN_SUCCESS;
}

/* The handler that a task has for an exception; no right is kept. */
static mach_port_t handler_of(task_t task, exception_type_t type, exception_behavior_t *behavior)
{
    thread_state_flavor_t flavor;
    mach_port_t port = MACH_PORT_NULL;

    *behavior = 0;
    if (task_get_exception_port(task, type, &port, behavior, &flavor) == KERN_SUCCESS
        && port != MACH_PORT_NULL && port != MACH_PORT_DEAD)
        mach_port_deallocate(SELF, port);
    return port;
}

/* ---- setting ---- */

/* A handler is set for the exceptions in the mask, and for no others. [OSF
 * task_set_exception_ports] */
TEST(a_mask_selects_exceptions)
{
    mach_port_t port = new_port_send();
    exception_behavior_t behavior;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, MACH_PORT_NULL, EXC_MASK_ALL, EXCEPTION_DEFAULT),
               KERN_SUCCESS);
    REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK(EXC_BREAKPOINT) | EXC_MASK(EXC_SYSCALL),
                                        port, EXCEPTION_STATE, ARM_THREAD_STATE64), KERN_SUCCESS);
    EXPECT_EQ(handler_of(child.task, EXC_BREAKPOINT, &behavior), port);
    EXPECT_EQ(behavior, EXCEPTION_STATE);
    EXPECT_EQ(handler_of(child.task, EXC_SYSCALL, &behavior), port);
    EXPECT_EQ(handler_of(child.task, EXC_BAD_ACCESS, &behavior), MACH_PORT_NULL);
    EXPECT_EQ(handler_of(child.task, EXC_BAD_INSTRUCTION, &behavior), MACH_PORT_NULL);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* Setting one again replaces it, and releases the right to the old one. [OSF
 * task_set_exception_ports] */
TEST(setting_again_replaces_the_handler)
{
    mach_port_t first = new_port(), second = new_port_send();
    mach_port_status_t status;
    exception_behavior_t behavior;
    struct child child;

    REQUIRE_KR(mach_port_insert_right(SELF, first, first, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    REQUIRE_KR(child_make_watched(&child, first, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(mach_port_deallocate(SELF, first), KERN_SUCCESS);
    REQUIRE_KR(mach_port_get_receive_status(SELF, first, &status), KERN_SUCCESS);
    EXPECT_EQ(status.mps_srights, TRUE);
    REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, second, EXCEPTION_STATE_IDENTITY,
                                        ARM_THREAD_STATE64), KERN_SUCCESS);
    REQUIRE_KR(mach_port_get_receive_status(SELF, first, &status), KERN_SUCCESS);
    EXPECT_EQ(status.mps_srights, FALSE);
    EXPECT_EQ(handler_of(child.task, EXC_BAD_ACCESS, &behavior), second);
    EXPECT_EQ(behavior, EXCEPTION_STATE_IDENTITY);
    child_end(&child);
    mach_port_destroy(SELF, first);
    mach_port_destroy(SELF, second);
}

/* With a null port there is no handler. [OSF task_set_exception_ports] */
TEST(a_null_port_takes_the_handler_away)
{
    mach_port_t port = new_port_send();
    exception_behavior_t behavior;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK(EXC_BREAKPOINT), MACH_PORT_NULL, 0, 0),
               KERN_SUCCESS);
    EXPECT_EQ(handler_of(child.task, EXC_BREAKPOINT, &behavior), MACH_PORT_NULL);
    EXPECT_EQ(handler_of(child.task, EXC_SYSCALL, &behavior), port);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)break_and_tell, 0, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task)); /* nobody was asked */
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* A refused setting changes nothing, and its right is released. [OSF task_set_exception_ports] */
TEST(a_refused_setting_changes_nothing)
{
    mach_port_t port = new_port_send(), other = new_port_send();
    exception_behavior_t behavior;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK(EXC_BREAKPOINT) | 1U << 31, other,
                                       EXCEPTION_DEFAULT, ARM_THREAD_STATE64), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK(0), other, EXCEPTION_DEFAULT,
                                       ARM_THREAD_STATE64), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, other, 0, ARM_THREAD_STATE64),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, other, 4, ARM_THREAD_STATE64),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, other, EXCEPTION_STATE, 0),
              KERN_INVALID_ARGUMENT);
    EXPECT_EQ(handler_of(child.task, EXC_BREAKPOINT, &behavior), port);
    EXPECT_EQ(behavior, EXCEPTION_DEFAULT);
    child_end(&child);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, other);
}

/* An exception that there is not has no handler: KERN_INVALID_ARGUMENT. [OSF
 * task_get_exception_ports] */
TEST(only_exceptions_have_handlers)
{
    static const exception_type_t none[4] = {-1, 0, EXC_TYPES_COUNT, 99};
    exception_behavior_t behavior;
    thread_state_flavor_t flavor;
    mach_port_t port;

    for (int i = 0; i < 4; i++) {
        EXPECT_KR(task_get_exception_port(SELF, none[i], &port, &behavior, &flavor),
                  KERN_INVALID_ARGUMENT);
        EXPECT_KR(thread_get_exception_port(mach_thread_self_cached(), none[i], &port, &behavior,
                                            &flavor), KERN_INVALID_ARGUMENT);
    }
}

/* A new thread has no handlers of its own, whatever its task's are. [OSF
 * thread_set_exception_ports] */
TEST(a_new_thread_has_no_handler)
{
    mach_port_t port = new_port_send(), got = 1;
    exception_behavior_t behavior;
    thread_state_flavor_t flavor;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(thread_create(child.task, &child.thread), KERN_SUCCESS);
    EXPECT_KR(thread_get_exception_port(child.thread, EXC_BREAKPOINT, &got, &behavior, &flavor),
              KERN_SUCCESS);
    EXPECT_EQ(got, MACH_PORT_NULL);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* ---- asking ---- */

/* EXCEPTION_DEFAULT names thread and task, EXCEPTION_STATE gives registers,
 * EXCEPTION_STATE_IDENTITY both. [exc.defs] */
TEST(the_behavior_decides_what_is_told)
{
    mach_port_t port = new_port_send();

    for (exception_behavior_t behavior = EXCEPTION_DEFAULT; behavior <= EXCEPTION_STATE_IDENTITY;
         behavior++) {
        struct child child;

        REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, behavior), KERN_SUCCESS);
        on_exception = refuse;
        REQUIRE_KR(child_run_raw(&child, (uint64_t)break_and_tell, 41, 0), KERN_SUCCESS);
        REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, EXC_BREAKPOINT);
        EXPECT_EQ(caught.thread, behavior == EXCEPTION_STATE ? MACH_PORT_NULL : child.thread);
        EXPECT_EQ(caught.task, behavior == EXCEPTION_STATE ? MACH_PORT_NULL : child.task);
        if (behavior != EXCEPTION_DEFAULT) {
            EXPECT_EQ(caught.state.pc, (uint64_t)break_and_tell);
            EXPECT_EQ(caught.state.x[0], 41);
        }
        EXPECT_TRUE(wait_until_dead(child.task));
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

/* Registers given back with a refusal are not taken over: the next handler is asked about the
 * thread as it was. [exc.defs] */
TEST(a_refusal_changes_no_registers)
{
    mach_port_t thread_port = new_port_send(), task_port = new_port_send();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, task_port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
    REQUIRE_KR(child_thread_watched(&child, thread_port, EXC_MASK_ALL, EXCEPTION_STATE,
                                    (uint64_t)break_and_tell, 7), KERN_SUCCESS);
    REQUIRE_KR(thread_resume(child.thread), KERN_SUCCESS);
    on_exception = refuse;
    REQUIRE_KR(serve_exception(thread_port), MACH_MSG_SUCCESS);
    on_exception = skip;
    result = 0;
    REQUIRE_KR(serve_exception(task_port), MACH_MSG_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, 8));
    child_end(&child);
    mach_port_destroy(SELF, thread_port);
    mach_port_destroy(SELF, task_port);
}

/* A thread's handler for one exception is not asked about another. [OSF
 * thread_set_exception_ports] */
TEST(the_mask_holds_for_a_thread_too)
{
    mach_port_t thread_port = new_port_send(), task_port = new_port_send();
    mach_msg_header_t h;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, task_port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    on_exception = refuse;
    REQUIRE_KR(child_thread_watched(&child, thread_port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT,
                                    (uint64_t)break_and_tell, 0), KERN_SUCCESS);
    REQUIRE_KR(thread_resume(child.thread), KERN_SUCCESS);
    EXPECT_KR(serve_exception(task_port), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof h, thread_port, 0, 0),
              MACH_RCV_TIMED_OUT);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    mach_port_destroy(SELF, thread_port);
    mach_port_destroy(SELF, task_port);
}

/* A dead handler is none: the next one is asked. [KP, exceptions] */
TEST(a_dead_handler_is_passed_over)
{
    mach_port_t thread_port = new_port_send(), task_port = new_port_send();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, task_port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
    on_exception = skip;
    REQUIRE_KR(child_thread_watched(&child, thread_port, EXC_MASK_ALL, EXCEPTION_STATE,
                                    (uint64_t)break_and_tell, 1), KERN_SUCCESS);
    mach_port_destroy(SELF, thread_port);
    REQUIRE_KR(thread_resume(child.thread), KERN_SUCCESS);
    result = 0;
    EXPECT_KR(serve_exception(task_port), MACH_MSG_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, 2));
    child_end(&child);
    mach_port_destroy(SELF, task_port);
}

/* Two threads that fault at once are both told, and each waits for its own answer. [KP,
 * exceptions] */
TEST(two_threads_wait_for_two_answers)
{
    mach_port_t port = new_port_send();
    arm_thread_state64_t state = {.x[0] = 50, .pc = (uint64_t)break_and_tell,
                                  .sp = (uint64_t)child_stack + CHILD_STACK_SIZE};
    thread_t other;
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
    on_exception = skip;
    result = 0;
    REQUIRE_KR(child_run_raw(&child, (uint64_t)break_and_tell, 60, 0), KERN_SUCCESS);
    REQUIRE_KR(thread_create_running(child.task, ARM_THREAD_STATE64, (thread_state_t)&state,
                                     ARM_THREAD_STATE64_COUNT, &other), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
    EXPECT_TRUE(wait_for_state(other, TH_STATE_WAITING));
    EXPECT_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, caught.state.x[0] + 1));
    EXPECT_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &result, caught.state.x[0] + 1));
    EXPECT_EQ(caught.count, 2);
    mach_port_deallocate(SELF, other);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* Handlers go with their task: the kernel keeps no right to them. [KI task_terminate] */
TEST(handlers_go_with_the_task)
{
    mach_port_t port = new_port();
    mach_port_status_t status = {.mps_srights = TRUE};
    struct child child;

    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS);
    child_end(&child);
    for (int ms = 0; ms < WAIT_LIMIT_MS && status.mps_srights; ms += 5) {
        sleep_ms(5);
        REQUIRE_KR(mach_port_get_receive_status(SELF, port, &status), KERN_SUCCESS);
    }
    EXPECT_EQ(status.mps_srights, FALSE);
    mach_port_destroy(SELF, port);
}

/* ---- answers that are wrong ---- */

/* Receives a request, and answers it by hand with this id and size. */
static mach_msg_return_t answer_badly(mach_port_t port, mach_msg_id_t id_offset, mach_msg_size_t size)
{
    static union {
        mach_msg_header_t header;
        struct {
            mach_msg_header_t header;
            uint64_t ndr;
            kern_return_t code;
        } reply;
        char bytes[1024];
    } m;
    mach_msg_return_t mr = mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port,
                                    WAIT_LIMIT_MS, MACH_PORT_NULL);
    mach_port_t reply = m.header.msgh_remote_port;
    mach_msg_id_t id = m.header.msgh_id;

    if (mr != MACH_MSG_SUCCESS)
        return mr;
    m.header.msgh_remote_port = MACH_PORT_NULL;
    mach_msg_destroy(&m.header);
    memset(&m, 0, sizeof m);
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
    m.header.msgh_remote_port = reply;
    m.header.msgh_id = id + id_offset;
    return mach_msg(&m.header, MACH_SEND_MSG, size, 0, 0, 0, 0);
}

/* A reply with the wrong number, too short or too long, is a refusal. [MIG; exc.defs] */
TEST(a_malformed_answer_is_a_refusal)
{
    static const struct {
        mach_msg_id_t offset;
        mach_msg_size_t size;
    } answers[] = {{99, 40}, {0, 40}, {100, 24}, {100, 1000}, {100, 28}};
    mach_port_t port = new_port_send();

    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct child child;

        REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
        REQUIRE_KR(child_run_raw(&child, (uint64_t)break_and_tell, 0, 0), KERN_SUCCESS);
        EXPECT_KR(answer_badly(port, answers[i].offset, answers[i].size), MACH_MSG_SUCCESS);
        EXPECT_TRUE(wait_until_dead(child.task));
        child_end(&child);
    }
    mach_port_destroy(SELF, port);
}

static kern_return_t leave_user_mode(void)
{
    caught.state.cpsr = 5; /* EL1h */
    caught.state.pc = 0xffff000040200000;
    return KERN_SUCCESS;
}

/* A handler cannot make the thread privileged by the registers it gives back. [thread_status.h] */
TEST(an_answer_cannot_leave_user_mode)
{
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK_ALL, EXCEPTION_STATE), KERN_SUCCESS);
    on_exception = leave_user_mode;
    REQUIRE_KR(child_run_raw(&child, (uint64_t)break_and_tell, 0, 0), KERN_SUCCESS);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    on_exception = refuse;
    if (wait_for_state(child.thread, TH_STATE_WAITING)) { /* or the answer itself was refused */
        REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.type, EXC_BAD_ACCESS); /* a jump out of its reach, from user mode */
        EXPECT_EQ(caught.state.cpsr & 15, 0);
    }
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    mach_port_destroy(SELF, port);
}

TEST_MAIN
