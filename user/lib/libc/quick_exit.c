/* quick_exit: the end of a program without exit's functions, but with those registered for it. [C11] */
#include <stdlib.h>
#include <unistd.h>

#define FUNCTIONS 32 /* C11's least */

static void (*functions[FUNCTIONS])(void);
static int count;

int at_quick_exit(void (*function)(void))
{
    if (count == FUNCTIONS)
        return -1;
    functions[count++] = function;
    return 0;
}

void quick_exit(int status)
{
    while (count > 0)
        functions[--count]();
    _exit(status);
}
