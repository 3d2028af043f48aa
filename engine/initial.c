/*
 * engine/initial.c - first values of variables, drawn at their first use.
 *
 * Keyed by the graph's seed and the variable's name, so that adding a layer does not change the others' draws. Xavier and
 * He are the book's: normal with deviation sqrt(1/n) and sqrt(2/n), n the nodes of the layer before.
 */
#include "engine/engine.h"
#include "engine/kernels/philox.h"

#include <math.h>

static uint64_t name_stream(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

static int64_t fan_in(const ks_node *variable)
{
    const ks_shape *shape = &variable->dims->shape;
    int64_t n = 1;
    if (variable->aside->init.fan_in > 0)
        return variable->aside->init.fan_in;
    for (int i = 0; i < (shape->rank > 1 ? shape->rank - 1 : shape->rank); i++)
        n *= shape->dim[i];
    return n > 0 ? n : 1;
}

/* Element i of the draw: a normal of mean a and deviation b, or uniform from a to b. */
static double draw(const ks_graph *g, const ks_init *init, uint64_t stream, uint64_t i, double deviation)
{
    uint32_t words[4];
    ks__philox(g->options.seed, stream, 0, i, words);
    double u = ks__uniform_f64(words[0], words[1]), v = ks__uniform_f64(words[2], words[3]);
    if (init->kind == KS_INIT_UNIFORM)
        return init->a + (init->b - init->a) * u;
    return (init->kind == KS_INIT_NORMAL ? init->a : 0) + deviation * ks__normal_f64(u, v);
}

bool ks__draw(ks_node *variable)
{
    ks_graph *g = variable->graph;
    const ks_init *init = &variable->aside->init;
    ks_dtype dtype = (ks_dtype)variable->dtype;
    int64_t count = variable->dims->count, bad;
    if (init->kind == KS_INIT_NONE)
        return false;
    ks__block *block = ks__block_new(g, (size_t)count * ks_dtype_size(dtype));
    if (!block)
        return false;
    double deviation = init->kind == KS_INIT_XAVIER ? sqrt(1.0 / (double)fan_in(variable))
                       : init->kind == KS_INIT_HE   ? sqrt(2.0 / (double)fan_in(variable))
                                                    : init->b;
    uint64_t stream = name_stream(variable->aside->name);
    for (int64_t i = 0; i < count; i++) {
        double value = init->kind == KS_INIT_CONSTANT ? init->a : draw(g, init, stream, (uint64_t)i, deviation);
        ks__convert((char *)block->data + (size_t)i * ks_dtype_size(dtype), dtype, &value, KS_F64, 1, false, &bad);
    }
    if (!ks__value_set(variable, block, variable->dims))
        return false;
    ks__touch(variable);
    return true;
}
