/*
 * migcom, the interface generator: turns a preprocessed .defs file into C stubs. This header is the
 * map of the tool; docs/mig.md describes the language, the wire format and the generated code.
 *
 *   main.c    options, reading, writing (nothing is written if there was an error)
 *   error.c   diagnostics, and the memory of what the tool keeps until it exits
 *   lexer.c   text -> tokens, following cpp's line markers
 *   type.c    the builtin types, and how a declared type is made of others
 *   scan.c    the parser's view of the tokens    parse_type.c  tokens -> struct type
 *   parser.c  tokens -> struct subsystem (routines, arguments, statements)
 *   check.c   what the grammar cannot say: request ports, directions, names
 *   layout.c  where each argument lies in the request and in the reply
 *   proto.c   C types and parameter lists
 *   pack.c    the C that fills a message        unpack.c  the C that checks and reads one
 *   user.c    client stubs          server.c  server stubs, demultiplexer        header.c  headers
 *   table.c   what every message looks like, for programs
 *
 * Nothing is freed: the tool runs for a few milliseconds.
 */
#ifndef _MIG_H_
#define _MIG_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The sizes of <mach/message.h>, which the generated code is compiled against. */
#define HEADER_SIZE     24
#define BODY_SIZE       8
#define DESCRIPTOR_SIZE 16
#define MESSAGE_MAX     (64 * 1024) /* MACH_MSG_SIZE_MAX */
#define KERNEL_FRAME_MAX 4096       /* message on a kernel stack (KernelUser), which has 8 KiB */
#define REPLY_ID_OFFSET 100

/* ---- error.c ---- */
struct place {
    const char *file;
    int line;
};
extern int error_count;
/* Reports `file:line: error: ...` on stderr and counts it. */
void error_at(struct place place, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the tool with a message that has no place (I/O, memory). */
void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void *allocate(size_t size); /* zeroed; never fails */
char *format_string(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- lexer.c ---- */
enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_PUNCT };
struct token {
    enum token_kind kind;
    const char *text; /* of a string: with its quotes */
    uint64_t number;
    struct place place;
};
void lexer_start(const char *text, const char *file);
struct token lexer_next(void);
/* After the token `<`: the rest of `<file>` as a token, or a TOKEN_END if there is no `>`. */
struct token lexer_rest_of_file_name(void);

/* ---- type.c ---- */
enum type_kind {
    TYPE_SCALAR,
    TYPE_STRUCT,      /* struct[N] of T: passed as one C value */
    TYPE_ARRAY,       /* array[N] of T */
    TYPE_VAR_ARRAY,   /* array[*:N] of T: a count travels with it */
    TYPE_STRING,      /* c_string[N] */
    TYPE_VAR_STRING,  /* c_string[*:N] */
    TYPE_PORT,        /* a port descriptor */
    TYPE_OUT_OF_LINE, /* an out-of-line descriptor */
    TYPE_OUT_OF_LINE_PORTS,
};
#define DISPOSITION_POLYMORPHIC (-1)

struct translation { /* intran, outtran, destructor */
    const char *function;
    const char *result;   /* C type; null for a destructor */
    const char *argument; /* C type */
};

struct type {
    const char *name; /* as declared; null for a type written in place */
    enum type_kind kind;
    const char *unit;    /* C type of the wire's smallest unit, e.g. "uint32_t" */
    unsigned unit_size;  /* bytes; also the alignment on the wire */
    unsigned units;      /* units in one element (1 for a scalar) */
    uint64_t count;      /* elements; of a variable array the most, 0: no bound (out of line) */
    bool variable;       /* out of line: does a count argument go with it */
    struct type *element; /* of arrays */
    int sent;     /* disposition as the sender states it, or DISPOSITION_POLYMORPHIC */
    int received; /* disposition as the receiver sees it */
    bool builtin;
    const char *ctype; /* options, null if not given */
    const char *cuser;
    const char *cserver;
    struct translation in_translation;
    struct translation out_translation;
    struct translation destructor;
    struct place place;
};

void types_init(void);
struct type *type_find(const char *name);
/* Enters a type under its name; reports a second declaration of one that is not builtin. */
void type_declare(struct type *type);
/* Builders. Each returns a fresh type; errors are reported at `place` and give a usable type. */
struct type *type_derive(const struct type *base, struct place place);
struct type *type_port(int sent, struct place place);
struct type *type_struct(uint64_t count, struct type *element, struct place place);
struct type *type_array(bool variable, uint64_t count, struct type *element, struct place place);
struct type *type_string(bool variable, uint64_t count, struct place place);
struct type *type_out_of_line(struct type *target, struct place place);
/* The disposition MACH_MSG_TYPE_x names: 16..21, DISPOSITION_POLYMORPHIC, or 0. */
int disposition_by_name(const char *name);
int disposition_received(int sent);
unsigned element_size(const struct type *type); /* bytes */
bool is_descriptor(const struct type *type);
bool has_count(const struct type *type); /* is there a C argument nameCnt */
bool is_polymorphic(const struct type *type);
const char *describe_type(const struct type *type); /* "a port", for messages */

/* ---- parser.c (with scan.c and parse_type.c): what a .defs file says ---- */
enum direction {
    DIR_NONE, /* not written: in */
    DIR_IN,
    DIR_OUT,
    DIR_INOUT,
    DIR_REQUEST_PORT,
    DIR_REPLY_PORT,  /* seen by both sides */
    DIR_UREPLY_PORT, /* by the client's stub only */
    DIR_SREPLY_PORT, /* by the server's routine only */
    DIR_WAITTIME,
    DIR_SENDTIME,
    DIR_MSGOPTION,
    DIR_MSGSEQNO,
    DIR_SECTOKEN,
    DIR_USECTOKEN, /* the client gets the server's token */
};

struct argument {
    const char *name;
    enum direction direction;
    struct type *type;
    bool dealloc;
    bool physical_copy;
    bool count_in_out;
    bool is_const;
    struct place place;
    struct argument *next;
};

/* One inline value of a message. */
enum item_kind {
    ITEM_VALUE,    /* the argument itself */
    ITEM_COUNT,    /* its count, before it */
    ITEM_ROOM,     /* countinout: in the request, the room the caller has */
    ITEM_RET_CODE, /* in the reply, first */
};
struct item {
    enum item_kind kind;
    struct argument *argument;
    unsigned offset; /* with every variable array at its longest */
    unsigned pad;    /* unused bytes before it */
    bool moved;      /* lies after a variable array: its place is computed at run time */
    struct item *next;
};
struct message {
    int descriptor_count; /* of the arguments with descriptors, in order */
    struct argument **descriptors;
    struct item *items;
    unsigned max_size;  /* with every variable array at its longest, rounded up to 4 */
    unsigned tail_pad;  /* unused bytes at the end of a message of fixed size */
    bool variable;
};

struct routine {
    const char *name;
    bool simple; /* no reply */
    int number;
    struct argument *arguments;
    const char *user_prefix;
    const char *server_prefix;
    const char *waittime;  /* C expressions, null if none */
    const char *sendtime;
    const char *msgoption;
    struct place place;
    /* by check.c */
    struct argument *request_port;
    struct argument *reply_port;  /* the client's, or null */
    struct argument *sreply_port; /* the server's, or null */
    struct argument *waittime_argument;
    struct argument *sendtime_argument;
    struct argument *token_argument; /* usersectoken, or null */
    struct argument *msgoption_argument;
    bool translated_ports; /* an in port is an object to the routine: the stub keeps the right */
    /* by layout.c */
    struct message request;
    struct message reply;
    struct routine *next;
};

struct import {
    const char *file; /* with its quotes or angle brackets */
    bool user;
    bool server;
    struct import *next;
};

struct subsystem {
    const char *name;
    int base;
    int end; /* one past the last id */
    bool kernel_user;
    bool kernel_server;
    const char *server_demux; /* null: NAME_server */
    struct import *imports;
    struct routine *routines;
};
extern struct subsystem subsystem;
void parse(void);

/* ---- check.c, layout.c ---- */
void check_routines(void);
void lay_out_routines(void);
/* What the offset after an item is known to be a multiple of (1..8), if it was so before it. */
unsigned alignment_after(const struct item *item, unsigned known);
bool goes_in(const struct argument *argument);  /* is it carried by the request */
bool goes_out(const struct argument *argument); /* is it carried by the reply */

/* ---- proto.c ---- */
enum side {
    SIDE_USER,   /* the client's stub: requests out, replies in */
    SIDE_SERVER, /* the server's stub: requests in, replies out */
    SIDE_REPLY,  /* name_reply(): the out arguments, given by value */
};
bool side_is_kernel(enum side side);
bool is_argument_of(enum side side, const struct argument *argument);
/* The C type of the argument itself (not of the pointer an out argument is). */
const char *c_type(enum side side, const struct argument *argument);
const char *c_element(const struct type *type);
/* `type name` or `type *name`, for a declaration. */
const char *c_declaration(const char *type, bool pointer, const char *name);
bool passed_by_pointer(enum side side, const struct argument *argument); /* as T *name */
void emit_prototype(FILE *f, enum side side, const struct routine *routine);
/* _Static_asserts that the C types have the sizes the .defs file promises. */
void emit_size_checks(FILE *f, enum side side);

/* ---- pack.c: filling a message ---- */
void emit_message_struct(FILE *f, const struct message *message, const char *name);
/*
 * Fills the message at `var` (a pointer expression) from the stub's arguments, or on the server's
 * side from its locals; arrays of a server's reply were built inside the message by the routine.
 * fail: the statement for a value that does not fit (MIG_ARRAY_TOO_LARGE). Leaves the size in the
 * variable `Offset` if the message is variable.
 */
void emit_pack(FILE *f, enum side side, const struct message *message, const char *var,
               const char *fail);
/* The size of the message just packed, as a C expression. */
const char *packed_size(const struct message *message);

/* ---- unpack.c: checking and reading a message ---- */
/* The conditions that a message has the wrong shape, the first after "if (". */
void emit_shape_check(FILE *f, enum side side, const struct message *message, const char *var);
/* Of those, what is left when bits, size and descriptors are right: strings of a fixed place. */
void emit_string_check(FILE *f, const struct message *message, const char *var);
/* Declares the variables emit_walk sets. */
void emit_walk_locals(FILE *f, const struct message *message);
/*
 * For a variable message: walks it, checking each count against its maximum and against what has
 * arrived, or else executing `fail`.
 */
void emit_walk(FILE *f, const struct message *message, const char *var, const char *fail);
/* What has arrived, as C expressions: of a scalar its value, of anything longer its address. */
const char *arrived_value(const struct message *message, const struct argument *argument,
                          const char *var);
const char *arrived_count(const struct message *message, const struct argument *argument,
                          enum item_kind kind, const char *var);
const char *arrived_port(enum side side, const struct argument *argument, const char *var);
const char *arrived_memory(enum side side, const struct argument *argument, const char *var);

/* ---- user.c, server.c, header.c, table.c: each writes one file ---- */
void write_user(FILE *f, const char *header);
void write_server(FILE *f, const char *header);
void write_user_header(FILE *f);
void write_server_header(FILE *f);
void write_table(FILE *f);
void emit_reply_function(FILE *f, const struct routine *routine); /* user.c; for sreplyport */
void emit_includes(FILE *f, bool user, bool server);              /* header.c */

#endif
