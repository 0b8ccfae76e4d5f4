/*
 * sh.h: what all parts of the shell share. POSIX's Shell Command Language (XCU chapter 2).
 *
 *   source.c, lex.c, skip.c, parse.c, command.c   text -> a tree of commands (syntax.h)
 *   expand.c, param.c, substitute.c, arith.c, fields.c   words -> arguments (expand.h)
 *   run.c, simple.c, pipeline.c, redirect.c, function.c  the tree -> processes (run.h)
 *   job.c, jobname.c, jobport.c, jobcontrol.c     jobs, and the ports of their tasks (job.h)
 *   builtin.c, and what it names                  commands that run in the shell itself
 *   var.c, option.c, trap.c, alias.c              what the shell remembers
 *   edit.c, screen.c, history.c, complete.c       the line that is typed (edit.h)
 *   memory.c, error.c                             what all that stands on
 *   main.c                                        where commands come from
 *
 * Memory. What is made while a command runs (fields, texts) is temporary: temp_alloc, given back
 * in one piece when the command has run. Trees live in an arena of their own (struct program),
 * since a function outlives its definition. The rest is malloc's.
 *
 * Errors. throw() goes to the catcher that was set up last, and undoes what was begun since
 * (struct unwind): redirections, variables of one command, a function's parameters. An interactive
 * shell catches at the prompt; in another nobody does, and it ends, as POSIX has it.
 */
#ifndef SH_H
#define SH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What runs before the first prompt, on pages of its own: each page of the program is read from the disk
 * when it is first touched, and the start waits for that. */
#define AT_START __attribute__((section(".text.at_start")))

/* ---- memory.c ---- */
struct arena {
    struct block *blocks;
};
void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *s, size_t length); /* with a NUL behind */
void arena_free(struct arena *arena);

/* The temporary one, which is a stack. */
extern struct arena temp;
struct mark {
    struct block *block;
    size_t used;
};
void *temp_alloc(size_t size);
char *temp_copy(const char *s, size_t length);
char *temp_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct mark temp_mark(void);
void temp_release(struct mark mark);

/* malloc and friends that throw when there is no memory. */
void *need(void *p);
char *copy_string(const char *s);

/* A text that grows, in temporary memory. */
struct text {
    char *bytes; /* NUL behind them; NULL: nothing yet */
    size_t length, room;
};
void text_add(struct text *text, char c);
void text_append(struct text *text, const char *s, size_t length);
const char *text_string(struct text *text);

/* ---- error.c ---- */
struct unwind {
    struct unwind *outer;
    void (*undo)(struct unwind *);
};
void unwind_push(struct unwind *unwind, void (*undo)(struct unwind *));
void unwind_pop(void); /* undoes it: also the way out when all went well */

struct catcher {
    jmp_buf env;
    struct catcher *outer;
    struct unwind *unwind;
    struct mark mark;
    int tested, loops;
};
/* catch(&c) == 0: the first time; every throw until uncatch() makes it return again, with 1. */
#define catch(c) (catch_begin(c), setjmp((c)->env))
void catch_begin(struct catcher *catcher);
void uncatch(struct catcher *catcher);
/* With $? = status. */
void throw(int status) __attribute__((noreturn));
/* A child process: nobody outside catches, nothing is undone. */
void catch_forget(void);

/* "sh: LINE: words" on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, and throw(2). */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Like complain, named after the builtin that runs; returns 1. */
int builtin_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- var.c ---- */
enum { VAR_EXPORT = 1, VAR_READONLY = 2 };
struct variable {
    struct variable *next;
    char *value; /* NULL: unset, but exported or read-only */
    int flags;
    char name[];
};
extern char **positional; /* $1.., malloc'ed, NULL behind them */
extern int positional_count;
extern const char *script_name; /* $0 */
bool is_name(const char *s, size_t length);
void var_init(char **environment);
const char *var_get(const char *name); /* NULL: unset */
/* Throws if the variable is read-only. value NULL: unset. */
void var_set(const char *name, const char *value);
void var_set_flags(const char *name, int flags);
void var_unset(const char *name);
struct variable *var_find(const char *name);
/* NAME=value in temporary memory, of all that are exported. */
char **var_environment(void);
/* All, sorted by name: NULL behind the last. Temporary memory. */
struct variable **var_sorted(void);
/* The value, quoted so that the shell reads it back. */
const char *quote_value(const char *value);
void set_positional(int count, char **values); /* copies them */
/* A variable's state, to be put back by an unwinding. */
struct saved_variable {
    struct saved_variable *next;
    char *value;
    int flags;
    bool existed;
    char name[];
};
void var_save(struct saved_variable **list, const char *name);
void var_restore(struct saved_variable **list);

/* ---- getopts.c ---- */
int builtin_getopts(int argc, char **argv);
extern int getopts_offset; /* in the word that OPTIND is at: of the next letter; 0: OPTIND was set */

/* ---- option.c ---- */
enum option { OPT_ALLEXPORT, OPT_NOTIFY, OPT_NOCLOBBER, OPT_ERREXIT, OPT_NOGLOB, OPT_INTERACTIVE,
              OPT_MONITOR, OPT_NOEXEC, OPT_STDIN, OPT_NOUNSET, OPT_VERBOSE, OPT_XTRACE,
              OPT_IGNOREEOF, OPT_EMACS, OPTIONS };
extern bool options[OPTIONS];
/* Takes options off argv (from argv[1]); the index of the first word that is none. Throws. *minus_c:
 * -c was there (NULL: not allowed). */
int option_parse(int argc, char **argv, bool *minus_c);
const char *option_letters(void); /* $- */
int builtin_set(int argc, char **argv);

/* ---- trap.c ---- */
void trap_init(void);
void trap_child(void);   /* in a child: what is trapped is as it was at the start again */
void trap_run(void);     /* runs what has come in since */
void trap_exit(void);    /* runs EXIT's, once */
bool trap_any(void);     /* is there one that a process must live for? */
bool trap_pending(void);
int trap_status(void);   /* of what was interrupted by the signal that is pending */
int signal_number(const char *name); /* "INT", "SIGINT", "2"; -1 */
const char *signal_name(int signal); /* "INT"; NULL */
int builtin_trap(int argc, char **argv);
/* An interactive shell does not die of what is typed. */
void trap_interactive(void);
/* The default again for what trap_interactive changed: in a child that becomes a job. */
void trap_job(void);
/* ^C came while the shell was busy: throws to the prompt. */
void check_interrupt(void);

/* ---- alias.c ---- */
const char *alias_get(const char *name);
int builtin_alias(int argc, char **argv);
int builtin_unalias(int argc, char **argv);
/* Calls visit for each alias's name. */
void alias_each(void (*visit)(const char *name, void *arg), void *arg);

/* ---- builtin.c ---- */
struct builtin {
    const char *name;
    int (*run)(int argc, char **argv);
    bool special; /* XCU 2.14: errors end the shell, assignments stay */
};
const struct builtin *builtin_find(const char *name);
const struct builtin *builtin_all(size_t *count);

/* ---- main.c ---- */
extern bool interactive;
extern pid_t shell_pid;  /* $$ */
extern int last_status;  /* $? */
/* Parses and runs a text. name: for messages; NULL: as now. The last status, 0 if nothing ran. */
int run_string(const char *text, const char *name);
/* The same for a file. Throws if it cannot be read. */
int run_file(const char *path);
/* Ends the shell: EXIT's trap, then exit. */
void exit_shell(int status) __attribute__((noreturn));

#endif
