/* boolean_t, as every Mach interface uses it. 32 bits on the wire. */
#ifndef _MACH_BOOLEAN_H_
#define _MACH_BOOLEAN_H_

typedef int boolean_t;

#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif

#endif
