/* xv6's kernel/types.h: its names for integers. */
#ifndef _XV6_TYPES_H_
#define _XV6_TYPES_H_

typedef unsigned int uint;
typedef unsigned short ushort;
typedef unsigned char uchar;
typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long uint64;
typedef uint64 pde_t;

#endif
