/*
 * Where the groups of a match are. POSIX: each part of the pattern, from left to right, is as long as it can
 * be for the whole to match as it does. So the tree is taken apart along the match. In a concatenation the
 * first part may end at those places which it reaches from the beginning, forwards, and which what follows
 * it reaches from the end, backwards; it ends at the last of them. Read regex_tree.h before.
 */
#include "regex_tree.h"

#include <stdlib.h>
#include <string.h>

struct search {
    const struct subject *s;
    struct simulation *sim;
    regmatch_t *match;
};

static int take_apart(struct search *search, int index, size_t begin, size_t end);

static size_t words_for(size_t begin, size_t end)
{
    return (end - begin) / 64 + 1;
}

/* Can the part from..to of the program be begin..end? 1, 0 or -1: no memory. */
static int matches(struct search *search, int from, int to, size_t begin, size_t end)
{
    uint64_t *ends = calloc(words_for(begin, end), sizeof(*ends));
    int result;

    if (ends == NULL)
        return -1;
    __regex_ends(search->s, search->sim, FORWARDS, from, to, begin, end, ends);
    result = ends[(end - begin) / 64] >> (end - begin) % 64 & 1;
    free(ends);
    return result;
}

/* The last place that is in both sets, which there is; *place counts from their beginning. */
static bool last_in_both(const uint64_t *a, const uint64_t *b, size_t words, size_t *place)
{
    while (words-- > 0) {
        uint64_t both = a[words] & b[words];

        if (both != 0) {
            *place = words * 64 + 63 - (size_t)__builtin_clzll(both);
            return true;
        }
    }
    return false;
}

static int concatenation(struct search *search, const struct node *cat, size_t begin, size_t end)
{
    const struct node *nodes = search->s->re->nodes;
    uint64_t *sets = calloc(2 * words_for(begin, end), sizeof(*sets));
    int error = 0;

    if (sets == NULL)
        return REG_ESPACE;
    for (int child = cat->first; child >= 0 && error == 0; child = nodes[child].next) {
        const struct node *node = &nodes[child];
        size_t words = words_for(begin, end);
        uint64_t *back = sets + words;
        size_t place = end - begin;

        if (node->next >= 0) {
            memset(sets, 0, 2 * words * sizeof(*sets));
            __regex_ends(search->s, search->sim, FORWARDS, node->start[FORWARDS], node->end[FORWARDS], begin,
                         end, sets);
            __regex_ends(search->s, search->sim, BACKWARDS, cat->start[BACKWARDS],
                         nodes[node->next].end[BACKWARDS], end, begin, back);
            last_in_both(sets, back, words, &place);
        }
        if (node->groups)
            error = take_apart(search, child, begin, begin + place);
        begin += place;
    }
    free(sets);
    return error;
}

static int alternatives(struct search *search, const struct node *node, size_t begin, size_t end)
{
    const struct node *nodes = search->s->re->nodes;

    for (int child = node->first; child >= 0; child = nodes[child].next) {
        int result = matches(search, nodes[child].start[FORWARDS], nodes[child].end[FORWARDS], begin, end);

        if (result < 0)
            return REG_ESPACE;
        if (result)
            return nodes[child].groups ? take_apart(search, child, begin, end) : 0;
    }
    return 0;
}

/* The groups are those of the last repetition. An empty one only if there is no other. */
static int repetition(struct search *search, const struct node *star, size_t begin, size_t end)
{
    const struct node *child = &search->s->re->nodes[star->first];
    size_t all = words_for(begin, end);
    size_t first = begin;
    uint64_t *sets;

    if (begin == end) {
        int result = matches(search, child->start[FORWARDS], child->end[FORWARDS], begin, end);

        return result < 0 ? REG_ESPACE : result ? take_apart(search, star->first, begin, end) : 0;
    }
    sets = calloc(2 * all, sizeof(*sets));
    if (sets == NULL)
        return REG_ESPACE;
    /* Where a repetition may end: so that others reach the end from there. By the place in the text. */
    __regex_ends(search->s, search->sim, BACKWARDS, star->start[BACKWARDS], star->end[BACKWARDS], end, begin,
                 sets);
    for (size_t at = begin; at < end;) {
        uint64_t *ends = sets + all;
        size_t last = end;

        memset(ends, 0, words_for(at, end) * sizeof(*ends));
        __regex_ends(search->s, search->sim, FORWARDS, child->start[FORWARDS], child->end[FORWARDS], at, end,
                     ends);
        while (last > at && !(ends[(last - at) / 64] >> (last - at) % 64
                              & sets[(last - begin) / 64] >> (last - begin) % 64 & 1))
            last--;
        first = at;
        at = last > at ? last : end;
    }
    free(sets);
    return take_apart(search, star->first, first, end);
}

static int take_apart(struct search *search, int index, size_t begin, size_t end)
{
    const struct node *node = &search->s->re->nodes[index];

    switch (node->type) {
    case NODE_GROUP:
        search->match[node->value] = (regmatch_t){(regoff_t)begin, (regoff_t)end};
        return search->s->re->nodes[node->first].groups ? take_apart(search, node->first, begin, end) : 0;
    case NODE_CAT:
        return concatenation(search, node, begin, end);
    case NODE_ALT:
        return alternatives(search, node, begin, end);
    case NODE_STAR:
        return repetition(search, node, begin, end);
    default:
        return 0;
    }
}

int __regex_groups(const struct subject *s, struct simulation *sim, regmatch_t *match)
{
    struct search search = {s, sim, match};

    if (!s->re->nodes[s->re->root].groups)
        return 0;
    return take_apart(&search, s->re->root, (size_t)match[0].rm_so, (size_t)match[0].rm_eo);
}
