/*
 * test_alloc.c - every allocation refused in turn while a small network is composed, differentiated, computed, checked and
 * copied: one failure each, nothing leaked, and the graph goes on.
 */
#include "autodiff.h"
#include "support/allocator.h"

static int said;

static void count_failure(void *user, const ks_failure *failure)
{
    (void)user;
    (void)failure;
    said++;
}

static ks_graph *counted(ks_test_memory *memory)
{
    ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(memory), .on_error = count_failure, .threads = 1};
    return ks_graph_new(&options);
}

static ks_node *compose(ks_graph *g)
{
    ks_node *x = ks_constant(g, KS_F64, KS_SHAPE(2, 2), VALUES(0.6, 0.9, -0.3, 0.2));
    ks_node *t = ks_constant(g, KS_I64, KS_SHAPE(2), ((int64_t[]){2, 0}));
    ks_node *w = ks_variable(g, "w", KS_F64, KS_SHAPE(2, 3), KS_XAVIER), *b = ks_variable(g, "b", KS_F64, KS_SHAPE(3), KS_ZEROS);
    ks_node *h = ks_sigmoid(ks_add(ks_matmul(x, w), b)), *s = ks_where(ks_greater(h, ks_number(g, 0.5)), ks_sqrt(h), ks_square(h));
    return ks_named("loss", ks_add(ks_softmax_cross_entropy(ks_add(s, ks_mul(h, h)), t), ks_mean_all(ks_square(w))));
}

/* What is tried under refusals; true if it went well, *value what it gave. */
typedef bool (*attempt)(ks_graph *g, double *value);

static bool try_backward(ks_graph *g, double *value)
{
    ks_node *loss = compose(g);
    if (!ks_backward(loss))
        return false;
    ks_node *d = ks_grad(ks_find(g, "w"));
    ks_node *fetches[] = {loss, d};
    if (!ks_eval_all(fetches, 2))
        return false;
    double all[6];
    if (!ks_read(d, KS_F64, all, 6))
        return false;
    *value = ks_scalar(loss) + all[0] + 3 * all[5];
    return true;
}

static bool try_second(ks_graph *g, double *value)
{
    ks_node *loss = compose(g), *w = loss ? ks_find(g, "w") : NULL, *d = ks_gradient(loss, w);
    ks_node *dd = ks_gradient(ks_square(d), w);
    *value = dd ? ks_scalar(ks_sum_all(dd)) : NAN;
    return !isnan(*value);
}

static bool try_forward(ks_graph *g, double *value)
{
    ks_node *loss = compose(g), *w = loss ? ks_find(g, "w") : NULL, *out;
    if (!ks_hvp(loss, &w, &w, 1, &out))
        return false;
    *value = ks_scalar(ks_sum_all(out));
    return !isnan(*value);
}

static bool try_sparse(ks_graph *g, double *value)
{
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(3, 2), KS_FILL(0.5));
    ks_node *y =
        ks_softmax(ks_concat(((ks_node *[]){ks_transpose(x, KS_ABSENT), ks_constant(g, KS_F64, KS_SHAPE(2, 1), VALUES(1, 2))}), 2, 1), 1);
    ks_sparsity s;
    if (!ks_jacobian_sparsity(y, x, &s))
        return false;
    ks_node *values = ks_sparse_jacobian(y, x, &s);
    *value = values ? ks_scalar(ks_sum_all(ks_square(values))) + (double)s.entries : NAN;
    ks_sparsity_free(&s);
    return !isnan(*value);
}

static bool try_anomaly(ks_graph *g, double *value)
{
    ks_node *loss = compose(g), *infinite = ks_div(loss, ks_sub(loss, loss));
    ks_anomaly a;
    if (!ks_find_anomaly(&infinite, 1, KS_INFER, &a))
        return false;
    *value = (double)strlen(a.message);
    return a.found;
}

static bool try_check(ks_graph *g, double *value)
{
    ks_node *loss = compose(g);
    ks_gradcheck_options options = {.size = sizeof options, .most = 2};
    ks_gradcheck_report report;
    if (!ks_gradcheck(loss, NULL, 0, &options, &report))
        return false;
    *value = 0;
    for (int i = 0; i < report.count; i++) /* a refusal may have changed the order of the variables */
        *value = !strcmp(report.rows[i].name, "w") ? report.passed + report.rows[i].analytic : *value;
    ks_gradcheck_free(&report);
    return true;
}

static bool try_why(ks_graph *g, double *value)
{
    ks_node *loss = compose(g), *b = loss ? ks_find(g, "b") : NULL, *stopped = ks_stop_gradient(b);
    const char *why = ks_why_no_gradient(stopped, b);
    *value = why ? (double)strlen(why) : 0;
    return why != NULL;
}

static ks_graph *source; /* of copies */

static bool try_copy(ks_graph *g, double *value)
{
    ks_node *loss = ks_find(source, "loss"), *copy;
    if (!ks_copy(g, &loss, 1, true, &copy))
        return false;
    *value = ks_scalar(copy);
    return !isnan(*value);
}

static void refuse_in_turn(attempt try)
{
    ks_test_memory memory = {0};
    double want, got;
    ks_graph *g = counted(&memory);
    cr_assert(try(g, &want));
    int64_t requests = memory.requests;
    ks_graph_free(g);
    cr_assert_eq(memory.live, 0);
    for (int64_t i = 1; i <= requests; i++) {
        memory = (ks_test_memory){.refuse = i};
        said = 0;
        g = counted(&memory);
        if (!g) {
            cr_expect_eq(memory.live, 0);
            continue;
        }
        bool good = try(g, &got);
        if (memory.refused && !good) {
            cr_assert_not_null(ks_error(g), "request %lld of %lld: no failure was recorded", (long long)i, (long long)requests);
            cr_expect_eq(ks_error(g)->code, KS_NO_MEMORY, "request %lld: %s", (long long)i, ks_error(g)->message);
            cr_expect_eq(said, 1, "request %lld of %lld: said %d times", (long long)i, (long long)requests, said);
        }
        ks_error_clear(g);
        ks_graph_release(g, 0);
        memory.refuse = 0;
        cr_expect(try(g, &got), "request %lld of %lld: the graph does not go on: %s", (long long)i, (long long)requests,
                  ks_error(g) ? ks_error(g)->message : "?");
        cr_expect(got == want, "request %lld of %lld: %.17g, not %.17g", (long long)i, (long long)requests, got, want);
        ks_graph_free(g);
        cr_assert_eq(memory.live, 0, "request %lld of %lld: %lld bytes leaked", (long long)i, (long long)requests, (long long)memory.live);
    }
}

Test(alloc, refused_while_going_backward)
{
    refuse_in_turn(try_backward);
}

Test(alloc, refused_while_differentiating_twice)
{
    refuse_in_turn(try_second);
}

Test(alloc, refused_while_going_forward)
{
    refuse_in_turn(try_forward);
}

Test(alloc, refused_while_finding_a_pattern)
{
    refuse_in_turn(try_sparse);
}

Test(alloc, refused_while_finding_an_anomaly)
{
    refuse_in_turn(try_anomaly);
}

Test(alloc, refused_while_checking)
{
    refuse_in_turn(try_check);
}

Test(alloc, refused_while_saying_why)
{
    refuse_in_turn(try_why);
}

Test(alloc, refused_while_copying)
{
    source = graph();
    ks_scalar(compose(source));
    refuse_in_turn(try_copy);
    done(source);
}

Test(alloc, refused_from_some_point_on_for_ever)
{
    ks_test_memory memory = {0};
    double value;
    ks_graph *g = counted(&memory);
    cr_assert(try_backward(g, &value));
    int64_t requests = memory.requests;
    ks_graph_free(g);
    for (int64_t i = 1; i <= requests; i++) {
        memory = (ks_test_memory){.refuse = i, .forever = true};
        g = counted(&memory);
        if (g)
            cr_expect_not(try_backward(g, &value));
        ks_graph_free(g);
        cr_assert_eq(memory.live, 0, "from request %lld on", (long long)i);
    }
}
