/*
 * tests/serialize/test_trace_memory.c - every allocation of a trace refused in turn.
 */
#include "tests/serialize/trace.h"
#include "tests/support/allocator.h"
#include "config.h"

static void count_failure(void *user, const ks_failure *failure)
{
    ++*(int *)user;
}

/*
 * The n-th request of a trace is refused: one failure, nothing kept. A trace that could do without it (where a node was made is for
 * messages only) has none. Whether it was met at all.
 */
static bool refuse_nth(ks_trace_form form, int64_t n, bool forever, int *passed)
{
    ks_test_memory memory = {0};
    int failures = 0;
    ks_graph_options options = {
        .size = sizeof options, .allocator = ks_test_allocator(&memory), .on_error = count_failure, .error_user = &failures};
    ks_graph *g = ks_graph_new(&options);
    ks_node *loss = two_layers(g);
    ks_trace_options trace_options = {.size = sizeof trace_options, .upstream = ks_constant(g, KS_F64, KS_SCALAR, &(double){1})};
    ks_buffer buffer = {.allocator = options.allocator};
    memory.refuse = memory.requests + n;
    memory.forever = forever;
    bool good = ks_trace_to(loss, form, ks_buffer_writer(&buffer), &trace_options);
    bool met = memory.refused > 0;
    memory.refuse = 0;
    cr_expect(good || met, "request %d: failed without a cause", (int)n);
    cr_expect_eq(failures, !good, "request %d: %d failures", (int)n, failures);
    if (!good && ks_error(g) && !strstr(ks_error(g)->message, "writer"))
        cr_expect_eq(ks_error(g)->code, KS_NO_MEMORY, "request %d: %s", (int)n, ks_error(g)->message);
    *passed += good && met;
    ks_error_clear(g);
    ks_buffer_free(&buffer);
    cr_expect(ks_trace_to(loss, form, ks_buffer_writer(&buffer), &trace_options), "request %d: not usable any more", (int)n);
    ks_buffer_free(&buffer);
    ks_graph_free(g);
    cr_expect_eq(memory.live, 0, "request %d: %d bytes kept", (int)n, (int)memory.live);
    return met;
}

static void refuse_each(ks_trace_form form)
{
    for (int forever = 0; forever < 2; forever++) {
        int64_t n = 1;
        int passed = 0;
        while (refuse_nth(form, n, forever, &passed))
            n++;
        cr_expect_gt(n, 40);
        cr_expect_leq(passed, 2);
    }
}

Test(trace_memory, every_allocation_may_fail_in_text)
{
    refuse_each(KS_TRACE_TEXT);
}

Test(trace_memory, every_allocation_may_fail_in_json)
{
    refuse_each(KS_TRACE_JSON);
}

Test(trace_memory, every_allocation_may_fail_in_dot)
{
    refuse_each(KS_TRACE_DOT);
}

#ifdef KS_HAVE_FILES
Test(trace_memory, every_allocation_may_fail_in_svg)
{
    pretend_dot("exec cat");
    refuse_each(KS_TRACE_SVG);
}
#endif

/* cJSON's memory is the C library's: its hooks are used to refuse here, and never touched by the library. */
static int64_t json_left;

static void *json_malloc(size_t size)
{
    return json_left-- > 0 ? malloc(size) : NULL;
}

Test(trace_memory, every_allocation_of_cjson_may_fail)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *loss = two_layers(g);
    cJSON_Hooks hooks = {.malloc_fn = json_malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
    int64_t refused = 0;
    for (bool good = false; !good; refused++) {
        ks_buffer buffer = {.data = NULL};
        json_left = refused;
        good = ks_trace_to(loss, KS_TRACE_JSON, ks_buffer_writer(&buffer), NULL);
        cr_expect(good || (ks_error(g) && ks_error(g)->code == KS_NO_MEMORY), "request %d", (int)refused);
        ks_error_clear(g);
        ks_buffer_free(&buffer);
    }
    cr_expect_gt(refused, 100);
    cJSON_InitHooks(NULL);
    ks_graph_free(g);
}
