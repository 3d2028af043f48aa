/*
 * train/accuracy.c - how often a classifier is right.
 */
#include "train/data.h"
#include <keisan/run.h>

#include <math.h>

#define BATCH 1000

/* The first of the greatest elements of a row; -1 where one is no number. */
static int64_t greatest(const void *data, ks_dtype dtype, int64_t first, int64_t n)
{
    int64_t best = 0;
    double most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double value = ks__element(data, dtype, first + i);
        if (isnan(value))
            return -1;
        if (value > most) {
            most = value;
            best = i;
        }
    }
    return best;
}

/* Rows of score [N, C] that are right by t [N] or one-hot [N, C]; -1 when the shapes do not fit. */
static int64_t right_rows(ks_node *score, ks_node *t, int64_t rows)
{
    ks_graph *g = score->graph;
    ks_node *both[] = {score, t};
    if (!ks_eval_all(both, 2))
        return -1;
    const ks_shape *s = &score->value->dims->shape, *l = &t->value->dims->shape;
    bool hot = l->rank == 2;
    if (s->rank != 2 || s->dim[0] != rows || l->dim[0] != rows || (hot ? l->dim[1] != s->dim[1] : l->rank != 1)) {
        char of_score[KS__SHAPE_TEXT], of_t[KS__SHAPE_TEXT];
        ks__refuse(g, KS_BAD_SHAPE, ks_node_place(score),
                   "ks_accuracy: '%s' %s and '%s' %s: wanted are scores [N, C] and labels [N] or one-hot [N, C]", ks_name(score),
                   ks__shape_text(g, s, of_score), ks_name(t), ks__shape_text(g, l, of_t));
        return -1;
    }
    int64_t right = 0, classes = s->dim[1];
    const void *scores = score->value->block->data, *labels = t->value->block->data;
    for (int64_t i = 0; i < rows; i++) {
        int64_t is = greatest(scores, (ks_dtype)score->dtype, i * classes, classes);
        double wanted =
            hot ? (double)greatest(labels, (ks_dtype)t->dtype, i * classes, classes) : ks__element(labels, (ks_dtype)t->dtype, i);
        right += is >= 0 && (double)is == wanted;
    }
    return right;
}

/* As many rows at a time as the inputs take. */
static int64_t batch_of(const ks_data *data)
{
    for (int i = 0; i < data->count; i++) {
        const ks_node *input = ks_find(data->graph, data->columns[i].input);
        if (input && !ks__dim_open(input->dims->shape.dim[0]))
            return input->dims->shape.dim[0];
    }
    return BATCH;
}

double ks_accuracy(ks_node *score, ks_node *t, ks_data *data)
{
    if (!ks__usable(score) || !ks__usable(t) || !data)
        return NAN;
    if (score->graph != data->graph || t->graph != data->graph) {
        ks__refuse(score->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_accuracy: the data was opened for another graph");
        return NAN;
    }
    int64_t batch = batch_of(data), right = 0;
    for (int64_t first = 0, count; first < data->rows; first += count) {
        count = batch > 0 && data->rows - first > batch ? batch : data->rows - first;
        int64_t here = ks_data_rows_feed(data, first, count) ? right_rows(score, t, count) : -1;
        if (here < 0)
            return NAN;
        right += here;
    }
    return (double)right / (double)data->rows;
}
