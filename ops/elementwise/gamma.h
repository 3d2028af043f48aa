/*
 * ops/elementwise/gamma.h - the derivatives of the logarithm of the gamma function, one number at a time.
 */
#ifndef KS_OPS_ELEMENTWISE_GAMMA_H
#define KS_OPS_ELEMENTWISE_GAMMA_H

/* The first derivative. */
double ks__digamma(double x);

/* The n-th derivative of digamma, n from 0 to 150. */
double ks__polygamma(int n, double x);

#endif
