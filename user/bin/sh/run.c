/*
 * The tree to actions: lists, conditions, loops. Read run.h first. XCU 2.9.
 */
#include "run.h"

#include "expand.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum flow flow;
int flow_count;
int loops;
int tested;
unsigned current_line;

/* A condition: its status is looked at, so it ends nothing. */
static int run_tested(const struct node *node)
{
    int status;

    tested++;
    status = run(node, false);
    tested--;
    return status;
}

/* A turn of a loop is over. Is the loop? */
static bool loop_ends(void)
{
    if (flow == FLOW_NONE)
        return false;
    if (flow == FLOW_RETURN || --flow_count > 0)
        return true;
    if (flow == FLOW_BREAK) {
        flow = FLOW_NONE;
        return true;
    }
    flow = FLOW_NONE;
    return false;
}

static int run_while(const struct node *node)
{
    int status = 0;

    loops++;
    for (;;) {
        int condition = run_tested(node->left);

        if (flow != FLOW_NONE) {
            if (flow == FLOW_RETURN)
                status = condition;
            if (loop_ends())
                break;
            continue;
        }
        if ((condition == 0) == (node->kind == ND_UNTIL))
            break;
        status = run(node->right, false);
        if (loop_ends())
            break;
    }
    loops--;
    return status;
}

static int run_for(const struct node *node)
{
    int status = 0, count;
    char **values;

    if (node->has_in) {
        values = expand_words(node->words, &count);
    } else {
        static struct word all = {NULL, "\"$@\""};

        values = expand_words(&all, &count);
    }
    loops++;
    for (int i = 0; i < count; i++) {
        var_set(node->name, values[i]);
        status = run(node->right, false);
        if (loop_ends())
            break;
    }
    loops--;
    return status;
}

static int run_case(const struct node *node, bool last)
{
    const char *subject = expand_one(node->words->text);

    for (const struct case_item *item = node->items; item != NULL; item = item->next)
        for (const struct word *word = item->patterns; word != NULL; word = word->next)
            if (fnmatch(expand_pattern(word->text), subject, 0) == 0)
                return item->body != NULL ? run(item->body, last) : 0;
    return 0;
}

static int run_if(const struct node *node, bool last)
{
    int status = run_tested(node->left);

    if (flow != FLOW_NONE)
        return status;
    if (status == 0)
        return run(node->right, last);
    return node->other != NULL ? run(node->other, last) : 0;
}

static int run_and_or(const struct node *node, bool last)
{
    int status = run_tested(node->left);

    if (flow != FLOW_NONE || (status == 0) == (node->kind == ND_OR))
        return status;
    return run(node->right, last);
}

/* A compound command without its redirections. */
static int run_compound(const struct node *node, bool last)
{
    switch (node->kind) {
    case ND_GROUP:
        return run(node->left, last);
    case ND_IF:
        return run_if(node, last);
    case ND_WHILE:
    case ND_UNTIL:
        return run_while(node);
    case ND_FOR:
        return run_for(node);
    case ND_CASE:
        return run_case(node, last);
    default:
        return 0;
    }
}

static int run_redirected(const struct node *node, bool last)
{
    struct redirected redirected;
    int status = 2;

    if (node->redirects == NULL)
        return run_compound(node, last);
    if (redirect_begin(&redirected, node->redirects))
        status = run_compound(node, false);
    unwind_pop();
    return status;
}

static int run_not(const struct node *node)
{
    int status = run_tested(node->left);

    return flow != FLOW_NONE ? status : !status;
}

/* One node that is no sequence. *failed: errexit applies if the status is not 0. */
static int run_one(const struct node *node, bool last, bool *failed)
{
    *failed = false;
    switch (node->kind) {
    case ND_SIMPLE:
        *failed = true;
        return run_simple(node, last);
    case ND_PIPE:
    case ND_SUBSHELL:
        *failed = true;
        return run_pipeline(node, last);
    case ND_BACKGROUND:
        return run_background(node->left);
    case ND_NOT:
        return run_not(node);
    case ND_AND:
    case ND_OR:
        return run_and_or(node, last);
    case ND_FUNCTION:
        function_define(node);
        return 0;
    default:
        return run_redirected(node, last);
    }
}

int run(const struct node *node, bool last)
{
    for (bool end = false; !end; node = node->right) {
        const struct node *one = node->kind == ND_SEQ ? node->left : node;
        struct mark mark = temp_mark();
        bool failed;

        end = node->kind != ND_SEQ;
        current_line = one->line;
        check_interrupt();
        last_status = run_one(one, last && end, &failed);
        if (failed && last_status != 0 && tested == 0 && options[OPT_ERREXIT] && flow == FLOW_NONE)
            exit_shell(last_status);
        temp_release(mark);
        if (trap_pending())
            trap_run();
        if (flow != FLOW_NONE)
            break;
    }
    return last_status;
}
