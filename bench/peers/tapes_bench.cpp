// The scalar chain, y = tanh(1.01 y + 0.01) 3,334 times in f64, by tools that overload operators, and by hand.
//   scalar_chain       the input changes: ADOL-C reads its old tape again; by hand is the limit
//   scalar_chain_anew  a constant changes: ADOL-C writes a new tape; Sacado always does
// usage: tapes_bench [--seconds S] CASE...    exit 1 when the gradients disagree
#include "measure.hpp"

#include <adolc/adolc.h>
#include <Sacado_trad.hpp>

#include <cmath>

static const int chain = 3334;
static const short tape = 1;

struct answer {
    double value, gradient;
};

static void write_tape(double x, double factor)
{
    double value;
    trace_on(tape);
    adouble y;
    y <<= x;
    for (int i = 0; i < chain; i++)
        y = tanh(y * factor + 0.01);
    y >>= value;
    trace_off();
}

// Forward and reverse over the tape that is there.
static answer read_tape(double x)
{
    answer out;
    function(tape, 1, 1, &x, &out.value);
    gradient(tape, 1, &x, &out.gradient);
    return out;
}

static answer by_new_tape(double x, double factor)
{
    answer out = {0, 0};
    write_tape(x, factor);
    gradient(tape, 1, &x, &out.gradient);
    return out;
}

static answer by_sacado(double start, double factor)
{
    Sacado::Rad::ADvar<double> x = start, y = x;
    for (int i = 0; i < chain; i++)
        y = tanh(y * factor + 0.01);
    Sacado::Rad::ADvar<double>::Gradcomp();
    return {y.val(), x.adj()};
}

static answer by_hand(double x, double factor)
{
    static double t[chain];
    double y = x, g = 1;
    for (int i = 0; i < chain; i++)
        t[i] = y = std::tanh(y * factor + 0.01);
    for (int i = chain; i-- > 0;)
        g *= (1 - t[i] * t[i]) * factor;
    return {y, g};
}

static bool agree(double a, double b)
{
    return std::fabs(a - b) <= 1e-9 * std::fmax(std::fabs(a), std::fabs(b));
}

static double next(double x, double from, double to)
{
    return x > to ? from : x + 1e-6;
}

int main(int argc, char **argv)
{
    auto given = measure::read(argc, argv);
    double hand = by_hand(0.5, 1.01).gradient, with_new = by_new_tape(0.5, 1.01).gradient, with_old = read_tape(0.5).gradient,
           with_sacado = by_sacado(0.5, 1.01).gradient;
    if (!agree(hand, with_new) || !agree(hand, with_old) || !agree(hand, with_sacado)) {
        std::fprintf(stderr, "tapes_bench: the gradients disagree: %g %g %g %g\n", hand, with_new, with_old, with_sacado);
        return 1;
    }
    for (const auto &name : given.cases) {
        double x = 0.5, factor = 1.01;
        if (name == "scalar_chain") {
            // gradient() runs forward for the new input, then backward.
            double g;
            measure::report(given, name, "ADOL-C, old tape", [&] { x = next(x, 0.5, 0.9), gradient(tape, 1, &x, &g); });
            measure::report(given, name, "Sacado", [&] { x = next(x, 0.5, 0.9), by_sacado(x, 1.01); });
            measure::report(given, name, "by hand", [&] { x = next(x, 0.5, 0.9), by_hand(x, 1.01); });
        } else if (name == "scalar_chain_anew") {
            measure::report(given, name, "ADOL-C, new tape", [&] { factor = next(factor, 1.01, 1.02), by_new_tape(0.5, factor); });
            measure::report(given, name, "Sacado", [&] { factor = next(factor, 1.01, 1.02), by_sacado(0.5, factor); });
            measure::report(given, name, "by hand", [&] { factor = next(factor, 1.01, 1.02), by_hand(0.5, factor); });
        } else {
            std::fprintf(stderr, "tapes_bench: no case '%s'\n", name.c_str());
            return 2;
        }
    }
    return 0;
}
