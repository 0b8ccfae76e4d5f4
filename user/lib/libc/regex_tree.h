/*
 * How a regular expression is worked on; shared by the files regex_*.c.
 *
 *   pattern --regex_parse.c--> tree --regex_compile.c--> two programs for a non-deterministic automaton,
 *   one that reads forwards, one backwards --regex_exec.c--> where the match is --regex_groups.c--> where
 *   its groups are.
 *
 * The automaton is in all its states at once [Thompson 1968], so a search takes time in proportion to the
 * text's length times the pattern's, whatever they are. Of all matches it finds the leftmost, and of those
 * the longest, as POSIX asks. Groups cannot be found so: POSIX wants each part of the pattern, from the
 * left, as long as the whole allows. That is found by taking the tree apart along the match.
 *
 * A pattern with references (\1) is no regular language; those alone are matched by trying all ways
 * (regex_backtrack.c), whose time can grow exponentially, as everywhere.
 *
 * A node of the tree is, in either program, the instructions [start, end): it begins at its first and is
 * through when it reaches the one behind its last. The children of a node come one behind the other in the
 * first program, and in the second in reverse order.
 */
#ifndef _REGEX_TREE_H_
#define _REGEX_TREE_H_

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

enum node_type { NODE_EMPTY, NODE_SET, NODE_ASSERT, NODE_CAT, NODE_ALT, NODE_STAR, NODE_GROUP, NODE_REF };

enum assertion {
    ASSERT_BOL, ASSERT_EOL, ASSERT_WORD_START, ASSERT_WORD_END, ASSERT_BOUNDARY, ASSERT_NO_BOUNDARY,
    ASSERT_TEXT_START, ASSERT_TEXT_END,
};

enum direction { FORWARDS, BACKWARDS };

struct node {
    uint8_t type;
    bool groups;  /* there is a group in it, or it is one */
    int value;    /* SET: index of the set. ASSERT: which. GROUP, REF: which group */
    int first;    /* first child; -1: none */
    int next;     /* next child of the same node; -1: none */
    int start[2]; /* by direction */
    int end[2];
};

struct set { /* of bytes */
    uint32_t bits[8];
};

enum opcode { OP_SET, OP_ASSERT, OP_SPLIT, OP_JUMP, OP_SAVE, OP_REF, OP_MATCH };

struct instruction {
    uint8_t op;
    int x; /* SET, ASSERT, REF: the node's value. SPLIT, JUMP: target. SAVE: 2 * group, + 1 at its end */
    int y; /* SPLIT: second target, less preferred */
};

struct regex {
    struct node *nodes;
    int node_count;
    int node_room;
    struct set *sets;
    int set_count;
    int set_room;
    int root;
    int flags;       /* of regcomp */
    int group_count; /* the whole not counted */
    bool has_refs;
    bool first_known; /* a match begins with a byte of first_bytes */
    struct set first_bytes;
    struct instruction *program[2];
    int length; /* of each program */
};

/* The text a search is in. */
struct subject {
    const struct regex *re;
    const unsigned char *text;
    size_t length;
    int flags; /* of regexec */
};

static inline bool set_has(const struct set *set, unsigned char byte)
{
    return set->bits[byte / 32] >> byte % 32 & 1;
}

static inline void set_add(struct set *set, unsigned char byte)
{
    set->bits[byte / 32] |= 1U << byte % 32;
}

/* Makes the tree of pattern. 0, or an error of regcomp's; what was made is freed with regfree. */
int __regex_parse(struct regex *re, const char *pattern);
/* A bracket expression, from behind its '[', which is moved behind its ']'. (regex_bracket.c) */
int __regex_bracket(const char **pattern, int flags, struct set *set);
/* Adds the bytes of a class like "alpha", given with its length. false: there is none. */
bool __regex_class(const char *name, size_t length, struct set *set);
/* Makes the programs. 0 or REG_ESPACE. */
int __regex_compile(struct regex *re);
/* Does the assertion hold before byte `at`? */
bool __regex_assert(const struct subject *s, int assertion, size_t at);

/* A set of states: those in list, which also says in which order they came. */
struct states {
    int *list;
    int *place; /* place[pc] < count && list[place[pc]] == pc: pc is in it */
    int count;
};

struct simulation {
    struct states now;
    struct states then;
    size_t *start_now; /* by place in the list: where the match began that led here */
    size_t *start_then;
    int *stack;
    void *memory;
};

/* Memory to simulate with. false: there is none. */
bool __regex_simulation(struct simulation *sim, const struct regex *re);
/*
 * From which places is the part `from` .. `to` of a program through, that begins at place `begin` and does
 * not go beyond `limit` (which is before `begin`, backwards)? Their bits are set in `ends`, bit 0 being the
 * lower of the two.
 */
void __regex_ends(const struct subject *s, struct simulation *sim, enum direction direction, int from, int to,
                  size_t begin, size_t limit, uint64_t *ends);
/* Sets the groups' places, match[1..], the whole being match[0]. 0 or REG_ESPACE. */
int __regex_groups(const struct subject *s, struct simulation *sim, regmatch_t *match);
/* The match of a pattern with references, all groups. 0, REG_NOMATCH, REG_ESPACE. */
int __regex_backtrack(const struct subject *s, size_t begin, regmatch_t *match);

#endif
