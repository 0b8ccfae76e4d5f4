/*
 * Types that name kernel objects and the small records about them. In a user program every one of
 * task_t, thread_t, ... is a port name; in the kernel it is a pointer to the object.
 */
#ifndef _MACH_MACH_TYPES_H_
#define _MACH_MACH_TYPES_H_

#include <mach/boolean.h>
#include <mach/exception.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/thread_status.h>
#include <mach/vm_prot.h>
#include <mach/vm_types.h>

#ifdef KERNEL
typedef struct task *task_t;
typedef struct thread *thread_t;
typedef struct host *host_t;
typedef struct host *host_priv_t;
typedef struct ipc_space *ipc_space_t;
typedef struct vm_map *vm_map_t;
typedef struct vm_map_copy *vm_map_copy_t;
typedef struct vm_object *memory_object_control_t; /* the control (request) port's object */
typedef struct semaphore *semaphore_t;
typedef struct device *device_t;
typedef struct clock *clock_serv_t;
#else
typedef mach_port_t task_t;
typedef mach_port_t thread_t;
typedef mach_port_t host_t;
typedef mach_port_t host_priv_t;
typedef mach_port_t ipc_space_t;
typedef mach_port_t vm_map_t;
typedef mach_port_t vm_task_t;
typedef mach_port_t memory_object_control_t;
typedef mach_port_t semaphore_t;
typedef mach_port_t device_t;
typedef mach_port_t clock_serv_t;
#endif
typedef mach_port_t memory_object_t; /* the pager's port */
typedef mach_port_t exception_port_t;
typedef mach_port_t *thread_array_t; /* on the wire: ports */
typedef mach_port_t *exception_port_array_t;
typedef exception_mask_t *exception_mask_array_t;
typedef exception_behavior_t *exception_behavior_array_t;
typedef thread_state_flavor_t *exception_flavor_array_t;
typedef char kernel_version_t[256];

/* ---- special ports ---- */
#define TASK_KERNEL_PORT    1 /* what task_self_trap returns */
#define TASK_HOST_PORT      2
#define TASK_BOOTSTRAP_PORT 4
#define THREAD_KERNEL_PORT  1
#define HOST_PORT           1
#define HOST_PRIV_PORT      2
#define HOST_DEVICE_PORT    3 /* the device master */

/* ---- task_info, thread_info: arrays of natural_t by flavor ---- */
typedef natural_t *task_info_t;
typedef natural_t *thread_info_t;
typedef natural_t *host_info_t;
#define TASK_INFO_MAX   32
#define THREAD_INFO_MAX 32
#define HOST_INFO_MAX   64

typedef struct time_value {
    int32_t seconds;
    int32_t microseconds;
} time_value_t;

typedef struct time_value64 {
    int64_t seconds;
    int64_t nanoseconds;
} time_value64_t;

/* What nanoseconds are to ticks of CNTVCT, in lowest terms: ns = ticks * numer / denom. */
typedef struct mach_timebase_info {
    uint32_t numer;
    uint32_t denom;
} mach_timebase_info_data_t;
typedef mach_timebase_info_data_t *mach_timebase_info_t;

#define TASK_BASIC_INFO 4
typedef struct task_basic_info {
    integer_t suspend_count;
    integer_t thread_count;
    uint64_t virtual_size;  /* bytes mapped */
    uint64_t resident_size; /* bytes in memory */
    time_value_t user_time; /* of live and dead threads */
    time_value_t system_time;
} task_basic_info_data_t, *task_basic_info_t;
#define TASK_BASIC_INFO_COUNT (sizeof(task_basic_info_data_t) / sizeof(natural_t))

#define TASK_EVENTS_INFO 2
typedef struct task_events_info {
    uint32_t faults;
    uint32_t pageins;
    uint32_t cow_faults;
    uint32_t messages_sent;
    uint32_t messages_received;
    uint32_t syscalls_mach;
    uint32_t syscalls_unix;
    uint32_t csw; /* context switches */
} task_events_info_data_t, *task_events_info_t;
#define TASK_EVENTS_INFO_COUNT (sizeof(task_events_info_data_t) / sizeof(natural_t))

/* Ours: what the task may use of the kernel, and what it uses (task_set_limits). */
typedef struct task_limits {
    uint64_t names;         /* rights in its space */
    uint64_t messages;      /* sent by it, and not received yet */
    uint64_t message_bytes; /* that these take */
    uint64_t kernel_memory; /* bytes: threads, ports, names, map entries, page tables, messages, ... */
    uint64_t virtual_memory; /* bytes that are mapped, or were copied so that it may write (vm_snapshot.c) */
} task_limits_t;
#define TASK_LIMITS_INFO 100
typedef struct task_limits_info {
    task_limits_t limit;
    task_limits_t used;
} task_limits_info_data_t, *task_limits_info_t;
#define TASK_LIMITS_INFO_COUNT (sizeof(task_limits_info_data_t) / sizeof(natural_t))

#define THREAD_BASIC_INFO 3
typedef struct thread_basic_info {
    time_value_t user_time;
    time_value_t system_time;
    integer_t cpu_usage; /* of 1000 */
    integer_t policy;
    integer_t run_state; /* TH_STATE_* */
    integer_t flags;     /* TH_FLAGS_* */
    integer_t suspend_count;
    integer_t base_priority;
    integer_t cur_priority;
    integer_t last_cpu;
} thread_basic_info_data_t, *thread_basic_info_t;
#define THREAD_BASIC_INFO_COUNT (sizeof(thread_basic_info_data_t) / sizeof(natural_t))
#define TH_STATE_RUNNING         1
#define TH_STATE_STOPPED         2
#define TH_STATE_WAITING         3
#define TH_STATE_UNINTERRUPTIBLE 4
#define TH_STATE_HALTED          5
#define TH_FLAGS_IDLE            2

/* ---- thread_switch ---- */
#define SWITCH_OPTION_NONE    0
#define SWITCH_OPTION_DEPRESS 1 /* lowest priority for `time` ms */
#define SWITCH_OPTION_WAIT    2 /* block for `time` ms */

/* ---- gsync (mach/gsync.defs) ---- */
#define GSYNC_SHARED    0x01 /* by the memory, for tasks that share it */
#define GSYNC_QUAD      0x02 /* 64 bits */
#define GSYNC_TIMED     0x04
#define GSYNC_BROADCAST 0x08 /* all who wait */
#define GSYNC_MUTATE    0x10 /* write the word */

/* ---- semaphores, clocks ---- */
#define SYNC_POLICY_FIFO  0
#define SYNC_POLICY_FIXED_PRIORITY 1
#define SYSTEM_CLOCK      0 /* monotonic since boot */
#define CALENDAR_CLOCK    1
#define TIME_ABSOLUTE     0
#define TIME_RELATIVE     1
/* clock_get_attributes */
#define CLOCK_GET_TIME_RES 1
#define CLOCK_ALARM_CURRES 3
#define CLOCK_ALARM_MINRES 4
#define CLOCK_ALARM_MAXRES 5
#define CLOCK_ATTR_MAX     1
typedef natural_t *clock_attr_t;
typedef int clock_id_t;
typedef int alarm_type_t;

/* ---- host_info ---- */
#define HOST_BASIC_INFO 1
typedef struct host_basic_info {
    integer_t max_cpus;
    integer_t avail_cpus;
    uint64_t memory_size; /* bytes */
} host_basic_info_data_t, *host_basic_info_t;
#define HOST_BASIC_INFO_COUNT (sizeof(host_basic_info_data_t) / sizeof(natural_t))

/* What the kernel holds, for leak checks: every counter is exact when the system is quiet. */
#define HOST_OSTIA_COUNTERS 100
typedef struct host_counters {
    uint32_t tasks;
    uint32_t threads;
    uint32_t ports;
    uint32_t port_sets;
    uint32_t kmsgs;
    uint32_t vm_objects;
    uint32_t vm_maps;
    uint32_t vm_map_entries;
    uint32_t free_pages;
    uint32_t wired_pages;   /* kernel and wired */
    uint32_t anonymous_pages; /* pages in objects without a pager */
    uint32_t pager_pages;
    uint32_t zone_pages;  /* pages held by zones */
    uint32_t zone_bytes_used; /* bytes handed out by zones */
    uint32_t semaphores;
    uint32_t spaces;
    uint32_t ledgers; /* one a task, and those of dead tasks whose messages nobody has received */
} host_counters_data_t, *host_counters_t;
#define HOST_OSTIA_COUNTERS_COUNT (sizeof(host_counters_data_t) / sizeof(natural_t))

typedef struct vm_statistics {
    uint64_t pagesize;
    uint64_t total_count; /* pages the kernel manages */
    uint64_t free_count;
    uint64_t active_count;
    uint64_t inactive_count;
    uint64_t wire_count;
    uint64_t zero_fill_count;
    uint64_t reactivations;
    uint64_t pageins;
    uint64_t pageouts;
    uint64_t faults;
    uint64_t cow_faults;
    uint64_t lookups;
    uint64_t hits;
    uint64_t swap_count; /* pages of swap space, and those of them in use */
    uint64_t swap_used;
} vm_statistics_data_t, *vm_statistics_t;
#define VM_STATISTICS_COUNT (sizeof(vm_statistics_data_t) / sizeof(natural_t))

/* vm_region: what is known of one entry of a map. */
typedef struct vm_region_info {
    vm_prot_t protection;
    vm_prot_t max_protection;
    vm_inherit_t inheritance;
    boolean_t shared;       /* mapped by more than one map */
    boolean_t needs_copy;   /* copy-on-write, not yet shadowed */
    uint32_t wired_count;
    uint64_t offset;        /* in the object */
    uint64_t object_id;     /* equal for equal objects, 0 where there is none yet */
    uint32_t resident_pages; /* in this map */
    uint32_t shadow_depth;
    boolean_t external_pager;
    uint32_t ref_count; /* of the object */
    boolean_t anonymous; /* so are all that the object shadows: no pager of anybody's is asked for pages */
} vm_region_info_data_t, *vm_region_info_t;
#define VM_REGION_INFO_COUNT (sizeof(vm_region_info_data_t) / sizeof(natural_t))

/* One name of a space, as mach_port_names' richer sibling mach_port_space_info returns it. */
typedef struct ipc_info_name {
    mach_port_name_t iin_name;
    mach_port_type_t iin_type;
    mach_port_urefs_t iin_urefs;
    uint32_t iin_object;   /* equal for equal ports, system wide */
    uint32_t iin_msgcount; /* of a receive right */
    uint32_t iin_qlimit;
    uint32_t iin_srights;  /* do senders exist: send rights of the port */
    uint32_t iin_kotype;   /* IKOT_*: what the port represents, 0 for an ordinary port */
} ipc_info_name_t;
typedef ipc_info_name_t *ipc_info_name_array_t;

/* memory_object: how the kernel may copy. */
typedef int memory_object_copy_strategy_t;
#define MEMORY_OBJECT_COPY_NONE  0 /* copy at once, physically */
#define MEMORY_OBJECT_COPY_CALL  1
#define MEMORY_OBJECT_COPY_DELAY 2 /* nobody else changes the data: copy-on-write */
#define MEMORY_OBJECT_COPY_TEMPORARY 3
typedef int memory_object_return_t;
#define MEMORY_OBJECT_RETURN_NONE  0
#define MEMORY_OBJECT_RETURN_DIRTY 1
#define MEMORY_OBJECT_RETURN_ALL   2

#endif
