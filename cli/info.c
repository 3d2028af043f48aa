/*
 * cli/info.c - keisan info: nodes, parameters, sizes, and what a step costs.
 *
 * Open dimensions are taken as --batch and inputs as zeros, so that memory can be told without data.
 */
#include "commands.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

/* Functions that are called, each after those that it calls. */
typedef struct functions {
    const ks_function **at;
    int count, capacity;
} functions;

/* What is told besides the nodes. */
typedef struct facts {
    functions functions;
    int64_t batch; /* what open dimensions are taken as */
    int64_t parameters, variables, parameter_bytes;
    int64_t multiply_adds;             /* of matrix products, forward */
    int64_t forward_bytes, step_bytes; /* -1: not known */
    const char *loss;                  /* what the step is taken of; NULL: there is none */
} facts;

static int64_t closed(int64_t dim, int64_t batch)
{
    return dim < 0 ? batch : dim;
}

static int64_t count_of(const ks_node *node, int64_t batch)
{
    ks_shape shape = ks_node_shape(node);
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        if (__builtin_mul_overflow(count, closed(shape.dim[i], batch), &count))
            return INT64_MAX;
    }
    return count;
}

static void count_parameters(const model *m, facts *f)
{
    for (int64_t i = 0; i < ks_variable_count(m->graph); i++) {
        const ks_node *variable = ks_variable_number(m->graph, i);
        if (!ks_is_trainable(variable))
            continue;
        int64_t count = count_of(variable, 1);
        f->variables++;
        f->parameters += count;
        f->parameter_bytes += count * (int64_t)ks_dtype_size(ks_node_dtype(variable));
    }
}

/* A whole number among the node's attributes; 0 if it has none of that name. */
static int64_t attribute(const ks_node *node, const char *name)
{
    const char *attrs = ks_node_attrs(node);
    for (const ks_attr *attr = ks_node_op(node)->attrs; attrs && attr && attr->name; attr++) {
        if (!strcmp(attr->name, name))
            return *(const int64_t *)(attrs + attr->offset);
    }
    return 0;
}

static bool is_set(const ks_node *node, const char *name)
{
    return attribute(node, name) != 0;
}

/* ---- functions ----------------------------------------------------------------------------------------- */

/* The k-th function among the node's attributes; NULL: there are no more. */
static const ks_function *called_by(const ks_node *node, int k)
{
    const char *attrs = ks_node_attrs(node);
    for (const ks_attr *attr = ks_node_op(node)->attrs; attrs && attr && attr->name; attr++) {
        const ks_function *f = attr->type == KS_ATTR_FUNCTION ? *(ks_function *const *)(const void *)(attrs + attr->offset) : NULL;
        if (f && k-- == 0)
            return f;
    }
    return NULL;
}

static bool is_listed(const functions *list, const ks_function *f)
{
    for (int i = 0; i < list->count; i++) {
        if (list->at[i] == f)
            return true;
    }
    return false;
}

static bool append(functions *list, const ks_function *f)
{
    if (list->count == list->capacity) {
        int capacity = 2 * list->capacity + 8;
        const ks_function **more = realloc(list->at, (size_t)capacity * sizeof *more);
        if (!more)
            return false;
        list->at = more;
        list->capacity = capacity;
    }
    list->at[list->count++] = f;
    return true;
}

/* All that the graph's nodes call; what is called goes first. Calls are no deeper than the reader allows. */
static bool list_functions(const ks_graph *g, functions *list)
{
    for (int64_t i = 0; i < ks_node_count(g); i++) {
        const ks_node *node = ks_node_at(g, i);
        const ks_function *f;
        for (int k = 0; (f = called_by(node, k)) != NULL; k++) {
            if (!is_listed(list, f) && (!list_functions(ks_function_graph(f), list) || !append(list, f)))
                return false;
        }
    }
    return true;
}

/* ---- work and memory ----------------------------------------------------------------------------------- */

/* The k of [..., m, k], which a product may read as [..., k, m]. */
static int64_t inner_of(const ks_node *product, int64_t batch)
{
    ks_shape shape = ks_node_shape(ks_node_input(product, 0));
    if (shape.rank < 1)
        return 1;
    return closed(shape.dim[shape.rank > 1 && is_set(product, "trans_a") ? shape.rank - 2 : shape.rank - 1], batch);
}

static int64_t product(int64_t a, int64_t b)
{
    int64_t both;
    return __builtin_mul_overflow(a, b, &both) ? INT64_MAX : both;
}

/* How often a node runs what it calls: a scan as often as it has steps. */
static int64_t steps_of(const ks_node *node, int64_t batch)
{
    if (strcmp(ks_node_op_name(node), "scan") != 0)
        return 1;
    if (!attribute(node, "scanned"))
        return attribute(node, "length");
    ks_shape rows = ks_node_shape(ks_node_input(node, (int)(is_set(node, "counted") + attribute(node, "states"))));
    return rows.rank ? closed(rows.dim[0], batch) : 1;
}

/* [..., m, k] times [..., k, n] multiplies and adds k times for each element of the result. */
static int64_t work_of(const ks_graph *g, int64_t batch, const functions *list, const int64_t *known)
{
    int64_t all = 0;
    for (int64_t i = 0; i < ks_node_count(g); i++) {
        const ks_node *node = ks_node_at(g, i);
        int64_t work = !strcmp(ks_node_op_name(node), "matmul") ? product(count_of(node, batch), inner_of(node, batch)) : 0;
        const ks_function *body = called_by(node, 0); /* what else it calls says when a loop ends */
        for (int k = 0; body && k < list->count; k++)
            work += list->at[k] == body ? product(steps_of(node, batch), known[k]) : 0;
        if (__builtin_add_overflow(all, work, &all))
            return INT64_MAX;
    }
    return all;
}

static int count_work(const model *m, facts *f)
{
    int64_t *known = calloc((size_t)f->functions.count + 1, sizeof *known);
    if (!known)
        return complain_memory();
    for (int i = 0; i < f->functions.count; i++)
        known[i] = work_of(ks_function_graph(f->functions.at[i]), f->batch, &f->functions, known);
    f->multiply_adds = work_of(m->graph, f->batch, &f->functions, known);
    free(known);
    return DONE;
}

static int feed_zeros(const model *m, int64_t batch)
{
    for (int64_t i = 0; i < ks_node_count(m->graph); i++) {
        ks_node *node = ks_node_at(m->graph, i);
        if (!ks_is_input(node))
            continue;
        ks_shape shape = ks_node_shape(node);
        for (int k = 0; k < shape.rank; k++)
            shape.dim[k] = closed(shape.dim[k], batch);
        int64_t count = ks_shape_count(shape);
        void *zeros = count >= 0 ? calloc((size_t)count + 1, ks_dtype_size(ks_node_dtype(node))) : NULL;
        if (!zeros)
            return complain_memory();
        bool good = ks_feed(node, ks_node_dtype(node), shape, zeros);
        free(zeros);
        if (!good)
            return model_failed(m);
    }
    return DONE;
}

/* Memory of a run of the outputs, and of the loss with its gradients. What can't be told is no reason to fail. */
static int count_memory(const model *m, facts *f)
{
    int outputs = ks_output_count(m->graph), x_count = 0;
    int64_t variables = ks_variable_count(m->graph);
    ks_node *loss = ks_output_find(m->graph, "loss");
    ks_node **nodes = calloc((size_t)outputs + 1, sizeof(ks_node *)), **x = calloc((size_t)variables + 1, sizeof(ks_node *));
    ks_node **dx = calloc((size_t)variables + 1, sizeof(ks_node *));
    int status = nodes && x && dx ? DONE : complain_memory();
    for (int i = 0; !status && i < outputs; i++)
        nodes[i] = ks_output_node(m->graph, i);
    if (!status && outputs)
        f->forward_bytes = ks_plan_bytes(m->graph, nodes, outputs, NULL, 0);
    for (int64_t i = 0; !status && loss && i < variables; i++) {
        if (ks_is_trainable(ks_variable_number(m->graph, i)) && !ks_why_no_gradient(loss, ks_variable_number(m->graph, i)))
            x[x_count++] = ks_variable_number(m->graph, i);
    }
    if (x_count && ks_gradients(loss, x, x_count, NULL, dx)) {
        f->loss = "loss";
        dx[x_count] = loss;
        f->step_bytes = ks_plan_bytes(m->graph, dx, x_count + 1, NULL, 0);
    }
    free(nodes);
    free(x);
    free(dx);
    return status;
}

/* ---- as text ------------------------------------------------------------------------------------------- */

/* The widest of the nodes' names and operations, as far as a column may go. */
static int widest(const model *m, int64_t nodes, const char *(*text_of)(const ks_node *node))
{
    size_t width = 0;
    for (int64_t i = 0; i < nodes; i++) {
        size_t length = strlen(text_of(ks_node_at(m->graph, i)));
        width = length > width && length <= 40 ? length : width;
    }
    return (int)width;
}

static void put_node(const model *m, const ks_node *node, int name_width, int op_width)
{
    char text[SHAPE_TEXT];
    shape_text(m->graph, ks_node_shape(node), text);
    printf("  %-*s  %-*s  %-4s  ", name_width, ks_name(node), op_width, ks_node_op_name(node), ks_dtype_name(ks_node_dtype(node)));
    if (ks_node_input_count(node))
        printf("%-12s  ", text);
    else
        printf("%s", text);
    if (called_by(node, 0))
        printf("%s: ", ks_function_name(called_by(node, 0)));
    for (int i = 0; i < ks_node_input_count(node); i++)
        printf("%s%s", i ? ", " : "", ks_name(ks_node_input(node, i)));
    if (ks_is_number(node))
        printf(" %.9g", ks_number_value(node));
    if (ks_is_variable(node) && !ks_is_trainable(node))
        printf(" (state)");
    if (ks_doc(node))
        printf("  # %s", ks_doc(node));
    putchar('\n');
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void put_function(const ks_function *f)
{
    int parameters = ks_function_input_count(f), results = ks_function_output_count(f);
    int64_t nodes = ks_node_count(ks_function_graph(f));
    printf("function %s: %d parameter%s, %d result%s, %lld node%s", ks_function_name(f), parameters, plural(parameters), results,
           plural(results), (long long)nodes, plural(nodes));
    functions called = {0};
    for (int64_t i = 0; i < nodes; i++) {
        const ks_function *other;
        for (int k = 0; (other = called_by(ks_node_at(ks_function_graph(f), i), k)) != NULL; k++) {
            if (is_listed(&called, other))
                continue;
            printf("%s%s", called.count ? ", " : ", calls ", ks_function_name(other));
            append(&called, other);
        }
    }
    free(called.at);
    putchar('\n');
}

static void put_costs(const model *m, const facts *f)
{
    char text[COUNT_TEXT];
    printf("a run with batch %lld:", (long long)f->batch);
    printf(" %s multiply-adds in products", count_text(f->multiply_adds, text));
    if (f->forward_bytes >= 0)
        printf(", %s of memory", bytes_text(f->forward_bytes, text));
    if (f->loss && f->step_bytes >= 0)
        printf("; with gradients %s", bytes_text(f->step_bytes, text));
    printf("\nruns on %s, matrix products by %s\n", ks_graph_isa(m->graph), ks_graph_products(m->graph));
}

static void put_text(const model *m, int64_t nodes, const facts *f)
{
    char text[COUNT_TEXT];
    int name_width = widest(m, nodes, ks_name), op_width = widest(m, nodes, ks_node_op_name);
    printf("%s: %s nodes", m->path, count_text(nodes, text));
    if (f->functions.count)
        printf(", %d function%s", f->functions.count, plural(f->functions.count));
    putchar('\n');
    for (int i = 0; i < f->functions.count; i++)
        put_function(f->functions.at[i]);
    for (int64_t i = 0; i < nodes; i++)
        put_node(m, ks_node_at(m->graph, i), name_width, op_width);
    for (int i = 0; i < ks_output_count(m->graph); i++)
        printf("output %s = %s\n", ks_output_name(m->graph, i), ks_name(ks_output_node(m->graph, i)));
    printf("%s parameters in %lld variables", count_text(f->parameters, text), (long long)f->variables);
    printf(", %s\n", bytes_text(f->parameter_bytes, text));
    put_costs(m, f);
}

/* ---- as JSON ------------------------------------------------------------------------------------------- */

static void put_json_node(const model *m, const ks_node *node)
{
    printf("{\"name\": ");
    json_string(ks_name(node));
    printf(", \"op\": ");
    json_string(ks_node_op_name(node));
    printf(", \"dtype\": \"%s\", \"shape\": ", ks_dtype_name(ks_node_dtype(node)));
    json_shape(m->graph, ks_node_shape(node));
    printf(", \"inputs\": [");
    for (int i = 0; i < ks_node_input_count(node); i++) {
        printf("%s", i ? ", " : "");
        json_string(ks_name(ks_node_input(node, i)));
    }
    putchar(']');
    if (called_by(node, 0)) {
        printf(", \"function\": ");
        json_string(ks_function_name(called_by(node, 0)));
    }
    if (ks_is_variable(node))
        printf(", \"trainable\": %s", ks_is_trainable(node) ? "true" : "false");
    putchar('}');
}

static void put_json(const model *m, int64_t nodes, const facts *f)
{
    printf("{\"nodes\": [");
    for (int64_t i = 0; i < nodes; i++) {
        printf("%s", i ? ",\n  " : "");
        put_json_node(m, ks_node_at(m->graph, i));
    }
    printf("],\n ");
    for (int i = 0; i < f->functions.count; i++) {
        const ks_function *function = f->functions.at[i];
        printf(i ? ",\n  {\"name\": " : "\"functions\": [{\"name\": ");
        json_string(ks_function_name(function));
        printf(", \"inputs\": %d, \"outputs\": %d, \"nodes\": %lld}%s", ks_function_input_count(function),
               ks_function_output_count(function), (long long)ks_node_count(ks_function_graph(function)),
               i + 1 == f->functions.count ? "],\n " : "");
    }
    printf("\"outputs\": {");
    for (int i = 0; i < ks_output_count(m->graph); i++) {
        printf("%s", i ? ", " : "");
        json_string(ks_output_name(m->graph, i));
        printf(": ");
        json_string(ks_name(ks_output_node(m->graph, i)));
    }
    printf("},\n \"parameters\": %lld, \"variables\": %lld, \"parameter_bytes\": %lld,\n", (long long)f->parameters,
           (long long)f->variables, (long long)f->parameter_bytes);
    printf(" \"batch\": %lld, \"multiply_adds\": %lld, ", (long long)f->batch, (long long)f->multiply_adds);
    printf(f->forward_bytes >= 0 ? "\"run_bytes\": %lld, " : "\"run_bytes\": null, ", (long long)f->forward_bytes);
    printf(f->step_bytes >= 0 ? "\"gradient_bytes\": %lld,\n" : "\"gradient_bytes\": null,\n", (long long)f->step_bytes);
    printf(" \"isa\": \"%s\", \"products\": \"%s\"}\n", ks_graph_isa(m->graph), ks_graph_products(m->graph));
}

static int tell(const model *m, const args *a)
{
    int64_t nodes = ks_node_count(m->graph); /* before the gradients come along */
    facts f = {.batch = a->batch ? a->batch : 1, .forward_bytes = -1, .step_bytes = -1};
    count_parameters(m, &f);
    int status = list_functions(m->graph, &f.functions) ? count_work(m, &f) : complain_memory();
    if (!status)
        status = feed_zeros(m, f.batch);
    if (!status)
        status = count_memory(m, &f);
    if (!status && a->json)
        put_json(m, nodes, &f);
    else if (!status)
        put_text(m, nodes, &f);
    free(f.functions.at);
    return status;
}

static int run(const args *a)
{
    model m = {0};
    int status = model_open(&m, a->files.at[0], a, NULL);
    if (!status)
        status = tell(&m, a);
    model_close(&m);
    return status;
}

static const option options[] = {
    {"batch", OPTION_WHOLE, FIELD(batch), "N", "what open dimensions are taken as; default 1", 1, 1e9},
    {"json", OPTION_FLAG, FIELD(json), NULL, "as one JSON object"},
    OPTION_THREADS,
    {0},
};

const command info_command = {
    .name = "info",
    .usage = "MODEL",
    .summary = "Tells nodes, parameters, sizes, work and memory",
    .doc = "Work counts the multiply-adds of matrix products; memory is what a run needs beside the parameters.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
