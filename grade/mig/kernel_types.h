/* C types of kernel.defs. */
#ifndef _KERNEL_TYPES_H_
#define _KERNEL_TYPES_H_

#include <mach/mach_types.h>

struct object {
    int references;
};
struct object *object_of(mach_port_t port);
mach_port_t port_of(struct object *object);
void object_release(struct object *object);

#endif
