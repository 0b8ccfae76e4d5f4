/* Client's functions of subsystem small, made by migcom: do not edit. See docs/mig.md. */
#ifndef _small_user_
#define _small_user_

#include <mach/mig_errors.h>
#include <mach/mach_types.h>

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
