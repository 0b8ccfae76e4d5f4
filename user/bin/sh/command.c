/*
 * Tokens to a tree: simple and compound commands. Read syntax.h and parse.c first. XCU 2.9.
 */
#include "syntax.h"

#include <stdlib.h>
#include <string.h>

static const char *const reserved[] = {"!", "{", "}", "case", "do", "done", "elif", "else", "esac",
                                       "fi", "for", "if", "in", "then", "until", "while"};

bool is_reserved(const char *word)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcmp(word, reserved[i]) == 0)
            return true;
    return false;
}

/*
 * The token is a word that an alias may replace. Its text takes the word's place in the source, and
 * the token is read anew. While that text lasts the alias is not looked at again.
 */
bool expand_alias(struct parser *parser)
{
    struct source *source = parser->source;
    struct alias_use *use, **link;
    const char *value;
    size_t length;

    if (!parser->aliases || parser->token != TOK_WORD || is_reserved(parser->word))
        return false;
    for (link = &source->aliases; (use = *link) != NULL;) {
        if (use->end <= parser->start) { /* its text is behind us */
            *link = use->next;
            free(use->name);
            free(use);
        } else if (strcmp(use->name, parser->word) == 0) {
            return false;
        } else {
            link = &use->next;
        }
    }
    value = alias_get(parser->word);
    if (value == NULL)
        return false;
    use = need(calloc(1, sizeof(*use)));
    length = strlen(value);
    source_replace(source, parser->start, value);
    *use = (struct alias_use){source->aliases, copy_string(parser->word), parser->start + length,
                              length > 0 && strchr(" \t", value[length - 1]) != NULL};
    source->aliases = use;
    lex_next(parser);
    return true;
}

/* Does the word follow the text of an alias that ends with a blank? */
static bool behind_blank(const struct parser *parser)
{
    for (const struct alias_use *use = parser->source->aliases; use != NULL; use = use->next)
        if (use->blank && use->end <= parser->start)
            return true;
    return false;
}

static bool is_assignment(const char *word)
{
    const char *equals = strchr(word, '=');

    return equals != NULL && is_name(word, equals - word);
}

/* The token is this reserved word, or it is an error: it is expected for what opened at line. */
static void expect_word(struct parser *parser, const char *word, const char *opened, unsigned line)
{
    if (!at_word(parser, word))
        unexpected(parser, temp_print("\"%s\"", word), opened, line);
    lex_next(parser);
}

static struct node *parse_group(struct parser *parser)
{
    struct node *node = new_node(parser, ND_GROUP);

    lex_next(parser);
    node->left = parse_commands(parser, "{");
    expect_word(parser, "}", "{", node->line);
    return node;
}

static struct node *parse_subshell(struct parser *parser)
{
    struct node *node = new_node(parser, ND_SUBSHELL);

    lex_next(parser);
    node->left = parse_commands(parser, "(");
    if (parser->token != TOK_RPAREN)
        unexpected(parser, "\")\"", "(", node->line);
    lex_next(parser);
    return node;
}

/* Behind "if" or "elif". line: the "if"'s. */
static struct node *parse_if(struct parser *parser, const char *word, unsigned line)
{
    struct node *node = new_node(parser, ND_IF);

    lex_next(parser);
    node->left = parse_commands(parser, word);
    expect_word(parser, "then", word, node->line);
    node->right = parse_commands(parser, "then");
    if (at_word(parser, "elif")) {
        node->other = parse_if(parser, "elif", line);
        return node;
    }
    if (at_word(parser, "else")) {
        lex_next(parser);
        node->other = parse_commands(parser, "else");
    }
    expect_word(parser, "fi", "if", line);
    return node;
}

static struct node *parse_do(struct parser *parser, const char *opened, unsigned line)
{
    struct node *node;

    expect_word(parser, "do", opened, line);
    node = parse_commands(parser, "do");
    expect_word(parser, "done", opened, line);
    return node;
}

static struct node *parse_loop(struct parser *parser, enum node_kind kind)
{
    struct node *node = new_node(parser, kind);
    const char *word = parser->word;

    lex_next(parser);
    node->left = parse_commands(parser, word);
    node->right = parse_do(parser, word, node->line);
    return node;
}

static struct node *parse_for(struct parser *parser)
{
    struct node *node = new_node(parser, ND_FOR);
    struct word **end = &node->words;

    lex_next(parser);
    if (parser->token != TOK_WORD || !is_name(parser->word, strlen(parser->word)))
        unexpected(parser, "a variable's name", "for", node->line);
    node->name = parser->word;
    lex_next(parser);
    if (parser->token == TOK_SEMI) {
        lex_next(parser);
    } else {
        skip_newlines(parser);
        node->has_in = at_word(parser, "in");
    }
    if (node->has_in) {
        for (lex_next(parser); parser->token == TOK_WORD; lex_next(parser)) {
            *end = new_word(parser);
            end = &(*end)->next;
        }
        if (parser->token != TOK_SEMI && parser->token != TOK_NEWLINE)
            unexpected(parser, "\";\" or a newline", "for", node->line);
        lex_next(parser);
    }
    skip_newlines(parser);
    node->right = parse_do(parser, "for", node->line);
    return node;
}

static struct case_item *parse_case_item(struct parser *parser, unsigned line)
{
    struct case_item *item = arena_alloc(parser->arena, sizeof(*item));
    struct word **end = &item->patterns;

    *item = (struct case_item){0};
    if (parser->token == TOK_LPAREN)
        lex_next(parser);
    for (;;) {
        if (parser->token != TOK_WORD)
            unexpected(parser, "a pattern or \"esac\"", "case", line);
        *end = new_word(parser);
        end = &(*end)->next;
        lex_next(parser);
        if (parser->token != TOK_PIPE)
            break;
        lex_next(parser);
    }
    if (parser->token != TOK_RPAREN)
        unexpected(parser, "\")\"", "case", line);
    lex_next(parser);
    item->body = parse_list(parser);
    return item;
}

static struct node *parse_case(struct parser *parser)
{
    struct node *node = new_node(parser, ND_CASE);
    struct case_item **end = &node->items;

    lex_next(parser);
    if (parser->token != TOK_WORD)
        unexpected(parser, "a word", "case", node->line);
    node->words = new_word(parser);
    lex_next(parser);
    skip_newlines(parser);
    expect_word(parser, "in", "case", node->line);
    skip_newlines(parser);
    while (!at_word(parser, "esac")) {
        *end = parse_case_item(parser, node->line);
        end = &(*end)->next;
        if (parser->token != TOK_DSEMI)
            break;
        lex_next(parser);
        skip_newlines(parser);
    }
    if (!at_word(parser, "esac"))
        unexpected(parser, "\";;\" or \"esac\"", "case", node->line);
    lex_next(parser);
    return node;
}

/* Behind "name (": the body is any compound command. */
static struct node *parse_function(struct parser *parser, char *name)
{
    struct node *node = new_node(parser, ND_FUNCTION);

    node->name = name;
    node->program = parser->program;
    lex_next(parser);
    if (parser->token != TOK_RPAREN)
        unexpected(parser, "\")\"", name, node->line);
    if (!is_name(name, strlen(name)))
        syntax_error(parser->source, node->line, "\"%s\" cannot be the name of a function", name);
    lex_next(parser);
    skip_newlines(parser);
    if (!begins_command(parser))
        unexpected(parser, "the function's body", name, node->line);
    node->left = parse_command(parser);
    return node;
}

static struct node *parse_simple(struct parser *parser)
{
    struct node *node = new_node(parser, ND_SIMPLE);
    struct word **words = &node->words, **assignments = &node->assignments;
    struct redirect **redirects = &node->redirects;

    for (;;) {
        if (parser->token == TOK_REDIRECT) {
            *redirects = parse_redirect(parser);
            redirects = &(*redirects)->next;
        } else if (parser->token == TOK_WORD && node->words == NULL
                   && is_assignment(parser->word)) {
            *assignments = new_word(parser);
            assignments = &(*assignments)->next;
            lex_next(parser);
        } else if (parser->token == TOK_WORD) {
            if (node->words == NULL && (node->assignments != NULL || node->redirects != NULL)
                && expand_alias(parser))
                continue; /* the command's name may be one behind assignments, too */
            if (node->words != NULL && behind_blank(parser) && expand_alias(parser))
                continue;
            *words = new_word(parser);
            words = &(*words)->next;
            lex_next(parser);
        } else if (parser->token == TOK_LPAREN && node->words != NULL && node->words->next == NULL
                   && node->assignments == NULL && node->redirects == NULL) {
            return parse_function(parser, node->words->text);
        } else {
            return node;
        }
    }
}

static struct node *parse_compound(struct parser *parser)
{
    if (parser->token == TOK_LPAREN)
        return parse_subshell(parser);
    if (at_word(parser, "{"))
        return parse_group(parser);
    if (at_word(parser, "if"))
        return parse_if(parser, "if", parser->line);
    if (at_word(parser, "while"))
        return parse_loop(parser, ND_WHILE);
    if (at_word(parser, "until"))
        return parse_loop(parser, ND_UNTIL);
    if (at_word(parser, "for"))
        return parse_for(parser);
    if (at_word(parser, "case"))
        return parse_case(parser);
    return NULL;
}

struct node *parse_command(struct parser *parser)
{
    struct node *node = parse_compound(parser);

    if (node == NULL)
        return parse_simple(parser);
    node->redirects = parse_redirects(parser);
    if (parser->token == TOK_WORD && !is_reserved(parser->word))
        unexpected(parser, "the command's end", NULL, 0);
    return node;
}
