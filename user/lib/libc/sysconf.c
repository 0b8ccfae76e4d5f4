/* What the system is like. */
#include "posix.h"

#include <errno.h>
#include <limits.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <unistd.h>

static long processors(void)
{
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    mach_port_t host = mach_host_self();
    kern_return_t kr = host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count);

    mach_port_deallocate(mach_task_self(), host);
    return kr == KERN_SUCCESS ? info.avail_cpus : __error(kr);
}

static long memory_pages(void)
{
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    mach_port_t host = mach_host_self();
    kern_return_t kr = host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count);

    mach_port_deallocate(mach_task_self(), host);
    return kr == KERN_SUCCESS ? (long)(info.memory_size / PAGE_SIZE) : __error(kr);
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return PAGE_SIZE;
    case _SC_VERSION:
    case _SC_2_VERSION:
        return _POSIX_VERSION;
    case _SC_JOB_CONTROL:
    case _SC_SAVED_IDS:
    case _SC_MAPPED_FILES:
    case _SC_THREADS:
    case _SC_MONOTONIC_CLOCK:
    case _SC_READER_WRITER_LOCKS:
    case _SC_SPIN_LOCKS:
    case _SC_REGEXP:
    case _SC_SHELL:
        return _POSIX_VERSION;
    case _SC_ARG_MAX:
        return ARG_MAX;
    case _SC_LINE_MAX:
        return LINE_MAX;
    case _SC_RE_DUP_MAX:
        return RE_DUP_MAX;
    case _SC_IOV_MAX:
        return IOV_MAX;
    case _SC_SYMLOOP_MAX:
        return SYMLOOP_MAX;
    case _SC_HOST_NAME_MAX:
        return HOST_NAME_MAX;
    case _SC_LOGIN_NAME_MAX:
        return LOGIN_NAME_MAX;
    case _SC_TTY_NAME_MAX:
        return TTY_NAME_MAX;
    case _SC_TZNAME_MAX:
        return TZNAME_MAX;
    case _SC_GETPW_R_SIZE_MAX:
    case _SC_GETGR_R_SIZE_MAX:
        return 4096;
    case _SC_SEM_VALUE_MAX:
        return SEM_VALUE_MAX;
    case _SC_THREAD_KEYS_MAX:
        return PTHREAD_KEYS_MAX;
    case _SC_THREAD_DESTRUCTOR_ITERATIONS:
        return PTHREAD_DESTRUCTOR_ITERATIONS;
    case _SC_THREAD_STACK_MIN:
        return PTHREAD_STACK_MIN;
    case _SC_CHILD_MAX:
    case _SC_THREAD_THREADS_MAX:
    case _SC_ATEXIT_MAX:
        return -1; /* no limit; errno is left as it was */
    case _SC_NGROUPS_MAX:
        return NGROUPS_MAX;
    case _SC_STREAM_MAX:
    case _SC_CLK_TCK:
        return 100;
    case _SC_OPEN_MAX:
        return 65536;
    case _SC_PHYS_PAGES:
        return memory_pages();
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return processors();
    default:
        return __fail(EINVAL);
    }
}

int getpagesize(void)
{
    return PAGE_SIZE;
}
