/*
 * The headers: prototypes of the client's functions, and of the routines a server has to write.
 * Read mig.h and proto.c before.
 */
#include "mig.h"

void emit_includes(FILE *f, bool user, bool server)
{
    for (const struct import *import = subsystem.imports; import != NULL; import = import->next) {
        if ((import->user && user) || (import->server && server))
            fprintf(f, "#include %s\n", import->file);
    }
}

static void open_header(FILE *f, const char *what, const char *guard)
{
    fprintf(f, "/* %s of subsystem %s, made by migcom: do not edit. See docs/mig.md. */\n"
            "#ifndef _%s_%s_\n#define _%s_%s_\n\n#include <mach/mig_errors.h>\n", what,
            subsystem.name, subsystem.name, guard, subsystem.name, guard);
}

void write_user_header(FILE *f)
{
    open_header(f, "Client's functions", subsystem.kernel_user ? "kernel_user" : "user");
    emit_includes(f, true, false);
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        fprintf(f, "\n/* %s %d */\n", r->simple ? "simpleroutine" : "routine", r->number);
        emit_prototype(f, SIDE_USER, r);
        fprintf(f, ";\n");
    }
    fprintf(f, "\n#endif\n");
}

static void emit_constants(FILE *f)
{
    unsigned request = HEADER_SIZE;
    unsigned reply = HEADER_SIZE + 4;

    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        request = r->request.max_size > request ? r->request.max_size : request;
        reply = r->reply.max_size > reply ? r->reply.max_size : reply;
    }
    fprintf(f, "\n/* Message ids, and the largest messages in bytes (a request's trailer not "
            "counted). */\n"
            "#define %s_subsystem_base %d\n#define %s_subsystem_end %d\n"
            "#define %s_server_max_request %u\n#define %s_server_max_reply %u\n", subsystem.name,
            subsystem.base, subsystem.name, subsystem.end, subsystem.name, request, subsystem.name,
            reply);
}

void write_server_header(FILE *f)
{
    bool kernel = subsystem.kernel_server;

    open_header(f, "Routines", kernel ? "kernel_server" : "server");
    if (kernel)
        fprintf(f, "#include <mig_kernel.h>\n");
    emit_includes(f, false, true);
    emit_constants(f);
    if (kernel)
        fprintf(f, "\nextern const struct mig_kernel_subsystem %s_subsystem;\n", subsystem.name);
    else
        fprintf(f, "\n/*\n * Serves a request: fills in the reply. FALSE, and an error reply "
                "MIG_BAD_ID: no routine has that id,\n * and the request is untouched.\n */\n"
                "boolean_t %s%s(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);\n",
                subsystem.server_demux != NULL ? subsystem.server_demux : subsystem.name,
                subsystem.server_demux != NULL ? "" : "_server");
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        fprintf(f, "\n/* %s %d */\n", r->simple ? "simpleroutine" : "routine", r->number);
        emit_prototype(f, SIDE_SERVER, r);
        fprintf(f, ";\n");
        if (!kernel && !r->simple && r->sreply_port != NULL) {
            fprintf(f, "/* Its reply, later: consumes ReplyPort and what is given with it, sent or "
                    "not; on\n * MIG_ARRAY_TOO_LARGE nothing was sent or consumed. */\n");
            emit_prototype(f, SIDE_REPLY, r);
            fprintf(f, ";\n");
        }
    }
    fprintf(f, "\n#endif\n");
}
