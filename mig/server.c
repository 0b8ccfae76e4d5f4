/*
 * Server stubs and the demultiplexer. A stub checks the request, converts, calls the routine, and
 * packs the reply; what the routine did not consume is released here, by the one rule of
 * <mach/mig_errors.h>. In the kernel the caller of the stubs does the releasing (mig_kernel.h).
 * Read mig.h, pack.c and unpack.c before.
 */
#include "mig.h"

static bool kernel(void)
{
    return subsystem.kernel_server;
}

/* How a stub ends. A user's says TRUE, so that the demultiplexer can jump to it as its last act. */
static const char *done(void)
{
    return kernel() ? "return;" : "return TRUE;";
}

/* The right or value a special argument is, before translation; null for a carried argument. */
static const char *special_value(const struct argument *argument)
{
    switch (argument->direction) {
    case DIR_REQUEST_PORT:
        return kernel() ? "request->ikm_remote" : "InP->Head.msgh_local_port";
    case DIR_REPLY_PORT:
    case DIR_SREPLY_PORT:
        return kernel() ? "request->ikm_local" : "InP->Head.msgh_remote_port";
    case DIR_MSGSEQNO:
        return kernel() ? "request->ikm_seqno" : "InP->Head.msgh_seqno";
    case DIR_SECTOKEN:
        return "Trailer->msgh_sender";
    default:
        return NULL;
    }
}

static bool is_translated(const struct argument *argument)
{
    return argument->type->in_translation.function != NULL
        && (argument->direction == DIR_IN || argument->direction == DIR_REQUEST_PORT);
}

/* An in argument, before translation. */
static const char *raw_value(const struct routine *routine, const struct argument *argument)
{
    const char *special = special_value(argument);

    if (special != NULL)
        return special;
    switch (argument->type->kind) {
    case TYPE_PORT:
        return arrived_port(SIDE_SERVER, argument, "InP");
    case TYPE_OUT_OF_LINE:
    case TYPE_OUT_OF_LINE_PORTS:
        return arrived_memory(SIDE_SERVER, argument, "InP");
    case TYPE_SCALAR:
        return arrived_value(&routine->request, argument, "InP");
    case TYPE_STRUCT:
        return argument->name; /* copied to a local: the message may be less aligned than C wants */
    default:
        return format_string("(void *)%s", arrived_value(&routine->request, argument, "InP"));
    }
}

static bool is_array(const struct type *type)
{
    return type->kind == TYPE_ARRAY || type->kind == TYPE_VAR_ARRAY || type->kind == TYPE_STRING
        || type->kind == TYPE_VAR_STRING;
}

/* ---- the parts of a stub, in order ---- */

static void emit_locals(FILE *f, const struct routine *routine)
{
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        bool pointer = a->type->kind == TYPE_PORT || a->type->kind == TYPE_OUT_OF_LINE
                    || a->type->kind == TYPE_OUT_OF_LINE_PORTS;
        const char *declaration = c_declaration(c_type(SIDE_SERVER, a), false, a->name);

        if (!is_argument_of(SIDE_SERVER, a))
            continue;
        if (is_translated(a) || (a->type->kind == TYPE_STRUCT && goes_in(a)))
            fprintf(f, "    %s;\n", declaration);
        else if (goes_out(a) && !is_array(a->type))
            fprintf(f, "    %s%s;\n", declaration, pointer ? " = 0" : "");
        if (!goes_out(a))
            continue;
        if (is_polymorphic(a->type))
            fprintf(f, "    mach_msg_type_name_t %sPoly = MACH_MSG_TYPE_PORT_SEND;\n", a->name);
        if (has_count(a->type))
            fprintf(f, "    mach_msg_type_number_t %sCnt = %llu;\n", a->name,
                    a->type->kind == TYPE_VAR_ARRAY ? (unsigned long long)a->type->count : 0);
    }
}

static void emit_token(FILE *f, const struct routine *routine)
{
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (a->direction != DIR_SECTOKEN)
            continue;
        fprintf(f, "    Trailer = mig_trailer(InHeadP);\n"
                "    if (Trailer->msgh_trailer_type != 0\n"
                "        || Trailer->msgh_trailer_size < sizeof(*Trailer)) {\n"
                "        mig_server_error(InHeadP, OutHeadP, MIG_TRAILER_ERROR);\n");
        if (routine->simple)
            fprintf(f, "        mig_no_reply(InHeadP, OutHeadP);\n");
        fprintf(f, "        %s\n    }\n", done());
        return;
    }
}

static void emit_conversions(FILE *f, const struct routine *routine)
{
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        const char *name = a->name;
        bool in_out = a->direction == DIR_INOUT;
        const char *from;

        if (a->type->kind == TYPE_STRING && goes_out(a))
            fprintf(f, "    __builtin_memset(OutP->%s, 0, %llu);\n", name,
                    (unsigned long long)a->type->count);
        if (a->count_in_out) {
            const char *room = arrived_count(&routine->request, a, ITEM_ROOM, "InP");

            fprintf(f, "    if (%s < %sCnt)\n        %sCnt = %s;\n", room, name, name, room);
        }
        if (!goes_in(a)) {
            if (is_translated(a))
                fprintf(f, "    %s = %s(%s);\n", name, a->type->in_translation.function,
                        raw_value(routine, a));
            continue;
        }
        from = is_descriptor(a->type) ? NULL : arrived_value(&routine->request, a, "InP");
        if (is_translated(a))
            fprintf(f, "    %s = %s(%s);\n", name, a->type->in_translation.function,
                    raw_value(routine, a));
        else if (a->type->kind == TYPE_STRUCT)
            fprintf(f, "    __builtin_memcpy(&%s, %s, %u);\n", name, from, element_size(a->type));
        else if (in_out && a->type->kind == TYPE_VAR_ARRAY)
            fprintf(f, "    __builtin_memcpy(OutP->%s, %s, %s * %u);\n", name, from,
                    arrived_count(&routine->request, a, ITEM_COUNT, "InP"), element_size(a->type));
        else if (in_out && a->type->kind == TYPE_VAR_STRING)
            fprintf(f, "    __builtin_memcpy(OutP->%s, %s, %s);\n", name, from,
                    arrived_count(&routine->request, a, ITEM_COUNT, "InP"));
        else if (in_out && is_array(a->type))
            fprintf(f, "    __builtin_memcpy(OutP->%s, %s, %llu);\n", name, from,
                    (unsigned long long)(element_size(a->type) * a->type->count));
        else if (in_out)
            fprintf(f, "    %s = %s;\n", name, raw_value(routine, a));
        if (in_out && is_polymorphic(a->type))
            fprintf(f, "    %sPoly = InP->%s.disposition;\n", name, name);
        if (in_out && has_count(a->type))
            fprintf(f, "    %sCnt = %s;\n", name,
                    arrived_count(&routine->request, a, ITEM_COUNT, "InP"));
    }
}

static const char *polymorphic_disposition(const struct argument *argument)
{
    if (goes_out(argument))
        return format_string("&%sPoly", argument->name);
    if (argument->direction == DIR_REQUEST_PORT)
        return kernel() ? "MACH_MSGH_BITS_REMOTE(InP->Head.msgh_bits)"
                        : "MACH_MSGH_BITS_LOCAL(InP->Head.msgh_bits)";
    if (special_value(argument) != NULL)
        return kernel() ? "MACH_MSGH_BITS_LOCAL(InP->Head.msgh_bits)"
                        : "MACH_MSGH_BITS_REMOTE(InP->Head.msgh_bits)";
    return format_string("InP->%s.disposition", argument->name);
}

/* Descriptors whose rights or memory the routine itself gets. */
static int given_count(const struct routine *routine)
{
    int count = 0;

    for (int i = 0; i < routine->request.descriptor_count; i++)
        count += !is_translated(routine->request.descriptors[i]);
    return count;
}

/* Of a simpleroutine in the kernel nobody hears an error; it tells only what was consumed. */
static bool result_is_used(const struct routine *routine)
{
    return !routine->simple || !kernel() || given_count(routine) > 0
        || routine->sreply_port != NULL;
}

static void emit_call(FILE *f, const struct routine *routine)
{
    const char *separator = "";

    fprintf(f, "    %s%s%s(\n        ", result_is_used(routine) ? "Result = " : "",
            routine->server_prefix, routine->name);
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (!is_argument_of(SIDE_SERVER, a))
            continue;
        if (goes_out(a))
            fprintf(f, is_array(a->type) ? "%s(void *)OutP->%s" : "%s&%s", separator, a->name);
        else
            fprintf(f, "%s%s", separator, is_translated(a) ? a->name : raw_value(routine, a));
        separator = ",\n        ";
        if (is_polymorphic(a->type))
            fprintf(f, "%s%s", separator, polymorphic_disposition(a));
        if (has_count(a->type))
            fprintf(f, "%s%s", separator, goes_out(a) ? format_string("&%sCnt", a->name)
                    : arrived_count(&routine->request, a, ITEM_COUNT, "InP"));
    }
    fprintf(f, ");\n");
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (is_argument_of(SIDE_SERVER, a) && a->type->destructor.function != NULL
            && (a->direction == DIR_IN || a->direction == DIR_REQUEST_PORT))
            fprintf(f, "    %s(%s);\n", a->type->destructor.function,
                    is_translated(a) ? a->name : raw_value(routine, a));
    }
}

/* What the routine consumed must not be released with the rest of the request. */
static void emit_consumed(FILE *f, const struct routine *routine)
{
    if (routine->request.descriptor_count == 0 || (kernel() && given_count(routine) == 0))
        return;
    fprintf(f, "    if (Result == KERN_SUCCESS || Result == MIG_NO_REPLY) {\n");
    for (int i = 0; i < routine->request.descriptor_count && routine->translated_ports; i++) {
        const struct argument *a = routine->request.descriptors[i];

        if (is_translated(a))
            continue;
        if (a->type->kind == TYPE_PORT)
            fprintf(f, "        InP->%s.kport = 0;\n", a->name);
        else
            fprintf(f, "        InP->%s.address = 0;\n        InP->%s.%s = 0;\n", a->name, a->name,
                    a->type->kind == TYPE_OUT_OF_LINE ? "size" : "count");
    }
    if (!routine->translated_ports)
        fprintf(f, "        InP->Head.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;\n");
    else if (!kernel())
        fprintf(f, "        mig_release_request(InHeadP);\n");
    fprintf(f, "    }\n");
}

/* No reply: of a simpleroutine, or of a routine that will reply later. */
static void emit_simple_end(FILE *f, const struct routine *routine)
{
    if (kernel()) {
        if (routine->sreply_port != NULL)
            fprintf(f, "    if (Result == KERN_SUCCESS || Result == MIG_NO_REPLY)\n"
                    "        request->ikm_local = MACH_PORT_NULL;\n");
        fprintf(f, "    mig_kernel_error(OutHeadP, MIG_NO_REPLY);\n");
        return;
    }
    if (routine->sreply_port != NULL)
        fprintf(f, "    if (Result == KERN_SUCCESS || Result == MIG_NO_REPLY) {\n"
                "        InP->Head.msgh_remote_port = MACH_PORT_NULL;\n"
                "        InP->Head.msgh_bits &= ~MACH_MSGH_BITS_REMOTE_MASK;\n    }\n");
    fprintf(f, "    if (Result != KERN_SUCCESS && Result != MIG_NO_REPLY)\n"
            "        mig_server_error(InHeadP, OutHeadP, Result);\n"
            "    mig_no_reply(InHeadP, OutHeadP);\n");
}

/* Can a routine return more than it was given room for? */
static bool may_not_fit(const struct message *reply)
{
    for (const struct item *item = reply->items; item != NULL; item = item->next) {
        if (item->kind == ITEM_VALUE
            && (item->argument->type->kind == TYPE_VAR_ARRAY
                || item->argument->type->kind == TYPE_STRING
                || item->argument->type->kind == TYPE_VAR_STRING))
            return true;
    }
    return false;
}

static void emit_reply(FILE *f, const struct routine *routine)
{
    const char *too_large = "goto too_large;";

    if (routine->sreply_port != NULL) {
        fprintf(f, "    if (Result == MIG_NO_REPLY) { /* the routine keeps the reply right */\n");
        if (kernel())
            fprintf(f, "        request->ikm_local = MACH_PORT_NULL;\n");
        else
            fprintf(f, "        InP->Head.msgh_remote_port = MACH_PORT_NULL;\n"
                    "        InP->Head.msgh_bits &= ~MACH_MSGH_BITS_REMOTE_MASK;\n");
        fprintf(f, "    }\n");
    }
    fprintf(f, "    if (Result != KERN_SUCCESS) {\n");
    if (kernel())
        fprintf(f, "        mig_kernel_error(OutHeadP, Result);\n");
    else
        fprintf(f, "        mig_server_error(InHeadP, OutHeadP, Result);\n");
    fprintf(f, "        %s\n    }\n", done());
    emit_pack(f, SIDE_SERVER, &routine->reply, "OutP", too_large);
    fprintf(f, "    OutP->Head.msgh_size = %s;\n", packed_size(&routine->reply));
    if (!may_not_fit(&routine->reply))
        return;
    fprintf(f, "    %s\n\ntoo_large:\n", done());
    if (!kernel())
        fprintf(f, "    mig_server_error(InHeadP, OutHeadP, MIG_ARRAY_TOO_LARGE);\n");
    else if (routine->reply.descriptor_count > 0)
        fprintf(f, "    mig_kernel_reply_too_large(OutHeadP);\n");
    else
        fprintf(f, "    mig_kernel_error(OutHeadP, MIG_ARRAY_TOO_LARGE);\n");
}

static void emit_stub(FILE *f, const struct routine *routine)
{
    const char *refuse;

    if (kernel())
        refuse = format_string("mig_kernel_error(OutHeadP, %s);",
                               routine->simple ? "MIG_NO_REPLY" : "MIG_BAD_ARGUMENTS");
    else
        refuse = format_string("mig_server_error(InHeadP, OutHeadP, MIG_BAD_ARGUMENTS);%s",
                               routine->simple ? "\n    mig_no_reply(InHeadP, OutHeadP);" : "");

    fprintf(f, "\n/* %s %d */\n", routine->simple ? "simpleroutine" : "routine", routine->number);
    fprintf(f, "static %s _X%s(%s, mach_msg_header_t *OutHeadP)\n{\n",
            kernel() ? "void" : "boolean_t", routine->name,
            kernel() ? "ipc_kmsg_t request" : "mach_msg_header_t *InHeadP");
    emit_message_struct(f, &routine->request, "Request");
    if (!routine->simple)
        emit_message_struct(f, &routine->reply, "Reply");
    fprintf(f, "    Request *InP = (Request *)%s;\n", kernel() ? "request->ikm_header" : "InHeadP");
    if (!routine->simple)
        fprintf(f, "    Reply *OutP = (Reply *)OutHeadP;\n");
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (a->direction == DIR_SECTOKEN)
            fprintf(f, "    const mach_msg_security_trailer_t *Trailer;\n");
    }
    if (result_is_used(routine))
        fprintf(f, "    kern_return_t Result;\n");
    if (routine->request.variable || routine->reply.variable)
        fprintf(f, "    mach_msg_size_t Offset;\n");
    emit_walk_locals(f, &routine->request);
    emit_locals(f, routine);
    fprintf(f, "\n    if (MIG_UNLIKELY(");
    emit_shape_check(f, SIDE_SERVER, &routine->request, "InP");
    if (routine->sreply_port != NULL && !routine->simple && !kernel())
        fprintf(f, "\n        || MACH_MSGH_BITS_REMOTE(InP->Head.msgh_bits) "
                "!= MACH_MSG_TYPE_PORT_SEND_ONCE");
    fprintf(f, "))\n        goto refuse;\n");
    emit_walk(f, &routine->request, "InP", "goto refuse;");
    emit_token(f, routine);
    emit_conversions(f, routine);
    emit_call(f, routine);
    emit_consumed(f, routine);
    if (routine->simple)
        emit_simple_end(f, routine);
    else
        emit_reply(f, routine);
    fprintf(f, "    %s\n\nrefuse:\n    %s\n%s}\n", done(), refuse,
            kernel() ? "" : "    return TRUE;\n");
}

/* The table, by id - base, with holes where the .defs file says skip. */
static void emit_table(FILE *f, const char *element_type)
{
    fprintf(f, "\nstatic const %s routines[%d] = {\n", element_type,
            subsystem.end > subsystem.base ? subsystem.end - subsystem.base : 1);
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next)
        fprintf(f, "    [%d] = _X%s,\n", r->number - subsystem.base, r->name);
    fprintf(f, "};\n\n");
}

static unsigned max_reply(void)
{
    unsigned size = HEADER_SIZE + 4;

    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        if (!r->simple && r->reply.max_size > size)
            size = r->reply.max_size;
    }
    return size;
}

static void emit_demultiplexer(FILE *f)
{
    const char *name = subsystem.server_demux != NULL ? subsystem.server_demux
                                                      : format_string("%s_server", subsystem.name);

    fprintf(f, "\ntypedef boolean_t (*%s_stub_t)(mach_msg_header_t *InHeadP, "
            "mach_msg_header_t *OutHeadP);\n", subsystem.name);
    emit_table(f, format_string("%s_stub_t", subsystem.name));
    fprintf(
        f,
        "boolean_t %s(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)\n{\n"
        "    uint32_t index = (uint32_t)InHeadP->msgh_id - %d;\n\n"
        "    OutHeadP->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(InHeadP->msgh_bits), 0);\n"
        "    OutHeadP->msgh_remote_port = InHeadP->msgh_remote_port;\n"
        "    OutHeadP->msgh_local_port = MACH_PORT_NULL;\n"
        "    OutHeadP->msgh_seqno = 0;\n"
        "    OutHeadP->msgh_id = (mach_msg_id_t)(index + %d);\n"
        "    if (MIG_UNLIKELY(index >= %d || routines[index] == 0)) {\n"
        "        OutHeadP->msgh_size = sizeof(mig_reply_error_t);\n"
        "        ((mig_reply_error_t *)OutHeadP)->RetCode = MIG_BAD_ID;\n"
        "        return FALSE;\n    }\n"
        "    return routines[index](InHeadP, OutHeadP);\n}\n",
        name, subsystem.base, subsystem.base + REPLY_ID_OFFSET, subsystem.end - subsystem.base);
}

void write_server(FILE *f, const char *header)
{
    fprintf(f, "/* Server stubs of subsystem %s, made by migcom: do not edit. "
            "See docs/mig.md. */\n", subsystem.name);
    fprintf(f, "#include <%s>\n", kernel() ? "mig_kernel.h" : "mach/mig_support.h");
    emit_includes(f, false, true);
    if (header != NULL)
        fprintf(f, "#include %s\n", header);
    fputc('\n', f);
    emit_size_checks(f, SIDE_SERVER);
    if (header == NULL) {
        for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
            emit_prototype(f, SIDE_SERVER, r);
            fprintf(f, ";\n");
        }
    }
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        emit_stub(f, r);
        if (!kernel() && !r->simple && r->sreply_port != NULL)
            emit_reply_function(f, r);
    }
    if (!kernel()) {
        emit_demultiplexer(f);
        return;
    }
    emit_table(f, "mig_kernel_stub_t");
    fprintf(f, "const struct mig_kernel_subsystem %s_subsystem = {\n    .start = %d,\n"
            "    .end = %d,\n    .max_reply_size = %u,\n    .routines = routines,\n};\n",
            subsystem.name, subsystem.base, subsystem.end, max_reply());
}
