/*
 * Tokens to a tree. Read sh.h first: each function below is a line of its grammar.
 */
#include "sh.h"

#include <ctype.h>
#include <string.h>

static struct node *parse_list(struct lexer *lexer, const char **error, bool nested);

static struct node *new_node(enum node_kind kind, struct node *left, struct node *right)
{
    struct node *node = arena_alloc(sizeof(*node));

    memset(node, 0, sizeof(*node));
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static bool is_reserved(const struct lexer *lexer, const char *word)
{
    return lexer->token == TOK_WORD && strcmp(lexer->word, word) == 0;
}

static bool is_assignment(const char *word)
{
    const char *s = word;

    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    while (isalnum((unsigned char)*s) || *s == '_')
        s++;
    return *s == '=';
}

static struct word *append_word(struct word **list, char *text)
{
    struct word *word = arena_alloc(sizeof(*word));

    word->next = NULL;
    word->text = text;
    while (*list != NULL)
        list = &(*list)->next;
    return *list = word;
}

/* The redirection the lexer stands on. */
static void parse_redirect(struct lexer *lexer, struct node *node, const char **error)
{
    struct redirect *redirect = arena_alloc(sizeof(*redirect)), **link = &node->redirects;

    *redirect = (struct redirect){NULL, lexer->redirect, lexer->fd, NULL};
    lex_next(lexer);
    if (lexer->token != TOK_WORD) {
        *error = "a file name must follow the redirection";
        return;
    }
    redirect->word = lexer->word;
    lex_next(lexer);
    while (*link != NULL)
        link = &(*link)->next;
    *link = redirect;
}

static struct node *parse_compound(struct lexer *lexer, const char **error, bool subshell)
{
    struct node *node = new_node(subshell ? ND_SUBSHELL : ND_GROUP, NULL, NULL);

    lex_next(lexer);
    node->left = parse_list(lexer, error, true);
    if (*error != NULL)
        return NULL;
    if (node->left == NULL || (subshell ? lexer->token != TOK_RPAREN : !is_reserved(lexer, "}"))) {
        *error = subshell ? "( needs a command and )" : "{ needs a command and }";
        return NULL;
    }
    lex_next(lexer);
    while (*error == NULL && lexer->token == TOK_REDIRECT)
        parse_redirect(lexer, node, error);
    return node;
}

static struct node *parse_command(struct lexer *lexer, const char **error)
{
    struct node *node;

    if (lexer->token == TOK_LPAREN)
        return parse_compound(lexer, error, true);
    if (is_reserved(lexer, "{"))
        return parse_compound(lexer, error, false);
    node = new_node(ND_SIMPLE, NULL, NULL);
    while (*error == NULL) {
        if (lexer->token == TOK_REDIRECT) {
            parse_redirect(lexer, node, error);
        } else if (lexer->token == TOK_WORD) {
            bool assignment = node->words == NULL && is_assignment(lexer->word);

            append_word(assignment ? &node->assignments : &node->words, lexer->word);
            lex_next(lexer);
        } else {
            break;
        }
    }
    if (*error == NULL && node->words == NULL && node->assignments == NULL &&
        node->redirects == NULL)
        *error = "a command is missing";
    return node;
}

static struct node *parse_pipeline(struct lexer *lexer, const char **error)
{
    bool negated = is_reserved(lexer, "!");
    struct node *node;

    if (negated)
        lex_next(lexer);
    node = parse_command(lexer, error);
    if (*error == NULL && lexer->token == TOK_PIPE) {
        lex_next(lexer);
        while (lexer->token == TOK_NEWLINE)
            lex_next(lexer);
        node = new_node(ND_PIPE, node, NULL);
        /* A chain to the right: each PIPE's left is one command. */
        for (struct node *tail = node; *error == NULL;) {
            struct node *command = parse_command(lexer, error);

            if (*error != NULL || lexer->token != TOK_PIPE) {
                tail->right = command;
                break;
            }
            lex_next(lexer);
            tail = tail->right = new_node(ND_PIPE, command, NULL);
        }
    }
    return negated ? new_node(ND_NOT, node, NULL) : node;
}

static struct node *parse_and_or(struct lexer *lexer, const char **error)
{
    struct node *node = parse_pipeline(lexer, error);

    while (*error == NULL && (lexer->token == TOK_AND_IF || lexer->token == TOK_OR_IF)) {
        enum node_kind kind = lexer->token == TOK_AND_IF ? ND_AND : ND_OR;

        do
            lex_next(lexer);
        while (lexer->token == TOK_NEWLINE);
        node = new_node(kind, node, parse_pipeline(lexer, error));
    }
    return node;
}

/* nested: inside ( ) or { }, where newlines separate too. */
static struct node *parse_list(struct lexer *lexer, const char **error, bool nested)
{
    struct node *list = NULL;

    for (;;) {
        struct node *node;

        while (nested && lexer->token == TOK_NEWLINE)
            lex_next(lexer);
        if (lexer->token == TOK_EOF || lexer->token == TOK_NEWLINE || lexer->token == TOK_RPAREN ||
            (nested && is_reserved(lexer, "}")))
            return list;
        node = parse_and_or(lexer, error);
        if (*error != NULL)
            return NULL;
        if (lexer->token == TOK_AMP)
            node = new_node(ND_BACKGROUND, node, NULL);
        list = list == NULL ? node : new_node(ND_SEQ, list, node);
        if (lexer->token == TOK_AMP || lexer->token == TOK_SEMI)
            lex_next(lexer);
        else if (!(nested && lexer->token == TOK_NEWLINE))
            return list;
    }
}

struct node *parse_line(struct lexer *lexer, const char **error)
{
    struct node *node;

    *error = NULL;
    lex_next(lexer);
    node = parse_list(lexer, error, false);
    if (*error == NULL && lexer->error != NULL)
        *error = lexer->error;
    if (*error == NULL && lexer->token != TOK_NEWLINE && lexer->token != TOK_EOF)
        *error = lexer->token == TOK_RPAREN ? ") without (" : "a command ends strangely";
    if (*error != NULL)
        while (lexer->token != TOK_NEWLINE && lexer->token != TOK_EOF)
            lex_next(lexer);
    return *error == NULL ? node : NULL;
}
