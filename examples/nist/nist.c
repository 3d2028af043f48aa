/*
 * nist.c - NIST's 27 certified nonlinear regressions, each from both of its starting points.
 *
 *   nist [MODELS] [DATA] [PROBLEM...]   defaults examples/nist, data/nist, all problems
 *
 * A model is a graph in JSON: its output "residual" hangs on the columns of data and on the parameters b1, b2, ... The j-th column of
 * the Jacobian is the tangent of the residuals when b_j alone moves: forward mode. The second derivative along a step is the tangent of
 * the tangent. The iteration is GSL's Levenberg-Marquardt.
 * Exit status 0: every parameter agrees with its certified value to six digits, from either start.
 */
#include "dat.h"

#include <keisan/keisan.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SIX_DIGITS      1e-6
#define TOLERANCE       1e-14 /* of steps and gradient: on until doubles end */
#define OVERFLOWN       1e100 /* beyond any residual of a step worth taking */
#define MOST_ITERATIONS 20000

/* In NIST's order: from lower to higher difficulty. */
static const struct {
    const char *problem, *model;
} problems[] = {
    {"Misra1a", "exponential_rise"},
    {"Chwirut2", "exponential_over_linear"},
    {"Chwirut1", "exponential_over_linear"},
    {"Lanczos3", "three_exponentials"},
    {"Gauss1", "gaussians"},
    {"Gauss2", "gaussians"},
    {"DanWood", "danwood"},
    {"Misra1b", "misra1b"},
    {"Kirby2", "quadratic_ratio"},
    {"Hahn1", "cubic_ratio"},
    {"Nelson", "nelson"},
    {"MGH17", "mgh17"},
    {"Lanczos1", "three_exponentials"},
    {"Lanczos2", "three_exponentials"},
    {"Gauss3", "gaussians"},
    {"Misra1c", "misra1c"},
    {"Misra1d", "misra1d"},
    {"Roszman1", "roszman1"},
    {"ENSO", "enso"},
    {"MGH09", "mgh09"},
    {"Thurber", "cubic_ratio"},
    {"BoxBOD", "exponential_rise"},
    {"Rat42", "logistic"},
    {"MGH10", "mgh10"},
    {"Eckerle4", "eckerle4"},
    {"Rat43", "richards"},
    {"Bennett5", "bennett5"},
};

/* ---- residuals and Jacobian ---------------------------------------------------------------------------- */

typedef struct model {
    ks_graph *graph;
    ks_node *b[DAT_PARAMETERS];
    ks_node *residual;
    ks_node *column[DAT_PARAMETERS];   /* of the Jacobian */
    ks_node *v[DAT_PARAMETERS], *bend; /* the second derivative of the residuals in the direction v */
    int parameters, observations;
} model;

static bool load(model *m, const char *path, const dat *d, char *error, size_t room)
{
    ks_failure failure = {0};
    ks_node *one;
    m->graph = ks_load(path, NULL, &failure);
    if (!m->graph) {
        snprintf(error, room, "%s", failure.message);
        return false;
    }
    m->parameters = d->parameters;
    m->observations = d->observations;
    for (int c = 0; c < d->columns; c++)
        ks_feed(ks_find(m->graph, d->column[c]), KS_F64, KS_SHAPE(d->observations), d->data[c]);
    m->residual = ks_output_find(m->graph, "residual");
    one = ks_number(m->graph, 1);
    for (int j = 0; j < d->parameters; j++) {
        char name[16];
        snprintf(name, sizeof name, "b%d", j + 1);
        m->b[j] = ks_find(m->graph, name);
        m->column[j] = ks_jvp(m->residual, &m->b[j], &one, 1);
        snprintf(name, sizeof name, "v%d", j + 1);
        m->v[j] = ks_input(m->graph, name, KS_F64, KS_SCALAR);
    }
    m->bend = ks_jvp(ks_jvp(m->residual, m->b, m->v, d->parameters), m->b, m->v, d->parameters);
    if (!ks_error(m->graph))
        return true;
    snprintf(error, room, "%s: %s", path, ks_error(m->graph)->message);
    return false;
}

static bool set(model *m, const gsl_vector *b)
{
    bool good = true;
    for (int j = 0; j < m->parameters; j++)
        good = good && ks_set(m->b[j], KS_F64, &(double){gsl_vector_get(b, (size_t)j)});
    return good;
}

/*
 * A step too far can overflow. GSL refuses it for the size of its residuals, if that is a number: so what is none becomes very large.
 */
static int residuals(const gsl_vector *b, void *payload, gsl_vector *f)
{
    model *m = payload;
    if (!set(m, b) || !ks_read(m->residual, KS_F64, f->data, m->observations))
        return GSL_EFAILED;
    for (size_t i = 0; i < f->size; i++)
        if (!(fabs(f->data[i]) < OVERFLOWN))
            f->data[i] = OVERFLOWN;
    return GSL_SUCCESS;
}

static int jacobian(const gsl_vector *b, void *payload, gsl_matrix *out)
{
    model *m = payload;
    if (!set(m, b) || !ks_eval_all(m->column, m->parameters))
        return GSL_EFAILED;
    for (int j = 0; j < m->parameters; j++) {
        const double *column = ks_value(m->column[j]);
        for (int i = 0; i < m->observations; i++)
            gsl_matrix_set(out, (size_t)i, (size_t)j, column[i]);
    }
    return GSL_SUCCESS;
}

static int bend(const gsl_vector *b, const gsl_vector *v, void *payload, gsl_vector *out)
{
    model *m = payload;
    bool good = set(m, b);
    for (int j = 0; j < m->parameters; j++)
        good = good && ks_feed(m->v[j], KS_F64, KS_SCALAR, &(double){gsl_vector_get(v, (size_t)j)});
    return good && ks_read(m->bend, KS_F64, out->data, m->observations) ? GSL_SUCCESS : GSL_EFAILED;
}

/* ---- the fit ------------------------------------------------------------------------------------------- */

typedef struct fit {
    size_t iterations;
    double worst;   /* the largest relative error of a parameter; NaN where one is no number */
    double squares; /* of the residuals, summed */
} fit;

static double worst_error(const gsl_vector *b, const dat *d)
{
    double worst = 0;
    for (int j = 0; j < d->parameters; j++) {
        double error = fabs(gsl_vector_get(b, (size_t)j) / d->certified[j] - 1);
        worst = error > worst || isnan(error) ? error : worst;
    }
    return worst;
}

/*
 * False: out of memory, or the model could not be computed. Each step is bent along the curve of the residuals (geodesic acceleration), and
 * refused where the bend is beyond a quarter of it: without, BoxBOD's first start is left for a plain on which a parameter has no
 * influence, and with GSL's three quarters so is Rat43's.
 */
static bool solve(model *m, const dat *d, int start, fit *out)
{
    size_t n = (size_t)d->observations, p = (size_t)d->parameters;
    gsl_multifit_nlinear_parameters options = gsl_multifit_nlinear_default_parameters();
    options.trs = gsl_multifit_nlinear_trs_lmaccel;
    options.avmax = 0.25;
    gsl_multifit_nlinear_fdf system = {.f = residuals, .df = jacobian, .fvv = bend, .n = n, .p = p, .params = m};
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &options, n, p);
    if (!w)
        return false;
    gsl_vector_const_view b = gsl_vector_const_view_array(d->start[start], p);
    int info;
    if (gsl_multifit_nlinear_init(&b.vector, &system, w) == GSL_SUCCESS)
        gsl_multifit_nlinear_driver(MOST_ITERATIONS, TOLERANCE, TOLERANCE, 0, NULL, NULL, &info, w);
    *out = (fit){.iterations = gsl_multifit_nlinear_niter(w), .worst = worst_error(gsl_multifit_nlinear_position(w), d)};
    gsl_blas_ddot(gsl_multifit_nlinear_residual(w), gsl_multifit_nlinear_residual(w), &out->squares);
    gsl_multifit_nlinear_free(w);
    return !ks_error(m->graph);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

static void print_head(void)
{
    printf("%-8s %-7s %4s %4s | %7s %7s | %7s %7s | %16s %16s\n", "problem", "level", "obs.", "par.", "start 1", "error", "start 2",
           "error", "sum of squares", "certified");
}

/* A line of the table. Whether both starts arrive. */
static bool report(const dat *d, const fit fits[2])
{
    bool met = fits[0].worst <= SIX_DIGITS && fits[1].worst <= SIX_DIGITS;
    printf("%-8s %-7s %4d %4d", d->name, d->difficulty, d->observations, d->parameters);
    for (int start = 0; start < 2; start++)
        printf(" | %7zu %7.1e", fits[start].iterations, fits[start].worst);
    printf(" | %16.10e %16.10e%s\n", fits[1].squares, d->squares, met ? "" : "  MISSED");
    return met;
}

static bool fit_problem(const char *models, const char *data, const char *problem, const char *name)
{
    char path[1024], error[2048] = "";
    dat d;
    model m = {0};
    fit fits[2] = {0};
    snprintf(path, sizeof path, "%s/%s.dat", data, problem);
    bool good = dat_read(path, &d, error, sizeof error);
    snprintf(path, sizeof path, "%s/%s.json", models, name);
    good = good && load(&m, path, &d, error, sizeof error);
    for (int start = 0; good && start < 2; start++) {
        good = solve(&m, &d, start, &fits[start]);
        if (!good)
            snprintf(error, sizeof error, "%s, start %d: %s", problem, start + 1,
                     ks_error(m.graph) ? ks_error(m.graph)->message : "no memory for the fit");
    }
    if (!good)
        fprintf(stderr, "nist: %s\n", error);
    good = good && report(&d, fits);
    ks_graph_free(m.graph);
    dat_free(&d);
    return good;
}

static bool asked_for(const char *problem, int argc, char **argv)
{
    for (int i = 3; i < argc; i++)
        if (!strcmp(argv[i], problem))
            return true;
    return argc <= 3;
}

int main(int argc, char **argv)
{
    const char *models = argc > 1 ? argv[1] : "examples/nist", *data = argc > 2 ? argv[2] : "data/nist";
    int met = 0, missed = 0;
    gsl_set_error_handler_off();
    print_head();
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        if (!asked_for(problems[i].problem, argc, argv))
            continue;
        bool good = fit_problem(models, data, problems[i].problem, problems[i].model);
        met += good;
        missed += !good;
    }
    printf("%d passed, %d failed\n", met, missed);
    return missed > 0 || met == 0;
}
