/*
 * What the tests of user stubs (runtime.h) and of kernel stubs (kernel.c) share: accounts.c, the
 * accounts of rights and memory, and messages.c, which knows what each message looks like and how
 * to spoil it.
 */
#ifndef _MESSAGES_H_
#define _MESSAGES_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mig_errors.h>

/* ---- accounts.c ---- */
extern const char *test_name;
extern int failures;
#define CHECK(condition) check(condition, #condition, __FILE__, __LINE__)
void check(int condition, const char *text, const char *file, int line);

/* Ports have small names; who gives up a right or a region says so. */
enum { NAMES = 128 };
extern int rights[NAMES]; /* of each name: how many there are, in a task or a message */
extern int regions;       /* of out-of-line memory */
void open_accounts(void);
void give(mach_port_name_t name);
void take(mach_port_name_t name);
void *new_region(const void *contents, size_t size);
void free_region(void *address);
boolean_t balanced(void); /* nothing left, nothing given up twice */

static inline mach_msg_descriptor_t *descriptors(mach_msg_header_t *message)
{
    return (mach_msg_descriptor_t *)((mach_msg_base_t *)message + 1);
}
int descriptor_count(mach_msg_header_t *message);
boolean_t moves(uint8_t disposition);
/* Gives up what a descriptor of a message that is not sent would have moved. */
void drop_descriptor(mach_msg_descriptor_t *d);

/* ---- messages.c ---- */
/* A message is what the table says: sizes, places, and zeroes between the values. */
void check_layout(int id, boolean_t reply, char *bytes, mach_msg_size_t size);
/* The next message to spoil is the request or the reply of routine id, in the mutation-th way. */
void begin_spoiling(int id, boolean_t reply, int mutation);
void spoil(mach_msg_header_t *message);
extern boolean_t spoilt; /* was there a mutation of that number */
extern const char *spoilt_how;

#endif
