/* From the tree to the programs; regcomp and regfree. Read regex_tree.h before. */
#include "regex_tree.h"

#include <stdlib.h>
#include <string.h>

/* Instructions that a node takes: by compile(), below. */
static int length_of(const struct regex *re, const struct node *node)
{
    int length = 0;

    for (int child = node->first; child >= 0; child = re->nodes[child].next)
        length += length_of(re, &re->nodes[child]) + (node->type == NODE_ALT ? 2 : 0);
    switch (node->type) {
    case NODE_SET:
    case NODE_ASSERT:
    case NODE_REF:
        return 1;
    case NODE_ALT:
        return length - 2; /* the last has neither split nor jump */
    case NODE_STAR:
    case NODE_GROUP:
        return length + 2;
    default:
        return length;
    }
}

struct output {
    struct regex *re;
    struct instruction *program;
    int at;
    enum direction direction;
};

static int emit(struct output *out, int op, int x, int y)
{
    out->program[out->at] = (struct instruction){(uint8_t)op, x, y};
    return out->at++;
}

static void compile(struct output *out, int index);

/* One after the other; backwards the last is first, and where each begins follows from the lengths of those
 * behind it. */
static void compile_sequence(struct output *out, const struct node *node)
{
    int at = out->at + length_of(out->re, node);

    for (int child = node->first; child >= 0; child = out->re->nodes[child].next) {
        if (out->direction == BACKWARDS) {
            at -= length_of(out->re, &out->re->nodes[child]);
            out->at = at;
        }
        compile(out, child);
    }
}

static void compile_alternatives(struct output *out, const struct node *node)
{
    int jumps = -1; /* a list through x */
    int end;

    for (int child = node->first; child >= 0; child = out->re->nodes[child].next) {
        bool last = out->re->nodes[child].next < 0;
        int split = last ? -1 : emit(out, OP_SPLIT, out->at + 1, 0);

        compile(out, child);
        if (!last) {
            jumps = emit(out, OP_JUMP, jumps, 0);
            out->program[split].y = out->at;
        }
    }
    for (end = out->at; jumps >= 0;) {
        int next = out->program[jumps].x;

        out->program[jumps].x = end;
        jumps = next;
    }
}

static void compile(struct output *out, int index)
{
    struct node *node = &out->re->nodes[index];
    int start = out->at;
    int end = start + length_of(out->re, node);

    switch (node->type) {
    case NODE_SET:
        emit(out, OP_SET, node->value, 0);
        break;
    case NODE_ASSERT:
        emit(out, OP_ASSERT, node->value, 0);
        break;
    case NODE_REF:
        emit(out, OP_REF, node->value, 0);
        break;
    case NODE_CAT:
        compile_sequence(out, node);
        break;
    case NODE_ALT:
        compile_alternatives(out, node);
        break;
    case NODE_STAR:
        emit(out, OP_SPLIT, start + 1, end);
        compile(out, node->first);
        emit(out, OP_JUMP, start, 0);
        break;
    case NODE_GROUP:
        emit(out, OP_SAVE, 2 * node->value, 0);
        compile(out, node->first);
        emit(out, OP_SAVE, 2 * node->value + 1, 0);
        break;
    }
    out->at = end;
    node->start[out->direction] = start;
    node->end[out->direction] = end;
}

/* Which bytes may come first? Not known if the empty text may match. */
static bool find_first(struct regex *re, bool *seen, int pc)
{
    while (!seen[pc]) {
        const struct instruction *i = &re->program[FORWARDS][pc];

        seen[pc] = true;
        switch (i->op) {
        case OP_MATCH:
        case OP_REF:
            return false;
        case OP_SET:
            for (int word = 0; word < 8; word++)
                re->first_bytes.bits[word] |= re->sets[i->x].bits[word];
            return true;
        case OP_SPLIT:
            if (!find_first(re, seen, i->x))
                return false;
            pc = i->y;
            break;
        case OP_JUMP:
            pc = i->x;
            break;
        default:
            pc++;
        }
    }
    return true;
}

int __regex_compile(struct regex *re)
{
    int length = length_of(re, &re->nodes[re->root]) + 1;
    bool *seen = calloc((size_t)length, sizeof(*seen));

    for (enum direction d = FORWARDS; d <= BACKWARDS; d++) {
        struct output out = {.re = re, .direction = d};

        out.program = calloc((size_t)length, sizeof(*out.program));
        re->program[d] = out.program;
        if (out.program == NULL || seen == NULL) {
            free(seen);
            return REG_ESPACE;
        }
        compile(&out, re->root);
        emit(&out, OP_MATCH, 0, 0);
    }
    re->length = length;
    re->first_known = find_first(re, seen, 0);
    free(seen);
    return 0;
}

static void free_regex(struct regex *re)
{
    free(re->nodes);
    free(re->sets);
    free(re->program[FORWARDS]);
    free(re->program[BACKWARDS]);
    free(re);
}

int regcomp(regex_t *restrict preg, const char *restrict pattern, int flags)
{
    struct regex *re = calloc(1, sizeof(*re));
    int error;

    preg->__program = NULL;
    if (re == NULL)
        return REG_ESPACE;
    re->flags = flags;
    error = __regex_parse(re, pattern);
    if (error == 0)
        error = __regex_compile(re);
    if (error != 0) {
        free_regex(re);
        return error;
    }
    preg->re_nsub = (size_t)re->group_count;
    preg->__program = re;
    return 0;
}

void regfree(regex_t *preg)
{
    if (preg->__program != NULL)
        free_regex(preg->__program);
    preg->__program = NULL;
}
