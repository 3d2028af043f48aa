/*
 * test_reference.c - values and derivatives beside those that PyTorch computed, as tests/reference/cases/ has them.
 *
 * A case is a graph of one operation, what it should give and what its backward pass should give. It is read by the library's own
 * loader, run in f64 and f32, in f64 once more with all sizes open while composing, and once in forward mode. What is wanted was computed
 * in f64 from inputs that both types hold exactly. A difference counts relative to max(1, |wanted|).
 */
#include "ops/ops.h"

#include <cjson/cJSON.h>

#define MOST_VARIABLES 8

typedef struct mode {
    const char *name;
    ks_dtype dtype;
    double tolerance;
    bool open;    /* variables become inputs, of which only the rank is known */
    bool forward; /* derivatives are compared in forward mode */
} mode;

static const mode modes[] = {{"f64", KS_F64, 1e-10, false, false},
                             {"f32", KS_F32, 1e-5, false, false},
                             {"f64, sizes open", KS_F64, 1e-10, true, false},
                             {"f64, forward mode", KS_F64, 1e-10, false, true}};

/* ---- files --------------------------------------------------------------------------------------------- */

static const char *const families[] = {"elementwise", "reduce", "shape", "index", "product", "linalg", "conv", "norm", "loss"};
#define FAMILIES (sizeof families / sizeof families[0])

static cJSON *open_file(const char *family)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/reference/cases/%s.json", getenv("KEISAN_SOURCE"), family);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s can't be read", path);
    cr_assert_eq(fseek(file, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(file);
    char *text = calloc(1, size + 1);
    rewind(file);
    cr_assert_eq(fread(text, 1, size, file), size);
    fclose(file);
    cJSON *root = cJSON_Parse(text);
    cr_assert(root, "%s is no JSON", path);
    free(text);
    return root;
}

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static double number_of(const cJSON *item)
{
    if (!cJSON_IsString(item))
        return cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
    return !strcmp(item->valuestring, "NaN") ? NAN_ : *item->valuestring == '-' ? -INF_ : INF_;
}

/* All numbers of nested lists in their order, from to[n] on; their count with n. */
static int64_t numbers(const cJSON *item, double *to, int64_t n)
{
    if (!cJSON_IsArray(item)) {
        to[n] = number_of(item);
        return n + 1;
    }
    for (const cJSON *child = item->child; child; child = child->next)
        n = numbers(child, to, n);
    return n;
}

static int64_t elements(const cJSON *item)
{
    if (!cJSON_IsArray(item))
        return 1;
    int64_t n = 0;
    for (const cJSON *child = item->child; child; child = child->next)
        n += elements(child);
    return n;
}

static ks_shape shape_of(const cJSON *list)
{
    ks_shape shape = {.rank = 0};
    for (const cJSON *item = list->child; item; item = item->next)
        shape.dim[shape.rank++] = (int64_t)item->valuedouble;
    return shape;
}

/* ---- a graph ------------------------------------------------------------------------------------------- */

/* One case in one mode. */
typedef struct trial {
    const cJSON *json;
    const mode *mode;
    const char *family;
    int number;
    ks_graph *g;
    ks_node *y, *u, *pushed;
    int n; /* variables */
    ks_node *x[MOST_VARIABLES], *d[MOST_VARIABLES], *tangent[MOST_VARIABLES];
    const cJSON *leaf[MOST_VARIABLES];
} trial;

/* Says where it fails; the next case goes on. */
static bool check(const trial *t, bool holds, const char *what)
{
    if (holds)
        return true;
    const ks_failure *failure = t->g ? ks_error(t->g) : NULL;
    char *nodes = cJSON_PrintUnformatted(cJSON_GetObjectItem(t->json, "nodes"));
    cr_expect(false, "%s.json, line %d, in %s: %s: %s\n%s", t->family, t->number + 3, t->mode->name, what, failure ? failure->message : "",
              nodes);
    free(nodes);
    return false;
}

/* Every f64 of the tree becomes f32. */
static void narrow(cJSON *item)
{
    for (; item; item = item->next) {
        if (item->string && !strcmp(item->string, "dtype") && !strcmp(cJSON_GetStringValue(item), "f64"))
            cJSON_SetValuestring(item, "f32");
        narrow(item->child);
    }
}

/* A variable becomes an input of its rank. */
static void unsettle(cJSON *nodes)
{
    for (cJSON *node = nodes->child; node; node = node->next) {
        if (strcmp(text_at(node, "op"), "variable") != 0)
            continue;
        cJSON_ReplaceItemInObject(node, "op", cJSON_CreateString("input"));
        cJSON_DeleteItemFromObject(node, "value");
        cJSON *shape = cJSON_CreateArray();
        for (int i = cJSON_GetArraySize(cJSON_GetObjectItem(node, "shape")); i > 0; i--)
            cJSON_AddItemToArray(shape, cJSON_CreateNull());
        cJSON_ReplaceItemInObject(node, "shape", shape);
    }
}

/* The case as a document that the library reads. */
static char *document(const trial *t)
{
    cJSON *root = cJSON_CreateObject(), *nodes = cJSON_Duplicate(cJSON_GetObjectItem(t->json, "nodes"), true);
    cJSON_AddStringToObject(root, "format", "keisan.graph");
    cJSON_AddNumberToObject(root, "version", 1);
    cJSON_AddItemToObject(root, "nodes", nodes);
    if (t->mode->dtype == KS_F32)
        narrow(nodes->child);
    if (t->mode->open)
        unsettle(nodes);
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}

static bool load(trial *t)
{
    char *text = document(t);
    ks_bytes bytes = {.data = text, .size = strlen(text)};
    t->g = ks_graph_new(NULL);
    bool read = ks_load_into_from(t->g, ks_bytes_reader(&bytes));
    free(text);
    if (!check(t, read, "it can't be read"))
        return false;
    t->y = ks_find(t->g, "y");
    const cJSON *leaf;
    cJSON_ArrayForEach (leaf, cJSON_GetObjectItem(t->json, "nodes")) {
        if (strcmp(text_at(leaf, "op"), "variable") != 0)
            continue;
        t->leaf[t->n] = leaf;
        t->x[t->n++] = ks_find(t->g, text_at(leaf, "name"));
    }
    return check(t, t->y != NULL, "there is no node y");
}

/* ---- differentiating and feeding ----------------------------------------------------------------------- */

/* Element i of the upstream derivative, as tests/reference/reference.py has it. */
static double upstream(int64_t i)
{
    return ((double)((37 * i + 11) % 64) - 31.5) / 32;
}

/* An input for what belongs to the node: of the tangents' sizes all is known, of the upstream's nothing. */
static ks_node *beside(const trial *t, const char *name, const ks_node *node)
{
    ks_shape shape = ks_node_shape(node);
    for (int i = 0; !t->mode->forward && i < shape.rank; i++)
        shape.dim[i] = KS_ANY;
    return ks_input(t->g, name, t->mode->dtype, shape);
}

/* The derivatives as nodes; made before anything is fed. */
static bool differentiate(trial *t)
{
    if (t->mode->forward) {
        for (int i = 0; i < t->n; i++)
            t->tangent[i] = beside(t, (const char *[]){"ta", "tb", "tc", "td", "te", "tf", "tg", "th"}[i], t->x[i]);
        t->pushed = ks_jvp(t->y, t->x, t->tangent, t->n);
        return check(t, t->pushed != NULL, "there is no derivative");
    }
    t->u = beside(t, "u", t->y);
    return check(t, ks_gradients(t->y, t->x, t->n, t->u, t->d), "there is no derivative");
}

static bool feed_variables(trial *t)
{
    bool fed = true;
    for (int i = 0; fed && i < t->n; i++) {
        const cJSON *value = cJSON_GetObjectItem(t->leaf[i], "value");
        double *values = malloc(sizeof(double) * (size_t)(elements(value) + 1));
        numbers(value, values, 0);
        fed = ks_feed(t->x[i], KS_F64, shape_of(cJSON_GetObjectItem(t->leaf[i], "shape")), values);
        free(values);
    }
    return check(t, fed, "a feed is refused");
}

/* Feeds the numbers of the formula from element `first` on. */
static bool feed_formula(const trial *t, ks_node *input, ks_shape shape, int64_t first)
{
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        values[i] = upstream(first + i);
    bool fed = ks_feed(input, KS_F64, shape, values);
    free(values);
    return check(t, fed, "the upstream or a tangent is refused");
}

/* What starts the derivatives: the upstream, or a tangent for each variable. */
static bool feed_starts(const trial *t)
{
    if (!t->mode->forward)
        return feed_formula(t, t->u, shape_of(cJSON_GetObjectItem(t->json, "shape")), 0);
    for (int i = 0; i < t->n; i++) {
        if (!feed_formula(t, t->tangent[i], shape_of(cJSON_GetObjectItem(t->leaf[i], "shape")), 5 + i))
            return false;
    }
    return true;
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

static bool compare(const trial *t, const char *what, ks_node *node, const cJSON *wanted)
{
    const cJSON *own = t->mode->dtype == KS_F32 ? cJSON_GetObjectItem(t->json, "f32") : NULL;
    double tolerance = own ? own->valuedouble : t->mode->tolerance;
    int64_t n = elements(wanted);
    double *want = malloc(sizeof(double) * (size_t)(2 * n + 1)), *is = want + n;
    char text[160];
    numbers(wanted, want, 0);
    bool same = check(t, ks_read(node, KS_F64, is, n), "it can't be computed");
    for (int64_t i = 0; same && i < n; i++) {
        snprintf(text, sizeof text, "element %lld of %s is %.12g, PyTorch has %.12g", (long long)i, what, is[i], want[i]);
        same = check(t, agree(is[i], want[i], tolerance), text);
    }
    free(want);
    return same;
}

/* y has the dtype, the shape and the elements. */
static bool same_result(const trial *t)
{
    ks_shape shape = ks_value_shape(t->y), wanted = shape_of(cJSON_GetObjectItem(t->json, "shape"));
    const char *dtype = text_at(t->json, "dtype"), *own = ks_dtype_name(t->mode->dtype);
    return check(t, shape.rank >= 0, "it can't be computed") &&
           check(t, shape.rank == wanted.rank && !memcmp(shape.dim, wanted.dim, sizeof(int64_t) * (size_t)wanted.rank),
                 "y has another shape") &&
           check(t, !strcmp(ks_dtype_name(ks_node_dtype(t->y)), strcmp(dtype, "f64") ? dtype : own), "y has another dtype") &&
           compare(t, "y", t->y, cJSON_GetObjectItem(t->json, "y"));
}

static bool same_derivatives(const trial *t, const cJSON *derivatives)
{
    bool same = true;
    for (int i = 0; same && i < t->n; i++) {
        char what[64];
        snprintf(what, sizeof what, "dy/d%s", ks_name(t->x[i]));
        same = compare(t, what, t->d[i], cJSON_GetObjectItem(derivatives, ks_name(t->x[i])));
    }
    return same;
}

/* <u, J t>, pushed forwards, is <d, t> with PyTorch's d: forward mode beside another system's backward pass. */
static bool same_tangent(const trial *t, const cJSON *derivatives)
{
    double wanted = 0, size = 1, is = 0;
    for (int i = 0; i < t->n; i++) {
        const cJSON *d = cJSON_GetObjectItem(derivatives, ks_name(t->x[i]));
        int64_t k = 5 + i;
        for (const cJSON *item = d->child; item; item = item->next, k++) {
            wanted += number_of(item) * upstream(k);
            size += fabs(number_of(item) * upstream(k));
        }
    }
    int64_t n = ks_shape_count(ks_value_shape(t->y));
    double *pushed = malloc(sizeof(double) * (size_t)(n + 1));
    bool read = check(t, ks_read(t->pushed, KS_F64, pushed, n), "the tangent can't be computed");
    for (int64_t i = 0; read && i < n; i++)
        is += pushed[i] * upstream(i);
    free(pushed);
    char text[160];
    snprintf(text, sizeof text, "the tangent pushed forwards gives %.12g, PyTorch's derivatives %.12g", is, wanted);
    bool same = (isnan(is) && isnan(wanted)) || fabs(is - wanted) <= t->mode->tolerance * size;
    return read && check(t, same, text);
}

/* A case of training is run as that; its values stay readable. */
static bool train(const trial *t)
{
    ks_node *all[MOST_VARIABLES + 2];
    int n = 0;
    if (!cJSON_IsTrue(cJSON_GetObjectItem(t->json, "train")))
        return true;
    all[n++] = t->y;
    for (int i = 0; t->u && i < t->n; i++)
        all[n++] = t->d[i];
    if (t->pushed)
        all[n++] = t->pushed;
    return check(t, ks_run(t->g, all, n, NULL, 0, &(ks_run_options){.size = sizeof(ks_run_options), .mode = KS_TRAIN}), "it can't be run");
}

static bool try_case(trial *t)
{
    const cJSON *derivatives = cJSON_GetObjectItem(t->json, "d");
    bool same = load(t) && (!derivatives || differentiate(t)) && (!t->mode->open || feed_variables(t)) &&
                (!derivatives || feed_starts(t)) && train(t) && same_result(t) &&
                (!derivatives || (t->mode->forward ? same_tangent : same_derivatives)(t, derivatives)) &&
                check(t, !ks_error(t->g), "a failure is recorded");
    ks_graph_free(t->g);
    return same;
}

/* ---- the tests ----------------------------------------------------------------------------------------- */

static void try_all(const mode *m)
{
    int tried = 0, agreed = 0;
    for (size_t f = 0; f < FAMILIES; f++) {
        cJSON *root = open_file(families[f]);
        const cJSON *json;
        int number = 0;
        cJSON_ArrayForEach (json, cJSON_GetObjectItem(root, "cases")) {
            trial t = {.json = json, .mode = m, .family = families[f], .number = number++};
            if (m->open && cJSON_IsFalse(cJSON_GetObjectItem(json, "open")))
                continue;
            agreed += try_case(&t);
            tried++;
        }
        cJSON_Delete(root);
    }
    printf("%d of %d cases agree with PyTorch in %s\n", agreed, tried, m->name);
    cr_assert_gt(tried, 0);
}

Test(reference, values_and_derivatives_are_pytorchs_in_f64)
{
    try_all(&modes[0]);
}

Test(reference, values_and_derivatives_are_pytorchs_in_f32)
{
    try_all(&modes[1]);
}

Test(reference, values_and_derivatives_are_pytorchs_with_sizes_that_are_open_while_composing)
{
    try_all(&modes[2]);
}

Test(reference, tangents_agree_with_pytorchs_derivatives)
{
    try_all(&modes[3]);
}

/* Whether one of the files has cases of the operation. */
static bool has_cases(cJSON *const *roots, const char *name)
{
    for (size_t f = 0; f < FAMILIES; f++) {
        const cJSON *op;
        cJSON_ArrayForEach (op, cJSON_GetObjectItem(roots[f], "operations")) {
            if (!strcmp(cJSON_GetStringValue(op), name))
                return true;
        }
    }
    return false;
}

Test(reference, every_operation_has_cases_or_a_reason_why_it_has_none)
{
    cJSON *roots[FAMILIES], *absent = open_file("absent");
    int without = 0;
    for (size_t f = 0; f < FAMILIES; f++)
        roots[f] = open_file(families[f]);
    for (int i = 0; i < ks_op_count(); i++) {
        const char *name = ks_op_at(i)->name;
        bool compared = has_cases(roots, name), excused = *text_at(absent, name);
        cr_expect(!(compared && excused), "'%s' has cases and a reason why it has none", name);
        without += !compared && !excused;
        cr_expect(compared || excused, "'%s' has no case in tests/reference and no reason in absent.py", name);
    }
    cr_assert_eq(without, 0, "%d operations have neither", without);
    for (size_t f = 0; f < FAMILIES; f++)
        cJSON_Delete(roots[f]);
    cJSON_Delete(absent);
}

Test(reference, every_reason_is_of_an_operation_that_there_is)
{
    cJSON *absent = open_file("absent");
    for (const cJSON *item = absent->child; item; item = item->next)
        cr_expect(ks_op_find(NULL, item->string), "absent.py has '%s', the table has not", item->string);
    cJSON_Delete(absent);
}
