/* The sizes of things. The compiler's own numbers, then POSIX's. */
#ifndef _LIMITS_H_
#define _LIMITS_H_

#define CHAR_BIT   8
#define SCHAR_MAX  127
#define SCHAR_MIN  (-128)
#define UCHAR_MAX  255
#ifdef __CHAR_UNSIGNED__
#define CHAR_MIN   0
#define CHAR_MAX   UCHAR_MAX
#else
#define CHAR_MIN   SCHAR_MIN
#define CHAR_MAX   SCHAR_MAX
#endif
#define SHRT_MAX   32767
#define SHRT_MIN   (-SHRT_MAX - 1)
#define USHRT_MAX  65535
#define INT_MAX    2147483647
#define INT_MIN    (-INT_MAX - 1)
#define UINT_MAX   4294967295U
#define LONG_MAX   9223372036854775807L
#define LONG_MIN   (-LONG_MAX - 1)
#define ULONG_MAX  18446744073709551615UL
#define LLONG_MAX  9223372036854775807LL
#define LLONG_MIN  (-LLONG_MAX - 1)
#define ULLONG_MAX 18446744073709551615ULL
#define SSIZE_MAX  LONG_MAX

#define NAME_MAX   255
#define PATH_MAX   1024
#define PIPE_BUF   4096
#define LINE_MAX   2048
#define IOV_MAX    1024
#define SYMLOOP_MAX 40
#define ARG_MAX    262144 /* the proc server's */
#define NGROUPS_MAX 16
#define RE_DUP_MAX 255
#define HOST_NAME_MAX 64
#define LOGIN_NAME_MAX 32
#define TTY_NAME_MAX 32
#define TZNAME_MAX 6
#define NL_ARGMAX  9
#define MAX_CANON  1024 /* the serial server's */
#define MAX_INPUT  2048
#define MB_LEN_MAX 1
#define SEM_VALUE_MAX INT_MAX
#define LONG_BIT   64
#define WORD_BIT   32
#define PTHREAD_KEYS_MAX 128
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#define PTHREAD_STACK_MIN 16384

/* What every system has at least. */
#define _POSIX_ARG_MAX   4096
#define _POSIX_CHILD_MAX 25
#define _POSIX_LINK_MAX  8
#define _POSIX_MAX_CANON 255
#define _POSIX_MAX_INPUT 255
#define _POSIX_NAME_MAX  14
#define _POSIX_OPEN_MAX  20
#define _POSIX_PATH_MAX  256
#define _POSIX_PIPE_BUF  512
#define _POSIX_SSIZE_MAX 32767
#define _POSIX_STREAM_MAX 8
#define _POSIX_SYMLOOP_MAX 8
#define _POSIX_TZNAME_MAX 6
#define _POSIX_HOST_NAME_MAX 255
#define _POSIX_LOGIN_NAME_MAX 9
#define _POSIX_RE_DUP_MAX 255
#define _POSIX_THREAD_KEYS_MAX 128
#define _POSIX_THREAD_THREADS_MAX 64
#define _POSIX_THREAD_DESTRUCTOR_ITERATIONS 4
#define _POSIX_SEM_VALUE_MAX 32767
#define _POSIX2_LINE_MAX 2048
#define _XOPEN_IOV_MAX   16
#define _XOPEN_NAME_MAX  255
#define _XOPEN_PATH_MAX  1024

#endif
