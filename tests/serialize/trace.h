/*
 * tests/serialize/trace.h - the graphs that are traced in tests, and traces in memory.
 */
#ifndef KS_TESTS_TRACE_H
#define KS_TESTS_TRACE_H

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <keisan/keisan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline ks_node *scalar(ks_graph *g, const char *name, double value)
{
    ks_node *x = ks_variable(g, name, KS_F64, KS_SCALAR, KS_UNSET);
    cr_assert(ks_set(x, KS_F64, &value));
    return x;
}

/* The book's purchase: (100 × 2 + 150 × 3) × 1.1. */
static inline ks_node *apple_orange(ks_graph *g)
{
    ks_node *apple = scalar(g, "apple", 100), *apple_num = scalar(g, "apple_num", 2);
    ks_node *orange = scalar(g, "orange", 150), *orange_num = scalar(g, "orange_num", 3), *tax = scalar(g, "tax", 1.1);
    ks_node *apple_price = ks_named("apple_price", ks_mul(apple, apple_num));
    ks_node *orange_price = ks_named("orange_price", ks_mul(orange, orange_num));
    ks_node *all_price = ks_named("all_price", ks_add(apple_price, orange_price));
    return ks_named("price", ks_mul(all_price, tax));
}

/* Two layers, three samples, classes 1, 0, 1. */
static inline ks_node *two_layers(ks_graph *g)
{
    int64_t rows = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(rows, 4)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(rows));
    ks_node *w1 = ks_variable(g, "w1", KS_F64, KS_SHAPE(4, 5), KS_HE), *b1 = ks_variable(g, "b1", KS_F64, KS_SHAPE(5), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "w2", KS_F64, KS_SHAPE(5, 2), KS_HE), *b2 = ks_variable(g, "b2", KS_F64, KS_SHAPE(2), KS_ZEROS);
    ks_node *h = ks_named("h", ks_relu(ks_add(ks_matmul(x, w1), b1)));
    ks_node *score = ks_named("score", ks_add(ks_matmul(h, w2), b2));
    static const double given[12] = {0.5, -1, 2, 0.25, -0.75, 1, 0.125, 3, 1.5, -2, 0.5, 1};
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 4), given));
    cr_assert(ks_feed(t, KS_I64, KS_SHAPE(3), ((const int64_t[]){1, 0, 1})));
    return ks_named("loss", ks_softmax_cross_entropy(score, t));
}

static inline char *trace_with(ks_node *of, ks_trace_form form, const ks_trace_options *options)
{
    ks_buffer buffer = {.data = NULL};
    bool good = ks_trace_to(of, form, ks_buffer_writer(&buffer), options);
    cr_assert(good, "%s", ks_error(ks_node_graph(of)) ? ks_error(ks_node_graph(of))->message : "no failure recorded");
    cr_assert(ks_buffer_writer(&buffer).write(&buffer, "", 1));
    char *text = strdup(buffer.data);
    ks_buffer_free(&buffer);
    return text;
}

static inline char *trace(ks_node *of, ks_trace_form form)
{
    return trace_with(of, form, NULL);
}

/* The trace read by cJSON, which the caller deletes. */
static inline cJSON *trace_json_with(ks_node *of, const ks_trace_options *options)
{
    char *text = trace_with(of, KS_TRACE_JSON, options);
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    cr_assert(json, "no JSON: %s", text);
    free(text);
    return json;
}

static inline cJSON *trace_json(ks_node *of)
{
    return trace_json_with(of, NULL);
}

/* The object in a list whose `key` is that text; NULL if there is none. */
static inline cJSON *with_name(const cJSON *list, const char *key, const char *name)
{
    cJSON *item;
    cJSON_ArrayForEach (item, list) {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(item, key);
        if (cJSON_IsString(own) && !strcmp(own->valuestring, name))
            return item;
    }
    return NULL;
}

static inline cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static inline cJSON *node_named(const cJSON *json, const char *name)
{
    return with_name(get(json, "nodes"), "name", name);
}

static inline cJSON *turn_of(const cJSON *json, const char *name)
{
    return with_name(get(json, "backward"), "node", name);
}

/* The first edge from a node to an input of that name. */
static inline cJSON *edge_between(const cJSON *json, const char *node, const char *input)
{
    return with_name(get(turn_of(json, node), "edges"), "input", input);
}

/* The numbers of a value in row-major order; how many. */
static inline int numbers_of(const cJSON *value, double *out, int room)
{
    if (cJSON_IsNumber(value)) {
        cr_assert(room > 0);
        *out = value->valuedouble;
        return 1;
    }
    cr_assert(cJSON_IsArray(value));
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach (item, value)
        count += numbers_of(item, out + count, room - count);
    return count;
}

/* The trace fails with this and writes nothing. */
static inline void fails(ks_node *of, ks_trace_form form, const ks_trace_options *options, ks_code code, const char *message)
{
    ks_graph *g = ks_node_graph(of);
    ks_buffer buffer = {.data = NULL};
    cr_expect_not(ks_trace_to(of, form, ks_buffer_writer(&buffer), options));
    cr_assert(ks_error(g), "no failure, expected: %s", message);
    cr_expect_eq(ks_error(g)->code, code, "%s", ks_code_name(ks_error(g)->code));
    cr_expect_str_eq(ks_error(g)->message, message);
    cr_expect_eq(buffer.size, 0);
    ks_buffer_free(&buffer);
    ks_error_clear(g);
}

/* A program called dot that does this. */
static inline void pretend_dot(const char *script)
{
    static char folder[] = "/tmp/keisan-dot-XXXXXX";
    char path[64], search[128];
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/dot", folder);
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    chmod(path, 0755);
    snprintf(search, sizeof search, "%s:/bin:/usr/bin", folder);
    setenv("PATH", search, 1);
}

#endif
