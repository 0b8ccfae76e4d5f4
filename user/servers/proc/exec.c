/*
 * exec: a new program in the same task. Read proc.h and user/include/elf_load.h first.
 *
 * Everything that can fail for a reason of the caller's is checked before anything is changed: the
 * caller then gets the error and goes on. After that the old memory is gone, and what fails (memory
 * ran out) ends the process.
 */
#include "proc.h"

#include <elf_load.h>
#include <errno.h>
#include <fcntl.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <servers/io.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ARG_MAX_BYTES (256 * 1024)
#define SCRIPT_DEPTH  4 /* a script's interpreter may be a script */

/* Errno of a server's answer. */
static int errno_of(kern_return_t kr)
{
    return is_unix_err(kr) ? err_get_code(kr) : kr == KERN_RESOURCE_SHORTAGE ? ENOMEM : EIO;
}

/* Are there count NUL-terminated strings in [strings, strings+size)? */
static boolean_t strings_ok(const char *strings, size_t size, unsigned count)
{
    for (; count > 0; count--) {
        size_t length = strnlen(strings, size);

        if (length == size)
            return FALSE;
        strings += length + 1;
        size -= length + 1;
    }
    return TRUE;
}

/* May this server touch what a client sent out of line? Not if it were to wait for the client's pager then:
 * that may never answer. A program's memory is anonymous, if libc made it for this. */
static boolean_t is_anonymous(vm_address_t memory, size_t size)
{
    const vm_address_t end = memory + size;
    vm_region_info_data_t info;
    vm_size_t length;

    for (vm_address_t at = memory; at < end; at += length)
        if (vm_region(mach_task_self(), &at, &length, &info) != KERN_SUCCESS || !info.anonymous)
            return FALSE;
    return TRUE;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* May p execute it? As the file server would decide (its access.c); root needs that anybody may. */
static boolean_t may_execute(const struct process *p, const io_stat_t *stat)
{
    uint32_t mode = stat->st_mode;

    if (cred_is_root(p))
        return (mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    if (p->cred.euid == stat->st_uid)
        return (mode & S_IXUSR) != 0;
    return (mode & (p->cred.egid == stat->st_gid ? S_IXGRP : S_IXOTH)) != 0;
}

/* A regular file that p may execute? Its first bytes go to head. */
static int read_head(const struct process *p, mach_port_t file, char *head, mach_msg_type_number_t *length)
{
    io_stat_t stat;
    kern_return_t kr = io_stat(file, &stat);

    if (kr != KERN_SUCCESS)
        return errno_of(kr);
    if (!S_ISREG(stat.st_mode) || !may_execute(p, &stat))
        return EACCES;
    kr = io_pread(file, 0, 4096, head, length);
    return kr == KERN_SUCCESS ? 0 : errno_of(kr);
}

/* Terminates all threads of task but keep; ESRCH if keep is not one of them. */
static int only_thread(task_t task, thread_t keep)
{
    mach_port_t *threads;
    mach_msg_type_number_t count;
    int found = ESRCH;

    if (task_threads(task, &threads, &count) != KERN_SUCCESS)
        return ESRCH;
    for (mach_msg_type_number_t i = 0; i < count; i++)
        if (threads[i] == keep)
            found = 0;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (found == 0 && threads[i] != keep)
            thread_terminate(threads[i]);
        mach_port_deallocate(mach_task_self(), threads[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
    return found;
}

void arguments_forget(struct process *p)
{
    if (p->arguments != NULL && --p->arguments->refs == 0)
        free(p->arguments);
    p->arguments = NULL;
}

/* For who asks what it is. Without memory nobody knows. */
static void keep_arguments(const struct exec_args *args)
{
    struct process *p = args->process;
    size_t size = 0;

    for (unsigned i = 0; i < args->argc && size < PROC_ARGUMENTS_MAX; i++)
        size += strlen(args->strings + size) + 1;
    if (size > PROC_ARGUMENTS_MAX)
        size = PROC_ARGUMENTS_MAX;
    arguments_forget(p);
    p->arguments = malloc(sizeof(*p->arguments) + size);
    if (p->arguments == NULL)
        return;
    p->arguments->refs = 1;
    p->arguments->size = (uint32_t)size;
    memcpy(p->arguments->bytes, args->strings, size);
}

/* The point of no return is here. */
static int replace(task_t task, thread_t thread, boolean_t fresh, const struct elf_image *image,
                   mach_port_t memory_object, const struct exec_args *args)
{
    struct elf_source source = {NULL, memory_object};
    arm_thread_state64_t state;
    vm_address_t sp;

    if (!fresh) {
        if (only_thread(task, thread) != 0)
            return ESRCH;
        if (thread_suspend(thread) != KERN_SUCCESS || thread_abort(thread) != KERN_SUCCESS ||
            vm_deallocate(task, 0, VM_MAX_ADDRESS) != KERN_SUCCESS) /* holes are no error */
            return -1;
    }
    if (elf_map(task, image, &source) != KERN_SUCCESS ||
        elf_stack(task, image, args->argc, args->envc, args->strings, args->string_size,
                  args->startup, args->startup_size, &sp) != KERN_SUCCESS)
        return -1;
    memset(&state, 0, sizeof(state));
    state.pc = image->entry;
    state.sp = sp;
    if (thread_set_state(thread, ARM_THREAD_STATE64, (thread_state_t)&state,
                         ARM_THREAD_STATE64_COUNT) != KERN_SUCCESS)
        return -1;
    task_set_name(task, (char *)base_name(args->path));
    keep_arguments(args);
    args->process->program[0] = '\0';
    if (args->path[0] == '/' && strlen(args->path) < PROGRAM_MAX)
        strcpy(args->process->program, args->path);
    return thread_resume(thread) == KERN_SUCCESS ? 0 : -1;
}

/*
 * `#! interpreter [argument]`: the interpreter is run with the argument, the script's path, and the
 * script's own arguments. Depth counts nested scripts.
 *
 * The interpreter is opened by this server, for which all directories are open, and so may lie in one that
 * the process could not search: it must be one that the process may execute, and that is all.
 */
static int exec_depth(task_t task, thread_t thread, boolean_t fresh, const struct exec_args *args,
                      int depth);

static int exec_script(task_t task, thread_t thread, boolean_t fresh, const struct exec_args *args,
                       const char *head, size_t length, int depth)
{
    struct exec_args inner = *args;
    char line[256], *interpreter, *argument, *end, *strings, *at;
    size_t first = strlen(args->strings) + 1, size;
    mach_msg_type_name_t how;
    uint32_t on = 0;
    kern_return_t kr;
    int error;

    if (depth >= SCRIPT_DEPTH)
        return ELOOP;
    length = length - 2 < sizeof(line) - 1 ? length - 2 : sizeof(line) - 1;
    memcpy(line, head + 2, length);
    line[length] = '\0';
    end = strchr(line, '\n');
    if (end == NULL)
        return ENOEXEC;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    interpreter = line + strspn(line, " \t");
    argument = interpreter + strcspn(interpreter, " \t");
    if (*argument != '\0') {
        *argument++ = '\0';
        argument += strspn(argument, " \t");
    }
    if (interpreter[0] != '/' || args->argc == 0)
        return ENOEXEC;

    size = strlen(interpreter) + 1 + strlen(argument) + 1 + strlen(args->path) + 1 +
           args->string_size - first;
    strings = malloc(size);
    if (strings == NULL)
        return ENOMEM;
    at = stpcpy(strings, interpreter) + 1;
    inner.argc = args->argc + 1;
    if (*argument != '\0') {
        at = stpcpy(at, argument) + 1;
        inner.argc++;
    }
    at = stpcpy(at, args->path) + 1;
    memcpy(at, args->strings + first, args->string_size - first);
    inner.strings = strings;
    inner.string_size = (size_t)(at - strings) + args->string_size - first;
    inner.path = interpreter;

    kr = fs_open(get_root(), interpreter, O_RDONLY, 0, &inner.file, &how, &on);
    if (kr == KERN_SUCCESS) {
        error = EACCES; /* a device, or (on) what is mounted there, which may be anybody's */
        if (on == 0 && fs_is_open(get_root(), inner.file) == KERN_SUCCESS)
            error = exec_depth(task, thread, fresh, &inner, depth + 1);
        mach_port_deallocate(mach_task_self(), inner.file);
    } else {
        error = kr == unix_err(FS_EREMOTE) ? EACCES : errno_of(kr);
    }
    free(strings);
    return error;
}

static int exec_depth(task_t task, thread_t thread, boolean_t fresh, const struct exec_args *args,
                      int depth)
{
    static struct elf_image image; /* large; one thread serves */
    static char head[IO_DATA_MAX]; /* a whole message of the file server's, were it to send one */
    mach_msg_type_number_t length = sizeof(head);
    mach_port_t memory_object;
    int64_t size;
    kern_return_t kr;
    int error = read_head(args->process, args->file, head, &length);

    if (error != 0)
        return error;
    if (length >= 3 && head[0] == '#' && head[1] == '!')
        return exec_script(task, thread, fresh, args, head, length, depth);
    kr = io_map(args->file, &memory_object, &size);
    if (kr != KERN_SUCCESS)
        return errno_of(kr);
    if (elf_check(head, length, (uint64_t)size, &image) != KERN_SUCCESS)
        error = ENOEXEC;
    else
        error = replace(task, thread, fresh, &image, memory_object, args);
    mach_port_deallocate(mach_task_self(), memory_object);
    return error;
}

int exec_program(task_t task, thread_t thread, boolean_t fresh, const struct exec_args *args)
{
    if (args->string_size > ARG_MAX_BYTES || args->argc > ARG_MAX_BYTES ||
        args->envc > ARG_MAX_BYTES)
        return E2BIG;
    if (!strings_ok(args->strings, args->string_size, args->argc + args->envc))
        return EINVAL;
    return exec_depth(task, thread, fresh, args, 0);
}

/* Is it open at a file server of the system's? */
static boolean_t is_trusted(mach_port_t file)
{
    static mach_port_t tmpfs;

    if (fs_is_open(get_root(), file) == KERN_SUCCESS)
        return TRUE;
    if (tmpfs == MACH_PORT_NULL && bootstrap_look_up(bootstrap_port, SERVICE_TMPFS, &tmpfs) != KERN_SUCCESS)
        tmpfs = MACH_PORT_NULL;
    return tmpfs != MACH_PORT_NULL && fs_is_open(tmpfs, file) == KERN_SUCCESS;
}

kern_return_t S_proc_exec(mach_port_t proc, mach_port_t thread, mach_port_t reply, mach_port_t file,
                          const char *path, uint32_t argc, uint32_t envc, vm_offset_t strings,
                          mach_msg_type_number_t stringsCnt, vm_offset_t startup,
                          mach_msg_type_number_t startupCnt, uint64_t blocked)
{
    struct process *p = process_caller(proc);
    struct exec_args args = {p, file, path, argc, envc, (const char *)strings, stringsCnt,
                             (const void *)startup, startupCnt};
    int error;

    if (p == NULL)
        return unix_err(ESRCH);
    if (!is_trusted(file))
        return unix_err(EACCES); /* somebody else's port, which may never answer */
    if (!is_anonymous(strings, stringsCnt) || !is_anonymous(startup, startupCnt))
        return unix_err(EFAULT);
    error = exec_program(p->task, thread, FALSE, &args);
    if (error > 0)
        return unix_err(error); /* the stub releases what we were given */
    if (error == 0) {
        process_name(p, base_name(path));
        p->execed = TRUE;
        program_forget(p);
        if (p->program[0] == '\0') {
            p->program_file = file;
            file = MACH_PORT_NULL;
        }
        signal_exec(p, blocked);
    } else {
        process_end(p, SIGKILL, -1);
    }
    mach_port_deallocate(mach_task_self(), reply); /* nobody is there to read it */
    mach_port_deallocate(mach_task_self(), thread);
    if (file != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), file);
    if (stringsCnt > 0)
        vm_deallocate(mach_task_self(), strings, stringsCnt);
    if (startupCnt > 0)
        vm_deallocate(mach_task_self(), startup, startupCnt);
    return MIG_NO_REPLY;
}
