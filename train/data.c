/*
 * train/data.c - data sets: opening them, and feeding their rows to a graph's inputs.
 *
 * Arrays are brought to what their inputs take once, when they are opened; a batch is then gathered straight into the inputs' buffers.
 */
#include "train/data.h"
#include "serialize/training.h"
#include "serialize/values.h"
#include "graph/memory.h"

#include <string.h>

#define DRAW_STREAM UINT64_C(0x6472617721000000)

/* ---- opening ------------------------------------------------------------------------------------------- */

static ks_node *input_of(const ks_data *data, const ks__column *column)
{
    ks_graph *g = data->graph;
    ks_node *node = ks_find(g, column->input);
    if (node && ks_is_input(node))
        return node;
    if (node)
        return ks__null(g, KS_BAD_ARGUMENT, ks_node_place(node), "data: '%s' is a %s, not an input", column->input, node->op->name);
    const char *near = ks__name_near(g, column->input);
    return ks__null(g, KS_BAD_NAME, KS__NOWHERE, "data: there is no input '%s'%s%s%s", column->input, near ? " (did you mean '" : "",
                    near ? near : "", near ? "'?)" : "");
}

/* [N, 28, 28] becomes [N, 784]. The product fits, for the array is there. */
static void flatten(ks_shape *shape)
{
    int64_t width = 1;
    for (int i = 1; i < shape->rank; i++)
        width *= shape->dim[i];
    shape->rank = 2;
    shape->dim[1] = width;
}

/* Whether rows of this shape fit the input, whatever their number. */
static bool rows_fit(const ks_shape *declared, const ks_shape *shape)
{
    bool fits = declared->rank == shape->rank;
    for (int i = 1; fits && i < shape->rank; i++)
        fits = ks__dim_open(declared->dim[i]) || declared->dim[i] == shape->dim[i];
    return fits;
}

static bool check_shape(const ks_data *data, const ks__column *column, const ks_node *input)
{
    char declared[KS__SHAPE_TEXT], given[KS__SHAPE_TEXT];
    const ks_shape *shape = &column->array.shape;
    if (rows_fit(&input->dims->shape, shape))
        return true;
    ks_shape flat = *shape;
    flatten(&flat);
    bool helps = !column->flatten && rows_fit(&input->dims->shape, &flat);
    return ks__refuse(data->graph, KS_BAD_SHAPE, ks_node_place(input), "data: '%s' is %s, %s%s is %s%s", column->input,
                      ks__shape_text(data->graph, &input->dims->shape, declared), column->path, column->flatten ? " flattened" : "",
                      ks__shape_text(data->graph, shape, given), helps ? ": put :flatten after it" : "");
}

/* Elements of the input's dtype in place of those that were read. */
static bool convert(const ks_data *data, ks__column *column)
{
    ks__array other;
    ks_failure failure = {.code = KS_OK};
    ks__array *array = &column->array;
    if (array->dtype == column->dtype)
        return true;
    if (!ks__array_new(&other, column->dtype, &array->shape, &data->allocator, &failure))
        return ks__refuse_with(data->graph, &failure);
    int64_t bad, count = array->shape.dim[0] * column->width;
    bool good = ks__convert(other.data, other.dtype, array->data, array->dtype, count, !data->graph->options.cast_feeds, &bad);
    if (!good) {
        char value[KS__REAL_TEXT];
        ks__refuse(data->graph, KS_BAD_DTYPE, KS__NOWHERE,
                   "data: '%s' is %s, and element %lld of %s, %s, does not fit it exactly: save it as %s", column->input,
                   ks_dtype_name(column->dtype), (long long)bad, column->path,
                   ks__real_text(ks__element(array->data, array->dtype, bad), value), ks_dtype_name(column->dtype));
        ks__array_free(&other);
        return false;
    }
    ks__array_free(array);
    *array = other;
    return true;
}

static void divide(ks__column *column)
{
    size_t count = column->array.bytes / ks_dtype_size(column->dtype);
    float *f32 = column->array.data;
    double *f64 = column->array.data;
    for (size_t i = 0; i < count && column->dtype == KS_F32; i++)
        f32[i] /= (float)column->scale;
    for (size_t i = 0; i < count && column->dtype == KS_F64; i++)
        f64[i] /= column->scale;
}

static bool open_column(ks_data *data, ks__column *column)
{
    ks_graph *g = data->graph;
    ks_failure failure = {.code = KS_OK};
    const ks_node *input = input_of(data, column);
    if (!input)
        return false;
    column->dtype = (ks_dtype)input->dtype;
    bool real = column->dtype == KS_F32 || column->dtype == KS_F64;
    if (column->scaled && !real)
        return ks__refuse(g, KS_BAD_DTYPE, ks_node_place(input), "data: '%s' is %s, and scale= makes fractions: leave it out",
                          column->input, ks_dtype_name(column->dtype));
    if (column->scaled && column->dtype == KS_F32 && !((float)column->scale != 0 && (float)column->scale - (float)column->scale == 0))
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "data: '%s' is f32, and its scale= is outside what f32 holds", column->input);
    if (!ks__array_load(&column->array, column->path, &data->allocator, &failure))
        return ks__refuse_with(g, &failure);
    ks_shape *shape = &column->array.shape;
    if (shape->rank == 0 || shape->dim[0] == 0)
        return ks__refuse(g, KS_BAD_SHAPE, KS__NOWHERE, "data: %s has no rows", column->path);
    if (shape->dim[0] > UINT32_MAX)
        return ks__refuse(g, KS_BAD_SHAPE, KS__NOWHERE, "data: %s has more than 2^32 rows", column->path);
    if (column->flatten)
        flatten(shape);
    column->width = 1;
    for (int i = 1; i < shape->rank; i++)
        column->width *= shape->dim[i];
    if (!check_shape(data, column, input))
        return false;
    column->spread = column->array.dtype == KS_U8 && real;
    if (column->spread)
        return true;
    if (!convert(data, column))
        return false;
    if (column->scaled)
        divide(column);
    return true;
}

static bool open_columns(ks_data *data)
{
    for (int i = 0; i < data->count; i++) {
        ks__column *column = &data->columns[i], *first = &data->columns[0];
        if (!open_column(data, column))
            return false;
        data->rows = first->array.shape.dim[0];
        if (column->array.shape.dim[0] != data->rows)
            return ks__refuse(data->graph, KS_BAD_SHAPE, KS__NOWHERE, "data: %s has %lld rows, %s has %lld: they must agree", first->path,
                              (long long)data->rows, column->path, (long long)column->array.shape.dim[0]);
    }
    return true;
}

/* The record with room for as many columns as there can be in the text, which is copied behind them. */
static ks_data *make(ks_graph *g, const char *text)
{
    const ks_allocator *allocator = &g->options.allocator;
    size_t most = 1, length = strlen(text) + 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    size_t bytes = most * sizeof(ks__column) + length;
    ks_data *data = ks__allocate(allocator, NULL, 0, sizeof *data);
    char *room = data ? ks__allocate(allocator, NULL, 0, bytes) : NULL;
    if (!room) {
        ks__allocate(allocator, data, sizeof *data, 0);
        return ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room to open data");
    }
    *data = (ks_data){.graph = g,
                      .allocator = *allocator,
                      .columns = (ks__column *)(void *)room,
                      .text = room + most * sizeof(ks__column),
                      .text_bytes = bytes};
    memset(data->columns, 0, most * sizeof *data->columns);
    memcpy(data->text, text, length);
    return data;
}

ks_data *ks_data_open(ks_graph *graph, const char *text)
{
    if (!graph)
        return NULL;
    if (!text || !*text)
        return ks__null(graph, KS_BAD_ARGUMENT, KS__NOWHERE,
                        "data: nothing to open: write INPUT=FILE, such as x=images.gz:flatten:scale=255,t=labels.gz");
    ks_data *data = make(graph, text);
    if (!data)
        return NULL;
    if (ks__data_spec(data) && open_columns(data))
        return data;
    ks_data_free(data);
    return NULL;
}

void ks_data_free(ks_data *data)
{
    if (!data)
        return;
    ks_allocator allocator = data->allocator;
    for (int i = 0; i < data->count; i++)
        ks__array_free(&data->columns[i].array);
    ks__allocate(&allocator, data->order, data->order ? (size_t)data->rows * sizeof *data->order : 0, 0);
    ks__allocate(&allocator, data->columns, data->text_bytes, 0);
    ks__allocate(&allocator, data, sizeof *data, 0);
}

/* ---- feeding ------------------------------------------------------------------------------------------- */

static bool check_input(const ks_data *data, const ks__column *column, const ks_node *input, int64_t count)
{
    const ks_shape *declared = &input->dims->shape;
    if (input->dtype != (uint8_t)column->dtype || !rows_fit(declared, &column->array.shape))
        return ks__refuse(data->graph, KS_BAD_SHAPE, ks_node_place(input),
                          "data: '%s' is not what it was when the data was opened: open it anew", column->input);
    return ks__dim_open(declared->dim[0]) || declared->dim[0] == count ||
           ks__refuse(data->graph, KS_BAD_SHAPE, ks_node_place(input),
                      "data: '%s' takes %lld rows at a time, this batch has %lld (of %lld in all): leave its first dimension open, as in "
                      "ks_dim(graph, "
                      "\"N\"), or use batches that come out even",
                      column->input, (long long)declared->dim[0], (long long)count, (long long)data->rows);
}

/* Feeds these rows to every input; nothing is fed if they do not fit one of them. */
static bool feed(ks_data *data, const uint32_t *order, int64_t first, int64_t count)
{
    for (int i = 0; i < data->count; i++) {
        const ks_node *input = input_of(data, &data->columns[i]);
        if (!input || !check_input(data, &data->columns[i], input, count))
            return false;
    }
    for (int i = 0; i < data->count; i++) {
        const ks__column *column = &data->columns[i];
        ks_shape shape = column->array.shape;
        shape.dim[0] = count;
        void *out = ks__feed_buffer(input_of(data, column), "data", &shape);
        if (!out)
            return false;
        ks__column_gather(column, data->graph->isa, order, first, count, out);
    }
    return true;
}

static bool make_order(ks_data *data)
{
    uint64_t seed = ks_seed(data->graph);
    if (!data->order) {
        data->order = ks__allocate(&data->allocator, NULL, 0, (size_t)data->rows * sizeof *data->order);
        if (!data->order)
            return ks__refuse(data->graph, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room to shuffle %lld rows", (long long)data->rows);
    }
    if (!data->order_made || data->order_epoch != data->epoch || data->order_seed != seed)
        ks__shuffle(data->order, data->rows, seed, data->epoch);
    data->order_made = true;
    data->order_epoch = data->epoch;
    data->order_seed = seed;
    return true;
}

/* The stream moved on; the graph remembers it for saving. */
static void stand_at(ks_data *data, uint64_t epoch, int64_t row)
{
    data->epoch = data->graph->data_epoch = epoch;
    data->row = data->graph->data_row = row;
}

static bool check_batch(const ks_data *data, const char *call, int64_t batch)
{
    if (!data)
        return false;
    return batch > 0 ||
           ks__refuse(data->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "%s: a batch has at least one row, not %lld", call, (long long)batch);
}

bool ks_data_next(ks_data *data, int64_t batch)
{
    if (!check_batch(data, "ks_data_next", batch))
        return false;
    if (data->row >= data->rows) {
        stand_at(data, data->epoch + 1, 0);
        return false;
    }
    int64_t left = data->rows - data->row, count = batch < left ? batch : left;
    if (!data->ordered && !make_order(data))
        return false;
    if (!feed(data, data->ordered ? NULL : data->order + data->row, data->row, count))
        return false;
    stand_at(data, data->epoch, data->row + count);
    return true;
}

/* A drawn row's number depends on its place in the stream, and drawn rows count as given, so the position says all there is to resume. */
bool ks_data_draw(ks_data *data, int64_t batch)
{
    if (!check_batch(data, "ks_data_draw", batch))
        return false;
    uint64_t rows = (uint64_t)data->rows, at = data->epoch * rows + (uint64_t)data->row;
    size_t bytes = (size_t)batch * sizeof(uint32_t);
    uint32_t few[256], *drawn = batch <= 256 ? few : batch > UINT32_MAX ? NULL : ks__allocate(&data->allocator, NULL, 0, bytes);
    if (!drawn)
        return ks__refuse(data->graph, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room to draw %lld rows", (long long)batch);
    for (int64_t i = 0; i < batch; i++)
        drawn[i] = (uint32_t)ks__random_below(ks_seed(data->graph), DRAW_STREAM, 0, at + (uint64_t)i, rows);
    bool good = feed(data, drawn, 0, batch);
    if (good)
        stand_at(data, (at + (uint64_t)batch) / rows, (int64_t)((at + (uint64_t)batch) % rows));
    if (drawn != few)
        ks__allocate(&data->allocator, drawn, bytes, 0);
    return good;
}

bool ks_data_rows_feed(ks_data *data, int64_t first, int64_t count)
{
    if (!check_batch(data, "ks_data_rows_feed", count))
        return false;
    if (first < 0 || first >= data->rows || count > data->rows - first)
        return ks__refuse(data->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_data_rows_feed: there are %lld rows, not %lld from %lld on",
                          (long long)data->rows, (long long)count, (long long)first);
    return feed(data, NULL, first, count);
}

/* ---- where it stands ----------------------------------------------------------------------------------- */

int64_t ks_data_rows(const ks_data *data)
{
    return data ? data->rows : 0;
}

void ks_data_ordered(ks_data *data)
{
    if (data)
        data->ordered = true;
}

void ks_data_position(const ks_data *data, uint64_t *epoch, int64_t *row)
{
    if (epoch)
        *epoch = data ? data->epoch : 0;
    if (row)
        *row = data ? data->row : 0;
}

bool ks_data_seek(ks_data *data, uint64_t epoch, int64_t row)
{
    if (!data)
        return false;
    if (row < 0 || row > data->rows)
        return ks__refuse(data->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_data_seek: row %lld lies outside the %lld rows there are",
                          (long long)row, (long long)data->rows);
    stand_at(data, epoch, row);
    return true;
}

bool ks_data_resume(ks_data *data)
{
    if (!data)
        return false;
    const ks__training *saved = data->graph->training;
    return saved ? ks_data_seek(data, saved->epoch, saved->row) : ks_data_seek(data, 0, 0);
}
