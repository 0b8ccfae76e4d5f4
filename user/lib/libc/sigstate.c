/* What libc knows of the process's signals: by itself, since programs without handlers need little. */
#include "posix.h"

struct signal_state __signals;
