/* The fixed-width types: the compiler's own header has all, and asks for this one if it is hosted. */
#ifndef _STDINT_H_
#define _STDINT_H_

#include <stdint-gcc.h>

#endif
