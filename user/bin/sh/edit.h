/*
 * edit.h: the line that is typed. Read sh.h first.
 *
 *   edit.c      keys to changes of the line
 *   screen.c    the line on the terminal
 *   history.c   lines that were typed before
 *   complete.c  the names that what is typed may become
 *
 * While a line is typed the terminal is in raw mode, and is put back for the command. On standard
 * input that is no terminal which can do that, lines are read as they come.
 */
#ifndef EDIT_H
#define EDIT_H

#include "syntax.h"

/* source.more of a terminal: one line. */
bool edit_more(struct source *source);
void edit_begin(void);
void edit_end(void);
/* End of file was typed: does the shell end? */
bool edit_at_end(void);
int builtin_history(int argc, char **argv);

#endif
