/*
 * Whose terminal it is: the session it controls, the group in the foreground of that. Read serial.h first.
 *
 * A message's token says the sender's group (credentials.h): who is in the foreground costs nothing to know.
 * About others the proc server is asked, which also sends the signals. It tells of the end of the process
 * that leads the session by giving up a send-once right (proc_watch_session).
 */
#include "serial.h"

#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <proc_info.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/proc.h>
#include <servers/tty_server.h>
#include <signal.h>

static const struct port_class watch_class = {.name = "session watch"};
static struct port_object watch;
static int session;    /* 0: it controls none */
static int foreground; /* process group of that session */

/* The requests that were in the port's queue when a signal was sent: those before this one, which has not
 * come yet. What comes later is from who has dealt with the signal; or, rarely, from a thread that could not
 * be interrupted at once (proc tries again: deliver.c), and is taken for that. */
static mach_port_t requests;
static mach_port_seqno_t first_fresh;
static boolean_t some_are_past;

static mach_port_t proc(void)
{
    static mach_port_t port;

    if (port == MACH_PORT_NULL
        && bootstrap_look_up(bootstrap_port, SERVICE_PROC, &port) != KERN_SUCCESS)
        port = MACH_PORT_NULL;
    return port;
}

/* What process pid is to the terminal. An error: there is no such process. */
static kern_return_t ask(int pid, int signal, int *pgid, int *sid, int *answer)
{
    return proc_terminal(proc(), pid, session, foreground, signal, pgid, sid, answer);
}

static int caller(void)
{
    return (int)credentials_pid(ports_sender());
}

static boolean_t in_foreground(void)
{
    return session != 0 && (int)credentials_pgid(ports_sender()) == foreground;
}

/* What an answer of the proc server means to the caller. */
static kern_return_t verdict(int answer, int signal)
{
    switch (answer) {
    case TERMINAL_IGNORED:
        return signal == SIGTTIN ? unix_err(EIO) : KERN_SUCCESS;
    case TERMINAL_ORPHANED:
        return unix_err(EIO);
    case TERMINAL_SIGNALLED:
        return unix_err(EINTR);
    }
    return KERN_SUCCESS;
}

kern_return_t session_check(int signal)
{
    int pgid, sid, answer;

    if (session == 0 || in_foreground() || credentials_pgid(ports_sender()) == 0)
        return KERN_SUCCESS;
    if (ask(caller(), signal, &pgid, &sid, &answer) != KERN_SUCCESS)
        return KERN_SUCCESS;
    if (sid != session) /* what is typed is for the session alone */
        return signal == SIGTTIN ? unix_err(EIO) : KERN_SUCCESS;
    return verdict(answer, signal);
}

static void mark_past(void)
{
    mach_port_status_t status;

    some_are_past =
        mach_port_get_receive_status(mach_task_self(), requests, &status) == KERN_SUCCESS;
    if (some_are_past)
        first_fresh = status.mps_seqno + status.mps_msgcount;
}

boolean_t session_order(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (some_are_past && in->msgh_local_port == requests
        && (int32_t)(in->msgh_seqno - first_fresh) >= 0)
        some_are_past = FALSE;
    return FALSE;
}

boolean_t session_is_past(void)
{
    return some_are_past;
}

void session_signal(int signal)
{
    if (session == 0)
        return;
    proc_signal_group(proc(), foreground, session, signal);
    mark_past();
    readers_ask_again();
}

static void let_go(void)
{
    session = foreground = 0;
    readers_ask_again();
}

/* The session has lost its terminal. */
static void hang_up(void)
{
    session_signal(SIGHUP);
    session_signal(SIGCONT);
    let_go();
}

/* Has the process ended that leads the session? */
static boolean_t leader_is_gone(void)
{
    int pgid, sid, answer;

    return session != 0 && ask(session, 0, &pgid, &sid, &answer) != KERN_SUCCESS;
}

boolean_t session_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (in->msgh_id != MACH_NOTIFY_SEND_ONCE || in->msgh_local_port != watch.port)
        return FALSE;
    if (leader_is_gone()) /* or it is about a session that it was before */
        hang_up();
    mig_no_reply(in, out);
    return TRUE;
}

kern_return_t session_init(mach_port_t tty)
{
    requests = tty;
    return ports_create(&watch, &watch_class);
}

/* ---- tty.defs ---- */

kern_return_t S_tty_control(mach_port_t port, int take)
{
    int pid = caller(), pgid, sid, answer;

    if (leader_is_gone())
        hang_up();
    if (ask(pid, 0, &pgid, &sid, &answer) != KERN_SUCCESS)
        return unix_err(EPERM);
    if (!take) {
        if (sid != session)
            return unix_err(ENOTTY);
        if (sid != pid)
            return unix_err(EPERM);
        hang_up();
        return KERN_SUCCESS;
    }
    if (session == sid)
        return KERN_SUCCESS;
    if (session != 0 || sid != pid)
        return unix_err(EPERM);
    if (proc_watch_session(proc(), sid, watch.port) != KERN_SUCCESS)
        return unix_err(ENOMEM);
    session = sid;
    foreground = pgid;
    readers_ask_again();
    return KERN_SUCCESS;
}

/* Is it the caller's controlling terminal? */
static boolean_t is_callers(void)
{
    int pgid, sid, answer;

    if (session == 0)
        return FALSE;
    return in_foreground()
           || (ask(caller(), 0, &pgid, &sid, &answer) == KERN_SUCCESS && sid == session);
}

kern_return_t S_tty_get_sid(mach_port_t port, int *sid)
{
    *sid = session;
    return is_callers() ? KERN_SUCCESS : unix_err(ENOTTY);
}

kern_return_t S_tty_get_pgrp(mach_port_t port, int *pgid)
{
    *pgid = foreground;
    return is_callers() ? KERN_SUCCESS : unix_err(ENOTTY);
}

kern_return_t S_tty_set_pgrp(mach_port_t port, int pgid)
{
    kern_return_t kr;

    if (!is_callers())
        return unix_err(ENOTTY);
    if (pgid <= 0)
        return unix_err(EINVAL);
    if (pgid == foreground && in_foreground())
        return KERN_SUCCESS;
    kr = session_check(SIGTTOU);
    if (kr != KERN_SUCCESS)
        return kr;
    if (proc_check_group(proc(), pgid, session) != KERN_SUCCESS)
        return unix_err(EPERM);
    if (pgid != foreground) {
        foreground = pgid;
        readers_ask_again();
    }
    return KERN_SUCCESS;
}
