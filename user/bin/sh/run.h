/*
 * run.h: running a tree. Read sh.h and syntax.h first.
 *
 *   run.c       lists, conditions, loops
 *   simple.c    simple commands: builtin, function or program
 *   pipeline.c  pipelines, subshells, what runs in the background
 *   redirect.c  redirections, and taking them back
 *   function.c  functions, eval, the dot
 */
#ifndef RUN_H
#define RUN_H

#include "syntax.h"

/* Runs the tree; the status. last: this process does nothing else afterwards, so that a program can
 * take its place. */
int run(const struct node *node, bool last);

/* What break, continue and return have asked for: everything up to the loop or function returns. */
extern enum flow { FLOW_NONE, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN } flow;
extern int flow_count;  /* of loops that are left */
extern int loops;       /* that are running in this function */
extern int tested;      /* > 0: a status is looked at, so errexit does not apply */
extern unsigned current_line;
extern const char *current_builtin;

/* simple.c */
int run_simple(const struct node *node, bool last);
/* Looks a program up: where it is, in temporary memory; NULL with errno. */
const char *find_program(const char *name, const char *path);
/* Becomes the program. Does not return. */
void exec_program(char **argv, const char *path) __attribute__((noreturn));
int run_builtin(const struct builtin *builtin, int argc, char **argv);
int builtin_command(int argc, char **argv);
int builtin_type(int argc, char **argv);
int builtin_exec(int argc, char **argv);

/* pipeline.c */
int run_pipeline(const struct node *node, bool last);
int run_background(const struct node *node);

/* redirect.c */
/* Opens them in this process, for good. false: one failed, and was told. */
bool redirect(const struct redirect *list);
/* The same until unwind_pop() (redirect_keep: for good after all). */
struct redirected;
bool redirect_begin(struct redirected *redirected, const struct redirect *list);
struct redirected {
    struct unwind unwind;
    struct saved_fd *saved;
    bool keep;
};
/* A descriptor of the shell's own, out of the way of those that scripts name. */
int move_fd(int fd);

/* function.c */
struct function;
struct function *function_find(const char *name);
void function_define(const struct node *node);
void function_unset(const char *name);
void function_each(void (*visit)(const char *name, void *arg), void *arg);
int function_run(struct function *function, int argc, char **argv);
int builtin_local(int argc, char **argv);
int builtin_dot(int argc, char **argv);
int builtin_eval(int argc, char **argv);
int builtin_break(int argc, char **argv);
int builtin_return(int argc, char **argv);
int builtin_shift(int argc, char **argv);
int builtin_exit(int argc, char **argv);

#endif
