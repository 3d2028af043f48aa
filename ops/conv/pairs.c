/*
 * ops/conv/pairs.c - max pooling over windows of 2 by 2 that lie side by side, which most networks have.
 *
 * Vectors of windows: the elements of two rows are parted into left and right ones, compared, and selected by masks, without a branch. The
 * last vector of a row may overlap the one before: what both write is the same.
 */
#include "ops/conv/pool.h"
#include "engine/kernels/isa.h"

/* Two vectors in turn, parted into the elements at even and at odd places; and the other way round. */
#define EVEN_2 0, 2
#define ODD_2  1, 3
#define LOW_2  0, 2
#define HIGH_2 1, 3
#define EVEN_4 0, 2, 4, 6
#define ODD_4  1, 3, 5, 7
#define LOW_4  0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define EVEN_8 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_8  1, 3, 5, 7, 9, 11, 13, 15
#define LOW_8  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15

/*
 * A row of n windows, at least LANES. x is the upper of its two rows, `in` apart; the second half of a vector's windows lies `jump` behind
 * the first. VALUE: y [n] is the greatest; TAKE: y [n] is what stands
 * in u at its place; ADD: u [n] goes to its place in y, where the other places of the window become 0.
 */
#define DEFINE_ROW(S, T, I, LANES)                                                                                                         \
    typedef T S##_##LANES __attribute__((vector_size(LANES * sizeof(T)), aligned(sizeof(T)), may_alias));                                  \
    typedef I S##_mask_##LANES __attribute__((vector_size(LANES * sizeof(T)), aligned(sizeof(T)), may_alias));                             \
    static KS_INLINE S##_##LANES S##_pick_##LANES(S##_mask_##LANES where, S##_##LANES yes, S##_##LANES no)                                 \
    {                                                                                                                                      \
        return (S##_##LANES)(((S##_mask_##LANES)yes & where) | ((S##_mask_##LANES)no & ~where));                                           \
    }                                                                                                                                      \
    /* Where the second is greater, or is the first NaN. */                                                                                \
    static KS_INLINE S##_mask_##LANES S##_wins_##LANES(S##_##LANES first, S##_##LANES second)                                              \
    {                                                                                                                                      \
        return (second > first) | ((second != second) & (first == first));                                                                 \
    }                                                                                                                                      \
    static KS_INLINE void S##_part_##LANES(const T *row, int64_t jump, S##_##LANES *even, S##_##LANES *odd)                                \
    {                                                                                                                                      \
        S##_##LANES one = *(const S##_##LANES *)row, two = *(const S##_##LANES *)(row + jump);                                             \
        *even = __builtin_shufflevector(one, two, EVEN_##LANES);                                                                           \
        *odd = __builtin_shufflevector(one, two, ODD_##LANES);                                                                             \
    }                                                                                                                                      \
    static KS_INLINE void S##_join_##LANES(S##_##LANES even, S##_##LANES odd, T *row, int64_t jump)                                        \
    {                                                                                                                                      \
        *(S##_##LANES *)row = __builtin_shufflevector(even, odd, LOW_##LANES);                                                             \
        *(S##_##LANES *)(row + jump) = __builtin_shufflevector(even, odd, HIGH_##LANES);                                                   \
    }                                                                                                                                      \
    static KS_INLINE void S##_row_##LANES(ks__pool_act what, int64_t n, int64_t in, int64_t jump, const T *x, const T *u, T *y)            \
    {                                                                                                                                      \
        for (int64_t k = 0; k < n; k += LANES) {                                                                                           \
            int64_t o = k < n - LANES ? k : n - LANES;                                                                                     \
            S##_##LANES a, b, c, d, zero = {0};                                                                                            \
            S##_part_##LANES(x + 2 * o, jump, &a, &b);                                                                                     \
            S##_part_##LANES(x + in + 2 * o, jump, &c, &d);                                                                                \
            S##_mask_##LANES right = S##_wins_##LANES(a, b), down = S##_wins_##LANES(c, d);                                                \
            S##_mask_##LANES below = S##_wins_##LANES(S##_pick_##LANES(right, b, a), S##_pick_##LANES(down, d, c));                        \
            if (what == KS__POOL_ADD) {                                                                                                    \
                S##_##LANES all = *(const S##_##LANES *)(u + o);                                                                           \
                S##_##LANES upper = S##_pick_##LANES(below, zero, all), lower = S##_pick_##LANES(below, all, zero);                        \
                S##_join_##LANES(S##_pick_##LANES(right, zero, upper), S##_pick_##LANES(right, upper, zero), y + 2 * o, jump);             \
                S##_join_##LANES(S##_pick_##LANES(down, zero, lower), S##_pick_##LANES(down, lower, zero), y + in + 2 * o, jump);          \
                continue;                                                                                                                  \
            }                                                                                                                              \
            if (what == KS__POOL_TAKE) {                                                                                                   \
                S##_part_##LANES(u + 2 * o, jump, &a, &b);                                                                                 \
                S##_part_##LANES(u + in + 2 * o, jump, &c, &d);                                                                            \
            }                                                                                                                              \
            *(S##_##LANES *)(y + o) = S##_pick_##LANES(below, S##_pick_##LANES(down, d, c), S##_pick_##LANES(right, b, a));                \
        }                                                                                                                                  \
    }
DEFINE_ROW(f32, float, int32_t, 2)
DEFINE_ROW(f32, float, int32_t, 4)
DEFINE_ROW(f32, float, int32_t, 8)
DEFINE_ROW(f64, double, int64_t, 2)
DEFINE_ROW(f64, double, int64_t, 4)
DEFINE_ROW(f64, double, int64_t, 8)

/* All rows of a plane; where one has two windows, two rows fill a vector. */
#define DEFINE_PLANE(S, T, ACT)                                                                                                            \
    static KS_INLINE void S##_##ACT##_body(int64_t rows, int64_t n, int64_t in, const T *x, const T *u, T *y)                              \
    {                                                                                                                                      \
        int64_t us = KS__POOL_##ACT == KS__POOL_TAKE ? 2 * in : n, ys = KS__POOL_##ACT == KS__POOL_ADD ? 2 * in : n;                       \
        if (n == 2 && rows >= 2) {                                                                                                         \
            for (int64_t k = 0; k < rows; k += 2) {                                                                                        \
                int64_t r = k < rows - 2 ? k : rows - 2;                                                                                   \
                S##_row_4(KS__POOL_##ACT, 4, in, 2 * in, x + 2 * r * in, u + r * us, y + r * ys);                                          \
            }                                                                                                                              \
            return;                                                                                                                        \
        }                                                                                                                                  \
        for (int64_t r = 0; r < rows; r++, x += 2 * in, u += us, y += ys) {                                                                \
            if (n >= 8)                                                                                                                    \
                S##_row_8(KS__POOL_##ACT, n, in, 8, x, u, y);                                                                              \
            else if (n >= 4)                                                                                                               \
                S##_row_4(KS__POOL_##ACT, n, in, 4, x, u, y);                                                                              \
            else                                                                                                                           \
                S##_row_2(KS__POOL_##ACT, n, in, 2, x, u, y);                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, S##_##ACT, (int64_t rows, int64_t n, int64_t in, const T *x, const T *u, T *y), (rows, n, in, x, u, y))
DEFINE_PLANE(f32, float, VALUE)
DEFINE_PLANE(f32, float, ADD)
DEFINE_PLANE(f32, float, TAKE)
DEFINE_PLANE(f64, double, VALUE)
DEFINE_PLANE(f64, double, ADD)
DEFINE_PLANE(f64, double, TAKE)

bool ks__pool_are_pairs(const ks__pooling *j)
{
    const ks__window *w = &j->window;
    for (int a = 1; a < 3; a++) {
        if (w->kernel[a] != 2 || w->stride[a] != 2 || w->dilation[a] != 1 || w->before[a] || w->in[a] < 2 * w->out[a])
            return false;
    }
    return !j->adaptive && w->in[0] == 1 && w->kernel[0] == 1 && w->out[2] >= 2;
}

#define DEFINE_PAIRS(S, T)                                                                                                                 \
    static void pairs_##S(const ks__pooling *j, ks__pool_act what, int64_t plane)                                                          \
    {                                                                                                                                      \
        static void (*const run[][KS_ISAS])(int64_t, int64_t, int64_t, const T *, const T *, T *) = {KS_PICK(S##_VALUE), KS_PICK(S##_ADD), \
                                                                                                     KS_PICK(S##_TAKE)};                   \
        const ks__window *w = &j->window;                                                                                                  \
        int64_t us = what == KS__POOL_ADD ? j->outs : j->ins, ys = what == KS__POOL_ADD ? j->ins : j->outs;                                \
        T *y = (T *)j->call->out->data + plane * ys;                                                                                       \
        if (what == KS__POOL_ADD && j->ins > 4 * j->outs) /* a last row or column that no window sees */                                   \
            memset(y, 0, (size_t)j->ins * sizeof *y);                                                                                      \
        run[what][j->call->isa](w->out[1], w->out[2], w->in[2], (const T *)j->x + plane * j->ins, (const T *)j->u + plane * us, y);        \
    }
DEFINE_PAIRS(f32, float)
DEFINE_PAIRS(f64, double)

void ks__pool_pairs(const ks__pooling *j, ks__pool_act what, int64_t plane)
{
    if (j->call->out->dtype == KS_F32)
        pairs_f32(j, what, plane);
    else
        pairs_f64(j, what, plane);
}
