/*
 * Jumps out of functions. What is kept: x19-x30, sp, d8-d15 (the callee's part of the AAPCS64); by
 * sigsetjmp, if save is not 0, the signal mask too. A jump out of a signal's handler may use any.
 */
#ifndef _SETJMP_H_
#define _SETJMP_H_

#include <stdint.h>

typedef uint64_t jmp_buf[24];
typedef jmp_buf sigjmp_buf;

int setjmp(jmp_buf env) __attribute__((returns_twice));
void longjmp(jmp_buf env, int value) __attribute__((noreturn));
int _setjmp(jmp_buf env) __attribute__((returns_twice));
int sigsetjmp(sigjmp_buf env, int save) __attribute__((returns_twice));
void siglongjmp(sigjmp_buf env, int value) __attribute__((noreturn));
void _longjmp(jmp_buf env, int value) __attribute__((noreturn));

#endif
