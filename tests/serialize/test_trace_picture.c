/*
 * tests/serialize/test_trace_picture.c - traces as files and as pictures by Graphviz.
 */
#include "tests/serialize/trace.h"
#include "config.h"

#ifdef KS_HAVE_FILES

/* ---- files --------------------------------------------------------------------------------------------- */

Test(trace_picture, a_file_is_replaced_or_left_alone)
{
    char folder[] = "/tmp/keisan-trace-XXXXXX", path[64], text[64] = "";
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.txt", folder);
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 1), *v = ks_variable(g, "v", KS_F64, KS_SHAPE(3), KS_ONES);
    cr_expect(ks_trace(x, KS_TRACE_TEXT, path, NULL));
    cr_expect_not(ks_trace(v, KS_TRACE_TEXT, path, NULL), "v is no scalar");
    FILE *file = fopen(path, "r");
    cr_assert(file);
    cr_expect(fgets(text, sizeof text, file));
    cr_expect_str_eq(text, "Trace of x: every step, forward and backward\n");
    fclose(file);
    ks_error_clear(g);
    cr_expect_not(ks_trace(x, KS_TRACE_TEXT, "/nowhere/t.txt", NULL));
    cr_expect_str_eq(ks_error(g)->message, "cannot write '/nowhere/t.txt': No such file or directory");
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "something was left behind");
    ks_graph_free(g);
}

/* ---- pictures ------------------------------------------------------------------------------------------ */

static bool have_dot(void)
{
    return system("dot -V >/dev/null 2>&1") == 0;
}

static bool is_svg(const char *text)
{
    return strstr(text, "<svg") && strstr(text, "</svg>");
}

Test(trace_picture, svg_shows_the_books_figures)
{
    static const char *const figures[] = {">715<", ">650<", ">2.2<", ">110<", ">3.3<", ">165<", ">apple<", ">×<", ">+<"};
    if (!have_dot())
        cr_skip("Graphviz is not here");
    ks_graph *g = ks_graph_new(NULL);
    char *svg = trace(apple_orange(g), KS_TRACE_SVG);
    cr_expect(is_svg(svg));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        cr_expect(strstr(svg, figures[i]), "no %s", figures[i]);
    free(svg);
    ks_graph_free(g);
}

Test(trace_picture, a_picture_of_hundreds_of_nodes_with_shared_weights_is_drawn)
{
    if (!have_dot())
        cr_skip("Graphviz is not here");
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = scalar(g, "w", 0.5), *b = scalar(g, "b", 0.25), *h = scalar(g, "h", 1);
    for (int i = 0; i < 100; i++)
        h = ks_tanh(ks_add(ks_mul(h, w), b));
    char *svg = trace(h, KS_TRACE_SVG);
    cr_expect(is_svg(svg));
    cr_expect(strstr(svg, "sum of 100"));
    free(svg);
    ks_graph_free(g);
}

static bool odd_infer(ks_infer *infer)
{
    return ks_infer_same(infer);
}

static bool odd_kernel(const ks_call *call, ks_failure *failure)
{
    *(double *)call->out->data = *(const double *)call->in[0].data;
    return true;
}

static ks_node *odd_pullback(ks_node *y, int i, ks_node *upstream)
{
    return upstream;
}

static const ks_op odd = {.size = sizeof(ks_op),
                          .name = "a<b>&\"c\\",
                          .types = "T>T",
                          .inputs = "x",
                          .infer = odd_infer,
                          .kernel = odd_kernel,
                          .pullback = odd_pullback};

Test(trace_picture, labels_are_escaped)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x:1/a.b-c", 1), *y = ks_named("y", ks_apply(g, &odd, &x, 1, NULL));
    char *dot = trace(y, KS_TRACE_DOT);
    cr_expect(strstr(dot, "a&lt;b&gt;&amp;&quot;c\\"), "%s", dot);
    cJSON *json = trace_json(y);
    cr_expect_str_eq(get(node_named(json, "y"), "op")->valuestring, odd.name);
    cr_expect_str_eq(get(edge_between(json, "y", "x:1/a.b-c"), "formula")->valuestring, "pullback of u to x");
    if (have_dot()) {
        char *svg = trace(y, KS_TRACE_SVG);
        cr_expect(is_svg(svg));
        free(svg);
    }
    cJSON_Delete(json);
    free(dot);
    ks_graph_free(g);
}

Test(trace_picture, without_graphviz_says_what_to_install)
{
    ks_graph *g = ks_graph_new(NULL);
    setenv("PATH", "/nowhere", 1);
    fails(scalar(g, "x", 1), KS_TRACE_SVG, NULL, KS_UNSUPPORTED,
          "SVG needs Graphviz's program dot, which is not on the PATH: install Graphviz (Debian: apt-get install graphviz), or write DOT");
    ks_graph_free(g);
}

#ifdef KS_TORTURE
#define LONG 900 /* text moves at every growth there */
#else
#define LONG 5000
#endif

static ks_node *long_chain(ks_graph *g)
{
    ks_node *x = scalar(g, "x", 1);
    for (int i = 0; i < LONG; i++)
        x = ks_sin(x);
    return x;
}

Test(trace_picture, a_dot_that_fails_is_an_error)
{
    ks_graph *g = ks_graph_new(NULL);
    pretend_dot("cat >/dev/null; exit 3");
    fails(scalar(g, "x", 1), KS_TRACE_SVG, NULL, KS_IO, "SVG: Graphviz's dot failed on the trace's DOT");
    ks_graph_free(g);
}

Test(trace_picture, a_dot_that_stops_reading_kills_nobody)
{
    ks_graph *g = ks_graph_new(NULL);
    pretend_dot("exit 1");
    fails(long_chain(g), KS_TRACE_SVG, NULL, KS_IO, "SVG: Graphviz's dot failed on the trace's DOT");
    ks_graph_free(g);
}

Test(trace_picture, a_dot_that_writes_while_it_reads_does_not_wait_for_ever, .timeout = 60)
{
    ks_graph *g = ks_graph_new(NULL);
    pretend_dot("exec cat");
    ks_node *y = long_chain(g);
    char *svg = trace(y, KS_TRACE_SVG), *dot = trace(y, KS_TRACE_DOT);
    cr_expect_str_eq(svg, dot);
    cr_expect_gt(strlen(dot), 250 * LONG, "more than a socket holds");
    free(dot);
    free(svg);
    ks_graph_free(g);
}

#else

Test(trace_picture, without_files_says_what_to_do)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 1);
    fails(x, KS_TRACE_SVG, NULL, KS_UNSUPPORTED,
          "this build has no files, and SVG needs Graphviz's program dot: write DOT and give it to dot");
    cr_expect_not(ks_trace(x, KS_TRACE_TEXT, "/tmp/t.txt", NULL));
    cr_expect_eq(ks_error(g)->code, KS_UNSUPPORTED);
    ks_graph_free(g);
}

#endif
