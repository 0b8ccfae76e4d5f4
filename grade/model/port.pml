/*
 * The life of a port, as a model for SPIN: one port, and tasks (spaces) that make, copy, move, use and drop
 * rights to it, ask to be told of its death and of its last sender's, and die, in every order there is.
 *
 * Read kernel/include/ipc/ipc_port.h and docs/tricks.md ("Ports") before. Each inline is named after the C
 * function it stands for. An atomic block is what that function does under one lock: the port's, or the
 * space's where it says "space". Between two blocks everyone else may do anything. There is one thread a
 * space, so that a space's lock needs no model: what it keeps apart is never at the same time. Each is
 * therefore named here: two threads of one space meet only at the port's lock, as two spaces do.
 *
 * Left out, and so not proven here: rings of ports in transit (a set of ports, not one), the order of
 * messages, and what a full name table brings about.
 *
 * Proven, for the numbers of spaces, rights made and user references that the -D options give:
 *   counts    srights and sorights are the numbers of rights there are, after every step
 *   once      the port is freed once, after the last right is gone, and never used after that
 *   senders   no-senders with the count of all send rights made so far comes only when there is none
 *   deaths    a dead-name request ends exactly once: as a dead-name or port-deleted notification, or
 *             replaced; a dead-name notification's user reference is there when it is received
 *   end       when all tasks are dead, so is the port, and nothing is left
 *
 * Options: SPACES, MAKES (send rights ever made), UREFS (most user references), QLIMIT; NAMES (dead-name
 * requests), ONCE (send-once rights), BACK (port-destroyed requests), SEND (messages to the port itself).
 * Faults, each a mistake one could make, for which SPIN must find a run that breaks a rule (grade/test_model.py):
 *   FAULT_COUNT     a server that does not compare the count (ports.c: no_senders)
 *   FAULT_LATE      the count is read when the notification is sent, not under the lock
 *   FAULT_TENURE    a server believes what was sent before it had the receive right
 *   FAULT_CHECK     ipc_right_check forgets the right of a name that died
 *   FAULT_ALIVE    request_dead_name does not look whether the port has died since the look-up
 *   FAULT_MERGE     a right that merges with one that is there is not counted off
 *   FAULT_UNDO      a message that cannot be sent keeps its rights
 *   FAULT_RACE      a name goes though its port has just died, and its notification is under way
 *   FAULT_LAST      ip_unlock_dropped does not look for send-once rights
 */
#ifndef SPACES
#define SPACES 2
#endif
#ifndef MAKES
#define MAKES 2
#endif
#ifndef MOVES
#define MOVES 2
#endif
#ifndef UREFS
#define UREFS 2
#endif
#ifndef QLIMIT
#define QLIMIT 1
#endif
#define MAIL   1      /* rights under way to one space; more: the send times out */
#define NONE   SPACES

/* struct ipc_port */
bool alive = 1;
byte refs = 1;             /* all rights together */
byte receiver = 0;         /* a space, or NONE: in transit, in limbo or dead */
byte srights, sorights, mscount, so_notes;
byte queued, queued_once;  /* messages, by the right that each was sent to */
bool nsrequest; byte ns_to;
byte pdrequest = NONE;
bool dnrequest[SPACES];

/* struct ipc_entry: what each space's name for the port denotes */
bool e_recv[SPACES], e_send[SPACES], e_dead[SPACES], e_request[SPACES];
byte e_urefs[SPACES];
byte e_once[SPACES];       /* send-once rights have names of their own */

/* What is done at last with the rights in the thread's hand */
#define SHIP 1 /* a message takes them along */
#define OUT  2 /* they get a name */
#define DROP 3 /* they are given up */

/* Rights in messages to a space, and in the hands of a thread in the kernel */
bool gone[SPACES];         /* ipc_space_destroy has begun: no messages come in */
byte mail_send[SPACES], mail_once[SPACES]; bool mail_recv[SPACES];
byte hand_send[SPACES], hand_once[SPACES]; bool hand_recv[SPACES];

/* Notifications under way to a space */
byte note_dead[SPACES];
bool ns_note[SPACES]; byte ns_count[SPACES], ns_tenure[SPACES]; /* the mscount it says; when it was due */

/* What programs know, or only we do */
byte made_ever;            /* bounds the model */
byte made;                 /* by the receiver, since it has the receive right */
byte tenure;               /* how often the receive right has moved */
byte mine[SPACES];         /* user references that the program counts as its own */
byte open[SPACES];         /* dead-name requests that have not ended */
bool freed;
byte ended;

#if SPACES == 2
#define SUM(x) (x[0] + x[1])
#else
#define SUM(x) (x[0] + x[1] + x[2])
#endif
#define SENDS (SUM(e_send) + SUM(mail_send) + SUM(hand_send) + queued)
#define ONCES (SUM(e_once) + SUM(mail_once) + SUM(hand_once) + queued_once)
#define SOUND assert(srights == SENDS && sorights == ONCES)

#define ip_lock assert(!freed) /* whoever locks it must know that it is still there */

inline ip_release()
{
    assert(refs > 0);
    refs--;
    if
    :: refs == 0 -> assert(!alive && srights == 0 && sorights == 0); freed = 1
    :: else
    fi
}

inline ip_unlock_dropped()
{
    if
#ifdef FAULT_LAST
    :: !alive && srights == 0 -> ip_release()
#else
    :: !alive && srights == 0 && sorights == 0 -> ip_release()
#endif
    :: else
    fi;
    SOUND
}

/* ---- notifications ---- */

/* ipc_kmsg_send_always, of a no-senders notification. Of two that were not received, either is followed. */
inline send_no_senders(to, value, when)
{
    if
    :: gone[to] || ns_note[to]
    :: !gone[to] -> ns_note[to] = 1; ns_count[to] = value; ns_tenure[to] = when
    fi
}

/* ---- giving up rights ---- */

/* ipc_port_release_send: i's thread holds the right. */
inline ipc_port_release_send(i)
{
    atomic {
        ip_lock;
        assert(srights > 0 && hand_send[i] > 0);
        hand_send[i]--;
        srights--;
        if
        :: srights == 0 && alive && nsrequest ->
            nsrequest = 0; firing = 1; to = ns_to; count = mscount; when = tenure
        :: else
        fi;
        ip_unlock_dropped()
    }
    atomic {
        if
        :: firing ->
            firing = 0;
#ifdef FAULT_LATE
            count = mscount;
            when = tenure;
#endif
            send_no_senders(to, count, when);
            to = 0; count = 0; when = 0
        :: else
        fi
    }
}

/* ipc_port_release_sonce */
inline ipc_port_release_sonce(i)
{
    atomic {
        ip_lock;
        assert(sorights > 0 && hand_once[i] > 0);
        hand_once[i]--;
        sorights--;
        if
        :: alive && so_notes < 2 -> so_notes++
        :: else
        fi;
        ip_unlock_dropped()
    }
}

/* ipc_port_clear_receiver, with its callers' locks */
inline ipc_port_clear_receiver()
{
    ip_lock;
    receiver = NONE;
    mscount = 0;
    made = 0;
    tenure++
}

/* ipc_port_destroy, and what ipc_work_run does for it. i's thread has the receive right in its hand. */
inline ipc_port_destroy(i)
{
    atomic {
        ip_lock;
        assert(alive && receiver == NONE && hand_recv[i]);
        if
        :: pdrequest != NONE && !gone[pdrequest] -> /* ipc_port_give_back */
            hand_recv[i] = 0;
            mail_recv[pdrequest] = 1;
            pdrequest = NONE
        :: else ->
            pdrequest = NONE;
            alive = 0;
            hand_recv[i] = 0;
            nsrequest = 0;
            so_notes = 0;
            /* The requests are ours from here on. */
            d_step {
                k = 0;
                do
                :: k < SPACES ->
                    if
                    :: dnrequest[k] -> dnrequest[k] = 0; telling[k] = 1
                    :: else
                    fi;
                    k++
                :: else -> break
                od;
                k = 0
            };
            hand_send[i] = hand_send[i] + queued;
            hand_once[i] = hand_once[i] + queued_once;
            queued = 0;
            queued_once = 0;
            ip_unlock_dropped()
        fi
    }
    do
    :: atomic { telling[0] -> telling[0] = 0; tell_dead(0) }
    :: atomic { telling[1] -> telling[1] = 0; tell_dead(1) }
#if SPACES == 3
    :: atomic { telling[2] -> telling[2] = 0; tell_dead(2) }
    :: !telling[0] && !telling[1] && !telling[2] -> break
#else
    :: !telling[0] && !telling[1] -> break
#endif
    od
}

inline tell_dead(j)
{
    assert(open[j] > 0);
    open[j]--;
    if
    :: gone[j]
    :: else -> note_dead[j]++
    fi
}

/* ipc_kmsg_clean: the rights of a message that is destroyed, but for a receive right */
inline drop_hand(i)
{
    do
    :: hand_send[i] > 0 -> ipc_port_release_send(i)
    :: hand_once[i] > 0 -> ipc_port_release_sonce(i)
    :: hand_send[i] == 0 && hand_once[i] == 0 -> break
    od
}

/* ---- entries ---- */

#define ENTRY_FREE(i) \
    e_send[i] = 0; e_recv[i] = 0; e_dead[i] = 0; e_urefs[i] = 0; e_request[i] = 0

/* ipc_right_check. Space. */
inline ipc_right_check(i)
{
    atomic {
        if
        :: e_send[i] && !e_recv[i] && !alive ->
            ip_lock;
            e_send[i] = 0;
            e_dead[i] = 1;
#ifndef FAULT_CHECK
            srights--;
#endif
            if
            :: e_request[i] -> e_urefs[i]++
            :: else
            fi;
            e_request[i] = 0;
            ip_unlock_dropped()
        :: else
        fi
    }
}

/* ipc_right_request_deleted: the name goes. If its request is on record still, the requester is told of that;
 * if the port has died, the dead-name notification is on its way. Space, port. */
inline ipc_right_request_deleted(i)
{
    if
    :: e_request[i] ->
        ip_lock;
        if
        :: alive ->
            assert(dnrequest[i]);
            dnrequest[i] = 0;
            assert(open[i] > 0);
            open[i]--
        :: else
        fi;
        e_request[i] = 0
    :: else
    fi
}

/* entry_moved, and ipc_right_destroy of a send right that no receive right is with: the name goes, unless its
 * port has died since it was looked at, and a dead-name notification with a reference to it is under way. */
inline entry_moved(i)
{
#ifndef FAULT_RACE
    if
    :: e_request[i] && !alive ->
        ENTRY_FREE(i);
        e_dead[i] = 1;
        e_urefs[i] = 1
    :: else ->
#endif
        ipc_right_request_deleted(i);
        ENTRY_FREE(i)
#ifndef FAULT_RACE
    fi
#endif
}

/* ipc_right_destroy: the name and all it has; its rights are in the thread's hand. Space, released. */
inline ipc_right_destroy(i)
{
    ipc_right_check(i);
    atomic {
        if
        :: e_dead[i] -> ENTRY_FREE(i)
        :: else ->
            ipc_right_request_deleted(i);
            if
            :: e_recv[i] -> ipc_port_clear_receiver(); hand_recv[i] = 1
            :: else
            fi;
            hand_send[i] = hand_send[i] + e_send[i];
            ENTRY_FREE(i)
        fi;
        next = DROP
    }
}

/* ipc_right_copyout and entry_add, for the rights in the thread's hand. A send right merges with the one there
 * is; the program counts a user reference more. */
inline ipc_right_copyout(i)
{
    atomic {
        if
        :: hand_send[i] > 0 ->
            ip_lock;
            hand_send[i]--;
            if
            :: !alive -> srights-- /* the program is told MACH_PORT_DEAD */
            :: else ->
                mine[i]++;
                e_urefs[i]++;
                if
                :: e_send[i] ->
#ifndef FAULT_MERGE
                    srights--
#else
                    skip
#endif
                :: else -> e_send[i] = 1
                fi
            fi;
            ip_unlock_dropped()
        :: else
        fi
    }
    atomic {
        if
        :: hand_recv[i] ->
            ip_lock;
            assert(alive && receiver == NONE);
            hand_recv[i] = 0;
            e_recv[i] = 1;
            receiver = i
        :: else
        fi
    }
    atomic {
        if
        :: hand_once[i] > 0 && alive -> ip_lock; hand_once[i]--; e_once[i]++
        :: else /* ipc_port_release_sonce, of a dead port's */
        fi
    }
}

/* ---- what a task does ---- */

#define ROOM(i) (e_urefs[i] < UREFS) /* for one more; bounds the model */
#if SPACES == 2
#define TO_OTHERS(i) deliver(i, 1 - i)
#else
#define TO_OTHERS(i) deliver(i, (i + 1) % 3) :: deliver(i, (i + 2) % 3)
#endif

/* ipc_mqueue_send, to a port of space j's */
inline deliver(i, j)
{
    atomic {
        !gone[j] && (hand_send[i] == 0 || mail_send[j] < MAIL) && (hand_once[i] == 0 || mail_once[j] < MAIL) ->
        mail_send[j] = mail_send[j] + hand_send[i];
        mail_once[j] = mail_once[j] + hand_once[i];
        mail_recv[j] = mail_recv[j] | hand_recv[i];
        hand_send[i] = 0;
        hand_once[i] = 0;
        hand_recv[i] = 0
    }
}

proctype task(byte i)
{
    byte k = 0, to = 0, count = 0, when = 0, next = 0;
    bool firing = 0, again = 0, telling[SPACES];

    do
    :: atomic { !gone[i] && e_recv[i] && made_ever < MAKES && ROOM(i) -> /* insert_right(MAKE_SEND): copyin, entry_add */
           ip_lock; mscount++; made++; made_ever++;
           e_urefs[i]++; mine[i]++;
           if
           :: e_send[i]
           :: else -> e_send[i] = 1; srights++
           fi;
           SOUND }

    /* mach_msg with a right in it: ipc_right_copyin, of MAKE_SEND */
    :: atomic { !gone[i] && e_recv[i] && made_ever < MAKES ->
           ip_lock; mscount++; made++; made_ever++; srights++; hand_send[i] = 1; next = SHIP; SOUND }
       goto finish
    /* of COPY_SEND (copyin_send) or MOVE_SEND (move_send): the port may die between look and lock */
    :: e_send[i] && !gone[i] ->
       ipc_right_check(i);
       atomic {
           if
           :: e_send[i] -> ip_lock; srights++; hand_send[i] = 1; next = SHIP
           :: e_send[i] && mine[i] > 0 ->
              mine[i]--;
              ip_lock;
              hand_send[i] = 1;
              next = SHIP;
              if
              :: e_urefs[i] > 1 -> srights++; e_urefs[i]--
              :: e_urefs[i] == 1 && e_recv[i] -> e_send[i] = 0; e_urefs[i] = 0
              :: else -> entry_moved(i)
              fi
           :: !e_send[i]
           fi;
           SOUND }
       goto finish
    :: atomic { !gone[i] && e_recv[i] && tenure < MOVES -> /* of MOVE_RECEIVE: move_receive */
           hand_recv[i] = 1;
           e_recv[i] = 0;
           if
           :: e_send[i]
           :: else -> ipc_right_request_deleted(i); ENTRY_FREE(i)
           fi }
       atomic { ipc_port_clear_receiver(); next = SHIP } /* ipc_right_commit_receive */
       goto finish

    /* mach_msg from one's own ports: what others sent */
    :: atomic { mail_send[i] > 0 && ROOM(i) -> mail_send[i]--; hand_send[i] = 1; next = OUT } goto finish
    :: atomic { mail_recv[i] && !gone[i] -> mail_recv[i] = 0; hand_recv[i] = 1; next = OUT } goto finish

    /* mach_port_deallocate: ipc_right_lookup, ipc_right_delta, and for the last reference ipc_right_destroy */
    :: atomic { mine[i] > 0 -> mine[i]-- }
       ipc_right_check(i);
       atomic {
           if
           :: e_urefs[i] > 1 -> e_urefs[i]--
           :: e_urefs[i] == 1 && e_dead[i] -> ENTRY_FREE(i)
           :: e_urefs[i] == 1 && e_send[i] && e_recv[i] -> /* destroy_send */
               e_send[i] = 0; e_urefs[i] = 0; hand_send[i] = 1; next = DROP
           :: e_urefs[i] == 1 && e_send[i] && !e_recv[i] -> again = 1
           fi }
       if
       :: again -> again = 0;
#ifdef FAULT_RACE
          ipc_right_check(i);
#endif
          atomic {
              next = DROP;
              if
              :: e_dead[i] -> ENTRY_FREE(i)
              :: else -> hand_send[i] = 1; entry_moved(i)
              fi }
       :: else
       fi;
       goto finish

    /* mach_port_mod_refs(RECEIVE, -1): destroy_receive, or the whole name goes */
    :: atomic { !gone[i] && e_recv[i] && e_send[i] ->
           ipc_port_clear_receiver(); hand_recv[i] = 1; e_recv[i] = 0; next = DROP }
       goto finish
    :: !gone[i] && e_recv[i] && !e_send[i] -> ipc_right_destroy(i); goto finish

    /* request_no_senders */
    :: atomic { !gone[i] && e_recv[i] ->
           ip_lock;
           if
           :: srights == 0 -> nsrequest = 0; send_no_senders(i, mscount, tenure)
           :: else -> nsrequest = 1; ns_to = i
           fi }
    /* A server hears that nobody has a send right: if no right was made since, it frees the object. */
    :: atomic { ns_note[i] ->
           if
#ifdef FAULT_COUNT
           :: e_recv[i] && ns_tenure[i] == tenure -> assert(SENDS == 0)
#else
#ifdef FAULT_TENURE
           :: e_recv[i] && ns_count[i] == made -> assert(SENDS == 0)
#else
           :: e_recv[i] && ns_tenure[i] == tenure && ns_count[i] == made -> assert(SENDS == 0)
#endif
#endif
           :: else
           fi;
           ns_note[i] = 0; ns_count[i] = 0; ns_tenure[i] = 0 }

#ifdef SEND
    /* mach_msg to the port: ipc_mqueue_send. No room: it comes back */
    :: e_send[i] && !gone[i] ->
       ipc_right_check(i);
       atomic {
           if
           :: e_send[i] -> ip_lock; srights++; hand_send[i] = 1; next = DROP; SOUND
           :: else
           fi }
       if
       :: atomic { next == DROP && alive && queued < QLIMIT -> ip_lock; hand_send[i] = 0; queued++; next = 0 }
       :: atomic { next == DROP && alive && queued == QLIMIT && ROOM(i) -> next = OUT }
       :: else
       fi;
       goto finish
    /* take_message, accept; then copyout_note */
    :: atomic { !gone[i] && e_recv[i] && queued > 0 ->
           ip_lock; queued--; srights--;
           if
           :: srights == 0 && nsrequest ->
               nsrequest = 0; firing = 1; to = ns_to; count = mscount; when = tenure
           :: else
           fi;
           SOUND }
       atomic {
           if
           :: firing -> firing = 0; send_no_senders(to, count, when); to = 0; count = 0; when = 0
           :: else
           fi }
#endif

#ifdef NAMES
    /* request_dead_name; notify_dead_name if it is dead already */
    :: !gone[i] && (e_send[i] || e_recv[i]) ->
       ipc_right_check(i); /* ipc_right_lookup */
       atomic {
           if
           :: e_dead[i] && e_urefs[i] <= UREFS -> e_urefs[i]++; note_dead[i]++
           :: e_dead[i] && e_urefs[i] > UREFS
#ifdef FAULT_ALIVE
           :: !e_dead[i] ->
#else
           :: !e_dead[i] && alive ->
#endif
               ip_lock;
               if
               :: e_request[i] -> dnrequest[i] = 0; open[i]-- /* replaced: its right comes back */
               :: else
               fi;
               open[i]++;
               dnrequest[i] = 1;
               e_request[i] = 1
#ifndef FAULT_ALIVE
           :: !e_dead[i] && !alive -> again = 1
#endif
           fi }
       if
       :: again -> again = 0; ipc_right_check(i);
          atomic {
              if
              :: e_dead[i] && e_urefs[i] <= UREFS -> e_urefs[i]++; note_dead[i]++
              :: else
              fi }
       :: else
       fi
    /* The program gives back the reference that came with the notification. */
    :: atomic { note_dead[i] > 0 -> note_dead[i]-- }
       ipc_right_check(i);
       atomic { assert(e_dead[i] && e_urefs[i] > mine[i]);
                e_urefs[i]--;
                if
                :: e_urefs[i] == 0 -> ENTRY_FREE(i)
                :: else
                fi }
#endif

#ifdef ONCE
    /* MAKE_SEND_ONCE, MOVE_SEND_ONCE in a message; the right used; the right dropped */
    :: atomic { !gone[i] && e_recv[i] && sorights < 2 -> ip_lock; sorights++; hand_once[i] = 1; next = SHIP; SOUND }
       goto finish
    :: atomic { !gone[i] && e_once[i] > 0 -> e_once[i]--; hand_once[i] = 1; next = SHIP } goto finish
    :: atomic { mail_once[i] > 0 && !gone[i] -> mail_once[i]--; hand_once[i] = 1; next = OUT } goto finish
    :: atomic { !gone[i] && e_once[i] > 0 -> e_once[i]--; hand_once[i] = 1; next = DROP }
       if
       :: atomic { alive -> ip_lock; hand_once[i]--; queued_once++ }
       :: skip
       fi;
       goto finish
    :: atomic { !gone[i] && e_recv[i] && queued_once > 0 -> ip_lock; queued_once--; sorights--; SOUND }
    :: atomic { !gone[i] && e_recv[i] && so_notes > 0 -> ip_lock; so_notes-- }
#endif

#ifdef BACK
    :: atomic { !gone[i] && e_recv[i] && pdrequest != i && tenure < MOVES -> ip_lock; pdrequest = i } /* request_port_destroyed */
#endif

    /* task_terminate: ipc_space_destroy. Its ports die: what was sent to them, and what comes, is destroyed */
    :: atomic { !gone[i] ->
           gone[i] = 1;
           hand_send[i] = mail_send[i];
           hand_once[i] = mail_once[i] + e_once[i];
           mail_send[i] = 0; mail_once[i] = 0; e_once[i] = 0;
           note_dead[i] = 0;
           mine[i] = 0;
           ns_note[i] = 0; ns_count[i] = 0; ns_tenure[i] = 0;
           next = DROP }
       goto finish
    :: atomic { gone[i] && mail_recv[i] -> mail_recv[i] = 0; hand_recv[i] = 1; next = DROP } goto finish
    :: gone[i] && (e_recv[i] || e_send[i] || e_dead[i]) -> ipc_right_destroy(i); goto finish
    :: gone[i] && !(mail_recv[i] || e_recv[i] || e_send[i] || e_dead[i]) -> break

    :: false ->
finish:
        if
        :: next == SHIP -> /* queued; or time-out (ipc_kmsg_copyout_pseudo); or that port is dead */
            if
            :: TO_OTHERS(i)
            :: ROOM(i) -> next = OUT
            :: next = DROP
            fi
        :: else
        fi;
        if
        :: next == OUT ->
#ifdef FAULT_UNDO
            hand_send[i] = 0;
#endif
            ipc_right_copyout(i)
        :: else
        fi;
        if
        :: hand_recv[i] -> ipc_port_destroy(i)
        :: else
        fi;
        drop_hand(i);
        next = 0
    od;
    ended++
}

init
{
    atomic {
        e_recv[0] = 1;
        run task(0);
        run task(1);
#if SPACES == 3
        run task(2)
#endif
    }
    ended == SPACES;
    assert(!alive && srights == 0 && sorights == 0 && refs == 0 && freed);
    assert(!nsrequest && !SUM(dnrequest) && !SUM(e_dead) && queued == 0 && queued_once == 0);
    assert(!SUM(open))
}
