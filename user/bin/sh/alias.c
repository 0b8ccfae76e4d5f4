/*
 * Aliases: what is defined. command.c puts them in the place of words. Read sh.h first. XCU 2.3.1.
 */
#include "sh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct alias {
    struct alias *next;
    char *value;
    char name[];
} *aliases; /* sorted */

/* Where name is, or would be. */
static struct alias **place(const char *name)
{
    struct alias **link = &aliases;

    while (*link != NULL && strcmp((*link)->name, name) < 0)
        link = &(*link)->next;
    return link;
}

static bool is_at(struct alias *const *link, const char *name)
{
    return *link != NULL && strcmp((*link)->name, name) == 0;
}

const char *alias_get(const char *name)
{
    struct alias **link = place(name);

    return is_at(link, name) ? (*link)->value : NULL;
}

void alias_each(void (*visit)(const char *name, void *arg), void *arg)
{
    for (struct alias *a = aliases; a != NULL; a = a->next)
        visit(a->name, arg);
}

static void set(const char *name, const char *value)
{
    struct alias **link = place(name), *a;
    char *copy = copy_string(value);

    if (is_at(link, name)) {
        free((*link)->value);
        (*link)->value = copy;
        return;
    }
    a = need(malloc(sizeof(*a) + strlen(name) + 1));
    *a = (struct alias){*link, copy};
    strcpy(a->name, name);
    *link = a;
}

static void print(const struct alias *a)
{
    printf("%s=%s\n", a->name, quote_value(a->value));
}

int builtin_alias(int argc, char **argv)
{
    int status = 0;

    if (argc == 1)
        for (struct alias *a = aliases; a != NULL; a = a->next)
            print(a);
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');

        if (equals != NULL && equals != argv[i])
            set(temp_copy(argv[i], equals - argv[i]), equals + 1);
        else if (alias_get(argv[i]) != NULL)
            print(*place(argv[i]));
        else
            status = builtin_error("%s: not found", argv[i]);
    }
    return status;
}

int builtin_unalias(int argc, char **argv)
{
    int status = 0;

    if (argc > 1 && strcmp(argv[1], "-a") == 0) {
        while (aliases != NULL) {
            struct alias *a = aliases;

            aliases = a->next;
            free(a->value);
            free(a);
        }
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        struct alias **link = place(argv[i]), *a = *link;

        if (!is_at(link, argv[i])) {
            status = builtin_error("%s: not found", argv[i]);
            continue;
        }
        *link = a->next;
        free(a->value);
        free(a);
    }
    return status;
}
