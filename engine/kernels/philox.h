/*
 * engine/kernels/philox.h - random numbers from a counter: Philox 4x32-10.
 *
 * A number is a function of seed, stream, step and position and of nothing that came before it, so any thread may draw any part and
 * a run that is resumed draws what it would have drawn. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011. The seed is the key; stream, step and position are mixed into the four counter words.
 */
#ifndef KS_KERNELS_PHILOX_H
#define KS_KERNELS_PHILOX_H

#include <stdint.h>
#include <math.h>

#include "engine/kernels/isa.h"

static KS_INLINE void ks__philox_round(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
    const uint32_t c0 = (uint32_t)(b >> 32) ^ c[1] ^ k0, c2 = (uint32_t)(a >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)b;
    c[3] = (uint32_t)a;
    c[0] = c0;
    c[2] = c2;
}

/* The ten rounds over four counter words and two key words, as the paper defines them. Written out: a loop around them that draws for
 * many positions can then go by vectors. */
static KS_INLINE void ks__philox_rounds(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    const uint32_t w0 = 0x9E3779B9u, w1 = 0xBB67AE85u;
    ks__philox_round(c, k0, k1);
    ks__philox_round(c, k0 + w0, k1 + w1);
    ks__philox_round(c, k0 + 2 * w0, k1 + 2 * w1);
    ks__philox_round(c, k0 + 3 * w0, k1 + 3 * w1);
    ks__philox_round(c, k0 + 4 * w0, k1 + 4 * w1);
    ks__philox_round(c, k0 + 5 * w0, k1 + 5 * w1);
    ks__philox_round(c, k0 + 6 * w0, k1 + 6 * w1);
    ks__philox_round(c, k0 + 7 * w0, k1 + 7 * w1);
    ks__philox_round(c, k0 + 8 * w0, k1 + 8 * w1);
    ks__philox_round(c, k0 + 9 * w0, k1 + 9 * w1);
}

/* A bijection that spreads every bit over all others (the finaliser of splitmix64, Steele, Lea, Flood 2014). */
static KS_INLINE uint64_t ks__mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Four random words for a position: key from the seed, counter from the position and from stream and step, mixed. */
static KS_INLINE void ks__philox(uint64_t seed, uint64_t stream, uint64_t step, uint64_t position, uint32_t out[4])
{
    uint64_t where = ks__mix(stream + 0x9e3779b97f4a7c15u) ^ ks__mix(step * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u);
    out[0] = (uint32_t)position;
    out[1] = (uint32_t)(position >> 32);
    out[2] = (uint32_t)where;
    out[3] = (uint32_t)(where >> 32);
    ks__philox_rounds(out, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/* Uniform in [0, 1) with 53 bits. */
static KS_INLINE double ks__uniform_f64(uint32_t low, uint32_t high)
{
    return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

/* Uniform in [0, 1) with 24 bits. */
static KS_INLINE float ks__uniform_f32(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* A standard normal from two uniforms in [0, 1): Box and Muller 1958, with 1 - u so that the logarithm is of no zero. */
static inline double ks__normal_f64(double u, double v)
{
    return sqrt(-2 * log(1 - u)) * cos(6.283185307179586476925 * v);
}

#endif
