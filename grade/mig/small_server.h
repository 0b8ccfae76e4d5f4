/* Routines of subsystem small, made by migcom: do not edit. See docs/mig.md. */
#ifndef _small_server_
#define _small_server_

#include <mach/mig_errors.h>
#include <mach/mach_types.h>

/* Message ids, and the largest messages in bytes (a request's trailer not counted). */
#define small_subsystem_base 100
#define small_subsystem_end 102
#define small_server_max_request 92
#define small_server_max_reply 32

/*
 * Serves a request: fills in the reply. FALSE, and an error reply MIG_BAD_ID: no routine has that id,
 * and the request is untouched.
 */
boolean_t small_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);

/* routine 100 */
kern_return_t small_add(
    mach_port_t server,
    int a,
    int b,
    int *sum);

/* simpleroutine 101 */
kern_return_t small_note(
    mach_port_t server,
    const char *text);

#endif
