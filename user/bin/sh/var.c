/*
 * Variables, the environment, positional parameters. Read sh.h first.
 */
#include "run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 64

static struct variable *table[BUCKETS];
static size_t variable_count;

char **positional;
int positional_count;
const char *script_name = "sh";
int getopts_offset;

AT_START bool is_name(const char *s, size_t length)
{
    if (length == 0 || isdigit((unsigned char)*s))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    return true;
}

AT_START static struct variable **bucket(const char *name)
{
    unsigned hash = 0;

    while (*name != '\0')
        hash = hash * 31 + (unsigned char)*name++;
    return &table[hash % BUCKETS];
}

AT_START struct variable *var_find(const char *name)
{
    struct variable *v = *bucket(name);

    while (v != NULL && strcmp(v->name, name) != 0)
        v = v->next;
    return v;
}

AT_START const char *var_get(const char *name)
{
    struct variable *v = var_find(name);

    return v != NULL ? v->value : NULL;
}

AT_START static struct variable *find_or_make(const char *name)
{
    struct variable *v = var_find(name), **head;

    if (v != NULL)
        return v;
    v = need(malloc(sizeof(*v) + strlen(name) + 1));
    head = bucket(name);
    *v = (struct variable){.next = *head};
    strcpy(v->name, name);
    *head = v;
    variable_count++;
    return v;
}

static void drop(struct variable *v)
{
    struct variable **link = bucket(v->name);

    while (*link != v)
        link = &(*link)->next;
    *link = v->next;
    free(v->value);
    free(v);
    variable_count--;
}

AT_START void var_set(const char *name, const char *value)
{
    struct variable *v = find_or_make(name);
    char *copy;

    if (v->flags & VAR_READONLY)
        fail("%s: is read only", name);
    copy = value != NULL ? copy_string(value) : NULL;
    free(v->value);
    v->value = copy;
    if (options[OPT_ALLEXPORT] && value != NULL)
        v->flags |= VAR_EXPORT;
    if (strcmp(name, "OPTIND") == 0)
        getopts_offset = 0;
}

AT_START void var_set_flags(const char *name, int flags)
{
    find_or_make(name)->flags |= flags;
}

void var_unset(const char *name)
{
    struct variable *v = var_find(name);

    if (v == NULL)
        return;
    if (v->flags & VAR_READONLY)
        fail("%s: is read only", name);
    drop(v);
}

/* ---- states that are put back ---- */

void var_save(struct saved_variable **list, const char *name)
{
    struct variable *v = var_find(name);
    struct saved_variable *saved = need(malloc(sizeof(*saved) + strlen(name) + 1));

    *saved = (struct saved_variable){.next = *list, .existed = v != NULL};
    strcpy(saved->name, name);
    *list = saved;
    if (v == NULL)
        return;
    saved->flags = v->flags;
    saved->value = v->value != NULL ? copy_string(v->value) : NULL;
}

void var_restore(struct saved_variable **list)
{
    struct saved_variable *saved;

    while ((saved = *list) != NULL) {
        struct variable *v = find_or_make(saved->name);

        *list = saved->next;
        if (saved->existed) {
            free(v->value);
            v->value = saved->value;
            v->flags = saved->flags;
        } else {
            drop(v);
        }
        free(saved);
    }
}

/* ---- the environment ---- */

AT_START void var_init(char **environment)
{
    for (; *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        char *name;

        if (equals == NULL || !is_name(*environment, equals - *environment))
            continue;
        name = temp_copy(*environment, equals - *environment);
        if (strcmp(name, "IFS") == 0 || strcmp(name, "OPTIND") == 0)
            continue; /* a caller shall not change what scripts mean */
        var_set(name, equals + 1);
        var_set_flags(name, VAR_EXPORT);
    }
}

char **var_environment(void)
{
    char **list = temp_alloc((variable_count + 1) * sizeof(*list)), **end = list;

    for (size_t i = 0; i < BUCKETS; i++)
        for (struct variable *v = table[i]; v != NULL; v = v->next)
            if ((v->flags & VAR_EXPORT) && v->value != NULL)
                *end++ = temp_print("%s=%s", v->name, v->value);
    *end = NULL;
    return list;
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(struct variable *const *)a)->name, (*(struct variable *const *)b)->name);
}

struct variable **var_sorted(void)
{
    struct variable **list = temp_alloc((variable_count + 1) * sizeof(*list)), **end = list;

    for (size_t i = 0; i < BUCKETS; i++)
        for (struct variable *v = table[i]; v != NULL; v = v->next)
            *end++ = v;
    *end = NULL;
    qsort(list, end - list, sizeof(*list), compare);
    return list;
}

const char *quote_value(const char *value)
{
    struct text text = {0};

    text_add(&text, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            text_append(&text, "'\"'\"'", 5);
        else
            text_add(&text, *value);
    }
    text_add(&text, '\'');
    return text_string(&text);
}

/* ---- $1... ---- */

void set_positional(int count, char **values)
{
    char **list = need(calloc(count + 1, sizeof(*list)));

    for (int i = 0; i < count; i++)
        list[i] = copy_string(values[i]);
    for (int i = 0; i < positional_count; i++)
        free(positional[i]);
    free(positional);
    positional = list;
    positional_count = count;
    getopts_offset = 0;
}
