/* Client stubs of subsystem small, made by migcom: do not edit. See docs/mig.md. */
#include <mach/mig_support.h>
#include <mach/mach_types.h>
#include "small.h"

_Static_assert(sizeof(int) == 4, "int: the .defs file has another size");


/* routine 100 */
kern_return_t small_add(
    mach_port_t server,
    int a,
    int b,
    int *sum)
{
    typedef struct {
        mach_msg_header_t Head;
        int32_t a;
        int32_t b;
    } Request;
    typedef struct {
        mach_msg_header_t Head;
        kern_return_t RetCode;
        int32_t sum;
    } Reply;
    union {
        Request In;
        Reply Out;
    } Mess;
    Request *InP = &Mess.In;
    Reply *OutP = &Mess.Out;
    mach_msg_return_t Result;
    mach_port_t ReplyPort = mig_get_reply_port();

    InP->a = a;
    InP->b = b;
    InP->Head.msgh_bits = MACH_MSGH_BITS(19, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    InP->Head.msgh_remote_port = server;
    InP->Head.msgh_local_port = ReplyPort;
    InP->Head.msgh_id = 100;
    Result = mig_rpc(&InP->Head, MACH_SEND_MSG | MACH_RCV_MSG, 32,
                     sizeof(Reply), ReplyPort, MACH_MSG_TIMEOUT_NONE);
    if (Result != MACH_MSG_SUCCESS)
        return Result;
    if (MIG_UNLIKELY(!mig_plain_reply(&OutP->Head, 200, 32)))
        return mig_reply_error(&OutP->Head, 200);
    *sum = OutP->sum;
    return KERN_SUCCESS;
}

/* simpleroutine 101 */
kern_return_t small_note(
    mach_port_t server,
    const char *text)
{
    typedef struct {
        mach_msg_header_t Head;
        uint32_t textCnt;
        char text[64];
    } Request;
    union {
        Request In;
    } Mess;
    Request *InP = &Mess.In;
    mach_msg_return_t Result;
    mach_msg_size_t Offset;

    {
        uint32_t Value = mig_copy_string((char *)InP + 28, text, 64);

        if (Value == 0)
            return MACH_SEND_TOO_LARGE;
        InP->textCnt = Value;
        Offset = 28 + Value;
    }
    Offset = mig_align(InP, Offset, 4);
    InP->Head.msgh_bits = MACH_MSGH_BITS(19, 0);
    InP->Head.msgh_remote_port = server;
    InP->Head.msgh_local_port = MACH_PORT_NULL;
    InP->Head.msgh_id = 101;
    Result = mach_msg(&InP->Head, MACH_SEND_MSG, Offset, 0,
                      MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    if (MIG_UNLIKELY(Result != MACH_MSG_SUCCESS))
        return mig_request_failed(&InP->Head, Result);
    return KERN_SUCCESS;
}
