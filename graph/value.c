/*
 * graph/value.c - the bytes of values: counted blocks, conversion between dtypes, feeding leaves.
 *
 * Blocks are aligned to 64 bytes and padded to whole vectors, so that a kernel may run over the last elements with a
 * full vector. Borrowed data is not padded; the engine looks at `borrowed` before it relies on that.
 */
#include "graph/graph.h"

#include <math.h>
#include <string.h>

#define PADDED(bytes) (((bytes) + 127u) & ~(size_t)63u)

ks__block *ks__block_new(ks_graph *g, size_t bytes)
{
    ks__block *block = ks__get(g, sizeof *block);
    if (!block)
        return NULL;
    memset(block, 0, sizeof *block);
    block->bytes = PADDED(bytes);
    block->data = ks__get(g, block->bytes);
    if (!block->data) {
        ks__put(g, block, sizeof *block);
        return NULL;
    }
#ifdef KS_TORTURE
    memset(block->data, 0xff, block->bytes);
#else
    size_t tail = block->bytes < 128 ? block->bytes : 128; /* what lies beyond the end is no signalling NaN */
    memset((char *)block->data + block->bytes - tail, 0, tail);
#endif
    block->allocator = g->options.allocator;
    atomic_init(&block->references, 1);
    return block;
}

void ks__block_put(ks__block *block)
{
    if (!block || atomic_fetch_sub(&block->references, 1) != 1)
        return;
    ks_allocator allocator = block->allocator;
    if (block->borrowed) {
        if (block->release)
            block->release(block->release_user, block->data);
    } else {
        ks__allocate(&allocator, block->data, block->bytes, 0);
    }
    ks__allocate(&allocator, block, sizeof *block, 0);
}

/* Blocks may outlive their graph (shared parameters), so the graph's account is settled where a value lets go. */
static void let_go(ks_graph *g, ks__block *block)
{
    if (!block)
        return;
    if (atomic_load(&block->references) == 1)
        g->statistics.bytes_live -= sizeof *block + (block->borrowed ? 0 : block->bytes);
    ks__block_put(block);
}

bool ks__value_set(ks_node *node, ks__block *block, const ks__dims *dims)
{
    if (!node->value) {
        node->value = ks__small(node->graph, sizeof *node->value);
        if (!node->value) {
            let_go(node->graph, block);
            return false;
        }
    } else {
        let_go(node->graph, node->value->block);
    }
    node->value->block = block;
    node->value->dims = dims;
    return true;
}

void ks__value_drop(ks_node *node)
{
    if (!node->value)
        return;
    let_go(node->graph, node->value->block);
    ks__small_put(node->graph, node->value, sizeof *node->value);
    node->value = NULL;
}

/* ---- conversion ---------------------------------------------------------------------------------------- */

/* What does not survive is told to those who ask for exactness; the others get what cast gives: the nearest there is, 0 for NaN. */

double ks__element(const void *data, ks_dtype dtype, int64_t i)
{
    switch (dtype) {
    case KS_F32:
        return (double)((const float *)data)[i];
    case KS_F64:
        return ((const double *)data)[i];
    case KS_I32:
        return (double)((const int32_t *)data)[i];
    case KS_I64:
        return (double)((const int64_t *)data)[i];
    default:
        return (double)((const uint8_t *)data)[i];
    }
}

static bool put_real(void *out, ks_dtype to, int64_t i, double x)
{
    static const double low[KS_DTYPES] = {[KS_I32] = -2147483648.0, [KS_I64] = -9223372036854775808.0};
    static const double high[KS_DTYPES] = {[KS_I32] = 2147483648.0, [KS_I64] = 9223372036854775808.0, [KS_U8] = 256};
    static const int64_t least[KS_DTYPES] = {[KS_I32] = INT32_MIN, [KS_I64] = INT64_MIN};
    static const int64_t most[KS_DTYPES] = {[KS_I32] = INT32_MAX, [KS_I64] = INT64_MAX, [KS_U8] = 255};
    if (to == KS_F64) {
        ((double *)out)[i] = x;
        return true;
    }
    if (to == KS_F32) {
        ((float *)out)[i] = (float)x;
        return isnan(x) || (double)(float)x == x;
    }
    if (to == KS_BOOL) {
        ((uint8_t *)out)[i] = (uint8_t)(x > 0 || x < 0);
        return x == 0 || x == 1;
    }
    bool fits = x >= low[to] && x < high[to];
    int64_t whole = fits ? (int64_t)x : x > 0 ? most[to] : x < 0 ? least[to] : 0;
    if (to == KS_I32)
        ((int32_t *)out)[i] = (int32_t)whole;
    else if (to == KS_I64)
        ((int64_t *)out)[i] = whole;
    else
        ((uint8_t *)out)[i] = (uint8_t)whole;
    return fits && (double)whole == x;
}

static bool put_whole(void *out, ks_dtype to, int64_t i, int64_t x)
{
    switch (to) {
    case KS_F32:
        ((float *)out)[i] = (float)x;
        return fabs((double)x) <= 9e18 && (int64_t)((float *)out)[i] == x;
    case KS_F64:
        ((double *)out)[i] = (double)x;
        return fabs((double)x) <= 9e18 && (int64_t)((double *)out)[i] == x;
    case KS_I32:
        ((int32_t *)out)[i] = x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x;
        return ((int32_t *)out)[i] == x;
    case KS_I64:
        ((int64_t *)out)[i] = x;
        return true;
    default:
        ((uint8_t *)out)[i] = to == KS_BOOL ? x != 0 : x < 0 ? 0 : x > 255 ? 255 : (uint8_t)x;
        return ((uint8_t *)out)[i] == x;
    }
}

bool ks__convert(void *out, ks_dtype to, const void *in, ks_dtype from, int64_t n, bool exact, int64_t *bad)
{
    if (to == from && to != KS_BOOL) {
        if (n > 0)
            memcpy(out, in, (size_t)n * ks_dtype_size(to));
        return true;
    }
    bool whole = from != KS_F32 && from != KS_F64;
    for (int64_t i = 0; i < n; i++) {
        bool same;
        if (from == KS_I64)
            same = put_whole(out, to, i, ((const int64_t *)in)[i]);
        else if (whole)
            same = put_whole(out, to, i, (int64_t)ks__element(in, from, i));
        else
            same = put_real(out, to, i, ks__element(in, from, i));
        if (!same && exact) {
            *bad = i;
            return false;
        }
    }
    return true;
}

/* ---- feeding ------------------------------------------------------------------------------------------- */

/* Whether concrete `shape` fits the leaf's declared one; binds nothing: equal symbols are compared when a run is planned. */
static bool fits(const ks_node *leaf, const ks_shape *shape)
{
    const ks_shape *declared = &leaf->dims->shape;
    if (declared->rank != shape->rank)
        return false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0 || (!ks__dim_open(declared->dim[i]) && declared->dim[i] != shape->dim[i]))
            return false;
    }
    return true;
}

static const ks__dims *check_feed(ks_node *leaf, const char *call, unsigned flag, const char *kind, const ks_shape *shape, const void *data)
{
    ks_graph *g = leaf->graph;
    if (!(leaf->op->flags & flag))
        return ks__null(g, KS_BAD_ARGUMENT, KS__NOWHERE, "%s: '%s' is no %s but a %s", call, ks_name(leaf), kind, leaf->op->name);
    if (shape->rank < 0 || shape->rank > KS_MAX_RANK || !fits(leaf, shape)) {
        char given[KS__SHAPE_TEXT], declared[KS__SHAPE_TEXT];
        ks_shape safe = *shape;
        safe.rank = safe.rank < 0 ? 0 : safe.rank > KS_MAX_RANK ? KS_MAX_RANK : safe.rank;
        return ks__null(g, KS_BAD_SHAPE, ks_node_place(leaf), "%s: '%s' is %s, the data given is %s", call, ks_name(leaf),
                        ks__shape_text(g, &leaf->dims->shape, declared), ks__shape_text(g, &safe, given));
    }
    const ks__dims *dims = ks__dims_of(g, shape);
    if (dims && dims->count < 0)
        return ks__null(g, KS_BAD_SHAPE, ks_node_place(leaf), "%s: '%s': the sizes multiply to more than memory can hold", call,
                        ks_name(leaf));
    if (dims && dims->count > 0 && !data)
        return ks__null(g, KS_BAD_ARGUMENT, KS__NOWHERE, "%s: no data for '%s'", call, ks_name(leaf));
    return dims;
}

static bool put_data(ks_node *leaf, const char *call, ks_dtype dtype, const ks__dims *dims, const void *data)
{
    ks_graph *g = leaf->graph;
    if ((unsigned)dtype >= KS_DTYPES)
        return ks__refuse(g, KS_BAD_DTYPE, KS__NOWHERE, "%s: '%s': %d is no dtype", call, ks_name(leaf), (int)dtype);
    size_t bytes = (size_t)dims->count * ks_dtype_size((ks_dtype)leaf->dtype);
    ks__block *old = leaf->value ? leaf->value->block : NULL;
    bool reuse = old && !old->borrowed && old->bytes == PADDED(bytes) && atomic_load(&old->references) == 1 &&
                 (ks_dtype)leaf->dtype == dtype && dtype != KS_BOOL; /* whose bytes are looked at, and may be refused */
    ks__block *block = reuse ? old : ks__block_new(g, bytes);
    int64_t bad = 0;
    if (!block)
        return false;
    if (!ks__convert(block->data, (ks_dtype)leaf->dtype, data, dtype, dims->count, !g->options.cast_feeds, &bad)) {
        char value[KS__REAL_TEXT];
        ks__real_text(ks__element(data, dtype, bad), value);
        let_go(g, block);
        return ks__refuse(g, KS_BAD_DTYPE, KS__NOWHERE,
                          "%s: '%s' is %s, and element %lld of the %s data, %s, does not fit it exactly: cast it first", call,
                          ks_name(leaf), ks_dtype_name((ks_dtype)leaf->dtype), (long long)bad, ks_dtype_name(dtype), value);
    }
    if (reuse)
        leaf->value->dims = dims;
    else if (!ks__value_set(leaf, block, dims))
        return false;
    ks__touch(leaf);
    return true;
}

bool ks_feed(ks_node *input, ks_dtype dtype, ks_shape shape, const void *data)
{
    if (!ks__usable(input))
        return false;
    const ks__dims *dims = check_feed(input, "ks_feed", KS_OP_FED, "input", &shape, data);
    return dims && put_data(input, "ks_feed", dtype, dims, data);
}

void *ks__feed_buffer(ks_node *input, const char *call, const ks_shape *shape)
{
    if (!ks__usable(input))
        return NULL;
    const ks__dims *dims = check_feed(input, call, KS_OP_FED, "input", shape, input);
    if (!dims)
        return NULL;
    size_t bytes = (size_t)dims->count * ks_dtype_size((ks_dtype)input->dtype);
    ks__block *old = input->value ? input->value->block : NULL;
    if (old && !old->borrowed && old->bytes == PADDED(bytes) && atomic_load(&old->references) == 1) {
        input->value->dims = dims;
    } else {
        ks__block *block = ks__block_new(input->graph, bytes);
        if (!block || !ks__value_set(input, block, dims))
            return NULL;
    }
    ks__touch(input);
    return input->value->block->data;
}

bool ks_feed_borrowed(ks_node *input, ks_shape shape, const void *data, void (*release)(void *user, const void *data), void *user)
{
    if (!ks__usable(input))
        return false;
    const ks__dims *dims = check_feed(input, "ks_feed_borrowed", KS_OP_FED, "input", &shape, data);
    if (!dims)
        return false;
    ks_graph *g = input->graph;
    ks__block *block = ks__get(g, sizeof *block);
    if (!block)
        return false;
    *block = (ks__block){.bytes = (size_t)dims->count * ks_dtype_size((ks_dtype)input->dtype),
                         .data = (void *)(uintptr_t)data,
                         .allocator = g->options.allocator,
                         .release = release,
                         .release_user = user,
                         .borrowed = true};
    atomic_init(&block->references, 1);
    if (!ks__value_set(input, block, dims))
        return false;
    ks__touch(input);
    return true;
}

bool ks_set(ks_node *variable, ks_dtype dtype, const void *data)
{
    if (!ks__usable(variable))
        return false;
    ks_shape shape = variable->dims->shape;
    const ks__dims *dims = check_feed(variable, "ks_set", KS_OP_VARIABLE, "variable", &shape, data);
    return dims && put_data(variable, "ks_set", dtype, dims, data);
}

bool ks_set_number(ks_node *number, double value)
{
    if (!ks__usable(number))
        return false;
    if (!(number->op->flags & KS_OP_NUMBER))
        return ks__refuse(number->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_set_number: '%s' is no number but a %s", ks_name(number),
                          number->op->name);
    number->data.number = value;
    ks__touch(number);
    return true;
}
