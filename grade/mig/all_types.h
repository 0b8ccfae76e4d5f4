/* C types of all.defs. */
#ifndef _ALL_TYPES_H_
#define _ALL_TYPES_H_

#include <mach/mach_types.h>

struct object {
    mach_port_t port;
    int references;
};
struct object *object_of(mach_port_t port);
void object_release(struct object *object);
uint32_t handle_of(struct object *object);

typedef struct { uint8_t bytes[12]; } pair_t;
typedef struct { uint64_t words[3]; } big_t;
typedef int int_array_t[4];
typedef int16_t *short_array_t;
typedef uint64_t *wide_array_t;
typedef uint32_t handle_t;
typedef struct { uint32_t words[2]; } row_t;
typedef int16_t table_t[2][3];

#endif
