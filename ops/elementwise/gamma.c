/*
 * ops/elementwise/gamma.c - digamma and polygamma by their asymptotic series: arguments are first brought up to where these converge.
 *
 * The formulas are those of Abramowitz and Stegun, 6.3 and 6.4; the Hurwitz zeta function is summed by Euler and Maclaurin's rule.
 */
#include "ops/elementwise/gamma.h"

#include <math.h>

#define PI 3.14159265358979323846

/* Below 0 by reflection, psi(1 - x) - pi / tan(pi x), the angle taken from the nearest whole number, which is exact. */
double ks__digamma(double x)
{
    double sum = 0;
    if (x == 0)
        return copysign((double)INFINITY, -x);
    if (x < 0) {
        double rest = x - rint(x);
        if (!(rest != 0))
            return (double)NAN;
        sum = -PI / tan(PI * rest);
        x = 1 - x;
    }
    for (; x < 10; x++)
        sum -= 1 / x;
    /* the Bernoulli numbers B_2k / 2k */
    static const double series[] = {-1.0 / 12, 691.0 / 32760, -1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12};
    double z = 1 / (x * x), p = series[0];
    for (int k = 1; k < 7; k++)
        p = p * z + series[k];
    return sum + (log(x) - 0.5 / x + z * p);
}

/* The sum of (x + k)^-s over k = 0, 1, ..., for a whole s > 1 and an x that is no whole number <= 0, and not far below 0. */
static double zeta(double s, double x)
{
    double sum = 0;
    if (x == (double)INFINITY)
        return 0;
    for (; x < 10 + s; x++)
        sum += pow(x, -s);
    /* B_2k / (2k)! */
    static const double series[] = {1.0 / 12,         -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000,
                                    1.0 / 74724249600};
    double power = pow(x, -s), term = power * s / x;
    sum += power * (x / (s - 1) + 0.5);
    for (int k = 0; k < 7; k++) {
        sum += series[k] * term;
        term *= (s + 2 * k + 1) * (s + 2 * k + 2) / (x * x);
    }
    return sum;
}

/* Far below 0 the terms on either side of it are summed apart, the nearer ones as differences of two sums. */
static double zeta_anywhere(int s, double x)
{
    double whole = floor(x), sign = s % 2 ? -1 : 1;
    if (x == whole && x <= 0)
        return sign > 0 && x > -(double)INFINITY ? (double)INFINITY : (double)NAN;
    if (!(x < -20))
        return zeta(s, x);
    double rest = x - whole;
    return zeta(s, rest) + sign * (zeta(s, 1 - rest) - zeta(s, 1 - x));
}

double ks__polygamma(int n, double x)
{
    if (n == 0)
        return ks__digamma(x);
    double factorial = n % 2 ? 1 : -1;
    for (int k = 2; k <= n; k++)
        factorial *= k;
    return factorial * zeta_anywhere(n + 1, x);
}
