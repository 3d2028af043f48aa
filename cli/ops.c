/*
 * cli/ops.c - keisan ops: the operations, from their definitions and their headers.
 */
#include "ops.h"
#include "commands.h"
#include "output.h"

#include <string.h>

/* ---- what is known of an operation --------------------------------------------------------------------- */

static const entry entries[] = {
#include "builders.h"
};

const entry *ops_entry(const char *name)
{
    static const entry unknown = {"", "", ""};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (!strcmp(entries[i].name, name))
            return &entries[i];
    }
    return &unknown;
}

bool ops_input(const ks_op *op, int i, input *in)
{
    const char *name = op->inputs ? op->inputs : "", *letter = op->types ? op->types : "";
    for (; *letter && *letter != '>'; i--) {
        int length = (int)strcspn(name, " ");
        *in = (input){length ? name : "x", length ? length : 1, *letter, letter[1] == '+'};
        if (i == 0)
            return true;
        letter += 1 + in->more;
        name += length;
        name += strspn(name, " ");
    }
    return false;
}

char ops_result(const ks_op *op)
{
    const char *arrow = strchr(op->types ? op->types : "", '>');
    return arrow ? arrow[1] : 0;
}

/* ---- its example --------------------------------------------------------------------------------------- */

/* In a saved graph each node has a line of its own; the example is the last. */
static void find_node(example *e)
{
    const char *end = e->buffer.data + e->buffer.size;
    for (const char *line = e->buffer.data, *stop; line < end; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            return;
        if (strncmp(line, "  {\"name\":", 10) != 0)
            continue;
        e->json = line + 2;
        e->length = (int)(stop - e->json);
        while (e->json[e->length - 1] == ',' || e->json[e->length - 1] == ']')
            e->length--;
    }
}

example ops_example(const ks_op *op)
{
    example e = {.graph = ks_graph_new(NULL)};
    e.node = e.graph && op->example ? op->example(e.graph) : NULL;
    const ks_save_options options = {.size = sizeof options, .outputs = &e.node, .output_count = 1, .without_values = true};
    if (e.node && ks_save_to(e.graph, ks_buffer_writer(&e.buffer), &options))
        find_node(&e);
    if (!e.json)
        e.node = NULL;
    return e;
}

void ops_example_free(example *e)
{
    ks_buffer_free(&e->buffer);
    ks_graph_free(e->graph);
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static void list(void)
{
    const char *family = "";
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        const entry *e = ops_entry(op->name);
        if (strcmp(e->family, family) != 0)
            printf("%s%s\n", i ? "\n" : "", e->family);
        family = e->family;
        printf("  %-32s %s\n", op->name, op->formula);
    }
}

static void list_json(void)
{
    printf("{\"operations\": [");
    for (int i = 0; i < ks_op_count(); i++) {
        printf("%s", i ? ",\n  " : "\n  ");
        ops_put_json(ks_op_at(i));
    }
    printf("]}\n");
}

/* ---- the command --------------------------------------------------------------------------------------- */

static const char *nearest(const char *name)
{
    const char *best = NULL;
    int least = word_reach(name) + 1;
    for (int i = 0; i < ks_op_count(); i++) {
        int distance = word_distance(name, ks_op_at(i)->name);
        if (distance < least) {
            least = distance;
            best = ks_op_at(i)->name;
        }
    }
    return best;
}

static int run(const args *a)
{
    if (!a->files.count) {
        (a->json ? list_json : list)();
        return DONE;
    }
    const char *name = a->files.at[0];
    const ks_op *op = ks_op_find(NULL, name);
    if (op) {
        (a->json ? ops_put_json : ops_put_text)(op);
        if (a->json)
            putchar('\n');
        return DONE;
    }
    const char *best = nearest(name);
    if (best)
        complain("ops: no operation %s: did you mean %s?", name, best);
    else
        complain("ops: no operation %s: 'keisan ops' lists them", name);
    return BAD_INPUT;
}

static const option options[] = {
    {"json", OPTION_FLAG, FIELD(json), NULL, "as one JSON object"},
    {0},
};

const command ops_command = {
    .name = "ops",
    .usage = "[NAME]",
    .summary = "Lists the operations, or explains one",
    .doc = "In a derivative u is the upstream derivative; there is one formula for each input.",
    .options = options,
    .least = 0,
    .most = 1,
    .run = run,
};
