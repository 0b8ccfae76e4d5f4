/* Memory on the stack, until the function returns. */
#ifndef _ALLOCA_H_
#define _ALLOCA_H_

#define alloca(size) __builtin_alloca(size)

#endif
