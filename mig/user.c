/*
 * Client stubs. The straight path of an RPC is: fill the request, one mach_msg, one condition that
 * says the reply is that of a success, read it. Everything else is out of line, in libmach
 * (mig_support.h), or in the kernel in mig_kernel.h. Read mig.h, pack.c and unpack.c before.
 */
#include "mig.h"

static const char *send_disposition(const struct argument *port)
{
    if (is_polymorphic(port->type))
        return format_string("%sPoly", port->name);
    return format_string("%d", port->type->sent);
}

/* The options of mach_msg, and its time-out. */
static const char *options(const struct routine *routine, const char *basic)
{
    const char *text = basic;

    if (routine->msgoption_argument != NULL)
        text = format_string("%s | %s", text, routine->msgoption_argument->name);
    else if (routine->msgoption != NULL)
        text = format_string("%s | (%s)", text, routine->msgoption);
    if (routine->waittime_argument != NULL || routine->waittime != NULL)
        text = format_string("%s | MACH_SEND_TIMEOUT%s", text,
                             routine->simple ? "" : " | MACH_RCV_TIMEOUT");
    else if (routine->sendtime_argument != NULL || routine->sendtime != NULL)
        text = format_string("%s | MACH_SEND_TIMEOUT", text);
    if (routine->token_argument != NULL)
        text = format_string("%s\n                         "
                             "| MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER)", text);
    return text;
}

static const char *timeout(const struct routine *routine)
{
    if (routine->waittime_argument != NULL)
        return routine->waittime_argument->name;
    if (routine->sendtime_argument != NULL)
        return routine->sendtime_argument->name;
    return routine->waittime != NULL ? routine->waittime
         : routine->sendtime != NULL ? routine->sendtime
                                     : "MACH_MSG_TIMEOUT_NONE";
}

/* How much may be received: with usersectoken the trailer follows the reply, however long that is.
 * */
static const char *room(const struct routine *routine)
{
    return routine->token_argument != NULL ? "sizeof(Mess)" : "sizeof(Reply)";
}

static void emit_header(FILE *f, const struct routine *routine)
{
    const char *complex = routine->request.descriptor_count > 0 ? "MACH_MSGH_BITS_COMPLEX | " : "";
    const char *reply = routine->reply_port != NULL ? send_disposition(routine->reply_port)
                      : routine->simple ? "0" : "MACH_MSG_TYPE_MAKE_SEND_ONCE";

    if (subsystem.kernel_user) {
        fprintf(f, "    InP->Head = (mach_msg_header_t){.msgh_bits = %s, .msgh_id = %d};\n",
                *complex != '\0' ? "MACH_MSGH_BITS_COMPLEX" : "0", routine->number);
        return;
    }
    fprintf(f, "    InP->Head.msgh_bits = %sMACH_MSGH_BITS(%s, %s);\n", complex,
            send_disposition(routine->request_port), reply);
    fprintf(f, "    InP->Head.msgh_remote_port = %s;\n", routine->request_port->name);
    fprintf(f, "    InP->Head.msgh_local_port = %s;\n",
            routine->simple && routine->reply_port == NULL ? "MACH_PORT_NULL" : "ReplyPort");
    fprintf(f, "    InP->Head.msgh_id = %d;\n", routine->number);
}

static void emit_send(FILE *f, const struct routine *routine)
{
    if (subsystem.kernel_user)
        fprintf(f, "    return mach_msg_send_from_kernel(%s, %s, %s, %s, &InP->Head, %s);\n",
                routine->request_port->name, send_disposition(routine->request_port),
                routine->reply_port != NULL ? routine->reply_port->name : "MACH_PORT_NULL",
                routine->reply_port != NULL ? send_disposition(routine->reply_port) : "0",
                packed_size(&routine->request));
    else
        fprintf(f, "    Result = mach_msg(&InP->Head, %s, %s, 0,\n"
                "                      MACH_PORT_NULL, %s, MACH_PORT_NULL);\n"
                "    if (MIG_UNLIKELY(Result != MACH_MSG_SUCCESS))\n"
                "        return mig_request_failed(&InP->Head, Result);\n"
                "    return KERN_SUCCESS;\n",
                options(routine, "MACH_SEND_MSG"), packed_size(&routine->request),
                timeout(routine));
}

static void emit_rpc(FILE *f, const struct routine *routine)
{
    const char *size = packed_size(&routine->request);

    if (subsystem.kernel_user) {
        fprintf(f, "    Result = mach_msg_rpc_from_kernel(%s, %s, &InP->Head, %s, sizeof(Reply));\n"
                "    if (Result != MACH_MSG_SUCCESS)\n        return Result;\n",
                routine->request_port->name, send_disposition(routine->request_port), size);
        return;
    }
    fprintf(f,
            "    Result = mig_rpc(&InP->Head, %s, %s,\n"
            "                     %s, ReplyPort, %s);\n"
            "    if (Result != MACH_MSG_SUCCESS)\n        return Result;\n",
            options(routine, "MACH_SEND_MSG | MACH_RCV_MSG"), size, room(routine),
            timeout(routine));
}

/* Room is checked before anything is given to the caller. */
static void emit_room_check(FILE *f, const struct routine *routine, const struct argument *argument)
{
    fprintf(f, "    if (%s > *%sCnt) {\n",
            arrived_count(&routine->reply, argument, ITEM_COUNT, "OutP"), argument->name);
    if (routine->reply.descriptor_count > 0)
        fprintf(f, "        %s(&OutP->Head);\n", subsystem.kernel_user
                ? "mach_msg_destroy_from_kernel" : "mach_msg_destroy");
    fprintf(f, "        return MIG_ARRAY_TOO_LARGE;\n    }\n");
}

static void emit_result(FILE *f, const struct routine *routine, const struct argument *argument)
{
    const struct type *type = argument->type;
    const struct message *reply = &routine->reply;
    const char *name = argument->name;
    const char *count = has_count(type) ? arrived_count(reply, argument, ITEM_COUNT, "OutP") : NULL;

    switch (type->kind) {
    case TYPE_PORT:
        fprintf(f, "    *%s = %s;\n", name, arrived_port(SIDE_USER, argument, "OutP"));
        break;
    case TYPE_OUT_OF_LINE:
    case TYPE_OUT_OF_LINE_PORTS:
        fprintf(f, "    *%s = %s;\n", name, arrived_memory(SIDE_USER, argument, "OutP"));
        break;
    case TYPE_SCALAR:
        fprintf(f, "    *%s = %s;\n", name, arrived_value(reply, argument, "OutP"));
        break;
    case TYPE_VAR_ARRAY:
        fprintf(f, "    __builtin_memcpy(%s, %s, %s * %u);\n", name,
                arrived_value(reply, argument, "OutP"), count, element_size(type));
        break;
    case TYPE_VAR_STRING:
        fprintf(f, "    __builtin_memcpy(%s, %s, %s);\n", name,
                arrived_value(reply, argument, "OutP"),
                arrived_count(reply, argument, ITEM_COUNT, "OutP"));
        break;
    default:
        fprintf(f, "    __builtin_memcpy(%s, %s, %llu);\n", name,
                arrived_value(reply, argument, "OutP"),
                (unsigned long long)(element_size(type) * type->count));
        break;
    }
    if (is_polymorphic(type))
        fprintf(f, "    *%sPoly = OutP->%s.disposition;\n", name, name);
    if (count != NULL)
        fprintf(f, "    *%sCnt = %s;\n", name, count);
}

static void emit_reply(FILE *f, const struct routine *routine)
{
    const char *fail = format_string("return %s(&OutP->Head, %d);",
                                     subsystem.kernel_user ? "mig_kernel_reply_error"
                                                           : "mig_reply_error",
                                     routine->number + REPLY_ID_OFFSET);

    if (!subsystem.kernel_user && routine->reply.descriptor_count == 0
        && !routine->reply.variable) {
        fprintf(f, "    if (MIG_UNLIKELY(!mig_plain_reply(&OutP->Head, %d, %u)",
                routine->number + REPLY_ID_OFFSET, routine->reply.max_size);
        emit_string_check(f, &routine->reply, "OutP");
    } else {
        fprintf(f, "    if (MIG_UNLIKELY(OutP->Head.msgh_id != %d\n        || ",
                routine->number + REPLY_ID_OFFSET);
        emit_shape_check(f, SIDE_USER, &routine->reply, "OutP");
        fprintf(f, "\n        || OutP->RetCode != KERN_SUCCESS");
    }
    fprintf(f, "))\n        %s\n", fail);
    emit_walk(f, &routine->reply, "OutP", fail);
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (a->count_in_out)
            emit_room_check(f, routine, a);
    }
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (goes_out(a))
            emit_result(f, routine, a);
        if (a->direction == DIR_USECTOKEN)
            fprintf(f, "    *%s = mig_trailer(&OutP->Head)->msgh_sender;\n", a->name);
    }
    fprintf(f, "    return KERN_SUCCESS;\n");
}

static void emit_routine(FILE *f, const struct routine *routine)
{
    const char *fail = "return MACH_SEND_TOO_LARGE;";

    fprintf(f, "\n/* %s %d */\n", routine->simple ? "simpleroutine" : "routine", routine->number);
    emit_prototype(f, SIDE_USER, routine);
    fprintf(f, "\n{\n");
    emit_message_struct(f, &routine->request, "Request");
    if (!routine->simple)
        emit_message_struct(f, &routine->reply, "Reply");
    fprintf(f, "    union {\n        Request In;\n%s    } Mess;\n",
            routine->simple ? ""
            : routine->token_argument == NULL
                ? "        Reply Out;\n"
                : "        Reply Out;\n        char Room[sizeof(Reply) + "
                  "sizeof(mach_msg_security_trailer_t)];\n");
    fprintf(f, "    Request *InP = &Mess.In;\n");
    if (!routine->simple)
        fprintf(f, "    Reply *OutP = &Mess.Out;\n");
    if (!routine->simple || !subsystem.kernel_user)
        fprintf(f, "    mach_msg_return_t Result;\n");
    if (!subsystem.kernel_user && (!routine->simple || routine->reply_port != NULL))
        fprintf(f, "    mach_port_t ReplyPort = %s;\n",
                routine->reply_port != NULL ? routine->reply_port->name : "mig_get_reply_port()");
    if (routine->request.variable || routine->reply.variable)
        fprintf(f, "    mach_msg_size_t Offset;\n");
    emit_walk_locals(f, &routine->reply);
    fputc('\n', f);
    emit_pack(f, SIDE_USER, &routine->request, "InP", fail);
    emit_header(f, routine);
    if (routine->simple) {
        emit_send(f, routine);
    } else {
        emit_rpc(f, routine);
        emit_reply(f, routine);
    }
    fprintf(f, "}\n");
}

void write_user(FILE *f, const char *header)
{
    fprintf(f, "/* Client stubs of subsystem %s, made by migcom: do not edit. "
            "See docs/mig.md. */\n", subsystem.name);
    fprintf(f, "#include <%s>\n", subsystem.kernel_user ? "mig_kernel.h" : "mach/mig_support.h");
    emit_includes(f, true, false);
    if (header != NULL)
        fprintf(f, "#include %s\n", header);
    fputc('\n', f);
    emit_size_checks(f, SIDE_USER);
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next)
        emit_routine(f, r);
}

/* The reply of a routine that answered MIG_NO_REPLY and kept its reply port. */
void emit_reply_function(FILE *f, const struct routine *routine)
{
    int id = routine->number + REPLY_ID_OFFSET;

    fprintf(f, "\n/* The reply to routine %d, later. */\n", routine->number);
    emit_prototype(f, SIDE_REPLY, routine);
    fprintf(f, "\n{\n");
    emit_message_struct(f, &routine->reply, "Reply");
    fprintf(f, "    union {\n        Reply Out;\n        mig_reply_error_t Error;\n    } Mess;\n"
            "    Reply *OutP = &Mess.Out;\n    mach_msg_size_t Size;\n"
            "    mach_msg_return_t Result;\n");
    if (routine->reply.variable)
        fprintf(f, "    mach_msg_size_t Offset;\n");
    fprintf(f, "\n    OutP->Head = (mach_msg_header_t){\n"
            "        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),\n"
            "        .msgh_remote_port = ReplyPort,\n        .msgh_id = %d,\n    };\n", id);
    fprintf(f, "    if (RetCode != KERN_SUCCESS) {\n        Mess.Error.RetCode = RetCode;\n"
            "        Size = sizeof(mig_reply_error_t);\n        goto send;\n    }\n");
    emit_pack(f, SIDE_REPLY, &routine->reply, "OutP", "return MIG_ARRAY_TOO_LARGE;");
    if (routine->reply.descriptor_count > 0)
        fprintf(f, "    OutP->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;\n");
    fprintf(f, "    Size = %s;\nsend:\n", packed_size(&routine->reply));
    fprintf(f, "    OutP->Head.msgh_size = Size;\n"
            "    Result = mach_msg(&OutP->Head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, Size, 0,\n"
            "                      MACH_PORT_NULL, 0, MACH_PORT_NULL);\n"
            "    if (Result != MACH_MSG_SUCCESS)\n"
            "        return mig_send_failed(&OutP->Head, Result);\n"
            "    return KERN_SUCCESS;\n}\n");
}
