/* Server stubs of subsystem small, made by migcom: do not edit. See docs/mig.md. */
#include <mach/mig_support.h>
#include <mach/mach_types.h>
#include "small_server.h"

_Static_assert(sizeof(int) == 4, "int: the .defs file has another size");


/* routine 100 */
static void _Xsmall_add(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
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

    if ((InP->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
        || InP->Head.msgh_size != 32)
        goto refuse;
    Result = small_add(
        InP->Head.msgh_local_port,
        InP->a,
        InP->b,
        &sum);
    if (Result != KERN_SUCCESS) {
        mig_server_error(InHeadP, OutHeadP, Result);
        return;
    }
    OutP->RetCode = KERN_SUCCESS;
    OutP->sum = sum;
    OutP->Head.msgh_size = 32;
    return;

refuse:
    mig_server_error(InHeadP, OutHeadP, MIG_BAD_ARGUMENTS);
}

/* simpleroutine 101 */
static void _Xsmall_note(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
    typedef struct {
        mach_msg_header_t Head;
        uint32_t textCnt;
        char text[64];
    } Request;
    Request *InP = (Request *)InHeadP;
    kern_return_t Result;
    mach_msg_size_t Offset;

    if ((InP->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
        || InP->Head.msgh_size < 28)
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
    return;

refuse:
    mig_server_error(InHeadP, OutHeadP, MIG_BAD_ARGUMENTS);
    mig_no_reply(InHeadP, OutHeadP);
}

typedef void (*small_stub_t)(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);

static const small_stub_t routines[2] = {
    [0] = _Xsmall_add,
    [1] = _Xsmall_note,
};

boolean_t small_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
    mach_msg_id_t id = InHeadP->msgh_id;

    *OutHeadP = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(InHeadP->msgh_bits), 0),
        .msgh_size = sizeof(mig_reply_error_t),
        .msgh_remote_port = InHeadP->msgh_remote_port,
        .msgh_id = (mach_msg_id_t)((uint32_t)id + 100),
    };
    if (id < 100 || id >= 102 || routines[id - 100] == 0) {
        ((mig_reply_error_t *)OutHeadP)->RetCode = MIG_BAD_ID;
        return FALSE;
    }
    routines[id - 100](InHeadP, OutHeadP);
    return TRUE;
}
