/*
 * cli/info.c - keisan info: nodes, parameters, sizes, and what a step costs.
 *
 * Open dimensions are taken as --batch and inputs as zeros, so that memory can be told without data.
 */
#include "commands.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

/* What is told besides the nodes. */
typedef struct facts {
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

static bool is_set(const ks_node *node, const char *name)
{
    const char *attrs = ks_node_attrs(node);
    for (const ks_attr *attr = ks_node_op(node)->attrs; attrs && attr && attr->name; attr++) {
        if (!strcmp(attr->name, name))
            return *(const int64_t *)(attrs + attr->offset) != 0;
    }
    return false;
}

/* The k of [..., m, k], which a product may read as [..., k, m]. */
static int64_t inner_of(const ks_node *product, int64_t batch)
{
    ks_shape shape = ks_node_shape(ks_node_input(product, 0));
    if (shape.rank < 1)
        return 1;
    return closed(shape.dim[shape.rank > 1 && is_set(product, "trans_a") ? shape.rank - 2 : shape.rank - 1], batch);
}

/* [..., m, k] times [..., k, n] multiplies and adds k times for each element of the result. */
static void count_work(const model *m, facts *f)
{
    for (int64_t i = 0; i < ks_node_count(m->graph); i++) {
        const ks_node *node = ks_node_at(m->graph, i);
        if (strcmp(ks_node_op_name(node), "matmul") != 0)
            continue;
        int64_t work;
        if (__builtin_mul_overflow(count_of(node, f->batch), inner_of(node, f->batch), &work) ||
            __builtin_add_overflow(f->multiply_adds, work, &f->multiply_adds))
            f->multiply_adds = INT64_MAX;
    }
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
    printf("%s: %s nodes\n", m->path, count_text(nodes, text));
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
    printf("],\n \"outputs\": {");
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
    count_work(m, &f);
    int status = feed_zeros(m, f.batch);
    if (!status)
        status = count_memory(m, &f);
    if (status)
        return status;
    if (a->json)
        put_json(m, nodes, &f);
    else
        put_text(m, nodes, &f);
    return DONE;
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
