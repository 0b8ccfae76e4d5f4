/* mach_error_string: codes in words. The codes are in
 * mach/{kern_return,message,mig_errors,error}.h. */
#include <mach/error.h>
#include <mach/mach.h>
#include <string.h>

struct text {
    kern_return_t code;
    const char *words;
};

static const struct text texts[] = {
    {KERN_SUCCESS, "success"},
    {KERN_INVALID_ADDRESS, "invalid address"},
    {KERN_PROTECTION_FAILURE, "memory protection failure"},
    {KERN_NO_SPACE, "no space available"},
    {KERN_INVALID_ARGUMENT, "invalid argument"},
    {KERN_FAILURE, "failure"},
    {KERN_RESOURCE_SHORTAGE, "out of memory or another resource"},
    {KERN_NOT_RECEIVER, "not the receiver of the port"},
    {KERN_NO_ACCESS, "no access"},
    {KERN_MEMORY_FAILURE, "memory object was destroyed"},
    {KERN_MEMORY_ERROR, "memory object has an error"},
    {KERN_ALREADY_IN_SET, "port is in the set already"},
    {KERN_NOT_IN_SET, "port is not in a set"},
    {KERN_NAME_EXISTS, "port name is in use"},
    {KERN_ABORTED, "interrupted"},
    {KERN_INVALID_NAME, "port name denotes no right"},
    {KERN_INVALID_TASK, "invalid task"},
    {KERN_INVALID_RIGHT, "port name denotes another right"},
    {KERN_INVALID_VALUE, "value out of range"},
    {KERN_UREFS_OVERFLOW, "too many user references"},
    {KERN_INVALID_CAPABILITY, "invalid port right"},
    {KERN_RIGHT_EXISTS, "task has that right under another name"},
    {KERN_INVALID_HOST, "invalid host port"},
    {KERN_MEMORY_PRESENT, "page is present already"},
    {KERN_TERMINATED, "object is terminated"},
    {KERN_OPERATION_TIMED_OUT, "timed out"},
    {KERN_NOT_SUPPORTED, "not supported"},
    {MACH_SEND_IN_PROGRESS, "(ipc/send) send is in progress"},
    {MACH_SEND_INVALID_DATA, "(ipc/send) message cannot be read"},
    {MACH_SEND_INVALID_DEST, "(ipc/send) invalid destination port"},
    {MACH_SEND_TIMED_OUT, "(ipc/send) timed out"},
    {MACH_SEND_INTERRUPTED, "(ipc/send) interrupted"},
    {MACH_SEND_MSG_TOO_SMALL, "(ipc/send) message is too small"},
    {MACH_SEND_INVALID_REPLY, "(ipc/send) invalid reply port"},
    {MACH_SEND_INVALID_RIGHT, "(ipc/send) invalid port right in the message"},
    {MACH_SEND_INVALID_NOTIFY, "(ipc/send) invalid notify port"},
    {MACH_SEND_INVALID_MEMORY, "(ipc/send) invalid out-of-line memory"},
    {MACH_SEND_NO_BUFFER, "(ipc/send) no memory for the message"},
    {MACH_SEND_TOO_LARGE, "(ipc/send) message is too large"},
    {MACH_SEND_INVALID_TYPE, "(ipc/send) invalid descriptor"},
    {MACH_SEND_INVALID_HEADER, "(ipc/send) invalid message header"},
    {MACH_RCV_IN_PROGRESS, "(ipc/rcv) receive is in progress"},
    {MACH_RCV_INVALID_NAME, "(ipc/rcv) invalid receive right"},
    {MACH_RCV_TIMED_OUT, "(ipc/rcv) timed out"},
    {MACH_RCV_TOO_LARGE, "(ipc/rcv) message is too large"},
    {MACH_RCV_INTERRUPTED, "(ipc/rcv) interrupted"},
    {MACH_RCV_PORT_CHANGED, "(ipc/rcv) port has moved"},
    {MACH_RCV_INVALID_NOTIFY, "(ipc/rcv) invalid notify port"},
    {MACH_RCV_INVALID_DATA, "(ipc/rcv) buffer cannot be written"},
    {MACH_RCV_PORT_DIED, "(ipc/rcv) port has died"},
    {MACH_RCV_IN_SET, "(ipc/rcv) port is in a set"},
    {MACH_RCV_HEADER_ERROR, "(ipc/rcv) message header was lost"},
    {MACH_RCV_BODY_ERROR, "(ipc/rcv) message body was lost in part"},
    {MIG_TYPE_ERROR, "(mig/client) reply has the wrong shape"},
    {MIG_REPLY_MISMATCH, "(mig/client) reply is to something else"},
    {MIG_REMOTE_ERROR, "(mig) remote error"},
    {MIG_BAD_ID, "(mig/server) no such routine"},
    {MIG_BAD_ARGUMENTS, "(mig/server) request has the wrong shape"},
    {MIG_NO_REPLY, "(mig/server) no reply now"},
    {MIG_EXCEPTION, "(mig) exception"},
    {MIG_ARRAY_TOO_LARGE, "(mig/client) array does not fit"},
    {MIG_SERVER_DIED, "(mig/client) server died"},
    {MIG_TRAILER_ERROR, "(mig) trailer is wrong"},
};

const char *mach_error_string(kern_return_t code)
{
    if (is_unix_err(code))
        return strerror(err_get_code(code));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].code == code)
            return texts[i].words;
    /* A receive may add what ran out. */
    if ((code & 0xffffc000) == 0x10004000 && (code & MACH_MSG_MASK) != 0)
        return mach_error_string(code & ~MACH_MSG_MASK);
    return "unknown error code";
}
