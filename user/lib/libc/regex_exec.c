/*
 * regexec: the search, by all states at once. Read regex_tree.h before.
 *
 * At each place of the text there is a set of states. A match may begin at each place as long as none was
 * found, so a state also says where the match began that led to it; if two lead to the same state, the one
 * that began earlier wins. The set is kept in the order of these beginnings, so who is there first wins.
 */
#include "regex_tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(const struct subject *s, size_t at)
{
    return isalnum(s->text[at]) || s->text[at] == '_';
}

bool __regex_assert(const struct subject *s, int assertion, size_t at)
{
    bool before = at > 0 && is_word(s, at - 1);
    bool behind = at < s->length && is_word(s, at);
    bool lines = s->re->flags & REG_NEWLINE;

    switch (assertion) {
    case ASSERT_BOL:
        return at == 0 ? !(s->flags & REG_NOTBOL) : lines && s->text[at - 1] == '\n';
    case ASSERT_EOL:
        return at == s->length ? !(s->flags & REG_NOTEOL) : lines && s->text[at] == '\n';
    case ASSERT_WORD_START:
        return !before && behind;
    case ASSERT_WORD_END:
        return before && !behind;
    case ASSERT_BOUNDARY:
        return before != behind;
    case ASSERT_NO_BOUNDARY:
        return before == behind;
    case ASSERT_TEXT_START:
        return at == 0;
    default:
        return at == s->length;
    }
}

bool __regex_simulation(struct simulation *sim, const struct regex *re)
{
    size_t n = (size_t)re->length + 1; /* a part may end behind the last instruction */
    char *memory = calloc(n, 2 * sizeof(size_t) + 6 * sizeof(int));

    sim->memory = memory;
    if (memory == NULL)
        return false;
    sim->start_now = (size_t *)memory;
    sim->start_then = sim->start_now + n;
    sim->now.list = (int *)(sim->start_then + n);
    sim->now.place = sim->now.list + n;
    sim->then.list = sim->now.place + n;
    sim->then.place = sim->then.list + n;
    sim->stack = sim->then.place + n; /* two entries an instruction at most */
    return true;
}

/*
 * Adds the state pc, and those that are reached from it without a byte, at the place `at`; not beyond the
 * instruction `to`. Each is on the stack once at most: it is put in the set before.
 */
static void add(const struct subject *s, struct simulation *sim, struct states *states, size_t *starts,
                const struct instruction *program, int pc, int to, size_t at, size_t start)
{
    int depth = 0;

    sim->stack[depth++] = pc;
    while (depth > 0) {
        pc = sim->stack[--depth];
        for (;;) {
            const struct instruction *i = &program[pc];
            int place = states->place[pc];

            if (place < states->count && states->list[place] == pc)
                break;
            states->place[pc] = states->count;
            starts[states->count] = start;
            states->list[states->count++] = pc;
            if (pc == to || i->op == OP_SET || i->op == OP_MATCH || i->op == OP_REF)
                break;
            if (i->op == OP_ASSERT && !__regex_assert(s, i->x, at))
                break;
            if (i->op == OP_SPLIT)
                sim->stack[depth++] = i->y;
            pc = i->op == OP_SPLIT || i->op == OP_JUMP ? i->x : pc + 1;
        }
    }
}

static void swap_states(struct simulation *sim)
{
    struct states states = sim->now;
    size_t *starts = sim->start_now;

    sim->now = sim->then;
    sim->then = states;
    sim->start_now = sim->start_then;
    sim->start_then = starts;
    sim->then.count = 0;
}

void __regex_ends(const struct subject *s, struct simulation *sim, enum direction direction, int from, int to,
                  size_t begin, size_t limit, uint64_t *ends)
{
    const struct instruction *program = s->re->program[direction];
    size_t base = direction == FORWARDS ? begin : limit;

    sim->now.count = 0;
    sim->then.count = 0;
    add(s, sim, &sim->now, sim->start_now, program, from, to, begin, 0);
    for (size_t at = begin; sim->now.count > 0; at += direction == FORWARDS ? 1 : -1) {
        size_t next = direction == FORWARDS ? at + 1 : at - 1;
        unsigned char byte = at == limit ? 0 : s->text[direction == FORWARDS ? at : next];

        for (int n = 0; n < sim->now.count; n++) {
            int pc = sim->now.list[n];

            if (pc == to)
                ends[(at - base) / 64] |= 1ULL << (at - base) % 64;
            else if (at != limit && program[pc].op == OP_SET && set_has(&s->re->sets[program[pc].x], byte))
                add(s, sim, &sim->then, sim->start_then, program, pc + 1, to, next, 0);
        }
        swap_states(sim);
    }
}

/* The leftmost match's longest. */
static bool search(const struct subject *s, struct simulation *sim, regmatch_t *match)
{
    const struct regex *re = s->re;
    const struct instruction *program = re->program[FORWARDS];
    const int to = re->length - 1; /* MATCH */
    bool found = false;

    sim->now.count = 0;
    sim->then.count = 0;
    for (size_t at = 0;; at++) {
        if (!found && sim->now.count == 0 && re->first_known)
            while (at < s->length && !set_has(&re->first_bytes, s->text[at]))
                at++;
        if (!found)
            add(s, sim, &sim->now, sim->start_now, program, 0, to, at, at);
        for (int n = 0; n < sim->now.count; n++) {
            int pc = sim->now.list[n];
            regoff_t start = (regoff_t)sim->start_now[n];

            if (found && start > match->rm_so)
                break;
            if (pc == to) {
                *match = (regmatch_t){start, (regoff_t)at};
                found = true;
            } else if (at < s->length && program[pc].op == OP_SET
                       && set_has(&re->sets[program[pc].x], s->text[at])) {
                add(s, sim, &sim->then, sim->start_then, program, pc + 1, to, at + 1, (size_t)start);
            }
        }
        swap_states(sim);
        if (at >= s->length || (found && sim->now.count == 0))
            return found;
    }
}

/* A pattern with references: each beginning in turn. */
static int search_with_refs(const struct subject *s, regmatch_t *match)
{
    const struct regex *re = s->re;

    for (size_t at = 0; at <= s->length; at++) {
        int error;

        if (re->first_known && (at == s->length || !set_has(&re->first_bytes, s->text[at])))
            continue;
        error = __regex_backtrack(s, at, match);
        if (error != REG_NOMATCH)
            return error;
    }
    return REG_NOMATCH;
}

static int find(const struct subject *s, bool groups, regmatch_t *match)
{
    struct simulation sim;
    int error;

    if (s->re->has_refs)
        return search_with_refs(s, match);
    if (!__regex_simulation(&sim, s->re))
        return REG_ESPACE;
    error = !search(s, &sim, match) ? REG_NOMATCH : groups ? __regex_groups(s, &sim, match) : 0;
    free(sim.memory);
    return error;
}

int regexec(const regex_t *restrict preg, const char *restrict text, size_t match_count,
            regmatch_t match[restrict], int flags)
{
    const struct regex *re = preg->__program;
    struct subject s = {.re = re, .text = (const unsigned char *)text, .flags = flags};
    size_t count = (size_t)re->group_count + 1;
    regoff_t from = 0;
    regmatch_t few[10];
    regmatch_t *all = few;
    int error;

    if (flags & REG_STARTEND) {
        from = match[0].rm_so;
        s.text += from;
        s.length = (size_t)(match[0].rm_eo - from);
    } else {
        s.length = strlen(text);
    }
    if (re->flags & REG_NOSUB)
        match_count = 0;
    if (count > sizeof(few) / sizeof(*few))
        all = reallocarray(NULL, count, sizeof(*all));
    if (all == NULL)
        return REG_ESPACE;
    for (size_t i = 0; i < count; i++)
        all[i] = (regmatch_t){-1, -1};
    error = find(&s, match_count > 1 && count > 1, all);
    for (size_t i = 0; error == 0 && i < match_count; i++) {
        match[i] = i < count ? all[i] : (regmatch_t){-1, -1};
        if (match[i].rm_so >= 0) {
            match[i].rm_so += from;
            match[i].rm_eo += from;
        }
    }
    if (all != few)
        free(all);
    return error;
}
