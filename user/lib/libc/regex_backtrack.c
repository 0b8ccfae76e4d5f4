/*
 * Patterns with references: all ways through the program are tried, one after the other, and the longest
 * match is kept; among the longest, the first found, in which each repetition takes what it can. Read
 * regex_tree.h before.
 */
#include "regex_tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BORDER  (-1)
#define ENTERED (-2)

/* What to go back to: an instruction to go on at, or what is to be put back before. */
struct choice {
    int pc;    /* or BORDER of a group, ENTERED of a repetition: in slot */
    int slot;
    size_t at; /* in the text; or the old value to put back */
};

struct walk {
    const struct subject *s;
    struct choice *choices;
    size_t count;
    size_t room;
    regoff_t *slots; /* 2 a group: its borders */
    size_t *entered; /* by instruction: where in the text this SPLIT was last gone through; + 1 */
};

static bool push(struct walk *walk, struct choice choice)
{
    if (walk->count == walk->room) {
        size_t room = walk->room != 0 ? walk->room * 2 : 64;
        struct choice *new = reallocarray(walk->choices, room, sizeof(*new));

        if (new == NULL)
            return false;
        walk->choices = new;
        walk->room = room;
    }
    walk->choices[walk->count++] = choice;
    return true;
}

/* Does the group's text stand at `at`? Its length then, else -1. */
static regoff_t reference(const struct walk *walk, int group, size_t at)
{
    regoff_t so = walk->slots[2 * group];
    regoff_t eo = walk->slots[2 * group + 1];
    const unsigned char *text = walk->s->text;

    if (so < 0 || eo < so || (size_t)(eo - so) > walk->s->length - at)
        return -1;
    for (regoff_t i = 0; i < eo - so; i++) {
        unsigned char a = text[so + i];
        unsigned char b = text[at + (size_t)i];

        if (a != b && !(walk->s->re->flags & REG_ICASE && tolower(a) == tolower(b)))
            return -1;
    }
    return eo - so;
}

/* From pc at `at` until it fails (0), matches (1, *end) or memory ends (-1). */
static int run(struct walk *walk, int pc, size_t at, size_t *end)
{
    const struct regex *re = walk->s->re;

    for (;; pc++) {
        const struct instruction *i = &re->program[FORWARDS][pc];
        regoff_t length;

        switch (i->op) {
        case OP_MATCH:
            *end = at;
            return 1;
        case OP_SET:
            if (at == walk->s->length || !set_has(&re->sets[i->x], walk->s->text[at]))
                return 0;
            at++;
            break;
        case OP_ASSERT:
            if (!__regex_assert(walk->s, i->x, at))
                return 0;
            break;
        case OP_REF:
            length = reference(walk, i->x, at);
            if (length < 0)
                return 0;
            at += (size_t)length;
            break;
        case OP_SAVE:
            if (!push(walk, (struct choice){BORDER, i->x, (size_t)walk->slots[i->x]}))
                return -1;
            walk->slots[i->x] = (regoff_t)at;
            break;
        case OP_JUMP:
            pc = i->x - 1;
            break;
        case OP_SPLIT:
            /* A repetition that took no text is not begun again: it would not end. */
            if (walk->entered[pc] == at + 1) {
                pc = i->y - 1;
                break;
            }
            if (!push(walk, (struct choice){i->y, 0, at})
                || !push(walk, (struct choice){ENTERED, pc, walk->entered[pc]}))
                return -1;
            walk->entered[pc] = at + 1;
            pc = i->x - 1;
            break;
        }
    }
}

static int walk_all(struct walk *walk, size_t begin, regmatch_t *match)
{
    bool found = false;
    int pc = 0;
    size_t at = begin;

    for (;;) {
        size_t end;
        int result = run(walk, pc, at, &end);

        if (result < 0)
            return REG_ESPACE;
        if (result > 0 && (!found || (regoff_t)end > match[0].rm_eo)) {
            found = true;
            for (int g = 1; g <= walk->s->re->group_count; g++)
                match[g] = (regmatch_t){walk->slots[2 * g], walk->slots[2 * g + 1]};
            match[0] = (regmatch_t){(regoff_t)begin, (regoff_t)end};
            if (end == walk->s->length)
                return 0;
        }
        for (;;) {
            struct choice *choice;

            if (walk->count == 0)
                return found ? 0 : REG_NOMATCH;
            choice = &walk->choices[--walk->count];
            if (choice->pc >= 0) {
                pc = choice->pc;
                at = choice->at;
                break;
            }
            if (choice->pc == BORDER)
                walk->slots[choice->slot] = (regoff_t)choice->at;
            else
                walk->entered[choice->slot] = choice->at;
        }
    }
}

int __regex_backtrack(const struct subject *s, size_t begin, regmatch_t *match)
{
    size_t slots = 2 * ((size_t)s->re->group_count + 1);
    struct walk walk = {.s = s};
    int error = REG_ESPACE;

    walk.slots = reallocarray(NULL, slots, sizeof(*walk.slots));
    walk.entered = calloc((size_t)s->re->length, sizeof(*walk.entered));
    if (walk.slots != NULL && walk.entered != NULL) {
        for (size_t i = 0; i < slots; i++)
            walk.slots[i] = -1;
        error = walk_all(&walk, begin, match);
    }
    free(walk.choices);
    free(walk.slots);
    free(walk.entered);
    return error;
}
