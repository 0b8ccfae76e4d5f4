/* Names nobody has. */
#ifndef _MKTEMP_H_
#define _MKTEMP_H_

/*
 * Replaces the six X's before the last suffix_length bytes of template until make(template, argument) does
 * not fail with EEXIST; returns what it returned. EINVAL: there are no six X's.
 */
int __mktemp(char *template, int suffix_length, int (*make)(char *name, void *argument), void *argument);

#endif
