/* Server stubs of subsystem small, made by migcom: do not edit. See docs/mig.md. */
#include <mach/mig_support.h>
#include <mach/mach_types.h>
#include "small_server.h"

_Static_assert(sizeof(int) == 4, "int: the .defs file has another size");


/* routine 100 */
static boolean_t _Xsmall_add(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
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
    Request *InP = (Request *)InHeadP;
    Reply *OutP = (Reply *)OutHeadP;
    kern_return_t Result;
    int sum;

    if (MIG_UNLIKELY(!mig_has_shape(&InP->Head, FALSE, 32)))
        goto refuse;
    Result = small_add(
        InP->Head.msgh_local_port,
        InP->a,
        InP->b,
        &sum);
    if (Result != KERN_SUCCESS) {
        mig_server_error(InHeadP, OutHeadP, Result);
        return TRUE;
    }
    OutP->RetCode = KERN_SUCCESS;
    OutP->sum = sum;
    OutP->Head.msgh_size = 32;
    return TRUE;

refuse:
    mig_server_error(InHeadP, OutHeadP, MIG_BAD_ARGUMENTS);
    return TRUE;
}

/* simpleroutine 101 */
static boolean_t _Xsmall_note(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
    typedef struct {
        mach_msg_header_t Head;
        uint32_t textCnt;
        char text[64];
    } Request;
    Request *InP = (Request *)InHeadP;
    kern_return_t Result;
    mach_msg_size_t Offset;

    if (MIG_UNLIKELY((InP->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
        || InP->Head.msgh_size < 28))
        goto refuse;
    Offset = 28;
    if (InP->textCnt == 0)
        goto refuse;
    if (InP->textCnt > 64)
        goto refuse;
    Offset += InP->textCnt;
    if (Offset > InP->Head.msgh_size)
        goto refuse;
    if (InP->text[InP->textCnt - 1] != '\0')
        goto refuse;
    if (((Offset + 3) & ~3U) != InP->Head.msgh_size)
        goto refuse;
    Result = small_note(
        InP->Head.msgh_local_port,
        (void *)InP->text);
    if (Result != KERN_SUCCESS && Result != MIG_NO_REPLY)
        mig_server_error(InHeadP, OutHeadP, Result);
    mig_no_reply(InHeadP, OutHeadP);
    return TRUE;

refuse:
    mig_server_error(InHeadP, OutHeadP, MIG_BAD_ARGUMENTS);
    mig_no_reply(InHeadP, OutHeadP);
    return TRUE;
}

typedef boolean_t (*small_stub_t)(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);

static const small_stub_t routines[2] = {
    [0] = _Xsmall_add,
    [1] = _Xsmall_note,
};

boolean_t small_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
    uint32_t index = (uint32_t)InHeadP->msgh_id - 100;

    OutHeadP->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(InHeadP->msgh_bits), 0);
    OutHeadP->msgh_remote_port = InHeadP->msgh_remote_port;
    OutHeadP->msgh_local_port = MACH_PORT_NULL;
    OutHeadP->msgh_seqno = 0;
    OutHeadP->msgh_id = (mach_msg_id_t)(index + 200);
    if (MIG_UNLIKELY(index >= 2 || routines[index] == 0)) {
        OutHeadP->msgh_size = sizeof(mig_reply_error_t);
        ((mig_reply_error_t *)OutHeadP)->RetCode = MIG_BAD_ID;
        return FALSE;
    }
    return routines[index](InHeadP, OutHeadP);
}
