"""docs/posix.md: which of POSIX.1's functions there are. `python3 grade/posix_table.py` writes it anew.

The list of functions is XSH's, by the header that declares them [POSIX.1-2017]; without those of options that
this system has nothing of and no program asks for (STREAMS, tracing, typed memory, sporadic servers). That a
function is here is found out: its header declares it, or has it as a macro, and libc defines it. What is less
than POSIX asks for is in PARTIAL."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("OSTIA_BUILD", "build")
CROSS = os.environ.get("CROSS", "aarch64-linux-gnu-")

FUNCTIONS = {
    "aio.h": "aio_cancel aio_error aio_fsync aio_read aio_return aio_suspend aio_write lio_listio",
    "arpa/inet.h": "htonl htons inet_addr inet_ntoa inet_ntop inet_pton ntohl ntohs",
    "assert.h": "assert",
    "complex.h":
        "cabs cacos cacosh carg casin casinh catan catanh ccos ccosh cexp cimag clog conj cpow "
        "cproj creal csin csinh csqrt ctan ctanh",
    "ctype.h":
        "isalnum isalnum_l isalpha isalpha_l isascii isblank isblank_l iscntrl iscntrl_l isdigit "
        "isdigit_l isgraph isgraph_l islower islower_l isprint isprint_l ispunct ispunct_l isspace "
        "isspace_l isupper isupper_l isxdigit isxdigit_l toascii tolower tolower_l toupper "
        "toupper_l _tolower _toupper",
    "dirent.h":
        "alphasort closedir dirfd fdopendir opendir readdir readdir_r rewinddir scandir seekdir "
        "telldir",
    "dlfcn.h": "dlclose dlerror dlopen dlsym",
    "fcntl.h": "creat fcntl open openat posix_fadvise posix_fallocate",
    "fenv.h":
        "feclearexcept fegetenv fegetexceptflag fegetround feholdexcept feraiseexcept fesetenv "
        "fesetexceptflag fesetround fetestexcept feupdateenv",
    "fmtmsg.h": "fmtmsg",
    "fnmatch.h": "fnmatch",
    "ftw.h": "ftw nftw",
    "glob.h": "glob globfree",
    "grp.h": "endgrent getgrent getgrgid getgrgid_r getgrnam getgrnam_r setgrent",
    "iconv.h": "iconv iconv_close iconv_open",
    "inttypes.h": "imaxabs imaxdiv strtoimax strtoumax wcstoimax wcstoumax",
    "langinfo.h": "nl_langinfo nl_langinfo_l",
    "libgen.h": "basename dirname",
    "locale.h": "duplocale freelocale localeconv newlocale setlocale uselocale",
    "math.h":
        "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 "
        "fabs fdim floor fma fmax fmin fmod fpclassify frexp hypot ilogb isfinite isgreater "
        "isgreaterequal isinf isless islessequal islessgreater isnan isnormal isunordered j0 j1 jn "
        "ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint "
        "nextafter nexttoward pow remainder remquo rint round scalbln scalbn signbit sin sinh sqrt "
        "tan tanh tgamma trunc y0 y1 yn acosf acoshf asinf asinhf atanf atan2f atanhf cbrtf ceilf "
        "copysignf cosf coshf erff erfcf expf exp2f expm1f fabsf fdimf floorf fmaf fmaxf fminf "
        "fmodf frexpf hypotf ilogbf ldexpf lgammaf llrintf llroundf logf log10f log1pf log2f logbf "
        "lrintf lroundf modff nanf nearbyintf nextafterf nexttowardf powf remainderf remquof rintf "
        "roundf scalblnf scalbnf sinf sinhf sqrtf tanf tanhf tgammaf truncf acosl acoshl asinl "
        "asinhl atanl atan2l atanhl cbrtl ceill copysignl cosl coshl erfl erfcl expl exp2l expm1l "
        "fabsl fdiml floorl fmal fmaxl fminl fmodl frexpl hypotl ilogbl ldexpl lgammal llrintl "
        "llroundl logl log10l log1pl log2l logbl lrintl lroundl modfl nanl nearbyintl nextafterl "
        "nexttowardl powl remainderl remquol rintl roundl scalblnl scalbnl sinl sinhl sqrtl tanl "
        "tanhl tgammal truncl",
    "monetary.h": "strfmon strfmon_l",
    "mqueue.h":
        "mq_close mq_getattr mq_notify mq_open mq_receive mq_send mq_setattr mq_timedreceive "
        "mq_timedsend mq_unlink",
    "ndbm.h":
        "dbm_clearerr dbm_close dbm_delete dbm_error dbm_fetch dbm_firstkey dbm_nextkey dbm_open "
        "dbm_store",
    "net/if.h": "if_freenameindex if_indextoname if_nameindex if_nametoindex",
    "netdb.h":
        "endhostent endnetent endprotoent endservent freeaddrinfo gai_strerror getaddrinfo "
        "gethostent getnameinfo getnetbyaddr getnetbyname getnetent getprotobyname getprotobynumber "
        "getprotoent getservbyname getservbyport getservent sethostent setnetent setprotoent "
        "setservent",
    "nl_types.h": "catclose catgets catopen",
    "poll.h": "poll",
    "pthread.h":
        "pthread_atfork pthread_attr_destroy pthread_attr_getdetachstate pthread_attr_getguardsize "
        "pthread_attr_getinheritsched pthread_attr_getschedparam pthread_attr_getschedpolicy "
        "pthread_attr_getscope pthread_attr_getstack pthread_attr_getstacksize pthread_attr_init "
        "pthread_attr_setdetachstate pthread_attr_setguardsize pthread_attr_setinheritsched "
        "pthread_attr_setschedparam pthread_attr_setschedpolicy pthread_attr_setscope "
        "pthread_attr_setstack pthread_attr_setstacksize pthread_barrier_destroy "
        "pthread_barrier_init pthread_barrier_wait pthread_barrierattr_destroy "
        "pthread_barrierattr_getpshared pthread_barrierattr_init pthread_barrierattr_setpshared "
        "pthread_cancel pthread_cleanup_pop pthread_cleanup_push pthread_cond_broadcast "
        "pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_cond_timedwait "
        "pthread_cond_wait pthread_condattr_destroy pthread_condattr_getclock "
        "pthread_condattr_getpshared pthread_condattr_init pthread_condattr_setclock "
        "pthread_condattr_setpshared pthread_create pthread_detach pthread_equal pthread_exit "
        "pthread_getconcurrency pthread_getcpuclockid pthread_getschedparam pthread_getspecific "
        "pthread_join pthread_key_create pthread_key_delete pthread_mutex_consistent "
        "pthread_mutex_destroy pthread_mutex_getprioceiling pthread_mutex_init pthread_mutex_lock "
        "pthread_mutex_setprioceiling pthread_mutex_timedlock pthread_mutex_trylock "
        "pthread_mutex_unlock pthread_mutexattr_destroy pthread_mutexattr_getprioceiling "
        "pthread_mutexattr_getprotocol pthread_mutexattr_getpshared pthread_mutexattr_getrobust "
        "pthread_mutexattr_gettype pthread_mutexattr_init pthread_mutexattr_setprioceiling "
        "pthread_mutexattr_setprotocol pthread_mutexattr_setpshared pthread_mutexattr_setrobust "
        "pthread_mutexattr_settype pthread_once pthread_rwlock_destroy pthread_rwlock_init "
        "pthread_rwlock_rdlock pthread_rwlock_timedrdlock pthread_rwlock_timedwrlock "
        "pthread_rwlock_tryrdlock pthread_rwlock_trywrlock pthread_rwlock_unlock "
        "pthread_rwlock_wrlock pthread_rwlockattr_destroy pthread_rwlockattr_getpshared "
        "pthread_rwlockattr_init pthread_rwlockattr_setpshared pthread_self pthread_setcancelstate "
        "pthread_setcanceltype pthread_setconcurrency pthread_setschedparam pthread_setschedprio "
        "pthread_setspecific pthread_spin_destroy pthread_spin_init pthread_spin_lock "
        "pthread_spin_trylock pthread_spin_unlock pthread_testcancel",
    "pwd.h": "endpwent getpwent getpwnam getpwnam_r getpwuid getpwuid_r setpwent",
    "regex.h": "regcomp regerror regexec regfree",
    "sched.h":
        "sched_get_priority_max sched_get_priority_min sched_getparam sched_getscheduler "
        "sched_rr_get_interval sched_setparam sched_setscheduler sched_yield",
    "search.h": "hcreate hdestroy hsearch insque lfind lsearch remque tdelete tfind tsearch twalk",
    "semaphore.h":
        "sem_close sem_destroy sem_getvalue sem_init sem_open sem_post sem_timedwait sem_trywait "
        "sem_unlink sem_wait",
    "setjmp.h": "longjmp setjmp siglongjmp sigsetjmp",
    "signal.h":
        "kill killpg psiginfo psignal pthread_kill pthread_sigmask raise sigaction sigaddset "
        "sigaltstack sigdelset sigemptyset sigfillset sighold sigignore siginterrupt sigismember "
        "signal sigpause sigpending sigprocmask sigqueue sigrelse sigset sigsuspend sigtimedwait "
        "sigwait sigwaitinfo",
    "spawn.h":
        "posix_spawn posix_spawn_file_actions_addclose posix_spawn_file_actions_adddup2 "
        "posix_spawn_file_actions_addopen posix_spawn_file_actions_destroy "
        "posix_spawn_file_actions_init posix_spawnattr_destroy posix_spawnattr_getflags "
        "posix_spawnattr_getpgroup posix_spawnattr_getsigdefault posix_spawnattr_getsigmask "
        "posix_spawnattr_init posix_spawnattr_setflags posix_spawnattr_setpgroup "
        "posix_spawnattr_setsigdefault posix_spawnattr_setsigmask posix_spawnp",
    "stdarg.h": "va_arg va_copy va_end va_start",
    "stdio.h":
        "clearerr ctermid dprintf fclose fdopen feof ferror fflush fgetc fgetpos fgets fileno "
        "flockfile fmemopen fopen fprintf fputc fputs fread freopen fscanf fseek fseeko fsetpos "
        "ftell ftello ftrylockfile funlockfile fwrite getc getc_unlocked getchar getchar_unlocked "
        "getdelim getline gets open_memstream pclose perror popen printf putc putc_unlocked putchar "
        "putchar_unlocked puts remove rename renameat rewind scanf setbuf setvbuf snprintf sprintf "
        "sscanf tempnam tmpfile tmpnam ungetc vdprintf vfprintf vfscanf vprintf vscanf vsnprintf "
        "vsprintf vsscanf",
    "stdlib.h":
        "_Exit a64l abort abs atexit atof atoi atol atoll bsearch calloc div drand48 erand48 exit "
        "free getenv getsubopt grantpt initstate jrand48 l64a labs lcong48 ldiv llabs lldiv lrand48 "
        "malloc mblen mbstowcs mbtowc mkdtemp mkstemp mrand48 nrand48 posix_memalign posix_openpt "
        "ptsname putenv qsort rand rand_r random realloc realpath seed48 setenv setkey setstate "
        "srand srand48 srandom strtod strtof strtol strtold strtoll strtoul strtoull system "
        "unlockpt unsetenv wcstombs wctomb",
    "string.h":
        "memccpy memchr memcmp memcpy memmove memset stpcpy stpncpy strcat strchr strcmp strcoll "
        "strcoll_l strcpy strcspn strdup strerror strerror_l strerror_r strlen strncat strncmp "
        "strncpy strndup strnlen strpbrk strrchr strsignal strspn strstr strtok strtok_r strxfrm "
        "strxfrm_l",
    "strings.h": "ffs strcasecmp strcasecmp_l strncasecmp strncasecmp_l",
    "sys/ipc.h": "ftok",
    "sys/mman.h":
        "mlock mlockall mmap mprotect msync munlock munlockall munmap posix_madvise shm_open "
        "shm_unlink",
    "sys/msg.h": "msgctl msgget msgrcv msgsnd",
    "sys/resource.h": "getpriority getrlimit getrusage setpriority setrlimit",
    "sys/select.h": "FD_CLR FD_ISSET FD_SET FD_ZERO pselect select",
    "sys/sem.h": "semctl semget semop",
    "sys/shm.h": "shmat shmctl shmdt shmget",
    "sys/socket.h":
        "accept bind connect getpeername getsockname getsockopt listen recv recvfrom recvmsg send "
        "sendmsg sendto setsockopt shutdown sockatmark socket socketpair",
    "sys/stat.h":
        "chmod fchmod fchmodat fstat fstatat futimens lstat mkdir mkdirat mkfifo mkfifoat mknod "
        "mknodat stat umask utimensat",
    "sys/statvfs.h": "fstatvfs statvfs",
    "sys/time.h": "getitimer gettimeofday setitimer utimes",
    "sys/times.h": "times",
    "sys/uio.h": "readv writev",
    "sys/utsname.h": "uname",
    "sys/wait.h": "wait waitid waitpid",
    "syslog.h": "closelog openlog setlogmask syslog",
    "termios.h":
        "cfgetispeed cfgetospeed cfsetispeed cfsetospeed tcdrain tcflow tcflush tcgetattr tcgetsid "
        "tcsendbreak tcsetattr",
    "time.h":
        "asctime asctime_r clock clock_getcpuclockid clock_getres clock_gettime clock_nanosleep "
        "clock_settime ctime ctime_r difftime getdate gmtime gmtime_r localtime localtime_r mktime "
        "nanosleep strftime strftime_l strptime time timer_create timer_delete timer_getoverrun "
        "timer_gettime timer_settime tzset",
    "ulimit.h": "ulimit",
    "unistd.h":
        "_exit access alarm chdir chown close confstr crypt dup dup2 encrypt execl execle execlp "
        "execv execve execvp faccessat fchdir fchown fchownat fdatasync fexecve fork fpathconf "
        "fsync ftruncate getcwd getegid geteuid getgid getgroups gethostid gethostname getlogin "
        "getlogin_r getopt getpgid getpgrp getpid getppid getsid getuid isatty lchown link linkat "
        "lockf lseek nice pathconf pause pipe pread pwrite read readlink readlinkat rmdir setegid "
        "seteuid setgid setpgid setpgrp setregid setreuid setsid setuid sleep swab symlink "
        "symlinkat sync sysconf tcgetpgrp tcsetpgrp truncate ttyname ttyname_r unlink unlinkat "
        "write",
    "utime.h": "utime",
    "utmpx.h": "endutxent getutxent getutxid getutxline pututxline setutxent",
    "wchar.h":
        "btowc fgetwc fgetws fputwc fputws fwide fwprintf fwscanf getwc getwchar mbrlen mbrtowc "
        "mbsinit mbsnrtowcs mbsrtowcs open_wmemstream putwc putwchar swprintf swscanf ungetwc "
        "vfwprintf vfwscanf vswprintf vswscanf vwprintf vwscanf wcpcpy wcpncpy wcrtomb wcscasecmp "
        "wcscat wcschr wcscmp wcscoll wcscpy wcscspn wcsdup wcsftime wcslen wcsncasecmp wcsncat "
        "wcsncmp wcsncpy wcsnlen wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn wcsstr wcstod wcstof "
        "wcstok wcstol wcstold wcstoll wcstoul wcstoull wcswidth wcsxfrm wctob wcwidth wmemchr "
        "wmemcmp wmemcpy wmemmove wmemset wprintf wscanf",
    "wctype.h":
        "iswalnum iswalpha iswblank iswcntrl iswctype iswdigit iswgraph iswlower iswprint iswpunct "
        "iswspace iswupper iswxdigit towctrans towlower towupper wctrans wctype",
    "wordexp.h": "wordexp wordfree",
}

PRINTF = "no wide characters, no arguments by number"
PARTIAL = {
    **dict.fromkeys("printf fprintf sprintf snprintf dprintf vprintf vfprintf vsprintf vsnprintf "
                    "vdprintf".split(), PRINTF + "; a long double has a double's digits"),
    **dict.fromkeys("scanf fscanf sscanf vscanf vfscanf vsscanf".split(),
                    PRINTF + "; a long double is read as a double"),
    "strtold": "as a double",
    "pthread_cancel": "acts at pthread_testcancel and the waits for conditions only",
    "pthread_setcanceltype": "deferred only",
    "pthread_attr_setguardsize": "the guard is a page",
    "pthread_mutexattr_setpshared": "normal mutexes only",
    "lgamma": "near 1 and 2 and its negative zeros, exact to a last place of 1 only",
    "nftw": "no FTW_CHDIR",
    "tzset": "the zone is UTC",
    "localtime": "the zone is UTC",
    "localtime_r": "the zone is UTC",
    "mktime": "the zone is UTC",
    "fnmatch": "no [=x=] and [.x.]",
    "poll": "no POLLPRI",
    "freopen": "not without a path",
}


def declared(header, names, flags):
    """Those of names that the header declares, or has as macros."""
    source = [f"#include <{header}>"]
    for name in names:
        source += [f"#ifndef {name}", f"extern __typeof__({name}) *posix_{name};", "#endif"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.c"
        path.write_text("\n".join(source) + "\n")
        done = subprocess.run([f"{CROSS}gcc", *flags, "-fsyntax-only", path], capture_output=True, text=True,
                              check=False)
    if re.search(r"fatal error: ", done.stderr):
        return set(), done.stderr
    missing = set(re.findall(r"error: ['‘](\w+)['’] undeclared", done.stderr))
    return set(names) - missing, done.stderr


def macros(header, flags):
    done = subprocess.run([f"{CROSS}gcc", *flags, "-dM", "-E", "-include", header, "-x", "c", "/dev/null"],
                          capture_output=True, text=True, check=False)
    return set(re.findall(r"^#define (\w+)", done.stdout, re.M))


def status():
    """header -> name -> yes, partial or no."""
    include = subprocess.run([f"{CROSS}gcc", "-print-file-name=include"], capture_output=True, text=True,
                             check=True).stdout.strip()
    flags = ["-nostdinc", "-isystem", include, "-I", ROOT / "user/include", "-I", ROOT / "kernel/include",
             "-I", BUILD / "mig/user", "-fno-builtin", "-w", "-fmax-errors=0"]
    listed = subprocess.run([f"{CROSS}nm", "-g", "--defined-only", BUILD / "user/libc.a"],
                            capture_output=True, text=True, check=True).stdout
    defined = set(re.findall(r"^\w+ [A-Z] (\w+)$", listed, re.M))
    table = {}
    for header, text in FUNCTIONS.items():
        names = text.split()
        seen, _ = declared(header, names, flags)
        known = macros(header, flags) if seen else set()
        table[header] = {name: "no" if name not in seen or (name not in known and name not in defined)
                         else "partial" if name in PARTIAL else "yes" for name in names}
    return table


def page(table):
    """The page's text."""
    counts = {what: sum(list(rows.values()).count(what) for rows in table.values())
              for what in ("yes", "partial", "no")}
    lines = ["# POSIX", "",
             "Which functions of POSIX.1-2017 there are, by the header that declares them. The page is",
             "made by `grade/posix_table.py`, which looks into the headers and libc; `test_posix.py` keeps",
             "it true. *partial*: the note says what is missing.", "",
             f"Of {sum(counts.values())} functions {counts['yes']} are here, {counts['partial']} in part, "
             f"{counts['no']} not.",
             "What is missing is, for the most part, networks, queues and shared memory by name,",
             "wide-character streams, long double's mathematics and complex numbers. There is one",
             "locale, \"C\", whose characters are bytes.", "", "| header | yes | partial | no |",
             "|---|---|---|---|"]
    for header, rows in table.items():
        cells = []
        for what in ("yes", "partial", "no"):
            names = [f"{name} ({PARTIAL[name]})" if what == "partial" else name
                     for name, is_so in rows.items() if is_so == what]
            cells.append(", ".join(names).replace("|", "\\|"))
        lines.append(f"| {header} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "docs/posix.md").write_text(page(status()))
    sys.exit(0)
